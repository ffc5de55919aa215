#include "cli/init/plan.h"

#include "base/must.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

struct making {
	const struct ixf *ixf;
	const struct peeringdb *db;
	const struct plan_ask *ask;
	const char *ixp; /* the one that is chosen */
	size_t elsewhere;
	size_t no_peers; /* addresses that do not peer with the route server */
	struct plan *plan;
};

/* ---- which IXP ---------------------------------------------------------- */

static const char *name_of(const struct ixf *x, const char *ixp)
{
	for (size_t i = 0; i < x->n_ixp; i++)
		if (!strcmp(x->ixp[i].id, ixp))
			return x->ixp[i].name;
	return "";
}

/* Distinct IXPs at which members have addresses, as "1 (NAME), 2 (NAME)". */
static size_t list_ixps(
    const struct ixf *x, char *buf, size_t cap, const char **ret_first)
{
	const char *seen[32];
	size_t n = 0;

	buf[0] = 0;
	for (size_t i = 0; i < x->n_member; i++) {
		for (size_t k = 0; k < x->member[i].n_place; k++) {
			const char *id = x->member[i].place[k].ixp;
			size_t s = 0;

			while (s < n && strcmp(seen[s], id) != 0)
				s++;
			if (s < n || n == 32)
				continue;
			seen[n++] = id;
			size_t len = strlen(buf);
			snprintf(buf + len, cap - len, "%s%s%s%s%s",
			    len ? ", " : "", id, *name_of(x, id) ? " (" : "",
			    name_of(x, id), *name_of(x, id) ? ")" : "");
		}
	}
	*ret_first = n ? seen[0] : NULL;
	return n;
}

static void choose_ixp(struct making *m)
{
	char all[1024];
	const char *first;
	size_t n = list_ixps(m->ixf, all, sizeof all, &first);

	if (!n) {
		lines_add(&m->plan->missing,
		    "addresses: none of the list's %zu members has one; they "
		    "stand in connection_list, vlan_list, ipv4 or ipv6",
		    m->ixf->n_member);
		return;
	}
	if (!m->ask->ixp && n > 1) {
		lines_add(&m->plan->missing,
		    "which IXP: the list has several; give --ixp: %s", all);
		return;
	}
	m->ixp = m->ask->ixp ? m->ask->ixp : first;
	for (size_t i = 0; i < m->ixf->n_member; i++)
		for (size_t k = 0; k < m->ixf->member[i].n_place; k++)
			if (!strcmp(m->ixf->member[i].place[k].ixp, m->ixp))
				return;
	lines_add(&m->plan->missing,
	    "no member has an address at IXP %s; there are some at: %s", m->ixp,
	    all);
	m->ixp = NULL;
}

/* ---- the exchange ------------------------------------------------------- */

static void take_name(struct making *m)
{
	const char *name = m->ask->name ? m->ask->name
			   : m->ixp	? name_of(m->ixf, m->ixp)
					: "";
	struct plan *p = m->plan;
	size_t n = 0;

	for (; name[n] && n < sizeof p->name - 1; n++)
		p->name[n] = (unsigned char)name[n] < 0x20 ? ' ' : name[n];
	while (n && name[n] && ((unsigned char)name[n] & 0xc0) == 0x80)
		n--;
	p->name[n] = 0;
	if (!p->name[0])
		lines_add(&p->missing, "the exchange's name; give --name");
}

/* Some lists hold the route servers as members of their own type. */
static void take_route_server(struct making *m)
{
	struct plan *p = m->plan;
	char found[256] = "";
	bool clear = true;

	for (size_t i = 0; m->ixp && i < m->ixf->n_member; i++) {
		const struct ixf_member *x = &m->ixf->member[i];

		for (size_t k = 0; x->is_route_server && k < x->n_place; k++) {
			char addr[IP_TEXT];
			size_t len = strlen(found);

			if (strcmp(x->place[k].ixp, m->ixp) != 0)
				continue;
			snprintf(found + len, sizeof found - len, "%sAS%u %s",
			    len ? ", " : "", x->asn,
			    ip_format(&x->place[k].addr, addr));
			if (!p->asn)
				p->asn = x->asn;
			clear &= p->asn == x->asn;
			for (size_t s = 0; s < p->n_listen; s++)
				clear &= p->listen[s].family !=
					 x->place[k].addr.family;
			if (p->n_listen < CONF_LISTEN)
				p->listen[p->n_listen++] = x->place[k].addr;
		}
	}
	if (found[0] && clear) {
		lines_add(&p->notes,
		    "the route server is the list's own: %s (--asn and "
		    "--listen say otherwise)",
		    found);
		return;
	}
	if (found[0] && !(m->ask->asn && m->ask->n_listen))
		lines_add(&p->missing,
		    "which route server: the list has %s; give --asn and "
		    "--listen",
		    found);
	p->asn = 0;
	p->n_listen = 0;
}

static void take_exchange(struct making *m)
{
	struct plan *p = m->plan;

	take_name(m);
	take_route_server(m);
	if (m->ask->asn)
		p->asn = m->ask->asn;
	if (m->ask->n_listen) {
		memcpy(p->listen, m->ask->listen, sizeof p->listen);
		p->n_listen = m->ask->n_listen;
	}
	if (!p->asn)
		lines_add(
		    &p->missing, "the exchange's own AS number; give --asn");
	if (!p->n_listen)
		lines_add(&p->missing,
		    "the route server's addresses; give --listen, once for "
		    "each");
	if (m->ask->has_router_id) {
		p->router_id = m->ask->router_id;
		return;
	}
	for (size_t i = 0; i < p->n_listen; i++)
		if (p->listen[i].family == FAMILY_IPV4) {
			p->router_id = p->listen[i];
			return;
		}
	lines_add(&p->missing,
	    "the router id; give --router-id, or an IPv4 address with "
	    "--listen");
}

/* Those of the file count when members are in them: some files err. */
static void take_lans(struct making *m)
{
	struct plan *p = m->plan;

	if (m->ask->n_lan) {
		memcpy(p->lan, m->ask->lan, sizeof p->lan);
		p->n_lan = m->ask->n_lan;
		return;
	}
	for (size_t i = 0; m->ixp && i < m->ixf->n_lan; i++)
		if (!strcmp(m->ixf->lan[i].ixp, m->ixp) && p->n_lan < CONF_LANS)
			p->lan[p->n_lan++] = m->ixf->lan[i].prefix;
	if (m->ixp && !p->n_lan)
		lines_add(&p->notes,
		    "the list names no LAN: routes to it are not refused; "
		    "--lan names it");
}

/* ---- members ------------------------------------------------------------ */

static bool in_lan(const struct plan *p, const struct ip *a)
{
	for (size_t i = 0; i < p->n_lan; i++)
		if (prefix_contains(&p->lan[i], a))
			return true;
	return !p->n_lan;
}

static bool can_reach(const struct plan *p, const struct ip *a)
{
	for (size_t i = 0; i < p->n_listen; i++)
		if (p->listen[i].family == a->family)
			return true;
	return !p->n_listen;
}

/* Who has that address already: a member's name, the exchange's, or NULL. */
static const char *taken_by(const struct plan *p, const struct ip *a)
{
	for (size_t i = 0; i < p->n_listen; i++)
		if (ip_eq(&p->listen[i], a))
			return "the exchange";
	for (size_t i = 0; i < p->n_member; i++)
		for (size_t k = 0; k < p->member[i].n_at; k++)
			if (ip_eq(&p->member[i].at[k], a))
				return p->member[i].name;
	return NULL;
}

/* True when the place is to be a session; else it has said why not. */
static bool place_fits(struct making *m, const struct ixf_member *from,
    const struct ixf_place *place)
{
	struct plan *p = m->plan;
	char addr[IP_TEXT];
	const char *why = NULL;

	if (strcmp(place->ixp, m->ixp) != 0) {
		m->elsewhere++;
		return false;
	}
	if (!m->ask->all && place->route_server_said && !place->route_server) {
		m->no_peers++;
		return false;
	}
	const char *taken = taken_by(p, &place->addr);
	if (!can_reach(p, &place->addr))
		why = "the route server has no address of that family";
	else if (!in_lan(p, &place->addr))
		why = "it is outside the LAN";
	if (!why && !taken)
		return true;
	lines_add(&p->notes, "AS%u %s: %s: %s%s: left out", from->asn,
	    from->name, ip_format(&place->addr, addr),
	    why ? why : "the address is already that of ", why ? "" : taken);
	return false;
}

static bool is_set_letter(unsigned char c)
{
	return isalnum(c) || c == '-' || c == '_' || c == ':' || c == '.';
}

/* The first AS-SET of a text as people write it: "RIPE::AS-X AS-Y". */
static void take_as_set(
    struct making *m, struct plan_member *to, const char *text, bool suggested)
{
	char set[CONF_NAME];
	size_t n = 0;

	while (*text == ' ')
		text++;
	for (; is_set_letter((unsigned char)text[n]) && n < sizeof set - 1; n++)
		set[n] = text[n];
	set[n] = 0;
	if (!n || to->as_set[0])
		return;
	if (!strcasestr(set, "as-")) {
		uint32_t asn = (uint32_t)strtoul(set + 2, NULL, 10);

		if (strncasecmp(set, "as", 2) != 0 || asn != to->asn)
			lines_add(&m->plan->notes,
			    "AS%u %s: '%s' is no AS-SET: left out", to->asn,
			    to->name, text);
		return;
	}
	if (text[n + strspn(text + n, " ")])
		lines_add(&m->plan->notes,
		    "AS%u %s: of '%s' only the first AS-SET is taken", to->asn,
		    to->name, text);
	memcpy(to->as_set, set, n + 1);
	to->as_set_suggested = suggested;
}

static void name_member(
    struct plan *p, struct plan_member *to, const char *name)
{
	size_t n = 0;
	bool taken = !name[0];

	for (; name[n] && n < sizeof to->name - 1; n++) {
		unsigned char c = (unsigned char)name[n];

		to->name[n] = c < 0x20 || c == 0x7f ? ' ' : name[n];
	}
	to->name[n] = 0;
	for (size_t i = 0; i < p->n_member; i++)
		taken |=
		    &p->member[i] != to && !strcmp(p->member[i].name, to->name);
	if (taken)
		snprintf(to->name, sizeof to->name, "AS%u", to->asn);
}

/* The block of that ASN; lists may have several entries of one network. */
static struct plan_member *member_for(
    struct plan *p, const struct ixf_member *from)
{
	for (size_t i = 0; i < p->n_member; i++)
		if (p->member[i].asn == from->asn)
			return &p->member[i];
	p->member = realloc(p->member, (p->n_member + 1) * sizeof *p->member);
	must(p->member);
	struct plan_member *to = &p->member[p->n_member++];
	*to = (struct plan_member){.asn = from->asn};
	name_member(p, to, from->name);
	return to;
}

static void add_place(struct making *m, const struct ixf_member *from,
    const struct ixf_place *place)
{
	if (!place_fits(m, from, place))
		return;
	struct plan_member *to = member_for(m->plan, from);
	to->at = realloc(to->at, (to->n_at + 1) * sizeof *to->at);
	must(to->at);
	to->at[to->n_at++] = place->addr;
	m->plan->n_at++;
	uint32_t *max = &to->max_prefix[place->addr.family];
	if (place->max_prefix > *max)
		*max = place->max_prefix;
	take_as_set(m, to, place->as_set, false);
}

/* PeeringDB fills in what the list leaves open. */
static void suggest(struct making *m, struct plan_member *to)
{
	const struct peeringdb_net *net = peeringdb_find(m->db, to->asn);

	if (!net)
		return;
	take_as_set(m, to, net->as_set, true);
	for (unsigned f = 0; f < FAMILY_COUNT; f++) {
		if (to->max_prefix[f] || !net->max_prefix[f])
			continue;
		to->max_prefix[f] = net->max_prefix[f];
		to->suggested[f] = true;
	}
	if (net->never_via_route_servers)
		lines_add(&m->plan->notes,
		    "AS%u %s: says in PeeringDB that its routes never go "
		    "through route servers",
		    to->asn, to->name);
}

static void take_members(struct making *m)
{
	struct plan *p = m->plan;

	for (size_t i = 0; i < m->ixf->n_member; i++) {
		const struct ixf_member *from = &m->ixf->member[i];

		if (from->is_route_server || (p->asn && from->asn == p->asn))
			continue;
		if (!from->n_place)
			lines_add(&p->notes,
			    "AS%u %s: it has no address: left out", from->asn,
			    from->name);
		for (size_t k = 0; k < from->n_place; k++)
			add_place(m, from, &from->place[k]);
	}
	for (size_t i = 0; i < p->n_member; i++)
		suggest(m, &p->member[i]);
	if (m->elsewhere)
		lines_add(&p->notes,
		    "%zu addresses are at other IXPs: left out", m->elsewhere);
	if (m->no_peers)
		lines_add(&p->notes,
		    "%zu addresses do not peer with the route server: left out "
		    "(--all takes them)",
		    m->no_peers);
	if (!p->n_member)
		lines_add(&p->missing, "members: no address is left%s",
		    p->n_lan ? "; is the LAN right (--lan)?" : "");
}

void plan_make(const struct ixf *x, const struct peeringdb *db,
    const struct plan_ask *ask, struct plan *ret)
{
	struct making m = {.ixf = x, .db = db, .ask = ask, .plan = ret};

	*ret = (struct plan){0};
	for (size_t i = 0; i < x->notes.n; i++)
		lines_add(&ret->notes, "%s", x->notes.v[i]);
	choose_ixp(&m);
	take_exchange(&m);
	take_lans(&m);
	if (m.ixp)
		take_members(&m);
}

void plan_free(struct plan *p)
{
	for (size_t i = 0; i < p->n_member; i++)
		free(p->member[i].at);
	free(p->member);
	lines_free(&p->notes);
	lines_free(&p->missing);
	*p = (struct plan){0};
}

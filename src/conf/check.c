/*
 * What no single directive can know: duplicates, addresses outside the LAN,
 * an ASN used twice.  Then the order and the index that the roles rely on.
 */
#include "base/clock.h"
#include "base/hash.h"
#include "conf/internal.h"
#include "conf/words.h"

#include <stdlib.h>
#include <string.h>

/* Keys seen so far -> the index of the first with that key. */
struct seen {
	uint32_t *slot; /* index + 1; 0: free */
	size_t mask;
	uint64_t seed;
};

static bool seen_init(struct seen *s, size_t n)
{
	size_t slots = 16;

	while (slots < n * 2)
		slots *= 2;
	*s = (struct seen){.mask = slots - 1, .seed = clock_seed()};
	s->slot = calloc(slots, sizeof *s->slot);
	return s->slot != NULL;
}

/*
 * The index of an earlier one that equals this, or `index` itself, which is
 * remembered then.
 */
static uint32_t seen_first(struct seen *s, uint32_t index, const void *key,
    size_t n, bool (*equal)(const struct parser *p, uint32_t a, uint32_t b),
    const struct parser *p)
{
	size_t i = hash_bytes(key, n, s->seed) & s->mask;

	for (; s->slot[i]; i = (i + 1) & s->mask)
		if (equal(p, s->slot[i] - 1, index))
			return s->slot[i] - 1;
	s->slot[i] = index + 1;
	return index;
}

static bool same_name(const struct parser *p, uint32_t a, uint32_t b)
{
	return !strcmp(p->conf->member[a].name, p->conf->member[b].name);
}

static bool same_addr(const struct parser *p, uint32_t a, uint32_t b)
{
	return ip_eq(&p->at_pos[a].addr, &p->at_pos[b].addr);
}

static void check_exchange(struct parser *p)
{
	struct conf_exchange *x = &p->conf->exchange;
	uint32_t twice = 2u * x->hold_s;
	struct pos at;
	char hold[32];

	if (!x->present) {
		if (p->meant_exchange)
			return;
		errors_add(p->errors, (struct pos){1, 1},
		    "there is no exchange; expected 'exchange \"NAME\" { ... "
		    "}'");
		return;
	}
	if (scope_value(&p->exchange, "send-hold", &at)) {
		if (x->send_hold_s && x->send_hold_s <= x->hold_s)
			errors_add(p->errors, at,
			    "send-hold is not longer than hold; expected off "
			    "or more than %s (RFC 9687)",
			    seconds_format(x->hold_s, hold, sizeof hold));
	} else {
		x->send_hold_s = (uint16_t)(twice < 480		 ? 480
					    : twice > UINT16_MAX ? UINT16_MAX
								 : twice);
	}
}

static void check_members(struct parser *p)
{
	struct conf *c = p->conf;
	struct pos own_asn;
	bool know_own = scope_value(&p->exchange, "asn", &own_asn);
	struct seen names;

	if (!seen_init(&names, c->n_member)) {
		p->no_mem = true;
		return;
	}
	for (uint32_t i = 0; i < c->n_member; i++) {
		const struct conf_member *m = &c->member[i];
		const struct member_pos *pos = &p->member_pos[i];
		uint32_t first;

		if (pos->asn.line && know_own && m->asn == c->exchange.asn)
			errors_add(p->errors, pos->asn,
			    "AS%u is the exchange's own; expected the "
			    "member's",
			    m->asn);
		if (!pos->name.line)
			continue;
		first = seen_first(
		    &names, i, m->name, strlen(m->name), same_name, p);
		if (first != i)
			errors_add(p->errors, pos->name,
			    "the name \"%s\" is taken by the member of line "
			    "%u; expected another",
			    m->name, p->member_pos[first].open.line);
	}
	free(names.slot);
}

/* One session's address against the exchange's own and its LAN. */
static void check_place(struct parser *p, const struct at_pos *at)
{
	const struct conf_exchange *x = &p->conf->exchange;
	char addr[IP_TEXT];
	char lan[PREFIX_TEXT];
	struct pos unused;
	bool inside = false;
	bool family = false;

	if (scope_value(&p->exchange, "listen", &unused)) {
		for (size_t i = 0; i < x->n_listen; i++) {
			family |= x->listen[i].family == at->addr.family;
			if (ip_eq(&x->listen[i], &at->addr))
				errors_add(p->errors, at->pos,
				    "%s is the exchange's own listen address; "
				    "expected the member's",
				    ip_format(&at->addr, addr));
		}
		if (!family)
			errors_add(p->errors, at->pos,
			    "the exchange does not listen on %s; expected a "
			    "listen address of that family",
			    at->addr.family == FAMILY_IPV4 ? "IPv4" : "IPv6");
	}
	if (!scope_value(&p->exchange, "lan", &unused) || !x->n_lan)
		return;
	for (size_t i = 0; i < x->n_lan; i++)
		inside |= prefix_contains(&x->lan[i], &at->addr);
	if (!inside)
		errors_add(p->errors, at->pos,
		    "%s lies outside the peering LAN; expected an address in "
		    "%s%s",
		    ip_format(&at->addr, addr), prefix_format(&x->lan[0], lan),
		    x->n_lan > 1 ? " or another 'lan'" : "");
}

static void check_addresses(struct parser *p)
{
	struct seen addrs;
	char text[IP_TEXT];

	if (!seen_init(&addrs, p->n_at_pos)) {
		p->no_mem = true;
		return;
	}
	for (uint32_t i = 0; i < p->n_at_pos; i++) {
		const struct at_pos *at = &p->at_pos[i];
		uint32_t first = seen_first(
		    &addrs, i, at->addr.b, sizeof at->addr.b, same_addr, p);

		check_place(p, at);
		if (first != i)
			errors_add(p->errors, at->pos,
			    "%s is taken in line %u; expected each address "
			    "once",
			    ip_format(&at->addr, text),
			    p->at_pos[first].pos.line);
	}
	free(addrs.slot);
}

/* ---- order ------------------------------------------------------------- */

static int by_asn_name(const void *pa, const void *pb)
{
	const struct conf_member *a = pa;
	const struct conf_member *b = pb;

	if (a->asn != b->asn)
		return a->asn < b->asn ? -1 : 1;
	return strcmp(a->name, b->name);
}

struct addr_ref {
	struct ip addr;
	struct conf_ref ref;
};

static int by_addr(const void *pa, const void *pb)
{
	const struct addr_ref *a = pa;
	const struct addr_ref *b = pb;

	return ip_cmp(&a->addr, &b->addr);
}

/* What the policy does with the RPKI unless it says so. */
static void settle_validation(struct conf *c)
{
	struct conf_policy *x = &c->policy;
	enum conf_validation v = x->preset == CONF_PRESET_OPEN
				     ? CONF_VALIDATE_OFF
				     : CONF_VALIDATE_REJECT;

	if (!x->own_rov)
		x->rov = v;
	if (!x->own_aspa)
		x->aspa = v;
	if (!x->own_inform)
		x->inform = x->preset == CONF_PRESET_STRICT;
}

static void order(struct parser *p)
{
	struct conf *c = p->conf;
	struct addr_ref *refs;
	size_t n = 0;

	settle_validation(c);
	if (c->n_member)
		qsort(c->member, c->n_member, sizeof *c->member, by_asn_name);
	refs = calloc(p->n_at_pos + 1, sizeof *refs);
	c->by_addr = calloc(p->n_at_pos + 1, sizeof *c->by_addr);
	if (!refs || !c->by_addr) {
		free(refs);
		p->no_mem = true;
		return;
	}
	for (uint32_t i = 0; i < c->n_member; i++) {
		struct conf_member *m = &c->member[i];

		if (!m->own_hold)
			m->hold_s = c->exchange.hold_s;
		if (!m->own_unknown)
			m->unknown = c->policy.unknown;
		if (!m->own_strict_role)
			m->strict_role = c->exchange.strict_role;
		for (uint32_t k = 0; k < m->n_at; k++)
			refs[n++] = (struct addr_ref){
			    .addr = m->at[k].addr, .ref = {i, k}};
	}
	if (n)
		qsort(refs, n, sizeof *refs, by_addr);
	for (size_t i = 0; i < n; i++)
		c->by_addr[i] = refs[i].ref;
	c->n_at = n;
	free(refs);
}

/* Each instance has its part of the sessions' numbers. */
static void check_instances(struct parser *p)
{
	const struct conf_exchange *x = &p->conf->exchange;
	uint32_t n[CONF_SESSIONS] = {0};
	uint32_t most = CONF_MEMBERS / (x->sessions ? x->sessions : 1u);

	if (x->sessions < 2 || x->sessions > CONF_SESSIONS)
		return;
	for (uint32_t i = 0; i < p->n_at_pos; i++)
		if (++n[conf_instance(&p->at_pos[i].addr, x->sessions)] ==
		    most + 1)
			errors_add(p->errors, p->at_pos[i].pos,
			    "too many sessions for one of %u session "
			    "instances; expected at most %u, or a smaller "
			    "'session-instances'",
			    x->sessions, most);
}

void conf_check(struct parser *p)
{
	if (!p->conf->policy.present)
		conf_defaults(block_named("policy"), &p->conf->policy);
	check_exchange(p);
	check_members(p);
	check_addresses(p);
	cache_check(p);
	station_check(p);
	check_instances(p);
	if (!p->errors->n && !p->no_mem)
		order(p);
}

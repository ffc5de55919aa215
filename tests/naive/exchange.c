#include "exchange.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	MAX_PEERS = 256,
	ONE_OUT = 140000 /* bytes that one route may need on its way out */
};

#define GRACEFUL_SHUTDOWN 0xffff0000u /* RFC 8326 */
#define LLGR_STALE 0xffff0006u	      /* RFC 9494 */
#define NO_LLGR 0xffff0007u

struct route {
	uint32_t peer; /* index of its source */
	struct prefix prefix;
	uint64_t path_id; /* 0: none was sent, else one more than it is */
	uint8_t *wire;
	size_t n_wire;
	uint8_t next_hop[32];
	uint8_t next_hop_len;
	bool stale;	  /* its session restarts */
	bool long_lived;  /* stale beyond the restart time (RFC 9494) */
	bool refused;	  /* by the policy, once put in order */
	bool malformed;	  /* treated as withdrawn, kept to be shown */
	bool unconfirmed; /* in a route refresh, not yet sent again */
};

struct peer {
	struct feed_up as;
	bool up;
	uint64_t stale_until;	       /* 0: nothing is stale */
	bool told[FAMILY_COUNT];       /* it has sent its End-of-RIB */
	bool refreshing[FAMILY_COUNT]; /* between BoRR and EoRR */
};

struct naive {
	const struct conf *c;
	const struct naive_proof *proof;
	struct peer peer[MAX_PEERS];
	uint32_t n_peer;
	struct route *route;
	size_t n_route;
	struct route **all;   /* the accepted ones, by prefix */
	struct route **order; /* what put_in_order() made of them */
	size_t n_order;
	size_t cap; /* of route, all and order */
	bool ordered;
	struct arena arena;
	struct naive_has *out;
	size_t n_out;
	size_t cap_out;
	uint8_t *bytes; /* what out points to */
	size_t n_bytes;
	size_t cap_bytes;
	struct naive_seen seen;
};

static void *grown(void *p, size_t n, size_t each)
{
	p = realloc(p, n * each);
	must(p);
	return p;
}

struct naive *naive_new(const struct conf *c)
{
	struct naive *n = calloc(1, sizeof *n);

	static const struct naive_proof none;

	must(n);
	n->c = c;
	n->proof = &none;
	arena_init(&n->arena, 1 << 20);
	return n;
}

static void drop(struct naive *n, size_t i)
{
	n->ordered = false;
	free(n->route[i].wire);
	n->route[i] = n->route[--n->n_route];
}

void naive_forget(struct naive *n)
{
	while (n->n_route)
		drop(n, 0);
	memset(n->peer, 0, sizeof n->peer);
	n->n_peer = 0;
}

const struct naive_seen *naive_seen(const struct naive *n)
{
	return &n->seen;
}

void naive_free(struct naive *n)
{
	if (!n)
		return;
	naive_forget(n);
	arena_done(&n->arena);
	free(n->route);
	free(n->all);
	free(n->order);
	free(n->out);
	free(n->bytes);
	free(n);
}

void naive_reload(struct naive *n, const struct conf *c)
{
	n->ordered = false;
	n->c = c;
}

void naive_prove(struct naive *n, const struct naive_proof *p)
{
	n->ordered = false;
	n->proof = p;
}

static uint32_t find_peer(struct naive *n, const struct ip *addr)
{
	for (uint32_t i = 0; i < n->n_peer; i++)
		if (ip_eq(&n->peer[i].as.peer, addr))
			return i;
	must(n->n_peer < MAX_PEERS);
	n->peer[n->n_peer].as.peer = *addr;
	return n->n_peer++;
}

/* Drops the peer's routes of the families; stale_only: only stale ones. */
static void drop_all(
    struct naive *n, uint32_t peer, unsigned families, bool stale_only)
{
	for (size_t i = 0; i < n->n_route;) {
		struct route *r = &n->route[i];

		if (r->peer == peer &&
		    families & BGP_FAMILY(r->prefix.addr.family) &&
		    (r->stale || !stale_only))
			drop(n, i);
		else
			i++;
	}
}

static struct bytes wire_of(const struct route *r)
{
	return (struct bytes){r->wire, r->n_wire};
}

static bool has(const struct route *r, uint32_t community)
{
	return naive_has_community(wire_of(r), community);
}

/* ---- sessions ----------------------------------------------------------- */

enum {
	BOTH = BGP_FAMILY(FAMILY_IPV4) | BGP_FAMILY(FAMILY_IPV6)
};

/* RFC 4724 s4.2: what may stay stale is what the new OPEN vouches for. */
void naive_up(struct naive *n, const struct feed_up *up, uint64_t now_ns)
{
	uint32_t i = find_peer(n, &up->peer);
	struct peer *p = &n->peer[i];
	unsigned kept = 0;

	n->ordered = false;
	if (up->open.gr)
		kept = up->open.gr_families & up->open.gr_forwarding &
		       up->families;
	if (p->as.id != up->id || p->as.asn != up->asn)
		kept = 0; /* another router */
	drop_all(n, i, BOTH & ~kept, false);
	p->as = *up;
	p->up = true;
	memset(p->told, 0, sizeof p->told);
	memset(p->refreshing, 0, sizeof p->refreshing);
	p->stale_until = now_ns + n->c->exchange.stale_max_s * NS_PER_S;
}

static uint64_t stale_s(const struct naive *n, const struct peer *p, bool ours)
{
	uint64_t most = n->c->exchange.stale_max_s;

	if ((ours && !p->as.open.gr) || p->as.open.gr_time_s > most)
		return most;
	return p->as.open.gr_time_s;
}

static void make_stale(struct naive *n, uint32_t peer, bool ours, uint64_t now)
{
	struct peer *p = &n->peer[peer];

	/* A second restart before the first has ended. */
	drop_all(n, peer, BOTH, true);
	for (size_t k = 0; k < n->n_route; k++)
		if (n->route[k].peer == peer) {
			n->route[k].stale = true;
			n->route[k].unconfirmed = false;
		}
	p->up = false;
	p->stale_until = now + stale_s(n, p, ours) * NS_PER_S;
}

void naive_down(struct naive *n, const struct ip *peer,
    enum feed_down_kind kind, uint64_t now_ns)
{
	uint32_t i = find_peer(n, peer);
	struct peer *p = &n->peer[i];

	if (kind == FEED_DOWN_HARD || !p->as.open.gr ||
	    !n->c->exchange.graceful_restart) {
		p->up = false;
		p->stale_until = 0;
		drop_all(n, i, BOTH, false);
		return;
	}
	drop_all(n, i, BOTH & ~(unsigned)p->as.open.gr_families, false);
	make_stale(n, i, false, now_ns);
}

void naive_lost(struct naive *n, uint64_t now_ns)
{
	n->ordered = false;
	for (uint32_t i = 0; i < n->n_peer; i++)
		if (n->peer[i].up)
			make_stale(n, i, true, now_ns);
}

/* RFC 9494: when the restart time is over, some stay on, ranked last. */
static bool becomes_long_lived(const struct naive *n, const struct route *r)
{
	const struct peer *p = &n->peer[r->peer];
	enum family f = r->prefix.addr.family;

	return !p->up && !r->long_lived && n->c->exchange.llgr_s &&
	       p->as.open.llgr_families & BGP_FAMILY(f) &&
	       p->as.open.llgr_time_s[f] && !has(r, NO_LLGR);
}

static uint64_t long_s(const struct naive *n, const struct route *r)
{
	uint64_t s =
	    n->peer[r->peer].as.open.llgr_time_s[r->prefix.addr.family];

	return s < n->c->exchange.llgr_s ? s : n->c->exchange.llgr_s;
}

static void expire(struct naive *n, uint32_t peer)
{
	uint64_t until = n->peer[peer].stale_until;

	n->peer[peer].stale_until = 0;
	n->ordered = false;
	for (size_t i = 0; i < n->n_route;) {
		struct route *r = &n->route[i];
		uint64_t end = until + long_s(n, r) * NS_PER_S;

		if (r->peer != peer || !r->stale) {
			i++;
		} else if (becomes_long_lived(n, r)) {
			r->long_lived = true;
			n->seen.long_lived++;
			if (n->peer[peer].stale_until < end)
				n->peer[peer].stale_until = end;
			i++;
		} else {
			drop(n, i);
			n->seen.expired++;
		}
	}
}

void naive_tick(struct naive *n, uint64_t now_ns)
{
	for (uint32_t i = 0; i < n->n_peer; i++)
		if (n->peer[i].stale_until &&
		    now_ns >= n->peer[i].stale_until) {
			n->peer[i].stale_until = now_ns;
			expire(n, i);
		}
}

/* RFC 7313 s4. */
void naive_refresh(
    struct naive *n, const struct ip *peer, const struct bgp_refresh *b)
{
	uint32_t i = find_peer(n, peer);
	struct peer *p = &n->peer[i];

	if (!b->subtype || b->family >= FAMILY_COUNT ||
	    (b->subtype == 1 && p->as.open.gr && !p->told[b->family]) ||
	    (b->subtype == 2 && !p->refreshing[b->family]))
		return;
	p->refreshing[b->family] = b->subtype == 1;
	for (size_t k = 0; k < n->n_route;) {
		struct route *r = &n->route[k];

		if (r->peer != i || r->prefix.addr.family != b->family) {
			k++;
		} else if (b->subtype == 1) {
			r->unconfirmed = true;
			k++;
		} else if (r->unconfirmed) {
			drop(n, k);
		} else {
			k++;
		}
	}
}

/* ---- UPDATEs ------------------------------------------------------------ */

static uint64_t path_id(
    const struct naive *n, uint32_t peer, const struct bgp_prefix *p)
{
	if (n->peer[peer].as.add_path_rx & BGP_FAMILY(p->prefix.addr.family))
		return (uint64_t)p->path_id + 1;
	return 0;
}

static void withdraw(struct naive *n, uint32_t peer, const struct bgp_prefix *p)
{
	for (size_t i = 0; i < n->n_route; i++)
		if (n->route[i].peer == peer &&
		    n->route[i].path_id == path_id(n, peer, p) &&
		    prefix_eq(&n->route[i].prefix, &p->prefix)) {
			drop(n, i);
			return;
		}
}

static void announce(struct naive *n, uint32_t peer, const struct bgp_prefix *p,
    const struct bgp_update *u, int run)
{
	struct route *r;

	withdraw(n, peer, p);
	n->ordered = false;
	if (n->n_route == n->cap) {
		n->cap = n->cap ? 2 * n->cap : 1024;
		n->route = grown(n->route, n->cap, sizeof *n->route);
		n->all = grown(n->all, n->cap, sizeof(void *));
		n->order = grown(n->order, n->cap, sizeof(void *));
	}
	r = &n->route[n->n_route++];
	*r = (struct route){
	    .peer = peer,
	    .prefix = p->prefix,
	    .path_id = path_id(n, peer, p),
	    .malformed = u->harm == BGP_WITHDRAW,
	};
	if (r->malformed)
		return;
	r->next_hop_len = u->next_hop_len[run];
	r->n_wire = u->attrs.wire.n;
	r->wire = malloc(u->attrs.wire.n + 1);
	must(r->wire);
	memcpy(r->wire, u->attrs.wire.p, r->n_wire);
	memcpy(r->next_hop, u->next_hop[run], r->next_hop_len);
}

static enum bgp_unknown unknown_of(
    const struct naive *n, const struct feed_up *as)
{
	for (size_t i = 0; i < n->c->n_member; i++) {
		const struct conf_member *m = &n->c->member[i];

		for (size_t k = 0; k < m->n_at; k++)
			if (ip_eq(&m->at[k].addr, &as->peer))
				return m->own_unknown
					   ? (enum bgp_unknown)m->unknown
					   : (enum bgp_unknown)
						 n->c->policy.unknown;
	}
	return (enum bgp_unknown)n->c->policy.unknown;
}

enum bgp_harm naive_update(
    struct naive *n, const struct ip *peer, const void *body, size_t len)
{
	uint32_t p = find_peer(n, peer);
	const struct feed_up *as = &n->peer[p].as;
	struct bgp_rules rules = {
	    .families = as->families,
	    .add_path = as->add_path_rx,
	    .next_hop6 = as->next_hop6,
	    .as4 = as->as4,
	    .unknown = unknown_of(n, as),
	};
	struct bgp_update u;
	struct bgp_prefix x;

	arena_reset(&n->arena);
	bgp_update_parse(rd_from(body, len), &rules, &n->arena, &u);
	if (u.harm == BGP_RESET)
		return u.harm;
	for (int run = 0; run < 2; run++)
		while (bgp_nlri_next(&u.withdrawn[run], &x))
			withdraw(n, p, &x);
	for (int run = 0; run < 2; run++)
		while (bgp_nlri_next(&u.reach[run], &x))
			announce(n, p, &x, &u, run);
	if (u.end_of_rib) {
		n->peer[p].told[u.end_of_rib_family] = true;
		drop_all(n, p, BGP_FAMILY(u.end_of_rib_family), true);
	}
	return u.harm;
}

/* ---- who gets what ------------------------------------------------------ */

static uint32_t number_in(const struct route *r, unsigned code)
{
	struct bytes b = naive_attr(wire_of(r), code);
	uint32_t v = 0;

	for (size_t i = 0; i < b.n; i++)
		v = v << 8 | b.p[i];
	return v;
}

static struct naive_import import_of(
    const struct naive *n, const struct route *r)
{
	const struct feed_up *as = &n->peer[r->peer].as;

	return (struct naive_import){
	    .asn = as->asn,
	    .peer = as->peer,
	    .prefix = r->prefix,
	    .wire = wire_of(r),
	    .next_hop = {r->next_hop, r->next_hop_len},
	};
}

static bool accepted(struct naive *n, const struct route *r)
{
	struct naive_import in = import_of(n, r);

	if (r->malformed)
		return false;
	enum reason why = naive_judge(n->c, n->proof, &in);
	n->seen.refused[why] += why != REASON_NONE;
	return !why;
}

/* -1 when a comes first by what is compared across neighbours. */
static int by_session(
    const struct naive *n, const struct route *a, const struct route *b)
{
	const struct feed_up *x = &n->peer[a->peer].as;
	const struct feed_up *y = &n->peer[b->peer].as;

	if (x->id != y->id)
		return x->id < y->id ? -1 : 1;
	int c = ip_cmp(&x->peer, &y->peer);
	if (c)
		return c;
	return a->path_id < b->path_id ? -1 : a->path_id > b->path_id;
}

static bool llgr_stale(const struct route *r)
{
	return r->long_lived || has(r, LLGR_STALE);
}

/* The steps above MED: no neighbour AS comes into them. */
static int by_merit(const struct route *a, const struct route *b)
{
	const struct bytes x = wire_of(a);
	const struct bytes y = wire_of(b);
	long more[] = {
	    (long)llgr_stale(a) - (long)llgr_stale(b),
	    (long)has(a, GRACEFUL_SHUTDOWN) - (long)has(b, GRACEFUL_SHUTDOWN),
	    (long)naive_path_length(x) - (long)naive_path_length(y),
	    (long)number_in(a, 1) - (long)number_in(b, 1),
	};

	for (size_t i = 0; i < 4; i++)
		if (more[i])
			return more[i] < 0 ? -1 : 1;
	return 0;
}

static bool same_neighbour(const struct route *a, const struct route *b)
{
	uint32_t x = naive_path_first(wire_of(a));

	return x && x == naive_path_first(wire_of(b));
}

/* The first of its neighbour AS's group among those left. */
static bool heads_its_group(const struct naive *n, struct route **left,
    size_t n_left, const struct route *r)
{
	for (size_t i = 0; i < n_left; i++) {
		const struct route *o = left[i];

		if (o == r || by_merit(o, r) || !same_neighbour(o, r))
			continue;
		if (number_in(o, 4) < number_in(r, 4))
			return false;
		if (number_in(o, 4) == number_in(r, 4) &&
		    by_session(n, o, r) < 0)
			return false;
	}
	return true;
}

/* Takes the best one out of those left. */
static struct route *take_best(
    struct naive *n, struct route **left, size_t *n_left)
{
	size_t best = SIZE_MAX;

	for (size_t i = 0; i < *n_left; i++) {
		bool better = best == SIZE_MAX;

		if (!better) {
			int c = by_merit(left[i], left[best]);

			if (c > 0)
				continue;
			better = c < 0;
		}
		if (!heads_its_group(n, left, *n_left, left[i])) {
			n->seen.med++;
			continue;
		}
		if (better || by_session(n, left[i], left[best]) < 0)
			best = i;
	}
	struct route *r = left[best];
	left[best] = left[--*n_left];
	return r;
}

/* One message has to hold it, with room for header, prefix and prepending. */
static bool fits(const struct feed_up *to, const struct route *r)
{
	size_t room = to->extended ? 61440 : 4096;

	return r->n_wire + r->next_hop_len + 128 <= room;
}

/* How many times to prepend, or -1: the client does not get the route. */
static int may_have(struct naive *n, const struct route *r, uint32_t client)
{
	const struct feed_up *to = &n->peer[client].as;
	enum family f = r->prefix.addr.family;

	if (!n->peer[client].up || !(to->families & BGP_FAMILY(f)))
		return -1;
	if (!n->c->policy.present)
		return -1;
	if (r->peer == client)
		return -1;
	if (naive_path_has(wire_of(r), to->asn))
		return n->seen.own_asn++, -1;
	if (f == FAMILY_IPV4 && r->next_hop_len > 4 &&
	    !(to->next_hop6 & BGP_FAMILY(f)))
		return n->seen.no_next_hop++, -1;
	if (llgr_stale(r) && !(to->open.llgr_families & BGP_FAMILY(f)))
		return n->seen.no_llgr++, -1;
	if (!fits(to, r))
		return n->seen.too_long++, -1;
	int wish = naive_wish(n->c->exchange.asn, wire_of(r), to->asn);
	n->seen.denied += wish < 0;
	return wish;
}

static void give(struct naive *n, const struct route *r, int prepend)
{
	static uint8_t rewritten[140000];
	static uint8_t more[140000];
	struct bytes wire = {rewritten, 0};

	if (n->n_out == n->cap_out) {
		n->cap_out = n->cap_out ? 2 * n->cap_out : 1024;
		n->out = grown(n->out, n->cap_out, sizeof *n->out);
	}
	if (n->cap_bytes - n->n_bytes < ONE_OUT) {
		n->cap_bytes = 2 * n->cap_bytes + ONE_OUT;
		n->bytes = grown(n->bytes, n->cap_bytes, 1);
	}
	n->seen.prepended += prepend > 0;
	n->seen.otc += !naive_attr(wire_of(r), 35).n;
	struct naive_import in = import_of(n, r);
	uint32_t told[3];
	naive_told(n->c, n->proof, &in, told);
	n->seen.valid += told[0] == 1;
	n->seen.not_found += told[0] == 2;
	n->seen.unchecked += told[0] == 3;
	n->seen.invalid += told[0] == 4;
	n->seen.no_path += told[2] > 0;
	n->seen.registered += told[1] == 1;
	struct naive_has *h = &n->out[n->n_out];
	wire.n = naive_rewrite(
	    n->c->exchange.asn, wire_of(r), (unsigned)prepend, told, rewritten);
	*h = (struct naive_has){
	    .prefix = r->prefix,
	    .at = n->n_bytes,
	    .next_hop_len = r->next_hop_len,
	};
	if (r->long_lived && !has(r, LLGR_STALE)) {
		wire.n = naive_add_community(wire, LLGR_STALE, more);
		wire.p = more;
	}
	h->n_wire = naive_normal(wire, n->bytes + n->n_bytes);
	memcpy(h->next_hop, r->next_hop, 32);
	n->n_bytes += h->n_wire;
	n->n_out++;
}

static int by_prefix(const void *a, const void *b)
{
	struct route *const *x = a;
	struct route *const *y = b;

	return prefix_cmp(&(*x)->prefix, &(*y)->prefix);
}

/* The accepted routes by prefix, of each prefix the best first. */
static void put_in_order(struct naive *n)
{
	struct route **all = n->all;
	size_t n_all = 0;
	size_t end;

	if (n->ordered)
		return;
	for (size_t i = 0; i < n->n_route; i++) {
		n->route[i].refused = !accepted(n, &n->route[i]);
		if (!n->route[i].refused)
			all[n_all++] = &n->route[i];
	}
	if (n_all)
		qsort(all, n_all, sizeof all[0], by_prefix);
	n->n_order = 0;
	for (size_t i = 0; i < n_all; i = end) {
		for (end = i; end < n_all &&
			      prefix_eq(&all[end]->prefix, &all[i]->prefix);
		     end++)
			;
		for (size_t left = end - i; left;)
			n->order[n->n_order++] = take_best(n, all + i, &left);
	}
	n->ordered = true;
}

size_t naive_table(
    struct naive *n, const struct ip *client, const struct naive_has **ret)
{
	uint32_t to = find_peer(n, client);
	const struct feed_up *as = &n->peer[to].as;
	const struct route *given = NULL;

	put_in_order(n);
	n->n_out = n->n_bytes = 0;
	for (size_t i = 0; i < n->n_order; i++) {
		const struct route *r = n->order[i];
		int prepend = may_have(n, r, to);
		bool again = given && prefix_eq(&given->prefix, &r->prefix);
		bool every =
		    as->add_path_tx & BGP_FAMILY(r->prefix.addr.family);

		if (prepend < 0 || (again && !every))
			continue;
		/* Not the first of its prefix: no path hiding. */
		n->seen.second +=
		    i && !again &&
		    prefix_eq(&n->order[i - 1]->prefix, &r->prefix);
		give(n, r, prepend);
		given = r;
	}
	for (size_t i = 0; i < n->n_out; i++)
		n->out[i].wire = n->bytes + n->out[i].at;
	*ret = n->out;
	return n->n_out;
}

void naive_count(struct naive *n, const struct ip *peer, enum family f,
    size_t *ret_held, size_t *ret_refused)
{
	uint32_t p = find_peer(n, peer);

	put_in_order(n);
	*ret_held = *ret_refused = 0;
	for (size_t i = 0; i < n->n_route; i++) {
		const struct route *r = &n->route[i];

		if (r->peer != p || r->prefix.addr.family != f)
			continue;
		++*ret_held;
		*ret_refused += r->refused;
	}
}

void naive_print(struct naive *n, const struct ip *peer, enum family f)
{
	uint32_t p = find_peer(n, peer);

	for (size_t i = 0; i < n->n_route; i++) {
		const struct route *r = &n->route[i];
		char text[PREFIX_TEXT];

		if (r->peer != p || r->prefix.addr.family != f)
			continue;
		(void)printf("# expected %s %llu%s%s%s\n",
		    prefix_format(&r->prefix, text),
		    (unsigned long long)r->path_id,
		    accepted(n, r) ? "" : " refused", r->stale ? " stale" : "",
		    r->malformed ? " malformed" : "");
	}
}

bool naive_over_limit(struct naive *n, const struct ip *peer)
{
	uint32_t p = find_peer(n, peer);
	size_t held[FAMILY_COUNT] = {0};
	const struct conf_at *at;
	const struct conf_member *m = conf_find(n->c, peer, &at);

	for (size_t i = 0; i < n->n_route; i++)
		if (n->route[i].peer == p)
			held[n->route[i].prefix.addr.family]++;
	for (int f = 0; m && f < FAMILY_COUNT; f++)
		if (m->max_prefix[f] && held[f] > m->max_prefix[f])
			return true;
	return false;
}

/*
 * UPDATEs in: parse, judge, and put the paths into the RIB.
 */
#include "exchange/internal.h"

#include <stdlib.h>

/* Path ids of our own: one for each path that a source can have. */
#define PLAIN_ID(slot) ((slot) + 1)
#define ID_BITS 19u
#define ID_MAX (1u << ID_BITS)
#define BIG_ID_MAX 4096u /* path ids beyond ID_MAX that one peer may use */
#define PATHS_MAX 64u	 /* of one prefix from one ADD-PATH peer */
/* Attributes of one peer, interned: some ten times a full table's. */
#define ATTRS_MAX ((uint64_t)256 << 20)

/*
 * What we send to ADD-PATH clients must be stable and belong to one path:
 * the source's slot, and the id that it gave, which is kept as it is when
 * small and numbered otherwise.  0: the source uses too many.
 */
static uint32_t path_id(struct slot *s, uint32_t slot, uint32_t theirs)
{
	uint32_t i = theirs;

	if (theirs >= ID_MAX) {
		for (i = 0; i < s->n_big_id && s->big_id[i] != theirs; i++)
			;
		if (i == s->n_big_id) {
			if (i == BIG_ID_MAX)
				return 0;
			if (!(i & (i - 1))) {
				uint32_t *more = realloc(
				    s->big_id, (i ? 2 * i : 1) * sizeof *more);

				if (!more)
					return 0;
				s->big_id = more;
			}
			s->big_id[s->n_big_id++] = theirs;
		}
		i += ID_MAX;
	}
	return (i + 2) << 12 | slot; /* never a PLAIN_ID */
}

bool import_their_id(const struct slot *s, uint32_t path_id, uint32_t *ret)
{
	uint32_t i = path_id >> 12;

	if (i < 2) /* a PLAIN_ID */
		return false;
	i -= 2;
	if (i < ID_MAX)
		*ret = i;
	else if (i - ID_MAX < s->n_big_id)
		*ret = s->big_id[i - ID_MAX];
	else
		return false;
	return true;
}

#define NO_SETS                                                                \
	{                                                                      \
		RIB_NONE, RIB_NONE, RIB_NONE, RIB_NONE, RIB_NONE               \
	}

struct route {
	struct exchange *x;
	struct slot *s;
	uint32_t slot;
	enum family f;
	const struct bgp_attrs *attrs;
	struct rib_set_in in;
	bool proves; /* the RPKI is asked of each prefix */
	enum rov rov;
	uint8_t rovs[RIB_BATCH];
	uint8_t tag[ROV_COUNT];
	uint32_t origin;
	/* By its tag; of in, with a reference; RIB_NONE: not yet. */
	uint32_t set[5];
	/* The last one that was refused for its prefix, likewise. */
	uint32_t refused;
	bool asks_prefix; /* the policy looks at prefixes */
	const char *bad;  /* out of resources */
};

static void forget(struct route *t, uint32_t *set)
{
	if (*set != RIB_NONE)
		rib_set_unref(t->x->rib, *set);
	*set = RIB_NONE;
}

static void count(struct route *t, uint32_t old, uint32_t set)
{
	struct exchange_client *c = &t->s->c;
	const struct rib_set *s;

	if (old != RIB_NONE) {
		s = rib_set_at(t->x->rib, old);
		c->received[t->f]--;
		c->rejected[t->f] -= s->reason != REASON_NONE;
	}
	if (set != RIB_NONE) {
		s = rib_set_at(t->x->rib, set);
		c->received[t->f]++;
		c->rejected[t->f] += s->reason != REASON_NONE;
	}
}

/* The set of a route that is refused for its prefix, with a reference. */
static uint32_t refused_for(struct route *t, enum reason reason)
{
	struct rib *r = t->x->rib;

	/* Attributes may be long, and prefixes many. */
	if (t->refused == RIB_NONE ||
	    rib_set_at(r, t->refused)->reason != reason) {
		struct rib_set_in in = t->in;

		forget(t, &t->refused);
		in.tags = 0;
		in.flags = RIB_SET_PREFIX;
		in.reason = reason;
		t->refused = judge_set(t->x, t->attrs, &in);
		if (t->refused == RIB_NONE)
			return RIB_NONE;
	}
	rib_set_ref(r, t->refused);
	return t->refused;
}

static struct prefix prefix_at(const struct route *t, const struct rib_nlri *v)
{
	struct prefix p = {.len = v->len};

	memcpy(p.addr.b, v->addr, sizeof p.addr.b);
	p.addr.family = (uint8_t)t->f;
	return p;
}

static void forget_sets(struct route *t)
{
	for (size_t i = 0; i < ARRAY_SIZE(t->set); i++)
		forget(t, &t->set[i]);
	forget(t, &t->refused);
}

/* The route's set, with a reference for its path. */
static uint32_t set_for(struct route *t, const struct rib_nlri *v)
{
	struct exchange *x = t->x;
	uint8_t tag = t->tag[t->rov];

	if (t->in.path_id != v->path_id) {
		forget_sets(t);
		t->in.path_id = v->path_id;
	}
	if (t->set[tag] == RIB_NONE) {
		t->in.tags = tag;
		t->set[tag] = judge_set(x, t->attrs, &t->in);
		if (t->set[tag] == RIB_NONE)
			return RIB_NONE;
	}
	uint32_t set = t->set[tag];
	if (t->asks_prefix && rib_set_at(x->rib, set)->reason == REASON_NONE) {
		struct prefix p = prefix_at(t, v);
		struct verdict verdict =
		    policy_check_prefix(x->policy, t->s->c.member, &p, t->rov);
		if (!verdict.accept)
			return refused_for(t, verdict.reason);
	}
	rib_set_ref(x->rib, set);
	return set;
}

/* Why one peer may not have a further path, or NULL. */
static const char *too_much(const struct route *t, const struct rib_entry *e)
{
	/* Others need some of the table, whatever max-prefix says. */
	if (t->s->c.received[t->f] >= PREFIXES_MAX / 2)
		return "half of the routing table";
	if (t->x->rib->slot[t->slot].bytes > ATTRS_MAX)
		return "too many bytes of attributes";
	if (e->n >= PATHS_MAX && rib_count(t->x->rib, e, t->slot) >= PATHS_MAX)
		return "too many paths of one prefix";
	return NULL;
}

static void announce(struct route *t, const struct rib_nlri *v)
{
	static const char full[] = "routing table is full";
	struct rib *r = t->x->rib;

	if (v->id == RIB_NONE) {
		t->bad = full;
		return;
	}
	if (!v->path_id) {
		t->bad = "too many path identifiers";
		return;
	}
	struct rib_entry *e = rib_entry_at(r, t->f, v->id);
	uint32_t old = RIB_NONE;
	if (e->n)
		old = rib_have(r, e, t->slot, v->path_id);
	if (old == RIB_NONE && (t->bad = too_much(t, e)))
		return;
	uint32_t set = set_for(t, v);
	if (set == RIB_NONE) {
		t->bad = full;
		return;
	}
	if (!e->n) { /* by far most of a table that is coming in */
		dirty_touch(t->x, t->f, v->id);
		count(t, RIB_NONE, set);
		rib_put_first(r, t->f, e, set);
		return;
	}
	if (old == set) {
		rib_set_unref(r, set);
		return;
	}
	dirty_touch(t->x, t->f, v->id);
	count(t, old, set);
	if (!rib_put(r, t->f, v->id, old, set)) {
		count(t, set, RIB_NONE);
		rib_set_unref(r, set);
		t->bad = full;
	}
}

static void withdraw(struct route *t, const struct rib_nlri *v)
{
	struct rib *r = t->x->rib;

	if (v->id == RIB_NONE)
		return;
	uint32_t old =
	    rib_have(r, rib_entry_at(r, t->f, v->id), t->slot, v->path_id);
	if (old == RIB_NONE)
		return;
	dirty_touch(t->x, t->f, v->id);
	count(t, old, RIB_NONE);
	rib_cut(r, t->f, v->id, old);
}

/* Prefixes that were made for paths which could not be kept go again. */
static void drop_empty(struct route *t, const struct rib_nlri *v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (v[i].id != RIB_NONE &&
		    !rib_entry_at(t->x->rib, t->f, v[i].id)->n)
			dirty_touch(t->x, t->f, v[i].id);
}

/* Hides the latency of the table of VRPs behind that of the RIB. */
static void prove_soon(
    const struct route *t, const struct rib_nlri *v, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct prefix p = prefix_at(t, &v[i]);

		policy_rov_soon(t->x->policy, &p);
	}
}

/* One after the other, so that the processor may look at several at once. */
static void prove_now(struct route *t, const struct rib_nlri *v, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct prefix p = prefix_at(t, &v[i]);

		t->rovs[i] = (uint8_t)policy_rov(t->x->policy, &p, t->origin);
	}
}

/* A run of NLRI, in batches so that the tables' latency is hidden. */
static void run_of(struct route *t, struct bgp_nlri run, bool reach)
{
	ATTR_UNINIT struct rib_nlri v[RIB_BATCH];
	struct bgp_prefix p;

	t->f = run.family;
	for (bool more = true; more && !t->bad;) {
		size_t n = 0;

		while (n < RIB_BATCH && (more = bgp_nlri_next(&run, &p))) {
			memcpy(v[n].addr, p.prefix.addr.b, sizeof v[n].addr);
			v[n].len = p.prefix.len;
			v[n].path_id = run.add_path
					   ? path_id(t->s, t->slot, p.path_id)
					   : PLAIN_ID(t->slot);
			n++;
		}
		if (t->proves)
			prove_soon(t, v, n);
		rib_locate(t->x->rib, t->f, v, n, reach);
		if (t->proves)
			prove_now(t, v, n);
		for (size_t i = 0; i < n; i++) {
			t->rov = t->proves ? t->rovs[i] : ROV_UNCHECKED;
			if (reach)
				announce(t, &v[i]);
			else
				withdraw(t, &v[i]);
		}
		if (t->bad)
			drop_empty(t, v, n);
		/* Others have their turn too: a batch stays a batch. */
		if (t->x->dirty.n >= BATCH_PREFIXES) {
			export_flush(t->x);
			blame(t->x, t->slot);
		}
	}
	forget_sets(t);
}

static void reach(
    struct exchange *x, uint32_t slot, const struct bgp_update *u, unsigned i)
{
	static const struct bgp_attrs none;
	struct route t = {
	    .x = x,
	    .s = x->slot[slot],
	    .slot = slot,
	    .attrs = &u->attrs,
	    .set = NO_SETS,
	    .refused = RIB_NONE,
	    .asks_prefix =
		policy_asks_prefix(x->policy, x->slot[slot]->c.member),
	    .in = {.slot = slot,
		.family = u->reach[i].family,
		.wire = {(const uint8_t *)"", 0},
		.next_hop = {(const uint8_t *)"", 0}},
	};

	if (u->harm == BGP_WITHDRAW) {
		/* RFC 7606: as if withdrawn, but shown with its reason. */
		t.attrs = &none;
		t.in.flags = RIB_SET_PREFIX;
		t.in.reason = u->fault == BGP_FAULT_UNKNOWN
				  ? REASON_UNWANTED_ATTRIBUTE
				  : REASON_MALFORMED_ATTRIBUTE;
	} else {
		t.in.wire = u->attrs.wire;
		t.in.next_hop_at = u->attrs.next_hop_at;
		t.in.next_hop =
		    (struct bytes){u->next_hop[i], u->next_hop_len[i]};
		t.proves = policy_uses_rov(x->policy);
		t.origin = bgp_path_origin(u->attrs.as_path);
	}
	for (enum rov r = ROV_UNCHECKED; r < ROV_COUNT; r++)
		t.tag[r] = policy_tag_rov(x->policy, r);
	run_of(&t, u->reach[i], true);
	if (t.bad) {
		struct bgp_notify n =
		    bgp_notify_cease(BGP_CEASE_RESOURCES, t.bad);

		restart_close(x, slot, &n, 60, t.bad);
	}
}

/* RFC 4486 s4: the family and the limit go with the Cease. */
static void check_limits(struct exchange *x, uint32_t slot)
{
	struct slot *s = x->slot[slot];

	for (enum family f = 0; f < FAMILY_COUNT; f++) {
		uint32_t max = s->max_prefix[f];

		if (!max || s->c.received[f] <= max || s->closing)
			continue;
		/* Dead paths that are not swept up yet count for nothing. */
		if (x->sweep.on)
			restart_finish(x);
		if (s->c.received[f] <= max)
			continue;
		struct bgp_notify n = {.code = BGP_ERR_CEASE,
		    .subcode = BGP_CEASE_MAX_PREFIX,
		    .len = 7};
		struct wr w = wr_from(n.data, sizeof n.data);
		wr_u16(&w, f == FAMILY_IPV4 ? 1 : 2);
		wr_u8(&w, 1);
		wr_u32(&w, max);
		restart_close(
		    x, slot, &n, 300, "more routes than max-prefix allows");
	}
}

void import_update(struct exchange *x, uint32_t slot, struct rd body)
{
	struct slot *s = x->slot[slot];
	struct bgp_update u;

	x->updates++;
	arena_reset(&x->arena);
	blame(x, slot);
	bgp_update_parse(body, &s->rules, &x->arena, &u);
	if (u.harm != BGP_FINE) {
		s->c.last_fault = u.fault;
		if (u.harm == BGP_DISCARD)
			s->c.discarded++;
	}
	if (u.harm == BGP_RESET) {
		restart_close(x, slot, &u.notify, 0, bgp_fault_text(u.fault));
		return;
	}
	for (unsigned i = 0; i < 2; i++) {
		struct route t = {.x = x,
		    .s = s,
		    .slot = slot,
		    .set = NO_SETS,
		    .refused = RIB_NONE};

		if (u.withdrawn[i].wire.n)
			run_of(&t, u.withdrawn[i], false);
	}
	for (unsigned i = 0; i < 2; i++)
		if (u.reach[i].wire.n && !s->closing)
			reach(x, slot, &u, i);
	if (u.end_of_rib)
		restart_end_of_rib(x, slot, u.end_of_rib_family);
	check_limits(x, slot);
}

static int by_addr(const void *a, const void *b)
{
	return ip_cmp(&((const struct max_prefix *)a)->addr,
	    &((const struct max_prefix *)b)->addr);
}

static void conf_members(struct exchange *x, const struct conf *c)
{
	uint32_t size = 16;
	size_t n = 0;

	while (size < 4 * c->n_member)
		size *= 2;
	free(x->member_asn);
	x->member_asn = calloc(size, sizeof *x->member_asn);
	must(x->member_asn);
	x->member_mask = size - 1;
	for (size_t i = 0; i < c->n_member; i++) {
		uint32_t asn = c->member[i].asn;
		uint32_t at = (asn * 0x9e3779b1u) & x->member_mask;

		while (x->member_asn[at] && x->member_asn[at] != asn)
			at = (at + 1) & x->member_mask;
		x->member_asn[at] = asn;
		n += c->member[i].n_at;
	}
	free(x->limit);
	x->limit = calloc(n + 1, sizeof *x->limit);
	must(x->limit);
	x->n_limit = 0;
	for (size_t i = 0; i < c->n_member; i++) {
		const struct conf_member *m = &c->member[i];

		for (size_t k = 0; k < m->n_at; k++) {
			struct max_prefix *l = &x->limit[x->n_limit++];

			l->addr = m->at[k].addr;
			l->asn = m->asn;
			l->shutdown = m->shutdown;
			l->unknown = (uint8_t)m->unknown;
			memcpy(l->max, m->max_prefix, sizeof l->max);
		}
	}
	qsort(x->limit, x->n_limit, sizeof *x->limit, by_addr);
}

void import_slot_conf(struct exchange *x, uint32_t slot)
{
	struct slot *s = x->slot[slot];
	struct max_prefix want = {.addr = s->c.as.peer};
	const struct max_prefix *l =
	    bsearch(&want, x->limit, x->n_limit, sizeof *x->limit, by_addr);

	memset(s->max_prefix, 0, sizeof s->max_prefix);
	s->c.member = policy_member_find(x->policy, s->c.as.asn, &s->c.as.peer);
	if (!l)
		return;
	memcpy(s->max_prefix, l->max, sizeof s->max_prefix);
	switch ((enum conf_unknown)l->unknown) {
	case CONF_RELAY:
		s->rules.unknown = BGP_UNKNOWN_RELAY;
		break;
	case CONF_DISCARD:
		s->rules.unknown = BGP_UNKNOWN_DISCARD;
		break;
	case CONF_WITHDRAW:
		s->rules.unknown = BGP_UNKNOWN_WITHDRAW;
		break;
	}
}

void import_conf(struct exchange *x, const struct conf *c)
{
	x->conf = c->exchange;
	conf_members(x, c);
	for (uint32_t i = 0; i < x->n_slots; i++)
		if (x->slot[i])
			import_slot_conf(x, i);
}

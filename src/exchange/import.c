/*
 * UPDATEs in: parsed and judged.  Their routes wait in a short queue (apply.c)
 * with the set that each is to have.
 */
#include "exchange/internal.h"

#include <stdlib.h>

/* Path ids of our own: one for each path that a source can have. */
#define PLAIN_ID(slot) ((slot) + 1)
#define ID_BITS 19u
#define ID_MAX (1u << ID_BITS)
#define BIG_ID_MAX 4096u /* path ids beyond ID_MAX that one peer may use */

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

/* The routes of one run of NLRI. */
struct route {
	struct exchange *x;
	uint32_t slot;
	const struct bgp_attrs *attrs;
	struct rib_set_in in;
	bool proves; /* the RPKI is asked of each prefix */
	enum rov rov;
	uint8_t rovs[RIB_BATCH]; /* of the next prefixes */
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
	p.addr.family = (uint8_t)t->in.family;
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
		struct verdict verdict = policy_check_prefix(
		    x->policy, x->slot[t->slot]->c.member, &p, t->rov);
		if (!verdict.accept)
			return refused_for(t, verdict.reason);
	}
	rib_set_ref(x->rib, set);
	return set;
}

/* The next prefix of the run, as the tables hold it; false at its end. */
static bool next_nlri(struct exchange *x, uint32_t slot, struct bgp_nlri *run,
    struct rib_nlri *ret)
{
	uint32_t theirs;

	if (!bgp_nlri_take(run, ret->addr, &ret->len, &theirs))
		return false;
	ret->path_id = PLAIN_ID(slot);
	if (run->add_path)
		ret->path_id = path_id(x->slot[slot], slot, theirs);
	return true;
}

/* What the RPKI says of the next n prefixes of the run, many at once. */
static void prove(struct route *t, struct bgp_nlri run, uint32_t n)
{
	ATTR_UNINIT struct prefix ahead[RIB_BATCH];
	struct bgp_prefix p;
	uint32_t i = 0;

	for (; i < n && bgp_nlri_next(&run, &p); i++)
		ahead[i] = p.prefix;
	policy_rov_all(t->x->policy, ahead, i, t->origin, t->rovs);
}

/*
 * Gives the routes that were pushed from `first` on their sets.  This comes
 * after all of them are decoded: until then, what the set's look-up needs has
 * come from memory (rib_set_hint()).
 */
static void give_sets(struct route *t, uint32_t first)
{
	struct queue *q = &t->x->queue;

	for (uint32_t i = first; i < q->n; i++) {
		t->rov = ROV_UNCHECKED;
		if (t->proves)
			t->rov = t->rovs[i - first];
		uint32_t set = set_for(t, &q->nlri[i]);
		if (set == RIB_NONE) {
			t->bad = "routing table is full";
			q->n = i;
			return;
		}
		q->in[i].set = set;
	}
}

/* As many of the run as the queue has room for; false at its end. */
static bool announce_some(struct route *t, struct bgp_nlri *run)
{
	struct exchange *x = t->x;
	struct queue *q = &x->queue;
	struct rib_nlri *v = apply_room(x, t->slot, run->family);
	uint32_t first = q->n;
	bool more = v != NULL;

	if (more && t->proves)
		prove(t, *run, RIB_BATCH - first);
	t->in.tags = t->tag[t->proves ? t->rovs[0] : ROV_UNCHECKED];
	rib_set_hint(x->rib, &t->in);
	while (more && q->n < RIB_BATCH) {
		v = &q->nlri[q->n];
		more = next_nlri(x, t->slot, run, v);
		if (more && !v->path_id) {
			t->bad = "too many path identifiers";
			more = false;
		}
		if (more)
			apply_push(x, t->slot, true);
	}
	give_sets(t, first);
	return more && !t->bad;
}

static void withdraw_run(struct exchange *x, uint32_t slot, struct bgp_nlri run)
{
	struct rib_nlri *v;

	while ((v = apply_room(x, slot, run.family)) &&
	       next_nlri(x, slot, &run, v))
		apply_push(x, slot, false);
}

static void reach(
    struct exchange *x, uint32_t slot, const struct bgp_update *u, unsigned i)
{
	static const struct bgp_attrs none;
	struct route t = {
	    .x = x,
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
	struct bgp_nlri run = u->reach[i];
	while (announce_some(&t, &run))
		;
	forget_sets(&t);
	if (t.bad) {
		apply_all(x);
		apply_close(x, slot, t.bad);
	}
}

void import_update(struct exchange *x, uint32_t slot, struct rd body)
{
	struct slot *s = x->slot[slot];
	ATTR_UNINIT struct bgp_update u;

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
		apply_all(x);
		restart_close(x, slot, &u.notify, 0, bgp_fault_text(u.fault));
		return;
	}
	for (unsigned i = 0; i < 2; i++)
		if (u.withdrawn[i].wire.n)
			withdraw_run(x, slot, u.withdrawn[i]);
	for (unsigned i = 0; i < 2; i++)
		if (u.reach[i].wire.n && !s->closing)
			reach(x, slot, &u, i);
	/* Before the limits: stale routes go with it, and count for nothing. */
	if (u.end_of_rib) {
		apply_all(x);
		if (!s->closing)
			restart_end_of_rib(x, slot, u.end_of_rib_family);
	}
	apply_end(x, slot);
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

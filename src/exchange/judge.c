/*
 * From attributes to an interned set: the policy's verdict on them, the class
 * of clients that may have them, and the rank.
 *
 * A set that is there has been judged, so the policy is asked once a set and
 * not once a route.  When the policy changes the sets are judged again, page
 * by page; those that come out different are replaced by a walk over the
 * prefixes (sweep.c).
 */
#include "exchange/internal.h"

#include "base/clock.h"

#include <stdlib.h>

#define OWN_MAX 64 /* members' ASNs in one path that are looked at */

static bool is_member(const struct exchange *x, uint32_t asn)
{
	uint32_t at = (asn * 0x9e3779b1u) & x->member_mask;

	for (; x->member_asn[at]; at = (at + 1) & x->member_mask)
		if (x->member_asn[at] == asn)
			return true;
	return false;
}

/* The members' ASNs in the path, each once, ascending. */
static uint32_t own_asns(
    const struct exchange *x, struct bytes as_path, uint32_t own[OWN_MAX])
{
	struct rd r = rd_from(as_path.p, as_path.n);
	uint32_t n = 0;

	while (rd_left(&r)) {
		rd_u8(&r);
		for (unsigned left = rd_u8(&r); left; left--) {
			uint32_t asn = rd_u32(&r);
			uint32_t at = n;

			if (!is_member(x, asn))
				continue;
			while (at && own[at - 1] > asn)
				at--;
			if ((at && own[at - 1] == asn) || n == OWN_MAX)
				continue;
			memmove(own + at + 1, own + at, (n - at) * sizeof *own);
			own[at] = asn;
			n++;
		}
	}
	return n;
}

static int by_asn(const void *a, const void *b)
{
	uint32_t x = ((const struct policy_target *)a)->asn;
	uint32_t y = ((const struct policy_target *)b)->asn;

	return x < y ? -1 : x > y;
}

/* Targets that are no members make no difference, but would make classes. */
static uint32_t put_targets(const struct exchange *x,
    const struct policy_control *control, struct policy_target *to)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < control->n; i++) {
		const struct policy_target *t = &control->target[i];

		if (!is_member(x, t->asn))
			continue;
		memset(&to[n], 0, sizeof to[n]);
		to[n].asn = t->asn;
		to[n].flags = t->flags;
		to[n].prepend = t->prepend;
		n++;
	}
	qsort(to, n, sizeof *to, by_asn);
	return n;
}

/* A whole UPDATE with one NLRI must fit, prepending and OTC included. */
static bool is_long(const struct rib_set_in *in)
{
	return in->wire.n + in->next_hop.n + 128 > BGP_MAX;
}

static uint32_t class_for(
    struct exchange *x, const struct bgp_attrs *a, struct rib_set_in *in)
{
	struct policy_control control;
	uint32_t own[OWN_MAX];
	uint32_t n_own = own_asns(x, a->as_path, own);
	bool addressed = policy_control_read(x->policy, a, &x->arena, &control);
	size_t most = sizeof(struct class_key) +
		      control.n * sizeof(struct policy_target) + sizeof own;
	struct class_key *key = arena_take(&x->arena, most);

	if (!key || in->wire.n + in->next_hop.n + 128 > ENTRY_MAX) {
		class_ref(x, 0);
		return 0;
	}
	memset(key, 0, sizeof *key);
	key->family = (uint8_t)in->family;
	if (addressed)
		in->flags |= RIB_SET_SCRUB;
	key->deny_all = control.deny_all;
	key->prepend_all = control.prepend_all;
	if (in->family == FAMILY_IPV4 && in->next_hop.n != 4)
		key->flags |= CLASS_NEXT_HOP6;
	if (is_long(in))
		key->flags |= CLASS_LONG;
	if (in->rank.llgr_stale)
		key->flags |= CLASS_LLGR;
	struct policy_target *to = (struct policy_target *)(void *)(key + 1);
	key->n_target = put_targets(x, &control, to);
	key->n_own = n_own;
	memcpy(to + key->n_target, own, n_own * sizeof *own);
	return class_intern(x, key,
	    sizeof *key + key->n_target * sizeof *to + n_own * sizeof *own);
}

static void rank_of(const struct bgp_attrs *a, struct rib_set_in *in)
{
	unsigned length = bgp_path_length(a->as_path);

	in->rank = (struct rib_rank){
	    .llgr_stale = in->flags & RIB_SET_LLGR ||
			  bgp_community_has(a->communities, BGP_LLGR_STALE),
	    .graceful_shutdown =
		bgp_community_has(a->communities, BGP_GRACEFUL_SHUTDOWN),
	    .origin = a->origin,
	    .path_length =
		(uint16_t)(length > UINT16_MAX ? UINT16_MAX : length),
	    .neighbour = bgp_path_first(a->as_path),
	    .med = a->med,
	};
	if (bgp_community_has(a->communities, BGP_NO_LLGR))
		in->flags |= RIB_SET_NO_LLGR;
}

/* Fills in what the policy says; the class comes with a reference. */
static void judge(
    struct exchange *x, const struct bgp_attrs *a, struct rib_set_in *in)
{
	const struct slot *s = x->slot[in->slot];
	uint8_t tags = 0;

	rank_of(a, in);
	if (!(in->flags & RIB_SET_PREFIX)) {
		struct verdict v = policy_check_attrs(x->policy, s->c.member, a,
		    (struct policy_next_hop){in->next_hop.p, in->next_hop.n},
		    &tags);

		in->reason = v.accept ? REASON_NONE : v.reason;
	}
	in->tags &= RIB_TAGS_KEY;
	if (in->reason == REASON_NONE) {
		in->tags |= tags;
		in->class = class_for(x, a, in);
	} else {
		in->class = 0;
		class_ref(x, 0);
	}
}

uint32_t judge_set(
    struct exchange *x, const struct bgp_attrs *a, struct rib_set_in *in)
{
	uint32_t hash;
	uint32_t set = rib_set_find(x->rib, in, &hash);

	if (set != RIB_NONE)
		return set;
	judge(x, a, in);
	set = rib_set_add(x->rib, in, hash);
	if (set == RIB_NONE)
		class_unref(x, in->class);
	return set;
}

/* in for the contents of a set: views into it, or into the arena if copied. */
static bool in_of(struct exchange *x, uint32_t set, bool copy,
    struct rib_set_in *in, struct bgp_attrs *a)
{
	struct rib_path p;

	rib_path(x->rib, set, &p);
	if (copy) {
		/* Adding a set may move the one that is copied from. */
		size_t n = p.next_hop.n + p.wire.n;
		uint8_t *to = arena_take(&x->arena, n + 1);

		if (!to)
			return false;
		memcpy(to, p.next_hop.p, n);
		p.next_hop.p = to;
		p.wire.p = to + p.next_hop.n;
	}
	*in = (struct rib_set_in){
	    .slot = p.slot,
	    .path_id = p.path_id,
	    .family = p.family,
	    .flags =
		rib_set_at(x->rib, set)->flags & (RIB_SET_LLGR | RIB_SET_STALE),
	    .tags = p.tags & RIB_TAGS_KEY,
	    .unconfirmed = rib_set_at(x->rib, set)->unconfirmed,
	    .wire = p.wire,
	    .next_hop_at = p.next_hop_at,
	    .next_hop = p.next_hop,
	};
	rib_attrs(&p, a);
	return true;
}

uint32_t judge_with_reason(
    struct exchange *x, uint32_t set, enum reason reason, uint8_t tags)
{
	struct rib_set_in in;
	struct bgp_attrs a;

	if (!in_of(x, set, true, &in, &a))
		return RIB_NONE;
	in.tags = tags;
	if (reason != REASON_NONE) {
		in.flags |= RIB_SET_PREFIX;
		in.reason = reason;
	}
	return judge_set(x, &a, &in);
}

void judge_start(struct exchange *x)
{
	apply_all(x); /* with the sets that they were given */
	x->judge_page = 0;
}

/* Takes over the reference to set, and keeps one to old until the walk ends. */
static void replace(struct exchange *x, uint32_t old, uint32_t set)
{
	struct vec *by = &x->replaced_by;

	if (by->n <= old) {
		vec_room(by, old + 1 - by->n, sizeof(uint32_t));
		by->n = old + 1;
	}
	vec_u32(by)[old] = set;
	rib_set_ref(x->rib, old);
	vec_push_u32(&x->replaced, old);
	vec_push_u32(&x->replaced, set);
	rib_set_mark(x->rib, old, RIB_SET_CHANGED);
}

/* Judges one set again; a prefix' own refusal is left to the walk. */
static void judge_again(struct exchange *x, uint32_t old)
{
	struct rib_set *s = rib_set_at(x->rib, old);
	struct rib_set_in in;
	struct bgp_attrs a;

	arena_reset(&x->arena);
	if (s->flags & (RIB_SET_DEAD | RIB_SET_CHANGED | RIB_SET_PREFIX) ||
	    !in_of(x, old, true, &in, &a))
		return;
	if (!x->judge_all && !prove_path(x, a.as_path))
		return;
	uint8_t flags = s->flags;
	judge(x, &a, &in);
	if (in.reason == s->reason && in.class == rib_class_of(x->rib, old) &&
	    in.tags == s->tags && !((in.flags ^ flags) & RIB_SET_SCRUB)) {
		class_unref(x, in.class);
		return;
	}
	/* Not to be found, so that the new one may be added under its key. */
	uint32_t hash;
	rib_set_unindex(x->rib, old);
	uint32_t set = flags & RIB_SET_UNINDEXED
			   ? RIB_NONE
			   : rib_set_find(x->rib, &in, &hash);
	if (set != RIB_NONE) {
		class_unref(x, in.class);
	} else {
		hash = s->hash;
		set = rib_set_add(x->rib, &in, hash);
		if (set == RIB_NONE) {
			class_unref(x, in.class);
			return;
		}
		if (flags & RIB_SET_UNINDEXED)
			rib_set_unindex(x->rib, set);
	}
	replace(x, old, set);
}

static void judge_each(struct rib *r, uint32_t set, void *arg)
{
	(void)r;
	judge_again(arg, set);
}

bool judge_step(struct exchange *x, uint64_t deadline)
{
	while (x->judge_page < x->rib->pages_end) {
		uint32_t page = x->judge_page++;

		rib_page_sets(x->rib, page, judge_each, x);
		if (page % 16 == 0 && clock_now_ns() > deadline)
			return false;
	}
	x->judge_page = RIB_NONE;
	x->judge_prefixes |= x->judge_all;
	x->judge_all = false;
	prove_judged(x);
	return true;
}

uint32_t judge_replacement(struct exchange *x, uint32_t old)
{
	return vec_u32(&x->replaced_by)[old];
}

void judge_forget(struct exchange *x)
{
	for (size_t i = 0; i < x->replaced.n; i += 2) {
		rib_set_unref(x->rib, vec_u32(&x->replaced)[i + 1]);
		rib_set_unref(x->rib, vec_u32(&x->replaced)[i]);
	}
	x->replaced.n = 0;
	free(x->replaced_by.p);
	x->replaced_by = (struct vec){0};
}

void judge_llgr(struct exchange *x, uint32_t old)
{
	struct rib_set_in in;
	struct bgp_attrs a;
	uint32_t hash;

	arena_reset(&x->arena);
	if (!in_of(x, old, true, &in, &a))
		return;
	in.flags |= RIB_SET_LLGR;
	uint8_t prefix = rib_set_at(x->rib, old)->flags & RIB_SET_PREFIX;
	in.flags |= prefix;
	if (prefix)
		in.reason = rib_set_at(x->rib, old)->reason;
	uint32_t set = rib_set_find(x->rib, &in, &hash);
	if (set == RIB_NONE) {
		judge(x, &a, &in);
		in.flags |= RIB_SET_STALE;
		set = rib_set_add(x->rib, &in, hash);
		if (set == RIB_NONE) {
			class_unref(x, in.class);
			return;
		}
		rib_set_unindex(x->rib, set);
	}
	replace(x, old, set);
}

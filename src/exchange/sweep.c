/*
 * A walk over all prefixes, in slices, that carries out what was decided for
 * whole sets: dead ones are cut, changed ones replaced, and after a change
 * of policy each prefix is judged again.
 */
#include "exchange/internal.h"

#include "base/clock.h"

#define STRIDE 1024 /* entries between looks at the clock */

void sweep_start(struct exchange *x)
{
	apply_all(x); /* the queue is short while there is a sweep */
	if (x->sweep.on && !x->sweep.f && !x->sweep.id)
		return; /* not yet begun */
	if (x->sweep.on) {
		x->sweep.again = true; /* what lies behind must be seen too */
		return;
	}
	x->sweep = (struct sweep){.on = true};
}

static bool is_marked(const struct exchange *x, const struct rib_entry *e)
{
	bool marked = rib_set_marked(x->rib, e->best);
	const uint32_t *others = rib_others(x->rib, e);

	for (unsigned i = 0; i + 1u < e->n && !marked; i++)
		marked = rib_set_marked(x->rib, others[i]);
	return marked;
}

/* What the prefix half of the policy says: the set that is to be there. */
static uint32_t judged(
    struct exchange *x, enum family f, uint32_t id, uint32_t set)
{
	const struct rib_set *s = rib_set_at(x->rib, set);
	const struct policy_member *m =
	    x->slot[rib_set_slot(x->rib, set)]->c.member;
	enum reason is = s->reason;
	struct prefix p;

	if (s->flags & RIB_SET_PREFIX && reason_is_of_update(is))
		return RIB_NONE;
	if (is != REASON_NONE && !(s->flags & RIB_SET_PREFIX))
		return RIB_NONE;
	rib_prefix(x->rib, f, id, &p);
	arena_reset(&x->arena);
	enum rov rov = exchange_rov(x, set, &p);
	uint8_t tag = policy_tag_rov(x->policy, rov);
	if (is == REASON_NONE) {
		struct verdict v = policy_check_prefix(x->policy, m, &p, rov);

		if (!v.accept)
			return judge_with_reason(x, set, v.reason, 0);
		return tag == (s->tags & RIB_TAGS_KEY)
			   ? RIB_NONE
			   : judge_with_reason(x, set, REASON_NONE, tag);
	}
	/* Refused for its prefix: the attributes come first. */
	uint32_t plain = judge_with_reason(x, set, REASON_NONE, tag);
	if (plain == RIB_NONE ||
	    rib_set_at(x->rib, plain)->reason != REASON_NONE)
		return plain;
	struct verdict v = policy_check_prefix(x->policy, m, &p, rov);
	if (v.accept)
		return plain;
	rib_set_unref(x->rib, plain);
	return v.reason == is ? RIB_NONE
			      : judge_with_reason(x, set, v.reason, 0);
}

static void recount(
    struct exchange *x, enum family f, uint32_t old, uint32_t set)
{
	struct exchange_client *c = &x->slot[rib_set_slot(x->rib, old)]->c;

	c->rejected[f] -= rib_set_at(x->rib, old)->reason != REASON_NONE;
	c->rejected[f] += rib_set_at(x->rib, set)->reason != REASON_NONE;
}

static void put(
    struct exchange *x, enum family f, uint32_t id, uint32_t old, uint32_t set)
{
	if (set == old) {
		rib_set_unref(x->rib, set);
		return;
	}
	dirty_touch(x, f, id);
	recount(x, f, old, set);
	if (!rib_put(x->rib, f, id, old, set))
		rib_set_unref(x->rib, set);
}

static void path(
    struct exchange *x, enum family f, uint32_t id, uint32_t set, bool touched)
{
	uint8_t flags = rib_set_at(x->rib, set)->flags;

	if (flags & RIB_SET_DEAD) {
		struct exchange_client *c =
		    &x->slot[rib_set_slot(x->rib, set)]->c;

		c->received[f]--;
		c->rejected[f] -=
		    rib_set_at(x->rib, set)->reason != REASON_NONE;
		dirty_touch(x, f, id);
		rib_cut(x->rib, f, id, set);
		return;
	}
	while (flags & RIB_SET_CHANGED) {
		uint32_t by = judge_replacement(x, set);

		rib_set_ref(x->rib, by);
		rib_set_ref(x->rib, by); /* one is kept for judged() */
		put(x, f, id, set, by);
		set = by;
		flags = rib_set_at(x->rib, set)->flags;
		rib_set_unref(x->rib, by);
		touched = true; /* one that was refused may pass now */
	}
	if (!x->judge_prefixes && !touched)
		return;
	uint32_t want = judged(x, f, id, set);
	if (want != RIB_NONE)
		put(x, f, id, set, want);
}

static void entry(struct exchange *x, enum family f, uint32_t id)
{
	struct rib_entry *e = rib_entry_at(x->rib, f, id);
	uint32_t few[16];
	size_t n = e->n;

	if (e->flags & RIB_ENTRY_FREE || !n)
		return;
	bool touched = prove_may_touch(x, f, id) && prove_touches(x, f, id);
	if (!x->judge_prefixes && !touched && !is_marked(x, e))
		return;
	if (n <= sizeof few / sizeof *few) {
		rib_list(x->rib, e, few, n);
		for (size_t i = 0; i < n; i++)
			path(x, f, id, few[i], touched);
		return;
	}
	/* Changing paths uses the RIB's own list: walk over a copy. */
	uint32_t *all = x->sweep_list;
	n = rib_list(x->rib, e, all, RIB_PATHS_MAX);
	for (size_t i = 0; i < n; i++)
		path(x, f, id, all[i], touched);
}

/* A pass is over. */
static void finish(struct exchange *x)
{
	export_flush(x);
	x->sweep = (struct sweep){.on = x->sweep.again};
	if (x->sweep.on)
		return;
	x->judge_prefixes = false;
	prove_walked(x);
	rib_marks_clear(x->rib);
	judge_forget(x);
}

bool sweep_step(struct exchange *x, uint64_t deadline)
{
	struct sweep *s = &x->sweep;
	bool each = x->judge_prefixes;

	while (s->on) {
		uint32_t end = rib_end(x->rib, s->f);

		uint32_t to = end - s->id > STRIDE ? s->id + STRIDE : end;

		for (; s->id < to; s->id++) {
			const struct rib_entry *e =
			    rib_entry_at(x->rib, s->f, s->id);

			/* One path, and nothing to do with it: nearly all. */
			if (e->n == 1 && !each &&
			    !rib_set_marked(x->rib, e->best) &&
			    !prove_may_touch(x, s->f, s->id))
				continue;
			entry(x, s->f, s->id);
		}
		if (x->dirty.n >= SLICE_PREFIXES)
			export_flush(x);
		if (s->id >= end) {
			s->id = 0;
			if (++s->f == FAMILY_COUNT)
				finish(x);
		}
		if (clock_now_ns() > deadline)
			break;
	}
	return s->on;
}

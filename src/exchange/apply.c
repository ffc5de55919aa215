/*
 * Routes on their way into the RIB.
 *
 *   import.c -> [ prefix, set | prefix, withdrawn | ... ] -> rib, dirty
 *               up to RIB_BATCH, of any number of UPDATEs and sessions
 *
 * An UPDATE holds few prefixes, and each costs some misses of the caches in
 * tables of many megabytes.  So its routes are put into a queue, whose misses
 * overlap.  What a route does depends on those before it alone, in the order
 * of arrival, as if there were no queue; whatever else looks at the RIB has it
 * applied first (export_flush(), apply_all()).
 */
#include "exchange/internal.h"

#define PATHS_MAX 64u /* of one prefix from one ADD-PATH peer */
/* Attributes of one peer, interned: some ten times a full table's. */
#define ATTRS_MAX ((uint64_t)256 << 20)

static void count(struct exchange *x, struct exchange_client *c, enum family f,
    uint32_t old, uint32_t set)
{
	const struct rib_set *s;

	if (old != RIB_NONE) {
		s = rib_set_at(x->rib, old);
		c->received[f]--;
		c->rejected[f] -= s->reason != REASON_NONE;
	}
	if (set != RIB_NONE) {
		s = rib_set_at(x->rib, set);
		c->received[f]++;
		c->rejected[f] += s->reason != REASON_NONE;
	}
}

/* Why the peer may not have a further path, or NULL. */
static const char *too_much(const struct exchange *x, const struct incoming *in,
    const struct rib_entry *e)
{
	/* Others need some of the table, whatever max-prefix says. */
	if (x->slot[in->slot]->c.received[x->queue.family] >= PREFIXES_MAX / 2)
		return "half of the routing table";
	if (x->rib->slot[in->slot].bytes > ATTRS_MAX)
		return "too many bytes of attributes";
	if (e->n >= PATHS_MAX && rib_count(x->rib, e, in->slot) >= PATHS_MAX)
		return "too many paths of one prefix";
	return NULL;
}

/* Puts the path in; gives what keeps it from that, or NULL. */
static const char *announce(
    struct exchange *x, const struct incoming *in, const struct rib_nlri *v)
{
	static const char full[] = "routing table is full";
	struct exchange_client *c = &x->slot[in->slot]->c;
	enum family f = x->queue.family;
	uint32_t id = v->id;
	uint32_t old = RIB_NONE;
	const char *bad;

	if (id == RIB_NONE)
		return full;
	struct rib_entry *e = rib_entry_at(x->rib, f, id);
	if (e->n)
		old = rib_have(x->rib, e, in->slot, v->path_id);
	if (old == RIB_NONE && (bad = too_much(x, in, e)))
		return bad;
	if (!e->n) { /* by far most of a table that is coming in */
		dirty_touch(x, f, id);
		count(x, c, f, RIB_NONE, in->set);
		rib_put_first(x->rib, f, e, in->set);
		return NULL;
	}
	if (old == in->set) {
		rib_set_unref(x->rib, old);
		return NULL;
	}
	if (!dirty_unseen(x, f, e, in->set) ||
	    (old != RIB_NONE && !dirty_unseen(x, f, e, old)))
		dirty_touch(x, f, id);
	count(x, c, f, old, in->set);
	if (rib_put(x->rib, f, id, old, in->set))
		return NULL;
	count(x, c, f, in->set, old);
	return full;
}

static void withdraw(
    struct exchange *x, const struct incoming *in, const struct rib_nlri *v)
{
	enum family f = x->queue.family;
	uint32_t id = v->id;

	if (id == RIB_NONE)
		return;
	const struct rib_entry *e = rib_entry_at(x->rib, f, id);
	uint32_t old = rib_have(x->rib, e, in->slot, v->path_id);
	if (old == RIB_NONE)
		return;
	if (!dirty_unseen(x, f, e, old))
		dirty_touch(x, f, id);
	count(x, &x->slot[in->slot]->c, f, old, RIB_NONE);
	rib_cut(x->rib, f, id, old);
}

/* A route that is not to be: its prefix may have been made for it. */
static void drop(
    struct exchange *x, const struct incoming *in, const struct rib_nlri *v)
{
	enum family f = x->queue.family;
	uint32_t id = v->id;

	if (in->set == RIB_NONE)
		return;
	rib_set_unref(x->rib, in->set);
	if (id != RIB_NONE && !rib_entry_at(x->rib, f, id)->n)
		dirty_touch(x, f, id);
}

void apply_close(struct exchange *x, uint32_t slot, const char *why)
{
	struct bgp_notify n = bgp_notify_cease(BGP_CEASE_RESOURCES, why);

	restart_close(x, slot, &n, 60, why);
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

/* ---- the queue ---------------------------------------------------------- */

static void apply_one(
    struct exchange *x, const struct incoming *in, const struct rib_nlri *v)
{
	const char *bad = NULL;

	if (x->slot[in->slot]->closing)
		drop(x, in, v);
	else if (in->set == RIB_NONE)
		withdraw(x, in, v);
	else
		bad = announce(x, in, v);
	if (bad) {
		apply_close(x, in->slot, bad);
		drop(x, in, v);
	}
}

/*
 * A peer that announces what others announced before it, or what it did itself
 * in its last session, does so mostly in the order in which the prefixes were
 * put into the table.  So the id after its last one is tried first.
 *
 * Nothing in the loop may free prefixes, whose ids are at hand: neither a flush
 * nor a sweep.  check_limits() would, but only while there is a sweep, and then
 * the queue ends where an UPDATE does (apply_end()).
 */
void apply_all(struct exchange *x)
{
	struct queue *q = &x->queue;
	uint32_t n = q->n;
	uint32_t slot = SLOT_NONE;

	if (!n)
		return;
	q->n = 0;
	rib_locate(x->rib, q->family, q->nlri, n);
	for (uint32_t i = 0; i < n; i++) {
		const struct incoming *in = &q->in[i];

		if (in->slot != slot) {
			slot = in->slot;
			blame(x, slot);
		}
		x->slot[slot]->next_id[q->family] = q->nlri[i].id + 1;
		apply_one(x, in, &q->nlri[i]);
		if (in->ends)
			check_limits(x, slot);
	}
	blame(x, SLOT_NONE);
}

struct rib_nlri *apply_room(struct exchange *x, uint32_t slot, enum family f)
{
	struct queue *q = &x->queue;

	if (q->n == RIB_BATCH || (q->n && q->family != f)) {
		apply_all(x);
		/* Others have their turn too: a batch stays a batch. */
		if (x->dirty.n >= BATCH_PREFIXES)
			export_flush(x);
		blame(x, slot);
	}
	q->family = f;
	return x->slot[slot]->closing ? NULL : &q->nlri[q->n];
}

void apply_push(struct exchange *x, uint32_t slot, bool announced)
{
	struct queue *q = &x->queue;
	struct rib_nlri *v = &q->nlri[q->n];

	uint32_t *next = &x->slot[slot]->next_id[q->family];

	v->make = announced;
	if (rib_hint(x->rib, q->family, v, *next))
		++*next;
	q->in[q->n++] =
	    (struct incoming){.set = RIB_NONE, .slot = (uint16_t)slot};
}

void apply_end(struct exchange *x, uint32_t slot)
{
	struct queue *q = &x->queue;
	struct incoming *last = q->n ? &q->in[q->n - 1] : NULL;

	if (last && last->slot == slot && !last->ends) {
		last->ends = true;
		if (!x->sweep.on && x->judge_page == RIB_NONE)
			return;
	} else {
		apply_all(x);
		check_limits(x, slot);
	}
	apply_all(x);
}

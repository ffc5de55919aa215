/*
 * The paths of one prefix, in rank order: the first in the entry itself, the
 * others in one block.
 *
 *   entry   best | more: number of the block, its room | n
 *   block   2nd 3rd 4th ... (n - 1 of them), then what is free
 *
 * One block, since a chain costs a miss of the caches a link, one after the
 * other; its rooms grow by more than double, so that it seldom moves.
 */
#include "rib/store.h"

#include <string.h>

/* Paths that a block of that room holds: 4, 12, 28, ... */
static size_t holds(unsigned room)
{
	return room ? ((size_t)4 << room) - 4 : 0;
}

static unsigned room_of(const struct rib_entry *e)
{
	return e->more == RIB_NONE ? 0 : e->more & ((1u << RIB_ROOM_BITS) - 1);
}

static void give_block(struct rib *r, struct rib_entry *e)
{
	rib_blob_give(&r->lists, e->more >> RIB_ROOM_BITS,
	    holds(room_of(e)) * sizeof(uint32_t));
	e->more = RIB_NONE;
}

/* Moves the n paths after the first into a block of that room. */
static bool move(struct rib *r, struct rib_entry *e, size_t n, unsigned room)
{
	uint32_t blob =
	    rib_blob_take(&r->lists, holds(room) * sizeof(uint32_t));

	if (blob == RIB_BLOB_NONE)
		return false;
	if (e->more != RIB_NONE) {
		memcpy(rib_blob_at(&r->lists, blob), rib_others(r, e),
		    n * sizeof(uint32_t));
		give_block(r, e);
	}
	e->more = blob << RIB_ROOM_BITS | room;
	return true;
}

/* Room for one path more. */
static bool make_room(struct rib *r, struct rib_entry *e)
{
	size_t n = e->n - 1u;
	unsigned room = room_of(e);

	if (n < holds(room) || move(r, e, n, room + 1))
		return true;
	r->full = true;
	return false;
}

/* A block that is half empty even at the next smaller room is too large. */
static void trim(struct rib *r, struct rib_entry *e)
{
	size_t n = e->n ? e->n - 1u : 0;
	unsigned room = room_of(e);

	if (room && !n)
		give_block(r, e);
	else if (room > 1 && n <= holds(room - 1) / 2)
		(void)move(r, e, n, room - 1);
}

size_t rib_list(
    const struct rib *r, const struct rib_entry *e, uint32_t *to, size_t max)
{
	size_t n = e->n < max ? e->n : max;

	if (!n)
		return 0;
	to[0] = e->best;
	if (n > 1)
		memcpy(to + 1, rib_others(r, e), (n - 1) * sizeof *to);
	return n;
}

/* Writes back a list of as many paths as there are. */
static void store(struct rib *r, struct rib_entry *e, const uint32_t *list)
{
	e->best = list[0];
	if (e->n > 1)
		memcpy(rib_others(r, e), list + 1, (e->n - 1u) * sizeof *list);
}

static bool is_of(
    const struct rib *r, uint32_t set, uint32_t slot, uint32_t path_id)
{
	return rib_set_slot(r, set) == slot &&
	       rib_set_at(r, set)->path_id == path_id;
}

uint32_t rib_have(const struct rib *r, const struct rib_entry *e, uint32_t slot,
    uint32_t path_id)
{
	if (!e->n)
		return RIB_NONE;
	if (is_of(r, e->best, slot, path_id))
		return e->best;
	const uint32_t *others = rib_others(r, e);
	for (unsigned i = 0; i + 1u < e->n; i++)
		if (is_of(r, others[i], slot, path_id))
			return others[i];
	return RIB_NONE;
}

unsigned rib_count(
    const struct rib *r, const struct rib_entry *e, uint32_t slot)
{
	unsigned n = 0;

	if (!e->n)
		return 0;
	n += rib_set_slot(r, e->best) == slot;
	const uint32_t *others = rib_others(r, e);
	for (unsigned i = 0; i + 1u < e->n; i++)
		n += rib_set_slot(r, others[i]) == slot;
	return n;
}

static bool same_neighbour(const struct rib *r, uint32_t a, uint32_t b)
{
	uint32_t na = (uint32_t)rib_key_of(r, a);

	return na && na == (uint32_t)rib_key_of(r, b);
}

/* Of two that tie up to the origin, and are of different neighbours. */
static bool peer_before(const struct rib *r, uint32_t a, uint32_t b)
{
	uint32_t slot_a = rib_set_slot(r, a);
	uint32_t slot_b = rib_set_slot(r, b);

	if (slot_a == slot_b)
		return rib_set_at(r, a)->path_id < rib_set_at(r, b)->path_id;
	if (r->slot[slot_a].id != r->slot[slot_b].id)
		return r->slot[slot_a].id < r->slot[slot_b].id;
	return ip_cmp(&r->slot[slot_a].peer, &r->slot[slot_b].peer) < 0;
}

#define TIE_MAX 64 /* paths ordered by MED; of a longer tie, the first */

/* Orders a tie in which two paths have the same neighbour AS. */
static void sort_tie(const struct rib *r, uint32_t *list, size_t n)
{
	struct rib_rank rank[TIE_MAX];
	uint32_t order[TIE_MAX];
	uint32_t was[TIE_MAX];

	if (n < 2)
		return;
	if (n > TIE_MAX)
		n = TIE_MAX;
	for (size_t i = 0; i < n; i++) {
		rib_rank_of(r, list[i], &rank[i]);
		order[i] = (uint32_t)i;
		was[i] = list[i];
	}
	rib_rank_sort(rank, order, n);
	for (size_t i = 0; i < n; i++)
		list[i] = was[order[i]];
}

/*
 * A path has come to, or gone from, those of [lo, hi) that tie with it, and one
 * of them has its neighbour AS: MED may put all of them into another order.
 */
static void order_tie(struct rib *r, struct rib_entry *e, size_t lo, size_t hi)
{
	rib_list(r, e, r->list, RIB_PATHS_MAX);
	sort_tie(r, r->list + lo, hi - lo);
	store(r, e, r->list);
}

/* Puts set in where it ranks; there is room. */
static void insert(struct rib *r, struct rib_entry *e, uint32_t set)
{
	uint32_t *others = rib_others(r, e);
	uint32_t t = rib_top(r, set);
	size_t n = e->n;
	size_t lo = 0;
	bool grouped = false;

	while (lo < n && rib_top(r, rib_nth(e, others, lo)) < t)
		lo++;
	size_t at = lo;
	size_t hi = lo;
	for (; hi < n && rib_top(r, rib_nth(e, others, hi)) == t; hi++) {
		uint32_t other = rib_nth(e, others, hi);

		grouped |= same_neighbour(r, set, other);
		if (at == hi && !peer_before(r, set, other))
			at++;
	}
	e->n++;
	if (at == 0) {
		memmove(others + 1, others, (n - 1) * sizeof *others);
		others[0] = e->best;
		e->best = set;
	} else {
		memmove(
		    others + at, others + at - 1, (n - at) * sizeof *others);
		others[at - 1] = set;
	}
	if (grouped)
		order_tie(r, e, lo, hi + 1);
}

/* Takes set out. */
static void take(struct rib *r, struct rib_entry *e, uint32_t set)
{
	uint32_t *others = rib_others(r, e);
	size_t n = e->n;
	size_t at = 0;
	bool grouped = false;

	while (rib_nth(e, others, at) != set)
		must(++at < n);
	uint32_t t = rib_top(r, set);
	size_t lo = at, hi = at + 1;
	for (; lo && rib_top(r, rib_nth(e, others, lo - 1)) == t; lo--)
		grouped |= same_neighbour(r, set, rib_nth(e, others, lo - 1));
	for (; hi < n && rib_top(r, rib_nth(e, others, hi)) == t; hi++)
		grouped |= same_neighbour(r, set, rib_nth(e, others, hi));
	e->n--;
	if (n == 1) {
		e->best = RIB_NONE;
	} else if (at == 0) {
		e->best = others[0];
		memmove(others, others + 1, (n - 2) * sizeof *others);
	} else {
		memmove(others + at - 1, others + at,
		    (n - at - 1) * sizeof *others);
	}
	if (grouped)
		order_tie(r, e, lo, hi - 1);
}

bool rib_put(
    struct rib *r, enum family f, uint32_t id, uint32_t old, uint32_t set)
{
	struct rib_entry *e = rib_entry_at(r, f, id);
	size_t n = e->n;

	if (n == 0) {
		rib_put_first(r, f, e, set);
	} else if (n == 1 && old != RIB_NONE) {
		e->best = set;
	} else if (old != RIB_NONE) {
		take(r, e, old);
		insert(r, e, set);
	} else {
		if (n == RIB_PATHS_MAX || !make_room(r, e))
			return false;
		r->table[f].paths++;
		insert(r, e, set);
	}
	if (old != RIB_NONE)
		rib_set_unref(r, old);
	return true;
}

void rib_cut(struct rib *r, enum family f, uint32_t id, uint32_t old)
{
	struct rib_entry *e = rib_entry_at(r, f, id);

	must(e->n);
	take(r, e, old);
	trim(r, e);
	r->table[f].paths--;
	rib_set_unref(r, old);
}

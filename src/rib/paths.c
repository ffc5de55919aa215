/*
 * The paths of one prefix, in rank order: the first in the entry itself, the
 * others in nodes of three.
 */
#include "rib/store.h"

#include <string.h>

/* Makes sure that n nodes can be had without moving those that are there. */
static bool reserve(struct rib *r, size_t n)
{
	size_t end = (size_t)r->nodes_end + n;

	if (end < RIB_NONE &&
	    !rib_vec_need(&r->nodes, end * sizeof(struct rib_node)))
		return true;
	r->full = true;
	return false;
}

static uint32_t node_new(struct rib *r)
{
	uint32_t n = r->nodes_free;

	if (n != RIB_NONE)
		r->nodes_free = rib_node_at(r, n)->next;
	else
		n = r->nodes_end++;
	rib_node_at(r, n)->next = RIB_NONE;
	return n;
}

static void nodes_give(struct rib *r, uint32_t first)
{
	while (first != RIB_NONE) {
		struct rib_node *n = rib_node_at(r, first);
		uint32_t next = n->next;

		n->next = r->nodes_free;
		r->nodes_free = first;
		first = next;
	}
}

size_t rib_list(
    const struct rib *r, const struct rib_entry *e, uint32_t *to, size_t max)
{
	size_t n = 0;

	if (!e->n || !max)
		return 0;
	to[n++] = e->best;
	for (uint32_t at = e->more; at != RIB_NONE;) {
		const struct rib_node *node = rib_node_at(r, at);

		for (unsigned i = 0; i < 3 && n < e->n; i++) {
			if (n == max)
				return n;
			to[n++] = node->set[i];
		}
		at = node->next;
	}
	return n;
}

/* Writes the list back, for which nodes are reserved. */
static void store(
    struct rib *r, struct rib_entry *e, const uint32_t *list, size_t n)
{
	uint32_t *link = &e->more;

	e->best = n ? list[0] : RIB_NONE;
	e->n = (uint16_t)n;
	for (size_t done = 1; done < n;) {
		if (*link == RIB_NONE)
			*link = node_new(r);
		struct rib_node *node = rib_node_at(r, *link);
		for (unsigned i = 0; i < 3 && done < n; i++)
			node->set[i] = list[done++];
		link = &node->next;
	}
	nodes_give(r, *link);
	*link = RIB_NONE;
}

uint32_t rib_have(const struct rib *r, const struct rib_entry *e, uint32_t slot,
    uint32_t path_id)
{
	unsigned left = e->n;

	if (!left)
		return RIB_NONE;
	if (rib_set_slot(r, e->best) == slot &&
	    rib_set_at(r, e->best)->path_id == path_id)
		return e->best;
	left--;
	for (uint32_t at = e->more; left; at = rib_node_at(r, at)->next) {
		const struct rib_node *node = rib_node_at(r, at);

		for (unsigned i = 0; i < 3 && left; i++, left--)
			if (rib_set_slot(r, node->set[i]) == slot &&
			    rib_set_at(r, node->set[i])->path_id == path_id)
				return node->set[i];
	}
	return RIB_NONE;
}

unsigned rib_count(
    const struct rib *r, const struct rib_entry *e, uint32_t slot)
{
	unsigned left = e->n;
	unsigned n = 0;

	if (!left)
		return 0;
	n += rib_set_slot(r, e->best) == slot;
	left--;
	for (uint32_t at = e->more; left; at = rib_node_at(r, at)->next) {
		const struct rib_node *node = rib_node_at(r, at);

		for (unsigned i = 0; i < 3 && left; i++, left--)
			n += rib_set_slot(r, node->set[i]) == slot;
	}
	return n;
}

static uint32_t top(const struct rib *r, uint32_t set)
{
	return (uint32_t)(rib_key_of(r, set) >> RIB_KEY_SHIFT);
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

/* Puts set into list[0..n) where it ranks. */
static void insert(const struct rib *r, uint32_t *list, size_t n, uint32_t set)
{
	uint32_t t = top(r, set);
	size_t lo = 0;
	bool grouped = false;

	while (lo < n && top(r, list[lo]) < t)
		lo++;
	size_t at = lo;
	while (
	    at < n && top(r, list[at]) == t && !peer_before(r, set, list[at]))
		at++;
	size_t hi = at;
	for (; hi < n && top(r, list[hi]) == t; hi++)
		;
	for (size_t i = lo; i < hi && !grouped; i++)
		grouped = same_neighbour(r, set, list[i]);
	memmove(list + at + 1, list + at, (n - at) * sizeof *list);
	list[at] = set;
	if (grouped)
		sort_tie(r, list + lo, hi + 1 - lo);
}

/* Takes set out of list[0..n). */
static void take(const struct rib *r, uint32_t *list, size_t n, uint32_t set)
{
	size_t at = 0;
	bool grouped = false;

	while (list[at] != set)
		must(++at < n);
	uint32_t t = top(r, set);
	size_t lo = at, hi = at + 1;
	while (lo && top(r, list[lo - 1]) == t)
		lo--;
	while (hi < n && top(r, list[hi]) == t)
		hi++;
	for (size_t i = lo; i < hi && !grouped; i++)
		grouped = i != at && same_neighbour(r, set, list[i]);
	memmove(list + at, list + at + 1, (n - at - 1) * sizeof *list);
	if (grouped)
		sort_tie(r, list + lo, hi - lo - 1);
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
	} else {
		if ((old == RIB_NONE && n == RIB_PATHS_MAX) ||
		    !reserve(r, n / 3 + 1))
			return false;
		n = rib_list(r, e, r->list, RIB_PATHS_MAX);
		if (old != RIB_NONE)
			take(r, r->list, n--, old);
		else
			r->table[f].paths++;
		insert(r, r->list, n, set);
		store(r, e, r->list, n + 1);
	}
	if (old != RIB_NONE)
		rib_set_unref(r, old);
	return true;
}

void rib_cut(struct rib *r, enum family f, uint32_t id, uint32_t old)
{
	struct rib_entry *e = rib_entry_at(r, f, id);
	size_t n = rib_list(r, e, r->list, RIB_PATHS_MAX);

	must(n);
	take(r, r->list, n, old);
	store(r, e, r->list, n - 1);
	r->table[f].paths--;
	rib_set_unref(r, old);
}

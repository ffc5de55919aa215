/*
 * What a batch has touched: for each prefix the paths that clients had
 * before, so that one comparison at the end of the batch tells what goes out.
 */
#include "exchange/internal.h"

#include <stdlib.h>

void vec_grow(struct vec *v, size_t n, size_t size)
{
	size_t cap = v->cap ? v->cap : 256;

	while (cap < v->n + n)
		cap *= 2;
	void *p = realloc(v->p, cap * size);
	must(p);
	v->p = p;
	v->cap = cap;
}

/* Clients that still look for a path after this one; false: none. */
static bool left_after(const struct exchange *x, uint64_t *rest, uint32_t set)
{
	const uint64_t *may = class_may(x, rib_class_of(x->rib, set));
	uint32_t source = rib_set_slot(x->rib, set);
	uint64_t any = 0;

	for (uint32_t i = 0; i < x->words; i++) {
		uint64_t give = may[i];

		if (i == source / 64)
			give &= ~(1ull << source % 64);
		rest[i] &= ~give;
		any |= rest[i];
	}
	return any;
}

/*
 * Keeps the paths of the entry up to the one after which no client is left
 * without; all of them when there are ADD-PATH clients.
 */
static uint32_t keep_old(
    struct exchange *x, enum family f, const struct rib_entry *e)
{
	ATTR_UNINIT uint64_t rest[WORDS_MAX];
	uint64_t any_ap = 0;
	const uint32_t *others = rib_others(x->rib, e);
	uint32_t kept = 0;

	bits_copy(x, rest, x->clients[f]);
	for (uint32_t i = 0; i < x->words; i++)
		any_ap |= x->ap_clients[f][i];
	vec_room(&x->old, e->n, sizeof *others);
	while (kept < e->n) {
		uint32_t set = rib_nth(e, others, kept);

		if (rib_rejected(x->rib, set))
			break; /* refused ones are last */
		kept++;
		vec_u32(&x->old)[x->old.n++] = set;
		rib_set_ref(x->rib, set);
		if (!left_after(x, rest, set) && !any_ap)
			break;
	}
	return kept;
}

bool dirty_unseen(const struct exchange *x, enum family f,
    const struct rib_entry *e, uint32_t set)
{
	ATTR_UNINIT uint64_t rest[WORDS_MAX];

	if (e->n < 2 || e->flags & RIB_ENTRY_DIRTY || x->watch)
		return false;
	uint32_t second = *rib_others(x->rib, e);
	if (rib_top(x->rib, set) <= rib_top(x->rib, second))
		return false;
	for (uint32_t i = 0; i < x->words; i++)
		if (x->ap_clients[f][i])
			return false;
	bits_copy(x, rest, x->clients[f]);
	return !left_after(x, rest, e->best) || !left_after(x, rest, second);
}

void dirty_touch(struct exchange *x, enum family f, uint32_t id)
{
	struct rib_entry *e = rib_entry_at(x->rib, f, id);

	if (e->flags & RIB_ENTRY_DIRTY)
		return;
	e->flags |= RIB_ENTRY_DIRTY;
	struct dirty d = {.id = id, .family = f & 1, .old = (uint32_t)x->old.n};
	if (e->n)
		d.n = keep_old(x, f, e) & 0x7fffffff;
	vec_room(&x->dirty, 1, sizeof d);
	((struct dirty *)x->dirty.p)[x->dirty.n++] = d;
}

void dirty_fresh(struct exchange *x, enum family f, uint32_t id)
{
	struct dirty d = {.id = id, .family = f & 1};

	rib_entry_at(x->rib, f, id)->flags |= RIB_ENTRY_DIRTY;
	vec_room(&x->dirty, 1, sizeof d);
	((struct dirty *)x->dirty.p)[x->dirty.n++] = d;
}

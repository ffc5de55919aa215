/*
 * What a batch has touched: for each prefix the paths that clients had
 * before, so that one comparison at the end of the batch tells what goes out.
 */
#include "exchange/internal.h"

#include <stdlib.h>

/*
 * Empty prefixes of a family that are kept for laggards: looked through when
 * there are as many more as a part of the table, since where clients come
 * and go all the time somebody always lags; too many is when some of them
 * must have been away from the table for long.
 */
#define KEPT_PART 16
#define KEPT_LOOK_MIN (1u << 12)
#define KEPT_LOOK_MAX (1u << 18)
#define KEPT_MAX (1u << 21)

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

void dirty_drop(struct exchange *x, enum family f, uint32_t id)
{
	struct rib_entry *e = rib_entry_at(x->rib, f, id);

	if (e->n || e->flags & RIB_ENTRY_KEPT)
		return;
	if (!x->n_lagging && !watch_owes(x, f, id)) {
		rib_release(x->rib, f, id);
		return;
	}
	e->flags |= RIB_ENTRY_KEPT;
	vec_push_u32(&x->kept[f], id);
}

/* What laggards are still to hear of, a bit a prefix; NULL: nothing. */
static uint64_t *needed(
    const struct exchange *x, enum family f, uint32_t *ret_words)
{
	uint32_t words = rib_end(x->rib, f) / 64 + 1;
	uint64_t *all = NULL;

	*ret_words = words;
	for (uint32_t i = 0; i < x->n_slots; i++) {
		const struct slot *s = x->slot[i];
		const struct lag *l = s ? s->lag[f] : NULL;

		if (!l)
			continue;
		if (!all)
			all = calloc(words, sizeof *all);
		must(all);
		/* What one that joins was never told of it need not lose. */
		uint32_t end = l->joining && !l->n_gone && l->told < l->words
				   ? l->told
				   : l->words;
		for (uint32_t w = 0; w < end && w < words; w++)
			all[w] |= l->bits[w];
	}
	if (watch_behind(x)) {
		if (!all)
			all = calloc(words, sizeof *all);
		must(all);
		watch_needs(x, f, all, words);
	}
	return all;
}

/* Frees the empty prefixes of which every laggard has heard. */
static void unkeep(struct exchange *x, enum family f)
{
	struct vec *v = &x->kept[f];
	size_t left = 0;
	uint32_t words;
	uint64_t *all = v->n ? needed(x, f, &words) : NULL;

	for (size_t i = 0; i < v->n; i++) {
		uint32_t id = vec_u32(v)[i];
		struct rib_entry *e = rib_entry_at(x->rib, f, id);

		if (e->flags & RIB_ENTRY_DIRTY ||
		    (!e->n && all && bit_get(all, id))) {
			vec_u32(v)[left++] = id;
			continue;
		}
		e->flags &= (uint8_t)~RIB_ENTRY_KEPT;
		if (!e->n)
			rib_release(x->rib, f, id);
	}
	v->n = left;
	free(all);
	size_t more = rib_end(x->rib, f) / KEPT_PART;
	if (more < KEPT_LOOK_MIN)
		more = KEPT_LOOK_MIN;
	if (more > KEPT_LOOK_MAX)
		more = KEPT_LOOK_MAX;
	x->kept_look[f] = left + more;
}

void dirty_unkeep(struct exchange *x)
{
	for (enum family f = 0; f < FAMILY_COUNT; f++)
		unkeep(x, f);
}

/* How many of the kept prefixes the laggard has not heard of. */
static size_t owed(const struct exchange *x, const struct lag *l, enum family f)
{
	const struct vec *v = &x->kept[f];
	size_t n = 0;

	for (size_t i = 0; i < v->n; i++) {
		uint32_t id = vec_u32(v)[i];

		n += id / 64 < l->words && bit_get(l->bits, id);
	}
	return n;
}

void dirty_relieve(struct exchange *x)
{
	for (enum family f = 0; f < FAMILY_COUNT; f++) {
		if (x->kept[f].n < x->kept_look[f])
			continue;
		unkeep(x, f);
		size_t n = x->kept[f].n;
		if (n < KEPT_MAX)
			continue;
		/* Others need the room in the table. */
		for (uint32_t i = 0; i < x->n_slots; i++) {
			const struct slot *s = x->slot[i];

			if (s && s->c.up && s->lag[f] &&
			    owed(x, s->lag[f], f) > n / 2)
				serve_too_slow(x, i);
		}
	}
}

/*
 * Prefixes without a path that keep their place in the table for a while.
 *
 * A client that lags may still have to hear that they are gone, and so may
 * the monitor role.  And a place is dear: to give one back takes a few looks
 * into memory that no cache has, to find a new one as many; a flap would wait
 * for fifty thousand of them, and most prefixes that go come again soon.  So
 * they are given back later, when nothing waits for it.
 *
 *   kept:  | given back | old: to be given back | young          |
 *                       done                    old              n
 */
#include "exchange/internal.h"

#include "base/clock.h"

#include <stdlib.h>

#define YOUNG_NS (10 * NS_PER_S)
#define YOUNG_PART 16 /* of the table; when they are more, they are old */
#define YOUNG_LEAST (1u << 12)
#define YOUNG_MOST (1u << 17)
#define TURN 2048 /* given back between looks at the clock */
#define AHEAD 16  /* fetched before they are needed */

/* Too many are kept for laggards: some of them must have been away for long. */
#define LAG_MAX (1u << 21)

void kept_add(struct exchange *x, enum family f, uint32_t id)
{
	struct rib_entry *e = rib_entry_at(x->rib, f, id);
	struct kept *k = &x->kept[f];

	if (e->n || e->flags & RIB_ENTRY_KEPT)
		return;
	e->flags |= RIB_ENTRY_KEPT;
	if (!k->ids.n)
		k->since_ns = x->now;
	vec_push_u32(&k->ids, id);
}

/* How many may be young, however short a time they are there. */
static size_t young_most(const struct exchange *x, enum family f)
{
	size_t n = x->rib->table[f].live / YOUNG_PART;

	if (n < YOUNG_LEAST)
		return YOUNG_LEAST;
	return n < YOUNG_MOST ? n : YOUNG_MOST;
}

/* Gives it back, unless it has paths again. */
static void give_back(struct exchange *x, enum family f, uint32_t id)
{
	struct rib_entry *e = rib_entry_at(x->rib, f, id);

	/* One that is touched comes again when its batch is over. */
	e->flags &= (uint8_t)~RIB_ENTRY_KEPT;
	if (!e->n && !(e->flags & RIB_ENTRY_DIRTY))
		rib_release(x->rib, f, id);
}

static void grow_old(struct exchange *x, enum family f)
{
	struct kept *k = &x->kept[f];
	size_t most = young_most(x, f);

	if (x->now - k->since_ns > YOUNG_NS) {
		k->old = k->ids.n;
		k->since_ns = x->now;
	} else if (k->ids.n > k->old + most) {
		k->old = k->ids.n - most;
	}
}

/* However busy we are: a peer could fill the table with them. */
static bool is_crowded(const struct exchange *x, enum family f)
{
	const struct kept *k = &x->kept[f];

	return k->ids.n - k->done > 2 * young_most(x, f) &&
	       k->ids.n - k->done > YOUNG_MOST;
}

/* Goes on with the old ones; true when some are left. */
static bool tidy(struct exchange *x, enum family f)
{
	struct kept *k = &x->kept[f];
	const uint32_t *id = k->ids.p;
	size_t to = k->old - k->done > TURN ? k->done + TURN : k->old;

	for (size_t i = k->done; i < to; i++) {
		if (i + AHEAD < to)
			rib_release_hint(x->rib, f, id[i + AHEAD]);
		give_back(x, f, id[i]);
	}
	k->done = to;
	if (k->done < k->old)
		return true;
	if (k->done) {
		k->ids.n -= k->done;
		memmove(k->ids.p, id + k->done, k->ids.n * sizeof *id);
		k->done = k->old = 0;
	}
	return false;
}

bool kept_tidy(struct exchange *x, uint64_t deadline)
{
	bool more = true;

	if (x->n_lagging || watch_behind(x))
		return false;
	for (enum family f = 0; f < FAMILY_COUNT; f++)
		grow_old(x, f);
	while (more) {
		more = false;
		for (enum family f = 0; f < FAMILY_COUNT; f++)
			more |= x->kept[f].old && tidy(x, f);
		if (clock_now_ns() > deadline && !is_crowded(x, FAMILY_IPV4) &&
		    !is_crowded(x, FAMILY_IPV6))
			break;
	}
	return more;
}

uint64_t kept_due(const struct exchange *x)
{
	uint64_t due = UINT64_MAX;

	if (x->n_lagging || watch_behind(x))
		return due;
	for (enum family f = 0; f < FAMILY_COUNT; f++) {
		const struct kept *k = &x->kept[f];

		if (k->ids.n && k->since_ns + YOUNG_NS + 1 < due)
			due = k->since_ns + YOUNG_NS + 1;
	}
	return due;
}

uint64_t kept_empty(const struct exchange *x, enum family f)
{
	const struct kept *k = &x->kept[f];
	uint64_t n = 0;

	for (size_t i = k->done; i < k->ids.n; i++)
		n += !rib_entry_at(x->rib, f, vec_u32(&k->ids)[i])->n;
	return n;
}

void kept_unmark(
    const struct exchange *x, enum family f, uint64_t *bits, uint32_t words)
{
	const struct kept *k = &x->kept[f];

	for (size_t i = k->done; i < k->ids.n; i++) {
		uint32_t id = vec_u32(&k->ids)[i];

		if (id / 64 < words && !rib_entry_at(x->rib, f, id)->n)
			bit_clear(bits, id);
	}
}

/* ---- when there are laggards -------------------------------------------- */

/* What they are still to hear of, a bit a prefix; NULL: nothing. */
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

/* Gives those back of which every laggard has heard. */
static void sift(struct exchange *x, enum family f)
{
	struct kept *k = &x->kept[f];
	uint32_t *ids = vec_u32(&k->ids);
	size_t left = 0;
	uint32_t words;
	uint64_t *all = needed(x, f, &words);

	for (size_t i = k->done; i < k->ids.n; i++) {
		if (!rib_entry_at(x->rib, f, ids[i])->n && all &&
		    bit_get(all, ids[i]))
			ids[left++] = ids[i];
		else
			give_back(x, f, ids[i]);
	}
	k->ids.n = left;
	k->done = k->old = 0;
	free(all);
}

/* How many of them the laggard has not heard of. */
static size_t owed(const struct exchange *x, const struct lag *l, enum family f)
{
	const struct vec *v = &x->kept[f].ids;
	size_t n = 0;

	for (size_t i = 0; i < v->n; i++) {
		uint32_t id = vec_u32(v)[i];

		n += id / 64 < l->words && bit_get(l->bits, id);
	}
	return n;
}

void kept_relieve(struct exchange *x)
{
	if (!x->n_lagging && !watch_behind(x))
		return;
	for (enum family f = 0; f < FAMILY_COUNT; f++) {
		struct kept *k = &x->kept[f];
		size_t part = young_most(x, f);

		/* Where clients come and go somebody always lags. */
		if (k->ids.n < k->look || k->ids.n < 2 * part)
			continue;
		sift(x, f);
		size_t n = k->ids.n;
		k->look = n + part;
		if (n < LAG_MAX)
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

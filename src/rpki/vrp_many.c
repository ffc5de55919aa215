/*
 * Many VRPs at once.  One by one, each costs a move of what stands behind it
 * in its block; a cache that gives a million of them one prefix would have us
 * move for hours.
 */
#include "rpki/vrp_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* What a block is told apart by, with the family: length, leading bits. */
static uint64_t block_key(const struct place *p)
{
	return (uint64_t)p->family << 48 | (uint64_t)p->dir->len << 32 |
	       (p->first & mask32(p->dir->len));
}

static int compare(const struct place *a, const struct place *b)
{
	uint64_t x = block_key(a), y = block_key(b);

	return x != y ? (x > y) - (x < y)
		      : vrp_hot_cmp(a->family, &a->hot, &b->hot);
}

static int by_place(const void *pa, const void *pb, void *arg)
{
	struct place a = vrp_place(arg, pa), b = vrp_place(arg, pb);

	return compare(&a, &b);
}

/* Caches, and other tables, often have them in order already. */
static void sort(struct vrps *t, struct vrp *v, size_t n)
{
	for (size_t i = 1; i < n; i++)
		if (by_place(&v[i - 1], &v[i], t) > 0) {
			qsort_r(v, n, sizeof *v, by_place, t);
			return;
		}
}

static void append(struct block *to, enum family f, const void *hot,
    const struct vrp_note *note)
{
	memcpy(hot_at(to, f, to->n), hot, hot_bytes(f));
	notes(to, f)[to->n++] = *note;
}

/* The n sorted ones are of one block; that is replaced. */
static int merge_run(struct vrps *t, const struct vrp *v, size_t n)
{
	static const struct vrp_note none;
	struct place p = vrp_place(t, v);
	enum family f = p.family;
	struct block *b = dir_find(t, p.dir, p.first);
	size_t old = b ? b->n : 0, i = 0;

	if (!vrps_room(t, n) || old + n > VRPS_BLOCK_MAX)
		return -ENOMEM;
	struct block *more = vrps_block_new(t, &p, b, old + n);
	if (!more)
		return -ENOMEM;
	for (size_t k = 0; k < n; k++) {
		struct place at = vrp_place(t, &v[k]);

		for (; i < old && vrp_hot_cmp(f, hot_at(b, f, i), &at.hot) < 0;
		     i++)
			append(more, f, hot_at(b, f, i), &notes(b, f)[i]);
		if ((!k || compare(&p, &at)) &&
		    !vrps_block_has(b, f, i, &at.hot))
			append(more, f, &at.hot, &none);
		p = at;
	}
	for (; i < old; i++)
		append(more, f, hot_at(b, f, i), &notes(b, f)[i]);
	vrps_block_relength(more, f);
	p.dir->vrps += more->n - old;
	t->count[f] += more->n - old;
	vrps_dir_set(t, p.dir, p.first, more);
	vrps_block_free(t, f, b);
	for (size_t k = 0; k < n; k++)
		vrps_quick_put(t, &v[k]);
	return 0;
}

static int put_run(struct vrps *t, const struct vrp *v, size_t n)
{
	struct place p = vrp_place(t, v);
	const struct block *b = dir_find(t, p.dir, p.first);

	if ((b ? b->n : 0) + n > RPKI_CROWD)
		return merge_run(t, v, n);
	for (size_t i = 0; i < n; i++) {
		bool is_new;

		if (!vrps_put(t, &v[i], &is_new))
			return -ENOMEM;
	}
	return 0;
}

int vrps_put_many(struct vrps *t, struct vrp *v, size_t n)
{
	size_t first = 0;

	for (size_t i = 0; i < n; i++)
		if (!vrp_is_possible(&v[i]))
			return -EINVAL;
	sort(t, v, n);
	for (size_t i = 1; i <= n; i++) {
		if (i < n) {
			struct place a = vrp_place(t, &v[first]);
			struct place b = vrp_place(t, &v[i]);

			if (block_key(&a) == block_key(&b))
				continue;
		}
		int err = put_run(t, v + first, i - first);
		if (err)
			return err;
		first = i;
	}
	return 0;
}

/* Closes the gaps of those that are going. */
static void compact(struct vrps *t, const struct place *p, struct block *b)
{
	enum family f = p->family;
	size_t n = 0;

	for (size_t i = 0; i < b->n; i++) {
		if (notes(b, f)[i].mark == VRP_GOING)
			continue;
		if (n != i) {
			memcpy(hot_at(b, f, n), hot_at(b, f, i), hot_bytes(f));
			notes(b, f)[n] = notes(b, f)[i];
		}
		n++;
	}
	p->dir->vrps -= b->n - n;
	t->count[f] -= b->n - n;
	b->n = (uint32_t)n;
	if (n) {
		vrps_block_relength(b, f);
		return;
	}
	vrps_dir_set(t, p->dir, p->first, NULL);
	vrps_block_free(t, f, b);
}

size_t vrps_remove_many(struct vrps *t, struct vrp *v, size_t n)
{
	size_t there = 0;

	for (size_t i = 0; i < n; i++) {
		struct vrp_note *note = vrps_note(t, &v[i]);
		struct vrp x = v[i];

		if (!note || note->mark == VRP_GOING)
			continue;
		note->mark = VRP_GOING;
		v[i] = v[there];
		v[there++] = x;
	}
	/* The first one of a block takes all of it along. */
	for (size_t i = 0; i < there; i++) {
		struct place p = vrp_place(t, &v[i]);

		if (vrps_note(t, &v[i]))
			compact(t, &p, dir_find(t, p.dir, p.first));
	}
	for (size_t i = 0; i < there; i++)
		vrps_quick_remove(t, &v[i]);
	return there;
}

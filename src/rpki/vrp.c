/* The VRP table: its blocks, and what changes them.  Picture: internal. */
#include "rpki/vrp_internal.h"

#include "base/clock.h"
#include "base/hash.h"
#include "base/must.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const uint8_t level_len[FAMILY_COUNT][LEVELS_MAX] = {
    [FAMILY_IPV4] = {0, 8, 16},
    [FAMILY_IPV6] = {0, 16, 28, 32},
};

static const unsigned level_count[FAMILY_COUNT] = {3, 4};

static size_t block_bytes(enum family f, size_t cap)
{
	return sizeof(struct block) +
	       cap * (hot_bytes(f) + sizeof(struct vrp_note));
}

#define MALLOC_OVERHEAD 16

/* ---- directories -------------------------------------------------------- */

struct vrps *vrps_new(void)
{
	struct vrps *t = calloc(1, sizeof *t);

	if (!t)
		return NULL;
	t->seed = clock_seed();
	t->bytes = sizeof *t;
	for (int f = 0; f < FAMILY_COUNT; f++) {
		t->levels[f] = level_count[f];
		for (unsigned i = 0; i < t->levels[f]; i++) {
			struct dir *d = &t->dir[f][i];

			d->len = level_len[f][i];
			d->last = i == t->levels[f] - 1;
			if (f == FAMILY_IPV6 && i)
				continue;
			d->cap = (size_t)1 << d->len;
			d->direct = calloc(d->cap, sizeof *d->direct);
			if (!d->direct) {
				vrps_free(t);
				return NULL;
			}
			t->bytes += d->cap * sizeof *d->direct;
		}
	}
	return t;
}

void vrps_free(struct vrps *t)
{
	if (!t)
		return;
	for (int f = 0; f < FAMILY_COUNT; f++) {
		for (unsigned i = 0; i < t->levels[f]; i++) {
			struct dir *d = &t->dir[f][i];

			for (size_t k = 0; k < d->cap; k++)
				free(d->direct ? d->direct[k]
				     : d->slot ? d->slot[k].block
					       : NULL);
			free(d->direct);
			free(d->slot);
		}
	}
	vrps_quick_free(t);
	free(t);
}

static size_t slot_find(const struct vrps *t, const struct dir *d, uint32_t key)
{
	size_t i = (size_t)hash_u64(key, t->seed) & (d->cap - 1);

	while (d->slot[i].block && d->slot[i].key != key)
		i = (i + 1) & (d->cap - 1);
	return i;
}

struct block *dir_find(
    const struct vrps *t, const struct dir *d, uint32_t first)
{
	if (d->direct)
		return d->direct[d->len ? first >> (32 - d->len) : 0];
	if (!d->slot)
		return NULL;
	return d->slot[slot_find(t, d, first & mask32(d->len))].block;
}

static int dir_grow(struct vrps *t, struct dir *d)
{
	struct dir bigger = *d;

	if (d->direct || (d->slot && d->n < d->cap / 2))
		return 0;
	bigger.cap = d->slot ? d->cap * 2 : 64;
	bigger.slot = calloc(bigger.cap, sizeof *d->slot);
	if (!bigger.slot)
		return -ENOMEM;
	for (size_t i = 0; d->slot && i < d->cap; i++)
		if (d->slot[i].block)
			bigger.slot[slot_find(t, &bigger, d->slot[i].key)] =
			    d->slot[i];
	t->bytes += bigger.cap * sizeof *d->slot;
	if (d->slot)
		t->bytes -= d->cap * sizeof *d->slot;
	free(d->slot);
	*d = bigger;
	return 0;
}

void vrps_dir_set(
    struct vrps *t, struct dir *d, uint32_t first, struct block *b)
{
	uint32_t key = first & mask32(d->len);

	if (d->direct) {
		d->direct[d->len ? first >> (32 - d->len) : 0] = b;
		return;
	}
	size_t i = slot_find(t, d, key);
	d->n += !d->slot[i].block;
	d->slot[i] = (struct slot){b, key};
	if (b)
		return;
	d->n--;
	/* What stood behind it may have to move up, or it is not found. */
	for (i = (i + 1) & (d->cap - 1); d->slot[i].block;
	     i = (i + 1) & (d->cap - 1)) {
		struct slot s = d->slot[i];

		d->slot[i].block = NULL;
		d->slot[slot_find(t, d, s.key)] = s;
	}
}

/* ---- one VRP in its block ----------------------------------------------- */

struct place vrp_place(const struct vrps *t, const struct vrp *v)
{
	const struct ip *ip = &v->prefix.addr;
	struct place p = {.family = ip->family, .first = load32(ip->b)};
	unsigned level = t->levels[p.family] - 1;

	while (level_len[p.family][level] > v->prefix.len)
		level--;
	/* The table is const for those who only look. */
	p.dir = (struct dir *)(uintptr_t)&t->dir[p.family][level];
	if (p.family == FAMILY_IPV4) {
		p.hot.h4 = (struct hot4){
		    .part = (uint16_t)(p.dir->last ? p.first : p.first >> 16),
		    .len = v->prefix.len,
		    .max_len = v->max_len,
		    .asn = v->asn};
		return p;
	}
	p.hot.h6 = (struct hot6){
	    .asn = v->asn, .len = v->prefix.len, .max_len = v->max_len};
	for (unsigned i = 0; i < 3; i++)
		p.hot.h6.part[i] = load32(ip->b + 4 * (i + p.dir->last));
	return p;
}

static int cmp_u32(uint32_t a, uint32_t b)
{
	return (a > b) - (a < b);
}

int vrp_hot_cmp(enum family f, const void *pa, const void *pb)
{
	if (f == FAMILY_IPV4) {
		const struct hot4 *a = pa, *b = pb;
		int c =
		    a->part != b->part ? a->part - b->part : a->len - b->len;

		c = c ? c : cmp_u32(a->asn, b->asn);
		return c ? c : a->max_len - b->max_len;
	}
	const struct hot6 *a = pa, *b = pb;
	int c = 0;
	for (unsigned i = 0; i < 3 && !c; i++)
		c = cmp_u32(a->part[i], b->part[i]);
	c = c ? c : a->len - b->len;
	c = c ? c : cmp_u32(a->asn, b->asn);
	return c ? c : a->max_len - b->max_len;
}

size_t vrps_block_find(struct block *b, enum family f, const void *hot)
{
	size_t lo = 0, hi = b ? b->n : 0;

	while (lo < hi) {
		size_t mid = (lo + hi) / 2;

		if (vrp_hot_cmp(f, hot_at(b, f, mid), hot) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

bool vrps_block_has(struct block *b, enum family f, size_t i, const void *hot)
{
	return b && i < b->n && !vrp_hot_cmp(f, hot_at(b, f, i), hot);
}

struct block *vrps_block_new(
    struct vrps *t, const struct place *p, const struct block *old, size_t cap)
{
	struct block *b;

	if (!old && dir_grow(t, p->dir))
		return NULL;
	b = calloc(1, block_bytes(p->family, cap));
	if (!b)
		return NULL;
	b->cap = (uint32_t)cap;
	t->bytes += block_bytes(p->family, cap) + MALLOC_OVERHEAD;
	return b;
}

void vrps_block_free(struct vrps *t, enum family f, struct block *b)
{
	if (b)
		t->bytes -= block_bytes(f, b->cap) + MALLOC_OVERHEAD;
	free(b);
}

void vrps_block_relength(struct block *b, enum family f)
{
	memset(b->lens, 0, sizeof b->lens);
	for (size_t i = 0; i < b->n; i++) {
		uint8_t len = f == FAMILY_IPV4 ? block_hot4(b)[i].len
					       : block_hot6(b)[i].len;

		b->lens[len / 64] |= 1ull << len % 64;
	}
}

/* A block with room for one more; the old one is gone unless it is NULL. */
static struct block *block_room(
    struct vrps *t, const struct place *p, struct block *b)
{
	enum family f = p->family;
	struct block *more;

	if (b && b->n < b->cap)
		return b;
	more = vrps_block_new(t, p, b, b ? b->cap + b->cap / 2 + 1 : 1);
	if (!more)
		return NULL;
	if (b) {
		more->n = b->n;
		memcpy(more->lens, b->lens, sizeof b->lens);
		memcpy(
		    hot_at(more, f, 0), hot_at(b, f, 0), b->n * hot_bytes(f));
		memcpy(notes(more, f), notes(b, f),
		    b->n * sizeof(struct vrp_note));
		vrps_block_free(t, f, b);
	}
	vrps_dir_set(t, p->dir, p->first, more);
	return more;
}

bool vrp_is_possible(const struct vrp *v)
{
	return v->prefix.len <= v->max_len &&
	       v->max_len <= family_bits(v->prefix.addr.family);
}

struct vrp_note *vrps_put(struct vrps *t, const struct vrp *v, bool *ret_new)
{
	if (!vrp_is_possible(v))
		return NULL;
	struct place p = vrp_place(t, v);
	enum family f = p.family;
	struct block *b = dir_find(t, p.dir, p.first);
	size_t i = vrps_block_find(b, f, &p.hot);

	*ret_new = !vrps_block_has(b, f, i, &p.hot);
	if (!*ret_new)
		return &notes(b, f)[i];
	if (!vrps_room(t, 1) || (b && b->n >= VRPS_BLOCK_MAX))
		return NULL;
	b = block_room(t, &p, b);
	if (!b)
		return NULL;
	struct vrp_note *note = notes(b, f);
	memmove(
	    hot_at(b, f, i + 1), hot_at(b, f, i), (b->n - i) * hot_bytes(f));
	memmove(note + i + 1, note + i, (b->n - i) * sizeof *note);
	memcpy(hot_at(b, f, i), &p.hot, hot_bytes(f));
	note[i] = (struct vrp_note){0};
	b->n++;
	b->lens[v->prefix.len / 64] |= 1ull << v->prefix.len % 64;
	p.dir->vrps++;
	t->count[f]++;
	vrps_quick_put(t, v);
	return &note[i];
}

struct vrp_note *vrps_note(struct vrps *t, const struct vrp *v)
{
	struct place p = vrp_place(t, v);
	struct block *b = dir_find(t, p.dir, p.first);
	size_t i = vrps_block_find(b, p.family, &p.hot);

	return vrps_block_has(b, p.family, i, &p.hot) ? &notes(b, p.family)[i]
						      : NULL;
}

int vrps_add(struct vrps *t, const struct vrp *v)
{
	bool is_new;
	struct vrp_note *note;

	if (!vrp_is_possible(v))
		return -EINVAL;
	note = vrps_put(t, v, &is_new);
	if (!note)
		return -ENOMEM;
	note->sources = v->sources;
	if (is_new)
		note->since_s = v->since_s;
	return is_new;
}

bool vrps_remove(struct vrps *t, const struct vrp *v)
{
	struct place p = vrp_place(t, v);
	enum family f = p.family;
	struct block *b = dir_find(t, p.dir, p.first);
	size_t i = vrps_block_find(b, f, &p.hot);

	if (!vrps_block_has(b, f, i, &p.hot))
		return false;
	b->n--;
	p.dir->vrps--;
	t->count[f]--;
	if (!b->n) {
		vrps_dir_set(t, p.dir, p.first, NULL);
		vrps_block_free(t, f, b);
		vrps_quick_remove(t, v);
		return true;
	}
	memmove(
	    hot_at(b, f, i), hot_at(b, f, i + 1), (b->n - i) * hot_bytes(f));
	memmove(notes(b, f) + i, notes(b, f) + i + 1,
	    (b->n - i) * sizeof(struct vrp_note));
	vrps_block_relength(b, f);
	vrps_quick_remove(t, v);
	return true;
}

size_t vrps_count(const struct vrps *t, enum family f)
{
	return t->count[f];
}

size_t vrps_bytes(const struct vrps *t)
{
	return t->bytes;
}

/* ---- all of them -------------------------------------------------------- */

struct vrp block_vrp(const struct dir *d, struct block *b, enum family f,
    uint32_t first, size_t i)
{
	struct vrp v = {.prefix.addr.family = (uint8_t)f};
	uint32_t key = first & mask32(d->len);
	uint32_t w[4] = {0};

	if (f == FAMILY_IPV4) {
		const struct hot4 *h = &block_hot4(b)[i];

		w[0] = d->last ? key | h->part : (uint32_t)h->part << 16;
		v.prefix.len = h->len;
		v.max_len = h->max_len;
		v.asn = h->asn;
	} else {
		const struct hot6 *h = &block_hot6(b)[i];

		w[0] = key;
		memcpy(w + d->last, h->part, sizeof h->part);
		v.prefix.len = h->len;
		v.max_len = h->max_len;
		v.asn = h->asn;
	}
	for (unsigned k = 0; k < family_bytes(f); k++)
		v.prefix.addr.b[k] = (uint8_t)(w[k / 4] >> (24 - k % 4 * 8));
	v.since_s = notes(b, f)[i].since_s;
	v.sources = notes(b, f)[i].sources;
	return v;
}

static void dir_each(const struct dir *d, enum family f,
    void (*fn)(void *arg, const struct vrp *v, struct vrp_note *note),
    void *arg)
{
	for (size_t k = 0; k < d->cap; k++) {
		struct block *b = d->direct ? d->direct[k] : d->slot[k].block;
		uint32_t key =
		    d->direct ? (uint32_t)(k << (32 - d->len)) : d->slot[k].key;

		for (size_t i = 0; b && i < b->n; i++) {
			struct vrp v = block_vrp(d, b, f, key, i);

			fn(arg, &v, &notes(b, f)[i]);
		}
	}
}

void vrps_each(const struct vrps *t,
    void (*fn)(void *arg, const struct vrp *v, struct vrp_note *note),
    void *arg)
{
	for (enum family f = 0; f < FAMILY_COUNT; f++)
		for (unsigned l = 0; l < t->levels[f]; l++)
			dir_each(&t->dir[f][l], f, fn, arg);
}

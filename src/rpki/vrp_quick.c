/*
 * What most routes ask of the table, in two lines of memory that wait for
 * nothing else: of the world's IPv4 routes, nine in ten have a VRP for just
 * their prefix and origin, or none that covers them.
 *
 *   cover   a bit for each /24: a VRP of at most 24 bits covers it.  None does:
 *           not found.  A bit may outlive its VRP: the table has the answer.
 *   exact   lines of eight keys, by hash: there is a VRP of that prefix (8 to
 *           24 bits) and ASN.  It is there: valid, whatever its max_len.  What
 *           has no room in its line is not there: the table has the answer.
 */
#include "rpki/vrp_internal.h"

#include "base/attr.h"
#include "base/hash.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define SHORTEST 8
#define LONGEST 24
#define COVER_BYTES ((size_t)1 << (LONGEST - 3))
#define WORD_BITS 64
#define LINES_LEAST ((size_t)1024)
#define KEYS_IN_LINE 7 /* on average, before there are more lines */
#define HUGE_PAGE ((size_t)2 << 20)
#define AT_ONCE 64

static bool has_key(uint8_t len, uint32_t asn)
{
	return len >= SHORTEST && len <= LONGEST && asn;
}

/* Never 0. */
static uint64_t key_of(uint32_t first, uint8_t len, uint32_t asn)
{
	return (uint64_t)(first >> 8) << 37 | (uint64_t)len << 32 | asn;
}

static struct quick_line *line_of(const struct vrps *t, uint64_t key)
{
	uint64_t h = hash_u64(key, t->seed) >> 32;

	return &t->quick.line[h * t->quick.lines >> 32];
}

/* Zeroed, in huge pages where there are any; NULL: no memory. */
static void *room(struct vrps *t, size_t bytes)
{
	size_t align =
	    bytes < HUGE_PAGE ? sizeof(struct quick_line) : HUGE_PAGE;
	void *p;

	if (posix_memalign(&p, align, bytes))
		return NULL;
	if (align == HUGE_PAGE)
		(void)madvise(p, bytes, MADV_HUGEPAGE);
	memset(p, 0, bytes);
	t->bytes += bytes;
	return p;
}

static void lines_free(struct vrps *t)
{
	t->bytes -= t->quick.lines * sizeof *t->quick.line;
	free(t->quick.line);
	t->quick.line = NULL;
	t->quick.lines = 0;
}

void vrps_quick_free(struct vrps *t)
{
	lines_free(t);
	if (t->quick.cover)
		t->bytes -= COVER_BYTES;
	free(t->quick.cover);
	t->quick = (struct quick){.wanted = t->quick.wanted};
}

/* ---- what comes and goes ------------------------------------------------- */

static void put_cover(uint64_t *cover, uint32_t first, uint8_t len)
{
	uint32_t n = 1u << (LONGEST - len);
	uint32_t at = len ? first >> 8 & ~(n - 1) : 0;

	if (n >= WORD_BITS)
		memset(&cover[at / WORD_BITS], 0xff, n / 8);
	else
		cover[at / WORD_BITS] |= ((1ull << n) - 1) << at % WORD_BITS;
}

static void put_key(struct vrps *t, uint64_t key)
{
	struct quick_line *l = line_of(t, key);

	for (unsigned i = 0; i < QUICK_KEYS; i++) {
		if (l->key[i] == key)
			return;
		if (!l->key[i]) {
			l->key[i] = key;
			return;
		}
	}
}

static void put(void *arg, const struct vrp *v, struct vrp_note *note)
{
	struct vrps *t = arg;
	uint8_t len = v->prefix.len;
	uint32_t first = load32(v->prefix.addr.b);

	(void)note;
	if (v->prefix.addr.family != FAMILY_IPV4 || len > LONGEST)
		return;
	put_cover(t->quick.cover, first, len);
	if (has_key(len, v->asn))
		put_key(t, key_of(first, len, v->asn));
}

/* Such that the world's VRPs take less than 40 bytes each, all in all. */
static size_t lines_for(const struct vrps *t)
{
	size_t lines = LINES_LEAST;

	while (lines * KEYS_IN_LINE < t->count[FAMILY_IPV4])
		lines += lines / 2;
	return lines;
}

/* All anew; without memory the table alone answers. */
static void remake(struct vrps *t)
{
	struct quick *q = &t->quick;
	size_t lines = lines_for(t);

	vrps_quick_free(t);
	q->cover = room(t, COVER_BYTES);
	q->line = room(t, lines * sizeof *q->line);
	if (q->line)
		q->lines = lines;
	if (!q->cover || !q->line) {
		vrps_quick_free(t);
		return;
	}
	vrps_each(t, put, t);
}

void vrps_quick_put(struct vrps *t, const struct vrp *v)
{
	struct quick *q = &t->quick;

	if (!q->wanted || v->prefix.addr.family != FAMILY_IPV4)
		return;
	if (!q->cover || t->count[FAMILY_IPV4] > q->lines * KEYS_IN_LINE)
		remake(t);
	if (q->cover)
		put(t, v, NULL);
}

void vrps_quicken(struct vrps *t)
{
	t->quick.wanted = true;
	if (t->count[FAMILY_IPV4])
		remake(t);
}

void vrps_quick_remove(struct vrps *t, const struct vrp *v)
{
	struct quick *q = &t->quick;
	uint8_t len = v->prefix.len;
	uint64_t key = key_of(load32(v->prefix.addr.b), len, v->asn);

	if (v->prefix.addr.family != FAMILY_IPV4 || !q->cover)
		return;
	q->gone++;
	if (has_key(len, v->asn)) {
		struct quick_line *l = line_of(t, key);
		unsigned last = QUICK_KEYS;

		while (last && !l->key[last - 1])
			last--;
		for (unsigned i = 0; i < last; i++) {
			if (l->key[i] != key)
				continue;
			l->key[i] = l->key[last - 1];
			l->key[last - 1] = 0;
			break;
		}
	}
	/* Many bits may be of VRPs that are no more. */
	if (q->gone > LINES_LEAST + t->count[FAMILY_IPV4] / 2)
		remake(t);
}

/* ---- many routes at once ------------------------------------------------- */

/* ROV_UNCHECKED: the table has the answer. */
static uint8_t answer(const struct quick *q, const struct quick_line *l,
    uint32_t first, uint64_t key)
{
	uint32_t at = first >> 8;
	bool is_there = false;

	if (!(q->cover[at / WORD_BITS] >> at % WORD_BITS & 1))
		return ROV_NOT_FOUND;
	for (unsigned i = 0; i < QUICK_KEYS; i++)
		is_there |= l->key[i] == key;
	return is_there ? ROV_VALID : ROV_UNCHECKED;
}

/* A route that has no key, for its length, is UNCHECKED from the start. */
static void quick_all(const struct vrps *t, const struct prefix *p, size_t n,
    uint32_t origin, uint8_t *ret)
{
	const struct quick *q = &t->quick;
	ATTR_UNINIT const struct quick_line *line[AT_ONCE];
	ATTR_UNINIT uint64_t key[AT_ONCE];

	for (size_t i = 0; i < n; i++) {
		uint32_t first = load32(p[i].addr.b);

		key[i] = key_of(first, p[i].len, origin);
		line[i] = line_of(t, key[i]);
		__builtin_prefetch(line[i]);
		__builtin_prefetch(&q->cover[(first >> 8) / WORD_BITS]);
	}
	for (size_t i = 0; i < n; i++) {
		ret[i] = ROV_UNCHECKED;
		if (p[i].len >= SHORTEST && p[i].len <= LONGEST)
			ret[i] =
			    answer(q, line[i], load32(p[i].addr.b), key[i]);
	}
}

static void some(const struct vrps *t, const struct prefix *p, size_t n,
    uint32_t origin, uint8_t *ret)
{
	if (p->addr.family == FAMILY_IPV4 && t->quick.cover)
		quick_all(t, p, n, origin, ret);
	else
		memset(ret, ROV_UNCHECKED, n);
	for (size_t i = 0; i < n; i++)
		if (ret[i] == ROV_UNCHECKED)
			vrps_prefetch(t, &p[i]);
	for (size_t i = 0; i < n; i++)
		if (ret[i] == ROV_UNCHECKED)
			ret[i] = (uint8_t)vrps_check(t, &p[i], origin);
}

void vrps_check_all(const struct vrps *t, const struct prefix *p, size_t n,
    uint32_t origin, uint8_t *ret)
{
	for (size_t k; n; p += k, ret += k, n -= k) {
		k = n < AT_ONCE ? n : AT_ONCE;
		some(t, p, k, origin, ret);
	}
}

/* Origin validation: the questions to a VRP table. */
#include "rpki/vrp_internal.h"

#define SCAN_MAX 32 /* a block of so many is faster read through */

/* What a route asks. */
struct ask {
	uint32_t w[4];
	uint32_t origin;
	uint8_t len;
};

static inline struct ask ask_of(const struct prefix *p, uint32_t origin)
{
	struct ask a = {.origin = origin, .len = p->len};

	a.w[0] = load32(p->addr.b);
	if (p->addr.family == FAMILY_IPV6)
		for (unsigned i = 1; i < 4; i++)
			a.w[i] = load32(p->addr.b + 4 * i);
	return a;
}

/* Where covering VRPs go. */
struct list {
	struct vrp *v;
	size_t max;
	size_t n;
};

static inline enum rov judge(uint32_t asn, uint8_t max_len, const struct ask *a)
{
	return asn == a->origin && a->len <= max_len && a->origin ? ROV_VALID
								  : ROV_INVALID;
}

static inline uint16_t part4(const struct dir *d, const struct ask *a)
{
	return (uint16_t)(d->last ? a->w[0] : a->w[0] >> 16);
}

/* The bits of part that a prefix of that length has. */
static inline uint16_t mask4(const struct dir *d, unsigned len)
{
	return (uint16_t)(mask32(len) >> (d->last ? 0 : 16));
}

/* The first of that address, length and ASN, or where it would be. */
static size_t first4(
    const struct block *b, uint16_t part, uint8_t len, uint32_t asn)
{
	const struct hot4 *h = block_hot4(b);
	size_t lo = 0, hi = b->n;

	while (lo < hi) {
		size_t mid = (lo + hi) / 2;
		const struct hot4 *m = &h[mid];

		if (m->part != part ? m->part < part
		    : m->len != len ? m->len < len
				    : m->asn < asn)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static enum rov search4(
    const struct block *b, const struct dir *d, const struct ask *a)
{
	const struct hot4 *h = block_hot4(b);
	enum rov r = ROV_NOT_FOUND;

	for (uint64_t l = b->lens[0] & (~0ull >> (63 - a->len)); l;
	     l &= l - 1) {
		uint8_t len = (uint8_t)__builtin_ctzll(l);
		uint16_t part = part4(d, a) & mask4(d, len);

		size_t i = first4(b, part, len, 0);

		if (i == b->n || h[i].part != part || h[i].len != len)
			continue;
		r = ROV_INVALID;
		/* Any number may have this prefix: only the origin's count. */
		if (h[i].asn != a->origin)
			i = first4(b, part, len, a->origin);
		for (; i < b->n && h[i].part == part && h[i].len == len &&
		       h[i].asn == a->origin;
		     i++)
			if (judge(h[i].asn, h[i].max_len, a) == ROV_VALID)
				return ROV_VALID;
	}
	return r;
}

static inline enum rov scan4(
    const struct block *b, const struct dir *d, const struct ask *a)
{
	const struct hot4 *h = block_hot4(b);
	uint16_t part = part4(d, a);
	enum rov r = ROV_NOT_FOUND;

	if (b->n > SCAN_MAX)
		return search4(b, d, a);
	for (size_t i = 0; i < b->n && h[i].part <= part; i++) {
		if (h[i].len > a->len ||
		    (h[i].part ^ part) & mask4(d, h[i].len))
			continue;
		r = judge(h[i].asn, h[i].max_len, a);
		if (r == ROV_VALID)
			return r;
	}
	return r;
}

static struct words part6(
    const struct dir *d, const struct ask *a, unsigned len)
{
	struct words p;
	unsigned done = d->last ? 32 : 0;

	for (unsigned i = 0; i < 3; i++, done += 32) {
		unsigned bits = len <= done ? 0 : len - done;

		p.w[i] = a->w[i + d->last] & mask32(bits > 32 ? 32 : bits);
	}
	p.w[3] = 0;
	return p;
}

/* p.w[3] is the ASN. */
static int cmp6(const struct hot6 *h, const struct words *p, uint8_t len)
{
	for (unsigned i = 0; i < 3; i++)
		if (h->part[i] != p->w[i])
			return h->part[i] < p->w[i] ? -1 : 1;
	return h->len - len;
}

static size_t first6(const struct block *b, const struct words *p, uint8_t len)
{
	size_t lo = 0, hi = b->n;

	while (lo < hi) {
		size_t mid = (lo + hi) / 2;

		int c = cmp6(&block_hot6(b)[mid], p, len);

		if (c < 0 || (!c && block_hot6(b)[mid].asn < p->w[3]))
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

/* The next length at or above len that the block has; 255: none. */
static uint8_t next_len(const struct block *b, unsigned len)
{
	for (unsigned i = len / 64; i < 3; i++, len = i * 64) {
		uint64_t l = b->lens[i] >> len % 64 << len % 64;

		if (l)
			return (uint8_t)(i * 64 + (unsigned)__builtin_ctzll(l));
	}
	return 255;
}

static enum rov scan6(
    const struct block *b, const struct dir *d, const struct ask *a)
{
	const struct hot6 *h = block_hot6(b);
	enum rov r = ROV_NOT_FOUND;

	for (uint8_t len = next_len(b, 0); len <= a->len;
	     len = next_len(b, len + 1u)) {
		struct words p = part6(d, a, len);

		size_t i = first6(b, &p, len);

		if (i == b->n || cmp6(&h[i], &p, len))
			continue;
		r = ROV_INVALID;
		p.w[3] = a->origin;
		if (h[i].asn != a->origin)
			i = first6(b, &p, len);
		for (;
		     i < b->n && h[i].asn == a->origin && !cmp6(&h[i], &p, len);
		     i++)
			if (judge(h[i].asn, h[i].max_len, a) == ROV_VALID)
				return ROV_VALID;
	}
	return r;
}

enum rov vrps_check(
    const struct vrps *t, const struct prefix *p, uint32_t origin)
{
	enum family f = p->addr.family;
	struct ask a = ask_of(p, origin);
	enum rov r = ROV_NOT_FOUND;

	for (unsigned i = t->levels[f]; i-- > 0;) {
		const struct dir *d = &t->dir[f][i];

		if (!d->vrps || d->len > p->len)
			continue;
		const struct block *b = dir_find(t, d, a.w[0]);
		if (!b)
			continue;
		enum rov x =
		    f == FAMILY_IPV4 ? scan4(b, d, &a) : scan6(b, d, &a);
		if (x == ROV_VALID)
			return x;
		if (x == ROV_INVALID)
			r = x;
	}
	return r;
}

void vrps_prefetch(const struct vrps *t, const struct prefix *p)
{
	const struct dir *d =
	    &t->dir[p->addr.family][t->levels[p->addr.family] - 1];
	const struct block *b;

	if (!d->vrps || d->len > p->len)
		return;
	b = dir_find(t, d, load32(p->addr.b));
	if (b) {
		__builtin_prefetch(b);
		__builtin_prefetch((const char *)b + 64);
	}
}

/* The VRPs of one block that cover the route, of one length. */
static void list_len(const struct dir *d, struct block *b, enum family f,
    const struct ask *a, uint8_t len, struct list *l)
{
	struct words w = {0};
	uint16_t part = 0;
	size_t i;

	if (f == FAMILY_IPV4) {
		part = part4(d, a) & mask4(d, len);
		i = first4(b, part, len, 0);
	} else {
		w = part6(d, a, len);
		i = first6(b, &w, len);
	}
	for (; i < b->n; i++, l->n++) {
		const struct hot4 *h = &block_hot4(b)[i];

		if (f == FAMILY_IPV4 ? h->part != part || h->len != len
				     : cmp6(&block_hot6(b)[i], &w, len) != 0)
			return;
		if (l->n < l->max)
			l->v[l->n] = block_vrp(d, b, f, a->w[0], i);
	}
}

size_t vrps_covering(
    const struct vrps *t, const struct prefix *p, struct vrp *ret, size_t max)
{
	enum family f = p->addr.family;
	struct ask a = ask_of(p, 0);
	struct list l = {.v = ret, .max = max};

	for (unsigned i = 0; i < t->levels[f]; i++) {
		const struct dir *d = &t->dir[f][i];
		struct block *b =
		    d->len <= p->len ? dir_find(t, d, a.w[0]) : NULL;

		if (!b)
			continue;
		for (uint8_t len = next_len(b, 0); len <= p->len;
		     len = next_len(b, len + 1u))
			list_len(d, b, f, &a, len, &l);
	}
	return l.n;
}

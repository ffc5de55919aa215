/* VRPs as one sorted array: simple, and right. */
#include "rpki/rpki.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct vrps {
	struct vrp *v; /* by prefix, ASN, max_len */
	size_t n;
	size_t cap;
	size_t count[FAMILY_COUNT];
};

struct vrps *vrps_new(void)
{
	return calloc(1, sizeof(struct vrps));
}

void vrps_free(struct vrps *t)
{
	if (!t)
		return;
	free(t->v);
	free(t);
}

static int cmp(const struct vrp *a, const struct vrp *b)
{
	int c = prefix_cmp(&a->prefix, &b->prefix);

	if (!c)
		c = (a->asn > b->asn) - (a->asn < b->asn);
	return c ? c : a->max_len - b->max_len;
}

/* The first that is not before v. */
static size_t find(const struct vrps *t, const struct vrp *v)
{
	size_t lo = 0, hi = t->n;

	while (lo < hi) {
		size_t mid = (lo + hi) / 2;

		if (cmp(&t->v[mid], v) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static bool is(const struct vrps *t, size_t i, const struct vrp *v)
{
	return i < t->n && !cmp(&t->v[i], v);
}

int vrps_add(struct vrps *t, const struct vrp *v)
{
	size_t i = find(t, v);

	if (v->max_len < v->prefix.len ||
	    v->max_len > family_bits(v->prefix.addr.family))
		return -EINVAL;
	if (is(t, i, v)) {
		t->v[i].sources = v->sources;
		return 0;
	}
	if (t->n == t->cap) {
		size_t cap = t->cap ? t->cap * 2 : 64;
		struct vrp *p = realloc(t->v, cap * sizeof *p);

		if (!p)
			return -ENOMEM;
		t->v = p;
		t->cap = cap;
	}
	memmove(&t->v[i + 1], &t->v[i], (t->n - i) * sizeof *t->v);
	t->v[i] = *v;
	t->n++;
	t->count[v->prefix.addr.family]++;
	return 1;
}

bool vrps_remove(struct vrps *t, const struct vrp *v)
{
	size_t i = find(t, v);

	if (!is(t, i, v))
		return false;
	t->n--;
	memmove(&t->v[i], &t->v[i + 1], (t->n - i) * sizeof *t->v);
	t->count[v->prefix.addr.family]--;
	return true;
}

bool vrps_find(const struct vrps *t, const struct vrp *v, struct vrp *ret)
{
	size_t i = find(t, v);

	if (!is(t, i, v))
		return false;
	*ret = t->v[i];
	return true;
}

size_t vrps_count(const struct vrps *t, enum family f)
{
	return t->count[f];
}

size_t vrps_bytes(const struct vrps *t)
{
	return t->cap * sizeof *t->v;
}

enum rov vrps_check(
    const struct vrps *t, const struct prefix *p, uint32_t origin)
{
	enum rov r = ROV_NOT_FOUND;

	for (unsigned len = 0; len <= p->len; len++) {
		struct vrp v = {.prefix = prefix_of(&p->addr, (uint8_t)len)};

		for (size_t i = find(t, &v);
		     i < t->n && prefix_eq(&t->v[i].prefix, &v.prefix); i++) {
			if (vrp_matches(&t->v[i], p, origin))
				return ROV_VALID;
			r = ROV_INVALID;
		}
	}
	return r;
}

void vrps_prefetch(const struct vrps *t, const struct prefix *p)
{
	(void)t;
	(void)p;
}

size_t vrps_covering(
    const struct vrps *t, const struct prefix *p, struct vrp *ret, size_t max)
{
	size_t n = 0;

	for (unsigned len = 0; len <= p->len; len++) {
		struct vrp v = {.prefix = prefix_of(&p->addr, (uint8_t)len)};

		for (size_t i = find(t, &v);
		     i < t->n && prefix_eq(&t->v[i].prefix, &v.prefix); i++) {
			if (n < max)
				ret[n] = t->v[i];
			n++;
		}
	}
	return n;
}

void vrps_each(
    const struct vrps *t, void (*fn)(void *arg, const struct vrp *v), void *arg)
{
	for (size_t i = 0; i < t->n; i++)
		fn(arg, &t->v[i]);
}

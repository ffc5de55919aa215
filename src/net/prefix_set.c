#include "net/prefix_set.h"

#include "base/clock.h"
#include "base/hash.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/*
 * An open-addressing table of ranges, keyed by their prefix, and for each
 * family the lengths that occur: a question asks the table once for each
 * length that occurs and is not longer than the prefix asked for.
 */
struct range {
	struct prefix prefix;
	uint8_t min_len;
	uint8_t max_len;
	bool used;
};

struct prefix_set {
	struct range *slot;
	size_t mask; /* slots - 1 */
	size_t n;
	uint64_t seed;
	uint64_t lengths[FAMILY_COUNT][3]; /* bit per prefix length */
};

struct prefix_set *prefix_set_new(void)
{
	struct prefix_set *s = calloc(1, sizeof *s);

	if (!s)
		return NULL;
	s->mask = 15;
	s->seed = clock_seed();
	s->slot = calloc(s->mask + 1, sizeof *s->slot);
	if (!s->slot) {
		free(s);
		return NULL;
	}
	return s;
}

void prefix_set_free(struct prefix_set *s)
{
	if (!s)
		return;
	free(s->slot);
	free(s);
}

static size_t first_slot(const struct prefix_set *s, const struct prefix *p)
{
	uint64_t w[2];

	memcpy(w, p->addr.b, sizeof w);
	uint64_t key = (uint64_t)p->len << 8 | p->addr.family;
	return hash_mix(w[0] ^ s->seed, hash_u64(w[1] ^ key, s->seed)) &
	       s->mask;
}

static void insert(struct prefix_set *s, const struct range *r)
{
	size_t i = first_slot(s, &r->prefix);

	while (s->slot[i].used)
		i = (i + 1) & s->mask;
	s->slot[i] = *r;
}

static int grow(struct prefix_set *s)
{
	struct range *old = s->slot;
	size_t n = s->mask + 1;
	struct range *bigger = calloc(2 * n, sizeof *bigger);

	if (!bigger)
		return -ENOMEM;
	s->slot = bigger;
	s->mask = 2 * n - 1;
	for (size_t i = 0; i < n; i++)
		if (old[i].used)
			insert(s, &old[i]);
	free(old);
	return 0;
}

/* A range of that prefix that overlaps or touches r; NULL: none. */
static struct range *neighbour(struct prefix_set *s, const struct range *r)
{
	size_t i = first_slot(s, &r->prefix);

	for (; s->slot[i].used; i = (i + 1) & s->mask) {
		struct range *x = &s->slot[i];

		if (prefix_eq(&x->prefix, &r->prefix) &&
		    r->min_len <= x->max_len + 1 &&
		    x->min_len <= r->max_len + 1)
			return x;
	}
	return NULL;
}

int prefix_set_add(struct prefix_set *s, const struct prefix *p,
    uint8_t min_len, uint8_t max_len)
{
	unsigned bits = family_bits(p->addr.family);

	if (p->len > min_len || min_len > max_len || max_len > bits)
		return -EINVAL;
	if (s->n >= (s->mask + 1) / 2) {
		int err = grow(s);

		if (err)
			return err;
	}
	struct range r = {
	    .prefix = *p,
	    .min_len = min_len,
	    .max_len = max_len,
	    .used = true,
	};
	struct range *x = neighbour(s, &r);
	if (x) {
		x->min_len = min_len < x->min_len ? min_len : x->min_len;
		x->max_len = max_len > x->max_len ? max_len : x->max_len;
		return 0;
	}
	insert(s, &r);
	s->n++;
	s->lengths[p->addr.family][p->len / 64] |= 1ull << (p->len % 64);
	return 0;
}

static bool ask(const struct prefix_set *s, const struct prefix *p, bool any)
{
	const uint64_t *lengths = s->lengths[p->addr.family];

	for (unsigned len = 0; len <= p->len; len++) {
		if (!(lengths[len / 64] >> (len % 64) & 1))
			continue;
		struct prefix outer = prefix_of(&p->addr, (uint8_t)len);
		size_t i = first_slot(s, &outer);
		for (; s->slot[i].used; i = (i + 1) & s->mask) {
			const struct range *r = &s->slot[i];

			if (!prefix_eq(&r->prefix, &outer))
				continue;
			if (any ||
			    (p->len >= r->min_len && p->len <= r->max_len))
				return true;
		}
	}
	return false;
}

bool prefix_set_match(const struct prefix_set *s, const struct prefix *p)
{
	return ask(s, p, false);
}

bool prefix_set_covers(const struct prefix_set *s, const struct prefix *p)
{
	return ask(s, p, true);
}

size_t prefix_set_count(const struct prefix_set *s)
{
	return s->n;
}

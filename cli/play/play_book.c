/* Routes and their attribute sets; see play_book.h. */
#include "cli/play/play_book.h"

#include "base/clock.h"
#include "base/hash.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK ((size_t)1 << 20)

struct set {
	const uint8_t *wire;
	uint16_t n;
	uint16_t next_hop_at;
	uint32_t hash;
};

/* Bytes of sets; they stay where they are. */
struct block {
	struct block *next;
	size_t used;
	uint8_t bytes[BLOCK];
};

/* Open addressing; what stands in a slot is a number + 1. */
struct index {
	uint32_t *slot;
	size_t mask; /* 0: none yet */
};

struct play_book {
	uint64_t seed;
	struct play_route *routes;
	size_t n_routes, cap_routes;
	struct index by_prefix;
	struct set *sets;
	size_t n_sets, cap_sets;
	struct index by_wire;
	struct block *blocks;
	size_t prefixes[FAMILY_COUNT];
};

struct play_book *play_book_new(void)
{
	struct play_book *b = calloc(1, sizeof *b);

	if (b)
		b->seed = clock_seed();
	return b;
}

void play_book_free(struct play_book *b)
{
	if (!b)
		return;
	while (b->blocks) {
		struct block *next = b->blocks->next;

		free(b->blocks);
		b->blocks = next;
	}
	free(b->routes);
	free(b->by_prefix.slot);
	free(b->sets);
	free(b->by_wire.slot);
	free(b);
}

static uint32_t prefix_hash(const struct play_book *b, const struct prefix *p)
{
	uint64_t h = hash_bytes(p->addr.b, 16, b->seed);

	return (uint32_t)hash_u64(h ^ p->len, p->addr.family);
}

/* Room for one more of n elements; false without memory. */
static bool room(void **at, size_t *cap, size_t n, size_t size)
{
	if (n < *cap)
		return true;
	size_t to = *cap ? 2 * *cap : 1024;
	void *p = realloc(*at, to * size);

	if (!p)
		return false;
	*at = p;
	*cap = to;
	return true;
}

/* Twice the slots when more than half are taken; the caller refills. */
static bool index_room(struct index *x, size_t n, bool *ret_refill)
{
	*ret_refill = false;
	if (x->mask && n * 2 <= x->mask)
		return true;
	size_t size = x->mask ? 2 * (x->mask + 1) : 2048;
	uint32_t *slot = calloc(size, sizeof *slot);

	if (!slot)
		return false;
	free(x->slot);
	x->slot = slot;
	x->mask = size - 1;
	*ret_refill = true;
	return true;
}

static void index_put(struct index *x, uint32_t hash, size_t number)
{
	size_t at = hash & x->mask;

	while (x->slot[at])
		at = (at + 1) & x->mask;
	x->slot[at] = (uint32_t)number + 1;
}

static const uint8_t *keep(struct play_book *b, const void *p, size_t n)
{
	if (!b->blocks || BLOCK - b->blocks->used < n) {
		struct block *k = malloc(sizeof *k);

		if (!k)
			return NULL;
		k->next = b->blocks;
		k->used = 0;
		b->blocks = k;
	}
	uint8_t *to = b->blocks->bytes + b->blocks->used;
	if (n)
		memcpy(to, p, n);
	b->blocks->used += n;
	return to;
}

int64_t play_book_set(struct play_book *b, const struct play_attrs *a)
{
	uint32_t hash = (uint32_t)hash_bytes(a->wire.p, a->wire.n, b->seed);
	bool refill;

	if (!index_room(&b->by_wire, b->n_sets, &refill))
		return -ENOMEM;
	for (size_t i = 0; refill && i < b->n_sets; i++)
		index_put(&b->by_wire, b->sets[i].hash, i);
	for (size_t at = hash & b->by_wire.mask; b->by_wire.slot[at];
	     at = (at + 1) & b->by_wire.mask) {
		uint32_t i = b->by_wire.slot[at] - 1;
		const struct set *s = &b->sets[i];

		if (s->hash == hash && s->n == a->wire.n &&
		    memcmp(s->wire, a->wire.p, s->n) == 0)
			return i;
	}
	const uint8_t *wire = keep(b, a->wire.p, a->wire.n);
	void *sets = b->sets;
	if (!wire || !room(&sets, &b->cap_sets, b->n_sets, sizeof *b->sets))
		return -ENOMEM;
	b->sets = sets;
	b->sets[b->n_sets] = (struct set){.wire = wire,
	    .n = (uint16_t)a->wire.n,
	    .next_hop_at = a->next_hop_at,
	    .hash = hash};
	index_put(&b->by_wire, hash, b->n_sets);
	return (int64_t)b->n_sets++;
}

struct play_attrs play_book_attrs(const struct play_book *b, uint32_t set)
{
	const struct set *s = &b->sets[set];

	return (struct play_attrs){
	    .wire = {s->wire, s->n}, .next_hop_at = s->next_hop_at};
}

struct play_route *play_book_route(
    struct play_book *b, const struct prefix *p, bool *ret_new)
{
	uint32_t hash = prefix_hash(b, p);
	bool refill;

	if (!index_room(&b->by_prefix, b->n_routes, &refill))
		return NULL;
	for (size_t i = 0; refill && i < b->n_routes; i++)
		index_put(
		    &b->by_prefix, prefix_hash(b, &b->routes[i].prefix), i);
	for (size_t at = hash & b->by_prefix.mask; b->by_prefix.slot[at];
	     at = (at + 1) & b->by_prefix.mask) {
		struct play_route *r = &b->routes[b->by_prefix.slot[at] - 1];

		if (prefix_eq(&r->prefix, p)) {
			*ret_new = false;
			return r;
		}
	}
	void *routes = b->routes;
	if (!room(&routes, &b->cap_routes, b->n_routes, sizeof *b->routes))
		return NULL;
	b->routes = routes;
	b->routes[b->n_routes] =
	    (struct play_route){.prefix = *p, .set = PLAY_NO_SET};
	index_put(&b->by_prefix, hash, b->n_routes);
	b->prefixes[p->addr.family]++;
	*ret_new = true;
	return &b->routes[b->n_routes++];
}

size_t play_book_count(const struct play_book *b, enum family f)
{
	size_t n = 0;

	for (size_t i = 0; i < b->n_routes; i++)
		n += b->routes[i].set != PLAY_NO_SET &&
		     b->routes[i].prefix.addr.family == f;
	return n;
}

size_t play_book_prefixes(const struct play_book *b, enum family f)
{
	return b->prefixes[f];
}

size_t play_book_sets(const struct play_book *b)
{
	return b->n_sets;
}

/* A counting sort: routes of a set keep the order of the recording. */
uint32_t *play_book_list(
    const struct play_book *b, enum family f, size_t *ret_n)
{
	size_t n = play_book_count(b, f), sum = 0;
	uint32_t *list = malloc((n + 1) * sizeof *list);
	uint32_t *at = calloc(b->n_sets + 1, sizeof *at);

	if (!list || !at) {
		free(list);
		free(at);
		return NULL;
	}
	for (size_t i = 0; i < b->n_routes; i++) {
		const struct play_route *r = &b->routes[i];

		if (r->set != PLAY_NO_SET && r->prefix.addr.family == f)
			at[r->set]++;
	}
	for (size_t i = 0; i < b->n_sets; i++) {
		uint32_t here = at[i];

		at[i] = (uint32_t)sum;
		sum += here;
	}
	for (size_t i = 0; i < b->n_routes; i++) {
		const struct play_route *r = &b->routes[i];

		if (r->set != PLAY_NO_SET && r->prefix.addr.family == f)
			list[at[r->set]++] = (uint32_t)i;
	}
	free(at);
	*ret_n = n;
	return list;
}

const struct play_route *play_book_at(const struct play_book *b, uint32_t i)
{
	return &b->routes[i];
}

/* Communities looked for, large communities each once (RFC 8092 s2). */
#include "base/hash.h"
#include "bgp/internal.h"

#define ONE ((size_t)12)
#define FEW ((size_t)16) /* so many are compared with each other */

bool bgp_community_has(struct bytes communities, uint32_t value)
{
	struct rd r = rd_from(communities.p, communities.n);

	while (rd_left(&r))
		if (rd_u32(&r) == value)
			return true;
	return false;
}

static bool same(const uint8_t *a, const uint8_t *b)
{
	return memcmp(a, b, ONE) == 0;
}

static bool few_have_twins(struct bytes v)
{
	for (size_t i = ONE; i < v.n; i += ONE)
		for (size_t k = 0; k < i; k += ONE)
			if (same(v.p + i, v.p + k))
				return true;
	return false;
}

/*
 * Copies the first of each to out, by a table of positions + 1; gives the
 * bytes written.  A power of two of cells, at least twice as many as values.
 */
static size_t copy_first(
    struct bytes v, uint8_t *out, uint16_t *table, size_t cells)
{
	size_t n = 0;

	/* Where the table lies is as good as a secret: nobody aims at a cell.
	 */
	uint64_t seed = (uintptr_t)table;

	memset(table, 0, cells * sizeof *table);
	for (size_t i = 0; i < v.n; i += ONE) {
		size_t at = hash_bytes(v.p + i, ONE, seed) & (cells - 1);

		while (
		    table[at] && !same(out + (table[at] - 1u) * ONE, v.p + i))
			at = (at + 1) & (cells - 1);
		if (table[at])
			continue;
		memcpy(out + n, v.p + i, ONE);
		n += ONE;
		table[at] = (uint16_t)(n / ONE);
	}
	return n;
}

bool bgp_large_unique(struct arena *a, struct bytes *v)
{
	size_t count = v->n / ONE;
	size_t cells = 2;

	if (count <= FEW && !few_have_twins(*v))
		return true;
	while (cells < 2 * count)
		cells *= 2;
	uint16_t *table = arena_take(a, cells * sizeof *table);
	uint8_t *out = arena_take(a, v->n);
	if (!table || !out)
		return false;
	*v = (struct bytes){out, copy_first(*v, out, table, cells)};
	return true;
}

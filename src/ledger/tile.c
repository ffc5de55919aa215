#include "ledger/tile.h"

#include "base/must.h"

#include <errno.h>

uint64_t tile_hashes(unsigned level, uint64_t size)
{
	if (level == TILE_ENTRIES)
		return size;
	return level < TILE_LEVELS ? size >> (8 * level) : 0;
}

bool tile_of_tree(
    unsigned level, uint64_t index, uint64_t size, struct tile *ret)
{
	uint64_t n = tile_hashes(level, size);

	if (index > n / TILE_WIDTH || index * TILE_WIDTH >= n)
		return false;
	n -= index * TILE_WIDTH;
	*ret = (struct tile){.level = (uint8_t)level,
	    .width = n < TILE_WIDTH ? (uint16_t)n : (uint16_t)TILE_WIDTH,
	    .index = index};
	return true;
}

struct digest tile_fold(const struct digest *first, unsigned k)
{
	must(k <= 8);
	if (!k)
		return *first;
	size_t half = (size_t)1 << (k - 1);
	struct digest left = tile_fold(first, k - 1);
	struct digest right = tile_fold(first + half, k - 1);
	return merkle_node(&left, &right);
}

/* ---- a tree in tiles ----------------------------------------------------- */

void tile_tree_init(
    struct tile_tree *t, const struct tile_reader *r, uint64_t size)
{
	t->reader = *r;
	t->size = size;
	memset(t->have, 0, sizeof t->have);
}

/* Where the subtree stands among the hashes of its tile. */
struct place {
	unsigned level;	 /* of tiles */
	unsigned height; /* above the tile's hashes, 0..7 */
	uint64_t index;	 /* the tile's */
	unsigned first;	 /* its first hash there */
};

static struct place place_of(unsigned level, uint64_t index)
{
	unsigned height = level % 8;

	return (struct place){
	    .level = level / 8,
	    .height = height,
	    .index = index >> (8 - height),
	    .first = (unsigned)((index << height) % TILE_WIDTH),
	};
}

static int tree_get(
    void *arg, unsigned level, uint64_t index, struct digest *ret)
{
	struct tile_tree *t = arg;
	struct place p = place_of(level, index);
	struct tile tile;

	if (level >= MERKLE_LEVELS || index >= t->size >> level ||
	    !tile_of_tree(p.level, p.index, t->size, &tile))
		return -ERANGE;
	struct tile *have = &t->have[p.level];
	if (!have->width || have->index != tile.index) {
		have->width = 0;
		int e = t->reader.read(t->reader.arg, tile, t->hash[p.level]);
		if (e)
			return e;
		*have = tile;
	}
	*ret = tile_fold(&t->hash[p.level][p.first], p.height);
	return 0;
}

struct merkle_source tile_tree_source(struct tile_tree *t)
{
	return (struct merkle_source){tree_get, t};
}

/* ---- the right edge ------------------------------------------------------ */

void tile_edge_add(struct tile_edge *e, const struct digest *leaf,
    void (*full)(void *arg, struct tile t, const struct digest *hashes),
    void *arg)
{
	struct digest d = *leaf;
	uint64_t at = e->size; /* of the hash on its level */

	must(e->size < UINT64_MAX);
	for (unsigned level = 0; level < TILE_LEVELS; level++) {
		e->hash[level][at % TILE_WIDTH] = d;
		if (at % TILE_WIDTH != TILE_WIDTH - 1)
			break;
		if (full)
			full(arg,
			    (struct tile){.level = (uint8_t)level,
				.width = TILE_WIDTH,
				.index = at / TILE_WIDTH},
			    e->hash[level]);
		d = tile_fold(e->hash[level], 8);
		at /= TILE_WIDTH;
	}
	e->size++;
}

bool tile_edge_partial(
    const struct tile_edge *e, unsigned level, struct tile *ret)
{
	struct tile t;
	uint64_t n = tile_hashes(level, e->size);

	if (!tile_of_tree(level, n / TILE_WIDTH, e->size, &t))
		return false;
	*ret = t;
	return true;
}

/* Any whole subtree that ends in the tree's last, partial tiles. */
static int edge_get(
    void *arg, unsigned level, uint64_t index, struct digest *ret)
{
	const struct tile_edge *e = arg;
	struct place p = place_of(level, index);

	*ret = tile_fold(&e->hash[p.level][p.first], p.height);
	return 0;
}

struct digest tile_edge_root(struct tile_edge *e)
{
	struct merkle_source s = {edge_get, e};
	struct digest d;

	must(!merkle_root(&s, e->size, &d));
	return d;
}

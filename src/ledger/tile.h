/*
 * Tiles (tlog-tiles): the tree cut into files of up to 256 hashes, eight
 * levels of it each.  What is between the levels of tiles is hashed anew.
 *
 *   tile/1/000          hash i = the root of tile/0/i
 *   tile/0/000 ...      hash i = leaf 256 * n + i
 *   tile/entries/000    the entries themselves (bundle.h)
 *
 * A tile of less than 256 is partial (.p/W), at the right edge of a tree.
 */
#pragma once

#include "ledger/merkle.h"

#define TILE_WIDTH 256
#define TILE_BYTES (TILE_WIDTH * 32)
/* Levels of tiles in a tree of up to 2^64 leaves. */
#define TILE_LEVELS 8
/* Levels that a path may have: no tree needs more than TILE_LEVELS. */
#define TILE_MAX_LEVEL 63
#define TILE_ENTRIES 64 /* a bundle of entries, in place of a level */
/* Room for any path, with its NUL. */
#define TILE_PATH 64

struct tile {
	uint8_t level;	/* 0..63, or TILE_ENTRIES */
	uint16_t width; /* 1..256; below 256: partial */
	uint64_t index;
};

/* "tile/0/x001/234.p/5", without a slash before it; gives out. */
const char *tile_path(struct tile t, char out[TILE_PATH]);

/* A path from anybody; only what tile_path() writes is one. */
bool tile_path_parse(struct bytes path, struct tile *ret);

/* Hashes of that level (or entries) in a tree of that size. */
uint64_t tile_hashes(unsigned level, uint64_t size);

/*
 * The tile of that place, as wide as a tree of that size has it; false where
 * it has none.
 */
bool tile_of_tree(
    unsigned level, uint64_t index, uint64_t size, struct tile *ret);

/* The hash of 1 << k of a tile's hashes (k: 0..8), from the first on. */
struct digest tile_fold(const struct digest *first, unsigned k);

/*
 * Reads a tile's hashes from somewhere: exactly t.width into out.  0, or
 * -errno, which is passed on.
 */
struct tile_reader {
	int (*read)(void *arg, struct tile t, struct digest out[TILE_WIDTH]);
	void *arg;
};

/* A tree of that size in tiles, as a merkle_source; keeps one tile a level. */
struct tile_tree {
	struct tile_reader reader;
	uint64_t size;
	struct tile have[TILE_LEVELS]; /* width 0: none */
	struct digest hash[TILE_LEVELS][TILE_WIDTH];
};

/* 64 KiB: not for the stack. */
void tile_tree_init(
    struct tile_tree *t, const struct tile_reader *r, uint64_t size);

/* Borrows t.  get() gives -ERANGE for what is no whole subtree of t. */
struct merkle_source tile_tree_source(struct tile_tree *t);

/*
 * The right edge of a growing tree in tiles: the last tile of every level.
 * Another way to its root than merkle_edge.
 */
struct tile_edge {
	uint64_t size;
	struct digest hash[TILE_LEVELS][TILE_WIDTH];
};

/*
 * Takes a leaf; full(arg, ...) is called for each tile that it fills, and may
 * be NULL.
 */
void tile_edge_add(struct tile_edge *e, const struct digest *leaf,
    void (*full)(void *arg, struct tile t, const struct digest *hashes),
    void *arg);

/* The tile of that level that is not full; false when there is none. */
bool tile_edge_partial(
    const struct tile_edge *e, unsigned level, struct tile *ret);

struct digest tile_edge_root(struct tile_edge *e);

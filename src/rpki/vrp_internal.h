/*
 * Inside the VRP table.
 *
 *   level  0  one block                    VRPs shorter than the next level
 *   level  1  directory by leading bits -> block
 *   ...       (IPv4: an array; IPv6: a hash of the leading bits)
 *
 *   block: [ head | hot, hot, ... up to cap | note, note, ... up to cap ]
 *
 * A VRP lies in the deepest level that is not longer than its prefix, in the
 * block of its leading bits, sorted.  So a route needs one look a level, at
 * levels not longer than its own prefix: three for IPv4, where all of them
 * but the last stay in the cache, and that one is one line or two.
 *
 * hot is what a lookup reads, and no more; the address in it lacks what its
 * place in the directory says already.
 */
#pragma once

#include "rpki/rpki.h"

#define LEVELS_MAX 4

struct hot4 {
	uint16_t part; /* bits 16-31 on the last level, 0-15 before it */
	uint8_t len;
	uint8_t max_len;
	uint32_t asn;
};

struct hot6 {
	uint32_t part[3]; /* bits 32-127 on the last level, 0-95 before it */
	uint32_t asn;
	uint8_t len;
	uint8_t max_len;
	uint16_t unused;
};

struct block {
	uint32_t n;
	uint32_t cap;
	uint64_t lens[3]; /* bit l: some VRP here has that length */
	/* hot and note: block_hot4(), block_hot6(), block_note() */
};

struct slot {
	struct block *block; /* NULL: free */
	uint32_t key;	     /* leading bits, left-aligned */
};

/* One level of a family. */
struct dir {
	uint8_t len; /* leading bits */
	bool last;
	struct block **direct; /* 1 << len of them, or NULL: */
	struct slot *slot;     /* hashed; a power of two of them */
	size_t cap;
	size_t n;    /* slots in use */
	size_t vrps; /* 0: no need to look */
};

struct vrps {
	struct dir dir[FAMILY_COUNT][LEVELS_MAX];
	unsigned levels[FAMILY_COUNT];
	size_t count[FAMILY_COUNT];
	size_t bytes;
	uint64_t seed;
};

static inline const struct hot4 *block_hot4(const struct block *b)
{
	return (const void *)(b + 1);
}

static inline const struct hot6 *block_hot6(const struct block *b)
{
	return (const void *)(b + 1);
}

/* A prefix's address as words, host byte order: one for IPv4, four. */
struct words {
	uint32_t w[4];
};

static inline uint32_t load32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 |
	       (uint32_t)p[2] << 8 | p[3];
}

/* The n leading bits of a word. */
static inline uint32_t mask32(unsigned n)
{
	return n ? UINT32_MAX << (32 - n) : 0;
}

/* vrp.c: the block of those leading bits, or NULL. */
struct block *dir_find(
    const struct vrps *t, const struct dir *d, uint32_t first);
/* Its i-th VRP; first: the leading word of any address in the block. */
struct vrp block_vrp(const struct dir *d, struct block *b, enum family f,
    uint32_t first, size_t i);

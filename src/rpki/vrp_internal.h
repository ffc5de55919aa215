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
/*
 * In one block, so that adding one there does not take long.  The largest of
 * the world has some thousands.
 */
#define VRPS_BLOCK_MAX ((size_t)1 << 18)

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

#define QUICK_KEYS 8

struct quick_line {
	uint64_t key[QUICK_KEYS]; /* 0: free, and so is what follows */
};

/* vrp_quick.c */
struct quick {
	bool wanted;
	uint64_t *cover; /* NULL: there is none of all this */
	struct quick_line *line;
	size_t lines;
	size_t gone; /* VRPs removed since all was made anew */
};

struct vrps {
	struct dir dir[FAMILY_COUNT][LEVELS_MAX];
	unsigned levels[FAMILY_COUNT];
	size_t count[FAMILY_COUNT];
	size_t bytes;
	uint64_t seed;
	struct quick quick;
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

static inline size_t hot_bytes(enum family f)
{
	return f == FAMILY_IPV4 ? sizeof(struct hot4) : sizeof(struct hot6);
}

static inline uint8_t *hot_at(struct block *b, enum family f, size_t i)
{
	return (uint8_t *)(b + 1) + i * hot_bytes(f);
}

static inline struct vrp_note *notes(struct block *b, enum family f)
{
	return (void *)hot_at(b, f, b->cap);
}

/* Is there room for n more in the table? */
static inline bool vrps_room(const struct vrps *t, size_t n)
{
	return t->count[FAMILY_IPV4] + t->count[FAMILY_IPV6] + n <=
	       RPKI_VRPS_MAX;
}

/* ---- vrp.c --------------------------------------------------------------- */

/* Where a VRP belongs. */
struct place {
	enum family family;
	struct dir *dir;
	uint32_t first; /* leading word of its address */
	union {
		struct hot4 h4;
		struct hot6 h6;
	} hot;
};

struct place vrp_place(const struct vrps *t, const struct vrp *v);
bool vrp_is_possible(const struct vrp *v);
/* The order in a block: by address, length, ASN, max_len. */
int vrp_hot_cmp(enum family f, const void *a, const void *b);
/* The first that is not before hot; and is that one it? */
size_t vrps_block_find(struct block *b, enum family f, const void *hot);
bool vrps_block_has(struct block *b, enum family f, size_t i, const void *hot);
/* Empty, in no directory; old: what stands in its place.  NULL: no memory. */
struct block *vrps_block_new(
    struct vrps *t, const struct place *p, const struct block *old, size_t cap);
void vrps_block_free(struct vrps *t, enum family f, struct block *b);
void vrps_block_relength(struct block *b, enum family f);
/* The block of those leading bits, or NULL; and puts one there. */
struct block *dir_find(
    const struct vrps *t, const struct dir *d, uint32_t first);
void vrps_dir_set(
    struct vrps *t, struct dir *d, uint32_t first, struct block *b);
/* Its i-th VRP; first: the leading word of any address in the block. */
struct vrp block_vrp(const struct dir *d, struct block *b, enum family f,
    uint32_t first, size_t i);

/* vrp_check.c: to be called some routes before vrps_check(). */
void vrps_prefetch(const struct vrps *t, const struct prefix *p);

/* ---- vrp_quick.c --------------------------------------------------------- */

/* To be told of each VRP that the table now has, or has no longer. */
void vrps_quick_put(struct vrps *t, const struct vrp *v);
void vrps_quick_remove(struct vrps *t, const struct vrp *v);
void vrps_quick_free(struct vrps *t);

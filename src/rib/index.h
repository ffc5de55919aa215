/*
 * Open addressing over ids: a word holds 8 bits of the hash and id + 1, the
 * upper bits of the hash are the place.  Deletion moves later words back, so
 * that nothing is left behind by any number of flaps.
 *
 * The caller knows what an id's hash is.
 */
#pragma once

#include "rib/store.h"

#define RIB_INDEX_BITS_MIN 11

static inline uint32_t rib_index_place(const struct rib_index *x, uint32_t hash)
{
	return hash >> (32 - x->bits);
}

static inline uint32_t rib_index_mask(const struct rib_index *x)
{
	return (1u << x->bits) - 1;
}

static inline uint32_t rib_index_word(uint32_t hash, uint32_t id)
{
	return hash << 24 | (id + 1);
}

static inline uint32_t rib_index_id(uint32_t word)
{
	return (word & 0xffffff) - 1;
}

static inline bool rib_index_may(uint32_t word, uint32_t hash)
{
	return (word ^ hash << 24) >> 24 == 0;
}

static inline bool rib_index_crowded(const struct rib_index *x)
{
	return x->used >= (1u << x->bits) / 4 * 3;
}

/*
 * Bits of the next one.  Each word that is moved costs a miss of the caches, so
 * steps are long until memory counts for more.
 */
static inline unsigned rib_index_more(const struct rib_index *x)
{
	return x->bits + (x->bits < 21 ? 2 : 1);
}

static inline void rib_index_add(
    struct rib_index *x, uint32_t hash, uint32_t id)
{
	uint32_t at = rib_index_place(x, hash);

	while (x->slot[at])
		at = (at + 1) & rib_index_mask(x);
	x->slot[at] = rib_index_word(hash, id);
	x->used++;
}

/* hash_of gives the hash of any id in the index. */
void rib_index_del(struct rib_index *x, uint32_t hash, uint32_t id,
    const void *arg, uint32_t (*hash_of)(const void *arg, uint32_t id));

/* Takes an id out where nothing may be moved: its word leads nowhere then. */
void rib_index_blank(struct rib_index *x, uint32_t hash, uint32_t id);

/* An empty one with 2^bits places.  0 or -ENOMEM. */
int rib_index_new(struct rib_index *x, unsigned bits);
void rib_index_done(struct rib_index *x);

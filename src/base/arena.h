/*
 * Scratch memory for the length of one message: many small takes, one reset.
 *
 *   arena -> block (kept) -> block -> ...     each take moves `used` forward
 *
 * Nothing taken may be kept across arena_reset().
 */
#pragma once

#include <stddef.h>

struct arena_block;

struct arena {
	struct arena_block *first;
	struct arena_block *now;
	size_t used; /* bytes used in `now` */
	size_t total;
	size_t max; /* bytes it may hold in all */
};

/* max: limit in bytes; a take beyond it gives NULL. */
void arena_init(struct arena *a, size_t max);
void arena_done(struct arena *a);

/* n bytes, 8-byte aligned, not zeroed; NULL beyond the limit. */
void *arena_take(struct arena *a, size_t n);

/* Gives everything back, keeps the first block for the next message. */
void arena_reset(struct arena *a);

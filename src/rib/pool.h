/*
 * Memory of the RIB: arrays that grow in place, within addresses reserved at
 * the start, so that nothing is copied and nothing moves; and small blobs of
 * bytes in one of them.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct rib_vec {
	void *p;
	size_t bytes; /* usable */
	size_t most;  /* set before the first use: bytes at most */
};

/* Makes room for `bytes` in all; new bytes are zero.  0 or -ENOMEM. */
int rib_vec_grow(struct rib_vec *v, size_t bytes);
void rib_vec_done(struct rib_vec *v);

static inline int rib_vec_need(struct rib_vec *v, size_t bytes)
{
	return bytes <= v->bytes ? 0 : rib_vec_grow(v, bytes);
}

/* Zeroed pages, huge where that pays; NULL when memory is out. */
void *rib_pages_new(size_t bytes);
void rib_pages_free(void *p, size_t bytes);
/* They are about to be written: has them mapped in one go. */
void rib_pages_touch(void *p, size_t bytes);

/* Blobs: sizes are rounded up to classes, each with its own free list. */
#define RIB_BLOB_CLASSES 128
#define RIB_BLOB_NONE 0 /* no blob has this number */

struct rib_blobs {
	struct rib_vec mem;
	uint32_t end; /* units of 8 bytes handed out so far */
	uint64_t used_bytes;
	uint32_t free[RIB_BLOB_CLASSES];
};

/* The number of a blob of n bytes, or RIB_BLOB_NONE when memory is out. */
uint32_t rib_blob_take(struct rib_blobs *b, size_t n);
void rib_blob_give(struct rib_blobs *b, uint32_t blob, size_t n);

static inline uint8_t *rib_blob_at(const struct rib_blobs *b, uint32_t blob)
{
	return (uint8_t *)b->mem.p + (size_t)blob * 8;
}

/* Bytes on their way out: appended at one end, taken off at the other. */
#pragma once

#include "base/wire.h"

#include <stdlib.h>

struct buf {
	uint8_t *p;
	size_t n;  /* valid bytes */
	size_t at; /* those before it have been taken */
	size_t cap;
};

static inline size_t buf_left(const struct buf *b)
{
	return b->n - b->at;
}

/* A cursor with room for n bytes at least; what it wrote: buf_wrote(). */
static inline struct wr buf_room(struct buf *b, size_t n)
{
	if (b->at == b->n)
		b->at = b->n = 0;
	if (b->cap - b->n < n && b->at) {
		memmove(b->p, b->p + b->at, b->n - b->at);
		b->n -= b->at;
		b->at = 0;
	}
	if (b->cap - b->n < n) {
		size_t cap = b->cap ? b->cap : 4096;

		while (cap - b->n < n)
			cap *= 2;
		b->p = realloc(b->p, cap);
		must(b->p);
		b->cap = cap;
	}
	return wr_from(b->p + b->n, b->cap - b->n);
}

/* What was written there belongs to it, unless it had no room. */
static inline void buf_wrote(struct buf *b, const struct wr *w)
{
	if (wr_ok(w))
		b->n += wr_len(w);
}

static inline void buf_done(struct buf *b)
{
	free(b->p);
	*b = (struct buf){0};
}

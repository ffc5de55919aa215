/*
 * Cursors over bytes that came from, or go to, somebody else.
 *
 * struct rd reads and struct wr writes, both big-endian.  A step beyond the
 * end sets a sticky error: reads then give zero, writes do nothing, and one
 * question at the end (rd_ok, wr_ok) tells whether all of it held.  These
 * are the only places where message bytes meet pointer arithmetic.
 *
 * Both borrow their buffer and never outlive it.
 */
#pragma once

#include "base/must.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Borrowed bytes. */
struct bytes {
	const uint8_t *p;
	size_t n;
};

struct rd {
	const uint8_t *p;
	const uint8_t *end;
	bool bad;
};

static inline struct rd rd_from(const void *p, size_t n)
{
	const uint8_t *b = p;

	return (struct rd){.p = b, .end = n ? b + n : b};
}

static inline bool rd_ok(const struct rd *r)
{
	return !r->bad;
}

static inline size_t rd_left(const struct rd *r)
{
	return (size_t)(r->end - r->p);
}

/* True when everything was read and nothing was missing. */
static inline bool rd_done(const struct rd *r)
{
	return !r->bad && r->p == r->end;
}

static inline void rd_fail(struct rd *r)
{
	r->bad = true;
	r->p = r->end;
}

/* n bytes, or NULL and the error. */
static inline const uint8_t *rd_take(struct rd *r, size_t n)
{
	const uint8_t *at = r->p;

	if (__builtin_expect(n > rd_left(r), 0)) {
		rd_fail(r);
		return NULL;
	}
	r->p += n;
	return at;
}

static inline void rd_skip(struct rd *r, size_t n)
{
	(void)rd_take(r, n);
}

static inline uint8_t rd_u8(struct rd *r)
{
	const uint8_t *p = rd_take(r, 1);

	return p ? p[0] : 0;
}

static inline uint16_t rd_u16(struct rd *r)
{
	const uint8_t *p = rd_take(r, 2);

	return p ? (uint16_t)(p[0] << 8 | p[1]) : (uint16_t)0;
}

static inline uint32_t rd_u32(struct rd *r)
{
	const uint8_t *p = rd_take(r, 4);

	if (!p)
		return 0;
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 |
	       (uint32_t)p[2] << 8 | p[3];
}

static inline uint64_t rd_u64(struct rd *r)
{
	uint64_t hi = rd_u32(r);

	return hi << 32 | rd_u32(r);
}

/* Copies n bytes out; zeroes them when they are not there. */
static inline void rd_copy(struct rd *r, void *to, size_t n)
{
	const uint8_t *p = rd_take(r, n);

	if (p)
		memcpy(to, p, n);
	else
		memset(to, 0, n);
}

/* A view of the next n bytes; empty and bad when they are not there. */
static inline struct rd rd_sub(struct rd *r, size_t n)
{
	const uint8_t *p = rd_take(r, n);

	if (!p)
		return (struct rd){.p = r->end, .end = r->end, .bad = true};
	return rd_from(p, n);
}

struct wr {
	uint8_t *p;
	uint8_t *end;
	uint8_t *start;
	bool bad;
};

static inline struct wr wr_from(void *p, size_t n)
{
	uint8_t *b = p;

	return (struct wr){.p = b, .end = n ? b + n : b, .start = b};
}

static inline bool wr_ok(const struct wr *w)
{
	return !w->bad;
}

static inline size_t wr_len(const struct wr *w)
{
	return (size_t)(w->p - w->start);
}

static inline size_t wr_left(const struct wr *w)
{
	return (size_t)(w->end - w->p);
}

/* Room for n bytes, or NULL and the error. */
static inline uint8_t *wr_take(struct wr *w, size_t n)
{
	uint8_t *at = w->p;

	if (__builtin_expect(w->bad || n > wr_left(w), 0)) {
		w->bad = true;
		return NULL;
	}
	w->p += n;
	return at;
}

static inline void wr_u8(struct wr *w, unsigned v)
{
	uint8_t *p = wr_take(w, 1);

	if (p)
		p[0] = (uint8_t)v;
}

static inline void wr_u16(struct wr *w, unsigned v)
{
	uint8_t *p = wr_take(w, 2);

	if (p) {
		p[0] = (uint8_t)(v >> 8);
		p[1] = (uint8_t)v;
	}
}

static inline void wr_u32(struct wr *w, uint32_t v)
{
	uint8_t *p = wr_take(w, 4);

	if (p) {
		p[0] = (uint8_t)(v >> 24);
		p[1] = (uint8_t)(v >> 16);
		p[2] = (uint8_t)(v >> 8);
		p[3] = (uint8_t)v;
	}
}

static inline void wr_bytes(struct wr *w, const void *from, size_t n)
{
	uint8_t *p = wr_take(w, n);

	if (p && n)
		memcpy(p, from, n);
}

/*
 * Opens a length field to be filled by the matching close with the bytes
 * written since.  A length that does not fit its field sets the error.
 */
static inline uint8_t *wr_len8_open(struct wr *w)
{
	return wr_take(w, 1);
}

static inline void wr_len8_close(struct wr *w, uint8_t *field)
{
	if (w->bad)
		return;
	size_t n = (size_t)(w->p - field) - 1;
	if (n > UINT8_MAX)
		w->bad = true;
	else
		field[0] = (uint8_t)n;
}

static inline uint8_t *wr_len16_open(struct wr *w)
{
	return wr_take(w, 2);
}

static inline void wr_len16_close(struct wr *w, uint8_t *field)
{
	if (w->bad)
		return;
	size_t n = (size_t)(w->p - field) - 2;
	if (n > UINT16_MAX) {
		w->bad = true;
		return;
	}
	field[0] = (uint8_t)(n >> 8);
	field[1] = (uint8_t)n;
}

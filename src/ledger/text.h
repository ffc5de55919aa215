/* Text from outside, read with a cursor: lines, words, numbers. */
#pragma once

#include "base/wire.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

static inline bool text_is(struct bytes b, const char *word)
{
	return b.n == strlen(word) && !memcmp(b.p, word, b.n);
}

static inline struct bytes text_of(const char *s)
{
	return (struct bytes){(const uint8_t *)s, strlen(s)};
}

/* Takes the word when it comes next; else takes nothing. */
static inline bool text_take(struct rd *r, const char *word)
{
	size_t n = strlen(word);

	if (rd_left(r) < n || memcmp(r->p, word, n))
		return false;
	rd_skip(r, n);
	return true;
}

/*
 * Takes a decimal number as the one canonical text has it: no sign, no zero
 * before it, within 64 bits.
 */
bool text_take_u64(struct rd *r, uint64_t *ret);

/* The whole of b is such a number. */
bool text_u64(struct bytes b, uint64_t *ret);

/* Up to the byte, which is taken too but not given; false without one. */
bool text_until(struct rd *r, char end, struct bytes *ret);

/* A line, without its newline; false when none is complete. */
static inline bool text_line(struct rd *r, struct bytes *ret)
{
	return text_until(r, '\n', ret);
}

/* Well-formed UTF-8 (RFC 3629), no control character but newline. */
bool text_utf8(struct bytes b);

/* The same for names of keys (signed-note): some, no space, no plus. */
bool text_key_name(struct bytes b);

/*
 * Standard base 64 (RFC 4648 s4), padded, bits beyond the end zero, so that
 * there is one text for each value.  The first cap bytes go into out; gives
 * the full length, or -1.
 */
ptrdiff_t text_base64(struct bytes b, void *out, size_t cap);

/* Exactly n bytes. */
static inline bool text_base64_n(struct bytes b, void *out, size_t n)
{
	return text_base64(b, out, n) == (ptrdiff_t)n;
}

/* Writing: a word, a number, base 64. */
void text_put(struct wr *w, const char *s);
void text_put_u64(struct wr *w, uint64_t v);
void text_put_base64(struct wr *w, const void *p, size_t n);

#include "ledger/text.h"

bool text_take_u64(struct rd *r, uint64_t *ret)
{
	struct rd at = *r;
	uint64_t v = 0;
	unsigned n = 0;

	while (rd_left(&at) && *at.p >= '0' && *at.p <= '9') {
		unsigned digit = rd_u8(&at) - (unsigned)'0';

		if ((n && !v) || __builtin_mul_overflow(v, 10, &v) ||
		    __builtin_add_overflow(v, digit, &v))
			return false;
		n++;
	}
	if (!n)
		return false;
	*r = at;
	*ret = v;
	return true;
}

bool text_u64(struct bytes b, uint64_t *ret)
{
	struct rd r = rd_from(b.p, b.n);
	uint64_t v;

	if (!text_take_u64(&r, &v) || !rd_done(&r))
		return false;
	*ret = v;
	return true;
}

bool text_until(struct rd *r, char end, struct bytes *ret)
{
	size_t left = rd_left(r);
	const uint8_t *found = left ? memchr(r->p, end, left) : NULL;

	if (!found)
		return false;
	size_t n = (size_t)(found - r->p);
	*ret = (struct bytes){rd_take(r, n), n};
	rd_skip(r, 1);
	return true;
}

/* RFC 3629 s4: how many bytes follow the first, and what the second may be. */
static int follow(uint8_t first, uint8_t *lo, uint8_t *hi)
{
	*lo = 0x80;
	*hi = 0xbf;
	if (first >= 0xc2 && first <= 0xdf)
		return 1;
	if (first >= 0xe0 && first <= 0xef) {
		if (first == 0xe0)
			*lo = 0xa0;
		if (first == 0xed)
			*hi = 0x9f;
		return 2;
	}
	if (first >= 0xf0 && first <= 0xf4) {
		if (first == 0xf0)
			*lo = 0x90;
		if (first == 0xf4)
			*hi = 0x8f;
		return 3;
	}
	return -1;
}

/*
 * The next code point; 0 with the cursor's error for what is none.
 */
static uint32_t take_rune(struct rd *r)
{
	uint8_t first = rd_u8(r), lo, hi;

	if (first < 0x80)
		return first;
	int n = follow(first, &lo, &hi);
	if (n < 0) {
		rd_fail(r);
		return 0;
	}
	uint32_t rune = first & (0x3fu >> n);
	for (; n; n--, lo = 0x80, hi = 0xbf) {
		uint8_t c = rd_u8(r);

		if (c < lo || c > hi) {
			rd_fail(r);
			return 0;
		}
		rune = rune << 6 | (c & 0x3f);
	}
	return rune;
}

bool text_utf8(struct bytes b)
{
	struct rd r = rd_from(b.p, b.n);

	while (rd_left(&r)) {
		uint32_t rune = take_rune(&r);

		if (rune < 0x20 && rune != '\n')
			return false;
	}
	return rd_ok(&r);
}

/* Unicode's White_Space, as far as it is no control character. */
static bool is_space(uint32_t rune)
{
	return rune == ' ' || rune == 0x85 || rune == 0xa0 || rune == 0x1680 ||
	       (rune >= 0x2000 && rune <= 0x200a) || rune == 0x2028 ||
	       rune == 0x2029 || rune == 0x202f || rune == 0x205f ||
	       rune == 0x3000;
}

bool text_key_name(struct bytes b)
{
	struct rd r = rd_from(b.p, b.n);

	while (rd_left(&r)) {
		uint32_t rune = take_rune(&r);

		if (rune < 0x20 || rune == '+' || is_space(rune))
			return false;
	}
	return rd_ok(&r) && b.n;
}

/* ---- base 64 ------------------------------------------------------------- */

static const char alphabet[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static int base64_value(uint8_t c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	if (c == '+')
		return 62;
	return c == '/' ? 63 : -1;
}

/* Four characters into three bytes, or fewer at the end; -1 for others. */
static int take_four(struct rd *r, uint8_t out[3])
{
	uint32_t v = 0;
	unsigned pad = 0;

	for (unsigned i = 0; i < 4; i++) {
		uint8_t c = rd_u8(r);
		int d = base64_value(c);

		if (c == '=' && i >= 2 && !rd_left(r)) {
			pad++;
			d = 0;
		} else if (c == '=' && i == 2 && rd_left(r) == 1) {
			pad++;
			d = 0;
		} else if (pad) {
			return -1;
		}
		if (!rd_ok(r) || d < 0)
			return -1;
		v = v << 6 | (unsigned)d;
	}
	/* What the padding cut off must be zero. */
	if ((pad == 1 && v & 0xff) || (pad == 2 && v & 0xffff))
		return -1;
	out[0] = (uint8_t)(v >> 16);
	out[1] = (uint8_t)(v >> 8);
	out[2] = (uint8_t)v;
	return 3 - (int)pad;
}

ptrdiff_t text_base64(struct bytes b, void *out, size_t cap)
{
	struct rd r = rd_from(b.p, b.n);
	struct wr w = wr_from(out, cap);
	ptrdiff_t n = 0;
	uint8_t three[3];

	while (rd_left(&r)) {
		int got = take_four(&r, three);

		if (got < 0)
			return -1;
		for (int i = 0; i < got; i++)
			if (wr_left(&w))
				wr_u8(&w, three[i]);
		n += got;
	}
	return n;
}

void text_put_base64(struct wr *w, const void *p, size_t n)
{
	struct rd r = rd_from(p, n);

	while (rd_left(&r)) {
		size_t left = rd_left(&r);
		uint32_t v = (uint32_t)rd_u8(&r) << 16;

		if (left > 1)
			v |= (uint32_t)rd_u8(&r) << 8;
		if (left > 2)
			v |= rd_u8(&r);
		wr_u8(w, (uint8_t)alphabet[v >> 18]);
		wr_u8(w, (uint8_t)alphabet[v >> 12 & 63]);
		wr_u8(w, left > 1 ? (uint8_t)alphabet[v >> 6 & 63] : '=');
		wr_u8(w, left > 2 ? (uint8_t)alphabet[v & 63] : '=');
	}
}

/* ---- writing ------------------------------------------------------------- */

void text_put(struct wr *w, const char *s)
{
	wr_bytes(w, s, strlen(s));
}

void text_put_u64(struct wr *w, uint64_t v)
{
	char digits[20];
	size_t n = sizeof digits;

	do {
		digits[--n] = (char)('0' + v % 10);
		v /= 10;
	} while (v);
	wr_bytes(w, digits + n, sizeof digits - n);
}

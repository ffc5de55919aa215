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

bool text_utf8(struct bytes b)
{
	struct rd r = rd_from(b.p, b.n);

	while (rd_left(&r)) {
		uint8_t first = rd_u8(&r), lo, hi;

		if (first < 0x80) {
			if (first < 0x20 && first != '\n')
				return false;
			continue;
		}
		int n = follow(first, &lo, &hi);
		if (n < 0)
			return false;
		for (; n; n--, lo = 0x80, hi = 0xbf) {
			uint8_t c = rd_u8(&r);

			if (!rd_ok(&r) || c < lo || c > hi)
				return false;
		}
	}
	return true;
}

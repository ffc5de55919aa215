/* Rewrites canonical attributes: without what was meant for us, prepended. */
#include "policy/internal.h"

enum {
	ATTR_AS_PATH = 2,
	ATTR_COMMUNITIES = 8,
	ATTR_EXTENDED = 16,
	ATTR_LARGE = 32,
	ATTR_EXT_LEN = 0x10,
};

struct attr {
	uint8_t flags;
	uint8_t code;
	struct rd value;
	struct rd whole; /* header and value */
};

static bool next_attr(struct rd *r, struct attr *ret)
{
	struct rd start = *r;

	if (!rd_left(r))
		return false;
	ret->flags = rd_u8(r);
	ret->code = rd_u8(r);
	size_t n = ret->flags & ATTR_EXT_LEN ? rd_u16(r) : rd_u8(r);
	ret->value = rd_sub(r, n);
	ret->whole = rd_from(start.p, rd_left(&start) - rd_left(r));
	return rd_ok(r);
}

static void copy(struct wr *w, const struct rd *r)
{
	wr_bytes(w, r->p, rd_left(r));
}

static void write_head(struct wr *w, uint8_t flags, uint8_t code, size_t n)
{
	if (n > UINT8_MAX) {
		wr_u8(w, flags | ATTR_EXT_LEN);
		wr_u8(w, code);
		wr_u16(w, (unsigned)n);
	} else {
		wr_u8(w, flags & ~(unsigned)ATTR_EXT_LEN);
		wr_u8(w, code);
		wr_u8(w, (unsigned)n);
	}
}

static size_t kept_bytes(
    const struct policy *p, enum policy_kind kind, struct rd value, size_t each)
{
	size_t n = 0;
	struct policy_wish wish;

	while (rd_left(&value))
		if (!policy_wish_next(p, kind, &value, &wish))
			n += each;
	return n;
}

static void scrub_one(const struct policy *p, enum policy_kind kind,
    const struct attr *a, size_t each, struct wr *w)
{
	struct rd value = a->value;
	size_t n = kept_bytes(p, kind, value, each);
	struct policy_wish wish;

	if (n == rd_left(&value)) {
		copy(w, &a->whole);
		return;
	}
	if (!n)
		return;
	write_head(w, a->flags, a->code, n);
	while (rd_left(&value)) {
		struct rd at = value;
		struct rd one = rd_sub(&at, each);

		if (!policy_wish_next(p, kind, &value, &wish))
			copy(w, &one);
	}
}

void policy_scrub(
    const struct policy *p, const struct bgp_attrs *a, struct wr *w)
{
	struct rd r = rd_from(a->wire.p, a->wire.n);
	struct attr at;

	while (next_attr(&r, &at)) {
		switch (at.code) {
		case ATTR_COMMUNITIES:
			scrub_one(p, POLICY_STANDARD, &at, 4, w);
			break;
		case ATTR_EXTENDED:
			scrub_one(p, POLICY_EXTENDED, &at, 8, w);
			break;
		case ATTR_LARGE:
			scrub_one(p, POLICY_LARGE, &at, 12, w);
			break;
		default:
			copy(w, &at.whole);
		}
	}
}

/* The path's value with its first AS n times more. */
static void prepend_path(const struct attr *a, unsigned n, struct wr *w)
{
	struct rd value = a->value;
	uint8_t type = rd_u8(&value);
	unsigned count = rd_u8(&value);
	struct rd asns = value;
	uint32_t first = rd_u32(&value);

	if (!rd_ok(&value) || type != BGP_AS_SEQUENCE || !count) {
		copy(w, &a->whole);
		return;
	}
	bool fits = count + n <= UINT8_MAX;
	size_t more = 4 * (size_t)n + (fits ? 0 : 2);
	write_head(w, a->flags, a->code, rd_left(&a->value) + more);
	wr_u8(w, BGP_AS_SEQUENCE);
	wr_u8(w, fits ? count + n : n);
	for (unsigned i = 0; i < n; i++)
		wr_u32(w, first);
	copy(w, fits ? &asns : &a->value);
}

void policy_prepend(
    struct bytes wire, unsigned n, struct wr *w, uint16_t *ret_next_hop_at)
{
	struct rd r = rd_from(wire.p, wire.n);
	struct attr at;

	*ret_next_hop_at = 0;
	while (next_attr(&r, &at)) {
		if (at.code == ATTR_AS_PATH)
			prepend_path(&at, n, w);
		else
			copy(w, &at.whole);
		if (at.code <= ATTR_AS_PATH)
			*ret_next_hop_at = (uint16_t)wr_len(w);
	}
}

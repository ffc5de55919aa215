/*
 * AS paths: checked, asked, and turned from 2-byte into 4-byte ones.
 *
 * Segments of a checked path: type, count (never 0), count ASNs.
 */
#include "bgp/internal.h"

struct segment {
	uint8_t type;
	uint8_t count;
	struct rd asns;
};

static bool is_confed(uint8_t type)
{
	return type == BGP_CONFED_SEQUENCE || type == BGP_CONFED_SET;
}

static bool next_segment(struct rd *r, size_t as_size, struct segment *s)
{
	if (!rd_left(r))
		return false;
	s->type = rd_u8(r);
	s->count = rd_u8(r);
	s->asns = rd_sub(r, s->count * as_size);
	return true;
}

static uint32_t read_asn(struct rd *r, size_t as_size)
{
	return as_size == 4 ? rd_u32(r) : rd_u16(r);
}

enum bgp_fault bgp_path_check(struct bytes path, bool as4, bool confed_ok)
{
	struct rd r = rd_from(path.p, path.n);
	size_t as_size = as4 ? 4 : 2;
	struct segment s;
	bool zero = false;
	bool confed = false;

	while (next_segment(&r, as_size, &s)) {
		if (!rd_ok(&r) || !s.count || s.type < BGP_AS_SET ||
		    s.type > BGP_CONFED_SET)
			return BGP_FAULT_AS_PATH;
		confed |= is_confed(s.type);
		while (rd_left(&s.asns))
			zero |= read_asn(&s.asns, as_size) == 0;
	}
	if (confed && !confed_ok)
		return BGP_FAULT_CONFEDERATION;
	return zero ? BGP_FAULT_AS_ZERO : BGP_FAULT_NONE;
}

/* ---- questions about a canonical path ---------------------------------- */

static unsigned hops(struct bytes path, size_t as_size)
{
	struct rd r = rd_from(path.p, path.n);
	struct segment s;
	unsigned n = 0;

	while (next_segment(&r, as_size, &s)) {
		if (s.type == BGP_AS_SEQUENCE)
			n += s.count;
		else if (s.type == BGP_AS_SET)
			n++;
	}
	return n;
}

unsigned bgp_path_length(struct bytes as_path)
{
	return hops(as_path, 4);
}

uint32_t bgp_path_first(struct bytes as_path)
{
	struct rd r = rd_from(as_path.p, as_path.n);

	if (rd_u8(&r) != BGP_AS_SEQUENCE)
		return 0;
	rd_skip(&r, 1);
	return rd_u32(&r);
}

uint32_t bgp_path_origin(struct bytes as_path)
{
	struct rd r = rd_from(as_path.p, as_path.n);
	struct segment s = {0};

	while (next_segment(&r, 4, &s))
		;
	if (s.type != BGP_AS_SEQUENCE)
		return 0;
	rd_skip(&s.asns, (s.count - 1u) * 4u);
	return rd_u32(&s.asns);
}

bool bgp_path_has(struct bytes as_path, uint32_t asn)
{
	struct rd r = rd_from(as_path.p, as_path.n);
	struct segment s;

	while (next_segment(&r, 4, &s))
		while (rd_left(&s.asns))
			if (rd_u32(&s.asns) == asn)
				return true;
	return false;
}

bool bgp_path_has_set(struct bytes as_path)
{
	struct rd r = rd_from(as_path.p, as_path.n);
	struct segment s;

	while (next_segment(&r, 4, &s))
		if (s.type != BGP_AS_SEQUENCE)
			return true;
	return false;
}

/* ---- 2-byte paths (RFC 6793 s4.2.3) ------------------------------------ */

/* Writes segments, joining a sequence to the sequence before it. */
struct path_writer {
	struct wr *w;
	uint8_t *head; /* of the segment that is open */
};

static void put_asn(struct path_writer *pw, uint8_t type, uint32_t asn)
{
	if (!pw->head || pw->head[0] != type || pw->head[1] == 255) {
		pw->head = wr_take(pw->w, 2);
		if (!pw->head)
			return;
		pw->head[0] = type;
		pw->head[1] = 0;
	}
	pw->head[1]++;
	wr_u32(pw->w, asn);
}

/* Takes the leading hops of path until as many are written. */
static void put_hops(struct path_writer *pw, struct bytes path, size_t as_size,
    unsigned limit, bool confed_ok)
{
	struct rd r = rd_from(path.p, path.n);
	struct segment s;

	while (limit && next_segment(&r, as_size, &s)) {
		bool sequence = s.type == BGP_AS_SEQUENCE;

		if (is_confed(s.type) && !confed_ok)
			continue;
		if (!sequence) {
			pw->head = NULL; /* two sets stay two */
			limit -= s.type == BGP_AS_SET;
		}
		while (rd_left(&s.asns) && (!sequence || limit)) {
			put_asn(pw, s.type, read_asn(&s.asns, as_size));
			limit -= sequence;
		}
	}
}

void bgp_path_widen(struct wr *w, struct bytes as2, struct bytes as4)
{
	struct path_writer pw = {.w = w};
	unsigned n2 = hops(as2, 2);
	unsigned n4 = hops(as4, 4);

	if (!n4 || n2 < n4) {
		/* Nothing to restore, or what it says is older: ignored. */
		put_hops(&pw, as2, 2, UINT_MAX, true);
		return;
	}
	put_hops(&pw, as2, 2, n2 - n4, true);
	put_hops(&pw, as4, 4, UINT_MAX, false);
}

bool bgp_path_narrow(struct wr *w, struct bytes path)
{
	struct rd r = rd_from(path.p, path.n);
	struct segment s;
	bool lost = false;

	while (next_segment(&r, 4, &s)) {
		wr_u8(w, s.type);
		wr_u8(w, s.count);
		while (rd_left(&s.asns)) {
			uint32_t asn = rd_u32(&s.asns);

			lost |= asn > UINT16_MAX;
			wr_u16(w, asn > UINT16_MAX ? BGP_AS_TRANS : asn);
		}
	}
	return lost;
}

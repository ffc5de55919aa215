#include "bgp/attrs.h"

#include "bgp/internal.h"

bool bgp_attr_next(struct rd *attrs, struct bgp_attr *ret)
{
	if (!rd_left(attrs))
		return false;
	uint8_t flags = rd_u8(attrs);
	uint8_t code = rd_u8(attrs);
	size_t n = flags & FLAG_EXT_LEN ? rd_u16(attrs) : rd_u8(attrs);
	const uint8_t *p = rd_take(attrs, n);

	must(rd_ok(attrs)); /* our own form */
	*ret = (struct bgp_attr){
	    .flags = flags & (uint8_t)~FLAG_EXT_LEN,
	    .code = code,
	    .value = {p, n},
	};
	return true;
}

void bgp_attr_write(
    struct wr *w, uint8_t flags, uint8_t code, struct bytes value)
{
	size_t head = value.n > UINT8_MAX ? 4 : 3;
	uint8_t *p = wr_take(w, head + value.n);

	if (!p || value.n > UINT16_MAX) {
		w->bad = true;
		return;
	}
	p[0] = flags;
	p[1] = code;
	if (head == 4) {
		p[0] |= FLAG_EXT_LEN;
		p[2] = (uint8_t)(value.n >> 8);
		p[3] = (uint8_t)value.n;
	} else {
		p[2] = (uint8_t)value.n;
	}
	if (value.n)
		memcpy(p + head, value.p, value.n);
}

void bgp_attrs_read(struct bytes wire, struct bgp_attrs *ret)
{
	struct rd r = rd_from(wire.p, wire.n);
	struct bgp_attr a;
	struct rd v;

	*ret = (struct bgp_attrs){
	    .wire = wire, .next_hop_at = bgp_attrs_next_hop_at(wire)};
	while (bgp_attr_next(&r, &a)) {
		if (a.code < 64)
			ret->has |= BGP_HAS(a.code);
		v = rd_from(a.value.p, a.value.n);
		switch (a.code) {
		case ATTR_ORIGIN:
			ret->origin = rd_u8(&v);
			break;
		case ATTR_MED:
			ret->med = rd_u32(&v);
			break;
		case ATTR_OTC:
			ret->otc = rd_u32(&v);
			break;
		default:
			bgp_attrs_note(ret, a.code, a.value);
			break;
		}
	}
}

void bgp_attrs_note(struct bgp_attrs *a, uint8_t code, struct bytes value)
{
	switch (code) {
	case ATTR_AS_PATH:
		a->as_path = value;
		break;
	case ATTR_COMMUNITIES:
		a->communities = value;
		break;
	case ATTR_EXTENDED:
		a->extended = value;
		break;
	case ATTR_LARGE:
		a->large = value;
		break;
	default:
		break;
	}
}

/* Offset of the first attribute whose code is above code. */
static size_t offset_after(struct bytes wire, uint8_t code)
{
	struct rd r = rd_from(wire.p, wire.n);
	struct bgp_attr a;
	size_t at = 0;

	while (bgp_attr_next(&r, &a)) {
		if (a.code > code)
			return at;
		at = wire.n - rd_left(&r);
	}
	return at;
}

uint16_t bgp_attrs_next_hop_at(struct bytes wire)
{
	return (uint16_t)offset_after(wire, ATTR_NEXT_HOP);
}

void bgp_attrs_put(struct wr *w, struct bytes attrs, uint8_t flags,
    uint8_t code, struct bytes value)
{
	size_t from = code ? offset_after(attrs, (uint8_t)(code - 1)) : 0;
	size_t to = offset_after(attrs, code);

	wr_bytes(w, attrs.p, from);
	if (value.n)
		bgp_attr_write(w, flags, code, value);
	wr_bytes(w, attrs.p + to, attrs.n - to);
}

static void write_large(
    struct wr *w, unsigned flags, struct bytes have, struct bytes more)
{
	size_t n = have.n + more.n;

	if (!n)
		return;
	wr_u8(w, flags | (n > UINT8_MAX ? FLAG_EXT_LEN : 0));
	wr_u8(w, ATTR_LARGE);
	if (n > UINT8_MAX)
		wr_u16(w, (unsigned)n);
	else
		wr_u8(w, (unsigned)n);
	wr_bytes(w, have.p, have.n);
	wr_bytes(w, more.p, more.n);
}

/* One walk: this is done for every set of attributes that goes out. */
void bgp_attrs_mark(
    struct wr *w, struct bytes attrs, uint32_t otc, struct bytes large)
{
	static const uint8_t none[1];

	if (!attrs.n)
		attrs.p = none; /* not NULL, to which nothing may be added */
	struct rd r = rd_from(attrs.p, attrs.n);
	struct bytes have = {attrs.p, 0};
	uint8_t flags = FLAGS_TRANSITIVE;
	struct bgp_attr a;
	size_t low = 0;	 /* end of the codes below LARGE */
	size_t mid = 0;	 /* where those above it begin */
	size_t high = 0; /* end of the codes below OTC */
	size_t rest = 0; /* where those above it begin */

	while (bgp_attr_next(&r, &a) && a.code <= ATTR_OTC) {
		size_t end = attrs.n - rd_left(&r);

		if (a.code < ATTR_LARGE)
			low = end;
		if (a.code == ATTR_LARGE) {
			have = a.value;
			flags = a.flags;
		}
		if (a.code <= ATTR_LARGE)
			mid = end;
		if (a.code < ATTR_OTC)
			high = end;
		rest = end;
	}
	wr_bytes(w, attrs.p, low);
	write_large(w, flags, have, large);
	wr_bytes(w, attrs.p + mid, high - mid);
	wr_u8(w, FLAGS_TRANSITIVE);
	wr_u8(w, ATTR_OTC);
	wr_u8(w, 4);
	wr_u32(w, otc);
	wr_bytes(w, attrs.p + rest, attrs.n - rest);
}

static void put_sequence(struct wr *w, uint32_t asn, unsigned n, unsigned count)
{
	wr_u8(w, BGP_AS_SEQUENCE);
	wr_u8(w, count);
	for (unsigned i = 0; i < n; i++)
		wr_u32(w, asn);
}

/* Fills the first sequence up, and puts what it cannot hold before it. */
static void prepend_path(
    struct wr *w, struct bytes path, uint32_t asn, unsigned n)
{
	bool sequence = path.n && path.p[0] == BGP_AS_SEQUENCE;
	unsigned first = sequence ? path.p[1] : 0;
	unsigned joined = n < 255 - first ? n : 255 - first;
	unsigned before = n - joined;

	while (before) {
		unsigned take = before < 255 ? before : 255;

		put_sequence(w, asn, take, take);
		before -= take;
	}
	if (joined) {
		put_sequence(w, asn, joined, joined + first);
		if (sequence)
			path = (struct bytes){path.p + 2, path.n - 2};
	}
	wr_bytes(w, path.p, path.n);
}

/* Opens an attribute whose length is not known yet, with a 2-byte length. */
static uint8_t *open_attr(struct wr *w, uint8_t flags, uint8_t code)
{
	wr_u8(w, flags | FLAG_EXT_LEN);
	wr_u8(w, code);
	return wr_len16_open(w);
}

/* Closes it and takes the long length field back where a short one does. */
static void close_attr(struct wr *w, uint8_t *field)
{
	wr_len16_close(w, field);
	if (!wr_ok(w) || field[0])
		return;
	size_t n = field[1];
	field[-2] &= (uint8_t)~FLAG_EXT_LEN;
	field[0] = (uint8_t)n;
	memmove(field + 1, field + 2, n);
	w->p--;
}

void bgp_attrs_prepend(
    struct wr *w, struct bytes attrs, uint32_t asn, unsigned n)
{
	struct rd r = rd_from(attrs.p, attrs.n);
	struct bgp_attr a;

	while (bgp_attr_next(&r, &a)) {
		if (a.code != ATTR_AS_PATH) {
			bgp_attr_write(w, a.flags, a.code, a.value);
			continue;
		}
		uint8_t *field = open_attr(w, a.flags, a.code);
		prepend_path(w, a.value, asn, n);
		close_attr(w, field);
	}
}

/* What a 2-byte speaker would lose. */
struct lost {
	struct bytes path;
	struct bytes aggregator;
};

static void narrow_one(
    struct wr *w, const struct bgp_attr *a, struct lost *lost)
{
	struct rd v = rd_from(a->value.p, a->value.n);
	uint8_t *field;
	uint32_t asn;

	switch (a->code) {
	case ATTR_AS_PATH:
		field = open_attr(w, a->flags, a->code);
		if (bgp_path_narrow(w, a->value))
			lost->path = a->value;
		close_attr(w, field);
		break;
	case ATTR_AGGREGATOR:
		asn = rd_u32(&v);
		if (asn > UINT16_MAX)
			lost->aggregator = a->value;
		wr_u8(w, a->flags);
		wr_u8(w, a->code);
		wr_u8(w, 6);
		wr_u16(w, asn > UINT16_MAX ? BGP_AS_TRANS : asn);
		wr_u32(w, rd_u32(&v));
		break;
	default:
		bgp_attr_write(w, a->flags, a->code, a->value);
	}
}

/* Before the first attribute above them: ascending order is kept. */
static void write_lost(struct wr *w, struct lost *lost)
{
	if (lost->path.n)
		bgp_attr_write(w, FLAGS_TRANSITIVE, ATTR_AS4_PATH, lost->path);
	if (lost->aggregator.n)
		bgp_attr_write(
		    w, FLAGS_TRANSITIVE, ATTR_AS4_AGGREGATOR, lost->aggregator);
	*lost = (struct lost){0};
}

void bgp_attrs_narrow(struct wr *w, struct bytes attrs)
{
	struct rd r = rd_from(attrs.p, attrs.n);
	struct lost lost = {0};
	struct bgp_attr a;

	while (bgp_attr_next(&r, &a)) {
		if (a.code > ATTR_AS4_PATH)
			write_lost(w, &lost);
		narrow_one(w, &a, &lost);
	}
	write_lost(w, &lost);
}

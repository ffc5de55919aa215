#include "bgp/update_write.h"

#include "bgp/internal.h"

/*
 * Where the prefixes stand in the three kinds of message:
 *
 *   CLASSIC  [header][0][attrs with NEXT_HOP][prefixes...]
 *   WITHDRAW [header][n][prefixes...][0]
 *   MP       [header][0][n][MP attribute: [..][prefixes...]][attrs]
 *
 * MP attributes come first, as RFC 7606 s5.1 asks, so that a receiver finds
 * the prefixes even when something behind them is broken.
 */
enum {
	CLASSIC,
	WITHDRAW,
	MP
};

#define MESSAGE_FIXED (BGP_HEADER + 4) /* header and two length fields */

/* Sets the limits, when tail bytes after the prefixes are spoken for. */
static bool begin(struct bgp_update_writer *u, struct wr *w,
    const struct bgp_encoding *how, size_t before, size_t tail)
{
	size_t one = family_bytes(how->family) + 1u + (how->add_path ? 4u : 0u);
	size_t room = wr_left(w);

	if (room > how->max)
		room = how->max;
	if (!wr_ok(w) || before + one + tail > room)
		return false;
	u->w = w;
	u->start = w->p;
	u->end = w->p + room - tail;
	u->add_path = how->add_path;
	return true;
}

/* Patches a length field: the bytes from behind it to end. */
static void patch16(uint8_t *field, const uint8_t *end)
{
	size_t n = (size_t)(end - field) - 2;

	field[0] = (uint8_t)(n >> 8);
	field[1] = (uint8_t)n;
}

static bool reach_classic(struct bgp_update_writer *u, struct wr *w,
    const struct bgp_encoding *how, struct bytes attrs, const uint8_t *next_hop)
{
	size_t at = bgp_attrs_next_hop_at(attrs);

	if (!begin(u, w, how, MESSAGE_FIXED + 7 + attrs.n, 0))
		return false;
	u->kind = CLASSIC;
	bgp_message_open(w, BGP_UPDATE);
	wr_u16(w, 0);
	wr_u16(w, (unsigned)(attrs.n + 7));
	wr_bytes(w, attrs.p, at);
	bgp_attr_write(
	    w, FLAGS_WELL_KNOWN, ATTR_NEXT_HOP, (struct bytes){next_hop, 4});
	wr_bytes(w, attrs.p + at, attrs.n - at);
	u->nlri = w->p;
	return true;
}

/* The message up to the value of its MP attribute. */
static void open_mp(struct bgp_update_writer *u, enum bgp_attr_code code,
    const struct bgp_encoding *how)
{
	u->kind = MP;
	bgp_message_open(u->w, BGP_UPDATE);
	wr_u16(u->w, 0);
	wr_u16(u->w, 0); /* patched by the close */
	wr_u8(u->w, FLAGS_OPTIONAL | FLAG_EXT_LEN);
	wr_u8(u->w, code);
	u->length = wr_len16_open(u->w);
	wr_u16(u->w, bgp_afi(how->family));
	wr_u8(u->w, SAFI_UNICAST);
}

bool bgp_update_write_reach(struct bgp_update_writer *u, struct wr *w,
    const struct bgp_encoding *how, struct bytes attrs, const uint8_t *next_hop,
    size_t next_hop_len)
{
	must(attrs.n <= UINT16_MAX);
	if (how->family == FAMILY_IPV4 && next_hop_len == 4)
		return reach_classic(u, w, how, attrs, next_hop);
	if (!begin(u, w, how, MESSAGE_FIXED + 4 + 5 + next_hop_len, attrs.n))
		return false;
	open_mp(u, ATTR_MP_REACH, how);
	wr_u8(w, (unsigned)next_hop_len);
	wr_bytes(w, next_hop, next_hop_len);
	wr_u8(w, 0);
	u->attrs = attrs;
	u->nlri = w->p;
	return true;
}

bool bgp_update_write_unreach(
    struct bgp_update_writer *u, struct wr *w, const struct bgp_encoding *how)
{
	u->attrs = (struct bytes){NULL, 0};
	if (how->family != FAMILY_IPV4) {
		if (!begin(u, w, how, MESSAGE_FIXED + 4 + 3, 0))
			return false;
		open_mp(u, ATTR_MP_UNREACH, how);
		u->nlri = w->p;
		return true;
	}
	if (!begin(u, w, how, MESSAGE_FIXED - 2, 2))
		return false;
	u->kind = WITHDRAW;
	bgp_message_open(w, BGP_UPDATE);
	u->length = wr_len16_open(w);
	u->nlri = w->p;
	return true;
}

size_t bgp_update_write_close(struct bgp_update_writer *u)
{
	struct wr *w = u->w;

	if (w->p == u->nlri) {
		w->p = u->start;
		return 0;
	}
	switch (u->kind) {
	case WITHDRAW:
		patch16(u->length, w->p);
		wr_u16(w, 0);
		break;
	case MP:
		patch16(u->length, w->p);
		wr_bytes(w, u->attrs.p, u->attrs.n);
		patch16(u->start + BGP_HEADER + 2, w->p);
		break;
	default:
		break;
	}
	bgp_message_close(w, u->start + 16);
	must(wr_ok(w));
	return (size_t)(w->p - u->start);
}

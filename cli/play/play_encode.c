/* Writing UPDATEs; see play_encode.h. */
#include "cli/play/play_encode.h"

#include "bgp/bgp.h"

enum {
	NEXT_HOP = 3,
	MP_REACH = 14,
	MP_UNREACH = 15
};
enum {
	FLAGS_HOP = 0x40,
	FLAGS_MP = 0x90
}; /* transitive; optional, long */

static uint8_t *message_open(struct wr *w)
{
	for (unsigned i = 0; i < 16; i++)
		wr_u8(w, 0xff);
	uint8_t *len = wr_take(w, 2);
	wr_u8(w, BGP_UPDATE);
	return len;
}

static void message_close(struct wr *w, const uint8_t *start, uint8_t *len)
{
	if (!wr_ok(w))
		return;
	size_t n = (size_t)(w->p - start);
	len[0] = (uint8_t)(n >> 8);
	len[1] = (uint8_t)n;
}

/* As many as fit into `left` bytes. */
static size_t write_nlri(
    struct wr *w, const struct prefix *p, size_t n, size_t left)
{
	size_t i;

	for (i = 0; i < n; i++) {
		size_t need = 1 + (p[i].len + 7u) / 8;

		if (need > left)
			break;
		left -= need;
		bgp_nlri_write(w, &p[i], false, 0);
	}
	return i;
}

/* Gives the length field, for wr_len16_close(). */
static uint8_t *mp_open(struct wr *w, unsigned code, enum family f)
{
	wr_u8(w, FLAGS_MP);
	wr_u8(w, code);
	uint8_t *len = wr_len16_open(w);
	wr_u16(w, f == FAMILY_IPV6 ? 2 : 1);
	wr_u8(w, 1);
	return len;
}

size_t play_encode_reach(struct wr *w, const struct play_shape *shape,
    const struct play_attrs *a, enum family f, const struct prefix *p, size_t n)
{
	const struct ip *hop = &shape->hop[f];
	size_t hop_len = family_bytes(hop->family);
	bool plain = f == FAMILY_IPV4 && hop->family == FAMILY_IPV4;
	size_t fixed =
	    BGP_HEADER + 4 + a->wire.n + (plain ? 3 + hop_len : 9 + hop_len);
	const uint8_t *start = w->p;
	size_t done = 0, left = BGP_MAX;

	/* Longer messages gain nothing but for attributes that need them. */
	if (fixed + family_bytes(f) >= left && shape->extended)
		left = BGP_MAX_EXTENDED;
	if (fixed + family_bytes(f) >= left)
		return 0;
	left -= fixed;
	uint8_t *len = message_open(w);
	wr_u16(w, 0);
	uint8_t *attrs = wr_len16_open(w);
	if (!plain) {
		/* First of all attributes (RFC 7606 s5.1). */
		uint8_t *mp = mp_open(w, MP_REACH, f);
		wr_u8(w, (unsigned)hop_len);
		wr_bytes(w, hop->b, hop_len);
		wr_u8(w, 0);
		done = write_nlri(w, p, n, left);
		wr_len16_close(w, mp);
		wr_bytes(w, a->wire.p, a->wire.n);
	} else {
		wr_bytes(w, a->wire.p, a->next_hop_at);
		wr_u8(w, FLAGS_HOP);
		wr_u8(w, NEXT_HOP);
		wr_u8(w, (unsigned)hop_len);
		wr_bytes(w, hop->b, hop_len);
		wr_bytes(
		    w, a->wire.p + a->next_hop_at, a->wire.n - a->next_hop_at);
	}
	wr_len16_close(w, attrs);
	if (plain)
		done = write_nlri(w, p, n, left);
	message_close(w, start, len);
	return done;
}

size_t play_encode_withdraw(
    struct wr *w, enum family f, const struct prefix *p, size_t n)
{
	const uint8_t *start = w->p;
	uint8_t *len = message_open(w);
	size_t done;

	if (f == FAMILY_IPV4) {
		uint8_t *routes = wr_len16_open(w);
		done = write_nlri(w, p, n, BGP_MAX - BGP_HEADER - 4);
		wr_len16_close(w, routes);
		wr_u16(w, 0);
	} else {
		wr_u16(w, 0);
		uint8_t *attrs = wr_len16_open(w);
		uint8_t *mp = mp_open(w, MP_UNREACH, f);
		done = write_nlri(w, p, n, BGP_MAX - BGP_HEADER - 4 - 7);
		wr_len16_close(w, mp);
		wr_len16_close(w, attrs);
	}
	message_close(w, start, len);
	return done;
}

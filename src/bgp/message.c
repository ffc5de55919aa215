/* The header that all messages share, and the messages that are little more. */
#include "bgp/internal.h"

#include <errno.h>

uint8_t *bgp_message_open(struct wr *w, enum bgp_type type)
{
	uint8_t *marker = wr_take(w, 16);

	if (marker)
		memset(marker, 0xff, 16);
	uint8_t *field = wr_take(w, 2);
	wr_u8(w, type);
	return field;
}

void bgp_message_close(struct wr *w, uint8_t *field)
{
	if (!wr_ok(w))
		return;
	size_t n = (size_t)(w->p - field) + 16;
	if (n > BGP_MAX_EXTENDED) {
		w->bad = true;
		return;
	}
	field[0] = (uint8_t)(n >> 8);
	field[1] = (uint8_t)n;
}

/* Shortest and longest whole message of each type; 0: no such type. */
static const struct {
	uint16_t min;
	uint16_t max;
} lengths[] = {
    [BGP_OPEN] = {29, BGP_MAX},
    [BGP_UPDATE] = {23, BGP_MAX_EXTENDED},
    [BGP_NOTIFICATION] = {21, BGP_MAX_EXTENDED},
    [BGP_KEEPALIVE] = {BGP_HEADER, BGP_HEADER},
    /* RFC 7313 s5 wants its own error for a bad length: bgp_refresh_parse */
    [BGP_ROUTE_REFRESH] = {BGP_HEADER, BGP_MAX_EXTENDED},
};

static const uint8_t marker[16] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff};

size_t bgp_header(const uint8_t head[BGP_HEADER], size_t max,
    enum bgp_type *ret_type, struct bgp_notify *ret_notify)
{
	size_t n = (size_t)head[16] << 8 | head[17];
	unsigned type = head[18];

	if (memcmp(head, marker, sizeof marker)) {
		*ret_notify = bgp_notify_of(BGP_ERR_HEADER, 1, NULL, 0);
		return 0;
	}
	if (n < BGP_HEADER || n > max) {
		*ret_notify = bgp_notify_of(BGP_ERR_HEADER, 2, head + 16, 2);
		return 0;
	}
	if (type < BGP_OPEN || type > BGP_ROUTE_REFRESH) {
		*ret_notify = bgp_notify_of(BGP_ERR_HEADER, 3, head + 18, 1);
		return 0;
	}
	if (n < lengths[type].min || n > lengths[type].max) {
		*ret_notify = bgp_notify_of(BGP_ERR_HEADER, 2, head + 16, 2);
		return 0;
	}
	*ret_type = (enum bgp_type)type;
	return n;
}

void bgp_keepalive_write(struct wr *w)
{
	bgp_message_close(w, bgp_message_open(w, BGP_KEEPALIVE));
}

/* RFC 7313 s5: the data is the whole message that was wrong. */
static struct bgp_notify refresh_error(struct rd body)
{
	uint8_t msg[255];
	struct wr w = wr_from(msg, sizeof msg);
	uint8_t *field = bgp_message_open(&w, BGP_ROUTE_REFRESH);
	size_t n = rd_left(&body);
	size_t whole = n + BGP_HEADER;

	if (n > wr_left(&w))
		n = wr_left(&w);
	wr_bytes(&w, body.p, n);
	field[0] = (uint8_t)(whole >> 8);
	field[1] = (uint8_t)whole;
	return bgp_notify_of(BGP_ERR_REFRESH, 1, msg, wr_len(&w));
}

int bgp_refresh_parse(
    struct rd body, struct bgp_refresh *ret, struct bgp_notify *ret_notify)
{
	struct rd r = body;
	unsigned afi = rd_u16(&r);
	uint8_t subtype = rd_u8(&r);
	unsigned safi = rd_u8(&r);

	/* A plain request may be followed by filters (RFC 5291): left alone. */
	if (!rd_ok(&r) || (subtype && !rd_done(&r))) {
		*ret_notify = refresh_error(body);
		return -EBADMSG;
	}
	*ret = (struct bgp_refresh){
	    .family = (uint8_t)bgp_family(afi, safi), .subtype = subtype};
	return 0;
}

void bgp_refresh_write(struct wr *w, enum family f, uint8_t subtype)
{
	uint8_t *field = bgp_message_open(w, BGP_ROUTE_REFRESH);

	wr_u16(w, bgp_afi(f));
	wr_u8(w, subtype);
	wr_u8(w, SAFI_UNICAST);
	bgp_message_close(w, field);
}

void bgp_end_of_rib_write(struct wr *w, enum family f)
{
	uint8_t *field = bgp_message_open(w, BGP_UPDATE);

	wr_u16(w, 0);
	if (f == FAMILY_IPV4) {
		wr_u16(w, 0);
	} else {
		wr_u16(w, 6);
		wr_u8(w, 0x80); /* optional, non-transitive */
		wr_u8(w, 15);	/* MP_UNREACH_NLRI */
		wr_u8(w, 3);
		wr_u16(w, bgp_afi(f));
		wr_u8(w, SAFI_UNICAST);
	}
	bgp_message_close(w, field);
}

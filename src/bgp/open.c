/* OPEN and its capabilities. */
#include "base/attr.h"
#include "bgp/internal.h"

#include <errno.h>

enum {
	PARAM_CAPABILITIES = 2,
	PARAM_EXTENDED = 255
};

enum {
	CAP_MP = 1,
	CAP_REFRESH = 2,
	CAP_NEXT_HOP = 5,
	CAP_EXTENDED = 6,
	CAP_ROLE = 9,
	CAP_GR = 64,
	CAP_AS4 = 65,
	CAP_ADD_PATH = 69,
	CAP_ENHANCED_REFRESH = 70,
	CAP_LLGR = 71,
};

enum {
	GR_R = 0x8000,
	GR_N = 0x4000,
	GR_TIME = 0x0fff,
	GR_F = 0x80
};

/* RFC 9234: values that disagree are a mismatch, and not a format error. */
#define ROLE_DISAGREES 255

static uint8_t family_bit(unsigned afi, unsigned safi)
{
	enum family f = bgp_family(afi, safi);

	return f == FAMILY_COUNT ? (uint8_t)0 : (uint8_t)BGP_FAMILY(f);
}

static void parse_gr(struct rd r, struct bgp_open *o)
{
	unsigned head = rd_u16(&r);

	/* RFC 4724 s3: the last instance is the one that counts. */
	o->gr = true;
	o->gr_restarting = head & GR_R;
	o->gr_notify = head & GR_N;
	o->gr_time_s = head & GR_TIME;
	o->gr_families = o->gr_forwarding = 0;
	while (rd_left(&r)) {
		unsigned afi = rd_u16(&r);
		uint8_t bit = family_bit(afi, rd_u8(&r));

		o->gr_families |= bit;
		if (rd_u8(&r) & GR_F)
			o->gr_forwarding |= bit;
	}
}

static void parse_llgr(struct rd r, struct bgp_open *o)
{
	o->llgr_families = o->llgr_forwarding = 0;
	while (rd_left(&r)) {
		unsigned afi = rd_u16(&r);
		enum family f = bgp_family(afi, rd_u8(&r));
		uint8_t flags = rd_u8(&r);
		uint32_t time_s = (uint32_t)rd_u16(&r) << 8;

		time_s |= rd_u8(&r);
		if (f == FAMILY_COUNT)
			continue;
		o->llgr_families |= (uint8_t)BGP_FAMILY(f);
		if (flags & GR_F)
			o->llgr_forwarding |= (uint8_t)BGP_FAMILY(f);
		o->llgr_time_s[f] = time_s;
	}
}

static void parse_add_path(struct rd r, struct bgp_open *o)
{
	while (rd_left(&r)) {
		unsigned afi = rd_u16(&r);
		uint8_t bit = family_bit(afi, rd_u8(&r));
		uint8_t mode = rd_u8(&r);

		if (mode > 3) /* RFC 7911 s4: as if not understood */
			continue;
		if (mode & 1)
			o->add_path_rx |= bit;
		if (mode & 2)
			o->add_path_tx |= bit;
	}
}

static void parse_next_hop(struct rd r, struct bgp_open *o)
{
	while (rd_left(&r)) {
		unsigned afi = rd_u16(&r);
		unsigned safi = rd_u16(&r);

		if (rd_u16(&r) == AFI_IPV6)
			o->next_hop6 |= family_bit(afi, safi);
	}
}

/* What a capability's value looks like: base + any number of step bytes. */
static const struct {
	uint8_t base;
	uint8_t step;
	bool known;
} shapes[256] = {
    [CAP_MP] = {4, 0, true},
    [CAP_REFRESH] = {0, 0, true},
    [CAP_NEXT_HOP] = {0, 6, true},
    [CAP_EXTENDED] = {0, 0, true},
    [CAP_ROLE] = {1, 0, true},
    [CAP_GR] = {2, 4, true},
    [CAP_AS4] = {4, 0, true},
    [CAP_ADD_PATH] = {0, 4, true},
    [CAP_ENHANCED_REFRESH] = {0, 0, true},
    [CAP_LLGR] = {0, 7, true},
};

static bool shape_fits(uint8_t code, size_t n)
{
	if (n < shapes[code].base)
		return false;
	n -= shapes[code].base;
	return shapes[code].step ? n % shapes[code].step == 0 : n == 0;
}

static void parse_capability(uint8_t code, struct rd r, struct bgp_open *o)
{
	unsigned afi;
	uint8_t role;

	switch (code) {
	case CAP_MP:
		o->mp = true;
		afi = rd_u16(&r);
		rd_skip(&r, 1);
		o->families |= family_bit(afi, rd_u8(&r));
		break;
	case CAP_REFRESH:
		o->refresh = true;
		break;
	case CAP_NEXT_HOP:
		parse_next_hop(r, o);
		break;
	case CAP_EXTENDED:
		o->extended = true;
		break;
	case CAP_ROLE:
		role = rd_u8(&r);
		if (o->has_role && o->role != role)
			role = ROLE_DISAGREES;
		o->has_role = true;
		o->role = role;
		break;
	case CAP_GR:
		parse_gr(r, o);
		break;
	case CAP_AS4:
		o->as4 = true;
		o->asn = rd_u32(&r);
		break;
	case CAP_ADD_PATH:
		parse_add_path(r, o);
		break;
	case CAP_ENHANCED_REFRESH:
		o->enhanced_refresh = true;
		break;
	case CAP_LLGR:
		parse_llgr(r, o);
		break;
	default:
		break;
	}
}

static bool parse_capabilities(struct rd r, struct bgp_open *o)
{
	while (rd_left(&r)) {
		uint8_t code = rd_u8(&r);
		size_t len = rd_u8(&r);
		struct rd value = rd_sub(&r, len);

		if (!rd_ok(&r))
			return false;
		if (!shapes[code].known)
			continue;
		if (!shape_fits(code, len))
			return false;
		parse_capability(code, value, o);
	}
	return true;
}

/* Gives the OPEN error's subcode; -1: fine; 0: unspecific, malformed. */
static int parse_params(struct rd *r, struct bgp_open *o)
{
	size_t len = rd_u8(r);
	bool wide = len && rd_left(r) && *r->p == PARAM_EXTENDED;

	if (wide) { /* RFC 9072: the first length says nothing */
		rd_skip(r, 1);
		len = rd_u16(r);
	}
	struct rd params = rd_sub(r, len);
	if (!rd_done(r))
		return 0;
	while (rd_left(&params)) {
		uint8_t type = rd_u8(&params);
		size_t n = wide ? rd_u16(&params) : rd_u8(&params);
		struct rd value = rd_sub(&params, n);

		if (!rd_ok(&params))
			return 0;
		if (type != PARAM_CAPABILITIES)
			return 4;
		if (!parse_capabilities(value, o))
			return 0;
	}
	return -1;
}

static int refuse(
    struct bgp_notify *ret, int subcode, const void *data, size_t n)
{
	*ret = bgp_notify_of(BGP_ERR_OPEN, (uint8_t)subcode, data, n);
	return -EBADMSG;
}

int bgp_open_parse(
    struct rd body, struct bgp_open *ret, struct bgp_notify *ret_notify)
{
	static const uint8_t version_4[2] = {0, 4};
	struct rd r = body;
	struct bgp_open o = {0};
	uint8_t version = rd_u8(&r);
	uint16_t as2 = rd_u16(&r);

	o.asn = as2;
	o.hold_s = rd_u16(&r);
	o.id = rd_u32(&r);
	if (!rd_ok(&r))
		return refuse(ret_notify, 0, NULL, 0);
	if (version != 4)
		return refuse(ret_notify, 1, version_4, sizeof version_4);

	int subcode = parse_params(&r, &o);
	if (subcode >= 0)
		return refuse(ret_notify, subcode, NULL, 0);
	if (as2 == 0 || o.asn == 0 || (!o.as4 && o.asn == BGP_AS_TRANS))
		return refuse(ret_notify, 2, NULL, 0); /* RFC 7607, 6793 */
	if (o.id == 0)
		return refuse(ret_notify, 3, NULL, 0); /* RFC 6286 */
	if (o.hold_s == 1 || o.hold_s == 2)
		return refuse(ret_notify, 6, NULL, 0);
	if (o.has_role && o.role == ROLE_DISAGREES)
		return refuse(ret_notify, 11, NULL, 0);

	if (!o.mp)
		o.families = BGP_FAMILY(FAMILY_IPV4);
	if (!o.gr) /* RFC 9494 s3.1: nothing without the other capability */
		o.llgr_families = o.llgr_forwarding = 0;
	*ret = o;
	return 0;
}

/* ---- writing ----------------------------------------------------------- */

static void write_flag(struct wr *w, uint8_t code, bool on)
{
	if (!on)
		return;
	wr_u8(w, code);
	wr_u8(w, 0);
}

static void write_mp(struct wr *w, const struct bgp_open *o)
{
	for (enum family f = 0; o->mp && f < FAMILY_COUNT; f++) {
		if (!(o->families & BGP_FAMILY(f)))
			continue;
		wr_u8(w, CAP_MP);
		wr_u8(w, 4);
		wr_u16(w, bgp_afi(f));
		wr_u16(w, SAFI_UNICAST);
	}
}

static void write_next_hop(struct wr *w, const struct bgp_open *o)
{
	if (!o->next_hop6)
		return;
	wr_u8(w, CAP_NEXT_HOP);
	uint8_t *len = wr_len8_open(w);
	for (enum family f = 0; f < FAMILY_COUNT; f++) {
		if (!(o->next_hop6 & BGP_FAMILY(f)))
			continue;
		wr_u16(w, bgp_afi(f));
		wr_u16(w, SAFI_UNICAST);
		wr_u16(w, AFI_IPV6);
	}
	wr_len8_close(w, len);
}

static void write_gr(struct wr *w, const struct bgp_open *o)
{
	unsigned head = o->gr_time_s > GR_TIME ? GR_TIME : o->gr_time_s;

	if (!o->gr)
		return;
	wr_u8(w, CAP_GR);
	uint8_t *len = wr_len8_open(w);
	head |= o->gr_restarting ? (unsigned)GR_R : 0u;
	head |= o->gr_notify ? (unsigned)GR_N : 0u;
	wr_u16(w, head);
	for (enum family f = 0; f < FAMILY_COUNT; f++) {
		if (!(o->gr_families & BGP_FAMILY(f)))
			continue;
		wr_u16(w, bgp_afi(f));
		wr_u8(w, SAFI_UNICAST);
		wr_u8(w, o->gr_forwarding & BGP_FAMILY(f) ? GR_F : 0);
	}
	wr_len8_close(w, len);
}

static void write_llgr(struct wr *w, const struct bgp_open *o)
{
	if (!o->gr || !o->llgr_families)
		return;
	wr_u8(w, CAP_LLGR);
	uint8_t *len = wr_len8_open(w);
	for (enum family f = 0; f < FAMILY_COUNT; f++) {
		if (!(o->llgr_families & BGP_FAMILY(f)))
			continue;
		wr_u16(w, bgp_afi(f));
		wr_u8(w, SAFI_UNICAST);
		wr_u8(w, o->llgr_forwarding & BGP_FAMILY(f) ? GR_F : 0);
		wr_u8(w, o->llgr_time_s[f] >> 16);
		wr_u16(w, o->llgr_time_s[f] & 0xffff);
	}
	wr_len8_close(w, len);
}

static void write_add_path(struct wr *w, const struct bgp_open *o)
{
	if (!(o->add_path_rx | o->add_path_tx))
		return;
	wr_u8(w, CAP_ADD_PATH);
	uint8_t *len = wr_len8_open(w);
	for (enum family f = 0; f < FAMILY_COUNT; f++) {
		unsigned rx = o->add_path_rx >> f & 1u;
		unsigned tx = o->add_path_tx >> f & 1u;

		if (!(rx | tx))
			continue;
		wr_u16(w, bgp_afi(f));
		wr_u8(w, SAFI_UNICAST);
		wr_u8(w, rx | tx << 1);
	}
	wr_len8_close(w, len);
}

static void write_capabilities(struct wr *w, const struct bgp_open *o)
{
	write_mp(w, o);
	write_flag(w, CAP_REFRESH, o->refresh);
	write_next_hop(w, o);
	write_flag(w, CAP_EXTENDED, o->extended);
	if (o->has_role) {
		wr_u8(w, CAP_ROLE);
		wr_u8(w, 1);
		wr_u8(w, o->role);
	}
	write_gr(w, o);
	if (o->as4) {
		wr_u8(w, CAP_AS4);
		wr_u8(w, 4);
		wr_u32(w, o->asn);
	}
	write_add_path(w, o);
	write_flag(w, CAP_ENHANCED_REFRESH, o->enhanced_refresh);
	write_llgr(w, o);
}

void bgp_open_write(struct wr *w, const struct bgp_open *o)
{
	uint8_t *field = bgp_message_open(w, BGP_OPEN);

	wr_u8(w, 4);
	wr_u16(w, o->asn > UINT16_MAX ? BGP_AS_TRANS : o->asn);
	wr_u16(w, o->hold_s);
	wr_u32(w, o->id);

	/* All of ours fit into one parameter: RFC 9072 is only read. */
	uint8_t *params = wr_len8_open(w);
	wr_u8(w, PARAM_CAPABILITIES);
	uint8_t *capabilities = wr_len8_open(w);
	write_capabilities(w, o);
	wr_len8_close(w, capabilities);
	if (wr_ok(w) && w->p == capabilities + 1)
		w->p = params + 1; /* an empty parameter upsets some */
	wr_len8_close(w, params);
	bgp_message_close(w, field);
}

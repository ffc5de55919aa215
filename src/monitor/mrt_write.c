#include "monitor/mrt_write.h"

#include "bgp/attrs.h"

#include <string.h>

#define HEADER 12
#define VIEW_MAX 255

static uint8_t *open_record(
    struct wr *w, uint32_t time_s, unsigned type, unsigned subtype)
{
	uint8_t *at = w->p;

	wr_u32(w, time_s);
	wr_u16(w, type);
	wr_u16(w, subtype);
	wr_u32(w, 0);
	return at;
}

void mrt_write_close(struct wr *w, uint8_t *at)
{
	struct wr field;

	if (!wr_ok(w))
		return;
	field = wr_from(at + HEADER - 4, 4);
	wr_u32(&field, (uint32_t)((size_t)(w->p - at) - HEADER));
}

/* ---- TABLE_DUMP_V2, RFC 6396 s4.3 ---------------------------------------- */

/* The number that closes what stands before the entries. */
static size_t peers_count_at(const uint8_t *at)
{
	struct rd r = rd_from(at + HEADER + 4, 2);

	return HEADER + 6u + rd_u16(&r);
}

uint8_t *mrt_write_peers(
    struct wr *w, uint32_t time_s, uint32_t collector_id, const char *view)
{
	size_t n = strnlen(view, VIEW_MAX);
	uint8_t *at = open_record(
	    w, time_s, MRT_TYPE_TABLE_DUMP_V2, MRT_PEER_INDEX_TABLE);

	wr_u32(w, collector_id);
	wr_u16(w, (unsigned)n);
	wr_bytes(w, view, n);
	wr_u16(w, 0);
	return at;
}

void mrt_write_peer(
    struct wr *w, uint32_t id, const struct ip *addr, uint32_t asn)
{
	unsigned type = MRT_PEER_AS4;

	if (addr->family == FAMILY_IPV6)
		type |= MRT_PEER_IPV6;
	wr_u8(w, type);
	wr_u32(w, id);
	wr_bytes(w, addr->b, family_bytes(addr->family));
	wr_u32(w, asn);
}

static void patch_u16(uint8_t *at, uint32_t v)
{
	struct wr field = wr_from(at, 2);

	wr_u16(&field, v);
}

void mrt_write_peers_close(struct wr *w, uint8_t *at, uint32_t n)
{
	if (!wr_ok(w))
		return;
	patch_u16(at + peers_count_at(at), n);
	mrt_write_close(w, at);
}

static unsigned rib_subtype(enum family f, bool add_path)
{
	if (f == FAMILY_IPV4)
		return add_path ? MRT_RIB_IPV4_UNICAST_ADDPATH
				: MRT_RIB_IPV4_UNICAST;
	return add_path ? MRT_RIB_IPV6_UNICAST_ADDPATH : MRT_RIB_IPV6_UNICAST;
}

uint8_t *mrt_write_rib(struct wr *w, uint32_t time_s, uint32_t sequence,
    const struct prefix *p, bool add_path)
{
	uint8_t *at = open_record(w, time_s, MRT_TYPE_TABLE_DUMP_V2,
	    rib_subtype(p->addr.family, add_path));

	wr_u32(w, sequence);
	wr_u8(w, p->len);
	wr_bytes(w, p->addr.b, (p->len + 7u) / 8u);
	wr_u16(w, 0);
	return at;
}

/*
 * The next hop of IPv4 is NEXT_HOP; else MP_REACH_NLRI holds nothing but the
 * next hop and its length (RFC 6396 s4.3.4).
 */
static void put_attrs(struct wr *w, const struct mrt_path *p)
{
	uint8_t reach[33];
	struct wr v = wr_from(reach, sizeof reach);

	if (p->family == FAMILY_IPV4 && p->next_hop.n == 4) {
		bgp_attrs_put(
		    w, p->attrs, FLAGS_WELL_KNOWN, ATTR_NEXT_HOP, p->next_hop);
		return;
	}
	wr_u8(&v, (unsigned)p->next_hop.n);
	wr_bytes(&v, p->next_hop.p, p->next_hop.n);
	bgp_attrs_put(w, p->attrs, FLAG_OPTIONAL, ATTR_MP_REACH,
	    (struct bytes){reach, wr_len(&v)});
}

void mrt_write_path(struct wr *w, const struct mrt_path *p)
{
	uint8_t *len;

	wr_u16(w, p->peer);
	wr_u32(w, p->time_s);
	if (p->add_path)
		wr_u32(w, p->path_id);
	len = wr_len16_open(w);
	put_attrs(w, p);
	wr_len16_close(w, len);
}

void mrt_write_rib_close(struct wr *w, uint8_t *at, uint32_t n_paths)
{
	if (!wr_ok(w))
		return;
	size_t bytes = (at[HEADER + 4] + 7u) / 8u;
	patch_u16(at + HEADER + 5 + bytes, n_paths);
	mrt_write_close(w, at);
}

/* ---- BGP4MP, RFC 6396 s4.4 ------------------------------------------------
 */

static void put_session(struct wr *w, const struct mrt_session *s)
{
	bool six = s->peer.family == FAMILY_IPV6;

	wr_u32(w, s->peer_asn);
	wr_u32(w, s->local_asn);
	wr_u16(w, 0); /* interface: not known here */
	wr_u16(w, six ? 2 : 1);
	wr_bytes(w, s->peer.b, family_bytes(s->peer.family));
	wr_bytes(w, s->local.b, family_bytes(s->peer.family));
}

uint8_t *mrt_write_message(
    struct wr *w, const struct mrt_session *s, bool add_path)
{
	uint8_t *at = open_record(w, s->time_s, MRT_TYPE_BGP4MP,
	    add_path ? MRT_MESSAGE_AS4_ADDPATH : MRT_MESSAGE_AS4);

	put_session(w, s);
	return at;
}

void mrt_write_state(
    struct wr *w, const struct mrt_session *s, unsigned was, unsigned is)
{
	uint8_t *at =
	    open_record(w, s->time_s, MRT_TYPE_BGP4MP, MRT_STATE_CHANGE_AS4);

	put_session(w, s);
	wr_u16(w, was);
	wr_u16(w, is);
	mrt_write_close(w, at);
}

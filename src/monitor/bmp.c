#include "monitor/bmp.h"

#include "bgp/bgp.h"

#include <string.h>

enum { /* message types, RFC 7854 s4.1 */
	ROUTE_MONITORING = 0,
	STATISTICS = 1,
	PEER_DOWN = 2,
	PEER_UP = 3,
	INITIATION = 4,
	TERMINATION = 5,
};

enum { /* information TLVs, RFC 7854 s4.4, RFC 9069 s5.3 */
	TLV_STRING = 0,
	TLV_SYS_DESCR = 1,
	TLV_SYS_NAME = 2,
	TLV_TABLE_NAME = 3,
};

enum { /* termination TLVs, RFC 7854 s4.5 */
	TLV_REASON = 1,
};

#define TABLE_NAME_MAX 255
#define VERSION 3

static void put_u64(struct wr *w, uint64_t v)
{
	wr_u32(w, (uint32_t)(v >> 32));
	wr_u32(w, (uint32_t)v);
}

static void patch_u32(uint8_t *at, size_t v)
{
	struct wr w = wr_from(at, 4);

	wr_u32(&w, (uint32_t)v);
}

/* Gives the first byte, for bmp_close(). */
static uint8_t *open_message(struct wr *w, unsigned type)
{
	uint8_t *at = w->p;

	wr_u8(w, VERSION);
	wr_u32(w, 0);
	wr_u8(w, type);
	return at;
}

void bmp_close(struct wr *w, uint8_t *opened)
{
	if (wr_ok(w))
		patch_u32(opened + 1, (size_t)(w->p - opened));
}

static void put_addr(struct wr *w, const struct ip *ip)
{
	static const uint8_t zero[16];

	if (ip->family == FAMILY_IPV6) {
		wr_bytes(w, ip->b, 16);
		return;
	}
	wr_bytes(w, zero, 12);
	wr_bytes(w, ip->b, 4);
}

/* RFC 7854 s4.2. */
static void put_peer(struct wr *w, const struct bmp_peer *p)
{
	static const struct ip none;
	bool global = p->type != BMP_PEER_LOC_RIB;
	unsigned flags = p->flags;

	if (global && p->addr.family == FAMILY_IPV6)
		flags |= BMP_FLAG_IPV6;
	wr_u8(w, p->type);
	wr_u8(w, flags);
	put_u64(w, 0); /* no distinguisher: there is one instance */
	put_addr(w, global ? &p->addr : &none);
	wr_u32(w, p->asn);
	wr_u32(w, p->id);
	wr_u32(w, (uint32_t)(p->time_us / 1000000));
	wr_u32(w, (uint32_t)(p->time_us % 1000000));
}

static void put_tlv(struct wr *w, unsigned type, const char *text, size_t max)
{
	size_t n = text ? strnlen(text, max) : 0;

	if (!text)
		return;
	wr_u16(w, type);
	wr_u16(w, (unsigned)n);
	wr_bytes(w, text, n);
}

void bmp_initiation(
    struct wr *w, const char *sys_name, const char *sys_descr, const char *text)
{
	uint8_t *m = open_message(w, INITIATION);

	put_tlv(w, TLV_SYS_DESCR, sys_descr, UINT16_MAX);
	put_tlv(w, TLV_SYS_NAME, sys_name, UINT16_MAX);
	put_tlv(w, TLV_STRING, text, UINT16_MAX);
	bmp_close(w, m);
}

void bmp_termination(struct wr *w, enum bmp_end why)
{
	uint8_t *m = open_message(w, TERMINATION);

	wr_u16(w, TLV_REASON);
	wr_u16(w, 2);
	wr_u16(w, why);
	bmp_close(w, m);
}

void bmp_peer_up(
    struct wr *w, const struct bmp_peer *p, const struct bmp_up *up)
{
	static const struct ip none;
	uint8_t *m = open_message(w, PEER_UP);

	put_peer(w, p);
	put_addr(w, p->type == BMP_PEER_LOC_RIB ? &none : &up->local);
	wr_u16(w, up->local_port);
	wr_u16(w, up->remote_port);
	wr_bytes(w, up->sent.p, up->sent.n);
	wr_bytes(w, up->received.p, up->received.n);
	put_tlv(w, TLV_TABLE_NAME, up->table, TABLE_NAME_MAX);
	put_tlv(w, TLV_STRING, up->text, UINT16_MAX);
	bmp_close(w, m);
}

void bmp_peer_down(struct wr *w, const struct bmp_peer *p, enum bmp_down why,
    struct bytes data)
{
	uint8_t *m = open_message(w, PEER_DOWN);

	put_peer(w, p);
	wr_u8(w, why);
	wr_bytes(w, data.p, data.n);
	bmp_close(w, m);
}

void bmp_loc_rib_down(struct wr *w, const struct bmp_peer *p, const char *table)
{
	uint8_t *m = open_message(w, PEER_DOWN);

	put_peer(w, p);
	wr_u8(w, BMP_DOWN_LOC_RIB);
	put_tlv(w, TLV_TABLE_NAME, table, TABLE_NAME_MAX);
	bmp_close(w, m);
}

uint8_t *bmp_route_open(struct wr *w, const struct bmp_peer *p)
{
	uint8_t *m = open_message(w, ROUTE_MONITORING);

	put_peer(w, p);
	return m;
}

void bmp_stats_open(struct bmp_stats *s, struct wr *w, const struct bmp_peer *p)
{
	*s = (struct bmp_stats){.w = w, .opened = open_message(w, STATISTICS)};
	put_peer(w, p);
	s->count = wr_take(w, 4);
}

static void stat_head(struct bmp_stats *s, enum bmp_stat type, unsigned n)
{
	wr_u16(s->w, type);
	wr_u16(s->w, n);
	s->n++;
}

void bmp_stats_u32(struct bmp_stats *s, enum bmp_stat type, uint32_t v)
{
	stat_head(s, type, 4);
	wr_u32(s->w, v);
}

void bmp_stats_u64(struct bmp_stats *s, enum bmp_stat type, uint64_t v)
{
	stat_head(s, type, 8);
	put_u64(s->w, v);
}

void bmp_stats_family(
    struct bmp_stats *s, enum bmp_stat type, enum family f, uint64_t v)
{
	stat_head(s, type, 11);
	wr_u16(s->w, f == FAMILY_IPV4 ? 1 : 2);
	wr_u8(s->w, 1);
	put_u64(s->w, v);
}

void bmp_stats_close(struct bmp_stats *s)
{
	if (!wr_ok(s->w))
		return;
	patch_u32(s->count, s->n);
	bmp_close(s->w, s->opened);
}

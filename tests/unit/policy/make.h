/* A small exchange and routes for it, built by hand. */
#pragma once

#include "policy/policy.h"

#include <stdlib.h>
#include <string.h>

#define RS 64500u

static inline struct ip ip_of(const char *text)
{
	struct ip ip;

	must(!ip_parse(text, &ip));
	return ip;
}

static inline struct prefix prefix_from(const char *text)
{
	struct prefix p;

	must(!prefix_parse(text, &p));
	return p;
}

/*
 * Members: 64501 (two entries: 192.0.2.11 and 2001:db8:100::11; 192.0.2.21),
 * 3356, and 65550 with a prefix set and an origin set.
 */
struct make {
	struct conf c;
	struct conf_member member[4];
	struct conf_at at[8];
	struct conf_prefix set[3];
	uint32_t origin[2];
};

static inline void make_member(
    struct make *m, size_t i, uint32_t asn, const char *a, const char *b)
{
	struct conf_member *x = &m->member[i];

	x->asn = asn;
	x->at = &m->at[2 * i];
	x->at[x->n_at++].addr = ip_of(a);
	if (b)
		x->at[x->n_at++].addr = ip_of(b);
	x->name[0] = (char)('A' + i);
}

static inline void make_conf(struct make *m)
{
	memset(m, 0, sizeof *m);
	m->c.exchange.present = true;
	m->c.exchange.asn = RS;
	m->c.exchange.lan[0] = prefix_from("192.0.2.0/24");
	m->c.exchange.lan[1] = prefix_from("2001:db8:100::/64");
	m->c.exchange.n_lan = 2;
	m->c.policy = (struct conf_policy){
	    .present = true,
	    .preset = CONF_PRESET_STRICT,
	    .min_len = {8, 19},
	    .max_len = {24, 48},
	    .max_path = 64,
	    .max_communities = 100,
	};
	make_member(m, 0, 3356, "192.0.2.33", NULL);
	make_member(m, 1, 64501, "192.0.2.11", "2001:db8:100::11");
	make_member(m, 2, 64501, "192.0.2.21", NULL);
	make_member(m, 3, 65550, "192.0.2.50", "2001:db8:100::50");
	m->set[0] = (struct conf_prefix){prefix_from("11.0.0.0/16"), 16, 20};
	m->set[1] = (struct conf_prefix){prefix_from("2a00:1::/32"), 32, 48};
	m->set[2] = (struct conf_prefix){prefix_from("12.1.0.0/24"), 24, 24};
	m->member[3].prefix = m->set;
	m->member[3].n_prefix = 3;
	m->origin[0] = 1000;
	m->origin[1] = 65550;
	m->member[3].origin = m->origin;
	m->member[3].n_origin = 2;
	m->c.member = m->member;
	m->c.n_member = 4;
}

static inline struct policy *make_policy(void)
{
	static struct make m;
	struct policy *p;

	make_conf(&m);
	p = policy_new(&m.c);
	must(p);
	return p;
}

/* ---- attributes -------------------------------------------------------- */

struct route {
	struct bgp_attrs a;
	struct wr path;
	struct wr com;
	struct wr ext;
	struct wr large;
	uint8_t path_buf[4096];
	uint8_t com_buf[4096];
	uint8_t ext_buf[4096];
	uint8_t large_buf[4096];
	uint8_t wire_buf[16384];
};

static inline void route_init(struct route *r)
{
	memset(&r->a, 0, sizeof r->a);
	r->path = wr_from(r->path_buf, sizeof r->path_buf);
	r->com = wr_from(r->com_buf, sizeof r->com_buf);
	r->ext = wr_from(r->ext_buf, sizeof r->ext_buf);
	r->large = wr_from(r->large_buf, sizeof r->large_buf);
}

/* Appends a segment; the list ends with 0 where 0 is not counted. */
static inline void route_segment(
    struct route *r, unsigned type, const uint32_t *asn, unsigned n)
{
	wr_u8(&r->path, type);
	wr_u8(&r->path, n);
	for (unsigned i = 0; i < n; i++)
		wr_u32(&r->path, asn[i]);
}

#define route_path(r, ...)                                                     \
	route_segment(r, BGP_AS_SEQUENCE, (const uint32_t[]){__VA_ARGS__},     \
	    sizeof((const uint32_t[]){__VA_ARGS__}) / 4)

static inline void route_standard(struct route *r, unsigned a, unsigned b)
{
	wr_u16(&r->com, a);
	wr_u16(&r->com, b);
}

/* type 0: two-byte AS; 2: four-byte AS. */
static inline void route_target(
    struct route *r, unsigned type, uint32_t a, uint32_t b)
{
	wr_u8(&r->ext, type);
	wr_u8(&r->ext, 2);
	if (type == 0) {
		wr_u16(&r->ext, a);
		wr_u32(&r->ext, b);
	} else {
		wr_u32(&r->ext, a);
		wr_u16(&r->ext, b);
	}
}

static inline void route_large(
    struct route *r, uint32_t a, uint32_t b, uint32_t c)
{
	wr_u32(&r->large, a);
	wr_u32(&r->large, b);
	wr_u32(&r->large, c);
}

static inline void put_attr(
    struct wr *w, unsigned flags, unsigned code, const void *p, size_t n)
{
	wr_u8(w, n > 255 ? flags | 0x10 : flags);
	wr_u8(w, code);
	if (n > 255)
		wr_u16(w, (unsigned)n);
	else
		wr_u8(w, (unsigned)n);
	wr_bytes(w, p, n);
}

/* Fills in r->a from what was put together. */
static inline const struct bgp_attrs *route_done(struct route *r)
{
	struct wr w = wr_from(r->wire_buf, sizeof r->wire_buf);
	struct bgp_attrs *a = &r->a;

	a->as_path = (struct bytes){r->path_buf, wr_len(&r->path)};
	a->communities = (struct bytes){r->com_buf, wr_len(&r->com)};
	a->extended = (struct bytes){r->ext_buf, wr_len(&r->ext)};
	a->large = (struct bytes){r->large_buf, wr_len(&r->large)};
	a->has |= BGP_HAS(1) | BGP_HAS(2);
	put_attr(&w, 0x40, 1, "", 1);
	put_attr(&w, 0x40, 2, a->as_path.p, a->as_path.n);
	a->next_hop_at = (uint16_t)wr_len(&w);
	put_attr(&w, 0x80, 4, "\0\0\0\7", 4);
	if (a->communities.n)
		put_attr(&w, 0xc0, 8, a->communities.p, a->communities.n);
	if (a->extended.n)
		put_attr(&w, 0xc0, 16, a->extended.p, a->extended.n);
	if (a->large.n)
		put_attr(&w, 0xc0, 32, a->large.p, a->large.n);
	put_attr(&w, 0xe0, 99, "xyz", 3);
	must(wr_ok(&w) && wr_ok(&r->path) && wr_ok(&r->com));
	must(wr_ok(&r->ext) && wr_ok(&r->large));
	a->wire = (struct bytes){r->wire_buf, wr_len(&w)};
	return a;
}

/* Random UPDATEs for the twin test: mostly sound, some with a fault. */
#include "twin_make.h"

#include "base/attr.h"
#include "base/wire.h"

#include <stdio.h>
#include <string.h>

enum {
	V4 = BGP_FAMILY(FAMILY_IPV4),
	V6 = BGP_FAMILY(FAMILY_IPV6)
};

/* ---- attributes --------------------------------------------------------- */

static void attr(
    struct wr *w, unsigned flags, unsigned code, const void *value, size_t n)
{
	wr_u8(w, n > 255 ? flags | 0x10 : flags);
	wr_u8(w, code);
	if (n > 255)
		wr_u16(w, (unsigned)n);
	else
		wr_u8(w, (unsigned)n);
	wr_bytes(w, value, n);
}

uint32_t make_origin(void)
{
	static const uint32_t rare[] = {
	    0, 174, 23456, 64512, 65551, MAKE_RS, 3356, 4200000099};

	if (make_once_in(30))
		return rare[make_below(ARRAY_SIZE(rare))];
	if (make_once_in(6))
		return make_asn(make_below(make_sessions()));
	if (make_once_in(6))
		return 262144 + make_below(3);
	return 2000 + make_below(4);
}

struct path {
	uint32_t asn[300];
	unsigned n;
	unsigned set; /* the last so many are an AS_SET */
};

static void make_path(const struct feed_up *from, struct path *p)
{
	unsigned more = make_below(4);

	p->n = 0;
	p->set = 0;
	if (!make_once_in(40))
		p->asn[p->n++] = from->asn;
	if (make_once_in(30))
		more += 250;
	else if (make_once_in(20))
		more += 70;
	if (make_once_in(60)) {
		p->n = 0;
		more = 0;
	}
	for (unsigned i = 0; i < more; i++)
		p->asn[p->n++] = more > 20 ? 2000 : make_origin();
	if (make_once_in(30) && p->n > 1)
		p->set = 1 + make_below(p->n - 1);
}

static void put_segment(
    struct wr *w, unsigned type, const uint32_t *asn, unsigned n, bool as4)
{
	while (n) {
		unsigned now = n > 255 ? 255 : n;

		wr_u8(w, type);
		wr_u8(w, now);
		for (unsigned i = 0; i < now; i++) {
			if (as4)
				wr_u32(w, asn[i]);
			else
				wr_u16(
				    w, asn[i] > 65535 ? BGP_AS_TRANS : asn[i]);
		}
		asn += now;
		n -= now;
	}
}

static void put_path(struct wr *w, const struct path *p, bool as4)
{
	put_segment(w, BGP_AS_SEQUENCE, p->asn, p->n - p->set, as4);
	put_segment(w, BGP_AS_SET, p->asn + p->n - p->set, p->set, as4);
}

static bool needs_as4(const struct path *p)
{
	for (unsigned i = 0; i < p->n; i++)
		if (p->asn[i] > 65535)
			return true;
	return false;
}

static uint32_t some_peer(void)
{
	return make_asn(make_below(make_sessions()));
}

static void put_standard(struct wr *w)
{
	uint32_t peer = some_peer() & 0xffff;

	switch (make_below(12)) {
	case 0:
	case 1:
		wr_u16(w, 0);
		wr_u16(w, peer);
		break;
	case 2:
		wr_u16(w, MAKE_RS);
		wr_u16(w, peer);
		break;
	case 3:
		wr_u16(w, 0);
		wr_u16(w, MAKE_RS);
		break;
	case 4:
		wr_u32(w, MAKE_RS << 16 | MAKE_RS);
		break;
	case 5:
		wr_u32(w, make_once_in(3) ? 0xffff0000 : 0xffffff01);
		if (make_once_in(10))
			wr_u32(w, 0xffff0006 + make_below(2));
		break;
	case 6:
		wr_u32(w, make_once_in(2) ? 0 : MAKE_RS << 16);
		break;
	default:
		wr_u32(w, 2000u << 16 | make_below(5));
	}
}

static void put_extended(struct wr *w)
{
	bool four = make_once_in(3);
	uint32_t who = make_once_in(2) ? 0 : make_once_in(2) ? MAKE_RS : 2000;
	uint32_t whom = make_once_in(3) ? MAKE_RS : some_peer();

	wr_u8(w, four ? 2 : 0);
	wr_u8(w, make_once_in(8) ? 3 : 2);
	if (four) {
		wr_u32(w, who);
		wr_u16(w, whom & 0xffff);
	} else {
		wr_u16(w, who);
		wr_u32(w, whom);
	}
}

static void put_large(struct wr *w)
{
	static const uint32_t functions[] = {
	    0, 0, 1, 101, 102, 103, 2, 1000, 1001, 1002, 1003, 1101};

	wr_u32(w, make_once_in(6) ? 2000 : MAKE_RS);
	wr_u32(w, functions[make_below(ARRAY_SIZE(functions))]);
	wr_u32(w, make_once_in(4) ? 0 : some_peer());
}

static void put_communities(
    struct wr *w, unsigned code, size_t each, void (*put)(struct wr *w))
{
	uint8_t buf[2048];
	struct wr c = wr_from(buf, sizeof buf);
	unsigned n = make_once_in(40) ? 40 : 1 + make_below(3);

	(void)each;
	for (unsigned i = 0; i < n; i++)
		put(&c);
	attr(w, 0xc0, code, buf, wr_len(&c));
}

static void put_next_hop(
    struct wr *w, const struct feed_up *from, enum family f, bool v6)
{
	struct ip ip = from->peer;
	bool link_local = v6 && make_once_in(3);

	if (v6 != (ip.family == FAMILY_IPV6))
		must(!ip_parse(v6 ? "2001:db8:100::11" : "192.0.2.11", &ip));
	if (make_once_in(25))
		must(!ip_parse(v6 ? "2001:db8:100::99" : "192.0.2.99", &ip));
	(void)f;
	wr_u8(w, v6 ? (link_local ? 32 : 16) : 4);
	wr_bytes(w, ip.b, v6 ? 16 : 4);
	if (link_local) {
		must(!ip_parse("fe80::11", &ip));
		if (make_once_in(20))
			must(!ip_parse("2001:db8:100::11", &ip));
		wr_bytes(w, ip.b, 16);
	}
}

/* ---- prefixes ----------------------------------------------------------- */

struct prefix make_prefix(enum family f)
{
	static const char *const odd[FAMILY_COUNT][5] = {
	    {"0.0.0.0/0", "10.1.0.0/16", "192.0.2.0/24", "11.0.0.0/25",
		"12.0.0.0/6"},
	    {"::/0", "fc00::/19", "2001:db8:100::/64", "2a00::/49",
		"2001:db8::/32"}};
	char text[PREFIX_TEXT];
	struct prefix p;
	unsigned n = make_below(make_prefixes());

	if (make_once_in(make_prefixes() / 2))
		(void)snprintf(text, sizeof text, "%s", odd[f][make_below(5)]);
	else if (f == FAMILY_IPV4)
		(void)snprintf(text, sizeof text,
		    n < 12 ? "11.0.%u.0/24" : "11.%u.0.0/16", n < 24 ? n : 23);
	else
		(void)snprintf(text, sizeof text,
		    n < 12 ? "2a00:0:%u::/48" : "2a00:%u::/32",
		    n < 24 ? n : 23);
	must(!prefix_parse(text, &p));
	if (n >= 24) { /* the last one, cut up */
		unsigned at = f == FAMILY_IPV4 ? 1 : 4;

		p.addr.b[at] = (uint8_t)(n >> 8);
		p.addr.b[at + 1] = (uint8_t)n;
		p.len = f == FAMILY_IPV4 ? 24 : 48;
	}
	return p;
}

static void put_prefixes(
    struct wr *w, const struct feed_up *from, enum family f, unsigned n)
{
	bool add_path = from->add_path_rx & BGP_FAMILY(f);

	for (n *= 1 + make_prefixes() / 24; n; n--) {
		struct prefix p = make_prefix(f);

		bgp_nlri_write(w, &p, add_path, make_below(3));
	}
}

/* MP_REACH_NLRI or MP_UNREACH_NLRI. */
static void put_mp(
    struct wr *w, const struct feed_up *from, enum family f, bool reach)
{
	static uint8_t buf[16384];
	struct wr v = wr_from(buf, sizeof buf);

	wr_u16(&v, f == FAMILY_IPV4 ? 1 : 2);
	wr_u8(&v, 1);
	if (reach) {
		put_next_hop(&v, from, f, true);
		wr_u8(&v, 0);
	}
	put_prefixes(&v, from, f, 1 + make_below(4));
	attr(w, 0x80, reach ? 14 : 15, buf, wr_len(&v));
}

static void put_big(struct wr *w, const struct feed_up *from)
{
	static uint8_t junk[8000];

	if (make_once_in(12))
		attr(w, 0xc0, 99, "abc", make_below(4));
	if (make_once_in(60))
		attr(w, 0xc0, 100, junk, 2500 + make_below(1500));
	else if (from->extended && make_once_in(60))
		attr(w, 0xc0, 100, junk, 4100 + make_below(3000));
}

static void put_attributes(
    struct wr *w, const struct feed_up *from, struct wr *next_hop)
{
	static uint8_t buf[4096];
	struct wr v = wr_from(buf, sizeof buf);
	uint8_t origin = make_once_in(4) ? (uint8_t)make_below(3) : 0;
	static struct path path;

	make_path(from, &path);
	attr(w, 0x40, 1, &origin, 1);
	put_path(&v, &path, from->as4);
	attr(w, 0x40, 2, buf, wr_len(&v));
	if (next_hop)
		attr(w, 0x40, 3, next_hop->start + 1, 4);
	if (make_once_in(2)) {
		uint8_t med[4] = {0, 0, 0, (uint8_t)make_below(3)};

		attr(w, 0x80, 4, med, 4);
	}
	if (make_once_in(3))
		put_communities(w, 8, 4, put_standard);
	if (make_once_in(6))
		put_communities(w, 16, 8, put_extended);
	if (!from->as4 && needs_as4(&path)) {
		v = wr_from(buf, sizeof buf);
		put_path(&v, &path, true);
		attr(w, 0xc0, 17, buf, wr_len(&v));
	}
	if (make_once_in(5))
		put_communities(w, 32, 12, put_large);
	if (make_once_in(50))
		attr(w, 0xc0, 35, "\0\0\7\320", 4);
	/* Where 2-byte clients would need more room than others, keep away. */
	if (path.n < 20)
		put_big(w, from);
}

/* ---- messages ----------------------------------------------------------- */

static void put_reach(struct wr *w, const struct feed_up *from)
{
	bool v4 = from->families & V4;
	uint8_t buf[64];
	struct wr hop = wr_from(buf, sizeof buf);
	uint8_t *len;

	if (v4 && from->families & V6)
		v4 = make_once_in(2);
	bool old = v4 && !(from->next_hop6 && make_once_in(2));

	len = wr_len16_open(w);
	if (old)
		put_next_hop(&hop, from, FAMILY_IPV4, false);
	put_attributes(w, from, old ? &hop : NULL);
	if (!old)
		put_mp(w, from, v4 ? FAMILY_IPV4 : FAMILY_IPV6, true);
	wr_len16_close(w, len);
	if (old)
		put_prefixes(w, from, FAMILY_IPV4, 1 + make_below(4));
}

static void put_unreach(struct wr *w, const struct feed_up *from)
{
	uint8_t *len = wr_len16_open(w);

	if (from->families & V6)
		put_mp(w, from, FAMILY_IPV6, false);
	wr_len16_close(w, len);
}

/* In the same order with any compiler. */
static void spoil(uint8_t *body, size_t n)
{
	size_t at = make_below((unsigned)n);

	body[at] = (uint8_t)make_random();
}

size_t make_update(const struct feed_up *from, uint8_t *body, size_t cap)
{
	struct wr w = wr_from(body, cap);
	uint8_t *len = wr_len16_open(&w);

	if (from->families & V4 && make_once_in(3))
		put_prefixes(&w, from, FAMILY_IPV4, 1 + make_below(4));
	wr_len16_close(&w, len);
	if (make_once_in(4))
		put_unreach(&w, from);
	else
		put_reach(&w, from);
	must(wr_ok(&w));
	if (make_once_in(150))
		spoil(body, wr_len(&w));
	return wr_len(&w);
}

size_t make_end_of_rib(enum family f, uint8_t *body)
{
	static const uint8_t v4[] = {0, 0, 0, 0};
	static const uint8_t v6[] = {0, 0, 0, 6, 0x80, 15, 3, 0, 2, 1};

	if (f == FAMILY_IPV4) {
		memcpy(body, v4, sizeof v4);
		return sizeof v4;
	}
	memcpy(body, v6, sizeof v6);
	return sizeof v6;
}

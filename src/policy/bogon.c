#include "policy/bogon.h"

#include "base/attr.h"

#include <stdbool.h>
#include <string.h>

/*
 * IANA IPv4 Special-Purpose Address Registry (RFC 6890): what is not
 * globally reachable, and multicast and class E beside it.
 */
struct bogon4 {
	uint32_t addr;
	uint32_t mask;
	uint8_t len;
	const char *text;
	const char *why;
};

#define NET4(a, b, c, d, len, why)                                             \
	{                                                                      \
		(uint32_t)(a) << 24 | (b) << 16 | (c) << 8 | (d),              \
		    UINT32_MAX << (32 - (len)), (len),                         \
		    #a "." #b "." #c "." #d "/" #len, why                      \
	}

static const struct bogon4 bogons4[] = {
    NET4(0, 0, 0, 0, 8, "this network (RFC 791)"),
    NET4(10, 0, 0, 0, 8, "private use (RFC 1918)"),
    NET4(100, 64, 0, 0, 10, "shared address space (RFC 6598)"),
    NET4(127, 0, 0, 0, 8, "loopback (RFC 1122)"),
    NET4(169, 254, 0, 0, 16, "link-local (RFC 3927)"),
    NET4(172, 16, 0, 0, 12, "private use (RFC 1918)"),
    NET4(192, 0, 0, 0, 24, "protocol assignments (RFC 6890)"),
    NET4(192, 0, 2, 0, 24, "documentation (RFC 5737)"),
    NET4(192, 88, 99, 0, 24, "6to4 relays, deprecated (RFC 7526)"),
    NET4(192, 168, 0, 0, 16, "private use (RFC 1918)"),
    NET4(198, 18, 0, 0, 15, "benchmarking (RFC 2544)"),
    NET4(198, 51, 100, 0, 24, "documentation (RFC 5737)"),
    NET4(203, 0, 113, 0, 24, "documentation (RFC 5737)"),
    NET4(224, 0, 0, 0, 4, "multicast (RFC 5771)"),
    NET4(240, 0, 0, 0, 4, "reserved (RFC 1112)"),
};

/*
 * Global unicast is allocated from 2000::/3 alone (RFC 4291 s2.4, IANA IPv6
 * Global Unicast Address Assignments); inside it, from the IANA IPv6
 * Special-Purpose Address Registry.
 */
struct bogon6 {
	uint64_t addr; /* none is longer than /64 */
	uint8_t len;
	const char *text;
	const char *why;
};

static const struct bogon6 bogons6[] = {
    {0x2001000200000000, 48, "2001:2::/48", "benchmarking (RFC 5180)"},
    {0x2001001000000000, 28, "2001:10::/28", "ORCHID, deprecated (RFC 4843)"},
    {0x2001002000000000, 28, "2001:20::/28", "ORCHIDv2, not routed (RFC 7343)"},
    {0x20010db800000000, 32, "2001:db8::/32", "documentation (RFC 3849)"},
    {0x2002000000000000, 16, "2002::/16", "6to4, deprecated (RFC 7526)"},
    {0x3ffe000000000000, 16, "3ffe::/16", "6bone, returned (RFC 3701)"},
    {0x3fff000000000000, 20, "3fff::/20", "documentation (RFC 9637)"},
};

/* Beyond 2000::/3; the first that fits names it. */
static const struct bogon6 outside6[] = {
    {0x0064ff9b00000000, 32, "64:ff9b::/32", "IPv4 translation (RFC 6052)"},
    {0x0100000000000000, 64, "100::/64", "discard-only (RFC 6666)"},
    {0x0000000000000000, 8, "::/8", "reserved (RFC 4291)"},
    {0x5f00000000000000, 16, "5f00::/16", "SRv6 SIDs (RFC 9602)"},
    {0xfc00000000000000, 7, "fc00::/7", "unique local (RFC 4193)"},
    {0xfe80000000000000, 10, "fe80::/10", "link-local (RFC 4291)"},
    {0xfec0000000000000, 10, "fec0::/10", "site-local (RFC 3879)"},
    {0xff00000000000000, 8, "ff00::/8", "multicast (RFC 4291)"},
    {0, 0, "outside 2000::/3", "not allocated as global unicast (RFC 4291)"},
};

static uint32_t high32(const uint8_t *b)
{
	return (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 |
	       (uint32_t)b[2] << 8 | b[3];
}

static bool in6(const struct bogon6 *b, uint64_t addr, uint8_t len)
{
	if (!b->len)
		return true;
	return len >= b->len && !((addr ^ b->addr) >> (64 - b->len));
}

static const struct bogon6 *find6(const struct prefix *p)
{
	uint64_t addr =
	    (uint64_t)high32(p->addr.b) << 32 | high32(p->addr.b + 4);

	if (addr >> 61 != 1 || p->len < 3) {
		const struct bogon6 *b = outside6;

		while (!in6(b, addr, p->len))
			b++;
		return b;
	}
	for (size_t i = 0; i < ARRAY_SIZE(bogons6); i++)
		if (in6(&bogons6[i], addr, p->len))
			return &bogons6[i];
	return NULL;
}

/* Most prefixes are ruled out by their first byte. */
static bool may_be4(uint8_t first)
{
	switch (first) {
	case 0:
	case 10:
	case 100:
	case 127:
	case 169:
	case 172:
	case 192:
	case 198:
	case 203:
		return true;
	default:
		return first >= 224;
	}
}

const char *bogon_prefix(const struct prefix *p, const char **ret_list)
{
	if (p->addr.family == FAMILY_IPV6) {
		const struct bogon6 *b = find6(p);

		if (b && ret_list)
			*ret_list = b->text;
		return b ? b->why : NULL;
	}
	if (!may_be4(p->addr.b[0]))
		return NULL;
	uint32_t addr = high32(p->addr.b);
	for (size_t i = 0; i < ARRAY_SIZE(bogons4); i++) {
		const struct bogon4 *b = &bogons4[i];

		if ((addr & b->mask) != b->addr || p->len < b->len)
			continue;
		if (ret_list)
			*ret_list = b->text;
		return b->why;
	}
	return NULL;
}

const char *bogon_asn(uint32_t asn)
{
	if (asn > 0 && asn < 64496 && asn != 23456)
		return NULL;
	if (asn > 131071 && asn < 4200000000)
		return NULL;
	if (asn == 0)
		return "never valid (RFC 7607)";
	if (asn == 23456)
		return "AS_TRANS, a placeholder (RFC 6793)";
	if (asn <= 64511)
		return "for documentation (RFC 5398)";
	if (asn <= 65534)
		return "private (RFC 6996)";
	if (asn == 65535)
		return "reserved (RFC 7300)";
	if (asn <= 65551)
		return "for documentation (RFC 5398)";
	if (asn <= 131071)
		return "reserved by IANA";
	if (asn == UINT32_MAX)
		return "reserved (RFC 7300)";
	return "private (RFC 6996)";
}

/*
 * Networks that buy transit from nobody, by public knowledge of the field:
 * a route through one of them that a member announces at an exchange is a
 * leak, unless the member is that network.
 */
static const uint32_t transit_free[] = {
    174,   /* Cogent */
    701,   /* Verizon */
    1299,  /* Arelion */
    2914,  /* NTT */
    3257,  /* GTT */
    3320,  /* Deutsche Telekom */
    3356,  /* Lumen */
    3491,  /* PCCW Global */
    5511,  /* Orange */
    6453,  /* Tata */
    6461,  /* Zayo */
    6762,  /* Sparkle */
    6830,  /* Liberty Global */
    7018,  /* AT&T */
    12956, /* Telxius */
};

const uint32_t *bogon_transit_free(size_t *ret_n)
{
	*ret_n = ARRAY_SIZE(transit_free);
	return transit_free;
}

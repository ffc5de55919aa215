/*
 * The table of path attributes: what each must look like, what an error in
 * it costs, and which have no place at an exchange.
 *
 * Flags that contradict the attribute's definition are treat-as-withdraw
 * (RFC 7606 s3c) where the attribute's own RFC says nothing else.
 */
#include "bgp/internal.h"

#define KNOWN(n, f, lo, hi, st, h)                                             \
	{                                                                      \
		.name = n, .sort = SORT_KNOWN, .flags = f, .min = lo,          \
		.max = hi, .step = st, .harm = h, .flags_harm = BGP_WITHDRAW   \
	}
#define INTERNAL(n, f, lo, hi, st)                                             \
	{                                                                      \
		.name = n, .sort = SORT_INTERNAL, .flags = f, .min = lo,       \
		.max = hi, .step = st, .harm = BGP_WITHDRAW,                   \
		.flags_harm = BGP_WITHDRAW                                     \
	}
#define UNWANTED(n)                                                            \
	{                                                                      \
		.name = n, .sort = SORT_UNWANTED                               \
	}

const struct attr_kind bgp_attr_kinds[256] = {
    [0] = UNWANTED("0"), /* reserved: nobody may send it */
    /* RFC 7606 s7.1 to 7.4; AS_PATH and ORIGIN are looked at further */
    [ATTR_ORIGIN] = KNOWN("ORIGIN", FLAGS_WELL_KNOWN, 1, 1, 1, BGP_WITHDRAW),
    [ATTR_AS_PATH] = KNOWN("AS_PATH", FLAGS_WELL_KNOWN, 0, 0, 1, BGP_WITHDRAW),
    [ATTR_NEXT_HOP] =
	KNOWN("NEXT_HOP", FLAGS_WELL_KNOWN, 4, 4, 1, BGP_WITHDRAW),
    [ATTR_MED] = KNOWN("MED", FLAGS_OPTIONAL, 4, 4, 1, BGP_WITHDRAW),
    /* s7.5: from an external peer it is discarded, whatever it holds */
    [ATTR_LOCAL_PREF] = INTERNAL("LOCAL_PREF", FLAGS_WELL_KNOWN, 4, 4, 1),
    /* s7.6: the step leaves 0 as the only length */
    [ATTR_ATOMIC] = {"ATOMIC_AGGREGATE", SORT_KNOWN, FLAGS_WELL_KNOWN, 0, 0,
	UINT16_MAX, BGP_DISCARD, BGP_WITHDRAW},
    /* s7.7: 6 bytes from a 2-byte peer, see update_attrs.c */
    [ATTR_AGGREGATOR] =
	KNOWN("AGGREGATOR", FLAGS_TRANSITIVE, 8, 8, 1, BGP_DISCARD),
    /* s7.8 */
    [ATTR_COMMUNITIES] =
	KNOWN("COMMUNITIES", FLAGS_TRANSITIVE, 4, 0, 4, BGP_WITHDRAW),
    /* s7.9, 7.10 (RFC 4456): route reflection stays inside an AS */
    [ATTR_ORIGINATOR] = INTERNAL("ORIGINATOR_ID", FLAGS_OPTIONAL, 4, 4, 1),
    [ATTR_CLUSTERS] = INTERNAL("CLUSTER_LIST", FLAGS_OPTIONAL, 4, 0, 4),
    [11] = UNWANTED("DPA"),	   /* deprecated, RFC 6938 */
    [12] = UNWANTED("ADVERTISER"), /* deprecated, RFC 6938 */
    [13] = UNWANTED("RCID_PATH"),  /* deprecated, RFC 6938 */
    /* s7.11, 7.12 */
    [ATTR_MP_REACH] = {"MP_REACH_NLRI", SORT_MP, FLAGS_OPTIONAL, 5, 0, 1,
	BGP_RESET, BGP_WITHDRAW},
    [ATTR_MP_UNREACH] = {"MP_UNREACH_NLRI", SORT_MP, FLAGS_OPTIONAL, 3, 0, 1,
	BGP_RESET, BGP_WITHDRAW},
    /* s7.14 */
    [ATTR_EXTENDED] =
	KNOWN("EXTENDED_COMMUNITIES", FLAGS_TRANSITIVE, 8, 0, 8, BGP_WITHDRAW),
    /* RFC 6793 s6: both are discarded when malformed */
    [ATTR_AS4_PATH] = {"AS4_PATH", SORT_AS4, FLAGS_TRANSITIVE, 6, 0, 2,
	BGP_DISCARD, BGP_DISCARD},
    [ATTR_AS4_AGGREGATOR] = {"AS4_AGGREGATOR", SORT_AS4, FLAGS_TRANSITIVE, 8, 8,
	1, BGP_DISCARD, BGP_DISCARD},
    [19] = UNWANTED("SSA"),	     /* deprecated */
    [20] = UNWANTED("CONNECTOR"),    /* deprecated, RFC 6037: VPN multicast */
    [21] = UNWANTED("AS_PATHLIMIT"), /* deprecated */
    [22] = UNWANTED("PMSI_TUNNEL"),  /* RFC 6514: VPN multicast */
    [23] = UNWANTED("TUNNEL_ENCAP"), /* RFC 9012: moves traffic elsewhere */
    [24] = UNWANTED("TRAFFIC_ENGINEERING"), /* RFC 5543: for VPNs */
    /* s7.15 (RFC 5701) */
    [ATTR_EXTENDED6] = KNOWN(
	"IPV6_EXTENDED_COMMUNITIES", FLAGS_TRANSITIVE, 20, 0, 20, BGP_WITHDRAW),
    [26] = UNWANTED("AIGP"),		 /* RFC 7311: one administration only */
    [27] = UNWANTED("PE_DISTINGUISHER"), /* RFC 6514 */
    [28] = UNWANTED("ENTROPY_LABEL"),	 /* deprecated, RFC 7447 */
    [29] = UNWANTED("BGP_LS"),		 /* RFC 9552: a network's inside */
    [30] = UNWANTED("30"),		 /* deprecated, RFC 8093: squatted */
    [31] = UNWANTED("31"),		 /* deprecated, RFC 8093: squatted */
    /* RFC 8092 s5 */
    [ATTR_LARGE] =
	KNOWN("LARGE_COMMUNITIES", FLAGS_TRANSITIVE, 12, 0, 12, BGP_WITHDRAW),
    [33] = UNWANTED("BGPSEC_PATH"), /* RFC 8205: never negotiated here */
    /* RFC 9234 s5: any length but 4 is treat-as-withdraw */
    [ATTR_OTC] = KNOWN("OTC", FLAGS_TRANSITIVE, 4, 4, 1, BGP_WITHDRAW),
    [36] = UNWANTED("D_PATH"),		  /* EVPN to VPN gateways */
    [37] = UNWANTED("SFP"),		  /* RFC 9015: service chains */
    [38] = UNWANTED("BFD_DISCRIMINATOR"), /* RFC 9026: VPN multicast */
    [40] = UNWANTED("PREFIX_SID"),	  /* RFC 8669: one SR domain only */
    [128] = UNWANTED("ATTR_SET"),	  /* RFC 6368: a VPN's own attributes */
    [129] = UNWANTED("129"),		  /* deprecated, RFC 8093: squatted */
    [241] = UNWANTED("241"),		  /* deprecated, RFC 8093: squatted */
    [242] = UNWANTED("242"),		  /* deprecated, RFC 8093: squatted */
    [243] = UNWANTED("243"),		  /* deprecated, RFC 8093: squatted */
    [255] = UNWANTED("255"),		  /* reserved for development */
};

const char *bgp_attr_name(uint8_t code)
{
	return bgp_attr_kinds[code].name;
}

bool bgp_host_address(const uint8_t *a, size_t n)
{
	static const uint8_t zeros[15];

	/* Neither "this network", loopback, multicast nor reserved. */
	if (n == 4)
		return a[0] != 0 && a[0] != 127 && a[0] < 224;
	if (a[0] == 0xff)
		return false;
	/* Neither :: nor ::1. */
	return a[15] > 1 || memcmp(a, zeros, sizeof zeros) != 0;
}

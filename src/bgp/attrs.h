/*
 * Canonical attributes (bgp/bgp.h, struct bgp_attrs.wire) after parsing:
 * walked over, read again from store, changed.
 *
 * All of these take our own canonical form, never a peer's bytes.  Those
 * that write give the next form to w, which sticks when it has no room; the
 * result is canonical again, unless said otherwise.
 */
#pragma once

#include "bgp/bgp.h"

enum bgp_attr_code {
	ATTR_ORIGIN = 1,
	ATTR_AS_PATH = 2,
	ATTR_NEXT_HOP = 3,
	ATTR_MED = 4,
	ATTR_LOCAL_PREF = 5,
	ATTR_ATOMIC = 6,
	ATTR_AGGREGATOR = 7,
	ATTR_COMMUNITIES = 8,
	ATTR_ORIGINATOR = 9,
	ATTR_CLUSTERS = 10,
	ATTR_MP_REACH = 14,
	ATTR_MP_UNREACH = 15,
	ATTR_EXTENDED = 16,
	ATTR_AS4_PATH = 17,
	ATTR_AS4_AGGREGATOR = 18,
	ATTR_EXTENDED6 = 25,
	ATTR_LARGE = 32,
	ATTR_OTC = 35,
};

enum {
	FLAG_OPTIONAL = 0x80,
	FLAG_TRANSITIVE = 0x40,
	FLAG_PARTIAL = 0x20,
	FLAG_EXT_LEN = 0x10,
	FLAGS_WELL_KNOWN = FLAG_TRANSITIVE,
	FLAGS_OPTIONAL = FLAG_OPTIONAL,
	FLAGS_TRANSITIVE = FLAG_OPTIONAL | FLAG_TRANSITIVE,
};

struct bgp_attr {
	uint8_t flags; /* without Extended Length */
	uint8_t code;
	struct bytes value;
};

/* "MED", or NULL for a code that is in no table. */
const char *bgp_attr_name(uint8_t code);

/* Takes the next attribute off; false at the end. */
bool bgp_attr_next(struct rd *attrs, struct bgp_attr *ret);

/* Writes one attribute, with the shortest length field. */
void bgp_attr_write(
    struct wr *w, uint8_t flags, uint8_t code, struct bytes value);

/* Fills everything but `discarded` from wire; the views point into it. */
void bgp_attrs_read(struct bytes wire, struct bgp_attrs *ret);

/* Where NEXT_HOP belongs: the offset of the first code above it. */
uint16_t bgp_attrs_next_hop_at(struct bytes wire);

/* attrs with one attribute replaced or added, or (value.n == 0) without it. */
void bgp_attrs_put(struct wr *w, struct bytes attrs, uint8_t flags,
    uint8_t code, struct bytes value);

/*
 * attrs with OTC of that ASN, and with large communities (12 bytes each)
 * behind those that they carry already.
 */
void bgp_attrs_mark(
    struct wr *w, struct bytes attrs, uint32_t otc, struct bytes large);

/* attrs with asn n times in front of the AS path. */
void bgp_attrs_prepend(
    struct wr *w, struct bytes attrs, uint32_t asn, unsigned n);

/*
 * attrs as a 2-byte speaker gets them: AS_PATH and AGGREGATOR of 2 bytes, and
 * where an ASN was lost, AS4_PATH and AS4_AGGREGATOR (RFC 6793 s4.2.2).  At
 * most 1.5 * attrs.n + 16 bytes.  Not canonical: only for
 * bgp_update_write_reach().
 */
void bgp_attrs_narrow(struct wr *w, struct bytes attrs);

/* What the files of the codec share, and nobody else needs. */
#pragma once

#include "bgp/attrs.h"
#include "bgp/bgp.h"

#include <limits.h>
#include <string.h>

enum {
	AFI_IPV4 = 1,
	AFI_IPV6 = 2,
	SAFI_UNICAST = 1,
};

/* The family of an AFI and SAFI; FAMILY_COUNT: none of ours. */
static inline enum family bgp_family(unsigned afi, unsigned safi)
{
	if (safi == SAFI_UNICAST && afi == AFI_IPV4)
		return FAMILY_IPV4;
	if (safi == SAFI_UNICAST && afi == AFI_IPV6)
		return FAMILY_IPV6;
	return FAMILY_COUNT;
}

static inline unsigned bgp_afi(enum family f)
{
	return f == FAMILY_IPV4 ? AFI_IPV4 : AFI_IPV6;
}

/* Begins a message; gives its length field for bgp_message_close(). */
uint8_t *bgp_message_open(struct wr *w, enum bgp_type type);

/* Fills the length in: all that was written since the open. */
void bgp_message_close(struct wr *w, uint8_t *field);

/* A NOTIFICATION with up to 255 bytes of data; more is cut off. */
struct bgp_notify bgp_notify_of(
    uint8_t code, uint8_t subcode, const void *data, size_t n);

/* ---- path attributes ---------------------------------------------------- */

enum attr_sort {
	SORT_UNKNOWN,  /* nothing in the table */
	SORT_KNOWN,    /* checked and relayed */
	SORT_INTERNAL, /* known in iBGP, unwanted otherwise */
	SORT_AS4,      /* known from 2-byte peers, unwanted otherwise */
	SORT_MP,       /* taken apart, never part of the canonical form */
	SORT_UNWANTED, /* left out without a look inside */
};

struct attr_kind {
	const char *name;
	uint8_t sort;  /* enum attr_sort */
	uint8_t flags; /* Optional and Transitive, as they must be */
	uint16_t min;  /* bytes of the shortest value */
	uint16_t max;  /* of the longest; 0: any */
	uint16_t step; /* the length is a multiple of it */
	uint8_t harm;  /* enum bgp_harm of a bad length or value */
	uint8_t flags_harm;
};

extern const struct attr_kind bgp_attr_kinds[256];

/* What is wrong with a 2- or 4-byte AS path; 0: nothing. */
enum bgp_fault bgp_path_check(struct bytes path, bool as4, bool confed_ok);

/*
 * Writes the 4-byte path that a checked 2-byte AS_PATH and AS4_PATH (or an
 * empty one) stand for: never longer than twice as2 and as4 together.
 */
void bgp_path_widen(struct wr *w, struct bytes as2, struct bytes as4);

/* Writes the 2-byte form of a canonical path; true: some ASN did not fit. */
bool bgp_path_narrow(struct wr *w, struct bytes path);

/* Leaves out what is there twice; false: no memory for the copy. */
bool bgp_large_unique(struct arena *a, struct bytes *v);

/* Whether a run of NLRI can be read to its end without a fault. */
bool bgp_nlri_check(struct bytes run, enum family f, bool add_path);

/* Whether an address of 4 or 16 bytes can be a host's. */
bool bgp_host_address(const uint8_t *a, size_t n);

/* Points the view of that attribute, where there is one, to its value. */
void bgp_attrs_note(struct bgp_attrs *a, uint8_t code, struct bytes value);

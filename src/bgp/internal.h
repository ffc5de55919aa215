/* What the files of the codec share, and nobody else needs. */
#pragma once

#include "bgp/bgp.h"

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

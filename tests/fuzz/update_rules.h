/* The rules of parsing, and their limits, from the first bytes of an input. */
#pragma once

#include "fuzz.h"

#include "bgp/bgp.h"

#define RULES_BYTES 2

static inline struct bgp_rules rules_from(const uint8_t head[RULES_BYTES])
{
	return (struct bgp_rules){
	    .families = head[0] & 3,
	    .add_path = head[0] >> 2 & 3,
	    .next_hop6 = head[0] >> 4 & 3,
	    .as4 = head[0] >> 6 & 1,
	    .internal = head[0] >> 7 & 1,
	    .unknown = (enum bgp_unknown)(head[1] % 3),
	};
}

/* What bgp_update_parse() may take for n bytes. */
static inline size_t memory_for(size_t n)
{
	return 8 * n + 64;
}

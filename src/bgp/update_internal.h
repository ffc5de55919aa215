/* The parts of the UPDATE parser share this, and nobody else needs it. */
#pragma once

#include "base/attr.h"
#include "bgp/internal.h"

/* An attribute that is kept; at counts from the start of the attributes. */
struct slot {
	uint16_t at; /* of the value */
	uint16_t len;
	uint8_t code;
	uint8_t flags; /* as they will be written, Extended Length aside */
};

/* An UPDATE on its way. */
struct parse {
	const struct bgp_rules *rules;
	struct arena *arena;
	struct bgp_update *u;
	const uint8_t *start; /* of the attributes */
	struct slot *slots;
	size_t n_slots;
	bool sorted;	/* the slots are in ascending order */
	bool classic;	/* there is RFC 4271 NLRI, so NEXT_HOP counts */
	bool others;	/* an attribute other than MP_UNREACH_NLRI was there */
	bool located;	/* some reachable NLRI was found, wanted or not */
	bool malformed; /* an error worse than attribute discard */
	struct bytes bad; /* the attribute that u->fault is about */
	uint64_t seen[4];
	struct bytes as_path; /* as received, or widened */
	struct bytes aggregator;
	struct bytes large;
	struct bytes as4_path;
	struct bytes as4_aggregator;
	uint8_t merged_aggregator[8];
};

#define NOTHING ((struct bytes){NULL, 0})

static inline bool update_wants(const struct parse *p, enum family f)
{
	return p->rules->families & BGP_FAMILY(f);
}

/*
 * Notes an error; the worst one stays.  attr: the whole attribute, or
 * nothing; it goes into a NOTIFICATION.
 */
void update_error(struct parse *p, enum bgp_harm harm, enum bgp_fault fault,
    uint8_t code, struct bytes attr);

/* ---- update_attrs.c ----------------------------------------------------- */

/* Checks every attribute, and notes in the slots what is kept. */
void update_walk(struct parse *p, struct rd attrs);

/* ---- update_mp.c: MP_REACH_NLRI, MP_UNREACH_NLRI (RFC 4760) -------------- */

void update_mp_reach(struct parse *p, struct bytes value, struct bytes attr);
void update_mp_unreach(struct parse *p, struct bytes value, struct bytes attr);

/* ---- update_canonical.c ------------------------------------------------- */

/* Writes the canonical form of the slots; false: no memory for it. */
bool update_canonical(struct parse *p, size_t attrs_n);

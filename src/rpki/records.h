/*
 * How the RPKI role hands its data to an engine: records in the ring of their
 * link (net/link.h).
 *
 *   BEGIN (all | changes)   VRPS ...   ASPA ...   END      one epoch
 *   UNTIL                                                  how long it counts
 *
 * The engine keeps what it has when the role dies, until that time; the next
 * incarnation begins with all, and only what differs is a change.  What lies
 * between BEGIN and END takes effect at END.
 */
#pragma once

#include "rpki/rpki.h"

enum rpki_record {
	RPKI_BEGIN = 192, /* struct rpki_begin */
	RPKI_VRPS,	  /* struct rpki_vrp, any number */
	RPKI_ASPA,	  /* struct rpki_aspa and its providers */
	RPKI_END,	  /* struct rpki_end */
	RPKI_UNTIL,	  /* struct rpki_until */
	RPKI_AGAIN,	  /* engine -> role: please send all of it */
};

struct rpki_begin {
	uint64_t epoch;
	uint32_t all; /* replaces everything; else changes it */
	uint32_t unused;
};

struct rpki_vrp {
	uint8_t addr[16];
	uint32_t asn;
	uint32_t since_s;
	uint16_t sources;
	uint8_t family;
	uint8_t len;
	uint8_t max_len;
	uint8_t gone;
	uint8_t unused[2];
};

struct rpki_aspa {
	uint32_t customer;
	uint32_t since_s;
	uint32_t n; /* providers that follow; 0: gone */
	uint32_t sources;
};

struct rpki_end {
	uint64_t epoch;
	uint32_t vrps[FAMILY_COUNT]; /* how many there are now */
	uint32_t aspas;
	uint32_t unused;
};

struct rpki_until {
	uint64_t ns; /* CLOCK_MONOTONIC; 0: there is no data */
};

#define RPKI_VRPS_AT_ONCE 1024 /* in one record */

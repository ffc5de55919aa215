/*
 * Recorded routes, one record after the other: MRT (RFC 6396, 8050 and the
 * older types that archives hold), the lines of `bgpdump -m`, and lists of
 * "prefix origin".  Packed or not (stream.h); memory does not grow with the
 * file.  A damaged record is told and passed over; a file that is cut short
 * gives all that is whole in it before the error.
 */
#pragma once

#include "base/wire.h"
#include "bgp/mrt.h"
#include "net/addr.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum mrt_kind {
	MRT_PEERS,   /* PEER_INDEX_TABLE: see mrt_peer() */
	MRT_RIB,     /* one prefix with its paths */
	MRT_UPDATE,  /* a BGP UPDATE */
	MRT_OTHER,   /* a BGP message that is no UPDATE */
	MRT_STATE,   /* a session changed its state */
	MRT_SKIPPED, /* a type, subtype or family that is not read */
	MRT_DAMAGED, /* its lengths contradict each other */
};

struct mrt_peer {
	struct ip addr;
	uint32_t asn;
};

/* Views live until the next mrt_next(). */
struct mrt_record {
	enum mrt_kind kind;
	uint64_t number; /* from 1 */
	uint64_t at;	 /* of its first byte in the unpacked file */
	uint32_t time_s;
	uint32_t time_us;
	uint16_t type;
	uint16_t subtype;
	bool as4;	    /* AS_PATH of 4-byte ASNs */
	bool add_path;	    /* path ids are there */
	bool multicast;	    /* SAFI 2 */
	uint32_t peer;	    /* number of the peer; not for MRT_RIB */
	uint16_t old_state; /* MRT_STATE, RFC 6396 s4.4.1 */
	uint16_t new_state;
	struct prefix prefix; /* MRT_RIB */
	uint16_t paths;	      /* MRT_RIB: how many follow in body */
	struct rd body;	      /* paths, or the UPDATE after its header */
};

struct mrt;

#define MRT_ERROR 256 /* room for an error as text */

/*
 * Opens a file; "-" is standard input.  0, or -errno and its text.  The
 * format shows in its first bytes.
 */
int mrt_open(const char *path, struct mrt **ret, char error[MRT_ERROR]);
void mrt_close(struct mrt *m);

/*
 * 1 and the next record; 0 at the end; -errno and mrt_error() when nothing
 * more can be read: -ENODATA is a file that was cut short.
 */
int mrt_next(struct mrt *m, struct mrt_record *ret);
const char *mrt_error(const struct mrt *m);

/* Peers are numbered as in PEER_INDEX_TABLE, else as they appear. */
size_t mrt_peers(const struct mrt *m);
const struct mrt_peer *mrt_peer(const struct mrt *m, size_t number);

/* "MRT", "bgpdump -m" or "prefix list", as the file showed itself. */
const char *mrt_format(const struct mrt *m);

/* Bytes of the file that were read, and all of it (0: not known). */
void mrt_progress(const struct mrt *m, uint64_t *ret_at, uint64_t *ret_size);

/* ---- the routes in a record -------------------------------------------- */

enum mrt_route_kind {
	MRT_ROUTE_PATH, /* of a table */
	MRT_ROUTE_ANNOUNCED,
	MRT_ROUTE_WITHDRAWN,
};

struct mrt_route {
	enum mrt_route_kind kind;
	bool usable; /* false: a length beyond its family's, or multicast */
	bool has_path_id;
	struct prefix prefix;
	uint32_t path_id;
	uint32_t peer;
	bool as4;
	struct rd attrs; /* raw; empty when withdrawn */
};

/*
 * Walks the routes of a MRT_RIB or MRT_UPDATE.  What stands in it is given
 * as far as it can be told apart, and damaged is set when it contradicts
 * itself: then none of its routes should be passed on.
 */
struct mrt_walk {
	bool damaged;
	const struct mrt_record *record;
	struct rd left; /* paths, or the NLRI at hand */
	unsigned part;	/* of an UPDATE */
	uint8_t family; /* of the NLRI at hand */
	bool multicast;
	struct rd attrs;
	struct rd nlri;
	struct rd reach;
	struct rd unreach;
};

struct mrt_walk mrt_walk(const struct mrt_record *r);
bool mrt_walk_next(struct mrt_walk *w, struct mrt_route *ret);

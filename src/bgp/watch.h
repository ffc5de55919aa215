/*
 * What the engine tells the monitor role over their link (net/link.h): who is
 * there, and of each prefix that has changed all the paths that it has now.
 *
 *   engine -> monitor   ring: PEER, GONE, SET, CLASS, BITS, PREFIXES, TABLE,
 *                       OUT
 *
 * Never a backlog: where the ring is full, a prefix becomes one bit, and its
 * newest state is told when there is room.  What a prefix had before is the
 * monitor's to know.  A link begins with everything there is, then TABLE.
 *
 * A PREFIXES record names sets by numbers that earlier SETs have given a
 * meaning; a number that is told again means another set from then on.  A
 * PEER comes before the first SET of its slot.  Prefixes are known by ids
 * that are theirs until they have no path left.
 *
 * Who gets what: of the paths of a prefix, in their order, a client gets the
 * first that is not refused, not its own, and of a class that has its bit;
 * with ADD-PATH every such one.  What a client's bits are is told before its
 * PEER, and no prefix between the two; they stay while its session is up.
 */
#pragma once

#include "base/verdict.h"
#include "bgp/feed.h"

#define WATCH_SETS (1u << 24) /* numbers of sets, and ids, are below */
#define WATCH_CLASSES (1u << 24)

enum watch_type {
	WATCH_PEER = 192, /* a = slot: struct watch_peer, then both OPENs */
	WATCH_GONE,	/* a = slot: struct feed_down; routes may stay stale */
	WATCH_SET,	/* a = number: struct watch_set, next hop, attributes */
	WATCH_CLASS,	/* a = number: uint64_t[WATCH_PLANES][words]: a bit a
			   slot: who may have its paths, then the variant: how
			   often it is prepended; a class that is new */
	WATCH_BITS,	/* likewise: the same class has other bits now */
	WATCH_PREFIXES, /* a = family: struct watch_prefix, uint32_t set[n];
			   any number of them */
	WATCH_TABLE,	/* all that was there at the beginning has been told */
	WATCH_OUT,	/* all classes are told, and what clients are to get
			   is what they are sent: nothing is held back
			   (RFC 4724 s4.1) */
};

#define WATCH_PLANES 3

struct watch_peer {
	struct feed_up up;
	struct feed_opens opens; /* n_sent 0: not known */
	char name[64];		 /* the member's, NUL-terminated */
};

enum watch_set_flag {
	WATCH_STALE = 1,    /* its session is away (RFC 4724) */
	WATCH_LLGR = 2,	    /* RFC 9494: LLGR_STALE is added on the way out */
	WATCH_SCRUB = 4,    /* carries communities addressed to us */
	WATCH_PLAIN_ID = 8, /* the peer sends no path ids */
};

struct watch_set {
	uint16_t slot; /* whose path it is */
	uint8_t family;
	uint8_t flags;	/* enum watch_set_flag */
	uint8_t reason; /* enum reason; REASON_NONE: accepted */
	uint8_t next_hop_len;
	uint16_t wire_len;
	uint8_t tags; /* what clients are told of it, policy_tags_write() */
	uint8_t pad[3];
	uint32_t path_id;     /* as the peer sent it */
	uint32_t path_id_out; /* as ADD-PATH clients get it */
	uint32_t class;
};

/* Paths come in rank order; none: the prefix is gone, and its id is free. */
struct watch_prefix {
	uint32_t id;
	uint16_t n;
	uint8_t len;
	uint8_t pad;
	uint8_t addr[16];
};

/*
 * What session and engine say to each other over their link (net/link.h).
 *
 *   session -> engine   ring: EXPECT, UP, OPENS, UPDATE or UPDATES, REFRESH,
 *                       DOWN, SKIPPED, in order
 *   engine -> session   ring: JOIN, CLOSE, SKIP, SEND
 *                       extra area: the journals, read and sent in place
 *
 * There may be several instances of the session role.  Each has a link, a
 * cursors' area and slots of its own (feed_instance()); the journals are one
 * area for all of them.
 *
 * Journals.  One for each encoding; each a chain of chunks taken from one
 * pool.  An entry is a run of whole BGP messages and a mask of the slots
 * that get them.  A client's cursor walks the chain and skips the entries
 * that lack its bit; the session writes entries to the socket straight from
 * the shared memory.
 *
 *   journal 0:  chunk 7 -> chunk 2 -> chunk 9 (open)
 *               [hdr|mask|entry|entry|mask|entry...]
 *                      ^ cursor of slot 3     ^ used
 *
 * The pool is bounded.  When it runs low the engine asks the session to take
 * the slots that still stand in the oldest chunk out of it (SKIP).  The
 * session finishes the message in flight from a copy of its own, moves the
 * cursor on and answers SKIPPED with the first entry left unsent; the engine
 * marks the prefixes of what was left out as dirty for that slot and serves
 * them from the RIB later.  So a client that does not read costs one bit a
 * prefix and delays nobody.
 *
 * A SKIP to a slot that reads the journal is always answered, even when its
 * cursor has left that chunk meanwhile; the entry named in the answer may be
 * later then, or one of which some messages were sent.  From the answer on
 * the slot does not read that journal, until the next JOIN.
 *
 * A chunk may be used anew only when no cursor names it: one at its end has
 * yet to find `next` there.  A JOIN to a chunk that was used anew since is
 * ignored; one to a slot that reads the journal already is a SKIP before it.
 *
 * SEND.  A slot takes FEED_SEND_MAX bytes in advance: what the engine sent
 * less feed_cursors.sent.  More costs the slot its session.  The engine sets
 * feed_shared.watching when it waits for a cursor or for `sent` to move.
 */
#pragma once

#include "bgp/bgp.h"
#include "net/addr.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define FEED_SLOTS 4096   /* sessions at most, over all instances */
#define FEED_JOURNALS 8
#define FEED_CHUNK 65536  /* bytes, header included */
#define FEED_NO_CHUNK UINT32_MAX
#define FEED_SEND_MAX ((size_t)1 << 20) /* bytes of SEND not yet written */

/* Ring record types; a = slot, b = incarnation of that slot's session. */
enum feed_type {
	/* session -> engine */
	FEED_UP = 1,  /* struct feed_up; always before the slot's first UPDATE */
	FEED_DOWN,    /* struct feed_down */
	FEED_UPDATE,  /* the body of an UPDATE */
	FEED_REFRESH, /* struct bgp_refresh */
	FEED_SKIPPED, /* struct feed_place: entries from here on were not sent */
	FEED_EXPECT,  /* struct ip[]: the instance's peers that were up before
	                 this link; first record of a link whose engine was
	                 restarted; slot: any of the instance */
	FEED_OPENS,   /* struct feed_opens and the messages; follows UP */
	FEED_UPDATES, /* whole messages as they came: UPDATEs, and between them
	                 others that are none of the engine's */
	/* engine -> session */
	FEED_JOIN = 64, /* struct feed_place: start reading here */
	FEED_CLOSE,     /* struct feed_close */
	FEED_SKIP,      /* struct feed_place: leave the chunk with this seq */
	FEED_SEND,      /* whole messages, to be sent before further entries */
};

struct feed_up {
	struct ip peer;
	struct ip local;
	uint32_t asn;
	uint32_t id;           /* the peer's BGP identifier */
	uint16_t hold_s;       /* negotiated */
	struct bgp_open open;  /* what the peer said */
	uint8_t families;      /* negotiated masks from here on */
	uint8_t add_path_rx;   /* we receive path ids */
	uint8_t add_path_tx;   /* we send path ids */
	uint8_t next_hop6;     /* IPv4 routes may go out with an IPv6 next hop */
	bool as4;
	bool extended;
	bool refresh;
	bool enhanced_refresh;
};

/*
 * A FEED_UP as the engine takes it from a session that it does not trust:
 * false when it is none; else every field holds a value of its type, and the
 * masks hold families that there are.
 */
bool feed_up_take(const void *data, size_t n, struct feed_up *ret);

enum feed_down_kind {
	FEED_DOWN_HARD,     /* drop its routes now */
	FEED_DOWN_GRACEFUL, /* RFC 4724/8538: keep them stale, as negotiated */
};

/* How it ended, for the monitoring stations (RFC 7854 s4.9). */
enum feed_end {
	FEED_END_LOST,   /* TCP went, or the peer closed it without a word */
	FEED_END_TOLD,   /* the peer sent the NOTIFICATION */
	FEED_END_SENT,   /* we sent it */
	FEED_END_SILENT, /* we closed it without a word */
};

struct feed_down {
	uint8_t kind;             /* enum feed_down_kind */
	uint8_t end;              /* enum feed_end */
	struct bgp_notify notify; /* code 0: none */
};

/* Both OPEN messages, as they went over the wire: ours, then the peer's. */
struct feed_opens {
	uint16_t local_port;
	uint16_t remote_port;
	uint16_t n_sent;
	uint16_t n_received;
};

/*
 * Reads a FEED_OPENS: false when it is none, or its lengths are not those of
 * two OPEN messages.
 */
bool feed_opens_take(const void *data, size_t n, struct feed_opens *ret,
    struct bytes *ret_sent, struct bytes *ret_received);

struct feed_place {
	uint32_t journal;
	uint32_t chunk;  /* index in the pool */
	uint64_t seq;    /* the chunk's seq, so that a reused one is noticed */
	uint32_t offset; /* of an entry in the chunk */
};

struct feed_close {
	struct bgp_notify notify;
	uint32_t hold_down_s; /* no new session before that; 0: usual back-off */
	char why[96];         /* public reason, NUL-terminated */
};

/* ---- the engine's extra area ------------------------------------------ */

struct feed_counts { /* for `show sessions`; written by the engine */
	_Atomic uint64_t received[FAMILY_COUNT];   /* routes held */
	_Atomic uint64_t accepted[FAMILY_COUNT];
	_Atomic uint64_t rejected[FAMILY_COUNT];
	_Atomic uint64_t advertised[FAMILY_COUNT]; /* routes this client has */
};

struct feed_shared {
	/* Slot + 1 of the session whose message is being parsed, 0: none. */
	_Atomic uint32_t parsing;
	uint32_t n_chunks;
	_Atomic uint64_t published; /* grows with every change of a journal */
	_Atomic uint32_t watching; /* 1: ring when at[] or sent[] has moved */
	struct feed_counts counts[FEED_SLOTS];
	/* n_chunks struct feed_chunk follow, FEED_CHUNK-aligned in the area */
};

/* Written by the engine alone; data below `used` never changes. */
struct feed_chunk {
	uint64_t seq;           /* grows over all journals; never reused */
	_Atomic uint32_t used;  /* bytes of data that are valid */
	_Atomic uint32_t next;  /* the chain; FEED_NO_CHUNK while it is open */
	uint32_t journal;
	uint32_t pad;
	uint8_t data[FEED_CHUNK - 24];
};

/* In data, 8-byte aligned, followed by len bytes and padding. */
struct feed_entry {
	uint32_t len;        /* bytes of whole messages */
	uint32_t mask;       /* offset in data of the mask's first word */
	uint16_t mask_words; /* 64-bit words; slots beyond are not in it */
	uint16_t kind;       /* FEED_ENTRY_ROUTES, or FEED_ENTRY_MASK to step over */
	uint32_t pad;
};

enum { FEED_ENTRY_ROUTES, FEED_ENTRY_MASK };

#define FEED_CHUNKS_AT                                                         \
	((sizeof(struct feed_shared) + FEED_CHUNK - 1) / FEED_CHUNK *          \
	    FEED_CHUNK)

/* ---- the session's extra area ----------------------------------------- */

/* Where each slot stands: seq << 17 | offset; UINT64_MAX: does not read. */
struct feed_cursors {
	_Atomic uint64_t at[FEED_SLOTS][FEED_JOURNALS];
	/* Bytes of SEND written to the peer in this incarnation. */
	_Atomic uint64_t sent[FEED_SLOTS];
};

/* The session instance, of n, that has the slot: they take turns. */
static inline unsigned feed_instance(uint32_t slot, unsigned n)
{
	return n <= 1 ? 0 : slot % n;
}

#define FEED_AT(seq, offset) ((uint64_t)(seq) << 17 | (uint64_t)(offset))

/* Journal of an encoding. */
static inline unsigned feed_journal(enum family f, bool as4, bool add_path)
{
	return (unsigned)f | (as4 ? 0u : 2u) | (add_path ? 4u : 0u);
}

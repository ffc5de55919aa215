/*
 * What one peer is sent: blocks of its own (OPEN, KEEPALIVE, FEED_SEND), and
 * entries of the engine's journals, written to the socket straight from
 * shared memory (bgp/feed.h).
 *
 *   rest of the entry in flight | own blocks | entries, journal by journal
 *
 * Blocks and entries hold whole messages, so whatever is cut by a full
 * socket goes on where it was cut before anything else is sent.  The
 * engine's area is never trusted further than its bounds; an entry that
 * makes no sense costs the client its session (-EPROTO), nothing else.
 */
#pragma once

#include "bgp/feed.h"

#include "base/list.h"

#include <sys/uio.h>

#define OUTBOX_TURN ((size_t)1 << 20) /* bytes written to one peer a turn */
#define OUTBOX_IOV 1024

/* The engine's area and our cursors, shared by all outboxes of a link. */
struct outbox_pool {
	const struct feed_shared *shared;
	const uint8_t *chunks;
	uint32_t n_chunks;
	struct feed_cursors *cursors;
};

/* False when the areas are too small to be what they should be. */
bool outbox_pool_map(struct outbox_pool *p, const void *engine, size_t n,
    void *own, size_t n_own);

struct outbox_cursor {
	const struct feed_chunk *chunk; /* NULL: the journal is not read */
	uint64_t seq;
	uint32_t index; /* of the chunk */
	uint32_t offset;
};

struct outbox {
	const struct outbox_pool *pool; /* NULL: no engine */
	unsigned slot;
	uint8_t reading; /* mask of journals */
	uint8_t turn;	 /* the journal that goes first next time */
	int8_t flight;	 /* journal whose entry at the cursor is cut; -1 */
	uint32_t flown;	 /* bytes of it that are sent */
	struct outbox_cursor at[FEED_JOURNALS];
	struct list blocks;
	size_t queued;	    /* bytes in blocks */
	size_t queued_send; /* those of FEED_SEND */
	uint64_t sent_send; /* bytes of FEED_SEND written */
	uint64_t bytes;	    /* written in all */
	uint64_t messages;  /* of own blocks; entries count as one each */
};

void outbox_init(struct outbox *o, unsigned slot);
/* Frees the blocks and gives up the cursors. */
void outbox_done(struct outbox *o);

/* Begins a session with this engine: cursors unset, counters zero. */
void outbox_attach(struct outbox *o, const struct outbox_pool *p);

/* Queues whole messages.  0; -ENOBUFS beyond FEED_SEND_MAX; -ENOMEM. */
int outbox_queue(struct outbox *o, const void *messages, size_t n, bool send);

/*
 * Starts reading a journal there; one that is read already is left where it
 * stands, as by outbox_skip().  0; -ESTALE when we come too late for it;
 * -EPROTO when the place is none; -ENOMEM.
 */
int outbox_join(struct outbox *o, const struct feed_place *at);

/*
 * Stops reading a journal; keeps the rest of a message in flight.  *ret is
 * the first entry not sent whole.  0; -ENOENT when it was not read; -EPROTO,
 * -ENOMEM.
 */
int outbox_skip(struct outbox *o, uint32_t journal, struct feed_place *ret);

enum outbox_state {
	OUTBOX_IDLE,	/* nothing is left to send */
	OUTBOX_MORE,	/* the turn is over, there is more */
	OUTBOX_BLOCKED, /* the socket is full */
};

/* Writes as much as a turn allows.  enum outbox_state, or -errno. */
int outbox_write(struct outbox *o, int fd);

/* True when outbox_write() would have something to write. */
bool outbox_wants(struct outbox *o);

/*
 * Last words: finishes the message in flight, drops what is queued, and
 * tries to write n bytes after it.  True when all of it was taken.
 */
bool outbox_goodbye(struct outbox *o, int fd, const void *last, size_t n);

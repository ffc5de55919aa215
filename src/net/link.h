/*
 * A two-way link between two roles: one socket that passes descriptors and
 * rings bells, and one sealed memfd each way.
 *
 *   role A                                        role B
 *   own area (rw) --------- memfd --------------> peer area (read-only)
 *   peer area (ro) <------- memfd --------------- own area (rw)
 *
 *   area:  [ head page | ring, a power of two | extra, as the owner likes ]
 *          (the ring is mapped twice in a row: no record is in two pieces)
 *
 * The extra part may be a memfd of its own that many links share: one writer,
 * many readers.
 *
 * Each writes only into its own area; the other can neither write nor shrink
 * it.  Everything read from the peer's area is untrusted: counters are
 * checked, and a record is copied out before anybody parses it.  A link
 * lives as long as both of its roles do; a restart makes a new one.
 */
#pragma once

#include "base/attr.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LINK_RECORD_MAX ((size_t)131072) /* payload bytes of one record */

/* Before each payload in the ring; 8-byte aligned. */
struct link_head {
	uint32_t len;  /* bytes of payload */
	uint32_t type; /* the users' own */
	uint32_t a;
	uint32_t b;
};

struct link;

/*
 * sock: one end of msg_pair(), the link's from now on.  ring_bytes: a power
 * of two >= 4 * LINK_RECORD_MAX.  0 or -errno.
 */
int link_new(
    int sock, size_t ring_bytes, size_t extra_bytes, struct link **ret);

/* Unmaps, closes.  NULL is allowed. */
void link_free(struct link *l);

/* An extra area for many links; outlives all of them.  0 or -errno. */
struct link_area;
int link_area_new(size_t bytes, struct link_area **ret);
void link_area_free(struct link_area *a);
/* As link_new(), with that one for its extra area, which is borrowed. */
int link_new_shared(
    int sock, size_t ring_bytes, struct link_area *extra, struct link **ret);

/* To be watched for EPOLLIN; call link_bell() when it is readable. */
int link_fd(const struct link *l);

/*
 * Takes the peer's area when it comes, and one bell.  0, -EPIPE when the peer
 * is gone, -EPROTO when it broke the rules.
 */
int link_bell(struct link *l) ATTR_MUST_USE;

/* True once the peer's area is mapped and reading and writing may begin. */
bool link_ready(const struct link *l);

/* Own extra area (rw); the peer's (ro), NULL before link_ready(). */
void *link_extra(struct link *l, size_t *ret_bytes);
const void *link_peer_extra(const struct link *l, size_t *ret_bytes);

/*
 * Appends a record of two parts (nb may be 0).  False when the ring is full:
 * the peer will ring when it has made room.  Visible at once; the bell is
 * rung by link_flush().
 */
bool link_write(struct link *l, uint32_t type, uint32_t a, uint32_t b,
    const void *pa, size_t na, const void *pb, size_t nb);

/*
 * Room for n payload bytes of one record, in one piece, to be filled by the
 * caller; NULL when the ring is full: as link_write().  Nothing of it is
 * visible before link_commit(), or at all without.
 */
uint8_t *link_reserve(struct link *l, size_t n);
/* Makes a record of the first n bytes (<= those reserved) right away. */
void link_commit(
    struct link *l, uint32_t type, uint32_t a, uint32_t b, size_t n);

/* Payload bytes that one record could hold now. */
size_t link_room(const struct link *l);

/*
 * Copies the next record into buf (LINK_RECORD_MAX bytes) and consumes it.
 * 1; 0 when there is none; -EPROTO when the peer's ring makes no sense.
 */
int link_read(struct link *l, struct link_head *ret, void *buf) ATTR_MUST_USE;

/*
 * Rings the peer when it sleeps and there is something for it: a record, or
 * room that it waited for, or what the caller put into the extra area
 * (force).  To be called once a turn, after the last read or write.
 */
void link_flush(struct link *l, bool force);

/* Says "I sleep"; false when there is something to do first. */
bool link_sleep(struct link *l);
void link_wake(struct link *l);

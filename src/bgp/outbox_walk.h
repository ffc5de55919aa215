/*
 * Walks the engine's journals (bgp/feed.h) as somebody who trusts none of
 * it: every offset and length is checked before it is used.
 */
#pragma once

#include "bgp/outbox.h"

#include <sys/types.h>

/* NULL when the pool has no such chunk. */
const struct feed_chunk *outbox_chunk(
    const struct outbox_pool *p, uint32_t index);

/* Bytes that an entry of len bytes takes in its chunk. */
size_t outbox_entry_size(uint32_t len);

/*
 * Moves the cursor to the next entry for slot.  1 and its bytes; 0 at the
 * end of the journal; -EPROTO.
 */
int outbox_next_entry(const struct outbox_pool *p, struct outbox_cursor *c,
    unsigned journal, unsigned slot, struct iovec *ret);

/* Bytes from `sent` to the end of the message it lies in; -EPROTO. */
ssize_t outbox_message_rest(const uint8_t *data, size_t len, size_t sent);

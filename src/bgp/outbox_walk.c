#include "bgp/outbox_walk.h"

#include <errno.h>
#include <string.h>

bool outbox_pool_map(struct outbox_pool *p, const void *engine, size_t n,
    void *own, size_t n_own)
{
	const uint8_t *b = engine;

	if (!engine || n < FEED_CHUNKS_AT + sizeof(struct feed_chunk) ||
	    n_own < sizeof(struct feed_cursors))
		return false;
	size_t chunks = (n - FEED_CHUNKS_AT) / FEED_CHUNK;
	if (chunks > UINT32_MAX - 1)
		return false;
	*p = (struct outbox_pool){
	    .shared = engine,
	    .chunks = b + FEED_CHUNKS_AT,
	    .n_chunks = (uint32_t)chunks,
	    .cursors = own,
	};
	for (size_t s = 0; s < FEED_SLOTS; s++)
		for (size_t j = 0; j < FEED_JOURNALS; j++)
			atomic_store_explicit(&p->cursors->at[s][j], UINT64_MAX,
			    memory_order_relaxed);
	return true;
}

const struct feed_chunk *outbox_chunk(
    const struct outbox_pool *p, uint32_t index)
{
	if (index >= p->n_chunks)
		return NULL;
	return (const void *)(p->chunks + (size_t)index * FEED_CHUNK);
}

/* Moves the cursor over the chain.  1, 0 at the end, -EPROTO. */
static int next_chunk(
    const struct outbox_pool *p, struct outbox_cursor *c, unsigned journal)
{
	uint32_t next =
	    atomic_load_explicit(&c->chunk->next, memory_order_acquire);

	if (next == FEED_NO_CHUNK)
		return 0;
	/* The last of it may have come just before it was closed. */
	if (atomic_load_explicit(&c->chunk->used, memory_order_acquire) !=
	    c->offset)
		return 1;
	const struct feed_chunk *to = outbox_chunk(p, next);
	if (!to || to->journal != journal || to->seq <= c->seq)
		return -EPROTO;
	*c = (struct outbox_cursor){
	    .chunk = to,
	    .seq = to->seq,
	    .index = next,
	};
	return 1;
}

size_t outbox_entry_size(uint32_t len)
{
	return sizeof(struct feed_entry) + (((size_t)len + 7) & ~(size_t)7);
}

/* Reads the entry at the cursor, which is known to lie before `used`. */
static bool entry_at(
    const struct outbox_cursor *c, uint32_t used, struct feed_entry *ret)
{
	size_t left = used - c->offset;

	if (left < sizeof *ret)
		return false;
	memcpy(ret, c->chunk->data + c->offset, sizeof *ret);
	return outbox_entry_size(ret->len) <= left;
}

/* 1 when slot is in the entry's mask, 0 when not, -EPROTO. */
static int entry_mine(const struct feed_chunk *c, uint32_t used,
    const struct feed_entry *e, unsigned slot)
{
	size_t word = slot / 64;
	uint64_t bits;

	if (e->mask % 8 || e->mask > used ||
	    (size_t)e->mask_words * 8 > used - e->mask)
		return -EPROTO;
	if (word >= e->mask_words)
		return 0;
	memcpy(&bits, c->data + e->mask + word * 8, sizeof bits);
	return bits >> (slot % 64) & 1;
}

int outbox_next_entry(const struct outbox_pool *p, struct outbox_cursor *c,
    unsigned journal, unsigned slot, struct iovec *ret)
{
	struct feed_entry e;

	for (;;) {
		/* Freed and used anew under us: the engine gave us up. */
		if (c->chunk->seq != c->seq)
			return -EPROTO;
		uint32_t used =
		    atomic_load_explicit(&c->chunk->used, memory_order_acquire);

		if (used > sizeof c->chunk->data || c->offset > used)
			return -EPROTO;
		if (c->offset == used) {
			int moved = next_chunk(p, c, journal);

			if (moved <= 0)
				return moved;
			continue;
		}
		if (!entry_at(c, used, &e))
			return -EPROTO;
		if (e.kind == FEED_ENTRY_ROUTES && e.len) {
			int mine = entry_mine(c->chunk, used, &e, slot);

			if (mine < 0)
				return mine;
			if (mine)
				break;
		}
		c->offset += (uint32_t)outbox_entry_size(e.len);
	}
	const uint8_t *data = c->chunk->data + c->offset + sizeof e;
	ret->iov_base = (void *)(uintptr_t)data;
	ret->iov_len = e.len;
	return 1;
}

ssize_t outbox_message_rest(const uint8_t *data, size_t len, size_t sent)
{
	size_t at = 0;

	while (at < sent) {
		if (len - at < BGP_HEADER)
			return -EPROTO;
		size_t n = (size_t)data[at + 16] << 8 | data[at + 17];
		if (n < BGP_HEADER || n > len - at)
			return -EPROTO;
		at += n;
	}
	return (ssize_t)(at - sent);
}

#include "bgp/outbox_walk.h"

#include "base/attr.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define BLOCK_MIN 512 /* small messages are gathered in one block */

struct block {
	struct list list;
	size_t cap;
	size_t len;
	size_t at; /* sent */
	bool send; /* FEED_SEND, to be counted */
	uint8_t data[];
};

/* Where the pieces of one write came from; used within outbox_write(). */
struct piece {
	struct block *block; /* NULL: an entry */
	struct outbox_cursor at;
	uint8_t journal;
};

static struct iovec iov[OUTBOX_IOV];
static struct piece pieces[OUTBOX_IOV];

void outbox_init(struct outbox *o, unsigned slot)
{
	*o = (struct outbox){.slot = slot, .flight = -1};
	list_init(&o->blocks);
}

static void block_free(struct outbox *o, struct block *b)
{
	o->queued -= b->len - b->at;
	if (b->send)
		o->queued_send -= b->len - b->at;
	list_del(&b->list);
	free(b);
}

static void drop_blocks(struct outbox *o)
{
	list_each(pos, tmp, &o->blocks)
	    block_free(o, list_entry(pos, struct block, list));
}

static void publish(struct outbox *o, unsigned j, uint64_t at)
{
	_Atomic uint64_t *to = &o->pool->cursors->at[o->slot][j];

	if (atomic_load_explicit(to, memory_order_relaxed) != at)
		atomic_store_explicit(to, at, memory_order_release);
}

static void leave(struct outbox *o, unsigned j)
{
	o->at[j].chunk = NULL;
	o->reading &= (uint8_t) ~(1u << j);
	publish(o, j, UINT64_MAX);
}

void outbox_done(struct outbox *o)
{
	drop_blocks(o);
	for (unsigned j = 0; o->pool && j < FEED_JOURNALS; j++)
		leave(o, j);
	o->flight = -1;
	o->flown = 0;
	o->pool = NULL;
}

void outbox_attach(struct outbox *o, const struct outbox_pool *p)
{
	o->pool = p;
	o->flight = -1;
	o->flown = 0;
	o->sent_send = 0;
	for (unsigned j = 0; p && j < FEED_JOURNALS; j++)
		leave(o, j);
	if (p)
		atomic_store_explicit(
		    &p->cursors->sent[o->slot], 0, memory_order_release);
}

static struct block *block_new(size_t n, bool send)
{
	size_t cap = n < BLOCK_MIN ? BLOCK_MIN : n;
	struct block *b = malloc(sizeof *b + cap);

	if (b)
		*b = (struct block){.cap = cap, .send = send};
	return b;
}

int outbox_queue(struct outbox *o, const void *messages, size_t n, bool send)
{
	struct block *b = NULL;

	if (n > FEED_SEND_MAX || o->queued > 2 * FEED_SEND_MAX - n ||
	    (send && o->queued_send + n > FEED_SEND_MAX))
		return -ENOBUFS;
	if (!list_empty(&o->blocks))
		b = list_entry(o->blocks.prev, struct block, list);
	if (!b || b->send != send || b->cap - b->len < n) {
		b = block_new(n, send);
		if (!b)
			return -ENOMEM;
		list_add_tail(&o->blocks, &b->list);
	}
	memcpy(b->data + b->len, messages, n);
	b->len += n;
	o->queued += n;
	if (send)
		o->queued_send += n;
	else
		o->messages++;
	return 0;
}

/* The entry in flight, whole. */
static int flight_entry(struct outbox *o, struct iovec *ret)
{
	struct outbox_cursor c = o->at[o->flight];
	uint32_t offset = c.offset;
	int n =
	    outbox_next_entry(o->pool, &c, (unsigned)o->flight, o->slot, ret);

	if (n != 1 || c.offset != offset || ret->iov_len < o->flown)
		return -EPROTO;
	return 0;
}

static int keep_flight(struct outbox *o)
{
	struct iovec v;
	int err = flight_entry(o, &v);

	if (err)
		return err;
	ssize_t rest = outbox_message_rest(v.iov_base, v.iov_len, o->flown);
	if (rest < 0)
		return (int)rest;
	if (rest) {
		struct block *b = block_new((size_t)rest, false);

		if (!b)
			return -ENOMEM;
		memcpy(b->data, (const uint8_t *)v.iov_base + o->flown,
		    (size_t)rest);
		b->len = (size_t)rest;
		o->queued += b->len;
		/* First of all: the list is empty of anything begun. */
		list_add_tail(o->blocks.next, &b->list);
	}
	o->flight = -1;
	o->flown = 0;
	return 0;
}

int outbox_join(struct outbox *o, const struct feed_place *at)
{
	if (!o->pool || at->journal >= FEED_JOURNALS)
		return -EPROTO;
	const struct feed_chunk *c = outbox_chunk(o->pool, at->chunk);
	if (!c || at->offset % 8 || at->offset > sizeof c->data)
		return -EPROTO;
	if (c->seq != at->seq)
		return -ESTALE;
	if (c->journal != at->journal)
		return -EPROTO;
	/* It asks again: what is cut is finished, the rest left out. */
	if (o->flight == (int)at->journal) {
		int err = keep_flight(o);

		if (err)
			return err;
	}
	o->at[at->journal] = (struct outbox_cursor){
	    .chunk = c,
	    .seq = at->seq,
	    .index = at->chunk,
	    .offset = at->offset,
	};
	o->reading |= (uint8_t)(1u << at->journal);
	publish(o, at->journal, FEED_AT(at->seq, at->offset));
	return 0;
}

int outbox_skip(struct outbox *o, uint32_t journal, struct feed_place *ret)
{
	if (!o->pool || journal >= FEED_JOURNALS)
		return -EPROTO;
	struct outbox_cursor *c = &o->at[journal];
	if (!c->chunk)
		return -ENOENT;
	*ret = (struct feed_place){
	    .journal = journal,
	    .chunk = c->index,
	    .seq = c->seq,
	    .offset = c->offset,
	};
	if (o->flight == (int)journal) {
		int err = keep_flight(o);

		if (err)
			return err;
	}
	leave(o, journal);
	return 0;
}

struct gather {
	size_t n;
	size_t bytes;
	bool full; /* there was more */
	struct outbox_cursor end[FEED_JOURNALS];
};

static void gather_blocks(struct outbox *o, struct gather *g)
{
	list_each(pos, tmp, &o->blocks)
	{
		struct block *b = list_entry(pos, struct block, list);

		if (g->n == OUTBOX_IOV) {
			g->full = true;
			return;
		}
		iov[g->n] = (struct iovec){
		    .iov_base = b->data + b->at,
		    .iov_len = b->len - b->at,
		};
		pieces[g->n++] = (struct piece){.block = b};
		g->bytes += b->len - b->at;
	}
}

static int gather_journal(
    struct outbox *o, struct gather *g, unsigned j, bool only_one)
{
	struct outbox_cursor *c = &g->end[j];

	for (;;) {
		if (g->n == OUTBOX_IOV || g->bytes >= OUTBOX_TURN) {
			g->full = true;
			return 0;
		}
		int n = outbox_next_entry(o->pool, c, j, o->slot, &iov[g->n]);
		if (n <= 0)
			return n;
		pieces[g->n] = (struct piece){.at = *c, .journal = (uint8_t)j};
		size_t len = iov[g->n].iov_len;
		g->n++;
		g->bytes += len;
		c->offset += (uint32_t)outbox_entry_size((uint32_t)len);
		if (only_one)
			return 0;
	}
}

static int gather(struct outbox *o, struct gather *g)
{
	g->n = g->bytes = 0;
	g->full = false;
	memcpy(g->end, o->at, sizeof g->end);
	if (o->flight >= 0) {
		struct iovec v;
		int err = flight_entry(o, &v);

		if (!err)
			err = gather_journal(o, g, (unsigned)o->flight, true);
		if (err || g->n != 1)
			return -EPROTO;
		iov[0].iov_base = (uint8_t *)iov[0].iov_base + o->flown;
		iov[0].iov_len -= o->flown;
		g->bytes -= o->flown;
	}
	gather_blocks(o, g);
	for (unsigned k = 0; o->reading && k < FEED_JOURNALS; k++) {
		unsigned j = (o->turn + k) % FEED_JOURNALS;

		if (!(o->reading & 1u << j))
			continue;
		int err = gather_journal(o, g, j, false);
		if (err)
			return err;
	}
	return 0;
}

static void took_block(struct outbox *o, struct block *b, size_t n)
{
	b->at += n;
	o->queued -= n;
	if (b->send) {
		o->queued_send -= n;
		o->sent_send += n;
	}
	if (b->at == b->len)
		block_free(o, b);
}

/* n bytes of what was gathered went out: moves blocks and cursors. */
static void took(struct outbox *o, const struct gather *g, size_t n)
{
	uint64_t send_was = o->sent_send;
	uint32_t flown = o->flight >= 0 ? o->flown : 0;
	size_t i = 0;

	o->bytes += n;
	for (; i < g->n && n >= iov[i].iov_len; i++) {
		n -= iov[i].iov_len;
		if (pieces[i].block)
			took_block(o, pieces[i].block, iov[i].iov_len);
		else
			o->messages++;
	}
	memcpy(o->at, g->end, sizeof o->at);
	bool was_flying = i == 0 && o->flight >= 0;
	o->flight = -1;
	o->flown = 0;
	if (i < g->n) {
		if (pieces[i].block) {
			took_block(o, pieces[i].block, n);
		} else if (n || was_flying) {
			o->flight = (int8_t)pieces[i].journal;
			o->flown = (uint32_t)n + (was_flying ? flown : 0);
		}
		/* Backwards, so that the first unsent one of each stands. */
		for (size_t k = g->n; k-- > i;)
			if (!pieces[k].block)
				o->at[pieces[k].journal] = pieces[k].at;
	}
	if (!o->pool)
		return;
	for (unsigned j = 0; j < FEED_JOURNALS; j++)
		if (o->at[j].chunk)
			publish(o, j, FEED_AT(o->at[j].seq, o->at[j].offset));
	if (o->sent_send != send_was)
		atomic_store_explicit(&o->pool->cursors->sent[o->slot],
		    o->sent_send, memory_order_release);
}

/*
 * False when the engine has used one of the chunks anew meanwhile: then what
 * went out may be anything.
 */
static bool all_stood(const struct gather *g)
{
	const struct feed_chunk *last = NULL;

	atomic_thread_fence(memory_order_acquire);
	for (size_t i = 0; i < g->n; i++) {
		const struct outbox_cursor *at = &pieces[i].at;

		if (pieces[i].block || at->chunk == last)
			continue;
		last = at->chunk;
		if (last->seq != at->seq)
			return false;
	}
	return true;
}

int outbox_write(struct outbox *o, int fd)
{
	struct gather g;
	ssize_t n;
	int err = gather(o, &g);

	if (err)
		return err;
	if (!g.n) {
		took(o, &g, 0);
		return OUTBOX_IDLE;
	}
	struct msghdr m = {.msg_iov = iov, .msg_iovlen = g.n};
	do
		n = sendmsg(fd, &m, MSG_NOSIGNAL | MSG_DONTWAIT);
	while (n < 0 && errno == EINTR);
	if (n < 0 && errno != EAGAIN)
		return -errno;
	if (n < 0)
		return OUTBOX_BLOCKED;
	bool stood = all_stood(&g);
	took(o, &g, (size_t)n);
	if (!stood)
		return -EPROTO;
	o->turn = (uint8_t)((o->turn + 1) % FEED_JOURNALS);
	if ((size_t)n < g.bytes)
		return OUTBOX_BLOCKED;
	return g.full ? OUTBOX_MORE : OUTBOX_IDLE;
}

bool outbox_wants(struct outbox *o)
{
	if (o->flight >= 0 || !list_empty(&o->blocks))
		return true;
	for (unsigned j = 0; o->reading && j < FEED_JOURNALS; j++) {
		struct iovec v;

		if (!(o->reading & 1u << j))
			continue;
		/* An entry that makes no sense is found by the write. */
		if (outbox_next_entry(o->pool, &o->at[j], j, o->slot, &v))
			return true;
		publish(o, j, FEED_AT(o->at[j].seq, o->at[j].offset));
	}
	return false;
}

bool outbox_goodbye(struct outbox *o, int fd, const void *last, size_t n)
{
	struct iovec v[2] = {{0}, {.iov_base = (void *)(uintptr_t)last}};
	struct block *b = NULL;
	struct iovec e;
	ssize_t rest = 0;

	v[1].iov_len = n;
	if (!list_empty(&o->blocks))
		b = list_entry(o->blocks.next, struct block, list);
	if (o->flight >= 0) {
		if (flight_entry(o, &e))
			return false;
		rest = outbox_message_rest(e.iov_base, e.iov_len, o->flown);
		v[0].iov_base = (uint8_t *)e.iov_base + o->flown;
	} else if (b && b->at) {
		rest = outbox_message_rest(b->data, b->len, b->at);
		v[0].iov_base = b->data + b->at;
	}
	if (rest < 0)
		return false;
	v[0].iov_len = (size_t)rest;
	struct msghdr m = {.msg_iov = v, .msg_iovlen = 2};
	ssize_t k = sendmsg(fd, &m, MSG_NOSIGNAL | MSG_DONTWAIT);
	if (k > 0)
		o->bytes += (uint64_t)k;
	return k == (ssize_t)((size_t)rest + n);
}

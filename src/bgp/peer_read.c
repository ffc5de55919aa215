/*
 * From a socket to whole messages.
 *
 * A session that is up is read straight into the engine's ring: a run of
 * whole messages becomes one record, UPDATEs and the KEEPALIVEs between them
 * as they came.  What else there is, and what comes before a session is up,
 * goes message by message through one buffer for all.
 *
 * What is left over, or refused by the ring, is kept with the peer, at most
 * PEER_STASH bytes.  Whoever finds the ring full waits in peers.readers; its
 * bytes stay in the kernel, and TCP slows the peer down.
 */
#include "bgp/peer_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define READ_SLICE_NS (4 * NS_PER_MS)
#define RUSH_NS (100 * NS_PER_MS) /* without anybody waiting: it is over */

static uint8_t buf[PEER_STASH + PEER_READ];

/* ---- turns -------------------------------------------------------------- */

void conn_unread(struct conn *c)
{
	c->paused = false;
	if (list_empty(&c->read))
		return;
	list_del(&c->read);
	c->ps->n_readers--;
}

static void join_rush(struct conn *c)
{
	if (c->rush != c->ps->rush)
		c->taken = 0;
	c->rush = c->ps->rush;
}

/*
 * Whoever has had least in this rush comes first.  So a peer with little to
 * say does not wait behind tables; and where many tables come in, nobody's is
 * far ahead of the others': the same prefixes come together, and what is told
 * to all changes less often.
 */
void conn_read_later(struct conn *c)
{
	struct peers *ps = c->ps;
	uint64_t now = loop_now(ps->loop);
	struct list *after = ps->readers.prev;

	if (!list_empty(&c->read))
		return;
	if (!ps->n_readers && now - ps->waited_ns > RUSH_NS)
		ps->rush++;
	ps->waited_ns = now;
	join_rush(c);
	while (after != &ps->readers &&
	       list_entry(after, struct conn, read)->taken > c->taken)
		after = after->prev;
	list_add_tail(after->next, &c->read);
	ps->n_readers++;
	loop_task_queue(ps->loop, &ps->read_task);
}

/* ---- pieces ------------------------------------------------------------- */

static void set_stash(struct conn *c, uint8_t *p, size_t n)
{
	c->ps->stashed += n;
	c->ps->stashed -= c->n_stash;
	if (c->stash != p)
		free(c->stash);
	c->stash = p;
	c->n_stash = n;
}

/* What was not used is kept for the next time. */
static void keep(struct conn *c, const uint8_t *p, size_t n)
{
	uint8_t *own = NULL;

	if (n) {
		own = malloc(n);
		if (!own) {
			struct bgp_notify cease = {.code = BGP_ERR_CEASE,
			    .subcode = BGP_CEASE_RESOURCES};

			conn_event(c, BGP_EV_STOP, &cease, "memory is out");
			return;
		}
		memcpy(own, p, n);
	}
	set_stash(c, own, n);
}

static size_t longest(const struct conn *c)
{
	return c->ours.extended ? BGP_MAX_EXTENDED : BGP_MAX;
}

/* Reads n bytes at most.  0: there is nothing, or the connection is over. */
static size_t receive(struct conn *c, uint8_t *to, size_t n)
{
	ssize_t k = recv(c->fd.fd, to, n, MSG_DONTWAIT);

	if (k < 0 && errno == EINTR)
		return 0;
	/* Less than asked for: that was all, until the next event. */
	if (k < (ssize_t)n && (k <= 0 || !c->ended))
		c->readable = false;
	if (k < 0 && errno == EAGAIN)
		return 0;
	if (k <= 0) {
		conn_event(c, BGP_EV_TCP_FAIL, NULL,
		    k ? strerror(errno) : "the peer closed the connection");
		return 0;
	}
	c->ps->bytes_in += (uint64_t)k;
	c->peer->bytes_in += (uint64_t)k;
	join_rush(c);
	c->taken += (uint64_t)k;
	return (size_t)k;
}

/* ---- message by message ------------------------------------------------- */

/*
 * Handles the whole messages in p.  Gives what it used of it; less than all
 * when the last one is incomplete or the ring is full (c->refused).
 */
static size_t take_messages(struct conn *c, const uint8_t *p, size_t n)
{
	size_t at = 0;

	c->refused = false;
	while (n - at >= BGP_HEADER && !c->dead && !c->lingering) {
		struct bgp_notify notify;
		enum bgp_type type;
		size_t len = bgp_header(p + at, longest(c), &type, &notify);

		if (!len) {
			conn_event(c, BGP_EV_HEADER_ERROR, &notify, "");
			break;
		}
		if (n - at < len)
			break;
		int r = conn_message(
		    c, type, p + at + BGP_HEADER, len - BGP_HEADER);
		if (r < 0)
			break;
		if (r > 0) {
			c->refused = c->paused = true;
			break;
		}
		at += len;
	}
	return at;
}

static bool is_over(const struct conn *c)
{
	return c->dead || c->lingering;
}

static void take_and_keep(struct conn *c, const uint8_t *p, size_t n)
{
	size_t used = take_messages(c, p, n);

	if (!is_over(c) && (used || p != c->stash))
		keep(c, p + used, n - used);
}

static void read_messages(struct conn *c)
{
	size_t had = c->n_stash;
	size_t n = receive(c, buf + had, PEER_READ);

	if (!n)
		return;
	if (had)
		memcpy(buf, c->stash, had);
	take_and_keep(c, buf, had + n);
}

static void linger(struct conn *c)
{
	ssize_t n = recv(c->fd.fd, buf, sizeof buf, MSG_DONTWAIT);

	if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
		conn_drop(c);
	else if (n < (ssize_t)sizeof buf && !c->ended)
		c->readable = false;
}

/* ---- runs --------------------------------------------------------------- */

struct messages {
	size_t bytes; /* up to the end of the last UPDATE */
	size_t seen;  /* and of the KEEPALIVEs behind it */
	uint32_t updates;
	uint32_t keepalives;
	bool other; /* what follows is whole, or wrong, and neither of them */
};

/* Measures the UPDATEs and KEEPALIVEs at the start of p. */
static void measure(
    const struct conn *c, const uint8_t *p, size_t n, struct messages *m)
{
	size_t max = longest(c);

	*m = (struct messages){0};
	while (n - m->seen >= BGP_HEADER) {
		struct bgp_notify notify;
		enum bgp_type type;
		size_t len = bgp_header(p + m->seen, max, &type, &notify);

		m->other =
		    !len || (type != BGP_UPDATE && type != BGP_KEEPALIVE);
		if (m->other || n - m->seen < len)
			return;
		m->seen += len;
		if (type == BGP_UPDATE) {
			m->bytes = m->seen;
			m->updates++;
		} else {
			m->keepalives++;
		}
	}
}

static void took(struct conn *c, const struct messages *m)
{
	struct peer *p = c->peer;

	p->messages_in += m->updates + m->keepalives;
	p->updates_in += m->updates;
	c->ps->updates_in += m->updates;
	if (m->updates)
		conn_event(c, BGP_EV_UPDATE, NULL, "");
	if (m->keepalives)
		conn_event(c, BGP_EV_KEEPALIVE, NULL, "");
}

/* From the socket into the ring.  The stash holds no whole message. */
static void read_run(struct conn *c)
{
	size_t had = c->n_stash;
	uint8_t *p = feed_reserve(c->ps, had + PEER_READ);
	struct messages m;

	c->paused = !p;
	if (!p)
		return;
	size_t n = receive(c, p + had, PEER_READ);
	if (!n)
		return;
	if (had)
		memcpy(p, c->stash, had);
	n += had;
	measure(c, p, n, &m);
	/* The rest must be out of the ring before the next record. */
	size_t rest = n - m.seen;
	if (m.other)
		memcpy(buf, p + m.seen, rest);
	else
		keep(c, p + m.seen, rest);
	if (is_over(c))
		return;
	if (m.updates)
		feed_commit(c->ps, c->peer, m.bytes);
	took(c, &m);
	if (m.other && !is_over(c)) {
		set_stash(c, NULL, 0);
		take_and_keep(c, buf, rest);
	}
}

/* ------------------------------------------------------------------------- */

static void read_once(struct conn *c)
{
	bool was_paused = c->paused;

	c->paused = false;
	/* While it waited it could not be heard. */
	if (!list_empty(&c->read))
		c->read_ns = loop_now(c->ps->loop);
	if (c->lingering)
		linger(c);
	else if (c->refused)
		take_and_keep(c, c->stash, c->n_stash);
	else if (c->state == BGP_ESTABLISHED)
		read_run(c);
	else
		read_messages(c);
	if (c->paused && !was_paused)
		c->ps->pauses++;
}

void conn_read(struct conn *c)
{
	struct peers *ps = c->ps;

	/* Others wait for the ring already: to the end of the queue. */
	if (ps->n_readers && c->state == BGP_ESTABLISHED) {
		conn_read_later(c);
		return;
	}
	read_once(c);
	if (!c->dead && (c->readable || c->refused))
		conn_read_later(c);
	if (ps->link_up)
		link_flush(ps->link, false);
}

/* One turn each, until the ring is full or it is time to look around. */
void conns_read(struct loop_task *t)
{
	struct peers *ps = list_entry(t, struct peers, read_task);
	uint64_t until = clock_now_ns() + READ_SLICE_NS;
	bool full = false;

	for (size_t n = ps->n_readers; n && ps->n_readers && !full; n--) {
		struct conn *c =
		    list_entry(ps->readers.next, struct conn, read);

		read_once(c);
		full = !c->dead && c->paused;
		if (full || c->dead)
			continue;
		conn_unread(c);
		if (c->readable || c->refused)
			conn_read_later(c);
		if (clock_now_ns() >= until)
			break;
	}
	if (ps->n_readers && !full)
		loop_task_queue(ps->loop, &ps->read_task);
	if (ps->link_up)
		link_flush(ps->link, false);
}

/*
 * From a socket to whole messages.  All peers are read into one buffer; what
 * is left over, or refused by the engine's ring, is kept with the peer, at
 * most PEER_STASH bytes.
 */
#include "bgp/peer_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

static uint8_t buf[PEER_STASH + PEER_READ];

static void set_stash(struct conn *c, uint8_t *p, size_t n)
{
	c->ps->stashed += n;
	c->ps->stashed -= c->n_stash;
	if (c->stash != p)
		free(c->stash);
	c->stash = p;
	c->n_stash = n;
}

static void pause_reading(struct conn *c)
{
	struct peers *ps = c->ps;

	if (c->paused)
		return;
	c->paused = true;
	list_add_tail(&ps->paused, &c->pause);
	ps->n_paused++;
	ps->pauses++;
	conn_watch(c);
}

static size_t longest(const struct conn *c)
{
	return c->ours.extended ? BGP_MAX_EXTENDED : BGP_MAX;
}

/*
 * Handles the whole messages in p.  Gives what it used of it; less than all
 * when the last one is incomplete or the ring is full (*ret_full).
 */
static size_t take_messages(
    struct conn *c, const uint8_t *p, size_t n, bool *ret_full)
{
	size_t at = 0;

	*ret_full = false;
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
			*ret_full = true;
			break;
		}
		at += len;
	}
	return at;
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

static void linger(struct conn *c)
{
	ssize_t n = recv(c->fd.fd, buf, sizeof buf, MSG_DONTWAIT);

	if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
		conn_drop(c);
}

void conn_read(struct conn *c)
{
	struct peers *ps = c->ps;
	size_t had = c->n_stash;
	bool full;

	if (c->lingering) {
		linger(c);
		return;
	}
	/* Others wait for the ring already: to the end of the queue. */
	if (ps->n_paused && c->state == BGP_ESTABLISHED) {
		pause_reading(c);
		return;
	}
	ssize_t k = recv(c->fd.fd, buf + had, PEER_READ, MSG_DONTWAIT);
	if (k < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (k <= 0) {
		conn_event(c, BGP_EV_TCP_FAIL, NULL,
		    k ? strerror(errno) : "the peer closed the connection");
		return;
	}
	if (had)
		memcpy(buf, c->stash, had);
	ps->bytes_in += (uint64_t)k;
	c->peer->bytes_in += (uint64_t)k;
	size_t n = had + (size_t)k;
	size_t used = take_messages(c, buf, n, &full);
	if (c->dead || c->lingering)
		return;
	keep(c, buf + used, n - used);
	if (full && !c->dead && !c->lingering)
		pause_reading(c);
	if (ps->link_up)
		link_flush(ps->link, false);
}

void conn_resume(struct conn *c)
{
	struct peers *ps = c->ps;
	bool full;

	c->paused = false;
	list_del(&c->pause);
	ps->n_paused--;
	/* It could not be heard meanwhile. */
	c->read_ns = loop_now(ps->loop);
	size_t used = take_messages(c, c->stash, c->n_stash, &full);
	if (c->dead || c->lingering)
		return;
	if (used)
		keep(c, c->stash + used, c->n_stash - used);
	if (c->dead || c->lingering)
		return;
	if (full)
		pause_reading(c);
	else
		conn_watch(c);
}

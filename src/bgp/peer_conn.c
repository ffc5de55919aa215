/* One TCP connection of a peer: its birth, its watching, its end. */
#include "bgp/peer_internal.h"

#include "base/must.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define LINGER_NS (2 * NS_PER_S)
#define LINGER_MAX 1024
#define WRITE_SLICE_NS (4 * NS_PER_MS)

static int socket_error(int fd)
{
	int err = 0;
	socklen_t n = sizeof err;

	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &n))
		return errno;
	return err;
}

static void connected(struct conn *c)
{
	int err = socket_error(c->fd.fd);

	if (err) {
		conn_event(c, BGP_EV_TCP_FAIL, NULL, strerror(err));
		return;
	}
	c->connecting = false;
	conn_opened(c);
}

/*
 * Events are edges, asked for once: nothing is said twice, so what they said
 * is kept until it is dealt with.
 */
static void conn_ready(struct loop_fd *f, uint32_t events)
{
	struct conn *c = list_entry(f, struct conn, fd);

	if (events & (EPOLLHUP | EPOLLERR | EPOLLRDHUP))
		c->ended = true;
	if (events & (EPOLLIN | EPOLLHUP | EPOLLERR | EPOLLRDHUP))
		c->readable = true;
	if (c->connecting && events & (EPOLLOUT | EPOLLHUP | EPOLLERR)) {
		connected(c);
		if (c->dead || c->connecting)
			return;
	}
	if ((c->parked && c->ended) ||
	    (c->paused && events & (EPOLLHUP | EPOLLERR))) {
		int err = socket_error(f->fd);

		conn_event(c, BGP_EV_TCP_FAIL, NULL,
		    err ? strerror(err) : "the peer closed the connection");
		return;
	}
	if (events & EPOLLOUT && c->blocked && !c->lingering)
		conn_flush(c);
	if (!c->dead && c->readable && !c->parked)
		conn_read(c);
}

int conn_new(
    struct peer *p, enum conn_side side, int fd, bool connecting, bool parked)
{
	struct peers *ps = p->ps;
	struct conn *c = calloc(1, sizeof *c);

	must(!p->conn[side]);
	if (!c) {
		close(fd);
		return -ENOMEM;
	}
	c->fd = (struct loop_fd){.fd = fd, .ready = conn_ready};
	c->fd.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;
	c->ps = ps;
	c->peer = p;
	c->side = side;
	c->connecting = connecting;
	c->parked = parked;
	c->state = connecting ? BGP_CONNECT : BGP_ACTIVE;
	c->hold.fire = conn_hold_fired;
	c->keepalive.fire = conn_keepalive_fired;
	c->send_hold.fire = conn_send_hold_fired;
	list_init(&c->mine);
	list_init(&c->read);
	list_init(&c->write);
	outbox_init(&c->out, p->slot);
	int err = loop_add(ps->loop, &c->fd);
	if (err) {
		close(fd);
		free(c);
		return err;
	}
	p->conn[side] = c;
	if (!connecting && !parked)
		conn_opened(c);
	return 0;
}

void conn_unpark(struct conn *c)
{
	if (!c->parked)
		return;
	c->parked = false;
	conn_opened(c);
	if (!c->dead && c->readable)
		conn_read_later(c);
}

/* ---- writing ------------------------------------------------------------ */

static void blocked(struct conn *c, bool now)
{
	struct peers *ps = c->ps;

	c->blocked = now;
	if (!now)
		loop_timer_stop(ps->loop, &c->send_hold);
	else if (ps->conf->exchange.send_hold_s &&
		 !loop_timer_on(&c->send_hold))
		loop_timer_set(ps->loop, &c->send_hold,
		    loop_now(ps->loop) +
			ps->conf->exchange.send_hold_s * NS_PER_S);
}

void conn_flush(struct conn *c)
{
	struct peers *ps = c->ps;
	uint64_t bytes = c->out.bytes;
	uint64_t messages = c->out.messages;
	int r = outbox_write(&c->out, c->fd.fd);

	bytes = c->out.bytes - bytes;
	if (bytes) {
		c->wrote_ns = c->moved_ns = loop_now(ps->loop);
		ps->bytes_out += bytes;
		c->peer->bytes_out += bytes;
		c->peer->messages_out += c->out.messages - messages;
		ps->moved = true;
	}
	list_del(&c->write);
	if (r == -EPROTO) {
		struct bgp_notify n = {
		    .code = BGP_ERR_CEASE, .subcode = BGP_CEASE_RESOURCES};

		conn_event(c, BGP_EV_STOP, &n, "a journal that makes no sense");
		return;
	}
	if (r < 0) {
		conn_event(c, BGP_EV_TCP_FAIL, NULL, strerror(-r));
		return;
	}
	if (r == OUTBOX_BLOCKED && !c->blocked)
		c->moved_ns = loop_now(ps->loop);
	blocked(c, r == OUTBOX_BLOCKED);
	if (r == OUTBOX_MORE) {
		list_add_tail(&ps->writers, &c->write);
		loop_task_queue(ps->loop, &ps->write_task);
	}
}

/* One turn each, round and round, until it is time to look around. */
void conns_write(struct loop_task *t)
{
	struct peers *ps = list_entry(t, struct peers, write_task);
	uint64_t until = clock_now_ns() + WRITE_SLICE_NS;

	while (!list_empty(&ps->writers)) {
		conn_flush(list_entry(ps->writers.next, struct conn, write));
		if (clock_now_ns() >= until)
			break;
	}
	if (!list_empty(&ps->writers))
		loop_task_queue(ps->loop, &ps->write_task);
}

/* ---- the end ------------------------------------------------------------ */

static void detach(struct conn *c)
{
	struct peers *ps = c->ps;

	loop_timer_stop(ps->loop, &c->hold);
	loop_timer_stop(ps->loop, &c->keepalive);
	loop_timer_stop(ps->loop, &c->send_hold);
	list_del(&c->write);
	list_del(&c->mine);
	conn_unread(c);
	if (c->lingering && --ps->n_lingering == 0 && ps->stopping)
		loop_timer_set(ps->loop, &ps->stop_timer, 1);
	c->lingering = false;
}

static void bury(struct conn *c)
{
	c->ps->stashed -= c->n_stash;
	c->n_stash = 0;
	c->dead = true;
	list_add_tail(&c->ps->graves, &c->mine);
	loop_task_queue(c->ps->loop, &c->ps->grave_task);
}

void conn_drop(struct conn *c)
{
	if (c->dead)
		return;
	detach(c);
	loop_del(c->ps->loop, &c->fd);
	close(c->fd.fd);
	bury(c);
}

void conns_bury(struct loop_task *t)
{
	struct peers *ps = list_entry(t, struct peers, grave_task);

	list_each(pos, tmp, &ps->graves)
	{
		struct conn *c = list_entry(pos, struct conn, mine);

		list_del(&c->mine);
		free(c->stash);
		free(c->their_open);
		free(c);
	}
}

static void linger_over(struct loop_timer *t)
{
	conn_drop(list_entry(t, struct conn, hold));
}

/*
 * A socket closed with unread data is reset, and the NOTIFICATION may be
 * lost with it: shut our side, and read on for a moment.
 */
static void linger(struct conn *c)
{
	struct peers *ps = c->ps;

	detach(c);
	c->blocked = false;
	shutdown(c->fd.fd, SHUT_WR);
	c->lingering = true;
	ps->n_lingering++;
	list_add_tail(&ps->lingering, &c->mine);
	c->hold.fire = linger_over;
	loop_timer_set(ps->loop, &c->hold, loop_now(ps->loop) + LINGER_NS);
	if (c->readable)
		conn_read_later(c);
}

/* Says n and closes. */
static void say_goodbye(struct conn *c, const struct bgp_notify *n)
{
	uint8_t last[BGP_HEADER + 2 + sizeof n->data];
	struct wr w = wr_from(last, sizeof last);
	bool said = false;

	bgp_notify_write(&w, n);
	if (wr_ok(&w))
		said = outbox_goodbye(&c->out, c->fd.fd, last, wr_len(&w));
	outbox_done(&c->out);
	if (said && c->ps->n_lingering < LINGER_MAX) {
		linger(c);
		return;
	}
	detach(c);
	loop_del(c->ps->loop, &c->fd);
	if (said)
		close(c->fd.fd);
	else
		tcp_abort(c->fd.fd); /* it takes nothing: free its queue */
	bury(c);
}

static bool is_hard(const struct bgp_notify *n)
{
	return n->code == BGP_ERR_CEASE && n->subcode == BGP_CEASE_HARD_RESET;
}

/* RFC 4724 s4.2, 8538 s4: may the routes outlive this end? */
static bool is_graceful(
    const struct conn *c, enum conn_end how, const struct bgp_notify *n)
{
	if (how == END_LOST || how == END_SILENT)
		return c->terms.graceful;
	return n && c->terms.graceful_notify && !is_hard(n);
}

/* A Cease by which the peer says that it goes, not that we erred. */
static bool is_leave(const struct bgp_notify *n)
{
	if (n->code != BGP_ERR_CEASE)
		return false;
	if (is_hard(n) && n->len >= 2)
		return n->data[0] == BGP_ERR_CEASE &&
		       (n->data[1] == BGP_CEASE_SHUTDOWN ||
			   n->data[1] == BGP_CEASE_RESET ||
			   n->data[1] == BGP_CEASE_CONFIG);
	return n->subcode == BGP_CEASE_SHUTDOWN ||
	       n->subcode == BGP_CEASE_RESET ||
	       n->subcode == BGP_CEASE_CONFIG ||
	       n->subcode == BGP_CEASE_COLLISION;
}

/* It took our capabilities amiss: the next OPEN has none (RFC 5492 s3). */
static bool wants_plain(
    const struct conn *c, enum bgp_state was, const struct bgp_notify *n)
{
	return was == BGP_OPENSENT && n->code == BGP_ERR_OPEN &&
	       (n->subcode == 4 || n->subcode == 7) && c->ours.mp;
}

/* What the end costs: how long until the next try.  up_ns: 0: never up. */
static void charge(struct conn *c, enum bgp_state was, enum conn_end how,
    const struct bgp_notify *n, uint64_t up_ns)
{
	struct peer *p = c->peer;
	bool error = how == END_FAULT;

	if (how == END_ADMIN || how == END_SILENT || c->connecting)
		return;
	/* It does not want to speak yet, as if nobody listened. */
	if (how == END_LOST && was <= BGP_OPENSENT) {
		peer_retry_soon(p);
		return;
	}
	if (how == END_TOLD && !up_ns && n->code == BGP_ERR_CEASE &&
	    n->subcode == BGP_CEASE_COLLISION)
		return;
	if (how == END_TOLD)
		error = !is_leave(n);
	if (how == END_TOLD && wants_plain(c, was, n)) {
		p->plain = true;
		error = false;
	} else if (!up_ns) {
		p->plain = false;
	}
	peer_backoff_fail(&p->backoff, loop_now(p->ps->loop), up_ns, error,
	    p->ps->conf->exchange.back_off_s * 1000u, peers_random(p->ps));
}

static void note(struct conn *c, enum conn_end how, const struct bgp_notify *n,
    const char *text)
{
	char what[PEER_TEXT];

	if (!n) {
		peer_note(c->peer, "%s", text);
		return;
	}
	bgp_notify_format(n, what, sizeof what);
	peer_note(c->peer, "%s %s%s%s", how == END_TOLD ? "received" : "sent",
	    what, text[0] ? ": " : "", text);
}

static uint8_t feed_end_of(enum conn_end how, const struct bgp_notify *n)
{
	if (how == END_TOLD)
		return FEED_END_TOLD;
	if (how == END_LOST)
		return FEED_END_LOST;
	return n ? FEED_END_SENT : FEED_END_SILENT;
}

/* The session is over: the engine is told, the figures are kept. */
static uint64_t session_ends(
    struct conn *c, enum conn_end how, const struct bgp_notify *n)
{
	struct peer *p = c->peer;
	struct peers *ps = p->ps;
	struct feed_down down;
	uint64_t up_ns = loop_now(ps->loop) - p->up_ns;

	/* Padding goes over the link too. */
	memset(&down, 0, sizeof down);
	down.kind =
	    is_graceful(c, how, n) ? FEED_DOWN_GRACEFUL : FEED_DOWN_HARD;
	down.end = feed_end_of(how, n);
	if (n)
		down.notify = *n;
	feed_put(ps, p->slot, p->incarnation, FEED_DOWN, &down, sizeof down);
	p->up = NULL;
	p->up_ns = 0;
	p->flaps++;
	ps->n_ups--;
	return up_ns ? up_ns : 1;
}

void conn_end(struct conn *c, enum bgp_state was, enum conn_end how,
    const struct bgp_notify *n, const char *text)
{
	struct peer *p = c->peer;
	bool was_up = p->up == c;
	bool other = !was_up && n && n->code == BGP_ERR_CEASE &&
		     n->subcode == BGP_CEASE_COLLISION;
	bool quiet = c->connecting || how == END_SILENT || other;
	uint64_t up_ns = 0;

	if (was_up)
		up_ns = session_ends(c, how, n);
	charge(c, was, how, n, up_ns);
	if (!other) /* a collision is no error: the other one goes on */
		note(c, how, n, text);
	p->conn[c->side] = NULL;
	if (n && how != END_TOLD) {
		say_goodbye(c, n);
	} else {
		outbox_done(&c->out);
		conn_drop(c);
	}
	c->peer = NULL;
	if (was_up)
		peers_tell(p->ps, PEERS_DOWN, p, "%s", p->error);
	else if (!quiet)
		peers_tell(p->ps, PEERS_FAILED, p, "%s", p->error);
	peer_start(p);
}

/* The state machine at work: messages and timers of one connection. */
#include "bgp/internal.h"
#include "bgp/peer_internal.h"

#include "base/must.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define OPEN_HOLD_NS (240 * NS_PER_S) /* RFC 4271 s8: the large hold timer */
#define RETRY_NS NS_PER_S
#define SETTLED_NS (5 * NS_PER_S)

/* ---- what is sent ------------------------------------------------------- */

static void queue(struct conn *c, const uint8_t *message, size_t n)
{
	/* A few bytes at a boundary; a peer that takes nothing is dropped by
	 * its send-hold timer. */
	if (outbox_queue(&c->out, message, n, false) == 0 && !c->blocked)
		conn_flush(c);
}

static void send_open(struct conn *c)
{
	uint8_t message[512]; /* one parameter at most */
	struct wr w = wr_from(message, sizeof message);
	struct peer *p = c->peer;
	struct peer_manner how = {
	    .restarting = p->restart_until_ns > loop_now(c->ps->loop),
	    .plain = p->plain,
	};

	peer_offer(&c->ps->conf->exchange, p->member, &how, &c->ours);
	bgp_open_write(&w, &c->ours);
	queue(c, message, wr_len(&w));
}

static void send_keepalive(struct conn *c)
{
	uint8_t message[BGP_HEADER];
	struct wr w = wr_from(message, sizeof message);

	bgp_keepalive_write(&w);
	queue(c, message, wr_len(&w));
}

/* ---- timers -------------------------------------------------------------- */

static uint64_t hold_ns(const struct conn *c)
{
	return c->state == BGP_OPENSENT ? OPEN_HOLD_NS
					: c->terms.hold_s * NS_PER_S;
}

/* A third of the hold time, RFC 4271 s4.4; 0.75 to 1.0 of it, s10. */
static uint64_t keepalive_ns(struct conn *c)
{
	uint64_t ns = c->terms.hold_s * NS_PER_S / 3;

	return ns - ns / 4 * (peers_random(c->ps) & 255) / 255;
}

static void arm_hold(struct conn *c)
{
	struct loop *l = c->ps->loop;
	uint64_t ns = hold_ns(c);

	c->read_ns = loop_now(l);
	if (ns)
		loop_timer_set(l, &c->hold, c->read_ns + ns);
	else
		loop_timer_stop(l, &c->hold);
}

static void arm_keepalive(struct conn *c)
{
	uint64_t ns = keepalive_ns(c);

	if (ns)
		loop_timer_set(
		    c->ps->loop, &c->keepalive, loop_now(c->ps->loop) + ns);
}

void conn_hold_fired(struct loop_timer *t)
{
	struct conn *c = list_entry(t, struct conn, hold);
	struct loop *l = c->ps->loop;
	uint64_t due = c->read_ns + hold_ns(c);
	uint8_t one;

	/* While we do not listen, nobody can be found silent. */
	if (!list_empty(&c->read))
		due = loop_now(l) + hold_ns(c);
	if (due > loop_now(l)) {
		loop_timer_set(l, t, due);
		return;
	}
	if (recv(c->fd.fd, &one, 1, MSG_PEEK | MSG_DONTWAIT) > 0) {
		/* It spoke; it is we who are late. */
		loop_timer_set(l, t, loop_now(l) + RETRY_NS);
		return;
	}
	conn_event(c, BGP_EV_HOLD_EXPIRED, NULL, "");
}

/*
 * The socket's buffer may hold what a peer that reads nothing is sent for
 * longer than the send-hold time: ask TCP what has arrived.
 */
static bool takes_nothing(struct conn *c)
{
	uint64_t now = loop_now(c->ps->loop);
	uint64_t hold = c->ps->conf->exchange.send_hold_s * NS_PER_S;
	uint64_t acked;
	bool waits;

	if (!hold || c->state != BGP_ESTABLISHED ||
	    tcp_acked(c->fd.fd, &acked, &waits))
		return false;
	if (waits && c->acked_ns && acked == c->acked)
		return now - c->acked_ns >= hold;
	c->acked = acked;
	c->acked_ns = now;
	return false;
}

void conn_keepalive_fired(struct loop_timer *t)
{
	struct conn *c = list_entry(t, struct conn, keepalive);
	uint64_t due = c->wrote_ns + keepalive_ns(c);

	if (takes_nothing(c)) {
		conn_event(c, BGP_EV_SEND_HOLD_EXPIRED, NULL, "");
		return;
	}

	/* An UPDATE does as well; a full socket holds enough. */
	if (due > loop_now(c->ps->loop) + NS_PER_S)
		loop_timer_set(c->ps->loop, t, due);
	else if (c->blocked)
		arm_keepalive(c);
	else
		conn_event(c, BGP_EV_KEEPALIVE_EXPIRED, NULL, "");
}

void conn_send_hold_fired(struct loop_timer *t)
{
	struct conn *c = list_entry(t, struct conn, send_hold);
	struct loop *l = c->ps->loop;
	uint64_t due =
	    c->moved_ns + c->ps->conf->exchange.send_hold_s * NS_PER_S;

	if (!c->ps->conf->exchange.send_hold_s)
		return; /* switched off meanwhile */
	if (due > loop_now(l))
		loop_timer_set(l, t, due);
	else
		conn_event(c, BGP_EV_SEND_HOLD_EXPIRED, NULL, "");
}

/* ---- actions --------------------------------------------------------------
 */

/* The messages themselves: monitoring stations want them (RFC 7854 s4.10). */
static void tell_opens(struct conn *c)
{
	static uint8_t data[sizeof(struct feed_opens) + 512 + BGP_MAX];
	const struct peer *p = c->peer;
	struct feed_opens o = {0};
	struct wr w = wr_from(data, sizeof data);

	tcp_ports(c->fd.fd, &o.local_port, &o.remote_port);
	(void)wr_take(&w, sizeof o);
	bgp_open_write(&w, &c->ours);
	o.n_sent = (uint16_t)(wr_len(&w) - sizeof o);
	uint8_t *theirs = w.p;
	uint8_t *field = bgp_message_open(&w, BGP_OPEN);
	wr_bytes(&w, c->their_open, c->n_their_open);
	bgp_message_close(&w, field);
	must(wr_ok(&w));
	o.n_received = (uint16_t)(w.p - theirs);
	memcpy(data, &o, sizeof o);
	feed_put(c->ps, p->slot, p->incarnation, FEED_OPENS, data, wr_len(&w));
}

static void tell_engine(struct conn *c)
{
	const struct peer *p = c->peer;
	const struct peer_terms *t = &c->terms;
	struct feed_up up;

	/* Padding goes over the link too. */
	memset(&up, 0, sizeof up);
	up.peer = p->addr;
	up.local = c->local;
	up.asn = p->asn;
	up.id = c->theirs.id;
	up.hold_s = t->hold_s;
	up.open = c->theirs;
	up.families = t->families;
	up.add_path_rx = t->add_path_rx;
	up.add_path_tx = t->add_path_tx;
	up.next_hop6 = t->next_hop6;
	up.as4 = t->as4;
	up.extended = t->extended;
	up.refresh = t->refresh;
	up.enhanced_refresh = t->enhanced_refresh;
	feed_put(c->ps, p->slot, p->incarnation, FEED_UP, &up, sizeof up);
	tell_opens(c);
}

static void collide(struct conn *c)
{
	static const struct bgp_notify cease = {
	    .code = BGP_ERR_CEASE, .subcode = BGP_CEASE_COLLISION};

	conn_event(c, BGP_EV_COLLISION, &cease, "");
}

static void establish(struct conn *c)
{
	struct peer *p = c->peer;
	struct peers *ps = c->ps;
	struct conn *other =
	    p->conn[c->side == CONN_OURS ? CONN_THEIRS : CONN_OURS];

	must(!p->up);
	p->up = c;
	p->up_ns = loop_now(ps->loop);
	p->incarnation = ++ps->incarnation[p->slot];
	p->restart_until_ns = 0; /* R was said once */
	loop_timer_stop(ps->loop, &p->retry);
	outbox_attach(&c->out, &ps->pool);
	list_add_tail(&ps->ups, &c->mine);
	ps->n_ups++;
	arm_hold(c);
	tell_engine(c);
	if (other)
		collide(other);
	peers_tell(ps, PEERS_UP, p, "hold %u s%s%s%s", c->terms.hold_s,
	    c->terms.families & BGP_FAMILY(FAMILY_IPV4) ? ", ipv4" : "",
	    c->terms.families & BGP_FAMILY(FAMILY_IPV6) ? ", ipv6" : "",
	    c->terms.graceful ? ", graceful restart" : "");
}

static enum conn_end end_of(enum bgp_event ev)
{
	switch (ev) {
	case BGP_EV_TCP_FAIL:
		return END_LOST;
	case BGP_EV_NOTIFICATION:
		return END_TOLD;
	case BGP_EV_STOP:
	case BGP_EV_COLLISION:
		return END_ADMIN;
	case BGP_EV_DROP:
		return END_SILENT;
	default:
		return END_FAULT;
	}
}

/* The actions that end the connection. */
static void finish(struct conn *c, enum bgp_state was, enum bgp_action act,
    enum bgp_event ev, const struct bgp_notify *n, const char *text)
{
	struct bgp_notify own = {0};

	switch (act) {
	case BGP_ACT_HOLD_ERROR:
		own.code = BGP_ERR_HOLD;
		n = &own;
		break;
	case BGP_ACT_SEND_HOLD_ERROR:
		own.code = BGP_ERR_SEND_HOLD;
		n = &own;
		break;
	case BGP_ACT_FSM_ERROR:
		own.code = BGP_ERR_FSM;
		own.subcode = bgp_fsm_subcode(was);
		if (!text[0])
			text = bgp_event_name(ev);
		n = &own;
		break;
	case BGP_ACT_CEASE:
	case BGP_ACT_NOTIFY:
		break;
	default:
		/* without a word; what the peer said is noted */
		if (ev != BGP_EV_NOTIFICATION)
			n = NULL;
		break;
	}
	conn_end(c, was, end_of(ev), n, text);
}

void conn_event(struct conn *c, enum bgp_event ev, const struct bgp_notify *n,
    const char *text)
{
	enum bgp_state was = c->state;
	struct bgp_step step;

	if (c->dead || c->lingering)
		return;
	step = bgp_fsm(was, ev);
	c->state = step.next;
	switch (step.action) {
	case BGP_ACT_IGNORE:
		break;
	case BGP_ACT_SEND_OPEN:
		arm_hold(c);
		send_open(c);
		break;
	case BGP_ACT_SEND_KEEPALIVE:
		arm_hold(c);
		arm_keepalive(c);
		send_keepalive(c);
		break;
	case BGP_ACT_ESTABLISH:
		establish(c);
		break;
	case BGP_ACT_KEEPALIVE:
		arm_keepalive(c);
		send_keepalive(c);
		break;
	case BGP_ACT_RESTART_HOLD:
	case BGP_ACT_UPDATE:
	case BGP_ACT_REFRESH:
		c->read_ns = loop_now(c->ps->loop);
		break;
	default:
		finish(c, was, (enum bgp_action)step.action, ev, n, text);
		break;
	}
}

void conn_event_hard(struct conn *c, enum bgp_event ev,
    const struct bgp_notify *n, const char *text)
{
	struct bgp_notify hard = *n;

	if (c->state == BGP_ESTABLISHED && c->terms.graceful_notify)
		hard = bgp_notify_hard(n);
	conn_event(c, ev, &hard, text);
}

void conn_opened(struct conn *c)
{
	if (tcp_local(c->fd.fd, &c->local)) {
		conn_event(c, BGP_EV_TCP_FAIL, NULL, "no local address");
		return;
	}
	conn_event(c, BGP_EV_TCP_OPEN, NULL, "");
}

/* ---- messages --------------------------------------------------------------
 */

/*
 * RFC 4271 s6.8: of two connections the one of the higher identifier stays.
 * One that is Established stays, unless the peer has lost it (RFC 4724 s5).
 * False when c is the one that goes.
 */
static bool survives(struct conn *c, const struct bgp_open *theirs)
{
	struct peer *p = c->peer;
	struct conn *other =
	    p->conn[c->side == CONN_OURS ? CONN_THEIRS : CONN_OURS];

	if (!other || other->state < BGP_OPENCONFIRM)
		return true;
	if (other->state == BGP_ESTABLISHED) {
		bool settled = loop_now(c->ps->loop) - p->up_ns > SETTLED_NS;

		if (!other->terms.graceful || !settled)
			return false;
		peer_anew(p);
		return true;
	}
	bool ours = peer_ours_wins(&c->ours, theirs);
	if (ours != (c->side == CONN_OURS))
		return false;
	collide(other);
	return true;
}

static void keep_open(struct conn *c, struct rd body)
{
	size_t n = rd_left(&body);

	free(c->their_open);
	c->their_open = malloc(n);
	must(c->their_open);
	rd_copy(&body, c->their_open, n);
	c->n_their_open = n;
}

static void on_open(struct conn *c, struct rd body)
{
	struct rd message = body;
	struct bgp_open theirs;
	struct peer_terms terms;
	struct bgp_notify n;

	if (c->state == BGP_OPENSENT) {
		if (bgp_open_parse(body, &theirs, &n) ||
		    peer_agree(&c->ours, &theirs, c->peer->asn,
			c->peer->member->strict_role, &terms, &n)) {
			conn_event(c, BGP_EV_OPEN_ERROR, &n, "");
			return;
		}
		if (!survives(c, &theirs)) {
			collide(c);
			return;
		}
		c->theirs = theirs;
		c->terms = terms;
		keep_open(c, message);
	}
	conn_event(c, BGP_EV_OPEN, NULL, "");
}

/* True when the engine's ring took it, or it is not for the engine. */
static bool on_refresh(struct conn *c, struct rd body)
{
	struct bgp_refresh r;
	struct bgp_notify n;
	struct peer *p = c->peer;

	if (c->state == BGP_ESTABLISHED) {
		if (bgp_refresh_parse(body, &r, &n)) {
			conn_event(c, BGP_EV_REFRESH_ERROR, &n, "");
			return true;
		}
		/* Families and markers that were not agreed are ignored
		 * (RFC 2918 s4, 7313 s3.2). */
		if (r.family < FAMILY_COUNT &&
		    c->terms.families & BGP_FAMILY(r.family) &&
		    (r.subtype == 0 || c->terms.enhanced_refresh) &&
		    !feed_try(c->ps, p, FEED_REFRESH, &r, sizeof r))
			return false;
	}
	conn_event(c, BGP_EV_REFRESH, NULL, "");
	return true;
}

int conn_message(
    struct conn *c, enum bgp_type type, const uint8_t *body, size_t n)
{
	struct peers *ps = c->ps;
	struct peer *p = c->peer;
	struct bgp_notify note;

	switch (type) {
	case BGP_UPDATE:
		if (c->state == BGP_ESTABLISHED &&
		    !feed_try(ps, p, FEED_UPDATE, body, n))
			return 1;
		p->updates_in++;
		ps->updates_in++;
		conn_event(c, BGP_EV_UPDATE, NULL, "");
		break;
	case BGP_ROUTE_REFRESH:
		if (!on_refresh(c, rd_from(body, n)))
			return 1;
		break;
	case BGP_OPEN:
		on_open(c, rd_from(body, n));
		break;
	case BGP_NOTIFICATION:
		bgp_notify_parse(rd_from(body, n), &note);
		conn_event(c, BGP_EV_NOTIFICATION, &note, "");
		break;
	case BGP_KEEPALIVE:
		conn_event(c, BGP_EV_KEEPALIVE, NULL, "");
		break;
	}
	p->messages_in++;
	return c->dead || c->lingering ? -1 : 0;
}

/* How a peer comes to a connection: the next try, or one that is accepted. */
#include "bgp/peer_internal.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#define FIRST_NS (500 * NS_PER_MS) /* spreads the start of many */
#define SOON_NS (5 * NS_PER_S)
#define PARK_NS (30 * NS_PER_S) /* longer waits refuse a connection */

const char *peer_idle_why(const struct peer *p)
{
	if (p->ps->stopping)
		return "the exchange stops";
	if (p->member->shutdown)
		return "the member is shut down";
	if (!feed_ready(p->ps))
		return "the engine is not there";
	return NULL;
}

static bool waits(const struct peer *p)
{
	return p->backoff.until_ns > loop_now(p->ps->loop);
}

static void retry_at(struct peer *p, uint64_t at_ns)
{
	loop_timer_set(p->ps->loop, &p->retry, at_ns);
}

/* A period with jitter, RFC 4271 s10: 0.75 to 1.0 of it. */
static uint64_t jittered(struct peers *ps, uint64_t ns)
{
	return ns - ns / 4 * (peers_random(ps) & 255) / 255;
}

void peer_start(struct peer *p)
{
	struct peers *ps = p->ps;

	if (peer_idle_why(p)) {
		loop_timer_stop(ps->loop, &p->retry);
		return;
	}
	if (p->up)
		return;
	if (waits(p)) {
		retry_at(p, p->backoff.until_ns);
		return;
	}
	p->held = false;
	/* It connected while there was no engine, or sooner than it may. */
	if (p->conn[CONN_THEIRS])
		conn_unpark(p->conn[CONN_THEIRS]);
	if (p->up || p->conn[CONN_OURS])
		return;
	if (!loop_timer_on(&p->retry))
		retry_at(p, loop_now(ps->loop) + peers_random(ps) % FIRST_NS);
}

void peer_retry_soon(struct peer *p)
{
	struct peers *ps = p->ps;
	uint64_t at = loop_now(ps->loop) + jittered(ps, SOON_NS);

	if (loop_timer_on(&p->retry) && p->retry.due_ns > at)
		retry_at(p, at);
}

/*
 * The address we speak from: one of the peer's LAN, or else the first of its
 * family.
 */
static const struct ip *local_for(const struct peer *p)
{
	const struct conf_exchange *x = &p->ps->conf->exchange;
	const struct ip *best = NULL;

	for (size_t i = 0; i < x->n_listen; i++) {
		if (x->listen[i].family != p->addr.family)
			continue;
		if (!best)
			best = &x->listen[i];
		for (size_t k = 0; k < x->n_lan; k++)
			if (prefix_contains(&x->lan[k], &p->addr) &&
			    prefix_contains(&x->lan[k], &x->listen[i]))
				return &x->listen[i];
	}
	return best;
}

static struct tcp_manner manner(const struct peer *p)
{
	return (struct tcp_manner){
	    .password = p->at->password,
	    .gtsm = p->at->gtsm,
	    .send_buffer = PEER_SNDBUF,
	};
}

static void try_connect(struct peer *p)
{
	struct tcp_manner how = manner(p);
	const struct ip *local = local_for(p);

	if (!local) {
		peer_note(p, "connect: no listen address of its family");
		return;
	}
	int fd = tcp_connect(local, &p->addr, p->at->port, &how);
	if (fd >= 0)
		fd = conn_new(p, CONN_OURS, fd, true, false);
	if (fd >= 0)
		return;
	peer_note(p, "connect: %s", strerror(-fd));
	/* Not the peer's doing: an address or a descriptor is missing. */
	if (fd != -ENETUNREACH && fd != -EHOSTUNREACH && fd != -ECONNREFUSED)
		peers_tell(p->ps, PEERS_TROUBLE, p, "%s", p->error);
}

void peer_retry_fired(struct loop_timer *t)
{
	struct peer *p = list_entry(t, struct peer, retry);
	struct peers *ps = p->ps;
	uint64_t again = ps->conf->exchange.connect_retry_s * NS_PER_S;

	if (p->up || peer_idle_why(p))
		return;
	if (waits(p)) {
		peer_start(p);
		return;
	}
	p->held = false;
	/* Set first: what follows may set it anew. */
	retry_at(p, loop_now(ps->loop) + jittered(ps, again));
	if (p->conn[CONN_THEIRS]) {
		conn_unpark(p->conn[CONN_THEIRS]);
		return;
	}
	struct conn *ours = p->conn[CONN_OURS];
	if (ours && !ours->connecting)
		return;
	if (ours)
		conn_event(ours, BGP_EV_TCP_FAIL, NULL, "connect: timed out");
	if (!p->at->passive && !p->conn[CONN_OURS])
		try_connect(p);
}

/* As after any other loss of a session: who does it in a loop waits. */
void peer_anew(struct peer *p)
{
	uint64_t now = loop_now(p->ps->loop);
	uint64_t up_ns = now - p->up_ns;

	peer_backoff_fail(&p->backoff, now, up_ns ? up_ns : 1, false,
	    p->ps->conf->exchange.back_off_s * 1000u, peers_random(p->ps));
	conn_event(p->up, BGP_EV_DROP, NULL,
	    "the peer connected anew (graceful restart)");
}

/* Makes way for a new connection of the peer, or does not. */
static bool make_way(struct peer *p)
{
	struct conn *old = p->conn[CONN_THEIRS];

	if (!old)
		return true;
	/* An end that restarted does not know of the old one. */
	if (old->state < BGP_OPENCONFIRM) {
		conn_event(old, BGP_EV_DROP, NULL, "replaced by a newer one");
		return true;
	}
	/* RFC 4724 s5: it takes the place of one that is dead. */
	if (p->up == old && old->terms.graceful) {
		peer_anew(p);
		return true;
	}
	return false;
}

static void tell_refused(const struct peer *p)
{
	uint64_t left_ns = p->backoff.until_ns - loop_now(p->ps->loop);

	if (waits(p))
		peers_tell(p->ps, PEERS_REFUSED, p,
		    "it waits %u s more, because of: %s",
		    (unsigned)(left_ns / NS_PER_S + 1),
		    p->held ? p->why : p->error);
	else
		peers_tell(p->ps, PEERS_REFUSED, p, "%s",
		    peer_idle_why(p) ? peer_idle_why(p) : "");
}

void peers_accepted(void *arg, int fd, const struct ip *from)
{
	struct peers *ps = arg;
	unsigned owner = conf_instance(from, ps->instances);

	if (owner == ps->instance || !conf_find(ps->conf, from, NULL))
		peers_take(ps, fd, from);
	else
		ps->ops->pass(ps->arg, owner, fd, from);
}

void peers_take(struct peers *ps, int fd, const struct ip *from)
{
	struct peer *p = peers_find(ps, from);
	uint64_t now = loop_now(ps->loop);

	if (!p) {
		ps->strangers++;
		ps->ops->event(ps->arg, PEERS_STRANGER, from, 0, "");
		close(fd);
		return;
	}
	bool far = waits(p) && p->backoff.until_ns - now > PARK_NS;
	bool engine = feed_ready(ps);
	if ((engine && peer_idle_why(p)) || p->member->shutdown ||
	    ps->stopping || (waits(p) && p->held) || far) {
		tell_refused(p);
		close(fd);
		return;
	}
	struct tcp_manner how = manner(p);
	int ttl = how.gtsm ? tcp_syn_ttl(fd) : -1;
	if (ttl >= 0 && ttl < 255) {
		peers_tell(ps, PEERS_REFUSED, p,
		    "GTSM: it came with a TTL of %d, from further away", ttl);
		close(fd);
		return;
	}
	int err = tcp_prepare(fd, &p->addr, &how);
	if (err) {
		peers_tell(ps, PEERS_TROUBLE, p, "socket: %s", strerror(-err));
		close(fd);
		return;
	}
	if (!make_way(p)) {
		close(fd);
		return;
	}
	err = conn_new(p, CONN_THEIRS, fd, false, waits(p) || !engine);
	if (err)
		peers_tell(ps, PEERS_TROUBLE, p, "socket: %s", strerror(-err));
}

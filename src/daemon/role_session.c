/*
 * The session role: speaks BGP with the members (bgp/peer.h).  Holds their
 * sockets, sees no route.
 */
#include "daemon/session.h"

#include "base/clock.h"
#include "base/log.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#define BURST 50 /* lines of one kind at once */

static const struct {
	const char *name;
	enum log_level level;
} events[] = {
    [PEERS_UP] = {"session_up", LOG_LEVEL_INFO},
    [PEERS_DOWN] = {"session_down", LOG_LEVEL_WARN},
    [PEERS_FAILED] = {"session_failed", LOG_LEVEL_WARN},
    [PEERS_STRANGER] = {"stranger_refused", LOG_LEVEL_WARN},
    [PEERS_REFUSED] = {"session_refused", LOG_LEVEL_INFO},
    [PEERS_TROUBLE] = {"trouble", LOG_LEVEL_ERROR},
    [PEERS_ENGINE] = {"engine_link_ended", LOG_LEVEL_WARN},
};

static struct log_limit limits[ARRAY_SIZE(events)];

static void on_event(void *arg, enum peers_event what, const struct ip *peer,
    uint32_t asn, const char *text)
{
	char ip[IP_TEXT] = "";
	char quoted[400];
	unsigned dropped;

	(void)arg;
	if (!log_allowed(&limits[what], BURST, &dropped))
		return;
	if (dropped)
		log_warn("lines_left_out", "event=%s count=%u",
		    events[what].name, dropped);
	if (peer)
		ip_format(peer, ip);
	log_quote(quoted, sizeof quoted, text);
	if (asn)
		log_event(events[what].level, events[what].name,
		    "peer=%s asn=%u info=%s", ip, asn, quoted);
	else if (peer)
		log_event(events[what].level, events[what].name, "peer=%s", ip);
	else
		log_event(
		    events[what].level, events[what].name, "info=%s", quoted);
}

static void on_blame(void *arg, const struct ip *peer)
{
	struct session *s = arg;

	role_blame(s->env, 0, peer);
}

/* ---- other instances ---------------------------------------------------- */

enum {
	PASS = 1 /* data: struct ip; fd: a connection of that peer */
};

static void on_pass(void *arg, unsigned to, int fd, const struct ip *peer)
{
	struct session *s = arg;
	int sock = s->sibling[to].fd.fd;

	/* A peer whose instance is down or busy finds us closed. */
	if (sock < 0 || msg_send(sock, PASS, 0, peer, sizeof *peer, &fd, 1))
		log_warn("connection_not_passed", "instance=%u", to + 1);
	close(fd);
}

static void drop_sibling(struct sibling *b)
{
	if (b->fd.fd < 0)
		return;
	loop_del(b->session->env->loop, &b->fd);
	close(b->fd.fd);
	b->fd.fd = -1;
}

static void sibling_ready(struct loop_fd *f, uint32_t what)
{
	struct sibling *b = list_entry(f, struct sibling, fd);
	static struct msg m;
	struct ip peer;

	(void)what;
	for (;;) {
		int n = msg_recv(f->fd, &m);

		if (n == 0)
			return;
		if (n < 0) {
			drop_sibling(b);
			return;
		}
		if (m.type == PASS && m.len == sizeof peer && m.n_fds == 1) {
			memcpy(&peer, m.data, sizeof peer);
			peers_take(b->session->peers, m.fds[0], &peer);
			m.n_fds = 0;
		}
		msg_close_fds(&m);
	}
}

static int take_sibling(struct session *s, unsigned index, int sock)
{
	struct sibling *b = &s->sibling[index];

	drop_sibling(b);
	b->fd = (struct loop_fd){
	    .fd = sock, .events = EPOLLIN, .ready = sibling_ready};
	return loop_add(s->env->loop, &b->fd);
}

static const struct peers_ops ops = {
    .event = on_event, .blame = on_blame, .pass = on_pass};

static bool before_sleep(void *arg)
{
	struct session *s = arg;
	bool engine = peers_sleep(s->peers);
	bool api = session_api_sleep(s);

	return engine && api;
}

static void after_sleep(void *arg)
{
	struct session *s = arg;

	peers_wake(s->peers);
	session_api_wake(s);
}

/* Two sockets a peer at most, and the links. */
static void raise_limits(void)
{
	struct rlimit r;

	if (getrlimit(RLIMIT_NOFILE, &r))
		return;
	r.rlim_cur = r.rlim_max;
	setrlimit(RLIMIT_NOFILE, &r);
}

static int start(struct role_env *e, const struct role_conf *rc)
{
	struct session *s = calloc(1, sizeof *s);

	if (!s)
		return -ENOMEM;
	raise_limits();
	s->env = e;
	s->started_ns = clock_now_ns();
	list_init(&s->queries);
	for (unsigned i = 0; i < CONF_SESSIONS; i++)
		s->sibling[i] = (struct sibling){.session = s, .fd.fd = -1};
	int err = peers_new(
	    e->loop, &ops, s, e->conf, e->index, rc->restarting, &s->peers);
	if (err) {
		free(s);
		return err;
	}
	e->state = s;
	loop_on_sleep(e->loop, before_sleep, after_sleep, s);
	return 0;
}

static void reload(struct role_env *e, const struct conf *old)
{
	struct session *s = e->state;

	peers_apply(s->peers, old, e->conf);
}

static void take_listen(struct role_env *e, const int *fds, int n)
{
	struct session *s = e->state;

	peers_listen(s->peers, fds, n);
}

static int take_one(struct session *s, struct role_at other, int sock)
{
	switch (other.role) {
	case ROLE_ENGINE:
		return peers_engine(s->peers, sock);
	case ROLE_API:
		return session_api(s, sock);
	case ROLE_SESSION:
		if (other.index < CONF_SESSIONS)
			return take_sibling(s, other.index, sock);
		break;
	default:
		break;
	}
	close(sock);
	return -EINVAL;
}

static void take_link(struct role_env *e, struct role_at other, int sock)
{
	int err = take_one(e->state, other, sock);

	if (err)
		log_error("link_failed", "error=%s", strerror(-err));
}

static void hold_down(struct role_env *e, const struct role_hold_down *h)
{
	struct session *s = e->state;

	peers_hold_down(s->peers, &h->peer, h->seconds, h->why);
}

static void stopped(void *arg)
{
	struct session *s = arg;

	loop_stop(s->env->loop);
}

static void stop(struct role_env *e)
{
	struct session *s = e->state;

	peers_stop(s->peers, stopped);
}

const struct role_ops role_session = {
    .name = "session",
    .start = start,
    .reload = reload,
    .listen = take_listen,
    .link = take_link,
    .hold_down = hold_down,
    .stop = stop,
};

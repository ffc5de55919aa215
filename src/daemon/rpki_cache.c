/* One cache's connection: TCP in, TCP out, and the clock. */
#include "daemon/rpki.h"

#include "base/clock.h"
#include "base/log.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define READ_BYTES 65536
#define READS 16 /* in one turn */

static void run(struct rpki_cache *rc, enum cache_event e);

static void unwatch(struct rpki_cache *rc)
{
	if (rc->watched)
		loop_del(rc->rpki->env->loop, &rc->fd);
	rc->watched = false;
}

static void say_trouble(struct rpki_cache *rc)
{
	struct cache_info i;
	char text[320];

	cache_info(rc->cache, &i);
	if (!i.error[0] || !strcmp(i.error, rc->said))
		return;
	memcpy(rc->said, i.error, sizeof rc->said);
	log_quote(text, sizeof text, i.error);
	log_warn("rpki_cache_failed", "cache=%s info=%s", rc->name, text);
}

static void hang_up(struct rpki_cache *rc, const char *why)
{
	unwatch(rc);
	if (rc->fd.fd >= 0)
		close(rc->fd.fd);
	rc->fd.fd = -1;
	rc->connecting = false;
	cache_closed(rc->cache, why, clock_now_ns());
	say_trouble(rc);
}

/* False: the connection is gone. */
static bool flush(struct rpki_cache *rc)
{
	struct bytes out = cache_output(rc->cache);

	while (out.n) {
		ssize_t n = send(rc->fd.fd, out.p, out.n, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			break;
		if (n < 0) {
			hang_up(rc, strerror(errno));
			return false;
		}
		cache_sent(rc->cache, (size_t)n);
		out = cache_output(rc->cache);
	}
	if (rc->watched)
		loop_set(rc->rpki->env->loop, &rc->fd,
		    EPOLLIN | (out.n ? EPOLLOUT : 0u));
	return true;
}

static void connected(struct rpki_cache *rc)
{
	int err = 0;
	socklen_t n = sizeof err;

	rc->connecting = false;
	if (getsockopt(rc->fd.fd, SOL_SOCKET, SO_ERROR, &err, &n))
		err = errno;
	if (err) {
		hang_up(rc, strerror(err));
		return;
	}
	cache_connected(rc->cache, clock_now_ns());
	flush(rc);
}

static void receive(struct rpki_cache *rc)
{
	static uint8_t buf[READ_BYTES];

	for (int i = 0; i < READS && rc->fd.fd >= 0; i++) {
		ssize_t n = recv(rc->fd.fd, buf, sizeof buf, 0);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			return;
		if (n <= 0) {
			hang_up(rc, n ? strerror(errno)
				      : "the cache closed the connection");
			return;
		}
		run(rc, cache_input(rc->cache, buf, (size_t)n, clock_now_ns()));
	}
}

static void ready(struct loop_fd *f, uint32_t events)
{
	struct rpki_cache *rc = list_entry(f, struct rpki_cache, fd);

	if (rc->connecting)
		connected(rc);
	else if (events & (EPOLLIN | EPOLLHUP | EPOLLERR))
		receive(rc);
	if (rc->fd.fd >= 0 && !rc->connecting)
		flush(rc);
	run(rc, CACHE_NOTHING);
}

static void connect_to(struct rpki_cache *rc)
{
	struct sockaddr_storage sa;
	socklen_t n = ip_to_sockaddr(&rc->conf.addr, rc->conf.port, &sa);
	int one = 1;
	int fd =
	    socket(sa.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	rc->fd.fd = fd;
	if (fd < 0) {
		hang_up(rc, strerror(errno));
		return;
	}
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
	(void)setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &one, sizeof one);
	if (connect(fd, (const struct sockaddr *)&sa, n) &&
	    errno != EINPROGRESS) {
		hang_up(rc, strerror(errno));
		return;
	}
	rc->connecting = true;
	rc->fd.events = EPOLLOUT;
	int err = loop_add(rc->rpki->env->loop, &rc->fd);
	if (err)
		hang_up(rc, strerror(-err));
	else
		rc->watched = true;
}

static void take_data(struct rpki_cache *rc)
{
	struct cache_batch b = cache_batch(rc->cache);
	enum pdu_error e = merge_apply(rc->rpki->merge, rc->index, &b);

	if (e != PDU_FINE) {
		run(rc, cache_refuse(rc->cache, e));
		return;
	}
	if (b.full || b.n_vrp || b.n_aspa)
		log_info("rpki_cache_data",
		    "cache=%s full=%d vrps=%zu aspa_words=%zu", rc->name,
		    b.full, b.n_vrp, b.n_aspa);
	cache_accept(rc->cache, clock_now_ns(), clock_wall_s());
	rc->said[0] = 0;
	rpki_settle(rc->rpki);
}

static void handle(struct rpki_cache *rc, enum cache_event e)
{
	switch (e) {
	case CACHE_CONNECT:
		connect_to(rc);
		break;
	case CACHE_CLOSE:
		if (rc->fd.fd >= 0 && !flush(rc))
			break;
		hang_up(rc, "");
		break;
	case CACHE_DATA:
		take_data(rc);
		break;
	case CACHE_EXPIRED:
		log_error("rpki_expired", "cache=%s", rc->name);
		merge_drop(rc->rpki->merge, rc->index);
		rpki_settle(rc->rpki);
		break;
	case CACHE_NOTHING:
		break;
	}
}

/* Until nothing is left to be done now. */
static void run(struct rpki_cache *rc, enum cache_event e)
{
	for (;;) {
		uint64_t now = clock_now_ns();

		if (e == CACHE_NOTHING)
			e = cache_input(rc->cache, NULL, 0, now);
		if (e == CACHE_NOTHING)
			e = cache_tick(rc->cache, now);
		if (e == CACHE_NOTHING)
			break;
		handle(rc, e);
		e = CACHE_NOTHING;
	}
	if (rc->fd.fd >= 0 && !rc->connecting)
		flush(rc);
	say_trouble(rc);
	uint64_t due = cache_due(rc->cache);
	if (rc->connecting) {
		/* The kernel tries for two minutes; that is enough. */
		loop_timer_stop(rc->rpki->env->loop, &rc->timer);
		due = due == UINT64_MAX ? 0 : due;
	}
	if (due && due != UINT64_MAX)
		loop_timer_set(rc->rpki->env->loop, &rc->timer, due);
}

static void on_timer(struct loop_timer *t)
{
	run(list_entry(t, struct rpki_cache, timer), CACHE_NOTHING);
}

int rpki_cache_enter(
    struct rpki *r, struct rpki_cache *rc, const struct conf_cache *c)
{
	struct cache_timers t = {c->refresh_s, c->retry_s, c->expire_s};
	char addr[IP_TEXT];
	bool v6 = c->addr.family == FAMILY_IPV6;
	bool is_new = !rc->cache;

	rc->rpki = r;
	rc->index = r->n_cache;
	rc->conf = *c;
	snprintf(rc->name, sizeof rc->name, "%s%s%s:%u", v6 ? "[" : "",
	    ip_format(&c->addr, addr), v6 ? "]" : "", c->port);
	if (is_new) {
		rc->cache = cache_new(&t, clock_now_ns());
		rc->fd = (struct loop_fd){.fd = -1, .ready = ready};
		rc->timer = (struct loop_timer){.fire = on_timer};
	} else {
		cache_set_timers(rc->cache, &t);
	}
	if (!rc->cache)
		return -ENOMEM;
	if (rc->fd.fd >= 0) {
		int err = loop_add(r->env->loop, &rc->fd);

		if (err)
			return err;
		rc->watched = true;
	}
	loop_timer_set(r->env->loop, &rc->timer, clock_now_ns());
	return 0;
}

void rpki_cache_leave(struct rpki_cache *rc)
{
	unwatch(rc);
	loop_timer_stop(rc->rpki->env->loop, &rc->timer);
}

void rpki_cache_free(struct rpki_cache *rc)
{
	if (rc->fd.fd >= 0)
		close(rc->fd.fd);
	cache_free(rc->cache);
	rc->cache = NULL;
}

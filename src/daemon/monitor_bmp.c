/* BMP stations: connections that we open, and their back-off. */
#include "daemon/monitor.h"

#include "base/clock.h"
#include "base/log.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define WAIT_MIN_S 1
#define WAIT_MAX_S 64
#define LONG_NS (60 * NS_PER_S)	  /* a connection that was a success */
#define STALL_NS (300 * NS_PER_S) /* it takes nothing for so long */
#define CONNECT_NS (15 * NS_PER_S)
#define SNDBUF (1 << 20)
#define ROUNDS 8 /* of making and writing in one turn */

static const char *name_of(const struct monitor_bmp *b, char buf[IP_TEXT + 16])
{
	char ip[IP_TEXT];

	snprintf(buf, IP_TEXT + 16,
	    b->conf.addr.family == FAMILY_IPV6 ? "[%s]:%u" : "%s:%u",
	    ip_format(&b->conf.addr, ip), b->conf.port);
	return buf;
}

static void close_station(struct monitor_bmp *b)
{
	if (b->sock.fd >= 0) {
		loop_del(b->m->env->loop, &b->sock);
		close(b->sock.fd);
		b->sock.fd = -1;
	}
	station_free(b->station);
	b->station = NULL;
	b->connected = false;
	loop_timer_stop(b->m->env->loop, &b->retry);
}

/* Ends the attempt or the connection, and waits for the next. */
static void failed(struct monitor_bmp *b, const char *why)
{
	char name[IP_TEXT + 16];
	char quoted[2 * MONITOR_ERROR];
	uint64_t now = clock_now_ns();

	if (b->connected && now - b->since_ns > LONG_NS)
		b->wait_s = 0;
	if (b->connected || strcmp(b->error, why) != 0)
		log_warn("station_lost", "station=%s info=%s", name_of(b, name),
		    log_quote(quoted, sizeof quoted, why));
	snprintf(b->error, sizeof b->error, "%s", why);
	close_station(b);
	b->since_ns = now;
	b->wait_s = b->wait_s ? 2 * b->wait_s : WAIT_MIN_S;
	if (b->wait_s > WAIT_MAX_S)
		b->wait_s = WAIT_MAX_S;
	if (b->m->mirror)
		loop_timer_set(
		    b->m->env->loop, &b->retry, now + b->wait_s * NS_PER_S);
}

static void write_station(struct monitor_bmp *b, uint64_t now)
{
	struct bytes left = station_bytes(b->station);
	ssize_t n = 0;

	if (left.n)
		n = send(
		    b->sock.fd, left.p, left.n, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (n < 0 && errno != EAGAIN && errno != EINTR) {
		failed(b, strerror(errno));
		return;
	}
	if (n > 0)
		station_wrote(b->station, (size_t)n);
	if (n > 0 || !left.n)
		b->moved_ns = now;
	bool wants = station_bytes(b->station).n > 0;
	loop_set(
	    b->m->env->loop, &b->sock, wants ? EPOLLIN | EPOLLOUT : EPOLLIN);
}

static void begin(struct monitor_bmp *b)
{
	char name[IP_TEXT + 16];
	uint64_t now = clock_now_ns();

	b->connected = true;
	b->connects++;
	b->since_ns = b->moved_ns = now;
	b->stats_ns = now + b->conf.stats_s * NS_PER_S;
	b->station = station_new(b->m->mirror, &b->conf, &b->m->self);
	log_info("station_up", "station=%s", name_of(b, name));
	write_station(b, now);
	loop_task_queue(b->m->env->loop, &b->m->turn);
}

static void connect_done(struct monitor_bmp *b)
{
	int err = 0;
	socklen_t n = sizeof err;

	if (getsockopt(b->sock.fd, SOL_SOCKET, SO_ERROR, &err, &n))
		err = errno;
	if (err) {
		failed(b, strerror(err));
		return;
	}
	loop_timer_stop(b->m->env->loop, &b->retry);
	begin(b);
}

/* A station has nothing to say: what it sends is passed over. */
static void read_station(struct monitor_bmp *b)
{
	static uint8_t ignored[4096];
	ssize_t n = recv(b->sock.fd, ignored, sizeof ignored, MSG_DONTWAIT);

	if (n == 0)
		failed(b, "the station closed the connection");
	else if (n < 0 && errno != EAGAIN && errno != EINTR)
		failed(b, strerror(errno));
}

static void ready(struct loop_fd *f, uint32_t events)
{
	struct monitor_bmp *b = list_entry(f, struct monitor_bmp, sock);

	if (!b->connected) {
		connect_done(b);
		return;
	}
	if (events & (EPOLLIN | EPOLLHUP | EPOLLERR))
		read_station(b);
	if (b->connected && events & EPOLLOUT)
		write_station(b, clock_now_ns());
	if (b->connected)
		loop_task_queue(b->m->env->loop, &b->m->turn);
}

static int open_socket(struct monitor_bmp *b)
{
	struct sockaddr_storage sa;
	socklen_t n = ip_to_sockaddr(&b->conf.addr, b->conf.port, &sa);
	int one = 1;
	int size = SNDBUF;
	int fd =
	    socket(sa.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
	setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &one, sizeof one);
	setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
	if (connect(fd, (struct sockaddr *)&sa, n) && errno != EINPROGRESS) {
		int err = -errno;

		close(fd);
		return err;
	}
	return fd;
}

static void try(struct monitor_bmp *b)
{
	int fd = open_socket(b);

	if (fd < 0) {
		failed(b, strerror(-fd));
		return;
	}
	b->sock = (struct loop_fd){
	    .fd = fd, .events = EPOLLIN | EPOLLOUT, .ready = ready};
	int err = loop_add(b->m->env->loop, &b->sock);
	if (err) {
		close(fd);
		b->sock.fd = -1;
		failed(b, strerror(-err));
		return;
	}
	loop_timer_set(b->m->env->loop, &b->retry, clock_now_ns() + CONNECT_NS);
}

static void retry_fired(struct loop_timer *t)
{
	struct monitor_bmp *b = list_entry(t, struct monitor_bmp, retry);

	if (b->sock.fd >= 0)
		failed(b, "no answer to the attempt to connect");
	else if (b->m->mirror)
		try(b);
}

static bool same(const struct conf_station *a, const struct conf_station *b)
{
	return ip_eq(&a->addr, &b->addr) && a->port == b->port &&
	       a->pre == b->pre && a->post == b->post &&
	       a->loc_rib == b->loc_rib && a->out == b->out &&
	       a->stats_s == b->stats_s;
}

static bool find(struct monitor *m, const struct conf_station *c)
{
	for (size_t i = 0; i < CONF_STATIONS; i++)
		if (m->bmp[i].used && same(&m->bmp[i].conf, c))
			return true;
	return false;
}

static bool is_configured(
    const struct conf_monitoring *c, const struct conf_station *s)
{
	for (size_t i = 0; i < c->n_station; i++)
		if (same(&c->station[i], s))
			return true;
	return false;
}

static void say_end(struct monitor_bmp *b)
{
	if (!b->connected)
		return;
	/* Only at a boundary of messages, and if it fits at once. */
	if (!station_bytes(b->station).n) {
		station_end(b->station);
		write_station(b, clock_now_ns());
	}
}

void monitor_bmp_apply(struct monitor *m)
{
	const struct conf_monitoring *c = &m->env->conf->monitoring;

	for (size_t i = 0; i < CONF_STATIONS; i++) {
		struct monitor_bmp *b = &m->bmp[i];

		if (!b->used || is_configured(c, &b->conf))
			continue;
		say_end(b);
		close_station(b);
		b->used = false;
	}
	for (size_t k = 0; k < c->n_station; k++) {
		size_t i = 0;

		if (find(m, &c->station[k]))
			continue;
		while (i < CONF_STATIONS && m->bmp[i].used)
			i++;
		m->bmp[i] = (struct monitor_bmp){
		    .m = m,
		    .used = true,
		    .conf = c->station[k],
		    .sock = {.fd = -1},
		    .retry = {.fire = retry_fired},
		    .since_ns = clock_now_ns(),
		};
	}
	monitor_bmp_start(m);
}

void monitor_bmp_start(struct monitor *m)
{
	if (!m->mirror || !m->sandboxed)
		return;
	for (size_t i = 0; i < CONF_STATIONS; i++) {
		struct monitor_bmp *b = &m->bmp[i];

		if (b->used && b->sock.fd < 0 && !loop_timer_on(&b->retry))
			try(b);
	}
}

void monitor_bmp_stop(struct monitor *m, const char *why)
{
	for (size_t i = 0; i < CONF_STATIONS; i++) {
		struct monitor_bmp *b = &m->bmp[i];

		if (!b->used)
			continue;
		say_end(b);
		close_station(b);
		b->since_ns = clock_now_ns();
		snprintf(b->error, sizeof b->error, "%s", why);
	}
}

bool monitor_bmp_work(struct monitor *m)
{
	uint64_t now = clock_now_ns();
	bool more = false;

	for (size_t i = 0; i < CONF_STATIONS; i++) {
		struct monitor_bmp *b = &m->bmp[i];
		bool made = true;

		if (!b->connected)
			continue;
		for (unsigned k = 0; k < ROUNDS && made && b->connected; k++) {
			made = station_make(b->station, monitor_wall_us());
			write_station(b, now);
		}
		/* One whose socket is full comes again by EPOLLOUT. */
		more |= made && b->connected;
	}
	return more;
}

void monitor_bmp_tick(struct monitor *m)
{
	uint64_t now = clock_now_ns();

	for (size_t i = 0; i < CONF_STATIONS; i++) {
		struct monitor_bmp *b = &m->bmp[i];

		if (!b->connected)
			continue;
		if (now - b->moved_ns > STALL_NS) {
			failed(b, "the station takes nothing");
			continue;
		}
		if (b->conf.stats_s && now >= b->stats_ns) {
			b->stats_ns = now + b->conf.stats_s * NS_PER_S;
			station_stats(b->station, monitor_wall_us());
			write_station(b, now);
		}
	}
}

/* The sessions: one thread, one epoll, as little between them as can be. */
#include "blast.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define KEEPALIVE_S 20
#define HOLD_S 240

struct client client[MAX_CLIENTS];
int lost;
static int ep;
static double last_keepalive;
static uint8_t in[INBUF + MSG_MAX + SLACK]; /* of whoever is read */
static bool came;			    /* an UPDATE, in this round */
static double waited;
static double waited_then; /* when the last UPDATE came */
static double cpu_start;
static double cpu_then;

void sessions_init(void)
{
	ep = epoll_create1(0);
	for (int i = 0; i < opt.clients; i++) {
		client[i].index = i;
		client[i].fd = -1;
	}
}

static void end(struct client *c, const char *why, int code, int subcode)
{
	if (c->alive) {
		printf("{\"ev\":\"lost\",\"client\":%d,\"why\":\"%s\","
		       "\"code\":%d,\"sub\":%d,\"t\":%.3f}\n",
		    c->index, why, code, subcode, now() - began);
		fflush(stdout);
		lost++;
	}
	session_close(c);
}

void session_close(struct client *c)
{
	if (c->fd >= 0)
		close(c->fd);
	c->fd = -1;
	c->alive = false;
	c->up = false;
}

static void send_control(struct client *c, const uint8_t *m, size_t n)
{
	/* A full socket says that we are alive. */
	if (send(c->fd, m, n, MSG_NOSIGNAL) != (ssize_t)n && errno != EAGAIN)
		end(c, strerror(errno), 0, 0);
}

static void send_keepalive(struct client *c)
{
	uint8_t m[19];

	put_header(m, 4);
	put16(m + 16, sizeof m);
	send_control(c, m, sizeof m);
}

static void send_open(struct client *c)
{
	static const uint8_t mp4[] = {2, 6, 1, 4, 0, 1, 0, 1};
	static const uint8_t mp6[] = {2, 6, 1, 4, 0, 2, 0, 1};
	static const uint8_t refresh[] = {2, 2, 2, 0};
	static const uint8_t as4[] = {2, 6, 65, 4};
	uint32_t asn = opt.base_asn + (uint32_t)c->index;
	uint8_t m[128];
	uint8_t *p = put_header(m, 1);
	uint8_t *params;

	*p++ = 4;
	p = put16(p, asn > 65535 ? 23456 : asn);
	p = put16(p, HOLD_S);
	p = put32(p, opt.base_ip + (uint32_t)c->index);
	params = p++;
	memcpy(p, mp4, sizeof mp4);
	p += sizeof mp4;
	if (opt.v6) {
		memcpy(p, mp6, sizeof mp6);
		p += sizeof mp6;
	}
	memcpy(p, refresh, sizeof refresh);
	p += sizeof refresh;
	memcpy(p, as4, sizeof as4);
	p = put32(p + sizeof as4, asn);
	*params = (uint8_t)(p - params - 1);
	put16(m + 16, (unsigned)(p - m));
	send_control(c, m, (size_t)(p - m));
}

/* False: the session is gone. */
static bool take(struct client *c, const uint8_t *m, size_t n, double t)
{
	c->messages++;
	switch (m[18]) {
	case 1:
		send_keepalive(c);
		break;
	case 2:
		receive_update(c, m, n, t);
		came = true;
		break;
	case 3:
		end(c, "notification", m[19], m[20]);
		return false;
	case 4:
		c->up = true;
		break;
	default:
		break;
	}
	return c->fd >= 0;
}

/* Gives how many bytes are left over, -1: the session is gone. */
static ptrdiff_t take_all(struct client *c, size_t n, double t)
{
	const uint8_t *p = in;
	const uint8_t *stop = in + n;

	while (stop - p >= 19) {
		ptrdiff_t len = p[16] << 8 | p[17];

		if (len < 19 || len > MSG_MAX) {
			end(c, "message length", (int)len, 0);
			return -1;
		}
		if (stop - p < len)
			break;
		if (!take(c, p, (size_t)len, t))
			return -1;
		p += len;
	}
	memcpy(c->part, p, (size_t)(stop - p));
	return stop - p;
}

/* One buffer for all: it stays in the cache. */
static void read_some(struct client *c)
{
	for (int round = 0; round < 4 && c->fd >= 0; round++) {
		ptrdiff_t left;
		ssize_t n;

		memcpy(in, c->part, c->part_len);
		n = recv(c->fd, in + c->part_len, INBUF, 0);
		if (n < 0 && errno == EAGAIN)
			return;
		if (n <= 0) {
			end(c, n ? strerror(errno) : "closed", 0, 0);
			return;
		}
		c->bytes += (size_t)n;
		left = take_all(c, c->part_len + (size_t)n, now());
		if (left < 0)
			return;
		c->part_len = (size_t)left;
		if (n < INBUF / 2)
			return;
	}
}

static void write_some(struct client *c)
{
	for (int i = 0; i < 4 && c->out_at < c->out_len; i++) {
		size_t k = c->out_len - c->out_at;
		ssize_t n = send(c->fd, c->out + c->out_at,
		    k > INBUF ? INBUF : k, MSG_NOSIGNAL);

		if (n < 0) {
			if (errno != EAGAIN)
				end(c, strerror(errno), 0, 0);
			return;
		}
		c->out_at += (size_t)n;
	}
}

void session_want_write(struct client *c, bool want)
{
	struct epoll_event ev = {.data.ptr = c, .events = EPOLLIN};

	if (want)
		ev.events |= EPOLLOUT;
	epoll_ctl(ep, EPOLL_CTL_MOD, c->fd, &ev);
}

bool session_connect(struct client *c)
{
	struct sockaddr_in from = {.sin_family = AF_INET,
	    .sin_addr.s_addr = htonl(opt.base_ip + (uint32_t)c->index)};
	struct sockaddr_in to = {.sin_family = AF_INET,
	    .sin_port = htons(opt.port),
	    .sin_addr.s_addr = htonl(opt.dut_ip)};
	struct epoll_event ev = {.events = EPOLLIN, .data.ptr = c};
	int one = 1;

	c->fd = socket(AF_INET, SOCK_STREAM, 0);
	setsockopt(c->fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
	if (bind(c->fd, (void *)&from, sizeof from))
		die("bind");
	if (connect(c->fd, (void *)&to, sizeof to)) {
		close(c->fd);
		c->fd = -1;
		return false;
	}
	setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
	fcntl(c->fd, F_SETFL, O_NONBLOCK);
	epoll_ctl(ep, EPOLL_CTL_ADD, c->fd, &ev);
	c->part_len = 0;
	c->up = false;
	c->alive = false;
	if (!c->part)
		c->part = malloc(MSG_MAX);
	send_open(c);
	return c->fd >= 0;
}

static void keep_alive(void)
{
	double t = now();

	if (t - last_keepalive < KEEPALIVE_S)
		return;
	last_keepalive = t;
	for (int i = 0; i < opt.clients; i++) {
		struct client *c = &client[i];

		/* One that is in the middle of its share says enough. */
		if (c->fd >= 0 && c->up &&
		    (!c->out_at || c->out_at >= c->out_len))
			send_keepalive(c);
	}
}

static double cpu_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

void self_reset(void)
{
	waited = waited_then = 0;
	cpu_start = cpu_then = cpu_now();
}

double self_waited(void)
{
	return waited_then;
}

double self_cpu(void)
{
	return cpu_then - cpu_start;
}

/* What there is to do; when there is nothing, the wait is counted. */
static int wait_for(struct epoll_event *ev, int n, double max)
{
	int k = epoll_wait(ep, ev, n, 0);
	double t;

	if (k)
		return k;
	t = now();
	k = epoll_wait(ep, ev, n, (int)(max * 1000));
	waited += now() - t;
	return k;
}

void spin(double max)
{
	static struct epoll_event ev[MAX_CLIENTS];
	int n = wait_for(ev, MAX_CLIENTS, max);

	came = false;
	for (int i = 0; i < n; i++) {
		struct client *c = ev[i].data.ptr;

		if (c->fd < 0)
			continue;
		if (ev[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR))
			read_some(c);
		if (c->fd >= 0 && ev[i].events & EPOLLOUT) {
			write_some(c);
			if (c->fd >= 0 && c->out_at >= c->out_len)
				session_want_write(c, false);
		}
	}
	if (came) {
		waited_then = waited;
		cpu_then = cpu_now();
	}
	keep_alive();
}

void run_for(double seconds)
{
	double stop = now() + seconds;

	for (double t = now(); t < stop; t = now())
		spin(stop - t > .05 ? .05 : stop - t);
}

double session_establish(struct client *c, double max)
{
	double start = now();

	while (now() - start < max) {
		double t = now();

		if (c->fd < 0 && !session_connect(c)) {
			run_for(.1);
			continue;
		}
		while (c->fd >= 0 && !c->up && now() - t < 10)
			spin(.01);
		if (c->up) {
			c->alive = true;
			return now() - start;
		}
		session_close(c);
		run_for(.1);
	}
	return -1;
}

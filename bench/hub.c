/*
 * The floor of the bench, not a BGP speaker: answers OPEN, then copies every
 * UPDATE as it is to all other clients, from one shared log in which each
 * client has its own cursor.  No RIB, no parsing beyond the frame.
 *
 *   hub ADDRESS PORT ASN
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#define MAX_CLIENTS 1024
#define INBUF 262144
#define LOG_MAX ((size_t)8 << 30) /* reserved; touched as it fills */
#define SEGMENTS_MAX ((size_t)1 << 26)

struct segment {
	uint32_t len;
	int owner;
	uint64_t at;
};

struct hub_client {
	int fd;
	bool blocked;
	uint8_t *in;
	size_t in_len;
	uint32_t segment; /* the next one to send */
	uint32_t offset;  /* bytes of it that are sent */
};

static uint8_t *log_bytes;
static uint64_t log_len;
static struct segment *segments;
static uint32_t n_segments;
static struct hub_client clients[MAX_CLIENTS];
static int n_clients;
static int ep;
static uint32_t asn;

static void hello(int fd)
{
	uint8_t m[64 + 19];
	uint8_t *p = m + 18;
	const uint8_t open[] = {1, 4, (uint8_t)(asn >> 8), (uint8_t)asn, 0, 240,
	    10, 99, 0, 1, 24, 2, 6, 1, 4, 0, 1, 0, 1, 2, 6, 1, 4, 0, 2, 0, 1, 2,
	    6, 65, 4, (uint8_t)(asn >> 24), (uint8_t)(asn >> 16),
	    (uint8_t)(asn >> 8), (uint8_t)asn};
	size_t n = 18 + sizeof open;

	memset(m, 0xff, sizeof m);
	memcpy(p, open, sizeof open);
	m[16] = 0;
	m[17] = (uint8_t)n;
	m[n + 16] = 0;
	m[n + 17] = 19;
	m[n + 18] = 4;
	if (write(fd, m, n + 19) < 0)
		perror("write");
}

static void watch(struct hub_client *c, bool blocked)
{
	struct epoll_event e = {.events = EPOLLIN, .data.ptr = c};

	if (blocked)
		e.events |= EPOLLOUT;
	epoll_ctl(ep, EPOLL_CTL_MOD, c->fd, &e);
	c->blocked = blocked;
}

static int gather(const struct hub_client *c, struct iovec *v)
{
	int me = (int)(c - clients);
	uint32_t offset = c->offset;
	size_t total = 0;
	int n = 0;

	for (uint32_t s = c->segment;
	     s < n_segments && n < 64 && total < 1 << 20; s++, offset = 0) {
		if (segments[s].owner == me)
			continue;
		v[n].iov_base = log_bytes + segments[s].at + offset;
		v[n].iov_len = segments[s].len - offset;
		total += v[n++].iov_len;
	}
	return n;
}

/* Moves the cursor over k bytes that went out, and over its own. */
static void advance(struct hub_client *c, size_t k)
{
	int me = (int)(c - clients);

	while (c->segment < n_segments) {
		size_t rest = segments[c->segment].len - c->offset;

		if (segments[c->segment].owner != me) {
			if (k < rest) {
				c->offset += (uint32_t)k;
				return;
			}
			k -= rest;
		}
		c->segment++;
		c->offset = 0;
	}
}

static void flush(struct hub_client *c)
{
	while (c->fd >= 0 && c->segment < n_segments) {
		struct iovec v[64];
		int n = gather(c, v);
		ssize_t k = n ? writev(c->fd, v, n) : 0;

		if (k < 0) {
			if (errno == EAGAIN && !c->blocked)
				watch(c, true);
			return;
		}
		advance(c, (size_t)k);
	}
	if (c->blocked && c->segment == n_segments)
		watch(c, false);
}

static void append(const uint8_t *p, size_t n)
{
	memcpy(log_bytes + log_len, p, n);
	log_len += n;
}

static void take(struct hub_client *c)
{
	ssize_t n = recv(c->fd, c->in + c->in_len, INBUF - c->in_len, 0);
	const uint8_t *p = c->in;
	const uint8_t *run = c->in;
	const uint8_t *stop;
	uint64_t at = log_len;

	if (n < 0 && errno == EAGAIN)
		return;
	if (n <= 0) {
		close(c->fd);
		c->fd = -1;
		return;
	}
	c->in_len += (size_t)n;
	stop = c->in + c->in_len;
	while (stop - p >= 19) {
		int len = p[16] << 8 | p[17];

		if (stop - p < len)
			break;
		if (p[18] != 2) {
			append(run, (size_t)(p - run));
			run = p + len;
			if (p[18] == 1)
				hello(c->fd);
		}
		p += len;
	}
	append(run, (size_t)(p - run));
	if (log_len > at)
		segments[n_segments++] = (struct segment){
		    (uint32_t)(log_len - at), (int)(c - clients), at};
	c->in_len = (size_t)(stop - p);
	memmove(c->in, p, c->in_len);
}

static void take_connection(int listener)
{
	struct epoll_event e = {.events = EPOLLIN};
	struct hub_client *c;
	int one = 1;
	int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK);

	if (fd < 0 || n_clients == MAX_CLIENTS)
		return;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
	c = &clients[n_clients++];
	*c = (struct hub_client){
	    .fd = fd, .in = malloc(INBUF), .segment = n_segments};
	e.data.ptr = c;
	epoll_ctl(ep, EPOLL_CTL_ADD, fd, &e);
}

static int listener_open(const char *address, const char *port)
{
	struct sockaddr_in s = {
	    .sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(port))};
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	int one = 1;

	inet_aton(address, &s.sin_addr);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
	if (bind(fd, (void *)&s, sizeof s) || listen(fd, 512)) {
		perror("listen");
		exit(1);
	}
	return fd;
}

static void *reserve(size_t n)
{
	void *p = mmap(NULL, n, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (p == MAP_FAILED) {
		perror("mmap");
		exit(1);
	}
	return p;
}

int main(int argc, char **argv)
{
	struct epoll_event e = {.events = EPOLLIN};
	struct epoll_event ev[256];
	int listener;

	if (argc < 4)
		return 2;
	asn = (uint32_t)atol(argv[3]);
	ep = epoll_create1(0);
	log_bytes = reserve(LOG_MAX);
	segments = reserve(SEGMENTS_MAX * sizeof *segments);
	listener = listener_open(argv[1], argv[2]);
	epoll_ctl(ep, EPOLL_CTL_ADD, listener, &e);
	for (;;) {
		int n = epoll_wait(ep, ev, 256, -1);

		for (int i = 0; i < n; i++) {
			struct hub_client *c = ev[i].data.ptr;

			if (!c)
				take_connection(listener);
			else if (c->fd >= 0 &&
				 ev[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR))
				take(c);
			else if (c->fd >= 0)
				flush(c);
		}
		for (int i = 0; i < n_clients; i++)
			if (!clients[i].blocked)
				flush(&clients[i]);
	}
}

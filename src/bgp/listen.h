/*
 * TCP for BGP: sockets that connect and are accepted, TCP-MD5 (RFC 2385),
 * GTSM (RFC 5082).  The listening sockets come from the parent.
 */
#pragma once

#include "net/addr.h"
#include "net/loop.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LISTEN_MAX 16

struct listener {
	struct loop_fd fd;
	struct listen *all;
	uint8_t family;
};

struct listen {
	struct loop *loop;
	struct listener at[LISTEN_MAX];
	size_t n;
	struct loop_timer again; /* after descriptors ran out */
	/* The socket is the callee's, from that remote address. */
	void (*accepted)(void *arg, int fd, const struct ip *from);
	void *arg;
};

void listen_init(struct listen *l, struct loop *loop,
    void (*accepted)(void *arg, int fd, const struct ip *from), void *arg);
void listen_done(struct listen *l);

/*
 * Takes n listening sockets in place of the earlier ones, which are closed.
 * Keys are not carried over.  0 or the last -errno; others are in use.
 */
int listen_take(struct listen *l, const int *fds, size_t n);

/* Sets ("": removes) the key for a peer.  0 or -errno; -ENOMEM: optmem_max. */
int listen_md5(struct listen *l, const struct ip *peer, const char *password);

/* How a peer's socket is to be. */
struct tcp_manner {
	const char *password; /* "": none */
	bool gtsm;
	size_t send_buffer;
};

/* Options of a socket that carries, or will carry, a session.  0 or -errno. */
int tcp_prepare(int fd, const struct ip *peer, const struct tcp_manner *m);

/*
 * Begins to connect from local (its family decides; any port).  The
 * descriptor, non-blocking, or -errno.
 */
int tcp_connect(const struct ip *local, const struct ip *peer, uint16_t port,
    const struct tcp_manner *m);

/*
 * The TTL or hop limit of the SYN of an accepted connection, or -1 when the
 * kernel kept none (SYN cookies).
 */
int tcp_syn_ttl(int fd);

/* Our address of a connected socket.  0 or -errno. */
int tcp_local(int fd, struct ip *ret);
/* Both ends' ports; 0 where there is none any more. */
void tcp_ports(int fd, uint16_t *ret_local, uint16_t *ret_remote);

/*
 * Bytes that the other end has acknowledged so far, and whether some are
 * under way.  0 or -errno.
 */
int tcp_acked(int fd, uint64_t *ret_bytes, bool *ret_waits);

/* Ends the connection with a reset: nothing that is queued is sent on. */
void tcp_abort(int fd);

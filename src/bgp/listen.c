#include "bgp/listen.h"

#include "base/clock.h"

#include <errno.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define ACCEPT_TURN 64
#define AGAIN_NS (500 * NS_PER_MS)

#ifndef IPV6_MINHOPCOUNT
#define IPV6_MINHOPCOUNT 73
#endif

static int set_int(int fd, int level, int name, int v)
{
	return setsockopt(fd, level, name, &v, sizeof v) ? -errno : 0;
}

static int set_md5(int fd, const struct ip *peer, const char *password)
{
	struct tcp_md5sig key = {0};
	struct sockaddr_storage to;
	socklen_t n = ip_to_sockaddr(peer, 0, &to);
	size_t len = strlen(password);

	if (len > sizeof key.tcpm_key)
		return -EINVAL;
	memcpy(&key.tcpm_addr, &to, n);
	key.tcpm_keylen = (uint16_t)len;
	memcpy(key.tcpm_key, password, len);
	int err = setsockopt(fd, IPPROTO_TCP, TCP_MD5SIG, &key, sizeof key)
		      ? -errno
		      : 0;
	explicit_bzero(&key, sizeof key);
	/* Removing a key that is not there. */
	if (!len && (err == -ENOENT || err == -ENOPROTOOPT))
		err = 0;
	return err;
}

/* What we send leaves with 255, so that the peer can insist on it. */
static int set_ttl(int fd, int family)
{
	if (family == FAMILY_IPV4)
		return set_int(fd, IPPROTO_IP, IP_TTL, 255);
	return set_int(fd, IPPROTO_IPV6, IPV6_UNICAST_HOPS, 255);
}

static int set_min_ttl(int fd, int family)
{
	if (family == FAMILY_IPV4)
		return set_int(fd, IPPROTO_IP, IP_MINTTL, 255);
	return set_int(fd, IPPROTO_IPV6, IPV6_MINHOPCOUNT, 255);
}

static void listener_ready(struct loop_fd *f, uint32_t events)
{
	struct listener *at = list_entry(f, struct listener, fd);
	struct listen *l = at->all;

	(void)events;
	for (int i = 0; i < ACCEPT_TURN; i++) {
		struct sockaddr_storage from;
		socklen_t n = sizeof from;
		struct ip ip;
		uint16_t port;
		int fd = accept4(f->fd, (struct sockaddr *)&from, &n,
		    SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (fd < 0) {
			/* Out of descriptors: level-triggered, so step
			 * back instead of spinning. */
			if (errno == EMFILE || errno == ENFILE ||
			    errno == ENOMEM || errno == ENOBUFS) {
				loop_set(l->loop, f, 0);
				loop_timer_set(l->loop, &l->again,
				    loop_now(l->loop) + AGAIN_NS);
				return;
			}
			if (errno == EAGAIN)
				return;
			continue;
		}
		if (ip_from_sockaddr((struct sockaddr *)&from, &ip, &port)) {
			close(fd);
			continue;
		}
		l->accepted(l->arg, fd, &ip);
	}
}

static void again(struct loop_timer *t)
{
	struct listen *l = list_entry(t, struct listen, again);

	for (size_t i = 0; i < l->n; i++)
		loop_set(l->loop, &l->at[i].fd, EPOLLIN);
}

void listen_init(struct listen *l, struct loop *loop,
    void (*accepted)(void *arg, int fd, const struct ip *from), void *arg)
{
	*l = (struct listen){
	    .loop = loop,
	    .accepted = accepted,
	    .arg = arg,
	    .again.fire = again,
	};
}

void listen_done(struct listen *l)
{
	for (size_t i = 0; i < l->n; i++) {
		loop_del(l->loop, &l->at[i].fd);
		close(l->at[i].fd.fd);
	}
	l->n = 0;
	loop_timer_stop(l->loop, &l->again);
}

static int take_one(struct listen *l, int fd)
{
	struct listener *at = &l->at[l->n];
	struct sockaddr_storage sa;
	socklen_t n = sizeof sa;

	if (l->n == LISTEN_MAX)
		return -ENOSPC;
	/* For GTSM: what came before IP_MINTTL is set is told by the SYN. */
	set_int(fd, IPPROTO_TCP, TCP_SAVE_SYN, 1);
	if (getsockname(fd, (struct sockaddr *)&sa, &n))
		return -errno;
	*at = (struct listener){
	    .fd = {.fd = fd, .events = EPOLLIN, .ready = listener_ready},
	    .all = l,
	    .family = sa.ss_family == AF_INET ? FAMILY_IPV4 : FAMILY_IPV6,
	};
	/* The handshake is answered before the peer is known. */
	int err = set_ttl(fd, at->family);
	if (!err)
		err = loop_add(l->loop, &at->fd);
	if (!err)
		l->n++;
	return err;
}

int listen_take(struct listen *l, const int *fds, size_t n)
{
	int worst = 0;

	listen_done(l);
	for (size_t i = 0; i < n; i++) {
		int err = take_one(l, fds[i]);

		if (err) {
			close(fds[i]);
			worst = err;
		}
	}
	return worst;
}

int listen_md5(struct listen *l, const struct ip *peer, const char *password)
{
	int worst = 0;

	for (size_t i = 0; i < l->n; i++) {
		if (l->at[i].family != peer->family)
			continue;
		int err = set_md5(l->at[i].fd.fd, peer, password);
		if (err)
			worst = err;
	}
	return worst;
}

int tcp_prepare(int fd, const struct ip *peer, const struct tcp_manner *m)
{
	int err = set_int(fd, IPPROTO_TCP, TCP_NODELAY, 1);

	if (!err && m->send_buffer)
		err = set_int(fd, SOL_SOCKET, SO_SNDBUF, (int)m->send_buffer);
	if (!err && m->gtsm)
		err = set_ttl(fd, peer->family);
	if (!err && m->gtsm)
		err = set_min_ttl(fd, peer->family);
	/* Network control (RFC 4594): BGP must get through a full port. */
	if (peer->family == FAMILY_IPV4)
		set_int(fd, IPPROTO_IP, IP_TOS, 0xc0);
	else
		set_int(fd, IPPROTO_IPV6, IPV6_TCLASS, 0xc0);
	return err;
}

int tcp_connect(const struct ip *local, const struct ip *peer, uint16_t port,
    const struct tcp_manner *m)
{
	struct sockaddr_storage from;
	struct sockaddr_storage to;
	socklen_t n_from = ip_to_sockaddr(local, 0, &from);
	socklen_t n_to = ip_to_sockaddr(peer, port, &to);
	int fd = socket(to.ss_family,
	    SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_TCP);

	if (fd < 0)
		return -errno;
	int err = tcp_prepare(fd, peer, m);
	if (!err && m->password[0])
		err = set_md5(fd, peer, m->password);
	if (!err)
		set_int(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1);
	if (!err && bind(fd, (struct sockaddr *)&from, n_from))
		err = -errno;
	if (!err && connect(fd, (struct sockaddr *)&to, n_to) &&
	    errno != EINPROGRESS)
		err = -errno;
	if (err) {
		close(fd);
		return err;
	}
	return fd;
}

int tcp_syn_ttl(int fd)
{
	uint8_t head[256]; /* IP and TCP headers */
	socklen_t n = sizeof head;

	if (getsockopt(fd, IPPROTO_TCP, TCP_SAVED_SYN, head, &n) || n < 40)
		return -1;
	return head[0] >> 4 == 4 ? head[8] : head[7];
}

int tcp_local(int fd, struct ip *ret)
{
	struct sockaddr_storage sa;
	socklen_t n = sizeof sa;
	uint16_t port;

	if (getsockname(fd, (struct sockaddr *)&sa, &n))
		return -errno;
	return ip_from_sockaddr((struct sockaddr *)&sa, ret, &port);
}

void tcp_ports(int fd, uint16_t *ret_local, uint16_t *ret_remote)
{
	struct sockaddr_storage sa;
	socklen_t n = sizeof sa;
	struct ip ip;

	*ret_local = *ret_remote = 0;
	if (!getsockname(fd, (struct sockaddr *)&sa, &n))
		(void)ip_from_sockaddr((struct sockaddr *)&sa, &ip, ret_local);
	n = sizeof sa;
	if (!getpeername(fd, (struct sockaddr *)&sa, &n))
		(void)ip_from_sockaddr((struct sockaddr *)&sa, &ip, ret_remote);
}

int tcp_acked(int fd, uint64_t *ret_bytes, bool *ret_waits)
{
	struct tcp_info i = {0};
	socklen_t n = sizeof i;

	if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &i, &n))
		return -errno;
	*ret_bytes = i.tcpi_bytes_acked;
	*ret_waits = i.tcpi_unacked || i.tcpi_notsent_bytes;
	return 0;
}

void tcp_abort(int fd)
{
	struct linger now = {.l_onoff = 1};

	setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
	close(fd);
}

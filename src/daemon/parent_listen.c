#include "base/log.h"
#include "daemon/internal.h"

#include <errno.h>
#include <grp.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define BACKLOG 1024
#define GROUP "spean" /* may ask, not change */

static int open_one(const struct ip *a, uint16_t port)
{
	struct sockaddr_storage ss;
	socklen_t n = ip_to_sockaddr(a, port, &ss);
	int domain = a->family == FAMILY_IPV6 ? AF_INET6 : AF_INET;
	int one = 1;
	int fd = socket(
	    domain, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_TCP);

	if (fd < 0)
		return -errno;
	int err = setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
	/* The address may come to the interface after us. */
	if (domain == AF_INET6) {
		err |=
		    setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof one);
		err |= setsockopt(
		    fd, IPPROTO_IPV6, IPV6_FREEBIND, &one, sizeof one);
	} else {
		err |=
		    setsockopt(fd, IPPROTO_IP, IP_FREEBIND, &one, sizeof one);
	}
	if (err || bind(fd, (const struct sockaddr *)&ss, n) ||
	    listen(fd, BACKLOG)) {
		err = -errno;
		close(fd);
		return err;
	}
	return fd;
}

static int find(
    const struct listener *l, size_t n, const struct ip *addr, uint16_t port)
{
	for (size_t i = 0; i < n; i++)
		if (l[i].port == port && ip_eq(&l[i].addr, addr))
			return l[i].fd;
	return -1;
}

int listen_open(struct parent *p, const struct conf *c,
    struct listener ret[CONF_LISTEN + 2], size_t *ret_n, char why[128])
{
	const struct conf_exchange *x = &c->exchange;
	size_t n = 0;

	for (size_t i = 0; i < x->n_listen; i++) {
		const struct ip *a = &x->listen[i];
		char text[IP_TEXT];
		int fd = find(ret, n, a, x->port);

		if (fd >= 0)
			continue; /* named twice */
		fd = find(p->listen, p->n_listen, a, x->port);
		if (fd < 0)
			fd = open_one(a, x->port);
		if (fd < 0) {
			snprintf(why, 128, "cannot listen on %s port %u: %s",
			    ip_format(a, text), x->port, strerror(-fd));
			listen_close(ret, n, p->listen, p->n_listen);
			return fd;
		}
		ret[n++] =
		    (struct listener){.addr = *a, .port = x->port, .fd = fd};
	}
	*ret_n = n;
	return 0;
}

void listen_close(const struct listener *of, size_t n,
    const struct listener *kept, size_t n_kept)
{
	for (size_t i = 0; i < n; i++)
		if (find(kept, n_kept, &of[i].addr, of[i].port) != of[i].fd)
			close(of[i].fd);
}

static int open_unix(const char *dir, const char *name, mode_t mode,
    const struct group *group, char why[128])
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	int k = snprintf(a.sun_path, sizeof a.sun_path, "%s/%s", dir, name);

	if (k < 0 || (size_t)k >= sizeof a.sun_path) {
		snprintf(why, 128, "the run directory's name is too long");
		return -ENAMETOOLONG;
	}
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	/* We hold the lock: what is there was left behind. */
	unlink(a.sun_path);
	mode_t old = umask(0777 & ~mode);
	int err = bind(fd, (const struct sockaddr *)&a, sizeof a) ? -errno : 0;
	umask(old);
	/* Fails where we may not: then the group is the one we run as. */
	if (!err && group && chown(a.sun_path, (uid_t)-1, group->gr_gid))
		log_warn("socket_group", "socket=%s error=%s", name,
		    strerror(errno));
	if (!err && listen(fd, 64))
		err = -errno;
	if (err) {
		snprintf(why, 128, "cannot make the socket %s: %s", name,
		    strerror(-err));
		close(fd);
		return err;
	}
	return fd;
}

int listen_control(struct parent *p, char why[128])
{
	const struct group *group = geteuid() == 0 ? getgrnam(GROUP) : NULL;

	p->control = open_unix(p->opt->run_dir, "control", 0600, NULL, why);
	if (p->control < 0)
		return p->control;
	p->read = open_unix(p->opt->run_dir, "read", 0660, group, why);
	return p->read < 0 ? p->read : 0;
}

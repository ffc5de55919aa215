#include "net/msg.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

struct head {
	uint32_t type;
	uint32_t id;
};

#define BLOB_SEALS (F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)

int msg_pair(int ret_fds[2])
{
	int kind = SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC;

	return socketpair(AF_UNIX, kind, 0, ret_fds) ? -errno : 0;
}

int msg_send(int fd, uint32_t type, uint32_t id, const void *data, size_t len,
    const int *fds, int n_fds)
{
	struct head h = {.type = type, .id = id};
	struct iovec v[2] = {
	    {.iov_base = &h, .iov_len = sizeof h},
	    {.iov_len = len},
	};
	union {
		struct cmsghdr align;
		char room[CMSG_SPACE(MSG_FDS * sizeof(int))];
	} control;
	struct msghdr m = {.msg_iov = v, .msg_iovlen = len ? 2 : 1};

	if (len > MSG_MAX || n_fds > MSG_FDS)
		return -EMSGSIZE;
	memcpy(&v[1].iov_base, &data, sizeof data);
	if (n_fds > 0) {
		size_t bytes = (size_t)n_fds * sizeof(int);

		memset(&control, 0, sizeof control);
		m.msg_control = control.room;
		m.msg_controllen = CMSG_SPACE(bytes);
		struct cmsghdr *c = CMSG_FIRSTHDR(&m);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(bytes);
		memcpy(CMSG_DATA(c), fds, bytes);
	}
	for (;;) {
		if (sendmsg(fd, &m, MSG_NOSIGNAL) >= 0)
			return 0;
		if (errno == ECONNRESET)
			return -EPIPE;
		if (errno != EINTR)
			return -errno;
	}
}

static void take_fds(struct msghdr *m, struct msg *out)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c)) {
		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		size_t bytes = c->cmsg_len - CMSG_LEN(0);
		size_t n = bytes / sizeof(int);

		if (n > MSG_FDS)
			n = MSG_FDS;
		memcpy(out->fds, CMSG_DATA(c), n * sizeof(int));
		out->n_fds = (int)n;
	}
}

int msg_recv(int fd, struct msg *ret)
{
	struct head h;
	struct iovec v[2] = {
	    {.iov_base = &h, .iov_len = sizeof h},
	    {.iov_base = ret->data, .iov_len = sizeof ret->data},
	};
	union {
		struct cmsghdr align;
		char room[CMSG_SPACE(MSG_FDS * sizeof(int))];
	} control;
	struct msghdr m = {
	    .msg_iov = v,
	    .msg_iovlen = 2,
	    .msg_control = control.room,
	    .msg_controllen = sizeof control.room,
	};
	ssize_t n;

	do
		n = recvmsg(fd, &m, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
	while (n < 0 && errno == EINTR);
	if (n < 0) {
		if (errno == EAGAIN)
			return 0;
		return errno == ECONNRESET ? -EPIPE : -errno;
	}
	if (n == 0)
		return -EPIPE;
	ret->n_fds = 0;
	take_fds(&m, ret);
	if ((size_t)n < sizeof h || m.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) {
		msg_close_fds(ret);
		return -EPROTO;
	}
	ret->type = h.type;
	ret->id = h.id;
	ret->len = (size_t)n - sizeof h;
	return 1;
}

void msg_close_fds(struct msg *m)
{
	for (int i = 0; i < m->n_fds; i++)
		if (m->fds[i] >= 0)
			close(m->fds[i]);
	m->n_fds = 0;
}

int msg_blob(const char *name, const void *data, size_t n)
{
	int fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
	const char *p = data;
	size_t left = n;

	if (fd < 0)
		return -errno;
	while (left) {
		ssize_t k = write(fd, p, left);

		if (k < 0 && errno == EINTR)
			continue;
		if (k < 0)
			goto fail;
		p += k;
		left -= (size_t)k;
	}
	if (fcntl(fd, F_ADD_SEALS, BLOB_SEALS))
		goto fail;
	return fd;
fail:;
	int err = errno;
	close(fd);
	return -err;
}

int msg_blob_read(int fd, size_t max, char **ret, size_t *ret_n)
{
	struct stat st;
	int seals = fcntl(fd, F_GET_SEALS);

	if (seals < 0 || (seals & BLOB_SEALS) != BLOB_SEALS)
		return -EPROTO;
	if (fstat(fd, &st))
		return -errno;
	if (st.st_size < 0 || (size_t)st.st_size > max)
		return -EFBIG;
	size_t n = (size_t)st.st_size;
	char *text = malloc(n + 1);
	if (!text)
		return -ENOMEM;
	for (size_t at = 0; at < n;) {
		ssize_t k = pread(fd, text + at, n - at, (off_t)at);

		if (k < 0 && errno == EINTR)
			continue;
		if (k <= 0) {
			int err = k < 0 ? -errno : -EPROTO;

			free(text);
			return err;
		}
		at += (size_t)k;
	}
	text[n] = 0;
	*ret = text;
	*ret_n = n;
	return 0;
}

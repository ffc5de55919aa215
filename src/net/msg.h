/*
 * Typed messages between roles on SOCK_SEQPACKET socketpairs, with
 * descriptors when needed.  Small by design: bulk goes through shared memory
 * (net/link.h) or a memfd passed along.
 */
#pragma once

#include "base/attr.h"

#include <stddef.h>
#include <stdint.h>

#define MSG_MAX 3072 /* bytes of data in one message */
#define MSG_FDS 16   /* descriptors in one message */

struct msg {
	uint32_t type;
	uint32_t id;
	size_t len;
	int n_fds;
	int fds[MSG_FDS]; /* the receiver's to close */
	uint8_t data[MSG_MAX];
};

/* A non-blocking, close-on-exec pair.  0 or -errno. */
int msg_pair(int ret_fds[2]);

/* 0, -EAGAIN when the queue is full, -EPIPE when nobody reads, -errno. */
int msg_send(int fd, uint32_t type, uint32_t id, const void *data, size_t len,
    const int *fds, int n_fds) ATTR_MUST_USE;

/*
 * 1 and a message; 0 when there is none now; -EPIPE on end of file;
 * -EPROTO for one that is too short, too long or cut; -errno.
 */
int msg_recv(int fd, struct msg *ret) ATTR_MUST_USE;

/* Closes what came along and was not taken (taken ones are set to -1). */
void msg_close_fds(struct msg *m);

/*
 * A sealed memfd holding n bytes, for texts that do not fit a message.
 * The descriptor, or -errno.
 */
int msg_blob(const char *name, const void *data, size_t n);

/*
 * Reads a blob of at most max bytes that msg_blob() made; *ret ends with a
 * NUL beyond n and is the caller's to free.  0, -EFBIG, -EPROTO, -errno.
 */
int msg_blob_read(int fd, size_t max, char **ret, size_t *ret_n);

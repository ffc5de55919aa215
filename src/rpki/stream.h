/*
 * The connection to a cache, non-blocking: TCP, or TLS 1.2 and up over it with
 * the cache's certificate verified against a name and given authorities.  No
 * file is opened here: what is needed is passed in.
 */
#pragma once

#include "base/wire.h"
#include "net/addr.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct stream;

/* PEM texts; certificate and key may be empty. */
struct stream_tls {
	const char *name; /* DNS name or address in the cache's certificate */
	struct bytes ca;
	struct bytes certificate;
	struct bytes key;
};

enum stream_state {
	STREAM_WAITS, /* for stream_events() */
	STREAM_READY,
	STREAM_FAILED, /* see stream_error() */
};

#define STREAM_ERROR 160

/*
 * Begins to connect; tls NULL: plain TCP.  NULL with words in why when that
 * cannot be.
 */
struct stream *stream_open(const struct ip *to, uint16_t port,
    const struct stream_tls *tls, char why[STREAM_ERROR]);
/* Closes; NULL is allowed. */
void stream_free(struct stream *s);

int stream_fd(const struct stream *s);
/* Connects and shakes hands; to be called when the descriptor is ready. */
enum stream_state stream_step(struct stream *s);
/* What it waits for, EPOLLIN and EPOLLOUT, beside what its owner wants. */
uint32_t stream_events(const struct stream *s);

/* Bytes; 0: none now; -1: it has ended or failed. */
ssize_t stream_read(struct stream *s, void *buf, size_t n);
ssize_t stream_write(struct stream *s, const void *buf, size_t n);
const char *stream_error(const struct stream *s);

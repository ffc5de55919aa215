/*
 * The clients of the control sockets: lines in, lines out, one request of a
 * client at a time.
 *
 *   client --line--> request()      the role finds the answer and writes it
 *          <--lines- api_write()    ...
 *          <--line-- api_end()      then the client's next line is read
 *
 * Every buffer is bounded: a client that does not read gets its query
 * paused (full, drained); one that reads nothing for a minute is closed.
 */
#pragma once

#include "net/loop.h"

#include <stdbool.h>
#include <stddef.h>

struct api_server;
struct api_client;

struct api_server_ops {
	/* A line without its newline; borrowed. */
	void (*request)(struct api_client *c, const char *line, size_t n);
	/* It left in the middle of its request. */
	void (*gone)(struct api_client *c);
	/* Its output is full; has room again. */
	void (*full)(struct api_client *c);
	void (*drained)(struct api_client *c);
};

/* NULL when memory is out. */
struct api_server *api_server_new(
    struct loop *loop, const struct api_server_ops *ops, void *arg);
/* Closes all clients, without gone(), and all listening sockets. */
void api_server_free(struct api_server *s);

/* fd: listening, the server's from now on.  0 or -errno. */
int api_server_listen(struct api_server *s, int fd, bool control);

void *api_client_arg(const struct api_client *c); /* the server's */
bool api_client_is_control(const struct api_client *c);
void api_client_set_job(struct api_client *c, void *job);
void *api_client_job(const struct api_client *c);

/*
 * Queues n bytes of whole lines.  False, and the client is closed (gone()
 * is not called), when it did not heed full() or memory is out.
 */
bool api_write(struct api_client *c, const char *p, size_t n);

/* Writes the last line; error may be NULL when exit_code is 0. */
void api_end(struct api_client *c, int exit_code, const char *error);

/* The last line was among those written. */
void api_done(struct api_client *c);

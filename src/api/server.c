#include "api/server.h"

#include "api/request.h"
#include "base/clock.h"
#include "base/json.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define LISTENERS 4
#define CLIENTS_READ 128
#define CLIENTS_CONTROL 16
#define OUT_HIGH ((size_t)256 << 10)
#define OUT_LOW ((size_t)64 << 10)
/* What may come after full(): what was in the ring already. */
#define OUT_MAX ((size_t)16 << 20)
#define IDLE_NS (60 * NS_PER_S)

struct listener {
	struct api_server *server;
	struct loop_fd fd;
	bool control;
};

struct api_server {
	struct loop *loop;
	const struct api_server_ops *ops;
	void *arg;
	struct listener listener[LISTENERS];
	unsigned n_listeners;
	struct list clients;
	unsigned n_clients[2]; /* by control */
};

struct api_client {
	struct list all;
	struct api_server *server;
	struct loop_fd fd;
	struct loop_timer idle;
	struct loop_task next; /* looks for a further line */
	bool control;
	bool busy; /* a request is being answered */
	bool eof;
	bool is_full;
	void *job;
	char *in;
	size_t n_in;
	size_t cap_in;
	size_t seen; /* of in, known to hold no newline */
	char *out;
	size_t out_at; /* sent */
	size_t out_n;
	size_t out_cap;
};

static void close_client(struct api_client *c)
{
	struct api_server *s = c->server;

	loop_del(s->loop, &c->fd);
	loop_timer_stop(s->loop, &c->idle);
	loop_task_cancel(s->loop, &c->next);
	list_del(&c->all);
	s->n_clients[c->control]--;
	close(c->fd.fd);
	free(c->in);
	free(c->out);
	free(c);
}

/* Closes; the role hears of it when it is at work for this client. */
static void drop(struct api_client *c)
{
	if (c->busy)
		c->server->ops->gone(c);
	close_client(c);
}

static void watch(struct api_client *c)
{
	uint32_t events = 0;

	if (!c->busy && !c->eof)
		events |= EPOLLIN;
	if (c->out_n > c->out_at)
		events |= EPOLLOUT;
	loop_set(c->server->loop, &c->fd, events);
}

static void touch(struct api_client *c)
{
	loop_timer_set(c->server->loop, &c->idle, clock_now_ns() + IDLE_NS);
}

static void idle_fired(struct loop_timer *t)
{
	struct api_client *c = list_entry(t, struct api_client, idle);

	/* The role is at work and the client waits: that is not idle. */
	if (c->busy && c->out_n == c->out_at) {
		touch(c);
		return;
	}
	drop(c);
}

/* ---- out ---------------------------------------------------------------- */

/* 0, or -errno: the client is gone. */
static int push(struct api_client *c)
{
	while (c->out_at < c->out_n) {
		ssize_t k = send(c->fd.fd, c->out + c->out_at,
		    c->out_n - c->out_at, MSG_NOSIGNAL | MSG_DONTWAIT);

		if (k < 0 && errno == EINTR)
			continue;
		if (k < 0 && errno == EAGAIN)
			break;
		if (k < 0)
			return -errno;
		c->out_at += (size_t)k;
		touch(c);
	}
	if (c->out_at == c->out_n) {
		c->out_at = c->out_n = 0;
		if (c->out_cap > OUT_HIGH) {
			free(c->out);
			c->out = NULL;
			c->out_cap = 0;
		}
	}
	return 0;
}

static bool reserve(struct api_client *c, size_t n)
{
	if (c->out_at && c->out_n + n > c->out_cap) {
		memmove(c->out, c->out + c->out_at, c->out_n - c->out_at);
		c->out_n -= c->out_at;
		c->out_at = 0;
	}
	if (c->out_n + n <= c->out_cap)
		return true;
	size_t cap = c->out_cap ? c->out_cap : 4096;
	while (cap < c->out_n + n)
		cap *= 2;
	char *more = realloc(c->out, cap);
	if (!more)
		return false;
	c->out = more;
	c->out_cap = cap;
	return true;
}

bool api_write(struct api_client *c, const char *p, size_t n)
{
	size_t waiting = c->out_n - c->out_at;

	if ((waiting && waiting + n > OUT_MAX) || !reserve(c, n)) {
		close_client(c);
		return false;
	}
	memcpy(c->out + c->out_n, p, n);
	c->out_n += n;
	if (push(c)) {
		close_client(c);
		return false;
	}
	if (!c->is_full && c->out_n - c->out_at > OUT_HIGH) {
		c->is_full = true;
		c->server->ops->full(c);
	}
	watch(c);
	return true;
}

void api_done(struct api_client *c)
{
	c->busy = false;
	c->is_full = false;
	c->job = NULL;
	touch(c);
	loop_task_queue(c->server->loop, &c->next);
	watch(c);
}

void api_end(struct api_client *c, int exit_code, const char *error)
{
	char line[512];
	struct json j;

	json_init(&j, line, sizeof line);
	json_open_object(&j, NULL);
	json_bool(&j, "end", true);
	json_i64(&j, "exit", exit_code);
	if (exit_code)
		json_string(&j, "error", error);
	json_close_object(&j);
	json_newline(&j);
	if (api_write(c, line, j.len))
		api_done(c);
}

/* ---- in ----------------------------------------------------------------- */

static size_t in_max(const struct api_client *c)
{
	return c->control ? API_REQUEST_TEXT_MAX : API_REQUEST_MAX;
}

/* Hands on the next whole line, if there is one. */
static void next_line(struct api_client *c)
{
	char *end = NULL;

	if (c->busy)
		return;
	if (c->n_in > c->seen)
		end = memchr(c->in + c->seen, '\n', c->n_in - c->seen);
	c->seen = c->n_in;
	if (!end && c->eof) {
		if (!c->n_in) {
			if (c->out_n == c->out_at)
				close_client(c);
			return; /* closed once all is sent */
		}
		end = c->in + c->n_in; /* there is room for one more byte */
		c->n_in++;
	}
	if (!end) {
		c->busy = c->n_in >= in_max(c);
		if (c->busy) {
			c->n_in = c->seen = 0;
			c->eof = true;
			api_end(c, 2, "the request is too long");
		}
		return;
	}
	size_t n = (size_t)(end - c->in);
	char *line = c->in;
	size_t rest = c->n_in - n - 1;

	/* The line is handed on in its own block: the answer may free us. */
	char *in = rest ? malloc(rest + 1) : NULL;
	if (rest && !in) {
		close_client(c);
		return;
	}
	if (rest)
		memcpy(in, end + 1, rest);
	c->in = in;
	c->n_in = rest;
	c->cap_in = rest;
	c->seen = 0;
	if (n && line[n - 1] == '\r')
		n--;
	if (n == 0) {
		loop_task_queue(c->server->loop, &c->next);
	} else {
		c->busy = true;
		watch(c);
		c->server->ops->request(c, line, n);
	}
	free(line);
}

static void next_run(struct loop_task *t)
{
	next_line(list_entry(t, struct api_client, next));
}

/* 0, or -errno: the client is gone. */
static int pull(struct api_client *c)
{
	for (int i = 0; i < 16 && !c->eof && c->n_in < in_max(c); i++) {
		if (c->cap_in - c->n_in < 1024) {
			size_t cap = c->cap_in ? 2 * c->cap_in : 4096;
			char *more = realloc(c->in, cap + 1);

			if (!more)
				return -ENOMEM;
			c->in = more;
			c->cap_in = cap;
		}
		ssize_t k = recv(c->fd.fd, c->in + c->n_in, c->cap_in - c->n_in,
		    MSG_DONTWAIT);
		if (k < 0 && errno == EINTR)
			continue;
		if (k < 0)
			return errno == EAGAIN ? 0 : -errno;
		if (k == 0) {
			c->eof = true;
			return 0;
		}
		c->n_in += (size_t)k;
		touch(c);
	}
	return 0;
}

static void client_ready(struct loop_fd *f, uint32_t events)
{
	struct api_client *c = list_entry(f, struct api_client, fd);

	if (events & (EPOLLERR | EPOLLHUP) && !(events & EPOLLIN)) {
		drop(c);
		return;
	}
	if (push(c)) {
		drop(c);
		return;
	}
	if (c->is_full && c->out_n - c->out_at < OUT_LOW) {
		c->is_full = false;
		c->server->ops->drained(c);
	}
	if (events & EPOLLIN && !c->busy && pull(c)) {
		drop(c);
		return;
	}
	watch(c);
	if (!c->busy)
		next_line(c);
}

/* ---- coming and going --------------------------------------------------- */

static void turn_away(int fd)
{
	static const char line[] = "{\"end\":true,\"exit\":3,"
				   "\"error\":\"too many clients\"}\n";

	(void)!send(fd, line, sizeof line - 1, MSG_NOSIGNAL | MSG_DONTWAIT);
	close(fd);
}

static void admit(struct listener *l, int fd)
{
	struct api_server *s = l->server;
	unsigned max = l->control ? CLIENTS_CONTROL : CLIENTS_READ;

	if (s->n_clients[l->control] >= max) {
		turn_away(fd);
		return;
	}
	struct api_client *c = calloc(1, sizeof *c);
	if (!c) {
		close(fd);
		return;
	}
	c->server = s;
	c->control = l->control;
	c->fd = (struct loop_fd){
	    .fd = fd, .events = EPOLLIN, .ready = client_ready};
	c->idle.fire = idle_fired;
	c->next.run = next_run;
	if (loop_add(s->loop, &c->fd)) {
		close(fd);
		free(c);
		return;
	}
	s->n_clients[c->control]++;
	list_add_tail(&s->clients, &c->all);
	touch(c);
}

static void listener_ready(struct loop_fd *f, uint32_t events)
{
	struct listener *l = list_entry(f, struct listener, fd);

	(void)events;
	for (int i = 0; i < 16; i++) {
		int fd =
		    accept4(f->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

		if (fd < 0)
			return;
		admit(l, fd);
	}
}

struct api_server *api_server_new(
    struct loop *loop, const struct api_server_ops *ops, void *arg)
{
	struct api_server *s = calloc(1, sizeof *s);

	if (!s)
		return NULL;
	s->loop = loop;
	s->ops = ops;
	s->arg = arg;
	list_init(&s->clients);
	return s;
}

void api_server_free(struct api_server *s)
{
	if (!s)
		return;
	while (!list_empty(&s->clients))
		close_client(
		    list_entry(s->clients.next, struct api_client, all));
	for (unsigned i = 0; i < s->n_listeners; i++) {
		loop_del(s->loop, &s->listener[i].fd);
		close(s->listener[i].fd.fd);
	}
	free(s);
}

int api_server_listen(struct api_server *s, int fd, bool control)
{
	if (s->n_listeners == LISTENERS)
		return -ENOSPC;
	struct listener *l = &s->listener[s->n_listeners];

	*l = (struct listener){
	    .server = s,
	    .fd = {.fd = fd, .events = EPOLLIN, .ready = listener_ready},
	    .control = control,
	};
	int err = loop_add(s->loop, &l->fd);
	if (!err)
		s->n_listeners++;
	return err;
}

void *api_client_arg(const struct api_client *c)
{
	return c->server->arg;
}

bool api_client_is_control(const struct api_client *c)
{
	return c->control;
}

void api_client_set_job(struct api_client *c, void *job)
{
	c->job = job;
}

void *api_client_job(const struct api_client *c)
{
	return c->job;
}

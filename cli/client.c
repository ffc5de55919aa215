#include "cli/client.h"

#include "base/clock.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define CHUNK ((size_t)64 << 10)
#define LINE_LIMIT ((size_t)128 << 20)
#define PROGRESS_AFTER_NS (2 * NS_PER_S)
#define PROGRESS_EVERY_MS 200

struct conn {
	const struct cli_call *call;
	const struct client_ask *ask;
	int fd;
	char *buf;
	size_t n;
	size_t cap;
	uint64_t lines;
	uint64_t start_ns;
	uint64_t shown_ns;
	bool shown; /* a progress line stands on stderr */
	json_t *end;
};

/* ---- connecting -------------------------------------------------------- */

static int explain(const struct cli_call *c, const char *path, int err)
{
	switch (err) {
	case ENOENT:
	case ECONNREFUSED:
		return cli_fail(c, CLI_FAILED,
		    "no exchange runs here (%s: %s); start one with spean "
		    "run, or name its --run-dir",
		    path, strerror(err));
	case EACCES:
	case EPERM:
		return cli_fail(c, CLI_FAILED,
		    "%s: %s; questions need the group of the socket, changes "
		    "its owner",
		    path, strerror(err));
	default:
		return cli_fail(c, CLI_FAILED, "%s: %s", path, strerror(err));
	}
}

/* The descriptor, or -1 once the reason is on stderr. */
static int open_socket(const struct cli_call *c, enum client_socket which)
{
	static const char *const names[] = {
	    [CLIENT_READ] = "read", [CLIENT_CONTROL] = "control"};
	struct sockaddr_un sa = {.sun_family = AF_UNIX};
	char path[1024];
	int fd;

	snprintf(path, sizeof path, "%s/%s", c->run_dir, names[which]);
	if (strlen(path) >= sizeof sa.sun_path) {
		cli_fail(c, CLI_FAILED,
		    "%s: the path of a socket has at most %zu bytes", path,
		    sizeof sa.sun_path - 1);
		return -1;
	}
	memcpy(sa.sun_path, path, strlen(path) + 1);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || connect(fd, (const struct sockaddr *)&sa, sizeof sa)) {
		explain(c, path, errno);
		if (fd >= 0)
			close(fd);
		return -1;
	}
	return fd;
}

static int send_all(int fd, const char *p, size_t n)
{
	while (n) {
		ssize_t k = send(fd, p, n, MSG_NOSIGNAL);

		if (k < 0 && errno == EINTR)
			continue;
		if (k < 0)
			return -errno;
		p += k;
		n -= (size_t)k;
	}
	return 0;
}

/* ---- progress ---------------------------------------------------------- */

static void progress_clear(struct conn *s)
{
	if (s->shown)
		fputs("\r\033[K", stderr);
	s->shown = false;
}

/* Only where it cannot get between the rows of a table. */
static void progress(struct conn *s)
{
	static const char turn[] = "|/-\\";
	uint64_t now = clock_now_ns();
	uint64_t took = now - s->start_ns;

	if (took < PROGRESS_AFTER_NS || !isatty(STDERR_FILENO) ||
	    (s->lines && isatty(STDOUT_FILENO)) ||
	    now - s->shown_ns < PROGRESS_EVERY_MS * NS_PER_MS)
		return;
	s->shown_ns = now;
	s->shown = true;
	fprintf(stderr, "\r\033[K%c %s, %llu s",
	    turn[now / (PROGRESS_EVERY_MS * NS_PER_MS) % 4],
	    s->ask->waiting ? s->ask->waiting : "waiting for the answer",
	    (unsigned long long)(took / NS_PER_S));
	if (s->lines)
		fprintf(stderr, ", %llu lines", (unsigned long long)s->lines);
	fflush(stderr);
}

/* ---- lines ------------------------------------------------------------- */

static bool is_end(const char *line, size_t n)
{
	static const char mark[] = "{\"end\":true";

	return n >= sizeof mark - 1 && !memcmp(line, mark, sizeof mark - 1);
}

/* Hands on whole lines; true when the last one has come. */
static bool take_lines(struct conn *s)
{
	char *at = s->buf;
	char *stop = s->n ? s->buf + s->n : s->buf;
	char *nl;

	if (!s->n)
		return false;
	while (!s->end && at < stop &&
	       (nl = memchr(at, '\n', (size_t)(stop - at)))) {
		size_t n = (size_t)(nl - at);

		if (is_end(at, n)) {
			s->end = json_loadb(at, n, 0, NULL);
			if (!s->end)
				s->end = json_object();
		} else {
			if (s->shown)
				progress_clear(s);
			s->lines++;
			s->ask->line(s->ask->arg, at, n);
		}
		at = nl + 1;
	}
	s->n = (size_t)(stop - at);
	memmove(s->buf, at, s->n);
	return s->end != NULL;
}

/* 0, or CLI_FAILED once the reason is on stderr. */
static int fill(struct conn *s)
{
	struct pollfd p = {.fd = s->fd, .events = POLLIN};
	ssize_t k;

	if (s->cap - s->n < CHUNK) {
		size_t cap = s->cap ? s->cap * 2 : 2 * CHUNK;
		char *more = cap > LINE_LIMIT ? NULL : realloc(s->buf, cap);

		if (!more)
			return cli_fail(s->call, CLI_FAILED,
			    "a line of the answer is too long");
		s->buf = more;
		s->cap = cap;
	}
	while (poll(&p, 1, PROGRESS_EVERY_MS) == 0)
		progress(s);
	k = read(s->fd, s->buf + s->n, s->cap - s->n);
	if (k < 0 && errno == EINTR)
		return 0;
	if (k < 0)
		return cli_fail(s->call, CLI_FAILED, "the answer broke off: %s",
		    strerror(errno));
	if (k == 0)
		return cli_fail(s->call, CLI_FAILED,
		    "the answer broke off: the exchange closed the "
		    "connection");
	s->n += (size_t)k;
	return 0;
}

static int converse(struct conn *s)
{
	const struct client_ask *a = s->ask;
	int err = send_all(s->fd, a->request, a->n);
	int code = 0;
	const char *error;

	/* A refusal may come before all of the request was taken. */
	if (err && err != -EPIPE)
		return cli_fail(
		    s->call, CLI_FAILED, "cannot ask: %s", strerror(-err));
	while (!code && !take_lines(s)) {
		code = fill(s);
		progress(s);
	}
	progress_clear(s);
	if (code)
		return code;
	code = (int)json_integer_value(json_object_get(s->end, "exit"));
	error = json_string_value(json_object_get(s->end, "error"));
	if (code < CLI_DONE || code > CLI_FAILED)
		code = CLI_FAILED;
	if (code && error)
		cli_fail(s->call, (enum cli_exit)code, "%s", error);
	return code;
}

int client_ask(
    const struct cli_call *c, const struct client_ask *a, json_t **ret_end)
{
	struct conn s = {.call = c, .ask = a, .start_ns = clock_now_ns()};
	int code;

	if (ret_end)
		*ret_end = NULL;
	s.fd = open_socket(c, a->socket);
	if (s.fd < 0)
		return CLI_FAILED;
	code = converse(&s);
	close(s.fd);
	free(s.buf);
	if (ret_end)
		*ret_end = s.end;
	else
		json_decref(s.end);
	return code;
}

static void pass(void *arg, const char *line, size_t n)
{
	(void)arg;
	fwrite(line, 1, n, stdout);
	putchar('\n');
}

int client_pass(const struct cli_call *c, struct client_ask *a)
{
	a->line = pass;
	return client_flush(c, client_ask(c, a, NULL));
}

int client_simple(const struct cli_call *c, enum client_socket socket,
    const char *verb, struct client_ask *a, json_t **ret_end)
{
	char request[64];

	a->n = (size_t)snprintf(
	    request, sizeof request, "{\"verb\":\"%s\"}\n", verb);
	a->request = request;
	a->socket = socket;
	if (c->json) {
		if (ret_end)
			*ret_end = NULL;
		return client_pass(c, a);
	}
	return client_ask(c, a, ret_end);
}

int client_flush(const struct cli_call *c, int code)
{
	if (!fflush(stdout) && !ferror(stdout))
		return code;
	return cli_fail(
	    c, CLI_FAILED, "cannot write the answer: %s", strerror(errno));
}

const char *field_text(const json_t *o, const char *key, const char *otherwise)
{
	const char *s = json_string_value(json_object_get(o, key));

	return s ? s : otherwise;
}

uint64_t field_u64(const json_t *o, const char *key)
{
	json_int_t v = json_integer_value(json_object_get(o, key));

	return v < 0 ? 0 : (uint64_t)v;
}

bool field_bool(const json_t *o, const char *key)
{
	return json_is_true(json_object_get(o, key));
}

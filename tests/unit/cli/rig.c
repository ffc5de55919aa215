#include "rig.h"

#include "check.h"

#include "cli/cli.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define REQUEST_MAX ((size_t)1 << 20)

/* ---- catching ---------------------------------------------------------- */

static int catch_start(FILE *f, FILE **ret_file)
{
	int saved = dup(fileno(f));

	*ret_file = tmpfile();
	assert_non_null(*ret_file);
	fflush(f);
	assert_true(dup2(fileno(*ret_file), fileno(f)) >= 0);
	return saved;
}

static char *catch_end(FILE *f, int saved, FILE *file)
{
	char *text;
	long n;

	fflush(f);
	dup2(saved, fileno(f));
	close(saved);
	fseek(file, 0, SEEK_END);
	n = ftell(file);
	rewind(file);
	text = calloc(1, (size_t)n + 1);
	assert_non_null(text);
	assert_int_equal(fread(text, 1, (size_t)n, file), n);
	fclose(file);
	return text;
}

const struct cli_verb *const *rig_verbs;

struct rig_result rig_run(const char *const *argv)
{
	struct rig_result r;
	char *copy[32];
	FILE *out;
	FILE *err;
	int n = 0;

	copy[n++] = strdup("spean");
	for (; *argv; argv++)
		copy[n++] = strdup(*argv);
	copy[n] = NULL;
	int saved_out = catch_start(stdout, &out);
	int saved_err = catch_start(stderr, &err);
	r.code = cli_main(n, copy, rig_verbs);
	r.out = catch_end(stdout, saved_out, out);
	r.err = catch_end(stderr, saved_err, err);
	while (n)
		free(copy[--n]);
	return r;
}

void rig_free(struct rig_result *r)
{
	free(r->out);
	free(r->err);
}

void rig_file(char path[64], const char *text)
{
	int fd;

	strcpy(path, "/tmp/spean-cli-file-XXXXXX");
	fd = mkstemp(path);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
}

/* ---- serving ----------------------------------------------------------- */

static size_t read_line(int fd, char *buf, size_t cap)
{
	size_t n = 0;

	while (n < cap && (!n || buf[n - 1] != '\n')) {
		ssize_t k = read(fd, buf + n, cap - n);

		if (k <= 0)
			break;
		n += (size_t)k;
	}
	return n;
}

/* `diff` asks once more: what it means for the routes. */
static void serve_routes(int fd)
{
	static const char answer[] = RIG_DIFF_ROUTES;
	struct pollfd p = {.fd = fd, .events = POLLIN};
	char *buf = malloc(REQUEST_MAX);

	if (!buf || poll(&p, 1, 5000) != 1)
		return;
	int c = accept(fd, NULL, NULL);
	if (c >= 0 && read_line(c, buf, REQUEST_MAX))
		(void)!write(c, answer, sizeof answer - 1);
	close(c);
}

static void serve(int fd, int back, const char *answer, size_t n, size_t chunk)
{
	char *buf = malloc(REQUEST_MAX);
	int c = accept(fd, NULL, NULL);
	size_t got = buf && c >= 0 ? read_line(c, buf, REQUEST_MAX) : 0;

	for (size_t at = 0; at < n;) {
		size_t len = chunk && chunk < n - at ? chunk : n - at;
		ssize_t k = send(c, answer + at, len, MSG_NOSIGNAL);

		if (k < 0)
			break;
		at += (size_t)k;
	}
	close(c);
	if (got > 14 && !memcmp(buf, "{\"verb\":\"diff\"", 14))
		serve_routes(fd);
	if (got && write(back, buf, got) < 0)
		_exit(1);
	_exit(0);
}

void rig_server_start(struct rig_server *s, const char *name,
    const char *answer, size_t n, size_t chunk)
{
	struct sockaddr_un sa = {.sun_family = AF_UNIX};
	int pipes[2];
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	strcpy(s->dir, "/tmp/spean-cli-run-XXXXXX");
	assert_non_null(mkdtemp(s->dir));
	snprintf(sa.sun_path, sizeof sa.sun_path, "%s/%s", s->dir, name);
	assert_int_equal(bind(fd, (const struct sockaddr *)&sa, sizeof sa), 0);
	assert_int_equal(listen(fd, 1), 0);
	assert_int_equal(pipe(pipes), 0);
	fflush(NULL);
	s->pid = fork();
	assert_true(s->pid >= 0);
	if (!s->pid) {
		close(pipes[0]);
		serve(fd, pipes[1], answer, n, chunk);
	}
	close(fd);
	close(pipes[1]);
	s->pipe = pipes[0];
}

void rig_server_end(struct rig_server *s)
{
	static const char *const names[] = {"read", "control"};
	char path[96];
	size_t n;

	s->request = calloc(1, REQUEST_MAX + 1);
	assert_non_null(s->request);
	n = read_line(s->pipe, s->request, REQUEST_MAX);
	s->request[n] = 0;
	close(s->pipe);
	waitpid(s->pid, NULL, 0);
	for (size_t i = 0; i < 2; i++) {
		snprintf(path, sizeof path, "%s/%s", s->dir, names[i]);
		unlink(path);
	}
	rmdir(s->dir);
}

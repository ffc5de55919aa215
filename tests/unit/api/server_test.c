/* Clients of the control sockets: lines, limits, and slow readers. */
#include "check.h"

#include "api/request.h"
#include "api/server.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define MANY 4000

static struct loop *loop;
static struct api_server *server;
static struct api_client *waiting; /* its answer is still to come */
static struct api_client *streaming;
static unsigned lines_left;
static unsigned pauses;
static unsigned resumes;
static unsigned gone;
static struct sockaddr_un addr;
static socklen_t addr_len;

static void stream(void)
{
	static char line[1000];

	memset(line, 'x', sizeof line);
	line[sizeof line - 1] = '\n';
	while (streaming && lines_left && pauses == resumes) {
		lines_left--;
		assert_true(api_write(streaming, line, sizeof line));
	}
	if (streaming && !lines_left) {
		struct api_client *c = streaming;

		streaming = NULL;
		api_end(c, 0, NULL);
	}
}

static void on_request(struct api_client *c, const char *line, size_t n)
{
	if (n == 4 && memcmp(line, "wait", 4) == 0) {
		waiting = c;
		api_client_set_job(c, &waiting);
	} else if (n == 4 && memcmp(line, "many", 4) == 0) {
		streaming = c;
		lines_left = MANY;
		stream();
	} else {
		api_write(c, line, n);
		api_write(c, "\n", 1);
		api_end(c, 1, "echo");
	}
}

static void on_gone(struct api_client *c)
{
	gone += api_client_job(c) == &waiting;
	waiting = NULL;
}

static void on_full(struct api_client *c)
{
	(void)c;
	pauses++;
}

static void on_drained(struct api_client *c)
{
	(void)c;
	resumes++;
	stream();
}

static const struct api_server_ops ops = {
    .request = on_request,
    .gone = on_gone,
    .full = on_full,
    .drained = on_drained,
};

static int set_up(void **state)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);

	(void)state;
	waiting = streaming = NULL;
	pauses = resumes = gone = 0;
	/* Autobind: an abstract name that the kernel chooses. */
	addr = (struct sockaddr_un){.sun_family = AF_UNIX};
	if (bind(fd, (const struct sockaddr *)&addr, sizeof(sa_family_t)) ||
	    listen(fd, 64))
		return -1;
	addr_len = sizeof addr;
	getsockname(fd, (struct sockaddr *)&addr, &addr_len);
	loop = loop_new();
	server = api_server_new(loop, &ops, NULL);
	return api_server_listen(server, fd, false);
}

static int tear_down(void **state)
{
	(void)state;
	api_server_free(server);
	loop_free(loop);
	return 0;
}

static void turn(int n)
{
	while (n--)
		assert_int_equal(loop_turn(loop, 10), 0);
}

static int client(const char *line)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);

	assert_true(fd >= 0);
	assert_int_equal(
	    connect(fd, (const struct sockaddr *)&addr, addr_len), 0);
	assert_int_equal(send(fd, line, strlen(line), 0), (int)strlen(line));
	return fd;
}

static void expect(int fd, const char *text)
{
	char got[512];
	size_t n = 0;

	for (int i = 0; i < 20 && n < strlen(text); i++) {
		ssize_t k = recv(fd, got + n, sizeof got - 1 - n, 0);

		if (k > 0)
			n += (size_t)k;
		turn(1);
	}
	got[n] = 0;
	assert_string_equal(got, text);
}

static void lines_are_answered_one_after_the_other(void **state)
{
	int fd = client("one\ntwo\r\n\nthr");

	(void)state;
	turn(3);
	assert_int_equal(send(fd, "ee", 2, 0), 2);
	assert_int_equal(shutdown(fd, SHUT_WR), 0);
	expect(fd, "one\n{\"end\":true,\"exit\":1,\"error\":\"echo\"}\n"
		   "two\n{\"end\":true,\"exit\":1,\"error\":\"echo\"}\n"
		   "three\n{\"end\":true,\"exit\":1,\"error\":\"echo\"}\n");
	turn(3);
	char c;
	assert_int_equal(recv(fd, &c, 1, 0), 0); /* closed after the last */
	close(fd);
}

static void a_client_that_leaves_is_told_of(void **state)
{
	int fd = client("wait\n");

	(void)state;
	turn(3);
	assert_non_null(waiting);
	close(fd);
	turn(3);
	assert_int_equal(gone, 1);
}

static void a_slow_reader_pauses_and_gets_all(void **state)
{
	int fd = client("many\n");
	static char buf[65536];
	size_t n = 0;

	(void)state;
	turn(5);
	assert_int_equal(pauses, 1);
	assert_int_equal(resumes, 0);
	/* What waits for it is bounded: it has not even been made. */
	assert_true(lines_left > MANY / 2);
	/* Another one is served meanwhile. */
	int other = client("hi\n");
	turn(3);
	expect(other, "hi\n{\"end\":true,\"exit\":1,\"error\":\"echo\"}\n");
	close(other);
	for (int i = 0; i < 2000 && n < MANY * 1000; i++) {
		ssize_t k;

		while ((k = recv(fd, buf, sizeof buf, 0)) > 0)
			n += (size_t)k;
		turn(1);
	}
	assert_int_equal(
	    n, MANY * 1000 + strlen("{\"end\":true,\"exit\":0}\n"));
	assert_int_equal(pauses, resumes);
	close(fd);
}

static void a_line_without_end_is_refused(void **state)
{
	char *line = malloc(API_REQUEST_MAX + 2000);

	(void)state;
	memset(line, 'x', API_REQUEST_MAX + 1999);
	line[API_REQUEST_MAX + 1999] = 0;
	int fd = client(line);
	free(line);
	turn(5);
	expect(fd, "{\"end\":true,\"exit\":2,"
		   "\"error\":\"the request is too long\"}\n");
	close(fd);
}

static void too_many_clients_are_turned_away(void **state)
{
	int fds[140];

	(void)state;
	for (int i = 0; i < 140; i++) {
		fds[i] = client("wait\n");
		turn(2);
	}
	expect(fds[139],
	    "{\"end\":true,\"exit\":3,\"error\":\"too many clients\"}\n");
	for (int i = 0; i < 140; i++)
		close(fds[i]);
	turn(5);
	/* And room comes back. */
	int fd = client("hi\n");
	turn(3);
	expect(fd, "hi\n{\"end\":true,\"exit\":1,\"error\":\"echo\"}\n");
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(
		lines_are_answered_one_after_the_other, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(
		a_client_that_leaves_is_told_of, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(
		a_slow_reader_pauses_and_gets_all, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(
		a_line_without_end_is_refused, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(
		too_many_clients_are_turned_away, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

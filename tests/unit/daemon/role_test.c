/* The common frame of a role, from the parent's end of its socket. */
#include "check.h"

#include "daemon/role.h"

#include <poll.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static const char good[] = "exchange \"X\" {\n"
			   "\tasn 64500;\n"
			   "\trouter-id 192.0.2.1;\n"
			   "\tlisten 192.0.2.1;\n"
			   "\tlan 192.0.2.0/24;\n"
			   "}\n"
			   "policy { preset strict; }\n";

enum {
	TELL = 200
}; /* a role's word to the test: one byte */

static void tell(struct role_env *e, char c)
{
	role_send(e, TELL, 0, &c, 1, -1);
}

static int t_start(struct role_env *e, const struct role_conf *rc)
{
	tell(e, rc->restarting ? 'r' : 's');
	return e->conf->exchange.asn == 64500 ? 0 : -1;
}

static void t_reload(struct role_env *e, const struct conf *old)
{
	tell(e, old && old != e->conf ? 'n' : '?');
}

static void t_listen(struct role_env *e, const int *fds, int n)
{
	tell(e, n == 2 && fds[0] >= 0 ? 'l' : '?');
	for (int i = 0; i < n; i++)
		close(fds[i]);
}

static void t_link(struct role_env *e, struct role_at other, int sock)
{
	tell(e, other.role == ROLE_ENGINE && other.index == 1 ? 'k' : '?');
	close(sock);
}

static void t_hold_down(struct role_env *e, const struct role_hold_down *h)
{
	tell(e, h->seconds == 60 && !strcmp(h->why, "because") ? 'h' : '?');
}

static void t_stop(struct role_env *e)
{
	tell(e, 'b');
	loop_stop(e->loop);
}

static const struct role_ops ops = {
    .name = "test",
    .start = t_start,
    .reload = t_reload,
    .listen = t_listen,
    .link = t_link,
    .hold_down = t_hold_down,
    .stop = t_stop,
};

static int sock;
static pid_t pid;

static int start_role(void **state)
{
	int pair[2];

	(void)state;
	if (msg_pair(pair))
		return -1;
	pid = fork();
	if (pid == 0) {
		close(pair[0]);
		_exit(role_run(&ops, 0, pair[1]));
	}
	close(pair[1]);
	sock = pair[0];
	return pid < 0 ? -1 : 0;
}

static int end_role(void **state)
{
	int status;

	(void)state;
	if (sock >= 0)
		close(sock);
	return waitpid(pid, &status, 0) == pid && WIFEXITED(status) ? 0 : -1;
}

static void send_text(const char *text, uint32_t id, bool restarting)
{
	struct role_conf rc = {.restarting = restarting};
	int fd = msg_blob("text", text, strlen(text));

	assert_true(fd >= 0);
	assert_int_equal(
	    msg_send(sock, ROLE_CONF, id, &rc, sizeof rc, &fd, 1), 0);
	close(fd);
}

static void expect(uint32_t type, uint32_t id, char what)
{
	struct pollfd p = {.fd = sock, .events = POLLIN};
	struct msg m;

	assert_int_equal(poll(&p, 1, 5000), 1);
	assert_int_equal(msg_recv(sock, &m), 1);
	assert_int_equal(m.type, type);
	assert_int_equal(m.id, id);
	if (what)
		assert_int_equal(m.data[0], what);
	msg_close_fds(&m);
}

static void messages_reach_their_callbacks_in_order(void **state)
{
	struct role_hold_down h = {.seconds = 60, .why = "because"};
	struct role_at other = {ROLE_ENGINE, 1};
	int fds[2];

	(void)state;
	send_text(good, 7, true);
	assert_int_equal(msg_pair(fds), 0);
	assert_int_equal(msg_send(sock, ROLE_LISTEN, 0, NULL, 0, fds, 2), 0);
	assert_int_equal(
	    msg_send(sock, ROLE_LINK, 0, &other, sizeof other, fds, 1), 0);
	assert_int_equal(
	    msg_send(sock, ROLE_HOLD_DOWN, 0, &h, sizeof h, NULL, 0), 0);
	assert_int_equal(msg_send(sock, ROLE_PING, 3, NULL, 0, NULL, 0), 0);
	send_text(good, 8, false);
	expect(TELL, 0, 'r');
	expect(ROLE_CONF_DONE, 7, 0);
	expect(ROLE_READY, 0, 0);
	expect(TELL, 0, 'l');
	expect(TELL, 0, 'k');
	expect(TELL, 0, 'h');
	expect(ROLE_PONG, 3, 0);
	expect(TELL, 0, 'n');
	expect(ROLE_CONF_DONE, 8, 0);
	assert_int_equal(msg_send(sock, ROLE_STOP, 0, NULL, 0, NULL, 0), 0);
	expect(TELL, 0, 'b');
	close(fds[0]);
	close(fds[1]);
}

static void it_ends_with_its_parent(void **state)
{
	(void)state;
	send_text(good, 1, false);
	expect(TELL, 0, 's');
	close(sock);
	sock = -1; /* and end_role() waits for it */
}

static void nothing_is_done_before_the_first_text(void **state)
{
	struct role_at other = {ROLE_ENGINE, 1};
	int fds[2];

	(void)state;
	assert_int_equal(msg_pair(fds), 0);
	assert_int_equal(
	    msg_send(sock, ROLE_LINK, 0, &other, sizeof other, fds, 1), 0);
	assert_int_equal(msg_send(sock, ROLE_PING, 4, NULL, 0, NULL, 0), 0);
	expect(ROLE_PONG, 4, 0);
	assert_int_equal(msg_send(sock, ROLE_STOP, 0, NULL, 0, NULL, 0), 0);
	close(fds[0]);
	close(fds[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(
		messages_reach_their_callbacks_in_order, start_role, end_role),
	    cmocka_unit_test_setup_teardown(
		it_ends_with_its_parent, start_role, end_role),
	    cmocka_unit_test_setup_teardown(
		nothing_is_done_before_the_first_text, start_role, end_role),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

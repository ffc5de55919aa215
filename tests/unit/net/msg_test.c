#include "check.h"

#include "net/msg.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

static void a_message_and_its_descriptors_arrive(void **state)
{
	int s[2];
	int p[2];
	struct msg m;
	char c = 0;

	(void)state;
	assert_int_equal(msg_pair(s), 0);
	assert_int_equal(pipe(p), 0);
	assert_int_equal(msg_recv(s[1], &m), 0);
	assert_int_equal(msg_send(s[0], 7, 42, "hello", 5, &p[1], 1), 0);
	assert_int_equal(msg_recv(s[1], &m), 1);
	assert_int_equal(m.type, 7);
	assert_int_equal(m.id, 42);
	assert_int_equal(m.len, 5);
	assert_memory_equal(m.data, "hello", 5);
	assert_int_equal(m.n_fds, 1);
	assert_int_equal(write(m.fds[0], "x", 1), 1);
	assert_int_equal(read(p[0], &c, 1), 1);
	assert_int_equal(c, 'x');
	msg_close_fds(&m);
	assert_int_equal(msg_send(s[0], 8, 0, NULL, 0, NULL, 0), 0);
	assert_int_equal(msg_recv(s[1], &m), 1);
	assert_int_equal(m.len, 0);
	close(s[0]);
	assert_int_equal(msg_recv(s[1], &m), -EPIPE);
	assert_int_equal(msg_send(s[1], 8, 0, NULL, 0, NULL, 0), -EPIPE);
	close(s[1]);
	close(p[0]);
	close(p[1]);
}

static void what_is_not_a_message_is_refused(void **state)
{
	int s[2];
	struct msg m;
	static char big[MSG_MAX + 64];

	(void)state;
	assert_int_equal(msg_pair(s), 0);
	assert_int_equal(send(s[0], "abc", 3, 0), 3);
	assert_int_equal(msg_recv(s[1], &m), -EPROTO);
	assert_true(send(s[0], big, sizeof big, 0) > 0);
	assert_int_equal(msg_recv(s[1], &m), -EPROTO);
	assert_int_equal(
	    msg_send(s[0], 1, 1, big, MSG_MAX + 1, NULL, 0), -EMSGSIZE);
	assert_int_equal(msg_send(s[0], 1, 1, big, MSG_MAX, NULL, 0), 0);
	assert_int_equal(msg_recv(s[1], &m), 1);
	assert_int_equal(m.len, MSG_MAX);
	close(s[0]);
	close(s[1]);
}

static void a_full_queue_says_so(void **state)
{
	int s[2];
	int err = 0;

	(void)state;
	assert_int_equal(msg_pair(s), 0);
	for (int i = 0; i < 100000 && !err; i++)
		err = msg_send(s[0], 1, 1, NULL, 0, NULL, 0);
	assert_int_equal(err, -EAGAIN);
	close(s[0]);
	close(s[1]);
}

static void a_blob_comes_back_whole_and_sealed(void **state)
{
	size_t n = 300000;
	char *text = malloc(n);
	char *back = NULL;
	size_t n_back = 0;

	(void)state;
	memset(text, 'q', n);
	int fd = msg_blob("test", text, n);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, "x", 1), -1);
	assert_int_equal(msg_blob_read(fd, n, &back, &n_back), 0);
	assert_int_equal(n_back, n);
	assert_memory_equal(text, back, n);
	assert_int_equal(back[n], 0);
	free(back);
	assert_int_equal(msg_blob_read(fd, n - 1, &back, &n_back), -EFBIG);
	close(fd);
	int open_fd = memfd_create("unsealed", MFD_CLOEXEC);
	assert_int_equal(msg_blob_read(open_fd, n, &back, &n_back), -EPROTO);
	close(open_fd);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_message_and_its_descriptors_arrive),
	    cmocka_unit_test(what_is_not_a_message_is_refused),
	    cmocka_unit_test(a_full_queue_says_so),
	    cmocka_unit_test(a_blob_comes_back_whole_and_sealed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

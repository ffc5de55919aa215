/* After the sandbox is on, what a role must not do fails, what it needs works.
 */
#include "check.h"

#include "daemon/sandbox.h"
#include "net/msg.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* What a child found, as its exit code. */
enum {
	OPENS_FILES = 1,
	INET_SOCKETS = 2,
	UNIX_SOCKETS = 4,
	NO_MEMORY = 8,
	NO_BLOB = 16,
	NOT_SANDBOXED = 64,
	MAPS_CODE = 32,
};

static bool sanitized(void)
{
#ifdef __SANITIZE_ADDRESS__
	return true;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
	return true;
#endif
#endif
	return false;
}

static int look_around(void)
{
	int found = 0;

	if (open("/etc/passwd", O_RDONLY) >= 0 ||
	    open("/tmp/spean-sandbox", O_WRONLY | O_CREAT, 0600) >= 0)
		found |= OPENS_FILES;
	if (socket(AF_INET, SOCK_STREAM, 0) >= 0)
		found |= INET_SOCKETS;
	if (socket(AF_UNIX, SOCK_STREAM, 0) >= 0 ||
	    socket(AF_NETLINK, SOCK_RAW, 0) >= 0)
		found |= UNIX_SOCKETS;
	void *at = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (at == MAP_FAILED)
		found |= NO_MEMORY;
	else if (mprotect(at, 4096, PROT_READ | PROT_EXEC) == 0)
		found |= MAPS_CODE;
	char *text = NULL;
	size_t n = 0;
	int fd = msg_blob("x", "abc", 3);
	if (fd < 0 || msg_blob_read(fd, 10, &text, &n) || n != 3)
		found |= NO_BLOB;
	return found;
}

static int in_child(enum role r, int (*act)(void))
{
	pid_t pid = fork();
	int status;

	assert_true(pid >= 0);
	if (pid == 0) {
		struct sandbox_user u = sandbox_user(r);

		if (sandbox_role(r, &u))
			_exit(NOT_SANDBOXED);
		_exit(act());
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

static void engine_and_api_touch_neither_files_nor_network(void **state)
{
	int more = sanitized() ? INET_SOCKETS | UNIX_SOCKETS | MAPS_CODE : 0;
	enum role roles[] = {ROLE_ENGINE, ROLE_API};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		int status = in_child(roles[i], look_around);

		assert_true(WIFEXITED(status));
		assert_int_equal(WEXITSTATUS(status), more);
	}
}

static void session_makes_tcp_sockets_alone(void **state)
{
	int more = sanitized() ? UNIX_SOCKETS | MAPS_CODE : 0;
	int status = in_child(ROLE_SESSION, look_around);

	(void)state;
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), INET_SOCKETS | more);
}

static int run_a_program(void)
{
	char sh[] = "/bin/true";
	char *argv[] = {sh, NULL};

	execv(sh, argv);
	return 0;
}

static void starting_a_program_ends_the_role(void **state)
{
	int status = in_child(ROLE_ENGINE, run_a_program);

	(void)state;
	if (sanitized())
		return;
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGSYS);
}

static int fail_must(void)
{
	abort();
}

static void abort_still_tells_its_signal(void **state)
{
	int status = in_child(ROLE_ENGINE, fail_must);

	(void)state;
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGABRT);
}

static int abort_others(void)
{
	return syscall(SYS_tgkill, getppid(), getppid(), SIGABRT) == 0 ||
	       kill(getppid(), 0) == 0;
}

static void nobody_else_is_sent_a_signal(void **state)
{
	(void)state;
	if (sanitized())
		return;
	int status = in_child(ROLE_SESSION, abort_others);

	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

static int become_root(void)
{
	return setresuid(0, 0, 0) == 0;
}

static void a_role_of_root_cannot_go_back(void **state)
{
	(void)state;
	if (geteuid() != 0) {
		print_message("# not root: users cannot be changed\n");
		return;
	}
	int status = in_child(ROLE_API, become_root);

	assert_true(WIFSIGNALED(status) || WEXITSTATUS(status) == 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(engine_and_api_touch_neither_files_nor_network),
	    cmocka_unit_test(session_makes_tcp_sockets_alone),
	    cmocka_unit_test(starting_a_program_ends_the_role),
	    cmocka_unit_test(abort_still_tells_its_signal),
	    cmocka_unit_test(nobody_else_is_sent_a_signal),
	    cmocka_unit_test(a_role_of_root_cannot_go_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

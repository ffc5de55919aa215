/* systemd hears what we say, and nobody is needed to hear it. */
#include "check.h"

#include "daemon/notify.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static void states_arrive_as_written(void **state)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	char name[64];
	char got[128] = "";
	int fd = socket(AF_UNIX, SOCK_DGRAM, 0);
	int n = snprintf(name, sizeof name, "@spean-notify-%d", (int)getpid());

	(void)state;
	memcpy(a.sun_path, name, (size_t)n);
	a.sun_path[0] = 0;
	socklen_t len =
	    (socklen_t)(offsetof(struct sockaddr_un, sun_path) + (size_t)n);
	assert_int_equal(bind(fd, (const struct sockaddr *)&a, len), 0);
	setenv("NOTIFY_SOCKET", name, 1);
	notify("READY=1");
	assert_int_equal(recv(fd, got, sizeof got - 1, MSG_DONTWAIT), 7);
	assert_string_equal(got, "READY=1");
	notify_reloading();
	assert_true(recv(fd, got, sizeof got - 1, MSG_DONTWAIT) > 0);
	assert_memory_equal(got, "RELOADING=1\nMONOTONIC_USEC=", 27);
	close(fd);
	notify("READY=1"); /* nobody listens: no harm */
	unsetenv("NOTIFY_SOCKET");
	notify("READY=1");
}

static void the_watchdog_is_fed_twice_in_its_time(void **state)
{
	char pid[24];

	(void)state;
	unsetenv("WATCHDOG_USEC");
	assert_int_equal(notify_watchdog_ns(), 0);
	setenv("WATCHDOG_USEC", "30000000", 1);
	assert_int_equal(notify_watchdog_ns(), 15000000000ull);
	setenv("WATCHDOG_PID", "1", 1);
	assert_int_equal(notify_watchdog_ns(), 0);
	snprintf(pid, sizeof pid, "%d", (int)getpid());
	setenv("WATCHDOG_PID", pid, 1);
	assert_int_equal(notify_watchdog_ns(), 15000000000ull);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(states_arrive_as_written),
	    cmocka_unit_test(the_watchdog_is_fed_twice_in_its_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

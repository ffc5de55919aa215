/* What outlives the daemon: texts, the marker, the lock. */
#include "check.h"

#include "base/clock.h"
#include "daemon/state.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static char dir[64];

static int make_dir(void **state)
{
	(void)state;
	strcpy(dir, "/tmp/spean-state-XXXXXX");
	return mkdtemp(dir) ? 0 : -1;
}

static int remove_dir(void **state)
{
	static const char *const names[] = {"running", "lock", "confirmed.conf",
	    "previous.conf", "confirmed.conf.new", "a/b/c", "a/b", "a", "."};
	char path[128];

	(void)state;
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		snprintf(path, sizeof path, "%s/%s", dir, names[i]);
		remove(path);
	}
	rmdir(dir);
	return 0;
}

static void directories_are_made_whole(void **state)
{
	char path[128];
	struct stat st;

	(void)state;
	snprintf(path, sizeof path, "%s/a/b/c", dir);
	assert_int_equal(state_mkdirs(path), 0);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(state_mkdirs(path), 0);
	assert_int_equal(state_mkdirs("/dev/null/x"), -ENOTDIR);
}

static void a_second_lock_is_refused_with_the_first_ones_pid(void **state)
{
	struct state a = {.dir = -1, .lock = -1};
	struct state b = {.dir = -1, .lock = -1};
	long pid = 0;

	(void)state;
	assert_int_equal(state_lock(&a, dir, &pid), 0);
	assert_int_equal(state_lock(&b, dir, &pid), -EWOULDBLOCK);
	assert_int_equal(pid, getpid());
	state_close(&a);
	assert_int_equal(state_lock(&b, dir, &pid), 0);
	state_close(&b);
}

static void set_marker_age(struct state *s, int64_t seconds)
{
	struct timespec t[2] = {
	    {.tv_sec = (time_t)(clock_wall_s() - seconds)},
	    {.tv_sec = (time_t)(clock_wall_s() - seconds)},
	};

	assert_int_equal(utimensat(s->dir, "running", t, 0), 0);
}

static void only_a_recent_crash_makes_a_restart(void **state)
{
	struct state s = {.dir = -1, .lock = -1};
	bool unclean = true;

	(void)state;
	assert_int_equal(state_open(&s, dir), 0);
	assert_int_equal(state_enter(&s, &unclean), 0);
	assert_false(unclean); /* the first start */
	assert_int_equal(state_enter(&s, &unclean), 0);
	assert_true(unclean); /* nobody left */
	set_marker_age(&s, 599);
	assert_int_equal(state_enter(&s, &unclean), 0);
	assert_true(unclean);
	set_marker_age(&s, 660);
	assert_int_equal(state_enter(&s, &unclean), 0);
	assert_false(unclean); /* peers gave up on us long ago */
	set_marker_age(&s, 660);
	state_refresh(&s);
	assert_int_equal(state_enter(&s, &unclean), 0);
	assert_true(unclean); /* it ran until just now */
	state_leave(&s);
	assert_int_equal(state_enter(&s, &unclean), 0);
	assert_false(unclean);
	state_close(&s);
}

static void texts_are_replaced_whole(void **state)
{
	struct state s = {.dir = -1, .lock = -1};
	char *text = NULL;
	size_t n = 0;
	struct stat st;

	(void)state;
	assert_int_equal(state_open(&s, dir), 0);
	assert_int_equal(state_read(&s, STATE_CONFIRMED, &text, &n), -ENOENT);
	assert_int_equal(state_write(&s, STATE_CONFIRMED, "one\n", 4), 0);
	assert_int_equal(state_write(&s, STATE_CONFIRMED, "two two\n", 8), 0);
	assert_int_equal(state_read(&s, STATE_CONFIRMED, &text, &n), 0);
	assert_int_equal(n, 8);
	assert_string_equal(text, "two two\n");
	free(text);
	/* It may hold passwords. */
	assert_int_equal(fstatat(s.dir, "confirmed.conf", &st, 0), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(fstatat(s.dir, "confirmed.conf.new", &st, 0), -1);
	assert_int_equal(state_remove(&s, STATE_PREVIOUS), 0);
	assert_int_equal(state_remove(&s, STATE_CONFIRMED), 0);
	assert_int_equal(state_read(&s, STATE_CONFIRMED, &text, &n), -ENOENT);
	state_close(&s);
}

static void a_file_over_the_limit_is_refused(void **state)
{
	struct state s = {.dir = -1, .lock = -1};
	char *text = NULL;
	size_t n = 0;

	(void)state;
	assert_int_equal(state_open(&s, dir), 0);
	assert_int_equal(state_write(&s, STATE_CONFIRMED, "12345", 5), 0);
	assert_int_equal(
	    state_slurp(s.dir, "confirmed.conf", 4, &text, &n), -EFBIG);
	assert_int_equal(state_slurp(s.dir, "confirmed.conf", 5, &text, &n), 0);
	free(text);
	state_close(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(
		directories_are_made_whole, make_dir, remove_dir),
	    cmocka_unit_test_setup_teardown(
		a_second_lock_is_refused_with_the_first_ones_pid, make_dir,
		remove_dir),
	    cmocka_unit_test_setup_teardown(
		only_a_recent_crash_makes_a_restart, make_dir, remove_dir),
	    cmocka_unit_test_setup_teardown(
		texts_are_replaced_whole, make_dir, remove_dir),
	    cmocka_unit_test_setup_teardown(
		a_file_over_the_limit_is_refused, make_dir, remove_dir),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "check.h"

#include "base/clock.h"
#include "net/loop.h"

#include <stdlib.h>
#include <unistd.h>

static struct loop *loop;

static int setup(void **state)
{
	(void)state;
	loop = loop_new();
	return loop ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	loop_free(loop);
	return 0;
}

struct timed {
	struct loop_timer t;
	int id;
};

static int fired[1000];
static int n_fired;

static void note(struct loop_timer *t)
{
	fired[n_fired++] = ((struct timed *)(void *)t)->id;
}

static void timers_fire_in_order(void **state)
{
	static struct timed timed[500];
	uint64_t now = clock_now_ns();
	int order[500];

	(void)state;
	n_fired = 0;
	srand(3);
	for (int i = 0; i < 500; i++)
		order[i] = i;
	for (int i = 499; i > 0; i--) {
		int k = rand() % (i + 1);
		int x = order[i];

		order[i] = order[k];
		order[k] = x;
	}
	for (int i = 0; i < 500; i++) {
		int id = order[i];

		timed[id] = (struct timed){.t = {.fire = note}, .id = id};
		loop_timer_set(loop, &timed[id].t, now - 1000 + (uint64_t)id);
	}
	/* Every third is stopped, every fifth moved to the end. */
	for (int i = 0; i < 500; i += 3)
		loop_timer_stop(loop, &timed[i].t);
	for (int i = 0; i < 500; i += 5)
		if (loop_timer_on(&timed[i].t))
			loop_timer_set(
			    loop, &timed[i].t, now - 400 + (uint64_t)i);
	assert_int_equal(loop_turn(loop, 0), 0);
	int last_moved = -1;
	int last_kept = -1;
	for (int i = 0; i < n_fired; i++) {
		int id = fired[i];

		assert_true(id % 3 != 0);
		int *last = id % 5 == 0 ? &last_moved : &last_kept;
		assert_true(id > *last);
		*last = id;
	}
	assert_int_equal(n_fired, 500 - 167);
}

static struct timed self;

static void again(struct loop_timer *t)
{
	n_fired++;
	loop_timer_set(loop, t, loop_now(loop));
}

static void a_timer_that_sets_itself_does_not_starve(void **state)
{
	(void)state;
	n_fired = 0;
	self = (struct timed){.t = {.fire = again}};
	loop_timer_set(loop, &self.t, clock_now_ns());
	assert_int_equal(loop_turn(loop, 10), 0);
	assert_in_range(n_fired, 1, 2);
	int before = n_fired;
	loop_turn(loop, 10);
	assert_true(n_fired > before);
	loop_timer_stop(loop, &self.t);
	loop_timer_stop(loop, &self.t);
	assert_false(loop_timer_on(&self.t));
}

static struct loop_fd watch[2];
static int events_seen;

static void ready_and_remove_the_other(struct loop_fd *f, uint32_t events)
{
	assert_true(events & EPOLLIN);
	events_seen++;
	/* Both are ready in one batch: the other must not be called. */
	loop_del(loop, f == &watch[0] ? &watch[1] : &watch[0]);
}

static void a_removed_descriptor_is_not_called(void **state)
{
	int a[2];
	int b[2];

	(void)state;
	events_seen = 0;
	assert_int_equal(pipe(a), 0);
	assert_int_equal(pipe(b), 0);
	watch[0] = (struct loop_fd){
	    .fd = a[0], .events = EPOLLIN, .ready = ready_and_remove_the_other};
	watch[1] = watch[0];
	watch[1].fd = b[0];
	assert_int_equal(loop_add(loop, &watch[0]), 0);
	assert_int_equal(loop_add(loop, &watch[1]), 0);
	assert_int_equal(write(a[1], "x", 1), 1);
	assert_int_equal(write(b[1], "x", 1), 1);
	assert_int_equal(loop_turn(loop, 100), 0);
	assert_int_equal(events_seen, 1);
	for (int i = 0; i < 2; i++) {
		close(a[i]);
		close(b[i]);
	}
}

static int runs;

static void count_run(struct loop_task *t)
{
	if (++runs < 3)
		loop_task_queue(loop, t);
}

static void a_task_runs_once_a_turn(void **state)
{
	struct loop_task t = {.run = count_run};

	(void)state;
	runs = 0;
	loop_task_queue(loop, &t);
	loop_task_queue(loop, &t);
	loop_turn(loop, 1000); /* does not wait while a task is queued */
	assert_int_equal(runs, 1);
	loop_turn(loop, 1000);
	assert_int_equal(runs, 2);
	loop_task_cancel(loop, &t);
	loop_task_cancel(loop, &t);
	loop_turn(loop, 0);
	assert_int_equal(runs, 2);
}

static int asked;
static int woke;

static bool refuse_sleep(void *arg)
{
	(void)arg;
	asked++;
	return false;
}

static void wake(void *arg)
{
	(void)arg;
	woke++;
}

static void sleep_can_be_refused(void **state)
{
	uint64_t t = clock_now_ns();

	(void)state;
	loop_on_sleep(loop, refuse_sleep, wake, NULL);
	loop_turn(loop, 5000);
	assert_int_equal(asked, 1);
	assert_int_equal(woke, 1);
	assert_true(clock_now_ns() - t < 4 * NS_PER_S);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(
		timers_fire_in_order, setup, teardown),
	    cmocka_unit_test_setup_teardown(
		a_timer_that_sets_itself_does_not_starve, setup, teardown),
	    cmocka_unit_test_setup_teardown(
		a_removed_descriptor_is_not_called, setup, teardown),
	    cmocka_unit_test_setup_teardown(
		a_task_runs_once_a_turn, setup, teardown),
	    cmocka_unit_test_setup_teardown(
		sleep_can_be_refused, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "net/loop.h"

#include "base/clock.h"
#include "base/must.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#define BATCH 256

struct loop {
	int epoll;
	bool stop;
	bool in_timers;
	uint64_t now_ns;
	struct loop_timer **heap; /* heap[0] is due first */
	uint32_t n_heap;
	uint32_t cap_heap;
	struct list tasks;
	struct epoll_event events[BATCH];
	int n_events;
	int at_event; /* the one being handled */
	bool (*before)(void *arg);
	void (*after)(void *arg);
	void *sleep_arg;
};

struct loop *loop_new(void)
{
	struct loop *l = calloc(1, sizeof *l);

	if (!l)
		return NULL;
	l->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (l->epoll < 0) {
		free(l);
		return NULL;
	}
	list_init(&l->tasks);
	l->now_ns = clock_now_ns();
	return l;
}

void loop_free(struct loop *l)
{
	if (!l)
		return;
	close(l->epoll);
	free(l->heap);
	free(l);
}

int loop_add(struct loop *l, struct loop_fd *f)
{
	struct epoll_event e = {.events = f->events, .data.ptr = f};

	return epoll_ctl(l->epoll, EPOLL_CTL_ADD, f->fd, &e) ? -errno : 0;
}

void loop_set(struct loop *l, struct loop_fd *f, uint32_t events)
{
	struct epoll_event e = {.events = events, .data.ptr = f};

	if (f->events == events)
		return;
	f->events = events;
	must(epoll_ctl(l->epoll, EPOLL_CTL_MOD, f->fd, &e) == 0);
}

void loop_del(struct loop *l, struct loop_fd *f)
{
	epoll_ctl(l->epoll, EPOLL_CTL_DEL, f->fd, NULL);
	/* An event for it may already be in this batch. */
	for (int i = l->at_event + 1; i < l->n_events; i++)
		if (l->events[i].data.ptr == f)
			l->events[i].data.ptr = NULL;
}

static void place(struct loop *l, struct loop_timer *t, uint32_t i)
{
	l->heap[i] = t;
	t->at = i + 1;
}

static void sift_up(struct loop *l, struct loop_timer *t, uint32_t i)
{
	while (i) {
		uint32_t up = (i - 1) / 2;

		if (l->heap[up]->due_ns <= t->due_ns)
			break;
		place(l, l->heap[up], i);
		i = up;
	}
	place(l, t, i);
}

static void sift_down(struct loop *l, struct loop_timer *t, uint32_t i)
{
	for (;;) {
		uint32_t kid = 2 * i + 1;

		if (kid >= l->n_heap)
			break;
		if (kid + 1 < l->n_heap &&
		    l->heap[kid + 1]->due_ns < l->heap[kid]->due_ns)
			kid++;
		if (t->due_ns <= l->heap[kid]->due_ns)
			break;
		place(l, l->heap[kid], i);
		i = kid;
	}
	place(l, t, i);
}

void loop_timer_set(struct loop *l, struct loop_timer *t, uint64_t due_ns)
{
	/* A timer set for "now" by a timer waits for the next turn. */
	if (l->in_timers && due_ns <= l->now_ns)
		due_ns = l->now_ns + 1;
	if (t->at) {
		uint64_t was = t->due_ns;

		t->due_ns = due_ns;
		if (due_ns < was)
			sift_up(l, t, t->at - 1);
		else
			sift_down(l, t, t->at - 1);
		return;
	}
	if (l->n_heap == l->cap_heap) {
		uint32_t cap = l->cap_heap ? 2 * l->cap_heap : 64;
		struct loop_timer **heap =
		    realloc(l->heap, cap * sizeof(struct loop_timer *));

		must(heap);
		l->heap = heap;
		l->cap_heap = cap;
	}
	t->due_ns = due_ns;
	sift_up(l, t, l->n_heap++);
}

void loop_timer_stop(struct loop *l, struct loop_timer *t)
{
	if (!t->at)
		return;
	uint32_t i = t->at - 1;
	struct loop_timer *last = l->heap[--l->n_heap];

	t->at = 0;
	t->due_ns = 0;
	if (last == t)
		return;
	if (i && l->heap[(i - 1) / 2]->due_ns > last->due_ns)
		sift_up(l, last, i);
	else
		sift_down(l, last, i);
}

void loop_task_queue(struct loop *l, struct loop_task *t)
{
	if (t->queued)
		return;
	t->queued = true;
	list_add_tail(&l->tasks, &t->queue);
}

void loop_task_cancel(struct loop *l, struct loop_task *t)
{
	(void)l;
	if (!t->queued)
		return;
	t->queued = false;
	list_del(&t->queue);
}

void loop_on_sleep(struct loop *l, bool (*before)(void *arg),
    void (*after)(void *arg), void *arg)
{
	l->before = before;
	l->after = after;
	l->sleep_arg = arg;
}

uint64_t loop_now(const struct loop *l)
{
	return l->now_ns;
}

static int wait_ms(const struct loop *l, int max_wait_ms)
{
	if (!list_empty(&l->tasks))
		return 0;
	if (!l->n_heap)
		return max_wait_ms;
	uint64_t now = clock_now_ns();
	uint64_t due = l->heap[0]->due_ns;

	if (due <= now)
		return 0;
	uint64_t ms = (due - now + NS_PER_MS - 1) / NS_PER_MS;
	if (ms > 3600000)
		ms = 3600000;
	if (max_wait_ms >= 0 && ms > (uint64_t)max_wait_ms)
		return max_wait_ms;
	return (int)ms;
}

static void run_timers(struct loop *l)
{
	l->in_timers = true;
	while (l->n_heap && l->heap[0]->due_ns <= l->now_ns) {
		struct loop_timer *t = l->heap[0];

		loop_timer_stop(l, t);
		t->fire(t);
	}
	l->in_timers = false;
}

static void run_tasks(struct loop *l)
{
	struct list now;

	/* Take the queue over, so that one that queues itself again waits. */
	list_init(&now);
	while (!list_empty(&l->tasks)) {
		struct list *e = l->tasks.next;

		list_del(e);
		list_add_tail(&now, e);
	}
	while (!list_empty(&now)) {
		struct loop_task *t =
		    list_entry(now.next, struct loop_task, queue);

		list_del(&t->queue);
		t->queued = false;
		t->run(t);
	}
}

int loop_turn(struct loop *l, int max_wait_ms)
{
	int wait = wait_ms(l, max_wait_ms);

	if (wait != 0 && l->before && !l->before(l->sleep_arg))
		wait = 0;
	int n = epoll_wait(l->epoll, l->events, BATCH, wait);
	if (l->after)
		l->after(l->sleep_arg);
	if (n < 0)
		return errno == EINTR ? 0 : -errno;
	l->now_ns = clock_now_ns();
	l->n_events = n;
	for (int i = 0; i < n; i++) {
		struct loop_fd *f = l->events[i].data.ptr;

		l->at_event = i;
		if (f)
			f->ready(f, l->events[i].events);
	}
	l->n_events = 0;
	run_timers(l);
	run_tasks(l);
	return 0;
}

int loop_run(struct loop *l)
{
	l->stop = false;
	while (!l->stop) {
		int err = loop_turn(l, -1);

		if (err)
			return err;
	}
	return 0;
}

void loop_stop(struct loop *l)
{
	l->stop = true;
}

/*
 * The event loop that each role runs: descriptors, timers, and tasks for work
 * done in slices between events.  Single-threaded; every callback may add,
 * change or remove any descriptor, timer or task, itself included.
 *
 * The structs are embedded by their owner and must outlive their stay here.
 */
#pragma once

#include "base/list.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/epoll.h>

struct loop;

struct loop_fd {
	int fd;
	uint32_t events; /* EPOLLIN | EPOLLOUT ... */
	void (*ready)(struct loop_fd *f, uint32_t events);
};

struct loop_timer {
	uint64_t due_ns; /* CLOCK_MONOTONIC; 0: not set */
	uint32_t at;	 /* place in the heap + 1; 0: not set */
	void (*fire)(struct loop_timer *t);
};

/* Zero-initialised by its owner but for run. */
struct loop_task {
	struct list queue;
	bool queued;
	void (*run)(struct loop_task *t);
};

struct loop *loop_new(void);
void loop_free(struct loop *l);

/* f->fd, f->events and f->ready are set by the caller.  0 or -errno. */
int loop_add(struct loop *l, struct loop_fd *f);
void loop_set(struct loop *l, struct loop_fd *f, uint32_t events);
/* Does not close the descriptor. */
void loop_del(struct loop *l, struct loop_fd *f);

/* (Re)sets the timer; a time in the past fires in the next turn. */
void loop_timer_set(struct loop *l, struct loop_timer *t, uint64_t due_ns);
void loop_timer_stop(struct loop *l, struct loop_timer *t);
static inline bool loop_timer_on(const struct loop_timer *t)
{
	return t->at != 0;
}

/* Runs t once, after the events of this turn. */
void loop_task_queue(struct loop *l, struct loop_task *t);
void loop_task_cancel(struct loop *l, struct loop_task *t);

/*
 * Called right before the loop would block and right after it woke; before()
 * gives false when there is work after all (the links' sleep protocol).
 */
void loop_on_sleep(struct loop *l, bool (*before)(void *arg),
    void (*after)(void *arg), void *arg);

/* Time at the start of this turn, ns. */
uint64_t loop_now(const struct loop *l);

/* Runs until loop_stop().  0 or -errno. */
int loop_run(struct loop *l);
/* One turn; waits at most max_wait_ms (-1: as long as needed). */
int loop_turn(struct loop *l, int max_wait_ms);
void loop_stop(struct loop *l);

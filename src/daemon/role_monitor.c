/*
 * The monitor role: tells BMP stations of the routes, and writes MRT dumps.
 * It sees what the engine tells it (bgp/watch.h), connects outwards only, and
 * may touch one directory.  Whatever it waits for, nobody waits for it.
 */
#include "base/clock.h"
#include "base/log.h"
#include "base/must.h"
#include "daemon/monitor.h"
#include "daemon/sandbox.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define ENGINE_RING ((size_t)1 << 20)
#define TURN_BYTES ((size_t)1 << 20) /* of records in one turn */
#define TICK_NS NS_PER_S

static uint8_t record[LINK_RECORD_MAX];

uint64_t monitor_wall_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

/* ---- the engine -----------------------------------------------------------
 */

static void end_link(struct monitor_link *l)
{
	if (!l->link)
		return;
	loop_del(l->m->env->loop, &l->bell);
	link_free(l->link);
	l->link = NULL;
}

/* What was known is worth nothing: the next engine tells it anew. */
static void drop_engine(struct monitor *m, const char *why)
{
	if (!m->engine.link)
		return;
	log_info("link_ended", "to=engine info=\"%s\"", why);
	end_link(&m->engine);
	monitor_bmp_stop(m, "the engine restarts");
	monitor_dump_stop(m, "the engine restarts");
	mirror_free(m->mirror);
	m->mirror = NULL;
}

/* True when there may be more. */
static bool read_engine(struct monitor *m)
{
	uint64_t now_us = monitor_wall_us();
	struct link_head h;
	size_t bytes = 0;
	int n = 0;

	while (m->engine.link && bytes < TURN_BYTES) {
		n = link_read(m->engine.link, &h, record);
		if (n <= 0)
			break;
		bytes += h.len + sizeof h;
		n = mirror_record(m->mirror, &h, record, now_us);
		if (n < 0)
			break;
		n = 1;
	}
	if (n < 0) {
		log_error(
		    "link_broken", "with=engine error=\"%s\"", strerror(-n));
		drop_engine(m, strerror(-n));
	}
	return n > 0;
}

/* ---- a turn -----------------------------------------------------------------
 */

static void turn(struct loop_task *t)
{
	struct monitor *m = list_entry(t, struct monitor, turn);
	bool more = false;

	if (m->engine.link) {
		more = read_engine(m);
		if (m->engine.link)
			link_flush(m->engine.link, false);
	}
	if (m->mirror) {
		more |= monitor_bmp_work(m);
		more |= monitor_dump_work(m);
	}
	if (more)
		loop_task_queue(m->env->loop, &m->turn);
}

static void on_bell(struct loop_fd *f, uint32_t events)
{
	struct monitor_link *l = list_entry(f, struct monitor_link, bell);
	struct monitor *m = l->m;
	int err = link_bell(l->link);

	(void)events;
	if (err)
		drop_engine(m, strerror(-err));
	loop_task_queue(m->env->loop, &m->turn);
}

static void on_tick(struct loop_timer *t)
{
	struct monitor *m = list_entry(t, struct monitor, tick);

	monitor_bmp_tick(m);
	monitor_dump_tick(m);
	loop_timer_set(m->env->loop, t, clock_now_ns() + TICK_NS);
}

static bool before_sleep(void *arg)
{
	struct monitor *m = arg;
	bool engine = !m->engine.link || link_sleep(m->engine.link);

	if (!engine)
		loop_task_queue(m->env->loop, &m->turn);
	return engine;
}

static void after_sleep(void *arg)
{
	struct monitor *m = arg;

	if (m->engine.link)
		link_wake(m->engine.link);
}

/* ---- the role ---------------------------------------------------------------
 */

static void take_self(struct monitor *m)
{
	const struct conf_exchange *x = &m->env->conf->exchange;

	m->self =
	    (struct monitor_self){.asn = x->asn, .router_id = x->router_id};
	memcpy(m->self.name, x->name, sizeof x->name);
}

static int monitor_start(struct role_env *e, const struct role_conf *rc)
{
	struct monitor *m = calloc(1, sizeof *m);

	(void)rc;
	if (!m)
		return -ENOMEM;
	m->env = e;
	m->started_ns = clock_now_ns();
	m->engine = (struct monitor_link){.m = m};
	m->dump.dir = m->dump.table.fd = m->dump.file.fd = -1;
	m->turn.run = turn;
	m->tick.fire = on_tick;
	take_self(m);
	e->state = m;
	loop_timer_set(e->loop, &m->tick, m->started_ns + TICK_NS);
	loop_on_sleep(e->loop, before_sleep, after_sleep, m);
	return 0;
}

/* The directory comes first of all: then no other can be reached any more. */
static void monitor_listen(struct role_env *e, const int *fds, int n)
{
	struct monitor *m = e->state;
	int dir = n > 0 ? fds[0] : -1;

	for (int i = 1; i < n; i++)
		close(fds[i]);
	if (!m->sandboxed) {
		int err = sandbox_landlock_dir(dir);

		if (err && err != -ENOSYS && err != -EOPNOTSUPP) {
			log_error("sandbox_failed", "error=%s", strerror(-err));
			loop_stop(e->loop);
			return;
		}
		m->sandboxed = true;
	}
	monitor_dump_dir(m, dir);
	monitor_bmp_apply(m);
}

static void monitor_reload(struct role_env *e, const struct conf *old)
{
	struct monitor *m = e->state;
	const struct conf_exchange *a = &old->exchange;
	const struct conf_exchange *b = &e->conf->exchange;

	if (a->asn != b->asn || a->router_id != b->router_id ||
	    strcmp(a->name, b->name) != 0) {
		take_self(m);
		monitor_bmp_stop(m, "the exchange's identity has changed");
	}
	monitor_bmp_apply(m);
	monitor_dump_apply(m);
}

static void monitor_take_link(
    struct role_env *e, struct role_at other, int sock)
{
	struct monitor *m = e->state;
	struct monitor_link *l = &m->engine;

	if (other.role != ROLE_ENGINE || other.index) {
		close(sock);
		return;
	}
	drop_engine(m, "replaced");
	int err = link_new(sock, ENGINE_RING, 0, &l->link);
	if (err) {
		log_error("link_failed", "error=%s", strerror(-err));
		return;
	}
	l->bell = (struct loop_fd){
	    .fd = link_fd(l->link), .events = EPOLLIN, .ready = on_bell};
	err = loop_add(e->loop, &l->bell);
	if (err) {
		log_error("link_failed", "error=%s", strerror(-err));
		link_free(l->link);
		l->link = NULL;
		return;
	}
	m->mirror = mirror_new();
	monitor_dump_start(m);
	monitor_bmp_start(m);
	loop_task_queue(e->loop, &m->turn);
}

static void monitor_stop(struct role_env *e)
{
	struct monitor *m = e->state;

	monitor_bmp_stop(m, "the exchange stops");
	monitor_dump_stop(m, "the exchange stops");
	loop_stop(e->loop);
}

static void monitor_finish(struct role_env *e)
{
	struct monitor *m = e->state;

	if (!m)
		return;
	monitor_bmp_stop(m, "");
	monitor_dump_stop(m, "");
	monitor_dump_end(m);
	end_link(&m->engine);
	mirror_free(m->mirror);
	free(m);
}

const struct role_ops role_monitor = {
    .name = "monitor",
    .start = monitor_start,
    .reload = monitor_reload,
    .listen = monitor_listen,
    .link = monitor_take_link,
    .question = monitor_question,
    .stop = monitor_stop,
    .finish = monitor_finish,
};

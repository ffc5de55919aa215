#include "daemon/parent.h"

#include "base/clock.h"
#include "base/log.h"
#include "daemon/internal.h"
#include "daemon/notify.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define TICK_NS NS_PER_S
#define IN_USE_NS (3 * NS_PER_S)
#define LATE_NS (NS_PER_S / 2)
#define REFRESH_TICKS 30
#define GOODBYE_NS (3 * NS_PER_S) /* for the session alone */
#define STOP_NS (4500 * NS_PER_MS)
/* A role that gave no sign so long, over all its lives: not for us to mend. */
#define HOPELESS_NS (60 * NS_PER_S)

/* ---- the end ------------------------------------------------------------ */

static void stop_role(struct parent *p, enum role r)
{
	children_each(p, c) if (c->role == r)
	    child_send(c, ROLE_STOP, 0, NULL, 0, NULL, 0);
}

static void kill_all(struct parent *p)
{
	children_each(p, c) child_kill(c);
}

static void stop_begin(struct parent *p)
{
	uint64_t now = clock_now_ns();

	if (p->stopping) { /* asked twice: at once */
		kill_all(p);
		return;
	}
	p->stopping = true;
	p->stop_by_ns = now + STOP_NS;
	log_info("stopping", "uptime_s=%llu",
	    (unsigned long long)((now - p->start_ns) / NS_PER_S));
	notify("STOPPING=1");
	children_each(p, c) loop_timer_stop(p->loop, &c->again);
	/* The session says goodbye while engine and api still answer it. */
	stop_role(p, ROLE_SESSION);
	stop_role(p, ROLE_API);
	stop_role(p, ROLE_MONITOR);
	stop_role(p, ROLE_RPKI);
	stop_role(p, ROLE_REGISTRY);
	loop_timer_set(p->loop, &p->tick, now);
}

static void stop_go_on(struct parent *p)
{
	uint64_t now = clock_now_ns();
	bool goodbye = false;

	if (children_gone(p)) {
		loop_stop(p->loop);
		return;
	}
	children_each(p, c)
	{
		if (c->role != ROLE_SESSION || !c->pid)
			continue;
		goodbye = true;
		if (now > p->stop_by_ns - STOP_NS + GOODBYE_NS)
			child_kill(c);
	}
	if (!goodbye && !p->engine_told) {
		p->engine_told = true;
		stop_role(p, ROLE_ENGINE);
	}
	if (now > p->stop_by_ns)
		kill_all(p);
	loop_timer_set(p->loop, &p->tick, now + 50 * NS_PER_MS);
}

/* ---- the clock ---------------------------------------------------------- */

static void watchdog(struct parent *p, uint64_t now)
{
	if (!p->watchdog_ns || now - p->watchdog_last_ns < p->watchdog_ns)
		return;
	children_each(p, c) if (child_wanted(c) && now > c->pong_ns &&
				now - c->pong_ns > HOPELESS_NS) return;
	p->watchdog_last_ns = now;
	notify("WATCHDOG=1");
}

static void check_ready(struct parent *p)
{
	if (p->was_ready || p->stopping || !children_ready(p))
		return;
	p->was_ready = true;
	log_info("ready", "members=%zu listen=%zu restarting=%s ms=%llu",
	    p->conf->n_member, p->n_listen, p->restarting ? "true" : "false",
	    (unsigned long long)((clock_now_ns() - p->start_ns) / NS_PER_MS));
	printf("ready\n");
	fflush(stdout);
	notify("READY=1");
}

static void tick(struct loop_timer *t)
{
	struct parent *p = list_entry(t, struct parent, tick);
	uint64_t now = clock_now_ns();
	uint64_t late = now - p->tick_due_ns;

	if (p->stopping) {
		stop_go_on(p);
		return;
	}
	children_reap(p);
	children_ping(p, late > LATE_NS ? late : 0);
	watchdog(p, now);
	if (++p->ticks % REFRESH_TICKS == 0)
		state_refresh(&p->state);
	p->tick_due_ns = now + TICK_NS;
	loop_timer_set(p->loop, t, p->tick_due_ns);
}

/* ---- signals ------------------------------------------------------------ */

static void on_signal(struct loop_fd *f, uint32_t events)
{
	struct parent *p = list_entry(f, struct parent, signals);
	struct signalfd_siginfo s;

	(void)events;
	while (read(f->fd, &s, sizeof s) == (ssize_t)sizeof s) {
		switch (s.ssi_signo) {
		case SIGTERM:
		case SIGINT:
			stop_begin(p);
			break;
		case SIGHUP:
			if (!p->stopping)
				change_file(p);
			break;
		default:
			children_reap(p);
			break;
		}
	}
	if (p->stopping)
		stop_go_on(p);
}

static int watch_signals(struct parent *p)
{
	sigset_t set;

	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGCHLD);
	if (sigprocmask(SIG_BLOCK, &set, NULL))
		return -errno;
	p->signals.fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (p->signals.fd < 0)
		return -errno;
	p->signals.events = EPOLLIN;
	p->signals.ready = on_signal;
	return loop_add(p->loop, &p->signals);
}

/* ---- the beginning ------------------------------------------------------ */

static int fail(const char *what, const char *path, int err)
{
	fprintf(stderr, "spean run: %s%s%s: %s\n", what, path ? " " : "",
	    path ? path : "", strerror(-err));
	return 3;
}

static int open_dirs(struct parent *p)
{
	const struct parent_options *o = p->opt;
	long pid = 0;
	int err = state_mkdirs(o->run_dir);

	if (err)
		return fail("cannot make the run directory", o->run_dir, err);
	err = state_lock(&p->state, o->run_dir, &pid);
	if (err == -EWOULDBLOCK) {
		fprintf(stderr,
		    "spean run: another spean (pid %ld) runs on %s\n", pid,
		    o->run_dir);
		return 3;
	}
	if (err)
		return fail("cannot lock the run directory", o->run_dir, err);
	err = state_mkdirs(o->state_dir);
	if (!err)
		err = state_open(&p->state, o->state_dir);
	if (err)
		return fail(
		    "cannot open the state directory", o->state_dir, err);
	return 0;
}

/*
 * The roles of a parent that was killed hold its sockets for the moment that
 * it takes them to notice.
 */
static int listen_patiently(struct parent *p,
    struct listener listen[CONF_LISTEN + 2], size_t *ret_n, char why[128])
{
	uint64_t give_up = clock_now_ns() + IN_USE_NS;
	const struct timespec pause = {.tv_nsec = 50 * NS_PER_MS};

	for (;;) {
		int err = listen_open(p, p->conf, listen, ret_n, why);

		if (err != -EADDRINUSE || clock_now_ns() > give_up)
			return err;
		nanosleep(&pause, NULL);
	}
}

static int open_all(struct parent *p)
{
	struct listener listen[CONF_LISTEN + 2];
	char why[128] = "";
	int code = open_dirs(p);

	if (code)
		return code;
	size_t n = 0;
	int err = listen_patiently(p, listen, &n, why);
	if (!err) {
		memcpy(p->listen, listen, n * sizeof *listen);
		p->n_listen = n;
		err = listen_control(p, why);
	}
	if (err) {
		fprintf(
		    stderr, "spean run: %s\n", why[0] ? why : strerror(-err));
		return 3;
	}
	err = state_enter(&p->state, &p->restarting);
	if (err)
		return fail("cannot write to the state directory",
		    p->opt->state_dir, err);
	return 0;
}

static unsigned instances(const struct parent *p, enum role r)
{
	return r == ROLE_SESSION ? p->conf->exchange.sessions : 1;
}

static int start(struct parent *p)
{
	int err = watch_signals(p);

	if (err)
		return fail("cannot watch signals", NULL, err);
	for (unsigned r = ROLE_SESSION; r < ROLE_COUNT; r++)
		for (unsigned i = 0; i < instances(p, (enum role)r); i++)
			child_init(p, (enum role)r, i);
	side_make_dirs(p);
	err = sandbox_parent();
	if (err)
		return fail("cannot drop privileges", NULL, err);
	log_info("start", "version=%s pid=%d file=%s run_dir=%s state_dir=%s",
	    SPEAN_VERSION, (int)getpid(), p->opt->conf_path, p->opt->run_dir,
	    p->opt->state_dir);
	change_recall(p);
	children_each(p, c) if (c->role == ROLE_ENGINE) child_start(c);
	children_each(p, c) if (c->role != ROLE_ENGINE) child_start(c);
	p->tick.fire = tick;
	p->tick_due_ns = clock_now_ns() + TICK_NS;
	loop_timer_set(p->loop, &p->tick, p->tick_due_ns);
	return 0;
}

/* Nothing of ours may land on a standard descriptor that was closed. */
static int open_standard(struct parent *p)
{
	int fd;

	do
		fd = open("/dev/null", O_RDWR);
	while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd < 0)
		return -errno;
	p->null = fd;
	return fcntl(fd, F_SETFD, FD_CLOEXEC) ? -errno : 0;
}

static void clean_up(struct parent *p)
{
	static const char *const sockets[] = {"control", "read"};
	char path[512];

	for (size_t i = 0; p->control >= 0 && i < 2; i++) {
		snprintf(
		    path, sizeof path, "%s/%s", p->opt->run_dir, sockets[i]);
		unlink(path);
	}
	if (p->was_ready || p->stopping)
		state_leave(&p->state);
	state_close(&p->state);
	conf_free(p->conf);
	text_set(&p->running, NULL, 0);
	text_set(&p->confirmed, NULL, 0);
	text_set(&p->previous, NULL, 0);
	text_set(&p->before, NULL, 0);
	text_set(&p->change.answer, NULL, 0);
	loop_free(p->loop);
}

int parent_run(const struct parent_options *o)
{
	static struct parent p;

	p = (struct parent){
	    .opt = o,
	    .start_ns = clock_now_ns(),
	    .watchdog_ns = notify_watchdog_ns(),
	    .state = {.dir = -1, .lock = -1},
	    .control = -1,
	    .read = -1,
	};
	log_init("parent", LOG_LEVEL_INFO);
	if (open_standard(&p))
		return 3;
	p.loop = loop_new();
	if (!p.loop)
		return fail("cannot start", NULL, -ENOMEM);
	int code = change_start(&p);
	if (!code)
		code = open_all(&p);
	if (!code)
		code = start(&p);
	while (!code && !(p.stopping && children_gone(&p))) {
		int err = loop_turn(p.loop, -1);

		if (err)
			code = fail("event loop", NULL, err);
		check_ready(&p);
	}
	if (!code)
		log_info("stopped", "pid=%d", (int)getpid());
	clean_up(&p);
	return code;
}

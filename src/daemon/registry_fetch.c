#include "daemon/registry_fetch.h"

#include "base/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define MEMORY ((rlim_t)2 << 30) /* of bgpq4 */
#define FILES 64

struct pipe_end {
	struct loop_fd fd; /* first; -1: closed */
	struct fetch *fetch;
	char *p;
	size_t n;
	size_t cap;
	size_t max;
};

struct fetch {
	struct loop *loop;
	struct fetch_ask ask;
	fetch_done *done;
	void *arg;
	enum registry_kind step;
	struct registry_list list;
	pid_t pid;
	struct loop_fd exited; /* a pidfd; -1: it has been seen */
	int status;
	struct pipe_end out;
	struct pipe_end err;
	struct loop_timer timer;
	char why[FETCH_WHY];
};

/* ---- the program --------------------------------------------------------- */

static void limit(int what, rlim_t n)
{
	struct rlimit l = {n, n};

	(void)setrlimit((__rlimit_resource_t)what, &l);
}

static _Noreturn void become(const struct fetch *f, int out, int err)
{
	const struct fetch_ask *a = &f->ask;
	const char *argv[20];
	sigset_t none;
	int n = 0;

	argv[n++] = "bgpq4";
	if (a->server[0]) {
		argv[n++] = "-h";
		argv[n++] = a->server;
	}
	if (a->sources[0]) {
		argv[n++] = "-S";
		argv[n++] = a->sources;
	}
	argv[n++] = "-p"; /* private ASNs are a matter of our own policy */
	argv[n++] = "-j";
	argv[n++] = "-l";
	argv[n++] = "x";
	if (f->step == REGISTRY_ORIGINS) {
		argv[n++] = "-t";
	} else {
		argv[n++] = "-A";
		argv[n++] = f->step == REGISTRY_IPV4 ? "-4" : "-6";
		if (a->more_specifics) {
			argv[n++] = "-R";
			argv[n++] = f->step == REGISTRY_IPV4 ? "24" : "48";
		}
	}
	argv[n++] = "--";
	argv[n++] = a->object;
	argv[n] = NULL;
	int null = open("/dev/null", O_RDONLY);
	if (null < 0 || dup2(null, STDIN_FILENO) < 0 ||
	    dup2(out, STDOUT_FILENO) < 0 || dup2(err, STDERR_FILENO) < 0)
		_exit(126);
	syscall(SYS_close_range, STDERR_FILENO + 1, ~0u, 0);
	signal(SIGPIPE, SIG_DFL);
	signal(SIGINT, SIG_DFL);
	signal(SIGHUP, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	/* It goes with us. */
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	limit(RLIMIT_AS, MEMORY);
	limit(RLIMIT_CPU, a->timeout_s + 1);
	limit(RLIMIT_NOFILE, FILES);
	limit(RLIMIT_FSIZE, 0);
	execv(a->program, (char *const *)(void *)argv);
	dprintf(STDERR_FILENO, "%s: %s\n", a->program, strerror(errno));
	_exit(127);
}

/* ---- the end ------------------------------------------------------------- */

static void close_fd(struct fetch *f, struct loop_fd *fd)
{
	if (fd->fd < 0)
		return;
	loop_del(f->loop, fd);
	close(fd->fd);
	fd->fd = -1;
}

static void end_program(struct fetch *f)
{
	if (f->pid) {
		kill(f->pid, SIGKILL);
		waitpid(f->pid, &f->status, 0);
		f->pid = 0;
	}
	close_fd(f, &f->exited);
	close_fd(f, &f->out.fd);
	close_fd(f, &f->err.fd);
}

static void done_with(struct fetch *f)
{
	end_program(f);
	loop_timer_stop(f->loop, &f->timer);
	free(f->out.p);
	free(f->err.p);
	registry_list_free(&f->list);
	free(f);
}

void fetch_stop(struct fetch *f)
{
	if (f)
		done_with(f);
}

static void finish(struct fetch *f, int err)
{
	struct registry_list list = f->list;

	if (!err)
		f->list = (struct registry_list){0};
	f->done(f->arg, err, f->why, err ? NULL : &list);
	done_with(f);
}

static void fail(struct fetch *f, int err, const char *why)
{
	snprintf(f->why, sizeof f->why, "%s", why);
	finish(f, err);
}

/* ---- its answer ---------------------------------------------------------- */

static int start_step(struct fetch *f);

/* The last line of what it said is the one that tells most. */
static const char *last_words(struct fetch *f)
{
	char *p = f->err.p;
	size_t n = f->err.n;

	while (n && (p[n - 1] == '\n' || p[n - 1] == '\r'))
		n--;
	if (!n)
		return "it said nothing";
	p[n] = 0;
	char *line = memrchr(p, '\n', n);
	line = line ? line + 1 : p;
	for (char *c = line; *c; c++)
		if ((unsigned char)*c < 0x20 || (unsigned char)*c > 0x7e)
			*c = '?';
	return line;
}

static void step_ended(struct fetch *f)
{
	static const char *const names[] = {
	    [REGISTRY_IPV4] = "IPv4 prefixes",
	    [REGISTRY_IPV6] = "IPv6 prefixes",
	    [REGISTRY_ORIGINS] = "origin ASNs",
	};
	char why[128] = "";

	if (!WIFEXITED(f->status) || WEXITSTATUS(f->status)) {
		if (WIFEXITED(f->status))
			snprintf(f->why, sizeof f->why,
			    "bgpq4 ended with %d: %.100s",
			    WEXITSTATUS(f->status), last_words(f));
		else
			snprintf(f->why, sizeof f->why,
			    "bgpq4 was ended by signal %d",
			    WTERMSIG(f->status));
		finish(f, -EIO);
		return;
	}
	int err = registry_read_bgpq4(f->out.p ? f->out.p : "", f->out.n,
	    f->step, &f->list, why, sizeof why);
	if (err) {
		snprintf(f->why, sizeof f->why, "answer for %s: %.100s",
		    names[f->step], why[0] ? why : strerror(-err));
		finish(f, err);
		return;
	}
	if (f->step == REGISTRY_ORIGINS) {
		finish(f, 0);
		return;
	}
	f->step++;
	err = start_step(f);
	if (err)
		fail(f, err, strerror(-err));
}

static void maybe_ended(struct fetch *f)
{
	if (!f->pid && f->out.fd.fd < 0 && f->err.fd.fd < 0)
		step_ended(f);
}

static void on_exit_(struct loop_fd *fd, uint32_t events)
{
	struct fetch *f = list_entry(fd, struct fetch, exited);

	(void)events;
	if (waitpid(f->pid, &f->status, WNOHANG) != f->pid)
		return;
	f->pid = 0;
	close_fd(f, fd);
	maybe_ended(f);
}

/* One byte of room is kept for an end of the text. */
static bool make_room(struct pipe_end *e)
{
	if (e->n + 1 < e->cap)
		return true;
	size_t cap = e->cap ? 2 * e->cap : 4096;
	char *p = realloc(e->p, cap);
	if (!p)
		return false;
	e->p = p;
	e->cap = cap;
	return true;
}

static void on_bytes(struct loop_fd *fd, uint32_t events)
{
	struct pipe_end *e = list_entry(fd, struct pipe_end, fd);
	struct fetch *f = e->fetch;
	ssize_t n = -1;

	(void)events;
	if (!make_room(e)) {
		fail(f, -ENOMEM, strerror(ENOMEM));
		return;
	}
	n = read(fd->fd, e->p + e->n, e->cap - e->n - 1);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		close_fd(f, fd);
		maybe_ended(f);
		return;
	}
	e->n += (size_t)n;
	if (e->n <= e->max)
		return;
	if (e == &f->out)
		fail(f, -EFBIG, "the answer is too long");
	else
		e->n = 0; /* its last words are enough */
}

static void on_time(struct loop_timer *t)
{
	struct fetch *f = list_entry(t, struct fetch, timer);

	snprintf(
	    f->why, sizeof f->why, "no answer within %u s", f->ask.timeout_s);
	finish(f, -ETIMEDOUT);
}

/* ---- the beginning ------------------------------------------------------- */

static int watch(struct fetch *f, struct loop_fd *l, int fd,
    void (*ready)(struct loop_fd *f, uint32_t events))
{
	*l = (struct loop_fd){.fd = fd, .events = EPOLLIN, .ready = ready};
	int err = loop_add(f->loop, l);
	if (err) {
		close(fd);
		l->fd = -1;
	}
	return err;
}

static int start_step(struct fetch *f)
{
	int out[2], errors[2];

	f->out.n = f->err.n = 0;
	if (pipe2(out, O_CLOEXEC))
		return -errno;
	if (pipe2(errors, O_CLOEXEC)) {
		int err = -errno;

		close(out[0]);
		close(out[1]);
		return err;
	}
	f->pid = fork();
	if (f->pid == 0)
		become(f, out[1], errors[1]);
	int err = f->pid < 0 ? -errno : 0;
	close(out[1]);
	close(errors[1]);
	if (f->pid < 0)
		f->pid = 0;
	int pidfd = err ? -1 : (int)syscall(SYS_pidfd_open, f->pid, 0);
	if (!err && pidfd < 0)
		err = -errno;
	(void)fcntl(out[0], F_SETFL, O_NONBLOCK);
	(void)fcntl(errors[0], F_SETFL, O_NONBLOCK);
	int e1 = watch(f, &f->out.fd, out[0], on_bytes);
	int e2 = watch(f, &f->err.fd, errors[0], on_bytes);
	int e3 = pidfd < 0 ? 0 : watch(f, &f->exited, pidfd, on_exit_);
	return err ? err : e1 ? e1 : e2 ? e2 : e3;
}

int fetch_start(struct loop *loop, const struct fetch_ask *ask,
    fetch_done *done, void *arg, struct fetch **ret)
{
	struct fetch *f = calloc(1, sizeof *f);

	if (!f)
		return -ENOMEM;
	f->loop = loop;
	f->ask = *ask;
	f->done = done;
	f->arg = arg;
	f->exited.fd = f->out.fd.fd = f->err.fd.fd = -1;
	f->out.fetch = f->err.fetch = f;
	f->out.max = FETCH_BYTES;
	f->err.max = 4000;
	f->timer.fire = on_time;
	int err = start_step(f);
	if (err) {
		done_with(f);
		return err;
	}
	loop_timer_set(loop, &f->timer,
	    clock_now_ns() + (uint64_t)ask->timeout_s * NS_PER_S);
	*ret = f;
	return 0;
}

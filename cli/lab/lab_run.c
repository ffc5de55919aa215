/* The lab's processes: run, started, recorded, ended; see lab.h. */
#include "cli/lab/lab.h"

#include "base/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define OUT_MAX ((size_t)256 << 20)
#define END_S 5

static volatile sig_atomic_t stop; /* how often we were asked to */

static void on_signal(int sig)
{
	(void)sig;
	if (stop < 100)
		stop = stop + 1;
}

void lab_say(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	(void)fputs("lab: ", stderr);
	(void)vfprintf(stderr, fmt, ap);
	(void)fputc('\n', stderr);
	va_end(ap);
}

bool lab_pause(unsigned ms)
{
	static bool watched;
	struct timespec t = {
	    .tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000};

	if (!watched) {
		struct sigaction sa = {.sa_handler = on_signal};

		watched = true;
		sigaction(SIGINT, &sa, NULL);
		sigaction(SIGTERM, &sa, NULL);
	}
	if (!stop && ms)
		(void)nanosleep(&t, NULL);
	return stop;
}

const char *lab_path(const struct lab *l, char buf[LAB_PATH], const char *name)
{
	(void)snprintf(buf, LAB_PATH, "%s/%s", l->dir, name);
	return buf;
}

bool lab_has(const char *program)
{
	static const char *const dirs[] = {"/usr/sbin", "/usr/bin", "/sbin",
	    "/bin", "/usr/local/sbin", "/usr/local/bin"};
	char path[LAB_PATH];

	if (program[0] == '/')
		return access(program, X_OK) == 0;
	for (size_t i = 0; i < sizeof dirs / sizeof *dirs; i++) {
		(void)snprintf(path, sizeof path, "%s/%s", dirs[i], program);
		if (access(path, X_OK) == 0)
			return true;
	}
	return false;
}

/* ---- children ---------------------------------------------------------- */

const char *lab_namespace(const struct lab *l, char buf[64], const char *host)
{
	(void)snprintf(buf, 64, "%s-%s", l->name, host);
	return buf;
}

static int enter(const char *ns)
{
	char path[LAB_PATH];
	int fd, err = 0;

	(void)snprintf(path, sizeof path, "/run/netns/%s", ns);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (setns(fd, CLONE_NEWNET))
		err = -errno;
	close(fd);
	return err;
}

/* In the child: becomes the program, or tells why not and ends. */
static void become(
    const char *ns, const char *const argv[], int in, int out, int tell)
{
	char *const *args;
	int err = 0;

	memcpy(&args, &argv, sizeof args); /* execvp() changes nothing */
	if (ns)
		err = enter(ns);
	if (!err && (dup2(in, 0) < 0 || dup2(out, 1) < 0 || dup2(out, 2) < 0))
		err = -errno;
	/* From here on it lives without us. */
	(void)prctl(PR_SET_PDEATHSIG, 0);
	if (!err) {
		signal(SIGINT, SIG_DFL);
		signal(SIGTERM, SIG_DFL);
		signal(SIGPIPE, SIG_DFL);
		(void)setenv("PATH",
		    "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:"
		    "/bin",
		    1);
		execvp(args[0], args);
		err = -errno;
	}
	(void)!write(tell, &err, sizeof err);
	_exit(127);
}

/*
 * Forks argv with its output on `out`, in a session of its own: ^C is for us
 * alone.  Its pid, or -errno.
 */
static pid_t start(const char *ns, const char *const argv[], int out)
{
	int tell[2], err = 0;
	int in = open("/dev/null", O_RDONLY | O_CLOEXEC);

	if (in < 0)
		return -errno;
	if (pipe2(tell, O_CLOEXEC)) {
		err = -errno;
		close(in);
		return err;
	}
	pid_t us = getpid(), pid = fork();
	if (pid == 0) {
		/* A child that was slow must not begin in a later lab. */
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() != us)
			_exit(127);
		(void)setsid();
		become(ns, argv, in, out, tell[1]);
	}
	if (pid < 0)
		err = -errno;
	close(in);
	close(tell[1]);
	/* Nothing comes when the program took over. */
	if (pid > 0 && read(tell[0], &err, sizeof err) == sizeof err)
		(void)waitpid(pid, NULL, 0);
	close(tell[0]);
	return err ? err : pid;
}

/*
 * Reads all that comes until the end or the deadline; -ETIME then, -EINTR
 * when we are asked to stop meanwhile.
 */
static int collect(int fd, char **ret, uint64_t due_ns)
{
	int asked = stop;
	char *buf = NULL;
	size_t n = 0, cap = 0;

	for (;;) {
		struct pollfd p = {.fd = fd, .events = POLLIN};
		uint64_t now = clock_now_ns();
		ssize_t got;

		if (n + 1 >= cap) {
			cap = cap ? cap * 2 : 65536;
			char *to = cap > OUT_MAX ? NULL : realloc(buf, cap);
			if (!to) {
				free(buf);
				return -ENOMEM;
			}
			buf = to;
		}
		if (now >= due_ns ||
		    poll(&p, 1, (int)((due_ns - now) / NS_PER_MS) + 1) == 0) {
			free(buf);
			return -ETIME;
		}
		if (stop != asked) {
			free(buf);
			return -EINTR;
		}
		if (p.revents == 0)
			continue;
		got = read(fd, buf + n, cap - n - 1);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			break;
		n += (size_t)got;
	}
	buf[n] = 0;
	*ret = buf;
	return 0;
}

int lab_run(const struct lab *l, const char *host, const char *const argv[],
    char **ret_out)
{
	char ns[64];
	uint64_t due = clock_now_ns() + l->patience_s * NS_PER_S;
	char *out = NULL;
	int fds[2], status;

	if (pipe2(fds, O_CLOEXEC))
		return -errno;
	pid_t pid =
	    start(host ? lab_namespace(l, ns, host) : NULL, argv, fds[1]);
	close(fds[1]);
	if (pid < 0) {
		close(fds[0]);
		return pid;
	}
	int err = collect(fds[0], &out, due);
	close(fds[0]);
	if (err)
		(void)kill(pid, SIGKILL);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		continue;
	if (err)
		return err;
	if (ret_out)
		*ret_out = out;
	else
		free(out);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -EINTR;
}

/* ---- the record of what runs ------------------------------------------- */

/* Field n of /proc/PID/stat, from 3 on; 0: it is not there, or a zombie. */
static uint64_t stat_field(pid_t pid, unsigned n)
{
	char path[64], text[1024];

	(void)snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
	FILE *f = fopen(path, "re");
	if (!f)
		return 0;
	size_t len = fread(text, 1, sizeof text - 1, f);
	(void)fclose(f);
	text[len] = 0;
	char *p = strrchr(text, ')'); /* its name may hold anything */
	if (p && p[1] == ' ' && p[2] == 'Z')
		return 0;
	for (unsigned field = 2; p && field < n; field++)
		p = strchr(p + 1, ' ');
	return p ? strtoull(p, NULL, 10) : 0;
}

/* When a process began, in clock ticks since boot. */
static uint64_t began(pid_t pid)
{
	return stat_field(pid, 22);
}

uint64_t lab_busy(const struct lab *l, const char *name)
{
	pid_t pid = lab_alive(l, name);

	return pid ? stat_field(pid, 14) / (uint64_t)sysconf(_SC_CLK_TCK) : 0;
}

int lab_spawn(const struct lab *l, const char *name, const char *host,
    const char *const argv[])
{
	char path[LAB_PATH], log[64], ns[64];
	int err = 0;

	(void)snprintf(log, sizeof log, "%s.log", name);
	int out = open(lab_path(l, path, log),
	    O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (out < 0)
		return -errno;
	pid_t pid = start(lab_namespace(l, ns, host), argv, out);
	close(out);
	if (pid < 0)
		return pid;
	FILE *f = fopen(lab_path(l, path, "pids"), "ae");
	if (!f)
		err = -errno;
	else if (fprintf(f, "%s %d %llu\n", name, (int)pid,
		     (unsigned long long)began(pid)) < 0)
		err = -EIO;
	if (f && fclose(f))
		err = -errno;
	if (err)
		(void)kill(pid, SIGKILL);
	return err;
}

struct record {
	char name[64];
	pid_t pid;
	unsigned long long began;
};

/* The next record of the open file; false at its end. */
static bool next_record(FILE *f, struct record *ret)
{
	int pid;

	if (fscanf(f, "%63s %d %llu", ret->name, &pid, &ret->began) != 3)
		return false;
	ret->pid = pid;
	return true;
}

/* The same process still, and no other that got its number. */
static bool same(const struct record *r)
{
	return r->pid > 1 && r->began && began(r->pid) == r->began;
}

pid_t lab_alive(const struct lab *l, const char *name)
{
	char path[LAB_PATH];
	FILE *f = fopen(lab_path(l, path, "pids"), "re");
	struct record r;
	pid_t pid = 0;

	/* Ours that ended stay zombies until they are asked for. */
	while (waitpid(-1, NULL, WNOHANG) > 0)
		continue;
	if (!f)
		return 0;
	while (next_record(f, &r))
		if (strcmp(r.name, name) == 0 && same(&r))
			pid = r.pid;
	(void)fclose(f);
	return pid;
}

/* Sends sig to each that is there; their number. */
static unsigned signal_all(const struct lab *l, int sig)
{
	char path[LAB_PATH];
	FILE *f = fopen(lab_path(l, path, "pids"), "re");
	struct record r;
	unsigned n = 0;

	while (waitpid(-1, NULL, WNOHANG) > 0)
		continue;
	if (!f)
		return 0;
	while (next_record(f, &r)) {
		if (!same(&r))
			continue;
		n++;
		if (sig)
			(void)kill(r.pid, sig);
	}
	(void)fclose(f);
	return n;
}

unsigned lab_end_all(const struct lab *l)
{
	struct timespec t = {.tv_nsec = 50 * 1000000};
	unsigned n = signal_all(l, SIGTERM);

	for (unsigned i = 0; n && i < END_S * 20 && signal_all(l, 0); i++)
		(void)nanosleep(&t, NULL);
	(void)signal_all(l, SIGKILL);
	return n;
}

#include "base/clock.h"
#include "base/log.h"
#include "base/must.h"
#include "daemon/files.h"
#include "daemon/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define BACKOFF_MIN_NS (100 * NS_PER_MS)
#define BACKOFF_MAX_NS (5 * NS_PER_S)
#define LONG_LIFE_NS (60 * NS_PER_S)
#define SOCK_IN_CHILD 3

static const char *const names[] = {
    [ROLE_PARENT] = "parent",
    [ROLE_SESSION] = "session",
    [ROLE_ENGINE] = "engine",
    [ROLE_API] = "api",
    [ROLE_MONITOR] = "monitor",
    [ROLE_RPKI] = "rpki",
    [ROLE_REGISTRY] = "registry",
};

const char *role_name(enum role r)
{
	return names[r];
}

struct child *child_engine(struct parent *p)
{
	children_each(p, c) if (c->role == ROLE_ENGINE) return c;
	must(false);
	return NULL;
}

struct child *child_api(struct parent *p)
{
	children_each(p, c) if (c->role == ROLE_API) return c;
	must(false);
	return NULL;
}

/* ---- sending ------------------------------------------------------------ */

void child_send(struct child *c, uint32_t type, uint32_t id, const void *data,
    size_t n, const int *fds, int n_fds)
{
	if (!c->pid)
		return;
	int err = msg_send(c->sock.fd, type, id, data, n, fds, n_fds);
	/*
	 * One that does not read its messages gets all of them again in its
	 * next life; pings alone may be missed.
	 */
	if (err && err != -EPIPE && type != ROLE_PING) {
		log_error("role_send_failed", "role=%s error=%s", c->name,
		    strerror(-err));
		child_kill(c);
	}
}

/* Who speaks to no peer need not know the passwords. */
static int conf_blob(const struct child *c)
{
	const struct text *running = &c->parent->running;
	struct text t = {0};

	if (c->role == ROLE_SESSION)
		return msg_blob("spean-conf", running->p, running->n);
	if (!text_copy(&t, running))
		return -ENOMEM;
	conf_hide_secrets(t.p, t.n);
	int fd = msg_blob("spean-conf", t.p, t.n);
	text_set(&t, NULL, 0);
	return fd;
}

void child_send_conf(struct child *c, bool reload)
{
	struct parent *p = c->parent;
	struct role_conf rc;

	memset(&rc, 0, sizeof rc);
	rc.restarting = p->restarting || c->starts > 1;
	rc.reload = reload;
	int fd = conf_blob(c);
	if (fd < 0) {
		log_error("conf_blob", "error=%s", strerror(-fd));
		child_kill(c);
		return;
	}
	c->conf_sent = p->conf_id;
	int fds[2] = {fd, c->role == ROLE_RPKI ? files_blob(p->conf) : -1};
	child_send(
	    c, ROLE_CONF, p->conf_id, &rc, sizeof rc, fds, fds[1] < 0 ? 1 : 2);
	close(fd);
	if (fds[1] >= 0)
		close(fds[1]);
}

void child_send_listen(struct child *c)
{
	struct parent *p = c->parent;
	int fds[MSG_FDS] = {-1};
	int n = 0;

	if (c->role == ROLE_API) {
		fds[n++] = p->control;
		fds[n++] = p->read;
	} else if (c->role == ROLE_SESSION && !c->index) {
		for (size_t i = 0; i < p->n_listen; i++)
			fds[n++] = p->listen[i].fd;
	} else if (role_is_side(c->role)) {
		fds[0] = side_open_dir(c);
		n = fds[0] >= 0;
	} else {
		return;
	}
	child_send(c, ROLE_LISTEN, 0, NULL, 0, fds, n);
	if (role_is_side(c->role) && n)
		close(fds[0]);
}

/* Instances of one role speak to each other only through the first. */
static bool linked(const struct child *a, const struct child *b)
{
	/* Side roles speak to the engine alone. */
	if (role_is_side(a->role) || role_is_side(b->role))
		return a->role == ROLE_ENGINE || b->role == ROLE_ENGINE;
	if (a->role == ROLE_RPKI || b->role == ROLE_RPKI)
		return a->role != b->role && a->role != ROLE_SESSION &&
		       b->role != ROLE_SESSION;
	if (a->role != b->role)
		return true;
	return a->role == ROLE_SESSION && a != b && (!a->index || !b->index);
}

static bool send_link(struct child *a, struct child *b)
{
	struct role_at at_a = {a->role, a->index};
	struct role_at at_b = {b->role, b->index};
	int pair[2];

	if (msg_pair(pair))
		return false;
	child_send(a, ROLE_LINK, 0, &at_b, sizeof at_b, &pair[0], 1);
	child_send(b, ROLE_LINK, 0, &at_a, sizeof at_a, &pair[1], 1);
	close(pair[0]);
	close(pair[1]);
	return true;
}

static void send_links(struct child *c)
{
	children_each(c->parent, o)
	{
		if (!o->pid || !linked(c, o) || send_link(c, o))
			continue;
		log_error("link_failed", "error=%s", strerror(errno));
		child_kill(c);
		return;
	}
}

/* ---- receiving ---------------------------------------------------------- */

static void on_ready(struct child *c)
{
	c->ready = true;
	log_info("role_ready", "role=%s pid=%d ms=%llu", c->name, (int)c->pid,
	    (unsigned long long)((clock_now_ns() - c->start_ns) / NS_PER_MS));
}

static void on_message(struct child *c, struct msg *m)
{
	struct parent *p = c->parent;
	struct role_ask ask;
	struct ip peer;

	c->pong_ns = clock_now_ns();
	switch (m->type) {
	case ROLE_READY:
		on_ready(c);
		break;
	case ROLE_CONF_DONE:
		c->conf_done = m->id;
		change_step(p);
		break;
	case ROLE_ASK:
		if (c->role != ROLE_API || m->len != sizeof ask || !m->id)
			break;
		memcpy(&ask, m->data, sizeof ask);
		change_ask(p, m->id, &ask, m);
		break;
	case ROLE_BLAME:
		if (c->role != ROLE_SESSION || m->len != sizeof peer ||
		    m->id >= ROLE_INSTANCES)
			break;
		memcpy(&peer, m->data, sizeof peer);
		if (peer.family < FAMILY_COUNT)
			blame_peer(p, m->id, &peer);
		break;
	case ROLE_REPLY:
		if (role_is_side(c->role))
			side_reply(c, m);
		break;
	default:
		break;
	}
}

static void sock_ready(struct loop_fd *f, uint32_t events)
{
	struct child *c = list_entry(f, struct child, sock);
	static struct msg m;

	(void)events;
	for (int i = 0; i < 64 && c->sock.fd >= 0; i++) {
		int n = msg_recv(c->sock.fd, &m);

		if (n == 0)
			return;
		if (n < 0) {
			/* It ended, or is about to; SIGCHLD tells how. */
			loop_del(c->parent->loop, f);
			close(f->fd);
			f->fd = -1;
			if (!c->parent->stopping)
				child_kill(c);
			return;
		}
		on_message(c, &m);
		msg_close_fds(&m);
	}
}

/* ---- life and death ----------------------------------------------------- */

static _Noreturn void become(struct child *c, int sock)
{
	char title[32];
	char verb[] = "role";
	char name[ROLE_NAME];
	char uid[16] = "-";
	char gid[16] = "-";
	char *argv[] = {title, verb, name, uid, gid, NULL};
	sigset_t none;

	snprintf(title, sizeof title, "spean: %s", c->name);
	snprintf(name, sizeof name, "%s", c->name);
	if (c->user.change) {
		snprintf(uid, sizeof uid, "%u", (unsigned)c->user.uid);
		snprintf(gid, sizeof gid, "%u", (unsigned)c->user.gid);
	}
	unsetenv("NOTIFY_SOCKET");
	unsetenv("WATCHDOG_USEC");
	unsetenv("WATCHDOG_PID");
	/* What it does may wait: routes come first. */
	if (c->role == ROLE_MONITOR)
		(void)!nice(5);
	/* ^C on a terminal is for the parent alone. */
	signal(SIGINT, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	if (sock == SOCK_IN_CHILD) {
		if (fcntl(sock, F_SETFD, 0))
			_exit(127);
	} else if (dup2(sock, SOCK_IN_CHILD) < 0) {
		_exit(127);
	}
	/* Only the parent speaks on standard output. */
	if (dup2(c->parent->null, STDIN_FILENO) < 0 ||
	    dup2(STDERR_FILENO, STDOUT_FILENO) < 0)
		_exit(127);
	syscall(SYS_close_range, SOCK_IN_CHILD + 1, ~0u, 0);
	execv("/proc/self/exe", argv);
	log_error("exec_failed", "error=%s", strerror(errno));
	_exit(127);
}

static void again_soon(struct child *c)
{
	struct parent *p = c->parent;
	uint64_t now = clock_now_ns();
	uint64_t wait = BACKOFF_MIN_NS;

	if (now - c->start_ns > LONG_LIFE_NS)
		c->streak = 0;
	for (unsigned i = 0; i < c->streak && wait < BACKOFF_MAX_NS; i++)
		wait *= 2;
	if (wait > BACKOFF_MAX_NS)
		wait = BACKOFF_MAX_NS;
	c->streak++;
	loop_timer_set(p->loop, &c->again, now + wait);
}

static void again_fired(struct loop_timer *t)
{
	child_start(list_entry(t, struct child, again));
}

void child_init(struct parent *p, enum role r, unsigned index)
{
	must(p->n_child < PARENT_CHILDREN && index < ROLE_INSTANCES);
	struct child *c = &p->child[p->n_child++];

	*c = (struct child){
	    .parent = p,
	    .role = r,
	    .index = index,
	    .user = sandbox_user(r),
	    .sock = {.fd = -1, .events = EPOLLIN, .ready = sock_ready},
	    .again = {.fire = again_fired},
	    .pong_ns = clock_now_ns(),
	};
	role_format(role_name(r), index, c->name);
}

void child_start(struct child *c)
{
	struct parent *p = c->parent;
	int pair[2];

	if (p->stopping || !child_wanted(c))
		return;
	c->start_ns = clock_now_ns();
	int err = msg_pair(pair);
	if (err) {
		log_error("role_start_failed", "role=%s error=%s", c->name,
		    strerror(-err));
		again_soon(c);
		return;
	}
	pid_t pid = fork();
	if (pid == 0)
		become(c, pair[1]);
	close(pair[1]);
	if (pid > 0) {
		c->sock.fd = pair[0];
		err = loop_add(p->loop, &c->sock);
	} else {
		err = -errno;
	}
	if (err) {
		log_error("role_start_failed", "role=%s error=%s", c->name,
		    strerror(-err));
		close(pair[0]);
		c->sock.fd = -1;
		if (pid > 0) {
			c->pid = pid;
			child_kill(c);
		} else {
			again_soon(c);
		}
		return;
	}
	c->pid = pid;
	c->ready = c->stopped = c->silent = c->leaving = false;
	c->pong_ns = c->start_ns;
	c->conf_done = 0;
	c->starts++;
	child_send_conf(c, false);
	child_send_listen(c);
	if (c->role == ROLE_SESSION)
		blame_tell(c);
	send_links(c);
}

void child_kill(struct child *c)
{
	if (c->pid)
		kill(c->pid, SIGKILL);
}

/* True when the role died of what it did, not of what was done to it. */
static bool is_guilty(const struct child *c, int status)
{
	if (c->silent)
		return !c->stopped; /* it hung by itself */
	if (WIFEXITED(status))
		return WEXITSTATUS(status) != 0;
	int sig = WTERMSIG(status);
	return sig != SIGKILL && sig != SIGTERM && sig != SIGINT &&
	       sig != SIGHUP && sig != SIGQUIT;
}

static void died(struct child *c, int status)
{
	struct parent *p = c->parent;
	bool guilty = is_guilty(c, status);
	char quoted[80];

	if (c->silent)
		snprintf(c->death, sizeof c->death, "no answer for %u s%s",
		    p->opt->ping_timeout_s, c->stopped ? ", stopped" : "");
	else if (WIFSIGNALED(status))
		snprintf(c->death, sizeof c->death, "signal %d (%s)",
		    WTERMSIG(status), strsignal(WTERMSIG(status)));
	else
		snprintf(
		    c->death, sizeof c->death, "exit %d", WEXITSTATUS(status));
	c->death_s = clock_wall_s();
	pid_t pid = c->pid;
	c->pid = 0;
	c->ready = false;
	if (c->sock.fd >= 0) {
		/* A last word may still be there: blame, an answer. */
		sock_ready(&c->sock, EPOLLIN);
		if (c->sock.fd >= 0) {
			loop_del(p->loop, &c->sock);
			close(c->sock.fd);
			c->sock.fd = -1;
		}
	}
	if (role_is_side(c->role))
		side_gone(c);
	if (p->stopping || c->leaving) {
		log_info("role_ended", "role=%s pid=%d", c->name, (int)pid);
		side_settle(c);
		change_step(p);
		return;
	}
	log_error("role_died", "role=%s pid=%d cause=%s", c->name, (int)pid,
	    log_quote(quoted, sizeof quoted, c->death));
	if (c->role == ROLE_ENGINE)
		blame_engine_died(p, c->index, guilty);
	again_soon(c);
	change_step(p);
}

void children_reap(struct parent *p)
{
	children_each(p, c)
	{
		int status;

		while (
		    c->pid && waitpid(c->pid, &status,
				  WNOHANG | WUNTRACED | WCONTINUED) == c->pid) {
			if (WIFSTOPPED(status))
				c->stopped = true;
			else if (WIFCONTINUED(status))
				c->stopped = false;
			else
				died(c, status);
		}
	}
}

void children_ping(struct parent *p, uint64_t late_ns)
{
	uint64_t now = clock_now_ns();
	uint64_t limit = p->opt->ping_timeout_s * NS_PER_S;

	children_each(p, c)
	{

		if (!c->pid || c->silent || !child_wanted(c))
			continue;
		/* When we ourselves were held up, nobody is silent. */
		c->pong_ns += late_ns;
		if (now > c->pong_ns && now - c->pong_ns > limit) {
			log_error("role_silent", "role=%s pid=%d seconds=%u",
			    c->name, (int)c->pid, p->opt->ping_timeout_s);
			c->silent = true;
			child_kill(c);
			continue;
		}
		child_send(c, ROLE_PING, 0, NULL, 0, NULL, 0);
	}
}

bool children_ready(const struct parent *p)
{
	for (size_t i = 0; i < p->n_child; i++)
		if (!p->child[i].ready && child_wanted(&p->child[i]))
			return false;
	return true;
}

bool children_gone(const struct parent *p)
{
	for (size_t i = 0; i < p->n_child; i++)
		if (p->child[i].pid)
			return false;
	return true;
}

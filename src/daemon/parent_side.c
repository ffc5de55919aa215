/*
 * Side roles, as the parent sees them: monitor and registry.  Each runs only
 * when the configuration has its block, gets the one directory that it may
 * write into open, and answers its questions through the parent.
 */
#include "base/log.h"
#include "base/must.h"
#include "daemon/internal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const enum role sides[] = {ROLE_MONITOR, ROLE_REGISTRY};

bool role_is_side(enum role r)
{
	return r == ROLE_MONITOR || r == ROLE_REGISTRY;
}

bool child_wanted(const struct child *c)
{
	const struct conf *conf = c->parent->conf;

	if (c->role == ROLE_MONITOR)
		return conf->monitoring.present;
	return c->role != ROLE_REGISTRY || conf->registry.present;
}

static struct child *side_of(struct parent *p, enum role r)
{
	children_each(p, c) if (c->role == r) return c;
	must(false);
	return NULL;
}

/* ---- its directory ------------------------------------------------------- */

/* "" where it has none. */
static void dir_of(const struct parent *p, enum role r, char to[SIDE_DIR])
{
	if (r == ROLE_MONITOR)
		snprintf(to, SIDE_DIR, "%s", p->conf->monitoring.mrt);
	else if (snprintf(to, SIDE_DIR, "%s/registry", p->opt->state_dir) >=
		 SIDE_DIR)
		to[0] = 0;
}

static void complain(enum role r, const char *dir)
{
	char quoted[2 * SIDE_DIR];
	const char *why = strerror(errno);

	log_error("role_directory", "role=%s path=%s error=\"%s\"",
	    role_name(r), log_quote(quoted, sizeof quoted, dir), why);
}

/* Is there nothing in it?  fd is closed. */
static bool is_empty(int fd)
{
	DIR *d = fdopendir(fd);
	const struct dirent *e;
	size_t n = 0;

	if (!d) {
		close(fd);
		return false;
	}
	while ((e = readdir(d)))
		n +=
		    strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0;
	closedir(d);
	return n == 0;
}

/*
 * Gives the role a directory that is root's own and empty: never one that is
 * in use for something else, nor what a link leads to.
 */
static int give(const char *dir, const struct sandbox_user *u)
{
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct stat st;
	int err = 0;

	if (fd < 0)
		return -1;
	int other = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	if (fstat(fd, &st) || other < 0)
		err = -1;
	else if (st.st_uid == 0 && is_empty(other))
		err = fchown(fd, u->uid, u->gid);
	else if (st.st_uid != 0)
		close(other);
	int saved = errno;
	close(fd);
	errno = saved;
	return err;
}

static void make_dir(const struct parent *p, enum role r)
{
	struct sandbox_user u = sandbox_user(r);
	char dir[SIDE_DIR];

	dir_of(p, r, dir);
	if (!dir[0])
		return;
	if (mkdir(dir, 0755) && errno != EEXIST) {
		complain(r, dir);
		return;
	}
	if (u.change && give(dir, &u))
		complain(r, dir);
}

void side_make_dirs(const struct parent *p)
{
	for (size_t i = 0; i < ARRAY_SIZE(sides); i++)
		make_dir(p, sides[i]);
}

int side_open_dir(struct child *c)
{
	dir_of(c->parent, c->role, c->dir);
	if (!c->dir[0])
		return -1;
	int fd = open(c->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		complain(c->role, c->dir);
	return fd;
}

/* ---- when it runs -------------------------------------------------------- */

void side_settle(struct child *c)
{
	struct parent *p = c->parent;
	char dir[SIDE_DIR];

	if (p->stopping)
		return;
	dir_of(p, c->role, dir);
	bool other_dir = strcmp(c->dir, dir) != 0;
	if (c->pid && !c->leaving && (!child_wanted(c) || other_dir)) {
		/* It cannot reach another directory: the next one can. */
		c->leaving = true;
		child_send(c, ROLE_STOP, 0, NULL, 0, NULL, 0);
	}
	if (!c->pid && child_wanted(c) && !loop_timer_on(&c->again))
		child_start(c);
}

/* ---- questions ----------------------------------------------------------- */

/* Why nobody can answer, or NULL. */
static const char *refusal(const struct child *c)
{
	bool monitor = c->role == ROLE_MONITOR;

	if (!child_wanted(c))
		return monitor ? "nothing is monitored; expected a "
				 "'monitoring' block in the configuration"
			       : "no registry is asked; expected a 'registry' "
				 "block in the configuration";
	if (!c->ready || c->leaving)
		return monitor ? "the monitor role is not running; ask again"
			       : "the registry role is not running; ask again";
	return NULL;
}

void side_ask(
    struct parent *p, enum role r, uint32_t id, const struct role_ask *ask)
{
	struct child *c = side_of(p, r);
	const char *why = refusal(c);
	size_t i = 0;

	while (i < PARENT_ASKS && p->side_ask[i].id)
		i++;
	if (!why && i == PARENT_ASKS)
		why = "too many questions at once; ask again";
	if (why) {
		answer_refuse(p, id, why);
		return;
	}
	p->side_ask[i].id = id;
	p->side_ask[i].role = r;
	p->side_ask[i].api_starts = child_api(p)->starts;
	child_send(c, ROLE_QUESTION, id, ask, sizeof *ask, NULL, 0);
}

void side_reply(struct child *c, const struct msg *m)
{
	struct parent *p = c->parent;
	struct child *api = child_api(p);

	for (size_t i = 0; i < PARENT_ASKS && m->id && m->n_fds == 1; i++) {
		if (p->side_ask[i].id != m->id ||
		    p->side_ask[i].role != c->role)
			continue;
		p->side_ask[i].id = 0;
		if (p->side_ask[i].api_starts == api->starts)
			child_send(api, ROLE_ANSWER, m->id, NULL, 0, m->fds, 1);
		return;
	}
}

void side_gone(struct child *c)
{
	struct parent *p = c->parent;
	char why[64];

	snprintf(why, sizeof why, "the %s role has ended; ask again", c->name);
	for (size_t i = 0; i < PARENT_ASKS; i++) {
		uint32_t id = p->side_ask[i].id;

		if (!id || p->side_ask[i].role != c->role)
			continue;
		p->side_ask[i].id = 0;
		if (p->side_ask[i].api_starts == child_api(p)->starts)
			answer_refuse(p, id, why);
	}
}

/*
 * The monitor role, as the parent sees it: it runs when the configuration has
 * a monitoring block, and gets the directory of the dumps open, since it may
 * reach no other.
 */
#include "base/log.h"
#include "base/must.h"
#include "daemon/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static struct child *monitor_of(struct parent *p)
{
	children_each(p, c) if (c->role == ROLE_MONITOR) return c;
	must(false);
	return NULL;
}

bool child_wanted(const struct child *c)
{
	return c->role != ROLE_MONITOR || c->parent->conf->monitoring.present;
}

static void complain(const char *dir)
{
	char quoted[2 * CONF_FILE];
	const char *why = strerror(errno);

	log_error("mrt_directory", "path=%s error=\"%s\"",
	    log_quote(quoted, sizeof quoted, dir), why);
}

/* A directory that is root's own is given to the role. */
void monitor_make_dir(const struct parent *p)
{
	const char *dir = p->conf->monitoring.mrt;
	struct sandbox_user u = sandbox_user(ROLE_MONITOR);
	struct stat st;

	if (!dir[0])
		return;
	if (mkdir(dir, 0755) && errno != EEXIST) {
		complain(dir);
		return;
	}
	if (u.change && !lstat(dir, &st) && S_ISDIR(st.st_mode) &&
	    st.st_uid == 0 && chown(dir, u.uid, u.gid))
		complain(dir);
}

int monitor_open_dir(struct parent *p)
{
	const char *dir = p->conf->monitoring.mrt;

	memcpy(p->monitor_dir, dir, sizeof p->monitor_dir);
	if (!dir[0])
		return -1;
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		complain(dir);
	return fd;
}

void monitor_settle(struct parent *p)
{
	struct child *c = monitor_of(p);
	bool other_dir = strcmp(p->monitor_dir, p->conf->monitoring.mrt) != 0;

	if (p->stopping)
		return;
	if (c->pid && !c->leaving && (!child_wanted(c) || other_dir)) {
		/* It cannot reach another directory: the next one can. */
		c->leaving = true;
		child_send(c, ROLE_STOP, 0, NULL, 0, NULL, 0);
	}
	if (!c->pid && child_wanted(c) && !loop_timer_on(&c->again))
		child_start(c);
}

void monitor_ask(struct parent *p, uint32_t id, const struct role_ask *ask)
{
	struct child *c = monitor_of(p);
	size_t i = 0;

	if (!child_wanted(c)) {
		answer_refuse(p, id,
		    "nothing is monitored; expected a 'monitoring' block in "
		    "the configuration");
		return;
	}
	while (i < PARENT_ASKS && p->monitor_ask[i].id)
		i++;
	if (!c->ready || c->leaving || i == PARENT_ASKS) {
		answer_refuse(
		    p, id, "the monitor role is not running; ask again");
		return;
	}
	p->monitor_ask[i].id = id;
	p->monitor_ask[i].api_starts = child_api(p)->starts;
	child_send(c, ROLE_QUESTION, id, ask, sizeof *ask, NULL, 0);
}

void monitor_reply(struct parent *p, const struct msg *m)
{
	struct child *api = child_api(p);

	for (size_t i = 0; i < PARENT_ASKS && m->id && m->n_fds == 1; i++) {
		if (p->monitor_ask[i].id != m->id)
			continue;
		p->monitor_ask[i].id = 0;
		if (p->monitor_ask[i].api_starts == api->starts)
			child_send(api, ROLE_ANSWER, m->id, NULL, 0, m->fds, 1);
		return;
	}
}

void monitor_gone(struct parent *p)
{
	for (size_t i = 0; i < PARENT_ASKS; i++) {
		uint32_t id = p->monitor_ask[i].id;

		p->monitor_ask[i].id = 0;
		if (id && p->monitor_ask[i].api_starts == child_api(p)->starts)
			answer_refuse(
			    p, id, "the monitor role has ended; ask again");
	}
}

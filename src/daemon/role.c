#include "daemon/role.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/must.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#define SEND_WAIT_MS 2000

struct frame {
	struct role_env env;
	struct loop_fd parent;
	bool started;
	int exit;
};

static struct frame *frame_of(struct role_env *e)
{
	return list_entry(e, struct frame, env);
}

static void end(struct frame *f, int code)
{
	f->exit = code;
	loop_stop(f->env.loop);
}

void role_send(struct role_env *e, uint32_t type, uint32_t id, const void *data,
    size_t n, int fd)
{
	uint64_t give_up = clock_now_ns() + SEND_WAIT_MS * NS_PER_MS;

	for (;;) {
		int err = msg_send(
		    e->parent, type, id, data, n, &fd, fd >= 0 ? 1 : 0);
		struct pollfd p = {.fd = e->parent, .events = POLLOUT};

		if (!err)
			return;
		if (err != -EAGAIN || clock_now_ns() > give_up)
			break;
		if (poll(&p, 1, 100) < 0 && errno != EINTR)
			break;
	}
	/* Without its parent a role has no business. */
	end(frame_of(e), 0);
}

void role_blame(struct role_env *e, unsigned engine, const struct ip *peer)
{
	role_send(e, ROLE_BLAME, engine, peer, sizeof *peer, -1);
}

void role_format(const char *role, unsigned index, char ret[ROLE_NAME])
{
	if (index)
		snprintf(ret, ROLE_NAME, "%s-%u", role, (index + 1) % 1000);
	else
		snprintf(ret, ROLE_NAME, "%s", role);
}

/* The parent checked the text before it sent it: an error here is ours. */
static struct conf *take_conf(const struct msg *m)
{
	struct conf *conf = NULL;
	struct conf_error *errors = NULL;
	size_t n_errors = 0;
	char *text = NULL;
	size_t n = 0;
	int err = -EPROTO;

	if (m->n_fds >= 1)
		err = msg_blob_read(m->fds[0], CONF_TEXT_MAX, &text, &n);
	if (!err)
		err = conf_parse(text, n, &conf, &errors, &n_errors);
	if (err)
		log_error("conf_refused", "error=%s", strerror(-err));
	free(errors);
	free(text);
	return err ? NULL : conf;
}

static void on_conf(struct frame *f, const struct msg *m)
{
	struct role_env *e = &f->env;
	struct role_conf rc;
	struct conf *conf;
	struct conf *old = e->conf;

	if (m->len != sizeof rc || !(conf = take_conf(m))) {
		end(f, 1);
		return;
	}
	memcpy(&rc, m->data, sizeof rc);
	e->conf = conf;
	e->files = m->n_fds > 1 ? m->fds[1] : -1;
	if (f->started) {
		if (e->ops->reload)
			e->ops->reload(e, old);
		conf_free(old);
		role_send(e, ROLE_CONF_DONE, m->id, NULL, 0, -1);
		return;
	}
	int err = e->ops->start ? e->ops->start(e, &rc) : 0;
	if (err) {
		log_error("start_failed", "error=%s", strerror(-err));
		end(f, 1);
		return;
	}
	f->started = true;
	role_send(e, ROLE_CONF_DONE, m->id, NULL, 0, -1);
	role_send(e, ROLE_READY, 0, NULL, 0, -1);
}

static void on_listen(struct frame *f, struct msg *m)
{
	if (!f->env.ops->listen)
		return;
	f->env.ops->listen(&f->env, m->fds, m->n_fds);
	m->n_fds = 0; /* the role's now */
}

static void on_link(struct frame *f, struct msg *m)
{
	struct role_at other;

	if (!f->env.ops->link || m->len != sizeof other || m->n_fds != 1)
		return;
	memcpy(&other, m->data, sizeof other);
	f->env.ops->link(&f->env, other, m->fds[0]);
	m->n_fds = 0;
}

static void on_hold_down(struct frame *f, const struct msg *m)
{
	struct role_hold_down h;

	if (!f->env.ops->hold_down || m->len != sizeof h)
		return;
	memcpy(&h, m->data, sizeof h);
	h.why[sizeof h.why - 1] = 0;
	f->env.ops->hold_down(&f->env, &h);
}

static void on_question(struct frame *f, const struct msg *m)
{
	struct role_ask ask;

	if (!f->env.ops->question || m->len != sizeof ask)
		return;
	memcpy(&ask, m->data, sizeof ask);
	f->env.ops->question(&f->env, m->id, ask.verb, m);
}

static void on_stop(struct frame *f)
{
	if (f->started && f->env.ops->stop)
		f->env.ops->stop(&f->env);
	else
		end(f, 0);
}

static void dispatch(struct frame *f, struct msg *m)
{
	const struct role_ops *ops = f->env.ops;

	/* What follows the first CONF may count on start() having run. */
	if (!f->started && m->type != ROLE_CONF && m->type != ROLE_PING &&
	    m->type != ROLE_STOP)
		return;
	switch (m->type) {
	case ROLE_CONF:
		on_conf(f, m);
		break;
	case ROLE_LISTEN:
		on_listen(f, m);
		break;
	case ROLE_LINK:
		on_link(f, m);
		break;
	case ROLE_PING:
		role_send(&f->env, ROLE_PONG, m->id, NULL, 0, -1);
		break;
	case ROLE_HOLD_DOWN:
		on_hold_down(f, m);
		break;
	case ROLE_ANSWER:
		if (ops->answer)
			ops->answer(&f->env, m->id, m);
		break;
	case ROLE_QUESTION:
		on_question(f, m);
		break;
	case ROLE_STOP:
		on_stop(f);
		break;
	default:
		break;
	}
}

static void parent_ready(struct loop_fd *l, uint32_t events)
{
	struct frame *f = list_entry(l, struct frame, parent);
	static struct msg m; /* 3 KB; a role has one thread */

	(void)events;
	for (int i = 0; i < 64; i++) {
		int n = msg_recv(l->fd, &m);

		if (n == 0)
			return;
		if (n < 0) {
			/* The parent went: leave at once, in silence, so that
			 * peers keep our routes (RFC 4724). */
			end(f, 0);
			return;
		}
		dispatch(f, &m);
		msg_close_fds(&m);
	}
}

int role_run(const struct role_ops *ops, unsigned index, int parent)
{
	static char role[ROLE_NAME]; /* the log keeps it */
	char name[16 + ROLE_NAME];
	struct frame f = {
	    .env = {.index = index, .parent = parent, .ops = ops},
	    .parent = {.fd = parent, .events = EPOLLIN, .ready = parent_ready},
	};

	role_format(ops->name, index, role);
	snprintf(name, sizeof name, "spean-%s", role);
	prctl(PR_SET_NAME, name);
	log_init(role, LOG_LEVEL_INFO);
	signal(SIGPIPE, SIG_IGN);
	/* Those are for the parent, which ends us in good order. */
	signal(SIGINT, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	f.env.loop = loop_new();
	if (!f.env.loop || loop_add(f.env.loop, &f.parent))
		return 1;
	int err = loop_run(f.env.loop);
	if (err)
		log_error("loop_failed", "error=%s", strerror(-err));
	if (ops->finish)
		ops->finish(&f.env);
	conf_free(f.env.conf);
	loop_free(f.env.loop);
	close(parent);
	return err ? 1 : f.exit;
}

#include "daemon/api_job.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/must.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ROLE_WAIT_NS (10 * NS_PER_S) /* for a role that is restarting */
#define KEEP_MAX ((size_t)8 << 20)   /* bytes of one part */

static void part_free(struct api_part *p)
{
	free(p->p);
	*p = (struct api_part){0};
}

void api_job_free(struct api_job *j)
{
	loop_timer_stop(j->api->env->loop, &j->timer);
	list_del(&j->all);
	part_free(&j->parent);
	for (unsigned i = 0; i < API_PEERS; i++)
		part_free(&j->part[i]);
	free(j);
}

static bool open_parts(const struct api_job *j)
{
	for (unsigned i = 0; i < j->api->n_peer; i++)
		if (j->part[i].state == PART_WAITS ||
		    j->part[i].state == PART_ASKED)
			return true;
	return j->asked_parent;
}

/* The client has its answer; forget the job once nobody speaks of it. */
static void leave(struct api_job *j)
{
	j->client = NULL;
	for (unsigned i = 0; i < j->api->n_peer; i++)
		if (j->part[i].state == PART_WAITS)
			j->part[i].state = PART_DONE;
	if (!open_parts(j)) {
		api_job_free(j);
		return;
	}
	for (unsigned i = 0; i < j->api->n_peer; i++)
		api_job_push(j, &j->api->peer[i]);
}

static void fail(struct api_job *j, int exit_code, const char *error)
{
	struct api_client *c = j->client;

	if (c)
		api_end(c, exit_code, error);
	leave(j);
}

const char *api_peer_name(enum role r)
{
	return r == ROLE_ENGINE ? "engine"
	       : r == ROLE_RPKI ? "rpki"
				: "session";
}

static struct api_peer *engine_of(struct api *a)
{
	unsigned i = 0;

	while (a->peer[i].role != ROLE_ENGINE)
		must(++i < a->n_peer);
	return &a->peer[i];
}

static void fail_down(struct api_job *j, const struct api_peer *p)
{
	char error[80];
	char name[ROLE_NAME];

	role_format(api_peer_name(p->role), p->index, name);
	snprintf(
	    error, sizeof error, "the %s role is not running; ask again", name);
	fail(j, 3, error);
}

/* ---- putting answers together ------------------------------------------- */

/* What the instances of one role say, as one object; NULL: nothing. */
static char *status_of(struct api_job *j, unsigned from, unsigned to)
{
	struct api_part *p = &j->part[from];

	if (to - from > 1)
		return api_many_sum(p, to - from);
	size_t n = 0;
	while (n < p->n && p->p[n] != '\n')
		n++;
	return p->exit || !n ? NULL : strndup(p->p, n);
}

/* {parent's ..., "session": {...}, "engine": {...}} */
static bool write_status(struct api_job *j)
{
	const struct api_part *mine = &j->parent;
	unsigned sessions = j->api->n_session;
	size_t n = mine->n;
	char *line = NULL;
	bool ok = false;

	while (n && mine->p[n - 1] != '}')
		n--;
	if (!n)
		return false;
	char *session = status_of(j, 0, sessions);
	char *engine = status_of(j, sessions, sessions + 1);
	int k = asprintf(&line, "%.*s,\"session\":%s,\"engine\":%s}\n",
	    (int)(n - 1), mine->p, session ? session : "null",
	    engine ? engine : "null");
	if (k > 0) {
		ok = api_write(j->client, line, (size_t)k);
		if (!ok)
			j->client = NULL;
		free(line);
	}
	free(session);
	free(engine);
	return ok;
}

static bool keep(struct api_part *p, const char *s, size_t n)
{
	if (p->n + n > KEEP_MAX)
		return false;
	char *more = realloc(p->p, p->n + n + 1);
	if (!more)
		return false;
	memcpy(more + p->n, s, n);
	p->p = more;
	p->n += n;
	more[p->n] = 0;
	return true;
}

/* The lines of all sessions, in the first part. */
static bool gather_sessions(struct api_job *j)
{
	struct api_part *to = &j->part[0];

	for (unsigned i = 1; i < j->api->n_session; i++) {
		struct api_part *p = &j->part[i];

		if (p->n && !keep(to, p->p, p->n))
			return false;
	}
	return api_many_sort(to->p, to->n);
}

static int exit_of(const struct api_job *j)
{
	int code = 0;

	for (unsigned i = 0; i < j->api->n_peer; i++)
		if (j->part[i].exit > code)
			code = j->part[i].exit;
	return code;
}

static void finish(struct api_job *j)
{
	struct api_part *s = &j->part[0];
	int code = exit_of(j);
	const char *error = NULL;
	bool ok = true;

	switch (j->verb) {
	case API_STATUS:
		ok = write_status(j);
		code = 0;
		break;
	case API_MEMBERS:
		ok = gather_sessions(j);
		if (!ok)
			break;
		ok =
		    api_members_write(j->client, j->api->env->conf, s->p, s->n);
		if (!ok)
			j->client = NULL;
		break;
	case API_SESSIONS:
		error = "there is none";
		if (code || j->api->n_session == 1)
			break;
		ok = gather_sessions(j);
		if (ok && s->n && !api_write(j->client, s->p, s->n)) {
			leave(j);
			return;
		}
		break;
	case API_ROUTE_WHY:
		error = "no route for this prefix";
		break;
	case API_DIFF_ROUTES:
	case API_DIFF_VRPS:
		error = "that cannot be compared with";
		break;
	default:
		error = "there is none";
		break;
	}
	if (!ok)
		code = 3;
	if (code && !error)
		error = "the answer could not be made";
	fail(j, code, error);
}

static void try_finish(struct api_job *j)
{
	if (open_parts(j))
		return;
	if (j->client)
		finish(j);
	else
		api_job_free(j);
}

/* ---- what comes --------------------------------------------------------- */

/* Must the lines wait until all have answered? */
static bool is_kept(const struct api_job *j)
{
	return j->verb == API_STATUS || j->verb == API_MEMBERS ||
	       (j->verb == API_SESSIONS && j->api->n_session > 1);
}

void api_job_lines(
    struct api_job *j, const struct api_peer *from, const char *p, size_t n)
{
	struct api_part *part = &j->part[from->place];

	if (!j->client || part->state != PART_ASKED)
		return;
	if (is_kept(j)) {
		if (!keep(part, p, n))
			fail(j, 3, "the answer is too long");
		return;
	}
	if (!api_write(j->client, p, n))
		leave(j);
}

void api_job_end(struct api_job *j, const struct api_peer *from, int exit_code)
{
	struct api_part *p = &j->part[from->place];

	if (p->state != PART_ASKED)
		return;
	p->state = PART_DONE;
	p->exit = exit_code;
	try_finish(j);
}

void api_job_link_lost(struct api_job *j, const struct api_peer *from)
{
	struct api_part *p = &j->part[from->place];

	if (p->state != PART_ASKED)
		return; /* one that waits may still be served by the next */
	p->state = PART_DONE;
	p->exit = 3;
	if (j->client && j->verb != API_STATUS)
		fail_down(j, from);
	else
		try_finish(j);
}

void api_job_answer(struct api_job *j, const char *lines, size_t n)
{
	struct api_client *c = j->client;

	j->asked_parent = false;
	if (j->verb == API_STATUS) {
		if (c && !keep(&j->parent, lines, n)) {
			fail(j, 3, "the answer is too long");
			return;
		}
		try_finish(j);
		return;
	}
	if (c && api_write(c, lines, n))
		api_done(c);
	/* It was not passed on to the engine (ask_through_parent()). */
	if (j->verb == API_DIFF_ROUTES || j->verb == API_DIFF_VRPS)
		j->part[engine_of(j->api)->place].state = PART_DONE;
	leave(j);
}

void api_job_client_gone(struct api_job *j)
{
	leave(j);
}

static void timed_out(struct loop_timer *t)
{
	struct api_job *j = list_entry(t, struct api_job, timer);
	bool lost = false;

	for (unsigned i = 0; i < j->api->n_peer; i++) {
		if (j->part[i].state != PART_WAITS)
			continue;
		j->part[i].state = PART_DONE;
		j->part[i].exit = 3;
		if (j->client && j->verb != API_STATUS) {
			fail_down(j, &j->api->peer[i]);
			return;
		}
		lost = true;
	}
	if (lost)
		try_finish(j);
}

/* ---- what goes ---------------------------------------------------------- */

void api_job_push(struct api_job *j, struct api_peer *to)
{
	struct api_part *p = &j->part[to->place];
	struct link *l = to->link;

	if (!l || !link_ready(l))
		return;
	if (p->state == PART_WAITS) {
		if (!link_write(l, QUERY_ASK, j->id, 0, &j->query,
			sizeof j->query, NULL, 0))
			return;
		p->state = PART_ASKED;
	}
	if (p->state != PART_ASKED)
		return;
	if (!j->client) {
		if (!p->cancelled)
			p->cancelled = link_write(
			    l, QUERY_CANCEL, j->id, 0, NULL, 0, NULL, 0);
	} else if (j->pause != p->paused) {
		if (link_write(l, j->pause ? QUERY_PAUSE : QUERY_RESUME, j->id,
			0, NULL, 0, NULL, 0))
			p->paused = j->pause;
	}
}

static bool ask_parent(struct api_job *j, const struct api_request *r)
{
	static const uint32_t verbs[] = {
	    [API_STATUS] = ROLE_ASK_STATUS,
	    [API_TEXT] = ROLE_ASK_TEXT,
	    [API_DIFF] = ROLE_ASK_DIFF,
	    [API_DIFF_ROUTES] = ROLE_ASK_DIFF_ROUTES,
	    [API_DIFF_VRPS] = ROLE_ASK_DIFF_VRPS,
	    [API_APPLY] = ROLE_ASK_APPLY,
	    [API_CONFIRM] = ROLE_ASK_CONFIRM,
	    [API_UNDO] = ROLE_ASK_UNDO,
	    [API_MONITORING] = ROLE_ASK_MONITORING,
	    [API_REGISTRY] = ROLE_ASK_REGISTRY,
	    [API_DUMP] = ROLE_ASK_DUMP,
	};
	struct role_ask ask = {
	    .verb = verbs[r->verb], .confirm_s = r->confirm_s};
	int fd = -1;

	if (r->text) {
		fd = msg_blob("spean-text", r->text, r->n_text);
		if (fd < 0) {
			fail(j, 3, "out of memory");
			return false;
		}
	}
	j->asked_parent = true;
	role_send(j->api->env, ROLE_ASK, j->id, &ask, sizeof ask, fd);
	if (fd >= 0)
		close(fd);
	return true;
}

static void ask_role(struct api_job *j, enum role r)
{
	for (unsigned i = 0; i < j->api->n_peer; i++) {
		if (j->api->peer[i].role != r)
			continue;
		j->part[i].state = PART_WAITS;
		api_job_push(j, &j->api->peer[i]);
	}
	loop_timer_set(
	    j->api->env->loop, &j->timer, clock_now_ns() + ROLE_WAIT_NS);
}

/*
 * The parent only hands the text on, and the engine answers over its link;
 * unless it is not there: then the parent does.
 */
static void ask_through_parent(struct api_job *j, const struct api_request *r)
{
	struct api_peer *engine = engine_of(j->api);

	if (!engine->link) {
		fail_down(j, engine);
		return;
	}
	if (!ask_parent(j, r))
		return;
	j->asked_parent = false;
	j->part[engine->place].state = PART_ASKED;
}

void api_job_start(struct api *a, struct api_client *c, struct api_request *r)
{
	struct api_job *j = calloc(1, sizeof *j);

	if (!j) {
		free(r->text);
		api_end(c, 3, "out of memory");
		return;
	}
	j->api = a;
	j->client = c;
	j->verb = r->verb;
	j->query = r->query;
	j->timer.fire = timed_out;
	if (++a->last_id == 0)
		a->last_id = 1;
	j->id = a->last_id;
	list_add_tail(&a->jobs, &j->all);
	api_client_set_job(c, j);
	switch (r->verb) {
	case API_MEMBERS:
	case API_SESSIONS:
		ask_role(j, ROLE_SESSION);
		break;
	case API_ROUTES:
	case API_ROUTE_WHY:
		ask_role(j, ROLE_ENGINE);
		break;
	case API_RPKI:
		ask_role(j, ROLE_RPKI);
		break;
	case API_STATUS:
		ask_role(j, ROLE_SESSION);
		ask_role(j, ROLE_ENGINE);
		(void)ask_parent(j, r);
		break;
	case API_DIFF_ROUTES:
	case API_DIFF_VRPS:
		ask_through_parent(j, r);
		break;
	default:
		(void)ask_parent(j, r);
		break;
	}
	free(r->text);
	loop_task_queue(a->env->loop, &a->pump);
}

struct api_job *api_job_find(struct api *a, uint32_t id)
{
	list_each(e, next, &a->jobs)
	{
		struct api_job *j = list_entry(e, struct api_job, all);

		if (j->id == id)
			return j;
	}
	return NULL;
}

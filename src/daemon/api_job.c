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

static const char *const role_names[] = {
    [ROLE_SESSION] = "session",
    [ROLE_ENGINE] = "engine",
};

static void part_free(struct api_part *p)
{
	free(p->p);
	*p = (struct api_part){0};
}

void api_job_free(struct api_job *j)
{
	loop_timer_stop(j->api->env->loop, &j->timer);
	list_del(&j->all);
	for (unsigned r = 0; r < ROLE_COUNT; r++)
		part_free(&j->part[r]);
	free(j);
}

static bool open_parts(const struct api_job *j)
{
	for (unsigned r = 0; r < ROLE_COUNT; r++)
		if (j->part[r].state == PART_WAITS ||
		    j->part[r].state == PART_ASKED)
			return true;
	return j->asked_parent;
}

/* The client has its answer; forget the job once nobody speaks of it. */
static void leave(struct api_job *j)
{
	j->client = NULL;
	for (unsigned r = 0; r < ROLE_COUNT; r++)
		if (j->part[r].state == PART_WAITS)
			j->part[r].state = PART_DONE;
	if (!open_parts(j)) {
		api_job_free(j);
		return;
	}
	for (unsigned r = ROLE_SESSION; r <= ROLE_ENGINE; r++)
		api_job_push(j, &j->api->peer[r]);
}

static void fail(struct api_job *j, int exit_code, const char *error)
{
	struct api_client *c = j->client;

	if (c)
		api_end(c, exit_code, error);
	leave(j);
}

static void fail_down(struct api_job *j, enum role r)
{
	char error[80];

	snprintf(error, sizeof error, "the %s role is not running; ask again",
	    role_names[r]);
	fail(j, 3, error);
}

/* ---- putting answers together ------------------------------------------- */

/* The first line of a part without its newline, or null. */
static void put_part(char *to, size_t *at, const struct api_part *p)
{
	size_t n = 0;

	while (n < p->n && p->p[n] != '\n')
		n++;
	if (p->exit || !n) {
		memcpy(to + *at, "null", 4);
		*at += 4;
		return;
	}
	memcpy(to + *at, p->p, n);
	*at += n;
}

static void put(char *to, size_t *at, const char *s)
{
	size_t n = strlen(s);

	memcpy(to + *at, s, n);
	*at += n;
}

/* {parent's ..., "session": {...}, "engine": {...}} */
static bool write_status(struct api_job *j)
{
	const struct api_part *mine = &j->part[ROLE_PARENT];
	size_t n = mine->n;
	size_t at = 0;
	bool ok = false;

	while (n && mine->p[n - 1] != '}')
		n--;
	if (!n)
		return false;
	char *line =
	    malloc(n + j->part[ROLE_SESSION].n + j->part[ROLE_ENGINE].n + 64);
	if (!line)
		return false;
	memcpy(line, mine->p, n - 1);
	at = n - 1;
	put(line, &at, ",\"session\":");
	put_part(line, &at, &j->part[ROLE_SESSION]);
	put(line, &at, ",\"engine\":");
	put_part(line, &at, &j->part[ROLE_ENGINE]);
	put(line, &at, "}\n");
	ok = api_write(j->client, line, at);
	if (!ok)
		j->client = NULL;
	free(line);
	return ok;
}

static void finish(struct api_job *j)
{
	struct api_part *s = &j->part[ROLE_SESSION];
	struct api_part *e = &j->part[ROLE_ENGINE];
	int code = s->exit > e->exit ? s->exit : e->exit;
	const char *error = NULL;
	bool ok = true;

	switch (j->verb) {
	case API_STATUS:
		ok = write_status(j);
		code = 0;
		break;
	case API_MEMBERS:
		ok =
		    api_members_write(j->client, j->api->env->conf, s->p, s->n);
		if (!ok)
			j->client = NULL;
		break;
	case API_ROUTE_WHY:
		error = "no route for this prefix";
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

void api_job_lines(struct api_job *j, enum role from, const char *p, size_t n)
{
	if (!j->client || j->part[from].state != PART_ASKED)
		return;
	if (j->verb == API_STATUS || j->verb == API_MEMBERS) {
		if (!keep(&j->part[from], p, n))
			fail(j, 3, "the answer is too long");
		return;
	}
	if (!api_write(j->client, p, n))
		leave(j);
}

void api_job_end(struct api_job *j, enum role from, int exit_code)
{
	struct api_part *p = &j->part[from];

	if (p->state != PART_ASKED)
		return;
	p->state = PART_DONE;
	p->exit = exit_code;
	try_finish(j);
}

void api_job_link_lost(struct api_job *j, enum role from)
{
	struct api_part *p = &j->part[from];

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
		if (c && !keep(&j->part[ROLE_PARENT], lines, n)) {
			fail(j, 3, "the answer is too long");
			return;
		}
		try_finish(j);
		return;
	}
	if (c && api_write(c, lines, n))
		api_done(c);
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

	for (unsigned r = ROLE_SESSION; r <= ROLE_ENGINE; r++) {
		if (j->part[r].state != PART_WAITS)
			continue;
		j->part[r].state = PART_DONE;
		j->part[r].exit = 3;
		if (j->client && j->verb != API_STATUS) {
			fail_down(j, (enum role)r);
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
	struct api_part *p = &j->part[to->role];
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
		if (!j->cancelled)
			j->cancelled = link_write(
			    l, QUERY_CANCEL, j->id, 0, NULL, 0, NULL, 0);
	} else if (j->pause != j->paused) {
		if (link_write(l, j->pause ? QUERY_PAUSE : QUERY_RESUME, j->id,
			0, NULL, 0, NULL, 0))
			j->paused = j->pause;
	}
}

static void ask_parent(struct api_job *j, const struct api_request *r)
{
	static const uint32_t verbs[] = {
	    [API_STATUS] = ROLE_ASK_STATUS,
	    [API_TEXT] = ROLE_ASK_TEXT,
	    [API_DIFF] = ROLE_ASK_DIFF,
	    [API_APPLY] = ROLE_ASK_APPLY,
	    [API_CONFIRM] = ROLE_ASK_CONFIRM,
	    [API_UNDO] = ROLE_ASK_UNDO,
	};
	struct role_ask ask = {
	    .verb = verbs[r->verb], .confirm_s = r->confirm_s};
	int fd = -1;

	if (r->text) {
		fd = msg_blob("spean-text", r->text, r->n_text);
		if (fd < 0) {
			fail(j, 3, "out of memory");
			return;
		}
	}
	j->asked_parent = true;
	role_send(j->api->env, ROLE_ASK, j->id, &ask, sizeof ask, fd);
	if (fd >= 0)
		close(fd);
}

static void ask_role(struct api_job *j, enum role r)
{
	j->part[r].state = PART_WAITS;
	loop_timer_set(
	    j->api->env->loop, &j->timer, clock_now_ns() + ROLE_WAIT_NS);
	api_job_push(j, &j->api->peer[r]);
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
	case API_STATUS:
		ask_role(j, ROLE_SESSION);
		ask_role(j, ROLE_ENGINE);
		ask_parent(j, r);
		break;
	default:
		ask_parent(j, r);
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

#include "base/clock.h"
#include "base/log.h"
#include "daemon/internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LINE_MAX_BYTES 8192
#define CHANGES_MAX 20000 /* lines of one answer */
#define DIFFERS_MAX 20	  /* named in the status */

void text_set(struct text *t, char *p, size_t n)
{
	free(t->p);
	*t = (struct text){.p = p, .n = n};
}

void text_move(struct text *to, struct text *from)
{
	text_set(to, from->p, from->n);
	*from = (struct text){0};
}

bool text_copy(struct text *to, const struct text *from)
{
	char *p = NULL;

	if (from->p) {
		p = malloc(from->n + 1);
		if (!p)
			return false;
		memcpy(p, from->p, from->n + 1);
	}
	text_set(to, p, from->n);
	return true;
}

bool text_same(const struct text *a, const struct text *b)
{
	return a->p && b->p && a->n == b->n && memcmp(a->p, b->p, a->n) == 0;
}

/* Room for n bytes at the end, without counting them yet. */
static char *room(struct text *t, size_t n)
{
	char *p = realloc(t->p, t->n + n + 1);

	if (p)
		t->p = p;
	return p ? p + t->n : NULL;
}

static bool begin(struct text *t, struct json *j, size_t n)
{
	char *at = room(t, n);

	if (!at)
		return false;
	json_init(j, at, n);
	json_open_object(j, NULL);
	return true;
}

static bool finish(struct text *t, struct json *j)
{
	json_close_object(j);
	json_newline(j);
	if (!json_ok(j))
		return false;
	t->n += j->len;
	t->p[t->n] = 0;
	return true;
}

void answer_send(struct parent *p, uint32_t id, const struct text *lines)
{
	int fd = msg_blob("spean-answer", lines->p ? lines->p : "", lines->n);

	if (fd < 0) {
		log_error("answer_blob", "error=%s", strerror(-fd));
		return;
	}
	child_send(child_api(p), ROLE_ANSWER, id, NULL, 0, &fd, 1);
	close(fd);
}

void answer_end(struct text *lines, int exit_code, const char *error)
{
	struct json j;

	if (!begin(lines, &j, LINE_MAX_BYTES))
		return;
	json_bool(&j, "end", true);
	json_i64(&j, "exit", exit_code);
	if (error)
		json_string(&j, "error", error);
	finish(lines, &j);
}

void answer_done(struct text *lines, const struct change *c, double ms)
{
	struct json j;

	if (!begin(lines, &j, LINE_MAX_BYTES))
		return;
	json_bool(&j, "end", true);
	json_i64(&j, "exit", 0);
	json_u64(&j, "changes", c->n_changes);
	json_u64(&j, "ms", (uint64_t)(ms + 0.5));
	if (c->confirm_s)
		json_u64(&j, "confirm_s", c->confirm_s);
	finish(lines, &j);
}

void answer_refuse(struct parent *p, uint32_t id, const char *error)
{
	struct text lines = {0};

	answer_end(&lines, 1, error);
	answer_send(p, id, &lines);
	free(lines.p);
}

static const char *const kinds[] = {
    [CONF_ADDED] = "added",
    [CONF_REMOVED] = "removed",
    [CONF_CHANGED] = "changed",
};

bool answer_changes(struct text *lines, const struct conf *from,
    const struct conf *to, size_t *ret_n)
{
	struct conf_change *changes = NULL;
	size_t n = 0;
	bool ok = conf_diff(from, to, &changes, &n) == 0;

	for (size_t i = 0; ok && i < n && i < CHANGES_MAX; i++) {
		struct json j;

		if (!begin(lines, &j, LINE_MAX_BYTES)) {
			ok = false;
			break;
		}
		json_string(&j, "change", kinds[changes[i].kind]);
		json_string(&j, "what", changes[i].what);
		json_string(&j, "detail",
		    changes[i].detail[0] ? changes[i].detail : NULL);
		json_bool(&j, "resets", changes[i].resets);
		ok = finish(lines, &j);
	}
	free(changes);
	*ret_n = n;
	return ok;
}

void answer_errors(struct text *lines, const struct conf_error *e, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct json j;

		if (!begin(lines, &j, LINE_MAX_BYTES))
			return;
		json_u64(&j, "line", e[i].line);
		json_u64(&j, "col", e[i].col);
		json_string(&j, "text", e[i].text);
		if (!finish(lines, &j))
			return;
	}
}

static void put_roles(struct parent *p, struct json *j)
{
	uint64_t now = clock_now_ns();

	json_open_list(j, "roles");
	json_open_object(j, NULL);
	json_string(j, "role", role_name(ROLE_PARENT));
	json_u64(j, "pid", (uint64_t)getpid());
	json_string(j, "state", "running");
	json_u64(j, "uptime_s", (now - p->start_ns) / NS_PER_S);
	json_u64(j, "restarts", 0);
	json_null(j, "last_death");
	json_null(j, "last_death_at");
	json_close_object(j);
	children_each(p, c)
	{
		char at[CLOCK_RFC3339_LEN];
		const char *state = "starting";

		if (!child_wanted(c))
			continue;

		if (!c->pid)
			state = "restarting";
		else if (c->stopped)
			state = "stopped";
		else if (c->ready)
			state = "running";
		clock_rfc3339(c->death_s, at);
		json_open_object(j, NULL);
		json_string(j, "role", c->name);
		if (c->pid)
			json_u64(j, "pid", (uint64_t)c->pid);
		else
			json_null(j, "pid");
		json_string(j, "state", state);
		json_u64(
		    j, "uptime_s", c->pid ? (now - c->start_ns) / NS_PER_S : 0);
		json_u64(j, "restarts", c->starts ? c->starts - 1 : 0);
		json_string(j, "last_death", c->death_s ? c->death : NULL);
		json_string(j, "last_death_at", c->death_s ? at : NULL);
		json_close_object(j);
	}
	json_close_list(j);
}

static void put_differs(struct parent *p, struct json *j)
{
	struct conf *confirmed = NULL;
	struct conf_change *changes = NULL;
	struct conf_error *errors = NULL;
	size_t n = 0;
	size_t n_errors = 0;

	json_open_list(j, "differs");
	if (p->confirmed.p && !text_same(&p->running, &p->confirmed) &&
	    conf_parse(p->confirmed.p, p->confirmed.n, &confirmed, &errors,
		&n_errors) == 0 &&
	    conf_diff(confirmed, p->conf, &changes, &n) == 0)
		for (size_t i = 0; i < n && i < DIFFERS_MAX; i++)
			json_string(j, NULL, changes[i].what);
	json_close_list(j);
	conf_free(confirmed);
	free(errors);
	free(changes);
}

static void put_config(struct parent *p, struct json *j)
{
	uint64_t now = clock_now_ns();

	json_open_object(j, "config");
	json_string(j, "path", p->opt->conf_path);
	json_u64(j, "members", p->conf->n_member);
	json_bool(j, "confirmed", text_same(&p->running, &p->confirmed));
	put_differs(p, j);
	if (loop_timer_on(&p->confirm))
		json_u64(j, "confirm_within_s",
		    p->confirm.due_ns > now
			? (p->confirm.due_ns - now) / NS_PER_S
			: 0);
	else
		json_null(j, "confirm_within_s");
	json_bool(j, "changing", p->change.active);
	json_close_object(j);
}

static void put_held(struct parent *p, struct json *j)
{
	uint64_t now = clock_now_ns();

	json_open_list(j, "held_down");
	for (size_t i = 0; i < PARENT_BLAMES; i++) {
		const struct blame *b = &p->blame[i];
		char text[IP_TEXT];

		if (b->until_ns <= now)
			continue;
		json_open_object(j, NULL);
		json_string(j, "address", ip_format(&b->peer, text));
		json_u64(j, "seconds", (b->until_ns - now) / NS_PER_S);
		json_close_object(j);
	}
	json_close_list(j);
}

void answer_status(struct parent *p, struct text *lines)
{
	const struct conf_exchange *x = &p->conf->exchange;
	struct json j;

	if (!begin(lines, &j, 32768))
		return;
	json_string(&j, "version", SPEAN_VERSION);
	json_u64(&j, "uptime_s", (clock_now_ns() - p->start_ns) / NS_PER_S);
	json_string(&j, "exchange", x->present ? x->name : NULL);
	json_u64(&j, "asn", x->asn);
	put_roles(p, &j);
	put_config(p, &j);
	put_held(p, &j);
	finish(lines, &j);
}

void answer_text(struct parent *p, struct text *lines)
{
	/* JSON may take six bytes for one. */
	size_t n = 6 * p->running.n + 64;
	struct json j;

	if (!begin(lines, &j, n))
		return;
	json_string_n(&j, "text", p->running.p, p->running.n);
	finish(lines, &j);
}

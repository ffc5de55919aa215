/*
 * One change of configuration at a time:
 *
 *   text -> parse -> sockets -> keep on disk -> engine -> session -> api ->
 * answer
 *
 * Until the text is on disk nothing is touched; after it the change cannot
 * fail: a role that dies on the way starts again with the new text.
 */
#include "base/clock.h"
#include "base/log.h"
#include "base/must.h"
#include "daemon/internal.h"
#include "daemon/notify.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const kinds[] = {
    [CHANGE_APPLY] = "apply",
    [CHANGE_FILE] = "file",
    [CHANGE_UNDO] = "undo",
    [CHANGE_EXPIRED] = "not_confirmed",
};

/* Engine first: it must know a member before its session comes. */
static const enum role order[] = {ROLE_ENGINE, ROLE_SESSION, ROLE_RPKI,
    ROLE_API, ROLE_MONITOR, ROLE_REGISTRY};

/* ---- round the roles ---------------------------------------------------- */

static void change_end(struct parent *p)
{
	struct change *c = &p->change;
	double ms = (double)(clock_now_ns() - c->start_ns) / 1e6;

	log_info("conf_changed", "by=%s changes=%zu ms=%.1f confirm_s=%u",
	    kinds[c->kind], c->n_changes, ms, c->confirm_s);
	if (c->ask && c->ask_starts == child_api(p)->starts) {
		answer_done(&c->answer, c, ms);
		answer_send(p, c->ask, &c->answer);
	}
	text_set(&c->answer, NULL, 0);
	c->active = false;
	notify("READY=1");
}

/* All instances of the role run on the new configuration. */
static bool role_has_it(struct parent *p, enum role r)
{
	bool all = true;

	children_each(p, c) if (c->role == r && role_is_side(r)) side_settle(c);
	children_each(p, c)
	{
		/* One that is down gets the new text when it starts. */
		if (c->role != r || !c->pid || c->leaving)
			continue;
		if (c->conf_sent != p->conf_id) {
			child_send_conf(c, true);
			if (r == ROLE_SESSION)
				child_send_listen(c);
		}
		all &= c->conf_done == p->conf_id;
	}
	return all;
}

void change_step(struct parent *p)
{
	struct change *ch = &p->change;

	while (ch->active && ch->at < ARRAY_SIZE(order)) {
		if (!role_has_it(p, order[ch->at]))
			return;
		ch->at++;
	}
	if (ch->active)
		change_end(p);
}

/* ---- what is kept on disk ----------------------------------------------- */

static int keep(struct parent *p, enum state_text which, const struct text *t)
{
	int err = t->p ? state_write(&p->state, which, t->p, t->n)
		       : state_remove(&p->state, which);

	if (err)
		log_error("state_write", "error=%s", strerror(-err));
	return err;
}

/* `next` becomes the confirmed text, `prev` the one that undo goes to. */
static int keep_both(
    struct parent *p, const struct text *next, const struct text *prev)
{
	struct text a = {0};
	struct text b = {0};

	if (!text_copy(&a, next) || !text_copy(&b, prev)) {
		free(a.p);
		return -ENOMEM;
	}
	int err = keep(p, STATE_PREVIOUS, &b);
	if (!err)
		err = keep(p, STATE_CONFIRMED, &a);
	if (err) {
		free(a.p);
		free(b.p);
		return err;
	}
	text_move(&p->confirmed, &a);
	text_move(&p->previous, &b);
	return 0;
}

/* ---- a new text --------------------------------------------------------- */

struct proposal {
	enum change_kind kind;
	uint32_t ask;
	uint32_t confirm_s;
	struct text text; /* taken */
};

static void log_errors(struct parent *p, const struct conf_error *e, size_t n)
{
	char text[300];

	for (size_t i = 0; i < n; i++)
		log_error("conf_error", "file=%s line=%u col=%u text=%s",
		    p->opt->conf_path, e[i].line, e[i].col,
		    log_quote(text, sizeof text, e[i].text));
}

/* How many processes there are is settled when they start. */
static int needs_restart(
    const struct parent *p, const struct conf *next, char why[128])
{
	const struct conf_exchange *a = &p->conf->exchange;
	const struct conf_exchange *b = &next->exchange;

	if (a->sessions == b->sessions)
		return 0;
	snprintf(why, 128,
	    "'session-instances' changes with a restart only (now %u)",
	    a->sessions);
	return -EBUSY;
}

/* Parses and opens; on 0, *ret and listeners are the caller's. */
static int prepare(struct parent *p, const struct proposal *pr,
    struct text *lines, struct conf **ret, struct listener *listen,
    size_t *ret_n_listen, char why[128])
{
	struct conf_error *errors = NULL;
	size_t n = 0;
	int err = conf_parse(pr->text.p, pr->text.n, ret, &errors, &n);

	if (err == -EINVAL) {
		answer_errors(lines, errors, n);
		if (pr->kind == CHANGE_FILE)
			log_errors(p, errors, n);
		snprintf(why, 128, "the configuration has %zu error%s", n,
		    n == 1 ? "" : "s");
	} else if (err) {
		snprintf(why, 128, "cannot read the configuration: %s",
		    strerror(-err));
	} else {
		err = needs_restart(p, *ret, why);
		if (!err)
			err = listen_open(p, *ret, listen, ret_n_listen, why);
		if (err)
			conf_free(*ret);
	}
	free(errors);
	return err;
}

/* What goes to disk before the change; nothing while it may be undone. */
static int persist(struct parent *p, const struct proposal *pr)
{
	static const struct text none;

	/* Neither does what goes back to before such a change. */
	if (pr->confirm_s || p->before.p)
		return 0;
	if (pr->kind != CHANGE_UNDO)
		return keep_both(p, &pr->text, &p->running);
	/* Back to what is confirmed already: nothing to write. */
	if (text_same(&pr->text, &p->confirmed))
		return 0;
	return keep_both(p, &pr->text, &none);
}

static void commit(struct parent *p, struct proposal *pr, struct conf *conf,
    const struct listener *listen, size_t n_listen)
{
	listen_close(p->listen, p->n_listen, listen, n_listen);
	memcpy(p->listen, listen, n_listen * sizeof *listen);
	p->n_listen = n_listen;
	conf_free(p->conf);
	p->conf = conf;
	if (pr->confirm_s)
		text_move(&p->before, &p->running);
	else
		text_set(&p->before, NULL, 0);
	text_move(&p->running, &pr->text);
	p->conf_id++;
	loop_timer_stop(p->loop, &p->confirm);
	if (pr->confirm_s)
		loop_timer_set(p->loop, &p->confirm,
		    clock_now_ns() + pr->confirm_s * NS_PER_S);
}

static void refuse(
    struct parent *p, struct proposal *pr, struct text *lines, const char *why)
{
	char quoted[160];

	log_warn("change_refused", "by=%s why=%s", kinds[pr->kind],
	    log_quote(quoted, sizeof quoted, why));
	if (pr->ask) {
		answer_end(lines, 1, why);
		answer_send(p, pr->ask, lines);
	}
	text_set(lines, NULL, 0);
	text_set(&pr->text, NULL, 0);
}

/* Takes the proposal's text.  Answers by itself when it is no. */
static void propose(struct parent *p, struct proposal *pr)
{
	struct listener listen[CONF_LISTEN + 2];
	size_t n_listen = 0;
	struct text lines = {0};
	struct conf *conf = NULL;
	char why[128] = "out of memory";
	uint64_t start_ns = clock_now_ns();
	size_t n_changes = 0;

	if (p->change.active) {
		refuse(p, pr, &lines, "another change is under way");
		return;
	}
	if (prepare(p, pr, &lines, &conf, listen, &n_listen, why)) {
		refuse(p, pr, &lines, why);
		return;
	}
	int err =
	    answer_changes(&lines, p->conf, conf, &n_changes) ? 0 : -ENOMEM;
	if (!err) {
		err = persist(p, pr);
		if (err)
			snprintf(why, sizeof why,
			    "cannot write to the state directory: %s",
			    strerror(-err));
	}
	if (err) {
		listen_close(listen, n_listen, p->listen, p->n_listen);
		conf_free(conf);
		refuse(p, pr, &lines, why);
		return;
	}
	commit(p, pr, conf, listen, n_listen);
	p->change = (struct change){
	    .active = true,
	    .kind = pr->kind,
	    .ask = pr->ask,
	    .ask_starts = child_api(p)->starts,
	    .start_ns = start_ns,
	    .n_changes = n_changes,
	    .confirm_s = pr->confirm_s,
	    .answer = lines,
	};
	notify_reloading();
	change_step(p);
}

/* ---- the verbs ---------------------------------------------------------- */

static bool take_text(
    struct parent *p, uint32_t id, const struct msg *m, struct text *ret)
{
	int err = -EPROTO;

	if (m->n_fds == 1)
		err = msg_blob_read(m->fds[0], CONF_TEXT_MAX, &ret->p, &ret->n);
	if (err == -EFBIG)
		answer_refuse(p, id, "the configuration is over 16 MB");
	else if (err)
		answer_refuse(p, id, "the configuration did not arrive");
	return !err;
}

static void ask_apply(struct parent *p, uint32_t id, const struct role_ask *ask,
    const struct msg *m)
{
	struct proposal pr = {
	    .kind = CHANGE_APPLY, .ask = id, .confirm_s = ask->confirm_s};

	if (p->before.p) {
		answer_refuse(p, id,
		    "the last change waits for `spean confirm` or "
		    "`spean undo`");
		return;
	}
	if (take_text(p, id, m, &pr.text))
		propose(p, &pr);
}

static void ask_diff(struct parent *p, uint32_t id, const struct msg *m)
{
	struct conf *conf = NULL;
	struct conf_error *errors = NULL;
	size_t n = 0;
	struct text text = {0};
	struct text lines = {0};

	if (!take_text(p, id, m, &text))
		return;
	int err = conf_parse(text.p, text.n, &conf, &errors, &n);
	if (err == -EINVAL) {
		answer_errors(&lines, errors, n);
		answer_end(&lines, 1, "the configuration has errors");
	} else if (err || !answer_changes(&lines, p->conf, conf, &n)) {
		answer_end(&lines, 1, "out of memory");
	} else {
		answer_end(&lines, 0, NULL);
	}
	answer_send(p, id, &lines);
	conf_free(conf);
	free(errors);
	free(text.p);
	free(lines.p);
}

static void ask_confirm(struct parent *p, uint32_t id)
{
	struct text lines = {0};
	int err = 0;

	if (p->change.active) {
		answer_refuse(p, id, "a change is under way");
		return;
	}
	if (p->before.p) {
		err = keep_both(p, &p->running, &p->before);
	} else if (!text_same(&p->running, &p->confirmed)) {
		/* Started with a file that differs: now that one counts. */
		err = keep_both(p, &p->running, &p->confirmed);
	} else {
		answer_refuse(p, id, "nothing waits to be confirmed");
		return;
	}
	if (err) {
		answer_refuse(p, id, "cannot write to the state directory");
		return;
	}
	text_set(&p->before, NULL, 0);
	loop_timer_stop(p->loop, &p->confirm);
	log_info("conf_confirmed", "members=%zu", p->conf->n_member);
	answer_end(&lines, 0, NULL);
	answer_send(p, id, &lines);
	free(lines.p);
}

static void ask_undo(struct parent *p, uint32_t id)
{
	struct proposal pr = {.kind = CHANGE_UNDO, .ask = id};
	const struct text *to = NULL;

	if (p->before.p)
		to = &p->before;
	else if (p->confirmed.p && !text_same(&p->running, &p->confirmed))
		to = &p->confirmed;
	else if (p->previous.p)
		to = &p->previous;
	if (!to) {
		answer_refuse(p, id, "there is nothing to undo");
		return;
	}
	if (!text_copy(&pr.text, to)) {
		answer_refuse(p, id, "out of memory");
		return;
	}
	propose(p, &pr);
}

static void not_confirmed(struct loop_timer *t)
{
	struct parent *p = list_entry(t, struct parent, confirm);
	struct proposal pr = {.kind = CHANGE_EXPIRED};

	if (!p->before.p)
		return;
	if (p->change.active || !text_copy(&pr.text, &p->before)) {
		loop_timer_set(p->loop, t, clock_now_ns() + NS_PER_S);
		return;
	}
	log_warn("conf_not_confirmed", "undone=true");
	propose(p, &pr);
}

void change_file(struct parent *p)
{
	struct proposal pr = {.kind = CHANGE_FILE};
	int err;

	if (p->before.p) {
		log_warn("reload_refused",
		    "why=\"the last change waits for confirm or undo\"");
		return;
	}
	err = state_slurp(
	    AT_FDCWD, p->opt->conf_path, CONF_TEXT_MAX, &pr.text.p, &pr.text.n);
	if (err) {
		log_error("reload_failed", "file=%s error=%s",
		    p->opt->conf_path, strerror(-err));
		return;
	}
	propose(p, &pr);
}

/* The engine answers over its own link to the api role. */
static void ask_engine(struct parent *p, uint32_t id,
    const struct role_ask *ask, const struct msg *m)
{
	struct child *c = child_engine(p);

	if (!c->ready || m->n_fds != 1) {
		answer_refuse(
		    p, id, "the engine role is not running; ask again");
		return;
	}
	child_send(c, ROLE_QUESTION, id, ask, sizeof *ask, m->fds, 1);
}

void change_ask(struct parent *p, uint32_t id, const struct role_ask *ask,
    const struct msg *m)
{
	struct text lines = {0};

	switch (ask->verb) {
	case ROLE_ASK_APPLY:
		ask_apply(p, id, ask, m);
		return;
	case ROLE_ASK_DIFF:
		ask_diff(p, id, m);
		return;
	case ROLE_ASK_CONFIRM:
		ask_confirm(p, id);
		return;
	case ROLE_ASK_UNDO:
		ask_undo(p, id);
		return;
	case ROLE_ASK_DIFF_ROUTES:
	case ROLE_ASK_DIFF_VRPS:
		ask_engine(p, id, ask, m);
		return;
	case ROLE_ASK_REGISTRY:
		side_ask(p, ROLE_REGISTRY, id, ask);
		return;
	case ROLE_ASK_MONITORING:
	case ROLE_ASK_DUMP:
		side_ask(p, ROLE_MONITOR, id, ask);
		return;
	case ROLE_ASK_STATUS:
		answer_status(p, &lines);
		break;
	case ROLE_ASK_TEXT:
		answer_text(p, &lines);
		answer_end(&lines, 0, NULL);
		break;
	default:
		answer_end(&lines, 1, "no such request");
		break;
	}
	answer_send(p, id, &lines);
	free(lines.p);
}

/* ---- the first one ------------------------------------------------------ */

static void read_kept(struct parent *p, enum state_text which, struct text *t)
{
	int err = state_read(&p->state, which, &t->p, &t->n);

	if (err && err != -ENOENT)
		log_error("state_read", "error=%s", strerror(-err));
}

/* Says where the file that we start with differs from what was confirmed. */
static void compare(struct parent *p)
{
	struct conf *old = NULL;
	struct conf_error *errors = NULL;
	struct conf_change *changes = NULL;
	char what[160];
	char detail[420];
	size_t n_errors = 0;
	size_t n = 0;
	int err = conf_parse(
	    p->confirmed.p, p->confirmed.n, &old, &errors, &n_errors);

	if (!err)
		err = conf_diff(old, p->conf, &changes, &n);
	if (err)
		log_warn(
		    "conf_differs", "from=confirmed error=%s", strerror(-err));
	else if (n == 0)
		log_info("conf_same", "members=%zu", p->conf->n_member);
	for (size_t i = 0; i < n; i++)
		log_warn("conf_differs", "from=confirmed what=%s detail=%s",
		    log_quote(what, sizeof what, changes[i].what),
		    log_quote(detail, sizeof detail, changes[i].detail));
	conf_free(old);
	free(errors);
	free(changes);
}

int change_start(struct parent *p)
{
	struct conf_error *errors = NULL;
	size_t n = 0;
	int err = state_slurp(AT_FDCWD, p->opt->conf_path, CONF_TEXT_MAX,
	    &p->running.p, &p->running.n);

	p->confirm.fire = not_confirmed;
	p->conf_id = 1;
	if (err) {
		fprintf(stderr, "spean run: %s: %s\n", p->opt->conf_path,
		    strerror(-err));
		return 3;
	}
	err = conf_parse(p->running.p, p->running.n, &p->conf, &errors, &n);
	for (size_t i = 0; i < n; i++)
		fprintf(stderr, "%s:%u:%u: %s\n", p->opt->conf_path,
		    errors[i].line, errors[i].col, errors[i].text);
	free(errors);
	if (err && !n)
		fprintf(stderr, "spean run: %s: %s\n", p->opt->conf_path,
		    strerror(-err));
	return err ? 1 : 0;
}

void change_recall(struct parent *p)
{
	read_kept(p, STATE_CONFIRMED, &p->confirmed);
	read_kept(p, STATE_PREVIOUS, &p->previous);
	if (p->confirmed.p && !text_same(&p->running, &p->confirmed)) {
		compare(p);
		return;
	}
	/* The first start here: what the operator gave is what counts. */
	if (!p->confirmed.p && text_copy(&p->confirmed, &p->running) &&
	    keep(p, STATE_CONFIRMED, &p->confirmed))
		text_set(&p->confirmed, NULL, 0);
}

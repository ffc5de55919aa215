/* check, diff, apply, confirm, undo: texts and what they change. */
#include "cli/client.h"
#include "cli/diff.h"
#include "cli/internal.h"
#include "cli/request.h"
#include "cli/term.h"
#include "conf/conf.h"
#include "conf/words.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CONFIRM_MAX_S 86400

static const struct cli_option file_options[] = {
    {.name = "config",
	.letter = 'c',
	.arg = "FILE",
	.type = CLI_FILE,
	.required = true,
	.doc = "the configuration, see spean.conf(5); - is standard input"},
    {.name = NULL},
};

static const struct cli_option diff_options[] = {
    {.name = "config",
	.letter = 'c',
	.arg = "FILE",
	.type = CLI_FILE,
	.doc = "the configuration, see spean.conf(5); - is standard input"},
    {.name = "vrps",
	.arg = "FILE",
	.type = CLI_FILE,
	.doc = "other data of the RPKI: VRPs in JSON, as rpki-client and "
	       "routinator write them"},
    {.name = NULL},
};

static const struct cli_option apply_options[] = {
    {.name = "config",
	.letter = 'c',
	.arg = "FILE",
	.type = CLI_FILE,
	.required = true,
	.doc = "the configuration, see spean.conf(5); - is standard input"},
    {.name = "confirm",
	.arg = "TIME",
	.type = CLI_SECONDS,
	.min = 1,
	.max = CONFIRM_MAX_S,
	.doc = "undo it after this time, as 10m, unless spean confirm comes "
	       "first"},
    {.name = NULL},
};

/* ---- the file ---------------------------------------------------------- */

struct file {
	const char *name; /* for messages */
	char *text;
	size_t n;
};

static int read_all(int fd, struct file *f)
{
	size_t cap = 0;

	for (;;) {
		ssize_t k;

		if (f->n == cap) {
			char *more;

			cap = cap ? cap * 2 : 64 << 10;
			more = realloc(f->text, cap);
			if (!more)
				return -ENOMEM;
			f->text = more;
		}
		k = read(fd, f->text + f->n, cap - f->n);
		if (k < 0 && errno == EINTR)
			continue;
		if (k < 0)
			return -errno;
		if (k == 0)
			return 0;
		f->n += (size_t)k;
		if (f->n > CONF_TEXT_MAX)
			return -EFBIG;
	}
}

/* CLI_DONE, or CLI_FAILED once it has said why. */
static int read_file(const struct cli_call *c, struct file *f)
{
	const char *path = cli_text(c, "config", "");
	bool is_stdin = !strcmp(path, "-");
	int fd = is_stdin ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
	int err;

	*f = (struct file){.name = is_stdin ? "stdin" : path};
	if (fd < 0)
		return cli_fail(c, CLI_FAILED, "%s: %s", path, strerror(errno));
	err = read_all(fd, f);
	if (!is_stdin)
		close(fd);
	if (!err)
		return CLI_DONE;
	free(f->text);
	f->text = NULL;
	if (err == -EFBIG)
		return cli_fail(c, CLI_FAILED,
		    "%s: a configuration has at most %zu MB", f->name,
		    CONF_TEXT_MAX >> 20);
	return cli_fail(c, CLI_FAILED, "%s: %s", f->name, strerror(-err));
}

static void write_error(const struct cli_call *c, FILE *to,
    const struct file *f, const struct conf_error *e)
{
	if (c->json)
		request_fault(f->name, e);
	else
		fprintf(
		    to, "%s:%u:%u: %s\n", f->name, e->line, e->col, e->text);
}

/*
 * The file and what it says; CLI_NO with every fault on `errors`.  f->text
 * and *ret are the caller's.
 */
static int read_conf(
    const struct cli_call *c, FILE *errors, struct file *f, struct conf **ret)
{
	struct conf_error *e = NULL;
	size_t n = 0;
	int code = read_file(c, f);
	int err;

	*ret = NULL;
	if (code)
		return code;
	err = conf_parse(f->text ? f->text : "", f->n, ret, &e, &n);
	for (size_t i = 0; i < n; i++)
		write_error(c, errors, f, &e[i]);
	free(e);
	if (err == -EINVAL)
		return CLI_NO;
	if (err)
		return cli_fail(
		    c, CLI_FAILED, "%s: %s", f->name, strerror(-err));
	return CLI_DONE;
}

/* ---- check ------------------------------------------------------------- */

static int check(const struct cli_call *c)
{
	struct file f;
	struct conf *conf;
	int code = read_conf(c, stdout, &f, &conf);

	if (!code && !c->json) {
		printf("%s: good: %zu member%s, %zu session%s\n", f.name,
		    conf->n_member, conf->n_member == 1 ? "" : "s", conf->n_at,
		    conf->n_at == 1 ? "" : "s");
		if (!conf->policy.present)
			fprintf(stderr,
			    "%s: note: there is no policy, so nothing is "
			    "accepted or sent (RFC 8212)\n",
			    f.name);
		else if (!conf->rpki.n_cache &&
			 (conf->policy.rov != CONF_VALIDATE_OFF ||
			     conf->policy.aspa != CONF_VALIDATE_OFF))
			fprintf(stderr,
			    "%s: note: there is no rpki block, so the origins "
			    "and paths of routes are unchecked\n",
			    f.name);
	}
	conf_free(conf);
	free(f.text);
	return client_flush(c, code);
}

/* ---- changes ----------------------------------------------------------- */

struct changes {
	struct term term;
	size_t n;
	size_t resets;
};

static void write_change(void *arg, const char *line, size_t n)
{
	struct changes *ch = arg;
	json_t *o = json_loadb(line, n, 0, NULL);
	const char *kind = field_text(o, "change", "");
	const char *detail = field_text(o, "detail", NULL);
	enum term_colour colour = TERM_PLAIN;
	const char *mark = "~";

	if (!strcmp(kind, "added")) {
		mark = "+";
		colour = TERM_GOOD;
	} else if (!strcmp(kind, "removed")) {
		mark = "-";
		colour = TERM_BAD;
	}
	if (!kind[0]) { /* a fault that only the exchange found */
		if (o)
			fprintf(stderr, "%llu:%llu: %s\n",
			    (unsigned long long)field_u64(o, "line"),
			    (unsigned long long)field_u64(o, "col"),
			    field_text(o, "text", ""));
		json_decref(o);
		return;
	}
	ch->n++;
	term_set(stdout, &ch->term, colour);
	printf("%s %s%s", mark, field_text(o, "what", ""), detail ? ": " : "");
	if (detail)
		text_write(stdout, detail, strlen(detail), SIZE_MAX);
	term_end(stdout, &ch->term, colour);
	if (field_bool(o, "resets")) {
		ch->resets++;
		fputs(!strcmp(kind, "removed") ? " (closes its sessions)"
					       : " (resets)",
		    stdout);
	}
	putchar('\n');
	json_decref(o);
}

static void write_sum(const struct changes *ch)
{
	if (!ch->n) {
		puts("no changes");
		return;
	}
	printf("%zu change%s", ch->n, ch->n == 1 ? "" : "s");
	if (ch->resets)
		printf(", %zu of them close%s or reset%s sessions", ch->resets,
		    ch->resets == 1 ? "s" : "", ch->resets == 1 ? "s" : "");
	putchar('\n');
}

/*
 * Sends the file; *ch counts what comes back.  *ret_file: what was sent, the
 * caller's to free; NULL is allowed.
 */
static int propose(const struct cli_call *c, const char *verb,
    uint64_t confirm_s, struct changes *ch, json_t **ret_end,
    struct file *ret_file)
{
	struct client_ask a = {.socket = CLIENT_CONTROL,
	    .line = write_change,
	    .arg = ch,
	    .waiting = "waiting for the exchange"};
	struct conf *conf;
	struct file f;
	char *request = NULL;
	int code = read_conf(c, stderr, &f, &conf);

	*ret_end = NULL;
	conf_free(conf);
	if (!code) {
		request = request_text(
		    verb, f.text ? f.text : "", f.n, confirm_s, &a.n);
		a.request = request;
		if (!request)
			code = cli_fail(c, CLI_FAILED, "%s", strerror(ENOMEM));
		else if (c->json)
			code = client_pass(c, &a);
		else
			code = client_ask(c, &a, ret_end);
	}
	free(request);
	if (ret_file)
		*ret_file = f;
	else
		free(f.text);
	return code;
}

/* What FILE says against what runs, then against the routes. */
static int diff_conf(const struct cli_call *c)
{
	struct changes ch = {.term = term_of(stdout)};
	json_t *end = NULL;
	struct file f;
	int code = propose(c, "diff", 0, &ch, &end, &f);

	json_decref(end);
	if (!code && !c->json)
		write_sum(&ch);
	if (!code)
		code = diff_routes(c, "diff routes", f.text ? f.text : "", f.n);
	free(f.text);
	return code;
}

static int diff(const struct cli_call *c)
{
	const char *vrps = cli_text(c, "vrps", NULL);

	if ((cli_text(c, "config", NULL) != NULL) == (vrps != NULL))
		return cli_fail(
		    c, CLI_MISUSE, "expected either --config or --vrps");
	return client_flush(c, vrps ? diff_vrps(c, vrps) : diff_conf(c));
}

static int apply(const struct cli_call *c)
{
	struct changes ch = {.term = term_of(stdout)};
	uint64_t confirm_s = cli_number(c, "confirm", 0);
	char time[32];
	json_t *end;
	int code = propose(c, "apply", confirm_s, &ch, &end, NULL);

	if (!code && !c->json) {
		write_sum(&ch);
		printf("applied in %llu ms\n",
		    (unsigned long long)field_u64(end, "ms"));
		if (confirm_s)
			printf("it is undone in %s unless you run: spean "
			       "confirm\n",
			    seconds_format(confirm_s, time, sizeof time));
	}
	json_decref(end);
	return client_flush(c, code);
}

static int confirm(const struct cli_call *c)
{
	struct changes ch = {.term = term_of(stdout)};
	struct client_ask a = {.line = write_change, .arg = &ch};
	int code = client_simple(c, CLIENT_CONTROL, "confirm", &a, NULL);

	if (!code && !c->json)
		puts("confirmed");
	return client_flush(c, code);
}

static int undo(const struct cli_call *c)
{
	struct changes ch = {.term = term_of(stdout)};
	struct client_ask a = {.line = write_change, .arg = &ch};
	int code = client_simple(c, CLIENT_CONTROL, "undo", &a, NULL);

	if (!code && !c->json) {
		write_sum(&ch);
		puts("undone");
	}
	return client_flush(c, code);
}

const struct cli_verb cli_check = {
    .name = "check",
    .summary = "look for faults in a configuration",
    .doc = "Reads FILE and writes every fault as FILE:LINE:COL: what is "
	   "wrong; what is expected.  Needs no running exchange and changes "
	   "nothing.  The exit code is 1 when there is a fault.\n\n"
	   "With --json, one object a fault: file, line, col, text.",
    .options = file_options,
    .run = check,
};

const struct cli_verb cli_diff = {
    .name = "diff",
    .summary = "say what a configuration would change, and for whom",
    .doc = "Compares FILE with what the exchange runs on now, and changes "
	   "nothing.  Each line is an addition (+), a removal (-) or a change "
	   "(~) of the exchange, the policy or a member; secrets are never "
	   "shown.  What would reset sessions is marked.\n\n"
	   "Then it judges every route that is held by the other policy, and "
	   "says how many of each member's would be accepted, rejected or "
	   "moved, and for which reasons.  With --vrps instead, the policy "
	   "stays and the data of the RPKI is another.\n\n"
	   "With --json, one object a change: change (added, removed, "
	   "changed), what, detail, resets; then one object a member: "
	   "member_asn, member, accepted, rejected (as it is now), "
	   "would_accept, would_reject, moved_away, moved_here (prefixes whose "
	   "best path would be another member's, or its own), reasons (of "
	   "would_reject: how many of each), reasons_gone (of would_accept).",
    .options = diff_options,
    .run = diff,
};

const struct cli_verb cli_apply = {
    .name = "apply",
    .summary = "put a configuration into effect",
    .doc = "Checks FILE, says what it changes, and puts it into effect, all "
	   "of it or nothing.  Sessions of members that it does not concern "
	   "go on; a new policy is applied to the routes at hand without "
	   "resetting sessions.\n\n"
	   "With --confirm the change undoes itself after that time unless "
	   "spean confirm is run before: the way to change what one's own "
	   "connection depends on.",
    .options = apply_options,
    .run = apply,
};

const struct cli_verb cli_confirm = {
    .name = "confirm",
    .summary = "keep what was applied with --confirm",
    .run = confirm,
};

const struct cli_verb cli_undo = {
    .name = "undo",
    .summary = "go back to the configuration before the last change",
    .doc = "Undoes a change that waits for its confirmation; else goes back "
	   "to the configuration that was confirmed before this one.",
    .run = undo,
};

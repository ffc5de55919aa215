/* why: the trace of a prefix, import and export, in words. */
#include "cli/client.h"
#include "cli/internal.h"
#include "cli/request.h"
#include "cli/route_text.h"
#include "cli/term.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static const struct cli_option options[] = {
    {.name = "from",
	.arg = "ASN",
	.type = CLI_PARTY,
	.doc = "only what this member, or one session of it, announces"},
    {.name = "to",
	.arg = "ASN",
	.type = CLI_PARTY,
	.doc = "and what becomes of each route on its way to this member"},
    {.name = NULL},
};

#define DETAIL 16u /* columns before what a detail says */
#define LEFT 6u	   /* columns before a detail */
#define NAME 20	   /* of a check's name */

static void detail(const char *name)
{
	printf("   %-12s ", name);
}

/* A text that is made with stdio and then wrapped behind `left` columns. */
struct draft {
	FILE *to;
	char *text;
	size_t n;
};

static bool draft_start(struct draft *d)
{
	*d = (struct draft){0};
	d->to = open_memstream(&d->text, &d->n);
	return d->to != NULL;
}

static void draft_end(struct draft *d, unsigned left, const struct term *term)
{
	fclose(d->to);
	text_wrap_behind(stdout, d->text, left, term->width);
	free(d->text);
}

static void write_hops(const json_t *o, const struct term *term)
{
	const json_t *med = json_object_get(o, "med");
	const json_t *path = json_object_get(o, "as_path");
	struct draft d;

	if (!draft_start(&d))
		return;
	detail("path");
	route_path(d.to, path);
	fprintf(d.to, "%sorigin %s", json_array_size(path) ? ", " : "empty, ",
	    field_text(o, "origin", "?"));
	if (json_is_integer(med))
		fprintf(d.to, ", med %" PRIu64, field_u64(o, "med"));
	if (json_object_get(o, "otc"))
		fprintf(d.to, ", only to customers of AS%" PRIu64,
		    field_u64(o, "otc"));
	draft_end(&d, DETAIL, term);
}

static void write_attributes(const json_t *o, const struct term *term)
{
	static const struct {
		const char *key;
		const char *name;
	} lists[] = {
	    {"communities", "communities"},
	    {"ext_communities", "extended"},
	    {"large_communities", "large"},
	};

	detail("next hop");
	printf("%s", field_text(o, "next_hop", "none"));
	if (field_text(o, "next_hop_local", NULL))
		printf(" %s", field_text(o, "next_hop_local", ""));
	putchar('\n');
	write_hops(o, term);
	for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
		const json_t *list = json_object_get(o, lists[i].key);
		struct draft d;

		if (!json_array_size(list) || !draft_start(&d))
			continue;
		detail(lists[i].name);
		route_list(d.to, list);
		draft_end(&d, DETAIL, term);
	}
	if (field_bool(o, "truncated"))
		puts("   (cut: there is more of it)");
}

static void write_checks(const json_t *checks, const struct term *term)
{
	size_t i;
	json_t *c;

	puts("   checks");
	json_array_foreach(checks, i, c)
	{
		const char *outcome = field_text(c, "outcome", "");
		const char *evidence = field_text(c, "evidence", "");
		bool fails = !strcmp(outcome, "fail");
		bool skipped = !strcmp(outcome, "skipped");
		enum term_colour colour = fails	    ? TERM_BAD
					  : skipped ? TERM_DIM
						    : TERM_GOOD;

		term_set(stdout, term, colour);
		printf("%*s%-5s", (int)LEFT, "",
		    fails     ? "FAIL"
		    : skipped ? "-"
			      : "ok");
		term_end(stdout, term, colour);
		printf("%-*s  ", NAME, field_text(c, "check", "?"));
		text_wrap_behind(
		    stdout, evidence, LEFT + 5 + NAME + 2, term->width);
	}
}

static void write_control(const json_t *control)
{
	size_t i;
	json_t *c;

	if (!json_array_size(control))
		return;
	puts("   control communities");
	json_array_foreach(control, i, c)
	{
		printf("%*s%-20s %s\n", (int)LEFT, "",
		    field_text(c, "community", "?"),
		    field_text(c, "effect", ""));
	}
}

static void write_lost(FILE *to, const json_t *lost)
{
	route_party(to, lost, "from_asn", "from");
	fprintf(to, " won: %s", field_text(lost, "text", ""));
}

static void write_path(const json_t *o, const struct term *term)
{
	const char *state = field_text(o, "state", "");
	const char *reason = field_text(o, "reason", NULL);
	const json_t *rank = json_object_get(o, "rank");
	bool refused = !strcmp(state, "rejected");
	enum term_colour colour = refused ? TERM_BAD : TERM_GOOD;

	putchar('\n');
	if (json_is_integer(rank))
		printf("%-2" PRIu64 " ", field_u64(o, "rank"));
	else
		printf("-  ");
	route_party(stdout, o, "from_asn", "from");
	fputs(": ", stdout);
	term_set(stdout, term, colour);
	fputs(state, stdout);
	term_end(stdout, term, colour);
	if (field_bool(o, "stale"))
		fputs(", stale", stdout);
	putchar('\n');
	if (reason) {
		char text[256];

		snprintf(text, sizeof text, "%s: %s", reason,
		    field_text(o, "reason_text", ""));
		detail("reason");
		text_wrap_behind(stdout, text, 16, term->width);
	}
	if (json_is_object(json_object_get(o, "lost_to"))) {
		struct draft d;

		if (draft_start(&d)) {
			detail("not best");
			write_lost(d.to, json_object_get(o, "lost_to"));
			draft_end(&d, DETAIL, term);
		}
	}
	write_attributes(o, term);
	write_control(json_object_get(o, "control"));
	write_checks(json_object_get(o, "checks"), term);
}

/* ---- export ------------------------------------------------------------ */

static void write_export_path(const json_t *o, const struct term *term)
{
	const char *outcome = field_text(o, "outcome", "");
	bool sent = !strcmp(outcome, "sent");
	uint64_t prepended = field_u64(o, "prepended");
	struct draft d;

	fputs("   ", stdout);
	route_party(stdout, o, "from_asn", "from");
	fputs(": ", stdout);
	term_set(stdout, term, sent ? TERM_GOOD : TERM_BAD);
	fputs(sent ? "sent" : "not sent", stdout);
	term_end(stdout, term, sent ? TERM_GOOD : TERM_BAD);
	if (sent) {
		if (prepended)
			printf(", its ASN prepended %" PRIu64 " time%s",
			    prepended, prepended == 1 ? "" : "s");
	}
	putchar('\n');
	if (sent || !draft_start(&d))
		return;
	printf("%*s", (int)LEFT, "");
	if (!strcmp(outcome, "outranked"))
		write_lost(d.to, json_object_get(o, "lost_to"));
	else
		fputs(field_text(o, "text", outcome), d.to);
	if (field_text(o, "evidence", NULL))
		fprintf(d.to, " (%s)", field_text(o, "evidence", ""));
	draft_end(&d, LEFT, term);
}

static void write_export(const json_t *o, const struct term *term)
{
	size_t i;
	json_t *p;

	fputs("\nto ", stdout);
	route_party(stdout, o, "to_asn", "to");
	fputs(field_bool(o, "up") ? "" : ": its session is down", stdout);
	fputs(field_bool(o, "add_path") ? ": it takes all paths" : "", stdout);
	fputs(field_bool(o, "lagging") ? ": it reads slowly and lags" : "",
	    stdout);
	putchar('\n');
	json_array_foreach(json_object_get(o, "paths"), i, p)
	    write_export_path(p, term);
}

/* ---- the whole --------------------------------------------------------- */

static void write_head(const json_t *o)
{
	size_t n = (size_t)field_u64(o, "paths_held");
	const json_t *covering = json_object_get(o, "covering");

	printf("%s: ", field_text(o, "prefix", "?"));
	if (field_bool(o, "found"))
		printf("%zu route%s\n", n, n == 1 ? "" : "s");
	else
		puts("nobody announces it");
	if (json_array_size(covering)) {
		fputs("   inside      ", stdout);
		route_list(stdout, covering);
		putchar('\n');
	}
}

static void write_announcers(const json_t *list)
{
	size_t i;
	json_t *o;

	json_array_foreach(list, i, o)
	{
		const char *fault = field_text(o, "last_fault", NULL);

		if (field_bool(o, "up") && !fault)
			continue;
		fputs("   note        ", stdout);
		route_party(stdout, o, "from_asn", "from");
		if (!field_bool(o, "up"))
			fputs(": its session is down", stdout);
		if (fault)
			printf(": last fault in an UPDATE: %s", fault);
		putchar('\n');
	}
}

static void trace(void *arg, const char *line, size_t n)
{
	const struct term *term = arg;
	json_t *o = json_loadb(line, n, 0, NULL);
	size_t i;
	json_t *p;

	if (!o)
		return;
	write_head(o);
	write_announcers(json_object_get(o, "announcers"));
	json_array_foreach(json_object_get(o, "paths"), i, p)
	    write_path(p, term);
	if (field_bool(o, "found") && !i)
		puts("   none of them is from the one asked for");
	json_array_foreach(json_object_get(o, "exports"), i, p)
	    write_export(p, term);
	if (json_is_false(json_object_get(o, "to_known")))
		puts("\nno session with that member has been up: it is sent "
		     "nothing");
	json_decref(o);
}

static int why(const struct cli_call *c)
{
	struct term term = term_of(stdout);
	struct prefix prefix;
	char request[512];

	if (!cli_prefix_parse(c->operand[0], &prefix))
		return cli_fail(c, CLI_MISUSE,
		    "%s: expected a prefix as 192.0.2.0/24, without bits set "
		    "beyond its length; see spean why --help",
		    c->operand[0]);
	struct client_ask a = {.request = request,
	    .n = request_routes(c, "why", &prefix, request, sizeof request),
	    .line = trace,
	    .arg = &term,
	    .waiting = "reading the trace"};
	if (c->json)
		return client_pass(c, &a);
	return client_flush(c, client_ask(c, &a, NULL));
}

const struct cli_verb cli_why = {
    .name = "why",
    .summary = "tell why a route is accepted, best, sent, or not",
    .doc = "Every route for PREFIX with every check, its outcome and what it "
	   "was found on, the control communities in words, and which other "
	   "route won on which rule.  With --to, also what became of each of "
	   "them on its way to that member.\n\n"
	   "The exit code is 1 when there is no such route.",
    .operands = "PREFIX",
    .min_operands = 1,
    .max_operands = 1,
    .options = options,
    .run = why,
};

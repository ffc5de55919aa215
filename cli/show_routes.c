/*
 * show routes: may be a million lines, so each is written as it comes, in
 * columns whose widths are fixed beforehand.  A cell that does not fit its
 * column moves the next ones; the line as a whole is cut to the terminal.
 */
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
	.doc = "only routes from this member, or from one session of it by "
	       "its address"},
    {.name = "to",
	.arg = "ASN",
	.type = CLI_PARTY,
	.doc = "what this member, or one session of it, is sent"},
    {.name = "prefix",
	.arg = "PREFIX",
	.type = CLI_PREFIX,
	.doc = "only routes for this prefix"},
    {.name = "longer", .doc = "and for its more-specifics"},
    {.name = "rejected", .doc = "only routes that were refused"},
    {.name = NULL},
};

enum {
	STATE = 8,
	PREFIX = 18,
	FROM = 10,
	HOP = 15,
	GAP = 2
};

struct routes {
	struct term term;
	char *line;
	size_t n;
	FILE *to; /* the line that is being made */
	uint64_t rows;
};

static void cell(struct routes *r, unsigned width, const char *text)
{
	size_t columns = text_columns(text, strlen(text));

	fprintf(r->to, "%s%*s", text,
	    (int)(GAP + (columns < width ? width - columns : 0)), "");
}

static void title(struct routes *r)
{
	term_set(stdout, &r->term, TERM_BOLD);
	printf("%-*s%-*s%-*s%-*s%s\n", STATE + GAP, "STATE", PREFIX + GAP,
	    "PREFIX", FROM + GAP, "FROM", HOP + GAP, "NEXT HOP", "PATH");
	term_end(stdout, &r->term, TERM_BOLD);
}

/* The state stands first, so that colours need no look into the line. */
static void write_line(struct routes *r, const char *state)
{
	enum term_colour colour = TERM_PLAIN;

	if (!strcmp(state, "best"))
		colour = TERM_GOOD;
	else if (!strcmp(state, "rejected"))
		colour = TERM_BAD;
	term_set(stdout, &r->term, colour);
	text_write(stdout, r->line, r->n, r->term.width);
	term_end(stdout, &r->term, colour);
	putchar('\n');
}

static void row(void *arg, const char *line, size_t n)
{
	struct routes *r = arg;
	json_t *o = json_loadb(line, n, 0, NULL);
	const char *state = field_text(o, "state", "");
	const char *reason = field_text(o, "reason", NULL);
	char from[16];

	if (!o)
		return;
	if (!r->rows++)
		title(r);
	rewind(r->to);
	snprintf(from, sizeof from, "AS%" PRIu64, field_u64(o, "from_asn"));
	cell(r, STATE, state);
	cell(r, PREFIX, field_text(o, "prefix", ""));
	cell(r, FROM, from);
	cell(r, HOP, field_text(o, "next_hop", "-"));
	if (reason)
		fprintf(r->to, "[%s] ", reason);
	route_path(r->to, json_object_get(o, "as_path"));
	if (field_bool(o, "stale"))
		fputs(" (stale)", r->to);
	fflush(r->to);
	r->n = (size_t)ftell(r->to);
	write_line(r, state);
	json_decref(o);
}

static int show_routes(const struct cli_call *c)
{
	struct routes r = {.term = term_of(stdout)};
	const struct cli_value *prefix = cli_get(c, "prefix");
	char request[512];
	int code;

	if (cli_flag(c, "longer") && !prefix->given)
		return cli_fail(c, CLI_MISUSE, "--longer needs --prefix");
	struct client_ask a = {.request = request,
	    .n = request_routes(c, "show routes",
		prefix->given ? &prefix->prefix : NULL, request,
		sizeof request),
	    .line = row,
	    .arg = &r,
	    .waiting = "reading routes"};
	if (c->json)
		return client_pass(c, &a);
	r.to = open_memstream(&r.line, &r.n);
	if (!r.to)
		return cli_fail(c, CLI_FAILED, "out of memory");
	code = client_ask(c, &a, NULL);
	fclose(r.to);
	free(r.line);
	if (!code && !r.rows)
		puts("no routes");
	return client_flush(c, code);
}

const struct cli_verb cli_show_routes = {
    .name = "show routes",
    .summary = "show routes as received, or as a member is sent them",
    .doc = "The state of a route is best (ranked first, before what is "
	   "particular to each client), accepted or rejected, with its "
	   "reason before the path; spean why tells more.  Routes are "
	   "written as they are read: each is consistent, the list as a "
	   "whole is of no one moment.\n\n"
	   "With --json, one object a route: prefix, from_asn, next_hop, "
	   "as_path, origin, med, communities, large_communities, "
	   "ext_communities, rpki, aspa, state, reason.",
    .options = options,
    .run = show_routes,
};

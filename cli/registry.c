/* show registry: the sets that members' routes are checked against. */
#include "cli/client.h"
#include "cli/internal.h"
#include "cli/table.h"
#include "conf/words.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

static void add_row(void *arg, const char *line, size_t n)
{
	struct table *t = arg;
	json_t *o = json_loadb(line, n, 0, NULL);
	char age[32];

	if (!o)
		return;
	const char *state = field_text(o, "state", "");
	const char *error = field_text(o, "error", NULL);
	bool good = !strcmp(state, "good");
	bool known = strcmp(state, "pending") != 0;
	table_cell(t, TERM_PLAIN, "%s", field_text(o, "object", ""));
	table_cell(t, good ? TERM_GOOD : TERM_BAD, "%s", state);
	table_cell(t, TERM_PLAIN, "%s",
	    known ? seconds_format(field_u64(o, "age_s"), age, sizeof age)
		  : "-");
	table_cell(t, TERM_PLAIN, "%" PRIu64, field_u64(o, "ipv4_prefixes"));
	table_cell(t, TERM_PLAIN, "%" PRIu64, field_u64(o, "ipv6_prefixes"));
	table_cell(t, TERM_PLAIN, "%" PRIu64, field_u64(o, "origins"));
	table_cell(t, TERM_PLAIN, "%s", field_text(o, "source", "-"));
	table_cell(t, error ? TERM_BAD : TERM_PLAIN, "%s", error ? error : "");
	json_decref(o);
}

static int show_registry(const struct cli_call *c)
{
	static const char *const titles[] = {"OBJECT", "STATE", "AGE", "IPV4",
	    "IPV6", "ORIGINS", "SOURCE", "NOTE"};
	static const unsigned flags[] = {TABLE_KEEP, TABLE_KEEP,
	    TABLE_RIGHT | TABLE_KEEP, TABLE_RIGHT | TABLE_KEEP,
	    TABLE_RIGHT | TABLE_KEEP, TABLE_RIGHT | TABLE_KEEP, 0, 0};
	struct table *t = table_new(8);
	struct client_ask a = {.line = add_row, .arg = t};
	struct term term = term_of(stdout);
	int code;

	if (!t)
		return cli_fail(c, CLI_FAILED, "%s", strerror(ENOMEM));
	for (size_t i = 0; i < 8; i++)
		table_title(t, i, titles[i], flags[i]);
	code = client_simple(c, CLIENT_READ, "show registry", &a, NULL);
	if (!code && !c->json && !table_write(t, stdout, &term))
		code = cli_fail(c, CLI_FAILED, "%s", strerror(ENOMEM));
	table_free(t);
	return client_flush(c, code);
}

const struct cli_verb cli_show_registry = {
    .name = "show registry",
    .summary = "show what the routing registries say of members",
    .doc = "One line an object: an AS-SET, or the AS number of a member "
	   "without one.  STATE is good, kept (the last good set counts, since "
	   "the registry's later answers were none; NOTE says why) or pending "
	   "(nothing is known yet, and routes are refused for it).",
    .run = show_registry,
};

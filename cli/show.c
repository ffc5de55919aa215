/* show status, members, sessions: answers that are small enough to keep. */
#include "cli/client.h"
#include "cli/internal.h"
#include "cli/table.h"
#include "conf/words.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* "3d4h", "5m", "7s": the two largest units. */
static const char *age(uint64_t s, char buf[32])
{
	if (s >= 86400)
		s -= s % 3600;
	else if (s >= 3600)
		s -= s % 60;
	return seconds_format(s, buf, 32);
}

static uint64_t sum_families(const json_t *o, const char *key)
{
	const json_t *families = json_object_get(o, "families");

	return field_u64(json_object_get(families, "ipv4"), key) +
	       field_u64(json_object_get(families, "ipv6"), key);
}

/* Rows of one answer. */
struct rows {
	struct table *table;
	void (*row)(struct table *t, const json_t *o);
};

static void add_row(void *arg, const char *line, size_t n)
{
	struct rows *r = arg;
	json_t *o = json_loadb(line, n, 0, NULL);

	if (o)
		r->row(r->table, o);
	json_decref(o);
}

static int show_table(
    const struct cli_call *c, const char *verb, struct rows *r)
{
	struct client_ask a = {.line = add_row, .arg = r};
	struct term term = term_of(stdout);
	int code;

	if (!r->table)
		return cli_fail(c, CLI_FAILED, "%s", strerror(ENOMEM));
	code = client_simple(c, CLIENT_READ, verb, &a, NULL);
	if (!code && !c->json && !table_write(r->table, stdout, &term))
		code = cli_fail(c, CLI_FAILED, "%s", strerror(ENOMEM));
	table_free(r->table);
	return client_flush(c, code);
}

/* ---- members ----------------------------------------------------------- */

static void member_row(struct table *t, const json_t *o)
{
	uint64_t up = field_u64(o, "established");
	uint64_t all = field_u64(o, "sessions");
	bool shut = field_bool(o, "shutdown");
	const json_t *most = json_object_get(o, "max_prefix");
	uint64_t rejected = sum_families(o, "rejected");

	table_cell(t, TERM_PLAIN, "%" PRIu64, field_u64(o, "asn"));
	table_cell(t, TERM_PLAIN, "%s", field_text(o, "name", ""));
	table_cell(t, TERM_PLAIN, "%s", field_text(o, "as_set", "-"));
	table_cell(t,
	    shut	? TERM_DIM
	    : up == all ? TERM_GOOD
			: TERM_BAD,
	    "%" PRIu64 "/%" PRIu64 "%s", up, all, shut ? " shut" : "");
	table_cell(t, TERM_PLAIN, "%" PRIu64, sum_families(o, "accepted"));
	table_cell(t, rejected ? TERM_BAD : TERM_PLAIN, "%" PRIu64, rejected);
	table_cell(t, TERM_PLAIN, "%" PRIu64, sum_families(o, "advertised"));
	table_cell(t, TERM_PLAIN, "%" PRIu64 "/%" PRIu64,
	    field_u64(most, "ipv4"), field_u64(most, "ipv6"));
}

static int show_members(const struct cli_call *c)
{
	static const struct {
		const char *title;
		unsigned flags;
	} columns[] = {
	    {"ASN", TABLE_RIGHT | TABLE_KEEP},
	    {"NAME", 0},
	    {"AS-SET", 0},
	    {"UP", TABLE_KEEP},
	    {"IN", TABLE_RIGHT | TABLE_KEEP},
	    {"REFUSED", TABLE_RIGHT | TABLE_KEEP},
	    {"OUT", TABLE_RIGHT | TABLE_KEEP},
	    {"MAX-PREFIX", TABLE_KEEP},
	};
	size_t n = sizeof columns / sizeof *columns;
	struct rows r = {.table = table_new(n), .row = member_row};

	for (size_t i = 0; r.table && i < n; i++)
		table_title(r.table, i, columns[i].title, columns[i].flags);
	return show_table(c, "show members", &r);
}

/* ---- sessions ---------------------------------------------------------- */

static void session_row(struct table *t, const json_t *o)
{
	const char *state = field_text(o, "state", "");
	bool up = !strcmp(state, "established");
	const char *note = field_text(o, "idle_reason", NULL);
	uint64_t rejected = sum_families(o, "rejected");
	char buf[32];

	if (!note && !up)
		note = field_text(o, "last_error", NULL);
	table_cell(t, TERM_PLAIN, "%" PRIu64, field_u64(o, "member_asn"));
	table_cell(t, TERM_PLAIN, "%s", field_text(o, "member", ""));
	table_cell(t, TERM_PLAIN, "%s", field_text(o, "address", ""));
	if (up)
		table_cell(
		    t, TERM_GOOD, "up %s", age(field_u64(o, "uptime_s"), buf));
	else
		table_cell(t, strcmp(state, "idle") ? TERM_PLAIN : TERM_BAD,
		    "%s", state);
	table_cell(t, TERM_PLAIN, "%" PRIu64, sum_families(o, "accepted"));
	table_cell(t, rejected ? TERM_BAD : TERM_PLAIN, "%" PRIu64, rejected);
	table_cell(t, TERM_PLAIN, "%" PRIu64, sum_families(o, "advertised"));
	table_cell(t, TERM_PLAIN, "%s", note ? note : "");
}

static int show_sessions(const struct cli_call *c)
{
	static const struct {
		const char *title;
		unsigned flags;
	} columns[] = {
	    {"ASN", TABLE_RIGHT | TABLE_KEEP},
	    {"MEMBER", 0},
	    {"ADDRESS", TABLE_KEEP},
	    {"STATE", TABLE_KEEP},
	    {"IN", TABLE_RIGHT | TABLE_KEEP},
	    {"REFUSED", TABLE_RIGHT | TABLE_KEEP},
	    {"OUT", TABLE_RIGHT | TABLE_KEEP},
	    {"NOTE", 0},
	};
	size_t n = sizeof columns / sizeof *columns;
	struct rows r = {.table = table_new(n), .row = session_row};

	for (size_t i = 0; r.table && i < n; i++)
		table_title(r.table, i, columns[i].title, columns[i].flags);
	return show_table(c, "show sessions", &r);
}

/* ---- rpki --------------------------------------------------------------- */

static void rpki_row(struct table *t, const json_t *o)
{
	const char *cache = field_text(o, "cache", NULL);
	const char *state = field_text(o, "state", "");
	bool good = !strcmp(state, "synchronised") || !strcmp(state, "data");
	const char *error = field_text(
	    o, "error", cache || good ? NULL : "routes are unchecked");
	bool has = json_is_integer(json_object_get(o, "expires_in_s"));
	char buf[32];

	table_cell(t, TERM_PLAIN, "%s", cache ? cache : "what counts");
	table_cell(t, good ? TERM_GOOD : TERM_BAD, "%s%s", state,
	    json_is_true(json_object_get(o, "counts")) ? ", counts" : "");
	if (json_is_integer(json_object_get(o, "serial")))
		table_cell(t, TERM_PLAIN, "v%" PRIu64 " %" PRIu64 ":%" PRIu64,
		    field_u64(o, "version"), field_u64(o, "session"),
		    field_u64(o, "serial"));
	else
		table_cell(t, TERM_PLAIN, "%s", "");
	table_cell(t, TERM_PLAIN, "%" PRIu64, field_u64(o, "vrps_ipv4"));
	table_cell(t, TERM_PLAIN, "%" PRIu64, field_u64(o, "vrps_ipv6"));
	table_cell(t, TERM_PLAIN, "%" PRIu64, field_u64(o, "aspas"));
	table_cell(
	    t, TERM_PLAIN, "%s", has ? age(field_u64(o, "age_s"), buf) : "");
	table_cell(t, TERM_PLAIN, "%s",
	    has ? age(field_u64(o, "expires_in_s"), buf) : "");
	table_cell(t, error ? TERM_BAD : TERM_PLAIN, "%s", error ? error : "");
}

static int show_rpki(const struct cli_call *c)
{
	static const struct {
		const char *title;
		unsigned flags;
	} columns[] = {
	    {"CACHE", TABLE_KEEP},
	    {"STATE", TABLE_KEEP},
	    {"SERIAL", TABLE_KEEP},
	    {"IPV4", TABLE_RIGHT | TABLE_KEEP},
	    {"IPV6", TABLE_RIGHT | TABLE_KEEP},
	    {"ASPA", TABLE_RIGHT | TABLE_KEEP},
	    {"AGE", TABLE_RIGHT},
	    {"EXPIRES", TABLE_RIGHT},
	    {"NOTE", 0},
	};
	size_t n = sizeof columns / sizeof *columns;
	struct rows r = {.table = table_new(n), .row = rpki_row};

	for (size_t i = 0; r.table && i < n; i++)
		table_title(r.table, i, columns[i].title, columns[i].flags);
	return show_table(c, "show rpki", &r);
}

/* ---- status ------------------------------------------------------------ */

static void write_roles(const json_t *roles, const struct term *term)
{
	struct table *t = table_new(6);
	static const char *const titles[] = {
	    "ROLE", "PID", "STATE", "UP", "RESTARTS", "LAST END"};
	size_t i;
	json_t *o;

	for (i = 0; t && i < 6; i++)
		table_title(t, i, titles[i],
		    i == 1 || i == 4 ? TABLE_RIGHT | TABLE_KEEP : TABLE_KEEP);
	if (t)
		table_title(t, 5, titles[5], 0);
	json_array_foreach(roles, i, o)
	{
		const char *state = field_text(o, "state", "");
		const char *end = field_text(o, "last_death", NULL);
		bool runs = !strcmp(state, "running");
		char buf[32];

		if (!t)
			break;
		table_cell(t, TERM_PLAIN, "%s", field_text(o, "role", ""));
		table_cell(t, TERM_PLAIN, "%" PRIu64, field_u64(o, "pid"));
		table_cell(t, runs ? TERM_GOOD : TERM_BAD, "%s", state);
		table_cell(
		    t, TERM_PLAIN, "%s", age(field_u64(o, "uptime_s"), buf));
		table_cell(t, TERM_PLAIN, "%" PRIu64, field_u64(o, "restarts"));
		table_cell(t, TERM_PLAIN, "%s%s%s", end ? end : "-",
		    end ? " at " : "",
		    end ? field_text(o, "last_death_at", "") : "");
	}
	if (t)
		table_write(t, stdout, term);
	table_free(t);
}

static void write_config(const json_t *config)
{
	const json_t *within = json_object_get(config, "confirm_within_s");
	const json_t *differs = json_object_get(config, "differs");
	char buf[32];
	size_t i;
	json_t *what;

	printf("configuration  %s, %" PRIu64 " members",
	    field_text(config, "path", "?"), field_u64(config, "members"));
	if (json_is_integer(within))
		printf(", undone in %s unless confirmed",
		    seconds_format(field_u64(config, "confirm_within_s"), buf,
			sizeof buf));
	else if (!field_bool(config, "confirmed"))
		fputs(", not confirmed", stdout);
	if (field_bool(config, "changing"))
		fputs(", a change is under way", stdout);
	putchar('\n');
	json_array_foreach(differs, i, what)
	    printf("               differs from the confirmed one: %s\n",
		json_string_value(what) ? json_string_value(what) : "?");
}

/* "sessions 4, established 3": whatever plain figures a role gives. */
static void write_figures(const char *name, json_t *o, const struct term *term)
{
	char *text = NULL;
	size_t n = 0;
	FILE *f = open_memstream(&text, &n);
	const char *key;
	json_t *v;

	if (!f)
		return;
	if (!json_is_object(o))
		fputs("not running", f);
	json_object_foreach(o, key, v)
	{
		if (!strcmp(key, "uptime_s")) /* the roles' table has it */
			continue;
		if (json_is_integer(v))
			fprintf(f, "%s%s %lld", ftell(f) ? ", " : "", key,
			    (long long)json_integer_value(v));
		else if (json_is_boolean(v))
			fprintf(f, "%s%s %s", ftell(f) ? ", " : "", key,
			    json_is_true(v) ? "yes" : "no");
	}
	fclose(f);
	for (char *c = text; *c; c++)
		if (*c == '_')
			*c = ' ';
	printf("%-15s", name);
	text_wrap_behind(stdout, text, 15, term->width);
	free(text);
}

static void status_line(void *arg, const char *line, size_t n)
{
	const struct term *term = arg;
	json_t *o = json_loadb(line, n, 0, NULL);
	char buf[32];
	size_t i;
	json_t *held;

	if (!o)
		return;
	printf("%-15s%s, AS%" PRIu64 "\n", "exchange",
	    field_text(o, "exchange", "(without a name)"), field_u64(o, "asn"));
	printf("%-15s%s, up %s\n", "spean", field_text(o, "version", "?"),
	    age(field_u64(o, "uptime_s"), buf));
	write_config(json_object_get(o, "config"));
	write_figures("session", json_object_get(o, "session"), term);
	write_figures("engine", json_object_get(o, "engine"), term);
	json_array_foreach(json_object_get(o, "held_down"), i, held)
	{
		printf("%-15s%s for %s more\n", "held down",
		    field_text(held, "address", "?"),
		    age(field_u64(held, "seconds"), buf));
	}
	putchar('\n');
	write_roles(json_object_get(o, "roles"), term);
	json_decref(o);
}

static int show_status(const struct cli_call *c)
{
	struct term term = term_of(stdout);
	struct client_ask a = {.line = status_line, .arg = &term};

	return client_flush(
	    c, client_simple(c, CLIENT_READ, "show status", &a, NULL));
}

const struct cli_verb cli_show_status = {
    .name = "show status",
    .summary = "show the exchange, its configuration and its roles",
    .doc = "One object with --json.",
    .run = show_status,
};

const struct cli_verb cli_show_members = {
    .name = "show members",
    .summary = "show the members and what their sessions sum up to",
    .doc = "UP is how many of a member's sessions are established.  IN counts "
	   "the routes accepted from it, REFUSED the others, and OUT those "
	   "that it has been sent.",
    .run = show_members,
};

const struct cli_verb cli_show_rpki = {
    .name = "show rpki",
    .summary = "show the RPKI caches and what counts of their data",
    .doc = "The last line is what routes are validated against: the data of "
	   "the caches that say \"counts\".  SERIAL is protocol version, "
	   "session and serial number; IPV4 and IPV6 are validated ROA "
	   "payloads, AGE is since the last good answer, and EXPIRES when the "
	   "data stops to count unless there is another.",
    .run = show_rpki,
};

const struct cli_verb cli_show_sessions = {
    .name = "show sessions",
    .summary = "show the sessions and their routes",
    .doc = "NOTE says why a session that is not established is not: the "
	   "reason that holds it down, or the last error.  IN counts accepted "
	   "routes, OUT those sent.  --json shows "
	   "more: counts by family, what was negotiated, messages and bytes.",
    .run = show_sessions,
};

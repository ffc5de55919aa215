/* show monitoring, dump: BMP stations and MRT files. */
#include "cli/client.h"
#include "cli/internal.h"
#include "cli/table.h"
#include "conf/words.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

static void size_cell(struct table *t, uint64_t bytes)
{
	if (bytes < 10000)
		table_cell(t, TERM_PLAIN, "%" PRIu64 " B", bytes);
	else if (bytes < 10000000)
		table_cell(t, TERM_PLAIN, "%" PRIu64 " kB", bytes / 1000);
	else
		table_cell(t, TERM_PLAIN, "%" PRIu64 " MB", bytes / 1000000);
}

/* "pre post loc-rib out": what the station is sent. */
static void feeds_format(const json_t *o, char *ret, size_t size)
{
	static const char *const feeds[][2] = {{"pre", "pre"}, {"post", "post"},
	    {"loc_rib", "loc-rib"}, {"out", "out"}};
	size_t at = 0;

	ret[0] = 0;
	for (size_t i = 0; i < 4; i++)
		if (json_is_true(json_object_get(o, feeds[i][0])))
			at += (size_t)snprintf(ret + at, size - at, "%s%s",
			    at ? " " : "", feeds[i][1]);
}

static void bmp_row(struct table *t, const json_t *o)
{
	const char *state = field_text(o, "state", "");
	const char *address = field_text(o, "station", "?");
	bool v6 = strchr(address, ':') != NULL;
	bool up = !strcmp(state, "connected");
	const char *error = field_text(o, "error", NULL);
	uint64_t waiting = field_u64(o, "prefixes_waiting");
	char buf[32], feeds[32];

	feeds_format(o, feeds, sizeof feeds);
	table_cell(t, TERM_PLAIN, "bmp");
	table_cell(t, TERM_PLAIN, v6 ? "[%s]:%" PRIu64 : "%s:%" PRIu64, address,
	    field_u64(o, "port"));
	table_cell(t, up ? TERM_GOOD : TERM_BAD, "%s %s", state,
	    seconds_format(field_u64(o, "seconds"), buf, sizeof buf));
	table_cell(t, TERM_PLAIN, "%" PRIu64, field_u64(o, "routes"));
	size_cell(t, field_u64(o, "bytes"));
	if (up && waiting)
		table_cell(t, TERM_PLAIN, "%s; %" PRIu64 " prefixes wait",
		    feeds, waiting);
	else
		table_cell(t, TERM_PLAIN, "%s%s%s", feeds,
		    up || !error ? "" : "; ", up || !error ? "" : error);
}

static void file_row(struct table *t, const json_t *o)
{
	const char *error = field_text(o, "error", NULL);
	const char *next = field_text(o, "next", NULL);

	table_cell(t, TERM_PLAIN, "%s", field_text(o, "kind", ""));
	table_cell(t, TERM_PLAIN, "%s/%s", field_text(o, "directory", ""),
	    field_text(o, "file", ""));
	table_cell(
	    t, error ? TERM_BAD : TERM_GOOD, "%s", field_text(o, "state", ""));
	table_cell(t, TERM_PLAIN, "%" PRIu64, field_u64(o, "routes"));
	size_cell(t, field_u64(o, "bytes"));
	if (error)
		table_cell(t, TERM_BAD, "%s", error);
	else
		table_cell(t, TERM_PLAIN, "%s%s", next ? "next at " : "",
		    next ? next : "");
}

static void add_row(void *arg, const char *line, size_t n)
{
	struct table *t = arg;
	json_t *o = json_loadb(line, n, 0, NULL);

	if (o && !strcmp(field_text(o, "kind", ""), "bmp"))
		bmp_row(t, o);
	else if (o)
		file_row(t, o);
	json_decref(o);
}

static int show_monitoring(const struct cli_call *c)
{
	static const char *const titles[] = {
	    "KIND", "WHERE", "STATE", "ROUTES", "SIZE", "NOTE"};
	static const unsigned flags[] = {TABLE_KEEP, TABLE_KEEP, TABLE_KEEP,
	    TABLE_RIGHT | TABLE_KEEP, TABLE_RIGHT | TABLE_KEEP, 0};
	struct table *t = table_new(6);
	struct client_ask a = {.line = add_row, .arg = t};
	struct term term = term_of(stdout);
	int code;

	if (!t)
		return cli_fail(c, CLI_FAILED, "%s", strerror(ENOMEM));
	for (size_t i = 0; i < 6; i++)
		table_title(t, i, titles[i], flags[i]);
	code = client_simple(c, CLIENT_READ, "show monitoring", &a, NULL);
	if (!code && !c->json && !table_write(t, stdout, &term))
		code = cli_fail(c, CLI_FAILED, "%s", strerror(ENOMEM));
	table_free(t);
	return client_flush(c, code);
}

static void dump_line(void *arg, const char *line, size_t n)
{
	json_t *o = json_loadb(line, n, 0, NULL);

	(void)arg;
	if (o)
		printf("%s/%s: %" PRIu64 " routes of %" PRIu64
		       " prefixes, %" PRIu64 " bytes, in %" PRIu64 " ms\n",
		    field_text(o, "directory", ""), field_text(o, "file", "?"),
		    field_u64(o, "routes"), field_u64(o, "prefixes"),
		    field_u64(o, "bytes"), field_u64(o, "ms"));
	json_decref(o);
}

static int dump(const struct cli_call *c)
{
	struct client_ask a = {
	    .line = dump_line, .waiting = "writing the table"};

	return client_flush(
	    c, client_simple(c, CLIENT_CONTROL, "dump", &a, NULL));
}

const struct cli_verb cli_show_monitoring = {
    .name = "show monitoring",
    .summary = "show the monitoring stations and the dumps",
    .doc = "One line a BMP station, then one for the dumps of the table and "
	   "one for the file of changes.  ROUTES counts what was told or "
	   "written so far; of the table, what the last dump holds.  NOTE "
	   "begins with the feeds that a station is sent.",
    .run = show_monitoring,
};

const struct cli_verb cli_dump = {
    .name = "dump",
    .summary = "write the whole table to a file, now",
    .doc = "A dump (MRT, TABLE_DUMP_V2) in the directory that the "
	   "configuration names with monitoring { mrt DIRECTORY; }.  Prints "
	   "its name when it is there.",
    .run = dump,
};

/* `spean lab up|down|status`: the demo exchange. */
#include "cli/lab/lab.h"

#include "cli/cli.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PATIENCE_S 120 /* gobgp can take that long while it is busy */
#define TABLE "ipasn_20140513.dat.gz"

static const struct cli_option options[] = {
    {.name = "name",
	.arg = "NAME",
	.type = CLI_TEXT,
	.doc = "of another lab beside it: its namespaces are NAME-rs and so "
	       "on, its files in /run/NAME-lab; " LAB_NAME " by default"},
    {.name = "table",
	.arg = "FILE",
	.type = CLI_FILE,
	.doc = "the table that one more member brings; what spean play reads; "
	       "by default the one that ships with spean"},
    {.name = "no-table", .doc = "no such member"},
    {.name = "limit",
	.arg = "N",
	.type = CLI_NUMBER,
	.min = 1,
	.doc = "only the first N routes of the table"},
    {.name = "no-wait", .doc = "up: do not wait until the routes crossed"},
    {.name = NULL},
};

/* The table that ships with spean, beside the program or installed. */
static const char *find_table(const struct lab *l, char buf[LAB_PATH])
{
	static const char *const places[] = {
	    "/../../../examples/" TABLE, /* build/src/daemon/spean */
	    "/../examples/" TABLE,
	    "/../share/spean/" TABLE, /* PREFIX/bin/spean */
	};
	const char *slash = strrchr(l->self, '/');

	for (size_t i = 0; slash && i < sizeof places / sizeof *places; i++) {
		(void)snprintf(buf, LAB_PATH, "%.*s%s", (int)(slash - l->self),
		    l->self, places[i]);
		if (access(buf, R_OK) == 0)
			return buf;
	}
	return NULL;
}

static bool good_name(const char *s)
{
	size_t n = strlen(s);

	return n >= 1 && n <= 20 &&
	       strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789-") == n &&
	       s[0] != '-';
}

static int run(const struct cli_call *c)
{
	struct lab l = {.patience_s = PATIENCE_S,
	    .name = cli_text(c, "name", LAB_NAME),
	    .limit = cli_number(c, "limit", 0)};
	const char *what = c->operand[0];
	char table[LAB_PATH];

	if (!good_name(l.name))
		return cli_fail(c, CLI_MISUSE,
		    "--name is 1 to 20 small letters, digits and hyphens");
	(void)snprintf(l.dir, sizeof l.dir, "/run/%s-lab", l.name);
	ssize_t n = readlink("/proc/self/exe", l.self, sizeof l.self - 1);
	if (n <= 0)
		return cli_fail(
		    c, CLI_FAILED, "/proc/self/exe: %s", strerror(errno));
	l.self[n] = 0;
	if (geteuid() != 0)
		return cli_fail(c, CLI_FAILED,
		    "the lab makes network namespaces: run it as root");
	if (strcmp(what, "down") == 0)
		return lab_down(&l, false);
	if (strcmp(what, "status") == 0)
		return lab_status(&l, c->json);
	if (strcmp(what, "up") != 0)
		return cli_fail(
		    c, CLI_MISUSE, "it is lab up, lab down or lab status");
	if (!cli_flag(c, "no-table")) {
		l.table = cli_text(c, "table", NULL);
		if (!l.table)
			l.table = find_table(&l, table);
		if (!l.table || access(l.table, R_OK))
			return cli_fail(c, CLI_FAILED,
			    "the table %s is not there: give --table FILE or "
			    "--no-table",
			    l.table ? l.table : TABLE);
	}
	return lab_up(&l, !cli_flag(c, "no-wait"));
}

static const char *const words[] = {"up", "down", "status", NULL};

extern const struct cli_verb cli_lab;
const struct cli_verb cli_lab = {
    .name = "lab",
    .summary = "run a demo exchange in network namespaces",
    .doc = "up builds an exchange on this machine: spean, and bird2, frr, "
	   "openbgpd and gobgp as members, IPv4 and IPv6, each in a network "
	   "namespace of its own, and one more member that brings a whole "
	   "routing table.  It waits until the table has reached everybody "
	   "and shows what was refused, and why.  What is there already, "
	   "whole or half done, is taken down first.\n"
	   "\n"
	   "down ends the programs and removes the namespaces and files that "
	   "up made, and nothing else.  status asks every member what it "
	   "holds.\n"
	   "\n"
	   "All of its files are in /run/spean-lab, all of its traffic is in "
	   "the namespaces spean-*; no service of the machine is touched.",
    .operands = "up|down|status",
    .min_operands = 1,
    .max_operands = 1,
    .words = words,
    .options = options,
    .run = run,
};

#include "check.h"

#include "cli/internal.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct cli_option options[] = {
    {.name = "config",
	.letter = 'c',
	.arg = "FILE",
	.type = CLI_FILE,
	.doc = "a file"},
    {.name = "count", .doc = "a flag"},
    {.name = "port",
	.arg = "N",
	.type = CLI_NUMBER,
	.min = 1,
	.max = 65535,
	.doc = "a number"},
    {.name = "as", .arg = "ASN", .type = CLI_ASN, .doc = "an ASN"},
    {.name = "to", .arg = "ADDR", .type = CLI_ADDR, .doc = "an address"},
    {.name = "prefix", .arg = "PREFIX", .type = CLI_PREFIX, .doc = "one"},
    {.name = "wait",
	.arg = "TIME",
	.type = CLI_SECONDS,
	.max = 3600,
	.doc = "a time"},
    {.name = "from", .arg = "ASN", .type = CLI_PARTY, .doc = "a party"},
    {.name = NULL},
};

static int nothing(const struct cli_call *c)
{
	(void)c;
	return 0;
}

static const char *const words[] = {"up", "down", NULL};

static const struct cli_verb plain = {.name = "plain",
    .summary = "test",
    .operands = "FILE",
    .max_operands = 2,
    .options = options,
    .run = nothing};

static const struct cli_verb worded = {.name = "worded",
    .summary = "test",
    .operands = "up|down",
    .min_operands = 1,
    .max_operands = 1,
    .words = words,
    .run = nothing};

struct parsed {
	struct cli_call c;
	struct cli_value values[CLI_OPTIONS_MAX];
	enum cli_exit e;
	bool help;
};

/* args: separated by blanks. */
static void parse(struct parsed *p, const struct cli_verb *v, const char *args)
{
	static char buf[512];
	static char *argv[32];
	FILE *err = stderr;
	int argc = 0;

	snprintf(buf, sizeof buf, "%s", args);
	for (char *w = strtok(buf, " "); w; w = strtok(NULL, " "))
		argv[argc++] = w;
	stderr = fopen("/dev/null", "w"); /* what it says is tested apart */
	p->e = cli_parse(v, argc, argv, p->values, &p->c, &p->help);
	fclose(stderr);
	stderr = err;
}

static void values_arrive(void **state)
{
	struct parsed p;
	char text[PREFIX_TEXT];

	(void)state;
	parse(&p, &plain,
	    "one -c file.conf --port=179 --as AS1.10 --to 2001:db8::1 "
	    "--prefix 192.0.2.0/24 --wait 10m --from 192.0.2.1 --json two");
	assert_int_equal(p.e, CLI_DONE);
	assert_string_equal(cli_text(&p.c, "config", NULL), "file.conf");
	assert_int_equal(cli_number(&p.c, "port", 0), 179);
	assert_int_equal(cli_number(&p.c, "as", 0), 65546);
	assert_int_equal(cli_get(&p.c, "to")->addr.family, FAMILY_IPV6);
	assert_string_equal(
	    prefix_format(&cli_get(&p.c, "prefix")->prefix, text),
	    "192.0.2.0/24");
	assert_int_equal(cli_number(&p.c, "wait", 0), 600);
	assert_int_equal(cli_get(&p.c, "from")->number, 0);
	assert_int_equal(cli_get(&p.c, "from")->addr.family, FAMILY_IPV4);
	assert_false(cli_flag(&p.c, "count"));
	assert_int_equal(cli_number(&p.c, "nothing", 7), 7);
	assert_true(p.c.json);
	assert_int_equal(p.c.n_operands, 2);
	assert_string_equal(p.c.operand[1], "two");
	free(p.c.operand);
}

static void forms_of_writing(void **state)
{
	static const struct {
		const char *args;
		bool good;
	} v[] = {
	    {"", true},
	    {"--count", true},
	    {"--count --count", true},
	    {"-cfile", true},
	    {"-c file", true},
	    {"--config=file", true},
	    {"--config", false},
	    {"-c", false},
	    {"--config=", false},
	    {"--count=1", false},
	    {"-x", false},
	    {"-cfile -cother", false},
	    {"--cuont", false},
	    {"-- --count", true},
	    {"a b c", false},
	    {"-", true},
	    {"--port 0", false},
	    {"--port 65536", false},
	    {"--port x", false},
	    {"--port -1", false},
	    {"--as 0", false},
	    {"--as 4294967296", false},
	    {"--as AS64501", true},
	    {"--to 192.0.2", false},
	    {"--prefix 192.0.2.1/24", false},
	    {"--prefix 192.0.2.1", true},
	    {"--prefix 2001:db8::/32", true},
	    {"--prefix x", false},
	    {"--wait 2h", false},
	    {"--wait 90", true},
	    {"--wait soon", false},
	    {"--from 64501", true},
	    {"--from AS64501", true},
	    {"--from 2001:db8::1", true},
	    {"--from Alpha", false},
	    {"--run-dir /x --json", true},
	};

	(void)state;
	for (size_t i = 0; i < sizeof v / sizeof *v; i++) {
		struct parsed p;

		parse(&p, &plain, v[i].args);
		if ((p.e == CLI_DONE) != v[i].good)
			print_error("args: %s\n", v[i].args);
		assert_int_equal(p.e, v[i].good ? CLI_DONE : CLI_MISUSE);
		free(p.c.operand);
	}
}

static void operands_are_counted_and_known(void **state)
{
	static const struct {
		const char *args;
		bool good;
	} v[] = {{"", false}, {"up", true}, {"down", true}, {"dwon", false},
	    {"up down", false}, {"--help", true}};

	(void)state;
	for (size_t i = 0; i < sizeof v / sizeof *v; i++) {
		struct parsed p;

		parse(&p, &worded, v[i].args);
		assert_int_equal(p.e, v[i].good ? CLI_DONE : CLI_MISUSE);
		free(p.c.operand);
	}
}

static void the_run_dir_has_three_sources(void **state)
{
	struct parsed p;

	(void)state;
	unsetenv("SPEAN_RUN_DIR");
	parse(&p, &plain, "");
	assert_string_equal(p.c.run_dir, "/run/spean");
	free(p.c.operand);
	setenv("SPEAN_RUN_DIR", "/env", 1);
	parse(&p, &plain, "");
	assert_string_equal(p.c.run_dir, "/env");
	free(p.c.operand);
	parse(&p, &plain, "--run-dir /arg");
	assert_string_equal(p.c.run_dir, "/arg");
	free(p.c.operand);
	unsetenv("SPEAN_RUN_DIR");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(values_arrive),
	    cmocka_unit_test(forms_of_writing),
	    cmocka_unit_test(operands_are_counted_and_known),
	    cmocka_unit_test(the_run_dir_has_three_sources),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

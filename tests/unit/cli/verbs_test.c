/* What needs no exchange: check, help, misuse, the manual, completion. */
#include "check.h"

#include "cli/cli.h"
#include "rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void check_tells_every_fault(void **state)
{
	char path[64];
	char want[512];
	struct rig_result r;

	(void)state;
	rig_file(path, "exchange X {\n"
		       "\tasn 0;\n"
		       "\trouter-id 1.1.1.1;\n"
		       "\tlisten 192.0.2.1;\n"
		       "}\n"
		       "polciy {}\n");
	r = RUN("check", "-c", path);
	assert_int_equal(r.code, 1);
	snprintf(want, sizeof want,
	    "%s:2:6: AS 0 is reserved (RFC 7607); expected the AS number of a "
	    "network\n"
	    "%s:6:1: unknown block 'polciy'; expected exchange, policy, "
	    "member, rpki, monitoring or registry (did you mean 'policy'?)\n",
	    path, path);
	assert_string_equal(r.out, want);
	rig_free(&r);
	r = RUN("check", "--json", "-c", path);
	assert_int_equal(r.code, 1);
	snprintf(
	    want, sizeof want, "{\"file\":\"%s\",\"line\":2,\"col\":6,", path);
	assert_int_equal(strncmp(r.out, want, strlen(want)), 0);
	rig_free(&r);
	/* A file with a fault never reaches the exchange. */
	r = RUN("apply", "-c", path, "--run-dir", "/nonexistent");
	assert_int_equal(r.code, 1);
	assert_non_null(strstr(r.err, ":6:1: unknown block"));
	rig_free(&r);
	unlink(path);
}

static void check_of_a_good_file(void **state)
{
	char path[64];
	char want[128];
	struct rig_result r;

	(void)state;
	rig_file(path,
	    "exchange X { asn 64500; router-id 1.1.1.1; listen ::1; }"
	    "policy {} rpki { cache 192.0.2.3; }"
	    "member A { asn 1; at ::2, ::3; }");
	r = RUN("check", "-c", path);
	assert_int_equal(r.code, 0);
	snprintf(want, sizeof want, "%s: good: 1 member, 2 sessions\n", path);
	assert_string_equal(r.out, want);
	assert_string_equal(r.err, "");
	rig_free(&r);
	r = RUN("check", "-c", path, "--json");
	assert_int_equal(r.code, 0);
	assert_string_equal(r.out, "");
	rig_free(&r);
	unlink(path);
	r = RUN("check", "-c", path);
	assert_int_equal(r.code, 3);
	assert_non_null(strstr(r.err, "No such file"));
	rig_free(&r);
	rig_file(path, "exchange X { asn 1; router-id 1.1.1.1; listen ::1; }");
	r = RUN("check", "-c", path);
	assert_int_equal(r.code, 0);
	assert_non_null(strstr(r.err, "there is no policy"));
	rig_free(&r);
	unlink(path);
	rig_file(path,
	    "exchange X { asn 1; router-id 1.1.1.1; listen ::1; } policy {}");
	r = RUN("check", "-c", path);
	assert_int_equal(r.code, 0);
	assert_non_null(strstr(r.err, "are unchecked"));
	rig_free(&r);
	unlink(path);
	rig_file(path,
	    "exchange X { asn 1; router-id 1.1.1.1; listen ::1; } "
	    "policy { rov off; aspa off; }");
	r = RUN("check", "-c", path);
	assert_string_equal(r.err, "");
	rig_free(&r);
	unlink(path);
}

static void misuse_is_2_and_says_what_to_do(void **state)
{
	static const struct {
		const char *argv[4];
		const char *words;
	} v[] = {
	    {{NULL}, "usage:"},
	    {{"chekc", NULL}, "did you mean check?"},
	    {{"frobnicate", NULL}, "unknown verb frobnicate"},
	    {{"show", NULL}, "show what?"},
	    {{"show", "sesions", NULL}, "did you mean show sessions?"},
	    {{"show", "nonsense", NULL}, "unknown word show nonsense"},
	    {{"show", "status", "extra", NULL}, "extra is one argument too"},
	    {{"show", "routes", "--form", NULL}, "did you mean --from?"},
	    {{"show", "routes", "--longer", NULL}, "--longer needs --prefix"},
	    {{"check", NULL}, "--config FILE is missing"},
	    {{"apply", "-c", NULL}, "--config needs FILE"},
	    {{"why", NULL}, "PREFIX is missing"},
	    {{"why", "10.0.0.1/8", NULL}, "expected a prefix"},
	    {{"why", "nonsense", NULL}, "expected a prefix"},
	    {{"help", "nonsense", NULL}, "unknown verb"},
	    {{"--nonsense", NULL}, "unknown verb"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof v / sizeof *v; i++) {
		struct rig_result r = rig_run(v[i].argv);

		assert_int_equal(r.code, 2);
		assert_string_equal(r.out, "");
		if (!strstr(r.err, v[i].words))
			print_error("%s", r.err);
		assert_non_null(strstr(r.err, v[i].words));
		rig_free(&r);
	}
}

static const char *const verbs[][3] = {{"check", NULL}, {"diff", NULL},
    {"apply", NULL}, {"confirm", NULL}, {"undo", NULL},
    {"show", "status", NULL}, {"show", "members", NULL},
    {"show", "sessions", NULL}, {"show", "routes", NULL}, {"why", NULL},
    {"completion", NULL}};

static void help_is_everywhere(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++) {
		struct rig_result r =
		    verbs[i][1] ? RUN(verbs[i][0], verbs[i][1], "--help")
				: RUN(verbs[i][0], "--help");

		assert_int_equal(r.code, 0);
		assert_non_null(strstr(r.out, "usage: spean "));
		assert_non_null(strstr(r.out, "--json"));
		assert_non_null(strstr(r.out, "--run-dir DIR"));
		for (char *l = strtok(r.out, "\n"); l; l = strtok(NULL, "\n"))
			assert_true(strlen(l) <= 80);
		rig_free(&r);
	}
	struct rig_result r = RUN("--help");
	assert_int_equal(r.code, 0);
	assert_non_null(strstr(r.out, "show sessions"));
	assert_null(strstr(r.out, "manual "));
	rig_free(&r);
	r = RUN("show", "--help");
	assert_int_equal(r.code, 0);
	assert_non_null(strstr(r.out, "show routes"));
	rig_free(&r);
	r = RUN("help", "show", "routes");
	assert_int_equal(r.code, 0);
	assert_non_null(strstr(r.out, "--longer"));
	rig_free(&r);
	r = RUN("--version");
	assert_int_equal(r.code, 0);
	assert_int_equal(strncmp(r.out, "spean ", 6), 0);
	rig_free(&r);
}

/* Runs a shell command that reads text; its output is the caller's. */
static int shell(const char *command, const char *text, char *out, size_t n)
{
	char path[64];
	char line[256];
	size_t got;
	FILE *f;

	rig_file(path, text);
	snprintf(line, sizeof line, "{ %s; } <%s 2>&1", command, path);
	f = popen(line, "r");
	assert_non_null(f);
	got = fread(out, 1, n - 1, f);
	out[got] = 0;
	unlink(path);
	return pclose(f);
}

static bool is_there(const char *program)
{
	char line[128];

	snprintf(line, sizeof line, "command -v %s >/dev/null 2>&1", program);
	if (!system(line))
		return true;
	print_message("# %s is not installed\n", program);
	return false;
}

static void the_manual_is_clean_and_whole(void **state)
{
	struct rig_result r = RUN("manual", "spean");
	static char out[4096];

	(void)state;
	assert_int_equal(r.code, 0);
	for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++) {
		char item[64];

		snprintf(item, sizeof item, "\n.It Ic %s%s%s", verbs[i][0],
		    verbs[i][1] ? " " : "", verbs[i][1] ? verbs[i][1] : "");
		assert_non_null(strstr(r.out, item));
	}
	if (is_there("mandoc")) {
		/* grep finds nothing, and so ends with 1. */
		shell("mandoc -T lint | grep -v 'manual not found'", r.out, out,
		    sizeof out);
		assert_string_equal(out, "");
	}
	rig_free(&r);
	r = RUN("manual", "spean.conf");
	assert_int_equal(r.code, 0);
	assert_non_null(strstr(r.out, ".Dt SPEAN.CONF 5"));
	rig_free(&r);
}

/* What bash would offer for a line, the last word of which is begun. */
static void offers(const char *script, const char *words, const char *want)
{
	char *text;
	static char out[4096];
	int n = asprintf(&text,
	    "%s\nCOMP_WORDS=(%s)\nCOMP_CWORD=$((${#COMP_WORDS[@]} - 1))\n"
	    "_spean\necho \"${COMPREPLY[@]}\"\n",
	    script, words);

	assert_true(n > 0);
	assert_int_equal(shell("bash", text, out, sizeof out), 0);
	out[strcspn(out, "\n")] = 0;
	if (strcmp(out, want))
		print_error("words: %s\n", words);
	assert_string_equal(out, want);
	free(text);
}

static void bash_completes_what_there_is(void **state)
{
	struct rig_result r = RUN("completion");

	(void)state;
	assert_int_equal(r.code, 0);
	if (!is_there("bash")) {
		rig_free(&r);
		skip();
	}
	offers(r.out, "spean c", "check confirm completion");
	offers(r.out, "spean show ''", "status members sessions rpki routes monitoring registry");
	offers(r.out, "spean show s", "status sessions");
	offers(r.out, "spean show routes --f", "--from");
	offers(r.out, "spean show routes --from ''", "");
	offers(r.out, "spean apply --c", "--config --confirm");
	offers(r.out, "spean apply -c /etc/host.con", "/etc/host.conf");
	offers(r.out, "spean why 10.0.0.0/8 --",
	    "--from --to --json "
	    "--run-dir --help");
	offers(r.out, "spean frobnicate ''", "");
	rig_free(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(check_tells_every_fault),
	    cmocka_unit_test(check_of_a_good_file),
	    cmocka_unit_test(misuse_is_2_and_says_what_to_do),
	    cmocka_unit_test(help_is_everywhere),
	    cmocka_unit_test(the_manual_is_clean_and_whole),
	    cmocka_unit_test(bash_completes_what_there_is),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "check.h"

#include "conf/conf.h"
#include "fixture.h"

#include "bad_cases.h"

#include <errno.h>

/* All errors of a text as "LINE:COL: text" lines; the caller's to free. */
static char *errors_of(const char *text, size_t len, int *ret_rc)
{
	struct conf *c = (struct conf *)1;
	struct conf_error *e;
	char *lines = NULL;
	size_t n_lines = 0;
	size_t n;
	FILE *f = open_memstream(&lines, &n_lines);

	*ret_rc = conf_parse(text, len, &c, &e, &n);
	for (size_t i = 0; i < n; i++)
		fprintf(f, "%u:%u: %s\n", e[i].line, e[i].col, e[i].text);
	fclose(f);
	free(e);
	if (*ret_rc)
		assert_null(c);
	conf_free(c);
	return lines;
}

static void every_fault_has_its_words_and_place(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		int rc;
		char *got =
		    errors_of(cases[i].text, strlen(cases[i].text), &rc);

		if (strcmp(got, cases[i].errors))
			print_error("text: %s\n", cases[i].text);
		assert_string_equal(got, cases[i].errors);
		assert_int_equal(rc, *cases[i].errors ? -EINVAL : 0);
		free(got);
	}
}

static void ten_faults_are_all_reported(void **state)
{
	static const char text[] =
	    "exchange \"Ten\" {\n"
	    "\tasn 65535;\n" /* 1: reserved */
	    "\trouter-id 192.0.2.1;\n"
	    "\tlisten 192.0.2.1;\n"
	    "\tlan 192.0.2.1/24;\n" /* 2: host bits */
	    "\thold 2;\n"	    /* 3: 1-2 s */
	    "}\n"
	    "policy { preset stirct; }\n" /* 4: misspelt */
	    "member \"Alpha\" {\n"
	    "\tasn 64501\n" /* 5: no ; */
	    "\tat 192.0.2.11;\n"
	    "\tmax-prefx 200, 50;\n" /* 6: misspelt */
	    "}\n"
	    "member \"Alpha\" {\n" /* 7: name taken */
	    "\tasn 64502;\n"
	    "\tat 192.0.2.11 {\n"  /* 8: address taken */
	    "\t\tpassword \"\";\n" /* 9: empty */
	    "\t}\n"
	    "\tprefix 203.0.113.0/24 le 33;\n" /* 10: range */
	    "}\n";
	int rc;
	char *got = errors_of(text, strlen(text), &rc);

	(void)state;
	assert_int_equal(rc, -EINVAL);
	assert_string_equal(got,
	    "2:6: AS 65535 is reserved (RFC 7300); expected the AS number of "
	    "a network\n"
	    "5:6: 192.0.2.1/24 has bits set beyond its length; expected "
	    "192.0.2.0/24\n"
	    "6:7: '2' is out of range; expected off, or 3s to 18h12m15s, as "
	    "90s or 10m\n"
	    "8:17: 'stirct' is unknown; expected strict or open (did you mean "
	    "'strict'?)\n"
	    "10:11: missing ';' after '64501'; expected it here\n"
	    "12:2: unknown directive 'max-prefx' in 'member'; expected one of "
	    "its directives (did you mean 'max-prefix'?)\n"
	    "14:8: the name \"Alpha\" is taken by the member of line 9; "
	    "expected another\n"
	    "16:5: 192.0.2.11 is taken in line 11; expected each address "
	    "once\n"
	    "17:12: the password is empty; expected 1 to 80 bytes\n"
	    "19:27: '33' is out of range; expected 24 to 32\n");
	free(got);
}

#define EIGHTY_AND_MORE                                                        \
	"hunter2hunter2hunter2hunter2hunter2hunter2hunter2hunter2hunter2"      \
	"hunter2hunter2hunter2"

/* A password must not come back in a message, however it was mistyped. */
static void no_error_repeats_a_secret(void **state)
{
	static const char *const in[] = {
	    "password hunter2;",
	    "password \"hunter2\"",
	    "password \"" EIGHTY_AND_MORE "\";",
	    "password \"hunter2\" \"hunter2\";",
	    "password \"hunter2",
	    "password = \"hunter2\";",
	    "password: \"hunter2\";",
	    "passwrod \"hunter2\";",
	    "password, \"hunter2\";",
	    "\"hunter2\";",
	};

	(void)state;
	for (size_t i = 0; i < sizeof in / sizeof *in; i++) {
		char text[512];
		char *got;
		int rc;

		snprintf(text, sizeof text,
		    EXCHANGE "member A { asn 1; at 10.0.0.1 {\n%s\n} }", in[i]);
		got = errors_of(text, strlen(text), &rc);
		if (strstr(got, "hunter2"))
			print_error("text: %s\nerrors: %s", in[i], got);
		assert_null(strstr(got, "hunter2"));
		free(got);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_fault_has_its_words_and_place),
	    cmocka_unit_test(ten_faults_are_all_reported),
	    cmocka_unit_test(no_error_repeats_a_secret),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

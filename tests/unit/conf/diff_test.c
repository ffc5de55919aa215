#include "check.h"

#include "base/clock.h"
#include "conf/conf.h"
#include "fixture.h"

/* Changes as "+|-|~ what: detail [resets]" lines; the caller's to free. */
static char *diff_of(const struct conf *a, const struct conf *b)
{
	struct conf_change *ch = NULL;
	char *lines = NULL;
	size_t len = 0;
	size_t n = 0;
	FILE *f = open_memstream(&lines, &len);

	assert_int_equal(conf_diff(a, b, &ch, &n), 0);
	for (size_t i = 0; i < n; i++)
		fprintf(f, "%c %s: %s%s\n", "+-~"[ch[i].kind], ch[i].what,
		    ch[i].detail, ch[i].resets ? " [resets]" : "");
	fclose(f);
	free(ch);
	return lines;
}

#define ONE "member One { asn 1; at 10.0.0.1; }\n"
#define TWO "member Two { asn 2; at 10.0.0.2; }\n"

static const struct {
	const char *a;
	const char *b;
	const char *lines;
} cases[] = {
    {EXCHANGE ONE TWO, EXCHANGE "# new\n" TWO ONE, ""},
    {EXCHANGE ONE, EXCHANGE ONE TWO, "+ member AS2 Two: at 10.0.0.2\n"},
    {EXCHANGE ONE TWO, EXCHANGE TWO,
	"- member AS1 One: at 10.0.0.1 [resets]\n"},
    {EXCHANGE "monitoring { bmp ::1, 192.0.2.9 { pre off; } mrt /a; }",
	EXCHANGE "monitoring { bmp 192.0.2.9, 192.0.2.9:5; mrt /b; "
		 "table off; }",
	"- monitoring: bmp [::1]:1790\n"
	"~ monitoring: bmp 192.0.2.9:1790: pre off -> on\n"
	"+ monitoring: bmp 192.0.2.9:5\n"
	"~ monitoring: mrt /a -> /b\n"
	"~ monitoring: table 2h -> off\n"},
    {EXCHANGE, EXCHANGE "monitoring { mrt /b; }", "+ monitoring: mrt\n"},
    {EXCHANGE "rpki { cache ::1, ::2 { expire 1h; } }",
	EXCHANGE "rpki { cache ::2; cache 10.0.0.1:9 { preference 3; } }",
	"- rpki: cache [::1]:323\n"
	"~ rpki: cache [::2]:323: expire 1h -> unset\n"
	"~ rpki: cache [::2]:323: place 2 -> 1\n"
	"+ rpki: cache 10.0.0.1:9\n"},
    {EXCHANGE, EXCHANGE "registry { }",
	"+ registry: members are checked against their registered sets\n"},
    {EXCHANGE "registry { refresh 1h; }",
	EXCHANGE "registry { server irr.example.net; refresh 2h; }",
	"~ registry: server none -> irr.example.net\n"
	"~ registry: refresh 1h -> 2h\n"},
    {EXCHANGE "policy { rov reject; }", EXCHANGE "policy { aspa off; }",
	"~ policy: rov reject -> unset\n"
	"~ policy: aspa unset -> off\n"},
    {EXCHANGE "policy {}", EXCHANGE,
	"- policy: nothing is accepted or sent any more (RFC 8212)\n"},
    {EXCHANGE, EXCHANGE "policy { preset open; }", "+ policy: preset open\n"},
    {EXCHANGE "policy {}",
	EXCHANGE "policy { preset open; unknown-attributes discard; "
		 "prefix-length ipv4 8-25; transit-free 174; }",
	"~ policy: preset strict -> open\n"
	"~ policy: unknown-attributes relay -> discard\n"
	"~ policy: prefix-length ipv4 8-24, ipv6 19-48 -> ipv4 8-25, ipv6 "
	"19-48\n"
	"~ policy: transit-free +174\n"},
    {"exchange X { asn 5; router-id 1.1.1.1; listen ::1; hold 60; }",
	"exchange Y { asn 6; router-id 1.1.1.2; listen ::2; hold off; llgr "
	"1h; }",
	"~ exchange: name X -> Y\n"
	"~ exchange: asn 5 -> 6 [resets]\n"
	"~ exchange: router-id 1.1.1.1 -> 1.1.1.2 [resets]\n"
	"~ exchange: listen -::1, +::2\n"
	"~ exchange: hold 1m -> off\n"
	"~ exchange: llgr off -> 1h\n"},
    /* Values that only follow another are no change of their own members. */
    {"exchange X { asn 5; router-id 1.1.1.1; listen 10.1.1.1; }" ONE TWO,
	"exchange X { asn 5; router-id 1.1.1.1; listen 10.1.1.1; hold 300; "
	"}" ONE TWO,
	"~ exchange: hold 1m30s -> 5m\n"
	"~ exchange: send-hold 8m -> 10m\n"},
    {EXCHANGE "member One { asn 1; at 10.0.0.1; max-prefix 200; }",
	EXCHANGE "member One { asn 1; at 10.0.0.1; max-prefix 400, 5; as-set "
		 "AS-ONE; hold 30; add-path tx; shutdown \"away\"; }",
	"~ member AS1 One: as-set none -> AS-ONE\n"
	"~ member AS1 One: max-prefix 200, 0 -> 400, 5\n"
	"~ member AS1 One: add-path off -> tx [resets]\n"
	"~ member AS1 One: hold unset -> 30s\n"
	"~ member AS1 One: shutdown off -> on \"away\"\n"},
    {EXCHANGE "member One { asn 1; at 10.0.0.1; prefix 10.1.0.0/16, "
	      "10.2.0.0/16 le 24; origin 1, 2; }",
	EXCHANGE "member One { asn 1; at 10.0.0.1; prefix 10.2.0.0/16, "
		 "10.1.0.0/16; origin 2, 1; }",
	"~ member AS1 One: prefix +10.2.0.0/16, -10.2.0.0/16 le 24\n"},
    {EXCHANGE "member One { asn 1; at 10.0.0.1, 10.0.0.3 { password \"a\"; } "
	      "}",
	EXCHANGE "member One { asn 1; at 10.0.0.1 { password \"b\"; gtsm on; "
		 "} at 10.0.0.4; at 10.0.0.3 { port 1790; passive on; } }",
	"~ member AS1 One: at 10.0.0.1: password changed [resets]\n"
	"~ member AS1 One: at 10.0.0.1: gtsm off -> on [resets]\n"
	"~ member AS1 One: session 10.0.0.4 added\n"
	"~ member AS1 One: at 10.0.0.3: password removed [resets]\n"
	"~ member AS1 One: at 10.0.0.3: passive off -> on\n"
	"~ member AS1 One: at 10.0.0.3: port 179 -> 1790\n"},
    {EXCHANGE ONE, EXCHANGE "member Uno { asn 1; at 10.0.0.1, 10.0.0.3; }",
	"~ member AS1 Uno: name One -> Uno\n"
	"~ member AS1 Uno: session 10.0.0.3 added\n"},
    {EXCHANGE ONE, EXCHANGE "member One { asn 3; at 10.0.0.1; }",
	"- member AS1 One: at 10.0.0.1 [resets]\n"
	"+ member AS3 One: at 10.0.0.1\n"},
    {EXCHANGE "member One { asn 1; at 10.0.0.1, 10.0.0.3; }", EXCHANGE ONE,
	"~ member AS1 One: session 10.0.0.3 removed [resets]\n"},
};

static void differences_in_words(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct conf *a = must_parse(cases[i].a);
		struct conf *b = must_parse(cases[i].b);
		char *got;

		assert_non_null(a);
		assert_non_null(b);
		got = diff_of(a, b);
		assert_string_equal(got, cases[i].lines);
		free(got);
		got = diff_of(b, b);
		assert_string_equal(got, "");
		free(got);
		conf_free(a);
		conf_free(b);
	}
}

static void from_nothing_all_is_added(void **state)
{
	struct conf *b = must_parse(EXCHANGE "policy {}" ONE);
	char *got;

	(void)state;
	assert_non_null(b);
	got = diff_of(NULL, b);
	assert_string_equal(got, "+ exchange: X\n"
				 "+ policy: preset strict\n"
				 "+ member AS1 One: at 10.0.0.1\n");
	free(got);
	conf_free(b);
}

static void no_secret_is_shown(void **state)
{
	struct conf *a = must_parse(whole);
	struct conf *b = must_parse(
	    EXCHANGE "member \"Alpha Net\" { asn 64501; at 192.0.2.11; }");
	char *got;

	(void)state;
	assert_non_null(a);
	assert_non_null(b);
	got = diff_of(a, b);
	assert_null(strstr(got, "s3cret"));
	free(got);
	got = diff_of(b, a);
	assert_null(strstr(got, "s3cret"));
	assert_non_null(strstr(got, "password added"));
	free(got);
	conf_free(a);
	conf_free(b);
}

static void long_lists_are_cut_and_counted(void **state)
{
	char *text = NULL;
	size_t len = 0;
	FILE *f = open_memstream(&text, &len);
	struct conf *a = must_parse(EXCHANGE ONE);
	struct conf *b;
	char *got;

	(void)state;
	fputs(EXCHANGE "member One { asn 1; at 10.0.0.1; ", f);
	for (int i = 0; i < 1000; i++)
		fprintf(f, "prefix 10.%d.%d.0/24; ", i / 256, i % 256);
	fputs("}", f);
	fclose(f);
	b = must_parse(text);
	free(text);
	assert_non_null(b);
	got = diff_of(a, b);
	assert_int_equal(
	    strncmp(got, "~ member AS1 One: prefix +10.0.0.0/24, ", 39), 0);
	assert_non_null(strstr(got, ", and 9"));
	assert_non_null(strstr(got, " more\n"));
	free(got);
	conf_free(a);
	conf_free(b);
}

/* The session role asks this; it must agree with what diff tells people. */
static void resets_session_by_session(void **state)
{
	static const struct {
		const char *b;
		bool resets;
	} v[] = {
	    {EXCHANGE ONE, false},
	    {EXCHANGE "member One { asn 1; at 10.0.0.1; max-prefix 5; hold 9; "
		      "prefix 10.0.0.0/8; shutdown; }",
		false},
	    {EXCHANGE "policy {}" ONE TWO, false},
	    {EXCHANGE "member Uno { asn 1; at 10.0.0.1; }", false},
	    {EXCHANGE "member One { asn 1; at 10.0.0.1 { passive on; } }",
		false},
	    {EXCHANGE "member One { asn 1; at 10.0.0.1 { password \"x\"; } }",
		true},
	    {EXCHANGE "member One { asn 1; at 10.0.0.1; add-path rx; }", true},
	    {EXCHANGE "member One { asn 9; at 10.0.0.1; }", true},
	    {"exchange X { asn 9; router-id 192.0.2.1; listen 192.0.2.1; }" ONE,
		true},
	    {"exchange X { asn 64500; router-id 192.0.2.9; listen 192.0.2.1; "
	     "}" ONE,
		true},
	};
	struct conf *a = must_parse(EXCHANGE ONE);

	(void)state;
	for (size_t i = 0; i < sizeof v / sizeof *v; i++) {
		struct conf *b = must_parse(v[i].b);
		const struct conf_at *at;
		const struct conf_member *m;

		assert_non_null(b);
		m = conf_find(b, &a->member[0].at[0].addr, &at);
		assert_non_null(m);
		if (conf_resets(a, b, m, at) != v[i].resets)
			print_error("text: %s\n", v[i].b);
		assert_true(conf_resets(a, b, m, at) == v[i].resets);
		conf_free(b);
	}
	conf_free(a);
}

static void thousands_of_members_compare_quickly(void **state)
{
	size_t len;
	char *text = many_members(1000, true, &len);
	struct conf *a = must_parse(text);
	struct conf *b = must_parse(text);
	uint64_t start = clock_now_ns();
	char *got;

	(void)state;
	assert_non_null(a);
	assert_non_null(b);
	b->member[500].max_prefix[FAMILY_IPV4] = 300;
	got = diff_of(a, b);
	print_message("# 1000 members compared: %.1f ms\n",
	    (double)(clock_now_ns() - start) / NS_PER_MS);
	assert_true(clock_now_ns() - start < NS_PER_S);
	assert_string_equal(got,
	    "~ member AS100500 Member 500: max-prefix 200, 50 -> 300, 50\n");
	free(got);
	free(text);
	conf_free(a);
	conf_free(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(differences_in_words),
	    cmocka_unit_test(from_nothing_all_is_added),
	    cmocka_unit_test(no_secret_is_shown),
	    cmocka_unit_test(long_lists_are_cut_and_counted),
	    cmocka_unit_test(resets_session_by_session),
	    cmocka_unit_test(thousands_of_members_compare_quickly),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

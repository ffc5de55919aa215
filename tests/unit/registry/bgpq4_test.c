/* What bgpq4 writes, and what it never should. */
#include "check.h"

#include "registry/registry.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int reading(const char *text, enum registry_kind kind,
    struct registry_list *l, char err[128])
{
	err[0] = 0;
	return registry_read_bgpq4(text, strlen(text), kind, l, err, 128);
}

static void prefixes_with_and_without_lengths(void **state)
{
	struct registry_list l = {0};
	char err[128];
	char text[PREFIX_TEXT];

	(void)state;
	assert_int_equal(
	    reading(
		"{ \"p\": [\n"
		"    { \"prefix\": \"192.0.2.0\\/25\", \"exact\": true },\n"
		"    { \"prefix\": \"198.51.100.0\\/22\", \"exact\": false, "
		"\"less-equal\": 24 },\n"
		"    { \"prefix\": \"203.0.113.0/24\", \"exact\": false, "
		"\"greater-equal\": 25, \"less-equal\": 26 }\n] }",
		REGISTRY_IPV4, &l, err),
	    0);
	assert_int_equal(l.n_prefix, 3);
	assert_int_equal(l.count[FAMILY_IPV4], 3);
	assert_string_equal(
	    prefix_format(&l.prefix[0].prefix, text), "192.0.2.0/25");
	assert_int_equal(l.prefix[0].min_len, 25);
	assert_int_equal(l.prefix[0].max_len, 25);
	assert_int_equal(l.prefix[1].min_len, 22);
	assert_int_equal(l.prefix[1].max_len, 24);
	assert_int_equal(l.prefix[2].min_len, 25);
	assert_int_equal(l.prefix[2].max_len, 26);
	/* A second answer is added to the first. */
	assert_int_equal(
	    reading("{\"q\":[{\"prefix\":\"2001:db8::/32\",\"exact\":true}]}",
		REGISTRY_IPV6, &l, err),
	    0);
	assert_int_equal(l.n_prefix, 4);
	assert_int_equal(l.count[FAMILY_IPV6], 1);
	assert_int_equal(reading("{\"as\": [\n  64501,64502,\n  4200000000\n]}",
			     REGISTRY_ORIGINS, &l, err),
	    0);
	assert_int_equal(l.n_origin, 3);
	assert_int_equal(l.origin[2], 4200000000);
	registry_list_free(&l);
}

static void nothing_is_an_answer_too(void **state)
{
	struct registry_list l = {0};
	char err[128];

	(void)state;
	assert_int_equal(
	    reading("{ \"pl\": [\n] }", REGISTRY_IPV4, &l, err), 0);
	assert_int_equal(reading("{\"as\": []}", REGISTRY_ORIGINS, &l, err), 0);
	assert_int_equal(l.n_prefix + l.n_origin, 0);
	registry_list_free(&l);
}

static void anything_else_is_refused_in_words(void **state)
{
	static const struct {
		enum registry_kind kind;
		const char *text;
		const char *says;
	} bad[] = {
	    {REGISTRY_IPV4, "", "line 1: "},
	    {REGISTRY_IPV4, "ERROR: no such host", "line 1: "},
	    {REGISTRY_IPV4, "[]", "no list of bgpq4's"},
	    {REGISTRY_IPV4, "{}", "no list of bgpq4's"},
	    {REGISTRY_IPV4, "{\"a\": [], \"b\": []}", "no list of bgpq4's"},
	    {REGISTRY_IPV4, "{\"a\": 5}", "no list of bgpq4's"},
	    {REGISTRY_IPV4, "{\"a\": [64501]}", "item 1: no prefix"},
	    {REGISTRY_IPV4, "{\"a\": [{\"prefix\": \"192.0.2.1/24\"}]}",
		"item 1: no prefix"},
	    {REGISTRY_IPV4, "{\"a\": [{\"prefix\": \"2001:db8::/32\"}]}",
		"item 1: a prefix of the other family"},
	    {REGISTRY_IPV6, "{\"a\": [{\"prefix\": \"192.0.2.0/24\"}]}",
		"item 1: a prefix of the other family"},
	    {REGISTRY_IPV4,
		"{\"a\": [{\"prefix\": \"192.0.2.0/24\", \"less-equal\": 33}]}",
		"item 1: lengths that make no sense"},
	    {REGISTRY_IPV4,
		"{\"a\": [{\"prefix\": \"192.0.2.0/24\", \"greater-equal\": "
		"20}]}",
		"item 1: lengths that make no sense"},
	    {REGISTRY_IPV4,
		"{\"a\": [{\"prefix\": \"192.0.2.0/24\", \"less-equal\": "
		"\"24\"}]}",
		"item 1: lengths that make no sense"},
	    {REGISTRY_ORIGINS, "{\"a\": [{\"prefix\": \"192.0.2.0/24\"}]}",
		"item 1: no AS number"},
	    {REGISTRY_ORIGINS, "{\"a\": [64501, 0]}", "item 2: no AS number"},
	    {REGISTRY_ORIGINS, "{\"a\": [4294967296]}", "item 1: no AS number"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		struct registry_list l = {0};
		char err[128];

		assert_int_equal(
		    reading(bad[i].text, bad[i].kind, &l, err), -EINVAL);
		assert_non_null(strstr(err, bad[i].says));
		registry_list_free(&l);
	}
}

/* What was cut off on its way is never taken for a whole answer. */
static void a_part_is_not_the_whole(void **state)
{
	static const char text[] =
	    "{\"p\":[{\"prefix\":\"192.0.2.0\\/25\",\"exact\":true},"
	    "{\"prefix\":\"198.51.100.0\\/22\",\"exact\":false,"
	    "\"greater-equal\":23,\"less-equal\":24}]}";
	char err[128];

	(void)state;
	for (size_t n = 0; n + 1 < sizeof text; n++) {
		struct registry_list l = {0};

		assert_int_equal(registry_read_bgpq4(text, n, REGISTRY_IPV4, &l,
				     err, sizeof err),
		    -EINVAL);
		registry_list_free(&l);
	}
}

/* Many small values would take memory beyond all measure. */
static void more_values_than_a_list_may_have_are_not_read(void **state)
{
	static const char *const values[] = {"{},", "[],", "1,"};

	(void)state;
	for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
		size_t one = strlen(values[i]), n = one * 5000000;
		struct registry_list l = {0};
		char err[128] = "";
		char *text = malloc(n + 16);

		assert_non_null(text);
		memcpy(text, "{\"x\":[", 6);
		for (size_t at = 0; at < n; at += one)
			memcpy(text + 6 + at, values[i], one);
		memcpy(text + 6 + n, "{}]}", 4);
		assert_int_equal(registry_read_bgpq4(text, n + 10,
				     REGISTRY_IPV4, &l, err, sizeof err),
		    -E2BIG);
		assert_string_equal(err, "more than 500000");
		registry_list_free(&l);
		free(text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(prefixes_with_and_without_lengths),
	    cmocka_unit_test(nothing_is_an_answer_too),
	    cmocka_unit_test(anything_else_is_refused_in_words),
	    cmocka_unit_test(a_part_is_not_the_whole),
	    cmocka_unit_test(more_values_than_a_list_may_have_are_not_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

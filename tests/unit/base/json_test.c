#include "check.h"

#include "base/json.h"

#include <string.h>

static void expect(const struct json *j, const char *want)
{
	assert_true(json_ok(j));
	assert_int_equal(j->len, strlen(want));
	assert_memory_equal(j->buf, want, j->len);
}

static void objects_lists_and_commas(void **state)
{
	char buf[512];
	struct json j;

	(void)state;
	json_init(&j, buf, sizeof buf);
	json_open_object(&j, NULL);
	json_string(&j, "a", "x");
	json_string(&j, "none", NULL);
	json_open_list(&j, "l");
	json_u64(&j, NULL, UINT64_MAX);
	json_i64(&j, NULL, -5);
	json_open_list(&j, NULL);
	json_close_list(&j);
	json_bool(&j, NULL, true);
	json_close_list(&j);
	json_open_object(&j, "o");
	json_close_object(&j);
	json_printf(&j, "f", "%d:%d", 1, 2);
	json_bool(&j, "no", false);
	json_close_object(&j);
	json_newline(&j);
	json_open_object(&j, NULL);
	json_close_object(&j);
	expect(&j,
	    "{\"a\":\"x\",\"none\":null,\"l\":[18446744073709551615,-5,[],true]"
	    ",\"o\":{},\"f\":\"1:2\",\"no\":false}\n{}");
}

static void hostile_text_is_escaped(void **state)
{
	static const struct {
		const char *in;
		const char *want;
	} v[] = {
	    {"a\"b\\c", "\"a\\\"b\\\\c\""},
	    {"\n\t\x01\x7f", "\"\\u000a\\u0009\\u0001\\u007f\""},
	    {"\xe1\x9e\x9f", "\"\xe1\x9e\x9f\""},	  /* Khmer */
	    {"\xf0\x9f\x8c\x89", "\"\xf0\x9f\x8c\x89\""}, /* 4 bytes */
	    {"\xff", "\"\xef\xbf\xbd\""},		  /* never valid */
	    {"\xc0\xaf", "\"\xef\xbf\xbd\xef\xbf\xbd\""}, /* overlong */
	    {"\xe0\x80\xaf", "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\""},
	    {"\xed\xa0\x80", "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\""},
	    {"\xf4\x90\x80\x80",
		"\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\""},
	    {"x\xe1\x9e", "\"x\xef\xbf\xbd\xef\xbf\xbd\""}, /* cut short */
	};

	(void)state;
	for (size_t i = 0; i < sizeof v / sizeof *v; i++) {
		char buf[64];
		struct json j;

		json_init(&j, buf, sizeof buf);
		json_string(&j, NULL, v[i].in);
		expect(&j, v[i].want);
	}
}

static void every_short_buffer_is_an_error(void **state)
{
	char buf[32];

	(void)state;
	for (size_t n = 0; n < 18; n++) {
		struct json j;

		json_init(&j, buf, n);
		json_open_object(&j, NULL);
		json_string(&j, "key", "value\n");
		json_close_object(&j);
		assert_false(json_ok(&j));
		assert_true(j.len <= n);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(objects_lists_and_commas),
	    cmocka_unit_test(hostile_text_is_escaped),
	    cmocka_unit_test(every_short_buffer_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

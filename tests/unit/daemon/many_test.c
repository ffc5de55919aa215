/* What several instances of a role say reads as if there were one. */
#include "check.h"

#include "daemon/api_job.h"

#include <stdlib.h>
#include <string.h>

#define LINE(asn, addr)                                                        \
	"{\"member_asn\":" #asn ",\"address\":\"" addr                          \
	"\",\"state\":\"idle\",\"families\":{}}\n"

static void sessions_are_sorted_by_asn_and_address(void **state)
{
	char lines[] = LINE(7, "192.0.2.9") LINE(64501, "192.0.2.1")
	    LINE(64501, "2001:db8::1") LINE(3, "192.0.2.200")
		LINE(64501, "192.0.2.11") LINE(64501, "192.0.2.2");

	(void)state;
	assert_true(api_many_sort(lines, sizeof lines - 1));
	assert_string_equal(lines,
	    LINE(3, "192.0.2.200") LINE(7, "192.0.2.9")
		LINE(64501, "192.0.2.1") LINE(64501, "192.0.2.2")
		    LINE(64501, "192.0.2.11") LINE(64501, "2001:db8::1"));
	char one[] = LINE(1, "192.0.2.1");
	assert_true(api_many_sort(one, sizeof one - 1));
	assert_string_equal(one, LINE(1, "192.0.2.1"));
	assert_true(api_many_sort(NULL, 0));
}

static struct api_part part(char *text)
{
	return (struct api_part){.p = text, .n = strlen(text)};
}

static void counts_are_added_up(void **state)
{
	char a[] = "{\"role\":\"session\",\"uptime_s\":9,\"sessions\":3,"
		   "\"engine\":true,\"ipv4\":{\"routes\":5,"
		   "\"deferring\":false}}\n";
	char b[] = "{\"role\":\"session\",\"uptime_s\":4,\"sessions\":2,"
		   "\"engine\":false,\"ipv4\":{\"routes\":7,"
		   "\"deferring\":true}}\n";
	struct api_part parts[] = {part(a), part(b)};

	(void)state;
	char *sum = api_many_sum(parts, 2);
	assert_string_equal(sum,
	    "{\"role\":\"session\",\"uptime_s\":4,\"sessions\":5,"
	    "\"engine\":false,\"ipv4\":{\"routes\":12,\"deferring\":true}}");
	free(sum);
}

static void a_part_that_is_missing_makes_no_sum(void **state)
{
	char a[] = "{\"sessions\":3}\n";
	struct api_part parts[] = {part(a), part(a)};

	(void)state;
	parts[1].exit = 3;
	assert_null(api_many_sum(parts, 2));
	parts[1] = (struct api_part){0};
	assert_null(api_many_sum(parts, 2));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(sessions_are_sorted_by_asn_and_address),
	    cmocka_unit_test(counts_are_added_up),
	    cmocka_unit_test(a_part_that_is_missing_makes_no_sum),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* The session role's lines, read back. */
#include "check.h"

#include "api/session.h"

#include <string.h>

static void counts_are_read_by_family(void **state)
{
	static const char line[] =
	    "{\"member_asn\":64501,\"address\":\"192.0.2.11\","
	    "\"state\":\"established\",\"families\":{\"ipv4\":{\"received\":5,"
	    "\"accepted\":3,\"rejected\":2,\"advertised\":7},\"ipv6\":null}}";
	struct api_session s;
	struct ip ip;

	(void)state;
	assert_int_equal(ip_parse("192.0.2.11", &ip), 0);
	assert_int_equal(api_session_parse(line, strlen(line), &s), 0);
	assert_true(ip_eq(&s.address, &ip));
	assert_true(s.established);
	assert_int_equal(s.n[FAMILY_IPV4][API_RECEIVED], 5);
	assert_int_equal(s.n[FAMILY_IPV4][API_REJECTED], 2);
	assert_int_equal(s.n[FAMILY_IPV4][API_ADVERTISED], 7);
	assert_int_equal(s.n[FAMILY_IPV6][API_RECEIVED], 0);
}

static void what_names_no_session_is_refused(void **state)
{
	static const char *const lines[] = {"", "[]", "{}",
	    "{\"address\":\"192.0.2.11\"}",
	    "{\"address\":\"nobody\",\"state\":\"idle\"}", "{\"address\":"};
	struct api_session s;

	(void)state;
	for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
		assert_true(
		    api_session_parse(lines[i], strlen(lines[i]), &s) < 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(counts_are_read_by_family),
	    cmocka_unit_test(what_names_no_session_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "check.h"

#include "rpki/rpki.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct prefix pfx(const char *text)
{
	struct prefix p;

	assert_int_equal(prefix_parse(text, &p), 0);
	return p;
}

static struct vrp vrp(const char *text, uint8_t max_len, uint32_t asn)
{
	return (struct vrp){.prefix = pfx(text),
	    .max_len = max_len,
	    .asn = asn,
	    .sources = 1,
	    .since_s = 1000};
}

static struct vrps *table(void)
{
	static const struct {
		const char *prefix;
		uint8_t max_len;
		uint32_t asn;
	} all[] = {
	    {"10.0.0.0/8", 8, 64501},
	    {"10.0.0.0/16", 20, 64502},
	    {"10.0.0.0/16", 16, 64503},
	    {"10.0.64.0/24", 24, 64504},
	    {"192.0.2.0/24", 32, 0},
	    {"198.51.100.0/24", 24, 0},
	    {"198.51.100.0/24", 24, 64505},
	    {"2001:db8::/32", 48, 64501},
	    {"2001:db8:1::/48", 48, 64502},
	    {"2001:db8:1::/48", 128, 64503},
	};
	struct vrps *t = vrps_new();

	assert_non_null(t);
	for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
		struct vrp v = vrp(all[i].prefix, all[i].max_len, all[i].asn);

		assert_int_equal(vrps_add(t, &v), 1);
	}
	return t;
}

static void verdicts_are_those_of_rfc_6811(void **state)
{
	static const struct {
		const char *prefix;
		uint32_t origin;
		enum rov want;
	} v[] = {
	    {"10.0.0.0/8", 64501, ROV_VALID},
	    {"10.0.0.0/8", 64502, ROV_INVALID},
	    {"10.0.0.0/9", 64501, ROV_INVALID}, /* longer than max_len */
	    {"0.0.0.0/0", 64501, ROV_NOT_FOUND},
	    {"10.0.0.0/7", 64501, ROV_NOT_FOUND}, /* covers, is not covered */
	    {"10.0.0.0/16", 64502, ROV_VALID},
	    {"10.0.0.0/16", 64503, ROV_VALID},
	    {"10.0.16.0/20", 64502, ROV_VALID},
	    {"10.0.16.0/21", 64502, ROV_INVALID},
	    {"10.0.16.0/20", 64503, ROV_INVALID},
	    {"10.0.64.0/24", 64504, ROV_VALID},
	    {"10.0.64.0/24", 64502, ROV_INVALID},
	    {"10.0.64.1/32", 64504, ROV_INVALID},
	    {"10.255.255.255/32", 64501, ROV_INVALID},
	    {"11.0.0.0/8", 64501, ROV_NOT_FOUND},
	    {"192.0.2.0/24", 64501, ROV_INVALID},	/* AS0: nobody may */
	    {"192.0.2.0/24", 0, ROV_INVALID},		/* nor may AS0 itself */
	    {"198.51.100.0/24", 64505, ROV_VALID},	/* AS0 beside another */
	    {"10.0.0.0/8", ROV_NO_ORIGIN, ROV_INVALID}, /* AS_SET */
	    {"12.0.0.0/8", ROV_NO_ORIGIN, ROV_NOT_FOUND},
	    {"2001:db8::/32", 64501, ROV_VALID},
	    {"2001:db8:1::/48", 64501, ROV_VALID},
	    {"2001:db8:1::/48", 64502, ROV_VALID},
	    {"2001:db8:1::/49", 64502, ROV_INVALID},
	    {"2001:db8:1::1/128", 64503, ROV_VALID},
	    {"2001:db8:2::1/128", 64503, ROV_INVALID},
	    {"2001:db9::/32", 64501, ROV_NOT_FOUND},
	    {"a00::/8", 64501, ROV_NOT_FOUND}, /* the same bits as 10/8 */
	};
	struct vrps *t = table();

	(void)state;
	for (size_t i = 0; i < sizeof v / sizeof *v; i++) {
		struct prefix p = {0};
		char text[32];

		/* 10.0.0.0/7 and its like have bits beyond: mask them. */
		snprintf(text, sizeof text, "%s", v[i].prefix);
		char *slash = strchr(text, '/');
		*slash = 0;
		assert_int_equal(ip_parse(text, &p.addr), 0);
		p = prefix_of(&p.addr, (uint8_t)atoi(slash + 1));
		assert_int_equal(vrps_check(t, &p, v[i].origin), v[i].want);
	}
	vrps_free(t);
}

static void covering_vrps_come_in_order(void **state)
{
	struct vrps *t = table();
	struct prefix p = pfx("10.0.64.0/24");
	struct vrp v[8];

	(void)state;
	assert_int_equal(vrps_covering(t, &p, v, 8), 4);
	assert_int_equal(v[0].asn, 64501);
	assert_int_equal(v[1].asn, 64502);
	assert_int_equal(v[1].max_len, 20);
	assert_int_equal(v[2].asn, 64503);
	assert_int_equal(v[3].asn, 64504);
	assert_int_equal(v[3].since_s, 1000);
	assert_int_equal(v[3].sources, 1);
	assert_true(prefix_eq(&v[3].prefix, &p));
	assert_int_equal(vrps_covering(t, &p, v, 1), 4);
	p = pfx("2001:db8:1::/48");
	assert_int_equal(vrps_covering(t, &p, v, 8), 3);
	assert_true(prefix_eq(&v[1].prefix, &p));
	assert_int_equal(v[0].prefix.len, 32);
	assert_int_equal(v[2].max_len, 128);
	vrps_free(t);
}

static void adding_twice_changes_sources_alone(void **state)
{
	struct vrps *t = vrps_new();
	struct vrp v = vrp("10.0.0.0/8", 24, 64501);

	(void)state;
	assert_false(vrps_remove(t, &v));
	assert_int_equal(vrps_add(t, &v), 1);
	v.sources = 6;
	v.since_s = 2000;
	assert_int_equal(vrps_add(t, &v), 0);
	assert_int_equal(vrps_count(t, FAMILY_IPV4), 1);
	assert_int_equal(vrps_count(t, FAMILY_IPV6), 0);
	assert_non_null(vrps_note(t, &v));
	assert_int_equal(vrps_note(t, &v)->sources, 6);
	assert_int_equal(vrps_note(t, &v)->since_s, 1000);
	v.max_len = 7;
	assert_int_equal(vrps_add(t, &v), -EINVAL);
	v.max_len = 33;
	assert_int_equal(vrps_add(t, &v), -EINVAL);
	v.max_len = 24;
	assert_true(vrps_remove(t, &v));
	assert_null(vrps_note(t, &v));
	assert_int_equal(vrps_check(t, &v.prefix, v.asn), ROV_NOT_FOUND);
	vrps_free(t);
	vrps_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(verdicts_are_those_of_rfc_6811),
	    cmocka_unit_test(covering_vrps_come_in_order),
	    cmocka_unit_test(adding_twice_changes_sources_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "check.h"

#include "conf/words.h"

#include <string.h>

static void asns(void **state)
{
	static const struct {
		const char *in;
		bool good;
		uint32_t asn;
	} v[] = {
	    {"64500", true, 64500},
	    {"AS64500", true, 64500},
	    {"as64500", true, 64500},
	    {"1.10", true, 65546},
	    {"AS1.10", true, 65546},
	    {"0.1", true, 1},
	    {"65535.65535", true, UINT32_MAX},
	    {"4294967295", true, UINT32_MAX},
	    {"0", true, 0},
	    {"4294967296", false, 0},
	    {"18446744073709551617", false, 0},
	    {"65536.0", false, 0},
	    {"0.65536", false, 0},
	    {"1.2.3", false, 0},
	    {".1", false, 0},
	    {"1.", false, 0},
	    {"AS", false, 0},
	    {"", false, 0},
	    {"-1", false, 0},
	    {"+1", false, 0},
	    {"0x10", false, 0},
	    {"AS 1", false, 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof v / sizeof *v; i++) {
		uint32_t asn = 7;

		assert_true(
		    asn_parse(v[i].in, strlen(v[i].in), &asn) == v[i].good);
		assert_int_equal(asn, v[i].good ? v[i].asn : 7);
	}
}

static void durations(void **state)
{
	static const struct {
		const char *in;
		bool good;
		uint64_t s;
		const char *back;
	} v[] = {
	    {"90", true, 90, "1m30s"},
	    {"90s", true, 90, "1m30s"},
	    {"10m", true, 600, "10m"},
	    {"2h", true, 7200, "2h"},
	    {"1d", true, 86400, "1d"},
	    {"1h30m", true, 5400, "1h30m"},
	    {"1d2h3m4s", true, 93784, "1d2h3m4s"},
	    {"0", true, 0, "0s"},
	    {"", false, 0, NULL},
	    {"m", false, 0, NULL},
	    {"10x", false, 0, NULL},
	    {"10 m", false, 0, NULL},
	    {"1m1h", false, 0, NULL},
	    {"1h1h", false, 0, NULL},
	    {"1h30", false, 0, NULL},
	    {"-1s", false, 0, NULL},
	    {"99999999999d", false, 0, NULL},
	};

	(void)state;
	for (size_t i = 0; i < sizeof v / sizeof *v; i++) {
		uint64_t s = 7;
		char buf[32];

		assert_true(
		    seconds_parse(v[i].in, strlen(v[i].in), &s) == v[i].good);
		if (!v[i].good)
			continue;
		assert_int_equal(s, v[i].s);
		assert_string_equal(
		    seconds_format(s, buf, sizeof buf), v[i].back);
	}
}

static void the_nearest_word_is_meant(void **state)
{
	static const char *const words[] = {
	    "password", "passive", "port", "gtsm", "on", "off"};
	static const struct {
		const char *in;
		const char *meant;
	} v[] = {
	    {"passwrod", "password"},
	    {"pasword", "password"},
	    {"pasive", "passive"},
	    {"prot", "port"},
	    {"of", "off"},
	    {"gtms", "gtsm"},
	    {"x", NULL},
	    {"", NULL},
	    {"frobnicate", NULL},
	    {"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", NULL},
	};

	(void)state;
	for (size_t i = 0; i < sizeof v / sizeof *v; i++) {
		struct suggest s;

		suggest_init(&s, v[i].in, strlen(v[i].in));
		for (size_t k = 0; k < sizeof words / sizeof *words; k++)
			suggest_offer(&s, words[k]);
		if (v[i].meant) {
			assert_non_null(s.best);
			assert_string_equal(s.best, v[i].meant);
		} else {
			assert_null(s.best);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(asns),
	    cmocka_unit_test(durations),
	    cmocka_unit_test(the_nearest_word_is_meant),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "check.h"

#include "policy/bogon.h"

#include "make.h"

static void bogon_prefixes_at_their_edges(void **state)
{
	static const struct {
		const char *prefix;
		const char *list; /* NULL: no bogon */
	} t[] = {
	    {"0.0.0.0/8", "0.0.0.0/8"},
	    {"0.255.255.0/24", "0.0.0.0/8"},
	    {"1.0.0.0/8", NULL},
	    {"0.0.0.0/0", NULL}, /* its length refuses it */
	    {"9.255.255.0/24", NULL},
	    {"10.0.0.0/8", "10.0.0.0/8"},
	    {"10.255.255.0/24", "10.0.0.0/8"},
	    {"11.0.0.0/8", NULL},
	    {"8.0.0.0/5", NULL}, /* covers 10/8, is not inside it */
	    {"100.63.0.0/16", NULL},
	    {"100.64.0.0/10", "100.64.0.0/10"},
	    {"100.127.255.0/24", "100.64.0.0/10"},
	    {"100.128.0.0/16", NULL},
	    {"100.0.0.0/8", NULL},
	    {"126.0.0.0/8", NULL},
	    {"127.0.0.0/24", "127.0.0.0/8"},
	    {"128.0.0.0/16", NULL},
	    {"169.253.0.0/16", NULL},
	    {"169.254.0.0/16", "169.254.0.0/16"},
	    {"169.255.0.0/16", NULL},
	    {"172.15.0.0/16", NULL},
	    {"172.16.0.0/16", "172.16.0.0/12"},
	    {"172.31.255.0/24", "172.16.0.0/12"},
	    {"172.32.0.0/16", NULL},
	    {"192.0.0.0/24", "192.0.0.0/24"},
	    {"192.0.1.0/24", NULL},
	    {"192.0.2.0/24", "192.0.2.0/24"},
	    {"192.0.2.128/25", "192.0.2.0/24"},
	    {"192.0.3.0/24", NULL},
	    {"192.88.98.0/24", NULL},
	    {"192.88.99.0/24", "192.88.99.0/24"},
	    {"192.88.100.0/24", NULL},
	    {"192.167.0.0/16", NULL},
	    {"192.168.0.0/16", "192.168.0.0/16"},
	    {"192.169.0.0/16", NULL},
	    {"198.17.0.0/16", NULL},
	    {"198.18.0.0/15", "198.18.0.0/15"},
	    {"198.19.255.0/24", "198.18.0.0/15"},
	    {"198.20.0.0/16", NULL},
	    {"198.51.100.0/24", "198.51.100.0/24"},
	    {"198.51.101.0/24", NULL},
	    {"203.0.113.0/24", "203.0.113.0/24"},
	    {"203.0.112.0/24", NULL},
	    {"203.0.112.0/23", NULL},
	    {"223.255.255.0/24", NULL},
	    {"224.0.0.0/4", "224.0.0.0/4"},
	    {"239.255.255.0/24", "224.0.0.0/4"},
	    {"240.0.0.0/4", "240.0.0.0/4"},
	    {"255.255.255.255/32", "240.0.0.0/4"},
	    {"::/0", "outside 2000::/3"},
	    {"::/8", "::/8"},
	    {"::1/128", "::/8"},
	    {"::ffff:0:0/96", "::/8"},
	    {"64:ff9b::/96", "64:ff9b::/32"},
	    {"64:ff9b:1::/48", "64:ff9b::/32"},
	    {"100::/64", "100::/64"},
	    {"100:0:0:1::/64", "outside 2000::/3"},
	    {"1fff:ffff::/32", "outside 2000::/3"},
	    {"2000::/3", NULL},
	    {"2001:1::/32", NULL},
	    {"2001:2::/48", "2001:2::/48"},
	    {"2001:2:1::/48", NULL},
	    {"2001:10::/28", "2001:10::/28"},
	    {"2001:1f:ffff::/48", "2001:10::/28"},
	    {"2001:20::/28", "2001:20::/28"},
	    {"2001:30::/28", NULL},
	    {"2001:db7::/32", NULL},
	    {"2001:db8::/32", "2001:db8::/32"},
	    {"2001:db8:ffff::/48", "2001:db8::/32"},
	    {"2001:db9::/32", NULL},
	    {"2001:db8::/31", NULL},
	    {"2002::/16", "2002::/16"},
	    {"2002:a00::/24", "2002::/16"},
	    {"2003::/19", NULL},
	    {"2a00::/12", NULL},
	    {"3ffd::/16", NULL},
	    {"3ffe::/24", "3ffe::/16"},
	    {"3fff::/20", "3fff::/20"},
	    {"3fff:fff::/32", "3fff::/20"},
	    {"3fff:1000::/20", NULL},
	    {"4000::/3", "outside 2000::/3"},
	    {"5f00::/24", "5f00::/16"},
	    {"fc00::/7", "fc00::/7"},
	    {"fd12:3456::/32", "fc00::/7"},
	    {"fe80::/10", "fe80::/10"},
	    {"fec0::/10", "fec0::/10"},
	    {"ff02::/16", "ff00::/8"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof t / sizeof t[0]; i++) {
		struct prefix p = prefix_from(t[i].prefix);
		const char *list = NULL;
		const char *why = bogon_prefix(&p, &list);

		if (!!why != !!t[i].list ||
		    (why && strcmp(list, t[i].list) != 0))
			fail_msg("%s: %s", t[i].prefix, list ? list : "none");
	}
}

static void bogon_asns_at_their_edges(void **state)
{
	static const struct {
		uint32_t asn;
		const char *why;
	} t[] = {
	    {0, "never valid (RFC 7607)"},
	    {1, NULL},
	    {23455, NULL},
	    {23456, "AS_TRANS, a placeholder (RFC 6793)"},
	    {23457, NULL},
	    {64495, NULL},
	    {64496, "for documentation (RFC 5398)"},
	    {64511, "for documentation (RFC 5398)"},
	    {64512, "private (RFC 6996)"},
	    {65534, "private (RFC 6996)"},
	    {65535, "reserved (RFC 7300)"},
	    {65536, "for documentation (RFC 5398)"},
	    {65551, "for documentation (RFC 5398)"},
	    {65552, "reserved by IANA"},
	    {131071, "reserved by IANA"},
	    {131072, NULL},
	    {4199999999, NULL},
	    {4200000000, "private (RFC 6996)"},
	    {4294967294, "private (RFC 6996)"},
	    {4294967295, "reserved (RFC 7300)"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof t / sizeof t[0]; i++) {
		const char *why = bogon_asn(t[i].asn);

		assert_int_equal(!!why, !!t[i].why);
		if (why)
			assert_string_equal(why, t[i].why);
	}
}

static void the_transit_free_list_is_sorted(void **state)
{
	size_t n;
	const uint32_t *list = bogon_transit_free(&n);

	(void)state;
	assert_true(n > 10);
	for (size_t i = 1; i < n; i++)
		assert_true(list[i - 1] < list[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(bogon_prefixes_at_their_edges),
	    cmocka_unit_test(bogon_asns_at_their_edges),
	    cmocka_unit_test(the_transit_free_list_is_sorted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

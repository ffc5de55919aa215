/* Well-formed UPDATEs: what comes out, and in which form. */
#include "update_help.h"

static struct sample s;
static struct bgp_rules rules;

static int setup(void **state)
{
	(void)state;
	sample_init(&s);
	rules = RULES_V4;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	sample_done(&s);
	return 0;
}

static void typical_route(void **state)
{
	(void)state;
	sample_parse(&s, EMPTY,
	    LITERAL(MANDATORY, 0x80, 4, 4, 0, 0, 0, 50, 0xc0, 8, 8, 0xfb, 0xf5,
		0, 1, 0xff, 0xff, 0xff, 1),
	    LITERAL(NLRI_203, 22, 198, 51, 100), &rules);
	assert_int_equal(s.u.harm, BGP_FINE);
	assert_int_equal(s.u.attrs.origin, 0);
	assert_int_equal(s.u.attrs.med, 50);
	assert_bytes(s.u.attrs.as_path, LITERAL(2, 1, 0, 0, 0xfb, 0xf5));
	assert_bytes(s.u.attrs.communities,
	    LITERAL(0xfb, 0xf5, 0, 1, 0xff, 0xff, 0xff, 1));
	assert_int_equal(s.u.next_hop_len[0], 4);
	assert_bytes(
	    (struct bytes){s.u.next_hop[0], 4}, LITERAL(192, 0, 2, 11));
	/* What is relayed: the same without NEXT_HOP. */
	assert_bytes(s.u.attrs.wire,
	    LITERAL(ORIGIN_IGP, PATH_64501, 0x80, 4, 4, 0, 0, 0, 50, 0xc0, 8, 8,
		0xfb, 0xf5, 0, 1, 0xff, 0xff, 0xff, 1));
	assert_int_equal(s.u.attrs.next_hop_at, 4 + 9);
	assert_true(s.u.attrs.has ==
		    (BGP_HAS(1) | BGP_HAS(2) | BGP_HAS(4) | BGP_HAS(8)));
	assert_true(s.u.attrs.discarded == 0);
	assert_false(s.u.end_of_rib);

	struct bgp_prefix p;
	char text[PREFIX_TEXT];
	assert_true(bgp_nlri_next(&s.u.reach[0], &p));
	assert_string_equal(prefix_format(&p.prefix, text), "203.0.113.0/24");
	assert_true(bgp_nlri_next(&s.u.reach[0], &p));
	assert_string_equal(prefix_format(&p.prefix, text), "198.51.100.0/22");
	assert_false(bgp_nlri_next(&s.u.reach[0], &p));
	assert_int_equal(s.u.withdrawn[0].wire.n, 0);
}

static void order_flags_and_lengths_become_canonical(void **state)
{
	struct bytes clean;

	(void)state;
	/* Backwards, long length fields, dirty low bits, Partial on ORIGIN. */
	sample_parse(&s, EMPTY,
	    LITERAL(0xdf, 8, 0, 4, 0xfb, 0xf5, 0, 1, 0x9f, 4, 0, 4, 0, 0, 0, 50,
		NEXT_HOP_11, 0x5f, 2, 0, 6, 2, 1, 0, 0, 0xfb, 0xf5, 0x6f, 1, 1,
		0),
	    LITERAL(NLRI_203), &rules);
	assert_int_equal(s.u.harm, BGP_FINE);
	clean = LITERAL(ORIGIN_IGP, PATH_64501, 0x80, 4, 4, 0, 0, 0, 50, 0xc0,
	    8, 4, 0xfb, 0xf5, 0, 1);
	assert_bytes(s.u.attrs.wire, clean);
}

static void partial_stays_on_communities(void **state)
{
	(void)state;
	sample_parse(&s, EMPTY,
	    LITERAL(MANDATORY, 0xe0, 8, 4, 0xfb, 0xf5, 0, 1), LITERAL(NLRI_203),
	    &rules);
	assert_bytes(s.u.attrs.wire,
	    LITERAL(ORIGIN_IGP, PATH_64501, 0xe0, 8, 4, 0xfb, 0xf5, 0, 1));
}

static void unknown_attributes_by_rule(void **state)
{
	struct bytes attrs =
	    LITERAL(MANDATORY, 0xcf, 200, 2, 7, 8, 0x80, 201, 1, 9);

	(void)state;
	/* 200 is optional transitive, 201 is not: that one never goes on. */
	sample_parse(&s, EMPTY, attrs, LITERAL(NLRI_203), &rules);
	assert_int_equal(s.u.harm, BGP_FINE);
	assert_bytes(s.u.attrs.wire,
	    LITERAL(ORIGIN_IGP, PATH_64501, 0xe0, 200, 2, 7, 8));
	assert_true(s.u.attrs.discarded == BGP_HAS(63));

	rules.unknown = BGP_UNKNOWN_DISCARD;
	sample_parse(&s, EMPTY, attrs, LITERAL(NLRI_203), &rules);
	assert_int_equal(s.u.harm, BGP_DISCARD);
	assert_int_equal(s.u.fault, BGP_FAULT_UNKNOWN);
	assert_bytes(s.u.attrs.wire, LITERAL(ORIGIN_IGP, PATH_64501));

	rules.unknown = BGP_UNKNOWN_WITHDRAW;
	sample_parse(&s, EMPTY, attrs, LITERAL(NLRI_203), &rules);
	assert_int_equal(s.u.harm, BGP_WITHDRAW);
	assert_int_equal(s.u.fault_attr, 200);
	assert_int_equal(s.u.reach[0].wire.n, 4);
	/* Nothing reachable: nothing to withdraw, and no reset (s5.2). */
	sample_parse(&s, LITERAL(NLRI_203), attrs, EMPTY, &rules);
	assert_int_equal(s.u.harm, BGP_DISCARD);
	assert_int_equal(s.u.withdrawn[0].wire.n, 4);
}

static void unwanted_attributes_are_left_out(void **state)
{
	static const uint8_t codes[] = {5, 9, 10, 11, 12, 13, 17, 18, 19, 20,
	    21, 22, 23, 24, 26, 27, 28, 29, 30, 31, 33, 36, 37, 38, 40, 128,
	    129, 241, 242, 243, 0, 255};

	(void)state;
	for (size_t i = 0; i < sizeof codes; i++) {
		uint8_t attrs[] = {MANDATORY, 0xc0, codes[i], 3, 1, 2, 3};

		/* Whatever is in it: nobody looks. */
		sample_parse(&s, EMPTY, (struct bytes){attrs, sizeof attrs},
		    LITERAL(NLRI_203), &rules);
		assert_int_equal(s.u.harm, BGP_DISCARD);
		assert_int_equal(s.u.fault, BGP_FAULT_UNWANTED);
		assert_int_equal(s.u.fault_attr, codes[i]);
		assert_bytes(s.u.attrs.wire, LITERAL(ORIGIN_IGP, PATH_64501));
		assert_true(s.u.attrs.discarded ==
			    BGP_HAS(codes[i] < 63 ? codes[i] : 63));
		assert_non_null(bgp_attr_name(codes[i]));
	}
}

static void internal_peers_keep_local_pref(void **state)
{
	(void)state;
	rules.internal = true;
	sample_parse(&s, EMPTY, LITERAL(MANDATORY, 0x40, 5, 4, 0, 0, 0, 100),
	    LITERAL(NLRI_203), &rules);
	assert_int_equal(s.u.harm, BGP_FINE);
	assert_true(s.u.attrs.has & BGP_HAS(5));
	sample_parse(&s, EMPTY, LITERAL(MANDATORY), LITERAL(NLRI_203), &rules);
	assert_int_equal(s.u.harm, BGP_WITHDRAW);
	assert_int_equal(s.u.fault, BGP_FAULT_MISSING);
	assert_int_equal(s.u.fault_attr, 5);
}

#define V6_A 0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x11
#define V6_LL 0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x11

static void v6_with_both_next_hops(void **state)
{
	struct bgp_prefix p;
	char text[PREFIX_TEXT];

	(void)state;
	sample_parse(&s, EMPTY,
	    LITERAL(0x80, 14, 42, 0, 2, 1, 32, V6_A, V6_LL, 0, 32, 0x20, 1, 0xd,
		0xb8, ORIGIN_IGP, PATH_64501),
	    EMPTY, &rules);
	assert_int_equal(s.u.harm, BGP_FINE);
	assert_int_equal(s.u.next_hop_len[1], 32);
	assert_bytes((struct bytes){s.u.next_hop[1], 32}, LITERAL(V6_A, V6_LL));
	assert_true(bgp_nlri_next(&s.u.reach[1], &p));
	assert_string_equal(prefix_format(&p.prefix, text), "2001:db8::/32");
	assert_false(bgp_nlri_next(&s.u.reach[1], &p));
	assert_bytes(s.u.attrs.wire, LITERAL(ORIGIN_IGP, PATH_64501));

	/* A second next hop that is not link-local says nothing. */
	sample_parse(&s, EMPTY,
	    LITERAL(0x80, 14, 42, 0, 2, 1, 32, V6_A, V6_A, 0, 32, 0x20, 1, 0xd,
		0xb8, ORIGIN_IGP, PATH_64501),
	    EMPTY, &rules);
	assert_int_equal(s.u.harm, BGP_FINE);
	assert_int_equal(s.u.next_hop_len[1], 16);
}

static void v4_with_v6_next_hop_as_negotiated(void **state)
{
	struct bytes attrs = LITERAL(0x80, 14, 25, 0, 1, 1, 16, V6_A, 0,
	    NLRI_203, ORIGIN_IGP, PATH_64501);

	(void)state;
	rules.next_hop6 = BGP_FAMILY(FAMILY_IPV4);
	sample_parse(&s, EMPTY, attrs, EMPTY, &rules);
	assert_int_equal(s.u.harm, BGP_FINE);
	assert_int_equal(s.u.reach[1].family, FAMILY_IPV4);
	assert_int_equal(s.u.next_hop_len[1], 16);
	rules.next_hop6 = 0;
	sample_parse(&s, EMPTY, attrs, EMPTY, &rules);
	assert_int_equal(s.u.harm, BGP_RESET);
	assert_int_equal(s.u.fault, BGP_FAULT_MP_NEXT_HOP);
	assert_int_equal(s.u.notify.code, BGP_ERR_UPDATE);
	assert_int_equal(s.u.notify.subcode, 9);
}

static void next_hop_beside_mp_reach_is_ignored(void **state)
{
	(void)state;
	sample_parse(&s, EMPTY,
	    LITERAL(0x80, 14, 26, 0, 2, 1, 16, V6_A, 0, 32, 0x20, 1, 0xd, 0xb8,
		ORIGIN_IGP, PATH_64501, 0x40, 3, 3, 0, 0, 0),
	    EMPTY, &rules);
	assert_int_equal(s.u.harm, BGP_FINE);
	assert_int_equal(s.u.next_hop_len[0], 0);
	assert_bytes(s.u.attrs.wire, LITERAL(ORIGIN_IGP, PATH_64501));
}

static void end_of_rib_both_ways(void **state)
{
	uint8_t msg[64];

	(void)state;
	for (enum family f = 0; f < FAMILY_COUNT; f++) {
		struct wr w = wr_from(msg, sizeof msg);

		bgp_end_of_rib_write(&w, f);
		sample_parse_body(
		    &s, msg + BGP_HEADER, wr_len(&w) - BGP_HEADER, &rules);
		assert_int_equal(s.u.harm, BGP_FINE);
		assert_true(s.u.end_of_rib);
		assert_int_equal(s.u.end_of_rib_family, f);
	}
	/* IPv4's as an MP_UNREACH_NLRI is one as well. */
	sample_parse(&s, EMPTY, LITERAL(0x80, 15, 3, 0, 1, 1), EMPTY, &rules);
	assert_true(s.u.end_of_rib);
	/* With anything beside it, it is not. */
	sample_parse(&s, LITERAL(NLRI_203), LITERAL(0x80, 15, 3, 0, 2, 1),
	    EMPTY, &rules);
	assert_false(s.u.end_of_rib);
	sample_parse(&s, EMPTY, LITERAL(ORIGIN_IGP, 0x80, 15, 3, 0, 2, 1),
	    EMPTY, &rules);
	assert_false(s.u.end_of_rib);
	sample_parse(&s, LITERAL(NLRI_203), EMPTY, EMPTY, &rules);
	assert_false(s.u.end_of_rib);
	/* Of a family that was not negotiated: neither. */
	rules.families = BGP_FAMILY(FAMILY_IPV4);
	sample_parse(&s, EMPTY, LITERAL(0x80, 15, 3, 0, 2, 1), EMPTY, &rules);
	assert_false(s.u.end_of_rib);
}

static void families_not_negotiated_are_ignored(void **state)
{
	(void)state;
	/* VPNv4, with a malformed ORIGIN: not our routes, no reset. */
	sample_parse(&s, EMPTY,
	    LITERAL(0x80, 14, 20, 0, 1, 128, 12, 0, 0, 0, 0, 0, 0, 0, 0, 192, 0,
		2, 11, 0, 88, 1, 1, ORIGIN_IGP, PATH_64501),
	    EMPTY, &rules);
	assert_int_equal(s.u.harm, BGP_DISCARD);
	assert_int_equal(s.u.fault, BGP_FAULT_FAMILY);
	assert_int_equal(s.u.reach[1].wire.n, 0);

	rules.families = BGP_FAMILY(FAMILY_IPV6);
	sample_parse(&s, LITERAL(NLRI_203), LITERAL(MANDATORY),
	    LITERAL(NLRI_203), &rules);
	assert_int_equal(s.u.harm, BGP_DISCARD);
	assert_int_equal(s.u.withdrawn[0].wire.n, 0);
	assert_int_equal(s.u.reach[0].wire.n, 0);
}

static void path_ids_are_read(void **state)
{
	struct bgp_prefix p;
	char text[PREFIX_TEXT];

	(void)state;
	rules.add_path = BGP_FAMILY(FAMILY_IPV4);
	sample_parse(&s, LITERAL(1, 2, 3, 4, 0), LITERAL(MANDATORY),
	    LITERAL(0, 0, 0, 7, NLRI_203, 0, 0, 0, 8, 32, 198, 51, 100, 1),
	    &rules);
	assert_int_equal(s.u.harm, BGP_FINE);
	assert_true(bgp_nlri_next(&s.u.withdrawn[0], &p));
	assert_int_equal(p.path_id, 0x01020304);
	assert_string_equal(prefix_format(&p.prefix, text), "0.0.0.0/0");
	assert_true(bgp_nlri_next(&s.u.reach[0], &p));
	assert_int_equal(p.path_id, 7);
	assert_true(bgp_nlri_next(&s.u.reach[0], &p));
	assert_int_equal(p.path_id, 8);
	assert_string_equal(prefix_format(&p.prefix, text), "198.51.100.1/32");
	assert_false(bgp_nlri_next(&s.u.reach[0], &p));
}

static void bits_beyond_the_length_do_not_matter(void **state)
{
	struct bgp_prefix p;
	char text[PREFIX_TEXT];

	(void)state;
	sample_parse(&s, EMPTY,
	    LITERAL(MANDATORY, 0x80, 14, 31, 0, 2, 1, 16, V6_A, 0, 33, 0x20, 1,
		0xd, 0xb8, 0xff, 3, 0xff, 0, 0xff),
	    LITERAL(0, 1, 0xff, 9, 0xff, 0xff, 23, 203, 0, 113, 31, 203, 0, 113,
		255),
	    &rules);
	assert_int_equal(s.u.harm, BGP_RESET); /* the last /0 has a byte more */

	sample_parse(&s, EMPTY,
	    LITERAL(MANDATORY, 0x80, 14, 29, 0, 2, 1, 16, V6_A, 0, 33, 0x20, 1,
		0xd, 0xb8, 0xff, 3, 0xff),
	    LITERAL(0, 1, 0xff, 9, 0xff, 0xff, 23, 203, 0, 113, 31, 203, 0, 113,
		255),
	    &rules);
	assert_int_equal(s.u.harm, BGP_FINE);
	static const char *const v4[] = {"0.0.0.0/0", "128.0.0.0/1",
	    "255.128.0.0/9", "203.0.112.0/23", "203.0.113.254/31"};
	for (size_t i = 0; i < 5; i++) {
		assert_true(bgp_nlri_next(&s.u.reach[0], &p));
		assert_string_equal(prefix_format(&p.prefix, text), v4[i]);
	}
	assert_true(bgp_nlri_next(&s.u.reach[1], &p));
	assert_string_equal(
	    prefix_format(&p.prefix, text), "2001:db8:8000::/33");
	assert_true(bgp_nlri_next(&s.u.reach[1], &p));
	assert_string_equal(prefix_format(&p.prefix, text), "e000::/3");
}

static void two_byte_peers_are_widened(void **state)
{
	(void)state;
	rules.as4 = false;
	/* 64501 23456 64502, and the last two as 4-byte ones. */
	sample_parse(&s, EMPTY,
	    LITERAL(ORIGIN_IGP, 0x40, 2, 8, 2, 3, 0xfb, 0xf5, 0x5b, 0xa0, 0xfb,
		0xf6, NEXT_HOP_11, 0xc0, 7, 6, 0x5b, 0xa0, 192, 0, 2, 9, 0xc0,
		17, 10, 2, 2, 0, 3, 0, 1, 0, 0, 0xfb, 0xf6, 0xc0, 18, 8, 0, 3,
		0, 1, 192, 0, 2, 10),
	    LITERAL(NLRI_203), &rules);
	assert_int_equal(s.u.harm, BGP_FINE);
	assert_bytes(s.u.attrs.wire,
	    LITERAL(ORIGIN_IGP, 0x40, 2, 14, 2, 3, 0, 0, 0xfb, 0xf5, 0, 3, 0, 1,
		0, 0, 0xfb, 0xf6, 0xc0, 7, 8, 0, 3, 0, 1, 192, 0, 2, 10));
	assert_true(s.u.attrs.has == (BGP_HAS(1) | BGP_HAS(2) | BGP_HAS(7)));
}

static void old_as4_information_is_ignored(void **state)
{
	(void)state;
	rules.as4 = false;
	/* AGGREGATOR is not AS_TRANS: somebody aggregated since. */
	sample_parse(&s, EMPTY,
	    LITERAL(ORIGIN_IGP, 0x40, 2, 4, 2, 1, 0x5b, 0xa0, NEXT_HOP_11, 0xc0,
		7, 6, 0xfb, 0xf5, 192, 0, 2, 9, 0xc0, 17, 6, 2, 1, 0, 3, 0, 1,
		0xc0, 18, 8, 0, 3, 0, 1, 192, 0, 2, 10),
	    LITERAL(NLRI_203), &rules);
	assert_bytes(s.u.attrs.wire,
	    LITERAL(ORIGIN_IGP, 0x40, 2, 6, 2, 1, 0, 0, 0x5b, 0xa0, 0xc0, 7, 8,
		0, 0, 0xfb, 0xf5, 192, 0, 2, 9));
	/* AS4_PATH longer than AS_PATH. */
	sample_parse(&s, EMPTY,
	    LITERAL(ORIGIN_IGP, 0x40, 2, 4, 2, 1, 0x5b, 0xa0, NEXT_HOP_11, 0xc0,
		17, 10, 2, 2, 0, 3, 0, 1, 0, 3, 0, 2),
	    LITERAL(NLRI_203), &rules);
	assert_bytes(s.u.attrs.wire,
	    LITERAL(ORIGIN_IGP, 0x40, 2, 6, 2, 1, 0, 0, 0x5b, 0xa0));
}

static void large_communities_are_unique(void **state)
{
	static uint8_t attrs[8000];
	static uint8_t values[6000];
	static const uint8_t head[] = {MANDATORY};
	struct wr w = wr_from(attrs, sizeof attrs);

	(void)state;
	/* RFC 8092 s2: redundant ones are silently removed. */
	sample_parse(&s, EMPTY,
	    LITERAL(MANDATORY, 0xc0, 32, 48, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3,
		0, 0, 0, 9, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 1, 0, 0, 0, 2, 0,
		0, 0, 3, 0, 0, 0, 9, 0, 0, 0, 2, 0, 0, 0, 3),
	    LITERAL(NLRI_203), &rules);
	assert_int_equal(s.u.harm, BGP_FINE);
	assert_bytes(
	    s.u.attrs.large, LITERAL(0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0,
				 0, 9, 0, 0, 0, 2, 0, 0, 0, 3));
	/* Many: 500, of which 100 are different. */
	for (unsigned i = 0; i < 500; i++)
		values[i * 12 + 11] = (uint8_t)(i % 100);
	wr_bytes(&w, head, sizeof head);
	bgp_attr_write(&w, 0xc0, ATTR_LARGE, (struct bytes){values, 6000});
	sample_parse(&s, EMPTY, (struct bytes){attrs, wr_len(&w)},
	    LITERAL(NLRI_203), &rules);
	assert_int_equal(s.u.harm, BGP_FINE);
	assert_bytes(s.u.attrs.large, (struct bytes){values, 1200});
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(typical_route),
	    TEST(order_flags_and_lengths_become_canonical),
	    TEST(partial_stays_on_communities),
	    TEST(unknown_attributes_by_rule),
	    TEST(unwanted_attributes_are_left_out),
	    TEST(internal_peers_keep_local_pref),
	    TEST(v6_with_both_next_hops),
	    TEST(v4_with_v6_next_hop_as_negotiated),
	    TEST(next_hop_beside_mp_reach_is_ignored),
	    TEST(end_of_rib_both_ways),
	    TEST(families_not_negotiated_are_ignored),
	    TEST(path_ids_are_read),
	    TEST(bits_beyond_the_length_do_not_matter),
	    TEST(two_byte_peers_are_widened),
	    TEST(old_as4_information_is_ignored),
	    TEST(large_communities_are_unique),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

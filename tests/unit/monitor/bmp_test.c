/* BMP messages against bytes written down by hand from the RFCs. */
#include "check.h"

#include "monitor/bmp.h"

#include <stdlib.h>

static uint8_t buf[1024];

static const struct bmp_peer peer4 = {
    .flags = BMP_FLAG_POST_POLICY,
    .addr = {.family = FAMILY_IPV4, .b = {192, 0, 2, 11}},
    .asn = 64501,
    .id = 0x0a000001,
    .time_us = 1000000 * 3 + 5,
};

#define PEER4                                                                  \
	0, 0x40, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,   \
	    192, 0, 2, 11, 0, 0, 0xfb, 0xf5, 10, 0, 0, 1, 0, 0, 0, 3, 0, 0, 0, \
	    5
#define LOC_RIB                                                                \
	3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,   \
	    0, 0, 0, 0, 0, 0xfb, 0xf4, 192, 0, 2, 1, 0, 0, 0, 0, 0, 0, 0, 0

static void same(const struct wr *w, const uint8_t *want, size_t n)
{
	assert_true(wr_ok(w));
	assert_int_equal(wr_len(w), n);
	assert_memory_equal(buf, want, n);
}

static void initiation_and_termination(void **state)
{
	static const uint8_t want[] = {3, 0, 0, 0, 16, 4, 0, 1, 0, 2, 'd', 'e',
	    0, 2, 0, 0, 3, 0, 0, 0, 12, 5, 0, 1, 0, 2, 0, 2};
	struct wr w = wr_from(buf, sizeof buf);

	(void)state;
	bmp_initiation(&w, "", "de", NULL);
	bmp_termination(&w, BMP_END_RESOURCES);
	same(&w, want, sizeof want);
}

static void peer_up_has_both_opens(void **state)
{
	static const uint8_t open[] = {1, 2, 3};
	static const uint8_t want[] = {3, 0, 0, 0, 79, 3, PEER4, 0, 0, 0, 0, 0,
	    0, 0, 0, 0, 0, 0, 0, 192, 0, 2, 1, 0, 179, 4, 0, 1, 2, 3, 1, 2, 0,
	    0, 0, 2, 'A', 'b'};
	struct wr w = wr_from(buf, sizeof buf);
	struct bmp_up up = {
	    .local = {.family = FAMILY_IPV4, .b = {192, 0, 2, 1}},
	    .local_port = 179,
	    .remote_port = 1024,
	    .sent = {open, 3},
	    .received = {open, 2},
	    .text = "Ab",
	};

	(void)state;
	bmp_peer_up(&w, &peer4, &up);
	same(&w, want, sizeof want);
}

static void loc_rib_has_its_name(void **state)
{
	static const uint8_t want[] = {3, 0, 0, 0, 78, 3, LOC_RIB, 0, 0, 0, 0,
	    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9, 9, 0, 3, 0, 4,
	    'm', 'a', 'i', 'n', 3, 0, 0, 0, 57, 2, LOC_RIB, 6, 0, 3, 0, 4, 'm',
	    'a', 'i', 'n'};
	static const uint8_t open[] = {9};
	struct bmp_peer p = {
	    .type = BMP_PEER_LOC_RIB, .asn = 64500, .id = 0xc0000201};
	struct bmp_up up = {
	    .sent = {open, 1}, .received = {open, 1}, .table = "main"};
	struct wr w = wr_from(buf, sizeof buf);

	(void)state;
	bmp_peer_up(&w, &p, &up);
	bmp_loc_rib_down(&w, &p, "main");
	same(&w, want, sizeof want);
}

static void an_ipv6_peer_is_flagged(void **state)
{
	struct bmp_peer p = {.addr = {.family = FAMILY_IPV6,
				 .b = {0x20, 1, 0xd, 0xb8, [15] = 7}}};
	struct wr w = wr_from(buf, sizeof buf);

	(void)state;
	bmp_peer_down(&w, &p, BMP_DOWN_LOST, (struct bytes){NULL, 0});
	assert_int_equal(wr_len(&w), 49);
	assert_int_equal(buf[4], 49);
	assert_int_equal(buf[5], 2);
	assert_int_equal(buf[7], BMP_FLAG_IPV6);
	assert_memory_equal(buf + 16, p.addr.b, 16);
	assert_int_equal(buf[48], BMP_DOWN_LOST);
}

static void routes_and_statistics(void **state)
{
	static const uint8_t want[] = {3, 0, 0, 0, 50, 0, PEER4, 7, 8, 3, 0, 0,
	    0, 87, 1, PEER4, 0, 0, 0, 3, 0, 0, 0, 4, 0, 0, 0, 6, 0, 7, 0, 8, 0,
	    0, 0, 1, 0, 0, 0, 2, 0, 9, 0, 11, 0, 2, 1, 0, 0, 0, 0, 0, 0, 0, 5};
	struct wr w = wr_from(buf, sizeof buf);
	uint8_t *m;
	struct bmp_stats s;

	(void)state;
	m = bmp_route_open(&w, &peer4);
	wr_u8(&w, 7);
	wr_u8(&w, 8);
	bmp_close(&w, m);
	bmp_stats_open(&s, &w, &peer4);
	bmp_stats_u32(&s, BMP_STAT_REJECTED, 6);
	bmp_stats_u64(&s, BMP_STAT_ADJ_RIB_IN, (1ull << 32) + 2);
	bmp_stats_family(&s, BMP_STAT_ADJ_RIB_IN_OF, FAMILY_IPV6, 5);
	bmp_stats_close(&s);
	same(&w, want, sizeof want);
}

static void without_room_nothing_is_made(void **state)
{
	struct bmp_up up = {.text = "x"};

	(void)state;
	for (size_t n = 0; n < 73; n++) {
		uint8_t *exact = malloc(n + !n); /* ASan guards the end */
		struct wr w = wr_from(exact, n);

		assert_non_null(exact);
		bmp_peer_up(&w, &peer4, &up);
		assert_false(wr_ok(&w));
		free(exact);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(initiation_and_termination),
	    cmocka_unit_test(peer_up_has_both_opens),
	    cmocka_unit_test(loc_rib_has_its_name),
	    cmocka_unit_test(an_ipv6_peer_is_flagged),
	    cmocka_unit_test(routes_and_statistics),
	    cmocka_unit_test(without_room_nothing_is_made),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

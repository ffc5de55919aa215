/* A FEED_UP from a session role that was taken over. */
#include "check.h"

#include "bgp/feed.h"

#include <stdlib.h>
#include <string.h>

static void what_is_sound_stays(void **state)
{
	struct feed_up up = {
	    .peer = {.family = FAMILY_IPV6, .b = {0x20, 1}},
	    .asn = 64501,
	    .families = 3,
	    .add_path_rx = 2,
	    .as4 = true,
	    .open = {.asn = 64501, .gr = true, .gr_families = 1},
	};
	struct feed_up got;

	(void)state;
	assert_true(feed_up_take(&up, sizeof up, &got));
	assert_true(ip_eq(&got.peer, &up.peer));
	assert_int_equal(got.asn, 64501);
	assert_int_equal(got.families, 3);
	assert_int_equal(got.add_path_rx, 2);
	assert_true(got.as4 && got.open.gr && !got.open.gr_restarting);
	assert_int_equal(got.open.gr_families, 1);
}

static void any_bytes_become_values_of_their_type(void **state)
{
	struct feed_up got;

	(void)state;
	for (unsigned byte = 2; byte < 256; byte++) {
		uint8_t raw[sizeof got];
		struct ip v4 = {.family = FAMILY_IPV4};

		memset(raw, (int)byte, sizeof raw);
		memcpy(raw + offsetof(struct feed_up, peer), &v4, sizeof v4);
		memcpy(raw + offsetof(struct feed_up, local), &v4, sizeof v4);
		assert_true(feed_up_take(raw, sizeof raw, &got));
		/* UBSan watches how these are read. */
		assert_true(got.as4 && got.extended && got.refresh);
		assert_true(got.enhanced_refresh && got.open.has_role);
		assert_true(got.open.gr && got.open.mp && got.open.as4);
		assert_int_equal(got.families, byte & 3);
		assert_int_equal(got.open.llgr_families, byte & 3);
	}
}

static void what_is_none_is_refused(void **state)
{
	struct feed_up up = {.families = 1};
	struct feed_up got;

	(void)state;
	for (size_t n = 0; n < sizeof up; n++) {
		uint8_t *exact = malloc(n + !n); /* ASan guards the end */

		memcpy(exact, &up, n);
		assert_false(feed_up_take(exact, n, &got));
		free(exact);
	}
	up.peer.family = FAMILY_COUNT;
	assert_false(feed_up_take(&up, sizeof up, &got));
}

static void opens_are_two_whole_messages(void **state)
{
	uint8_t data[512];
	struct wr w = wr_from(data, sizeof data);
	struct bgp_open open = {.asn = 64500, .hold_s = 90, .id = 1};
	struct feed_opens o = {.local_port = 179, .remote_port = 1024};
	struct bytes sent, received;

	(void)state;
	(void)wr_take(&w, sizeof o);
	bgp_open_write(&w, &open);
	o.n_sent = (uint16_t)(wr_len(&w) - sizeof o);
	open.asn = 64501;
	open.mp = open.as4 = true;
	open.families = 3;
	bgp_open_write(&w, &open);
	o.n_received = (uint16_t)(wr_len(&w) - sizeof o - o.n_sent);
	memcpy(data, &o, sizeof o);
	assert_true(feed_opens_take(data, wr_len(&w), &o, &sent, &received));
	assert_int_equal(sent.n, o.n_sent);
	assert_int_equal(received.n, o.n_received);
	assert_int_equal(o.local_port, 179);
	for (size_t n = 0; n < wr_len(&w); n++) {
		uint8_t *exact = malloc(n + !n); /* ASan guards the end */

		assert_non_null(exact);
		memcpy(exact, data, n);
		assert_false(feed_opens_take(exact, n, &o, &sent, &received));
		free(exact);
	}
	data[sizeof o + 18] = BGP_UPDATE;
	assert_false(feed_opens_take(data, wr_len(&w), &o, &sent, &received));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(what_is_sound_stays),
	    cmocka_unit_test(any_bytes_become_values_of_their_type),
	    cmocka_unit_test(what_is_none_is_refused),
	    cmocka_unit_test(opens_are_two_whole_messages),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

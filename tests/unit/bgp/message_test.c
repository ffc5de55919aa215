/* Header, KEEPALIVE, ROUTE-REFRESH, NOTIFICATION and its words. */
#include "update_help.h"

static const uint8_t *head_of(unsigned n, unsigned type)
{
	static uint8_t head[BGP_HEADER];

	memset(head, 0xff, 16);
	head[16] = (uint8_t)(n >> 8);
	head[17] = (uint8_t)n;
	head[18] = (uint8_t)type;
	return head;
}

static void expect_head(unsigned n, unsigned type, size_t max, int subcode)
{
	enum bgp_type got = 0;
	struct bgp_notify no = {0};
	size_t len = bgp_header(head_of(n, type), max, &got, &no);

	if (!subcode) {
		assert_int_equal(len, n);
		assert_int_equal(got, type);
		return;
	}
	assert_int_equal(len, 0);
	assert_int_equal(no.code, BGP_ERR_HEADER);
	assert_int_equal(no.subcode, subcode);
	if (subcode == 2) { /* the data is the bad length */
		assert_int_equal(no.len, 2);
		assert_int_equal(no.data[0] << 8 | no.data[1], n);
	} else {
		assert_int_equal(no.len, 1);
		assert_int_equal(no.data[0], type);
	}
}

static void header_lengths_and_types(void **state)
{
	(void)state;
	expect_head(29, BGP_OPEN, BGP_MAX, 0);
	expect_head(28, BGP_OPEN, BGP_MAX, 2);
	expect_head(23, BGP_UPDATE, BGP_MAX, 0);
	expect_head(22, BGP_UPDATE, BGP_MAX, 2);
	expect_head(4096, BGP_UPDATE, BGP_MAX, 0);
	expect_head(4097, BGP_UPDATE, BGP_MAX, 2);
	expect_head(4097, BGP_UPDATE, BGP_MAX_EXTENDED, 0);
	expect_head(65535, BGP_UPDATE, BGP_MAX_EXTENDED, 0);
	/* RFC 8654 s4: OPEN and KEEPALIVE stay short */
	expect_head(4097, BGP_OPEN, BGP_MAX_EXTENDED, 2);
	expect_head(19, BGP_KEEPALIVE, BGP_MAX, 0);
	expect_head(20, BGP_KEEPALIVE, BGP_MAX, 2);
	expect_head(18, BGP_KEEPALIVE, BGP_MAX, 2);
	expect_head(0, BGP_KEEPALIVE, BGP_MAX, 2);
	expect_head(21, BGP_NOTIFICATION, BGP_MAX, 0);
	expect_head(20, BGP_NOTIFICATION, BGP_MAX, 2);
	expect_head(23, BGP_ROUTE_REFRESH, BGP_MAX, 0);
	expect_head(19, BGP_ROUTE_REFRESH, BGP_MAX, 0);
	expect_head(23, 0, BGP_MAX, 3);
	expect_head(23, 6, BGP_MAX, 3);
	expect_head(23, 255, BGP_MAX, 3);
}

static void marker_must_be_all_ones(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 16; i++) {
		uint8_t head[BGP_HEADER];
		enum bgp_type type;
		struct bgp_notify no;

		memcpy(head, head_of(19, BGP_KEEPALIVE), sizeof head);
		head[i] = 0xfe;
		assert_int_equal(bgp_header(head, BGP_MAX, &type, &no), 0);
		assert_int_equal(no.code, BGP_ERR_HEADER);
		assert_int_equal(no.subcode, 1);
	}
}

static void keepalive_is_a_header(void **state)
{
	uint8_t buf[32];
	struct wr w = wr_from(buf, sizeof buf);

	(void)state;
	bgp_keepalive_write(&w);
	assert_bytes((struct bytes){buf, wr_len(&w)},
	    (struct bytes){head_of(19, BGP_KEEPALIVE), 19});
}

static void refresh_round_trip(void **state)
{
	(void)state;
	for (enum family f = 0; f < FAMILY_COUNT; f++)
		for (uint8_t subtype = 0; subtype < 3; subtype++) {
			uint8_t buf[32];
			struct wr w = wr_from(buf, sizeof buf);
			struct bgp_refresh r;
			struct bgp_notify no;

			bgp_refresh_write(&w, f, subtype);
			assert_int_equal(wr_len(&w), 23);
			assert_int_equal(
			    bgp_refresh_parse(
				rd_from(buf + BGP_HEADER, 4), &r, &no),
			    0);
			assert_int_equal(r.family, f);
			assert_int_equal(r.subtype, subtype);
		}
}

static int parse_refresh(
    struct bytes body, struct bgp_refresh *r, struct bgp_notify *no)
{
	uint8_t *exact = malloc(body.n + !body.n);

	if (body.n)
		memcpy(exact, body.p, body.n);
	int rc = bgp_refresh_parse(rd_from(exact, body.n), r, no);
	free(exact);
	return rc;
}

static void refresh_of_bad_length(void **state)
{
	struct bytes whole = LITERAL(0, 1, 1, 1, 9);
	struct bgp_refresh r;
	struct bgp_notify no;

	(void)state;
	for (size_t n = 0; n < 4; n++) {
		memset(&no, 0, sizeof no);
		assert_true(
		    parse_refresh((struct bytes){whole.p, n}, &r, &no) < 0);
		assert_int_equal(no.code, BGP_ERR_REFRESH);
		assert_int_equal(no.subcode, 1);
		/* RFC 7313 s5: the data is the complete message. */
		assert_int_equal(no.len, BGP_HEADER + n);
		assert_int_equal(no.data[17], BGP_HEADER + n);
		assert_int_equal(no.data[18], BGP_ROUTE_REFRESH);
	}
	/* Begin and end of a refresh are exactly four bytes; */
	assert_true(parse_refresh(whole, &r, &no) < 0);
	/* a plain request may carry filters. */
	assert_int_equal(
	    parse_refresh(LITERAL(0, 1, 0, 1, 1, 64, 0, 0), &r, &no), 0);
	assert_int_equal(r.family, FAMILY_IPV4);
	/* Others' families and subtypes are left to the caller to ignore. */
	assert_int_equal(parse_refresh(LITERAL(0, 25, 0, 70), &r, &no), 0);
	assert_int_equal(r.family, FAMILY_COUNT);
	assert_int_equal(parse_refresh(LITERAL(0, 1, 9, 1), &r, &no), 0);
	assert_int_equal(r.subtype, 9);
}

static void expect_words(struct bgp_notify n, const char *want)
{
	char buf[400];

	assert_string_equal(bgp_notify_format(&n, buf, sizeof buf), want);
	/* Any smaller buffer gets the beginning, and its NUL. */
	for (size_t room = 1; room < sizeof buf; room += 7) {
		char *small = malloc(room);

		bgp_notify_format(&n, small, room);
		assert_true(strlen(small) < room);
		free(small);
	}
}

static void notifications_in_words(void **state)
{
	struct bgp_notify n;

	(void)state;
	n = bgp_notify_cease(BGP_CEASE_SHUTDOWN, "back at ៤ o'clock");
	assert_int_equal(n.data[0], n.len - 1);
	expect_words(
	    n, "Cease: Administrative Shutdown, \"back at ៤ o'clock\"");
	expect_words(bgp_notify_cease(BGP_CEASE_MAX_PREFIX, "no text here"),
	    "Cease: Maximum Number of Prefixes Reached");
	n = bgp_notify_hard(&n);
	assert_int_equal(n.subcode, BGP_CEASE_HARD_RESET);
	expect_words(n,
	    "Cease: Hard Reset, Cease: Administrative Shutdown, \"back at ៤ "
	    "o'clock\"");
	expect_words(
	    (struct bgp_notify){.code = BGP_ERR_HOLD}, "Hold Timer Expired");
	expect_words((struct bgp_notify){.code = BGP_ERR_SEND_HOLD},
	    "Send Hold Timer Expired");
	expect_words((struct bgp_notify){.code = 3, .subcode = 11},
	    "UPDATE Message Error: Malformed AS_PATH");
	expect_words((struct bgp_notify){.code = 2, .subcode = 200},
	    "OPEN Message Error: subcode 200");
	expect_words(
	    (struct bgp_notify){.code = 77, .subcode = 3}, "code 77 subcode 3");
}

static void a_peers_text_cannot_break_a_line(void **state)
{
	struct bgp_notify n = {.code = BGP_ERR_CEASE,
	    .subcode = BGP_CEASE_RESET,
	    .len = 12,
	    .data = {11, 'a', '\n', '"', 0x1b, 0xc2, 0x9b, 0xff, 0xe0, 0x80,
		0x80, 'z'}};

	(void)state;
	expect_words(n, "Cease: Administrative Reset, \"a?'?\?\?\?\?\?\?z\"");
	/* A length beyond the data is cut to it. */
	n.data[0] = 200;
	n.len = 2;
	expect_words(n, "Cease: Administrative Reset, \"a\"");
}

static void a_long_text_is_cut_between_characters(void **state)
{
	char text[300];
	struct bgp_notify n;

	(void)state;
	memset(text, 'x', sizeof text);
	text[299] = 0;
	n = bgp_notify_cease(BGP_CEASE_RESET, text);
	assert_int_equal(n.data[0], 128);
	memcpy(text + 127, "៤", 3);
	n = bgp_notify_cease(BGP_CEASE_RESET, text);
	assert_int_equal(n.data[0], 127);
	assert_int_equal(bgp_notify_cease(BGP_CEASE_RESET, NULL).len, 0);
}

static void notification_round_trip_and_truncations(void **state)
{
	struct bgp_notify n = bgp_notify_cease(BGP_CEASE_RESET, "hello");
	struct bgp_notify got;
	uint8_t buf[64];
	struct wr w = wr_from(buf, sizeof buf);
	size_t len;

	(void)state;
	bgp_notify_write(&w, &n);
	len = wr_len(&w) - BGP_HEADER;
	for (size_t k = 0; k <= len; k++) {
		uint8_t *exact = malloc(k + !k);

		memcpy(exact, buf + BGP_HEADER, k);
		bgp_notify_parse(rd_from(exact, k), &got);
		assert_int_equal(got.code, k > 0 ? 6 : 0);
		assert_int_equal(got.subcode, k > 1 ? 4 : 0);
		assert_int_equal(got.len, k > 2 ? k - 2 : 0);
		free(exact);
	}
	assert_memory_equal(got.data, n.data, n.len);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(header_lengths_and_types),
	    cmocka_unit_test(marker_must_be_all_ones),
	    cmocka_unit_test(keepalive_is_a_header),
	    cmocka_unit_test(refresh_round_trip),
	    cmocka_unit_test(refresh_of_bad_length),
	    cmocka_unit_test(notifications_in_words),
	    cmocka_unit_test(a_peers_text_cannot_break_a_line),
	    cmocka_unit_test(a_long_text_is_cut_between_characters),
	    cmocka_unit_test(notification_round_trip_and_truncations),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

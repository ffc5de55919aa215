/* A cache's side of RTR is played here, byte by byte, and its clock. */
#include "check.h"

#include "base/clock.h"
#include "rpki/merge.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define S NS_PER_S

static struct cache *c;
static struct merge *m;
static uint64_t now;
static size_t told, told_gone;

static void on_vrp(void *arg, const struct vrp *v, bool gone)
{
	(void)arg;
	(void)v;
	told += !gone;
	told_gone += gone;
}

static void on_aspa(void *arg, const struct aspa_record *r)
{
	(void)arg;
	(void)r;
}

static const struct merge_sink sink = {on_vrp, on_aspa, NULL};

static int set_up(void **state)
{
	(void)state;
	now = 1000 * S;
	told = told_gone = 0;
	c = cache_new(&(struct cache_timers){0}, now);
	m = merge_new();
	return !c || !m;
}

static int tear_down(void **state)
{
	(void)state;
	cache_free(c);
	merge_free(m);
	return 0;
}

/* What is said to the cache, as hex. */
static void expect_output(const char *hex)
{
	struct bytes out = cache_output(c);
	char text[512] = "";

	for (size_t i = 0; i < out.n && i < 200; i++)
		snprintf(text + 2 * i, 3, "%02x", out.p[i]);
	assert_string_equal(text, hex);
	cache_sent(c, out.n);
}

static enum cache_event say(const char *hex)
{
	size_t n = strlen(hex) / 2;
	uint8_t *b = malloc(n + !n); /* exact: ASan guards the end */

	for (size_t i = 0; i < n; i++) {
		unsigned v;

		assert_int_equal(sscanf(hex + 2 * i, "%2x", &v), 1);
		b[i] = (uint8_t)v;
	}
	enum cache_event e = cache_input(c, b, n, now);
	free(b);
	return e;
}

static void take(void)
{
	struct cache_batch b = cache_batch(c);

	assert_int_equal(merge_apply(m, 0, &b), PDU_FINE);
	assert_int_equal(merge_settle(m, 7, &sink), 0);
	cache_accept(c, now, 7);
}

static void connect_cache(void)
{
	assert_int_equal(cache_due(c), now);
	assert_int_equal(cache_tick(c, now), CACHE_CONNECT);
	cache_connected(c, now);
}

static struct cache_info info(void)
{
	struct cache_info i;

	cache_info(c, &i);
	return i;
}

/* session 1234; 10.0.0.0/8-16 AS 64501; serial 5; 3600, 600, 7200 s */
#define RESPONSE(v) "0" #v "03123400000008"
#define VRP(v, flag) "0" #v "040000000000140" #flag "0810000a0000000000fbf5"
#define END(v)                                                                 \
	"0" #v "0712340000001800000005"                                        \
	"00000e1000000258"                                                     \
	"00001c20"

static void a_full_response_is_taken_at_its_end(void **state)
{
	(void)state;
	connect_cache();
	expect_output("0202000000000008");
	assert_int_equal(say(RESPONSE(2) VRP(2, 1)), CACHE_NOTHING);
	assert_int_equal(info().phase, CACHE_LOADING);
	assert_int_equal(say(END(2)), CACHE_DATA);
	assert_true(cache_batch(c).full);
	take();
	assert_int_equal(told, 1);
	assert_int_equal(info().serial, 5);
	assert_int_equal(info().session, 0x1234);
	assert_int_equal(info().version, 2);
	assert_int_equal(cache_due(c), now + 3600 * S);
	/* News: asked for at once, from where we are. */
	now += S;
	assert_int_equal(say("0200123400000"
			     "00c00000006"),
	    CACHE_NOTHING);
	expect_output("020112340000000c00000005");
	assert_int_equal(say(RESPONSE(2) VRP(2, 0)), CACHE_NOTHING);
	assert_int_equal(
	    say("02071234000000180000000600000e100000025800001c20"),
	    CACHE_DATA);
	assert_false(cache_batch(c).full);
	take();
	assert_int_equal(told_gone, 1);
	/* The same serial again is no news. */
	assert_int_equal(say("02001234000"
			     "0000c00000006"),
	    CACHE_NOTHING);
	expect_output("");
}

static void every_piece_of_a_stream_is_enough(void **state)
{
	static const char all[] = RESPONSE(1) VRP(1, 1) END(1);

	(void)state;
	connect_cache();
	cache_sent(c, cache_output(c).n);
	for (size_t i = 0; i + 2 < sizeof all; i += 2) {
		char two[3] = {all[i], all[i + 1], 0};
		bool last = i + 4 > sizeof all - 1;

		assert_int_equal(say(two), last ? CACHE_DATA : CACHE_NOTHING);
	}
	take();
	assert_int_equal(info().version, 1);
}

static void versions_are_negotiated_downwards(void **state)
{
	(void)state;
	connect_cache();
	expect_output("0202000000000008");
	/* An error of version 1: it does not know 2. */
	assert_int_equal(say("010a000400000010"
			     "00000000"
			     "00000000"),
	    CACHE_CLOSE);
	cache_closed(c, "", now);
	connect_cache();
	expect_output("0102000000000008");
	assert_int_equal(say("000a000400000010"
			     "00000000"
			     "00000000"),
	    CACHE_CLOSE);
	cache_closed(c, "", now);
	connect_cache();
	expect_output("0002000000000008");
	assert_int_equal(say("0003123400000008" VRP(0, 1)), CACHE_NOTHING);
	assert_int_equal(say("000712340000000c00000005"), CACHE_DATA);
	take();
	assert_int_equal(info().expire_s, 7200);
	/* Another connection begins with the highest again. */
	cache_closed(c, "end of file", now);
	assert_string_equal(info().error, "end of file");
	now = cache_due(c);
	connect_cache();
	expect_output("0202000000000008");
}

static void one_that_hangs_up_is_asked_with_less(void **state)
{
	(void)state;
	connect_cache();
	cache_sent(c, 8);
	cache_closed(c, "end of file", now);
	assert_int_equal(cache_due(c), now + S);
	now += S;
	connect_cache();
	expect_output("0102000000000008");
}

static void a_session_that_changed_is_begun_anew(void **state)
{
	(void)state;
	connect_cache();
	cache_sent(c, 8);
	assert_int_equal(say(RESPONSE(2) VRP(2, 1) END(2)), CACHE_DATA);
	take();
	/* The cache restarts: it cannot tell the difference. */
	cache_closed(c, "end of file", now);
	now = cache_due(c);
	connect_cache();
	expect_output("020112340000000c00000005");
	assert_int_equal(say("0208000000000008"), CACHE_NOTHING);
	expect_output("0202000000000008");
	assert_int_equal(say("0203777700000008" VRP(2, 1)), CACHE_NOTHING);
	/* A reset amid the data: from the start once more. */
	assert_int_equal(say("0208000000000008"), CACHE_NOTHING);
	expect_output("0202000000000008");
	assert_int_equal(say("0203777700000008" VRP(2, 1)), CACHE_NOTHING);
	assert_int_equal(
	    say("02077777000000180000000900000e100000025800001c20"),
	    CACHE_DATA);
	take();
	assert_int_equal(told, 1); /* it was there all the time */
	assert_int_equal(told_gone, 0);
	assert_int_equal(info().session, 0x7777);
	/* A notify from a session that we do not know. */
	assert_int_equal(say("02001234000"
			     "0000c0000000a"),
	    CACHE_CLOSE);
	cache_closed(c, "", now);
	now = cache_due(c);
	connect_cache();
	cache_sent(c, cache_output(c).n - 8);
	expect_output("0202000000000008");
}

static void what_makes_no_sense_ends_the_session(void **state)
{
	static const struct {
		const char *bytes;
		unsigned code;
	} v[] = {
	    {VRP(2, 1), PDU_UNEXPECTED_VERSION}, /* before a response */
	    {RESPONSE(2) END(1), PDU_UNEXPECTED_VERSION},
	    {RESPONSE(2) RESPONSE(2), PDU_CORRUPT},
	    {"0208000000000008", PDU_CORRUPT}, /* to a reset query */
	    {RESPONSE(2) "02040000000000000000", PDU_CORRUPT},
	    {RESPONSE(2) "020400000000001500", PDU_CORRUPT},
	    {RESPONSE(2) "02040000ffffffff00", PDU_CORRUPT},
	    {RESPONSE(2) "020b0000ffffffff00", PDU_CORRUPT},
	    {RESPONSE(2) "02070000000000"
			 "0c00",
		PDU_CORRUPT},
	    {RESPONSE(2) "0204000000000014010810000a00000100000001",
		PDU_CORRUPT}, /* bits beyond the length */
	    {RESPONSE(2) "0204000000000014011008000a00000000000001",
		PDU_CORRUPT}, /* max length below length */
	    {RESPONSE(2) "0204000000000014010821000a00000000000001",
		PDU_CORRUPT},
	    {RESPONSE(2) "020b000000000018010000030000fbf60000fd090000fd0a",
		PDU_CORRUPT}, /* its count lies */
	    {RESPONSE(2) "0205000000000008", PDU_BAD_TYPE},
	    {RESPONSE(2) "02ff000000000008", PDU_BAD_TYPE},
	    {RESPONSE(1) "010b000000000010"
			 "0000000100000002",
		PDU_BAD_TYPE},
	    {RESPONSE(2) "0202000000000008", PDU_INVALID_REQUEST},
	    {RESPONSE(2) "020b01000000000c"
			 "00000001",
		PDU_ASPA_PROVIDERS},
	    {RESPONSE(2) "02074321000000180000000500000e100000025800001c20",
		PDU_CORRUPT},
	};

	for (size_t i = 0; i < sizeof v / sizeof *v; i++) {
		connect_cache();
		cache_sent(c, cache_output(c).n);
		assert_int_equal(say(v[i].bytes), CACHE_CLOSE);
		assert_true(cache_output(c).n >= 16);
		assert_int_equal(cache_output(c).p[1], PDU_ERROR);
		assert_int_equal(cache_output(c).p[3], v[i].code);
		/* What it says now is not heard. */
		assert_int_equal(say(END(2)), CACHE_NOTHING);
		tear_down(state);
		set_up(state);
	}
}

static void truncated_errors_are_survived(void **state)
{
	static const char error[] = "020a000200000018"
				    "00000000"
				    "00000008"
				    "6e6f20646174610a";

	(void)state;
	connect_cache();
	cache_sent(c, 8);
	assert_int_equal(say(error), CACHE_NOTHING);
	assert_int_equal(info().phase, CACHE_WAITING);
	assert_non_null(strstr(info().error, "no data available: no data?"));
	/* It is asked again, and when it says that there is news. */
	assert_int_equal(cache_due(c), now + 600 * S);
	now += 600 * S;
	assert_int_equal(cache_tick(c, now), CACHE_NOTHING);
	expect_output("0202000000000008");
	/* One whose lengths lie is not answered. */
	assert_int_equal(say("020a0000000000"
			     "10"
			     "ffffffff"
			     "00000000"),
	    CACHE_CLOSE);
	expect_output("");
}

static void data_expires_and_a_stalling_cache_is_left(void **state)
{
	(void)state;
	connect_cache();
	cache_sent(c, 8);
	assert_int_equal(say(RESPONSE(2) VRP(2, 1) END(2)), CACHE_DATA);
	take();
	uint64_t expires = now + 7200 * S;
	now += 3600 * S;
	assert_int_equal(cache_tick(c, now), CACHE_NOTHING);
	expect_output("020112340000000c00000005");
	assert_int_equal(cache_due(c), now + 60 * S);
	now += 60 * S;
	assert_int_equal(cache_tick(c, now), CACHE_CLOSE);
	cache_closed(c, "", now);
	assert_true(info().has_data);
	assert_non_null(strstr(info().error, "stalls"));
	while (now < expires) {
		now = cache_due(c);
		if (now >= expires)
			break;
		assert_int_equal(cache_tick(c, now), CACHE_CONNECT);
		cache_closed(c, "connection refused", now);
	}
	assert_int_equal(now, expires);
	assert_int_equal(cache_tick(c, now), CACHE_EXPIRED);
	assert_false(info().has_data);
	merge_drop(m, 0);
	assert_int_equal(merge_settle(m, 8, &sink), 0);
	assert_int_equal(told_gone, 1);
	assert_int_equal(merge_active(m), 0);
}

static void duplicates_and_unknown_withdrawals_change_nothing(void **state)
{
	struct cache_batch b;

	(void)state;
	connect_cache();
	cache_sent(c, 8);
	assert_int_equal(
	    say(RESPONSE(2) VRP(2, 1) VRP(2, 1) END(2)), CACHE_DATA);
	b = cache_batch(c);
	assert_int_equal(merge_apply(m, 0, &b), PDU_DUPLICATE);
	assert_int_equal(cache_refuse(c, PDU_DUPLICATE), CACHE_CLOSE);
	assert_int_equal(cache_output(c).p[3], PDU_DUPLICATE);
	cache_closed(c, "", now);
	assert_int_equal(merge_settle(m, 7, &sink), 0);
	assert_int_equal(told, 0);
	now = cache_due(c);
	connect_cache();
	cache_sent(c, 8);
	assert_int_equal(say(RESPONSE(2) VRP(2, 0) END(2)), CACHE_DATA);
	b = cache_batch(c);
	assert_int_equal(merge_apply(m, 0, &b), PDU_UNKNOWN_WITHDRAWAL);
	assert_false(merge_has_data(m, 0));
}

/* It goes on as if it had been asked, and reads nothing. */
static void a_cache_that_does_not_wait_is_left(void **state)
{
	static const char *const again[] = {
	    /* a reset in the midst of a response */
	    RESPONSE(2) "0208000000000008",
	    /* no data, and news */
	    "020a000200000010"
	    "0000000000000000"
	    "020012340000000c0000000a",
	};

	for (size_t i = 0; i < sizeof again / sizeof *again; i++) {
		enum cache_event e = CACHE_NOTHING;

		connect_cache();
		cache_sent(c, cache_output(c).n);
		assert_int_equal(say(RESPONSE(2)), CACHE_NOTHING);
		assert_int_equal(
		    say(i ? VRP(2, 1) : "0208000000000008"), CACHE_NOTHING);
		for (int k = 0; k < 2000 && e != CACHE_CLOSE; k++) {
			e = say(again[i]);
			now += 2 * S;
		}
		assert_int_equal(e, CACHE_CLOSE);
		tear_down(state);
		set_up(state);
	}
}

/* Each of its answers may be an epoch of ours: once a second will do. */
static void news_are_asked_for_once_a_second(void **state)
{
	(void)state;
	connect_cache();
	cache_sent(c, 8);
	assert_int_equal(say(RESPONSE(2) END(2)), CACHE_DATA);
	take();
	for (int i = 0; i < 1000; i++)
		assert_int_equal(
		    say("020012340000000c0000000a"), CACHE_NOTHING);
	expect_output("");
	assert_int_equal(cache_due(c), now + S);
	now += S;
	assert_int_equal(cache_tick(c, now), CACHE_NOTHING);
	expect_output("020112340000000c00000005");
}

/* What is undone must not stumble over what it has taken away itself. */
static void what_comes_and_goes_in_one_response_is_undone(void **state)
{
	struct cache_batch b;
	struct merge_count n;

	(void)state;
	for (int full = 1; full >= 0; full--) {
		connect_cache();
		cache_sent(c, cache_output(c).n);
		assert_int_equal(say(RESPONSE(2) VRP(2, 1) VRP(2, 0) VRP(2, 1)
					 VRP(2, 1) END(2)),
		    CACHE_DATA);
		b = cache_batch(c);
		assert_int_equal(merge_apply(m, 0, &b), PDU_DUPLICATE);
		cache_refuse(c, PDU_DUPLICATE);
		cache_closed(c, "", now);
		now = cache_due(c);
		/* Nothing is left of one that went again. */
		size_t bytes = merge_bytes(m);
		connect_cache();
		cache_sent(c, cache_output(c).n);
		assert_int_equal(
		    say(RESPONSE(2) VRP(2, 1) VRP(2, 0) END(2)), CACHE_DATA);
		take();
		assert_int_equal(merge_bytes(m), bytes);
		merge_count(m, 0, &n);
		assert_int_equal(n.vrps[FAMILY_IPV4], 0);
		assert_int_equal(told, 0);
		cache_closed(c, "", now);
		now = cache_due(c);
	}
}

/* ---- crowds ---------------------------------------------------------------
 */

#define CROWD 200000u

static struct pdu_vrp *crowd(bool announce)
{
	struct pdu_vrp *v = calloc(CROWD + 1, sizeof *v);

	assert_non_null(v);
	for (uint32_t i = 0; i < CROWD; i++)
		v[i] = (struct pdu_vrp){.addr = {10},
		    .family = FAMILY_IPV4,
		    .len = 16,
		    .max_len = 24,
		    .asn = CROWD - i,
		    .announce = announce};
	return v;
}

/* A cache may give one prefix to any number of ASes, in the worst order. */
static void a_crowd_of_one_prefix_is_taken_as_a_whole(void **state)
{
	struct pdu_vrp *v = crowd(true), *w = crowd(false);
	struct cache_batch b = {.full = true, .vrp = v, .n_vrp = CROWD};
	struct cache_batch gone = {.vrp = w, .n_vrp = CROWD};

	(void)state;
	assert_int_equal(merge_apply(m, 0, &b), PDU_FINE);
	assert_int_equal(merge_settle(m, 7, &sink), 0);
	assert_int_equal(told, CROWD);
	/* Another one, with a fault at its end: all of it is undone. */
	size_t bytes = merge_bytes(m);
	for (uint32_t i = 0; i < CROWD; i++)
		v[i].max_len = 23;
	v[CROWD] = v[0];
	b.n_vrp = CROWD + 1;
	assert_int_equal(merge_apply(m, 1, &b), PDU_INTERNAL);
	b.n_vrp = CROWD / 4;
	v[b.n_vrp - 1] = v[0];
	assert_int_equal(merge_apply(m, 1, &b), PDU_DUPLICATE);
	assert_int_equal(merge_settle(m, 7, &sink), 0);
	assert_int_equal(told, CROWD);
	assert_true(merge_bytes(m) <= 2 * bytes);
	assert_int_equal(merge_apply(m, 0, &gone), PDU_FINE);
	assert_int_equal(merge_settle(m, 7, &sink), 0);
	assert_int_equal(told_gone, CROWD);
	free(v);
	free(w);
}

/* Two caches' lists of one customer may be more than a record holds. */
static void a_union_beyond_the_limit_is_settled(void **state)
{
	static uint32_t words[2 + ASPA_PROVIDERS_MAX];
	struct cache_batch b = {
	    .full = true, .aspa = words, .n_aspa = sizeof words / 4};
	struct merge_count n;

	(void)state;
	words[0] = 64501;
	words[1] = ASPA_PROVIDERS_MAX;
	for (uint32_t k = 0; k < 2; k++) {
		for (uint32_t i = 0; i < ASPA_PROVIDERS_MAX; i++)
			words[2 + i] = 1 + 2 * i + k;
		assert_int_equal(merge_apply(m, k, &b), PDU_FINE);
		assert_int_equal(merge_settle(m, 7, &sink), 0);
	}
	merge_total(m, &n);
	assert_int_equal(n.aspas, 1);
}

/* Today's form of an ASPA, and the one of caches in the field. */
static void both_forms_of_aspa_are_read(void **state)
{
	struct cache_batch b;

	(void)state;
	connect_cache();
	cache_sent(c, 8);
	assert_int_equal(
	    say(RESPONSE(2) "020b010000000014"
			    "0000fbf50000fd090000fd0a"
			    "020b000000000018010000020000fbf60000fd090000fd0a"
			    "020b000000000018010100020000fbf60000fd090000fd0a"
			    "020b00000000000c0000fbf5"
			    "020b000000000010000000000000fbf6" END(2)),
	    CACHE_DATA);
	static const uint32_t want[] = {0xfbf5, 2, 0xfd09, 0xfd0a, 0xfbf6, 2,
	    0xfd09, 0xfd0a, 0xfbf5, CACHE_ASPA_GONE, 0xfbf6, CACHE_ASPA_GONE};
	b = cache_batch(c);
	assert_int_equal(b.n_aspa * sizeof *b.aspa, sizeof want);
	assert_memory_equal(b.aspa, want, sizeof want);
	take();
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
	const struct CMUnitTest tests[] = {
	    TEST(a_full_response_is_taken_at_its_end),
	    TEST(every_piece_of_a_stream_is_enough),
	    TEST(versions_are_negotiated_downwards),
	    TEST(one_that_hangs_up_is_asked_with_less),
	    TEST(a_session_that_changed_is_begun_anew),
	    TEST(what_makes_no_sense_ends_the_session),
	    TEST(truncated_errors_are_survived),
	    TEST(data_expires_and_a_stalling_cache_is_left),
	    TEST(both_forms_of_aspa_are_read),
	    TEST(duplicates_and_unknown_withdrawals_change_nothing),
	    TEST(a_cache_that_does_not_wait_is_left),
	    TEST(news_are_asked_for_once_a_second),
	    TEST(what_comes_and_goes_in_one_response_is_undone),
	    TEST(a_crowd_of_one_prefix_is_taken_as_a_whole),
	    TEST(a_union_beyond_the_limit_is_settled),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/*
 * RFC 7606 for an UPDATE as a whole: when its prefixes can still be found,
 * and when only a reset is left.
 */
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

#define V6_HOP 16, 0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x11

static void a_second_mp_attribute_resets(void **state)
{
	(void)state;
	sample_parse(&s, EMPTY,
	    LITERAL(0x80, 15, 3, 0, 2, 1, 0x80, 15, 3, 0, 2, 1), EMPTY, &rules);
	assert_int_equal(s.u.harm, BGP_RESET);
	assert_int_equal(s.u.fault, BGP_FAULT_DUPLICATE_MP);
	assert_int_equal(s.u.notify.subcode, 1);
	sample_parse(&s, EMPTY,
	    LITERAL(0x80, 14, 21, 0, 2, 1, V6_HOP, 0, ORIGIN_IGP, PATH_64501,
		0x80, 14, 21, 0, 2, 1, V6_HOP, 0),
	    EMPTY, &rules);
	assert_int_equal(s.u.harm, BGP_RESET);
	assert_int_equal(s.u.notify.subcode, 1);
}

static void missing_ones_withdraw(void **state)
{
	(void)state;
	sample_parse(&s, EMPTY, LITERAL(PATH_64501, NEXT_HOP_11),
	    LITERAL(NLRI_203), &rules);
	assert_int_equal(s.u.harm, BGP_WITHDRAW);
	assert_int_equal(s.u.fault, BGP_FAULT_MISSING);
	assert_int_equal(s.u.fault_attr, 1);
	sample_parse(&s, EMPTY, LITERAL(ORIGIN_IGP, NEXT_HOP_11),
	    LITERAL(NLRI_203), &rules);
	assert_int_equal(s.u.fault_attr, 2);
	sample_parse(&s, EMPTY, LITERAL(ORIGIN_IGP, PATH_64501),
	    LITERAL(NLRI_203), &rules);
	assert_int_equal(s.u.fault_attr, 3);
	sample_parse(&s, EMPTY, EMPTY, LITERAL(NLRI_203), &rules);
	assert_int_equal(s.u.harm, BGP_WITHDRAW);
	/* s5.2 is about errors: nothing is missing where nothing is reachable
	 */
	sample_parse(&s, LITERAL(NLRI_203), LITERAL(ORIGIN_IGP), EMPTY, &rules);
	assert_int_equal(s.u.harm, BGP_FINE);
}

static void errors_without_prefixes_reset(void **state)
{
	(void)state;
	/* A bad ORIGIN, and no prefix found: they may be behind it. */
	sample_parse(
	    &s, EMPTY, LITERAL(0x40, 1, 1, 7, PATH_64501), EMPTY, &rules);
	assert_int_equal(s.u.harm, BGP_RESET);
	assert_int_equal(s.u.notify.subcode, 6);
	assert_bytes((struct bytes){s.u.notify.data, s.u.notify.len},
	    LITERAL(0x40, 1, 1, 7));
	/* The same beside withdrawn routes, of either kind. */
	sample_parse(
	    &s, LITERAL(NLRI_203), LITERAL(0x40, 1, 1, 7), EMPTY, &rules);
	assert_int_equal(s.u.harm, BGP_RESET);
	sample_parse(&s, EMPTY,
	    LITERAL(0x80, 15, 7, 0, 2, 1, 24, 0x20, 1, 0xd, 0x40, 1, 1, 7),
	    EMPTY, &rules);
	assert_int_equal(s.u.harm, BGP_RESET);
	/* No more than attribute discard: no reset. */
	sample_parse(
	    &s, LITERAL(NLRI_203), LITERAL(0x40, 6, 1, 0), EMPTY, &rules);
	assert_int_equal(s.u.harm, BGP_DISCARD);
	assert_int_equal(s.u.withdrawn[0].wire.n, 4);
	/* MP_UNREACH_NLRI alone, wrongly flagged: withdrawn all the same. */
	sample_parse(&s, EMPTY, LITERAL(0xc0, 15, 7, 0, 2, 1, 24, 0x20, 1, 0xd),
	    EMPTY, &rules);
	assert_int_equal(s.u.harm, BGP_WITHDRAW);
	assert_int_equal(s.u.withdrawn[1].wire.n, 4);
	/* MP_REACH_NLRI came first, as it should: its prefixes are known. */
	sample_parse(&s, EMPTY,
	    LITERAL(0x80, 14, 24, 0, 2, 1, V6_HOP, 0, 16, 0x20, 1, 0x40, 1, 1,
		7, PATH_64501),
	    EMPTY, &rules);
	assert_int_equal(s.u.harm, BGP_WITHDRAW);
	assert_int_equal(s.u.reach[1].wire.n, 3);
	/* It came last and was cut off: they are not. */
	sample_parse(&s, EMPTY,
	    LITERAL(ORIGIN_IGP, PATH_64501, 0x80, 14, 24, 0, 2, 1), EMPTY,
	    &rules);
	assert_int_equal(s.u.harm, BGP_RESET);
	assert_int_equal(s.u.fault, BGP_FAULT_OVERRUN);
}

static void prefixes_that_cannot_be_read_reset(void **state)
{
	const struct {
		struct bytes withdrawn, nlri;
		uint8_t add_path;
	} bad[] = {
	    {{(const uint8_t[]){33, 1, 2, 3, 4, 5}, 6}, {NULL, 0}, 0},
	    {{NULL, 0}, {(const uint8_t[]){33, 1, 2, 3, 4, 5}, 6}, 0},
	    {{(const uint8_t[]){24, 1, 2}, 3}, {NULL, 0}, 0},
	    {{NULL, 0}, {(const uint8_t[]){24, 1, 2}, 3}, 0},
	    {{NULL, 0}, {(const uint8_t[]){8, 10, 32, 1, 2, 3}, 6}, 0},
	    {{NULL, 0}, {(const uint8_t[]){24, 1, 2, 3}, 4}, 1},
	    {{NULL, 0}, {(const uint8_t[]){0, 0, 0, 1}, 4}, 1},
	};

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		rules.add_path = bad[i].add_path;
		sample_parse(&s, bad[i].withdrawn, LITERAL(MANDATORY),
		    bad[i].nlri, &rules);
		assert_int_equal(s.u.harm, BGP_RESET);
		assert_int_equal(s.u.fault, BGP_FAULT_NLRI);
		assert_int_equal(s.u.notify.code, BGP_ERR_UPDATE);
		assert_int_equal(s.u.notify.subcode, 10);
	}
	rules.add_path = 0;
	sample_parse(&s, EMPTY,
	    LITERAL(
		0x80, 14, 22, 0, 2, 1, V6_HOP, 0, 129, ORIGIN_IGP, PATH_64501),
	    EMPTY, &rules);
	assert_int_equal(s.u.harm, BGP_RESET);
	assert_int_equal(s.u.notify.subcode, 9);
	sample_parse(
	    &s, EMPTY, LITERAL(0x80, 15, 4, 0, 2, 1, 129), EMPTY, &rules);
	assert_int_equal(s.u.harm, BGP_RESET);
}

static void lengths_that_contradict_reset(void **state)
{
	(void)state;
	sample_parse_body(&s, "\0\5\0\0", 4, &rules);
	assert_int_equal(s.u.harm, BGP_RESET);
	assert_int_equal(s.u.fault, BGP_FAULT_LENGTHS);
	assert_int_equal(s.u.notify.subcode, 1);
	sample_parse_body(&s, "\0\0\0\5", 4, &rules);
	assert_int_equal(s.u.harm, BGP_RESET);
	sample_parse_body(&s, "\0\0\0", 3, &rules);
	assert_int_equal(s.u.harm, BGP_RESET);
	sample_parse_body(&s, "", 0, &rules);
	assert_int_equal(s.u.harm, BGP_RESET);
}

static void an_overrun_keeps_the_prefixes(void **state)
{
	(void)state;
	/* s4: fewer than three bytes left, or a length beyond the end. */
	sample_parse(
	    &s, EMPTY, LITERAL(MANDATORY, 0x80), LITERAL(NLRI_203), &rules);
	assert_int_equal(s.u.harm, BGP_WITHDRAW);
	assert_int_equal(s.u.fault, BGP_FAULT_OVERRUN);
	assert_bytes(s.u.reach[0].wire, LITERAL(NLRI_203));
	sample_parse(&s, EMPTY, LITERAL(MANDATORY, 0x90, 4, 0),
	    LITERAL(NLRI_203), &rules);
	assert_int_equal(s.u.harm, BGP_WITHDRAW);
	sample_parse(&s, EMPTY, LITERAL(MANDATORY, 0x80, 4, 200, 0),
	    LITERAL(NLRI_203), &rules);
	assert_int_equal(s.u.harm, BGP_WITHDRAW);
}

static void next_hops_of_impossible_length_reset(void **state)
{
	(void)state;
	for (unsigned n = 0; n < 40; n++) {
		uint8_t attrs[128] = {0};
		struct wr w = wr_from(attrs, sizeof attrs);
		static const uint8_t tail[] = {ORIGIN_IGP, PATH_64501};

		wr_u8(&w, 0x80);
		wr_u8(&w, 14);
		uint8_t *len = wr_len8_open(&w);
		wr_u16(&w, 2);
		wr_u8(&w, 1);
		wr_u8(&w, n);
		for (unsigned i = 0; i < n; i++)
			wr_u8(&w, 0x20);
		wr_u8(&w, 0);
		wr_u16(&w, 0x0820);
		wr_len8_close(&w, len);
		wr_bytes(&w, tail, sizeof tail);
		sample_parse(&s, EMPTY, (struct bytes){attrs, wr_len(&w)},
		    EMPTY, &rules);
		if (n == 16 || n == 32) {
			assert_int_equal(s.u.harm, BGP_FINE);
		} else {
			assert_int_equal(s.u.harm, BGP_RESET);
			assert_int_equal(s.u.notify.subcode, 9);
		}
	}
}

/* The whole in pieces: never a read beyond, never FINE with less prefixes. */
static void every_truncation(void **state)
{
	static const uint8_t body[] = {0, 3, 16, 198, 51, 0, 67, MANDATORY,
	    0xc0, 8, 8, 0xfb, 0xf5, 0, 1, 0xff, 0xff, 0xff, 1, 0x80, 14, 26, 0,
	    2, 1, V6_HOP, 0, 32, 0x20, 1, 0xd, 0xb8, 0xc0, 35, 4, 0, 0, 0, 1,
	    NLRI_203, 16, 203, 0};
	const struct bgp_rules all[] = {
	    {.families = 3, .as4 = true},
	    {.families = 3, .as4 = false},
	    {.families = 3, .as4 = true, .add_path = 3},
	    {.families = 2, .as4 = true},
	    {.families = 1, .as4 = true, .internal = true},
	};

	(void)state;
	sample_parse_body(&s, body, sizeof body, &all[0]);
	assert_int_equal(s.u.harm, BGP_FINE);
	for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
		for (size_t n = 0; n < sizeof body; n++) {
			sample_parse_body(&s, body, n, &all[i]);
			if (n < 7 + 67)
				assert_int_equal(s.u.harm, BGP_RESET);
		}
	/* Attributes cut short, their length field with them. */
	for (size_t n = 0; n < 67; n++) {
		sample_parse(&s, LITERAL(16, 198, 51),
		    (struct bytes){body + 7, n}, LITERAL(NLRI_203), &all[0]);
		assert_int_not_equal(s.u.harm, BGP_RESET);
		assert_bytes(s.u.reach[0].wire, LITERAL(NLRI_203));
		if (n < 20)
			assert_int_equal(s.u.harm, BGP_WITHDRAW);
	}
}

/* The promise of bgp_update_parse(): 8 times the length, and 64. */
static void memory_is_bounded(void **state)
{
	static const uint8_t head[] = {ORIGIN_IGP, NEXT_HOP_11};
	uint8_t attrs[4000];
	struct wr w = wr_from(attrs, sizeof attrs);

	(void)state;
	wr_bytes(&w, head, sizeof head);
	wr_u32(&w, 0x50020000u | 252 * 4); /* 252 segments of one 2-byte AS */
	for (unsigned i = 0; i < 252; i++)
		wr_u32(&w, 0x0201fbf5);
	for (unsigned c = 44; c < 240; c++) {
		wr_u16(&w, 0xc000 | c);
		wr_u8(&w, 0);
	}
	assert_true(wr_ok(&w));
	rules.as4 = false;
	arena_done(&s.arena);
	arena_init(&s.arena, 8 * (wr_len(&w) + 8) + 64);
	sample_parse(&s, EMPTY, (struct bytes){attrs, wr_len(&w)},
	    LITERAL(NLRI_203), &rules);
	assert_true(s.u.harm < BGP_WITHDRAW);
	assert_int_equal(bgp_path_length(s.u.attrs.as_path), 252);

	/* With less it gives up, and says so. */
	arena_done(&s.arena);
	arena_init(&s.arena, 2000);
	sample_parse(&s, EMPTY, (struct bytes){attrs, wr_len(&w)},
	    LITERAL(NLRI_203), &rules);
	assert_int_equal(s.u.harm, BGP_WITHDRAW);
	assert_int_equal(s.u.fault, BGP_FAULT_MEMORY);
	arena_done(&s.arena);
	arena_init(&s.arena, 8);
	sample_parse(&s, EMPTY, (struct bytes){attrs, wr_len(&w)},
	    LITERAL(NLRI_203), &rules);
	assert_int_equal(s.u.harm, BGP_RESET);
	assert_int_equal(s.u.notify.code, BGP_ERR_CEASE);
	assert_int_equal(s.u.notify.subcode, BGP_CEASE_RESOURCES);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(a_second_mp_attribute_resets),
	    TEST(missing_ones_withdraw),
	    TEST(errors_without_prefixes_reset),
	    TEST(prefixes_that_cannot_be_read_reset),
	    TEST(lengths_that_contradict_reset),
	    TEST(an_overrun_keeps_the_prefixes),
	    TEST(next_hops_of_impossible_length_reset),
	    TEST(every_truncation),
	    TEST(memory_is_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

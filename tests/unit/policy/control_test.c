#include "check.h"

#include "make.h"

/* One community, as text of the test: kind, then its numbers. */
struct com {
	char kind; /* s standard, 2 rt of a 2-byte AS, 4 of a 4-byte AS, l */
	uint32_t a;
	uint32_t b;
	uint32_t c;
};

#define S(a, b)                                                                \
	{                                                                      \
		's', a, b, 0                                                   \
	}
#define E2(a, b)                                                               \
	{                                                                      \
		'2', a, b, 0                                                   \
	}
#define E4(a, b)                                                               \
	{                                                                      \
		'4', a, b, 0                                                   \
	}
#define L(a, b, c)                                                             \
	{                                                                      \
		'l', a, b, c                                                   \
	}

static void put(struct route *r, const struct com *c)
{
	switch (c->kind) {
	case 's':
		route_standard(r, c->a, c->b);
		break;
	case '2':
		route_target(r, 0, c->a, c->b);
		break;
	case '4':
		route_target(r, 2, c->a, c->b);
		break;
	default:
		route_large(r, c->a, c->b, c->c);
	}
}

static struct policy *policy_of(uint32_t asn)
{
	static struct make m;
	struct policy *p;

	make_conf(&m);
	m.c.exchange.asn = asn;
	p = policy_new(&m.c);
	must(p);
	return p;
}

#define BIG 4200000123u /* an exchange with a 4-byte ASN */

static void who_gets_it(void **state)
{
	static const struct {
		uint32_t rs;
		struct com com[4];
		bool found;
		int peer1;   /* 64501: 0 denied, 1 as it is, 2-4 prepended */
		int peer2;   /* 64502 */
		int peer196; /* 196615 */
	} t[] = {
	    {RS, {{0}}, false, 1, 1, 1},
	    {RS, {S(65535, 65281)}, false, 1, 1, 1},
	    {RS, {S(1, 64501)}, false, 1, 1, 1},
	    {RS, {S(64501, 0)}, false, 1, 1, 1},
	    /* standard */
	    {RS, {S(0, 64501)}, true, 0, 1, 1},
	    {RS, {S(0, RS)}, true, 0, 0, 0},
	    {RS, {S(RS, 64501)}, true, 1, 1, 1},
	    {RS, {S(RS, RS)}, true, 1, 1, 1},
	    {RS, {S(0, RS), S(RS, 64501)}, true, 1, 0, 0},
	    {RS, {S(RS, 64501), S(0, RS)}, true, 1, 0, 0},
	    {RS, {S(0, RS), S(RS, RS)}, true, 0, 0, 0},
	    {RS, {S(0, RS), S(RS, 64501), S(0, 64501)}, true, 0, 0, 0},
	    {RS, {S(0, 64501), S(RS, 64501)}, true, 0, 1, 1},
	    {RS, {S(0, 64501), S(RS, RS)}, true, 0, 1, 1},
	    {RS, {S(0, 0)}, true, 1, 1, 1},
	    {RS, {S(RS, 0)}, true, 1, 1, 1},
	    /* route targets */
	    {RS, {E2(0, 64501)}, true, 0, 1, 1},
	    {RS, {E2(0, 196615)}, true, 1, 1, 0},
	    {RS, {E4(0, 64501)}, true, 0, 1, 1},
	    {RS, {E2(0, RS)}, true, 0, 0, 0},
	    {RS, {E4(0, RS)}, true, 0, 0, 0},
	    {RS, {E2(0, RS), E2(RS, 196615)}, true, 0, 0, 1},
	    {RS, {E2(0, RS), E4(RS, 64501)}, true, 1, 0, 0},
	    {RS, {E2(0, RS), E2(RS, RS)}, true, 0, 0, 0},
	    {RS, {E2(1, 64501), E4(1, 64501)}, false, 1, 1, 1},
	    /* large */
	    {RS, {L(RS, 0, 64501)}, true, 0, 1, 1},
	    {RS, {L(RS, 0, 196615)}, true, 1, 1, 0},
	    {RS, {L(RS, 0, 0)}, true, 0, 0, 0},
	    {RS, {L(RS, 1, 0)}, true, 1, 1, 1},
	    {RS, {L(RS, 0, 0), L(RS, 1, 196615)}, true, 0, 0, 1},
	    {RS, {L(RS, 0, 0), L(RS, 1, 0)}, true, 0, 0, 0},
	    {RS, {L(RS, 1, 64501), L(RS, 0, 64501)}, true, 0, 1, 1},
	    {RS, {L(RS, 101, 64501)}, true, 2, 1, 1},
	    {RS, {L(RS, 102, 64501), L(RS, 103, 64502)}, true, 3, 4, 1},
	    {RS, {L(RS, 101, 0)}, true, 2, 2, 2},
	    {RS, {L(RS, 103, 0), L(RS, 101, 64502)}, true, 4, 2, 4},
	    {RS, {L(RS, 101, 64501), L(RS, 103, 64501)}, true, 4, 1, 1},
	    {RS, {L(RS, 103, 64501), L(RS, 0, 64501)}, true, 0, 1, 1},
	    {RS, {L(RS, 0, 0), L(RS, 103, 64501)}, true, 0, 0, 0},
	    {RS, {L(RS, 104, 64501)}, false, 1, 1, 1},
	    {RS, {L(RS, 100, 64501)}, false, 1, 1, 1},
	    {RS, {L(RS, 2, 64501)}, false, 1, 1, 1},
	    {RS, {L(64501, 0, 64501)}, false, 1, 1, 1},
	    {RS, {L(0, 0, 64501)}, false, 1, 1, 1},
	    {RS, {L(RS, 1000, 1), L(RS, 1101, 3)}, true, 1, 1, 1},
	    {RS, {L(RS, 1001, 64501)}, true, 1, 1, 1},
	    {RS, {L(RS, 1002, 64501)}, true, 1, 1, 1},
	    {RS, {L(RS, 1003, 64501)}, false, 1, 1, 1},
	    /* kinds together */
	    {RS, {S(0, RS), E2(RS, 196615), L(RS, 1, 64502)}, true, 0, 1, 1},
	    {RS, {L(RS, 0, 0), S(RS, 64501), E2(0, 64501)}, true, 0, 0, 0},
	    {RS, {S(RS, 64501), L(RS, 102, 64501), S(0, RS)}, true, 3, 0, 0},
	    /* a 4-byte exchange */
	    {BIG, {S(0, 64501)}, true, 0, 1, 1},
	    {BIG, {S(23456, 64501)}, false, 1, 1, 1},
	    {BIG, {E4(BIG, 64501)}, true, 1, 1, 1},
	    {BIG, {E2(0, BIG)}, true, 0, 0, 0},
	    {BIG, {E2(0, BIG), E4(BIG, 64501)}, true, 1, 0, 0},
	    {BIG, {E2(0, 196615)}, true, 1, 1, 0},
	    {BIG, {L(BIG, 0, 0), L(BIG, 1, 196615)}, true, 0, 0, 1},
	    {BIG, {L(BIG, 0, 64502)}, true, 1, 0, 1},
	};

	(void)state;
	for (size_t i = 0; i < sizeof t / sizeof t[0]; i++) {
		static const uint32_t peers[] = {64501, 64502, 196615};
		int want[] = {t[i].peer1, t[i].peer2, t[i].peer196};
		struct policy *p = policy_of(t[i].rs);
		struct policy_control c;
		struct arena arena;
		static struct route r;

		arena_init(&arena, 4096);
		route_init(&r);
		route_path(&r, 64501);
		for (int k = 0; k < 4 && t[i].com[k].kind; k++)
			put(&r, &t[i].com[k]);
		if (policy_control_read(p, route_done(&r), &arena, &c) !=
		    t[i].found)
			fail_msg("line %zu: found or not", i);
		for (int k = 0; k < 3; k++) {
			int got = 1;

			if (!policy_control_permits(&c, peers[k]))
				got = 0;
			else
				got +=
				    (int)policy_control_prepend(&c, peers[k]);
			if (got != want[k])
				fail_msg(
				    "line %zu: AS%u: %d", i, peers[k], got);
		}
		arena_done(&arena);
		policy_free(p);
	}
}

static void other_route_types_are_not_for_us(void **state)
{
	/* type, subtype: route origin, IPv4 address, non-transitive, opaque */
	static const uint8_t types[][2] = {
	    {0, 3}, {2, 3}, {1, 2}, {0x40, 2}, {3, 2}};
	struct policy *p = make_policy();
	struct policy_control c;
	struct arena arena;

	(void)state;
	arena_init(&arena, 4096);
	for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
		static struct route r;

		route_init(&r);
		wr_bytes(&r.ext, types[i], 2);
		wr_bytes(&r.ext, "\0\0\0\0\xfb\xf5", 6);
		assert_false(
		    policy_control_read(p, route_done(&r), &arena, &c));
	}
	arena_done(&arena);
	policy_free(p);
}

static void without_memory_nobody_gets_it(void **state)
{
	struct policy *p = make_policy();
	struct policy_control c;
	struct arena arena;
	static struct route r;

	(void)state;
	arena_init(&arena, 16);
	route_init(&r);
	for (unsigned i = 0; i < 90; i++)
		route_standard(&r, 0, i + 1);
	assert_true(policy_control_read(p, route_done(&r), &arena, &c));
	assert_false(policy_control_permits(&c, 64502));
	arena_done(&arena);
	policy_free(p);
}

static void words_say_what_was_asked(void **state)
{
	static const struct {
		struct com com;
		const char *text;
		const char *effect;
	} t[] = {
	    {S(0, 64501), "0:64501", "not to AS64501"},
	    {S(0, RS), "0:64500", "to nobody but those named"},
	    {S(RS, 64501), "64500:64501", "to AS64501"},
	    {E2(0, 196615), "rt:0:196615", "not to AS196615"},
	    {E4(RS, 64501), "rt:64500:64501", "to AS64501"},
	    {L(RS, 1, 0), "64500:1:0", "to everybody, as without it"},
	    {L(RS, 102, 1), "64500:102:1", "prepended twice to AS1"},
	    {L(RS, 103, 0), "64500:103:0",
		"prepended three times to everybody"},
	    {L(RS, 1000, 4), "64500:1000:4", "removed, without effect"},
	};
	struct policy *p = make_policy();

	(void)state;
	for (size_t i = 0; i < sizeof t / sizeof t[0]; i++) {
		struct policy_word w[2];
		static struct route r;

		route_init(&r);
		route_standard(&r, 7, 7);
		put(&r, &t[i].com);
		assert_int_equal(
		    policy_control_words(p, route_done(&r), w, 2), 1);
		assert_string_equal(w[0].community, t[i].text);
		assert_string_equal(w[0].effect, t[i].effect);
	}
	policy_free(p);
}

/* ---- scrubbing --------------------------------------------------------- */

static void assert_scrubbed(const struct com *in, const struct com *out)
{
	struct policy *p = make_policy();
	static struct route r;
	static struct route want;
	static uint8_t buf[8192];
	struct wr w = wr_from(buf, sizeof buf);

	route_init(&r);
	route_init(&want);
	route_path(&r, 64501, 7);
	route_path(&want, 64501, 7);
	for (; in->kind; in++)
		put(&r, in);
	for (; out->kind; out++)
		put(&want, out);
	policy_scrub(p, route_done(&r), &w);
	route_done(&want);
	assert_true(wr_ok(&w));
	assert_int_equal(wr_len(&w), want.a.wire.n);
	assert_memory_equal(buf, want.a.wire.p, want.a.wire.n);
	policy_free(p);
}

static void only_what_is_for_us_is_scrubbed(void **state)
{
	(void)state;
	assert_scrubbed((struct com[]){S(1, 2), S(65535, 65281), {0}},
	    (struct com[]){S(1, 2), S(65535, 65281), {0}});
	assert_scrubbed((struct com[]){S(1, 2), S(0, 64501), S(3, 4), S(RS, 9),
			    S(65535, 65281), {0}},
	    (struct com[]){S(1, 2), S(3, 4), S(65535, 65281), {0}});
	assert_scrubbed((struct com[]){S(0, 64501), {0}}, (struct com[]){{0}});
	assert_scrubbed((struct com[]){E2(0, 5), E2(7, 5), E4(RS, 5), {0}},
	    (struct com[]){E2(7, 5), {0}});
	assert_scrubbed((struct com[]){E4(0, 5), {0}}, (struct com[]){{0}});
	assert_scrubbed(
	    (struct com[]){L(RS, 0, 1), L(RS, 1, 1), L(RS, 101, 1),
		L(RS, 102, 1), L(RS, 103, 1), L(RS, 1000, 1), L(RS, 1001, 1),
		L(RS, 1101, 1), L(RS, 5, 1), L(9, 0, 1), {0}},
	    (struct com[]){L(RS, 5, 1), L(9, 0, 1), {0}});
	assert_scrubbed((struct com[]){S(0, 1), E2(0, 1), L(RS, 0, 1), {0}},
	    (struct com[]){{0}});
}

static void a_long_list_loses_its_extended_length(void **state)
{
	struct com in[90];
	struct com out[40];

	(void)state;
	memset(in, 0, sizeof in);
	memset(out, 0, sizeof out);
	for (unsigned i = 0; i < 80; i++)
		in[i] = (struct com)S(i % 4 ? 0 : 5, i + 1);
	for (unsigned i = 0; i < 20; i++)
		out[i] = (struct com)S(5, 4 * i + 1);
	assert_scrubbed(in, out);
}

/* ---- prepending -------------------------------------------------------- */

static void assert_prepended(
    const struct route *r, unsigned n, const struct route *want)
{
	static uint8_t buf[8192];
	struct wr w = wr_from(buf, sizeof buf);
	uint16_t at = 0;

	policy_prepend(r->a.wire, n, &w, &at);
	assert_true(wr_ok(&w));
	assert_int_equal(wr_len(&w), want->a.wire.n);
	assert_memory_equal(buf, want->a.wire.p, want->a.wire.n);
	assert_int_equal(at, want->a.next_hop_at);
}

static void the_first_as_is_prepended(void **state)
{
	static struct route r;
	static struct route want;

	(void)state;
	route_init(&r);
	route_path(&r, 64501, 7);
	route_done(&r);
	route_init(&want);
	route_path(&want, 64501, 64501, 7);
	route_done(&want);
	assert_prepended(&r, 1, &want);
	route_init(&want);
	route_path(&want, 64501, 64501, 64501, 64501, 7);
	route_done(&want);
	assert_prepended(&r, 3, &want);
}

static void a_full_segment_gets_another_before_it(void **state)
{
	uint32_t asn[256];
	static struct route r;
	static struct route want;

	(void)state;
	for (size_t i = 0; i < 256; i++)
		asn[i] = 64501;
	for (unsigned have = 252; have <= 255; have++) {
		route_init(&r);
		route_segment(&r, BGP_AS_SEQUENCE, asn, have);
		route_done(&r);
		route_init(&want);
		if (have + 3 <= 255) {
			route_segment(&want, BGP_AS_SEQUENCE, asn, have + 3);
		} else {
			route_segment(&want, BGP_AS_SEQUENCE, asn, 3);
			route_segment(&want, BGP_AS_SEQUENCE, asn, have);
		}
		route_done(&want);
		assert_prepended(&r, 3, &want);
	}
	/* The attribute grows over 255 bytes. */
	route_init(&r);
	route_segment(&r, BGP_AS_SEQUENCE, asn, 63);
	route_done(&r);
	route_init(&want);
	route_segment(&want, BGP_AS_SEQUENCE, asn, 64);
	route_done(&want);
	assert_prepended(&r, 1, &want);
}

static void odd_paths_stay_as_they_are(void **state)
{
	static const uint32_t set[] = {1, 2};
	static struct route r;

	(void)state;
	route_init(&r);
	route_done(&r);
	assert_prepended(&r, 2, &r);
	route_init(&r);
	route_segment(&r, BGP_AS_SET, set, 2);
	route_done(&r);
	assert_prepended(&r, 2, &r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(who_gets_it),
	    cmocka_unit_test(other_route_types_are_not_for_us),
	    cmocka_unit_test(without_memory_nobody_gets_it),
	    cmocka_unit_test(words_say_what_was_asked),
	    cmocka_unit_test(only_what_is_for_us_is_scrubbed),
	    cmocka_unit_test(a_long_list_loses_its_extended_length),
	    cmocka_unit_test(the_first_as_is_prepended),
	    cmocka_unit_test(a_full_segment_gets_another_before_it),
	    cmocka_unit_test(odd_paths_stay_as_they_are),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/*
 * RFC 7606: what each error costs.  Every attribute is made too short, too
 * long, wrongly flagged, doubled, truncated and all zero, and the treatment
 * is the one that the RFCs name.
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

#define F BGP_FINE
#define D BGP_DISCARD
#define W BGP_WITHDRAW
#define R BGP_RESET

#define V6_HOP 16, 0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x11

/* One attribute as it should be, and what each way to spoil it costs. */
struct spoiled {
	const char *name;
	uint8_t flags;
	uint8_t code;
	uint8_t n;
	uint8_t value[24];
	bool as2;      /* from a 2-byte peer */
	bool internal; /* from an internal peer */
	/* the treatments */
	uint8_t good, shorter, longer, bad_flags, twice, truncated, zero;
};

static const struct spoiled table[] = {
    {"ORIGIN", 0x40, 1, 1, {2}, 0, 0, F, W, W, W, D, W, F},
    {"AS_PATH", 0x40, 2, 6, {2, 1, 0, 0, 0xfb, 0xf5}, 0, 0, F, W, W, W, D, W,
	W},
    {"AS_PATH of 2 bytes", 0x40, 2, 4, {2, 1, 0xfb, 0xf5}, 1, 0, F, W, W, W, D,
	W, W},
    {"NEXT_HOP", 0x40, 3, 4, {192, 0, 2, 11}, 0, 0, F, W, W, W, D, W, W},
    {"MED", 0x80, 4, 4, {0, 0, 0, 1}, 0, 0, F, W, W, W, D, W, F},
    {"LOCAL_PREF", 0x40, 5, 4, {0, 0, 0, 100}, 0, 0, D, D, D, D, D, W, D},
    {"LOCAL_PREF inside", 0x40, 5, 4, {0, 0, 0, 100}, 0, 1, F, W, W, W, D, W,
	F},
    {"ATOMIC_AGGREGATE", 0x40, 6, 0, {0}, 0, 0, F, F, D, W, D, W, F},
    {"AGGREGATOR", 0xc0, 7, 8, {0, 0, 0xfb, 0xf5, 192, 0, 2, 1}, 0, 0, F, D, D,
	W, D, W, D},
    {"AGGREGATOR of 2 bytes", 0xc0, 7, 6, {0xfb, 0xf5, 192, 0, 2, 1}, 1, 0, F,
	D, D, W, D, W, D},
    {"COMMUNITIES", 0xc0, 8, 4, {0xfb, 0xf5, 0, 1}, 0, 0, F, W, W, W, D, W, F},
    {"ORIGINATOR_ID", 0x80, 9, 4, {192, 0, 2, 1}, 0, 0, D, D, D, D, D, W, D},
    {"ORIGINATOR_ID inside", 0x80, 9, 4, {192, 0, 2, 1}, 0, 1, F, W, W, W, D, W,
	F},
    {"CLUSTER_LIST", 0x80, 10, 4, {192, 0, 2, 1}, 0, 0, D, D, D, D, D, W, D},
    {"CLUSTER_LIST inside", 0x80, 10, 4, {192, 0, 2, 1}, 0, 1, F, W, W, W, D, W,
	F},
    {"EXTENDED_COMMUNITIES", 0xc0, 16, 8, {0, 2, 0xfb, 0xf5, 0, 0, 0, 1}, 0, 0,
	F, W, W, W, D, W, F},
    /* from a 4-byte peer they are nobody's, whatever they hold (RFC 6793) */
    {"AS4_PATH", 0xc0, 17, 6, {2, 1, 0, 0, 0xfb, 0xf5}, 0, 0, D, D, D, D, D, W,
	D},
    {"AS4_PATH from 2 bytes", 0xc0, 17, 6, {2, 1, 0, 0, 0xfb, 0xf5}, 1, 0, F, D,
	D, D, D, W, D},
    {"AS4_AGGREGATOR", 0xc0, 18, 8, {0, 3, 0, 1, 192, 0, 2, 1}, 0, 0, D, D, D,
	D, D, W, D},
    {"AS4_AGGREGATOR from 2 bytes", 0xc0, 18, 8, {0, 3, 0, 1, 192, 0, 2, 1}, 1,
	0, F, D, D, D, D, W, D},
    {"IPV6_EXTENDED_COMMUNITIES", 0xc0, 25, 20, {0, 2, 0x20, 1}, 0, 0, F, W, W,
	W, D, W, F},
    {"AIGP", 0x80, 26, 11, {1, 0, 11}, 0, 0, D, D, D, D, D, W, D},
    {"LARGE_COMMUNITIES", 0xc0, 32, 12, {0, 0, 0xfb, 0xf5}, 0, 0, F, W, W, W, D,
	W, F},
    {"OTC", 0xc0, 35, 4, {0, 0, 0xfb, 0xf5}, 0, 0, F, W, W, W, D, W, F},
    {"TUNNEL_ENCAP", 0xc0, 23, 4, {0, 1, 0, 0}, 0, 0, D, D, D, D, D, W, D},
    {"PREFIX_SID", 0xc0, 40, 10, {1, 0, 7}, 0, 0, D, D, D, D, D, W, D},
    {"ATTR_SET", 0xc0, 128, 8, {0, 0, 0xfb, 0xf5, 0x40, 1, 1, 0}, 0, 0, D, D, D,
	D, D, W, D},
    {"unknown transitive", 0xc0, 99, 3, {1, 2, 3}, 0, 0, F, F, F, F, D, W, F},
    {"unknown non-transitive", 0x80, 99, 3, {1, 2, 3}, 0, 0, F, F, F, F, D, W,
	F},
    /* s5.1: their prefixes must be found, so most of it resets */
    {"MP_REACH_NLRI", 0x80, 14, 24, {0, 2, 1, V6_HOP, 0, 16, 0x20, 1}, 0, 0, F,
	R, F, W, R, W, D},
    {"MP_UNREACH_NLRI", 0x80, 15, 7, {0, 2, 1, 24, 0x20, 1, 0xd}, 0, 0, F, R, F,
	W, R, W, D},
};

/* The rest of a good UPDATE, without the attribute at hand. */
static void write_others(struct wr *w, const struct spoiled *t)
{
	static const uint8_t origin[] = {ORIGIN_IGP};
	static const uint8_t path[] = {PATH_64501};
	static const uint8_t path2[] = {0x40, 2, 4, 2, 1, 0xfb, 0xf5};
	static const uint8_t hop[] = {NEXT_HOP_11};
	static const uint8_t pref[] = {0x40, 5, 4, 0, 0, 0, 100};

	if (t->code != 1)
		wr_bytes(w, origin, sizeof origin);
	if (t->code != 2 && !t->as2)
		wr_bytes(w, path, sizeof path);
	if (t->code != 2 && t->as2)
		wr_bytes(w, path2, sizeof path2);
	if (t->code != 3)
		wr_bytes(w, hop, sizeof hop);
	if (t->internal && t->code != 5)
		wr_bytes(w, pref, sizeof pref);
}

static void write_attr(
    struct wr *w, const struct spoiled *t, uint8_t flags, unsigned n, bool zero)
{
	uint8_t value[sizeof t->value + 1] = {0};

	if (!zero)
		memcpy(value, t->value, sizeof t->value);
	wr_u8(w, flags);
	wr_u8(w, t->code);
	wr_u8(w, n);
	wr_bytes(w, value, n);
}

static void expect(
    const struct spoiled *t, const char *how, struct wr *w, enum bgp_harm want)
{
	struct bytes attrs = {w->start, wr_len(w)};

	assert_true(wr_ok(w));
	rules.as4 = !t->as2;
	rules.internal = t->internal;
	sample_parse(
	    &s, LITERAL(16, 198, 51), attrs, LITERAL(NLRI_203), &rules);
	if (s.u.harm != want)
		fail_msg("%s %s: wanted %u, got %u (%s, attribute %u)", t->name,
		    how, want, s.u.harm, bgp_fault_word(s.u.fault),
		    s.u.fault_attr);
	if (want == BGP_RESET) {
		assert_int_equal(s.u.notify.code, BGP_ERR_UPDATE);
		return;
	}
	/* The prefixes are found, whatever happened. */
	assert_bytes(s.u.reach[0].wire, LITERAL(NLRI_203));
	assert_bytes(s.u.withdrawn[0].wire, LITERAL(16, 198, 51));
	if (want != BGP_FINE)
		assert_int_not_equal(s.u.fault, BGP_FAULT_NONE);
}

static void spoil(const struct spoiled *t)
{
	uint8_t buf[256];
	struct wr w;

	w = wr_from(buf, sizeof buf);
	write_others(&w, t);
	write_attr(&w, t, t->flags, t->n, false);
	expect(t, "as it should be", &w, t->good);

	if (t->n) {
		w = wr_from(buf, sizeof buf);
		write_others(&w, t);
		write_attr(&w, t, t->flags, t->n - 1u, false);
		expect(t, "too short", &w, t->shorter);
	}
	w = wr_from(buf, sizeof buf);
	write_others(&w, t);
	write_attr(&w, t, t->flags, t->n + 1u, false);
	expect(t, "too long", &w, t->longer);

	/* Optional for what is well-known, transitive for what is not. */
	w = wr_from(buf, sizeof buf);
	write_others(&w, t);
	write_attr(
	    &w, t, t->flags ^ (t->flags & 0x80 ? 0x40 : 0xc0), t->n, false);
	expect(t, "wrong flags", &w, t->bad_flags);

	w = wr_from(buf, sizeof buf);
	write_attr(&w, t, t->flags, t->n, false);
	write_others(&w, t);
	write_attr(&w, t, t->flags, t->n, true);
	expect(t, "twice", &w, t->twice);

	w = wr_from(buf, sizeof buf);
	write_others(&w, t);
	write_attr(&w, t, t->flags, t->n, false);
	if (t->n) {
		w.p--;
		expect(t, "cut off", &w, t->truncated);
	}
	w = wr_from(buf, sizeof buf);
	write_others(&w, t);
	write_attr(&w, t, t->flags, t->n, true);
	expect(t, "all zero", &w, t->zero);
}

static void every_attribute_spoiled(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof table / sizeof table[0]; i++)
		spoil(&table[i]);
}

/* Attributes with an error go, the others stay as they were. */
static void discarded_ones_leave_no_trace(void **state)
{
	(void)state;
	sample_parse(&s, EMPTY,
	    LITERAL(MANDATORY, 0x40, 6, 1, 0, 0xc0, 7, 7, 1, 2, 3, 4, 5, 6, 7,
		0xc0, 35, 4, 0, 0, 0, 1),
	    LITERAL(NLRI_203), &rules);
	assert_int_equal(s.u.harm, BGP_DISCARD);
	assert_int_equal(s.u.fault, BGP_FAULT_LENGTH);
	assert_int_equal(s.u.fault_attr, 6);
	assert_true(s.u.attrs.discarded == (BGP_HAS(6) | BGP_HAS(7)));
	assert_bytes(s.u.attrs.wire,
	    LITERAL(ORIGIN_IGP, PATH_64501, 0xc0, 35, 4, 0, 0, 0, 1));
	assert_int_equal(s.u.attrs.otc, 1);
}

static void the_first_of_two_counts(void **state)
{
	(void)state;
	sample_parse(&s, EMPTY,
	    LITERAL(MANDATORY, 0x80, 4, 4, 0, 0, 0, 1, 0x80, 4, 4, 0, 0, 0, 2),
	    LITERAL(NLRI_203), &rules);
	assert_int_equal(s.u.harm, BGP_DISCARD);
	assert_int_equal(s.u.fault, BGP_FAULT_DUPLICATE);
	assert_int_equal(s.u.attrs.med, 1);
	/* Even when the second one is malformed. */
	sample_parse(&s, EMPTY,
	    LITERAL(MANDATORY, 0x80, 4, 4, 0, 0, 0, 1, 0x80, 4, 3, 0, 0, 0),
	    LITERAL(NLRI_203), &rules);
	assert_int_equal(s.u.harm, BGP_DISCARD);
}

static void bad_as_paths_withdraw(void **state)
{
	const struct {
		struct bytes path;
		enum bgp_fault fault;
	} bad[] = {
	    {{(const uint8_t[]){2, 0}, 2}, BGP_FAULT_AS_PATH},
	    {{(const uint8_t[]){2}, 1}, BGP_FAULT_AS_PATH},
	    {{(const uint8_t[]){2, 2, 0, 0, 0xfb, 0xf5}, 6}, BGP_FAULT_AS_PATH},
	    {{(const uint8_t[]){5, 1, 0, 0, 0xfb, 0xf5}, 6}, BGP_FAULT_AS_PATH},
	    {{(const uint8_t[]){0, 1, 0, 0, 0xfb, 0xf5}, 6}, BGP_FAULT_AS_PATH},
	    {{(const uint8_t[]){2, 1, 0, 0, 0xfb, 0xf5, 2}, 7},
		BGP_FAULT_AS_PATH},
	    {{(const uint8_t[]){2, 1, 0, 0, 0, 0}, 6}, BGP_FAULT_AS_ZERO},
	    {{(const uint8_t[]){1, 2, 0, 0, 0xfb, 0xf5, 0, 0, 0, 0}, 10},
		BGP_FAULT_AS_ZERO},
	    {{(const uint8_t[]){3, 1, 0, 0, 0xfb, 0xf5}, 6},
		BGP_FAULT_CONFEDERATION},
	    {{(const uint8_t[]){4, 1, 0, 0, 0xfb, 0xf5}, 6},
		BGP_FAULT_CONFEDERATION},
	};

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		uint8_t attrs[64];
		struct wr w = wr_from(attrs, sizeof attrs);
		static const uint8_t rest[] = {ORIGIN_IGP, NEXT_HOP_11};

		wr_bytes(&w, rest, sizeof rest);
		bgp_attr_write(&w, 0x40, 2, bad[i].path);
		sample_parse(&s, EMPTY, (struct bytes){attrs, wr_len(&w)},
		    LITERAL(NLRI_203), &rules);
		assert_int_equal(s.u.harm, BGP_WITHDRAW);
		assert_int_equal(s.u.fault, bad[i].fault);
	}
	/* No hop at all, and a set, are matters of policy. */
	sample_parse(&s, EMPTY, LITERAL(ORIGIN_IGP, 0x40, 2, 0, NEXT_HOP_11),
	    LITERAL(NLRI_203), &rules);
	assert_int_equal(s.u.harm, BGP_FINE);
	sample_parse(&s, EMPTY,
	    LITERAL(
		ORIGIN_IGP, 0x40, 2, 6, 1, 1, 0, 0, 0xfb, 0xf5, NEXT_HOP_11),
	    LITERAL(NLRI_203), &rules);
	assert_int_equal(s.u.harm, BGP_FINE);
	assert_true(bgp_path_has_set(s.u.attrs.as_path));
}

static void next_hops_must_be_hosts(void **state)
{
	static const uint8_t bad[][4] = {{0, 0, 0, 0}, {0, 1, 2, 3},
	    {127, 0, 0, 1}, {224, 0, 0, 5}, {240, 0, 0, 1},
	    {255, 255, 255, 255}};
	static const uint8_t bad6[][16] = {
	    {0}, {[15] = 1}, {0xff, 2, [15] = 1}};

	(void)state;
	for (size_t i = 0; i < 6; i++) {
		sample_parse(&s, EMPTY,
		    LITERAL(ORIGIN_IGP, PATH_64501, 0x40, 3, 4, bad[i][0],
			bad[i][1], bad[i][2], bad[i][3]),
		    LITERAL(NLRI_203), &rules);
		assert_int_equal(s.u.harm, BGP_WITHDRAW);
		assert_int_equal(s.u.fault, BGP_FAULT_NEXT_HOP);
	}
	for (size_t i = 0; i < 3; i++) {
		uint8_t attrs[64];
		struct wr w = wr_from(attrs, sizeof attrs);
		static const uint8_t head[] = {0x80, 14, 24, 0, 2, 1, 16};
		static const uint8_t tail[] = {
		    0, 16, 0x20, 1, ORIGIN_IGP, PATH_64501};

		wr_bytes(&w, head, sizeof head);
		wr_bytes(&w, bad6[i], 16);
		wr_bytes(&w, tail, sizeof tail);
		sample_parse(&s, EMPTY, (struct bytes){attrs, wr_len(&w)},
		    EMPTY, &rules);
		assert_int_equal(s.u.harm, BGP_WITHDRAW);
		assert_int_equal(s.u.fault, BGP_FAULT_NEXT_HOP);
		assert_int_equal(s.u.reach[1].wire.n, 3);
	}
}

static void unknown_well_known_withdraws(void **state)
{
	(void)state;
	sample_parse(&s, EMPTY, LITERAL(MANDATORY, 0x40, 99, 1, 0),
	    LITERAL(NLRI_203), &rules);
	assert_int_equal(s.u.harm, BGP_WITHDRAW);
	assert_int_equal(s.u.fault, BGP_FAULT_WELL_KNOWN);
	assert_int_equal(s.u.fault_attr, 99);
}

static void the_worst_error_wins(void **state)
{
	(void)state;
	/* Discard, then withdraw, then discard. */
	sample_parse(&s, EMPTY,
	    LITERAL(MANDATORY, 0x40, 6, 1, 0, 0xc0, 35, 3, 0, 0, 0, 0xc0, 23, 0,
		0x80, 4, 1, 0),
	    LITERAL(NLRI_203), &rules);
	assert_int_equal(s.u.harm, BGP_WITHDRAW);
	assert_int_equal(s.u.fault_attr, 35);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(every_attribute_spoiled),
	    TEST(discarded_ones_leave_no_trace),
	    TEST(the_first_of_two_counts),
	    TEST(bad_as_paths_withdraw),
	    TEST(next_hops_must_be_hosts),
	    TEST(unknown_well_known_withdraws),
	    TEST(the_worst_error_wins),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

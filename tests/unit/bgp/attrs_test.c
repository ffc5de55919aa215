/* AS paths, and canonical attributes changed. */
#include "update_help.h"

static uint8_t out[70000];

static struct bytes written(const struct wr *w)
{
	assert_true(wr_ok(w));
	return (struct bytes){w->start, wr_len(w)};
}

static struct wr fresh(void)
{
	return wr_from(out, sizeof out);
}

/* The least attributes of a route: ORIGIN and a path of n ASNs. */
static void make(struct wr *w, const uint32_t *asns, unsigned n)
{
	static const uint8_t origin[] = {ORIGIN_IGP};
	uint8_t path[2000];
	struct wr v = wr_from(path, sizeof path);

	for (unsigned i = 0; i < n; i++) {
		if (i % 255 == 0) {
			wr_u8(&v, BGP_AS_SEQUENCE);
			wr_u8(&v, n - i < 255 ? n - i : 255);
		}
		wr_u32(&v, asns[i]);
	}
	wr_bytes(w, origin, sizeof origin);
	bgp_attr_write(w, 0x40, ATTR_AS_PATH, (struct bytes){path, wr_len(&v)});
}

#define A64501 0, 0, 0xfb, 0xf5
#define A64502 0, 0, 0xfb, 0xf6
#define A196609 0, 3, 0, 1

static void paths_answer_questions(void **state)
{
	struct bytes empty = EMPTY;
	struct bytes plain = LITERAL(2, 2, A64501, A196609);
	struct bytes with_set = LITERAL(2, 1, A64501, 1, 2, A64502, A196609);
	struct bytes set_first = LITERAL(1, 1, A64501, 2, 1, A64502);
	struct bytes confed = LITERAL(3, 2, A64501, A64502, 2, 1, A196609);

	(void)state;
	assert_int_equal(bgp_path_length(empty), 0);
	assert_int_equal(bgp_path_length(plain), 2);
	assert_int_equal(bgp_path_length(with_set), 2);
	assert_int_equal(bgp_path_length(confed), 1);
	assert_int_equal(bgp_path_first(empty), 0);
	assert_int_equal(bgp_path_first(plain), 64501);
	assert_int_equal(bgp_path_first(set_first), 0);
	assert_int_equal(bgp_path_origin(empty), 0);
	assert_int_equal(bgp_path_origin(plain), 196609);
	assert_int_equal(bgp_path_origin(with_set), 0);
	assert_int_equal(bgp_path_origin(set_first), 64502);
	assert_true(bgp_path_has(with_set, 196609));
	assert_false(bgp_path_has(with_set, 64503));
	assert_false(bgp_path_has_set(plain));
	assert_true(bgp_path_has_set(with_set));
	assert_true(bgp_path_has_set(confed));
}

#define BASE ORIGIN_IGP, PATH_64501, 0x80, 4, 4, 0, 0, 0, 9

static void attributes_are_put_and_taken(void **state)
{
	struct bytes base = LITERAL(BASE, 0xe0, 200, 1, 7);
	struct wr w = fresh();

	(void)state;
	bgp_attrs_put(&w, base, 0xc0, ATTR_OTC, LITERAL(A64501));
	assert_bytes(
	    written(&w), LITERAL(BASE, 0xc0, 35, 4, A64501, 0xe0, 200, 1, 7));
	w = fresh();
	bgp_attrs_put(&w, base, 0x80, ATTR_MED, LITERAL(0, 0, 0, 1));
	assert_bytes(written(&w), LITERAL(ORIGIN_IGP, PATH_64501, 0x80, 4, 4, 0,
				      0, 0, 1, 0xe0, 200, 1, 7));
	w = fresh();
	bgp_attrs_put(&w, base, 0x80, ATTR_MED, EMPTY);
	assert_bytes(
	    written(&w), LITERAL(ORIGIN_IGP, PATH_64501, 0xe0, 200, 1, 7));
	w = fresh();
	bgp_attrs_put(&w, base, 0, 255, EMPTY);
	assert_bytes(written(&w), base);
}

#define LARGE_A 0, 0, 0xfb, 0xf4, 0, 0, 0, 1, 0, 0, 0, 2
#define LARGE_B 0, 0, 0xfb, 0xf4, 0, 0, 3, 0xe8, 0, 0, 0, 1
#define OTC_64501 0xc0, 35, 4, A64501

/* is, then what we say of it, must come out as want. */
static void added(struct bytes is, struct bytes more, struct bytes want)
{
	struct wr w = fresh();

	bgp_attrs_mark(&w, is, 64501, more);
	assert_bytes(written(&w), want);
}

static void what_we_say_is_added(void **state)
{
	(void)state;
	added(LITERAL(BASE), LITERAL(LARGE_B),
	    LITERAL(BASE, 0xc0, 32, 12, LARGE_B, OTC_64501));
	added(LITERAL(BASE), EMPTY, LITERAL(BASE, OTC_64501));
	added(LITERAL(BASE, 0xe0, 32, 12, LARGE_A), LITERAL(LARGE_B),
	    LITERAL(BASE, 0xe0, 32, 24, LARGE_A, LARGE_B, OTC_64501));
	added(LITERAL(BASE, 0xe0, 34, 1, 7, 0xe0, 200, 1, 7), LITERAL(LARGE_B),
	    LITERAL(BASE, 0xc0, 32, 12, LARGE_B, 0xe0, 34, 1, 7, OTC_64501,
		0xe0, 200, 1, 7));
	added(LITERAL(BASE, 0xc0, 32, 12, LARGE_A, 0xc0, 35, 4, A64502), EMPTY,
	    LITERAL(BASE, 0xc0, 32, 12, LARGE_A, OTC_64501));
	added(LITERAL(0xe0, 200, 1, 7), LITERAL(LARGE_A),
	    LITERAL(0xc0, 32, 12, LARGE_A, OTC_64501, 0xe0, 200, 1, 7));
	added(EMPTY, EMPTY, LITERAL(OTC_64501));
}

static void many_large_communities_need_a_long_length(void **state)
{
	static uint8_t many[21 * 12];
	static uint8_t base[600];
	struct wr b = wr_from(base, sizeof base);
	struct wr w = fresh();

	(void)state;
	bgp_attr_write(&b, 0xc0, ATTR_LARGE, (struct bytes){many, sizeof many});
	assert_int_equal(wr_len(&b), 3 + sizeof many);
	bgp_attrs_mark(&w, written(&b), 64501, LITERAL(LARGE_B));
	assert_int_equal(wr_len(&w), 4 + sizeof many + 12 + 7);
	assert_memory_equal(out, "\xd0\x20\x01\x08", 4);
}

static void stored_attributes_are_read_again(void **state)
{
	struct bytes base =
	    LITERAL(BASE, 0xc0, 8, 4, 0xfb, 0xf5, 0, 1, 0xc0, 35, 4, A64501);
	struct bgp_attrs a;

	(void)state;
	bgp_attrs_read(base, &a);
	assert_int_equal(a.origin, 0);
	assert_int_equal(a.med, 9);
	assert_int_equal(a.otc, 64501);
	assert_int_equal(a.next_hop_at, 13);
	assert_bytes(a.as_path, LITERAL(2, 1, A64501));
	assert_bytes(a.communities, LITERAL(0xfb, 0xf5, 0, 1));
	assert_true(a.has == (BGP_HAS(1) | BGP_HAS(2) | BGP_HAS(4) |
				 BGP_HAS(8) | BGP_HAS(35)));
	bgp_attrs_read(LITERAL(ORIGIN_IGP), &a);
	assert_int_equal(a.next_hop_at, 4);
}

static struct bytes path_of(struct bytes attrs)
{
	struct rd r = rd_from(attrs.p, attrs.n);
	struct bgp_attr a;

	while (bgp_attr_next(&r, &a))
		if (a.code == ATTR_AS_PATH)
			return a.value;
	return EMPTY;
}

static void communities_are_looked_for(void **state)
{
	static const uint8_t two[] = {0xff, 0xff, 0, 6, 0, 1, 0, 2};
	struct bytes all = {two, sizeof two};

	(void)state;
	assert_true(bgp_community_has(all, BGP_LLGR_STALE));
	assert_true(bgp_community_has(all, 0x00010002));
	assert_false(bgp_community_has(all, 0x00060001)); /* across two */
	assert_false(bgp_community_has((struct bytes){0}, 0));
}

static void prepending(void **state)
{
	struct bytes base = LITERAL(BASE);
	struct wr w = fresh();

	(void)state;
	bgp_attrs_prepend(&w, base, 64502, 2);
	assert_bytes(written(&w), LITERAL(ORIGIN_IGP, 0x40, 2, 14, 2, 3, A64502,
				      A64502, A64501, 0x80, 4, 4, 0, 0, 0, 9));
	w = fresh();
	bgp_attrs_prepend(&w, base, 64502, 0);
	assert_bytes(written(&w), base);
	/* onto nothing, and before a set */
	w = fresh();
	bgp_attrs_prepend(&w, LITERAL(ORIGIN_IGP, 0x40, 2, 0), 64502, 1);
	assert_bytes(
	    written(&w), LITERAL(ORIGIN_IGP, 0x40, 2, 6, 2, 1, A64502));
	w = fresh();
	bgp_attrs_prepend(&w, LITERAL(0x40, 2, 6, 1, 1, A64501), 64502, 1);
	assert_bytes(
	    written(&w), LITERAL(0x40, 2, 12, 2, 1, A64502, 1, 1, A64501));
}

static void prepending_onto_a_full_segment(void **state)
{
	static uint32_t asns[255];
	static uint8_t base[2000];
	struct wr b;
	struct wr w;

	(void)state;
	for (unsigned have = 250; have <= 255; have++)
		for (unsigned n = 0; n < 300; n += 3) {
			for (unsigned i = 0; i < have; i++)
				asns[i] = 70000 + i;
			b = wr_from(base, sizeof base);
			make(&b, asns, have);
			w = fresh();
			bgp_attrs_prepend(&w, written(&b), 64502, n);
			struct bytes path = path_of(written(&w));
			assert_int_equal(bgp_path_length(path), have + n);
			assert_int_equal(
			    bgp_path_first(path), n ? 64502 : 70000);
			assert_int_equal(
			    bgp_path_origin(path), 70000 + have - 1);
			struct bgp_attrs a;
			bgp_attrs_read(written(&w), &a);
		}
}

static void narrowed_for_two_byte_peers(void **state)
{
	struct wr w = fresh();

	(void)state;
	/* Everything fits: no AS4_PATH. */
	bgp_attrs_narrow(&w, LITERAL(BASE, 0xc0, 7, 8, A64501, 192, 0, 2, 1));
	assert_bytes(written(&w),
	    LITERAL(ORIGIN_IGP, 0x40, 2, 4, 2, 1, 0xfb, 0xf5, 0x80, 4, 4, 0, 0,
		0, 9, 0xc0, 7, 6, 0xfb, 0xf5, 192, 0, 2, 1));
	/* It does not; what is lost stands before the higher codes. */
	w = fresh();
	bgp_attrs_narrow(
	    &w, LITERAL(ORIGIN_IGP, 0x40, 2, 10, 2, 2, A64501, A196609, 0xc0, 7,
		    8, A196609, 192, 0, 2, 1, 0xc0, 16, 8, 0, 2, 0, 0, 0, 0, 0,
		    0, 0xc0, 35, 4, A64501));
	assert_bytes(written(&w),
	    LITERAL(ORIGIN_IGP, 0x40, 2, 6, 2, 2, 0xfb, 0xf5, 0x5b, 0xa0, 0xc0,
		7, 6, 0x5b, 0xa0, 192, 0, 2, 1, 0xc0, 16, 8, 0, 2, 0, 0, 0, 0,
		0, 0, 0xc0, 17, 10, 2, 2, A64501, A196609, 0xc0, 18, 8, A196609,
		192, 0, 2, 1, 0xc0, 35, 4, A64501));
}

/* Narrowed, sent to a 2-byte peer that relays it, and widened again. */
static void narrow_and_widen(void **state)
{
	static uint32_t asns[300];
	static uint8_t attrs[4000];
	struct bgp_rules rules = RULES_V4;
	struct sample *s = malloc(sizeof *s);

	(void)state;
	sample_init(s);
	rules.as4 = false;
	for (unsigned n = 0; n < 300; n += 7) {
		for (unsigned i = 0; i < n; i++)
			asns[i] = i % 3 ? 70000 + i : 1 + i;
		struct wr w = fresh();
		make(&w, asns, n);
		struct bytes canonical = written(&w);
		struct wr narrow = wr_from(attrs, sizeof attrs);
		bgp_attrs_narrow(&narrow, canonical);
		assert_true(wr_len(&narrow) <= canonical.n * 3 / 2 + 16);
		bgp_attr_write(&narrow, 0x40, 3, LITERAL(192, 0, 2, 1));
		sample_parse(
		    s, EMPTY, written(&narrow), LITERAL(NLRI_203), &rules);
		assert_int_equal(s->u.harm, BGP_FINE);
		assert_bytes(s->u.attrs.wire, canonical);
	}
	sample_done(s);
	free(s);
}

static void no_room_sticks(void **state)
{
	struct bytes base = LITERAL(BASE);

	(void)state;
	for (size_t room = 0; room < base.n + 4; room++) {
		uint8_t *exact = malloc(room + !room);
		struct wr w = wr_from(exact, room);

		bgp_attrs_prepend(&w, base, 64502, 1);
		assert_false(wr_ok(&w));
		w = wr_from(exact, room);
		bgp_attrs_put(&w, base, 0xc0, ATTR_OTC, LITERAL(A64501));
		assert_false(wr_ok(&w));
		w = wr_from(exact, room);
		bgp_attrs_mark(&w, base, 64501, LITERAL(LARGE_B));
		assert_false(wr_ok(&w));
		w = wr_from(exact, room);
		bgp_attrs_narrow(&w, base);
		assert_int_equal(wr_ok(&w), room >= base.n - 2);
		free(exact);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(paths_answer_questions),
	    cmocka_unit_test(attributes_are_put_and_taken),
	    cmocka_unit_test(what_we_say_is_added),
	    cmocka_unit_test(many_large_communities_need_a_long_length),
	    cmocka_unit_test(stored_attributes_are_read_again),
	    cmocka_unit_test(communities_are_looked_for),
	    cmocka_unit_test(prepending),
	    cmocka_unit_test(prepending_onto_a_full_segment),
	    cmocka_unit_test(narrowed_for_two_byte_peers),
	    cmocka_unit_test(narrow_and_widen),
	    cmocka_unit_test(no_room_sticks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "check.h"

#include "bgp/bgp.h"
#include "cli/play/play_attrs.h"
#include "cli/play/play_book.h"
#include "cli/play/play_encode.h"
#include "cli/play/play_source.h"
#include "mrt_file.h"

#define OWN 64500

/* ---- attributes -------------------------------------------------------- */

static struct play_attrs pass_on(
    struct play_scratch *s, const uint8_t *p, size_t n, bool as4)
{
	struct play_attrs a;

	assert_true(play_attrs_pass_on(s, rd_from(p, n), as4, OWN, &a));
	return a;
}

static void own_asn_comes_first_and_next_hops_go(void **state)
{
	/* ORIGIN, AS_PATH 65001 65002, LOCAL_PREF, communities stay. */
	static const uint8_t in[] = {0xc0, 8, 4, 1, 2, 3, 4, 0x40, 1, 1, 0,
	    0x40, 2, 6, 2, 2, 0xfd, 0xe9, 0xfd, 0xea, 0x40, 3, 4, 1, 2, 3, 4,
	    0x40, 5, 4, 0, 0, 0, 100, 0x80, 14, 5, 0, 2, 1, 0, 0};
	static const uint8_t out[] = {0x40, 1, 1, 0, 0x40, 2, 14, 2, 3, 0, 0,
	    0xfb, 0xf4, 0, 0, 0xfd, 0xe9, 0, 0, 0xfd, 0xea, 0xc0, 8, 4, 1, 2, 3,
	    4};
	struct play_scratch *s = play_scratch_new();
	struct play_attrs a = pass_on(s, in, sizeof in, false);

	(void)state;
	assert_int_equal(a.wire.n, sizeof out);
	assert_memory_equal(a.wire.p, out, sizeof out);
	assert_int_equal(a.next_hop_at, 4 + 17);
	play_scratch_free(s);
}

static void what_is_missing_is_made(void **state)
{
	static const uint8_t out[] = {
	    0x40, 1, 1, 2, 0x40, 2, 6, 2, 1, 0, 0, 0xfb, 0xf4};
	struct play_scratch *s = play_scratch_new();
	struct play_attrs a = pass_on(s, out, 0, true);

	(void)state;
	assert_int_equal(a.wire.n, sizeof out);
	assert_memory_equal(a.wire.p, out, sizeof out);
	play_scratch_free(s);
}

/* RFC 6793 s4.2.3, and confederations left out. */
static void as4_path_is_merged(void **state)
{
	static const uint8_t in[] = {0x40, 2, 10, 3, 1, 0xfc, 0, 2, 2, 0, 5,
	    0x5b, 0xa0, 0xc0, 17, 6, 2, 1, 0, 3, 0xd, 0x40};
	static const uint8_t path[] = {
	    2, 2, 0, 0, 0xfb, 0xf4, 0, 0, 0, 5, 2, 1, 0, 3, 0xd, 0x40};
	struct play_scratch *s = play_scratch_new();
	struct play_attrs a = pass_on(s, in, sizeof in, false);

	(void)state;
	assert_int_equal(a.wire.n, 4 + 3 + sizeof path);
	assert_memory_equal(a.wire.p + 7, path, sizeof path);
	play_scratch_free(s);
}

static void every_truncation_of_attributes_is_refused(void **state)
{
	struct play_scratch *s = play_scratch_new();
	struct play_attrs a;

	(void)state;
	for (size_t n = 1; n < sizeof mrt_attrs4; n++) {
		uint8_t *exact = malloc(n);
		bool ok;

		memcpy(exact, mrt_attrs4, n);
		ok = play_attrs_pass_on(s, rd_from(exact, n), true, OWN, &a);
		/* Between two attributes a cut cannot be seen. */
		assert_int_equal(ok, n == 4 || n == 17);
		free(exact);
	}
	play_scratch_free(s);
}

static void old_peers_get_as_trans_and_as4_path(void **state)
{
	static const uint8_t in[] = {0x40, 2, 6, 2, 1, 0, 3, 0xd, 0x40};
	static const uint8_t out[] = {0x40, 1, 1, 2, 0x40, 2, 6, 2, 2, 0xfb,
	    0xf4, 0x5b, 0xa0, 0xc0, 17, 10, 2, 2, 0, 0, 0xfb, 0xf4, 0, 3, 0xd,
	    0x40};
	struct play_scratch *s = play_scratch_new(), *t = play_scratch_new();
	struct play_attrs a = pass_on(s, in, sizeof in, true), b;

	(void)state;
	assert_true(play_attrs_narrow(t, &a, &b));
	assert_int_equal(b.wire.n, sizeof out);
	assert_memory_equal(b.wire.p, out, sizeof out);
	play_scratch_free(s);
	play_scratch_free(t);
}

/* ---- the book ---------------------------------------------------------- */

static void a_book_keeps_one_route_a_prefix(void **state)
{
	struct play_book *b = play_book_new();
	uint8_t wire[2] = {0};
	bool new;

	(void)state;
	for (unsigned i = 0; i < 20000; i++) {
		struct prefix p = {
		    .addr = {.b = {10, (uint8_t)(i >> 8), (uint8_t)i}},
		    .len = 24};
		struct play_attrs a = {.wire = {wire, 2}};
		struct play_route *r = play_book_route(b, &p, &new);

		wire[0] = (uint8_t)(i % 7);
		assert_true(new);
		r->set = (uint32_t)play_book_set(b, &a);
	}
	assert_int_equal(play_book_sets(b), 7);
	assert_int_equal(play_book_count(b, FAMILY_IPV4), 20000);
	assert_int_equal(play_book_count(b, FAMILY_IPV6), 0);
	size_t n;
	uint32_t *list = play_book_list(b, FAMILY_IPV4, &n), changes = 0;
	assert_int_equal(n, 20000);
	for (size_t i = 1; i < n; i++)
		changes += play_book_at(b, list[i])->set !=
			   play_book_at(b, list[i - 1])->set;
	assert_int_equal(changes, 6);
	free(list);
	play_book_free(b);
}

/* ---- whole recordings -------------------------------------------------- */

#define MESSAGES 64

struct played {
	unsigned updates, refreshes, keepalives;
	unsigned announced, withdrawn, end_of_rib;
	uint8_t next_hop[16];
	uint32_t first_asn;
	size_t longest;
};

static bool go_on(void *arg, uint64_t at, uint64_t size)
{
	(void)arg;
	(void)at;
	(void)size;
	return true;
}

static void take_update(struct played *p, struct rd body)
{
	const struct bgp_rules rules = {.families = 3, .as4 = true};
	struct bgp_update u;
	struct bgp_prefix prefix;
	struct arena a;

	arena_init(&a, 1 << 20);
	bgp_update_parse(body, &rules, &a, &u);
	assert_int_equal(u.harm, BGP_FINE);
	p->end_of_rib += u.end_of_rib;
	for (unsigned i = 0; i < 2; i++) {
		while (bgp_nlri_next(&u.withdrawn[i], &prefix))
			p->withdrawn++;
		while (bgp_nlri_next(&u.reach[i], &prefix)) {
			p->announced++;
			p->first_asn = bgp_path_first(u.attrs.as_path);
			memcpy(
			    p->next_hop, u.next_hop[i], u.next_hop_len[i] & 31);
		}
	}
	arena_done(&a);
}

/* All that the source has for now, decoded as a peer would. */
static struct played take_all(struct play_source *s, uint64_t now_ns)
{
	struct played p = {0};
	uint8_t *buf = malloc(BGP_MAX_EXTENDED);
	uint64_t due;

	for (unsigned i = 0; i < MESSAGES; i++) {
		struct wr w = wr_from(buf, BGP_MAX_EXTENDED);
		struct bgp_notify n;
		enum bgp_type type;

		if (play_source_next(s, &w, now_ns, &due) != PLAY_MESSAGE)
			break;
		assert_true(wr_ok(&w));
		assert_int_equal(
		    bgp_header(buf, BGP_MAX_EXTENDED, &type, &n), wr_len(&w));
		if (wr_len(&w) > p.longest)
			p.longest = wr_len(&w);
		p.updates += type == BGP_UPDATE;
		p.refreshes += type == BGP_ROUTE_REFRESH;
		p.keepalives += type == BGP_KEEPALIVE;
		if (type == BGP_UPDATE)
			take_update(&p,
			    rd_from(buf + BGP_HEADER, wr_len(&w) - BGP_HEADER));
	}
	free(buf);
	return p;
}

static struct play_source *open_bytes(
    const void *p, size_t n, const struct play_wants *wants)
{
	struct mem_file f = mem_file(p, n);
	struct play_wants w = *wants;
	struct play_source *s;
	char error[PLAY_ERROR];

	w.path = f.path;
	w.asn = OWN;
	w.families = 3;
	assert_int_equal(play_source_open(&w, go_on, NULL, &s, error), 0);
	close(f.fd);
	return s;
}

static const struct play_shape shape = {.families = 3,
    .as4 = true,
    .enhanced_refresh = true,
    .hop = {{.b = {192, 0, 2, 7}, .family = FAMILY_IPV4},
	{.b = {0x20, 1, 0xd, 0xb8, [15] = 7}, .family = FAMILY_IPV6}}};

static void a_table_goes_out_once_a_prefix(void **state)
{
	static uint8_t buf[4096];
	struct wr w = wr_from(buf, sizeof buf);
	static const uint8_t hop[4] = {192, 0, 2, 7};

	(void)state;
	write_peers(&w);
	for (unsigned i = 0; i < 5; i++)
		write_rib(&w, i);
	struct play_source *s =
	    open_bytes(buf, wr_len(&w), &(struct play_wants){0});
	play_source_begin(s, &shape, 1);
	struct played p = take_all(s, 1);
	/* One UPDATE for the five, an End-of-RIB for each family. */
	assert_int_equal(p.announced, 5);
	assert_int_equal(p.updates, 3);
	assert_int_equal(p.end_of_rib, 2);
	assert_int_equal(p.first_asn, OWN);
	assert_memory_equal(p.next_hop, hop, 4);
	/* Again on refresh, between BoRR and EoRR. */
	play_source_refresh(s, FAMILY_IPV4);
	p = take_all(s, 1);
	assert_int_equal(p.announced, 5);
	assert_int_equal(p.refreshes, 2);
	assert_int_equal(p.end_of_rib, 0);
	play_source_close(s);
}

static void one_peer_and_a_limit_are_kept_to(void **state)
{
	static uint8_t buf[4096];
	struct wr w = wr_from(buf, sizeof buf);

	(void)state;
	write_peers(&w);
	for (unsigned i = 0; i < 5; i++)
		write_rib(&w, i);
	struct play_source *s = open_bytes(buf, wr_len(&w),
	    &(struct play_wants){.one_peer = true, .peer = 0, .limit = 3});
	play_source_begin(s, &shape, 1);
	assert_int_equal(take_all(s, 1).announced, 3);
	play_source_close(s);
	s = open_bytes(
	    buf, wr_len(&w), &(struct play_wants){.one_peer = true, .peer = 9});
	play_source_begin(s, &shape, 1);
	assert_int_equal(take_all(s, 1).announced, 0);
	play_source_close(s);
}

static void updates_come_in_their_order_and_time(void **state)
{
	static uint8_t buf[4096];
	struct wr w = wr_from(buf, sizeof buf);

	(void)state;
	write_update(&w, 100, 4);
	write_update(&w, 101, 1);
	write_update(&w, 110, 0x104); /* a quarter of a second later still */
	struct play_source *s = open_bytes(
	    buf, wr_len(&w), &(struct play_wants){.pace = PLAY_RECORDED});
	play_source_begin(s, &shape, 1);
	struct played p = take_all(s, 1);
	assert_int_equal(p.announced, 1);
	assert_int_equal(p.withdrawn, 1);
	p = take_all(s, 1000000001);
	assert_int_equal(p.announced, 1);
	p = take_all(s, 10200000000);
	assert_int_equal(p.announced, 0);
	p = take_all(s, 10250000001);
	assert_int_equal(p.announced, 1);
	/* A new session gets what is known by now: 10.2/16 alone. */
	play_source_begin(s, &shape, 11000000000);
	p = take_all(s, 11000000000);
	assert_int_equal(p.announced, 1);
	assert_int_equal(p.withdrawn, 0);
	play_source_close(s);
}

static void a_rate_is_kept_to(void **state)
{
	static uint8_t buf[8192];
	struct wr w = wr_from(buf, sizeof buf);

	(void)state;
	write_peers(&w);
	for (unsigned i = 0; i < 50; i++)
		write_rib(&w, i);
	struct play_source *s = open_bytes(buf, wr_len(&w),
	    &(struct play_wants){.pace = PLAY_RATE, .rate = 10});
	play_source_begin(s, &shape, 1);
	assert_int_equal(take_all(s, 1).announced, 1);
	assert_int_equal(take_all(s, 1000000001).announced, 10);
	assert_int_equal(take_all(s, 9000000001).announced, 39);
	play_source_close(s);
}

/* Attributes that need more than 4,096 bytes. */
static void long_attributes_need_extended_messages(void **state)
{
	struct play_shape here = shape;
	uint8_t *long_attr = calloc(1, 5000);
	struct prefix p = {.addr = {.b = {10}}, .len = 8};
	struct play_attrs a = {.wire = {long_attr, 5000}};
	uint8_t *buf = malloc(BGP_MAX_EXTENDED);
	struct wr w = wr_from(buf, BGP_MAX_EXTENDED);

	(void)state;
	assert_int_equal(
	    play_encode_reach(&w, &here, &a, FAMILY_IPV4, &p, 1), 0);
	assert_int_equal(wr_len(&w), 0);
	here.extended = true;
	assert_int_equal(
	    play_encode_reach(&w, &here, &a, FAMILY_IPV4, &p, 1), 1);
	free(buf);
	free(long_attr);
}

static void many_prefixes_are_split_into_messages(void **state)
{
	static struct prefix p[2000];
	uint8_t *buf = malloc(BGP_MAX_EXTENDED);
	struct play_attrs a = {.wire = {mrt_attrs4, 17}, .next_hop_at = 17};

	(void)state;
	for (unsigned f = 0; f < FAMILY_COUNT; f++) {
		for (unsigned i = 0; i < 2000; i++)
			p[i] = (struct prefix){
			    .addr = {.b = {0x20, (uint8_t)(i >> 8), (uint8_t)i},
				.family = (uint8_t)f},
			    .len = 24};
		struct wr w = wr_from(buf, BGP_MAX_EXTENDED);
		size_t n =
		    play_encode_reach(&w, &shape, &a, (enum family)f, p, 2000);
		assert_true(n > 900 && n < 1024);
		assert_true(wr_len(&w) <= BGP_MAX);
		w = wr_from(buf, BGP_MAX_EXTENDED);
		n = play_encode_withdraw(&w, (enum family)f, p, 2000);
		assert_true(n > 1000 && n < 1024);
		assert_true(wr_len(&w) <= BGP_MAX);
	}
	free(buf);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(own_asn_comes_first_and_next_hops_go),
	    cmocka_unit_test(what_is_missing_is_made),
	    cmocka_unit_test(as4_path_is_merged),
	    cmocka_unit_test(every_truncation_of_attributes_is_refused),
	    cmocka_unit_test(old_peers_get_as_trans_and_as4_path),
	    cmocka_unit_test(a_book_keeps_one_route_a_prefix),
	    cmocka_unit_test(a_table_goes_out_once_a_prefix),
	    cmocka_unit_test(one_peer_and_a_limit_are_kept_to),
	    cmocka_unit_test(updates_come_in_their_order_and_time),
	    cmocka_unit_test(a_rate_is_kept_to),
	    cmocka_unit_test(long_attributes_need_extended_messages),
	    cmocka_unit_test(many_prefixes_are_split_into_messages),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

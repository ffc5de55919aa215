/* What is written is read back, by the reader of recordings (cli/mrt). */
#include "check.h"

#include "bgp/update_write.h"
#include "cli/mrt/mrt.h"
#include "monitor/mrt_write.h"
#include "tests/unit/cli/mrt_file.h"

static uint8_t buf[4096];

/* ORIGIN igp, AS_PATH 64501. */
static const uint8_t attrs[] = {
    0x40, 1, 1, 0, 0x40, 2, 6, 2, 1, 0, 0, 0xfb, 0xf5};
static const uint8_t hop4[] = {192, 0, 2, 11};
static const uint8_t hop6[16] = {0x20, 1, 0xd, 0xb8, [15] = 0x11};

static const struct ip peer4 = {.family = FAMILY_IPV4, .b = {192, 0, 2, 11}};
static const struct ip peer6 = {
    .family = FAMILY_IPV6, .b = {0x20, 1, 0xd, 0xb8, [15] = 0x12}};

static struct prefix prefix(const char *text)
{
	struct prefix p;

	assert_int_equal(prefix_parse(text, &p), 0);
	return p;
}

static void put_table(struct wr *w)
{
	struct prefix v4 = prefix("203.0.113.0/25");
	struct prefix v6 = prefix("2001:db8:7::/48");
	uint8_t *at = mrt_write_peers(w, 1000, 0xc0000201, "Test-IX");

	mrt_write_peer(w, 0x0a000001, &peer4, 64501);
	mrt_write_peer(w, 0x0a000002, &peer6, 4200000001u);
	mrt_write_peers_close(w, at, 2);
	at = mrt_write_rib(w, 1001, 0, &v4, false);
	mrt_write_path(w, &(struct mrt_path){.peer = 1,
			      .time_s = 900,
			      .family = FAMILY_IPV4,
			      .attrs = {attrs, sizeof attrs},
			      .next_hop = {hop4, 4}});
	mrt_write_path(w, &(struct mrt_path){.peer = 0,
			      .time_s = 901,
			      .family = FAMILY_IPV4,
			      .attrs = {attrs, sizeof attrs},
			      .next_hop = {hop6, 16}});
	mrt_write_rib_close(w, at, 2);
	at = mrt_write_rib(w, 1001, 1, &v6, true);
	mrt_write_path(w, &(struct mrt_path){.peer = 1,
			      .time_s = 902,
			      .add_path = true,
			      .path_id = 77,
			      .family = FAMILY_IPV6,
			      .attrs = {attrs, sizeof attrs},
			      .next_hop = {hop6, 16}});
	mrt_write_rib_close(w, at, 1);
}

static struct mrt *reopen(const struct wr *w, struct mem_file *f)
{
	char error[MRT_ERROR];
	struct mrt *m;

	assert_true(wr_ok(w));
	*f = mem_file(buf, wr_len(w));
	assert_int_equal(mrt_open(f->path, &m, error), 0);
	return m;
}

static void is_route(struct mrt_walk *walk, const char *text, uint32_t peer)
{
	struct mrt_route r;
	char found[PREFIX_TEXT];

	assert_true(mrt_walk_next(walk, &r));
	assert_true(r.usable && r.as4);
	assert_int_equal(r.peer, peer);
	assert_string_equal(prefix_format(&r.prefix, found), text);
}

static void tables(void **state)
{
	struct wr w = wr_from(buf, sizeof buf);
	struct mem_file f;
	struct mrt_record r;
	struct mrt_walk walk;
	struct mrt_route route;

	(void)state;
	put_table(&w);
	struct mrt *m = reopen(&w, &f);
	assert_int_equal(mrt_next(m, &r), 1);
	assert_int_equal(r.kind, MRT_PEERS);
	assert_int_equal(mrt_peers(m), 2);
	assert_int_equal(mrt_peer(m, 1)->asn, 4200000001u);
	assert_true(ip_eq(&mrt_peer(m, 1)->addr, &peer6));
	assert_int_equal(mrt_next(m, &r), 1);
	assert_int_equal(r.kind, MRT_RIB);
	assert_int_equal(r.subtype, MRT_RIB_IPV4_UNICAST);
	assert_int_equal(r.paths, 2);
	walk = mrt_walk(&r);
	is_route(&walk, "203.0.113.0/25", 1);
	is_route(&walk, "203.0.113.0/25", 0);
	assert_false(mrt_walk_next(&walk, &route) || walk.damaged);
	assert_int_equal(mrt_next(m, &r), 1);
	assert_int_equal(r.subtype, MRT_RIB_IPV6_UNICAST_ADDPATH);
	walk = mrt_walk(&r);
	assert_true(mrt_walk_next(&walk, &route));
	assert_true(route.has_path_id);
	assert_int_equal(route.path_id, 77);
	assert_int_equal(mrt_next(m, &r), 0);
	mrt_close(m);
	close(f.fd);
}

static void updates(void **state)
{
	const struct mrt_session s = {.time_s = 5,
	    .peer_asn = 64501,
	    .local_asn = 64500,
	    .peer = peer6,
	    .local = peer6};
	const struct bgp_encoding how = {.add_path = true, .max = BGP_MAX};
	static const uint8_t addr[] = {203, 0, 113, 0};
	struct wr w = wr_from(buf, sizeof buf);
	struct bgp_update_writer u;
	struct mem_file f;
	struct mrt_record r;
	struct mrt_route route;

	(void)state;
	mrt_write_state(&w, &s, 5, MRT_STATE_ESTABLISHED);
	uint8_t *at = mrt_write_message(&w, &s, true);
	assert_true(bgp_update_write_reach(
	    &u, &w, &how, (struct bytes){attrs, sizeof attrs}, hop4, 4));
	assert_true(bgp_update_write_nlri(&u, addr, 24, 9));
	assert_true(bgp_update_write_close(&u));
	mrt_write_close(&w, at);
	struct mrt *m = reopen(&w, &f);
	assert_int_equal(mrt_next(m, &r), 1);
	assert_int_equal(r.kind, MRT_STATE);
	assert_int_equal(r.old_state, 5);
	assert_int_equal(r.new_state, 6);
	assert_int_equal(mrt_next(m, &r), 1);
	assert_int_equal(r.kind, MRT_UPDATE);
	assert_true(r.as4 && r.add_path);
	assert_int_equal(mrt_peer(m, r.peer)->asn, 64501);
	struct mrt_walk walk = mrt_walk(&r);
	assert_true(mrt_walk_next(&walk, &route));
	assert_int_equal(route.kind, MRT_ROUTE_ANNOUNCED);
	assert_int_equal(route.path_id, 9);
	assert_int_equal(mrt_next(m, &r), 0);
	mrt_close(m);
	close(f.fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(tables),
	    cmocka_unit_test(updates),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

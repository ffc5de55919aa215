/*
 * Members, and a session role, that mean no good: what they may cost the
 * engine, and that nobody else pays for it.
 */
#include "check.h"

#include "base/clock.h"
#include "base/wire.h"
#include "exchange/exchange.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
	SLOTS = 3,
	CHUNKS_MAX = 256
};

static struct exchange *x;
static struct conf *conf;
static struct feed_shared *area;
static struct feed_cursors *cursors;
static uint64_t now_ns;
static bool closed[SLOTS];
static bool stuck[SLOTS]; /* its cursor stays where it is */

static void set_cursor(uint32_t slot, uint32_t journal, uint64_t at)
{
	atomic_store(&cursors->at[slot][journal], at);
}

static bool take(void *arg, enum feed_type type, uint32_t slot,
    uint32_t incarnation, const void *data, size_t n)
{
	struct feed_place place;

	(void)arg;
	(void)incarnation;
	assert_in_range(slot, 0, SLOTS - 1);
	if (type == FEED_CLOSE)
		closed[slot] = true;
	if (type != FEED_JOIN && type != FEED_SKIP)
		return true;
	assert_int_equal(n, sizeof place);
	memcpy(&place, data, n);
	if (type == FEED_JOIN)
		/* One that reads is always far ahead of everything. */
		set_cursor(slot, place.journal,
		    stuck[slot] ? FEED_AT(place.seq, place.offset)
				: FEED_AT((uint64_t)1 << 40, 0));
	else if (!stuck[slot])
		set_cursor(slot, place.journal, UINT64_MAX);
	return true;
}

static void start(uint32_t chunks)
{
	static const char text[] =
	    "exchange \"X\" { asn 64500; router-id 192.0.2.1;"
	    " listen 192.0.2.1; lan 192.0.2.0/24; }\n"
	    "policy { preset open; }\n"
	    "member \"A\" { asn 64501; at 192.0.2.11; }\n"
	    "member \"B\" { asn 64502; at 192.0.2.12; }\n"
	    "member \"C\" { asn 64503; at 192.0.2.13; }\n";
	const struct exchange_out out = {.send = take};
	struct conf_error *errors = NULL;
	size_t n = 0;
	size_t bytes = FEED_CHUNKS_AT + (size_t)chunks * FEED_CHUNK;

	memset(closed, 0, sizeof closed);
	memset(stuck, 0, sizeof stuck);
	now_ns = NS_PER_S;
	assert_int_equal(conf_parse(text, strlen(text), &conf, &errors, &n), 0);
	assert_int_equal(exchange_new(conf, false, now_ns, &x), 0);
	area = aligned_alloc(FEED_CHUNK, bytes);
	cursors = calloc(1, sizeof *cursors);
	assert_true(area && cursors);
	memset(area, 0, bytes);
	for (unsigned s = 0; s < SLOTS; s++)
		for (unsigned j = 0; j < FEED_JOURNALS; j++)
			set_cursor(s, j, UINT64_MAX);
	exchange_attach(x, area, bytes, cursors, &out, now_ns);
}

static void finish(void)
{
	exchange_detach(x, now_ns);
	exchange_free(x);
	conf_free(conf);
	free(area);
	free(cursors);
}

static void turn(void)
{
	exchange_flush(x, now_ns);
	for (unsigned i = 0; i < 999 && exchange_work(x, now_ns, 0); i++)
		exchange_flush(x, now_ns);
	exchange_flush(x, now_ns);
}

static void say_up(uint32_t slot, bool add_path)
{
	struct feed_up as;
	uint8_t addr[16] = {192, 0, 2, (uint8_t)(11 + slot)};

	memset(&as, 0, sizeof as);
	memcpy(as.peer.b, addr, sizeof addr);
	as.asn = as.open.asn = 64501 + slot;
	as.id = as.open.id = 1 + slot;
	as.families = as.open.families = BGP_FAMILY(FAMILY_IPV4);
	as.as4 = as.refresh = as.enhanced_refresh = true;
	as.add_path_rx = as.add_path_tx = add_path ? as.families : 0;
	exchange_record(x, FEED_UP, slot, 1, &as, sizeof as, now_ns);
}

static void up(uint32_t slot, bool add_path)
{
	say_up(slot, add_path);
	turn();
}

static void down(uint32_t slot)
{
	struct feed_down d = {.kind = FEED_DOWN_HARD};

	exchange_record(x, FEED_DOWN, slot, 1, &d, sizeof d, now_ns);
}

/* What stands before the prefixes of an UPDATE; with one unknown attribute. */
static void put_attrs(struct wr *w, uint32_t slot, const void *value, size_t n)
{
	wr_u16(w, 0);
	uint8_t *len = wr_len16_open(w);
	wr_u32(w, 0x40010100); /* ORIGIN */
	wr_u32(w, 0x40020602); /* AS_PATH */
	wr_u8(w, 1);
	wr_u32(w, 64501 + slot);
	wr_u32(w, 0x400304c0); /* NEXT_HOP */
	wr_u8(w, 0);
	wr_u8(w, 2);
	wr_u8(w, 11 + slot);
	if (n) {
		wr_u16(w, 0xd063);
		wr_u16(w, (unsigned)n);
		wr_bytes(w, value, n);
	}
	wr_len16_close(w, len);
}

static void send_update(uint32_t slot, const struct wr *w)
{
	assert_true(wr_ok(w));
	exchange_record(x, FEED_UPDATE, slot, 1, w->start, wr_len(w), now_ns);
}

/* Announces or withdraws n addresses from first on. */
static void routes(
    uint32_t slot, bool add_path, bool announce, uint32_t first, uint32_t n)
{
	static uint8_t body[4096];

	for (uint32_t i = 0; i < n;) {
		struct wr w = wr_from(body, sizeof body);
		uint8_t *len = NULL;

		if (announce)
			put_attrs(&w, slot, NULL, 0);
		else
			len = wr_len16_open(&w);
		for (unsigned k = 0; k < 400 && i < n; k++, i++) {
			if (add_path)
				wr_u32(&w, 1);
			wr_u8(&w, 32);
			wr_u32(&w, first + i);
		}
		if (!announce) {
			wr_len16_close(&w, len);
			wr_u16(&w, 0);
		}
		send_update(slot, &w);
		exchange_flush(x, now_ns);
	}
}

/* Passes the time after which one that stands still is left behind. */
static void leave_behind(void)
{
	for (unsigned i = 0; i < 3; i++) {
		turn();
		now_ns += 300 * NS_PER_MS;
	}
	turn();
}

/*
 * A cursor that points between entries: what the members sent is no entry,
 * whatever it looks like.
 */
static void a_cursor_inside_an_entry_does_no_harm(void **state)
{
	static uint8_t body[4096];
	/* As an entry: 8 bytes, whose mask lies outside of everything. */
	static const uint8_t like[16] = {
	    8, 0, 0, 0, 0, 0xff, 0xff, 0x7f, 0xff, 0xff, 0, 0, 0, 0, 0, 0};
	uint8_t value[3200];

	(void)state;
	for (size_t i = 0; i < sizeof value; i++)
		value[i] = like[i % sizeof like];
	for (uint32_t offset = 64; offset < 80; offset++) {
		start(8);
		stuck[1] = true;
		up(0, false);
		up(1, false);
		uint64_t at = atomic_load(&cursors->at[1][0]);
		for (uint32_t i = 0; i < 40; i++) {
			struct wr w = wr_from(body, sizeof body);

			put_attrs(&w, 0, value, sizeof value);
			wr_u8(&w, 32);
			wr_u32(&w, 0x0a000000 + i);
			send_update(0, &w);
			exchange_flush(x, now_ns);
			set_cursor(1, 0, at + 128 + offset);
		}
		leave_behind();
		assert_true(exchange_client(x, 1)->lagging);
		assert_true(exchange_client(x, 1)->up);
		finish();
	}
}

/* Old prefixes are kept for a client that does not read, but not for ever. */
static void a_client_that_never_reads_fills_no_table(void **state)
{
	const uint32_t step = 100000;
	struct exchange_stats stats;

	(void)state;
	start(CHUNKS_MAX);
	stuck[1] = true;
	up(0, false);
	up(1, false);
	up(2, false);
	for (uint32_t i = 0; i < 26 && !closed[1]; i++) {
		routes(0, false, true, 0x10000000 + i * step, step);
		leave_behind();
		routes(0, false, false, 0x10000000 + i * step, step);
		turn();
	}
	assert_true(closed[1]);
	assert_false(closed[0] || closed[2]);
	down(1);
	routes(0, false, true, 0x01000000, 1);
	turn();
	exchange_stats(x, &stats);
	assert_int_equal(stats.rib.prefixes[FAMILY_IPV4], 1);
	finish();
}

/* Somebody always lags where clients come and go; tables must not grow. */
static void what_no_laggard_was_told_of_is_not_kept(void **state)
{
	const uint32_t table = 200000;
	const uint32_t step = 20000;
	struct exchange_stats stats;

	(void)state;
	start(CHUNKS_MAX);
	up(0, false);
	up(2, false);
	routes(0, false, true, 0x10000000, table);
	turn();
	stuck[1] = true;
	up(1, false);
	assert_true(exchange_client(x, 1)->lagging);
	for (uint32_t i = 0; i < 10; i++) {
		routes(2, false, true, 0x20000000 + i * step, step);
		turn();
		routes(2, false, false, 0x20000000 + i * step, step);
		turn();
	}
	assert_true(exchange_client(x, 1)->lagging);
	exchange_stats(x, &stats);
	assert_in_range(
	    stats.rib.prefixes[FAMILY_IPV4] + stats.empty[FAMILY_IPV4], table,
	    table + 2 * step);
	finish();
}

/* Each withdrawal that is owed is found without looking at the others. */
static void many_paths_taken_away_are_told_at_once(void **state)
{
	const uint32_t n = 200000;

	(void)state;
	start(40);
	up(0, true);
	stuck[1] = true;
	up(1, true);
	routes(0, true, true, 0x10000000, n);
	leave_behind();
	assert_true(exchange_client(x, 1)->lagging);
	routes(0, true, false, 0x10000000, n);
	stuck[1] = false;
	for (unsigned j = 0; j < FEED_JOURNALS; j++)
		set_cursor(1, j, UINT64_MAX);
	clock_t before = clock();
	for (unsigned i = 0; i < 100 && exchange_client(x, 1)->lagging; i++)
		turn();
	assert_false(exchange_client(x, 1)->lagging);
	assert_false(closed[1]);
	assert_in_range((clock() - before) / (CLOCKS_PER_SEC / 1000), 0, 5000);
	finish();
}

static void refresh(uint32_t slot, uint8_t subtype, unsigned times)
{
	struct bgp_refresh r;

	memset(&r, 0, sizeof r);
	r.family = FAMILY_IPV4;
	r.subtype = subtype;
	for (unsigned i = 0; i < times; i++)
		exchange_record(x, FEED_REFRESH, slot, 1, &r, sizeof r, now_ns);
	turn();
}

/* Bytes of the journals' entries so far, from the first chunk on. */
static uint64_t written(void)
{
	const uint8_t *chunks = (const uint8_t *)area + FEED_CHUNKS_AT;
	uint64_t n = 0;

	for (uint32_t i = 0; i < CHUNKS_MAX; i++) {
		const struct feed_chunk *c =
		    (const void *)(chunks + (size_t)i * FEED_CHUNK);

		n += atomic_load(&c->used);
	}
	return n;
}

/* What has no path keeps its place for a while, and nobody notices. */
static void an_empty_prefix_is_nobodys_news(void **state)
{
	const uint32_t n = 3000;
	struct exchange_stats stats;

	(void)state;
	start(CHUNKS_MAX);
	up(0, false);
	up(1, false);
	routes(0, false, true, 0x10000000, n);
	routes(0, false, false, 0x10000000, n);
	turn();
	exchange_stats(x, &stats);
	assert_int_equal(stats.rib.prefixes[FAMILY_IPV4], 0);
	assert_int_equal(stats.empty[FAMILY_IPV4], n);
	uint64_t before = written();
	refresh(1, 0, 1); /* BoRR and EoRR, and nothing between */
	up(2, false);
	assert_in_range(written() - before, 1, 500);
	/* One comes again and stays. */
	routes(0, false, true, 0x10000000 + n / 2, 1);
	now_ns += 30 * NS_PER_S;
	turn();
	exchange_stats(x, &stats);
	assert_int_equal(stats.rib.prefixes[FAMILY_IPV4], 1);
	assert_int_equal(stats.empty[FAMILY_IPV4], 0);
	assert_int_equal(exchange_client(x, 1)->advertised[FAMILY_IPV4], 1);
	/* They are found anew. */
	routes(0, false, true, 0x10000000, n);
	turn();
	exchange_stats(x, &stats);
	assert_int_equal(stats.rib.prefixes[FAMILY_IPV4], n);
	assert_int_equal(exchange_client(x, 2)->advertised[FAMILY_IPV4], n);
	finish();
}

/* However many go, most of them give their place back at once. */
static void few_empty_prefixes_are_kept(void **state)
{
	struct exchange_stats stats;

	(void)state;
	start(CHUNKS_MAX);
	up(0, false);
	up(1, false);
	for (uint32_t i = 0; i < 20; i++) {
		routes(0, false, true, 0x10000000 + i * 100000, 50000);
		routes(0, false, false, 0x10000000 + i * 100000, 50000);
		turn();
	}
	exchange_stats(x, &stats);
	assert_in_range(stats.empty[FAMILY_IPV4], 1, 10000);
	finish();
}

static void a_flood_of_refreshes_costs_the_session(void **state)
{
	(void)state;
	start(CHUNKS_MAX);
	for (uint32_t slot = 0; slot < SLOTS; slot++)
		up(slot, false);
	for (unsigned i = 0; i < 100; i++) { /* often, but not too often */
		refresh(0, 0, 1);
		refresh(0, 1, 1);
		refresh(0, 2, 1);
		now_ns += 2 * NS_PER_S;
	}
	refresh(0, 0, 30);
	assert_false(closed[0]);
	refresh(1, 1, 100);
	assert_true(closed[1]);
	refresh(2, 0, 100);
	assert_true(closed[2]);
	assert_false(closed[0]);
	finish();
}

/* What a flapping session leaves behind is cleared away in slices. */
static void a_session_that_comes_up_makes_nobody_wait(void **state)
{
	struct exchange_stats stats;

	(void)state;
	start(CHUNKS_MAX);
	up(0, false);
	up(1, false);
	routes(0, false, true, 0x10000000, 100000);
	turn();
	down(0);
	say_up(2, false);
	say_up(0, false);
	exchange_stats(x, &stats);
	assert_int_equal(stats.rib.paths[FAMILY_IPV4], 100000);
	routes(0, false, true, 0x10000000 + 99999, 2);
	turn();
	exchange_stats(x, &stats);
	assert_int_equal(stats.rib.paths[FAMILY_IPV4], 2);
	assert_int_equal(exchange_client(x, 0)->received[FAMILY_IPV4], 2);
	assert_int_equal(exchange_client(x, 1)->advertised[FAMILY_IPV4], 2);
	assert_int_equal(exchange_client(x, 2)->advertised[FAMILY_IPV4], 2);
	finish();
}

static void one_prefix_has_so_many_paths_of_one_peer(void **state)
{
	static uint8_t body[4096];

	(void)state;
	start(CHUNKS_MAX);
	up(0, true);
	up(1, true);
	for (uint32_t slot = 0; slot < 2; slot++) {
		struct wr w = wr_from(body, sizeof body);

		put_attrs(&w, slot, NULL, 0);
		for (uint32_t i = 0; i < 64 + slot; i++) {
			wr_u32(&w, 1000 - i);
			wr_u8(&w, 8);
			wr_u8(&w, 11);
		}
		send_update(slot, &w);
		turn();
		assert_int_equal(closed[slot], slot == 1);
	}
	finish();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_cursor_inside_an_entry_does_no_harm),
	    cmocka_unit_test(a_client_that_never_reads_fills_no_table),
	    cmocka_unit_test(what_no_laggard_was_told_of_is_not_kept),
	    cmocka_unit_test(many_paths_taken_away_are_told_at_once),
	    cmocka_unit_test(an_empty_prefix_is_nobodys_news),
	    cmocka_unit_test(few_empty_prefixes_are_kept),
	    cmocka_unit_test(a_flood_of_refreshes_costs_the_session),
	    cmocka_unit_test(a_session_that_comes_up_makes_nobody_wait),
	    cmocka_unit_test(one_prefix_has_so_many_paths_of_one_peer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

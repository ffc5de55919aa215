/* Sessions with members, seen from the wire and from the engine. */
#include "peer_rig.h"

#include "base/clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define ALPHA "member \"Alpha\" { asn 64501; at 127.0.0.2 { passive on; } }\n"
#define BETA "member \"Beta\" { asn 64502; at 127.0.0.3 { passive on; } }\n"

static struct rig rig;
static struct speaker a;
static struct speaker b;

static const struct feed_up *up(void)
{
	return (const void *)rig.record;
}

static unsigned down_kind(void)
{
	return ((const struct feed_down *)(const void *)rig.record)->kind;
}

static struct peer_info info(size_t i)
{
	struct peer_info p;

	assert_true(peers_info(rig.peers, i, &p));
	return p;
}

static void a_session_comes_up_and_its_update_reaches_the_engine(void **state)
{
	static const uint8_t body[] = {0, 0, 0, 0};

	(void)state;
	rig_start(&rig, "", ALPHA);
	speak(&rig, &a, "127.0.0.2", 64501);
	speak_up(&a);
	assert_int_equal(up()->asn, 64501);
	assert_int_equal(up()->id, 64501);
	assert_int_equal(up()->families, 3);
	assert_true(up()->as4);
	assert_true(up()->extended);
	assert_int_equal(up()->hold_s, 90);
	speak_message(&a, BGP_UPDATE, body, sizeof body);
	rig_expect(&rig, FEED_UPDATE);
	assert_int_equal(rig.head.len, sizeof body);
	assert_int_equal(rig.head.a, 0);
	assert_int_equal(rig.head.b, 1);
	assert_memory_equal(rig.record, body, sizeof body);
	assert_int_equal(info(0).state, BGP_ESTABLISHED);
	assert_int_equal(info(0).updates_in, 1);
	assert_int_equal(rig.events[PEERS_UP], 1);
	speak_close(&a);
	rig_expect(&rig, FEED_DOWN);
	assert_int_equal(down_kind(), FEED_DOWN_HARD);
	assert_int_equal(info(0).flaps, 1);
	rig_stop(&rig);
}

static void we_connect_to_a_member(void **state)
{
	char members[256];
	uint16_t port;

	(void)state;
	int fd = speak_listen("127.0.0.2", &port);
	snprintf(members, sizeof members,
	    "member \"Alpha\" { asn 64501; at 127.0.0.2 { port %u; } }\n",
	    port);
	rig_start(&rig, "", members);
	speak_accepted(&rig, &a, fd, 64501);
	speak_up(&a);
	assert_int_equal(info(0).state, BGP_ESTABLISHED);
	speak_close(&a);
	close(fd);
	rig_stop(&rig);
}

static void a_stranger_is_closed(void **state)
{
	(void)state;
	rig_start(&rig, "", ALPHA);
	speak(&rig, &a, "127.0.0.9", 64501);
	hear_end(&a);
	assert_int_equal(rig.events[PEERS_STRANGER], 1);
	rig_stop(&rig);
}

/* RFC 9234 s4.2, strict mode: the exchange's word, and the member's own. */
static void strict_mode_asks_for_a_role(void **state)
{
	static const char own[] = "member \"Alpha\" { asn 64501; at "
				  "127.0.0.2 { passive on; } strict-role off; "
				  "}\n";

	(void)state;
	for (int i = 0; i < 4; i++) {
		rig_start(&rig, "strict-role on;", i == 2 ? own : ALPHA);
		speak(&rig, &a, "127.0.0.2", 64501);
		a.open.has_role = i == 1 || i == 3;
		a.open.role = i == 1 ? 2 : 3;
		if (i == 1 || i == 2) {
			speak_up(&a);
			assert_int_equal(info(0).state, BGP_ESTABLISHED);
		} else {
			speak_open(&a);
			hear_notification(&a, BGP_ERR_OPEN, 11);
		}
		rig_stop(&rig);
	}
}

static void faults_in_an_open_are_named(void **state)
{
	static const struct {
		uint32_t asn;
		uint32_t id;
		uint8_t families;
		int role;
		uint8_t subcode;
	} t[] = {
	    {64777, 1, 3, -1, 2},
	    {64501, 0, 3, -1, 3},
	    {64501, 1, 0, -1, 7},
	    {64501, 1, 3, 4, 11},
	};

	(void)state;
	for (size_t i = 0; i < sizeof t / sizeof *t; i++) {
		rig_start(&rig, "", ALPHA);
		speak(&rig, &a, "127.0.0.2", 64501);
		a.open.asn = t[i].asn;
		a.open.id = t[i].id;
		a.open.families = t[i].families;
		a.open.has_role = t[i].role >= 0;
		a.open.role = (uint8_t)t[i].role;
		if (!t[i].families) { /* multicast alone */
			static const uint8_t o[] = {4, 0xfb, 0xf5, 0, 90, 0, 0,
			    0, 1, 8, 2, 6, 1, 4, 0, 1, 0, 2};
			speak_message(&a, BGP_OPEN, o, sizeof o);
		} else {
			speak_open(&a);
		}
		hear_notification(&a, BGP_ERR_OPEN, t[i].subcode);
		assert_int_equal(rig.events[PEERS_FAILED], 1);
		assert_int_equal(info(0).state, BGP_IDLE);
		assert_true(info(0).wait_s >= 3);
		rig_stop(&rig);
	}
}

static void one_that_knows_no_capabilities_is_asked_without(void **state)
{
	static const uint8_t unsupported[] = {BGP_ERR_OPEN, 4};

	(void)state;
	rig_start(&rig, "", ALPHA);
	speak(&rig, &a, "127.0.0.2", 64501);
	hear_type(&a, BGP_OPEN);
	assert_true(a.body_n > 10);
	speak_message(&a, BGP_NOTIFICATION, unsupported, sizeof unsupported);
	hear_end(&a);
	speak(&rig, &a, "127.0.0.2", 64501);
	hear_type(&a, BGP_OPEN);
	assert_int_equal(a.body_n, 10);
	a.open.mp = a.open.as4 = a.open.refresh = a.open.extended = false;
	a.open.families = 1;
	speak_open(&a);
	hear_type(&a, BGP_KEEPALIVE);
	speak_keepalive(&a);
	rig_expect(&rig, FEED_UP);
	assert_int_equal(up()->families, 1);
	assert_false(up()->as4);
	speak_close(&a);
	rig_stop(&rig);
}

static void of_two_connections_the_higher_identifier_s_stays(void **state)
{
	char members[256];
	uint16_t port;

	(void)state;
	int fd = speak_listen("127.0.0.2", &port);
	snprintf(members, sizeof members,
	    "member \"Alpha\" { asn 64501; at 127.0.0.2 { port %u; } }\n",
	    port);
	for (int theirs = 0; theirs < 2; theirs++) {
		struct speaker *stays = theirs ? &b : &a;
		struct speaker *goes = theirs ? &a : &b;

		rig_start(&rig, "", members);
		speak_accepted(&rig, &a, fd, 64501); /* ours */
		hear_type(&a, BGP_OPEN);
		speak(&rig, &b, "127.0.0.2", 64501); /* theirs */
		hear_type(&b, BGP_OPEN);
		/* ours: 192.0.2.1 */
		a.open.id = b.open.id = theirs ? 0xc0000202u : 0xc0000200u;
		speak_open(&a);
		hear_type(&a, BGP_KEEPALIVE);
		speak_open(&b);
		hear_notification(goes, BGP_ERR_CEASE, BGP_CEASE_COLLISION);
		if (theirs)
			hear_type(&b, BGP_KEEPALIVE);
		speak_keepalive(stays);
		rig_expect(&rig, FEED_UP);
		assert_int_equal(rig.events[PEERS_UP], 1);
		/* A third one does not disturb what is established. */
		speak(&rig, goes, "127.0.0.2", 64501);
		if (!theirs) {
			speak_open(goes);
			hear_notification(
			    goes, BGP_ERR_CEASE, BGP_CEASE_COLLISION);
		} else {
			hear_end(goes);
		}
		assert_int_equal(info(0).state, BGP_ESTABLISHED);
		speak_close(stays);
		rig_stop(&rig);
	}
	close(fd);
}

static void a_silent_peer_is_dropped_by_the_hold_timer(void **state)
{
	(void)state;
	rig_start(&rig, "hold 3s;", ALPHA);
	speak(&rig, &a, "127.0.0.2", 64501);
	speak_up(&a);
	/* Two keepalives come before the end at least. */
	hear_type(&a, BGP_KEEPALIVE);
	hear_type(&a, BGP_KEEPALIVE);
	hear_notification(&a, BGP_ERR_HOLD, 0);
	rig_expect(&rig, FEED_DOWN);
	assert_int_equal(down_kind(), FEED_DOWN_HARD);
	rig_stop(&rig);
}

static void messages_out_of_place_are_state_errors(void **state)
{
	(void)state;
	rig_start(&rig, "", ALPHA);
	speak(&rig, &a, "127.0.0.2", 64501);
	speak_keepalive(&a);
	hear_notification(&a, BGP_ERR_FSM, 1);
	rig_stop(&rig);
	rig_start(&rig, "", ALPHA);
	speak(&rig, &a, "127.0.0.2", 64501);
	speak_open(&a);
	speak_message(&a, BGP_UPDATE, "\0\0\0\0", 4);
	hear_notification(&a, BGP_ERR_FSM, 2);
	rig_stop(&rig);
	rig_start(&rig, "", ALPHA);
	speak(&rig, &a, "127.0.0.2", 64501);
	speak_up(&a);
	speak_open(&a);
	hear_notification(&a, BGP_ERR_FSM, 3);
	rig_expect(&rig, FEED_DOWN);
	rig_stop(&rig);
}

static void a_bad_header_is_named_and_costs_a_wait(void **state)
{
	uint8_t junk[64];

	(void)state;
	memset(junk, 0x41, sizeof junk);
	rig_start(&rig, "", ALPHA);
	speak(&rig, &a, "127.0.0.2", 64501);
	speak_up(&a);
	speak_bytes(&a, junk, sizeof junk);
	hear_notification(&a, BGP_ERR_HEADER, 1);
	rig_expect(&rig, FEED_DOWN);
	assert_true(info(0).wait_s >= 3);
	/* Coming and going makes the wait no longer. */
	for (int i = 0; i < 5; i++) {
		speak(&rig, &a, "127.0.0.2", 64501);
		rig_turn(&rig, 20);
		speak_close(&a);
		rig_turn(&rig, 20);
	}
	assert_true(info(0).wait_s <= 5);
	/* It may connect, but is not answered before the wait is over. */
	uint64_t t = clock_now_ns();
	speak(&rig, &a, "127.0.0.2", 64501);
	hear_type(&a, BGP_OPEN);
	assert_true(clock_now_ns() - t > 3 * NS_PER_S);
	speak_close(&a);
	rig_stop(&rig);
}

static void a_refresh_is_handed_on(void **state)
{
	(void)state;
	rig_start(&rig, "", ALPHA);
	speak(&rig, &a, "127.0.0.2", 64501);
	a.open.enhanced_refresh = true;
	speak_up(&a);
	speak_message(&a, BGP_ROUTE_REFRESH, "\0\x19\0\x46", 4); /* L2VPN */
	speak_message(&a, BGP_ROUTE_REFRESH, "\0\2\0\1", 4);
	rig_expect(&rig, FEED_REFRESH);
	const struct bgp_refresh *f = (const void *)rig.record;
	assert_int_equal(f->family, FAMILY_IPV6);
	assert_int_equal(f->subtype, 0);
	speak_message(&a, BGP_ROUTE_REFRESH, "\0\2\1\1\0", 5);
	hear_notification(&a, BGP_ERR_REFRESH, 1);
	rig_expect(&rig, FEED_DOWN);
	rig_stop(&rig);
}

/* Three UPDATEs, a KEEPALIVE and requests in between, at any cut. */
static void messages_of_all_kinds_keep_their_order(void **state)
{
	static const uint8_t refresh[] = {0, 2, 0, 1};
	static const enum feed_type want[] = {
	    FEED_UPDATE, FEED_UPDATE, FEED_REFRESH, FEED_REFRESH, FEED_UPDATE};
	uint8_t all[512];
	size_t n = rig_updates(all, 0, 1, 23);

	(void)state;
	memcpy(all + n, all, 16);
	memcpy(all + n + 16, "\0\x13\4", 3); /* KEEPALIVE */
	n += 19;
	n += rig_updates(all + n, 1, 1, 60);
	for (int i = 0; i < 2; i++) {
		memcpy(all + n, all, 16);
		memcpy(all + n + 16, "\0\x17\5", 3); /* ROUTE-REFRESH */
		memcpy(all + n + 19, refresh, sizeof refresh);
		n += 23;
	}
	n += rig_updates(all + n, 2, 1, 60);
	rig_start(&rig, "", ALPHA);
	speak(&rig, &a, "127.0.0.2", 64501);
	speak_up(&a);
	for (size_t cut = 0; cut <= n; cut++) {
		unsigned update = 0;

		speak_bytes(&a, all, cut);
		rig_turn(&rig, 1);
		speak_bytes(&a, all + cut, n - cut);
		for (size_t i = 0; i < sizeof want / sizeof *want; i++) {
			rig_expect(&rig, want[i]);
			if (want[i] != FEED_UPDATE)
				continue;
			assert_memory_equal(rig.record, &update, 4);
			update++;
		}
	}
	assert_int_equal(info(0).updates_in, 3 * (n + 1));
	speak_close(&a);
	rig_stop(&rig);
}

static void what_ends_a_session_decides_what_becomes_of_its_routes(void **state)
{
	/* by closing; Cease Reset; Hard Reset; with and without N */
	static const struct {
		bool n;
		int subcode;
		unsigned kind;
	} t[] = {
	    {true, -1, FEED_DOWN_GRACEFUL},
	    {true, BGP_CEASE_RESET, FEED_DOWN_GRACEFUL},
	    {true, BGP_CEASE_HARD_RESET, FEED_DOWN_HARD},
	    {false, -1, FEED_DOWN_GRACEFUL},
	    {false, BGP_CEASE_RESET, FEED_DOWN_HARD},
	};

	(void)state;
	for (size_t i = 0; i < sizeof t / sizeof *t; i++) {
		uint8_t body[4] = {BGP_ERR_CEASE, (uint8_t)t[i].subcode, 6, 4};

		rig_start(&rig, "", ALPHA);
		speak(&rig, &a, "127.0.0.2", 64501);
		a.open.gr = true;
		a.open.gr_time_s = 120;
		a.open.gr_families = 3;
		a.open.gr_notify = t[i].n;
		speak_up(&a);
		if (t[i].subcode >= 0) {
			speak_message(&a, BGP_NOTIFICATION, body, 4);
			hear_end(&a);
		}
		speak_close(&a);
		rig_expect(&rig, FEED_DOWN);
		assert_int_equal(down_kind(), t[i].kind);
		rig_stop(&rig);
	}
}

static void a_restarted_peer_takes_its_old_session_s_place(void **state)
{
	(void)state;
	rig_start(&rig, "", ALPHA);
	speak(&rig, &a, "127.0.0.2", 64501);
	a.open.gr = true;
	a.open.gr_families = 3;
	speak_up(&a);
	speak(&rig, &b, "127.0.0.2", 64501);
	b.open = a.open;
	b.open.gr_restarting = true;
	speak_open(&b);
	rig_expect(&rig, FEED_DOWN);
	assert_int_equal(down_kind(), FEED_DOWN_GRACEFUL);
	hear_end(&a);
	hear_type(&b, BGP_OPEN);
	hear_type(&b, BGP_KEEPALIVE);
	speak_keepalive(&b);
	rig_expect(&rig, FEED_UP);
	assert_true(up()->open.gr_restarting);
	assert_int_equal(rig.head.b, 2);
	/* Who goes on like that waits longer and longer. */
	for (unsigned i = 0; i < 2; i++) {
		speak_close(&a);
		a = b;
		speak(&rig, &b, "127.0.0.2", 64501);
		b.open = a.open;
		rig_expect(&rig, FEED_DOWN);
		assert_true(info(0).wait_s >= 1 + i);
		speak_up(&b);
	}
	speak(&rig, &a, "127.0.0.2", 64501);
	rig_expect(&rig, FEED_DOWN);
	assert_true(info(0).wait_s >= 4);
	speak_close(&a);
	speak_close(&b);
	rig_stop(&rig);
}

static void when_the_engine_dies_peers_leave_in_silence_and_come_again(
    void **state)
{
	struct bgp_open heard;
	struct bgp_notify n;
	uint8_t byte;

	(void)state;
	rig_start(&rig, "", ALPHA BETA);
	speak(&rig, &a, "127.0.0.2", 64501);
	speak_up(&a);
	atomic_store(&rig.shared->parsing, 1u);
	rig_kill_engine(&rig);
	hear_end(&a);
	assert_int_equal(rig.blames, 1);
	assert_int_equal(rig.blamed.b[3], 2);
	assert_int_equal(info(0).state, BGP_IDLE);
	/* Who comes while there is no engine waits for it. */
	speak(&rig, &a, "127.0.0.2", 64501);
	rig_turn(&rig, 50);
	assert_true(recv(a.fd, &byte, 1, MSG_DONTWAIT) < 0);
	rig_link(&rig);
	rig_expect(&rig, FEED_EXPECT);
	assert_int_equal(rig.head.len, sizeof(struct ip));
	assert_int_equal(rig.record[3], 2);
	hear_type(&a, BGP_OPEN);
	assert_int_equal(
	    bgp_open_parse(rd_from(a.body, a.body_n), &heard, &n), 0);
	assert_true(heard.gr && heard.gr_restarting && heard.gr_notify);
	assert_int_equal(heard.gr_forwarding, 3);
	assert_true(heard.has_role);
	assert_int_equal(heard.role, 1);
	speak_open(&a);
	hear_type(&a, BGP_KEEPALIVE);
	speak_keepalive(&a);
	rig_expect(&rig, FEED_UP);
	assert_int_equal(rig.head.b, 2);
	/* R is said once: what is lost now is the session alone. */
	speak_close(&a);
	rig_expect(&rig, FEED_DOWN);
	speak(&rig, &a, "127.0.0.2", 64501);
	hear_type(&a, BGP_OPEN);
	assert_int_equal(
	    bgp_open_parse(rd_from(a.body, a.body_n), &heard, &n), 0);
	assert_false(heard.gr_restarting);
	speak_close(&a);
	rig_stop(&rig);
}

static void a_new_configuration_touches_only_whom_it_concerns(void **state)
{
	(void)state;
	rig_start(&rig, "", ALPHA BETA);
	speak(&rig, &a, "127.0.0.2", 64501);
	speak_up(&a);
	speak(&rig, &b, "127.0.0.3", 64502);
	speak_up(&b);
	/* Policy alone: nothing happens. */
	rig_reload(&rig, "",
	    "member \"Alpha\" { asn 64501; max-prefix 9; "
	    "at 127.0.0.2 { passive on; } }\n" BETA);
	rig_turn(&rig, 50);
	assert_int_equal(rig.events[PEERS_DOWN], 0);
	/* ADD-PATH has to be agreed anew. */
	rig_reload(&rig, "",
	    "member \"Alpha\" { asn 64501; add-path both; "
	    "at 127.0.0.2 { passive on; } }\n" BETA);
	hear_notification(&a, BGP_ERR_CEASE, BGP_CEASE_CONFIG);
	rig_expect(&rig, FEED_DOWN);
	assert_int_equal(rig.events[PEERS_DOWN], 1);
	/* And it may come back at once. */
	speak(&rig, &a, "127.0.0.2", 64501);
	a.open.add_path_rx = a.open.add_path_tx = 3;
	speak_up(&a);
	assert_int_equal(up()->add_path_tx, 3);
	assert_int_equal(up()->add_path_rx, 3);
	/* Shut down, with a reason; removed. */
	rig_reload(&rig, "",
	    "member \"Alpha\" { asn 64501; shutdown \"maintenance\"; "
	    "at 127.0.0.2 { passive on; } }\n" BETA);
	hear_notification(&a, BGP_ERR_CEASE, BGP_CEASE_SHUTDOWN);
	rig_expect(&rig, FEED_DOWN);
	assert_memory_equal(a.body + 2, "\x0bmaintenance", 12);
	speak(&rig, &a, "127.0.0.2", 64501);
	hear_end(&a);
	assert_string_equal(info(0).idle_why, "the member is shut down");
	rig_reload(&rig, "", ALPHA);
	hear_notification(&b, BGP_ERR_CEASE, BGP_CEASE_DECONFIGURED);
	rig_expect(&rig, FEED_DOWN);
	assert_int_equal(peers_count(rig.peers), 1);
	speak(&rig, &a, "127.0.0.2", 64501);
	speak_up(&a);
	speak_close(&a);
	rig_stop(&rig);
}

static void a_list_in_slices_misses_none(void **state)
{
	(void)state;
	rig_start(&rig, "",
	    BETA ALPHA "member \"Two\" { asn 64503; "
		       "at 127.0.0.5, 127.0.0.4 { passive on; } }\n");
	assert_int_equal(peers_count(rig.peers), 4);
	struct ip none = {0};
	size_t i = peers_after(rig.peers, 0, &none);
	assert_int_equal(i, 0);
	for (size_t k = 0; k < 4; k++) {
		struct peer_info p = info(k);

		assert_int_equal(peers_after(rig.peers, p.asn, &p.addr), k + 1);
	}
	assert_int_equal(info(2).addr.b[3], 4);
	/* One that is gone meanwhile. */
	assert_int_equal(peers_after(rig.peers, 64501, &none), 0);
	assert_int_equal(peers_after(rig.peers, 64999, &none), 4);
	rig_stop(&rig);
}

static void a_hard_reset_wraps_what_ends_for_good(void **state)
{
	(void)state;
	rig_start(&rig, "", ALPHA);
	speak(&rig, &a, "127.0.0.2", 64501);
	a.open.gr = a.open.gr_notify = true;
	a.open.gr_families = 3;
	speak_up(&a);
	rig_reload(&rig, "", "");
	hear_notification(&a, BGP_ERR_CEASE, BGP_CEASE_HARD_RESET);
	assert_int_equal(a.body[2], BGP_ERR_CEASE);
	assert_int_equal(a.body[3], BGP_CEASE_DECONFIGURED);
	rig_expect(&rig, FEED_DOWN);
	assert_int_equal(down_kind(), FEED_DOWN_HARD);
	rig_stop(&rig);
}

static void the_engine_closes_a_session_and_keeps_it_down(void **state)
{
	struct feed_close c = {
	    .notify = {.code = BGP_ERR_CEASE, .subcode = BGP_CEASE_MAX_PREFIX},
	    .hold_down_s = 60,
	    .why = "more than 200 prefixes",
	};

	(void)state;
	rig_start(&rig, "", ALPHA);
	speak(&rig, &a, "127.0.0.2", 64501);
	speak_up(&a);
	rig_tell(&rig, FEED_CLOSE, 0, 7, &c, sizeof c); /* a late one */
	rig_turn(&rig, 20);
	assert_int_equal(info(0).state, BGP_ESTABLISHED);
	rig_tell(&rig, FEED_CLOSE, 0, 1, &c, sizeof c);
	hear_notification(&a, BGP_ERR_CEASE, BGP_CEASE_MAX_PREFIX);
	rig_expect(&rig, FEED_DOWN);
	assert_string_equal(info(0).idle_why, c.why);
	assert_in_range(info(0).wait_s, 55, 61);
	speak(&rig, &a, "127.0.0.2", 64501);
	hear_end(&a);
	rig_stop(&rig);
}

static void a_full_ring_stops_reading_and_loses_nothing(void **state)
{
	enum {
		N = 120000,
		LEN = 100
	};
	uint8_t *all = malloc((size_t)N * LEN);
	size_t bytes = rig_updates(all, 0, N, LEN);
	unsigned seen = 0;
	size_t sent = 0;

	(void)state;
	rig_start(&rig, "hold 3s;", ALPHA);
	speak(&rig, &a, "127.0.0.2", 64501);
	speak_up(&a);
	/* Nobody reads the ring: the hold time passes, the session stays. */
	uint64_t until = clock_now_ns() + 5 * NS_PER_S;
	while (clock_now_ns() < until) {
		ssize_t k = sent < bytes ? send(a.fd, all + sent, bytes - sent,
					       MSG_DONTWAIT | MSG_NOSIGNAL)
					 : 0;
		if (k > 0)
			sent += (size_t)k;
		else
			rig_turn(&rig, 5);
	}
	struct peers_figures f;
	peers_figures(rig.peers, &f);
	assert_int_equal(f.established, 1);
	while (seen < N) {
		if (sent < bytes) {
			ssize_t k = send(a.fd, all + sent, bytes - sent,
			    MSG_DONTWAIT | MSG_NOSIGNAL);
			if (k > 0)
				sent += (size_t)k;
		}
		if (!rig_record(&rig)) {
			rig_turn(&rig, 1);
			continue;
		}
		assert_int_equal(rig.head.type, FEED_UPDATE);
		unsigned i;
		memcpy(&i, rig.record, sizeof i);
		assert_int_equal(i, seen);
		seen++;
	}
	speak_close(&a);
	free(all);
	rig_stop(&rig);
}

/* Until neither the ring nor the sockets take any more. */
static void send_all_that_fits(struct speaker *s, const uint8_t *p, size_t n)
{
	size_t sent = 0;

	for (unsigned quiet = 0; quiet < 20; quiet++) {
		ssize_t k = send(
		    s->fd, p + sent, n - sent, MSG_DONTWAIT | MSG_NOSIGNAL);

		if (k > 0) {
			sent += (size_t)k;
			quiet = 0;
		}
		assert_true(sent < n);
		rig_turn(&rig, 2);
	}
}

static void who_has_sent_least_is_read_first(void **state)
{
	enum {
		N = 8000,
		FEW = 40,
		LEN = 4000
	};
	uint8_t *all = malloc((size_t)N * LEN);
	size_t bytes = rig_updates(all, 0, N, LEN);
	unsigned seen = 0, between = 0;

	(void)state;
	rig_start(
	    &rig, "", ALPHA "member \"Beta\" { asn 64502; at 127.0.0.3; }");
	speak(&rig, &a, "127.0.0.2", 64501);
	speak_up(&a);
	uint32_t slot_a = rig.head.a;
	speak(&rig, &b, "127.0.0.3", 64502);
	speak_up(&b);
	send_all_that_fits(&a, all, bytes);
	/* More than it may send in one turn. */
	speak_bytes(&b, all, (size_t)FEW * LEN);
	rig_turn(&rig, 20);
	while (seen < FEW) {
		if (!rig_record(&rig)) {
			rig_turn(&rig, 1);
			continue;
		}
		if (rig.head.a != slot_a)
			seen++;
		else if (seen)
			between++;
	}
	assert_int_equal(between, 0);
	speak_close(&a);
	speak_close(&b);
	free(all);
	rig_stop(&rig);
}

static void on_stopped(void *arg)
{
	((struct rig *)arg)->stopped = true;
}

static void all_is_said_goodbye_at_a_stop(void **state)
{
	(void)state;
	rig_start(&rig, "", ALPHA BETA);
	speak(&rig, &a, "127.0.0.2", 64501);
	speak_up(&a);
	speak(&rig, &b, "127.0.0.3", 64502);
	peers_stop(rig.peers, on_stopped);
	hear_notification(&a, BGP_ERR_CEASE, BGP_CEASE_SHUTDOWN);
	rig_expect(&rig, FEED_DOWN);
	speak_close(&b);
	rig_until(&rig, rig.stopped);
	rig_stop(&rig);
}

#define EIGHT                                                                  \
	"member M { asn 64501; at 127.0.0.2 { passive on; }"                   \
	" at 127.0.0.3 { passive on; } at 127.0.0.4 { passive on; }"           \
	" at 127.0.0.5 { passive on; } at 127.0.0.6 { passive on; }"           \
	" at 127.0.0.7 { passive on; } at 127.0.0.8 { passive on; }"           \
	" at 127.0.0.9 { passive on; } }\n"

/* The n-th of these addresses that instance i of two has. */
static struct ip address_of(unsigned i, unsigned n)
{
	struct ip ip;

	for (unsigned k = 2; k < 10; k++) {
		char text[IP_TEXT];

		snprintf(text, sizeof text, "127.0.0.%u", k);
		assert_int_equal(ip_parse(text, &ip), 0);
		if (conf_instance(&ip, 2) == i && !n--)
			break;
	}
	return ip;
}

static unsigned instance_of(size_t peer)
{
	struct peer_info p = info(peer);

	return conf_instance(&p.addr, 2);
}

static void an_instance_has_its_peers_and_slots(void **state)
{
	size_t n = 0;

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		struct ip ip = address_of(i, 1);
		char text[IP_TEXT];

		rig_start_as(&rig, i, "session-instances 2;", EIGHT);
		n += peers_count(rig.peers);
		for (size_t k = 0; k < peers_count(rig.peers); k++)
			assert_int_equal(instance_of(k), i);
		/* The second of its own has the second of its slots. */
		speak(&rig, &a, ip_format(&ip, text), 64501);
		speak_up(&a);
		assert_int_equal(rig.head.a, 2 + i);
		speak_close(&a);
		rig_expect(&rig, FEED_DOWN);
		rig_stop(&rig);
	}
	assert_int_equal(n, 8);
}

static void who_listens_passes_sockets_on(void **state)
{
	struct ip ip = address_of(1, 0);
	char text[IP_TEXT];

	(void)state;
	rig_start_as(&rig, 0, "session-instances 2;", EIGHT);
	speak(&rig, &a, ip_format(&ip, text), 64501);
	rig_until(&rig, rig.passes == 1);
	int fd = rig.passed_fd;
	assert_int_equal(rig.passed_to, 1);
	assert_true(ip_eq(&rig.passed, &ip));
	/* A stranger is nobody's. */
	speak(&rig, &b, "127.0.0.77", 64501);
	hear_end(&b);
	assert_int_equal(rig.events[PEERS_STRANGER], 1);
	rig_stop(&rig);
	rig_start_as(&rig, 1, "session-instances 2;", EIGHT);
	peers_take(rig.peers, fd, &ip);
	speak_up(&a);
	assert_int_equal(rig.events[PEERS_UP], 1);
	speak_close(&a);
	rig_expect(&rig, FEED_DOWN);
	rig_stop(&rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(
		a_session_comes_up_and_its_update_reaches_the_engine),
	    cmocka_unit_test(we_connect_to_a_member),
	    cmocka_unit_test(a_stranger_is_closed),
	    cmocka_unit_test(strict_mode_asks_for_a_role),
	    cmocka_unit_test(faults_in_an_open_are_named),
	    cmocka_unit_test(one_that_knows_no_capabilities_is_asked_without),
	    cmocka_unit_test(of_two_connections_the_higher_identifier_s_stays),
	    cmocka_unit_test(a_silent_peer_is_dropped_by_the_hold_timer),
	    cmocka_unit_test(messages_out_of_place_are_state_errors),
	    cmocka_unit_test(a_bad_header_is_named_and_costs_a_wait),
	    cmocka_unit_test(a_refresh_is_handed_on),
	    cmocka_unit_test(messages_of_all_kinds_keep_their_order),
	    cmocka_unit_test(
		what_ends_a_session_decides_what_becomes_of_its_routes),
	    cmocka_unit_test(a_restarted_peer_takes_its_old_session_s_place),
	    cmocka_unit_test(
		when_the_engine_dies_peers_leave_in_silence_and_come_again),
	    cmocka_unit_test(a_new_configuration_touches_only_whom_it_concerns),
	    cmocka_unit_test(a_list_in_slices_misses_none),
	    cmocka_unit_test(a_hard_reset_wraps_what_ends_for_good),
	    cmocka_unit_test(the_engine_closes_a_session_and_keeps_it_down),
	    cmocka_unit_test(a_full_ring_stops_reading_and_loses_nothing),
	    cmocka_unit_test(who_has_sent_least_is_read_first),
	    cmocka_unit_test(all_is_said_goodbye_at_a_stop),
	    cmocka_unit_test(an_instance_has_its_peers_and_slots),
	    cmocka_unit_test(who_listens_passes_sockets_on),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

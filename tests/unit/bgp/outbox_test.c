/* Journals and blocks on their way to a peer. */
#include "peer_rig.h"

#include "base/clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define MEMBERS                                                                \
	"member \"Alpha\" { asn 64501; at 127.0.0.2 { passive on; } }\n"       \
	"member \"Beta\" { asn 64502; at 127.0.0.3 { passive on; } }\n"

static struct rig rig;
static struct speaker a;
static struct speaker b;
static uint8_t data[FEED_CHUNK];

static struct feed_cursors *cursors(void)
{
	size_t n;

	/* Read-only to the engine; the test looks only. */
	return (void *)(uintptr_t)link_peer_extra(rig.engine, &n);
}

static void both_up(void)
{
	rig_start(&rig, "", MEMBERS);
	speak(&rig, &a, "127.0.0.2", 64501);
	speak_up(&a);
	assert_int_equal(rig.head.a, 0);
	speak(&rig, &b, "127.0.0.3", 64502);
	speak_up(&b);
	assert_int_equal(rig.head.a, 1);
}

static void join(unsigned slot, uint32_t chunk, uint32_t offset)
{
	struct feed_chunk *c = rig_chunk_at(&rig, chunk);
	struct feed_place at = {.journal = c->journal,
	    .chunk = chunk,
	    .seq = c->seq,
	    .offset = offset};

	rig_tell(&rig, FEED_JOIN, slot, 1, &at, sizeof at);
}

/* Hears UPDATEs first .. first + n - 1, in order; KEEPALIVEs may be between. */
static void hear_updates(struct speaker *s, unsigned first, unsigned n)
{
	for (unsigned i = first; i < first + n;) {
		unsigned at;

		assert_true(hear(s));
		if (s->type == BGP_KEEPALIVE)
			continue;
		assert_int_equal(s->type, BGP_UPDATE);
		memcpy(&at, s->body, sizeof at);
		assert_int_equal(at, i);
		i++;
	}
}

static void hear_nothing(struct speaker *s)
{
	uint8_t one;

	rig_turn(&rig, 50);
	assert_true(recv(s->fd, &one, 1, MSG_DONTWAIT | MSG_PEEK) < 0);
}

static void each_gets_the_entries_that_have_its_bit(void **state)
{
	(void)state;
	both_up();
	rig_chunk(&rig, 3, 0);
	struct feed_chunk *c = rig_chunk_at(&rig, 3);
	uint32_t only_a = rig_mask(c, 1);
	uint32_t all = rig_mask(c, 3);
	rig_entry(c, only_a, data, rig_updates(data, 0, 1, 23));
	join(0, 3, 0);
	join(1, 3, 0);
	rig_entry(c, all, data, rig_updates(data, 1, 3, 27));
	rig_publish(&rig);
	hear_updates(&a, 0, 4);
	hear_updates(&b, 1, 3);
	assert_int_equal(cursors()->at[0][0], FEED_AT(1, c->used));
	assert_int_equal(cursors()->at[1][0], FEED_AT(1, c->used));
	assert_int_equal(cursors()->at[0][1], UINT64_MAX);
	/* On into the next chunk, and another journal beside. */
	rig_chunk(&rig, 5, 0);
	atomic_store(&c->next, 5u);
	rig_chunk(&rig, 6, 1);
	join(1, 6, 0);
	c = rig_chunk_at(&rig, 5);
	all = rig_mask(c, 3);
	rig_entry(c, all, data, rig_updates(data, 4, 1, 64));
	rig_publish(&rig);
	hear_updates(&a, 4, 1);
	hear_updates(&b, 4, 1);
	c = rig_chunk_at(&rig, 6);
	all = rig_mask(c, 3);
	rig_entry(c, all, data, rig_updates(data, 5, 1, 64));
	rig_publish(&rig);
	hear_updates(&b, 5, 1);
	hear_nothing(&a);
	/* Left out: the cursor moves on all the same. */
	uint32_t none = rig_mask(c, 0);
	rig_entry(c, none, data, rig_updates(data, 6, 1, 64));
	rig_publish(&rig);
	hear_nothing(&b);
	assert_int_equal(cursors()->at[1][1], FEED_AT(3, c->used));
	speak_close(&a);
	rig_expect(&rig, FEED_DOWN);
	assert_int_equal(cursors()->at[0][0], UINT64_MAX);
	speak_close(&b);
	rig_stop(&rig);
}

static void what_is_sent_goes_before_further_entries(void **state)
{
	(void)state;
	both_up();
	rig_chunk(&rig, 0, 0);
	struct feed_chunk *c = rig_chunk_at(&rig, 0);
	uint32_t all = rig_mask(c, 3);
	size_t n = rig_updates(data, 0, 10, 50);
	rig_tell(&rig, FEED_SEND, 0, 1, data, n);
	rig_entry(c, all, data, rig_updates(data, 10, 5, 50));
	join(0, 0, 0);
	hear_updates(&a, 0, 15);
	rig_turn(&rig, 10);
	assert_int_equal(cursors()->sent[0], n);
	/* For a session that is no more. */
	rig_tell(&rig, FEED_SEND, 1, 9, data, n);
	hear_nothing(&b);
	speak_close(&a);
	speak_close(&b);
	rig_stop(&rig);
}

/* Fills chunks 0 .. n - 1 of journal 0 with large runs for both. */
static unsigned fill(unsigned n)
{
	unsigned i = 0;

	for (unsigned k = 0; k < n; k++) {
		rig_chunk(&rig, k, 0);
		struct feed_chunk *c = rig_chunk_at(&rig, k);
		uint32_t all = rig_mask(c, 3);
		for (unsigned e = 0; e < 15; e++, i += 4)
			rig_entry(c, all, data, rig_updates(data, i, 4, 1000));
		if (k)
			atomic_store(&rig_chunk_at(&rig, k - 1)->next, k);
	}
	return i;
}

static void one_that_does_not_read_delays_nobody_and_is_skipped(void **state)
{
	struct feed_place at = {.seq = 0};
	int small = 4096;

	(void)state;
	both_up();
	setsockopt(a.fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
	unsigned n = fill(RIG_CHUNKS);
	join(0, 0, 0);
	join(1, 0, 0);
	rig_publish(&rig);
	hear_updates(&b, 0, n);
	rig_turn(&rig, 20);
	uint64_t stuck = cursors()->at[0][0];
	assert_true(stuck != UINT64_MAX);
	assert_true(stuck >> 17 < RIG_CHUNKS);
	/* It is asked out of the chunk where it stands. */
	at.seq = stuck >> 17;
	at.chunk = (uint32_t)at.seq - 1;
	rig_tell(&rig, FEED_SKIP, 0, 1, &at, sizeof at);
	rig_expect(&rig, FEED_SKIPPED);
	memcpy(&at, rig.record, sizeof at);
	assert_int_equal(FEED_AT(at.seq, at.offset), stuck);
	assert_int_equal(at.chunk, at.seq - 1);
	assert_int_equal(cursors()->at[0][0], UINT64_MAX);
	/* What is overwritten now must not be what it gets. */
	memset(rig_chunk_at(&rig, at.chunk)->data, 0xee, 60000);
	/* It reads: whole messages up to the cut, then what comes anew. */
	size_t rejoin = rig_updates(data, 900000, 1, 23);
	rig_tell(&rig, FEED_SEND, 0, 1, data, rejoin);
	unsigned expect = 0;
	for (;;) {
		unsigned i;

		hear_type(&a, BGP_UPDATE);
		memcpy(&i, a.body, sizeof i);
		if (i == 900000)
			break;
		assert_int_equal(i, expect++);
	}
	assert_true(expect > 4 && expect < n);
	/* SKIP again: it does not read, so there is nothing to answer. */
	rig_tell(&rig, FEED_SKIP, 0, 1, &at, sizeof at);
	hear_nothing(&a);
	assert_false(rig_record(&rig));
	speak_close(&a);
	speak_close(&b);
	rig_stop(&rig);
}

static void a_second_join_leaves_out_what_is_between(void **state)
{
	int small = 4096;

	(void)state;
	both_up();
	setsockopt(a.fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
	unsigned n = fill(RIG_CHUNKS - 1);
	join(0, 0, 0);
	rig_publish(&rig);
	rig_turn(&rig, 20);
	rig_chunk(&rig, RIG_CHUNKS - 1, 0);
	struct feed_chunk *c = rig_chunk_at(&rig, RIG_CHUNKS - 1);
	uint32_t all = rig_mask(c, 3);
	rig_entry(c, all, data, rig_updates(data, 900000, 1, 100));
	join(0, RIG_CHUNKS - 1, 0);
	unsigned expect = 0;
	for (;;) {
		unsigned i;

		hear_type(&a, BGP_UPDATE);
		memcpy(&i, a.body, sizeof i);
		if (i == 900000)
			break;
		assert_int_equal(i, expect++);
	}
	assert_true(expect > 4 && expect < n);
	speak_close(&a);
	speak_close(&b);
	rig_stop(&rig);
}

static void keepalives_stay_between_messages_of_a_slow_client(void **state)
{
	int small = 32768;

	(void)state;
	rig_start(&rig, "", MEMBERS);
	speak(&rig, &a, "127.0.0.2", 64501);
	setsockopt(a.fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
	a.open.hold_s = 3;
	speak_up(&a);
	unsigned n = fill(RIG_CHUNKS);
	join(0, 0, 0);
	rig_publish(&rig);
	/* Reads slowly, and says that it lives. */
	for (unsigned i = 0; i < n; i += 60) {
		hear_updates(&a, i, n - i < 60 ? n - i : 60);
		rig_turn(&rig, 100);
		speak_keepalive(&a);
	}
	rig_turn(&rig, 1200);
	hear_type(&a, BGP_KEEPALIVE);
	speak_close(&a);
	rig_stop(&rig);
}

static void a_notification_comes_behind_the_message_in_flight(void **state)
{
	struct feed_close close = {
	    .notify = {.code = BGP_ERR_CEASE, .subcode = BGP_CEASE_RESET},
	    .why = "test",
	};

	(void)state;
	both_up();
	unsigned n = fill(2);
	join(0, 0, 0);
	rig_publish(&rig);
	rig_turn(&rig, 5);
	rig_tell(&rig, FEED_CLOSE, 0, 1, &close, sizeof close);
	unsigned heard = 0;
	while (hear(&a) && a.type == BGP_UPDATE)
		heard++;
	assert_int_equal(heard, n);
	assert_int_equal(a.type, BGP_NOTIFICATION);
	assert_false(hear(&a));
	speak_close(&a);
	speak_close(&b);
	rig_stop(&rig);
}

static void one_that_takes_nothing_is_dropped_by_the_send_hold_timer(
    void **state)
{
	/* More than the socket holds, and less: TCP knows it all the same. */
	static const unsigned chunks[] = {RIG_CHUNKS, 2};
	int small = 4096;

	(void)state;
	for (int i = 0; i < 2; i++) {
		rig_start(&rig, "hold 3s; send-hold 4s;", MEMBERS);
		speak(&rig, &a, "127.0.0.2", 64501);
		setsockopt(a.fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
		speak_up(&a);
		fill(chunks[i]);
		join(0, 0, 0);
		rig_publish(&rig);
		uint64_t t = clock_now_ns();
		while (!rig_record(&rig)) {
			speak_keepalive(&a); /* it lives, yet takes nothing */
			rig_turn(&rig, 100);
		}
		assert_int_equal(rig.head.type, FEED_DOWN);
		assert_in_range(clock_now_ns() - t, 3 * NS_PER_S, 8 * NS_PER_S);
		speak_close(&a);
		rig_stop(&rig);
	}
}

static void more_than_was_allowed_costs_the_session(void **state)
{
	int small = 4096;
	struct feed_place nowhere = {.chunk = 12345, .seq = 1};

	(void)state;
	both_up();
	setsockopt(a.fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
	size_t n = rig_updates(data, 0, 60, 1000);
	for (int i = 0; i < 120 && rig.events[PEERS_DOWN] == 0; i++) {
		rig_tell(&rig, FEED_SEND, 0, 1, data, n);
		rig_turn(&rig, 1);
	}
	rig_expect(&rig, FEED_DOWN);
	assert_int_equal(rig.head.a, 0);
	rig_tell(&rig, FEED_JOIN, 1, 1, &nowhere, sizeof nowhere);
	hear_notification(&b, BGP_ERR_CEASE, BGP_CEASE_RESOURCES);
	speak_close(&a);
	rig_stop(&rig);
}

/* Whatever stands in the engine's area: no crash, at worst a session less. */
static void a_broken_journal_breaks_nothing_else(void **state)
{
	(void)state;
	for (int kind = 0; kind < 8; kind++) {
		both_up();
		rig_chunk(&rig, 0, 0);
		struct feed_chunk *c = rig_chunk_at(&rig, 0);
		uint32_t all = rig_mask(c, 3);
		rig_entry(c, all, data, rig_updates(data, 0, 3, 100));
		struct feed_entry *e = (void *)(c->data + all + 8);
		join(0, 0, 0);
		join(1, 0, 0);
		switch (kind) {
		case 0:
			e->len = 0xfffffff0u;
			break;
		case 1:
			e->mask = 0xfffffff8u;
			break;
		case 2:
			e->mask_words = UINT16_MAX;
			break;
		case 3:
			atomic_store(&c->used, (uint32_t)sizeof c->data + 8);
			break;
		case 4:
			atomic_store(&c->next, 999999u);
			break;
		case 5: /* a circle */
			atomic_store(&c->next, 0u);
			break;
		case 6:
			atomic_store(&c->used, all + 12);
			break;
		case 7: /* used anew under a reader */
			rig_turn(&rig, 20);
			c->seq += 100;
			break;
		}
		rig_publish(&rig);
		hear_notification(&a, BGP_ERR_CEASE, BGP_CEASE_RESOURCES);
		hear_notification(&b, BGP_ERR_CEASE, BGP_CEASE_RESOURCES);
		rig_stop(&rig);
	}
}

/* The same without a session, thousands of times, with chance for a pen. */
static void chance_in_the_area_reaches_nothing_beyond_it(void **state)
{
	size_t area_n = FEED_CHUNKS_AT + 4 * (size_t)FEED_CHUNK;
	uint8_t *area = aligned_alloc(
	    FEED_CHUNK, (area_n + FEED_CHUNK - 1) / FEED_CHUNK * FEED_CHUNK);
	struct feed_cursors *own = malloc(sizeof *own);
	struct outbox_pool pool;
	uint64_t dice = 88172645463325252u;
	int pair[2];

	(void)state;
	assert_int_equal(
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0);
	memset(area, 0, area_n);
	rig.chunks = area + FEED_CHUNKS_AT;
	rig.seq = 0;
	for (int round = 0; round < 4000; round++) {
		struct outbox o;
		struct feed_place at = {0};

		for (uint32_t i = 0; i < 4; i++) {
			struct feed_chunk *c =
			    rig_chunk_at(&rig, rig_chunk(&rig, i, 0));
			uint32_t all = rig_mask(c, 3);
			for (int e = 0; e < 3; e++)
				rig_entry(
				    c, all, data, rig_updates(data, 0, 3, 100));
			atomic_store(&c->next, i < 3 ? i + 1 : FEED_NO_CHUNK);
		}
		for (int k = 0; k < 3; k++) {
			dice ^= dice << 13;
			dice ^= dice >> 7;
			dice ^= dice << 17;
			size_t chunk = dice % 4;
			size_t off = dice / 4 % 1200;
			rig.chunks[chunk * FEED_CHUNK + off] =
			    (uint8_t)(dice >> 32);
		}
		assert_true(
		    outbox_pool_map(&pool, area, area_n, own, sizeof *own));
		outbox_init(&o, (unsigned)(dice >> 40) % FEED_SLOTS);
		o.slot = round % 2 ? o.slot : 1;
		outbox_attach(&o, &pool);
		at.seq = rig_chunk_at(&rig, 0)->seq;
		if (outbox_join(&o, &at) == 0) {
			struct feed_place left;
			uint8_t last[19] = {0};

			(void)outbox_write(&o, pair[0]);
			(void)outbox_wants(&o);
			(void)outbox_write(&o, pair[0]);
			if (round % 3)
				(void)outbox_skip(&o, 0, &left);
			(void)outbox_goodbye(&o, pair[0], last, sizeof last);
		}
		outbox_done(&o);
		/* Full now and then: cuts fall anywhere. */
		if (round % 5 == 0)
			while (recv(pair[1], data, sizeof data, 0) > 0)
				;
	}
	close(pair[0]);
	close(pair[1]);
	free(area);
	free(own);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(each_gets_the_entries_that_have_its_bit),
	    cmocka_unit_test(what_is_sent_goes_before_further_entries),
	    cmocka_unit_test(
		one_that_does_not_read_delays_nobody_and_is_skipped),
	    cmocka_unit_test(a_second_join_leaves_out_what_is_between),
	    cmocka_unit_test(keepalives_stay_between_messages_of_a_slow_client),
	    cmocka_unit_test(a_notification_comes_behind_the_message_in_flight),
	    cmocka_unit_test(
		one_that_takes_nothing_is_dropped_by_the_send_hold_timer),
	    cmocka_unit_test(more_than_was_allowed_costs_the_session),
	    cmocka_unit_test(a_broken_journal_breaks_nothing_else),
	    cmocka_unit_test(chance_in_the_area_reaches_nothing_beyond_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

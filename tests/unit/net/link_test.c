#include "check.h"

#include "net/link.h"
#include "net/msg.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define RING ((size_t)1 << 19)

static struct link *a;
static struct link *b;
static uint8_t buf[LINK_RECORD_MAX];

static int setup(void **state)
{
	int s[2];

	(void)state;
	if (msg_pair(s) || link_new(s[0], RING, 10000, &a) ||
	    link_new(s[1], RING, 0, &b))
		return -1;
	return link_bell(a) || link_bell(b) || !link_ready(a) || !link_ready(b);
}

static int teardown(void **state)
{
	(void)state;
	link_free(a);
	link_free(b);
	link_free(NULL);
	return 0;
}

static bool bell_rings(const struct link *l)
{
	struct pollfd p = {.fd = link_fd(l), .events = POLLIN};

	return poll(&p, 1, 0) == 1;
}

static void records_arrive_in_order(void **state)
{
	struct link_head h;

	(void)state;
	assert_int_equal(link_read(b, &h, buf), 0);
	assert_true(link_write(a, 1, 2, 3, "abc", 3, "defgh", 5));
	assert_true(link_write(a, 4, 5, 6, NULL, 0, NULL, 0));
	assert_int_equal(link_read(b, &h, buf), 1);
	assert_int_equal(h.type, 1);
	assert_int_equal(h.a, 2);
	assert_int_equal(h.b, 3);
	assert_int_equal(h.len, 8);
	assert_memory_equal(buf, "abcdefgh", 8);
	assert_int_equal(link_read(b, &h, buf), 1);
	assert_int_equal(h.type, 4);
	assert_int_equal(h.len, 0);
	assert_int_equal(link_read(b, &h, buf), 0);
}

static void a_full_ring_refuses_until_read(void **state)
{
	struct link_head h;
	int written = 0;

	(void)state;
	while (link_write(a, 1, (uint32_t)written, 0, buf, 60000, NULL, 0))
		written++;
	assert_in_range(written, 7, 9);
	assert_true(link_room(a) < 60000);
	assert_int_equal(link_read(b, &h, buf), 1);
	assert_true(link_room(a) >= 60000);
	assert_true(link_write(a, 1, 77, 0, buf, 60000, NULL, 0));
	for (int i = 1; i < written; i++) {
		assert_int_equal(link_read(b, &h, buf), 1);
		assert_int_equal(h.a, i);
	}
	assert_int_equal(link_read(b, &h, buf), 1);
	assert_int_equal(h.a, 77);
}

/* Random sizes, many times around the ring. */
static void the_ring_wraps_without_loss(void **state)
{
	static uint8_t out[LINK_RECORD_MAX];
	struct link_head h;
	uint32_t sent = 0;
	uint32_t got = 0;

	(void)state;
	srand(5);
	while (got < 20000) {
		if (rand() % 2) {
			size_t n = (size_t)rand() %
				   (rand() % 50 ? 300 : LINK_RECORD_MAX);

			memset(out, (int)(sent & 255), n);
			if (link_write(a, 1, sent, (uint32_t)n, out, n / 3,
				out + n / 3, n - n / 3))
				sent++;
		} else if (link_read(b, &h, buf) == 1) {
			assert_int_equal(h.a, got);
			assert_int_equal(h.len, h.b);
			for (size_t i = 0; i < h.len; i++)
				if (buf[i] != (got & 255))
					fail_msg("byte %zu of %u", i, got);
			got++;
		}
	}
}

/* What is reserved and not committed was never there. */
static void a_record_is_filled_in_place(void **state)
{
	struct link_head h;

	(void)state;
	for (uint32_t i = 0; i < 5000; i++) {
		size_t n = i * 37 % 5000;
		uint8_t *p = link_reserve(a, 60000);

		assert_non_null(p);
		memset(p, 0xee, 60000);
		if (i % 3 == 0)
			continue;
		memset(p, (int)(i & 255), n);
		link_commit(a, 1, i, 0, n);
		assert_int_equal(link_read(b, &h, buf), 1);
		assert_int_equal(h.a, i);
		assert_int_equal(h.len, n);
		for (size_t k = 0; k < n; k++)
			assert_int_equal(buf[k], i & 255);
	}
	while (link_write(a, 1, 0, 0, buf, 60000, NULL, 0))
		;
	assert_null(link_reserve(a, 60000));
	assert_int_equal(link_read(b, &h, buf), 1);
	assert_non_null(link_reserve(a, 60000));
	link_commit(a, 1, 0, 0, 60000);
}

static void a_bell_rings_only_for_a_sleeper(void **state)
{
	struct link_head h;

	(void)state;
	link_write(a, 1, 0, 0, "x", 1, NULL, 0);
	link_flush(a, false);
	assert_false(bell_rings(b));
	assert_false(link_sleep(b)); /* there is something to read */
	assert_int_equal(link_read(b, &h, buf), 1);
	assert_true(link_sleep(b));
	link_flush(a, false); /* nothing new */
	assert_false(bell_rings(b));
	link_write(a, 1, 0, 0, "y", 1, NULL, 0);
	link_flush(a, false);
	assert_true(bell_rings(b));
	assert_int_equal(link_bell(b), 0);
	link_wake(b);
	assert_false(bell_rings(b));
	assert_int_equal(link_read(b, &h, buf), 1);
	assert_true(link_sleep(b));
	link_flush(a, true); /* something in the extra area */
	assert_true(bell_rings(b));
}

static void room_wakes_a_waiting_writer(void **state)
{
	struct link_head h;

	(void)state;
	while (link_write(a, 1, 0, 0, buf, 60000, NULL, 0))
		;
	assert_true(link_sleep(a));
	link_flush(b, false); /* nothing read yet */
	assert_false(bell_rings(a));
	assert_int_equal(link_read(b, &h, buf), 1);
	link_flush(b, false);
	assert_true(bell_rings(a));
}

/* It woke for something else, and goes to sleep again without a try. */
static void a_waiting_writer_stays_one(void **state)
{
	struct link_head h;

	(void)state;
	while (link_write(a, 1, 0, 0, buf, 60000, NULL, 0))
		;
	assert_true(link_sleep(a));
	link_wake(a);
	assert_true(link_sleep(a));
	assert_int_equal(link_read(b, &h, buf), 1);
	link_flush(b, false);
	assert_true(bell_rings(a));
}

/* The reader made room between the writer's try and its sleep. */
static void room_that_came_before_the_sleep_is_seen(void **state)
{
	struct link_head h;

	(void)state;
	while (link_write(a, 1, 0, 0, buf, 60000, NULL, 0))
		;
	assert_int_equal(link_read(b, &h, buf), 1);
	link_flush(b, false);
	assert_false(bell_rings(a)); /* a is awake */
	assert_false(link_sleep(a));
	/* Said once: nobody may want the room any more. */
	assert_true(link_sleep(a));
}

/* A small record that fits does not make the large one forgotten. */
static void a_smaller_record_changes_nothing(void **state)
{
	struct link_head h;

	(void)state;
	while (link_write(a, 1, 0, 0, buf, 60000, NULL, 0))
		;
	assert_true(link_write(a, 1, 0, 0, "x", 1, NULL, 0));
	assert_true(link_sleep(a));
	assert_int_equal(link_read(b, &h, buf), 1);
	link_flush(b, false);
	assert_true(bell_rings(a));
}

static void extra_is_seen_and_cannot_be_written(void **state)
{
	size_t n;
	uint8_t *own = link_extra(a, &n);
	const uint8_t *seen = link_peer_extra(b, &n);

	(void)state;
	assert_true(n >= 10000);
	own[9999] = 7;
	assert_int_equal(seen[9999], 7);
	void *page = (void *)((uintptr_t)seen & ~(uintptr_t)4095);
	assert_int_equal(mprotect(page, 4096, PROT_READ | PROT_WRITE), -1);
}

static void a_dead_peer_is_noticed(void **state)
{
	(void)state;
	link_free(b);
	b = NULL;
	assert_int_equal(link_bell(a), -EPIPE);
}

/* Sends what is not an area, by hand, to a fresh link. */
static int offer(size_t bytes, unsigned seals, const void *head, size_t n)
{
	int s[2];
	struct link *l = NULL;
	int fd = memfd_create("x", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	assert_int_equal(msg_pair(s), 0);
	assert_int_equal(link_new(s[0], RING, 0, &l), 0);
	assert_int_equal(ftruncate(fd, (off_t)bytes), 0);
	if (n)
		assert_int_equal(pwrite(fd, head, n, 0), (ssize_t)n);
	assert_int_equal(fcntl(fd, F_ADD_SEALS, seals), 0);
	assert_int_equal(msg_send(s[1], 1, 0, NULL, 0, &fd, 1), 0);
	int err = link_bell(l);
	close(fd);
	close(s[1]);
	link_free(l);
	return err;
}

static void a_hostile_area_is_refused(void **state)
{
	const unsigned all = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | 0x0010;
	uint32_t head[2] = {0x7370656e, 19};

	(void)state;
	assert_int_equal(offer(4096 + RING, 0, head, 8), -EPROTO);
	assert_int_equal(offer(4096 + RING, F_SEAL_SHRINK, head, 8), -EPROTO);
	assert_int_equal(offer(100, all, head, 8), -EPROTO);
	assert_int_equal(offer(RING, all, head, 8), -EPROTO);
	assert_int_equal(offer(4096 + RING, all, NULL, 0), -EPROTO);
	head[1] = 63;
	assert_int_equal(offer(4096 + RING, all, head, 8), -EPROTO);
	head[1] = 4;
	assert_int_equal(offer(4096 + RING, all, head, 8), -EPROTO);
	head[1] = 19; /* a good one: then the end of the socket */
	int good = offer(4096 + RING, all, head, 8);
	assert_true(good == 0 || good == -EPIPE);
}

static void an_area_is_shared_by_many_links(void **state)
{
	struct link_area *area;
	struct link *from[2];
	struct link *to[2];
	size_t n;

	(void)state;
	assert_int_equal(link_area_new(10000, &area), 0);
	for (int i = 0; i < 2; i++) {
		int s[2];

		assert_int_equal(msg_pair(s), 0);
		assert_int_equal(
		    link_new_shared(s[0], RING, area, &from[i]), 0);
		assert_int_equal(link_new(s[1], RING, 100, &to[i]), 0);
		assert_int_equal(link_bell(from[i]), 0);
		assert_int_equal(link_bell(to[i]), 0);
		assert_true(link_ready(from[i]) && link_ready(to[i]));
	}
	char *own = link_extra(from[0], &n);
	assert_true(n >= 10000);
	assert_ptr_equal(own, link_extra(from[1], &n));
	memcpy(own, "seen by both", 13);
	for (int i = 0; i < 2; i++) {
		const char *seen = link_peer_extra(to[i], &n);

		assert_true(n >= 10000);
		assert_string_equal(seen, "seen by both");
		/* Their own areas are their own. */
		assert_non_null(link_peer_extra(from[i], &n));
		assert_true(n >= 100 && n < 10000);
	}
	/* One of them ends; the other reads on. */
	link_free(to[0]);
	link_free(from[0]);
	memcpy(own, "still", 6);
	assert_string_equal(link_peer_extra(to[1], &n), "still");
	link_free(to[1]);
	link_free(from[1]);
	link_area_free(area);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	    T(records_arrive_in_order),
	    T(a_full_ring_refuses_until_read),
	    T(a_record_is_filled_in_place),
	    T(the_ring_wraps_without_loss),
	    T(a_bell_rings_only_for_a_sleeper),
	    T(room_wakes_a_waiting_writer),
	    T(a_waiting_writer_stays_one),
	    T(room_that_came_before_the_sleep_is_seen),
	    T(a_smaller_record_changes_nothing),
	    T(extra_is_seen_and_cannot_be_written),
	    T(a_dead_peer_is_noticed),
	    cmocka_unit_test(a_hostile_area_is_refused),
#undef T
	    cmocka_unit_test(an_area_is_shared_by_many_links),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

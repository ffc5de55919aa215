/*
 * The tables against plain arrays: random paths in and out of many prefixes,
 * and everything given back at the end.
 */
#include "check.h"

#include "rib/store.h"

#include <stdlib.h>
#include <string.h>

#define SLOTS 12
#define PREFIXES 4000 /* so that the index grows a few times */
#define EVENTS 100000

struct held {
	bool on;
	struct rib_rank rank;
	enum reason reason;
	uint8_t wire[8];
};

static struct held held[FAMILY_COUNT][PREFIXES][SLOTS];
static uint32_t dropped[16];

static void on_drop(void *arg, uint32_t set, uint32_t class)
{
	(void)arg;
	(void)set;
	dropped[class]++;
}

static struct rib_nlri nlri(enum family f, unsigned i)
{
	struct rib_nlri v = {.len = f == FAMILY_IPV4 ? 24 : 48};

	v.addr[0] = 10;
	v.addr[1] = (uint8_t)(i >> 8);
	v.addr[2] = (uint8_t)i;
	if (i % 3 == 0)
		v.len--; /* the same address with another length */
	if (i % 3 == 0)
		v.addr[2] &= 0xfe;
	if (i % 3 == 0)
		v.addr[0] = 11;
	return v;
}

static struct rib *new_rib(uint32_t max)
{
	struct rib *r;

	assert_int_equal(rib_new(max, &r), 0);
	rib_on_drop(r, on_drop, NULL);
	for (uint32_t s = 0; s < SLOTS; s++) {
		struct ip peer = {.b = {192, 0, 2, (uint8_t)(20 - s)}};

		rib_slot_set(r, s, 1 + s / 2 * 10, &peer);
	}
	return r;
}

static struct rib_rank random_rank(uint32_t s)
{
	struct rib_rank rank = {
	    .path_length = (uint16_t)(1 + rand() % 3),
	    .neighbour = 64500 + (uint32_t)rand() % 3,
	    .med = (uint32_t)rand() % 3,
	    .id = 1 + s / 2 * 10,
	    .peer = {.b = {192, 0, 2, (uint8_t)(20 - s)}},
	    .path_id = s + 1,
	};

	return rank;
}

static uint32_t set_for(
    struct rib *r, enum family f, uint32_t s, const struct held *h)
{
	static const uint8_t next_hop[4] = {192, 0, 2, 1};
	struct rib_set_in in = {.slot = s,
	    .class = h->reason == REASON_NONE,
	    .path_id = s + 1,
	    .family = f,
	    .reason = h->reason,
	    .wire = {h->wire, sizeof h->wire},
	    .next_hop = {next_hop, 4},
	    .rank = h->rank};
	uint32_t hash;
	uint32_t set = rib_set_find(r, &in, &hash);

	return set != RIB_NONE ? set : rib_set_add(r, &in, hash);
}

static void put(struct rib *r, enum family f, unsigned i, uint32_t s)
{
	struct held *h = &held[f][i][s];
	struct rib_nlri v = nlri(f, i);

	*h = (struct held){.on = true, .rank = random_rank(s)};
	if (rand() % 5 == 0)
		h->reason = REASON_BOGON_PREFIX;
	/* All that ranks it is in the bytes, as it is in real attributes. */
	h->wire[0] = (uint8_t)h->rank.path_length;
	h->wire[1] = (uint8_t)h->rank.neighbour;
	h->wire[2] = (uint8_t)h->rank.med;
	h->wire[3] = (uint8_t)h->reason;
	v.make = true;
	rib_locate_one(r, f, &v);
	assert_int_not_equal(v.id, RIB_NONE);
	uint32_t old = rib_have(r, rib_entry_at(r, f, v.id), s, s + 1);
	uint32_t set = set_for(r, f, s, h);
	if (old == set)
		rib_set_unref(r, set);
	else
		assert_true(rib_put(r, f, v.id, old, set));
}

static void cut(struct rib *r, enum family f, unsigned i, uint32_t s)
{
	struct rib_nlri v = nlri(f, i);

	rib_locate_one(r, f, &v);
	if (v.id == RIB_NONE)
		return;
	struct rib_entry *e = rib_entry_at(r, f, v.id);
	uint32_t old = rib_have(r, e, s, s + 1);
	assert_int_equal(old != RIB_NONE, held[f][i][s].on);
	held[f][i][s].on = false;
	if (old == RIB_NONE)
		return;
	rib_cut(r, f, v.id, old);
	if (!e->n)
		rib_release(r, f, v.id);
}

/* The prefix' paths are those held, in the order of rib_rank_sort(). */
static void compare(struct rib *r, enum family f, unsigned i)
{
	struct rib_nlri v = nlri(f, i);
	struct prefix p = {.len = v.len}, q;
	struct rib_rank rank[SLOTS];
	uint32_t order[SLOTS], slot[SLOTS], sets[SLOTS + 1];
	size_t n = 0, all = 0;

	memcpy(p.addr.b, v.addr, sizeof p.addr.b);
	p.addr.family = (uint8_t)f;
	for (uint32_t s = 0; s < SLOTS; s++) {
		const struct held *h = &held[f][i][s];

		all += h->on;
		if (!h->on || h->reason != REASON_NONE)
			continue;
		slot[n] = s;
		order[n] = (uint32_t)n;
		rank[n++] = h->rank;
	}
	uint32_t id = rib_find(r, &p);
	assert_int_equal(id == RIB_NONE, all == 0);
	if (!all)
		return;
	assert_true(rib_prefix(r, f, id, &q));
	assert_true(prefix_eq(&p, &q));
	assert_int_equal(rib_paths(r, f, id, sets, SLOTS + 1), all);
	rib_rank_sort(rank, order, n);
	for (size_t k = 0; k < all; k++) {
		struct rib_path path;

		rib_path(r, sets[k], &path);
		if (k < n)
			assert_int_equal(path.slot, slot[order[k]]);
		/* Refused ones come last. */
		assert_int_equal(path.verdict.accept, k < n);
		assert_memory_equal(path.wire.p, held[f][i][path.slot].wire,
		    sizeof held[f][i][0].wire);
	}
}

static void random_paths_are_kept_in_order(void **state)
{
	struct rib *r = new_rib(100000);
	struct rib_stats stats;

	(void)state;
	memset(held, 0, sizeof held);
	memset(dropped, 0, sizeof dropped);
	for (unsigned e = 0; e < EVENTS; e++) {
		enum family f = (enum family)(rand() % FAMILY_COUNT);
		unsigned i = (unsigned)rand() % PREFIXES;
		uint32_t s = (uint32_t)rand() % SLOTS;

		if (rand() % 3)
			put(r, f, i, s);
		else
			cut(r, f, i, s);
		compare(r, f, i);
	}
	for (unsigned i = 0; i < PREFIXES; i++)
		for (uint32_t s = 0; s < SLOTS; s++) {
			cut(r, FAMILY_IPV4, i, s);
			cut(r, FAMILY_IPV6, i, s);
		}
	rib_stats(r, &stats);
	assert_int_equal(stats.prefixes[0] + stats.prefixes[1], 0);
	assert_int_equal(stats.paths[0] + stats.paths[1], 0);
	assert_int_equal(stats.sets, 0);
	assert_int_equal(stats.set_bytes, 0);
	assert_true(dropped[0] > 0 && dropped[1] > 0);
	rib_free(r);
}

static void flaps_take_no_more_memory(void **state)
{
	struct rib *r = new_rib(100000);
	uint64_t after[3];

	(void)state;
	memset(held, 0, sizeof held);
	for (unsigned round = 0; round < 30; round++) {
		struct rib_stats stats;

		srand(1);
		for (unsigned i = 0; i < PREFIXES; i++)
			for (uint32_t s = 0; s < SLOTS; s++)
				put(r, FAMILY_IPV4, i, s);
		rib_stats(r, &stats);
		after[round < 2 ? round : 2] = stats.memory_bytes;
		for (unsigned i = 0; i < PREFIXES; i++)
			for (uint32_t s = 0; s < SLOTS; s++)
				cut(r, FAMILY_IPV4, i, s);
	}
	assert_int_equal(after[1], after[2]);
	rib_free(r);
}

static void the_maximum_is_kept(void **state)
{
	struct rib *r = new_rib(100);
	unsigned made = 0;

	(void)state;
	for (unsigned i = 0; i < 200; i++) {
		struct rib_nlri v = {
		    .len = 32, .make = true, .addr = {1, 2, 3, (uint8_t)i}};

		rib_locate_one(r, FAMILY_IPV4, &v);
		made += v.id != RIB_NONE;
	}
	assert_int_equal(made, 100);
	assert_true(r->full);
	rib_free(r);
}

/* A peer that knows the code, but not the seed, must not fill one bucket. */
static void no_choice_of_addresses_collides(void **state)
{
	static const uint64_t aimed[] = {
	    0, 128, 0x9e3779b97f4a7c15u, 0xd6e8feb86659fd93u};
	struct rib *r = new_rib(100);

	(void)state;
	for (size_t k = 0; k < sizeof aimed / sizeof *aimed; k++) {
		struct rib_nlri v[RIB_BATCH] = {0};
		unsigned same = 0;

		for (unsigned i = 0; i < RIB_BATCH; i++) {
			uint64_t low = aimed[k] ^ 128;

			v[i].len = 128;
			v[i].addr[0] = 0x20;
			v[i].addr[7] = (uint8_t)i;
			memcpy(v[i].addr + 8, &low, sizeof low);
			rib_hint(r, FAMILY_IPV6, &v[i], RIB_NONE);
		}
		rib_locate(r, FAMILY_IPV6, v, RIB_BATCH);
		for (unsigned i = 1; i < RIB_BATCH; i++)
			same += v[i].hash == v[0].hash;
		assert_in_range(same, 0, 1);
	}
	rib_free(r);
}

static void marked_sets_are_seen_and_not_found(void **state)
{
	struct rib *r = new_rib(100);
	struct held h = {.rank = random_rank(3), .wire = {1}};
	uint32_t set = set_for(r, FAMILY_IPV4, 3, &h);

	(void)state;
	assert_false(rib_set_marked(r, set));
	rib_set_mark(r, set, RIB_SET_DEAD);
	assert_true(rib_set_dead(r, set));
	uint32_t other = set_for(r, FAMILY_IPV4, 3, &h);
	assert_int_not_equal(other, set);
	assert_true(rib_set_same(r, set, other));
	assert_false(rib_set_dead(r, other));
	rib_set_unref(r, set);
	rib_set_unref(r, other);
	rib_marks_clear(r);
	rib_free(r);
}

static void blobs_of_all_sizes_come_back(void **state)
{
	struct rib_blobs b = {.mem = {.most = (size_t)1 << 30}};

	(void)state;
	for (unsigned round = 0; round < 3; round++) {
		static uint32_t blob[70000];
		uint32_t end = b.end;

		for (size_t n = 1; n < 65600; n += 1 + n / 16) {
			blob[n] = rib_blob_take(&b, n);
			assert_int_not_equal(blob[n], RIB_BLOB_NONE);
			memset(rib_blob_at(&b, blob[n]), (int)n, n);
		}
		for (size_t n = 1; n < 65600; n += 1 + n / 16) {
			const uint8_t *p = rib_blob_at(&b, blob[n]);

			assert_int_equal(p[0], (uint8_t)n);
			assert_int_equal(p[n - 1], (uint8_t)n);
			rib_blob_give(&b, blob[n], n);
		}
		assert_int_equal(b.used_bytes, 0);
		if (round)
			assert_int_equal(b.end, end);
	}
	rib_vec_done(&b.mem);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(random_paths_are_kept_in_order),
	    cmocka_unit_test(flaps_take_no_more_memory),
	    cmocka_unit_test(the_maximum_is_kept),
	    cmocka_unit_test(no_choice_of_addresses_collides),
	    cmocka_unit_test(marked_sets_are_seen_and_not_found),
	    cmocka_unit_test(blobs_of_all_sizes_come_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

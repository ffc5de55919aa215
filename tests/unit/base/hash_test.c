#include "check.h"

#include "base/hash.h"
#include "base/list.h"

#include <stdlib.h>

/* Counts per bucket stay near what chance gives. */
static void spread(const unsigned *bucket, unsigned n, unsigned mean)
{
	for (unsigned i = 0; i < n; i++)
		assert_in_range(bucket[i], mean / 2, mean * 2);
}

static void near_keys_fall_far_apart(void **state)
{
	unsigned low[256] = {0};
	unsigned high[256] = {0};

	(void)state;
	for (uint64_t v = 0; v < 65536; v++) {
		uint64_t h = hash_u64(v << 40, 7);

		low[h & 255]++;
		high[h >> 56]++;
	}
	spread(low, 256, 256);
	spread(high, 256, 256);
}

static void each_byte_and_the_length_count(void **state)
{
	uint8_t b[64] = {0};
	uint64_t seen[65];

	(void)state;
	for (size_t n = 0; n <= sizeof b; n++) {
		seen[n] = hash_bytes(b, n, 1);
		for (size_t k = 0; k < n; k++)
			assert_true(seen[k] != seen[n]);
	}
	for (size_t i = 0; i < sizeof b; i++) {
		b[i] = 1;
		assert_true(hash_bytes(b, sizeof b, 1) != seen[64]);
		b[i] = 0;
	}
	assert_true(hash_bytes(b, sizeof b, 2) != seen[64]);
}

/* Nothing in a key may make what stands before it count for nothing. */
static void no_public_key_makes_others_collide(void **state)
{
	static const uint64_t aimed[] = {0x9e3779b97f4a7c15u,
	    0xd6e8feb86659fd93u, 0xe7037ed1a0b428dbu, 0x8ebc6af09c88c6e3u,
	    0x589965cc75374cc3u, 0x698f146f3c3c0138u};
	uint64_t key[4] = {0};

	(void)state;
	for (size_t i = 0; i < sizeof aimed / sizeof *aimed; i++) {
		key[2] = aimed[i];
		for (size_t n = 24; n <= 32; n += 8) {
			key[0] = 1;
			uint64_t one = hash_bytes(key, n, 12345);
			key[0] = 2;
			assert_true(hash_bytes(key, n, 12345) != one);
			assert_true(hash_bytes(key, n, 54321) !=
				    hash_bytes(key, n, 12345));
		}
		assert_true(
		    hash_u64(aimed[i], 12345) != hash_u64(aimed[i], 54321));
	}
}

static void reads_no_byte_beyond(void **state)
{
	(void)state;
	for (size_t n = 0; n < 40; n++) {
		uint8_t *exact = calloc(1, n + !n);

		assert_true(hash_bytes(exact, n, 3) != 0);
		free(exact);
	}
}

struct item {
	int v;
	struct list link;
};

static void a_list_keeps_order_and_survives_removal(void **state)
{
	struct list head;
	struct item it[5];
	int want = 0;

	(void)state;
	list_init(&head);
	assert_true(list_empty(&head));
	for (int i = 0; i < 5; i++) {
		it[i].v = i;
		list_add_tail(&head, &it[i].link);
	}
	list_each(e, next, &head)
	{
		struct item *x = list_entry(e, struct item, link);

		assert_int_equal(x->v, want++);
		list_del(e);
		list_del(e); /* twice does no harm */
	}
	assert_int_equal(want, 5);
	assert_true(list_empty(&head));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(near_keys_fall_far_apart),
	    cmocka_unit_test(each_byte_and_the_length_count),
	    cmocka_unit_test(no_public_key_makes_others_collide),
	    cmocka_unit_test(reads_no_byte_beyond),
	    cmocka_unit_test(a_list_keeps_order_and_survives_removal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

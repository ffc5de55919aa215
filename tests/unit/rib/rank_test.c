/* The order of paths: each rule alone, and MED within a neighbour AS. */
#include "check.h"

#include "rib/store.h"

#include <stdlib.h>
#include <string.h>

static struct rib_rank plain(void)
{
	struct rib_rank r = {
	    .path_length = 3, .neighbour = 64501, .med = 10, .id = 7};

	r.peer.b[0] = 192;
	return r;
}

static void each_rule_decides_before_the_next(void **state)
{
	static const enum rib_rule rules[] = {RIB_RULE_LLGR_STALE,
	    RIB_RULE_GRACEFUL_SHUTDOWN, RIB_RULE_PATH_LENGTH, RIB_RULE_ORIGIN,
	    RIB_RULE_MED, RIB_RULE_ROUTER_ID, RIB_RULE_PEER_ADDRESS,
	    RIB_RULE_PATH_ID, RIB_RULE_EQUAL};

	(void)state;
	for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) {
		struct rib_rank a = plain(), b = plain();
		enum rib_rule rule;

		/* b is worse by rule i, and better by all that follow. */
		b.llgr_stale = i == 0;
		a.graceful_shutdown = i < 1;
		b.graceful_shutdown = i == 1;
		a.path_length = (uint16_t)(a.path_length + (i < 2));
		b.path_length = (uint16_t)(b.path_length + (i == 2));
		a.origin = (uint8_t)(a.origin + (i < 3));
		b.origin = (uint8_t)(b.origin + (i == 3));
		a.med += i < 4;
		b.med += i == 4;
		a.id += i < 5;
		b.id += i == 5;
		a.peer.b[3] = (uint8_t)(a.peer.b[3] + (i < 6));
		b.peer.b[3] = (uint8_t)(b.peer.b[3] + (i == 6));
		a.path_id += i < 7;
		b.path_id += i == 7;
		int c = rib_rank_compare(&a, &b, &rule);
		assert_int_equal(rule, rules[i]);
		if (rules[i] == RIB_RULE_EQUAL) {
			assert_int_equal(c, 0);
		} else {
			assert_true(c < 0);
			assert_true(rib_rank_compare(&b, &a, &rule) > 0);
		}
	}
}

static void med_counts_within_one_neighbour_only(void **state)
{
	struct rib_rank a = plain(), b = plain();
	enum rib_rule rule;

	(void)state;
	a.med = 500;
	a.id = 1;
	assert_true(rib_rank_compare(&a, &b, &rule) > 0);
	b.neighbour = 64502;
	assert_true(rib_rank_compare(&a, &b, &rule) < 0);
	assert_int_equal(rule, RIB_RULE_ROUTER_ID);
	a.neighbour = b.neighbour = 0; /* an empty path has no neighbour */
	assert_true(rib_rank_compare(&a, &b, &rule) < 0);
}

/* By pairs: a1 before a2 (MED), a2 before b (id), b before a1 (id). */
static void a_circle_of_three_has_one_order(void **state)
{
	struct rib_rank r[3] = {plain(), plain(), plain()};
	static const uint32_t starts[6][3] = {
	    {0, 1, 2}, {0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};

	(void)state;
	r[0].med = 1, r[0].id = 9; /* a1 */
	r[1].med = 2, r[1].id = 3; /* a2 */
	r[2].neighbour = 64502, r[2].id = 5;
	for (size_t i = 0; i < 6; i++) {
		uint32_t order[3];

		memcpy(order, starts[i], sizeof order);
		rib_rank_sort(r, order, 3);
		assert_int_equal(order[0], 2);
		assert_int_equal(order[1], 0);
		assert_int_equal(order[2], 1);
	}
}

static void keys_order_as_the_rules_before_med(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 20000; i++) {
		struct rib_rank a = plain(), b = plain();
		enum rib_rule rule;

		a.llgr_stale = rand() % 8 == 0;
		b.llgr_stale = rand() % 8 == 0;
		a.graceful_shutdown = rand() % 4 == 0;
		b.graceful_shutdown = rand() % 4 == 0;
		a.path_length = (uint16_t)(rand() % 4);
		b.path_length = (uint16_t)(rand() % 4);
		a.origin = (uint8_t)(rand() % 3);
		b.origin = (uint8_t)(rand() % 3);
		uint64_t ka = rib_rank_key(&a, false) >> RIB_KEY_SHIFT;
		uint64_t kb = rib_rank_key(&b, false) >> RIB_KEY_SHIFT;
		int c = rib_rank_compare(&a, &b, &rule);
		if (ka == kb)
			assert_true(rule >= RIB_RULE_MED || !c);
		else
			assert_int_equal(ka < kb, c < 0);
		assert_true(rib_rank_key(&a, true) > rib_rank_key(&b, false));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(each_rule_decides_before_the_next),
	    cmocka_unit_test(med_counts_within_one_neighbour_only),
	    cmocka_unit_test(a_circle_of_three_has_one_order),
	    cmocka_unit_test(keys_order_as_the_rules_before_med),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

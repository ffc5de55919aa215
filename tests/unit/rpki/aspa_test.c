#include "check.h"

#include "rpki/rpki.h"

#include <errno.h>

#define N(a) (sizeof(a) / sizeof *(a))

static void set(
    struct aspas *t, uint32_t customer, const uint32_t *provider, size_t n)
{
	struct aspa_record r = {
	    .customer = customer, .provider = provider, .n = n, .sources = 1};

	assert_int_equal(aspas_set(t, &r), 1);
}

/*
 *        30 ------ 40        providers of 20, 21; peers of each other
 *       /  \         \
 *     20    21        22     20, 21 attested, 22 not
 *     |      |         |
 *     10     11        12    attested; 13 under 20 has AS0
 */
static struct aspas *graph(void)
{
	struct aspas *t = aspas_new();

	assert_non_null(t);
	set(t, 10, (const uint32_t[]){20}, 1);
	set(t, 11, (const uint32_t[]){21, 99, 21, 5}, 4);
	set(t, 12, (const uint32_t[]){22}, 1);
	set(t, 20, (const uint32_t[]){30}, 1);
	set(t, 21, (const uint32_t[]){30}, 1);
	set(t, 30, (const uint32_t[]){0}, 1);
	set(t, 40, (const uint32_t[]){0}, 1);
	set(t, 13, (const uint32_t[]){0}, 1);
	return t;
}

#define PATH(...)                                                              \
	(const uint32_t[]){__VA_ARGS__},                                       \
	    sizeof((uint32_t[]){__VA_ARGS__}) / sizeof(uint32_t)

static void both_procedures_judge(void **state)
{
	const struct {
		const uint32_t *path; /* the neighbour first */
		size_t n;
		enum aspa up;
		enum aspa down;
	} v[] = {
	    {PATH(10), ASPA_VALID, ASPA_VALID},
	    {PATH(13), ASPA_VALID, ASPA_VALID},
	    {PATH(10, 10, 10), ASPA_VALID, ASPA_VALID},
	    {PATH(20, 10), ASPA_VALID, ASPA_VALID},
	    {PATH(30, 20, 10), ASPA_VALID, ASPA_VALID},
	    {PATH(30, 30, 20, 10, 10), ASPA_VALID, ASPA_VALID},
	    /* a peering at the top, or one down-hop: not for an upstream */
	    {PATH(40, 30, 20, 10), ASPA_INVALID, ASPA_VALID},
	    {PATH(20, 13), ASPA_INVALID, ASPA_VALID},
	    {PATH(21, 30, 20, 10), ASPA_INVALID, ASPA_VALID},
	    {PATH(11, 21, 30, 20, 10), ASPA_INVALID, ASPA_VALID},
	    /* 11 leaks between two that it does not name both: a valley */
	    {PATH(30, 20, 11, 21, 30), ASPA_INVALID, ASPA_INVALID},
	    {PATH(40, 20, 30, 21, 11), ASPA_INVALID, ASPA_INVALID},
	    {PATH(30, 21, 11, 20, 10), ASPA_INVALID, ASPA_INVALID},
	    /* nobody says anything of 50, 51, 52 */
	    {PATH(51, 50), ASPA_UNKNOWN, ASPA_VALID},
	    {PATH(52, 51, 50), ASPA_UNKNOWN, ASPA_UNKNOWN},
	    {PATH(22, 12), ASPA_VALID, ASPA_VALID},
	    {PATH(40, 22, 12), ASPA_UNKNOWN, ASPA_VALID},
	    {PATH(50, 40, 22, 12), ASPA_INVALID, ASPA_UNKNOWN},
	    {PATH(22, 40, 30, 20, 10), ASPA_INVALID, ASPA_UNKNOWN},
	    /* what is unknown below does not hide what is wrong above */
	    {PATH(30, 10, 50), ASPA_INVALID, ASPA_UNKNOWN},
	    {PATH(50, 30, 20, 10), ASPA_INVALID, ASPA_VALID},
	    {PATH(51, 50, 30, 20, 10), ASPA_INVALID, ASPA_UNKNOWN},
	};
	struct aspas *t = graph();

	(void)state;
	for (size_t i = 0; i < N(v); i++) {
		struct aspa_path p = {v[i].path, v[i].n, false};

		assert_int_equal(
		    aspas_check(t, ASPA_FROM_RS_CLIENT, &p, NULL), v[i].up);
		assert_int_equal(
		    aspas_check(t, ASPA_FROM_RS, &p, NULL), v[i].up);
		assert_int_equal(
		    aspas_check(t, ASPA_FROM_CUSTOMER, &p, NULL), v[i].up);
		assert_int_equal(
		    aspas_check(t, ASPA_FROM_PEER, &p, NULL), v[i].up);
		assert_int_equal(
		    aspas_check(t, ASPA_FROM_PROVIDER, &p, NULL), v[i].down);
		assert_int_equal(
		    aspas_check(t, ASPA_FROM_SIBLING, &p, NULL), v[i].down);
	}
	aspas_free(t);
}

/*
 * The worked examples that authors of the specification publish beside it
 * (NIST-BRIO, demo-aspa-upstream and demo-aspa-downstream): who is where, and
 * what comes out.  A buys from C and D, B from E, C from F, D from F and G; G
 * has AS0, E and F say nothing.
 */
enum {
	EX_A = 65000,
	EX_B = 65010,
	EX_C = 65020,
	EX_D = 65030,
	EX_E = 65040,
	EX_F = 65050,
	EX_G = 65060
};

static void the_published_examples_come_out(void **state)
{
	static const struct {
		bool down;
		uint32_t path[6]; /* the neighbour first */
		enum aspa want;
	} v[] = {
	    {false, {EX_F, EX_C, EX_A}, ASPA_VALID},
	    {false, {EX_D, EX_C, EX_A}, ASPA_INVALID},
	    {false, {EX_D, EX_F, EX_C, EX_A}, ASPA_UNKNOWN},
	    {false, {EX_D, EX_E, EX_B}, ASPA_UNKNOWN},
	    {false, {EX_A, EX_D, EX_E, EX_B}, ASPA_INVALID},
	    {false, {EX_A, EX_D, EX_G, EX_E, EX_B}, ASPA_INVALID},
	    {false, {EX_A, EX_C, EX_F}, ASPA_INVALID},
	    {false, {EX_A, EX_C, EX_F, EX_G}, ASPA_INVALID},
	    {false, {EX_E, EX_B}, ASPA_VALID},
	    {true, {EX_E, EX_G, EX_F, EX_C, EX_A}, ASPA_UNKNOWN},
	    {true, {EX_E, EX_G, EX_D, EX_A}, ASPA_VALID},
	    {true, {EX_E, EX_D, EX_C, EX_A}, ASPA_UNKNOWN},
	    {true, {EX_E, EX_G, EX_D, EX_C, EX_A}, ASPA_INVALID},
	    {true, {EX_C, EX_F, EX_D, EX_G}, ASPA_UNKNOWN},
	    {true, {EX_D, EX_G, EX_E, EX_B}, ASPA_VALID},
	    {true, {EX_C, EX_D, EX_G, EX_E, EX_B}, ASPA_INVALID},
	    {true, {EX_F, EX_C, EX_A}, ASPA_VALID},
	    {true, {EX_E, EX_A}, ASPA_VALID},	    /* forged, unseen */
	    {true, {EX_E, EX_C, EX_A}, ASPA_VALID}, /* the same */
	};
	struct aspas *t = aspas_new();

	(void)state;
	set(t, EX_A, (const uint32_t[]){EX_C, EX_D}, 2);
	set(t, EX_B, (const uint32_t[]){EX_E}, 1);
	set(t, EX_C, (const uint32_t[]){EX_F}, 1);
	set(t, EX_D, (const uint32_t[]){EX_F, EX_G}, 2);
	set(t, EX_G, (const uint32_t[]){0}, 1);
	for (size_t i = 0; i < N(v); i++) {
		struct aspa_path p = {.path = v[i].path};

		while (p.n < N(v[i].path) && v[i].path[p.n])
			p.n++;
		enum aspa got = aspas_check(t,
		    v[i].down ? ASPA_FROM_PROVIDER : ASPA_FROM_RS_CLIENT, &p,
		    NULL);
		if (got != v[i].want)
			fail_msg("example %zu: %s, not %s", i + 1,
			    aspa_word(got), aspa_word(v[i].want));
	}
	aspas_free(t);
}

static void sets_and_empty_paths_are_invalid(void **state)
{
	struct aspas *t = graph();
	const uint32_t path[] = {20, 10};

	(void)state;
	assert_int_equal(aspas_check(t, ASPA_FROM_PEER,
			     &(struct aspa_path){path, 2, true}, NULL),
	    ASPA_INVALID);
	assert_int_equal(aspas_check(t, ASPA_FROM_PROVIDER,
			     &(struct aspa_path){path, 2, true}, NULL),
	    ASPA_INVALID);
	assert_int_equal(aspas_check(t, ASPA_FROM_PROVIDER,
			     &(struct aspa_path){NULL, 0, false}, NULL),
	    ASPA_INVALID);
	aspas_free(t);
	aspas_free(NULL);
}

static void the_hop_that_decided_is_named(void **state)
{
	struct aspas *t = graph();
	struct aspa_why why;
	const uint32_t leak[] = {30, 21, 11, 20, 10};
	const uint32_t vague[] = {52, 51, 51, 50};

	(void)state;
	assert_int_equal(aspas_check(t, ASPA_FROM_PEER,
			     &(struct aspa_path){leak, 5, false}, &why),
	    ASPA_INVALID);
	assert_int_equal(why.customer, 20);
	assert_int_equal(why.provider, 11);
	assert_true(why.has_record);
	assert_int_equal(aspas_check(t, ASPA_FROM_PEER,
			     &(struct aspa_path){vague, 4, false}, &why),
	    ASPA_UNKNOWN);
	assert_int_equal(why.customer, 50);
	assert_int_equal(why.provider, 51);
	assert_false(why.has_record);
	aspas_free(t);
}

static void records_are_replaced_and_removed(void **state)
{
	struct aspas *t = aspas_new();
	struct aspa_record r, x = {.customer = 11, .sources = 1, .since_s = 7};

	(void)state;
	assert_false(aspas_find(t, 11, &r));
	assert_false(aspas_remove(t, 11));
	set(t, 11, (const uint32_t[]){21, 99, 21, 5}, 4);
	assert_true(aspas_find(t, 11, &r));
	assert_int_equal(r.n, 3);
	assert_int_equal(r.provider[0], 5);
	assert_int_equal(r.provider[2], 99);
	x.provider = (const uint32_t[]){99, 5, 21};
	x.n = 3;
	x.sources = 2;
	assert_int_equal(aspas_set(t, &x), 0);
	assert_true(aspas_find(t, 11, &r));
	assert_int_equal(r.sources, 2);
	assert_int_equal(r.since_s, 0);
	x.n = 2;
	assert_int_equal(aspas_set(t, &x), 1);
	x.n = 0;
	assert_int_equal(aspas_set(t, &x), -EINVAL);
	/* Many, so that chains form and holes must close. */
	for (uint32_t i = 100; i < 2100; i++)
		set(t, i, &i, 1);
	for (uint32_t i = 100; i < 2100; i += 2)
		assert_true(aspas_remove(t, i));
	for (uint32_t i = 100; i < 2100; i++)
		assert_int_equal(aspas_find(t, i, &r), i % 2);
	assert_int_equal(aspas_count(t), 1001);
	aspas_free(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(both_procedures_judge),
	    cmocka_unit_test(the_published_examples_come_out),
	    cmocka_unit_test(sets_and_empty_paths_are_invalid),
	    cmocka_unit_test(the_hop_that_decided_is_named),
	    cmocka_unit_test(records_are_replaced_and_removed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

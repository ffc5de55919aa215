/* Who is held down after the engine died, and who is not. */
#include "check.h"

#include "base/clock.h"
#include "daemon/internal.h"

#include <string.h>

static struct parent p;

static int fresh(void **state)
{
	(void)state;
	memset(&p, 0, sizeof p);
	return 0;
}

static struct ip peer(const char *text)
{
	struct ip ip;

	assert_int_equal(ip_parse(text, &ip), 0);
	return ip;
}

static bool held(const struct ip *ip)
{
	for (size_t i = 0; i < PARENT_BLAMES; i++)
		if (p.blame[i].until_ns > clock_now_ns() &&
		    ip_eq(&p.blame[i].peer, ip))
			return true;
	return false;
}

static void two_deaths_hold_a_peer_down(void **state)
{
	struct ip a = peer("192.0.2.11");

	(void)state;
	blame_peer(&p, 0, &a);
	blame_engine_died(&p, 0, true);
	assert_false(held(&a));
	/* The death may be known before the word of it. */
	blame_engine_died(&p, 0, true);
	blame_peer(&p, 0, &a);
	assert_true(held(&a));
}

static void a_kill_from_outside_blames_nobody(void **state)
{
	struct ip a = peer("192.0.2.11");

	(void)state;
	for (int i = 0; i < 5; i++) {
		blame_peer(&p, 0, &a);
		blame_engine_died(&p, 0, false);
	}
	assert_false(held(&a));
}

static void a_death_counts_once(void **state)
{
	struct ip a = peer("192.0.2.11");

	(void)state;
	blame_engine_died(&p, 0, true);
	blame_peer(&p, 0, &a);
	blame_peer(&p, 0, &a);
	assert_false(held(&a));
}

static void different_peers_are_told_apart(void **state)
{
	struct ip a = peer("192.0.2.11");
	struct ip b = peer("2001:db8:100::11");

	(void)state;
	blame_peer(&p, 0, &a);
	blame_engine_died(&p, 0, true);
	blame_peer(&p, 0, &b);
	blame_engine_died(&p, 0, true);
	assert_false(held(&a));
	assert_false(held(&b));
	blame_peer(&p, 0, &b);
	blame_engine_died(&p, 0, true);
	assert_false(held(&a));
	assert_true(held(&b));
}

static void an_hour_forgives(void **state)
{
	struct ip a = peer("192.0.2.11");

	(void)state;
	blame_peer(&p, 0, &a);
	blame_engine_died(&p, 0, true);
	/* Long ago, on a machine that has been up for a while. */
	for (size_t i = 0; i < PARENT_BLAMES; i++)
		if (p.blame[i].death_ns)
			p.blame[i].death_ns -= 3601 * NS_PER_S;
	blame_peer(&p, 0, &a);
	blame_engine_died(&p, 0, true);
	assert_false(held(&a));
}

static void one_message_that_ends_all_engines_is_one_death(void **state)
{
	struct ip a = peer("192.0.2.11");

	(void)state;
	for (unsigned engine = 0; engine < 3; engine++) {
		blame_peer(&p, engine, &a);
		blame_engine_died(&p, engine, true);
	}
	assert_false(held(&a));
	/* The next one of the same engine is another. */
	blame_engine_died(&p, 0, true);
	blame_peer(&p, 0, &a);
	assert_true(held(&a));
}

static void one_engine_s_death_is_not_blamed_for_another_s(void **state)
{
	struct ip a = peer("192.0.2.11");

	(void)state;
	for (int i = 0; i < 3; i++) {
		blame_peer(&p, 0, &a);
		blame_engine_died(&p, 1, true);
	}
	assert_false(held(&a));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup(two_deaths_hold_a_peer_down, fresh),
	    cmocka_unit_test_setup(a_kill_from_outside_blames_nobody, fresh),
	    cmocka_unit_test_setup(a_death_counts_once, fresh),
	    cmocka_unit_test_setup(different_peers_are_told_apart, fresh),
	    cmocka_unit_test_setup(an_hour_forgives, fresh),
	    cmocka_unit_test_setup(
		one_message_that_ends_all_engines_is_one_death, fresh),
	    cmocka_unit_test_setup(
		one_engine_s_death_is_not_blamed_for_another_s, fresh),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

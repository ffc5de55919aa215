#include "check.h"

#include "net/prefix_set.h"

#include <errno.h>
#include <stdlib.h>

static struct prefix pfx(const char *text)
{
	struct prefix p;

	assert_int_equal(prefix_parse(text, &p), 0);
	return p;
}

static void lengths_are_kept_to(void **state)
{
	struct prefix_set *s = prefix_set_new();
	struct prefix p = pfx("10.0.0.0/8");

	(void)state;
	assert_int_equal(prefix_set_add(s, &p, 16, 24), 0);
	p = pfx("10.1.0.0/16");
	assert_int_equal(prefix_set_add(s, &p, 32, 32), 0);
	static const struct {
		const char *text;
		bool match;
		bool covered;
	} v[] = {
	    {"10.0.0.0/8", false, true}, {"10.0.0.0/15", false, true},
	    {"10.0.0.0/16", true, true}, {"10.9.9.0/24", true, true},
	    {"10.9.9.0/25", false, true}, {"10.1.2.3/32", true, true},
	    {"10.2.2.3/32", false, true}, {"11.0.0.0/16", false, false},
	    {"0.0.0.0/0", false, false},
	    {"a00::/16", false, false}, /* the same bits, another family */
	};
	for (size_t i = 0; i < sizeof v / sizeof *v; i++) {
		p = pfx(v[i].text);
		assert_int_equal(prefix_set_match(s, &p), v[i].match);
		assert_int_equal(prefix_set_covers(s, &p), v[i].covered);
	}
	assert_int_equal(prefix_set_count(s), 2);
	prefix_set_free(s);
}

static void nonsense_is_refused(void **state)
{
	struct prefix_set *s = prefix_set_new();
	struct prefix p = pfx("10.0.0.0/8");

	(void)state;
	assert_int_equal(prefix_set_add(s, &p, 7, 24), -EINVAL);
	assert_int_equal(prefix_set_add(s, &p, 20, 19), -EINVAL);
	assert_int_equal(prefix_set_add(s, &p, 8, 33), -EINVAL);
	assert_int_equal(prefix_set_count(s), 0);
	assert_false(prefix_set_match(s, &p));
	prefix_set_free(s);
	prefix_set_free(NULL);
}

#define N 400

static struct prefix random_prefix(void)
{
	struct ip ip = {.family = (uint8_t)(rand() % 2)};
	unsigned bits = family_bits(ip.family);

	/* Few bits vary, so that prefixes nest and collide. */
	ip.b[0] = (uint8_t)(rand() & 0xc0);
	ip.b[1] = (uint8_t)(rand() & 0x81);
	return prefix_of(&ip, (uint8_t)((unsigned)rand() % (bits / 2)));
}

static void as_a_naive_list(void **state)
{
	static struct {
		struct prefix p;
		uint8_t min, max;
	} all[N];
	struct prefix_set *s = prefix_set_new();

	(void)state;
	srand(1);
	for (size_t i = 0; i < N; i++) {
		struct prefix p = random_prefix();
		uint8_t min = (uint8_t)(p.len + rand() % 8);
		uint8_t max = (uint8_t)(min + rand() % 8);

		all[i].p = p;
		all[i].min = min;
		all[i].max = max;
		assert_int_equal(prefix_set_add(s, &p, min, max), 0);
	}
	for (int k = 0; k < 20000; k++) {
		struct prefix q = random_prefix();
		bool match = false;
		bool covered = false;

		for (size_t i = 0; i < N; i++) {
			if (!prefix_covers(&all[i].p, &q))
				continue;
			covered = true;
			if (q.len >= all[i].min && q.len <= all[i].max)
				match = true;
		}
		assert_int_equal(prefix_set_match(s, &q), match);
		assert_int_equal(prefix_set_covers(s, &q), covered);
	}
	prefix_set_free(s);
}

/* Lists of others may name one prefix any number of times. */
static void one_prefix_has_few_ranges(void **state)
{
	struct prefix_set *s = prefix_set_new();
	struct prefix p = pfx("2001:db8::/32");
	struct prefix in = pfx("2001:db8::/47"), out = pfx("2001:db8::/49");

	(void)state;
	for (uint32_t i = 0; i < 200000; i++) {
		uint8_t min = (uint8_t)(32 + i % 17);

		assert_int_equal(prefix_set_add(s, &p, min, min), 0);
	}
	assert_true(prefix_set_count(s) <= 17);
	assert_true(prefix_set_match(s, &p));
	assert_true(prefix_set_match(s, &in));
	assert_false(prefix_set_match(s, &out));
	/* A gap stays one. */
	assert_int_equal(prefix_set_add(s, &p, 50, 50), 0);
	assert_false(prefix_set_match(s, &out));
	prefix_set_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(lengths_are_kept_to),
	    cmocka_unit_test(nonsense_is_refused),
	    cmocka_unit_test(as_a_naive_list),
	    cmocka_unit_test(one_prefix_has_few_ranges),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

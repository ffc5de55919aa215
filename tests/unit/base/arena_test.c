#include "check.h"

#include "base/arena.h"

#include <string.h>

static void takes_are_aligned_and_apart(void **state)
{
	struct arena a;
	unsigned char *last = NULL;

	(void)state;
	arena_init(&a, 1 << 20);
	for (size_t n = 0; n < 2000; n++) {
		unsigned char *p = arena_take(&a, 1 + n % 77);

		assert_non_null(p);
		assert_int_equal((uintptr_t)p % 8, 0);
		memset(p, 0xaa, 1 + n % 77);
		assert_ptr_not_equal(p, last);
		last = p;
	}
	arena_done(&a);
}

static void the_limit_holds(void **state)
{
	struct arena a;

	(void)state;
	arena_init(&a, 100000);
	assert_null(arena_take(&a, 100001));
	assert_null(arena_take(&a, SIZE_MAX));
	assert_non_null(arena_take(&a, 50000));
	assert_non_null(arena_take(&a, 50000));
	assert_null(arena_take(&a, 1000));
	arena_reset(&a);
	assert_non_null(arena_take(&a, 50000));
	arena_done(&a);
}

static void reset_reuses_the_first_block(void **state)
{
	struct arena a;

	(void)state;
	arena_init(&a, 1 << 20);
	void *first = arena_take(&a, 10);
	for (int i = 0; i < 100; i++)
		assert_non_null(arena_take(&a, 5000));
	arena_reset(&a);
	assert_ptr_equal(arena_take(&a, 10), first);
	arena_done(&a);
}

static void an_unused_arena_ends_well(void **state)
{
	struct arena a;

	(void)state;
	arena_init(&a, 10);
	arena_reset(&a);
	arena_done(&a);
	assert_null(a.first);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(takes_are_aligned_and_apart),
	    cmocka_unit_test(the_limit_holds),
	    cmocka_unit_test(reset_reuses_the_first_block),
	    cmocka_unit_test(an_unused_arena_ends_well),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

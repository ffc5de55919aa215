/* docs/reasons.md says what the tables say; its path is the argument. */
#include "check.h"

#include "policy/bogon.h"
#include "policy/policy.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char *page;

static void want(const char *row)
{
	if (!strstr(page, row))
		fail_msg("docs/reasons.md lacks: %s", row);
}

static void every_check_is_described(void **state)
{
	const struct policy_check *c;
	size_t i = 0;

	(void)state;
	for (; (c = policy_check_at(i)); i++) {
		char row[256];

		(void)snprintf(row, sizeof row, "| %zu | `%s` | %s |\n", i + 1,
		    c->name, c->text);
		want(row);
	}
	assert_true(i > 10);
}

static void every_reason_is_described(void **state)
{
	(void)state;
	for (int r = REASON_NONE + 1; r < REASON_COUNT; r++) {
		const struct reason_info *info = reason_info((enum reason)r);
		char row[256];

		(void)snprintf(row, sizeof row, "| RS:1101:%u | `%s` | %s |\n",
		    info->number, info->word, info->text);
		want(row);
	}
}

static void every_transit_free_network_is_named(void **state)
{
	size_t n;
	const uint32_t *list = bogon_transit_free(&n);

	(void)state;
	for (size_t i = 0; i < n; i++) {
		char name[16];

		(void)snprintf(name, sizeof name, "AS%u", list[i]);
		want(name);
	}
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_check_is_described),
	    cmocka_unit_test(every_reason_is_described),
	    cmocka_unit_test(every_transit_free_network_is_named),
	};
	FILE *f = argc > 1 ? fopen(argv[1], "r") : NULL;
	size_t n;
	int failed;

	page = malloc(1 << 20);
	if (!f || !page)
		return 1;
	n = fread(page, 1, (1 << 20) - 1, f);
	page[n] = 0;
	(void)fclose(f);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	free(page);
	return failed;
}

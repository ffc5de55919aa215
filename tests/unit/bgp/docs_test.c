/* docs/attributes.md says what the table says; its path is the argument. */
#include "check.h"

#include "bgp/internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char text[65536];

static const char *malformed(const struct attr_kind *k)
{
	switch (k->harm) {
	case BGP_DISCARD:
		return "the attribute is left out";
	case BGP_WITHDRAW:
		return "its routes are withdrawn";
	case BGP_RESET:
		return "the session is reset";
	default:
		return "-";
	}
}

/* The row of an attribute; false: it has none. */
static bool row_of(unsigned code, char *buf, size_t n)
{
	const struct attr_kind *k = &bgp_attr_kinds[code];
	const char *fate = "passed on";
	const char *bad = malformed(k);

	switch ((enum attr_sort)k->sort) {
	case SORT_UNKNOWN:
		return false;
	case SORT_KNOWN:
		if (code == ATTR_NEXT_HOP)
			fate = "passed on with its routes";
		break;
	case SORT_MP:
		fate = "its routes are passed on";
		break;
	case SORT_AS4:
		fate = "merged, from a 2-byte peer";
		break;
	case SORT_INTERNAL:
	case SORT_UNWANTED:
		fate = "left out";
		bad = "-";
		break;
	}
	snprintf(buf, n, "| %u | %s | %s | %s |\n", code, k->name, fate, bad);
	return true;
}

static void every_attribute_has_its_row(void **state)
{
	unsigned rows = 0;
	unsigned found = 0;

	(void)state;
	for (unsigned code = 0; code < 256; code++) {
		char row[256];

		if (!row_of(code, row, sizeof row))
			continue;
		rows++;
		if (!strstr(text, row))
			fail_msg("docs/attributes.md lacks: %s", row);
	}
	for (const char *p = text; (p = strstr(p, "\n| ")); p++)
		found += p[3] >= '0' && p[3] <= '9';
	assert_int_equal(found, rows);
}

static void every_fault_has_its_row(void **state)
{
	(void)state;
	for (unsigned f = BGP_FAULT_NONE + 1; f < BGP_FAULT_COUNT; f++) {
		char row[512];

		snprintf(row, sizeof row, "| `%s` | %s |\n",
		    bgp_fault_word((enum bgp_fault)f),
		    bgp_fault_text((enum bgp_fault)f));
		if (!strstr(text, row))
			fail_msg("docs/attributes.md lacks: %s", row);
	}
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_attribute_has_its_row),
	    cmocka_unit_test(every_fault_has_its_row),
	};
	FILE *f = argc == 2 ? fopen(argv[1], "r") : NULL;

	if (!f)
		return 2;
	size_t n = fread(text, 1, sizeof text - 1, f);
	fclose(f);
	text[n] = 0;
	return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "check.h"

#include "cli/table.h"

#include <stdlib.h>
#include <string.h>

/* Rows of three columns: a number, a name, a note. */
struct row {
	const char *number;
	const char *name;
	const char *note;
};

static char *rendered(const struct row *rows, size_t n, unsigned width)
{
	struct term term = term_of(stdout);
	struct table *t = table_new(3);
	char *text = NULL;
	size_t len = 0;
	FILE *f = open_memstream(&text, &len);

	assert_non_null(t);
	table_title(t, 0, "N", TABLE_RIGHT | TABLE_KEEP);
	table_title(t, 1, "NAME", 0);
	table_title(t, 2, "NOTE", 0);
	for (size_t i = 0; i < n; i++) {
		table_cell(t, TERM_PLAIN, "%s", rows[i].number);
		table_cell(t, TERM_PLAIN, "%s", rows[i].name);
		table_cell(t, TERM_PLAIN, "%s", rows[i].note);
	}
	term.width = width;
	term.colour = false;
	assert_true(table_write(t, f, &term));
	assert_int_equal(table_rows(t), n);
	table_free(t);
	fclose(f);
	return text;
}

static void columns_are_as_wide_as_needed(void **state)
{
	static const struct row rows[] = {
	    {"1", "Alpha Net", "fine"}, {"65551", "B", ""}};
	char *text = rendered(rows, 2, 80);

	(void)state;
	assert_string_equal(text, "    N  NAME       NOTE\n"
				  "    1  Alpha Net  fine\n"
				  "65551  B          \n");
	free(text);
}

static void the_widest_is_cut_and_no_line_is_wrapped(void **state)
{
	static const struct row rows[] = {
	    {"64501", "A name that is rather long", "short"},
	    {"64502", "B", "a note that is very much longer than the name is"},
	};
	char *text = rendered(rows, 2, 40);

	(void)state;
	assert_string_equal(text,
	    "    N  NAME              NOTE\n"
	    "64501  A name that is \u2026  short\n"
	    "64502  B                 a note that is\u2026\n");
	free(text);
}

static void every_width_is_kept(void **state)
{
	static const struct row rows[] = {
	    {"64501", "\u179f\u17d2\u1796\u17b6\u1793 \u4ea4\u63db\u6240 Net",
		"Netzwerk f\u00fcr alle \u2014 immer"},
	    {"4294967294", "B", "a note that is very much longer"},
	};

	(void)state;
	for (unsigned width = 24; width < 100; width++) {
		char *text = rendered(rows, 2, width);

		for (char *line = strtok(text, "\n"); line;
		     line = strtok(NULL, "\n"))
			assert_true(text_columns(line, strlen(line)) <= width);
		free(text);
	}
}

static void texts_of_others_do_no_harm(void **state)
{
	static const struct {
		const char *in;
		const char *out;
		size_t columns;
	} v[] = {
	    {"plain", "plain", 5},
	    {"\033[31mred", "?[31mred", 8},
	    {"a\tb\nc\r", "a?b?c?", 6},
	    {"\x7f\x80\xff", "???", 3},
	    {"\xc2\x9b"
	     "31m",
		"?31m", 4}, /* CSI in one byte, as UTF-8 */
	    {"\u4ea4\u63db", "\u4ea4\u63db", 4},
	    {"e\u0301", "e\u0301", 1},
	    {"\xe4\xba", "??", 2},
	    {"", "", 0},
	};

	(void)state;
	(void)term_of(stdout);
	for (size_t i = 0; i < sizeof v / sizeof *v; i++) {
		char *text = NULL;
		size_t len = 0;
		FILE *f = open_memstream(&text, &len);

		assert_int_equal(
		    text_columns(v[i].in, strlen(v[i].in)), v[i].columns);
		assert_int_equal(
		    text_write(f, v[i].in, strlen(v[i].in), 99), v[i].columns);
		fclose(f);
		assert_string_equal(text, v[i].out);
		free(text);
	}
}

static void cutting_never_splits_a_character(void **state)
{
	static const char in[] = "\u4ea4\u63db\u6240";
	static const char *const out[] = {"", "\u2026", "\u2026",
	    "\u4ea4\u2026", "\u4ea4\u2026", "\u4ea4\u63db\u2026",
	    "\u4ea4\u63db\u6240"};

	(void)state;
	(void)term_of(stdout);
	for (size_t w = 0; w <= 6; w++) {
		char *text = NULL;
		size_t len = 0;
		FILE *f = open_memstream(&text, &len);

		assert_true(text_write(f, in, strlen(in), w) <= w);
		fclose(f);
		assert_string_equal(text ? text : "", out[w]);
		free(text);
	}
}

static void prose_is_wrapped(void **state)
{
	char *text = NULL;
	size_t len = 0;
	FILE *f = open_memstream(&text, &len);

	(void)state;
	text_wrap(f, "one two three four five six seven\n\neight", 4, 24);
	fclose(f);
	assert_string_equal(text, "    one two three four\n"
				  "    five six seven\n"
				  "\n"
				  "    eight\n");
	free(text);
}

static void colours_only_on_terminals(void **state)
{
	FILE *f = tmpfile();
	struct term t;

	(void)state;
	setenv("TERM", "xterm", 1);
	t = term_of(f);
	assert_false(t.colour);
	assert_false(t.tty);
	unsetenv("COLUMNS");
	assert_int_equal(term_of(f).width, 120);
	setenv("COLUMNS", "77", 1);
	assert_int_equal(term_of(f).width, 77);
	setenv("COLUMNS", "1", 1);
	assert_int_equal(term_of(f).width, 40);
	unsetenv("COLUMNS");
	fclose(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(columns_are_as_wide_as_needed),
	    cmocka_unit_test(the_widest_is_cut_and_no_line_is_wrapped),
	    cmocka_unit_test(every_width_is_kept),
	    cmocka_unit_test(texts_of_others_do_no_harm),
	    cmocka_unit_test(cutting_never_splits_a_character),
	    cmocka_unit_test(prose_is_wrapped),
	    cmocka_unit_test(colours_only_on_terminals),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

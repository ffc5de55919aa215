#include "cli/table.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define GAP 2u
#define NARROW 4u /* no column is cut below this */

struct cell {
	char *text;
	enum term_colour colour;
};

struct table {
	size_t columns;
	const char **title;
	unsigned *flags;
	struct cell *cell;
	size_t n;
	size_t cap;
	bool no_mem;
};

struct table *table_new(size_t columns)
{
	struct table *t = calloc(1, sizeof *t);

	if (!t)
		return NULL;
	t->columns = columns;
	t->title = calloc(columns, sizeof *t->title);
	t->flags = calloc(columns, sizeof *t->flags);
	if (!t->title || !t->flags) {
		table_free(t);
		return NULL;
	}
	return t;
}

void table_free(struct table *t)
{
	if (!t)
		return;
	for (size_t i = 0; i < t->n; i++)
		free(t->cell[i].text);
	free(t->cell);
	free(t->title);
	free(t->flags);
	free(t);
}

void table_title(struct table *t, size_t i, const char *title, unsigned flags)
{
	t->title[i] = title;
	t->flags[i] = flags;
}

void table_cell(struct table *t, enum term_colour c, const char *fmt, ...)
{
	char *text;
	va_list ap;
	int n;

	if (t->no_mem)
		return;
	if (t->n == t->cap) {
		size_t cap = t->cap ? t->cap * 2 : 64;
		struct cell *more = realloc(t->cell, cap * sizeof *more);

		if (!more) {
			t->no_mem = true;
			return;
		}
		t->cell = more;
		t->cap = cap;
	}
	va_start(ap, fmt);
	n = vasprintf(&text, fmt, ap);
	va_end(ap);
	if (n < 0) {
		t->no_mem = true;
		return;
	}
	t->cell[t->n++] = (struct cell){.text = text, .colour = c};
}

size_t table_rows(const struct table *t)
{
	return t->n / t->columns;
}

/* Takes columns off the widest until all fit; those to keep come last. */
static void fit(const struct table *t, size_t *width, size_t most)
{
	size_t total = GAP * (t->columns - 1);

	for (size_t i = 0; i < t->columns; i++)
		total += width[i];
	while (total > most) {
		size_t widest = t->columns;

		for (size_t pass = 0; pass < 2 && widest == t->columns; pass++)
			for (size_t i = 0; i < t->columns; i++) {
				if (!pass && t->flags[i] & TABLE_KEEP)
					continue;
				if (width[i] > NARROW &&
				    (widest == t->columns ||
					width[i] >= width[widest]))
					widest = i;
			}
		if (widest == t->columns)
			return;
		width[widest]--;
		total--;
	}
}

static void write_cell(const struct table *t, FILE *to, const struct term *term,
    size_t column, const char *text, enum term_colour colour, size_t width)
{
	size_t n = strlen(text);
	size_t columns = text_columns(text, n);
	size_t pad = columns < width ? width - columns : 0;
	bool last = column + 1 == t->columns;

	if (t->flags[column] & TABLE_RIGHT && pad)
		fprintf(to, "%*s", (int)pad, "");
	term_set(to, term, colour);
	text_write(to, text, n, width);
	term_end(to, term, colour);
	if (last)
		fputc('\n', to);
	else
		fprintf(to, "%*s",
		    (int)(GAP + (t->flags[column] & TABLE_RIGHT ? 0 : pad)),
		    "");
}

bool table_write(const struct table *t, FILE *to, const struct term *term)
{
	size_t *width = calloc(t->columns, sizeof *width);

	if (!width)
		return false;
	for (size_t i = 0; i < t->columns; i++)
		width[i] = text_columns(t->title[i], strlen(t->title[i]));
	for (size_t i = 0; i < t->n; i++) {
		const char *text = t->cell[i].text;
		size_t columns = text_columns(text, strlen(text));

		if (columns > width[i % t->columns])
			width[i % t->columns] = columns;
	}
	fit(t, width, term->width);
	for (size_t i = 0; i < t->columns; i++)
		write_cell(t, to, term, i, t->title[i], TERM_BOLD, width[i]);
	for (size_t i = 0; i < table_rows(t) * t->columns; i++)
		write_cell(t, to, term, i % t->columns, t->cell[i].text,
		    t->cell[i].colour, width[i % t->columns]);
	free(width);
	return !t->no_mem;
}

/*
 * What we write on: how wide, whether it takes colours, and text from others
 * made fit for it.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

enum term_colour {
	TERM_PLAIN,
	TERM_BOLD,
	TERM_GOOD, /* green */
	TERM_BAD,  /* red */
	TERM_DIM,
};

struct term {
	unsigned width; /* columns */
	bool colour;
	bool tty;
};

/* COLUMNS, the terminal's width, or 120 where there is no terminal. */
struct term term_of(FILE *f);

/*
 * Columns that n bytes of UTF-8 take.  Control characters and what is not
 * UTF-8 count, and are written, as one '?'.
 */
size_t text_columns(const char *s, size_t n);

/*
 * Writes s in at most `columns`, cut with an ellipsis if need be; gives the
 * columns written.
 */
size_t text_write(FILE *to, const char *s, size_t n, size_t columns);

void term_set(FILE *to, const struct term *t, enum term_colour c);
/* Back to plain, after anything but TERM_PLAIN. */
void term_end(FILE *to, const struct term *t, enum term_colour c);

/* Words of s between left and the terminal's width; a newline at its end. */
void text_wrap(FILE *to, const char *s, unsigned left, unsigned width);
/* The same, the first line of which stands behind `left` columns already. */
void text_wrap_behind(FILE *to, const char *s, unsigned left, unsigned width);

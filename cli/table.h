/*
 * Tables for people: as wide as they need to be and never wider than the
 * terminal; the widest column is cut, nothing is wrapped.
 */
#pragma once

#include "base/attr.h"
#include "cli/term.h"

enum table_flag {
	TABLE_RIGHT = 1, /* numbers */
	TABLE_KEEP = 2,	 /* cut only when all others are as narrow as can be */
};

struct table;

/* Collects rows; NULL when memory is out. */
struct table *table_new(size_t columns);
void table_free(struct table *t);

/* Sets column i's title. */
void table_title(struct table *t, size_t i, const char *title, unsigned flags);

/* Appends a cell; after the last of a row the next row begins. */
void table_cell(struct table *t, enum term_colour c, const char *fmt, ...)
    ATTR_PRINTF(3, 4);

/* False when memory ran out and it is not all there. */
bool table_write(const struct table *t, FILE *to, const struct term *term);

size_t table_rows(const struct table *t);

/* A growing list of sentences: what was left out, what is missing. */
#pragma once

#include "base/attr.h"

#include <stddef.h>

struct lines {
	char **v;
	size_t n;
};

/* Adds one; ends the program when memory is out. */
void lines_add(struct lines *l, const char *fmt, ...) ATTR_PRINTF(2, 3);
void lines_free(struct lines *l);

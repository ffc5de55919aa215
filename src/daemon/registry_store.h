/*
 * The last good set of each object, kept in a directory, so that a start
 * does not depend on a registry's answer.  Files are written whole and then
 * renamed; one that does not read back whole counts for nothing.
 */
#pragma once

#include "registry/registry.h"

#include <stdio.h>

/* 0 or -errno; the old file stays in that case. */
int store_write(
    int dir, const struct registry_head *h, const struct registry_list *l);

/* A set read record by record; it stays the one that was opened. */
struct store_reader {
	FILE *file; /* NULL: none is open */
	uint32_t type;
	size_t n;
	uint8_t buf[REGISTRY_RECORD_MAX];
};

/* 0 or -errno (-ENOENT: nothing is kept). */
int store_open(int dir, const char *object, struct store_reader *r);
/* The next record into r; false at the end, and when the file is damaged. */
bool store_next(struct store_reader *r);
void store_close(struct store_reader *r);

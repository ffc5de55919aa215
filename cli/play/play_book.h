/*
 * What a recording amounts to: one path a prefix, attribute sets interned.
 *
 *   prefix -> route { prefix, set }      sets: distinct attributes, numbered
 *
 * Sets are kept to the end, so that a number stays good.
 */
#pragma once

#include "cli/play/play_attrs.h"
#include "net/addr.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PLAY_NO_SET UINT32_MAX

struct play_book;

struct play_route {
	struct prefix prefix;
	uint32_t set; /* PLAY_NO_SET: withdrawn */
};

struct play_book *play_book_new(void);
void play_book_free(struct play_book *b);

/* The number of the set with these attributes, or -ENOMEM. */
int64_t play_book_set(struct play_book *b, const struct play_attrs *a);
/* Its attributes; they live as long as the book. */
struct play_attrs play_book_attrs(const struct play_book *b, uint32_t set);

/* The route of that prefix, made when new (*ret_new), or NULL: no memory. */
struct play_route *play_book_route(
    struct play_book *b, const struct prefix *p, bool *ret_new);

/* Routes that are not withdrawn, by family. */
size_t play_book_count(const struct play_book *b, enum family f);
/* Distinct prefixes ever seen, by family; and the sets. */
size_t play_book_prefixes(const struct play_book *b, enum family f);
size_t play_book_sets(const struct play_book *b);

/*
 * The routes of a family, those of one set together.  The list is the
 * caller's (free()), its elements the book's: they move with the next new
 * prefix, and are given as numbers for play_book_at().  NULL: no memory.
 */
uint32_t *play_book_list(
    const struct play_book *b, enum family f, size_t *ret_n);
const struct play_route *play_book_at(const struct play_book *b, uint32_t i);

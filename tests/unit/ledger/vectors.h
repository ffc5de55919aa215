/* Reads the known answers in tests/data/tlog (its README says whose). */
#pragma once

#include "ledger/digest.h"

#include <jansson.h>

/* Calls one(row) for every line of the file; fails the test without any. */
void vectors_each(const char *file, void (*one)(json_t *row));

/* A whole JSON file; the caller's to json_decref(). */
json_t *vectors_load(const char *file);

/* A file's bytes and a NUL, the caller's to free; NULL when it is not there. */
uint8_t *vectors_read(const char *file, size_t *ret_n);

/* A member as text, number or truth; fails the test when it is not there. */
const char *vector_text(json_t *row, const char *key);
bool vector_is(json_t *row, const char *key);

/* 32 bytes, or false: the vectors hold hashes of wrong lengths as well. */
bool vector_digest(const char *base64, struct digest *ret);
/* A root of which only equality counts: may be shorter, zeroes follow. */
bool vector_root(const char *base64, struct digest *ret);
struct digest vector_hex(const char *hex);

/*
 * Writes JSON straight into a buffer: answers of a million lines are
 * streamed, never built as a tree.  Commas are placed by the writer; strings
 * are escaped, and bytes that are not UTF-8 become U+FFFD.
 *
 * The error is sticky: on overflow nothing more is written, json_ok() is
 * false, and the caller tries again with a larger buffer.
 */
#pragma once

#include "base/attr.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct json {
	char *buf;
	size_t cap;
	size_t len;
	bool comma;
	bool bad;
};

void json_init(struct json *j, char *buf, size_t cap);
bool json_ok(const struct json *j);

/* key: NULL inside a list and at the top. */
void json_open_object(struct json *j, const char *key);
void json_close_object(struct json *j);
void json_open_list(struct json *j, const char *key);
void json_close_list(struct json *j);

/*
 * s: NULL writes null.  (The two names that jansson has as well get another
 * one for the linker, or its parser would call ours.)
 */
void json_string(struct json *j, const char *key, const char *s)
    __asm__("spean_json_string");
void json_string_n(struct json *j, const char *key, const char *s, size_t n);
void json_u64(struct json *j, const char *key, uint64_t v);
void json_i64(struct json *j, const char *key, int64_t v);
void json_bool(struct json *j, const char *key, bool v);
void json_null(struct json *j, const char *key) __asm__("spean_json_null");
void json_printf(struct json *j, const char *key, const char *fmt, ...)
    ATTR_PRINTF(3, 4);

/* Ends a line of a list answer. */
void json_newline(struct json *j);

/* JSON files of others, read with jansson. */
#pragma once

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The file's value, or NULL with a sentence in err.  Duplicate keys and
 * files over max bytes are refused.
 */
json_t *tree_load(const char *path, size_t max, char *err, size_t err_len);

/* The string or number under key as text, cut to fit; "" when there is none. */
void tree_text(const json_t *object, const char *key, char *to, size_t n);

/* A number, or digits in a string, up to UINT32_MAX; 0 for all else. */
uint32_t tree_u32(const json_t *object, const char *key);

#include "tests/check.h"

#include "tests/unit/ledger/vectors.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>

static FILE *open_data(const char *file)
{
	char path[512];

	snprintf(path, sizeof path, "%s/%s", TLOG_DATA, file);
	return fopen(path, "rb");
}

void vectors_each(const char *file, void (*one)(json_t *row))
{
	FILE *f = open_data(file);
	char *line = NULL;
	size_t cap = 0;
	unsigned n = 0;
	json_error_t err;

	assert_non_null(f);
	while (getline(&line, &cap, f) > 0) {
		json_t *row = json_loads(line, JSON_ALLOW_NUL, &err);

		/* Some integers are beyond what jansson holds as such. */
		if (!row)
			row = json_loads(line,
			    JSON_ALLOW_NUL | JSON_DECODE_INT_AS_REAL, &err);
		if (!row)
			fail_msg("%s:%u: %s", file, n + 1, err.text);
		one(row);
		json_decref(row);
		n++;
	}
	free(line);
	fclose(f);
	assert_true(n > 0);
}

json_t *vectors_load(const char *file)
{
	FILE *f = open_data(file);
	json_error_t err;

	assert_non_null(f);
	json_t *j = json_loadf(f, JSON_ALLOW_NUL, &err);
	fclose(f);
	assert_non_null(j);
	return j;
}

uint8_t *vectors_read(const char *file, size_t *ret_n)
{
	FILE *f = open_data(file);
	uint8_t *p = malloc(1 << 20);

	assert_non_null(p);
	if (!f) {
		free(p);
		return NULL;
	}
	*ret_n = fread(p, 1, (1 << 20) - 1, f);
	p[*ret_n] = 0;
	fclose(f);
	return p;
}

const char *vector_text(json_t *row, const char *key)
{
	const char *s = json_string_value(json_object_get(row, key));

	if (!s)
		fail_msg("no \"%s\"", key);
	return s;
}

bool vector_is(json_t *row, const char *key)
{
	json_t *v = json_object_get(row, key);

	assert_true(json_is_boolean(v));
	return json_is_true(v);
}

bool vector_digest(const char *base64, struct digest *ret)
{
	size_t n;

	return !sodium_base642bin(ret->b, sizeof ret->b, base64, strlen(base64),
		   NULL, &n, NULL, sodium_base64_VARIANT_ORIGINAL) &&
	       n == sizeof ret->b;
}

bool vector_root(const char *base64, struct digest *ret)
{
	*ret = (struct digest){0};
	return !sodium_base642bin(ret->b, sizeof ret->b, base64, strlen(base64),
	    NULL, NULL, NULL, sodium_base64_VARIANT_ORIGINAL);
}

struct digest vector_hex(const char *hex)
{
	struct digest d;
	size_t n;

	assert_int_equal(
	    sodium_hex2bin(d.b, sizeof d.b, hex, strlen(hex), NULL, &n, NULL),
	    0);
	assert_int_equal(n, sizeof d.b);
	return d;
}

#include "cli/init/tree.h"

#include "conf/words.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

json_t *tree_load(const char *path, size_t max, char *err, size_t err_len)
{
	json_error_t e;
	struct stat st;
	FILE *f = fopen(path, "re");

	if (!f || fstat(fileno(f), &st)) {
		snprintf(err, err_len, "%s: %s", path, strerror(errno));
		if (f)
			fclose(f);
		return NULL;
	}
	if ((uint64_t)st.st_size > max) {
		snprintf(err, err_len,
		    "%s: %lld bytes; expected at most %zu MB", path,
		    (long long)st.st_size, max >> 20);
		fclose(f);
		return NULL;
	}
	json_t *tree = json_loadf(f, JSON_REJECT_DUPLICATES, &e);
	fclose(f);
	if (!tree)
		snprintf(err, err_len, "%s:%d:%d: %s; expected JSON", path,
		    e.line, e.column, e.text);
	return tree;
}

/* At most n - 1 bytes, and no half of a UTF-8 letter. */
static void copy(const char *from, char *to, size_t n)
{
	size_t len = strnlen(from, n);

	if (len == n) {
		len = n - 1;
		while (len && ((unsigned char)from[len] & 0xc0) == 0x80)
			len--;
	}
	memcpy(to, from, len);
	to[len] = 0;
}

void tree_text(const json_t *object, const char *key, char *to, size_t n)
{
	const json_t *v = json_object_get(object, key);

	to[0] = 0;
	if (json_is_string(v))
		copy(json_string_value(v), to, n);
	else if (json_is_integer(v))
		snprintf(to, n, "%lld", (long long)json_integer_value(v));
	else if (json_is_real(v))
		snprintf(to, n, "%g", json_real_value(v));
}

uint32_t tree_u32(const json_t *object, const char *key)
{
	const json_t *v = json_object_get(object, key);
	uint64_t number = 0;

	if (json_is_integer(v) && json_integer_value(v) > 0)
		number = (uint64_t)json_integer_value(v);
	else if (json_is_string(v) && !number_parse(json_string_value(v),
					  json_string_length(v), &number))
		return 0;
	return number > UINT32_MAX ? 0 : (uint32_t)number;
}

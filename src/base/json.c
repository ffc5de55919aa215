#include "base/json.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void json_init(struct json *j, char *buf, size_t cap)
{
	*j = (struct json){.buf = buf, .cap = cap};
}

bool json_ok(const struct json *j)
{
	return !j->bad;
}

static void put(struct json *j, const char *s, size_t n)
{
	if (j->bad || n > j->cap - j->len) {
		j->bad = true;
		return;
	}
	memcpy(j->buf + j->len, s, n);
	j->len += n;
}

static void put_char(struct json *j, char c)
{
	put(j, &c, 1);
}

/* Length of the well-formed UTF-8 sequence at s, 0 if there is none. */
static size_t utf8_len(const unsigned char *s, size_t n)
{
	if (s[0] < 0x80)
		return 1;
	if (s[0] >= 0xc2 && s[0] < 0xe0)
		return n > 1 && (s[1] & 0xc0) == 0x80 ? 2 : 0;
	if ((s[0] & 0xf0) == 0xe0) {
		if (n < 3 || (s[1] & 0xc0) != 0x80 || (s[2] & 0xc0) != 0x80)
			return 0;
		if (s[0] == 0xe0 && s[1] < 0xa0)
			return 0; /* overlong */
		if (s[0] == 0xed && s[1] >= 0xa0)
			return 0; /* surrogate */
		return 3;
	}
	if (s[0] >= 0xf0 && s[0] < 0xf5) {
		if (n < 4 || (s[1] & 0xc0) != 0x80 || (s[2] & 0xc0) != 0x80 ||
		    (s[3] & 0xc0) != 0x80)
			return 0;
		if (s[0] == 0xf0 && s[1] < 0x90)
			return 0;
		if (s[0] == 0xf4 && s[1] >= 0x90)
			return 0;
		return 4;
	}
	return 0;
}

static void put_escaped(struct json *j, const char *s, size_t n)
{
	const unsigned char *u = (const unsigned char *)s;

	put_char(j, '"');
	for (size_t i = 0; i < n && !j->bad;) {
		size_t k = utf8_len(u + i, n - i);

		if (k == 0) {
			put(j, "\xef\xbf\xbd", 3);
			i++;
		} else if (u[i] == '"' || u[i] == '\\') {
			put_char(j, '\\');
			put_char(j, s[i++]);
		} else if (u[i] < 0x20 || u[i] == 0x7f) {
			char esc[8];

			snprintf(esc, sizeof esc, "\\u%04x", u[i++]);
			put(j, esc, 6);
		} else {
			put(j, s + i, k);
			i += k;
		}
	}
	put_char(j, '"');
}

static void put_key(struct json *j, const char *key)
{
	if (j->comma)
		put_char(j, ',');
	j->comma = true;
	if (key) {
		put_escaped(j, key, strlen(key));
		put_char(j, ':');
	}
}

void json_open_object(struct json *j, const char *key)
{
	put_key(j, key);
	put_char(j, '{');
	j->comma = false;
}

void json_close_object(struct json *j)
{
	put_char(j, '}');
	j->comma = true;
}

void json_open_list(struct json *j, const char *key)
{
	put_key(j, key);
	put_char(j, '[');
	j->comma = false;
}

void json_close_list(struct json *j)
{
	put_char(j, ']');
	j->comma = true;
}

void json_string(struct json *j, const char *key, const char *s)
{
	if (!s) {
		json_null(j, key);
		return;
	}
	json_string_n(j, key, s, strlen(s));
}

void json_string_n(struct json *j, const char *key, const char *s, size_t n)
{
	put_key(j, key);
	put_escaped(j, s, n);
}

void json_u64(struct json *j, const char *key, uint64_t v)
{
	char text[24];

	put_key(j, key);
	put(j, text, (size_t)snprintf(text, sizeof text, "%" PRIu64, v));
}

void json_i64(struct json *j, const char *key, int64_t v)
{
	char text[24];

	put_key(j, key);
	put(j, text, (size_t)snprintf(text, sizeof text, "%" PRId64, v));
}

void json_bool(struct json *j, const char *key, bool v)
{
	put_key(j, key);
	if (v)
		put(j, "true", 4);
	else
		put(j, "false", 5);
}

void json_null(struct json *j, const char *key)
{
	put_key(j, key);
	put(j, "null", 4);
}

void json_printf(struct json *j, const char *key, const char *fmt, ...)
{
	char text[1024];
	va_list ap;

	va_start(ap, fmt);
	int n = vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	if (n < 0 || (size_t)n >= sizeof text) {
		j->bad = true;
		return;
	}
	json_string_n(j, key, text, (size_t)n);
}

void json_newline(struct json *j)
{
	put_char(j, '\n');
	j->comma = false;
}

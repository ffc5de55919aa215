/*
 * One answer of several: what the instances of a role say, put together as
 * if there were only one.
 */
#include "api/session.h"
#include "daemon/api_job.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

/* ---- lists --------------------------------------------------------------- */

struct line {
	struct api_session s;
	const char *p;
	size_t n;
};

static int by_session(const void *pa, const void *pb)
{
	const struct line *a = pa;
	const struct line *b = pb;

	if (a->s.asn != b->s.asn)
		return a->s.asn < b->s.asn ? -1 : 1;
	return ip_cmp(&a->s.address, &b->s.address);
}

bool api_many_sort(char *lines, size_t n)
{
	size_t count = 0;

	for (size_t i = 0; i < n; i++)
		count += lines[i] == '\n';
	if (count < 2)
		return true;
	struct line *all = calloc(count, sizeof *all);
	char *out = malloc(n);
	size_t k = 0;
	size_t len = 0;

	for (size_t at = 0; all && out && k < count; k++) {
		const char *end = memchr(lines + at, '\n', n - at);

		all[k].p = lines + at;
		all[k].n = (size_t)(end - lines) + 1 - at;
		/* One that is not a session's comes first. */
		if (api_session_parse(all[k].p, all[k].n - 1, &all[k].s))
			memset(&all[k].s, 0, sizeof all[k].s);
		at += all[k].n;
	}
	if (all && out) {
		qsort(all, count, sizeof *all, by_session);
		for (size_t i = 0; i < count; i++) {
			memcpy(out + len, all[i].p, all[i].n);
			len += all[i].n;
		}
		memcpy(lines, out, len);
	}
	bool ok = all && out;
	free(all);
	free(out);
	return ok;
}

/* ---- objects --------------------------------------------------------------
 */

/* What is no count of an instance's own. */
static const char *const least[] = {"uptime_s", "engine"};

static bool is_least(const char *key)
{
	for (size_t i = 0; i < ARRAY_SIZE(least); i++)
		if (strcmp(key, least[i]) == 0)
			return true;
	return false;
}

static void add_one(json_t *to, const char *key, json_t *old, json_t *v)
{
	if (json_is_integer(v) && json_is_integer(old)) {
		json_int_t a = json_integer_value(old);
		json_int_t b = json_integer_value(v);

		if (is_least(key))
			json_integer_set(old, b < a ? b : a);
		else
			json_integer_set(old, a + b);
	} else if (json_is_boolean(v) && json_is_boolean(old)) {
		bool a = json_is_true(old);
		bool b = json_is_true(v);

		json_object_set_new(
		    to, key, json_boolean(is_least(key) ? a && b : a || b));
	}
}

static void add(json_t *to, json_t *from)
{
	const char *key;
	json_t *v;

	json_object_foreach(from, key, v)
	{
		json_t *old = json_object_get(to, key);

		if (json_is_object(v) && json_is_object(old))
			add(old, v);
		else if (old)
			add_one(to, key, old, v);
	}
}

char *api_many_sum(const struct api_part *parts, size_t n)
{
	json_t *sum = NULL;

	for (size_t i = 0; i < n; i++) {
		json_t *one = NULL;

		if (!parts[i].exit && parts[i].n)
			one = json_loadb(parts[i].p, parts[i].n,
			    JSON_DISABLE_EOF_CHECK, NULL);
		if (!one) { /* part of it is no sum */
			json_decref(sum);
			return NULL;
		}
		if (!sum) {
			sum = one;
			continue;
		}
		add(sum, one);
		json_decref(one);
	}
	char *text = sum ? json_dumps(sum, JSON_COMPACT) : NULL;
	json_decref(sum);
	return text;
}

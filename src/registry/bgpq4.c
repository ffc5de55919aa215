/*
 * The JSON that bgpq4 -j writes:
 *
 *   {"NAME": [{"prefix": "192.0.2.0/24", "exact": true},
 *             {"prefix": "198.51.100.0/22", "exact": false,
 *              "greater-equal": 23, "less-equal": 24}]}
 *   {"NAME": [64501, 64502]}                              with -t
 */
#include "registry/registry.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct reading {
	enum registry_kind kind;
	struct registry_list *to;
	char *err;
	size_t err_len;
};

static int refuse(const struct reading *r, size_t at, const char *why)
{
	snprintf(r->err, r->err_len, "item %zu: %s", at + 1, why);
	return -EINVAL;
}

/* Room for one more where the count has just reached a power of two. */
static void *room(void *v, size_t n, size_t size)
{
	if (n & (n - 1))
		return v;
	return realloc(v, (n ? 2 * n : 1) * size);
}

static int length_of(const json_t *item, const char *key, int otherwise)
{
	const json_t *v = json_object_get(item, key);

	if (!v)
		return otherwise;
	json_int_t n = json_is_integer(v) ? json_integer_value(v) : -1;
	return n < 0 || n > 128 ? -1 : (int)n;
}

static int read_prefix(const struct reading *r, const json_t *item, size_t at)
{
	const char *text = json_string_value(json_object_get(item, "prefix"));
	struct registry_list *l = r->to;
	enum family family =
	    r->kind == REGISTRY_IPV6 ? FAMILY_IPV6 : FAMILY_IPV4;
	struct conf_prefix p;

	if (!text || prefix_parse(text, &p.prefix))
		return refuse(r, at, "no prefix; expected ADDRESS/LENGTH");
	if (p.prefix.addr.family != family)
		return refuse(r, at, "a prefix of the other family");
	int min = length_of(item, "greater-equal", p.prefix.len);
	int max = length_of(item, "less-equal", min);
	if (min < p.prefix.len || max < min || max > (int)family_bits(family))
		return refuse(r, at, "lengths that make no sense");
	p.min_len = (uint8_t)min;
	p.max_len = (uint8_t)max;
	if (l->n_prefix == REGISTRY_PREFIXES_MAX)
		return -E2BIG;
	struct conf_prefix *v = room(l->prefix, l->n_prefix, sizeof p);
	if (!v)
		return -ENOMEM;
	l->prefix = v;
	v[l->n_prefix++] = p;
	l->count[family]++;
	return 0;
}

static int read_origin(const struct reading *r, const json_t *item, size_t at)
{
	struct registry_list *l = r->to;

	if (!json_is_integer(item) || json_integer_value(item) < 1 ||
	    json_integer_value(item) > UINT32_MAX)
		return refuse(r, at, "no AS number");
	if (l->n_origin == REGISTRY_ORIGINS_MAX)
		return -E2BIG;
	uint32_t *v = room(l->origin, l->n_origin, sizeof *v);
	if (!v)
		return -ENOMEM;
	l->origin = v;
	v[l->n_origin++] = (uint32_t)json_integer_value(item);
	return 0;
}

static int read_items(const struct reading *r, const json_t *list)
{
	const json_t *item;
	size_t i;

	json_array_foreach(list, i, item)
	{
		int err = r->kind == REGISTRY_ORIGINS ? read_origin(r, item, i)
						      : read_prefix(r, item, i);

		if (err)
			return err;
	}
	return 0;
}

/*
 * More values than a list within the limits has.  Each takes the JSON reader
 * a hundred times the bytes that it may have in the text, so they are counted
 * first.  (No string of bgpq4's has these letters.)
 */
static bool too_many_values(const char *text, size_t n)
{
	size_t lists = 0, values = 0;

	for (size_t i = 0; i < n; i++) {
		lists += text[i] == '{' || text[i] == '[';
		values += text[i] == ',' || text[i] == ':';
	}
	return lists > REGISTRY_PREFIXES_MAX + 2u ||
	       values > 8u * REGISTRY_PREFIXES_MAX;
}

int registry_read_bgpq4(const char *text, size_t n, enum registry_kind kind,
    struct registry_list *l, char *err, size_t err_len)
{
	struct reading r = {kind, l, err, err_len};
	json_error_t e;

	if (too_many_values(text, n)) {
		snprintf(err, err_len, "more than %u", REGISTRY_PREFIXES_MAX);
		return -E2BIG;
	}
	json_t *tree = json_loadb(text, n, JSON_REJECT_DUPLICATES, &e);

	if (!tree) {
		snprintf(err, err_len, "line %d: %.80s", e.line, e.text);
		return -EINVAL;
	}
	const json_t *list =
	    json_is_object(tree) && json_object_size(tree) == 1
		? json_object_iter_value(json_object_iter(tree))
		: NULL;
	int ret = -EINVAL;
	if (json_is_array(list))
		ret = read_items(&r, list);
	else
		snprintf(err, err_len, "no list of bgpq4's");
	if (ret == -E2BIG)
		snprintf(err, err_len, "more than %u",
		    kind == REGISTRY_ORIGINS ? REGISTRY_ORIGINS_MAX
					     : REGISTRY_PREFIXES_MAX);
	json_decref(tree);
	return ret;
}

void registry_list_free(struct registry_list *l)
{
	free(l->prefix);
	free(l->origin);
	*l = (struct registry_list){0};
}

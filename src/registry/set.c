/* One object's prefixes and origins, and the table of all objects. */
#include "registry/internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct registry_set *set_new(const struct registry_head *h)
{
	struct registry_set *s = calloc(1, sizeof *s);

	if (!s)
		return NULL;
	s->refs = 1;
	s->head = *h;
	s->prefixes = prefix_set_new();
	if (s->prefixes)
		return s;
	free(s);
	return NULL;
}

int set_add_prefix(
    struct registry_set *s, const struct prefix *p, uint8_t min, uint8_t max)
{
	if (s->count[FAMILY_IPV4] + s->count[FAMILY_IPV6] >=
	    REGISTRY_PREFIXES_MAX)
		return -EINVAL;
	int err = prefix_set_add(s->prefixes, p, min, max);
	if (!err)
		s->count[p->addr.family]++;
	return err;
}

int set_add_origin(struct registry_set *s, uint32_t asn)
{
	size_t n = s->n_origin;

	if (n == REGISTRY_ORIGINS_MAX)
		return -EINVAL;
	if (!(n & (n - 1))) {
		uint32_t *more =
		    realloc(s->origin, (n ? 2 * n : 1) * sizeof *more);

		if (!more)
			return -ENOMEM;
		s->origin = more;
	}
	s->origin[s->n_origin++] = asn;
	return 0;
}

static int by_number(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a;
	uint32_t y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

bool set_finish(struct registry_set *s)
{
	if (!prefix_set_count(s->prefixes) || !s->n_origin)
		return false;
	qsort(s->origin, s->n_origin, sizeof *s->origin, by_number);
	return true;
}

void registry_set_ref(struct registry_set *s)
{
	s->refs++;
}

void registry_set_unref(struct registry_set *s)
{
	if (!s || --s->refs)
		return;
	prefix_set_free(s->prefixes);
	free(s->origin);
	free(s);
}

const struct registry_head *registry_set_head(const struct registry_set *s)
{
	return &s->head;
}

size_t registry_set_prefixes(const struct registry_set *s, enum family f)
{
	return s->count[f];
}

size_t registry_set_origins(const struct registry_set *s)
{
	return s->n_origin;
}

bool registry_set_permits(const struct registry_set *s, const struct prefix *p)
{
	return prefix_set_match(s->prefixes, p);
}

bool registry_set_covers(const struct registry_set *s, const struct prefix *p)
{
	return prefix_set_covers(s->prefixes, p);
}

bool registry_set_has_origin(const struct registry_set *s, uint32_t asn)
{
	return bsearch(
	    &asn, s->origin, s->n_origin, sizeof *s->origin, by_number);
}

/* ---- all of them --------------------------------------------------------- */

struct registry {
	struct registry_set **v; /* sorted by object */
	size_t n;
};

struct registry *registry_new(void)
{
	return calloc(1, sizeof(struct registry));
}

void registry_free(struct registry *r)
{
	if (!r)
		return;
	for (size_t i = 0; i < r->n; i++)
		registry_set_unref(r->v[i]);
	free(r->v);
	free(r);
}

/* Where the object is, or belongs. */
static size_t place_of(
    const struct registry *r, const char *object, bool *ret_there)
{
	size_t low = 0;
	size_t high = r->n;

	while (low < high) {
		size_t half = low + (high - low) / 2;

		if (strcasecmp(r->v[half]->head.object, object) < 0)
			low = half + 1;
		else
			high = half;
	}
	*ret_there = low < r->n && !strcasecmp(r->v[low]->head.object, object);
	return low;
}

int registry_put(struct registry *r, struct registry_set *s)
{
	bool there;
	size_t at = place_of(r, s->head.object, &there);

	if (there) {
		registry_set_unref(r->v[at]);
		r->v[at] = s;
		return 0;
	}
	struct registry_set **v = realloc(r->v, (r->n + 1) * sizeof *v);
	if (!v) {
		registry_set_unref(s);
		return -ENOMEM;
	}
	r->v = v;
	memmove(v + at + 1, v + at, (r->n - at) * sizeof *v);
	v[at] = s;
	r->n++;
	return 0;
}

struct registry_set *registry_find(const struct registry *r, const char *object)
{
	bool there;
	size_t at = place_of(r, object, &there);

	return there ? r->v[at] : NULL;
}

static bool is_wanted(const struct conf *c, const char *object)
{
	for (size_t i = 0; i < c->n_member; i++) {
		char name[REGISTRY_OBJECT];

		registry_object_of(&c->member[i], name);
		if (!strcasecmp(name, object))
			return true;
	}
	return false;
}

void registry_prune(struct registry *r, const struct conf *c)
{
	size_t n = 0;

	for (size_t i = 0; i < r->n; i++) {
		if (is_wanted(c, r->v[i]->head.object))
			r->v[n++] = r->v[i];
		else
			registry_set_unref(r->v[i]);
	}
	r->n = n;
}

void registry_object_of(const struct conf_member *m, char to[REGISTRY_OBJECT])
{
	if (m->as_set[0])
		memcpy(to, m->as_set, REGISTRY_OBJECT);
	else
		snprintf(to, REGISTRY_OBJECT, "AS%u", m->asn);
}

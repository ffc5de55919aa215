#include "rpki.h"

#include <stdlib.h>
#include <string.h>

void naive_vrps_done(struct naive_vrps *t)
{
	free(t->v);
	*t = (struct naive_vrps){0};
}

size_t naive_vrps_find(const struct naive_vrps *t, const struct vrp *v)
{
	size_t i;

	for (i = 0; i < t->n; i++)
		if (prefix_eq(&t->v[i].prefix, &v->prefix) &&
		    t->v[i].max_len == v->max_len && t->v[i].asn == v->asn)
			break;
	return i;
}

bool naive_vrps_add(struct naive_vrps *t, const struct vrp *v)
{
	if (naive_vrps_find(t, v) < t->n)
		return false;
	if (t->n == t->cap) {
		t->cap = t->cap ? 2 * t->cap : 64;
		t->v = realloc(t->v, t->cap * sizeof *t->v);
		if (!t->v)
			abort();
	}
	t->v[t->n++] = *v;
	return true;
}

bool naive_vrps_remove(struct naive_vrps *t, const struct vrp *v)
{
	size_t i = naive_vrps_find(t, v);

	if (i == t->n)
		return false;
	t->v[i] = t->v[--t->n];
	return true;
}

enum rov naive_rov(
    const struct naive_vrps *t, const struct prefix *p, uint32_t origin)
{
	bool covered = false;

	for (size_t i = 0; i < t->n; i++) {
		if (!prefix_covers(&t->v[i].prefix, p))
			continue;
		covered = true;
		if (t->v[i].asn == origin && origin != 0 &&
		    p->len <= t->v[i].max_len)
			return ROV_VALID;
	}
	return covered ? ROV_INVALID : ROV_NOT_FOUND;
}

/* ---- ASPA ---------------------------------------------------------------- */

#define PATH_MAX 64

/*
 * The compressed path as the draft numbers it: as[1] is the origin, as[n] the
 * neighbour.
 */
struct numbered {
	uint32_t as[PATH_MAX + 1];
	size_t n;
};

static struct numbered number(const uint32_t *path, size_t n)
{
	struct numbered p = {.n = 0};

	for (size_t i = n; i-- > 0;)
		if (!p.n || p.as[p.n] != path[i])
			p.as[++p.n] = path[i];
	return p;
}

enum said {
	PROVIDER,
	NOT_PROVIDER,
	NOTHING
};

static enum said says(const struct naive_aspas *t, uint32_t c, uint32_t p)
{
	if (!t->attested[c])
		return NOTHING;
	return t->says[c][p] ? PROVIDER : NOT_PROVIDER;
}

enum aspa naive_aspa_upstream(
    const struct naive_aspas *t, const uint32_t *path, size_t n, bool has_set)
{
	struct numbered p = number(path, n);
	bool unknown = false;

	if (!p.n || has_set)
		return ASPA_INVALID;
	/* Each hop has to climb. */
	for (size_t i = 1; i < p.n; i++) {
		enum said s = says(t, p.as[i], p.as[i + 1]);

		if (s == NOT_PROVIDER)
			return ASPA_INVALID;
		unknown |= s == NOTHING;
	}
	return unknown ? ASPA_UNKNOWN : ASPA_VALID;
}

/*
 * By the definition instead of by ramps: is there a place (u, d), u AS or the
 * peering u-d at the top, such that all hops up to u climb and all after d
 * descend?  `sure`: only what is attested counts; else all that is not denied.
 */
static bool valley_free(
    const struct naive_aspas *t, const struct numbered *p, bool sure)
{
	for (size_t u = 1; u <= p->n; u++) {
		bool up = true;

		for (size_t i = 1; i < u; i++) {
			enum said s = says(t, p->as[i], p->as[i + 1]);

			up &= s == PROVIDER || (!sure && s == NOTHING);
		}
		for (size_t d = u; up && d <= u + 1 && d <= p->n; d++) {
			bool down = true;

			for (size_t i = d; i < p->n; i++) {
				enum said s = says(t, p->as[i + 1], p->as[i]);

				down &=
				    s == PROVIDER || (!sure && s == NOTHING);
			}
			if (down)
				return true;
		}
	}
	return false;
}

enum aspa naive_aspa_downstream(
    const struct naive_aspas *t, const uint32_t *path, size_t n, bool has_set)
{
	struct numbered p = number(path, n);

	if (!p.n || has_set)
		return ASPA_INVALID;
	if (!valley_free(t, &p, false))
		return ASPA_INVALID;
	return valley_free(t, &p, true) ? ASPA_VALID : ASPA_UNKNOWN;
}

/*
 * The two procedures of draft-ietf-sidrops-aspa-verification.
 *
 *   origin                                  neighbour
 *   AS(1) --up--> AS(2) --up--> ... --down--> AS(N)
 *
 * Seen from the origin, a path without a leak climbs (each AS is the customer
 * of the next), crosses at most one peering, and then only descends.  What
 * the attestations permit at most, and what they prove at least, are the
 * lengths of two ramps at either end: max and min.  An upstream path is all
 * climb; a downstream path is covered by both ramps together.
 */
#include "rpki/rpki.h"

#include <stdlib.h>

enum hop {
	HOP_PROVIDER,	  /* "Provider+" */
	HOP_NOT_PROVIDER, /* "Not Provider+" */
	HOP_NO_ATTESTATION,
};

static enum hop check_hop(
    const struct aspas *t, uint32_t customer, uint32_t provider)
{
	struct aspa_record r;

	if (!aspas_find(t, customer, &r))
		return HOP_NO_ATTESTATION;
	size_t lo = 0, hi = r.n;
	while (lo < hi) {
		size_t mid = (lo + hi) / 2;

		if (r.provider[mid] == provider)
			return HOP_PROVIDER;
		if (r.provider[mid] < provider)
			lo = mid + 1;
		else
			hi = mid;
	}
	return HOP_NOT_PROVIDER;
}

/* ASes that a ramp covers at most and at least, and where it stopped. */
struct ramp {
	size_t max;
	size_t min;
	struct aspa_why not_provider;
	struct aspa_why no_attestation;
};

struct walk {
	const uint32_t *path;
	size_t n; /* hops, prepending included */
	bool up;  /* from the origin towards us; else from us */
};

static uint32_t walk_at(const struct walk *w, size_t i)
{
	return w->path[w->up ? w->n - 1 - i : i];
}

/* Walks from one end until the attestations forbid it to climb. */
static void climb(const struct aspas *t, const struct walk *w, struct ramp *r)
{
	bool proven = true;

	*r = (struct ramp){.max = 1, .min = 1};
	for (size_t i = 1; i < w->n; i++) {
		uint32_t customer = walk_at(w, i - 1);
		uint32_t provider = walk_at(w, i);

		if (customer == provider) /* prepending */
			continue;
		enum hop h = check_hop(t, customer, provider);
		if (h == HOP_NOT_PROVIDER) {
			r->not_provider =
			    (struct aspa_why){customer, provider, true};
			return;
		}
		if (h == HOP_NO_ATTESTATION && proven) {
			proven = false;
			r->no_attestation =
			    (struct aspa_why){customer, provider, false};
		}
		r->max++;
		if (proven)
			r->min++;
	}
}

/* How many different ASes follow each other. */
static size_t distinct(const struct aspa_path *p)
{
	size_t n = 1;

	for (size_t i = 1; i < p->n; i++)
		n += p->path[i] != p->path[i - 1];
	return n;
}

static enum aspa because(
    enum aspa a, const struct aspa_why *w, struct aspa_why *ret)
{
	if (ret)
		*ret = *w;
	return a;
}

enum aspa aspas_check(const struct aspas *t, enum aspa_neighbour from,
    const struct aspa_path *path, struct aspa_why *why)
{
	static const struct aspa_why none;
	struct walk w = {path->path, path->n, true};
	struct ramp up, down = {0};

	if (!path->n || path->has_set)
		return because(ASPA_INVALID, &none, why);
	size_t n = distinct(path);
	climb(t, &w, &up);
	if (aspa_is_downstream(from)) {
		w.up = false;
		climb(t, &w, &down);
	}
	if (up.max + down.max < n)
		return because(ASPA_INVALID, &up.not_provider, why);
	if (up.min + down.min < n)
		return because(ASPA_UNKNOWN,
		    up.no_attestation.customer ? &up.no_attestation
					       : &down.no_attestation,
		    why);
	return ASPA_VALID;
}

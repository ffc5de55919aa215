#include "monitor/clients.h"

#include "base/must.h"

#include <stdlib.h>
#include <string.h>

#define WALK_PLACES 256

struct client {
	struct mirror_peer *peer; /* NULL: none in that slot */
	bool walking;
	enum family family; /* of the walk */
	uint32_t place;
	uint64_t routes[FAMILY_COUNT];
};

struct clients {
	struct client slot[FEED_SLOTS];
	uint32_t end; /* slots in use are below */
	uint32_t n_walking;
	uint32_t walker; /* the slot whose turn it is */
	/* Of the change at hand: where the path stood before; UINT32_MAX. */
	uint32_t *was;
	uint32_t cap_was;
};

struct clients *clients_new(void)
{
	struct clients *c = calloc(1, sizeof *c);

	must(c);
	return c;
}

void clients_free(struct clients *c)
{
	if (!c)
		return;
	for (uint32_t i = 0; i < c->end; i++)
		mirror_peer_unref(c->slot[i].peer);
	free(c->was);
	free(c);
}

void clients_down(struct clients *c, uint32_t slot)
{
	struct client *k = &c->slot[slot];

	c->n_walking -= k->walking;
	mirror_peer_unref(k->peer);
	*k = (struct client){0};
}

void clients_up(struct clients *c, struct mirror_peer *p)
{
	struct client *k = &c->slot[p->slot];

	clients_down(c, p->slot);
	k->peer = mirror_peer_ref(p);
	k->walking = true;
	c->n_walking++;
	if (c->end <= p->slot)
		c->end = p->slot + 1;
}

static bool is_add_path(const struct client *k, enum family f)
{
	return k->peer->info.up.add_path_tx & BGP_FAMILY(f);
}

static void put_route(struct client *k, const struct prefix *prefix,
    const struct mirror_set *s, bool gone, clients_put *put, void *arg)
{
	enum family f = prefix->addr.family;
	struct clients_route r = {
	    .prefix = prefix,
	    .set = s,
	    .gone = gone,
	    .add_path = is_add_path(k, f),
	    .old = k->walking,
	};

	if (!gone)
		r.prepend = mirror_prepend(s, k->peer->slot);
	put(arg, k->peer, &r);
}

/* The path that a client without ADD-PATH gets; NULL: none. */
static const struct mirror_set *choice(
    const struct mirror_list *l, uint32_t slot)
{
	for (uint32_t i = 0; i < mirror_n(l); i++)
		if (mirror_may(mirror_at(l, i), slot))
			return mirror_at(l, i);
	return NULL;
}

/* ---- the walk -------------------------------------------------------------
 */

static void walk_place(struct client *k, const struct prefix *prefix,
    const struct mirror_list *l, clients_put *put, void *arg)
{
	enum family f = k->family;
	uint32_t slot = k->peer->slot;
	bool all = is_add_path(k, f);

	for (uint32_t i = 0; i < mirror_n(l); i++) {
		if (!mirror_may(mirror_at(l, i), slot))
			continue;
		put_route(k, prefix, mirror_at(l, i), false, put, arg);
		k->routes[f]++;
		if (!all)
			return;
	}
}

bool clients_walk(
    struct clients *c, const struct mirror_view *v, clients_put *put, void *arg)
{
	if (!c->n_walking)
		return false;
	while (!c->slot[c->walker].walking)
		c->walker = (c->walker + 1) % c->end;
	struct client *k = &c->slot[c->walker];

	for (unsigned i = 0; i < WALK_PLACES && k->walking; i++) {
		const struct mirror_list *l;
		struct prefix prefix;

		if (mirror_view_told(v, k->family, k->place, &prefix, &l)) {
			walk_place(k, &prefix, l, put, arg);
			k->place++;
			continue;
		}
		k->place = 0;
		if (k->family == FAMILY_IPV4) {
			k->family = FAMILY_IPV6;
			continue;
		}
		k->walking = false;
		c->n_walking--;
	}
	return true;
}

uint64_t clients_left(const struct clients *c, const struct mirror_view *v)
{
	uint64_t n = 0;

	for (uint32_t i = 0; c->n_walking && i < c->end; i++) {
		const struct client *k = &c->slot[i];

		if (!k->walking)
			continue;
		n += mirror_end(v->m, k->family) - k->place;
		if (k->family == FAMILY_IPV4)
			n += mirror_end(v->m, FAMILY_IPV6);
	}
	return n;
}

bool clients_routes(
    const struct clients *c, uint32_t slot, uint64_t ret[FAMILY_COUNT])
{
	const struct client *k = &c->slot[slot];

	if (!k->peer || k->walking)
		return false;
	memcpy(ret, k->routes, sizeof k->routes);
	return true;
}

/* ---- changes --------------------------------------------------------------
 */

/* Is it the same to every client that may have it?  As rib_set_same(). */
static bool is_same(const struct mirror_set *a, const struct mirror_set *b)
{
	if (a == b)
		return true;
	return a->peer == b->peer && a->class == b->class &&
	       a->of.path_id_out == b->of.path_id_out &&
	       a->of.tags == b->of.tags &&
	       a->of.next_hop_len == b->of.next_hop_len &&
	       a->of.wire_len == b->of.wire_len &&
	       !((a->of.flags ^ b->of.flags) & (WATCH_LLGR | WATCH_SCRUB)) &&
	       !memcmp(a->bytes, b->bytes,
		   (size_t)a->of.next_hop_len + a->of.wire_len);
}

static void differ_one(struct client *k, const struct mirror_change *c,
    clients_put *put, void *arg)
{
	const struct mirror_set *was = choice(c->was, k->peer->slot);
	const struct mirror_set *is = choice(c->is, k->peer->slot);

	k->routes[c->family] += (uint64_t) !!is - (uint64_t) !!was;
	if (was && !is)
		put_route(k, &c->prefix, was, true, put, arg);
	else if (is && (!was || !is_same(was, is)))
		put_route(k, &c->prefix, is, false, put, arg);
}

/* For each path that is there now, where it was; once for all clients. */
static void find_paths(struct clients *c, const struct mirror_change *change)
{
	uint32_t n = mirror_n(change->is);

	if (n > c->cap_was) {
		c->cap_was = n;
		c->was = realloc(c->was, n * sizeof *c->was);
		must(c->was);
	}
	for (uint32_t i = 0; i < n; i++) {
		uint32_t id = mirror_at(change->is, i)->of.path_id_out;

		c->was[i] = UINT32_MAX;
		for (uint32_t k = 0; k < mirror_n(change->was); k++)
			if (mirror_at(change->was, k)->of.path_id_out == id)
				c->was[i] = k;
	}
}

static void differ_all(struct clients *c, struct client *k,
    const struct mirror_change *change, clients_put *put, void *arg)
{
	uint32_t slot = k->peer->slot;
	uint32_t n = mirror_n(change->is);

	for (uint32_t i = 0; i < mirror_n(change->was); i++) {
		const struct mirror_set *was = mirror_at(change->was, i);
		bool stays = false;

		if (!mirror_may(was, slot))
			continue;
		for (uint32_t j = 0; j < n && !stays; j++)
			stays = c->was[j] == i &&
				mirror_may(mirror_at(change->is, j), slot);
		if (stays)
			continue;
		put_route(k, &change->prefix, was, true, put, arg);
		k->routes[change->family]--;
	}
	for (uint32_t i = 0; i < n; i++) {
		const struct mirror_set *is = mirror_at(change->is, i);
		const struct mirror_set *was = NULL;

		if (c->was[i] != UINT32_MAX)
			was = mirror_at(change->was, c->was[i]);
		if (!mirror_may(is, slot))
			continue;
		bool had = was && mirror_may(was, slot);
		k->routes[change->family] += !had;
		if (!had || !is_same(was, is))
			put_route(k, &change->prefix, is, false, put, arg);
	}
}

void clients_differ(struct clients *c, const struct mirror_change *change,
    clients_put *put, void *arg)
{
	bool found = false;

	for (uint32_t i = 0; i < c->end; i++) {
		struct client *k = &c->slot[i];

		if (!k->peer || k->walking)
			continue;
		if (!is_add_path(k, change->family)) {
			differ_one(k, change, put, arg);
			continue;
		}
		if (!found)
			find_paths(c, change);
		found = true;
		differ_all(c, k, change, put, arg);
	}
}

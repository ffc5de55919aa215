/*
 * What each client is sent (Adj-RIB-Out after the policy, RFC 8671), worked
 * out of the mirror for one reader: of its paths a client gets the first that
 * it may have, with ADD-PATH every one (bgp/watch.h).
 *
 * Nothing is kept of it but a count.  A client that comes is told of the whole
 * table in a walk of its own, as far as the reader knows the table; from then
 * on of what changes.
 */
#pragma once

#include "monitor/mirror.h"

struct clients;

struct clients_route {
	const struct prefix *prefix;
	const struct mirror_set *set;
	bool gone;
	bool add_path;
	bool old; /* it is found in the walk */
	unsigned prepend;
};

typedef void clients_put(
    void *arg, const struct mirror_peer *client, const struct clients_route *r);

struct clients *clients_new(void);
/* NULL is allowed. */
void clients_free(struct clients *c);

void clients_up(struct clients *c, struct mirror_peer *p);
void clients_down(struct clients *c, uint32_t slot);

/* Puts the routes of some places; false when no client has to walk. */
bool clients_walk(struct clients *c, const struct mirror_view *v,
    clients_put *put, void *arg);
/* Puts what differs for those that need no walk any more. */
void clients_differ(struct clients *c, const struct mirror_change *change,
    clients_put *put, void *arg);

/* Routes that the client has; false: it is none, or has still to walk. */
bool clients_routes(
    const struct clients *c, uint32_t slot, uint64_t ret[FAMILY_COUNT]);
/* Places that are still to be walked over. */
uint64_t clients_left(const struct clients *c, const struct mirror_view *v);

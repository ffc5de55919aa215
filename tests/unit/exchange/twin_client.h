/*
 * A client's end for the twin test: what a neighbour would hold after the
 * bytes that it was sent.
 */
#pragma once

#include "bgp/feed.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct client_route {
	struct prefix prefix;
	uint32_t path_id;
	uint8_t *wire; /* canonical attributes */
	size_t n_wire;
	uint8_t next_hop[32];
	uint8_t next_hop_len;
	bool unconfirmed; /* since a BoRR */
	uint32_t next;	  /* in its bucket, from 1 */
};

struct client {
	struct feed_up as; /* how its session was negotiated */
	struct client_route *route;
	size_t n;
	size_t cap;
	uint32_t bucket[1024];	 /* by prefix, from 1; in arrival order of n */
	bool sorted;		 /* the buckets are to be made again */
	unsigned end_of_rib;	 /* mask of families */
	size_t idle_withdrawals; /* of what it did not have */
};

void client_reset(struct client *c, const struct feed_up *as);

/* Takes n bytes of whole messages; NULL, or what is wrong with them. */
const char *client_take(struct client *c, const uint8_t *p, size_t n);

/* How many messages the n bytes hold. */
size_t client_messages(const uint8_t *p, size_t n);
/* Length of the first of them. */
size_t client_first(const uint8_t *p);

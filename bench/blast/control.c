/*
 * Line e: what announcers ask of the server with communities, and which
 * prefixes are registered for them.  All by hash, so that sender, judge and
 * the servers' configurations agree without a list.
 */
#include "blast.h"

#include <arpa/inet.h>
#include <stdio.h>

#define DUT_ASN 64999u	   /* duts.py */
#define ONE_IN 10	   /* routes with control communities */
#define UNREGISTERED_IN 20 /* routes missing in a client's prefix set */

struct control control_of(uint32_t set, int from)
{
	uint64_t h = mix64((uint64_t)set << 16 ^ (uint32_t)from ^ 0x6374726cu);
	uint32_t all = (uint32_t)opt.clients;
	struct control c = {.wish = WISH_NONE};

	if (!opt.control || h % ONE_IN)
		return c;
	c.wish = WISH_DENY + (h >> 8) % 4;
	c.times = c.wish == WISH_PREPEND ? 1 + (unsigned)((h >> 12) % 3) : 0;
	c.n = 1 + (unsigned)((h >> 16) % 3);
	for (unsigned i = 0; i < c.n; i++)
		c.peer[i] = opt.base_asn + ((uint32_t)(h >> 24) + 7 * i) % all;
	return c;
}

bool control_permits(const struct control *c, int to, unsigned *ret_times)
{
	uint32_t asn = opt.base_asn + (uint32_t)to;
	bool named = false;

	for (unsigned i = 0; i < c->n; i++)
		named |= c->peer[i] == asn;
	*ret_times = named ? c->times : 0;
	switch (c->wish) {
	case WISH_DENY:
	case WISH_DENY_LARGE:
		return !named;
	case WISH_ANNOUNCE:
		return named;
	default:
		return true;
	}
}

unsigned control_standard(const struct control *c, uint32_t v[4])
{
	uint32_t high = c->wish == WISH_ANNOUNCE ? DUT_ASN : 0;
	unsigned n = 0;

	if (c->wish != WISH_DENY && c->wish != WISH_ANNOUNCE)
		return 0;
	if (c->wish == WISH_ANNOUNCE)
		v[n++] = DUT_ASN; /* 0:RS, to nobody but those named */
	for (unsigned i = 0; i < c->n; i++)
		v[n++] = high << 16 | c->peer[i];
	return n;
}

unsigned control_large(const struct control *c, uint32_t v[9])
{
	unsigned n = 0;

	if (c->wish != WISH_DENY_LARGE && c->wish != WISH_PREPEND)
		return 0;
	for (unsigned i = 0; i < c->n; i++) {
		v[n++] = DUT_ASN;
		v[n++] = c->wish == WISH_PREPEND ? 100 + c->times : 0;
		v[n++] = c->peer[i];
	}
	return n;
}

bool registered(int from, const struct route *r)
{
	if (from >= opt.registered)
		return true;
	return mix64(route_hash(r->addr, r->len, r->family) ^ 0x72656721u) %
		   UNREGISTERED_IN !=
	       0;
}

/* For the servers' configurations: "CLIENT PREFIX" a line. */
void registered_print(void)
{
	for (int i = 0; i < opt.registered; i++) {
		int n;
		const struct route *r = share_of(i, 4, &n);

		for (int k = 0; k < n; k++) {
			struct in_addr a = {htonl((uint32_t)(r[k].addr >> 32))};

			if (registered(i, &r[k]))
				printf("%d %s/%u\n", i, inet_ntoa(a), r[k].len);
		}
	}
}

#include "twin_client.h"

#include "naive/policy.h"

#include <stdlib.h>
#include <string.h>

static uint32_t *bucket_of(struct client *c, const struct prefix *p)
{
	uint32_t h = p->len;

	for (unsigned i = 0; i < 16; i++)
		h = h * 31 + p->addr.b[i];
	return &c->bucket[(h ^ h >> 10 ^ h >> 20) % 1024];
}

static void link_route(struct client *c, size_t i)
{
	uint32_t *first = bucket_of(c, &c->route[i].prefix);

	c->route[i].next = *first;
	*first = (uint32_t)i + 1;
}

static void unlink_route(struct client *c, size_t i)
{
	uint32_t *at = bucket_of(c, &c->route[i].prefix);

	while (*at != i + 1)
		at = &c->route[*at - 1].next;
	*at = c->route[i].next;
}

/* Sorting moves the routes about. */
static void link_again(struct client *c)
{
	memset(c->bucket, 0, sizeof c->bucket);
	for (size_t i = 0; i < c->n; i++)
		link_route(c, i);
	c->sorted = false;
}

static void drop(struct client *c, size_t i)
{
	size_t last = c->n - 1;

	unlink_route(c, i);
	free(c->route[i].wire);
	if (i != last) {
		unlink_route(c, last);
		c->route[i] = c->route[last];
		link_route(c, i);
	}
	c->n = last;
}

void client_reset(struct client *c, const struct feed_up *as)
{
	for (size_t i = 0; i < c->n; i++)
		free(c->route[i].wire);
	free(c->route);
	memset(c, 0, sizeof *c);
	if (as)
		c->as = *as;
}

static struct client_route *find(struct client *c, const struct bgp_prefix *p)
{
	for (uint32_t i = *bucket_of(c, &p->prefix); i;
	     i = c->route[i - 1].next)
		if (c->route[i - 1].path_id == p->path_id &&
		    prefix_eq(&c->route[i - 1].prefix, &p->prefix))
			return &c->route[i - 1];
	return NULL;
}

static struct client_route *add(struct client *c, const struct bgp_prefix *p)
{
	if (c->n == c->cap) {
		c->cap = c->cap ? 2 * c->cap : 64;
		c->route = realloc(c->route, c->cap * sizeof *c->route);
		must(c->route);
	}
	c->route[c->n] =
	    (struct client_route){.prefix = p->prefix, .path_id = p->path_id};
	link_route(c, c->n);
	return &c->route[c->n++];
}

static void announce(struct client *c, const struct bgp_prefix *p,
    const struct bgp_update *u, int run)
{
	struct client_route *r = find(c, p);

	if (!r)
		r = add(c, p);
	free(r->wire);
	r->wire = malloc(u->attrs.wire.n + 256);
	must(r->wire);
	r->n_wire = naive_normal(u->attrs.wire, r->wire);
	r->unconfirmed = false;
	r->next_hop_len = u->next_hop_len[run];
	memcpy(r->next_hop, u->next_hop[run], r->next_hop_len);
}

static const char *take_update(struct client *c, struct rd body)
{
	static struct arena arena;
	struct bgp_rules rules = {
	    .families = c->as.families,
	    .add_path = c->as.add_path_tx,
	    .next_hop6 = c->as.next_hop6,
	    .as4 = c->as.as4,
	};
	struct bgp_update u;
	struct bgp_prefix p;

	if (!arena.max)
		arena_init(&arena, 1 << 20);
	arena_reset(&arena);
	if (c->sorted)
		link_again(c);
	bgp_update_parse(body, &rules, &arena, &u);
	if (u.harm != BGP_FINE)
		return bgp_fault_text(u.fault);
	for (int run = 0; run < 2; run++)
		while (bgp_nlri_next(&u.withdrawn[run], &p)) {
			struct client_route *r = find(c, &p);

			if (r)
				drop(c, (size_t)(r - c->route));
			else
				c->idle_withdrawals++;
		}
	for (int run = 0; run < 2; run++)
		while (bgp_nlri_next(&u.reach[run], &p))
			announce(c, &p, &u, run);
	if (u.end_of_rib)
		c->end_of_rib |= BGP_FAMILY(u.end_of_rib_family);
	return NULL;
}

/* RFC 7313: what is not sent between BoRR and EoRR was gone. */
static const char *take_refresh(struct client *c, struct rd body)
{
	struct bgp_notify notify;
	struct bgp_refresh f;

	if (bgp_refresh_parse(body, &f, &notify) || f.subtype > 2)
		return "a refresh that cannot be read";
	if (!c->as.enhanced_refresh && f.subtype)
		return "BoRR or EoRR without enhanced refresh";
	for (size_t i = 0; i < c->n; i++) {
		struct client_route *r = &c->route[i];

		if (r->prefix.addr.family != f.family)
			continue;
		if (f.subtype == 1)
			r->unconfirmed = true;
		else if (r->unconfirmed)
			return "a route was not sent again in a refresh";
	}
	return NULL;
}

size_t client_first(const uint8_t *p)
{
	return (size_t)p[16] << 8 | p[17];
}

size_t client_messages(const uint8_t *p, size_t n)
{
	size_t count = 0;

	for (size_t at = 0; at < n; at += client_first(p + at))
		count++;
	return count;
}

const char *client_take(struct client *c, const uint8_t *p, size_t n)
{
	size_t max = c->as.extended ? BGP_MAX_EXTENDED : BGP_MAX;

	while (n) {
		struct bgp_notify notify;
		const char *wrong = NULL;
		enum bgp_type type;
		size_t len;

		if (n < BGP_HEADER)
			return "less than a header";
		len = bgp_header(p, max, &type, &notify);
		if (!len || len > n)
			return "a header that makes no sense";
		struct rd body = rd_from(p + BGP_HEADER, len - BGP_HEADER);
		if (type == BGP_UPDATE)
			wrong = take_update(c, body);
		else if (type == BGP_ROUTE_REFRESH)
			wrong = take_refresh(c, body);
		else
			wrong = "neither UPDATE nor refresh";
		if (wrong)
			return wrong;
		p += len;
		n -= len;
	}
	return NULL;
}

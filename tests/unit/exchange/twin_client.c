#include "twin_client.h"

#include "naive/policy.h"

#include <stdlib.h>
#include <string.h>

static void drop(struct client *c, size_t i)
{
	free(c->route[i].wire);
	c->route[i] = c->route[--c->n];
}

void client_reset(struct client *c, const struct feed_up *as)
{
	while (c->n)
		drop(c, 0);
	free(c->route);
	memset(c, 0, sizeof *c);
	if (as)
		c->as = *as;
}

static struct client_route *find(struct client *c, const struct bgp_prefix *p)
{
	for (size_t i = 0; i < c->n; i++)
		if (c->route[i].path_id == p->path_id &&
		    prefix_eq(&c->route[i].prefix, &p->prefix))
			return &c->route[i];
	return NULL;
}

static struct client_route *add(struct client *c)
{
	if (c->n == c->cap) {
		c->cap = c->cap ? 2 * c->cap : 64;
		c->route = realloc(c->route, c->cap * sizeof *c->route);
		must(c->route);
	}
	memset(&c->route[c->n], 0, sizeof *c->route);
	return &c->route[c->n++];
}

static void announce(struct client *c, const struct bgp_prefix *p,
    const struct bgp_update *u, int run)
{
	struct client_route *r = find(c, p);

	if (!r)
		r = add(c);
	free(r->wire);
	*r = (struct client_route){
	    .prefix = p->prefix,
	    .path_id = p->path_id,
	    .wire = malloc(u->attrs.wire.n + 256),
	    .next_hop_len = u->next_hop_len[run],
	};
	must(r->wire);
	r->n_wire = naive_normal(u->attrs.wire, r->wire);
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

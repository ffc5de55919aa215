#include "monitor/drain.h"

#include "bgp/update_write.h"
#include "monitor/clients.h"

#include <stdlib.h>
#include <string.h>

/* One route of one RIB that has come (set) or gone. */
struct item {
	const struct mirror_set *set;
	const struct mirror_peer *peer; /* whose RIB; DRAIN_LOC: path */
	uint32_t order;			/* as found */
	uint32_t path_id;
	uint8_t rib;
	uint8_t prepend;
	bool gone;
	bool plain; /* without a path id */
	bool old;   /* see struct drain_group */
	struct prefix prefix;
};

struct drain {
	unsigned ribs;
	struct clients *clients; /* NULL: no DRAIN_OUT */
	struct item *item;
	size_t n;
	size_t cap;
	size_t guess; /* bytes that the items may need */
	struct mirror_change *change;
	size_t n_change;
	size_t cap_change;
	uint64_t routes;
};

struct drain *drain_new(unsigned ribs)
{
	struct drain *d = calloc(1, sizeof *d);

	must(d);
	d->ribs = ribs;
	if (ribs & 1u << DRAIN_OUT)
		d->clients = clients_new();
	return d;
}

void drain_free(struct drain *d)
{
	if (!d)
		return;
	clients_free(d->clients);
	free(d->item);
	free(d->change);
	free(d);
}

uint64_t drain_routes(const struct drain *d)
{
	return d->routes;
}

/* ---- what differs ---------------------------------------------------------
 */

static struct item *add_item(struct drain *d, const struct item *item)
{
	if (d->n == d->cap) {
		d->cap = d->cap ? 2 * d->cap : 256;
		d->item = realloc(d->item, d->cap * sizeof *d->item);
		must(d->item);
	}
	d->item[d->n] = *item;
	d->item[d->n].order = (uint32_t)d->n;
	d->guess += item->gone ? 32 : item->set->of.wire_len + 64u;
	d->routes++;
	return &d->item[d->n++];
}

static void add(struct drain *d, enum drain_rib rib,
    const struct mirror_change *c, const struct mirror_set *set, bool gone)
{
	bool plain = rib == DRAIN_LOC || set->of.flags & WATCH_PLAIN_ID;

	add_item(d, &(struct item){
			.set = set,
			.peer = set->peer,
			.path_id = plain ? 0 : set->of.path_id,
			.rib = (uint8_t)rib,
			.gone = gone,
			.plain = plain,
			.prefix = c->prefix,
		    });
}

static bool same_route(const struct mirror_set *a, const struct mirror_set *b)
{
	if (a == b)
		return true;
	return a->peer == b->peer && a->of.path_id == b->of.path_id &&
	       a->of.next_hop_len == b->of.next_hop_len &&
	       a->of.wire_len == b->of.wire_len &&
	       !((a->of.flags ^ b->of.flags) & WATCH_PLAIN_ID) &&
	       !memcmp(a->bytes, b->bytes,
		   (size_t)a->of.next_hop_len + a->of.wire_len);
}

static bool same_place(const struct mirror_set *a, const struct mirror_set *b)
{
	return a->peer == b->peer && a->of.path_id == b->of.path_id;
}

/* Is the path in that Adj-RIB-In, as stations see it? */
static bool is_in(enum drain_rib rib, const struct mirror_set *s)
{
	return mirror_current(s) && mirror_is_route(s) &&
	       (rib == DRAIN_PRE || !mirror_rejected(s));
}

/* The list's path of the same peer and id, if it is in that RIB. */
static const struct mirror_set *find(enum drain_rib rib,
    const struct mirror_list *l, const struct mirror_set *like)
{
	for (uint32_t i = 0; i < mirror_n(l); i++) {
		const struct mirror_set *s = mirror_at(l, i);

		if (same_place(s, like) && is_in(rib, s))
			return s;
	}
	return NULL;
}

static void differ_in(
    struct drain *d, enum drain_rib rib, const struct mirror_change *c)
{
	for (uint32_t i = 0; i < mirror_n(c->was); i++) {
		const struct mirror_set *s = mirror_at(c->was, i);

		if (is_in(rib, s) && !find(rib, c->is, s))
			add(d, rib, c, s, true);
	}
	for (uint32_t i = 0; i < mirror_n(c->is); i++) {
		const struct mirror_set *s = mirror_at(c->is, i);
		const struct mirror_set *was;

		if (!is_in(rib, s))
			continue;
		was = find(rib, c->was, s);
		if (!was || !same_route(was, s))
			add(d, rib, c, s, false);
	}
}

static void differ_loc(struct drain *d, const struct mirror_change *c)
{
	const struct mirror_set *was = mirror_best(c->was);
	const struct mirror_set *is = mirror_best(c->is);

	if (is && (!was || !same_route(was, is)))
		add(d, DRAIN_LOC, c, is, false);
	else if (was && !is)
		add(d, DRAIN_LOC, c, was, true);
}

static void add_out(
    void *arg, const struct mirror_peer *client, const struct clients_route *r)
{
	struct drain *d = arg;

	add_item(d, &(struct item){
			.set = r->set,
			.peer = client,
			.path_id = r->add_path ? r->set->of.path_id_out : 0,
			.rib = DRAIN_OUT,
			.prepend = (uint8_t)r->prepend,
			.gone = r->gone,
			.plain = !r->add_path,
			.old = r->old,
			.prefix = *r->prefix,
		    });
}

static void differ(struct drain *d, const struct mirror_change *c)
{
	if (d->ribs & 1u << DRAIN_PRE)
		differ_in(d, DRAIN_PRE, c);
	if (d->ribs & 1u << DRAIN_POST)
		differ_in(d, DRAIN_POST, c);
	if (d->ribs & 1u << DRAIN_LOC)
		differ_loc(d, c);
	if (d->clients)
		clients_differ(d->clients, c, add_out, d);
}

/* ---- order ----------------------------------------------------------------
 */

static int compare(uint64_t a, uint64_t b)
{
	return (a > b) - (a < b);
}

/*
 * What goes before what comes: the same prefix may stand at another place.
 * Clients have the same attributes next to each other: they are made once.
 */
static int by_group(const void *pa, const void *pb)
{
	const struct item *a = pa, *b = pb;
	bool clients = a->rib == DRAIN_OUT && !a->gone;
	int c = compare(a->rib, b->rib);

	if (!c)
		c = compare(!a->gone, !b->gone);
	if (!c && clients)
		c = compare(a->set->serial, b->set->serial);
	if (!c && clients)
		c = compare(a->prepend, b->prepend);
	if (!c && a->rib != DRAIN_LOC)
		c = compare(a->peer->slot, b->peer->slot);
	if (!c && a->rib != DRAIN_LOC)
		c = compare(a->peer->epoch, b->peer->epoch);
	if (!c)
		c = compare(a->prefix.addr.family, b->prefix.addr.family);
	if (!c)
		c = compare(a->plain, b->plain);
	if (!c)
		c = compare(a->old, b->old);
	if (!c && !a->gone)
		c = compare(a->set->serial, b->set->serial);
	return c ? c : compare(a->order, b->order);
}

static bool same_group(const struct item *a, const struct item *b)
{
	if (a->rib != b->rib || a->gone != b->gone || a->plain != b->plain ||
	    a->old != b->old || a->prepend != b->prepend ||
	    a->prefix.addr.family != b->prefix.addr.family)
		return false;
	if (a->rib != DRAIN_LOC && a->peer != b->peer)
		return false;
	return a->gone || a->set == b->set;
}

/* ---- writing ---------------------------------------------------------------
 */

static size_t put_nlri(
    struct bgp_update_writer *u, const struct item *item, size_t n)
{
	size_t done = 0;

	while (done < n && bgp_update_write_nlri(u, item[done].prefix.addr.b,
			       item[done].prefix.len, item[done].path_id))
		done++;
	return done;
}

/* As many of the group as one message takes; 0: not even one fits. */
static size_t put_message(const struct drain_sink *sink,
    const struct drain_group *g, const struct item *item, size_t n,
    struct buf *out)
{
	struct bytes attrs = {NULL, 0};
	struct bytes hop = {NULL, 0};
	struct bgp_update_writer u;
	struct bgp_encoding how = {.family = (uint8_t)g->family,
	    .add_path = g->add_path,
	    .max = BGP_MAX};

	if (g->set) {
		attrs = sink->attrs ? sink->attrs(sink->arg, g)
				    : mirror_attrs(g->set);
		hop = mirror_next_hop(g->set);
		if (attrs.n + 128 > BGP_MAX)
			how.max = BGP_MAX_EXTENDED;
	}
	struct wr w = buf_room(out, sink->frame + how.max);
	uint8_t *opened = sink->open(sink->arg, &w, g);
	bool begun =
	    g->set ? bgp_update_write_reach(&u, &w, &how, attrs, hop.p, hop.n)
		   : bgp_update_write_unreach(&u, &w, &how);
	if (!begun)
		return 0;
	size_t done = put_nlri(&u, item, n);
	(void)bgp_update_write_close(&u);
	sink->close(sink->arg, &w, opened);
	buf_wrote(out, &w);
	return done;
}

static void put_group(const struct drain_sink *sink, const struct item *item,
    size_t n, struct buf *out)
{
	struct drain_group g = {
	    .rib = (enum drain_rib)item->rib,
	    .family = item->prefix.addr.family,
	    .add_path = !item->plain,
	    .peer = item->peer,
	    .set = item->gone ? NULL : item->set,
	    .prepend = item->prepend,
	    .old = item->old,
	};

	for (size_t done = 0; done < n;) {
		size_t k = put_message(sink, &g, item + done, n - done, out);

		if (!k) /* attributes beyond what a message holds at all */
			return;
		done += k;
	}
}

static void write_items(
    struct drain *d, const struct drain_sink *sink, struct buf *out)
{
	size_t first = 0;

	if (d->n)
		qsort(d->item, d->n, sizeof *d->item, by_group);
	for (size_t i = 1; i <= d->n; i++) {
		if (i < d->n && same_group(&d->item[first], &d->item[i]))
			continue;
		put_group(sink, d->item + first, i - first, out);
		first = i;
	}
	d->n = 0;
	d->guess = 0;
}

/* ---- clients ---------------------------------------------------------------
 */

void drain_client_up(struct drain *d, struct mirror_peer *p)
{
	if (d->clients)
		clients_up(d->clients, p);
}

void drain_client_down(struct drain *d, uint32_t slot)
{
	if (d->clients)
		clients_down(d->clients, slot);
}

bool drain_client_routes(
    const struct drain *d, uint32_t slot, uint64_t ret[FAMILY_COUNT])
{
	return d->clients && clients_routes(d->clients, slot, ret);
}

uint64_t drain_left(const struct drain *d, const struct mirror_view *v)
{
	return d->clients ? clients_left(d->clients, v) : 0;
}

/* Those who know nothing yet; true when there is more to tell them. */
static bool tell_clients(
    struct drain *d, const struct mirror_view *v, size_t bytes)
{
	if (!d->clients || !mirror_out(v->m))
		return false;
	while (d->guess < bytes)
		if (!clients_walk(d->clients, v, add_out, d))
			return false;
	return true;
}

/* ---- the whole -------------------------------------------------------------
 */

static bool take_change(struct drain *d, struct mirror_view *v)
{
	if (d->n_change == d->cap_change) {
		d->cap_change = d->cap_change ? 2 * d->cap_change : 256;
		d->change =
		    realloc(d->change, d->cap_change * sizeof *d->change);
		must(d->change);
	}
	struct mirror_change *c = &d->change[d->n_change];
	if (!mirror_view_next(v, c))
		return false;
	d->n_change++;
	differ(d, c);
	return true;
}

bool drain_some(struct drain *d, struct mirror_view *v,
    const struct drain_sink *sink, struct buf *out, size_t bytes)
{
	/* They first: then all know the same when something changes. */
	bool more = tell_clients(d, v, bytes);

	write_items(d, sink, out);
	if (!more) {
		more = true;
		while (more && d->guess < bytes && d->n_change < 8192)
			more = take_change(d, v);
	}
	write_items(d, sink, out);
	for (size_t i = 0; i < d->n_change; i++)
		mirror_change_done(v, &d->change[i]);
	d->n_change = 0;
	return more;
}

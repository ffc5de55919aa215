/* Does every client have what the twin says it should have? */
#include "twin_sim.h"

#include "check.h"

#include <stdlib.h>
#include <string.h>

static int by_content(const struct prefix *p, const void *wire, size_t n,
    const void *hop, size_t n_hop, const struct naive_has *b)
{
	int c = prefix_cmp(p, &b->prefix);

	if (!c && n != b->n_wire)
		c = n < b->n_wire ? -1 : 1;
	if (!c)
		c = memcmp(wire, b->wire, n);
	if (!c && n_hop != b->next_hop_len)
		c = n_hop < b->next_hop_len ? -1 : 1;
	return c ? c : memcmp(hop, b->next_hop, n_hop);
}

static int by_has(const void *a, const void *b)
{
	const struct naive_has *x = a;

	return by_content(
	    &x->prefix, x->wire, x->n_wire, x->next_hop, x->next_hop_len, b);
}

static int by_route(const void *a, const void *b)
{
	const struct client_route *x = a;
	const struct client_route *y = b;
	struct naive_has h = {.prefix = y->prefix, .wire = y->wire};

	h.n_wire = y->n_wire;
	h.next_hop_len = y->next_hop_len;
	memcpy(h.next_hop, y->next_hop, sizeof h.next_hop);
	return by_content(
	    &x->prefix, x->wire, x->n_wire, x->next_hop, x->next_hop_len, &h);
}

static void print_bytes(const uint8_t *p, size_t n)
{
	for (size_t i = 0; i < n && i < 100; i++)
		(void)printf("%02x", p[i]);
}

static void print_difference(
    const struct client_route *r, size_t n, const struct naive_has *h, size_t m)
{
	char text[PREFIX_TEXT];

	for (size_t i = 0, k = 0; i < n || k < m;) {
		int c = i == n ? 1 : k == m ? -1 : 0;

		if (!c)
			c = by_content(&r[i].prefix, r[i].wire, r[i].n_wire,
			    r[i].next_hop, r[i].next_hop_len, &h[k]);
		if (c < 0) {
			(void)printf(
			    "# has    %s ", prefix_format(&r[i].prefix, text));
			print_bytes(r[i].wire, r[i].n_wire);
			print_bytes(r[i].next_hop, r[i].next_hop_len);
			(void)printf("\n");
		} else if (c > 0) {
			(void)printf(
			    "# should %s ", prefix_format(&h[k].prefix, text));
			print_bytes(h[k].wire, h[k].n_wire);
			print_bytes(h[k].next_hop, h[k].next_hop_len);
			(void)printf("\n");
		}
		i += c <= 0;
		k += c >= 0;
	}
}

/* What the exchange holds of a peer. */
static void print_held(const struct ip *peer, enum family f)
{
	const struct rib *rib = exchange_rib(sim.x);

	for (uint32_t id = 0; id < rib_end(rib, f); id++) {
		uint32_t sets[256];
		size_t n = rib_paths(rib, f, id, sets, 256);
		struct prefix prefix;
		char text[PREFIX_TEXT];

		for (size_t i = 0; i < n; i++) {
			struct rib_path p;

			rib_path(rib, sets[i], &p);
			if (!rib_prefix(rib, f, id, &prefix) ||
			    !ip_eq(
				&exchange_client(sim.x, p.slot)->as.peer, peer))
				continue;
			(void)printf("# held %s %u %s%s\n",
			    prefix_format(&prefix, text), p.path_id >> 12,
			    p.verdict.accept
				? ""
				: reason_info(p.verdict.reason)->word,
			    p.stale ? " stale" : "");
		}
	}
}

static const struct exchange_client *client_of(const struct ip *peer)
{
	for (uint32_t i = 0; i < exchange_slots(sim.x); i++) {
		const struct exchange_client *c = exchange_client(sim.x, i);

		if (c && c->used && ip_eq(&c->as.peer, peer))
			return c;
	}
	return NULL;
}

static void compare_counts(unsigned s)
{
	const struct slot *x = &sim.slot[s];
	const struct exchange_client *c = client_of(&x->as.peer);

	for (int f = 0; f < FAMILY_COUNT; f++) {
		size_t held;
		size_t refused;
		uint64_t sent = 0;

		naive_count(
		    sim.twin, &x->as.peer, (enum family)f, &held, &refused);
		for (size_t i = 0; i < x->client.n; i++)
			sent += x->client.route[i].prefix.addr.family == f;
		if (c->received[f] != held || c->rejected[f] != refused) {
			(void)printf("# family %d: %llu held, %llu refused; "
				     "%zu and %zu expected\n",
			    f, (unsigned long long)c->received[f],
			    (unsigned long long)c->rejected[f], held, refused);
			print_held(&x->as.peer, (enum family)f);
			naive_print(sim.twin, &x->as.peer, (enum family)f);
			fail_at("the counts differ", s);
		}
		if (c->advertised[f] != sent) {
			(void)printf("# family %d: %llu counted, %llu sent\n",
			    f, (unsigned long long)c->advertised[f],
			    (unsigned long long)sent);
			fail_at("advertised differs", s);
		}
	}
}

static void count_routes(
    const struct client *c, const struct naive_has *h, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		bool v4 = h[i].prefix.addr.family == FAMILY_IPV4;

		sim.seen[SEEN_MANY_PATHS] +=
		    i && prefix_eq(&h[i].prefix, &h[i - 1].prefix);
		sim.seen[SEEN_NEXT_HOP_6] += v4 && h[i].next_hop_len > 4;
		sim.seen[SEEN_LARGE] += c->as.extended && h[i].n_wire > 4096;
	}
}

static void compare(unsigned s)
{
	struct client *c = &sim.slot[s].client;
	const struct naive_has *has;
	size_t n = naive_table(sim.twin, &sim.slot[s].as.peer, &has);
	struct naive_has *sorted = malloc((n + 1) * sizeof *sorted);
	bool same = n == c->n;

	must(sorted);
	if (n)
		memcpy(sorted, has, n * sizeof *has);
	qsort(sorted, n, sizeof *sorted, by_has);
	if (c->n)
		qsort(c->route, c->n, sizeof *c->route, by_route);
	c->sorted = true;
	for (size_t i = 0; same && i < n; i++)
		same = !by_content(&c->route[i].prefix, c->route[i].wire,
		    c->route[i].n_wire, c->route[i].next_hop,
		    c->route[i].next_hop_len, &sorted[i]);
	if (!same) {
		print_difference(c->route, c->n, sorted, n);
		fail_at("its routes differ", s);
	}
	if (c->as.open.gr && c->end_of_rib != c->as.families)
		fail_at("no End-of-RIB", s);
	count_routes(c, sorted, n);
	free(sorted);
	sim.compared++;
	sim.routes += n;
}

/* Does a slot beyond the first word of a mask have a session? */
static bool many_slots(void)
{
	for (uint32_t i = 64; i < exchange_slots(sim.x); i++)
		if (exchange_client(sim.x, i) && exchange_client(sim.x, i)->up)
			return true;
	return false;
}

/* RFC 4724 s4.1: before everybody has told, nobody is told anything. */
static bool deferring(const struct exchange_stats *st)
{
	bool any = false;

	for (int f = 0; f < FAMILY_COUNT; f++) {
		any |= st->deferring[f];
		for (unsigned s = 0; s < make_sessions() && st->deferring[f];
		     s++)
			if (sim.slot[s].client.end_of_rib &
			    BGP_FAMILY((enum family)f))
				fail_at("End-of-RIB in a deferral", s);
	}
	return any;
}

void twin_compare(void)
{
	struct exchange_stats st;

	exchange_stats(sim.x, &st);
	sim.seen[SEEN_LAGGING] += st.laggards > 0;
	twin_settle();
	exchange_stats(sim.x, &st);
	sim.seen[SEEN_SLOTS] += many_slots();
	if (deferring(&st)) {
		sim.seen[SEEN_DEFERRING]++;
		sim.deferred = true;
		return;
	}
	sim.seen[SEEN_DEFERRED] += sim.deferred;
	sim.deferred = false;
	for (unsigned s = 0; s < make_sessions(); s++) {
		if (!sim.slot[s].up)
			continue;
		compare(s);
		compare_counts(s);
	}
}

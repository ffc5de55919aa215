/*
 * The exchange against its naive twin: random sessions, UPDATEs, restarts,
 * refreshes and configurations, clients that read at their own pace and are
 * left behind; at quiet moments what each client was sent must be exactly
 * what the twin says it should have.
 *
 *   TWIN_SEED=n     another run (a difference prints its seed and step)
 *   TWIN_STEPS=n    a longer one
 *   TWIN_SCALE=n    so many prefixes
 *   TWIN_TRACE=1    tells each step
 */
#include "check.h"

#include "exchange/exchange.h"
#include "naive/exchange.h"
#include "twin_client.h"
#include "twin_make.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	CHUNKS = 24,
	RECORDS = 1 << 16
};

/* A record on its way from the engine to the session. */
struct record {
	uint32_t type;
	uint32_t slot;
	uint32_t incarnation;
	uint32_t n;
	uint8_t *data;
};

struct reader {
	bool on;
	uint32_t chunk;
	uint64_t seq;
	uint32_t offset;
	size_t flown; /* messages of the entry at offset already taken */
};

/* One session of the simulated session role. */
struct slot {
	bool up;
	bool doomed;	/* it has earned a CLOSE */
	uint32_t outer; /* its number between session role and engine */
	uint32_t incarnation;
	struct feed_up as;
	struct client client;
	struct reader at[FEED_JOURNALS];
	struct wr send; /* FEED_SEND not yet taken */
	size_t send_done;
	bool lazy; /* reads next to nothing for now */
};

struct sim {
	struct exchange *x;
	struct naive *twin;
	struct conf *conf;
	uint64_t now_ns;
	struct feed_shared *area;
	size_t area_bytes;
	struct feed_cursors *cursors;
	struct slot slot[MAKE_SESSIONS];
	struct record queue[RECORDS];
	size_t first;
	size_t last;
	uint64_t seed;
	uint64_t step;
	uint64_t joins;
	uint64_t skips;
	uint64_t closes;
	uint64_t compared;
	uint64_t routes;
};

static struct sim sim;
static bool tracing;

static void fail_at(const char *what, unsigned slot)
{
	fail_msg("TWIN_SEED=%llu TWIN_STEPS=%llu: slot %u (AS%u): %s",
	    (unsigned long long)sim.seed, (unsigned long long)sim.step + 1,
	    slot, sim.slot[slot].as.asn, what);
}

#define TELL(...)                                                              \
	do {                                                                   \
		if (tracing) {                                                 \
			(void)printf(                                          \
			    "# %llu: ", (unsigned long long)sim.step);         \
			(void)printf(__VA_ARGS__);                             \
			(void)printf("\n");                                    \
		}                                                              \
	} while (0)

/* ---- the link ----------------------------------------------------------- */

static bool take_record(void *arg, enum feed_type type, uint32_t slot,
    uint32_t incarnation, const void *data, size_t n)
{
	struct record *r;

	(void)arg;
	if (sim.last - sim.first >= RECORDS / 2 || make_once_in(50))
		return false; /* the ring is full now and then */
	r = &sim.queue[sim.last++ % RECORDS];
	*r = (struct record){type, slot, incarnation, (uint32_t)n, NULL};
	r->data = malloc(n + 1);
	must(r->data);
	memcpy(r->data, data, n);
	return true;
}

static const struct feed_chunk *chunk_at(uint32_t index)
{
	const uint8_t *area = (const uint8_t *)sim.area;

	must(index < CHUNKS);
	return (
	    const void *)(area + FEED_CHUNKS_AT + (size_t)index * FEED_CHUNK);
}

static void show_cursor(unsigned s, unsigned j)
{
	const struct reader *r = &sim.slot[s].at[j];
	uint64_t at = UINT64_MAX;

	if (r->on)
		at = FEED_AT(r->seq, r->offset);
	atomic_store(&sim.cursors->at[sim.slot[s].outer][j], at);
}

/* To an entry, or to the end of what is there; false: nothing to read. */
static bool find_entry(unsigned s, unsigned j, const struct feed_entry **ret)
{
	struct reader *r = &sim.slot[s].at[j];
	uint32_t o = sim.slot[s].outer;

	for (;;) {
		const struct feed_chunk *c = chunk_at(r->chunk);

		if (c->seq != r->seq || c->journal != j)
			fail_at("its chunk was taken away", s);
		uint32_t next = atomic_load(&c->next);
		uint32_t used = atomic_load(&c->used);
		if (r->offset >= used) {
			if (next == FEED_NO_CHUNK)
				return false;
			r->chunk = next;
			r->seq = chunk_at(next)->seq;
			r->offset = 0;
			show_cursor(s, j);
			continue;
		}
		const struct feed_entry *e =
		    (const void *)(c->data + r->offset);
		if (e->kind == FEED_ENTRY_ROUTES) {
			const uint64_t *mask =
			    (const void *)(c->data + e->mask);

			if (o / 64 < e->mask_words &&
			    mask[o / 64] >> (o % 64) & 1) {
				*ret = e;
				return true;
			}
		}
		r->offset += (uint32_t)sizeof *e + ((e->len + 7) & ~7u);
		show_cursor(s, j);
	}
}

static void take_bytes(unsigned s, const uint8_t *p, size_t n)
{
	const char *wrong = client_take(&sim.slot[s].client, p, n);

	if (wrong)
		fail_at(wrong, s);
}

/* Takes one message of a journal; false: nothing there. */
static bool read_message(unsigned s, unsigned j)
{
	struct reader *r = &sim.slot[s].at[j];
	const struct feed_entry *e;

	if (!r->on || !find_entry(s, j, &e))
		return false;
	const uint8_t *p = (const uint8_t *)(e + 1);
	size_t at = 0;
	for (size_t i = 0; i < r->flown; i++)
		at += client_first(p + at);
	take_bytes(s, p + at, client_first(p + at));
	at += client_first(p + at);
	r->flown++;
	if (at >= e->len) {
		r->offset += (uint32_t)sizeof *e + ((e->len + 7) & ~7u);
		r->flown = 0;
		show_cursor(s, j);
	}
	return true;
}

static bool read_send(unsigned s)
{
	struct slot *x = &sim.slot[s];
	size_t len;

	if (x->send_done == wr_len(&x->send))
		return false;
	len = client_first(x->send.start + x->send_done);
	take_bytes(s, x->send.start + x->send_done, len);
	x->send_done += len;
	atomic_fetch_add(&sim.cursors->sent[x->outer], len);
	return true;
}

/* SENDs go first, but an entry that was begun is finished before. */
static bool read_one(unsigned s)
{
	struct slot *x = &sim.slot[s];

	if (!x->up)
		return false;
	for (unsigned j = 0; j < FEED_JOURNALS; j++)
		if (x->at[j].on && x->at[j].flown)
			return read_message(s, j);
	if (read_send(s))
		return true;
	for (unsigned j = 0, from = make_below(FEED_JOURNALS);
	     j < FEED_JOURNALS; j++)
		if (read_message(s, (j + from) % FEED_JOURNALS))
			return true;
	return false;
}

static void feed(uint32_t type, unsigned s, const void *data, size_t n);

/* ---- what the engine tells the session ---------------------------------- */

static void stop_reading(unsigned s)
{
	for (unsigned j = 0; j < FEED_JOURNALS; j++) {
		sim.slot[s].at[j] = (struct reader){.on = false};
		show_cursor(s, j);
	}
	free(sim.slot[s].send.start);
	sim.slot[s].send = wr_from(NULL, 0);
	sim.slot[s].send_done = 0;
}

static void session_down(unsigned s, enum feed_down_kind kind)
{
	struct feed_down down = {.kind = (uint8_t)kind};
	struct slot *x = &sim.slot[s];

	TELL("down %u kind %u", s, kind);
	if (!x->up)
		return;
	x->up = false;
	stop_reading(s);
	client_reset(&x->client, NULL);
	naive_down(sim.twin, &x->as.peer, kind, sim.now_ns);
	feed(FEED_DOWN, s, &down, sizeof down);
}

static void add_send(unsigned s, const uint8_t *p, size_t n)
{
	struct slot *x = &sim.slot[s];
	size_t have = wr_len(&x->send);
	uint8_t *more;

	if (have - x->send_done + n > FEED_SEND_MAX + 70000)
		fail_at("more SEND than it may have in advance", s);
	more = realloc(x->send.start, have + n + 1);
	must(more);
	x->send = wr_from(more, have + n);
	x->send.p += have;
	wr_bytes(&x->send, p, n);
}

static void do_skip(unsigned s, const struct feed_place *asked)
{
	struct reader *r = &sim.slot[s].at[asked->journal];
	struct feed_place at;

	if (!r->on)
		return;
	memset(&at, 0, sizeof at);
	at.journal = asked->journal;
	at.chunk = r->chunk;
	at.seq = r->seq;
	at.offset = r->offset;
	*r = (struct reader){.on = false};
	show_cursor(s, asked->journal);
	sim.skips++;
	TELL("slot %u skipped journal %u", s, asked->journal);
	feed(FEED_SKIPPED, s, &at, sizeof at);
}

static void do_join(unsigned s, const struct feed_place *p)
{
	struct reader *r = &sim.slot[s].at[p->journal];

	if (r->on)
		fail_at("joins a journal that it reads", s);
	*r = (struct reader){
	    .on = true,
	    .chunk = p->chunk,
	    .seq = p->seq,
	    .offset = p->offset,
	};
	show_cursor(s, p->journal);
	sim.joins++;
	TELL("slot %u joins journal %u", s, p->journal);
}

static unsigned slot_of(uint32_t outer)
{
	for (unsigned s = 0; s < MAKE_SESSIONS; s++)
		if (sim.slot[s].outer == outer)
			return s;
	fail_at("a record for nobody", 0);
	return 0;
}

static void do_record(const struct record *r)
{
	unsigned s = slot_of(r->slot);
	struct slot *x = &sim.slot[s];
	struct feed_place place;
	struct feed_close close;

	if (!x->up || x->incarnation != r->incarnation)
		return;
	switch (r->type) {
	case FEED_SEND:
		add_send(s, r->data, r->n);
		return;
	case FEED_JOIN:
		memcpy(&place, r->data, sizeof place);
		do_join(s, &place);
		return;
	case FEED_SKIP:
		memcpy(&place, r->data, sizeof place);
		do_skip(s, &place);
		return;
	case FEED_CLOSE:
		memcpy(&close, r->data, sizeof close);
		TELL("slot %u closed: %s", s, close.why);
		if (!x->doomed)
			fail_at("closed for no reason", s);
		sim.closes++;
		session_down(s, FEED_DOWN_HARD);
		return;
	default:
		fail_at("a record that is none", s);
	}
}

static bool read_record(void)
{
	struct record r;

	if (sim.first == sim.last)
		return false;
	r = sim.queue[sim.first++ % RECORDS];
	do_record(&r);
	free(r.data);
	return true;
}

/* ---- turns -------------------------------------------------------------- */

/* The clock must not decide: a turn has either all the time or none. */
static bool work_once(void)
{
	uint64_t budget = 0 - sim.now_ns; /* its deadline is 0 */

	if (make_once_in(2))
		budget = (uint64_t)1 << 62;
	return exchange_work(sim.x, sim.now_ns, budget);
}

static void work(void)
{
	(void)exchange_flush(sim.x, sim.now_ns);
	(void)work_once();
}

/* Everybody reads a bit. */
static void read_some(unsigned most)
{
	for (unsigned n = make_below(most + 1); n; n--)
		if (!read_record())
			break;
	for (unsigned s = 0; s < MAKE_SESSIONS; s++) {
		unsigned n = sim.slot[s].lazy ? 0 : make_below(most + 1);

		while (n-- && read_one(s))
			;
	}
}

static void feed(uint32_t type, unsigned s, const void *data, size_t n)
{
	/* The engine copies nothing: what it is fed must not outlive us. */
	uint8_t *exact = malloc(n + !n);
	unsigned turns = 0;

	must(exact);
	if (n)
		memcpy(exact, data, n);
	while (type == FEED_UPDATE && !exchange_ready(sim.x)) {
		sim.now_ns += 10000000; /* a client without progress is slow */
		sim.now_ns += 10 * NS_PER_MS;
		work();
		naive_tick(sim.twin, sim.now_ns);
		read_some(20);
		if (++turns > 10000)
			fail_at("the engine never gets ready", s);
	}
	exchange_record(sim.x, type, sim.slot[s].outer, sim.slot[s].incarnation,
	    exact, n, sim.now_ns);
	free(exact);
}

/* What the engine wants to look at soon, it gets to look at. */
static void wait_for_due(void)
{
	uint64_t due = exchange_due(sim.x);

	if (due > sim.now_ns && due < sim.now_ns + NS_PER_S)
		sim.now_ns = due;
	naive_tick(sim.twin, sim.now_ns);
}

/* Until nobody has had anything to do for 100 looks. */
static void settle(void)
{
	unsigned idle = 0;

	for (unsigned turns = 0; idle < 100; turns++) {
		bool more = exchange_flush(sim.x, sim.now_ns);

		more |= work_once();
		while (read_record())
			more = true;
		for (unsigned s = 0; s < MAKE_SESSIONS; s++)
			while (read_one(s))
				more = true;
		wait_for_due();
		idle = more ? 0 : idle + 1;
		if (turns > 20000)
			fail_at("it does not come to rest", 0);
	}
}

/* ---- comparison --------------------------------------------------------- */

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

static void compare(unsigned s)
{
	struct client *c = &sim.slot[s].client;
	const struct naive_has *has;
	size_t n = naive_table(sim.twin, &sim.slot[s].as.peer, &has);
	struct naive_has *sorted = malloc((n + 1) * sizeof *sorted);
	bool same = n == c->n;

	must(sorted);
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
	free(sorted);
	if (c->as.open.gr && c->end_of_rib != c->as.families)
		fail_at("no End-of-RIB", s);
	sim.compared++;
	sim.routes += n;
}

/* RFC 4724 s4.1: before everybody has told, nobody is told anything. */
static bool deferring(void)
{
	struct exchange_stats st;
	bool any = false;

	exchange_stats(sim.x, &st);
	for (int f = 0; f < FAMILY_COUNT; f++) {
		any |= st.deferring[f];
		for (unsigned s = 0; s < MAKE_SESSIONS && st.deferring[f]; s++)
			if (sim.slot[s].client.end_of_rib &
			    BGP_FAMILY((enum family)f))
				fail_at("End-of-RIB in a deferral", s);
	}
	return any;
}

static void compare_all(void)
{
	settle();
	if (deferring())
		return;
	for (unsigned s = 0; s < MAKE_SESSIONS; s++) {
		if (!sim.slot[s].up)
			continue;
		compare(s);
		compare_counts(s);
	}
}

/* ---- events ------------------------------------------------------------- */

static void session_up(unsigned s)
{
	struct slot *x = &sim.slot[s];
	struct feed_up up = make_session(s);

	if (!make_configured(sim.conf, &up))
		return;
	TELL("up %u AS%u families %u as4 %d ap %u/%u gr %d ext %d", s, up.asn,
	    up.families, up.as4, up.add_path_rx, up.add_path_tx, up.open.gr,
	    up.extended);
	x->as = up;
	x->up = true;
	x->doomed = false;
	x->incarnation++;
	atomic_store(&sim.cursors->sent[x->outer], 0);
	client_reset(&x->client, &up);
	naive_up(sim.twin, &up, sim.now_ns);
	feed(FEED_UP, s, &up, sizeof up);
}

static void feed_update(unsigned s, const uint8_t *body, size_t n)
{
	struct slot *x = &sim.slot[s];
	enum bgp_harm harm = naive_update(sim.twin, &x->as.peer, body, n);

	TELL("update %u, %zu bytes, harm %u", s, n, harm);
	x->doomed =
	    harm == BGP_RESET || naive_over_limit(sim.twin, &x->as.peer);
	feed(FEED_UPDATE, s, body, n);
	for (unsigned i = 0; i < 1000 && x->up && x->doomed; i++) {
		work();
		while (read_record())
			;
	}
	if (x->up && x->doomed)
		fail_at("it should have been closed", s);
}

static void session_update(unsigned s)
{
	static uint8_t body[65536];

	feed_update(s, body, make_update(&sim.slot[s].as, body, sizeof body));
}

static void session_refresh(unsigned s)
{
	struct slot *x = &sim.slot[s];
	struct bgp_refresh r = {.family = FAMILY_IPV4};

	if (x->as.families & BGP_FAMILY(FAMILY_IPV6))
		r.family = FAMILY_IPV6;
	if (x->as.enhanced_refresh)
		r.subtype = (uint8_t)make_below(3);
	TELL("refresh %u subtype %u", s, r.subtype);
	naive_refresh(sim.twin, &x->as.peer, &r);
	feed(FEED_REFRESH, s, &r, sizeof r);
}

static void session_end_of_rib(unsigned s)
{
	uint8_t body[64];

	for (int f = 0; f < FAMILY_COUNT; f++)
		if (sim.slot[s].up &&
		    sim.slot[s].as.families & BGP_FAMILY((enum family)f))
			feed_update(
			    s, body, make_end_of_rib((enum family)f, body));
}

static void reload(void)
{
	struct conf *c = make_conf();

	TELL(
	    "reload: policy %d preset %d", c->policy.present, c->policy.preset);
	must(!exchange_reload(sim.x, c, sim.now_ns));
	naive_reload(sim.twin, c);
	conf_free(sim.conf);
	sim.conf = c;
	for (unsigned s = 0; s < MAKE_SESSIONS; s++)
		if (sim.slot[s].up && !make_configured(c, &sim.slot[s].as))
			session_down(s, FEED_DOWN_HARD);
}

static void pass_time(void)
{
	uint64_t by = make_once_in(10) ? make_below(120) : make_below(3);

	TELL("%llu s pass", (unsigned long long)by);
	sim.now_ns += by * NS_PER_S + NS_PER_MS;
	(void)work_once();
	naive_tick(sim.twin, sim.now_ns);
}

/* ---- roles that die ------------------------------------------------------ */

static void forget_records(void)
{
	for (; sim.first != sim.last; sim.first++)
		free(sim.queue[sim.first % RECORDS].data);
}

/* A new session role: new areas, new numbers, nobody is connected. */
static void attach(void)
{
	struct exchange_out out = {.send = take_record};
	uint32_t step = 1 + make_below(90);

	for (unsigned s = 0; s < MAKE_SESSIONS; s++) {
		sim.slot[s].outer = (s * 7 % MAKE_SESSIONS) * step;
		sim.slot[s].up = false;
		sim.slot[s].incarnation = 0;
		client_reset(&sim.slot[s].client, NULL);
	}
	memset(sim.area, 0, sim.area_bytes);
	memset(sim.cursors, 0xff, sizeof *sim.cursors);
	exchange_attach(
	    sim.x, sim.area, sim.area_bytes, sim.cursors, &out, sim.now_ns);
}

static void stop_all(void)
{
	for (unsigned s = 0; s < MAKE_SESSIONS; s++)
		stop_reading(s);
	forget_records();
}

static void lose_session(void)
{
	TELL("the session role dies");
	stop_all();
	exchange_detach(sim.x, sim.now_ns);
	naive_lost(sim.twin, sim.now_ns);
	if (make_once_in(2))
		work();
	attach();
}

static void lose_engine(void)
{
	struct ip were[MAKE_SESSIONS];
	size_t n = 0;

	TELL("the engine dies");
	stop_all();
	for (unsigned s = 0; s < MAKE_SESSIONS; s++)
		if (sim.slot[s].up)
			were[n++] = sim.slot[s].as.peer;
	exchange_free(sim.x);
	naive_free(sim.twin);
	must(!exchange_new(sim.conf, true, sim.now_ns, &sim.x));
	sim.twin = naive_new(sim.conf);
	attach();
	feed(FEED_EXPECT, 0, were, n * sizeof were[0]);
}

static void session_event(unsigned s)
{
	struct slot *x = &sim.slot[s];

	if (!x->up) {
		if (make_once_in(3))
			session_up(s);
		return;
	}
	switch (make_below(60)) {
	case 0:
		session_down(s, FEED_DOWN_HARD);
		break;
	case 1:
		session_down(
		    s, x->as.open.gr ? FEED_DOWN_GRACEFUL : FEED_DOWN_HARD);
		break;
	case 2:
	case 3:
		if (x->as.refresh)
			session_refresh(s);
		break;
	case 4:
	case 5:
		x->lazy = !x->lazy;
		break;
	case 6:
	case 7:
		session_end_of_rib(s);
		break;
	default:
		for (unsigned n = 1 + make_below(6); n && x->up; n--)
			session_update(s);
	}
}

static void step(void)
{
	session_event(make_below(MAKE_SESSIONS));
	if (make_once_in(3))
		work();
	if (make_once_in(2))
		read_some(4);
	if (make_once_in(25))
		pass_time();
	if (make_once_in(400))
		reload();
	if (make_once_in(1500))
		lose_session();
	if (make_once_in(2500))
		lose_engine();
	if (make_once_in(60))
		compare_all();
}

/* ---- the test ----------------------------------------------------------- */

static void begin(uint64_t seed)
{
	memset(&sim, 0, sizeof sim);
	sim.seed = seed;
	make_seed(seed);
	sim.now_ns = 1000 * NS_PER_S;
	sim.conf = make_conf();
	sim.area_bytes = FEED_CHUNKS_AT + (size_t)CHUNKS * FEED_CHUNK;
	sim.area = aligned_alloc(FEED_CHUNK, sim.area_bytes);
	sim.cursors = malloc(sizeof *sim.cursors);
	must(sim.area && sim.cursors);
	must(!exchange_new(sim.conf, false, sim.now_ns, &sim.x));
	sim.twin = naive_new(sim.conf);
	attach();
}

static void end(void)
{
	stop_all();
	for (unsigned s = 0; s < MAKE_SESSIONS; s++)
		client_reset(&sim.slot[s].client, NULL);
	exchange_free(sim.x);
	naive_free(sim.twin);
	conf_free(sim.conf);
	free(sim.area);
	free(sim.cursors);
}

static uint64_t number_of(const char *name, uint64_t otherwise)
{
	const char *text = getenv(name);

	return text ? strtoull(text, NULL, 10) : otherwise;
}

static void run(uint64_t seed, uint64_t steps)
{
	tracing = number_of("TWIN_TRACE", 0);
	begin(seed);
	for (; sim.step < steps; sim.step++)
		step();
	compare_all();
	(void)printf("# %llu comparisons of %llu routes, %llu joins, "
		     "%llu skips, %llu closes\n",
	    (unsigned long long)sim.compared, (unsigned long long)sim.routes,
	    (unsigned long long)sim.joins, (unsigned long long)sim.skips,
	    (unsigned long long)sim.closes);
	end();
}

static void the_exchange_is_like_its_twin(void **state)
{
	(void)state;
	make_scale((unsigned)number_of("TWIN_SCALE", 24));
	run(number_of("TWIN_SEED", 1), number_of("TWIN_STEPS", 10000));
	assert_true(sim.compared > 10 && sim.routes > 100);
}

/* So many prefixes that work is done in slices and batches are cut. */
static void so_it_is_with_many_prefixes(void **state)
{
	(void)state;
	if (getenv("TWIN_SCALE"))
		return; /* the first test has done it */
	make_scale(1500);
	run(number_of("TWIN_SEED", 1), 300);
	assert_true(sim.compared > 5 && sim.routes > 1000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_exchange_is_like_its_twin),
	    cmocka_unit_test(so_it_is_with_many_prefixes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

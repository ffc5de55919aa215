/* The session role of the twin test: reads in place, in any order of things. */
#include "twin_sim.h"

#include "check.h"

#include <stdlib.h>
#include <string.h>

static bool take_record(void *arg, enum feed_type type, uint32_t slot,
    uint32_t incarnation, const void *data, size_t n)
{
	struct record *r;

	(void)arg;
	if (sim.last - sim.first >= TWIN_RECORDS / 2 ||
	    (!sim.calm && make_once_in(50))) {
		sim.seen[SEEN_REFUSED_RECORD]++;
		return false; /* the ring is full now and then */
	}
	r = &sim.queue[sim.last++ % TWIN_RECORDS];
	*r = (struct record){type, slot, incarnation, (uint32_t)n, NULL};
	r->data = malloc(n + 1);
	must(r->data);
	memcpy(r->data, data, n);
	return true;
}

static const struct feed_chunk *chunk_at(uint32_t index)
{
	const uint8_t *area = (const uint8_t *)sim.area;

	must(index < TWIN_CHUNKS);
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

	if (p[18] == BGP_ROUTE_REFRESH && p[21] == 1)
		sim.seen[SEEN_TO_BORR]++;
	if (p[18] == BGP_ROUTE_REFRESH && p[21] == 2)
		sim.seen[SEEN_TO_EORR]++;
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
	sim.seen[SEEN_JOURNAL_0 + j]++;
	sim.seen[SEEN_WORDS] += e->mask_words > 1;
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

void twin_down(unsigned s, enum feed_down_kind kind)
{
	struct feed_down down = {.kind = (uint8_t)kind};
	struct slot *x = &sim.slot[s];

	TELL("down %u kind %u", s, kind);
	if (!x->up)
		return;
	sim.seen[SEEN_DOWN]++;
	sim.seen[SEEN_RESTART] += kind == FEED_DOWN_GRACEFUL;
	x->up = false;
	stop_reading(s);
	client_reset(&x->client, NULL);
	naive_down(sim.twin, &x->as.peer, kind, sim.now_ns);
	twin_feed(FEED_DOWN, s, &down, sizeof down);
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
	sim.seen[SEEN_SKIP]++;
	TELL("slot %u skipped journal %u", s, asked->journal);
	twin_feed(FEED_SKIPPED, s, &at, sizeof at);
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
	sim.seen[SEEN_JOIN]++;
	TELL("slot %u joins journal %u", s, p->journal);
}

static unsigned slot_of(uint32_t outer)
{
	for (unsigned s = 0; s < make_sessions(); s++)
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
		twin_down(s, FEED_DOWN_HARD);
		return;
	default:
		fail_at("a record that is none", s);
	}
}

bool twin_read_record(void)
{
	struct record r;

	if (sim.first == sim.last)
		return false;
	r = sim.queue[sim.first++ % TWIN_RECORDS];
	do_record(&r);
	free(r.data);
	return true;
}

/* ---- turns -------------------------------------------------------------- */

/* The clock must not decide: a turn has either all the time or none. */
bool twin_slice(void)
{
	uint64_t budget = 0 - sim.now_ns; /* its deadline is 0 */

	if (sim.calm || make_once_in(2))
		budget = (uint64_t)1 << 62;
	return exchange_work(sim.x, sim.now_ns, budget);
}

bool twin_work(void)
{
	bool more = exchange_flush(sim.x, sim.now_ns);

	return twin_slice() | more;
}

/* Everybody reads a bit. */
void twin_read_some(unsigned most)
{
	for (unsigned n = make_below(most + 1); n; n--)
		if (!twin_read_record())
			break;
	for (unsigned s = 0; s < make_sessions(); s++) {
		unsigned n = sim.slot[s].lazy ? 0 : make_below(most + 1);

		while (n-- && read_one(s))
			;
	}
}

void twin_feed(uint32_t type, unsigned s, const void *data, size_t n)
{
	/* The engine copies nothing: what it is fed must not outlive us. */
	uint8_t *exact = malloc(n + !n);
	unsigned turns = 0;

	must(exact);
	if (n)
		memcpy(exact, data, n);
	while (type == FEED_UPDATE && !exchange_ready(sim.x)) {
		sim.seen[SEEN_NOT_READY]++;
		sim.now_ns += 10000000; /* a client without progress is slow */
		sim.now_ns += 10 * NS_PER_MS;
		(void)twin_work();
		naive_tick(sim.twin, sim.now_ns);
		twin_read_some(20);
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

/* Once idle, the accidents end, so that a few looks tell. */
void twin_settle(void)
{
	unsigned idle = 0;

	for (unsigned turns = 0; idle < 8; turns++) {
		sim.calm = idle > 2;
		bool more = twin_work();
		while (twin_read_record())
			more = true;
		for (unsigned s = 0; s < make_sessions(); s++)
			while (read_one(s))
				more = true;
		wait_for_due();
		idle = more ? 0 : idle + 1;
		if (turns > 20000)
			fail_at("it does not come to rest", 0);
	}
	sim.calm = false;
}

/* ---- roles that die ------------------------------------------------------ */

static void forget_records(void)
{
	for (; sim.first != sim.last; sim.first++)
		free(sim.queue[sim.first % TWIN_RECORDS].data);
}

/* A new session role: new areas, new numbers, nobody is connected. */
void twin_attach(void)
{
	struct exchange_out out = {.send = take_record};
	uint32_t most = (FEED_SLOTS - 1) / make_sessions();
	uint32_t step = 1 + make_below(most < 90 ? most : 90);

	for (unsigned s = 0; s < make_sessions(); s++) {
		sim.slot[s].outer = (make_sessions() - 1 - s) * step;
		sim.slot[s].up = false;
		sim.slot[s].incarnation = 0;
		client_reset(&sim.slot[s].client, NULL);
	}
	/* Sometimes the least that two chunks a journal allow. */
	sim.area_bytes =
	    FEED_CHUNKS_AT + (size_t)(TWIN_CHUNKS - make_below(9)) * FEED_CHUNK;
	memset(sim.area, 0, sim.area_bytes);
	memset(sim.cursors, 0xff, sizeof *sim.cursors);
	exchange_attach(
	    sim.x, sim.area, sim.area_bytes, sim.cursors, &out, sim.now_ns);
}

void twin_stop_all(void)
{
	for (unsigned s = 0; s < make_sessions(); s++)
		stop_reading(s);
	forget_records();
}

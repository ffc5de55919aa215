/*
 * The mirror and its readers at random: engines' records that change routes
 * and sessions, readers that read now and then, compared with a plain table.
 */
#include "check.h"

#include "bgp/attrs.h"
#include "monitor/drain.h"
#include "monitor/sessions.h"

#include <stdlib.h>
#include <string.h>

#define PEERS 3
#define IDS 12
#define NAMES 20 /* prefixes */
#define NONE UINT32_MAX

static uint32_t seed;

static uint32_t roll(uint32_t n)
{
	seed = seed * 1103515245 + 12345;
	return (seed >> 8) % n;
}

/* ---- the engine, played ----------------------------------------------------
 */

struct world {
	struct mirror *m;
	uint32_t number; /* the last set's */
	bool up[PEERS];
	uint32_t name[IDS];	    /* the id's prefix; NONE: free */
	uint32_t value[IDS][PEERS]; /* what each peer says; NONE */
	bool refused[IDS][PEERS];
	bool stale[IDS][PEERS];
};

static void record(
    struct world *w, uint32_t type, uint32_t a, const void *p, size_t n)
{
	struct link_head h = {.len = (uint32_t)n, .type = type, .a = a};
	uint8_t *exact = malloc(n + !n);

	assert_non_null(exact);
	memcpy(exact, p, n);
	assert_int_equal(mirror_record(w->m, &h, exact, 1000000), 0);
	free(exact);
}

static void come(struct world *w, uint32_t peer)
{
	struct watch_peer p;

	memset(&p, 0, sizeof p);
	p.up.peer.b[3] = (uint8_t)(peer + 1);
	p.up.asn = 64500 + peer;
	p.up.id = peer + 1;
	record(w, WATCH_PEER, peer, &p, sizeof p);
	w->up[peer] = true;
}

/* Its routes stay, stale, until they come anew or go. */
static void go(struct world *w, uint32_t peer)
{
	struct feed_down d;

	memset(&d, 0, sizeof d);
	record(w, WATCH_GONE, peer, &d, sizeof d);
	w->up[peer] = false;
	for (uint32_t id = 0; id < IDS; id++)
		w->stale[id][peer] = true;
}

static uint32_t put_set(struct world *w, uint32_t id, uint32_t peer)
{
	uint8_t data[sizeof(struct watch_set) + 4 + 7];
	struct watch_set s = {
	    .slot = (uint16_t)peer,
	    .flags = WATCH_PLAIN_ID | (w->stale[id][peer] ? WATCH_STALE : 0),
	    .reason = w->refused[id][peer] ? REASON_BOGON_PREFIX : REASON_NONE,
	    .next_hop_len = 4,
	    .wire_len = 7,
	};
	uint32_t v = w->value[id][peer];
	uint8_t rest[11] = {192, 0, 2, 1, 0x80, ATTR_MED, 4, 0, 0,
	    (uint8_t)(v >> 8), (uint8_t)v};

	memcpy(data, &s, sizeof s);
	memcpy(data + sizeof s, rest, sizeof rest);
	w->number = (w->number + 1) % 64; /* numbers are used again */
	record(w, WATCH_SET, w->number, data, sizeof data);
	return w->number;
}

static void put_prefix(struct world *w, uint32_t id)
{
	uint8_t data[sizeof(struct watch_prefix) + PEERS * 4];
	struct watch_prefix p = {.id = id, .len = 24};
	uint32_t set[PEERS];

	for (uint32_t peer = 0; peer < PEERS; peer++)
		if (w->name[id] != NONE && w->value[id][peer] != NONE)
			set[p.n++] = put_set(w, id, peer);
	p.addr[0] = 10;
	p.addr[2] = (uint8_t)w->name[id];
	memcpy(data, &p, sizeof p);
	memcpy(data + sizeof p, set, p.n * sizeof *set);
	record(
	    w, WATCH_PREFIXES, FAMILY_IPV4, data, sizeof p + p.n * sizeof *set);
	if (!p.n)
		w->name[id] = NONE;
}

static bool is_taken(const struct world *w, uint32_t name)
{
	for (uint32_t id = 0; id < IDS; id++)
		if (w->name[id] == name)
			return true;
	return false;
}

static void change(struct world *w)
{
	uint32_t id = roll(IDS);
	uint32_t peer = roll(PEERS);

	if (roll(20) == 0) {
		if (w->up[peer])
			go(w, peer);
		else
			come(w, peer);
		return;
	}
	if (w->name[id] == NONE) {
		uint32_t name = roll(NAMES);

		if (is_taken(w, name))
			return;
		w->name[id] = name;
		for (uint32_t i = 0; i < PEERS; i++)
			w->value[id][i] = NONE;
	}
	if (!w->up[peer] || roll(3) == 0) {
		w->value[id][peer] = NONE;
	} else {
		w->value[id][peer] = roll(4);
		w->refused[id][peer] = roll(4) == 0;
		w->stale[id][peer] = false;
	}
	put_prefix(w, id);
}

/* ---- a reader --------------------------------------------------------------
 */

struct reader {
	struct mirror_view view;
	struct drain *drain;
	struct sessions *sessions;
	bool up[PEERS];
	/* MED by RIB, peer and prefix; NONE.  Of LOC peer 0 stands for all. */
	uint32_t has[DRAIN_RIBS][PEERS][NAMES];
	const struct drain_group *group;
};

static void on_up(void *arg, const struct mirror_peer *p)
{
	struct reader *r = arg;

	assert_false(r->up[p->slot]);
	r->up[p->slot] = true;
}

static void on_down(void *arg, const struct mirror_peer *p)
{
	struct reader *r = arg;

	assert_true(r->up[p->slot]);
	r->up[p->slot] = false;
	memset(r->has[DRAIN_PRE][p->slot], 0xff, sizeof r->has[0][0]);
	memset(r->has[DRAIN_POST][p->slot], 0xff, sizeof r->has[0][0]);
}

static const struct sessions_ops ops = {on_up, on_down};

static uint8_t *on_open(void *arg, struct wr *w, const struct drain_group *g)
{
	uint32_t head[2] = {g->rib, g->rib == DRAIN_LOC ? 0 : g->peer->slot};
	uint8_t *at = w->p;

	(void)arg;
	wr_bytes(w, head, sizeof head);
	return at;
}

static void on_close(void *arg, struct wr *w, uint8_t *at)
{
	(void)arg;
	(void)w;
	(void)at;
}

/* One UPDATE. */
static void take(struct reader *r, struct rd *in)
{
	uint32_t head[2];
	struct bgp_prefix p;

	rd_copy(in, head, sizeof head);
	rd_skip(in, 16);
	size_t len = rd_u16(in);
	assert_int_equal(rd_u8(in), BGP_UPDATE);
	assert_in_range(len, BGP_HEADER, BGP_MAX);
	struct rd body = rd_sub(in, len - BGP_HEADER);
	assert_true(rd_ok(in));
	uint32_t(*has)[NAMES] = &r->has[head[0]][head[1]];
	assert_true(head[0] == DRAIN_LOC || r->up[head[1]]);
	/* The routes lack ORIGIN and AS_PATH: only what is tested is there. */
	struct bgp_nlri gone = {.family = FAMILY_IPV4};
	gone.wire.n = rd_u16(&body);
	gone.wire.p = rd_take(&body, gone.wire.n);
	size_t n_attrs = rd_u16(&body);
	struct rd attrs = rd_sub(&body, n_attrs);
	struct bgp_nlri reach = {
	    .family = FAMILY_IPV4, .wire = {body.p, rd_left(&body)}};
	while (bgp_nlri_next(&gone, &p)) {
		assert_int_not_equal((*has)[p.prefix.addr.b[2]], NONE);
		(*has)[p.prefix.addr.b[2]] = NONE;
	}
	uint32_t med = n_attrs ? attrs.end[-1] : 0;
	while (bgp_nlri_next(&reach, &p))
		(*has)[p.prefix.addr.b[2]] = med;
}

static void read_some(struct reader *r, size_t bytes)
{
	const struct drain_sink sink = {
	    .open = on_open, .close = on_close, .arg = r, .frame = 8};
	struct buf out = {0};

	sessions_tell(r->sessions, r->view.m, &ops, r);
	drain_some(r->drain, &r->view, &sink, &out, bytes);
	struct rd in = rd_from(out.p, out.n);
	while (rd_left(&in))
		take(r, &in);
	buf_done(&out);
}

static void reader_init(struct reader *r, struct mirror *m)
{
	mirror_view_init(&r->view, m);
	r->drain = drain_new(7);
	r->sessions = sessions_new();
	memset(r->up, 0, sizeof r->up);
	memset(r->has, 0xff, sizeof r->has);
}

static void reader_done(struct reader *r)
{
	mirror_view_done(&r->view);
	drain_free(r->drain);
	sessions_free(r->sessions);
}

/* What the reader has to have by now. */
static void compare(const struct world *w, const struct reader *r)
{
	static uint32_t want[DRAIN_RIBS][PEERS][NAMES];

	memset(want, 0xff, sizeof want);
	for (uint32_t id = 0; id < IDS; id++) {
		uint32_t name = w->name[id];

		for (uint32_t i = 0; name != NONE && i < PEERS; i++) {
			uint32_t v = w->value[id][i];
			uint32_t *best = &want[DRAIN_LOC][0][name];

			if (v == NONE)
				continue;
			if (!w->refused[id][i] && *best == NONE)
				*best = v;
			if (!w->up[i] || w->stale[id][i])
				continue;
			want[DRAIN_PRE][i][name] = v;
			if (!w->refused[id][i])
				want[DRAIN_POST][i][name] = v;
		}
	}
	assert_memory_equal(r->up, w->up, sizeof w->up);
	assert_memory_equal(r->has, want, sizeof want);
}

static void run(uint32_t with)
{
	static struct world w;
	static struct reader fast, slow;

	seed = with;
	memset(&w, 0, sizeof w);
	memset(w.name, 0xff, sizeof w.name);
	w.m = mirror_new();
	reader_init(&fast, w.m);
	reader_init(&slow, w.m);
	for (unsigned i = 0; i < 400; i++) {
		change(&w);
		if (i == 200)
			record(&w, WATCH_TABLE, 0, "", 0);
		read_some(&fast, SIZE_MAX);
		compare(&w, &fast);
		if (roll(30) == 0)
			read_some(&slow, 1 + roll(400));
		if (roll(100) == 0) {
			reader_done(&slow);
			reader_init(&slow, w.m);
		}
	}
	while (mirror_view_left(&slow.view))
		read_some(&slow, 100);
	read_some(&slow, SIZE_MAX);
	compare(&w, &slow);
	reader_done(&fast);
	reader_done(&slow);
	mirror_free(w.m);
}

static void readers_know_what_there_is(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < 200; i++)
		run(i);
}

static void nonsense_is_refused(void **state)
{
	static const uint32_t types[] = {WATCH_PEER, WATCH_GONE, WATCH_SET,
	    WATCH_CLASS, WATCH_PREFIXES, WATCH_TABLE, 7};
	struct mirror *m = mirror_new();

	(void)state;
	for (uint32_t with = 0; with < 20000; with++) {
		uint8_t *data;
		struct link_head h;

		seed = with;
		h = (struct link_head){.len = roll(300),
		    .type = types[roll(7)],
		    .a = roll(3) ? roll(4) : roll(1u << 23) * 512};
		data = malloc(h.len + !h.len); /* ASan guards the end */
		assert_non_null(data);
		for (uint32_t i = 0; i < h.len; i++)
			data[i] = roll(2) ? (uint8_t)roll(256) : 0;
		(void)!mirror_record(m, &h, data, 1);
		free(data);
	}
	mirror_free(m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(readers_know_what_there_is),
	    cmocka_unit_test(nonsense_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/*
 * The mirror and its readers at random: engines' records that change routes
 * and sessions, readers that read now and then, compared with a plain table.
 */
#include "check.h"

#include "bgp/attrs.h"
#include "monitor/drain.h"
#include "monitor/sessions.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define PEERS 3
#define IDS 12
#define NAMES 20 /* prefixes */
#define CLASSES 4
#define ALL 2 /* the peer that gets every path: ADD-PATH */
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
	uint32_t class[IDS][PEERS];
	uint32_t may[CLASSES][PEERS]; /* 0: no; else 1 + how often prepended */
	bool out;		      /* WATCH_OUT was told */
};

/*
 * A record that is cut short is refused and changes nothing.  Two may be
 * empty: a class that nobody gets, and no prefixes.
 */
static void refuse_cut(
    struct world *w, uint32_t type, uint32_t a, const void *p, size_t n)
{
	bool empty =
	    type == WATCH_CLASS || type == WATCH_BITS || type == WATCH_PREFIXES;

	for (size_t cut = empty; cut < n; cut++) {
		struct link_head h = {
		    .len = (uint32_t)cut, .type = type, .a = a};
		uint8_t *exact = malloc(cut + !cut);

		assert_non_null(exact);
		memcpy(exact, p, cut);
		assert_int_equal(
		    mirror_record(w->m, &h, exact, 1000000), -EPROTO);
		free(exact);
	}
}

static void record(
    struct world *w, uint32_t type, uint32_t a, const void *p, size_t n)
{
	struct link_head h = {.len = (uint32_t)n, .type = type, .a = a};
	uint8_t *exact = malloc(n + !n);

	refuse_cut(w, type, a, p, n);
	assert_non_null(exact);
	memcpy(exact, p, n);
	assert_int_equal(mirror_record(w->m, &h, exact, 1000000), 0);
	free(exact);
}

static void put_class(struct world *w, enum watch_type type, uint32_t class)
{
	uint64_t bits[WATCH_PLANES] = {0};

	for (uint32_t peer = 0; peer < PEERS; peer++) {
		uint32_t may = w->up[peer] ? w->may[class][peer] : 0;

		bits[0] |= (uint64_t)(may > 0) << peer;
		for (uint32_t k = 0; may && k < WATCH_PLANES - 1; k++)
			bits[1 + k] |= (uint64_t)((may - 1) >> k & 1) << peer;
	}
	record(w, type, class, bits, sizeof bits);
}

/* Its number is free: no path is of it. */
static void new_class(struct world *w, uint32_t class)
{
	for (uint32_t id = 0; id < IDS; id++)
		for (uint32_t peer = 0; peer < PEERS; peer++)
			if (w->name[id] != NONE && w->value[id][peer] != NONE &&
			    w->class[id][peer] == class)
				return;
	for (uint32_t peer = 0; peer < PEERS; peer++)
		w->may[class][peer] = roll(5);
	put_class(w, WATCH_CLASS, class);
}

static void put_bits(struct world *w)
{
	for (uint32_t class = 0; class < CLASSES; class ++)
		put_class(w, WATCH_BITS, class);
}

static void come(struct world *w, uint32_t peer)
{
	struct watch_peer p;

	w->up[peer] = true;
	for (uint32_t class = 0; class < CLASSES; class ++)
		w->may[class][peer] = roll(5);
	put_bits(w);

	memset(&p, 0, sizeof p);
	p.up.peer.b[3] = (uint8_t)(peer + 1);
	p.up.asn = 64500 + peer;
	p.up.id = peer + 1;
	p.up.families = 1;
	p.up.add_path_tx = peer == ALL;
	record(w, WATCH_PEER, peer, &p, sizeof p);
}

/* Its routes stay, stale, until they come anew or go. */
static void go(struct world *w, uint32_t peer)
{
	struct feed_down d;

	memset(&d, 0, sizeof d);
	w->up[peer] = false;
	put_bits(w);
	record(w, WATCH_GONE, peer, &d, sizeof d);
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
	    .path_id_out = peer + 1,
	    .class = w->class[id][peer],
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

	if (roll(20) == 0)
		new_class(w, roll(CLASSES));
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
		w->class[id][peer] = roll(CLASSES);
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
	uint32_t has[DRAIN_OUT][PEERS][NAMES];
	/* By client, path id or 0, prefix: MED and 16 times the prepends. */
	uint32_t out[PEERS][PEERS + 1][NAMES];
};

static void on_up(void *arg, struct mirror_peer *p)
{
	struct reader *r = arg;

	assert_false(r->up[p->slot]);
	r->up[p->slot] = true;
	drain_client_up(r->drain, p);
}

static void on_down(void *arg, const struct mirror_peer *p)
{
	struct reader *r = arg;

	assert_true(r->up[p->slot]);
	r->up[p->slot] = false;
	memset(r->has[DRAIN_PRE][p->slot], 0xff, sizeof r->has[0][0]);
	memset(r->has[DRAIN_POST][p->slot], 0xff, sizeof r->has[0][0]);
	memset(r->out[p->slot], 0xff, sizeof r->out[0]);
	drain_client_down(r->drain, p->slot);
}

static const struct sessions_ops ops = {on_up, on_down};

static uint8_t *on_open(void *arg, struct wr *w, const struct drain_group *g)
{
	uint32_t head[4] = {g->rib, g->rib == DRAIN_LOC ? 0 : g->peer->slot,
	    g->prepend, g->add_path};
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

static uint32_t *place(
    struct reader *r, const uint32_t head[4], const struct bgp_prefix *p)
{
	uint32_t name = p->prefix.addr.b[2];

	if (head[0] != DRAIN_OUT)
		return &r->has[head[0]][head[1]][name];
	assert_int_equal(head[3], head[1] == ALL);
	assert_in_range(p->path_id, head[3], head[3] ? PEERS : 0);
	return &r->out[head[1]][p->path_id][name];
}

/* One UPDATE. */
static void take(struct reader *r, struct rd *in)
{
	uint32_t head[4];
	struct bgp_prefix p;

	rd_copy(in, head, sizeof head);
	rd_skip(in, 16);
	size_t len = rd_u16(in);
	assert_int_equal(rd_u8(in), BGP_UPDATE);
	assert_in_range(len, BGP_HEADER, BGP_MAX);
	struct rd body = rd_sub(in, len - BGP_HEADER);
	assert_true(rd_ok(in));
	assert_true(head[0] == DRAIN_LOC || r->up[head[1]]);
	/* The routes lack ORIGIN and AS_PATH: only what is tested is there. */
	struct bgp_nlri gone = {.family = FAMILY_IPV4, .add_path = head[3]};
	gone.wire.n = rd_u16(&body);
	gone.wire.p = rd_take(&body, gone.wire.n);
	size_t n_attrs = rd_u16(&body);
	struct rd attrs = rd_sub(&body, n_attrs);
	struct bgp_nlri reach = {.family = FAMILY_IPV4,
	    .add_path = head[3],
	    .wire = {body.p, rd_left(&body)}};
	while (bgp_nlri_next(&gone, &p)) {
		assert_int_not_equal(*place(r, head, &p), NONE);
		*place(r, head, &p) = NONE;
	}
	uint32_t med = n_attrs ? attrs.end[-1] : 0;
	while (bgp_nlri_next(&reach, &p))
		*place(r, head, &p) = med + 16 * head[2];
}

static void read_some(struct reader *r, size_t bytes)
{
	const struct drain_sink sink = {
	    .open = on_open, .close = on_close, .arg = r, .frame = 16};
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
	r->drain = drain_new((1u << DRAIN_RIBS) - 1);
	r->sessions = sessions_new();
	memset(r->up, 0, sizeof r->up);
	memset(r->has, 0xff, sizeof r->has);
	memset(r->out, 0xff, sizeof r->out);
}

static void reader_done(struct reader *r)
{
	mirror_view_done(&r->view);
	drain_free(r->drain);
	sessions_free(r->sessions);
}

/* What a client gets, said a second time. */
static void want_out(const struct world *w, uint32_t client,
    uint32_t out[PEERS + 1][NAMES], uint64_t *ret_n)
{
	*ret_n = 0;
	for (uint32_t id = 0; id < IDS; id++) {
		uint32_t name = w->name[id];

		for (uint32_t i = 0; name != NONE && i < PEERS; i++) {
			uint32_t v = w->value[id][i];
			uint32_t may = w->may[w->class[id][i]][client];
			uint32_t *to = &out[client == ALL ? i + 1 : 0][name];

			if (v == NONE || w->refused[id][i] || i == client ||
			    !may || *to != NONE)
				continue;
			*to = v + 16 * (may - 1);
			++*ret_n;
		}
	}
}

static void compare_out(const struct world *w, const struct reader *r)
{
	static uint32_t want[PEERS][PEERS + 1][NAMES];

	memset(want, 0xff, sizeof want);
	for (uint32_t i = 0; i < PEERS; i++) {
		uint64_t got[FAMILY_COUNT], n;

		if (!w->out || !w->up[i])
			continue;
		want_out(w, i, want[i], &n);
		assert_true(drain_client_routes(r->drain, i, got));
		assert_int_equal(got[FAMILY_IPV4], n);
	}
	assert_memory_equal(r->out, want, sizeof want);
}

/* What the reader has to have by now. */
static void compare(const struct world *w, const struct reader *r)
{
	static uint32_t want[DRAIN_OUT][PEERS][NAMES];

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
	compare_out(w, r);
}

static void run(uint32_t with)
{
	static struct world w;
	static struct reader fast, slow;

	seed = with;
	memset(&w, 0, sizeof w);
	memset(w.name, 0xff, sizeof w.name);
	w.m = mirror_new();
	for (uint32_t class = 0; class < CLASSES; class ++)
		new_class(&w, class);
	reader_init(&fast, w.m);
	reader_init(&slow, w.m);
	for (unsigned i = 0; i < 400; i++) {
		change(&w);
		if (i == 200)
			record(&w, WATCH_TABLE, 0, "", 0);
		if (i == 100) {
			record(&w, WATCH_OUT, 0, "", 0);
			w.out = true;
		}
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
	    WATCH_CLASS, WATCH_BITS, WATCH_PREFIXES, WATCH_TABLE, WATCH_OUT, 7};
	struct mirror *m = mirror_new();

	(void)state;
	for (uint32_t with = 0; with < 20000; with++) {
		uint8_t *data;
		struct link_head h;

		seed = with;
		h = (struct link_head){.len = roll(300),
		    .type = types[roll(9)],
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

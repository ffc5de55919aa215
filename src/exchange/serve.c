/*
 * Clients that do not follow the journals: those that join, ask for a
 * refresh, or were too slow.  Each has a bit a prefix of what it is to be
 * told, and is told the state of now, slice by slice, through the journal
 * with a mask of itself alone; two slices may be under way.  When no bit is
 * left it follows the journals again, from where it stands.
 */
#include "exchange/internal.h"

#include "base/clock.h"

#include <stdlib.h>

#define SLICE_MAX 65536
#define GONE_MAX (1u << 20)

static void bits_room(struct lag *l, uint32_t id)
{
	uint32_t words = l->words ? l->words : 64;

	if (id / 64 < l->words)
		return;
	while (words <= id / 64)
		words += words / 2 + 1; /* it may have been 1 */
	uint64_t *bits = realloc(l->bits, words * sizeof *bits);
	must(bits);
	memset(bits + l->words, 0, (words - l->words) * sizeof *bits);
	l->bits = bits;
	l->words = words;
}

/* Ids that are exported: while a deferral is being released, not all. */
static uint32_t exported_end(const struct exchange *x, enum family f)
{
	if (x->defer[f])
		return 0;
	if (x->releasing[f])
		return x->released[f];
	return rib_end(x->rib, f);
}

/* All that has a path, and what was marked before. */
static void mark_all(struct exchange *x, enum family f, struct lag *l)
{
	uint32_t end = exported_end(x, f);
	uint32_t words = end / 64 + 1;

	if (words < l->words)
		words = l->words;
	uint64_t *bits = calloc(words, sizeof *bits);
	must(bits);
	memset(bits, 0xff, end / 64 * sizeof *bits);
	for (uint32_t id = end / 64 * 64; id < end; id++)
		bit_set(bits, id);
	kept_unmark(x, f, bits, words);
	for (uint32_t i = 0; i < l->words; i++)
		bits[i] |= l->bits[i];
	free(l->bits);
	l->bits = bits;
	l->words = words;
	l->at = 0;
}

void serve_begin(struct exchange *x, uint32_t slot, enum family f, bool all)
{
	struct slot *s = x->slot[slot];
	struct lag *l = s->lag[f];

	if (!l) {
		l = calloc(1, sizeof *l);
		must(l);
		l->slice = SLICE_MAX;
		s->lag[f] = l;
		bit_set(x->lagging[f], slot);
		x->n_lagging++;
		s->c.lagging = true;
	}
	if (all)
		mark_all(x, f, l);
}

void serve_mark(struct exchange *x, uint32_t slot, enum family f, uint32_t id)
{
	struct lag *l = x->slot[slot]->lag[f];

	bits_room(l, id);
	bit_set(l->bits, id);
	if (id / 64 < l->at)
		l->at = id / 64;
}

void serve_too_slow(struct exchange *x, uint32_t slot)
{
	struct bgp_notify n =
	    bgp_notify_cease(BGP_CEASE_RESOURCES, "reads too slowly");

	restart_close(x, slot, &n, 60, "reads too slowly");
}

/* ---- paths taken away (ADD-PATH) ---------------------------------------- */

static uint32_t *gone_chain(const struct lag *l, uint32_t id)
{
	return &l->gone_chain[(id * 0x9e3779b1u) & (l->cap_gone - 1)];
}

static bool gone_grow(struct lag *l)
{
	uint32_t cap = l->cap_gone ? 2 * l->cap_gone : 64;

	if (cap > GONE_MAX)
		return false;
	struct gone *gone = realloc(l->gone, cap * sizeof *gone);
	if (!gone)
		return false;
	l->gone = gone;
	uint32_t *chain = calloc(cap, sizeof *chain);
	if (!chain)
		return false;
	free(l->gone_chain);
	l->gone_chain = chain;
	l->cap_gone = cap;
	/* None is free, or it would not have to grow. */
	for (uint32_t i = 0; i < l->n_gone; i++) {
		uint32_t *link = gone_chain(l, gone[i].id);

		gone[i].next = *link;
		*link = i + 1;
	}
	return true;
}

/* Takes one of the prefix' out; false: there is none. */
static bool gone_take(struct lag *l, uint32_t id, uint32_t *ret_path_id)
{
	uint32_t *link = l->cap_gone ? gone_chain(l, id) : NULL;

	while (link && *link) {
		uint32_t at = *link;
		struct gone *g = &l->gone[at - 1];

		if (g->id != id) {
			link = &g->next;
			continue;
		}
		*ret_path_id = g->path_id;
		*link = g->next;
		g->next = l->gone_free;
		l->gone_free = at;
		return true;
	}
	return false;
}

static bool gone_add(struct lag *l, uint32_t id, uint32_t path_id)
{
	uint32_t at = l->cap_gone ? *gone_chain(l, id) : 0;

	for (; at; at = l->gone[at - 1].next)
		if (l->gone[at - 1].id == id &&
		    l->gone[at - 1].path_id == path_id)
			return true;
	at = l->gone_free;
	if (at) {
		l->gone_free = l->gone[at - 1].next;
	} else {
		if (l->n_gone == l->cap_gone && !gone_grow(l))
			return false;
		at = ++l->n_gone;
	}
	uint32_t *link = gone_chain(l, id);
	l->gone[at - 1] = (struct gone){id, path_id, *link};
	*link = at;
	return true;
}

void serve_gone(struct exchange *x, uint32_t slot, enum family f, uint32_t id,
    uint32_t path_id)
{
	if (!gone_add(x->slot[slot]->lag[f], id, path_id))
		serve_too_slow(x, slot);
}

void serve_end(struct exchange *x, uint32_t slot, enum family f)
{
	struct slot *s = x->slot[slot];
	struct lag *l = s->lag[f];

	if (!l)
		return;
	free(l->bits);
	free(l->gone);
	free(l->gone_chain);
	free(l);
	s->lag[f] = NULL;
	bit_clear(x->lagging[f], slot);
	x->n_lagging--;
	s->c.lagging = s->lag[FAMILY_IPV4] || s->lag[FAMILY_IPV6];
}

static bool send_message(
    struct exchange *x, uint32_t slot, enum family f, const struct wr *w)
{
	unsigned journal = journal_of(x->slot[slot], f);
	uint8_t *p =
	    journal_room(x, journal, export_mask_of(x, slot), wr_len(w));

	if (p) {
		memcpy(p, w->start, wr_len(w));
		journal_commit(x, journal, wr_len(w));
	}
	return p;
}

static bool send_end_of_rib(struct exchange *x, uint32_t slot, enum family f)
{
	uint8_t buf[64];
	struct wr w = wr_from(buf, sizeof buf);

	bgp_end_of_rib_write(&w, f);
	return send_message(x, slot, f, &w);
}

static bool send_refresh(
    struct exchange *x, uint32_t slot, enum family f, uint8_t subtype)
{
	uint8_t buf[64];
	struct wr w = wr_from(buf, sizeof buf);

	bgp_refresh_write(&w, f, subtype);
	return send_message(x, slot, f, &w);
}

void serve_end_of_rib(struct exchange *x, uint32_t slot, enum family f)
{
	struct slot *s = x->slot[slot];

	if (!s->lag[f] && s->join_seq[f] && send_end_of_rib(x, slot, f)) {
		export_settle(x);
		journal_publish(x);
		return;
	}
	serve_begin(x, slot, f, false);
	s->lag[f]->eor = true;
}

void serve_refresh(struct exchange *x, uint32_t slot, enum family f)
{
	struct slot *s = x->slot[slot];

	export_flush(x);
	serve_begin(x, slot, f, true);
	if (!s->c.as.enhanced_refresh)
		return;
	s->lag[f]->borr = true;
	s->lag[f]->eorr = true;
}

/* ---- a slice ------------------------------------------------------------ */

/* Gives how many paths it had to look at. */
static uint32_t tell_add_path(struct exchange *x, uint32_t slot, enum family f,
    uint32_t mask, uint32_t id)
{
	const struct rib_entry *e = rib_entry_at(x->rib, f, id);
	struct lag *l = x->slot[slot]->lag[f];
	uint32_t *list = x->rib->list;
	size_t n = rib_list(x->rib, e, list, RIB_PATHS_MAX);
	uint32_t path_id;

	/* Gone ones first: one that is back is announced after. */
	while (gone_take(l, id, &path_id)) {
		bool back = false;

		for (size_t k = 0; k < n && !back; k++)
			back =
			    rib_set_at(x->rib, list[k])->path_id == path_id &&
			    exchange_may(x, list[k], slot) == EXCHANGE_MAY;
		if (!back)
			export_to(
			    x, RIB_NONE, f, true, path_id, slot, mask, id);
	}
	for (size_t i = 0; i < n; i++)
		if (exchange_may(x, list[i], slot) == EXCHANGE_MAY)
			export_to(x, list[i], f, true,
			    rib_set_at(x->rib, list[i])->path_id, slot, mask,
			    id);
	return (uint32_t)n;
}

/* What is the same for all prefixes of a slice, and for the last one. */
struct telling {
	uint32_t slot;
	enum family f;
	uint32_t mask;
	uint32_t set;  /* the last one's only path; RIB_NONE: it had more */
	uint32_t run;  /* what came of it; RIB_NONE: nothing is said */
	uint32_t gone; /* the run of withdrawals, RIB_NONE: none yet */
};

/*
 * The set's run in this slice.  What the array says is only where to look, so
 * that it is never cleared.
 */
static uint32_t run_of(struct exchange *x, struct telling *t, uint32_t set)
{
	if (set == RIB_NONE) {
		if (t->gone == RIB_NONE)
			t->gone = export_begin(x, set, t->f, t->slot, t->mask);
		return t->gone;
	}
	uint32_t *run = &vec_u32(&x->run_of)[set];
	if (!export_is_of(x, *run, set))
		*run = export_begin(x, set, t->f, t->slot, t->mask);
	return *run;
}

/* A place for each set there is. */
static void run_of_room(struct exchange *x)
{
	struct vec *v = &x->run_of;
	size_t n = (size_t)x->rib->pages_end * RIB_PAGE;

	if (n <= v->n)
		return;
	vec_room(v, n - v->n, sizeof(uint32_t));
	memset(vec_u32(v) + v->n, 0, (n - v->n) * sizeof(uint32_t));
	v->n = n;
}

/* Gives how many paths it had to look at. */
static uint32_t tell(struct exchange *x, struct telling *t, uint32_t id)
{
	const struct rib_entry *e = rib_entry_at(x->rib, t->f, id);
	const struct lag *l = x->slot[t->slot]->lag[t->f];

	/* Tables come in so, many prefixes to a set. */
	if (e->n == 1 && e->best == t->set) {
		if (t->run != RIB_NONE)
			export_more(x, t->run, id);
		return 1;
	}
	if (e->flags & RIB_ENTRY_FREE)
		return 0;
	if (x->slot[t->slot]->c.as.add_path_tx & BGP_FAMILY(t->f))
		return tell_add_path(x, t->slot, t->f, t->mask, id);
	uint32_t set = exchange_choice(x, t->f, id, t->slot);
	/* A client that was never told of it has nothing to lose. */
	bool silent = set == RIB_NONE && l->joining && id / 64 >= l->told;
	uint32_t run = silent ? RIB_NONE : run_of(x, t, set);

	if (!silent)
		export_more(x, run, id);
	t->set = e->n == 1 && set != RIB_NONE ? set : RIB_NONE;
	t->run = run;
	return 1;
}

/* Tells about up to l->slice prefixes; true when no bit is left. */
static bool slice(struct exchange *x, uint32_t slot, enum family f)
{
	struct lag *l = x->slot[slot]->lag[f];
	uint32_t end = rib_end(x->rib, f);
	struct telling t = {.slot = slot,
	    .f = f,
	    .mask = export_mask_of(x, slot),
	    .set = RIB_NONE,
	    .gone = RIB_NONE};
	uint32_t told = 0;

	run_of_room(x);
	for (; l->at < l->words && told < l->slice; l->at++) {
		uint64_t bits = l->bits[l->at];

		if (!bits)
			continue;
		l->bits[l->at] = 0;
		for (; bits; bits &= bits - 1) {
			uint32_t id =
			    l->at * 64 + (uint32_t)__builtin_ctzll(bits);
			uint32_t n = id < end ? tell(x, &t, id) : 0;

			told += n ? n : 1;
		}
		if (l->told <= l->at)
			l->told = l->at + 1;
	}
	return l->at >= l->words;
}

/* How many prefixes the client has a path of. */
static void recount(struct exchange *x, uint32_t slot, enum family f)
{
	struct slot *s = x->slot[slot];
	bool add_path = s->c.as.add_path_tx & BGP_FAMILY(f);
	uint32_t end = rib_end(x->rib, f);
	uint32_t last = RIB_NONE; /* the last prefix' only path */
	uint64_t last_n = 0;
	uint64_t n = 0;

	for (uint32_t id = 0; id < end; id++) {
		const struct rib_entry *e = rib_entry_at(x->rib, f, id);

		if (e->n == 1 && e->best == last) {
			n += last_n;
			continue;
		}
		if (e->flags & RIB_ENTRY_FREE || !e->n)
			continue;
		if (!add_path) {
			last = e->n == 1 ? e->best : RIB_NONE;
			last_n = exchange_choice(x, f, id, slot) != RIB_NONE;
			n += last_n;
			continue;
		}
		size_t paths = rib_list(x->rib, e, x->rib->list, RIB_PATHS_MAX);
		for (size_t i = 0; i < paths; i++)
			n += exchange_may(x, x->rib->list[i], slot) ==
			     EXCHANGE_MAY;
	}
	s->c.advertised[f] = n;
	x->counts_due = true;
}

static void finish(struct exchange *x, uint32_t slot, enum family f)
{
	struct lag *l = x->slot[slot]->lag[f];

	if (l->eorr) {
		if (!send_refresh(x, slot, f, 2))
			return;
		l->eorr = false;
	}
	if (l->eor) {
		if (!send_end_of_rib(x, slot, f))
			return;
		l->eor = false;
	}
	if (l->joining) { /* what it has gone out first, then it is counted */
		l->joining = false;
		l->uncounted = true;
		return;
	}
	if (l->uncounted)
		recount(x, slot, f);
	serve_end(x, slot, f);
}

/* Does something for one client; false when it has to wait. */
static bool serve(struct exchange *x, uint32_t slot, enum family f)
{
	struct slot *s = x->slot[slot];
	struct lag *l = s->lag[f];
	uint64_t at = journal_at(x, slot, f);

	if (l->left) {
		if (at != UINT64_MAX)
			return false;
		l->left = false;
		l->mark[0] = l->mark[1] = 0;
		journal_join(x, slot, f);
		return true;
	}
	if (s->want_join & BGP_FAMILY(f) || !s->join_seq[f])
		return false;
	if (l->mark[0] && (at == UINT64_MAX || at < l->mark[0]))
		return false;
	if (x->n_free < journal_reserve(x))
		return false;
	if (l->borr) {
		if (!send_refresh(x, slot, f, 1))
			return false;
		l->borr = false;
	}
	if (l->mark[0] && l->slice < SLICE_MAX)
		l->slice *= 2;
	bool done = slice(x, slot, f);
	export_runs(x);
	export_settle(x);
	l->mark[0] = l->mark[1];
	/* Running out of room in the slice has marked what was left over. */
	if (done && l->at >= l->words)
		finish(x, slot, f);
	export_settle(x);
	journal_publish(x);
	if (s->lag[f])
		l->mark[1] = journal_head(x, journal_of(s, f));
	return true;
}

bool serve_step(struct exchange *x, uint64_t deadline)
{
	bool some = true;
	bool ring = false; /* the session role first */

	while (x->n_lagging && some) {
		some = false;
		for (uint32_t k = 0; k < x->n_slots && x->n_lagging; k++) {
			uint32_t i = (x->serve_next + k) % x->n_slots;
			struct slot *s = x->slot[i];

			for (enum family f = 0; f < FAMILY_COUNT; f++)
				if (s && s->c.up && s->lag[f]) {
					some |= serve(x, i, f);
					ring |=
					    s->lag[f] && s->lag[f]->uncounted;
				}
			if (some && (ring || clock_now_ns() > deadline)) {
				x->serve_next = (i + 1) % x->n_slots;
				return true;
			}
		}
	}
	return false;
}

/* ---- what was not sent -------------------------------------------------- */

static void unsent_run(
    struct exchange *x, uint32_t slot, struct bgp_nlri run, bool withdrawn)
{
	struct bgp_prefix p;
	enum family f = run.family;

	while (bgp_nlri_next(&run, &p)) {
		struct rib_nlri v = {.len = p.prefix.len, .make = true};

		memcpy(v.addr, p.prefix.addr.b, sizeof v.addr);
		if (rib_locate_one(x->rib, f, &v) == RIB_NONE)
			continue;
		kept_add(x, f, v.id);
		serve_mark(x, slot, f, v.id);
		if (withdrawn && run.add_path)
			serve_gone(x, slot, f, v.id, p.path_id);
	}
}

static void unsent_refresh(
    struct exchange *x, uint32_t slot, enum family f, struct rd body)
{
	struct bgp_refresh r;
	struct bgp_notify n;

	if (bgp_refresh_parse(body, &r, &n))
		return;
	if (r.subtype == 1) { /* what followed it counts for nothing now */
		serve_begin(x, slot, f, true);
		x->slot[slot]->lag[f]->borr = true;
	}
	x->slot[slot]->lag[f]->eorr = true;
}

void serve_unsent(
    struct exchange *x, uint32_t slot, enum family f, struct bytes messages)
{
	struct slot *s = x->slot[slot];
	struct bgp_rules rules = {
	    .families = s->c.as.families,
	    .add_path = s->c.as.add_path_tx,
	    .next_hop6 = BGP_FAMILY(FAMILY_IPV4),
	    .as4 = s->as4,
	};
	struct rd r = rd_from(messages.p, messages.n);

	while (rd_left(&r) >= BGP_HEADER) {
		struct rd head = rd_sub(&r, BGP_HEADER);
		struct bgp_update u;

		rd_skip(&head, 16);
		size_t n = rd_u16(&head);
		uint8_t type = rd_u8(&head);
		struct rd body = rd_sub(&r, n - BGP_HEADER);
		if (type == BGP_ROUTE_REFRESH)
			unsent_refresh(x, slot, f, body);
		if (type != BGP_UPDATE)
			continue;
		arena_reset(&x->arena);
		bgp_update_parse(body, &rules, &x->arena, &u);
		for (unsigned i = 0; i < 2; i++) {
			if (u.withdrawn[i].wire.n)
				unsent_run(x, slot, u.withdrawn[i], true);
			if (u.reach[i].wire.n)
				unsent_run(x, slot, u.reach[i], false);
		}
		if (u.end_of_rib)
			s->lag[f]->eor = true;
	}
}

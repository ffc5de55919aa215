/*
 * The VRPs of all caches lie in one table: note.sources says which caches
 * have an entry, note.mark for which of them it was last told that it counts.
 * ASPAs are few: each cache has a table of its own, and the union another.
 */
#include "rpki/merge.h"

#include "base/must.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define IN_BATCH 0x8000u /* in sources: seen in the response at hand */

_Static_assert(RPKI_CACHES < 16, "a bit of sources is used here");

/* Keys to be looked at again when what counts is settled. */
struct todo {
	bool all;
	struct vrp *vrp;
	size_t n_vrp, cap_vrp;
	uint32_t *customer;
	size_t n_customer, cap_customer;
};

struct merge {
	struct vrps *vrps;
	struct aspas *own[RPKI_CACHES];
	struct aspas *aspas; /* the union of those that count */
	uint16_t preference[RPKI_CACHES];
	uint16_t has_data;
	uint16_t active;
	size_t count[RPKI_CACHES][FAMILY_COUNT];
	size_t total[FAMILY_COUNT];
	struct todo todo;
};

struct merge *merge_new(void)
{
	struct merge *m = calloc(1, sizeof *m);

	if (!m)
		return NULL;
	m->vrps = vrps_new();
	m->aspas = aspas_new();
	bool ok = m->vrps && m->aspas;
	for (unsigned i = 0; i < RPKI_CACHES; i++) {
		m->own[i] = aspas_new();
		ok &= m->own[i] != NULL;
	}
	if (ok)
		return m;
	merge_free(m);
	return NULL;
}

static void todo_clear(struct todo *t)
{
	free(t->vrp);
	free(t->customer);
	*t = (struct todo){0};
}

void merge_free(struct merge *m)
{
	if (!m)
		return;
	vrps_free(m->vrps);
	aspas_free(m->aspas);
	for (unsigned i = 0; i < RPKI_CACHES; i++)
		aspas_free(m->own[i]);
	todo_clear(&m->todo);
	free(m);
}

void merge_set_preference(struct merge *m, unsigned cache, uint16_t preference)
{
	must(cache < RPKI_CACHES);
	m->preference[cache] = preference;
}

/* When memory is out, everything is looked at instead. */
static void todo_vrp(struct todo *t, const struct vrp *v)
{
	if (t->all)
		return;
	if (t->n_vrp == t->cap_vrp) {
		size_t cap = t->cap_vrp ? t->cap_vrp * 2 : 256;
		struct vrp *more = realloc(t->vrp, cap * sizeof *more);

		if (!more) {
			t->all = true;
			return;
		}
		t->vrp = more;
		t->cap_vrp = cap;
	}
	t->vrp[t->n_vrp++] = *v;
}

static void todo_customer(struct todo *t, uint32_t customer)
{
	if (t->all)
		return;
	if (t->n_customer == t->cap_customer) {
		size_t cap = t->cap_customer ? t->cap_customer * 2 : 256;
		uint32_t *more = realloc(t->customer, cap * sizeof *more);

		if (!more) {
			t->all = true;
			return;
		}
		t->customer = more;
		t->cap_customer = cap;
	}
	t->customer[t->n_customer++] = customer;
}

/* ---- VRPs of a batch ---------------------------------------------------- */

#define PLACES 65536u /* rough: by the first bits */

static uint32_t place_of(const struct pdu_vrp *p)
{
	uint32_t v = (uint32_t)p->addr[0] << 24 | (uint32_t)p->addr[1] << 16 |
		     (uint32_t)p->addr[2] << 8 | p->addr[3];

	return p->family == FAMILY_IPV4 ? v >> 16 : (v * 0x9e3779b1u) >> 16;
}

/*
 * Puts those that come in crowds where they belong, without a source; nearly
 * all others find room by themselves.
 */
static enum pdu_error make_room(struct merge *m, const struct cache_batch *b)
{
	uint32_t *at =
	    b->n_vrp > RPKI_CROWD ? calloc(PLACES, sizeof *at) : NULL;
	struct vrp *v = NULL;
	size_t n = 0, k = 0;
	int err = 0;

	if (b->n_vrp <= RPKI_CROWD)
		return PDU_FINE;
	if (!at)
		return PDU_INTERNAL;
	for (size_t i = 0; i < b->n_vrp; i++)
		at[place_of(&b->vrp[i])]++;
	for (size_t i = 0; i < b->n_vrp; i++)
		n += b->vrp[i].announce &&
		     at[place_of(&b->vrp[i])] >= RPKI_CROWD;
	if (n)
		v = malloc(n * sizeof *v);
	for (size_t i = 0; v && i < b->n_vrp; i++)
		if (b->vrp[i].announce &&
		    at[place_of(&b->vrp[i])] >= RPKI_CROWD)
			v[k++] = pdu_vrp(&b->vrp[i]);
	if (n)
		err = v ? vrps_put_many(m->vrps, v, n) : -ENOMEM;
	free(v);
	free(at);
	return err ? PDU_INTERNAL : PDU_FINE;
}

/* What is in no cache, and was told to nobody as being there, goes. */
static void sweep(struct merge *m, const struct cache_batch *b)
{
	struct vrp *v = malloc((b->n_vrp + 1) * sizeof *v);
	size_t n = 0;

	for (size_t i = 0; v && i < b->n_vrp; i++) {
		struct vrp x = pdu_vrp(&b->vrp[i]);
		const struct vrp_note *note = vrps_note(m->vrps, &x);

		if (note && !note->sources && !note->mark)
			v[n++] = x;
	}
	if (v) /* else they stay, and count for nothing */
		vrps_remove_many(m->vrps, v, n);
	free(v);
}

/* One record; bit says whose.  PDU_FINE: done. */
static enum pdu_error put_vrp(
    struct merge *m, const struct pdu_vrp *p, uint16_t bit)
{
	struct vrp v = pdu_vrp(p);
	bool is_new = false;
	struct vrp_note *note = p->announce ? vrps_put(m->vrps, &v, &is_new)
					    : vrps_note(m->vrps, &v);

	if (!note)
		return p->announce ? PDU_INTERNAL : PDU_UNKNOWN_WITHDRAWAL;
	if (p->announce == !!(note->sources & bit))
		return p->announce ? PDU_DUPLICATE : PDU_UNKNOWN_WITHDRAWAL;
	note->sources ^= bit;
	return PDU_FINE;
}

/* The reverse of put_vrp(), of the first n, which it had done. */
static void undo(
    struct merge *m, const struct cache_batch *b, size_t n, uint16_t bit)
{
	while (n--) {
		struct vrp v = pdu_vrp(&b->vrp[n]);
		struct vrp_note *note = vrps_note(m->vrps, &v);

		must(note); /* nothing is taken out before sweep() */
		note->sources ^= bit;
	}
	sweep(m, b);
}

static enum pdu_error put_all(
    struct merge *m, const struct cache_batch *b, uint16_t bit)
{
	enum pdu_error e = make_room(m, b);
	size_t i = 0;

	while (e == PDU_FINE && i < b->n_vrp) {
		e = put_vrp(m, &b->vrp[i], bit);
		i += e == PDU_FINE;
	}
	if (e != PDU_FINE)
		undo(m, b, i, bit);
	return e;
}

/* ---- ASPAs of a batch --------------------------------------------------- */

static enum pdu_error put_aspas(
    struct aspas *t, const struct cache_batch *b, bool full)
{
	for (size_t i = 0; i < b->n_aspa;) {
		uint32_t customer = b->aspa[i], n = b->aspa[i + 1];
		struct aspa_record r = {
		    .customer = customer, .provider = &b->aspa[i + 2], .n = n};
		struct aspa_record old;

		if (n & CACHE_ASPA_GONE) {
			if (!aspas_remove(t, customer))
				return PDU_UNKNOWN_WITHDRAWAL;
			i += 2;
			continue;
		}
		/* A later announcement replaces the earlier one, but for all
		 * data at once there is no earlier one. */
		if (full && aspas_find(t, customer, &old))
			return PDU_DUPLICATE;
		if (aspas_set(t, &r) < 0)
			return PDU_INTERNAL;
		i += 2 + n;
	}
	return PDU_FINE;
}

struct copy {
	struct aspas *to;
	bool failed;
};

static void copy_one(void *arg, const struct aspa_record *r)
{
	struct copy *c = arg;

	c->failed |= aspas_set(c->to, r) < 0;
}

/* A table with the batch in it; the cache's own stays as it is. */
static enum pdu_error next_aspas(struct merge *m, unsigned cache,
    const struct cache_batch *b, struct aspas **ret)
{
	struct copy c = {.to = aspas_new()};
	enum pdu_error e;

	if (!c.to)
		return PDU_INTERNAL;
	if (!b->full)
		aspas_each(m->own[cache], copy_one, &c);
	e = c.failed ? PDU_INTERNAL : put_aspas(c.to, b, b->full);
	if (e == PDU_FINE)
		*ret = c.to;
	else
		aspas_free(c.to);
	return e;
}

/* ---- a batch ------------------------------------------------------------- */

struct swap {
	struct merge *m;
	uint16_t bit;
	unsigned cache;
};

/* All data is here: what the response did not have is gone. */
static void swap_one(void *arg, const struct vrp *v, struct vrp_note *note)
{
	struct swap *s = arg;
	struct merge *m = s->m;
	enum family f = v->prefix.addr.family;
	bool had = note->sources & s->bit, has = note->sources & IN_BATCH;

	note->sources &= (uint16_t)~IN_BATCH;
	if (had != has) {
		note->sources ^= s->bit;
		m->count[s->cache][f] += has ? 1u : (size_t)-1;
	}
	/* One that came and went in the same response is to go, too. */
	if (had != has || !note->sources)
		todo_vrp(&m->todo, v);
}

static void note_delta(
    struct merge *m, unsigned cache, const struct cache_batch *b)
{
	for (size_t i = 0; i < b->n_vrp; i++) {
		struct vrp v = pdu_vrp(&b->vrp[i]);

		m->count[cache][v.prefix.addr.family] +=
		    b->vrp[i].announce ? 1u : (size_t)-1;
		todo_vrp(&m->todo, &v);
	}
}

static void note_customer(void *arg, const struct aspa_record *r)
{
	struct merge *m = arg;

	todo_customer(&m->todo, r->customer);
}

static void note_aspas(
    struct merge *m, unsigned cache, const struct cache_batch *b)
{
	if (b->full) { /* own is the new one already */
		aspas_each(m->own[cache], note_customer, m);
		return;
	}
	for (size_t i = 0; i < b->n_aspa;) {
		uint32_t n = b->aspa[i + 1];

		todo_customer(&m->todo, b->aspa[i]);
		i += 2 + (n & CACHE_ASPA_GONE ? 0 : n);
	}
}

enum pdu_error merge_apply(
    struct merge *m, unsigned cache, const struct cache_batch *b)
{
	must(cache < RPKI_CACHES);
	struct swap s = {m, (uint16_t)(1u << cache), cache};
	uint16_t bit = b->full ? IN_BATCH : s.bit;
	struct aspas *aspas;
	enum pdu_error e = put_all(m, b, bit);

	if (e != PDU_FINE)
		return e;
	e = next_aspas(m, cache, b, &aspas);
	if (e != PDU_FINE) {
		undo(m, b, b->n_vrp, bit);
		return e;
	}
	if (b->full) {
		vrps_each(m->vrps, swap_one, &s);
		aspas_each(m->own[cache], note_customer, m);
	} else {
		note_delta(m, cache, b);
	}
	aspas_free(m->own[cache]);
	m->own[cache] = aspas;
	note_aspas(m, cache, b);
	m->has_data |= s.bit;
	return PDU_FINE;
}

static void drop_one(void *arg, const struct vrp *v, struct vrp_note *note)
{
	struct swap *s = arg;

	if (!(note->sources & s->bit))
		return;
	note->sources &= (uint16_t)~s->bit;
	todo_vrp(&s->m->todo, v);
}

void merge_drop(struct merge *m, unsigned cache)
{
	must(cache < RPKI_CACHES);
	struct swap s = {m, (uint16_t)(1u << cache), cache};
	struct aspas *none = aspas_new();

	vrps_each(m->vrps, drop_one, &s);
	aspas_each(m->own[cache], note_customer, m);
	memset(m->count[cache], 0, sizeof m->count[cache]);
	m->has_data &= (uint16_t)~s.bit;
	if (!none) /* without memory its data stays, and does not count */
		return;
	aspas_free(m->own[cache]);
	m->own[cache] = none;
}

struct renumber {
	const unsigned *to;
};

static uint16_t moved(uint16_t mask, const unsigned to[RPKI_CACHES])
{
	uint16_t r = 0;

	for (unsigned i = 0; i < RPKI_CACHES; i++)
		if (mask & 1u << i && to[i] < RPKI_CACHES)
			r |= (uint16_t)(1u << to[i]);
	return r;
}

static void move_one(void *arg, const struct vrp *v, struct vrp_note *note)
{
	const struct renumber *r = arg;

	(void)v;
	note->sources = moved(note->sources, r->to);
}

void merge_renumber(struct merge *m, const unsigned to[RPKI_CACHES])
{
	struct renumber r = {to};
	struct aspas *own[RPKI_CACHES] = {0};
	struct aspas *left[RPKI_CACHES];
	size_t count[RPKI_CACHES][FAMILY_COUNT] = {0};
	size_t n_left = 0;

	for (unsigned i = 0; i < RPKI_CACHES; i++)
		if (to[i] == RPKI_CACHES)
			merge_drop(m, i);
	vrps_each(m->vrps, move_one, &r);
	for (unsigned i = 0; i < RPKI_CACHES; i++) {
		if (to[i] == RPKI_CACHES) {
			left[n_left++] = m->own[i];
			continue;
		}
		own[to[i]] = m->own[i];
		memcpy(count[to[i]], m->count[i], sizeof count[0]);
	}
	for (unsigned i = 0; i < RPKI_CACHES; i++)
		m->own[i] = own[i] ? own[i] : left[--n_left];
	memcpy(m->count, count, sizeof count);
	m->has_data = moved(m->has_data, to);
	m->todo.all = true;
}

/* ---- what counts --------------------------------------------------------- */

static uint16_t best(const struct merge *m)
{
	uint16_t r = 0, lowest = UINT16_MAX;

	for (unsigned i = 0; i < RPKI_CACHES; i++) {
		if (!(m->has_data & 1u << i))
			continue;
		if (!r || m->preference[i] < lowest) {
			lowest = m->preference[i];
			r = 0;
		}
		if (m->preference[i] == lowest)
			r |= (uint16_t)(1u << i);
	}
	return r;
}

struct settle {
	struct merge *m;
	uint32_t wall_s;
	const struct merge_sink *sink;
	struct vrp *dead; /* in no cache any more */
	size_t n_dead, cap_dead;
	bool no_mem;
};

static void bury(struct settle *s, const struct vrp *v)
{
	if (s->n_dead == s->cap_dead) {
		size_t cap = s->cap_dead ? s->cap_dead * 2 : 256;
		struct vrp *more = realloc(s->dead, cap * sizeof *more);

		if (!more) /* it stays, and says that it does not count */
			return;
		s->dead = more;
		s->cap_dead = cap;
	}
	s->dead[s->n_dead++] = *v;
}

static void settle_vrp(void *arg, const struct vrp *v, struct vrp_note *note)
{
	struct settle *s = arg;
	struct merge *m = s->m;
	uint16_t now = note->sources & m->active;
	struct vrp told = *v;

	if (now != note->mark) {
		if (now && !note->mark) {
			note->since_s = s->wall_s;
			m->total[v->prefix.addr.family]++;
		} else if (!now) {
			m->total[v->prefix.addr.family]--;
		}
		note->mark = now;
		told.sources = now;
		told.since_s = note->since_s;
		s->sink->vrp(s->sink->arg, &told, !now);
	}
	if (!note->sources)
		bury(s, v);
}

/* The customer's providers in all caches that count, into one record. */
static bool unite(struct settle *s, uint32_t customer, struct aspa_record *ret,
    uint32_t **ret_list)
{
	struct merge *m = s->m;
	struct aspa_record r, u = {.customer = customer, .since_s = s->wall_s};
	uint32_t *list;

	for (unsigned i = 0; i < RPKI_CACHES; i++)
		if (m->active & 1u << i && aspas_find(m->own[i], customer, &r))
			u.n += r.n;
	list = malloc((u.n + 1) * sizeof *list);
	if (!list)
		return false;
	u.n = 0;
	for (unsigned i = 0; i < RPKI_CACHES; i++) {
		if (!(m->active & 1u << i) ||
		    !aspas_find(m->own[i], customer, &r))
			continue;
		if (u.n + r.n > ASPA_PROVIDERS_MAX)
			continue; /* two such lists are nonsense already */
		memcpy(list + u.n, r.provider, r.n * sizeof *list);
		u.n += r.n;
		u.sources |= (uint16_t)(1u << i);
	}
	u.provider = list;
	*ret = u;
	*ret_list = list;
	return true;
}

static void settle_customer(struct settle *s, uint32_t customer)
{
	struct aspas *t = s->m->aspas;
	struct aspa_record r, old;
	uint32_t *list;
	bool had = aspas_find(t, customer, &old);
	uint16_t sources = had ? old.sources : 0;

	if (!unite(s, customer, &r, &list)) {
		s->no_mem = true;
		return;
	}
	if (!r.n) {
		if (aspas_remove(t, customer))
			s->sink->aspa(s->sink->arg, &r);
	} else if (aspas_set(t, &r) < 0) {
		s->no_mem = true;
	} else {
		bool is = aspas_find(t, customer, &r);

		must(is);
		if (!had || r.sources != sources || r.since_s == s->wall_s)
			s->sink->aspa(s->sink->arg, &r);
	}
	free(list);
}

static void gather(void *arg, const struct aspa_record *r)
{
	todo_customer(arg, r->customer);
}

static int by_number(const void *a, const void *b)
{
	const uint32_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

/* Each customer once. */
static void sort_customers(struct todo *t)
{
	size_t n = 0;

	if (!t->n_customer)
		return;
	qsort(t->customer, t->n_customer, sizeof *t->customer, by_number);
	for (size_t i = 0; i < t->n_customer; i++)
		if (!i || t->customer[i] != t->customer[n - 1])
			t->customer[n++] = t->customer[i];
	t->n_customer = n;
}

static bool all_customers(struct merge *m, struct todo *t)
{
	todo_clear(t);
	aspas_each(m->aspas, gather, t);
	for (unsigned i = 0; i < RPKI_CACHES; i++)
		aspas_each(m->own[i], gather, t);
	return !t->all;
}

int merge_settle(
    struct merge *m, uint32_t wall_s, const struct merge_sink *sink)
{
	struct settle s = {.m = m, .wall_s = wall_s, .sink = sink};
	uint16_t active = best(m);

	if (active != m->active)
		m->todo.all = true;
	m->active = active;
	if (m->todo.all) {
		vrps_each(m->vrps, settle_vrp, &s);
		if (!all_customers(m, &m->todo))
			s.no_mem = true;
	} else {
		for (size_t i = 0; i < m->todo.n_vrp; i++) {
			struct vrp *v = &m->todo.vrp[i];
			struct vrp_note *note = vrps_note(m->vrps, v);

			if (note)
				settle_vrp(&s, v, note);
		}
	}
	sort_customers(&m->todo);
	for (size_t i = 0; i < m->todo.n_customer; i++)
		settle_customer(&s, m->todo.customer[i]);
	vrps_remove_many(m->vrps, s.dead, s.n_dead);
	free(s.dead);
	todo_clear(&m->todo);
	m->todo.all = s.no_mem;
	return s.no_mem ? -ENOMEM : 0;
}

/* ---- questions ----------------------------------------------------------- */

static void each_vrp(void *arg, const struct vrp *v, struct vrp_note *note)
{
	const struct merge_sink *s = arg;
	struct vrp told = *v;

	if (!note->mark)
		return;
	told.sources = note->mark;
	s->vrp(s->arg, &told, false);
}

void merge_each(const struct merge *m, const struct merge_sink *s)
{
	struct merge_sink copy = *s;

	vrps_each(m->vrps, each_vrp, &copy);
	aspas_each(m->aspas, s->aspa, s->arg);
}

uint16_t merge_active(const struct merge *m)
{
	return m->active;
}

bool merge_has_data(const struct merge *m, unsigned cache)
{
	return m->has_data >> cache & 1;
}

void merge_count(const struct merge *m, unsigned cache, struct merge_count *ret)
{
	memcpy(ret->vrps, m->count[cache], sizeof ret->vrps);
	ret->aspas = aspas_count(m->own[cache]);
}

void merge_total(const struct merge *m, struct merge_count *ret)
{
	memcpy(ret->vrps, m->total, sizeof ret->vrps);
	ret->aspas = aspas_count(m->aspas);
}

size_t merge_bytes(const struct merge *m)
{
	size_t n = vrps_bytes(m->vrps) + aspas_bytes(m->aspas);

	for (unsigned i = 0; i < RPKI_CACHES; i++)
		n += aspas_bytes(m->own[i]);
	return n;
}

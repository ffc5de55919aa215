#include "rpki/view.h"

#include "base/must.h"

#include <stdlib.h>
#include <string.h>

#define CHANGES_MAX 100000 /* more of them are "all" */

struct rpki_view {
	struct vrps *vrps;
	struct aspas *aspas;
	bool has_data;
	bool doubt; /* the tables may have changed, and nobody was told */
	uint64_t epoch;
	uint64_t until_ns;
	uint16_t round; /* of "all": the mark of what came in it */

	/* An epoch as it comes. */
	bool open, all, direct; /* direct: nobody looks, no need to wait */
	struct rpki_vrp *vrp;
	size_t n_vrp, cap_vrp;
	uint32_t *aspa; /* struct rpki_aspa and providers, as words */
	size_t n_aspa, cap_aspa;

	/* What the last one changed. */
	struct prefix *prefix;
	size_t n_prefix, cap_prefix;
	uint32_t *customer;
	size_t n_customer, cap_customer;
	bool too_many;
};

struct rpki_view *view_new(void)
{
	struct rpki_view *v = calloc(1, sizeof *v);

	if (!v)
		return NULL;
	v->vrps = vrps_new();
	v->aspas = aspas_new();
	if (v->vrps && v->aspas) {
		vrps_quicken(v->vrps);
		return v;
	}
	view_free(v);
	return NULL;
}

static void forget_open(struct rpki_view *v)
{
	free(v->vrp);
	free(v->aspa);
	v->vrp = NULL;
	v->aspa = NULL;
	v->n_vrp = v->cap_vrp = 0;
	v->n_aspa = v->cap_aspa = 0;
	v->open = false;
}

static void forget_changes(struct rpki_view *v)
{
	free(v->prefix);
	free(v->customer);
	v->prefix = NULL;
	v->customer = NULL;
	v->n_prefix = v->cap_prefix = 0;
	v->n_customer = v->cap_customer = 0;
	v->too_many = false;
}

void view_free(struct rpki_view *v)
{
	if (!v)
		return;
	forget_open(v);
	forget_changes(v);
	vrps_free(v->vrps);
	aspas_free(v->aspas);
	free(v);
}

void view_restart(struct rpki_view *v)
{
	forget_open(v);
}

/* Room for n more elements, or NULL. */
static void *room(void *p, size_t used, size_t n, size_t *cap, size_t width)
{
	size_t want = *cap ? *cap * 2 : 64;

	if (used + n <= *cap)
		return p;
	while (want < used + n)
		want *= 2;
	p = realloc(p, want * width);
	if (p)
		*cap = want;
	return p;
}

static void changed_prefix(struct rpki_view *v, const struct prefix *p)
{
	struct prefix *more;

	if (v->too_many || v->n_prefix >= CHANGES_MAX) {
		v->too_many = true;
		return;
	}
	more = room(v->prefix, v->n_prefix, 1, &v->cap_prefix, sizeof *more);
	if (!more) {
		v->too_many = true;
		return;
	}
	v->prefix = more;
	v->prefix[v->n_prefix++] = *p;
}

static void changed_customer(struct rpki_view *v, uint32_t customer)
{
	uint32_t *more;

	if (v->too_many || v->n_customer >= CHANGES_MAX) {
		v->too_many = true;
		return;
	}
	more =
	    room(v->customer, v->n_customer, 1, &v->cap_customer, sizeof *more);
	if (!more) {
		v->too_many = true;
		return;
	}
	v->customer = more;
	v->customer[v->n_customer++] = customer;
}

/* ---- taking effect ------------------------------------------------------- */

static struct vrp vrp_of(const struct rpki_vrp *w)
{
	struct vrp x = {.asn = w->asn, .max_len = w->max_len};

	memcpy(x.prefix.addr.b, w->addr, sizeof w->addr);
	x.prefix.addr.family = w->family;
	x.prefix.len = w->len;
	return x;
}

static bool put_vrp(struct rpki_view *v, const struct rpki_vrp *w)
{
	struct vrp x = vrp_of(w);
	struct vrp_note *note;
	bool is_new;

	if (w->gone) {
		if (vrps_remove(v->vrps, &x))
			changed_prefix(v, &x.prefix);
		return true;
	}
	note = vrps_put(v->vrps, &x, &is_new);
	if (!note)
		return false;
	is_new |= !note->sources; /* put there by make_room() */
	note->sources = w->sources;
	note->since_s = w->since_s;
	note->mark = v->round;
	if (is_new)
		changed_prefix(v, &x.prefix);
	return true;
}

/* As the role's own table does it (merge.c): crowds find their room at once. */
static bool make_room(
    struct rpki_view *v, const struct rpki_vrp *w, size_t n, bool gone)
{
	struct vrp *x = n > RPKI_CROWD ? malloc(n * sizeof *x) : NULL;
	size_t k = 0;
	bool ok = true;

	if (n <= RPKI_CROWD)
		return true;
	if (!x)
		return false;
	for (size_t i = 0; i < n; i++)
		if (!!w[i].gone == gone)
			x[k++] = vrp_of(&w[i]);
	if (!gone)
		ok = !vrps_put_many(v->vrps, x, k);
	else
		k = vrps_remove_many(v->vrps, x, k);
	for (size_t i = 0; gone && i < k; i++)
		changed_prefix(v, &x[i].prefix);
	free(x);
	return ok;
}

static bool put_aspa(
    struct rpki_view *v, const struct rpki_aspa *w, const uint32_t *provider)
{
	struct aspa_record r = {.customer = w->customer,
	    .provider = provider,
	    .n = w->n,
	    .sources = (uint16_t)w->sources,
	    .since_s = w->since_s};

	if (!w->n) {
		if (aspas_remove(v->aspas, w->customer))
			changed_customer(v, w->customer);
		return true;
	}
	int n = aspas_set(v->aspas, &r);
	if (n > 0)
		changed_customer(v, w->customer);
	return n >= 0;
}

struct sweep {
	struct rpki_view *v;
	struct vrp *dead;
	size_t n, cap;
	bool failed;
};

/* All of it came: what did not come is gone. */
static void sweep_one(void *arg, const struct vrp *x, struct vrp_note *note)
{
	struct sweep *s = arg;
	struct vrp *more;

	if (note->mark == s->v->round)
		return;
	more = room(s->dead, s->n, 1, &s->cap, sizeof *more);
	if (!more) {
		s->failed = true;
		return;
	}
	s->dead = more;
	s->dead[s->n++] = *x;
}

static bool sweep_vrps(struct rpki_view *v)
{
	struct sweep s = {.v = v};

	vrps_each(v->vrps, sweep_one, &s);
	s.n = vrps_remove_many(v->vrps, s.dead, s.n);
	for (size_t i = 0; i < s.n; i++)
		changed_prefix(v, &s.dead[i].prefix);
	free(s.dead);
	return !s.failed;
}

static int by_number(const void *a, const void *b)
{
	const uint32_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

/* The customers that came, in order. */
struct came {
	uint32_t *customer;
	size_t n;
	uint32_t *gone;
	size_t n_gone;
};

static void look_gone(void *arg, const struct aspa_record *r)
{
	struct came *c = arg;

	if (!c->n || !bsearch(&r->customer, c->customer, c->n,
			 sizeof *c->customer, by_number))
		c->gone[c->n_gone++] = r->customer;
}

/* Those that did not come go. */
static bool sweep_aspas(struct rpki_view *v)
{
	struct came c = {
	    .customer = malloc((v->n_aspa + 1) * sizeof *c.customer),
	    .gone = malloc((aspas_count(v->aspas) + 1) * sizeof *c.gone)};
	bool ok = c.customer && c.gone;

	for (size_t i = 0; ok && i < v->n_aspa;) {
		struct rpki_aspa w;

		memcpy(&w, v->aspa + i, sizeof w);
		c.customer[c.n++] = w.customer;
		i += sizeof w / sizeof *v->aspa + w.n;
	}
	if (ok) {
		qsort(c.customer, c.n, sizeof *c.customer, by_number);
		aspas_each(v->aspas, look_gone, &c);
	}
	for (size_t i = 0; i < c.n_gone; i++) {
		aspas_remove(v->aspas, c.gone[i]);
		changed_customer(v, c.gone[i]);
	}
	free(c.customer);
	free(c.gone);
	return ok;
}

static bool apply(struct rpki_view *v)
{
	if (v->all && !sweep_aspas(v))
		return false;
	if (!make_room(v, v->vrp, v->n_vrp, true) ||
	    !make_room(v, v->vrp, v->n_vrp, false))
		return false;
	for (size_t i = 0; i < v->n_vrp; i++)
		if (!put_vrp(v, &v->vrp[i]))
			return false;
	for (size_t i = 0; i < v->n_aspa;) {
		struct rpki_aspa w;

		memcpy(&w, v->aspa + i, sizeof w);
		i += sizeof w / sizeof *v->aspa;
		if (!put_aspa(v, &w, v->aspa + i))
			return false;
		i += w.n;
	}
	return !v->all || sweep_vrps(v);
}

/* ---- records ------------------------------------------------------------- */

static enum view_event broken(struct rpki_view *v)
{
	forget_open(v);
	return VIEW_BROKEN;
}

static enum view_event on_begin(struct rpki_view *v, const void *data, size_t n)
{
	struct rpki_begin b;

	if (n != sizeof b)
		return broken(v);
	memcpy(&b, data, sizeof b);
	forget_open(v);
	forget_changes(v);
	if (!b.all && (!v->has_data || b.epoch != v->epoch + 1))
		return broken(v);
	v->open = true;
	v->all = b.all;
	v->round = v->round == VRP_GOING - 1 ? 1 : v->round + 1;
	v->direct = b.all && !v->has_data;
	return VIEW_NOTHING;
}

static bool record_is_possible(const struct rpki_vrp *w)
{
	return w->family < FAMILY_COUNT && w->len <= w->max_len &&
	       w->max_len <= family_bits(w->family);
}

static enum view_event on_vrps(struct rpki_view *v, const void *data, size_t n)
{
	const uint8_t *from = data;
	size_t k = n / sizeof(struct rpki_vrp);
	struct rpki_vrp *more;

	if (!v->open || n % sizeof *more)
		return broken(v);
	more = room(v->vrp, v->n_vrp, k, &v->cap_vrp, sizeof *more);
	if (!more)
		return broken(v);
	v->vrp = more;
	memcpy(v->vrp + v->n_vrp, from, k * sizeof *more);
	more += v->n_vrp;
	for (size_t i = 0; i < k; i++)
		if (!record_is_possible(&more[i]) || (v->all && more[i].gone))
			return broken(v);
	if (!v->direct) {
		v->n_vrp += k;
		return VIEW_NOTHING;
	}
	if (!make_room(v, more, k, false))
		return broken(v);
	for (size_t i = 0; i < k; i++)
		if (!put_vrp(v, &more[i]))
			return broken(v);
	return VIEW_NOTHING;
}

static enum view_event on_aspa(struct rpki_view *v, const void *data, size_t n)
{
	struct rpki_aspa w;
	size_t words = n / sizeof(uint32_t);
	uint32_t *more;

	if (!v->open || n < sizeof w)
		return broken(v);
	memcpy(&w, data, sizeof w);
	if (w.n > ASPA_PROVIDERS_MAX * RPKI_CACHES ||
	    n != sizeof w + w.n * sizeof(uint32_t))
		return broken(v);
	more = room(v->aspa, v->n_aspa, words, &v->cap_aspa, sizeof *more);
	if (!more)
		return broken(v);
	v->aspa = more;
	memcpy(v->aspa + v->n_aspa, data, n);
	v->n_aspa += words;
	return VIEW_NOTHING;
}

static enum view_event on_end(struct rpki_view *v, const void *data, size_t n)
{
	struct rpki_end e;
	bool had = v->has_data, ok;

	if (!v->open || n != sizeof e)
		return broken(v);
	memcpy(&e, data, sizeof e);
	ok = apply(v);
	forget_open(v);
	ok &= vrps_count(v->vrps, FAMILY_IPV4) == e.vrps[FAMILY_IPV4] &&
	      vrps_count(v->vrps, FAMILY_IPV6) == e.vrps[FAMILY_IPV6] &&
	      aspas_count(v->aspas) == e.aspas;
	if (!ok) {
		v->doubt = true;
		return VIEW_BROKEN;
	}
	v->epoch = e.epoch;
	v->has_data = true;
	if (!had || v->too_many || v->doubt) {
		v->doubt = false;
		return VIEW_ALL;
	}
	return v->n_prefix || v->n_customer ? VIEW_CHANGES : VIEW_NOTHING;
}

static enum view_event lose(struct rpki_view *v)
{
	v->until_ns = 0;
	if (!v->has_data)
		return VIEW_NOTHING;
	v->has_data = false;
	return VIEW_NO_DATA;
}

static enum view_event on_until(
    struct rpki_view *v, const void *data, size_t n, uint64_t now_ns)
{
	struct rpki_until u;

	if (n != sizeof u)
		return broken(v);
	memcpy(&u, data, sizeof u);
	if (u.ns <= now_ns)
		return lose(v);
	v->until_ns = u.ns;
	return VIEW_NOTHING;
}

enum view_event view_record(struct rpki_view *v, uint32_t type,
    const void *data, size_t n, uint64_t now_ns)
{
	switch (type) {
	case RPKI_BEGIN:
		return on_begin(v, data, n);
	case RPKI_VRPS:
		return on_vrps(v, data, n);
	case RPKI_ASPA:
		return on_aspa(v, data, n);
	case RPKI_END:
		return on_end(v, data, n);
	case RPKI_UNTIL:
		return on_until(v, data, n, now_ns);
	default:
		return VIEW_NOTHING;
	}
}

struct view_changes view_changes(const struct rpki_view *v)
{
	return (struct view_changes){
	    v->prefix, v->n_prefix, v->customer, v->n_customer};
}

uint64_t view_due(const struct rpki_view *v)
{
	return v->has_data && v->until_ns ? v->until_ns : UINT64_MAX;
}

enum view_event view_tick(struct rpki_view *v, uint64_t now_ns)
{
	return now_ns >= view_due(v) ? lose(v) : VIEW_NOTHING;
}

bool view_has_data(const struct rpki_view *v)
{
	return v->has_data;
}

uint64_t view_epoch(const struct rpki_view *v)
{
	return v->epoch;
}

const struct vrps *view_vrps(const struct rpki_view *v)
{
	return v->vrps;
}

const struct aspas *view_aspas(const struct rpki_view *v)
{
	return v->aspas;
}

#include "rpki/supply.h"

#include "base/clock.h"
#include "base/list.h"
#include "base/must.h"

#include <stdlib.h>
#include <string.h>

#define QUEUE_MAX 16		       /* epochs that a link may be behind */
#define QUEUE_BYTES ((size_t)64 << 20) /* of them; else all is less */

/* One epoch as records: head, payload, head, payload ... */
struct blob {
	unsigned refs;
	uint64_t epoch;
	bool failed; /* no memory, or of no use: links get all instead */
	bool any;    /* something was written, or would have been */
	uint8_t *p;
	size_t n, cap;
	size_t run; /* where the record of VRPs begins that still grows; or 0 */
};

struct head {
	uint32_t type;
	uint32_t len;
};

struct supply {
	const struct merge *merge;
	struct list links;
	struct blob *open;
	struct blob *all; /* made last; not to be made for each link */
	uint64_t epoch;
	uint64_t until_ns;
	bool began; /* there was data in this life */
};

struct supply_link {
	struct list list;
	struct supply *supply;
	struct link *link;
	bool need_all;
	struct blob *queue[QUEUE_MAX];
	size_t n;
	size_t at; /* in queue[0] */
	uint64_t until_ns;
	bool told; /* until_ns was sent */
};

/* ---- blobs --------------------------------------------------------------- */

static struct blob *blob_new(uint64_t epoch)
{
	struct blob *b = calloc(1, sizeof *b);

	if (b) {
		b->refs = 1;
		b->epoch = epoch;
	}
	return b;
}

static void blob_unref(struct blob *b)
{
	if (!b || --b->refs)
		return;
	free(b->p);
	free(b);
}

static void *blob_room(struct blob *b, size_t n)
{
	if (b->failed)
		return NULL;
	if (b->n + n > b->cap) {
		size_t cap = b->cap * 2 + n + 4096;
		uint8_t *more = realloc(b->p, cap);

		if (!more) {
			b->failed = true;
			return NULL;
		}
		b->p = more;
		b->cap = cap;
	}
	b->n += n;
	return b->p + b->n - n;
}

static void blob_record(struct blob *b, uint32_t type, const void *data,
    size_t n, const void *more, size_t n_more)
{
	struct head h = {type, (uint32_t)(n + n_more)};
	uint8_t *to = blob_room(b, sizeof h + n + n_more);

	b->run = 0;
	if (!to)
		return;
	memcpy(to, &h, sizeof h);
	if (n)
		memcpy(to + sizeof h, data, n);
	if (n_more)
		memcpy(to + sizeof h + n, more, n_more);
}

static void blob_begin(struct blob *b, bool all)
{
	struct rpki_begin x = {.epoch = b->epoch, .all = all};

	blob_record(b, RPKI_BEGIN, &x, sizeof x, NULL, 0);
}

static void blob_end(struct blob *b, const struct merge *m)
{
	struct merge_count c;
	struct rpki_end x = {.epoch = b->epoch};

	merge_total(m, &c);
	for (int f = 0; f < FAMILY_COUNT; f++)
		x.vrps[f] = (uint32_t)c.vrps[f];
	x.aspas = (uint32_t)c.aspas;
	blob_record(b, RPKI_END, &x, sizeof x, NULL, 0);
}

static void on_vrp(void *arg, const struct vrp *v, bool gone)
{
	struct blob *b = arg;
	struct head h = {RPKI_VRPS, 0};
	struct rpki_vrp w;
	void *to;

	b->any = true;
	if (b->failed)
		return;
	memset(&w, 0, sizeof w);
	memcpy(w.addr, v->prefix.addr.b, sizeof w.addr);
	w.asn = v->asn;
	w.since_s = v->since_s;
	w.sources = v->sources;
	w.family = v->prefix.addr.family;
	w.len = v->prefix.len;
	w.max_len = v->max_len;
	w.gone = gone;
	if (b->run)
		memcpy(&h, b->p + b->run, sizeof h);
	if (!b->run || h.len >= RPKI_VRPS_AT_ONCE * sizeof w) {
		size_t at = b->n;

		h.len = 0;
		blob_record(b, RPKI_VRPS, NULL, 0, NULL, 0);
		b->run = at;
	}
	to = blob_room(b, sizeof w);
	if (!to)
		return;
	memcpy(to, &w, sizeof w);
	h.len += (uint32_t)sizeof w;
	memcpy(b->p + b->run, &h, sizeof h);
}

static void on_aspa(void *arg, const struct aspa_record *r)
{
	struct blob *b = arg;
	struct rpki_aspa w = {.customer = r->customer,
	    .since_s = r->since_s,
	    .n = (uint32_t)r->n,
	    .sources = r->sources};

	b->any = true;
	blob_record(
	    b, RPKI_ASPA, &w, sizeof w, r->provider, r->n * sizeof(uint32_t));
}

/* ---- the supply ---------------------------------------------------------- */

struct supply *supply_new(const struct merge *m)
{
	struct supply *s = calloc(1, sizeof *s);

	if (!s)
		return NULL;
	s->merge = m;
	list_init(&s->links);
	/* Not to be taken for the next one of an earlier incarnation. */
	s->epoch = clock_seed() >> 16;
	return s;
}

void supply_free(struct supply *s)
{
	if (!s)
		return;
	blob_unref(s->open);
	blob_unref(s->all);
	free(s);
}

/* Does any link take changes, rather than all? */
static bool wanted(const struct supply *s)
{
	list_each(e, next, &s->links)
	{
		const struct supply_link *l =
		    list_entry(e, struct supply_link, list);

		if (!l->need_all)
			return true;
	}
	return false;
}

struct merge_sink supply_open(struct supply *s)
{
	static struct blob lost = {.failed = true};

	must(!s->open);
	s->open = blob_new(s->epoch + 1);
	if (s->open && !wanted(s))
		s->open->failed = true;
	if (s->open)
		blob_begin(s->open, false);
	return (struct merge_sink){on_vrp, on_aspa, s->open ? s->open : &lost};
}

static void link_clear(struct supply_link *l)
{
	for (size_t i = 0; i < l->n; i++)
		blob_unref(l->queue[i]);
	l->n = 0;
	l->at = 0;
}

/* What is on its way is finished first, or an engine might never see an end. */
static void fall_behind(struct supply_link *l)
{
	while (l->n > 1)
		blob_unref(l->queue[--l->n]);
	l->need_all = true;
}

static size_t queued(const struct supply_link *l)
{
	size_t n = 0;

	for (size_t i = 1; i < l->n; i++)
		n += l->queue[i]->n;
	return n;
}

void supply_link_again(struct supply_link *l)
{
	link_clear(l);
	l->need_all = true;
}

void supply_again(struct supply *s)
{
	list_each(e, next, &s->links)
	    supply_link_again(list_entry(e, struct supply_link, list));
}

bool supply_close(struct supply *s)
{
	struct blob *b = s->open;

	s->open = NULL;
	if (b && !b->any) {
		blob_unref(b);
		return false;
	}
	s->epoch++;
	blob_unref(s->all);
	s->all = NULL;
	if (b)
		blob_end(b, s->merge);
	list_each(e, next, &s->links)
	{
		struct supply_link *l = list_entry(e, struct supply_link, list);

		if (l->need_all)
			continue;
		if (!b || b->failed || l->n == QUEUE_MAX ||
		    queued(l) + b->n > QUEUE_BYTES) {
			fall_behind(l);
			continue;
		}
		b->refs++;
		l->queue[l->n++] = b;
	}
	blob_unref(b);
	return true;
}

void supply_set_until(struct supply *s, uint64_t ns)
{
	s->began |= ns != 0;
	s->until_ns = ns;
}

uint64_t supply_epoch(const struct supply *s)
{
	return s->epoch;
}

/* ---- links --------------------------------------------------------------- */

struct supply_link *supply_link_new(struct supply *s, struct link *link)
{
	struct supply_link *l = calloc(1, sizeof *l);

	if (!l)
		return NULL;
	l->supply = s;
	l->link = link;
	l->need_all = true;
	list_add_tail(&s->links, &l->list);
	return l;
}

void supply_link_free(struct supply_link *l)
{
	if (!l)
		return;
	link_clear(l);
	list_del(&l->list);
	free(l);
}

/* Until a cache has answered there is nothing to say. */
static bool take_all(struct supply_link *l)
{
	struct supply *s = l->supply;

	if (!merge_active(s->merge))
		return false;
	if (!s->all) {
		s->all = blob_new(s->epoch);
		if (!s->all)
			return false;
		blob_begin(s->all, true);
		merge_each(
		    s->merge, &(struct merge_sink){on_vrp, on_aspa, s->all});
		blob_end(s->all, s->merge);
	}
	if (s->all->failed) {
		blob_unref(s->all);
		s->all = NULL;
		return false;
	}
	s->all->refs++;
	l->queue[l->n++] = s->all;
	l->need_all = false;
	return true;
}

/* The next record of the blob in front; false: no room now. */
static bool push_one(struct supply_link *l)
{
	struct blob *b = l->queue[0];
	struct head h;

	memcpy(&h, b->p + l->at, sizeof h);
	if (!link_write(
		l->link, h.type, 0, 0, b->p + l->at + sizeof h, h.len, NULL, 0))
		return false;
	l->at += sizeof h + h.len;
	if (l->at < b->n)
		return true;
	blob_unref(b);
	memmove(l->queue, l->queue + 1, --l->n * sizeof *l->queue);
	l->at = 0;
	return true;
}

void supply_push(struct supply_link *l)
{
	struct supply *s = l->supply;
	struct rpki_until u = {.ns = s->until_ns};

	if (!link_ready(l->link))
		return;
	do {
		if (l->need_all && !l->n)
			take_all(l);
		while (l->n)
			if (!push_one(l))
				return;
	} while (l->need_all && take_all(l));
	if (s->all && s->all->refs == 1) {
		blob_unref(s->all);
		s->all = NULL;
	}
	if ((l->told && l->until_ns == u.ns) || (!s->began && !u.ns))
		return;
	if (!link_write(l->link, RPKI_UNTIL, 0, 0, &u, sizeof u, NULL, 0))
		return;
	l->told = true;
	l->until_ns = u.ns;
}

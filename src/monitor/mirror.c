#include "monitor/mirror.h"

#include "base/must.h"
#include "bgp/attrs.h"
#include "monitor/mirror_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* ---- sets and lists ------------------------------------------------------ */

const struct mirror_set *mirror_at(const struct mirror_list *l, uint32_t i)
{
	if (l->n == 1)
		return (const struct mirror_set *)(const void *)l;
	return ((const struct many *)(const void *)l)->set[i];
}

struct mirror_peer *mirror_peer_ref(struct mirror_peer *p)
{
	p->refs++;
	return p;
}

void mirror_peer_unref(struct mirror_peer *p)
{
	if (!p || --p->refs)
		return;
	free(p->opens);
	free(p);
}

static void class_unref(struct mirror_class *c)
{
	if (!c || --c->refs)
		return;
	free(c->bits);
	free(c);
}

static void set_unref(struct mirror *m, struct mirror_set *s)
{
	if (--s->one.refs)
		return;
	m->stats.sets--;
	m->stats.bytes -= (uint64_t)s->of.next_hop_len + s->of.wire_len;
	mirror_peer_unref(s->peer);
	class_unref(s->class);
	free(s);
}

void mirror_list_unref(struct mirror *m, struct mirror_list *l)
{
	struct many *many = (struct many *)(void *)l;

	if (!l || l == &mirror_nothing)
		return;
	if (l->n == 1) {
		set_unref(m, list_entry(l, struct mirror_set, one));
		return;
	}
	if (--l->refs)
		return;
	for (uint32_t i = 0; i < l->n; i++)
		set_unref(m, many->set[i]);
	free(many);
}

struct mirror_list mirror_nothing;

static bool same_list(
    const struct mirror_list *l, struct mirror_set *const *set, uint32_t n)
{
	return mirror_n(l) == n && n > 1 &&
	       !memcmp(((const struct many *)(const void *)l)->set, set,
		   n * sizeof(void *));
}

/* With a reference; NULL: empty.  Neighbours often have the same list. */
static struct mirror_list *list_of(
    struct mirror *m, struct mirror_set **set, uint32_t n)
{
	if (n == 0)
		return NULL;
	if (n == 1) {
		set[0]->one.refs++;
		return &set[0]->one;
	}
	if (m->last && same_list(m->last, set, n)) {
		m->last->refs++;
		return m->last;
	}
	struct many *l = malloc(sizeof *l + n * sizeof *set);
	must(l);
	l->head = (struct mirror_list){.refs = 2, .n = n};
	memcpy(l->set, set, n * sizeof *set);
	for (uint32_t i = 0; i < n; i++)
		set[i]->one.refs++;
	mirror_list_unref(m, m->last);
	m->last = &l->head;
	return &l->head;
}

/* ---- growing arrays -------------------------------------------------------
 */

static void *grow(void *p, uint32_t *cap, uint32_t want, size_t size)
{
	uint32_t more = *cap ? *cap : 256;

	if (want <= *cap)
		return p;
	while (more < want)
		more += more / 2;
	p = realloc(p, more * size);
	must(p);
	memset((char *)p + *cap * size, 0, (more - *cap) * size);
	*cap = more;
	return p;
}

/* ---- peers ----------------------------------------------------------------
 */

static bool is_same(const struct mirror_peer *p, const struct feed_up *up)
{
	return p && p->asn == up->asn && p->id == up->id &&
	       ip_eq(&p->info.up.peer, &up->peer);
}

static int on_peer(struct mirror *m, uint32_t slot, const uint8_t *data,
    size_t n, uint64_t now)
{
	struct watch_peer w;
	struct mirror_peer *p;

	if (n < sizeof w || slot >= FEED_SLOTS)
		return -EPROTO;
	memcpy(&w, data, sizeof w);
	size_t opens = (size_t)w.opens.n_sent + w.opens.n_received;
	if (n != sizeof w + opens || !feed_up_take(&w.up, sizeof w.up, &w.up))
		return -EPROTO;
	w.name[sizeof w.name - 1] = 0;
	p = m->slot[slot];
	if (!is_same(p, &w.up)) {
		if (p && p->up) {
			p->up = false;
			p->epoch++;
		}
		mirror_peer_unref(p);
		p = calloc(1, sizeof *p);
		must(p);
		p->refs = 1;
		p->epoch = 1;
		p->number = UINT32_MAX;
		m->slot[slot] = p;
	}
	uint8_t *bytes = malloc(opens + !opens);
	must(bytes);
	memcpy(bytes, data + sizeof w, opens);
	free(p->opens);
	p->opens = bytes;
	p->slot = slot;
	p->asn = w.up.asn;
	p->id = w.up.id;
	p->info = w;
	p->up = true;
	p->up_us = now;
	m->sessions++;
	return 0;
}

static int on_gone(struct mirror *m, uint32_t slot, const uint8_t *data,
    size_t n, uint64_t now)
{
	struct mirror_peer *p = slot < FEED_SLOTS ? m->slot[slot] : NULL;

	if (!p || n != sizeof p->ended)
		return -EPROTO;
	memcpy(&p->ended, data, sizeof p->ended);
	p->up = false;
	p->epoch++;
	p->down_us = now;
	m->sessions++;
	return 0;
}

/* ---- classes --------------------------------------------------------------
 */

/* The one of that number; without bits while nothing was told of it. */
static struct mirror_class **class_of(struct mirror *m, uint32_t number)
{
	m->class = grow(m->class, &m->class_cap, number + 1, sizeof *m->class);
	struct mirror_class **c = &m->class[number];

	if (*c)
		return c;
	*c = calloc(1, sizeof **c);
	must(*c);
	(*c)->refs = 1;
	return c;
}

static int on_class(struct mirror *m, uint32_t number, bool is_new,
    const uint8_t *data, size_t n)
{
	static const size_t row = WATCH_PLANES * sizeof(uint64_t);

	if (number >= WATCH_CLASSES || n % row || !n ||
	    n / row > FEED_SLOTS / 64)
		return -EPROTO;
	struct mirror_class **c = class_of(m, number);
	if (is_new) {
		/* Sets of the old one may still be to be told about. */
		class_unref(*c);
		*c = NULL;
		c = class_of(m, number);
	}
	free((*c)->bits);
	(*c)->bits = malloc(n);
	must((*c)->bits);
	memcpy((*c)->bits, data, n);
	(*c)->words = (uint32_t)(n / row);
	return 0;
}

/* ---- sets -----------------------------------------------------------------
 */

static bool good_path(struct rd value)
{
	while (rd_left(&value)) {
		rd_u8(&value);
		rd_skip(&value, 4 * (size_t)rd_u8(&value));
	}
	return rd_ok(&value);
}

/* What readers of attributes rely on (bgp/attrs.h), and they never fail. */
static bool good_value(unsigned code, struct rd value)
{
	size_t n = rd_left(&value);

	switch (code) {
	case ATTR_ORIGIN:
		return n == 1;
	case ATTR_AS_PATH:
		return good_path(value);
	case ATTR_MED:
	case ATTR_OTC:
		return n == 4;
	case ATTR_COMMUNITIES:
		return n % 4 == 0;
	case ATTR_EXTENDED:
		return n % 8 == 0;
	case ATTR_LARGE:
		return n % 12 == 0;
	default:
		return true;
	}
}

/* The canonical form: each code once, in order. */
static bool good_attrs(struct bytes wire)
{
	struct rd r = rd_from(wire.p, wire.n);
	int last = -1;

	while (rd_left(&r)) {
		unsigned flags = rd_u8(&r);
		unsigned code = rd_u8(&r);
		size_t n = flags & FLAG_EXT_LEN ? rd_u16(&r) : rd_u8(&r);
		struct rd value = rd_sub(&r, n);

		if (!rd_ok(&r) || (int)code <= last || !good_value(code, value))
			return false;
		last = (int)code;
	}
	return true;
}

static int on_set(struct mirror *m, uint32_t number, const uint8_t *data,
    size_t n, uint64_t now)
{
	struct watch_set of;
	struct mirror_peer *p;

	if (n < sizeof of || number >= WATCH_SETS)
		return -EPROTO;
	memcpy(&of, data, sizeof of);
	size_t bytes = (size_t)of.next_hop_len + of.wire_len;
	p = of.slot < FEED_SLOTS ? m->slot[of.slot] : NULL;
	if (!p || n != sizeof of + bytes || of.family >= FAMILY_COUNT ||
	    of.reason >= REASON_COUNT || of.class >= WATCH_CLASSES ||
	    (of.next_hop_len && of.next_hop_len != 4 && of.next_hop_len != 16 &&
		of.next_hop_len != 32) ||
	    !good_attrs((struct bytes){
		data + sizeof of + of.next_hop_len, of.wire_len}))
		return -EPROTO;
	struct mirror_set *s = malloc(sizeof *s + bytes);
	must(s);
	*s = (struct mirror_set){
	    .one = {.refs = 1, .n = 1},
	    .peer = p,
	    .class = *class_of(m, of.class),
	    .epoch = of.flags & WATCH_STALE ? 0 : p->epoch,
	    .serial = ++m->serial,
	    .time_s = (uint32_t)(now / 1000000),
	    .of = of,
	};
	memcpy(s->bytes, data + sizeof of, bytes);
	p->refs++;
	s->class->refs++;
	m->stats.sets++;
	m->stats.bytes += bytes;
	m->set = grow(m->set, &m->set_cap, number + 1, sizeof *m->set);
	if (m->set[number])
		set_unref(m, m->set[number]);
	m->set[number] = s;
	return 0;
}

/* ---- prefixes --------------------------------------------------------------
 */

static size_t stride(enum family f)
{
	return family_bytes(f) + 1;
}

static uint32_t place_new(struct mirror *m, enum family f)
{
	struct mirror_table *t = &m->table[f];

	if (t->n_free)
		return t->free[--t->n_free];
	uint32_t place = t->end++;
	t->prefix = grow(t->prefix, &t->prefix_cap, t->end, stride(f));
	t->list = grow(t->list, &t->list_cap, t->end, sizeof *t->list);
	t->waits = grow(t->waits, &t->waits_cap, t->end, sizeof *t->waits);
	return place;
}

void mirror_place_free(struct mirror *m, enum family f, uint32_t place)
{
	struct mirror_table *t = &m->table[f];

	if (t->waits[place])
		return;
	t->free = grow(t->free, &t->free_cap, t->n_free + 1, sizeof *t->free);
	t->free[t->n_free++] = place;
}

const struct mirror_set *mirror_best(const struct mirror_list *l)
{
	for (uint32_t i = 0; i < mirror_n(l); i++)
		if (!mirror_rejected(mirror_at(l, i)))
			return mirror_at(l, i);
	return NULL;
}

static bool list_has(const struct mirror_list *l, const struct mirror_set *s)
{
	for (uint32_t i = 0; i < mirror_n(l); i++)
		if (mirror_at(l, i) == s)
			return true;
	return false;
}

static void count(struct mirror *m, enum family f,
    const struct mirror_list *was, const struct mirror_list *is)
{
	m->stats.prefixes[f] += (uint64_t) !!is - (uint64_t) !!was;
	m->stats.routes[f] += (uint64_t)mirror_n(is) - mirror_n(was);
	m->stats.loc_rib[f] +=
	    (uint64_t) !!mirror_best(is) - (uint64_t) !!mirror_best(was);
	for (uint32_t i = 0; i < mirror_n(was); i++) {
		const struct mirror_set *s = mirror_at(was, i);

		s->peer->routes[f]--;
		s->peer->accepted[f] -= !mirror_rejected(s);
	}
	for (uint32_t i = 0; i < mirror_n(is); i++) {
		const struct mirror_set *s = mirror_at(is, i);

		s->peer->routes[f]++;
		s->peer->accepted[f] += !mirror_rejected(s);
		if (mirror_rejected(s) && !list_has(was, s))
			s->peer->rejected++;
	}
}

static void mark_views(
    struct mirror *m, enum family f, uint32_t place, struct mirror_list *was)
{
	list_each(e, next, &m->views) mirror_view_mark(
	    list_entry(e, struct mirror_view, all), f, place, was);
}

static void put(struct mirror *m, enum family f, const struct watch_prefix *p,
    struct mirror_list *is)
{
	struct mirror_table *t = &m->table[f];

	t->place = grow(t->place, &t->place_cap, p->id + 1, sizeof *t->place);
	if (!t->place[p->id]) {
		if (!is)
			return;
		uint32_t place = place_new(m, f);
		uint8_t *at = t->prefix + place * stride(f);

		at[0] = p->len;
		memcpy(at + 1, p->addr, family_bytes(f));
		t->place[p->id] = place + 1;
	}
	uint32_t place = t->place[p->id] - 1;
	struct mirror_list *was = t->list[place];
	if (was != is) {
		count(m, f, was, is);
		mark_views(m, f, place, was);
	}
	t->list[place] = is;
	mirror_list_unref(m, was);
	if (is)
		return;
	t->place[p->id] = 0;
	mirror_place_free(m, f, place);
}

static int on_prefixes(
    struct mirror *m, uint32_t f, const uint8_t *data, size_t n)
{
	struct rd r = rd_from(data, n);

	if (f >= FAMILY_COUNT)
		return -EPROTO;
	while (rd_left(&r)) {
		struct watch_prefix p;

		rd_copy(&r, &p, sizeof p);
		struct rd sets = rd_sub(&r, p.n * sizeof(uint32_t));
		if (!rd_ok(&r) || p.id >= WATCH_SETS ||
		    p.len > family_bits(f) || p.n > WATCH_PATHS)
			return -EPROTO;
		for (uint32_t i = 0; i < p.n; i++) {
			uint32_t number;

			rd_copy(&sets, &number, sizeof number);
			if (number >= m->set_cap || !m->set[number] ||
			    m->set[number]->of.family != f)
				return -EPROTO;
			m->paths[i] = m->set[number];
		}
		put(m, f, &p, list_of(m, m->paths, p.n));
	}
	return 0;
}

int mirror_record(struct mirror *m, const struct link_head *h, const void *data,
    uint64_t now_us)
{
	switch (h->type) {
	case WATCH_PEER:
		return on_peer(m, h->a, data, h->len, now_us);
	case WATCH_GONE:
		return on_gone(m, h->a, data, h->len, now_us);
	case WATCH_SET:
		return on_set(m, h->a, data, h->len, now_us);
	case WATCH_CLASS:
	case WATCH_BITS:
		return on_class(m, h->a, h->type == WATCH_CLASS, data, h->len);
	case WATCH_PREFIXES:
		return on_prefixes(m, h->a, data, h->len);
	case WATCH_TABLE:
		m->complete = true;
		return 0;
	case WATCH_OUT:
		m->out = true;
		return 0;
	default:
		return -EPROTO;
	}
}

/* ---- beginning, end, reading -----------------------------------------------
 */

struct mirror *mirror_new(void)
{
	struct mirror *m = calloc(1, sizeof *m);

	must(m);
	list_init(&m->views);
	return m;
}

static void table_free(struct mirror *m, enum family f)
{
	struct mirror_table *t = &m->table[f];

	for (uint32_t i = 0; i < t->end; i++)
		mirror_list_unref(m, t->list[i]);
	free(t->prefix);
	free(t->list);
	free(t->waits);
	free(t->free);
	free(t->place);
}

void mirror_free(struct mirror *m)
{
	if (!m)
		return;
	must(list_empty(&m->views));
	for (enum family f = 0; f < FAMILY_COUNT; f++)
		table_free(m, f);
	mirror_list_unref(m, m->last);
	for (uint32_t i = 0; i < m->set_cap; i++)
		if (m->set[i])
			set_unref(m, m->set[i]);
	for (uint32_t i = 0; i < m->class_cap; i++)
		class_unref(m->class[i]);
	for (uint32_t i = 0; i < FEED_SLOTS; i++)
		mirror_peer_unref(m->slot[i]);
	free(m->set);
	free(m->class);
	free(m);
}

bool mirror_complete(const struct mirror *m)
{
	return m->complete;
}

uint32_t mirror_sessions(const struct mirror *m)
{
	return m->sessions;
}

struct mirror_peer *mirror_peer(const struct mirror *m, uint32_t slot)
{
	return slot < FEED_SLOTS ? m->slot[slot] : NULL;
}

bool mirror_out(const struct mirror *m)
{
	return m->out;
}

uint32_t mirror_end(const struct mirror *m, enum family f)
{
	return m->table[f].end;
}

void mirror_prefix(
    const struct mirror *m, enum family f, uint32_t place, struct prefix *ret)
{
	const uint8_t *at = m->table[f].prefix + place * stride(f);

	*ret = (struct prefix){.len = at[0]};
	ret->addr.family = (uint8_t)f;
	memcpy(ret->addr.b, at + 1, family_bytes(f));
}

bool mirror_place(const struct mirror *m, enum family f, uint32_t place,
    struct prefix *ret_prefix, const struct mirror_list **ret_list)
{
	if (place >= m->table[f].end || !m->table[f].list[place])
		return false;
	mirror_prefix(m, f, place, ret_prefix);
	*ret_list = m->table[f].list[place];
	return true;
}

void mirror_stats(const struct mirror *m, struct mirror_stats *ret)
{
	*ret = m->stats;
}

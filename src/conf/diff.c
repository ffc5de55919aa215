/*
 * What it takes to get from one configuration to another, in words; made
 * from the directive tables, so that no directive can be forgotten.
 */
#include "conf/internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct diff {
	struct conf_change *list;
	size_t n;
	size_t cap;
	bool no_mem;
	const char *what; /* of the changes added now */
	struct text before;
	struct text after;
	struct text detail;
};

static void add(
    struct diff *d, enum conf_change_kind kind, bool resets, const char *detail)
{
	struct conf_change *c;

	if (d->n == d->cap) {
		size_t cap = d->cap ? d->cap * 2 : 16;
		struct conf_change *more = realloc(d->list, cap * sizeof *more);

		if (!more) {
			d->no_mem = true;
			return;
		}
		d->list = more;
		d->cap = cap;
	}
	c = &d->list[d->n++];
	c->kind = kind;
	c->resets = resets;
	snprintf(c->what, sizeof c->what, "%s", d->what);
	snprintf(c->detail, sizeof c->detail, "%s", detail ? detail : "");
}

/* ---- one directive ----------------------------------------------------- */

static int by_bytes_width(const void *a, const void *b, void *width)
{
	return memcmp(a, b, *(const size_t *)width);
}

/* A sorted copy; NULL for an empty list or when memory is out. */
static uint8_t *sorted(struct diff *d, const struct list_view *v)
{
	size_t width = v->width;
	uint8_t *copy;

	if (!v->n)
		return NULL;
	copy = malloc(v->n * v->width);
	if (!copy) {
		d->no_mem = true;
		return NULL;
	}
	memcpy(copy, v->p, v->n * v->width);
	qsort_r(copy, v->n, v->width, by_bytes_width, &width);
	return copy;
}

#define DETAIL_SHOWN 300 /* bytes; what does not fit is counted */

static void list_item(struct text *t, const struct directive *dir, char sign,
    const uint8_t *element, size_t *more)
{
	if (t->n > DETAIL_SHOWN) {
		++*more;
		return;
	}
	text_add(t, "%s%c", t->n ? ", " : "", sign);
	list_format(dir, element, t);
}

/* "+203.0.113.0/24, -198.51.100.0/24, and 12 more" into d->detail */
static bool list_changed(
    struct diff *d, const struct directive *dir, const void *a, const void *b)
{
	struct list_view va = list_of(dir, a);
	struct list_view vb = list_of(dir, b);
	size_t more = 0;
	size_t i = 0;
	size_t k = 0;
	uint8_t *sa;
	uint8_t *sb;

	if (va.n == vb.n && (!va.n || !memcmp(va.p, vb.p, va.n * va.width)))
		return false;
	sa = sorted(d, &va);
	sb = sorted(d, &vb);
	if (d->no_mem) {
		free(sa);
		free(sb);
		return false;
	}
	while (i < va.n || k < vb.n) {
		int c = i == va.n   ? 1
			: k == vb.n ? -1
				    : memcmp(sa + i * va.width,
					  sb + k * vb.width, va.width);

		if (c < 0)
			list_item(
			    &d->detail, dir, '-', sa + i * va.width, &more);
		if (c > 0)
			list_item(
			    &d->detail, dir, '+', sb + k * vb.width, &more);
		i += c <= 0;
		k += c >= 0;
	}
	if (more)
		text_add(&d->detail, ", and %zu more", more);
	free(sa);
	free(sb);
	return d->detail.n > 0; /* the order alone is no change */
}

static bool is_list(const struct directive *dir)
{
	return dir->n_at && !directive_nests(dir);
}

/* The value's change in words into d->detail; false when there is none. */
static bool value_changed(
    struct diff *d, const struct directive *dir, const void *a, const void *b)
{
	text_clear(&d->detail);
	if (directive_nests(dir) || dir->kind == VALUE_LATER)
		return false;
	if (is_list(dir))
		return list_changed(d, dir, a, b);
	text_clear(&d->before);
	text_clear(&d->after);
	value_format(dir, a, &d->before);
	value_format(dir, b, &d->after);
	if (d->before.n == d->after.n &&
	    (!d->before.n || !memcmp(d->before.s, d->after.s, d->before.n)))
		return false;
	if (dir->flags & DIR_SECRET)
		text_add(&d->detail, "%s",
		    !d->before.n  ? "added"
		    : !d->after.n ? "removed"
				  : "changed");
	else
		text_add(&d->detail, "%s -> %s",
		    d->before.n ? d->before.s : "none",
		    d->after.n ? d->after.s : "none");
	return true;
}

/* One change a directive.  where: "at 192.0.2.1: ", or "". */
static void compare(struct diff *d, const struct block *block,
    const char *where, const void *a, const void *b)
{
	for (const struct directive *dir = block->directives; dir->name;
	     dir++) {
		char detail[sizeof d->list->detail];

		if (!value_changed(d, dir, a, b))
			continue;
		snprintf(detail, sizeof detail, "%s%s %s", where, dir->name,
		    d->detail.s);
		add(d, CONF_CHANGED, dir->flags & DIR_RESETS, detail);
	}
}

static bool needs_reset(
    struct diff *d, const struct block *block, const void *a, const void *b)
{
	for (const struct directive *dir = block->directives; dir->name; dir++)
		if (dir->flags & DIR_RESETS && value_changed(d, dir, a, b))
			return true;
	return false;
}

/* ---- members ----------------------------------------------------------- */

static int member_cmp(const struct conf_member *a, const struct conf_member *b)
{
	if (a->asn != b->asn)
		return a->asn < b->asn ? -1 : 1;
	return strcmp(a->name, b->name);
}

static const struct conf_member *same_member(
    const struct conf *c, const struct conf_member *m)
{
	size_t low = 0;
	size_t high = c->n_member;

	while (low < high) {
		size_t mid = low + (high - low) / 2;
		int order = member_cmp(m, &c->member[mid]);

		if (!order)
			return &c->member[mid];
		if (order < 0)
			high = mid;
		else
			low = mid + 1;
	}
	return NULL;
}

/*
 * The member of `other` that m became or was: another name, the same ASN and
 * the same first address.
 */
static const struct conf_member *renamed(const struct conf *own,
    const struct conf *other, const struct conf_member *m)
{
	const struct conf_at *at;
	const struct conf_member *o;

	if (!m->n_at)
		return NULL;
	o = conf_find(other, &m->at[0].addr, &at);
	if (!o || o->asn != m->asn || at != &o->at[0] || same_member(own, o))
		return NULL;
	return o;
}

static const struct conf_at *at_of(
    const struct conf_member *m, const struct ip *addr)
{
	for (size_t i = 0; i < m->n_at; i++)
		if (ip_eq(&m->at[i].addr, addr))
			return &m->at[i];
	return NULL;
}

static void compare_sessions(
    struct diff *d, const struct conf_member *a, const struct conf_member *b)
{
	char addr[IP_TEXT];
	char text[IP_TEXT + 32];

	for (size_t i = 0; i < a->n_at; i++) {
		if (at_of(b, &a->at[i].addr))
			continue;
		snprintf(text, sizeof text, "session %s removed",
		    ip_format(&a->at[i].addr, addr));
		add(d, CONF_CHANGED, true, text);
	}
	for (size_t i = 0; i < b->n_at; i++) {
		const struct conf_at *was = at_of(a, &b->at[i].addr);

		ip_format(&b->at[i].addr, addr);
		if (was) {
			snprintf(text, sizeof text, "at %s: ", addr);
			compare(d, &conf_block_at, text, was, &b->at[i]);
		} else {
			snprintf(text, sizeof text, "session %s added", addr);
			add(d, CONF_CHANGED, false, text);
		}
	}
}

static void compare_member(
    struct diff *d, const struct conf_member *a, const struct conf_member *b)
{
	char text[2 * CONF_NAME + 32];

	if (strcmp(a->name, b->name)) {
		snprintf(text, sizeof text, "name %s -> %s", a->name, b->name);
		add(d, CONF_CHANGED, false, text);
	}
	compare(d, block_named("member"), "", a, b);
	compare_sessions(d, a, b);
}

/* A member that came or went, with its sessions. */
static void whole_member(
    struct diff *d, enum conf_change_kind kind, const struct conf_member *m)
{
	char addr[IP_TEXT];
	size_t more = 0;

	text_clear(&d->detail);
	for (size_t i = 0; i < m->n_at; i++) {
		if (d->detail.n > DETAIL_SHOWN) {
			more++;
			continue;
		}
		text_add(&d->detail, "%s%s", i ? ", " : "at ",
		    ip_format(&m->at[i].addr, addr));
	}
	if (more)
		text_add(&d->detail, ", and %zu more", more);
	add(d, kind, kind == CONF_REMOVED, d->detail.s);
}

static void one_member(struct diff *d, const struct conf *a,
    const struct conf *b, const struct conf_member *ma,
    const struct conf_member *mb)
{
	const struct conf_member *m = mb ? mb : ma;
	char what[CONF_NAME + 32];

	snprintf(what, sizeof what, "member AS%u %s", m->asn, m->name);
	d->what = what;
	if (ma && mb) {
		compare_member(d, ma, mb);
	} else if (mb) {
		ma = renamed(b, a, mb);
		if (ma)
			compare_member(d, ma, mb);
		else
			whole_member(d, CONF_ADDED, mb);
	} else if (!renamed(a, b, ma)) {
		whole_member(d, CONF_REMOVED, ma);
	}
	d->what = "";
}

static void compare_members(
    struct diff *d, const struct conf *a, const struct conf *b)
{
	size_t i = 0;
	size_t k = 0;

	while (i < a->n_member || k < b->n_member) {
		int c = i == a->n_member ? 1
			: k == b->n_member
			    ? -1
			    : member_cmp(&a->member[i], &b->member[k]);

		one_member(d, a, b, c <= 0 ? &a->member[i] : NULL,
		    c >= 0 ? &b->member[k] : NULL);
		i += c <= 0;
		k += c >= 0;
	}
}

/* ---- whole ------------------------------------------------------------- */

static void compare_exchange(struct diff *d, const struct conf_exchange *a,
    const struct conf_exchange *b)
{
	char text[2 * CONF_NAME + 32];

	d->what = "exchange";
	if (!a->present) {
		add(d, CONF_ADDED, false, b->name);
		return;
	}
	if (strcmp(a->name, b->name)) {
		snprintf(text, sizeof text, "name %s -> %s", a->name, b->name);
		add(d, CONF_CHANGED, false, text);
	}
	compare(d, block_named("exchange"), "", a, b);
}

static void compare_policy(
    struct diff *d, const struct conf_policy *a, const struct conf_policy *b)
{
	d->what = "policy";
	if (a->present && !b->present)
		add(d, CONF_REMOVED, false,
		    "nothing is accepted or sent any more (RFC 8212)");
	else if (!a->present && b->present)
		add(d, CONF_ADDED, false,
		    b->preset == CONF_PRESET_STRICT ? "preset strict"
						    : "preset open");
	else if (a->present)
		compare(d, block_named("policy"), "", a, b);
}

static const struct conf_cache *same_cache(
    const struct conf_rpki *r, const struct conf_cache *c)
{
	for (size_t i = 0; i < r->n_cache; i++)
		if (ip_eq(&r->cache[i].addr, &c->addr) &&
		    r->cache[i].port == c->port)
			return &r->cache[i];
	return NULL;
}

const char *endpoint_format(
    const struct ip *ip, uint16_t port, char buf[IP_TEXT + 16])
{
	char addr[IP_TEXT];
	bool v6 = ip->family == FAMILY_IPV6;

	snprintf(buf, IP_TEXT + 16, "%s%s%s:%u", v6 ? "[" : "",
	    ip_format(ip, addr), v6 ? "]" : "", port);
	return buf;
}

static void compare_rpki(
    struct diff *d, const struct conf_rpki *a, const struct conf_rpki *b)
{
	char name[IP_TEXT + 16];
	char text[IP_TEXT + 48];

	d->what = "rpki";
	for (size_t i = 0; i < a->n_cache; i++) {
		if (same_cache(b, &a->cache[i]))
			continue;
		snprintf(text, sizeof text, "cache %s",
		    endpoint_format(&a->cache[i].addr, a->cache[i].port, name));
		add(d, CONF_REMOVED, false, text);
	}
	for (size_t i = 0; i < b->n_cache; i++) {
		const struct conf_cache *was = same_cache(a, &b->cache[i]);

		endpoint_format(&b->cache[i].addr, b->cache[i].port, name);
		snprintf(
		    text, sizeof text, "cache %s%s", name, was ? ": " : "");
		if (was)
			compare(d, &conf_block_cache, text, was, &b->cache[i]);
		else
			add(d, CONF_ADDED, false, text);
		if (was && !was->own_preference &&
		    !b->cache[i].own_preference &&
		    was->preference != b->cache[i].preference) {
			snprintf(text, sizeof text, "cache %s: place %u -> %u",
			    name, was->preference, b->cache[i].preference);
			add(d, CONF_CHANGED, false, text);
		}
	}
}

static const struct conf_station *same_station(
    const struct conf_monitoring *m, const struct conf_station *s)
{
	for (size_t i = 0; i < m->n_station; i++)
		if (ip_eq(&m->station[i].addr, &s->addr) &&
		    m->station[i].port == s->port)
			return &m->station[i];
	return NULL;
}

static void compare_monitoring(struct diff *d, const struct conf_monitoring *a,
    const struct conf_monitoring *b)
{
	char name[IP_TEXT + 16];
	char text[IP_TEXT + 48];

	d->what = "monitoring";
	for (size_t i = 0; i < a->n_station; i++) {
		const struct conf_station *s = &a->station[i];

		if (same_station(b, s))
			continue;
		snprintf(text, sizeof text, "bmp %s",
		    endpoint_format(&s->addr, s->port, name));
		add(d, CONF_REMOVED, false, text);
	}
	for (size_t i = 0; i < b->n_station; i++) {
		const struct conf_station *s = &b->station[i];
		const struct conf_station *was = same_station(a, s);

		snprintf(text, sizeof text, "bmp %s%s",
		    endpoint_format(&s->addr, s->port, name), was ? ": " : "");
		if (was)
			compare(d, &conf_block_station, text, was, s);
		else
			add(d, CONF_ADDED, false, text);
	}
	if (a->present && b->present)
		compare(d, block_named("monitoring"), "", a, b);
	else if (a->mrt[0] || b->mrt[0])
		add(d, b->present ? CONF_ADDED : CONF_REMOVED, false, "mrt");
}

static void compare_registry(struct diff *d, const struct conf_registry *a,
    const struct conf_registry *b)
{
	d->what = "registry";
	if (a->present && !b->present)
		add(d, CONF_REMOVED, false,
		    "members are checked against what their blocks say alone");
	else if (!a->present && b->present)
		add(d, CONF_ADDED, false,
		    "members are checked against their registered sets");
	else if (a->present)
		compare(d, block_named("registry"), "", a, b);
}

int conf_diff(const struct conf *a, const struct conf *b,
    struct conf_change **ret, size_t *ret_n)
{
	static const struct conf nothing;
	struct diff d = {0};

	if (!a)
		a = &nothing;
	compare_exchange(&d, &a->exchange, &b->exchange);
	compare_policy(&d, &a->policy, &b->policy);
	compare_rpki(&d, &a->rpki, &b->rpki);
	compare_monitoring(&d, &a->monitoring, &b->monitoring);
	compare_registry(&d, &a->registry, &b->registry);
	compare_members(&d, a, b);
	d.no_mem |= d.before.no_mem || d.after.no_mem || d.detail.no_mem;
	text_done(&d.before);
	text_done(&d.after);
	text_done(&d.detail);
	if (d.no_mem) {
		free(d.list);
		return -ENOMEM;
	}
	*ret = d.list;
	*ret_n = d.n;
	return 0;
}

bool conf_resets(const struct conf *a, const struct conf *b,
    const struct conf_member *bm, const struct conf_at *bat)
{
	struct diff d = {.what = ""};
	const struct conf_at *aat;
	const struct conf_member *am = conf_find(a, &bat->addr, &aat);
	bool yes;

	if (!am || am->asn != bm->asn)
		return true;
	yes = needs_reset(
		  &d, block_named("exchange"), &a->exchange, &b->exchange) ||
	      needs_reset(&d, block_named("member"), am, bm) ||
	      needs_reset(&d, &conf_block_at, aat, bat);
	text_done(&d.before);
	text_done(&d.after);
	text_done(&d.detail);
	return yes || d.no_mem;
}

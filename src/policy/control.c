/*
 * Communities addressed to us (DESIGN, "Control communities"; RFC 7948 s4.6
 * speaks of them).  With RS our ASN and PEER a client's:
 *
 *              deny     announce  deny all  announce all  prepend n
 *   standard   0:PEER   RS:PEER   0:RS      RS:RS
 *   extended   rt:0:PEER rt:RS:PEER rt:0:RS rt:RS:RS
 *   large      RS:0:PEER RS:1:PEER RS:0:0   RS:1:0        RS:10n:PEER
 *
 * Everything in the first two rows, whatever the second number, is ours; of
 * the large ones RS:0:*, RS:1:*, RS:101-103:* and the informational
 * RS:1000:*, RS:1001:*, RS:1002:* and RS:1101:*.
 */
#include "policy/internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	ROUTE_TARGET = 0x02,
	AS2_SPECIFIC = 0x00,
	AS4_SPECIFIC = 0x02
};

/* 0:x and RS:x, as standard and as route target. */
static void wish_of_pair(
    uint32_t rs, uint32_t high, uint32_t low, struct policy_wish *ret)
{
	*ret = (struct policy_wish){.asn = low};
	if (low == 0)
		ret->ask = POLICY_ASK_NOTHING;
	else if (high == 0)
		ret->ask = low == rs ? POLICY_ASK_DENY_ALL : POLICY_ASK_DENY;
	else
		ret->ask =
		    low == rs ? POLICY_ASK_ANNOUNCE_ALL : POLICY_ASK_ANNOUNCE;
}

static bool wish_standard(uint32_t rs, struct rd *r, struct policy_wish *ret)
{
	uint32_t high = rd_u16(r);
	uint32_t low = rd_u16(r);

	if (high != 0 && high != rs)
		return false;
	wish_of_pair(rs, high, low, ret);
	return true;
}

static bool wish_extended(uint32_t rs, struct rd *r, struct policy_wish *ret)
{
	uint8_t type = rd_u8(r);
	uint8_t subtype = rd_u8(r);
	struct rd value = rd_sub(r, 6);
	uint32_t high;
	uint32_t low;

	if (subtype != ROUTE_TARGET)
		return false;
	if (type == AS2_SPECIFIC) {
		high = rd_u16(&value);
		low = rd_u32(&value);
	} else if (type == AS4_SPECIFIC) {
		high = rd_u32(&value);
		low = rd_u16(&value);
	} else {
		return false;
	}
	if (high != 0 && high != rs)
		return false;
	wish_of_pair(rs, high, low, ret);
	return true;
}

static bool wish_large(uint32_t rs, struct rd *r, struct policy_wish *ret)
{
	uint32_t admin = rd_u32(r);
	uint32_t what = rd_u32(r);
	uint32_t peer = rd_u32(r);

	if (admin != rs)
		return false;
	*ret = (struct policy_wish){.asn = peer};
	switch (what) {
	case 0:
		ret->ask = peer ? POLICY_ASK_DENY : POLICY_ASK_DENY_ALL;
		return true;
	case 1:
		ret->ask = peer ? POLICY_ASK_ANNOUNCE : POLICY_ASK_ANNOUNCE_ALL;
		return true;
	case 101:
	case 102:
	case 103:
		ret->ask = peer ? POLICY_ASK_PREPEND : POLICY_ASK_PREPEND_ALL;
		ret->prepend = (uint8_t)(what - 100);
		return true;
	case POLICY_INFO_RPKI: /* ours to say, as is a refusal's reason */
	case POLICY_INFO_REGISTRY:
	case POLICY_INFO_ASPA:
	case 1101:
		ret->ask = POLICY_ASK_NOTHING;
		return true;
	default:
		return false;
	}
}

bool policy_wish_next(const struct policy *p, enum policy_kind kind,
    struct rd *r, struct policy_wish *ret)
{
	switch (kind) {
	case POLICY_STANDARD:
		return wish_standard(p->asn, r, ret);
	case POLICY_EXTENDED:
		return wish_extended(p->asn, r, ret);
	default:
		return wish_large(p->asn, r, ret);
	}
}

static struct bytes communities(const struct bgp_attrs *a, enum policy_kind k)
{
	switch (k) {
	case POLICY_STANDARD:
		return a->communities;
	case POLICY_EXTENDED:
		return a->extended;
	default:
		return a->large;
	}
}

static size_t count_ours(const struct policy *p, const struct bgp_attrs *a)
{
	size_t n = 0;

	for (enum policy_kind k = POLICY_STANDARD; k <= POLICY_LARGE; k++) {
		struct bytes c = communities(a, k);
		struct rd r = rd_from(c.p, c.n);
		struct policy_wish w;

		while (rd_left(&r))
			n += policy_wish_next(p, k, &r, &w);
	}
	return n;
}

static int by_asn(const void *a, const void *b)
{
	const struct policy_target *x = a;
	const struct policy_target *y = b;

	return (x->asn > y->asn) - (x->asn < y->asn);
}

/* Sorted, each ASN once: flags add up, the longest prepend counts. */
static uint32_t merge(struct policy_target *t, size_t n)
{
	uint32_t out = 0;

	qsort(t, n, sizeof *t, by_asn);
	for (size_t i = 0; i < n; i++) {
		if (!out || t[out - 1].asn != t[i].asn) {
			t[out++] = t[i];
			continue;
		}
		t[out - 1].flags |= t[i].flags;
		if (t[out - 1].prepend < t[i].prepend)
			t[out - 1].prepend = t[i].prepend;
	}
	return out;
}

/* True when the wish is about one client, which *t then tells. */
static bool take_wish(const struct policy_wish *w, struct policy_control *c,
    struct policy_target *t)
{
	*t = (struct policy_target){.asn = w->asn};
	switch (w->ask) {
	case POLICY_ASK_DENY:
		t->flags = POLICY_DENY;
		return true;
	case POLICY_ASK_ANNOUNCE:
		t->flags = POLICY_ANNOUNCE;
		return true;
	case POLICY_ASK_PREPEND:
		t->prepend = w->prepend;
		return true;
	case POLICY_ASK_DENY_ALL:
		c->deny_all = true;
		return false;
	case POLICY_ASK_PREPEND_ALL:
		if (c->prepend_all < w->prepend)
			c->prepend_all = w->prepend;
		return false;
	case POLICY_ASK_ANNOUNCE_ALL: /* as without it */
	case POLICY_ASK_NOTHING:
		return false;
	}
	return false;
}

bool policy_control_read(const struct policy *p, const struct bgp_attrs *a,
    struct arena *arena, struct policy_control *ret)
{
	size_t most = count_ours(p, a);
	struct policy_target *t;
	size_t n = 0;

	memset(ret, 0, sizeof *ret);
	if (!most)
		return false;
	t = arena_take(arena, most * sizeof *t);
	if (!t) {
		ret->deny_all = true;
		return true;
	}
	for (enum policy_kind k = POLICY_STANDARD; k <= POLICY_LARGE; k++) {
		struct bytes c = communities(a, k);
		struct rd r = rd_from(c.p, c.n);
		struct policy_wish w;

		while (rd_left(&r))
			if (policy_wish_next(p, k, &r, &w))
				n += take_wish(&w, ret, &t[n]);
	}
	ret->n = merge(t, n);
	ret->target = t;
	return true;
}

static const struct policy_target *find_target(
    const struct policy_control *c, uint32_t asn)
{
	uint32_t low = 0;
	uint32_t high = c->n;

	while (low < high) {
		uint32_t half = low + (high - low) / 2;

		if (c->target[half].asn == asn)
			return &c->target[half];
		if (c->target[half].asn < asn)
			low = half + 1;
		else
			high = half;
	}
	return NULL;
}

bool policy_control_permits(const struct policy_control *c, uint32_t asn)
{
	const struct policy_target *t = find_target(c, asn);

	if (t && t->flags & POLICY_DENY)
		return false;
	if (t && t->flags & POLICY_ANNOUNCE)
		return true;
	return !c->deny_all;
}

unsigned policy_control_prepend(const struct policy_control *c, uint32_t asn)
{
	const struct policy_target *t = find_target(c, asn);

	return t && t->prepend ? t->prepend : c->prepend_all;
}

/* ---- in words ---------------------------------------------------------- */

static void name_community(
    enum policy_kind kind, struct rd r, char *buf, size_t n)
{
	if (kind == POLICY_STANDARD) {
		unsigned high = rd_u16(&r);
		unsigned low = rd_u16(&r);

		(void)snprintf(buf, n, "%u:%u", high, low);
	} else if (kind == POLICY_LARGE) {
		uint32_t a = rd_u32(&r);
		uint32_t b = rd_u32(&r);
		uint32_t c = rd_u32(&r);

		(void)snprintf(buf, n, "%u:%u:%u", a, b, c);
	} else if (rd_u16(&r) >> 8 == AS2_SPECIFIC) {
		unsigned high = rd_u16(&r);
		uint32_t low = rd_u32(&r);

		(void)snprintf(buf, n, "rt:%u:%u", high, low);
	} else {
		uint32_t high = rd_u32(&r);
		unsigned low = rd_u16(&r);

		(void)snprintf(buf, n, "rt:%u:%u", high, low);
	}
}

static void name_effect(const struct policy_wish *w, char *buf, size_t n)
{
	const char *times = w->prepend == 1   ? "once"
			    : w->prepend == 2 ? "twice"
					      : "three times";

	switch (w->ask) {
	case POLICY_ASK_DENY:
		(void)snprintf(buf, n, "not to AS%u", w->asn);
		break;
	case POLICY_ASK_DENY_ALL:
		(void)snprintf(buf, n, "to nobody but those named");
		break;
	case POLICY_ASK_ANNOUNCE:
		(void)snprintf(buf, n, "to AS%u", w->asn);
		break;
	case POLICY_ASK_ANNOUNCE_ALL:
		(void)snprintf(buf, n, "to everybody, as without it");
		break;
	case POLICY_ASK_PREPEND:
		(void)snprintf(buf, n, "prepended %s to AS%u", times, w->asn);
		break;
	case POLICY_ASK_PREPEND_ALL:
		(void)snprintf(buf, n, "prepended %s to everybody", times);
		break;
	case POLICY_ASK_NOTHING:
		(void)snprintf(buf, n, "removed, without effect");
		break;
	}
}

size_t policy_control_words(const struct policy *p, const struct bgp_attrs *a,
    struct policy_word *ret, size_t max)
{
	size_t n = 0;

	for (enum policy_kind k = POLICY_STANDARD; k <= POLICY_LARGE; k++) {
		struct bytes c = communities(a, k);
		struct rd r = rd_from(c.p, c.n);

		while (rd_left(&r)) {
			struct rd at = r;
			struct policy_wish w;

			if (!policy_wish_next(p, k, &r, &w))
				continue;
			if (n++ >= max)
				continue;
			ret->kind = k;
			name_community(
			    k, at, ret->community, sizeof ret->community);
			name_effect(&w, ret->effect, sizeof ret->effect);
			ret++;
		}
	}
	return n;
}

bool policy_control_bar(const struct policy *p, const struct bgp_attrs *a,
    uint32_t asn, char *buf, size_t n)
{
	bool announced = false;
	bool all = false;
	char name[48];

	for (enum policy_kind k = POLICY_STANDARD; k <= POLICY_LARGE; k++) {
		struct bytes c = communities(a, k);
		struct rd r = rd_from(c.p, c.n);

		while (rd_left(&r)) {
			struct rd at = r;
			struct policy_wish w;

			if (!policy_wish_next(p, k, &r, &w))
				continue;
			announced |=
			    w.ask == POLICY_ASK_ANNOUNCE && w.asn == asn;
			if (w.ask == POLICY_ASK_DENY && w.asn == asn) {
				name_community(k, at, name, sizeof name);
				(void)snprintf(
				    buf, n, "%s: not to AS%u", name, asn);
				return true;
			}
			if (w.ask != POLICY_ASK_DENY_ALL || all)
				continue;
			name_community(k, at, name, sizeof name);
			all = true;
		}
	}
	if (!all || announced)
		return false;
	(void)snprintf(buf, n, "%s: to nobody but those named, and AS%u is not",
	    name, asn);
	return true;
}

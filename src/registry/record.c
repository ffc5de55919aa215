/*
 * Sets as records, each whole in itself, so that a large one can be taken
 * piece by piece:
 *
 *   BEGIN     object and source (length 8 bits each), time (64 bits)
 *   PREFIXES  family, length, min, max (8 bits each), address; repeated
 *   ASNS      32 bits each
 *   END       how many: IPv4, IPv6 prefixes, ASNs (32 bits each)
 */
#include "registry/internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static void write_text(struct wr *w, const char *s)
{
	uint8_t *len = wr_len8_open(w);

	wr_bytes(w, s, strlen(s));
	wr_len8_close(w, len);
}

static void write_prefix(struct wr *w, const struct conf_prefix *p)
{
	wr_u8(w, p->prefix.addr.family);
	wr_u8(w, p->prefix.len);
	wr_u8(w, p->min_len);
	wr_u8(w, p->max_len);
	wr_bytes(w, p->prefix.addr.b, family_bytes(p->prefix.addr.family));
}

#define PREFIX_MAX 20 /* bytes of one */

bool registry_write(const struct registry_head *h,
    const struct registry_list *l,
    bool (*emit)(
	void *arg, enum registry_record type, const uint8_t *p, size_t n),
    void *arg)
{
	static uint8_t buf[REGISTRY_RECORD_MAX];
	struct wr w = wr_from(buf, sizeof buf);

	write_text(&w, h->object);
	write_text(&w, h->source);
	wr_u32(&w, (uint32_t)(h->fetched_s >> 32));
	wr_u32(&w, (uint32_t)h->fetched_s);
	if (!emit(arg, REGISTRY_BEGIN, buf, wr_len(&w)))
		return false;
	for (size_t i = 0; i < l->n_prefix;) {
		w = wr_from(buf, sizeof buf);
		while (i < l->n_prefix && wr_left(&w) >= PREFIX_MAX)
			write_prefix(&w, &l->prefix[i++]);
		if (!emit(arg, REGISTRY_PREFIXES, buf, wr_len(&w)))
			return false;
	}
	for (size_t i = 0; i < l->n_origin;) {
		w = wr_from(buf, sizeof buf);
		while (i < l->n_origin && wr_left(&w) >= 4)
			wr_u32(&w, l->origin[i++]);
		if (!emit(arg, REGISTRY_ASNS, buf, wr_len(&w)))
			return false;
	}
	w = wr_from(buf, sizeof buf);
	wr_u32(&w, (uint32_t)l->count[FAMILY_IPV4]);
	wr_u32(&w, (uint32_t)l->count[FAMILY_IPV6]);
	wr_u32(&w, (uint32_t)l->n_origin);
	return emit(arg, REGISTRY_END, buf, wr_len(&w));
}

/* ---- taking -------------------------------------------------------------- */

static bool take_text(struct rd *r, char *to, size_t cap)
{
	size_t n = rd_u8(r);

	if (n >= cap)
		return false;
	rd_copy(r, to, n);
	to[n] = 0;
	return rd_ok(r) && strlen(to) == n;
}

static int take_begin(struct registry_taker *t, struct rd *r)
{
	struct registry_head h;
	bool good = take_text(r, h.object, sizeof h.object) &&
		    take_text(r, h.source, sizeof h.source);

	h.fetched_s = rd_u64(r);
	registry_taker_done(t);
	if (!good || !rd_done(r) || !h.object[0])
		return -EINVAL;
	t->making = set_new(&h);
	return t->making ? 0 : -ENOMEM;
}

static int take_prefixes(struct registry_set *s, struct rd *r)
{
	while (rd_left(r)) {
		struct prefix p = {0};
		uint8_t family = rd_u8(r);

		p.len = rd_u8(r);
		uint8_t min = rd_u8(r);
		uint8_t max = rd_u8(r);
		if (family >= FAMILY_COUNT || p.len > family_bits(family))
			return -EINVAL;
		p.addr.family = family;
		rd_copy(r, p.addr.b, family_bytes(family));
		if (!rd_ok(r))
			return -EINVAL;
		p = prefix_of(&p.addr, p.len);
		int err = set_add_prefix(s, &p, min, max);
		if (err)
			return err;
	}
	return 0;
}

static int take_asns(struct registry_set *s, struct rd *r)
{
	while (rd_left(r)) {
		int err = set_add_origin(s, rd_u32(r));

		if (!rd_ok(r))
			return -EINVAL;
		if (err)
			return err;
	}
	return 0;
}

static int take_end(
    struct registry_taker *t, struct rd *r, struct registry_set **ret)
{
	struct registry_set *s = t->making;
	bool same = rd_u32(r) == s->count[FAMILY_IPV4];

	same &= rd_u32(r) == s->count[FAMILY_IPV6];
	same &= rd_u32(r) == s->n_origin;
	if (!rd_done(r) || !same || !set_finish(s))
		return -EINVAL;
	*ret = s;
	t->making = NULL;
	return 1;
}

int registry_take(struct registry_taker *t, uint32_t type, struct rd body,
    struct registry_set **ret)
{
	int n = -EINVAL;

	if (type == REGISTRY_BEGIN)
		n = take_begin(t, &body);
	else if (t->making && type == REGISTRY_PREFIXES)
		n = take_prefixes(t->making, &body);
	else if (t->making && type == REGISTRY_ASNS)
		n = take_asns(t->making, &body);
	else if (t->making && type == REGISTRY_END)
		n = take_end(t, &body, ret);
	if (n < 0)
		registry_taker_done(t);
	return n;
}

void registry_taker_done(struct registry_taker *t)
{
	registry_set_unref(t->making);
	t->making = NULL;
}

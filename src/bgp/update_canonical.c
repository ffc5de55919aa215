/*
 * The canonical form: what is relayed, and what one set of attributes is
 * recognised by.
 */
#include "bgp/update_internal.h"

/* Joins what a 2-byte peer had to say in two places (RFC 6793 s4.2.3). */
static bool widen(struct parse *p)
{
	const uint8_t *agg = p->aggregator.p;

	if (agg) {
		bool trans = (agg[0] << 8 | agg[1]) == BGP_AS_TRANS;

		memset(p->merged_aggregator, 0, 2);
		memcpy(p->merged_aggregator + 2, agg, 6);
		if (p->as4_aggregator.p && trans)
			memcpy(p->merged_aggregator, p->as4_aggregator.p, 8);
		else if (p->as4_aggregator.p)
			p->as4_path = NOTHING;
		p->aggregator = (struct bytes){p->merged_aggregator, 8};
	}
	if (!p->as_path.n)
		return true;
	size_t max = 2 * (p->as_path.n + p->as4_path.n);
	uint8_t *out = arena_take(p->arena, max);
	if (!out)
		return false;
	struct wr w = wr_from(out, max);
	bgp_path_widen(&w, p->as_path, p->as4_path);
	p->as_path = (struct bytes){out, wr_len(&w)};
	return wr_ok(&w) && p->as_path.n <= UINT16_MAX;
}

/* Few, and nearly always in order already. */
static void sort_slots(struct parse *p)
{
	for (size_t i = 1; i < p->n_slots; i++) {
		struct slot s = p->slots[i];
		size_t j = i;

		for (; j && p->slots[j - 1].code > s.code; j--)
			p->slots[j] = p->slots[j - 1];
		p->slots[j] = s;
	}
}

static struct bytes value_of(const struct parse *p, const struct slot *s)
{
	if (s->code == ATTR_AS_PATH)
		return p->as_path;
	if (s->code == ATTR_AGGREGATOR)
		return p->aggregator;
	if (s->code == ATTR_LARGE)
		return p->large;
	return (struct bytes){p->start + s->at, s->len};
}

bool update_canonical(struct parse *p, size_t attrs_n)
{
	struct bgp_attrs *a = &p->u->attrs;
	size_t max = attrs_n;

	if (!p->rules->as4) {
		if (!widen(p))
			return false;
		max += p->as_path.n + 16;
	}
	if (!bgp_large_unique(p->arena, &p->large))
		return false;
	uint8_t *out = arena_take(p->arena, max);
	if (!out)
		return false;
	if (!p->sorted)
		sort_slots(p);
	struct wr w = wr_from(out, max);
	bool before = true;
	for (size_t i = 0; i < p->n_slots; i++) {
		const struct slot *s = &p->slots[i];
		struct bytes value = value_of(p, s);

		if (before && s->code > ATTR_NEXT_HOP) {
			a->next_hop_at = (uint16_t)wr_len(&w);
			before = false;
		}
		bgp_attr_write(&w, s->flags, s->code, value);
		bgp_attrs_note(
		    a, s->code, (struct bytes){w.p - value.n, value.n});
		if (s->code < 64)
			a->has |= BGP_HAS(s->code);
	}
	if (before)
		a->next_hop_at = (uint16_t)wr_len(&w);
	a->wire = (struct bytes){out, wr_len(&w)};
	return wr_ok(&w) && a->wire.n <= UINT16_MAX;
}

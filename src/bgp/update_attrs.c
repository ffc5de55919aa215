/* The attributes of an UPDATE, one by one: what each is worth and costs. */
#include "bgp/update_internal.h"

static uint32_t load32(const uint8_t *p)
{
	struct rd r = rd_from(p, 4);

	return rd_u32(&r);
}

/* A value of good length: what is wrong with it; takes what is asked for. */
static enum bgp_fault take_value(
    struct parse *p, uint8_t code, struct bytes value)
{
	struct bgp_attrs *a = &p->u->attrs;
	enum bgp_fault f;

	switch (code) {
	case ATTR_ORIGIN:
		a->origin = value.p[0];
		return a->origin > 2 ? BGP_FAULT_ORIGIN : BGP_FAULT_NONE;
	case ATTR_AS_PATH:
		f = bgp_path_check(value, p->rules->as4, p->rules->internal);
		if (!f)
			p->as_path = value;
		return f;
	case ATTR_NEXT_HOP:
		if (!bgp_host_address(value.p, 4))
			return BGP_FAULT_NEXT_HOP;
		memcpy(p->u->next_hop[0], value.p, 4);
		p->u->next_hop_len[0] = 4;
		return BGP_FAULT_NONE;
	case ATTR_MED:
		a->med = load32(value.p);
		return BGP_FAULT_NONE;
	case ATTR_AGGREGATOR:
		if (p->rules->as4 ? !load32(value.p)
				  : !(value.p[0] | value.p[1]))
			return BGP_FAULT_AS_ZERO;
		p->aggregator = value;
		return BGP_FAULT_NONE;
	case ATTR_AS4_PATH:
		f = bgp_path_check(value, true, true);
		if (!f)
			p->as4_path = value;
		return f;
	case ATTR_AS4_AGGREGATOR:
		if (!load32(value.p))
			return BGP_FAULT_AS_ZERO;
		p->as4_aggregator = value;
		return BGP_FAULT_NONE;
	case ATTR_LARGE:
		p->large = value;
		return BGP_FAULT_NONE;
	case ATTR_OTC:
		a->otc = load32(value.p);
		return BGP_FAULT_NONE;
	default:
		return BGP_FAULT_NONE;
	}
}

static void note_discarded(struct parse *p, uint8_t code)
{
	p->u->attrs.discarded |= BGP_HAS(code < 63 ? code : 63);
}

static void keep(
    struct parse *p, uint8_t code, uint8_t flags, struct bytes value)
{
	size_t n = p->n_slots++;

	if (n && p->slots[n - 1].code > code)
		p->sorted = false;
	p->slots[n] = (struct slot){
	    .at = (uint16_t)(value.p - p->start),
	    .len = (uint16_t)value.n,
	    .code = code,
	    .flags = flags,
	};
}

static bool length_fits(
    const struct parse *p, const struct attr_kind *k, uint8_t code, size_t n)
{
	if (code == ATTR_AGGREGATOR && !p->rules->as4)
		return n == 6;
	return n >= k->min && (!k->max || n <= k->max) && n % k->step == 0;
}

static void known(struct parse *p, const struct attr_kind *k, uint8_t code,
    uint8_t flags, struct bytes value, struct bytes attr)
{
	enum bgp_fault f = BGP_FAULT_NONE;
	enum bgp_harm harm = k->harm;

	if ((flags & FLAGS_TRANSITIVE) != k->flags) {
		f = BGP_FAULT_FLAGS;
		harm = k->flags_harm;
	} else if (!length_fits(p, k, code, value.n)) {
		f = BGP_FAULT_LENGTH;
	} else {
		f = take_value(p, code, value);
	}
	if (f) {
		note_discarded(p, code);
		update_error(p, harm, f, code, attr);
		return;
	}
	if (code == ATTR_NEXT_HOP || k->sort == SORT_AS4)
		return;
	/* Partial means something on optional transitive ones alone. */
	if (k->flags == FLAGS_TRANSITIVE)
		keep(p, code, k->flags | (flags & FLAG_PARTIAL), value);
	else
		keep(p, code, k->flags, value);
}

static void unwanted(struct parse *p, uint8_t code, struct bytes attr)
{
	note_discarded(p, code);
	update_error(p, BGP_DISCARD, BGP_FAULT_UNWANTED, code, attr);
}

static void unknown(struct parse *p, uint8_t code, uint8_t flags,
    struct bytes value, struct bytes attr)
{
	/*
	 * Who calls it well-known contradicts the registry: a conflict of
	 * flags (RFC 7606 s3c), and no reason to reset as RFC 4271 s6.3 did.
	 */
	if (!(flags & FLAG_OPTIONAL)) {
		note_discarded(p, code);
		update_error(p, BGP_WITHDRAW, BGP_FAULT_WELL_KNOWN, code, attr);
		return;
	}
	if (!(flags & FLAG_TRANSITIVE)) { /* RFC 4271 s5: quietly ignored */
		note_discarded(p, code);
		return;
	}
	switch (p->rules->unknown) {
	case BGP_UNKNOWN_RELAY:
		keep(p, code, FLAGS_TRANSITIVE | FLAG_PARTIAL, value);
		return;
	case BGP_UNKNOWN_DISCARD:
		note_discarded(p, code);
		update_error(p, BGP_DISCARD, BGP_FAULT_UNKNOWN, code, attr);
		return;
	case BGP_UNKNOWN_WITHDRAW:
		note_discarded(p, code);
		update_error(p, BGP_WITHDRAW, BGP_FAULT_UNKNOWN, code, attr);
		return;
	}
}

static void multiprotocol(struct parse *p, const struct attr_kind *k,
    uint8_t code, uint8_t flags, struct bytes value, struct bytes attr)
{
	if ((flags & FLAGS_TRANSITIVE) != k->flags)
		update_error(p, k->flags_harm, BGP_FAULT_FLAGS, code, attr);
	if (code == ATTR_MP_REACH)
		update_mp_reach(p, value, attr);
	else
		update_mp_unreach(p, value, attr);
}

static void attribute(struct parse *p, uint8_t code, uint8_t flags,
    struct bytes value, struct bytes attr)
{
	const struct attr_kind *k = &bgp_attr_kinds[code];

	switch ((enum attr_sort)k->sort) {
	case SORT_KNOWN:
		/* RFC 4760 s3: NEXT_HOP says nothing about MP_REACH_NLRI. */
		if (code == ATTR_NEXT_HOP && !p->classic)
			return;
		known(p, k, code, flags, value, attr);
		return;
	case SORT_INTERNAL:
		if (p->rules->internal)
			known(p, k, code, flags, value, attr);
		else
			unwanted(p, code, attr);
		return;
	case SORT_AS4:
		if (p->rules->as4)
			unwanted(p, code, attr);
		else
			known(p, k, code, flags, value, attr);
		return;
	case SORT_MP:
		multiprotocol(p, k, code, flags, value, attr);
		return;
	case SORT_UNWANTED:
		unwanted(p, code, attr);
		return;
	case SORT_UNKNOWN:
		unknown(p, code, flags, value, attr);
		return;
	}
}

static bool seen_before(struct parse *p, uint8_t code)
{
	uint64_t bit = 1ull << (code & 63);
	uint64_t *word = &p->seen[code >> 6];
	bool was = *word & bit;

	*word |= bit;
	return was;
}

static void duplicate(struct parse *p, uint8_t code, struct bytes attr)
{
	if (code == ATTR_MP_REACH || code == ATTR_MP_UNREACH)
		update_error(p, BGP_RESET, BGP_FAULT_DUPLICATE_MP, code, attr);
	else
		update_error(p, BGP_DISCARD, BGP_FAULT_DUPLICATE, code, attr);
}

void update_walk(struct parse *p, struct rd r)
{
	while (rd_left(&r)) {
		const uint8_t *at = r.p;
		uint8_t flags = rd_u8(&r);
		uint8_t code = rd_u8(&r);
		size_t n = flags & FLAG_EXT_LEN ? rd_u16(&r) : rd_u8(&r);
		const uint8_t *value = rd_take(&r, n);

		if (code != ATTR_MP_UNREACH)
			p->others = true;
		if (!rd_ok(&r)) { /* RFC 7606 s4 */
			p->others = true;
			update_error(
			    p, BGP_WITHDRAW, BGP_FAULT_OVERRUN, code, NOTHING);
			return;
		}
		struct bytes attr = {at, (size_t)(r.p - at)};
		if (seen_before(p, code))
			duplicate(p, code, attr);
		else
			attribute(
			    p, code, flags, (struct bytes){value, n}, attr);
	}
}

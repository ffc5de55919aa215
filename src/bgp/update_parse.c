/*
 * UPDATE: bytes in, routes and canonical attributes out, and what the
 * errors in between cost (RFC 7606).
 *
 *   body -> split into three fields -> walk over the attributes, each
 *   checked and noted in a slot -> judgement over the whole -> the slots in
 *   ascending order written as the canonical form
 *
 * Everything goes on after an error, because the worst one counts and the
 * prefixes have to be found either way.
 */
#include "base/attr.h"
#include "bgp/internal.h"

#define SLOTS_MAX 256 /* one per attribute code */

/* An attribute that is kept; at counts from the start of the attributes. */
struct slot {
	uint16_t at; /* of the value */
	uint16_t len;
	uint8_t code;
	uint8_t flags; /* as they will be written, Extended Length aside */
};

struct parse {
	const struct bgp_rules *rules;
	struct arena *arena;
	struct bgp_update *u;
	const uint8_t *start; /* of the attributes */
	struct slot *slots;
	size_t n_slots;
	bool sorted;	 /* the slots are in ascending order */
	bool classic;	 /* there is RFC 4271 NLRI, so NEXT_HOP counts */
	bool table_dump; /* MP_REACH_NLRI is a next hop alone (RFC 6396) */
	bool others;	 /* an attribute other than MP_UNREACH_NLRI was there */
	bool located;	 /* some reachable NLRI was found, wanted or not */
	bool malformed;	 /* an error worse than attribute discard */
	struct bytes bad; /* the attribute that u->fault is about */
	uint64_t seen[4];
	struct bytes as_path; /* as received, or widened */
	struct bytes aggregator;
	struct bytes as4_path;
	struct bytes as4_aggregator;
	uint8_t merged_aggregator[8];
};

static bool wanted(const struct parse *p, enum family f)
{
	return p->rules->families & BGP_FAMILY(f);
}

/* ---- errors ------------------------------------------------------------ */

/* The subcode of an UPDATE error (RFC 4271 s6.3). */
static uint8_t subcode_of(enum bgp_fault f)
{
	switch (f) {
	case BGP_FAULT_WELL_KNOWN:
		return 2;
	case BGP_FAULT_MISSING:
		return 3;
	case BGP_FAULT_FLAGS:
		return 4;
	case BGP_FAULT_LENGTH:
		return 5;
	case BGP_FAULT_ORIGIN:
		return 6;
	case BGP_FAULT_NEXT_HOP:
		return 8;
	case BGP_FAULT_MP_NEXT_HOP:
		return 9;
	case BGP_FAULT_NLRI:
		return 10;
	case BGP_FAULT_AS_PATH:
	case BGP_FAULT_AS_ZERO:
	case BGP_FAULT_CONFEDERATION:
		return 11;
	default:
		return 1;
	}
}

/* attr: the whole attribute, or nothing; it goes into a NOTIFICATION. */
static void err(struct parse *p, enum bgp_harm harm, enum bgp_fault fault,
    uint8_t code, struct bytes attr)
{
	if (harm >= BGP_WITHDRAW && fault != BGP_FAULT_UNKNOWN)
		p->malformed = true;
	if (harm <= p->u->harm)
		return;
	p->u->harm = harm;
	p->u->fault = fault;
	p->u->fault_attr = code;
	p->bad = attr;
}

static void reset(struct parse *p)
{
	uint8_t subcode = subcode_of(p->u->fault);
	bool list = subcode == 1 || subcode == 3 || subcode == 10;

	if (p->u->fault == BGP_FAULT_MEMORY) {
		p->u->notify = bgp_notify_cease(BGP_CEASE_RESOURCES, NULL);
		return;
	}
	/* An MP attribute whose prefixes are broken: RFC 4760 s7. */
	if (p->u->fault_attr == ATTR_MP_REACH ||
	    p->u->fault_attr == ATTR_MP_UNREACH)
		if (p->u->fault != BGP_FAULT_DUPLICATE_MP) {
			subcode = 9;
			list = false;
		}
	p->u->notify = bgp_notify_of(BGP_ERR_UPDATE, subcode,
	    list ? NULL : p->bad.p, list ? 0 : p->bad.n);
	if (p->u->fault == BGP_FAULT_MISSING)
		p->u->notify = bgp_notify_of(
		    BGP_ERR_UPDATE, subcode, &p->u->fault_attr, 1);
}

/* ---- MP_REACH_NLRI and MP_UNREACH_NLRI (RFC 4760) ----------------------- */

static struct bytes rest_of(const struct rd *r)
{
	return (struct bytes){r->p, rd_left(r)};
}

/* A next hop of MP_REACH_NLRI; false: its length is impossible. */
static bool mp_next_hop(
    struct parse *p, enum family f, struct rd next_hop, struct bytes attr)
{
	struct bgp_update *u = p->u;
	size_t n = rd_left(&next_hop);
	bool six = n == 16 || n == 32;

	if (f == FAMILY_IPV4 && n != 4 &&
	    (!six || !(p->rules->next_hop6 & BGP_FAMILY(f))))
		return false;
	if (f == FAMILY_IPV6 && !six)
		return false;
	if (!bgp_host_address(next_hop.p, n == 4 ? 4 : 16))
		err(p, BGP_WITHDRAW, BGP_FAULT_NEXT_HOP, ATTR_MP_REACH, attr);
	/* RFC 2545 s3: the second one is link-local, else it says nothing */
	if (n == 32 &&
	    (next_hop.p[16] != 0xfe || (next_hop.p[17] & 0xc0) != 0x80))
		n = 16;
	memcpy(u->next_hop[1], next_hop.p, n);
	u->next_hop_len[1] = (uint8_t)n;
	return true;
}

/* RFC 6396 s4.3.4: a next hop alone; old dumps have the whole attribute. */
static void mp_table_dump(struct parse *p, struct bytes value)
{
	struct rd r = rd_from(value.p, value.n);

	if (value.n && value.p[0] == 0)
		rd_skip(&r, 3);
	size_t n = rd_u8(&r);
	const uint8_t *next_hop = rd_take(&r, n);
	if (!next_hop || (n != 4 && n != 16 && n != 32))
		return;
	memcpy(p->u->next_hop[1], next_hop, n);
	p->u->next_hop_len[1] = (uint8_t)n;
}

static void mp_reach(struct parse *p, struct bytes value, struct bytes attr)
{
	struct rd r = rd_from(value.p, value.n);

	unsigned afi = rd_u16(&r);
	unsigned safi = rd_u8(&r);
	size_t n = rd_u8(&r);
	struct rd next_hop = rd_sub(&r, n);
	rd_skip(&r, 1); /* reserved: ignored */
	if (!rd_ok(&r)) {
		err(p, BGP_RESET, BGP_FAULT_LENGTH, ATTR_MP_REACH, attr);
		return;
	}
	enum family f = bgp_family(afi, safi);
	if (f == FAMILY_COUNT || !wanted(p, f)) {
		p->located = true;
		err(p, BGP_DISCARD, BGP_FAULT_FAMILY, ATTR_MP_REACH, attr);
		return;
	}
	if (!mp_next_hop(p, f, next_hop, attr)) {
		err(p, BGP_RESET, BGP_FAULT_MP_NEXT_HOP, ATTR_MP_REACH, attr);
		return;
	}
	bool add_path = p->rules->add_path & BGP_FAMILY(f);
	struct bytes run = rest_of(&r);
	if (!bgp_nlri_check(run, f, add_path)) {
		err(p, BGP_RESET, BGP_FAULT_NLRI, ATTR_MP_REACH, attr);
		return;
	}
	p->located |= run.n != 0;
	p->u->reach[1] = (struct bgp_nlri){
	    .family = (uint8_t)f, .add_path = add_path, .wire = run};
}

static void mp_unreach(struct parse *p, struct bytes value, struct bytes attr)
{
	struct rd r = rd_from(value.p, value.n);
	unsigned afi = rd_u16(&r);
	unsigned safi = rd_u8(&r);

	if (!rd_ok(&r)) {
		err(p, BGP_RESET, BGP_FAULT_LENGTH, ATTR_MP_UNREACH, attr);
		return;
	}
	enum family f = bgp_family(afi, safi);
	if (f == FAMILY_COUNT || !wanted(p, f)) {
		err(p, BGP_DISCARD, BGP_FAULT_FAMILY, ATTR_MP_UNREACH, attr);
		return;
	}
	bool add_path = p->rules->add_path & BGP_FAMILY(f);
	struct bytes run = rest_of(&r);
	if (!bgp_nlri_check(run, f, add_path)) {
		err(p, BGP_RESET, BGP_FAULT_NLRI, ATTR_MP_UNREACH, attr);
		return;
	}
	p->u->withdrawn[1] = (struct bgp_nlri){
	    .family = (uint8_t)f, .add_path = add_path, .wire = run};
	if (!run.n) { /* RFC 4724 s2, unless more stands beside it */
		p->u->end_of_rib = true;
		p->u->end_of_rib_family = (uint8_t)f;
	}
}

/* ---- the single attributes ---------------------------------------------- */

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
		if (!bgp_host_address(value.p, 4) && !p->table_dump)
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
		err(p, harm, f, code, attr);
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
	err(p, BGP_DISCARD, BGP_FAULT_UNWANTED, code, attr);
}

static void unknown(struct parse *p, uint8_t code, uint8_t flags,
    struct bytes value, struct bytes attr)
{
	if (!(flags & FLAG_OPTIONAL)) {
		note_discarded(p, code);
		err(p, BGP_WITHDRAW, BGP_FAULT_WELL_KNOWN, code, attr);
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
		err(p, BGP_DISCARD, BGP_FAULT_UNKNOWN, code, attr);
		return;
	case BGP_UNKNOWN_WITHDRAW:
		note_discarded(p, code);
		err(p, BGP_WITHDRAW, BGP_FAULT_UNKNOWN, code, attr);
		return;
	}
}

static void multiprotocol(struct parse *p, const struct attr_kind *k,
    uint8_t code, uint8_t flags, struct bytes value, struct bytes attr)
{
	if ((flags & FLAGS_TRANSITIVE) != k->flags)
		err(p, k->flags_harm, BGP_FAULT_FLAGS, code, attr);
	if (p->table_dump) {
		if (code == ATTR_MP_REACH)
			mp_table_dump(p, value);
		return;
	}
	if (code == ATTR_MP_REACH)
		mp_reach(p, value, attr);
	else
		mp_unreach(p, value, attr);
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
		err(p, BGP_RESET, BGP_FAULT_DUPLICATE_MP, code, attr);
	else
		err(p, BGP_DISCARD, BGP_FAULT_DUPLICATE, code, attr);
}

static void walk(struct parse *p, struct rd r)
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
			err(p, BGP_WITHDRAW, BGP_FAULT_OVERRUN, code,
			    (struct bytes){NULL, 0});
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

/* ---- the canonical form ------------------------------------------------- */

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
			p->as4_path = (struct bytes){NULL, 0};
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
	return (struct bytes){p->start + s->at, s->len};
}

static bool write_canonical(struct parse *p, size_t attrs_n)
{
	struct bgp_attrs *a = &p->u->attrs;
	size_t max = attrs_n;

	if (!p->rules->as4) {
		if (!widen(p))
			return false;
		max += p->as_path.n + 16;
	}
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

/* ---- the whole ---------------------------------------------------------- */

static void require(struct parse *p, uint8_t code)
{
	if (!(p->seen[0] & BGP_HAS(code)))
		err(p, BGP_WITHDRAW, BGP_FAULT_MISSING, code,
		    (struct bytes){NULL, 0});
}

static void judge(struct parse *p, size_t attrs_n)
{
	struct bgp_update *u = p->u;
	bool reach = p->table_dump || u->reach[0].wire.n || u->reach[1].wire.n;

	if (reach) { /* RFC 7606 s3d */
		require(p, ATTR_ORIGIN);
		require(p, ATTR_AS_PATH);
		if (p->classic)
			require(p, ATTR_NEXT_HOP);
		if (p->rules->internal)
			require(p, ATTR_LOCAL_PREF);
	}
	if (p->malformed && p->others && !p->located) /* RFC 7606 s5.2 */
		u->harm = BGP_RESET;
	else if (!reach && u->harm == BGP_WITHDRAW && !p->malformed)
		u->harm = BGP_DISCARD; /* nothing here to withdraw */
	if (u->harm < BGP_WITHDRAW && reach && !write_canonical(p, attrs_n))
		err(p, BGP_WITHDRAW, BGP_FAULT_MEMORY, 0,
		    (struct bytes){NULL, 0});
	if (u->harm == BGP_RESET)
		reset(p);
}

static bool take_slots(struct parse *p, size_t attrs_n)
{
	size_t n = attrs_n / 3;

	if (n > SLOTS_MAX)
		n = SLOTS_MAX;
	p->slots = arena_take(p->arena, n * sizeof *p->slots);
	return p->slots;
}

/* A run of RFC 4271's own fields. */
static struct bgp_nlri classic_run(struct parse *p, struct rd field)
{
	bool add_path = p->rules->add_path & BGP_FAMILY(FAMILY_IPV4);
	struct bgp_nlri run = {.family = FAMILY_IPV4,
	    .add_path = add_path,
	    .wire = rest_of(&field)};

	if (!run.wire.n)
		return run;
	if (!wanted(p, FAMILY_IPV4)) {
		err(p, BGP_DISCARD, BGP_FAULT_FAMILY, 0, run.wire);
		run.wire.n = 0;
	} else if (!bgp_nlri_check(run.wire, FAMILY_IPV4, add_path)) {
		err(p, BGP_RESET, BGP_FAULT_NLRI, 0, run.wire);
		run.wire.n = 0;
	}
	return run;
}

/* All but the bytes that nothing says are there: those are many. */
static void clear(struct bgp_update *u)
{
	u->harm = BGP_FINE;
	u->fault = BGP_FAULT_NONE;
	u->fault_attr = 0;
	u->notify.code = u->notify.subcode = u->notify.len = 0;
	memset(u->withdrawn, 0, sizeof u->withdrawn);
	memset(u->reach, 0, sizeof u->reach);
	u->next_hop_len[0] = u->next_hop_len[1] = 0;
	u->end_of_rib = false;
	u->end_of_rib_family = 0;
	memset(&u->attrs, 0, sizeof u->attrs);
}

void bgp_update_parse(struct rd body, const struct bgp_rules *rules,
    struct arena *a, struct bgp_update *ret)
{
	struct parse p = {.rules = rules, .arena = a, .u = ret, .sorted = true};
	size_t whole = rd_left(&body);
	struct rd withdrawn = rd_sub(&body, rd_u16(&body));
	struct rd attrs = rd_sub(&body, rd_u16(&body));
	size_t attrs_n = rd_left(&attrs);

	clear(ret);
	if (!rd_ok(&body)) { /* RFC 7606 s3a */
		err(&p, BGP_RESET, BGP_FAULT_LENGTHS, 0,
		    (struct bytes){NULL, 0});
		reset(&p);
		return;
	}
	ret->withdrawn[0] = classic_run(&p, withdrawn);
	ret->reach[0] = classic_run(&p, body);
	p.classic = ret->reach[0].wire.n != 0;
	p.located = rd_left(&body) != 0;
	p.start = attrs.p;
	if (attrs_n && !take_slots(&p, attrs_n)) {
		err(&p, BGP_RESET, BGP_FAULT_MEMORY, 0,
		    (struct bytes){NULL, 0});
		reset(&p);
		return;
	}
	walk(&p, attrs);
	judge(&p, attrs_n);

	if (whole == 4 && wanted(&p, FAMILY_IPV4)) {
		ret->end_of_rib = true;
		ret->end_of_rib_family = FAMILY_IPV4;
	} else if (p.others || whole != 4 + attrs_n || ret->harm) {
		ret->end_of_rib = false;
	}
}

enum bgp_harm bgp_attrs_parse(struct bytes attrs, const struct bgp_rules *rules,
    struct arena *a, struct bgp_update *ret)
{
	struct parse p = {.rules = rules,
	    .arena = a,
	    .u = ret,
	    .sorted = true,
	    .table_dump = true,
	    .located = true,
	    .start = attrs.p};

	clear(ret);
	if (attrs.n > UINT16_MAX || (attrs.n && !take_slots(&p, attrs.n))) {
		err(&p, BGP_WITHDRAW, BGP_FAULT_MEMORY, 0, attrs);
		return ret->harm;
	}
	p.classic = true; /* so that NEXT_HOP is looked at */
	walk(&p, rd_from(attrs.p, attrs.n));
	p.classic = false; /* and nobody misses it */
	judge(&p, attrs.n);
	if (ret->harm == BGP_RESET) /* there is no session to reset */
		ret->harm = BGP_WITHDRAW;
	return ret->harm;
}

/*
 * UPDATE: bytes in, routes and canonical attributes out, and what the
 * errors in between cost (RFC 7606).
 *
 *   body -> split into three fields -> walk over the attributes, each
 *   checked and noted in a slot (update_attrs.c, update_mp.c) -> judgement
 *   over the whole -> the slots in ascending order written as the canonical
 *   form (update_canonical.c)
 *
 * Everything goes on after an error, because the worst one counts and the
 * prefixes have to be found either way.
 */
#include "bgp/update_internal.h"

#define SLOTS_MAX 256 /* one per attribute code */

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
void update_error(struct parse *p, enum bgp_harm harm, enum bgp_fault fault,
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

/* ---- the whole ---------------------------------------------------------- */

static void require(struct parse *p, uint8_t code)
{
	if (!(p->seen[0] & BGP_HAS(code)))
		update_error(p, BGP_WITHDRAW, BGP_FAULT_MISSING, code, NOTHING);
}

static void judge(struct parse *p, size_t attrs_n)
{
	struct bgp_update *u = p->u;
	bool reach = u->reach[0].wire.n || u->reach[1].wire.n;

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
	if (u->harm < BGP_WITHDRAW && reach && !update_canonical(p, attrs_n))
		update_error(p, BGP_WITHDRAW, BGP_FAULT_MEMORY, 0, NOTHING);
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
	    .wire = {field.p, rd_left(&field)}};

	if (!run.wire.n)
		return run;
	if (!update_wants(p, FAMILY_IPV4)) {
		update_error(p, BGP_DISCARD, BGP_FAULT_FAMILY, 0, run.wire);
		run.wire.n = 0;
	} else if (!bgp_nlri_check(run.wire, FAMILY_IPV4, add_path)) {
		update_error(p, BGP_RESET, BGP_FAULT_NLRI, 0, run.wire);
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
		update_error(&p, BGP_RESET, BGP_FAULT_LENGTHS, 0, NOTHING);
		reset(&p);
		return;
	}
	ret->withdrawn[0] = classic_run(&p, withdrawn);
	ret->reach[0] = classic_run(&p, body);
	p.classic = ret->reach[0].wire.n != 0;
	p.located = rd_left(&body) != 0;
	p.start = attrs.p;
	if (attrs_n && !take_slots(&p, attrs_n)) {
		update_error(&p, BGP_RESET, BGP_FAULT_MEMORY, 0, NOTHING);
		reset(&p);
		return;
	}
	update_walk(&p, attrs);
	judge(&p, attrs_n);

	if (whole == 4 && update_wants(&p, FAMILY_IPV4)) {
		ret->end_of_rib = true;
		ret->end_of_rib_family = FAMILY_IPV4;
	} else if (p.others || whole != 4 + attrs_n || ret->harm) {
		ret->end_of_rib = false;
	}
}

/*
 * The list of checks.  Each is one function that judges and, when somebody
 * asks why, says what it saw; so code, `why` and docs/reasons.md cannot
 * drift apart.
 */
#include "policy/check.h"
#include "policy/bogon.h"

#include "base/attr.h"
#include "base/clock.h"
#include "conf/words.h"

#include <string.h>

struct check {
	struct policy_check public;
	enum reason (*run)(const struct input *in, const struct note *why);
	/* Why it does not apply although the list does, or NULL. */
	const char *(*idle)(const struct input *in);
	enum {
		STRICT,	    /* done in preset strict */
		OF_ITS_OWN, /* has a directive of its own */
		ALWAYS,	    /* the operator has no say in it */
	} when;
};

static void look_at_asn(
    const struct input *in, uint32_t asn, unsigned at, struct facts *f)
{
	struct spot here = {asn, at};

	if (asn == in->p->asn && !f->own.at)
		f->own = here;
	/* The members' own ASNs may be private ones: labs, closed networks. */
	if (!f->bogon.at && bogon_asn(asn) && !policy_knows_asn(in->p, asn))
		f->bogon = here;
	if (!f->transit.at && asn != in->m->asn &&
	    policy_list_has(&in->p->transit_free, asn))
		f->transit = here;
	if (!f->never.at && asn != in->m->asn &&
	    policy_list_has(&in->p->never_via, asn))
		f->never = here;
}

static void read_path(const struct input *in, struct facts *f)
{
	struct rd r = rd_from(in->a->as_path.p, in->a->as_path.n);
	unsigned at = 0;

	memset(f, 0, sizeof *f);
	while (rd_left(&r)) {
		uint8_t type = rd_u8(&r);
		unsigned n = rd_u8(&r);
		uint32_t asn = 0;

		if (type == BGP_AS_SEQUENCE)
			f->length += n;
		else if (!f->odd)
			f->odd = type;
		f->length += type == BGP_AS_SET;
		for (unsigned i = 0; i < n; i++) {
			asn = rd_u32(&r);
			look_at_asn(in, asn, ++at, f);
			if (at == 1 && type == BGP_AS_SEQUENCE)
				f->first = asn;
		}
		f->origin = type == BGP_AS_SEQUENCE ? asn : 0;
	}
}

/* ---- the checks on attributes ------------------------------------------ */

static enum reason check_communities(
    const struct input *in, const struct note *why)
{
	size_t standard = in->a->communities.n / 4;
	size_t extended = in->a->extended.n / 8;
	size_t large = in->a->large.n / 12;
	size_t n = standard + extended + large;
	bool bad = n > in->p->max_communities;

	SAY(why, "%zu (%zu standard, %zu extended, %zu large), at most %u", n,
	    standard, extended, large, in->p->max_communities);
	return bad ? REASON_TOO_MANY_COMMUNITIES : REASON_NONE;
}

static enum reason check_path_empty(
    const struct input *in, const struct note *why)
{
	unsigned n = in->facts.length;

	SAY(why, n ? "%u AS%s" : "the path is empty", n, n == 1 ? "" : "es");
	return n ? REASON_NONE : REASON_PATH_TOO_SHORT;
}

static enum reason check_as_set(const struct input *in, const struct note *why)
{
	static const char *const names[] = {
	    [BGP_AS_SET] = "an AS_SET",
	    [BGP_CONFED_SEQUENCE] = "an AS_CONFED_SEQUENCE",
	    [BGP_CONFED_SET] = "an AS_CONFED_SET",
	};
	uint8_t odd = in->facts.odd;

	if (!odd) {
		SAY(why, "the path is one of AS_SEQUENCEs alone");
		return REASON_NONE;
	}
	SAY(why, "the path holds %s",
	    odd < ARRAY_SIZE(names) && names[odd] ? names[odd] : "a segment");
	return REASON_AS_SET;
}

static enum reason check_path_long(
    const struct input *in, const struct note *why)
{
	bool bad = in->facts.length > in->p->max_path;

	SAY(why, "%u hops, at most %u", in->facts.length, in->p->max_path);
	return bad ? REASON_PATH_TOO_LONG : REASON_NONE;
}

static enum reason check_first_as(
    const struct input *in, const struct note *why)
{
	uint32_t first = in->facts.first;

	if (first == in->m->asn)
		SAY(why, "the path begins with AS%u", first);
	else if (!first)
		SAY(why,
		    "the path does not begin with a sequence; AS%u is "
		    "expected",
		    in->m->asn);
	else
		SAY(why, "the path begins with AS%u, the member is AS%u", first,
		    in->m->asn);
	return first == in->m->asn ? REASON_NONE : REASON_FIRST_AS;
}

static bool members_own(const struct policy_member *m, const struct ip *ip)
{
	for (size_t i = 0; i < m->n_addr; i++)
		if (ip_eq(&m->addr[i], ip))
			return true;
	return false;
}

/* RFC 7948 s4.8: any of the member's routers will do, a third party not. */
static enum reason check_next_hop(
    const struct input *in, const struct note *why)
{
	const struct policy_next_hop *h = &in->next_hop;
	char text[IP_TEXT];

	if (h->n != 4 && h->n != 16 && h->n != 32) {
		SAY(why, "a next hop of %zu bytes", h->n);
		return REASON_NEXT_HOP;
	}
	struct ip ip =
	    ip_from_bytes(h->n == 4 ? FAMILY_IPV4 : FAMILY_IPV6, h->p);
	if (!members_own(in->m, &ip)) {
		SAY(why, "%s is none of the addresses of AS%u",
		    ip_format(&ip, text), in->m->asn);
		return REASON_NEXT_HOP;
	}
	if (h->n == 32 && (h->p[16] != 0xfe || (h->p[17] & 0xc0) != 0x80)) {
		struct ip local = ip_from_bytes(FAMILY_IPV6, h->p + 16);

		SAY(why, "the second next hop %s is not link-local",
		    ip_format(&local, text));
		return REASON_NEXT_HOP;
	}
	SAY(why, "%s belongs to AS%u", ip_format(&ip, text), in->m->asn);
	return REASON_NONE;
}

static enum reason check_own_asn(const struct input *in, const struct note *why)
{
	if (!in->facts.own.at) {
		SAY(why, "AS%u is not in the path", in->p->asn);
		return REASON_NONE;
	}
	SAY(why, "AS%u at position %u is the exchange's own", in->p->asn,
	    in->facts.own.at);
	return REASON_OWN_ASN;
}

static enum reason check_bogon_asn(
    const struct input *in, const struct note *why)
{
	const struct spot *s = &in->facts.bogon;

	if (!s->at) {
		SAY(why, "no reserved or private ASN in the path");
		return REASON_NONE;
	}
	SAY(why, "AS%u at position %u is %s", s->asn, s->at, bogon_asn(s->asn));
	return REASON_BOGON_ASN;
}

static enum reason check_transit_free(
    const struct input *in, const struct note *why)
{
	const struct spot *s = &in->facts.transit;

	if (!s->at) {
		SAY(why, "no transit-free network in the path");
		return REASON_NONE;
	}
	SAY(why, "AS%u at position %u buys transit from nobody", s->asn, s->at);
	return REASON_TRANSIT_FREE_ASN;
}

static const char *no_never_via(const struct input *in)
{
	return in->p->never_via.n ? NULL : "the policy names no such network";
}

static enum reason check_never_via(
    const struct input *in, const struct note *why)
{
	const struct spot *s = &in->facts.never;

	if (!s->at) {
		SAY(why, "none of the %zu networks is in the path",
		    in->p->never_via.n);
		return REASON_NONE;
	}
	SAY(why,
	    "AS%u at position %u is never to be reached via a route server",
	    s->asn, s->at);
	return REASON_NEVER_VIA_RS;
}

/* From our clients a route with OTC is a leak. */
static enum reason check_otc(const struct input *in, const struct note *why)
{
	struct bgp_otc otc = {in->a->has & BGP_HAS(35), in->a->otc};

	if (bgp_otc_import(BGP_ROLE_RS_CLIENT, in->m->asn, otc) !=
	    BGP_OTC_LEAK) {
		SAY(why, "no OTC attribute");
		return REASON_NONE;
	}
	SAY(why, "OTC of AS%u: it went down to a customer or across to a peer",
	    in->a->otc);
	return REASON_OTC_LEAK;
}

/* ---- registered sets: the block's own, and the registries' --------------- */

/* Nothing is known of the member's object yet, and its block says nothing. */
static bool is_pending(const struct input *in, bool own, const struct note *why)
{
	if (own || in->m->registry)
		return false;
	SAY(why, "nothing is known of %s yet", in->m->object);
	return true;
}

/* "AS-ALPHA (bgpq4, irr.example.net), 340 s old" */
static void say_source(
    const struct input *in, const char *what, const struct note *why)
{
	const struct registry_head *h;
	char age[32];

	if (!in->m->registry) {
		SAY(why, "%s the set of the member's block", what);
		return;
	}
	h = registry_set_head(in->m->registry);
	uint64_t now = (uint64_t)clock_wall_s();
	seconds_format(
	    now > h->fetched_s ? now - h->fetched_s : 0, age, sizeof age);
	SAY(why, "%s %s, from %s, %s old", what, h->object, h->source, age);
}

static const char *no_origins(const struct input *in)
{
	return in->m->origin || in->m->object[0]
		   ? NULL
		   : "the member has no origin set";
}

static enum reason check_origin(const struct input *in, const struct note *why)
{
	const struct policy_member *m = in->m;
	uint32_t origin = in->facts.origin;
	char what[48];

	if (!m->origin && !m->object[0])
		return REASON_NONE;
	if (is_pending(in, m->origin, why))
		return REASON_REGISTRY_PENDING;
	if (policy_in_list(m->origin, m->n_origin, origin)) {
		SAY(why, "AS%u is in the set of the member's block", origin);
		return REASON_NONE;
	}
	bool in_set =
	    m->registry && registry_set_has_origin(m->registry, origin);
	if (!why)
		return in_set ? REASON_NONE : REASON_ORIGIN_NOT_REGISTERED;
	if (!origin && !in_set) {
		SAY(why, "the path has no origin AS");
		return REASON_ORIGIN_NOT_REGISTERED;
	}
	snprintf(
	    what, sizeof what, "AS%u is %sin", origin, in_set ? "" : "not ");
	say_source(in, what, why);
	return in_set ? REASON_NONE : REASON_ORIGIN_NOT_REGISTERED;
}

/* ---- the checks on prefixes -------------------------------------------- */

static enum reason check_length(const struct input *in, const struct note *why)
{
	const struct prefix *p = in->prefix;
	unsigned min = in->p->min_len[p->addr.family];
	unsigned max = in->p->max_len[p->addr.family];

	if (p->len > max) {
		SAY(why, "/%u is longer than /%u", p->len, max);
		return REASON_PREFIX_TOO_LONG;
	}
	if (p->len < min) {
		SAY(why, "/%u is shorter than /%u", p->len, min);
		return REASON_PREFIX_TOO_SHORT;
	}
	SAY(why, "/%u is between /%u and /%u", p->len, min, max);
	return REASON_NONE;
}

static enum reason check_lan(const struct input *in, const struct note *why)
{
	char text[PREFIX_TEXT];

	for (size_t i = 0; i < in->p->n_lan; i++) {
		const struct prefix *lan = &in->p->lan[i];

		if (!prefix_covers(lan, in->prefix))
			continue;
		SAY(why, "it lies in the peering LAN %s",
		    prefix_format(lan, text));
		return REASON_PEERING_LAN;
	}
	SAY(why, "outside the peering LAN");
	return REASON_NONE;
}

static enum reason check_bogon_prefix(
    const struct input *in, const struct note *why)
{
	const char *list = NULL;
	const char *what = bogon_prefix(in->prefix, &list);

	if (!what) {
		SAY(why, "not in the list");
		return REASON_NONE;
	}
	SAY(why, "%s: %s", list, what);
	return REASON_BOGON_PREFIX;
}

static const char *no_prefixes(const struct input *in)
{
	return in->m->prefixes || in->m->object[0]
		   ? NULL
		   : "the member has no prefix set";
}

/* The set has it, but at other lengths? */
static bool is_covered(const struct input *in)
{
	const struct policy_member *m = in->m;

	return (m->prefixes && prefix_set_covers(m->prefixes, in->prefix)) ||
	       (m->registry && registry_set_covers(m->registry, in->prefix));
}

static enum reason check_prefix_set(
    const struct input *in, const struct note *why)
{
	const struct policy_member *m = in->m;
	char what[48];

	if (!m->prefixes && !m->object[0])
		return REASON_NONE;
	if (is_pending(in, m->prefixes, why))
		return REASON_REGISTRY_PENDING;
	if (m->prefixes && prefix_set_match(m->prefixes, in->prefix)) {
		SAY(why, "the set of the member's block permits it");
		return REASON_NONE;
	}
	bool permitted =
	    m->registry && registry_set_permits(m->registry, in->prefix);
	if (!why)
		return permitted ? REASON_NONE : REASON_PREFIX_NOT_REGISTERED;
	if (permitted)
		snprintf(what, sizeof what, "permitted by");
	else if (is_covered(in))
		snprintf(what, sizeof what, "covered, but not at /%u, by",
		    in->prefix->len);
	else
		snprintf(what, sizeof what, "not in");
	say_source(in, what, why);
	return permitted ? REASON_NONE : REASON_PREFIX_NOT_REGISTERED;
}

/* ---- the list ---------------------------------------------------------- */

enum {
	N_ATTRS = 13
}; /* those of the first half, which come first */

static const struct check checks[] = {
    {{"communities", "there are not too many communities, all kinds counted",
	 POLICY_ATTRS},
	check_communities, NULL, STRICT},
    {{"as_set", "the AS path holds no AS_SET and no confederation segment",
	 POLICY_ATTRS},
	check_as_set, NULL, STRICT},
    {{"path_empty", "the AS path is not empty", POLICY_ATTRS}, check_path_empty,
	NULL, STRICT},
    {{"path_length", "the AS path is not too long", POLICY_ATTRS},
	check_path_long, NULL, STRICT},
    {{"first_as", "the first AS of the path is the member's", POLICY_ATTRS},
	check_first_as, NULL, STRICT},
    {{"next_hop", "the next hop is an address of the member", POLICY_ATTRS},
	check_next_hop, NULL, STRICT},
    {{"own_asn", "the exchange's own ASN is not in the path", POLICY_ATTRS},
	check_own_asn, NULL, STRICT},
    {{"bogon_asn",
	 "no reserved or private ASN is in the path, but for members' own",
	 POLICY_ATTRS},
	check_bogon_asn, NULL, STRICT},
    {{"transit_free",
	 "no transit-free network is in the path, but for the member itself",
	 POLICY_ATTRS},
	check_transit_free, NULL, STRICT},
    {{"never_via_rs",
	 "no network is in the path that is never to be reached via a route "
	 "server, but for the member itself",
	 POLICY_ATTRS},
	check_never_via, no_never_via, STRICT},
    {{"otc", "the OTC attribute does not show a leak", POLICY_ATTRS}, check_otc,
	NULL, ALWAYS},
    {{"aspa", "the AS path does not contradict the ASPAs of its networks",
	 POLICY_ATTRS},
	proof_check_aspa, proof_no_aspa, OF_ITS_OWN},
    {{"origin_set", "the origin AS is in the member's set", POLICY_ATTRS},
	check_origin, no_origins, STRICT},
    {{"length", "the prefix is neither too long nor too short", POLICY_PREFIX},
	check_length, NULL, STRICT},
    {{"peering_lan", "the prefix is not the peering LAN nor inside it",
	 POLICY_PREFIX},
	check_lan, NULL, STRICT},
    {{"bogon_prefix", "the prefix is not reserved", POLICY_PREFIX},
	check_bogon_prefix, NULL, STRICT},
    {{"prefix_set", "the prefix is in the member's set", POLICY_PREFIX},
	check_prefix_set, no_prefixes, STRICT},
    {{"rov", "the ROAs that cover the prefix, if any, permit its origin",
	 POLICY_PREFIX},
	proof_check_rov, proof_no_rov, OF_ITS_OWN},
};

_Static_assert(ARRAY_SIZE(checks) <= POLICY_CHECKS_MAX, "a trace holds all");

const struct policy_check *policy_check_at(size_t i)
{
	return i < ARRAY_SIZE(checks) ? &checks[i].public : NULL;
}

uint32_t policy_checks_on(const struct conf_policy *c)
{
	uint32_t on = 0;

	for (size_t i = 0; i < ARRAY_SIZE(checks); i++)
		if (checks[i].when != STRICT || c->preset == CONF_PRESET_STRICT)
			on |= 1u << i;
	return on;
}

static struct verdict refused(enum reason r)
{
	return (struct verdict){.accept = false, .reason = r};
}

/* Unrolled, so that the table costs nothing over calls written out. */
static inline struct verdict run(const struct input *in, size_t from, size_t to)
{
#pragma GCC unroll 16
	for (size_t i = from; i < to; i++) {
		if (!(in->p->on >> i & 1))
			continue;
		enum reason r = checks[i].run(in, NULL);

		if (r != REASON_NONE)
			return refused(r);
	}
	return (struct verdict){.accept = true};
}

struct verdict policy_check_attrs(const struct policy *p,
    const struct policy_member *m, const struct bgp_attrs *a,
    struct policy_next_hop next_hop, uint8_t *ret_tags)
{
	struct input in = {.p = p, .m = m, .a = a, .next_hop = next_hop};

	*ret_tags = 0;
	if (!p->present || !m)
		return refused(REASON_NO_POLICY);
	if (p->strict)
		read_path(&in, &in.facts);
	in.aspa = policy_aspa(p, a->as_path);
	*ret_tags = policy_tag_attrs(p, m, in.aspa);
	return run(&in, 0, N_ATTRS);
}

struct verdict policy_check_prefix(const struct policy *p,
    const struct policy_member *m, const struct prefix *prefix, enum rov rov)
{
	struct input in = {.p = p, .m = m, .prefix = prefix, .rov = rov};

	if (!p->present || !m)
		return refused(REASON_NO_POLICY);
	return run(&in, N_ATTRS, ARRAY_SIZE(checks));
}

bool policy_asks_prefix(const struct policy *p, const struct policy_member *m)
{
	return !p->present || !m || p->strict || policy_uses_rov(p);
}

/* ---- explaining -------------------------------------------------------- */

const char *policy_outcome_word(enum policy_outcome o)
{
	static const char *const words[] = {
	    [POLICY_PASS] = "pass",
	    [POLICY_FAIL] = "fail",
	    [POLICY_SKIPPED] = "skipped",
	};

	return words[o];
}

static const char *skipped(const struct input *in, const struct check *c)
{
	if (!in->p->present)
		return "no policy is configured (RFC 8212)";
	if (!in->m)
		return "the member is not configured";
	if (!(in->p->on >> (c - checks) & 1))
		return "preset open";
	return c->idle ? c->idle(in) : NULL;
}

static void run_step(
    const struct input *in, const struct check *c, struct policy_step *s)
{
	struct note why = {s->evidence, sizeof s->evidence};
	const char *idle = skipped(in, c);

	memset(s, 0, sizeof *s);
	s->check = &c->public;
	if (idle) {
		s->outcome = POLICY_SKIPPED;
		(void)snprintf(s->evidence, sizeof s->evidence, "%s", idle);
		return;
	}
	s->reason = c->run(in, &why);
	s->outcome = s->reason == REASON_NONE ? POLICY_PASS : POLICY_FAIL;
}

void policy_trace(const struct policy *p, const struct policy_member *m,
    const struct prefix *prefix, const struct bgp_attrs *a,
    struct policy_next_hop next_hop, struct policy_trace *ret)
{
	struct input in = {
	    .p = p, .m = m, .a = a, .prefix = prefix, .next_hop = next_hop};

	ret->verdict = (struct verdict){.accept = true};
	if (!p->present || !m)
		ret->verdict = refused(REASON_NO_POLICY);
	else
		read_path(&in, &in.facts);
	in.origin = in.facts.origin;
	in.aspa = policy_aspa(p, a->as_path);
	in.rov = policy_rov(p, prefix, in.origin);
	ret->n = ARRAY_SIZE(checks);
	for (size_t i = 0; i < ARRAY_SIZE(checks); i++) {
		struct policy_step *s = &ret->step[i];

		run_step(&in, &checks[i], s);
		if (s->outcome == POLICY_FAIL && ret->verdict.accept)
			ret->verdict = refused(s->reason);
	}
}

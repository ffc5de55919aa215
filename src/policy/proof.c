/*
 * What the RPKI says of a route: origin validation (RFC 6811) and AS path
 * verification (draft-ietf-sidrops-aspa-verification), and what the exchange
 * tells clients of it.
 */
#include "policy/check.h"

#include "base/clock.h"

#include <string.h>

enum rov policy_rov(
    const struct policy *p, const struct prefix *prefix, uint32_t origin)
{
	if (p->rov == CONF_VALIDATE_OFF || !p->proof.vrps)
		return ROV_UNCHECKED;
	return vrps_check(p->proof.vrps, prefix, origin);
}

void policy_rov_all(const struct policy *p, const struct prefix *prefix,
    size_t n, uint32_t origin, uint8_t *ret)
{
	if (p->rov == CONF_VALIDATE_OFF || !p->proof.vrps)
		memset(ret, ROV_UNCHECKED, n);
	else
		vrps_check_all(p->proof.vrps, prefix, n, origin, ret);
}

/* A path of more different hops in a row is no path. */
#define HOPS_MAX 512

/* The path without repetitions, which say nothing here. */
struct hops {
	uint32_t asn[HOPS_MAX];
	size_t n;
	bool has_set;
	bool too_long;
};

static void read_hops(struct bytes as_path, struct hops *h)
{
	struct rd r = rd_from(as_path.p, as_path.n);

	h->n = 0;
	h->has_set = h->too_long = false;
	while (rd_left(&r)) {
		h->has_set |= rd_u8(&r) != BGP_AS_SEQUENCE;
		for (unsigned left = rd_u8(&r); left; left--) {
			uint32_t asn = rd_u32(&r);

			if (h->n && h->asn[h->n - 1] == asn)
				continue;
			if (h->n == HOPS_MAX)
				h->too_long = true;
			else
				h->asn[h->n++] = asn;
		}
	}
}

static enum aspa verify(
    const struct policy *p, struct bytes as_path, struct aspa_why *why)
{
	struct hops h;

	read_hops(as_path, &h);
	if (h.too_long)
		return ASPA_INVALID;
	struct aspa_path path = {.path = h.asn, .n = h.n, .has_set = h.has_set};
	return aspas_check(p->proof.aspas, ASPA_FROM_RS_CLIENT, &path, why);
}

enum aspa policy_aspa(const struct policy *p, struct bytes as_path)
{
	if (p->aspa == CONF_VALIDATE_OFF || !p->proof.aspas)
		return ASPA_UNCHECKED;
	return verify(p, as_path, NULL);
}

/* ---- the checks --------------------------------------------------------- */

const char *proof_no_rov(const struct input *in)
{
	if (in->p->rov == CONF_VALIDATE_OFF)
		return "rov off";
	if (in->p->proof.vrps)
		return NULL;
	return in->p->proof.no_vrps ? in->p->proof.no_vrps
				    : "no RPKI cache is configured";
}

const char *proof_no_aspa(const struct input *in)
{
	if (in->p->aspa == CONF_VALIDATE_OFF)
		return "aspa off";
	if (in->p->proof.aspas)
		return NULL;
	return in->p->proof.no_aspas ? in->p->proof.no_aspas
				     : "no RPKI cache is configured";
}

const char *policy_sources(
    const struct policy *p, uint16_t sources, char *buf, size_t n)
{
	size_t at = 0;

	buf[0] = 0;
	for (unsigned i = 0; i < RPKI_CACHES && at < n; i++) {
		const char *name = p->proof.source[i];
		int k;

		if (!(sources >> i & 1))
			continue;
		if (name)
			k = snprintf(
			    buf + at, n - at, "%s%s", at ? ", " : "", name);
		else
			k = snprintf(buf + at, n - at, "%scache %u",
			    at ? ", " : "", i + 1);
		at += k > 0 ? (size_t)k : 0;
	}
	return buf;
}

static void say_vrp(
    const struct input *in, const struct vrp *v, const struct note *why)
{
	char prefix[PREFIX_TEXT];
	char since[CLOCK_RFC3339_LEN];
	char from[64];
	char what[48];

	if (vrp_matches(v, in->prefix, in->origin))
		(void)snprintf(what, sizeof what, "permits it");
	else if (v->asn != in->origin)
		(void)snprintf(what, sizeof what,
		    in->origin ? "is not for AS%u" : "is for an AS",
		    in->origin);
	else
		(void)snprintf(
		    what, sizeof what, "is for no more than /%u", v->max_len);
	clock_rfc3339(v->since_s, since);
	SAY(why, "VRP %s-%u AS%u %s; from %s, since %s",
	    prefix_format(&v->prefix, prefix), v->max_len, v->asn, what,
	    policy_sources(in->p, v->sources, from, sizeof from), since);
}

/* The VRP that decided: one that matches, else one that comes closest. */
static void say_rov(const struct input *in, const struct note *why)
{
	struct vrp v[16];
	size_t n = vrps_covering(in->p->proof.vrps, in->prefix, v, 16);
	size_t best = 0;

	if (n > 16)
		n = 16;
	for (size_t i = 0; i < n; i++) {
		bool best_is_own = v[best].asn == in->origin;

		if (vrp_matches(&v[i], in->prefix, in->origin)) {
			best = i;
			break;
		}
		if (v[i].asn == in->origin || !best_is_own)
			best = i;
	}
	if (n)
		say_vrp(in, &v[best], why);
	else
		SAY(why, "not-found: no VRP covers the prefix");
}

enum reason proof_check_rov(const struct input *in, const struct note *why)
{
	if (why)
		say_rov(in, why);
	if (in->p->rov != CONF_VALIDATE_REJECT &&
	    in->p->rov != CONF_VALIDATE_REQUIRE)
		return REASON_NONE;
	if (in->rov == ROV_INVALID)
		return REASON_RPKI_INVALID;
	/* Unchecked is not the route's fault, whatever is required. */
	return in->rov == ROV_NOT_FOUND && in->p->rov == CONF_VALIDATE_REQUIRE
		   ? REASON_RPKI_UNKNOWN
		   : REASON_NONE;
}

static void say_record(const struct input *in, const struct aspa_why *w,
    const char *verdict, const struct note *why)
{
	struct aspa_record r;
	char since[CLOCK_RFC3339_LEN];
	char from[64];

	if (!aspas_find(in->p->proof.aspas, w->customer, &r)) {
		SAY(why, "%s: AS%u has no ASPA, to AS%u", verdict, w->customer,
		    w->provider);
		return;
	}
	clock_rfc3339(r.since_s, since);
	SAY(why,
	    "%s: the ASPA of AS%u names %zu provider%s, AS%u is none; from "
	    "%s, since %s",
	    verdict, w->customer, r.n, r.n == 1 ? "" : "s", w->provider,
	    policy_sources(in->p, r.sources, from, sizeof from), since);
}

static void say_aspa(const struct input *in, const struct note *why)
{
	struct aspa_why w = {0};
	enum aspa a = verify(in->p, in->a->as_path, &w);

	if (a != ASPA_VALID && w.customer)
		say_record(in, &w, aspa_word(a), why);
	else if (a == ASPA_VALID)
		SAY(why, "valid: every hop is attested");
	else
		SAY(why, "%s: the path is empty, too long, or holds an AS_SET",
		    aspa_word(a));
}

enum reason proof_check_aspa(const struct input *in, const struct note *why)
{
	if (why)
		say_aspa(in, why);
	return in->aspa == ASPA_INVALID && in->p->aspa == CONF_VALIDATE_REJECT
		   ? REASON_ASPA_INVALID
		   : REASON_NONE;
}

/* ---- informational communities ------------------------------------------ */

static const uint8_t rov_numbers[ROV_COUNT] = {
    [ROV_VALID] = POLICY_RPKI_VALID,
    [ROV_NOT_FOUND] = POLICY_RPKI_NOT_FOUND,
    [ROV_UNCHECKED] = POLICY_RPKI_UNCHECKED,
    [ROV_INVALID] = POLICY_RPKI_INVALID,
};

uint8_t policy_tag_rov(const struct policy *p, enum rov rov)
{
	if (!p->inform || p->rov == CONF_VALIDATE_OFF || !p->proof.cached)
		return 0;
	return rov_numbers[rov];
}

uint8_t policy_tag_attrs(
    const struct policy *p, const struct policy_member *m, enum aspa aspa)
{
	uint8_t tags = 0;

	if (!p->inform)
		return 0;
	if (aspa == ASPA_INVALID)
		tags |= POLICY_TAG_ASPA;
	tags |= p->strict && (m->prefixes || m->origin || m->object[0])
		    ? POLICY_REGISTRY_VALID << POLICY_TAG_REGISTRY_AT
		    : POLICY_REGISTRY_UNCHECKED << POLICY_TAG_REGISTRY_AT;
	return tags;
}

static void write_one(struct wr *w, uint32_t rs, uint32_t what, uint32_t n)
{
	if (!n)
		return;
	wr_u32(w, rs);
	wr_u32(w, what);
	wr_u32(w, n);
}

void policy_tags_write(const struct policy *p, uint8_t tags, struct wr *w)
{
	write_one(w, p->asn, POLICY_INFO_RPKI, tags & POLICY_TAG_ROV);
	write_one(w, p->asn, POLICY_INFO_REGISTRY,
	    tags >> POLICY_TAG_REGISTRY_AT & POLICY_TAG_REGISTRY);
	write_one(w, p->asn, POLICY_INFO_ASPA,
	    tags & POLICY_TAG_ASPA ? POLICY_RPKI_INVALID : 0);
}

void policy_prove(struct policy *p, const struct policy_proof *proof)
{
	p->proof = *proof;
}

const struct policy_proof *policy_proof(const struct policy *p)
{
	return &p->proof;
}

bool policy_uses_rov(const struct policy *p)
{
	return p->rov != CONF_VALIDATE_OFF && p->proof.vrps;
}

bool policy_uses_aspa(const struct policy *p)
{
	return p->aspa != CONF_VALIDATE_OFF && p->proof.aspas;
}

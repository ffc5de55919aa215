#include "policy.h"

#include "base/attr.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static uint32_t number(const uint8_t *p, size_t n)
{
	uint32_t v = 0;

	for (size_t i = 0; i < n; i++)
		v = v << 8 | p[i];
	return v;
}

/* The attribute that starts at wire.p + at: its value, and where it ends. */
static struct bytes value_at(struct bytes wire, size_t at, size_t *ret_end)
{
	bool ext = wire.p[at] & 0x10;
	size_t n = ext ? number(wire.p + at + 2, 2) : wire.p[at + 2];
	size_t from = at + (ext ? 4 : 3);

	*ret_end = from + n;
	return (struct bytes){wire.p + from, n};
}

struct bytes naive_attr(struct bytes wire, unsigned code)
{
	size_t end;

	for (size_t at = 0; at < wire.n; at = end) {
		struct bytes v = value_at(wire, at, &end);

		if (wire.p[at + 1] == code)
			return v;
	}
	return (struct bytes){NULL, 0};
}

/* ---- the path as a plain list ------------------------------------------- */

struct hop {
	uint32_t asn;
	uint8_t type;
	bool last; /* of its segment */
};

static size_t hops(struct bytes wire, struct hop *h, size_t max)
{
	struct bytes path = naive_attr(wire, 2);
	size_t n = 0;

	for (size_t at = 0; at < path.n;) {
		uint8_t type = path.p[at];
		uint8_t count = path.p[at + 1];

		at += 2;
		for (unsigned i = 0; i < count; i++, at += 4) {
			if (n == max)
				return n;
			h[n].asn = number(path.p + at, 4);
			h[n].type = type;
			h[n++].last = i + 1 == count;
		}
	}
	return n;
}

enum {
	MAX_HOPS = 4096
};

bool naive_path_has(struct bytes wire, uint32_t asn)
{
	static struct hop h[MAX_HOPS];
	size_t n = hops(wire, h, MAX_HOPS);

	for (size_t i = 0; i < n; i++)
		if (h[i].asn == asn)
			return true;
	return false;
}

unsigned naive_path_length(struct bytes wire)
{
	static struct hop h[MAX_HOPS];
	size_t n = hops(wire, h, MAX_HOPS);
	unsigned length = 0;

	for (size_t i = 0; i < n; i++)
		if (h[i].type == BGP_AS_SEQUENCE ||
		    (h[i].type == BGP_AS_SET && h[i].last))
			length++;
	return length;
}

uint32_t naive_path_first(struct bytes wire)
{
	static struct hop h[MAX_HOPS];

	if (!hops(wire, h, MAX_HOPS) || h[0].type != BGP_AS_SEQUENCE)
		return 0;
	return h[0].asn;
}

bool naive_has_community(struct bytes wire, uint32_t community)
{
	struct bytes c = naive_attr(wire, 8);

	for (size_t i = 0; i + 4 <= c.n; i += 4)
		if (number(c.p + i, 4) == community)
			return true;
	return false;
}

/* ---- import ------------------------------------------------------------- */

static bool inside(const char *outer, const struct prefix *p)
{
	struct prefix o;

	must(!prefix_parse(outer, &o));
	return prefix_covers(&o, p);
}

static bool bogon(const struct prefix *p)
{
	static const char *const list[] = {"0.0.0.0/8", "10.0.0.0/8",
	    "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12",
	    "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16",
	    "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4",
	    "240.0.0.0/4", "2001:2::/48", "2001:10::/28", "2001:20::/28",
	    "2001:db8::/32", "2002::/16", "3ffe::/16", "3fff::/20"};

	if (p->addr.family == FAMILY_IPV6 && !inside("2000::/3", p))
		return true;
	for (size_t i = 0; i < ARRAY_SIZE(list); i++)
		if (inside(list[i], p))
			return true;
	return false;
}

static bool reserved(const struct conf *c, uint32_t asn)
{
	for (size_t i = 0; i < c->n_member; i++)
		if (c->member[i].asn == asn)
			return false;
	return asn == 0 || asn == 23456 || (asn >= 64496 && asn <= 131071) ||
	       asn >= 4200000000;
}

static bool transit_free(const struct conf *c, uint32_t asn)
{
	static const uint32_t list[] = {174, 701, 1299, 2914, 3257, 3320, 3356,
	    3491, 5511, 6453, 6461, 6762, 6830, 7018, 12956};

	if (c->policy.transit_free) {
		for (size_t i = 0; i < c->policy.n_transit_free; i++)
			if (c->policy.transit_free[i] == asn)
				return true;
		return false;
	}
	for (size_t i = 0; i < ARRAY_SIZE(list); i++)
		if (list[i] == asn)
			return true;
	return false;
}

static bool own_address(
    const struct conf *c, uint32_t asn, const uint8_t *p, size_t n)
{
	for (size_t i = 0; i < c->n_member; i++) {
		const struct conf_member *m = &c->member[i];

		if (m->asn != asn)
			continue;
		for (size_t k = 0; k < m->n_at; k++)
			if (family_bytes(m->at[k].addr.family) == n &&
			    !memcmp(m->at[k].addr.b, p, n))
				return true;
	}
	return false;
}

static bool next_hop_ok(const struct conf *c, const struct naive_import *i)
{
	const uint8_t *p = i->next_hop.p;

	if (i->next_hop.n == 4)
		return own_address(c, i->asn, p, 4);
	if (i->next_hop.n == 16)
		return own_address(c, i->asn, p, 16);
	return own_address(c, i->asn, p, 16) && p[16] == 0xfe &&
	       (p[17] >> 6) == 2;
}

static const struct conf_member *member(
    const struct conf *c, const struct naive_import *i)
{
	for (size_t k = 0; k < c->n_member; k++)
		for (size_t n = 0; n < c->member[k].n_at; n++)
			if (c->member[k].asn == i->asn &&
			    ip_eq(&c->member[k].at[n].addr, &i->peer))
				return &c->member[k];
	return NULL;
}

/* ---- the registries ------------------------------------------------------ */

void naive_object(const struct conf_member *m, char ret[REGISTRY_OBJECT])
{
	if (m->as_set[0])
		(void)snprintf(ret, REGISTRY_OBJECT, "%s", m->as_set);
	else
		(void)snprintf(ret, REGISTRY_OBJECT, "AS%u", m->asn);
}

/* NULL: nothing is known of the member. */
static const struct naive_set *set_of(
    const struct naive_proof *proof, const struct conf_member *m)
{
	char name[REGISTRY_OBJECT];

	naive_object(m, name);
	for (size_t i = 0; i < proof->n_set; i++)
		if (!strcasecmp(proof->set[i].object, name))
			return &proof->set[i];
	return NULL;
}

static bool in_prefixes(
    const struct conf_prefix *set, size_t n, const struct prefix *p)
{
	for (size_t i = 0; i < n; i++)
		if (prefix_covers(&set[i].prefix, p) &&
		    p->len >= set[i].min_len && p->len <= set[i].max_len)
			return true;
	return false;
}

static bool in_origins(const uint32_t *set, size_t n, uint32_t asn)
{
	for (size_t i = 0; i < n; i++)
		if (set[i] == asn)
			return true;
	return false;
}

/* What the member's block says and what its object says, together. */
static enum reason judge_origin(const struct conf *c,
    const struct naive_proof *proof, const struct conf_member *m,
    uint32_t origin)
{
	const struct naive_set *s = set_of(proof, m);

	if (!m->n_origin && !c->registry.present)
		return REASON_NONE;
	if (in_origins(m->origin, m->n_origin, origin))
		return REASON_NONE;
	if (c->registry.present && s &&
	    in_origins(s->origin, s->n_origin, origin))
		return REASON_NONE;
	return !m->n_origin && !s ? REASON_REGISTRY_PENDING
				  : REASON_ORIGIN_NOT_REGISTERED;
}

static enum reason judge_set(const struct conf *c,
    const struct naive_proof *proof, const struct conf_member *m,
    const struct prefix *p)
{
	const struct naive_set *s = set_of(proof, m);

	if (!m->n_prefix && !c->registry.present)
		return REASON_NONE;
	if (in_prefixes(m->prefix, m->n_prefix, p))
		return REASON_NONE;
	if (c->registry.present && s && in_prefixes(s->prefix, s->n_prefix, p))
		return REASON_NONE;
	return !m->n_prefix && !s ? REASON_REGISTRY_PENDING
				  : REASON_PREFIX_NOT_REGISTERED;
}

/* ---- the RPKI ----------------------------------------------------------- */

/* n of RS:1000:n. */
enum {
	SAY_VALID = 1,
	SAY_NOT_FOUND,
	SAY_UNCHECKED,
	SAY_INVALID
};

/* RFC 6811 s2, word for word. */
static unsigned rov(const struct conf *c, const struct naive_proof *proof,
    const struct naive_import *i)
{
	static struct hop h[MAX_HOPS];
	size_t n = hops(i->wire, h, MAX_HOPS);
	bool covered = false;
	uint32_t origin = 0;

	if (c->policy.rov == CONF_VALIDATE_OFF || !proof->vrps)
		return SAY_UNCHECKED;
	if (n && h[n - 1].type == BGP_AS_SEQUENCE)
		origin = h[n - 1].asn;
	for (size_t k = 0; k < proof->n_vrp; k++) {
		const struct naive_vrp *v = &proof->vrp[k];

		if (!prefix_covers(&v->prefix, &i->prefix))
			continue;
		covered = true;
		if (origin && v->asn == origin && i->prefix.len <= v->max_len)
			return SAY_VALID;
	}
	return covered ? SAY_INVALID : SAY_NOT_FOUND;
}

/* Does customer say that it is none of its providers? */
static bool denied(
    const struct naive_proof *proof, uint32_t customer, uint32_t provider)
{
	for (size_t k = 0; k < proof->n_aspa; k++) {
		const struct naive_aspa *a = &proof->aspa[k];
		bool named = false;

		if (a->customer != customer)
			continue;
		for (unsigned m = 0; m < a->n; m++)
			named |= a->provider[m] == provider;
		return !named;
	}
	return false;
}

/* From a client the path may only climb: each hop to a provider. */
static bool aspa_invalid(const struct conf *c, const struct naive_proof *proof,
    const struct naive_import *i)
{
	static struct hop h[MAX_HOPS];
	size_t n = hops(i->wire, h, MAX_HOPS);

	if (c->policy.aspa == CONF_VALIDATE_OFF || !proof->aspas)
		return false;
	for (size_t k = 0; k < n; k++)
		if (h[k].type != BGP_AS_SEQUENCE)
			return true;
	for (size_t k = 1; k < n; k++)
		if (h[k].asn != h[k - 1].asn &&
		    denied(proof, h[k].asn, h[k - 1].asn))
			return true;
	return !n;
}

void naive_told(const struct conf *c, const struct naive_proof *proof,
    const struct naive_import *i, uint32_t ret[3])
{
	const struct conf_member *m = member(c, i);
	bool sets = c->policy.preset == CONF_PRESET_STRICT && m &&
		    (m->n_prefix || m->n_origin || c->registry.present);

	memset(ret, 0, 3 * sizeof *ret);
	if (!c->policy.inform)
		return;
	if (c->policy.rov != CONF_VALIDATE_OFF && proof->cached)
		ret[0] = rov(c, proof, i);
	ret[1] = sets ? 1 : 2;
	if (aspa_invalid(c, proof, i))
		ret[2] = SAY_INVALID;
}

static enum reason judge_path(const struct conf *c,
    const struct naive_proof *proof, const struct conf_member *m,
    const struct naive_import *i)
{
	static struct hop h[MAX_HOPS];
	size_t n = hops(i->wire, h, MAX_HOPS);

	for (size_t k = 0; k < n; k++)
		if (h[k].type != BGP_AS_SEQUENCE)
			return REASON_AS_SET;
	if (!n)
		return REASON_PATH_TOO_SHORT;
	if (n > c->policy.max_path)
		return REASON_PATH_TOO_LONG;
	if (h[0].asn != m->asn)
		return REASON_FIRST_AS;
	if (!next_hop_ok(c, i))
		return REASON_NEXT_HOP;
	for (size_t k = 0; k < n; k++)
		if (h[k].asn == c->exchange.asn)
			return REASON_OWN_ASN;
	for (size_t k = 0; k < n; k++)
		if (reserved(c, h[k].asn))
			return REASON_BOGON_ASN;
	for (size_t k = 0; k < n; k++)
		if (h[k].asn != m->asn && transit_free(c, h[k].asn))
			return REASON_TRANSIT_FREE_ASN;
	for (size_t k = 0; k < n; k++)
		for (size_t v = 0; v < c->policy.n_never_via; v++)
			if (h[k].asn != m->asn &&
			    h[k].asn == c->policy.never_via[v])
				return REASON_NEVER_VIA_RS;
	if (naive_attr(i->wire, 35).n)
		return REASON_OTC_LEAK;
	if (c->policy.aspa == CONF_VALIDATE_REJECT && aspa_invalid(c, proof, i))
		return REASON_ASPA_INVALID;
	return judge_origin(c, proof, m, h[n - 1].asn);
}

static enum reason judge_prefix(const struct conf *c,
    const struct naive_proof *proof, const struct conf_member *m,
    const struct prefix *p)
{
	if (p->len > c->policy.max_len[p->addr.family])
		return REASON_PREFIX_TOO_LONG;
	if (p->len < c->policy.min_len[p->addr.family])
		return REASON_PREFIX_TOO_SHORT;
	for (size_t i = 0; i < c->exchange.n_lan; i++)
		if (prefix_covers(&c->exchange.lan[i], p))
			return REASON_PEERING_LAN;
	if (bogon(p))
		return REASON_BOGON_PREFIX;
	return judge_set(c, proof, m, p);
}

static enum reason judge_proof(const struct conf *c,
    const struct naive_proof *proof, const struct naive_import *i)
{
	unsigned say = rov(c, proof, i);

	if (c->policy.rov == CONF_VALIDATE_MARK)
		return REASON_NONE;
	if (say == SAY_INVALID)
		return REASON_RPKI_INVALID;
	if (say == SAY_NOT_FOUND && c->policy.rov == CONF_VALIDATE_REQUIRE)
		return REASON_RPKI_UNKNOWN;
	return REASON_NONE;
}

/* What no preset turns off. */
static enum reason judge_open(const struct conf *c,
    const struct naive_proof *proof, const struct naive_import *i)
{
	if (naive_attr(i->wire, 35).n)
		return REASON_OTC_LEAK;
	if (c->policy.aspa == CONF_VALIDATE_REJECT && aspa_invalid(c, proof, i))
		return REASON_ASPA_INVALID;
	return judge_proof(c, proof, i);
}

enum reason naive_judge(const struct conf *c, const struct naive_proof *proof,
    const struct naive_import *i)
{
	const struct conf_member *m = member(c, i);
	size_t n = naive_attr(i->wire, 8).n / 4 +
		   naive_attr(i->wire, 16).n / 8 +
		   naive_attr(i->wire, 32).n / 12;

	if (!c->policy.present || !m)
		return REASON_NO_POLICY;
	if (c->policy.preset == CONF_PRESET_OPEN)
		return judge_open(c, proof, i);
	if (n > c->policy.max_communities)
		return REASON_TOO_MANY_COMMUNITIES;
	enum reason r = judge_path(c, proof, m, i);
	if (!r)
		r = judge_prefix(c, proof, m, &i->prefix);
	return r ? r : judge_proof(c, proof, i);
}

/* ---- control communities ------------------------------------------------ */

/* A community as "who says what of whom": function 0 deny, 1 announce, ... */
struct said {
	bool ours;
	uint32_t function;
	uint32_t peer; /* 0: all */
};

static struct said said_pair(uint32_t rs, uint32_t a, uint32_t b)
{
	struct said s = {.ours = a == 0 || a == rs};

	s.function = a == 0 ? 0 : 1;
	s.peer = b == rs ? 0 : b;
	if (b == 0)
		s.function = 9999;
	return s;
}

static struct said said_by(uint32_t rs, unsigned code, const uint8_t *p)
{
	if (code == 8)
		return said_pair(rs, number(p, 2), number(p + 2, 2));
	if (code == 16 && p[0] == 0 && p[1] == 2)
		return said_pair(rs, number(p + 2, 2), number(p + 4, 4));
	if (code == 16 && p[0] == 2 && p[1] == 2)
		return said_pair(rs, number(p + 2, 4), number(p + 6, 2));
	if (code == 32 && number(p, 4) == rs) {
		uint32_t f = number(p + 4, 4);

		return (struct said){
		    .ours = f <= 1 || (f >= 101 && f <= 103) || f == 1000 ||
			    f == 1001 || f == 1002 || f == 1101,
		    .function = f,
		    .peer = number(p + 8, 4),
		};
	}
	return (struct said){.ours = false};
}

static const struct {
	unsigned code;
	size_t each;
} kinds[] = {{8, 4}, {16, 8}, {32, 12}};

static bool somebody_says(
    uint32_t rs, struct bytes wire, uint32_t function, uint32_t peer)
{
	for (size_t k = 0; k < ARRAY_SIZE(kinds); k++) {
		struct bytes c = naive_attr(wire, kinds[k].code);

		for (size_t i = 0; i < c.n; i += kinds[k].each) {
			struct said s = said_by(rs, kinds[k].code, c.p + i);

			if (s.ours && s.function == function && s.peer == peer)
				return true;
		}
	}
	return false;
}

int naive_wish(uint32_t rs, struct bytes wire, uint32_t client)
{
	if (somebody_says(rs, wire, 0, client))
		return -1;
	if (!somebody_says(rs, wire, 1, client) &&
	    somebody_says(rs, wire, 0, 0))
		return -1;
	for (int n = 3; n >= 1; n--)
		if (somebody_says(rs, wire, 100 + (uint32_t)n, client))
			return n;
	for (int n = 3; n >= 1; n--)
		if (somebody_says(rs, wire, 100 + (uint32_t)n, 0))
			return n;
	return 0;
}

/* ---- what the client sees ----------------------------------------------- */

static size_t write_attr(
    uint8_t *to, unsigned flags, unsigned code, const uint8_t *value, size_t n)
{
	size_t at = 0;

	to[at++] = (uint8_t)(n > 255 ? flags | 0x10 : flags & 0xef);
	to[at++] = (uint8_t)code;
	if (n > 255)
		to[at++] = (uint8_t)(n >> 8);
	to[at++] = (uint8_t)n;
	memcpy(to + at, value, n);
	return at + n;
}

static size_t without_ours(
    uint32_t rs, unsigned code, size_t each, struct bytes v, uint8_t *to)
{
	size_t n = 0;

	for (size_t i = 0; i < v.n; i += each) {
		if (said_by(rs, code, v.p + i).ours)
			continue;
		memcpy(to + n, v.p + i, each);
		n += each;
	}
	return n;
}

static size_t prepended(struct bytes v, unsigned times, uint8_t *to)
{
	unsigned n = v.n >= 2 && v.p[0] == BGP_AS_SEQUENCE ? times : 0;
	size_t at = 0;

	if (!n) {
		memcpy(to, v.p, v.n);
		return v.n;
	}
	to[at++] = BGP_AS_SEQUENCE;
	to[at++] = (uint8_t)n;
	for (unsigned i = 0; i < n; i++, at += 4)
		memcpy(to + at, v.p + 2, 4);
	if (v.p[1] + n <= 255) { /* one segment is enough */
		to[1] = (uint8_t)(v.p[1] + n);
		memcpy(to + at, v.p + 2, v.n - 2);
		return at + v.n - 2;
	}
	memcpy(to + at, v.p, v.n);
	return at + v.n;
}

static size_t write_otc(uint32_t rs, uint8_t *to)
{
	const uint8_t value[4] = {(uint8_t)(rs >> 24), (uint8_t)(rs >> 16),
	    (uint8_t)(rs >> 8), (uint8_t)rs};

	return write_attr(to, 0xc0, 35, value, 4);
}

/* v without what was for us, and what we tell behind it. */
static size_t write_large(uint32_t rs, unsigned flags, struct bytes v,
    const uint32_t told[3], uint8_t *to)
{
	static uint8_t value[70000];
	size_t n = without_ours(rs, 32, 12, v, value);

	for (uint32_t k = 0; k < 3; k++) {
		const uint32_t number[3] = {rs, 1000 + k, told[k]};

		for (unsigned b = 0; b < 12 && told[k]; b++)
			value[n++] =
			    (uint8_t)(number[b / 4] >> (24 - b % 4 * 8));
	}
	return n ? write_attr(to, flags, 32, value, n) : 0;
}

/* What stands where in the order of codes: large, OTC. */
static size_t write_ours(
    uint32_t rs, bool large, bool otc, const uint32_t told[3], uint8_t *to)
{
	size_t n = 0;

	if (large)
		n += write_large(rs, 0xc0, (struct bytes){to, 0}, told, to);
	if (otc)
		n += write_otc(rs, to + n);
	return n;
}

size_t naive_rewrite(uint32_t rs, struct bytes wire, unsigned prepend,
    const uint32_t told[3], uint8_t *ret)
{
	static uint8_t value[70000];
	bool large = true; /* is still to be written */
	bool otc = true;
	size_t out = 0;
	size_t end;

	for (size_t at = 0; at < wire.n; at = end) {
		struct bytes v = value_at(wire, at, &end);
		unsigned code = wire.p[at + 1];
		size_t n = v.n;

		out += write_ours(
		    rs, large && code > 32, otc && code > 35, told, ret + out);
		large &= code < 32;
		otc &= code <= 35;
		if (code == 32) {
			out += write_large(rs, wire.p[at], v, told, ret + out);
			continue;
		}
		if (code == 2) {
			n = prepended(v, prepend, value);
		} else if (code == 8 || code == 16) {
			n = without_ours(rs, code, code == 8 ? 4 : 8, v, value);
			if (!n)
				continue;
		} else {
			memcpy(value, v.p, v.n);
		}
		out += write_attr(ret + out, wire.p[at], code, value, n);
	}
	return out + write_ours(rs, large, otc, told, ret + out);
}

size_t naive_normal(struct bytes wire, uint8_t *ret)
{
	static struct hop h[MAX_HOPS];
	static uint8_t value[70000];
	size_t n = hops(wire, h, MAX_HOPS);
	size_t at = 0;
	size_t head = 0;
	size_t out = 0;
	size_t end;

	for (size_t i = 0; i < n; i++) {
		bool begins = !i || h[i].type != h[i - 1].type ||
			      value[head + 1] == 255 ||
			      (h[i].type == BGP_AS_SET && h[i - 1].last);

		if (begins) {
			head = at;
			value[at++] = h[i].type;
			value[at++] = 0;
		}
		value[head + 1]++;
		for (unsigned k = 0; k < 4; k++)
			value[at++] = (uint8_t)(h[i].asn >> (24 - 8 * k));
	}
	for (size_t from = 0; from < wire.n; from = end) {
		struct bytes v = value_at(wire, from, &end);

		if (wire.p[from + 1] == 2)
			v = (struct bytes){value, at};
		out += write_attr(
		    ret + out, wire.p[from], wire.p[from + 1], v.p, v.n);
	}
	return out;
}

size_t naive_add_community(struct bytes wire, uint32_t c, uint8_t *ret)
{
	static uint8_t value[70000];
	struct bytes have = naive_attr(wire, 8);
	bool done = false;
	size_t out = 0;
	size_t end;

	if (have.n)
		memcpy(value, have.p, have.n);
	for (unsigned k = 0; k < 4; k++)
		value[have.n + k] = (uint8_t)(c >> (24 - 8 * k));
	for (size_t from = 0; from < wire.n; from = end) {
		struct bytes v = value_at(wire, from, &end);
		unsigned code = wire.p[from + 1];

		if (!done && code >= 8) {
			out +=
			    write_attr(ret + out, 0xc0, 8, value, have.n + 4);
			done = true;
		}
		if (code != 8)
			out +=
			    write_attr(ret + out, wire.p[from], code, v.p, v.n);
	}
	if (!done)
		out += write_attr(ret + out, 0xc0, 8, value, have.n + 4);
	return out;
}

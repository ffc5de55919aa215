/* Random configurations and sessions for the twin test. */
#include "twin_make.h"

#include "base/attr.h"
#include "base/wire.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint64_t state = 1;
static unsigned scale = 24; /* prefixes of a family, about */

static unsigned n_sessions = MAKE_FEW;

void make_scale(unsigned n)
{
	scale = n;
}

unsigned make_prefixes(void)
{
	return scale;
}

void make_many(unsigned n)
{
	must(n >= MAKE_FEW && n <= MAKE_MAX_SESSIONS);
	n_sessions = n;
}

unsigned make_sessions(void)
{
	return n_sessions;
}

void make_seed(uint64_t seed)
{
	state = seed * 0x9e3779b97f4a7c15u + 1;
}

uint64_t make_random(void)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state * 0x2545f4914f6cdd1du;
}

unsigned make_below(unsigned n)
{
	return (unsigned)(make_random() >> 33) % n;
}

bool make_once_in(unsigned n)
{
	return !make_below(n);
}

/* ---- configuration ------------------------------------------------------ */

/* One member has two routers and two members are of one address only. */
static const struct {
	uint32_t asn;
	unsigned member;
	const char *addr;
} few[MAKE_FEW] = {
    {64501, 0, "192.0.2.11"},
    {64501, 0, "2001:db8:100::11"},
    {64501, 0, "192.0.2.21"},
    {64502, 1, "192.0.2.12"},
    {64502, 1, "2001:db8:100::12"},
    {64503, 2, "192.0.2.13"},
    {3356, 3, "192.0.2.14"},
    {3356, 3, "2001:db8:100::14"},
    {4200000001, 4, "192.0.2.15"},
    {64506, 5, "2001:db8:100::16"},
    {196615, 6, "192.0.2.17"},
    {64508, 7, "192.0.2.18"},
};

enum {
	FEW_MEMBERS = 8
};

/* The others are members with one router each. */
uint32_t make_asn(unsigned session)
{
	return session < MAKE_FEW ? few[session].asn : 64600 + session;
}

static unsigned member_of(unsigned session)
{
	return session < MAKE_FEW ? few[session].member
				  : FEW_MEMBERS + session - MAKE_FEW;
}

static void address_of(unsigned session, struct ip *ret)
{
	char text[32];

	(void)snprintf(text, sizeof text, "192.0.2.%u", 50 + session);
	must(!ip_parse(session < MAKE_FEW ? few[session].addr : text, ret));
}

static size_t add_member(char *text, size_t cap, unsigned member)
{
	uint32_t asn = 0;
	size_t n = 0;

	for (unsigned i = 0; i < n_sessions; i++) {
		char addr[IP_TEXT];
		struct ip ip;

		if (member_of(i) != member)
			continue;
		asn = make_asn(i);
		address_of(i, &ip);
		if (!n)
			n += (size_t)snprintf(text, cap,
			    "member \"M%u\" { asn %u; ", member, asn);
		n += (size_t)snprintf(
		    text + n, cap - n, "at %s; ", ip_format(&ip, addr));
	}
	if (make_once_in(5))
		n += (size_t)snprintf(text + n, cap - n,
		    "prefix 11.0.0.0/16 le 24, 2a00::/32 le 48; ");
	if (make_once_in(8))
		n += (size_t)snprintf(
		    text + n, cap - n, "origin %u, 2000, 2001; ", asn);
	if (make_once_in(3))
		n += (size_t)snprintf(
		    text + n, cap - n, "as-set AS-M%u; ", member);
	if (make_once_in(5))
		n += (size_t)snprintf(text + n, cap - n, "max-prefix %u, %u; ",
		    scale + scale / 2, scale);
	if (make_once_in(8))
		n += (size_t)snprintf(
		    text + n, cap - n, "unknown-attributes withdraw; ");
	n += (size_t)snprintf(text + n, cap - n, "}\n");
	return n;
}

static size_t add_policy(char *text, size_t cap)
{
	static const char *const acts[] = {"reject", "mark", "off", "require"};
	const char *rov = acts[make_once_in(6) ? 3 : make_below(3)];
	const char *aspa = acts[make_below(3)];
	const char *inform = make_once_in(3) ? "off" : "on";

	if (make_once_in(40))
		return 0; /* RFC 8212 */
	if (make_once_in(6))
		return (size_t)snprintf(text, cap, "policy { preset open; }\n");
	if (make_once_in(5))
		return (size_t)snprintf(text, cap,
		    "policy { preset open; rov %s; aspa %s; informational %s; "
		    "}\n",
		    rov, aspa, inform);
	unsigned path = make_once_in(4) ? 4 : 64;
	unsigned communities = make_once_in(4) ? 5 : 100;
	return (size_t)snprintf(text, cap,
	    "policy { max-path %u; max-communities %u; rov %s; aspa %s; "
	    "informational %s; %s%s }\n",
	    path, communities, rov, aspa, inform,
	    make_once_in(4) ? "prefix-length ipv4 8-25, ipv6 19-48; " : "",
	    make_once_in(4) ? "never-via-route-server 2003, 262144;" : "");
}

struct conf *make_conf(void)
{
	static char text[65536];
	size_t n = (size_t)snprintf(text, sizeof text,
	    "exchange \"X\" { asn %u; router-id 192.0.2.1;"
	    " listen 192.0.2.1, 2001:db8:100::1;"
	    " lan 192.0.2.0/24, 2001:db8:100::/64; stale-time 100s; llgr %s; "
	    "}\n",
	    MAKE_RS, make_once_in(2) ? "off" : "200s");
	struct conf_error *errors = NULL;
	size_t n_errors = 0;
	struct conf *c = NULL;

	n += add_policy(text + n, sizeof text - n);
	if (make_once_in(3))
		n += (size_t)snprintf(text + n, sizeof text - n,
		    "registry { server 127.0.0.1; }\n");
	for (unsigned m = 0; m < FEW_MEMBERS + n_sessions - MAKE_FEW; m++)
		if (!make_once_in(12))
			n += add_member(text + n, sizeof text - n, m);
	if (conf_parse(text, n, &c, &errors, &n_errors)) {
		(void)fprintf(stderr, "%s%s\n", text,
		    n_errors ? errors[0].text : "no error");
		abort();
	}
	free(errors);
	return c;
}

/* ---- sessions ----------------------------------------------------------- */

enum {
	V4 = BGP_FAMILY(FAMILY_IPV4),
	V6 = BGP_FAMILY(FAMILY_IPV6)
};

struct feed_up make_session(unsigned i)
{
	struct feed_up up;
	unsigned kind = make_below(6);

	memset(&up, 0, sizeof up);
	address_of(i, &up.peer);
	must(!ip_parse(
	    up.peer.family == FAMILY_IPV4 ? "192.0.2.1" : "2001:db8:100::1",
	    &up.local));
	up.asn = make_asn(i);
	up.id = 0x0a000000 + i % 4 + (make_once_in(20) ? 4 : 0);
	up.hold_s = 90;
	up.families = up.peer.family == FAMILY_IPV4 ? V4 : V6;
	if (kind == 0)
		up.families = V4 | V6;
	up.as4 = up.asn > 65535 || !make_once_in(6);
	up.extended = make_once_in(3);
	up.refresh = !make_once_in(4);
	up.enhanced_refresh = up.refresh && make_once_in(2);
	up.next_hop6 = up.families & V4 && make_once_in(3) ? V4 : 0;
	if (make_once_in(4))
		up.add_path_rx = up.families;
	if (make_once_in(5))
		up.add_path_tx = up.families;
	up.open.asn = up.asn;
	up.open.id = up.id;
	up.open.mp = true;
	up.open.families = up.families;
	up.open.as4 = up.as4;
	up.open.extended = up.extended;
	up.open.refresh = up.refresh;
	up.open.enhanced_refresh = up.enhanced_refresh;
	up.open.next_hop6 = up.next_hop6;
	up.open.has_role = make_once_in(4);
	up.open.role = make_once_in(5) ? 1 : 2;
	up.open.llgr_families = make_once_in(3) ? up.families : 0;
	for (int f = 0; f < FAMILY_COUNT && up.open.llgr_families; f++)
		up.open.llgr_time_s[f] = 50 * make_below(8);
	up.open.gr = make_once_in(2);
	if (up.open.gr) {
		up.open.gr_time_s = (uint16_t)(10 + 10 * make_below(20));
		up.open.gr_families = up.families;
		up.open.gr_forwarding = make_once_in(5) ? 0 : up.families;
		up.open.gr_restarting = make_once_in(2);
	}
	return up;
}

bool make_configured(const struct conf *c, const struct feed_up *up)
{
	const struct conf_at *at;
	const struct conf_member *m = conf_find(c, &up->peer, &at);

	return m && m->asn == up->asn;
}

/*
 * Every directive of spean.conf: what is read, checked, compared and
 * documented comes from these tables.
 */
#include "base/must.h"
#include "conf/internal.h"

#include <string.h>

#define FIELD(type, f)                                                         \
	.at = offsetof(struct type, f), .size = sizeof(((struct type *)0)->f)
#define LIST(type, f, n) FIELD(type, f), .n_at = offsetof(struct type, n)
#define OWN(type, f) .own_at = offsetof(struct type, f)

static const struct directive exchange_directives[] = {
    {"asn", VALUE_ASN, DIR_REQUIRED | DIR_RESETS, "NUMBER", NULL,
	"The exchange's own AS number.  It never appears in a path that it "
	"hands on.",
	FIELD(conf_exchange, asn)},
    {"router-id", VALUE_ROUTER_ID, DIR_REQUIRED | DIR_RESETS, "IPV4-ADDRESS",
	NULL,
	"The BGP identifier (RFC 6286): 32 bits written as an IPv4 address, "
	"not zero.",
	FIELD(conf_exchange, router_id)},
    {"listen", VALUE_ADDRESSES, DIR_REQUIRED | DIR_REPEATS,
	"ADDRESS [, ADDRESS ...]", NULL,
	"Where members reach the route server.  Its sessions are opened from "
	"these addresses too.",
	.max = CONF_LISTEN, LIST(conf_exchange, listen, n_listen)},
    {"lan", VALUE_PREFIXES, DIR_REPEATS, "PREFIX [, PREFIX ...]", NULL,
	"The peering LAN.  When it is given, every member's address must lie "
	"in it, and routes to it or into it are refused.",
	.max = CONF_LANS, LIST(conf_exchange, lan, n_lan)},
    {"port", VALUE_NUMBER, 0, "NUMBER", "179", "The TCP port to listen on.",
	.min = 1, .max = UINT16_MAX, FIELD(conf_exchange, port)},
    {"hold", VALUE_HOLD, DIR_OFF, "TIME", "90s",
	"The hold time that is offered (RFC 4271): off, or at least 3 "
	"seconds.  The smaller of both sides' counts.",
	.max = UINT16_MAX, FIELD(conf_exchange, hold_s)},
    {"send-hold", VALUE_SECONDS, DIR_OFF, "TIME", NULL,
	"How long a member may take nothing at all from a full connection "
	"before it is closed (RFC 9687).  Unless given: twice the hold time, "
	"at least 8 minutes.",
	.max = UINT16_MAX, FIELD(conf_exchange, send_hold_s)},
    {"connect-retry", VALUE_SECONDS, 0, "TIME", "30s",
	"The time between attempts to reach a member.  It grows for a member "
	"whose session keeps failing.",
	.min = 1, .max = UINT16_MAX, FIELD(conf_exchange, connect_retry_s)},
    {"back-off", VALUE_SECONDS, 0, "TIME", "300s",
	"The longest that a member has to wait for a new session when its "
	"sessions keep ending.  The wait begins at a second and doubles.",
	.min = 1, .max = 3600, FIELD(conf_exchange, back_off_s)},
    {"graceful-restart", VALUE_SWITCH, 0, "on | off", "on",
	"Whether graceful restart is offered (RFC 4724, RFC 8538).",
	FIELD(conf_exchange, graceful_restart)},
    {"restart-time", VALUE_SECONDS, 0, "TIME", "120s",
	"The restart time that is announced: how long members keep the "
	"exchange's routes while it restarts.",
	.min = 1, .max = 4095, FIELD(conf_exchange, restart_s)},
    {"selection-deferral", VALUE_SECONDS, 0, "TIME", "60s",
	"After a restart, how long to wait for members' tables before routes "
	"are chosen and sent (RFC 4724).",
	.min = 1, .max = 3600, FIELD(conf_exchange, deferral_s)},
    {"stale-time", VALUE_SECONDS, 0, "TIME", "300s",
	"How long a restarting member's routes are kept at most.", .min = 1,
	.max = 86400, FIELD(conf_exchange, stale_max_s)},
    {"llgr", VALUE_SECONDS, DIR_OFF, "TIME", "off",
	"Long-lived graceful restart (RFC 9494): how long stale routes stay "
	"beyond stale-time, for members that know it.",
	.max = 0xffffff, FIELD(conf_exchange, llgr_s)},
    {"strict-role", VALUE_SWITCH, 0, "on | off", "off",
	"Whether a member has to say that it is a route server client (BGP "
	"roles, RFC 9234).  One that says it is something else is refused in "
	"any case.",
	FIELD(conf_exchange, strict_role)},
    {"session-instances", VALUE_NUMBER, 0, "NUMBER", "1",
	"How many processes speak with the members; each member's session "
	"belongs to one of them, by its address.  More than one helps where "
	"there are cores for it and many members.  A change needs a restart.",
	.min = 1, .max = CONF_SESSIONS, FIELD(conf_exchange, sessions)},
    {0},
};

static const struct choice presets[] = {
    {"strict", CONF_PRESET_STRICT,
	"All checks: prefix lengths, bogon prefixes and ASNs, AS_SET, first "
	"AS, next hop, own ASN, peering LAN, transit-free ASNs, path length, "
	"number of communities, and the members' registered sets."},
    {"open", CONF_PRESET_OPEN,
	"None of these checks, for labs and benchmarks.  What is malformed, "
	"and what OTC shows to be a leak, is still refused."},
    {0},
};

static const struct choice unknowns[] = {
    {"relay", CONF_RELAY,
	"Handed on with the Partial bit set, as RFC 4271 says."},
    {"discard", CONF_DISCARD, "Taken off the route."},
    {"withdraw", CONF_WITHDRAW, "The route is refused."},
    {0},
};

static const struct choice origin_validations[] = {
    {"reject", CONF_VALIDATE_REJECT, "What is invalid is refused."},
    {"require", CONF_VALIDATE_REQUIRE,
	"What is invalid is refused, and what no ROA covers too."},
    {"mark", CONF_VALIDATE_MARK,
	"What is invalid is accepted, and shown and marked as such."},
    {"off", CONF_VALIDATE_OFF, "Nothing is looked up."},
    {0},
};

static const struct choice path_validations[] = {
    {"reject", CONF_VALIDATE_REJECT, "What is invalid is refused."},
    {"mark", CONF_VALIDATE_MARK,
	"What is invalid is accepted, and shown and marked as such."},
    {"off", CONF_VALIDATE_OFF, "Nothing is looked up."},
    {0},
};

static const struct directive policy_directives[] = {
    {"preset", VALUE_CHOICE, 0, NULL, "strict",
	"Which checks a member's route has to pass:", .choices = presets,
	FIELD(conf_policy, preset)},
    {"unknown-attributes", VALUE_CHOICE, 0, NULL, "relay",
	"What is done with optional transitive attributes that nobody here "
	"knows:",
	.choices = unknowns, FIELD(conf_policy, unknown)},
    {"prefix-length", VALUE_LENGTHS, 0, "ipv4 MIN-MAX [, ipv6 MIN-MAX]",
	"ipv4 8-24, ipv6 19-48", "The prefix lengths that are accepted.",
	FIELD(conf_policy, min_len)},
    {"max-path", VALUE_NUMBER, 0, "NUMBER", "64",
	"The longest AS path that is accepted, in hops.", .min = 1, .max = 1000,
	FIELD(conf_policy, max_path)},
    {"max-communities", VALUE_NUMBER, 0, "NUMBER", "100",
	"The most communities of all kinds that a route may carry.",
	.max = 16384, FIELD(conf_policy, max_communities)},
    {"transit-free", VALUE_ASNS, DIR_REPEATS, "ASN [, ASN ...]", NULL,
	"Networks that buy no transit.  A route learned from a member that "
	"has one of them behind the first AS of its path is a leak, and is "
	"refused.  Unless given: a built-in list.",
	.max = 1000, LIST(conf_policy, transit_free, n_transit_free)},
    {"never-via-route-server", VALUE_ASNS, DIR_REPEATS, "ASN [, ASN ...]", NULL,
	"Networks that are never to be reached via a route server, as they say "
	"themselves in PeeringDB.  A route with one of them in its path is "
	"refused, but for that network's own routes.",
	.max = 100000, LIST(conf_policy, never_via, n_never_via)},
    {"rov", VALUE_CHOICE, 0, NULL, NULL,
	"What follows from origin validation (RFC 6811) against the data of "
	"the caches in rpki.  Unless given: reject, and off where preset is "
	"open.",
	.choices = origin_validations, FIELD(conf_policy, rov),
	OWN(conf_policy, own_rov)},
    {"aspa", VALUE_CHOICE, 0, NULL, NULL,
	"The same for path validation by ASPA.  Unless given: reject, and "
	"off where preset is open.",
	.choices = path_validations, FIELD(conf_policy, aspa),
	OWN(conf_policy, own_aspa)},
    {"informational", VALUE_SWITCH, 0, "on | off", NULL,
	"Whether a route that goes out carries what the exchange knows of it "
	"as large communities: RS:1000:n the outcome of rov (when there is an "
	"RPKI cache), RS:1001:n that of the member's registered sets, "
	"RS:1002:4 an AS path that aspa mark lets pass.  Unless given: on; "
	"with preset open: off.",
	FIELD(conf_policy, inform), OWN(conf_policy, own_inform)},
    {"source-validation", VALUE_LATER, .syntax = "source validation"},
    {0},
};

static const struct directive member_directives[] = {
    {"asn", VALUE_ASN, DIR_REQUIRED | DIR_RESETS, "NUMBER", NULL,
	"The member's AS number.", FIELD(conf_member, asn)},
    {"as-set", VALUE_SET_NAME, 0, "NAME", NULL,
	"The member's set in its routing registry, as AS-ALPHA or "
	"AS64501:AS-ALL.  With a registry block its prefixes and origins "
	"are asked for.",
	FIELD(conf_member, as_set)},
    {"at", VALUE_AT, DIR_REQUIRED | DIR_REPEATS,
	"ADDRESS [, ADDRESS ...] [{ ... }]", NULL,
	"The addresses of the member's routers: one session each.  The "
	"directives in the braces are for these sessions alone.",
	LIST(conf_member, at, n_at)},
    {"prefix", VALUE_REGISTERED, DIR_REPEATS,
	"PREFIX [ge LENGTH] [le LENGTH] [, PREFIX ...]", NULL,
	"The prefixes that the member may announce.  le also permits "
	"more-specifics up to that length, and ge only those from that length "
	"on.  A member without any is not checked against a set.",
	.max = 1000000, LIST(conf_member, prefix, n_prefix)},
    {"origin", VALUE_ASNS, DIR_REPEATS, "ASN [, ASN ...]", NULL,
	"The networks that may originate what the member announces.  A "
	"member without any is not checked for it.",
	.max = 1000000, LIST(conf_member, origin, n_origin)},
    {"max-prefix", VALUE_LIMITS, 0, "IPV4 [, IPV6]", NULL,
	"The most routes that each of the member's sessions may send; one "
	"more closes it.  0 means no limit.",
	.max = UINT32_MAX, FIELD(conf_member, max_prefix)},
    {"add-path", VALUE_ADD_PATH, DIR_RESETS, "rx | tx | both | off", "off",
	"ADD-PATH (RFC 7911): rx takes several paths of a prefix from the "
	"member, tx sends it all that it may have, both does either.",
	FIELD(conf_member, add_path_rx)},
    {"hold", VALUE_HOLD, DIR_OFF, "TIME", NULL,
	"The hold time for this member's sessions.  Unless given: the "
	"exchange's.",
	.max = UINT16_MAX, FIELD(conf_member, hold_s),
	OWN(conf_member, own_hold)},
    {"unknown-attributes", VALUE_CHOICE, 0, NULL, NULL,
	"As in policy, for this member's sessions.  Unless given: the "
	"policy's.",
	.choices = unknowns, FIELD(conf_member, unknown),
	OWN(conf_member, own_unknown)},
    {"strict-role", VALUE_SWITCH, DIR_RESETS, "on | off", NULL,
	"As in exchange, for this member's sessions.  Unless given: the "
	"exchange's.",
	FIELD(conf_member, strict_role), OWN(conf_member, own_strict_role)},
    {"shutdown", VALUE_SHUTDOWN, 0, "[\"TEXT\"]", NULL,
	"Keeps the member's sessions down.  The text, at most 128 bytes, is "
	"sent to the member (RFC 9003).",
	FIELD(conf_member, shutdown)},
    {"gateway", VALUE_LATER, .syntax = "the gateway half"},
    {0},
};

static const struct directive at_directives[] = {
    {"password", VALUE_SECRET, DIR_SECRET | DIR_RESETS, "\"TEXT\"", NULL,
	"Signs every segment with TCP-MD5 (RFC 2385); 1 to 80 bytes.",
	FIELD(conf_at, password)},
    {"gtsm", VALUE_SWITCH, DIR_RESETS, "on | off", "off",
	"Takes only packets that come from the same link (RFC 5082).  The "
	"member has to do the same.",
	FIELD(conf_at, gtsm)},
    {"passive", VALUE_SWITCH, 0, "on | off", "off",
	"Waits for the member to connect, and never does so itself.",
	FIELD(conf_at, passive)},
    {"port", VALUE_NUMBER, 0, "NUMBER", "179",
	"The member's TCP port to connect to.", .min = 1, .max = UINT16_MAX,
	FIELD(conf_at, port)},
    {"mac", VALUE_LATER, .syntax = "the fabric"},
    {0},
};

static const struct directive rpki_directives[] = {
    {"cache", VALUE_CACHE, DIR_REQUIRED | DIR_REPEATS,
	"ADDRESS[:PORT] [, ADDRESS[:PORT] ...] [{ ... }]", NULL,
	"The caches.  An IPv6 address with a port is written "
	"\"[2001:db8::1]:323\".  The directives in the braces are for these "
	"caches alone.",
	LIST(conf_rpki, cache, n_cache)},
    {0},
};

static const struct directive cache_directives[] = {
    {"port", VALUE_PORT, 0, "NUMBER", NULL,
	"The TCP port, where it does not stand behind the address.  Unless "
	"given: 323, and 324 with TLS.",
	.min = 1, .max = UINT16_MAX, FIELD(conf_cache, port)},
    {"tls", VALUE_TEXT, 0, "NAME", NULL,
	"Speaks TLS with the cache, whose certificate has to be for this DNS "
	"name or address.  Unless given: plain TCP.",
	FIELD(conf_cache, tls)},
    {"ca", VALUE_TEXT, 0, "FILE", NULL,
	"The authorities that the cache's certificate has to come from, as "
	"PEM.  Unless given: those of the system.",
	FIELD(conf_cache, ca)},
    {"certificate", VALUE_TEXT, 0, "FILE", NULL,
	"The certificate (and its chain, PEM) by which spean names itself to "
	"the cache.",
	FIELD(conf_cache, certificate)},
    {"key", VALUE_TEXT, 0, "FILE", NULL, "The certificate's key, as PEM.",
	FIELD(conf_cache, key)},
    {"preference", VALUE_NUMBER, 0, "NUMBER", NULL,
	"Which caches count: those with the lowest number among all that "
	"have data.  Unless given: the cache's place in the file, from 1.",
	.min = 1, .max = UINT16_MAX, FIELD(conf_cache, preference),
	OWN(conf_cache, own_preference)},
    {"refresh", VALUE_SECONDS, 0, "TIME", NULL,
	"The time between questions for news; a cache tells of news by "
	"itself too.  Unless given: what the cache says, or 1 hour.",
	.min = 1, .max = 86400, FIELD(conf_cache, refresh_s),
	OWN(conf_cache, own_refresh)},
    {"retry", VALUE_SECONDS, 0, "TIME", NULL,
	"The time between attempts when the cache cannot be reached or has "
	"no data.  Unless given: what the cache says, or 10 minutes.",
	.min = 1, .max = 7200, FIELD(conf_cache, retry_s),
	OWN(conf_cache, own_retry)},
    {"expire", VALUE_SECONDS, 0, "TIME", NULL,
	"How long the cache's data counts after its last good answer.  Unless "
	"given: what the cache says, or 2 hours.",
	.min = 2, .max = 172800, FIELD(conf_cache, expire_s),
	OWN(conf_cache, own_expire)},
    {0},
};

static const struct directive monitoring_directives[] = {
    {"bmp", VALUE_STATION, DIR_REPEATS,
	"ADDRESS[:PORT] [, ADDRESS[:PORT] ...] [{ ... }]", NULL,
	"Stations that are told all routes as they change (BMP version 3, RFC "
	"7854).  They are connected to, again and again with growing pauses; "
	"one that reads slowly gets the newest state and delays nobody.  "
	"Unless given: port 1790.",
	LIST(conf_monitoring, station, n_station)},
    {"mrt", VALUE_TEXT, 0, "DIRECTORY", NULL,
	"Where dumps are written (MRT, RFC 6396): rib.YYYYMMDD.HHMMSS with the "
	"whole table and updates.YYYYMMDD.HHMMSS with what changed, in UTC.  "
	"The role monitor must be able to write there.  A route that the "
	"policy refused carries the large community RS:1101:n that names the "
	"reason.  Nothing is ever deleted.",
	FIELD(conf_monitoring, mrt)},
    {"table", VALUE_SECONDS, DIR_OFF, "TIME", "2h",
	"The time between dumps of the whole table, counted from midnight UTC; "
	"off: only on request (spean dump).",
	.min = 60, .max = 86400, FIELD(conf_monitoring, table_s)},
    {"updates", VALUE_SECONDS, DIR_OFF, "TIME", "15m",
	"How long one file of changes is for; off: none are written.",
	.min = 60, .max = 86400, FIELD(conf_monitoring, updates_s)},
    {0},
};

static const struct directive station_directives[] = {
    {"pre", VALUE_SWITCH, 0, "on | off", "on",
	"Each member's routes as received, refused ones included (Adj-RIB-In, "
	"pre-policy).",
	FIELD(conf_station, pre)},
    {"post", VALUE_SWITCH, 0, "on | off", "on",
	"Those of them that the policy accepted (Adj-RIB-In, post-policy).",
	FIELD(conf_station, post)},
    {"loc-rib", VALUE_SWITCH, 0, "on | off", "on",
	"Of each prefix the accepted route that is ranked first (Loc-RIB, RFC "
	"9069).",
	FIELD(conf_station, loc_rib)},
    {"out", VALUE_SWITCH, 0, "on | off", "off",
	"What each client is sent: of each prefix the route that is chosen for "
	"it, as it gets it (Adj-RIB-Out, post-policy, RFC 8671).  That is a "
	"table for each client: with many of them much is sent.",
	FIELD(conf_station, out)},
    {"stats", VALUE_SECONDS, DIR_OFF, "TIME", "60s",
	"The time between reports of statistics.", .min = 1, .max = 86400,
	FIELD(conf_station, stats_s)},
    {0},
};

static const struct directive registry_directives[] = {
    {"bgpq4", VALUE_TEXT, 0, "FILE", "/usr/bin/bgpq4",
	"The program that asks: bgpq4.  It runs with the rights of the role "
	"registry, one at a time.",
	FIELD(conf_registry, bgpq4)},
    {"server", VALUE_TEXT, 0, "HOST[:PORT]", NULL,
	"The registry server, which speaks IRRd's protocol.  Unless given: "
	"bgpq4's own choice.",
	FIELD(conf_registry, server)},
    {"sources", VALUE_TEXT, 0, "\"NAME[,NAME...]\"", NULL,
	"The registries whose objects count.  Unless given: all that the "
	"server has.",
	FIELD(conf_registry, sources)},
    {"files", VALUE_TEXT, 0, "DIRECTORY", NULL,
	"Takes the sets from files instead of asking: OBJECT.ipv4.json, "
	"OBJECT.ipv6.json and OBJECT.asn.json, as bgpq4 writes them with -4 "
	"-j, -6 -j and -t -j.  They are looked at every half minute, and read "
	"when one has changed.",
	FIELD(conf_registry, files)},
    {"more-specifics", VALUE_SWITCH, 0, "on | off", "off",
	"Whether members may also announce parts of registered prefixes, down "
	"to /24 and /48.",
	FIELD(conf_registry, more_specifics)},
    {"refresh", VALUE_SECONDS, 0, "TIME", "6h",
	"How often each object is asked for.", .min = 1, .max = 604800,
	FIELD(conf_registry, refresh_s)},
    {"timeout", VALUE_SECONDS, 0, "TIME", "5m",
	"How long the three questions for one object may take.", .min = 1,
	.max = 3600, FIELD(conf_registry, timeout_s)},
    {0},
};

const struct block conf_blocks[] = {
    {"exchange", BLOCK_EXCHANGE, true, exchange_directives,
	"The route server itself.  There is exactly one, and it has a name."},
    {"policy", BLOCK_POLICY, false, policy_directives,
	"What is accepted from members and sent to them.  Without this block "
	"nothing is accepted and nothing is sent (RFC 8212); an empty one "
	"gives the defaults."},
    {"member", BLOCK_MEMBER, true, member_directives,
	"A network that is connected.  There may be any number of them, each "
	"with a name of its own."},
    {"gateway", .doc = "the gateway half"},
    {"rpki", BLOCK_RPKI, false, rpki_directives,
	"Where validated RPKI data comes from: caches that speak the RTR "
	"protocol (RFC 8210, RFC 6810, and version 2 with ASPA), as "
	"rpki-client with stayrtr, Routinator or OctoRPKI.  All of them are "
	"kept connected.  What counts is the union of those with the lowest "
	"preference among all that hold data which has not expired.  When no "
	"cache has any, routes are unchecked, and an alarm is raised."},
    {"monitoring", BLOCK_MONITORING, false, monitoring_directives,
	"What others are told of the routes: BMP stations and dumps in files.  "
	"Nothing of it delays the exchange."},
    {"registry", BLOCK_REGISTRY, false, registry_directives,
	"Where members' registered prefixes and origins come from, beside "
	"those written in their blocks: the routing registries (IRR), for each "
	"member's as-set, or its AS number where it has none.  With this "
	"block, every member is checked against such sets.  The last good set "
	"is kept, on disk too, whatever a registry answers later: an error, "
	"nothing, or far too much.  A member of which nothing is known yet has "
	"its routes refused for that."},
    {0},
};

const struct block conf_block_at = {"at", BLOCK_AT, false, at_directives,
    "Stands in a member, behind its addresses."};

const struct block conf_block_cache = {"cache", BLOCK_CACHE, false,
    cache_directives, "Stands in rpki, behind the addresses of caches."};

const struct block conf_block_station = {"bmp", BLOCK_STATION, false,
    station_directives,
    "Stands in monitoring, behind the addresses of "
    "stations."};

int directive_find(const struct block *b, const struct token *name)
{
	for (int i = 0; b->directives[i].name; i++)
		if (token_is(name, b->directives[i].name))
			return i;
	return -1;
}

const struct block *block_find(const struct token *name)
{
	for (const struct block *b = conf_blocks; b->name; b++)
		if (token_is(name, b->name))
			return b;
	return NULL;
}

const struct block *block_named(const char *name)
{
	const struct token t = {
	    .kind = TOKEN_WORD, .text = name, .len = strlen(name)};
	const struct block *b = block_find(&t);

	must(b);
	return b;
}

struct list_view list_of(const struct directive *d, const void *base)
{
	struct list_view v = {0};

	memcpy(&v.n, field_of(base, d->n_at), sizeof v.n);
	switch (d->kind) {
	case VALUE_ADDRESSES: /* these two lie in the struct itself */
		v.p = field_of(base, d->at);
		v.width = sizeof(struct ip);
		break;
	case VALUE_PREFIXES:
		v.p = field_of(base, d->at);
		v.width = sizeof(struct prefix);
		break;
	default:
		memcpy(&v.p, field_of(base, d->at), sizeof v.p);
		v.width = d->kind == VALUE_REGISTERED
			      ? sizeof(struct conf_prefix)
			      : sizeof(uint32_t);
		break;
	}
	return v;
}

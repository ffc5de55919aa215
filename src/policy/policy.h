/*
 * The policy of the exchange: a fixed list of checks in a fixed order, and
 * the control communities.  Pure functions of a compiled policy and one
 * route; nothing here keeps state, logs, or allocates outside the caller's
 * arena.
 *
 * The checks fall into two halves.  Those of the first look at the
 * attributes, the next hop and the member alone, so that their verdict may
 * be kept with an interned attribute set of one session; those of the second
 * look at the prefix.  All of the first come before all of the second, and
 * the first failure gives the verdict.
 *
 * RFC 7947 and 7948 (route servers), 8212 (nothing without a policy), 9234
 * (OTC), 9774 (no AS_SET); bogons: policy/bogon.c.
 */
#pragma once

#include "base/arena.h"
#include "base/verdict.h"
#include "base/wire.h"
#include "bgp/bgp.h"
#include "conf/conf.h"
#include "net/addr.h"
#include "registry/registry.h"
#include "rpki/rpki.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct policy;
struct policy_member; /* lives as long as its policy */

/*
 * Compiles exchange, policy and members of c; keeps nothing of c.  NULL when
 * memory is out.  Without a policy block every verdict is NO_POLICY.
 */
struct policy *policy_new(const struct conf *c);
void policy_free(struct policy *p);

/*
 * Gives each member the newest set of its object, beside what its own block
 * says; true when some member's has changed.
 */
bool policy_take_registry(struct policy *p, struct registry *r);

/* Our own ASN. */
uint32_t policy_asn(const struct policy *p);
/* False without a policy block: nothing is accepted, nothing is sent. */
bool policy_present(const struct policy *p);

/* The member with that ASN and address, or NULL when it is not configured. */
const struct policy_member *policy_member_find(
    const struct policy *p, uint32_t asn, const struct ip *addr);
/* Its configured name; lives as long as the policy. */
const char *policy_member_name(const struct policy_member *m);

/* ---- what the RPKI says ------------------------------------------------- */

/* The tables, borrowed; without one what it would say is unchecked. */
struct policy_proof {
	const struct vrps *vrps;
	const struct aspas *aspas;
	bool cached;	      /* there is a cache to ask, at least by name */
	const char *no_vrps;  /* why there is no table: "the data expired" */
	const char *no_aspas; /* the same; NULL: no cache is configured */
	const char *source[RPKI_CACHES]; /* bits of sources: "rpki1:3323" */
};

/* What policy_prove() was given last. */
const struct policy_proof *policy_proof(const struct policy *p);

/* Also while the policy is in use; what was judged before stays as it is. */
void policy_prove(struct policy *p, const struct policy_proof *proof);

/* Does a change in the table change any verdict or community? */
bool policy_uses_rov(const struct policy *p);
bool policy_uses_aspa(const struct policy *p);

/* ROV_UNCHECKED without a table, or with rov off. */
enum rov policy_rov(
    const struct policy *p, const struct prefix *prefix, uint32_t origin);
/* The same for n prefixes of one family; ret: enum rov. */
void policy_rov_all(const struct policy *p, const struct prefix *prefix,
    size_t n, uint32_t origin, uint8_t *ret);
/* Of a path that came from a member; ASPA_UNCHECKED likewise. */
enum aspa policy_aspa(const struct policy *p, struct bytes as_path);

/* "rpki1:3323, rpki2:3323" into buf, which it gives. */
const char *policy_sources(
    const struct policy *p, uint16_t sources, char *buf, size_t n);

/* ---- import ------------------------------------------------------------ */

/* A next hop as received: 4, 16 or 32 bytes (global, link-local). */
struct policy_next_hop {
	const uint8_t *p;
	size_t n;
};

/*
 * The first half: what does not depend on the prefix.  m: NULL gives
 * NO_POLICY.  *ret_tags: what clients are told of the route, if it is
 * accepted.
 */
struct verdict policy_check_attrs(const struct policy *p,
    const struct policy_member *m, const struct bgp_attrs *a,
    struct policy_next_hop next_hop, uint8_t *ret_tags);

/*
 * The second half: lengths, bogons, peering LAN, the member's prefix set, and
 * what policy_rov() said.
 */
struct verdict policy_check_prefix(const struct policy *p,
    const struct policy_member *m, const struct prefix *prefix, enum rov rov);

/* ---- informational communities ------------------------------------------ */

/* RS:1000:n, RS:1001:n and RS:1002:n, as IXPs use them. */
enum policy_info {
	POLICY_INFO_RPKI = 1000,
	POLICY_INFO_REGISTRY = 1001,
	POLICY_INFO_ASPA = 1002,
};

enum policy_rpki {
	POLICY_RPKI_VALID = 1,
	POLICY_RPKI_NOT_FOUND = 2,
	POLICY_RPKI_UNCHECKED = 3,
	POLICY_RPKI_INVALID = 4,
};

enum policy_registry {
	POLICY_REGISTRY_VALID = 1,
	POLICY_REGISTRY_UNCHECKED = 2,
};

/* What of it is said of a route, in six bits; 0: nothing. */
#define POLICY_TAG_ROV 7u /* n of RS:1000:n; of the prefix, not the set */
#define POLICY_TAG_REGISTRY_AT 3
#define POLICY_TAG_REGISTRY 3u /* n of RS:1001:n */
#define POLICY_TAG_ASPA 32u    /* RS:1002:4 */

uint8_t policy_tag_rov(const struct policy *p, enum rov rov);

/* As large communities, 12 bytes each. */
#define POLICY_TAGS_MAX 36
void policy_tags_write(const struct policy *p, uint8_t tags, struct wr *w);

/* False: the second half accepts whatever the first has accepted. */
bool policy_asks_prefix(const struct policy *p, const struct policy_member *m);

/* ---- control communities ----------------------------------------------- */

enum policy_control_flag {
	POLICY_DENY = 1,
	POLICY_ANNOUNCE = 2,
};

struct policy_target {
	uint32_t asn;	 /* of the client */
	uint8_t flags;	 /* enum policy_control_flag */
	uint8_t prepend; /* 0-3: how often the first AS is to be prepended */
};

/* What the announcing member wishes; targets by ASN, each ASN once. */
struct policy_control {
	bool deny_all;
	uint8_t prepend_all; /* for clients without a prepend of their own */
	uint32_t n;
	const struct policy_target *target; /* in the arena */
};

/*
 * Reads the communities addressed to us.  False, and an empty *ret, when
 * there are none: then there is nothing to scrub either, and attrs->wire can
 * be relayed as it is.  When the arena is full: deny_all, no targets.
 */
bool policy_control_read(const struct policy *p, const struct bgp_attrs *a,
    struct arena *arena, struct policy_control *ret);

/* May the client get it?  Targeted deny > targeted announce > deny all. */
bool policy_control_permits(const struct policy_control *c, uint32_t asn);
/* How often the first AS is prepended for it, 0-3. */
unsigned policy_control_prepend(const struct policy_control *c, uint32_t asn);

/*
 * Writes a->wire without the communities addressed to us, control and
 * informational; an attribute that is empty then goes away.  What stands
 * before NEXT_HOP is untouched: a->next_hop_at holds for the result too.
 */
void policy_scrub(
    const struct policy *p, const struct bgp_attrs *a, struct wr *w);

/*
 * Writes wire (canonical attributes) with the path's first AS prepended n
 * times; a full leading AS_SEQUENCE gets one before it.  A path that does not
 * begin with a sequence stays as it is.  *ret_next_hop_at: where NEXT_HOP
 * belongs in the result.
 */
void policy_prepend(
    struct bytes wire, unsigned n, struct wr *w, uint16_t *ret_next_hop_at);

/* ---- export ------------------------------------------------------------- */

/* What becomes of an accepted route's attributes on the way to a client. */
struct policy_out {
	uint8_t tags;	 /* what is said of it, from policy_check_attrs() */
	uint8_t prepend; /* 0-3: policy_control_prepend() */
	bool scrub;	 /* it carries communities addressed to us */
	bool llgr_stale; /* RFC 9494 s4.2: it is long-lived stale */
};

/*
 * The attributes as the client gets them, OTC included (RFC 9234 s5: every
 * client gets it, whether it said a role or not).  wire: canonical, next hop
 * left out.  Valid until the next call.
 */
struct bytes policy_out(
    const struct policy *p, struct bytes wire, const struct policy_out *how);

/*
 * One that knows our ASN alone: all that policy_out(), policy_scrub() and
 * policy_tags_write() ask for.  NULL when memory is out.
 */
struct policy *policy_bare(uint32_t asn);

/* ---- explaining --------------------------------------------------------- */

enum policy_half {
	POLICY_ATTRS,
	POLICY_PREFIX,
};

/* One check of the list, as code, `why` and docs/reasons.md name it. */
struct policy_check {
	const char *name; /* snake_case */
	const char *text; /* what it wants, one sentence */
	enum policy_half half;
};

#define POLICY_CHECKS_MAX 24

/* The i-th check in order, NULL beyond the last. */
const struct policy_check *policy_check_at(size_t i);

enum policy_outcome {
	POLICY_PASS,
	POLICY_FAIL,
	POLICY_SKIPPED,
};

const char *policy_outcome_word(enum policy_outcome o);

struct policy_step {
	const struct policy_check *check;
	enum policy_outcome outcome;
	enum reason reason; /* of a failure */
	char evidence[192]; /* what was seen; why it was skipped */
};

struct policy_trace {
	struct verdict verdict; /* the same as the two halves give */
	size_t n;
	struct policy_step step[POLICY_CHECKS_MAX];
};

/* Runs every check, also those after the first failure. */
void policy_trace(const struct policy *p, const struct policy_member *m,
    const struct prefix *prefix, const struct bgp_attrs *a,
    struct policy_next_hop next_hop, struct policy_trace *ret);

enum policy_kind {
	POLICY_STANDARD,
	POLICY_EXTENDED,
	POLICY_LARGE,
};

/* One community addressed to us, in words. */
struct policy_word {
	enum policy_kind kind;
	char community[48]; /* "0:64502", "rt:0:64502", "64500:0:64502" */
	char effect[96];    /* "not to AS64502" */
};

/* At most max of them, in wire order; gives how many there are. */
size_t policy_control_words(const struct policy *p, const struct bgp_attrs *a,
    struct policy_word *ret, size_t max);

/*
 * Which community keeps the route from that client, in words; false, and
 * nothing written, when none does.
 */
bool policy_control_bar(const struct policy *p, const struct bgp_attrs *a,
    uint32_t asn, char *buf, size_t n);

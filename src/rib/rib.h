/*
 * The routes: every path that a member has announced, rejected ones
 * included, in rank order per prefix.
 *
 *   prefix entry (by id)  addr len | best -> set | others -> block | n
 *   block                 set set set ...
 *   set (interned)        source slot, family, path id, verdict, class,
 *                         canonical attributes, next hop
 *
 * A path is nothing but the number of its attribute set: a set belongs to
 * one source, so that it also tells whose path it is.  Ids of prefixes are
 * stable for as long as the prefix has a path.
 *
 * Knows nothing of policy: it is told verdicts and classes.
 */
#pragma once

#include "base/verdict.h"
#include "base/wire.h"
#include "bgp/bgp.h"
#include "net/addr.h"

#include <stdbool.h>
#include <stdint.h>

#define RIB_NONE UINT32_MAX
#define RIB_PATHS_MAX 8192 /* paths of one prefix */

struct rib;

/* ---- rank: DESIGN "Best path", one order for code, `why` and the tests -- */

/* The rule on which one path was ranked before another, in this order. */
enum rib_rule {
	RIB_RULE_EQUAL,
	RIB_RULE_LLGR_STALE,	    /* RFC 9494: not stale wins */
	RIB_RULE_GRACEFUL_SHUTDOWN, /* RFC 8326: not shutting down wins */
	RIB_RULE_PATH_LENGTH,
	RIB_RULE_ORIGIN,
	RIB_RULE_MED, /* within one neighbour AS */
	RIB_RULE_ROUTER_ID,
	RIB_RULE_PEER_ADDRESS,
	RIB_RULE_PATH_ID, /* of one session that sends several */
	RIB_RULE_COUNT,
};

/* "path_length", for JSON; and one sentence for people. */
const char *rib_rule_word(enum rib_rule r);
const char *rib_rule_text(enum rib_rule r);

/* What the rank of a path depends on. */
struct rib_rank {
	bool llgr_stale;
	bool graceful_shutdown;
	uint8_t origin;
	uint16_t path_length;
	uint32_t neighbour; /* first AS of the path, 0: none */
	uint32_t med;	    /* 0 when absent */
	uint32_t id;	    /* the peer's BGP identifier */
	struct ip peer;
	uint32_t path_id;
};

/*
 * Two paths by themselves: < 0 when a ranks before b, and the rule.  MED
 * counts when both have the same neighbour AS.
 */
int rib_rank_compare(const struct rib_rank *a, const struct rib_rank *b,
    enum rib_rule *ret_rule);

/*
 * Puts order[0..n) (indices into r) into rank order.  Since MED counts
 * within one neighbour AS only, comparing pairs gives no order of three;
 * so paths that tie up to the origin are grouped by neighbour AS, each group
 * is ordered by MED, identifier, address, and the groups are merged by
 * the identifier and address of their first.  The result does not depend on
 * the order of arrival.
 */
void rib_rank_sort(const struct rib_rank *r, uint32_t *order, size_t n);

/* ---- reading ------------------------------------------------------------ */

/* One path as readers see it; views hold until the RIB is changed. */
struct rib_path {
	uint32_t set;
	uint16_t slot; /* the source's */
	enum family family;
	uint32_t
	    path_id; /* ours: stable for the path, sent to ADD-PATH clients */
	struct verdict verdict;
	uint8_t tags;	   /* what is said of it when it goes out */
	bool stale;	   /* RFC 4724: its session is restarting */
	struct bytes wire; /* canonical attributes as received (bgp.h) */
	uint16_t next_hop_at;
	struct bytes next_hop; /* 4, 16 or 32 bytes */
	struct rib_rank rank;
};

/* Ids of prefixes of a family are below it. */
uint32_t rib_end(const struct rib *r, enum family f);

/* The id's prefix; false when the id is free or has no path. */
bool rib_prefix(
    const struct rib *r, enum family f, uint32_t id, struct prefix *ret);

/* The prefix' id, or RIB_NONE. */
uint32_t rib_find(const struct rib *r, const struct prefix *p);

/* Its sets in rank order, at most max; gives how many paths there are. */
size_t rib_paths(const struct rib *r, enum family f, uint32_t id,
    uint32_t *ret_sets, size_t max);

void rib_path(const struct rib *r, uint32_t set, struct rib_path *ret);

/* Reads canonical attributes back into their parts (has, origin, views). */
void rib_attrs(const struct rib_path *p, struct bgp_attrs *ret);

struct rib_stats {
	uint64_t prefixes[FAMILY_COUNT];
	uint64_t paths[FAMILY_COUNT];
	uint64_t sets;
	uint64_t set_bytes;    /* of attributes and next hops */
	uint64_t memory_bytes; /* all tables, those of the sets too: */
	uint64_t sets_memory;
};

void rib_stats(const struct rib *r, struct rib_stats *ret);

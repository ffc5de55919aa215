/*
 * What the RPKI says of routes: validated ROA payloads (VRPs) and ASPAs, as
 * two tables that answer by themselves, and the verdicts.
 *
 * The tables know nothing of caches and sessions (rpki/client.h, merge.h),
 * nor of how they come into the engine (rpki/feed.h).  "Unchecked" is no
 * answer of a table: it is what the caller says when it has no data.
 *
 * RFC 6811, RFC 6483 s4 (AS0), draft-ietf-sidrops-aspa-verification.
 */
#pragma once

#include "net/addr.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RPKI_CACHES 12 /* how many caches there may be: bits of sources */
#define RPKI_VRPS_MAX 8000000 /* in one table: ten times what there are */
#define RPKI_CROWD 256	      /* so many at once, or in one place, are many */

enum rov {
	ROV_UNCHECKED, /* no data, or rov off */
	ROV_VALID,
	ROV_INVALID,
	ROV_NOT_FOUND,
	ROV_COUNT,
};

enum aspa {
	ASPA_UNCHECKED,
	ASPA_VALID,
	ASPA_INVALID,
	ASPA_UNKNOWN,
	ASPA_COUNT,
};

/* "unchecked", "valid", "invalid", "not-found" or "unknown". */
const char *rov_word(enum rov r);
const char *aspa_word(enum aspa a);

/* ---- VRPs --------------------------------------------------------------- */

struct vrp {
	struct prefix prefix;
	uint8_t max_len; /* >= prefix.len */
	uint16_t
	    sources; /* bit i: the i-th cache of the configuration has it */
	uint32_t asn;
	uint32_t since_s; /* wall clock: since when it counts */
};

/*
 * A prefix that no AS can be named for: it ends in an AS_SET, or the path is
 * empty.  No VRP matches it; nor does one for AS0 match anything.
 */
#define ROV_NO_ORIGIN 0u

struct vrps;

/* NULL when memory is out. */
struct vrps *vrps_new(void);
void vrps_free(struct vrps *t);

/*
 * Adds v, or gives the one that is there (same prefix, max_len, asn) its
 * sources; since_s then stays.  1 added, 0 was there, -EINVAL for lengths
 * that cannot be, -ENOMEM.
 */
int vrps_add(struct vrps *t, const struct vrp *v);
/* True when it was there. */
bool vrps_remove(struct vrps *t, const struct vrp *v);

size_t vrps_count(const struct vrps *t, enum family f);
size_t vrps_bytes(const struct vrps *t); /* memory that it takes */

/*
 * ROV (RFC 6811) of a route: VALID, INVALID or NOT_FOUND.  origin: the last
 * AS of its path, or ROV_NO_ORIGIN.
 */
enum rov vrps_check(
    const struct vrps *t, const struct prefix *p, uint32_t origin);

/*
 * From now on vrps_check_all() asks less of memory; for 2 MB and 9 to 14 bytes
 * a VRP.  Without that memory it is as slow as before.
 */
void vrps_quicken(struct vrps *t);

/*
 * The same for n routes of one family and origin, as enum rov into ret: much
 * faster, since they wait for memory together.
 */
void vrps_check_all(const struct vrps *t, const struct prefix *p, size_t n,
    uint32_t origin, uint8_t *ret);

/*
 * The VRPs that cover p, shorter prefixes first, then by ASN and max_len: at
 * most max of them into ret; gives how many there are.
 */
size_t vrps_covering(
    const struct vrps *t, const struct prefix *p, struct vrp *ret, size_t max);

/* Does v make a route to p with that origin valid? */
static inline bool vrp_matches(
    const struct vrp *v, const struct prefix *p, uint32_t origin)
{
	return origin != ROV_NO_ORIGIN && v->asn == origin &&
	       p->len <= v->max_len;
}

/* What an entry carries beside itself; valid until the table changes. */
struct vrp_note {
	uint32_t since_s;
	uint16_t sources;
	uint16_t mark; /* the table's owner's own */
};

/* NULL: not there. */
struct vrp_note *vrps_note(struct vrps *t, const struct vrp *v);
/*
 * The same, but adds it with a zeroed note.  NULL: impossible lengths, out of
 * memory, or RPKI_VRPS_MAX.
 */
struct vrp_note *vrps_put(struct vrps *t, const struct vrp *v, bool *ret_new);

/*
 * Adds those of v that are not there, with zeroed notes, and sorts v.  However
 * many share a block, it is made anew but once.  0; -EINVAL for lengths that
 * cannot be; -ENOMEM, also for too many: then some are in, and some not.
 */
int vrps_put_many(struct vrps *t, struct vrp *v, size_t n);
/*
 * Removes them, likewise.  Those that were there come to the front of v; gives
 * how many.  No note may have the mark VRP_GOING before.
 */
size_t vrps_remove_many(struct vrps *t, struct vrp *v, size_t n);
#define VRP_GOING UINT16_MAX

/* All of them, in no order that matters; fn may not change the table. */
void vrps_each(const struct vrps *t,
    void (*fn)(void *arg, const struct vrp *v, struct vrp_note *note),
    void *arg);

/* ---- ASPAs -------------------------------------------------------------- */

/* One customer and all its providers; borrowed from its table. */
struct aspa_record {
	uint32_t customer;
	const uint32_t *provider; /* ascending, each once; AS0: has none */
	size_t n;
	uint16_t sources;
	uint32_t since_s;
};

struct aspas;

#define ASPA_PROVIDERS_MAX 16384 /* of one customer */

struct aspas *aspas_new(void);
void aspas_free(struct aspas *t);

/*
 * Sets the customer's providers (any order, copied), in place of earlier
 * ones; since_s stays when they are the same.  1 when that changed anything
 * for routes, 0 not, -EINVAL too many or none, -ENOMEM.
 */
int aspas_set(struct aspas *t, const struct aspa_record *r);
bool aspas_remove(struct aspas *t, uint32_t customer);
/* False: that AS has none.  *ret borrows until the table changes. */
bool aspas_find(
    const struct aspas *t, uint32_t customer, struct aspa_record *ret);

size_t aspas_count(const struct aspas *t);
size_t aspas_bytes(const struct aspas *t);
void aspas_each(const struct aspas *t,
    void (*fn)(void *arg, const struct aspa_record *r), void *arg);

/* What the neighbour that sent the route is to us (RFC 9234 s4). */
enum aspa_neighbour {
	ASPA_FROM_CUSTOMER,
	ASPA_FROM_PEER,
	ASPA_FROM_RS_CLIENT, /* we are the route server */
	ASPA_FROM_RS,	     /* we are its client */
	ASPA_FROM_PROVIDER,
	ASPA_FROM_SIBLING, /* mutual transit */
};

/*
 * Everything but a provider or a sibling may only hand us what came up its
 * own customer cone (the upstream procedure); those two may hand us anything
 * that went up and then down without a valley (the downstream procedure).
 */
static inline bool aspa_is_downstream(enum aspa_neighbour from)
{
	return from == ASPA_FROM_PROVIDER || from == ASPA_FROM_SIBLING;
}

/*
 * An AS path as received: path[0] is the neighbour, path[n - 1] the origin,
 * prepending included.  Our own AS is not in it, be it a route server's or a
 * border's; nor is that of a transparent route server on the way.
 */
struct aspa_path {
	const uint32_t *path;
	size_t n;
	bool has_set; /* an AS_SET (or confederation segment) anywhere */
};

/* Why: the hop that decided. */
struct aspa_why {
	uint32_t customer; /* 0: no hop did */
	uint32_t provider; /* not listed by customer; or its first unattested */
	bool has_record;   /* customer has an ASPA */
};

/*
 * VALID, INVALID or UNKNOWN.  An empty path and one with an AS_SET are
 * invalid.  That the first AS is the neighbour's is checked elsewhere.
 * why: may be NULL; filled for INVALID and UNKNOWN.
 */
enum aspa aspas_check(const struct aspas *t, enum aspa_neighbour from,
    const struct aspa_path *path, struct aspa_why *why);

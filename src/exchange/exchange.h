/*
 * The exchange: routes come in from members' sessions, pass the policy, are
 * ranked, and go out to every client that may have them (RFC 7947).
 *
 *   records of bgp/feed.h -> import -> rib -> dirty prefixes -> export
 *     -> runs of (attribute set, variant, clients) -> journals
 *
 * Single-threaded and free of system calls: a role (or a test) feeds it
 * records and an area for the journals, and gives it time.
 */
#pragma once

#include "bgp/feed.h"
#include "conf/conf.h"
#include "policy/policy.h"
#include "rib/rib.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct exchange;

/* How records get to the session role. */
struct exchange_out {
	/* False when there is no room now: it is tried again later. */
	bool (*send)(void *arg, enum feed_type type, uint32_t slot,
	    uint32_t incarnation, const void *data, size_t n);
	void *arg;
};

/* restarting: peers may hold our routes, RFC 4724 s4.1.  0 or -errno. */
int exchange_new(const struct conf *c, bool restarting, uint64_t now_ns,
    struct exchange **ret);
void exchange_free(struct exchange *x);

/* Takes a new configuration; kept routes are judged again by and by. */
int exchange_reload(struct exchange *x, const struct conf *c, uint64_t now_ns);

/*
 * What a registry says of an object now; takes over the reference.  Kept
 * routes are judged again by and by.  0 or -ENOMEM.
 */
int exchange_registry(
    struct exchange *x, struct registry_set *s, uint64_t now_ns);

/*
 * What the RPKI says from now on; the tables are borrowed until the next call.
 * Kept routes are judged again by and by.
 */
void exchange_prove(
    struct exchange *x, const struct policy_proof *proof, uint64_t now_ns);
/*
 * A VRP of that prefix, the ASPA of that customer, came, went or changed in
 * these tables: only the routes that this touches are judged again, by
 * exchange_work().
 */
void exchange_vrp_changed(struct exchange *x, const struct prefix *p);
void exchange_aspa_changed(struct exchange *x, uint32_t customer);

/*
 * An instance of the session role is there (there are as many as the
 * configuration said at first): area is ours to write (struct feed_shared,
 * zeroed, then the chunks) and the same for all of them, cursors are its own.
 * The routes of an earlier one are stale until their sessions are back
 * (RFC 4724).
 */
void exchange_attach_to(struct exchange *x, unsigned instance,
    struct feed_shared *area, size_t area_bytes,
    const struct feed_cursors *cursors, const struct exchange_out *out,
    uint64_t now_ns);
/* It is gone; with the last one the area is not used any more. */
void exchange_detach_from(
    struct exchange *x, unsigned instance, uint64_t now_ns);

/* The same where there is one instance. */
static inline void exchange_attach(struct exchange *x, struct feed_shared *area,
    size_t area_bytes, const struct feed_cursors *cursors,
    const struct exchange_out *out, uint64_t now_ns)
{
	exchange_attach_to(x, 0, area, area_bytes, cursors, out, now_ns);
}

static inline void exchange_detach(struct exchange *x, uint64_t now_ns)
{
	exchange_detach_from(x, 0, now_ns);
}

/* True while records may be fed; false: the journals are full, wait. */
bool exchange_ready(struct exchange *x);

/*
 * One record from the session instance that the slot belongs to
 * (feed_instance()); data is borrowed.
 */
void exchange_record(struct exchange *x, uint32_t type, uint32_t slot,
    uint32_t incarnation, const void *data, size_t n, uint64_t now_ns);

/*
 * More records are at hand: may the batch grow, so that a prefix with several
 * news is compared once?  For some milliseconds, and while it is not large.
 */
bool exchange_gathers(const struct exchange *x, uint64_t now_ns);

/*
 * Ends a batch of records: what has changed goes to the journals.  True when
 * the session role is to be rung for it.
 */
bool exchange_flush(struct exchange *x, uint64_t now_ns);

/*
 * Timers, and the work that is done in slices: sweeping up after closed
 * sessions, judging again, serving joining and lagging clients.  Takes about
 * budget_ns at most; true when there is more to do now.
 */
bool exchange_work(struct exchange *x, uint64_t now_ns, uint64_t budget_ns);

/* When exchange_work() is due at the latest; UINT64_MAX: not by time. */
uint64_t exchange_due(const struct exchange *x);

/* ---- the monitor role (bgp/watch.h) ------------------------------------- */

struct exchange_watch_out {
	/* A record of two parts; false when there is no room now. */
	bool (*write)(void *arg, uint32_t type, uint32_t a, const void *pa,
	    size_t na, const void *pb, size_t nb);
	void *arg;
	bool
	    classes; /* who gets what is wanted too: exchange_watch_classes() */
};

/* Tells all there is, in exchange_work(), and then what changes. */
void exchange_watch(struct exchange *x, const struct exchange_watch_out *out);
void exchange_unwatch(struct exchange *x);
/* From now on who gets what is told too (Adj-RIB-Out); for good. */
void exchange_watch_classes(struct exchange *x);

/* ---- reading, for queries and `why` ------------------------------------- */

const struct rib *exchange_rib(const struct exchange *x);
const struct policy *exchange_policy(const struct exchange *x);

/* What is known of a slot's session; also while it is down with stale routes.
 */
struct exchange_client {
	bool used; /* there is, or was, a session whose routes are kept */
	bool up;
	bool lagging; /* served from the RIB for now */
	uint32_t incarnation;
	struct feed_up as;		    /* of the last FEED_UP */
	const struct policy_member *member; /* NULL: not configured */
	uint64_t received[FAMILY_COUNT];
	uint64_t rejected[FAMILY_COUNT];
	uint64_t advertised[FAMILY_COUNT];
	uint64_t discarded; /* attributes left out of its UPDATEs so far */
	enum bgp_fault last_fault;
};

/* Slots in use are below it. */
uint32_t exchange_slots(const struct exchange *x);
const struct exchange_client *exchange_client(
    const struct exchange *x, uint32_t slot);

/* Why a client does not get a path, by the order in which it is asked. */
enum exchange_bar {
	EXCHANGE_MAY,	       /* it may have it */
	EXCHANGE_BAR_DOWN,     /* no session, or family not negotiated */
	EXCHANGE_BAR_REJECTED, /* the import policy refused it */
	EXCHANGE_BAR_OWN,      /* it is the client's own path */
	EXCHANGE_BAR_OWN_ASN,  /* its ASN is in the path */
	EXCHANGE_BAR_CONTROL,  /* control communities of the announcer */
	EXCHANGE_BAR_NEXT_HOP, /* no IPv6 next hop for IPv4 (RFC 8950) */
	EXCHANGE_BAR_SIZE,     /* too long without RFC 8654 */
	EXCHANGE_BAR_LLGR,     /* stale, and the client knows no RFC 9494 */
};

const char *exchange_bar_word(enum exchange_bar b);
const char *exchange_bar_text(enum exchange_bar b);

enum exchange_bar exchange_may(
    const struct exchange *x, uint32_t set, uint32_t slot);

/* The set of the path that the client gets, or RIB_NONE.  (With ADD-PATH
 * it gets every path that it may have.) */
uint32_t exchange_choice(
    const struct exchange *x, enum family f, uint32_t id, uint32_t slot);

/*
 * The attributes as the client gets them, next hop left out: scrubbed,
 * prepended, OTC or LLGR_STALE added.
 */
void exchange_attrs_for(const struct exchange *x, uint32_t set, uint32_t slot,
    struct wr *w, uint16_t *ret_next_hop_at);

/* What the RPKI says of a path's origin now; ROV_UNCHECKED: nothing. */
enum rov exchange_rov(
    const struct exchange *x, uint32_t set, const struct prefix *p);

struct exchange_stats {
	struct rib_stats rib;
	uint64_t classes;
	uint64_t updates; /* UPDATEs taken in */
	uint64_t chunks;  /* of the journals' pool */
	uint64_t chunks_free;
	uint64_t laggards; /* clients served from the RIB now */
	uint64_t skips;	   /* times that a client was left behind so far */
	uint64_t memory_bytes;
	uint64_t empty[FAMILY_COUNT]; /* prefixes without a path that keep their
					 place; not among those of rib */
	bool deferring[FAMILY_COUNT]; /* selection deferral, RFC 4724 s4.1 */
	bool judging;		      /* kept routes are being judged again */
};

void exchange_stats(const struct exchange *x, struct exchange_stats *ret);

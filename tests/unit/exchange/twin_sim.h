/*
 * The twin test's world: an exchange, its naive twin, and a session role that
 * is made up, with clients that read at their own pace.
 *
 *   twin_make     random configurations, sessions, UPDATEs
 *   twin_client   what a neighbour holds after what it was sent
 *   twin_link     the session role: journals, cursors, records, time
 *   twin_compare  is it what the twin says?
 *   twin_prove    the RPKI's data
 *   twin_registry members' sets from registries
 *   twin_event    what happens in a step
 */
#pragma once

#include "exchange/exchange.h"
#include "naive/exchange.h"
#include "twin_client.h"
#include "twin_make.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum {
	TWIN_CHUNKS = 24, /* at most */
	TWIN_RECORDS = 1 << 16
};

/*
 * What a run has met; a long one has to meet them all, or it tests less than
 * it says.
 */
#define TWIN_SEEN(X)                                                           \
	X(UP, "sessions up")                                                   \
	X(DOWN, "sessions down")                                               \
	X(RESTART, "sessions down gracefully")                                 \
	X(UPDATE, "UPDATEs")                                                   \
	X(WITHDRAWN, "UPDATEs treated as withdrawal")                          \
	X(RESET, "sessions closed for an UPDATE")                              \
	X(MAX_PREFIX, "sessions closed for max-prefix")                        \
	X(REFRESH, "refreshes asked for")                                      \
	X(BORR, "BoRRs from members")                                          \
	X(EORR, "EoRRs from members")                                          \
	X(TO_BORR, "BoRRs to clients")                                         \
	X(TO_EORR, "EoRRs to clients")                                         \
	X(END_OF_RIB, "End-of-RIBs from members")                              \
	X(RELOAD, "policies loaded")                                           \
	X(NO_SESSION, "session roles lost")                                    \
	X(NO_ENGINE, "engines lost")                                           \
	X(DEFERRING, "looks at a deferral")                                    \
	X(DEFERRED, "deferrals that ended")                                    \
	X(NOT_READY, "turns with full journals")                               \
	X(REFUSED_RECORD, "records that the ring did not take")                \
	X(JOIN, "joins")                                                       \
	X(SKIP, "skips")                                                       \
	X(LAGGING, "comparisons that began with laggards")                     \
	X(JOURNAL_0, "messages of journal 0")                                  \
	X(JOURNAL_1, "messages of journal 1")                                  \
	X(JOURNAL_2, "messages of journal 2")                                  \
	X(JOURNAL_3, "messages of journal 3")                                  \
	X(JOURNAL_4, "messages of journal 4")                                  \
	X(JOURNAL_5, "messages of journal 5")                                  \
	X(JOURNAL_6, "messages of journal 6")                                  \
	X(JOURNAL_7, "messages of journal 7")                                  \
	X(WORDS, "messages with masks of several words")                       \
	X(MANY_PATHS, "prefixes with several paths to a client")               \
	X(NEXT_HOP_6, "IPv4 routes with an IPv6 next hop")                     \
	X(LARGE, "routes that need extended messages")                         \
	X(EXPIRED, "stale routes given up")                                    \
	X(LONG_LIVED, "routes long-lived stale")                               \
	X(MED, "paths that MED has put behind")                                \
	X(DENIED, "routes that a community denies")                            \
	X(PREPENDED, "routes prepended")                                       \
	X(OTC, "routes with OTC added")                                        \
	X(VALID, "routes told to be valid")                                    \
	X(NOT_FOUND, "routes told to be not found")                            \
	X(INVALID, "routes told to be invalid")                                \
	X(UNCHECKED, "routes told to be unchecked")                            \
	X(REGISTERED, "routes told to be registered")                          \
	X(REGISTRY, "sets of registries")                                      \
	X(FORGOTTEN, "sets that no member has any more")                       \
	X(NO_PATH, "routes marked for their path")                             \
	X(OWN_ASN, "routes with the client's ASN")                             \
	X(NO_NEXT_HOP, "routes without a next hop for the client")             \
	X(TOO_LONG, "routes too long for the client")                          \
	X(NO_LLGR, "long-lived routes kept from the client")                   \
	X(HIDDEN, "routes that were a second best")                            \
	X(SLOTS, "looks at more than 64 slots")

enum twin_seen {
#define X(name, text) SEEN_##name,
	TWIN_SEEN(X)
#undef X
	SEEN_N
};

/* A record on its way from the engine to the session. */
struct record {
	uint32_t type;
	uint32_t slot;
	uint32_t incarnation;
	uint32_t n;
	uint8_t *data;
};

struct reader {
	bool on;
	uint32_t chunk;
	uint64_t seq;
	uint32_t offset;
	size_t flown; /* messages of the entry at offset already taken */
};

/* One session of the simulated session role. */
struct slot {
	bool up;
	bool doomed;	/* it has earned a CLOSE */
	uint32_t outer; /* its number between session role and engine */
	uint32_t incarnation;
	struct feed_up as;
	struct client client;
	struct reader at[FEED_JOURNALS];
	struct wr send; /* FEED_SEND not yet taken */
	size_t send_done;
	bool lazy; /* reads next to nothing for now */
};

struct sim {
	struct exchange *x;
	struct naive *twin;
	struct conf *conf;
	uint64_t now_ns;
	struct feed_shared *area;
	size_t area_bytes;
	struct feed_cursors *cursors;
	struct slot slot[MAKE_MAX_SESSIONS];
	struct record queue[TWIN_RECORDS];
	size_t first;
	size_t last;
	uint64_t seed;
	uint64_t step;
	unsigned compare_in; /* once in so many steps, for now */
	bool tracing;
	bool deferred; /* at the last look */
	bool calm;     /* no more accidents: all have room and time */
	uint64_t seen[SEEN_N];
	uint64_t compared;
	uint64_t routes;
};

extern struct sim sim;

/* Ends the test: says how to come here again. */
void fail_at(const char *what, unsigned slot);

#define TELL(...)                                                              \
	do {                                                                   \
		if (sim.tracing) {                                             \
			(void)printf(                                          \
			    "# %llu: ", (unsigned long long)sim.step);         \
			(void)printf(__VA_ARGS__);                             \
			(void)printf("\n");                                    \
		}                                                              \
	} while (0)

/* ---- twin_link.c --------------------------------------------------------- */

/* A new session role: new areas, new numbers, nobody is connected. */
void twin_attach(void);
/* The old one is gone: nothing of it is read any more. */
void twin_stop_all(void);
/* A session's end, told to both. */
void twin_down(unsigned s, enum feed_down_kind kind);
/* A record for the engine, when it is ready. */
void twin_feed(uint32_t type, unsigned s, const void *data, size_t n);
/* Takes what the engine told the session role; false: nothing. */
bool twin_read_record(void);
/* Everybody reads up to most messages. */
void twin_read_some(unsigned most);
/* A slice of the engine's work; it may have time, or none. */
bool twin_slice(void);
/* One turn of the engine: a flush and a slice. */
bool twin_work(void);
/* Until nobody has anything to do. */
void twin_settle(void);

/* ---- twin_compare.c ------------------------------------------------------ */

/* Lets all come to rest, and compares everything. */
void twin_compare(void);

/* ---- twin_prove.c -------------------------------------------------------- */

void twin_prove_begin(void);
void twin_prove_end(void);
/* Some VRPs or ASPAs change, or a cache comes or goes. */
void twin_prove(void);
/* Tells an engine that has just started. */
void twin_prove_again(void);

/* The engine is told of p's present state by the caller. */
struct naive_proof *twin_proof(void);

/* ---- twin_registry.c ----------------------------------------------------- */

/* A member's object has another set. */
void twin_registry(void);
/* An engine that has just started knows none. */
void twin_registry_forget(void);
/* The engine drops what the new configuration has no use for. */
void twin_registry_prune(const struct conf *c);

/* ---- twin_event.c -------------------------------------------------------- */

void twin_begin(uint64_t seed);
void twin_step(void);
void twin_end(void);

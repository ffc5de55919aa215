/*
 * Questions that the api role puts to engine and session over its links, and
 * their answers: whole JSON lines, streamed as the ring has room.
 *
 * An answer is made in slices of at most 1 ms between other work; each
 * prefix in it is consistent, the list as a whole is not.
 */
#pragma once

#include "net/addr.h"

#include <stdbool.h>
#include <stdint.h>

/* Ring record types; a = the query's id, chosen by api. */
enum query_type {
	QUERY_ASK = 128, /* struct query */
	QUERY_CANCEL,	 /* nobody waits for it any more */
	QUERY_LINES,	 /* JSON lines, each ended by a newline */
	QUERY_END,	 /* b = exit code: 0 done, 1 the answer is no */
	/*
	 * Its reader is slow: write no more lines for this query until
	 * QUERY_RESUME, so that it takes no room in the ring from others.
	 */
	QUERY_PAUSE,
	QUERY_RESUME,
};

enum query_kind {
	/* to the session role */
	QUERY_SESSIONS, /* one object a session (DESIGN s7, show sessions) */
	/* to the engine */
	QUERY_ROUTES, /* one object a route (DESIGN s7, show routes) */
	QUERY_WHY,    /* one object: the import and export trace;
			 its fields: docs/reasons.md */
	/* to the rpki role */
	QUERY_RPKI, /* one object a cache, and one for what counts (show rpki) */
	/* to session and engine */
	QUERY_STATUS, /* one object: the role's own figures */
};

struct query {
	uint32_t kind; /* enum query_kind */
	bool has_prefix;
	bool longer;   /* its more-specifics too */
	bool rejected; /* rejected routes only */
	struct prefix prefix;
	uint32_t from_asn; /* 0: any */
	uint32_t to_asn;   /* 0: none; else: what that client gets */
	struct ip from;	   /* one session of several; valid if has_from */
	struct ip to;
	bool has_from;
	bool has_to;
};

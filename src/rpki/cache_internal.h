/*
 * The session's own: cache.c has connection and time, cache_read.c what the
 * cache says.
 */
#pragma once

#include "base/attr.h"
#include "rpki/cache.h"

struct cache {
	enum cache_phase phase;
	struct cache_timers own; /* configured */
	struct pdu_end said;	 /* by the cache */
	uint32_t refresh_s, retry_s, expire_s;
	uint64_t due_ns;       /* of the phase */
	uint64_t expires_ns;   /* of the data */
	uint64_t answer_by_ns; /* a response that takes longer is none */
	uint64_t asked_ns;     /* the last question */
	unsigned streak;       /* failures in a row */

	uint8_t version;
	bool negotiated;   /* the cache has answered in it */
	bool falling_back; /* version is for the next attempt */
	bool at_once;	   /* the next attempt need not wait */
	bool heard;	   /* anything, on this connection */

	bool has_session;
	uint8_t session_version; /* a session id is one version's */
	uint16_t session;
	uint32_t serial;
	bool asked_serial; /* the question at hand */
	bool notified;	   /* of news, while one was at hand */
	uint32_t notified_serial;
	bool has_data;
	size_t keys;

	/* A response as it comes. */
	uint16_t new_session;
	bool ended;
	struct pdu_end end;
	struct pdu_vrp *vrp;
	size_t n_vrp, cap_vrp;
	uint32_t *aspa;
	size_t n_aspa, cap_aspa;
	size_t n_keys, n_keys_gone;

	int64_t synced_wall_s;
	uint64_t responses;
	uint64_t failures;
	char error[160];

	uint8_t *in; /* at most one PDU that is not whole, and a piece */
	size_t n_in, cap_in;
	uint8_t out[1024];
	size_t n_out;
};

void batch_clear(struct cache *c);
/*
 * CACHE_CLOSE when the last question is not even on its way: then the cache
 * answers what it was not asked.
 */
enum cache_event cache_ask(struct cache *c, uint64_t now_ns);
/* There is news: now, or soon when it was asked just before. */
enum cache_event cache_ask_soon(struct cache *c, uint64_t now_ns);
/* The cache has so long for its next byte. */
void cache_wait(struct cache *c, uint64_t now_ns);
void cache_fall_back(struct cache *c, uint8_t version);
void cache_fail(struct cache *c, const char *fmt, ...) ATTR_PRINTF(2, 3);
enum cache_event cache_complain(
    struct cache *c, enum pdu_error code, struct bytes pdu, const char *text);

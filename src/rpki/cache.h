/*
 * A session with one RPKI cache (RFC 8210, RFC 6810, 8210bis): a pure state
 * machine.  Bytes go in and out, time is passed in; who owns it opens and
 * closes the connection.
 *
 *        .---------------- failure, back-off -----------------.
 *        v                                                    |
 *      IDLE -> CONNECTING -> ASKED -> LOADING -> SYNCED ------+
 *                              ^         |          |
 *                              |         v          | refresh, notify
 *                              '---- no data yet <--'
 *
 * It asks with version 2 and falls back to what the cache has.  What a
 * response brings is collected and handed over at End of Data, as a whole
 * (cache_batch); until then what was there before counts.  Data outlives its
 * connection until its expire time.
 *
 * RFC 8210 s5.1 wants data flushed when the session id changes.  Here it
 * counts until the answer to the Reset Query replaces it, or until it expires:
 * routes do not go through "unchecked" because a cache was restarted.
 */
#pragma once

#include "rpki/pdu.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* In one response; 4 bytes each of the ASPAs' ASNs. */
#define CACHE_VRPS_MAX 4000000
#define CACHE_ASPA_WORDS_MAX 16000000
#define CACHE_KEYS_MAX 1000000

struct cache;

/* 0: what the cache says. */
struct cache_timers {
	uint32_t refresh_s;
	uint32_t retry_s;
	uint32_t expire_s;
};

enum cache_event {
	CACHE_NOTHING,
	CACHE_CONNECT, /* open a connection: cache_connected() or _closed() */
	CACHE_CLOSE,   /* write cache_output() if it goes, close, _closed() */
	CACHE_DATA,    /* cache_batch() is complete: cache_accept() or _refuse()
			*/
	CACHE_EXPIRED, /* its data no longer counts */
};

enum cache_phase {
	CACHE_IDLE,
	CACHE_CONNECTING,
	CACHE_ASKED,
	CACHE_LOADING,
	CACHE_SYNCED,
	CACHE_WAITING, /* connected, but the cache has no data yet */
	CACHE_CLOSING,
	CACHE_PHASES,
};

const char *cache_phase_word(enum cache_phase p);

/* One ASPA of a batch: at[0] customer, at[1] count, then its providers. */
struct cache_batch {
	bool full; /* replaces all; else changes what is there */
	const struct pdu_vrp *vrp;
	size_t n_vrp;
	const uint32_t *aspa; /* as above, one after the other */
	size_t n_aspa;	      /* words */
	size_t keys;
};

#define CACHE_ASPA_GONE 0x80000000u /* in at[1]: withdrawn, no providers */

/* NULL when memory is out. */
struct cache *cache_new(const struct cache_timers *t, uint64_t now_ns);
void cache_free(struct cache *c);
void cache_set_timers(struct cache *c, const struct cache_timers *t);

/* When cache_tick() wants to be called; UINT64_MAX: never. */
uint64_t cache_due(const struct cache *c);
/* To be called until it gives CACHE_NOTHING. */
enum cache_event cache_tick(struct cache *c, uint64_t now_ns);

void cache_connected(struct cache *c, uint64_t now_ns);
/* The connection is gone or never came; why is shown to people. */
void cache_closed(struct cache *c, const char *why, uint64_t now_ns);

/* Takes all n bytes; to be called again with n 0 until CACHE_NOTHING. */
enum cache_event cache_input(
    struct cache *c, const void *bytes, size_t n, uint64_t now_ns);

/* What is to be sent; borrowed. */
struct bytes cache_output(const struct cache *c);
void cache_sent(struct cache *c, size_t n);

/* After CACHE_DATA; borrowed until cache_accept() or cache_refuse(). */
struct cache_batch cache_batch(const struct cache *c);
void cache_accept(struct cache *c, uint64_t now_ns, int64_t wall_s);
/* It makes no sense (PDU_DUPLICATE ...), or cannot be kept (PDU_INTERNAL). */
enum cache_event cache_refuse(struct cache *c, enum pdu_error code);

/* What can be said of it. */
struct cache_info {
	enum cache_phase phase;
	uint8_t version; /* in use, or to be asked with */
	bool has_session;
	bool has_data;
	uint16_t session;
	uint32_t serial;
	uint32_t refresh_s; /* in effect */
	uint32_t retry_s;
	uint32_t expire_s;
	uint64_t expires_ns;   /* if has_data */
	int64_t synced_wall_s; /* last End of Data; 0: never */
	uint64_t responses;
	uint64_t failures; /* connections that ended in an error */
	size_t router_keys;
	char error[160]; /* the last one; "": none since the last success */
};

void cache_info(const struct cache *c, struct cache_info *ret);

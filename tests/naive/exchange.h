/*
 * The exchange once more, slow and obvious: a list of routes, and for each
 * client everything worked out from scratch when somebody asks.  It uses
 * the codec to take UPDATEs apart, and nothing of rib, policy or exchange.
 */
#pragma once

#include "base/clock.h"
#include "bgp/feed.h"
#include "conf/conf.h"
#include "naive/policy.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct naive;

/* c is borrowed until the next naive_reload(). */
struct naive *naive_new(const struct conf *c);
void naive_free(struct naive *n);
/* As new, with the same configuration. */
void naive_forget(struct naive *n);
void naive_reload(struct naive *n, const struct conf *c);

/* p is borrowed until the next call; what it holds may change between them. */
void naive_prove(struct naive *n, const struct naive_proof *p);

/* Sessions are known by the peer's address. */
void naive_up(struct naive *n, const struct feed_up *up, uint64_t now_ns);
void naive_down(struct naive *n, const struct ip *peer,
    enum feed_down_kind kind, uint64_t now_ns);
/* The session role died: everybody is away, nothing is forgotten. */
void naive_lost(struct naive *n, uint64_t now_ns);
/* Does the peer send more than its max-prefix? */
bool naive_over_limit(struct naive *n, const struct ip *peer);
/* What the codec says of the message. */
enum bgp_harm naive_update(
    struct naive *n, const struct ip *peer, const void *body, size_t len);
/* BoRR and EoRR (RFC 7313). */
void naive_refresh(
    struct naive *n, const struct ip *peer, const struct bgp_refresh *r);
void naive_tick(struct naive *n, uint64_t now_ns);

/* One route that a client should have. */
struct naive_has {
	struct prefix prefix;
	size_t n_wire;
	const uint8_t *wire; /* canonical, as the client would parse it */
	size_t at;	     /* naive's own: where wire is */
	uint8_t next_hop[32];
	uint8_t next_hop_len;
};

/*
 * Everything the client should have, by prefix, best first; *ret is the
 * naive's until the next question.
 */
size_t naive_table(
    struct naive *n, const struct ip *client, const struct naive_has **ret);

/* Routes held for a peer: all, and those refused. */
void naive_count(struct naive *n, const struct ip *peer, enum family f,
    size_t *ret_held, size_t *ret_refused);

/* What it has met, since naive_new(). */
struct naive_seen {
	uint64_t expired;
	uint64_t long_lived;
	uint64_t med; /* a path stood behind another of its neighbour AS */
	uint64_t prepended;
	uint64_t otc;
	uint64_t denied;
	uint64_t own_asn;
	uint64_t no_next_hop;
	uint64_t no_llgr;
	uint64_t too_long;
	uint64_t valid;	     /* routes that were told to be */
	uint64_t not_found;  /* the same */
	uint64_t invalid;    /* the same */
	uint64_t unchecked;  /* the same */
	uint64_t no_path;    /* routes marked for what ASPAs say */
	uint64_t registered; /* told to be in its member's sets */
	uint64_t refused[REASON_COUNT];
	uint64_t second; /* a client got what is not the first of its prefix */
};

const struct naive_seen *naive_seen(const struct naive *n);

/* Prints what is held of a peer, a line a route, for a failing test. */
void naive_print(struct naive *n, const struct ip *peer, enum family f);

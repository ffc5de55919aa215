/*
 * The configuration as the roles use it: a plain value, built from the text
 * of spean.conf (grammar and directives: tables.c, spean.conf(5)).
 *
 * The parent hands the same text to every role, and each builds its own.
 */
#pragma once

#include "net/addr.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define CONF_NAME 64
#define CONF_LISTEN 8
#define CONF_LANS 8
#define CONF_TEXT_MAX ((size_t)16 << 20) /* bytes of one file */
#define CONF_CACHES 12
#define CONF_FILE 256	  /* a file's path */
#define CONF_MEMBERS 4096 /* sessions, counted by address */
#define CONF_SESSIONS 16u /* instances of the session role */

enum conf_preset {
	CONF_PRESET_STRICT,
	CONF_PRESET_OPEN
};
enum conf_unknown {
	CONF_RELAY,
	CONF_DISCARD,
	CONF_WITHDRAW
};

enum conf_validation {
	CONF_VALIDATE_REJECT, /* what is invalid is refused */
	CONF_VALIDATE_MARK,   /* ... is only shown and marked */
	CONF_VALIDATE_OFF,
	CONF_VALIDATE_REQUIRE /* rov: what is not valid is refused */
};

struct conf_exchange {
	bool present;
	char name[CONF_NAME];
	uint32_t asn;
	uint32_t router_id; /* host byte order */
	struct ip listen[CONF_LISTEN];
	size_t n_listen;
	struct prefix lan[CONF_LANS];
	size_t n_lan;
	uint16_t port;		  /* 179 */
	uint16_t hold_s;	  /* 90; 0 or >= 3 */
	uint16_t send_hold_s;	  /* RFC 9687: twice hold, at least 480 */
	uint16_t connect_retry_s; /* 30 */
	uint16_t back_off_s;	  /* 300: before a new session, at most */
	bool graceful_restart;	  /* true */
	uint16_t restart_s;	  /* 120: restart time that we announce */
	uint16_t deferral_s;	  /* 60: selection-deferral timer */
	uint32_t stale_max_s; /* 300: how long stale routes may stay at most */
	uint32_t llgr_s;      /* 0: off */
	bool strict_role;     /* RFC 9234 s4.2: an OPEN must name a role */
	uint16_t sessions;    /* 1: instances of the session role */
};

struct conf_policy {
	bool present; /* RFC 8212: without it nothing is accepted or sent */
	enum conf_preset preset;
	enum conf_unknown unknown;     /* unknown transitive attributes */
	uint8_t min_len[FAMILY_COUNT]; /* 8, 19 */
	uint8_t max_len[FAMILY_COUNT]; /* 24, 48 */
	uint32_t max_path;	       /* 64 */
	uint32_t max_communities;      /* 100 */
	uint32_t *transit_free;	       /* ASNs; NULL: the built-in list */
	size_t n_transit_free;
	uint32_t *never_via; /* ASNs never to be reached via a route server */
	size_t n_never_via;
	/* Off without an rpki block. */
	enum conf_validation rov;
	enum conf_validation aspa;
	bool own_rov; /* else: reject, with preset open off */
	bool own_aspa;
	bool inform;	 /* say what is known in communities */
	bool own_inform; /* else: on, with preset open off */
};

/* An RPKI cache (RFC 8210). */
struct conf_cache {
	struct ip addr;
	uint16_t port;	     /* 323; with TLS 324 */
	char tls[CONF_NAME]; /* the name in its certificate; "": no TLS */
	char ca[CONF_FILE];  /* PEM; "": the system's */
	char certificate[CONF_FILE]; /* of ours; "": none */
	char key[CONF_FILE];
	uint16_t preference; /* the lowest that has data counts */
	bool own_preference; /* else: its place in the file, from 1 */
	/* 0: what the cache says (RFC 8210 s6). */
	uint32_t refresh_s;
	uint32_t retry_s;
	uint32_t expire_s;
	bool own_refresh;
	bool own_retry;
	bool own_expire;
};

struct conf_rpki {
	bool present;
	struct conf_cache *cache; /* in the file's order */
	size_t n_cache;
};

#define CONF_STATIONS 8

/* A BMP station (RFC 7854): we connect to it. */
struct conf_station {
	struct ip addr;
	uint16_t port;	  /* 1790 */
	bool pre;	  /* Adj-RIB-In as received */
	bool post;	  /* Adj-RIB-In that the policy accepted */
	bool loc_rib;	  /* RFC 9069 */
	bool out;	  /* what each client is sent, RFC 8671 */
	uint32_t stats_s; /* between statistics; 0: none */
};

struct conf_monitoring {
	bool present;
	struct conf_station station[CONF_STATIONS];
	size_t n_station;
	char mrt[CONF_FILE]; /* directory of the dumps; "": none */
	uint32_t table_s;    /* between dumps of the table; 0: on request */
	uint32_t updates_s;  /* a file of updates is for; 0: none */
};

/* Where members' registered sets come from (IRR). */
struct conf_registry {
	bool present;
	char bgpq4[CONF_FILE];	 /* the program that asks */
	char server[CONF_FILE];	 /* HOST[:PORT]; "": its own choice */
	char sources[CONF_FILE]; /* "RIPE,ARIN"; "": all of the server's */
	char files[CONF_FILE]; /* a directory with its JSON instead; "": none */
	bool more_specifics;   /* up to /24 and /48 */
	uint32_t refresh_s;
	uint32_t timeout_s; /* of all questions for one object */
};

/* A registered prefix: more-specifics of length min..max are permitted. */
struct conf_prefix {
	struct prefix prefix;
	uint8_t min_len;
	uint8_t max_len;
};

struct conf_at {
	struct ip addr;
	char password[81]; /* TCP-MD5 (RFC 2385); "": none.  Secret. */
	bool gtsm;	   /* RFC 5082 */
	bool passive;
	uint16_t port; /* to connect to; 179 */
};

struct conf_member {
	char name[CONF_NAME];
	uint32_t asn;
	char as_set[CONF_NAME];
	struct conf_at *at;
	size_t n_at;
	struct conf_prefix *prefix; /* empty: no prefix set is checked */
	size_t n_prefix;
	uint32_t *origin; /* ASNs that may originate; empty: not checked */
	size_t n_origin;
	uint32_t max_prefix[FAMILY_COUNT]; /* 0: no limit */
	bool add_path_rx;
	bool add_path_tx;
	bool shutdown; /* configured, but kept down */
	char shutdown_text[129];
	uint16_t hold_s;	   /* the exchange's unless own_hold */
	enum conf_unknown unknown; /* the policy's unless own_unknown */
	bool strict_role;	   /* the exchange's unless own_strict_role */
	bool own_hold;
	bool own_unknown;
	bool own_strict_role;
};

/* A session by its member and its place in it. */
struct conf_ref {
	uint32_t member;
	uint32_t at;
};

struct conf {
	struct conf_exchange exchange;
	struct conf_policy policy;
	struct conf_rpki rpki;
	struct conf_monitoring monitoring;
	struct conf_registry registry;
	struct conf_member *member; /* sorted by ASN, then name */
	size_t n_member;
	struct conf_ref *by_addr; /* every session, sorted by address */
	size_t n_at;
};

struct conf_error {
	unsigned line; /* from 1 */
	unsigned col;
	char text[256]; /* what is wrong; what is expected */
};

/*
 * Builds *ret from n bytes of text.  0; -EINVAL with *ret_errors (all of
 * them, by position; at most 1000) and *ret_n; -EFBIG, -ENOMEM.  Both are the
 * caller's: conf_free(), free().
 */
int conf_parse(const char *text, size_t n, struct conf **ret,
    struct conf_error **ret_errors, size_t *ret_n);
void conf_free(struct conf *c);

/*
 * Overwrites the secrets in a good text, whose length and meaning stay as they
 * are otherwise.
 */
void conf_hide_secrets(char *text, size_t n);

/* The member and its address entry, or NULL. */
const struct conf_member *conf_find(
    const struct conf *c, const struct ip *addr, const struct conf_at **ret);

/*
 * Which of n session instances speaks with that address: the same in every
 * role, and in every life of it.
 */
unsigned conf_instance(const struct ip *addr, unsigned n);

/* ---- differences ------------------------------------------------------- */

enum conf_change_kind {
	CONF_ADDED,
	CONF_REMOVED,
	CONF_CHANGED,
};

struct conf_change {
	enum conf_change_kind kind;
	char what[128];	  /* "exchange", "policy", "member AS64501 Alpha Net" */
	char detail[384]; /* "max-prefix ipv4 200 -> 400"; secrets: "changed" */
	bool resets;	  /* the session(s) concerned are reset by it */
};

/* What it takes to get from a to b (a may be NULL).  0 or -ENOMEM. */
int conf_diff(const struct conf *a, const struct conf *b,
    struct conf_change **ret, size_t *ret_n);

/*
 * True when the session of b with this member and address cannot go on from
 * how it stands in a: it is not in a, or a directive differs that the manual
 * marks as "resets".  What else changes is taken over by a session that is
 * up, or with its next OPEN.
 */
bool conf_resets(const struct conf *a, const struct conf *b,
    const struct conf_member *bm, const struct conf_at *bat);

/* Writes spean.conf(5), from the directive tables, as mdoc. */
void conf_write_manual(FILE *to);

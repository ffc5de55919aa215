/*
 * What is said in an OPEN and what follows from two of them; and how long a
 * peer that fails again and again has to wait.  Pure functions.
 */
#pragma once

#include "bgp/bgp.h"
#include "conf/conf.h"

/* How we come to the peer, beyond what the configuration says. */
struct peer_manner {
	bool restarting; /* R: we lost our state (RFC 4724 s3) */
	bool plain; /* without capabilities: it refused them (RFC 5492 s3) */
};

/* What both sides agreed on. */
struct peer_terms {
	uint16_t hold_s;
	uint8_t families;
	uint8_t add_path_rx; /* masks */
	uint8_t add_path_tx;
	uint8_t next_hop6;
	bool as4;
	bool extended; /* we may send more than BGP_MAX */
	bool refresh;
	bool enhanced_refresh;
	bool graceful;	      /* routes may outlive the session */
	bool graceful_notify; /* and a NOTIFICATION (RFC 8538) */
};

/* The OPEN for a member. */
void peer_offer(const struct conf_exchange *x, const struct conf_member *m,
    const struct peer_manner *how, struct bgp_open *ret);

/*
 * 0 and the terms; or -EBADMSG and the NOTIFICATION: wrong ASN, identifier
 * (RFC 6286), role (RFC 9234 s4.2; strict_role: none is an error too), no
 * family in common.
 */
int peer_agree(const struct bgp_open *ours, const struct bgp_open *theirs,
    uint32_t asn, bool strict_role, struct peer_terms *ret,
    struct bgp_notify *ret_notify);

/* True when our connection wins a collision (RFC 4271 s6.8, 6286 s2.3). */
bool peer_ours_wins(const struct bgp_open *ours, const struct bgp_open *theirs);

#define PEER_STABLE_NS (300ull * 1000000000ull)

struct peer_backoff {
	uint32_t ms;	   /* the last wait; 0: none was needed lately */
	uint64_t until_ns; /* no session before that */
};

/*
 * A session failed after up_ns of being Established (0: it never was).
 * error: one side found the other at fault.  The wait doubles from 1 s (5 s
 * for an error) up to max_ms, and is forgotten only after a
 * session that lasted twice as long, and PEER_STABLE_NS.
 */
void peer_backoff_fail(struct peer_backoff *b, uint64_t now_ns, uint64_t up_ns,
    bool error, uint32_t max_ms, uint64_t seed);

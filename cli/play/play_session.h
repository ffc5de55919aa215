/*
 * One BGP session that plays a source: a speaker of our own, which opens,
 * sends, answers keepalives and refreshes, and reads what the peer sends
 * without keeping it.
 */
#pragma once

#include "cli/play/play_source.h"
#include "net/addr.h"

#include <stdbool.h>
#include <stdint.h>

struct play_session_conf {
	struct ip to;
	uint16_t port;
	bool has_from;
	struct ip from;
	uint32_t asn;
	uint32_t router_id; /* host byte order; 0: made of our address */
	uint16_t hold_s;
	bool has_hop[FAMILY_COUNT]; /* else our address, when it is of it */
	struct ip hop[FAMILY_COUNT];
	uint8_t families;     /* mask that we offer */
	const char *password; /* TCP-MD5, or NULL */
	bool gtsm;
	bool exit_when_sent;
	bool quiet; /* no progress */
};

enum play_end {
	PLAY_SENT,    /* all was sent, and we were to leave then */
	PLAY_STOPPED, /* by a signal */
	PLAY_REFUSED, /* the peer sent a NOTIFICATION, or we did */
	PLAY_LOST,    /* the connection ended or could not be made */
};

struct play_outcome {
	enum play_end end;
	bool established;
	bool all_sent;
	uint64_t send_ns;  /* from the first route to the last */
	uint64_t received; /* UPDATEs */
	char why[512];
};

/* Becomes true on SIGINT and SIGTERM once play_signals() was called. */
bool play_interrupted(void);
void play_signals(void);

/* Runs one session to its end. */
void play_session(const struct play_session_conf *c, struct play_source *s,
    struct play_outcome *ret);

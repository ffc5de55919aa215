/*
 * The BGP state machine of one connection (RFC 4271 s8) as a pure function:
 * state and event in, next state and one action out.  Who calls it owns the
 * socket and the timers, and carries the action out.
 *
 * Left out, as RFC 4271 allows: DelayOpen, TrackTcpState.  Collisions (s6.8)
 * are decided outside, between the two connections of a peer; the loser gets
 * BGP_EV_COLLISION.
 */
#pragma once

#include <stdint.h>

enum bgp_state {
	BGP_IDLE,
	BGP_CONNECT,
	BGP_ACTIVE,
	BGP_OPENSENT,
	BGP_OPENCONFIRM,
	BGP_ESTABLISHED,
	BGP_NSTATES,
};

/* RFC 4271's numbers in brackets. */
enum bgp_event {
	BGP_EV_START,		  /* to connect [1, 3] */
	BGP_EV_START_PASSIVE,	  /* to wait for the peer [4, 5] */
	BGP_EV_STOP,		  /* the operator, or a limit [2, 8] */
	BGP_EV_DROP,		  /* ours: end without a word, RFC 4724 */
	BGP_EV_RETRY_EXPIRED,	  /* [9] */
	BGP_EV_HOLD_EXPIRED,	  /* [10] */
	BGP_EV_KEEPALIVE_EXPIRED, /* [11] */
	BGP_EV_SEND_HOLD_EXPIRED, /* [29], RFC 9687 */
	BGP_EV_TCP_OPEN,	  /* [16, 17] */
	BGP_EV_TCP_FAIL,	  /* [18] */
	BGP_EV_OPEN,		  /* a good one [19] */
	BGP_EV_HEADER_ERROR,	  /* [21] */
	BGP_EV_OPEN_ERROR,	  /* [22] */
	BGP_EV_COLLISION,	  /* [23] */
	BGP_EV_NOTIFICATION,	  /* [24, 25] */
	BGP_EV_KEEPALIVE,	  /* [26] */
	BGP_EV_UPDATE,		  /* [27] */
	BGP_EV_UPDATE_ERROR,	  /* [28], one that resets */
	BGP_EV_REFRESH,		  /* RFC 2918 */
	BGP_EV_REFRESH_ERROR,	  /* RFC 7313 */
	BGP_NEVENTS,
};

enum bgp_action {
	BGP_ACT_NONE,	   /* in no cell: a hole in the table */
	BGP_ACT_IGNORE,	   /* nothing to do */
	BGP_ACT_CONNECT,   /* (anew) open TCP, restart ConnectRetry */
	BGP_ACT_LISTEN,	   /* close what is open, restart ConnectRetry, wait */
	BGP_ACT_SEND_OPEN, /* and the large hold timer */
	BGP_ACT_SEND_KEEPALIVE, /* first one: take the OPEN, start timers */
	BGP_ACT_ESTABLISH,	/* restart hold, start send-hold, tell all */
	BGP_ACT_KEEPALIVE,	/* send one, restart its timer */
	BGP_ACT_RESTART_HOLD,
	BGP_ACT_UPDATE,	 /* restart hold, hand it on */
	BGP_ACT_REFRESH, /* restart hold, hand it on */
	/* the rest end the connection */
	BGP_ACT_DROP,		 /* without a word */
	BGP_ACT_CEASE,		 /* NOTIFICATION Cease, the caller's subcode */
	BGP_ACT_NOTIFY,		 /* the NOTIFICATION that came with the error */
	BGP_ACT_HOLD_ERROR,	 /* NOTIFICATION 4 */
	BGP_ACT_SEND_HOLD_ERROR, /* NOTIFICATION 8, if TCP takes it */
	BGP_ACT_FSM_ERROR,	 /* NOTIFICATION 5, bgp_fsm_subcode() */
};

struct bgp_step {
	uint8_t next;	/* enum bgp_state */
	uint8_t action; /* enum bgp_action */
};

struct bgp_step bgp_fsm(enum bgp_state s, enum bgp_event e);

/* Subcode of an FSM error in that state (RFC 6608). */
uint8_t bgp_fsm_subcode(enum bgp_state s);

/* "opensent", ...: as `show sessions` gives it. */
const char *bgp_state_name(enum bgp_state s);
const char *bgp_event_name(enum bgp_event e);

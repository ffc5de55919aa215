/*
 * The session side of BGP: all configured peers, their TCP connections, the
 * state machine, framing, timers, and the link to the engine (bgp/feed.h).
 * Sees messages, never routes.  Does not log: it tells its owner.
 *
 *   listener --+                      +-> ring to the engine: UP UPDATE DOWN
 *   connect ---+-> conn (<= 2 a peer)-+
 *                     ^               +-- journals, SEND: written in place
 *                     |
 *                  peer: slot, incarnation, back-off
 *
 * RFC 4271 (s6.8 collisions, s8 FSM, s10 timers), 4724, 4486, 5082, 2385,
 * 5492, 7313, 8538, 8654, 9003, 9234, 9687.
 */
#pragma once

#include "bgp/bgp.h"
#include "bgp/feed.h"
#include "bgp/fsm.h"
#include "bgp/peer_open.h"
#include "conf/conf.h"
#include "net/loop.h"

struct peers;

enum peers_event {
	PEERS_UP,
	PEERS_DOWN,	/* was Established; text: why */
	PEERS_FAILED,	/* never came so far; text: why */
	PEERS_STRANGER, /* somebody unknown connected, and was closed */
	PEERS_REFUSED,	/* a peer connected while held down */
	PEERS_TROUBLE,	/* ours: a socket option, a descriptor; text: what */
	PEERS_ENGINE,	/* the link to the engine ended; text: why */
};

struct peers_ops {
	/* asn: 0 for a stranger; text: one line or "" */
	void (*event)(void *arg, enum peers_event what, const struct ip *peer,
	    uint32_t asn, const char *text);
	/*
	 * The link ended while the engine was parsing this peer's message.
	 */
	void (*blame)(void *arg, const struct ip *peer);
	/*
	 * A peer of another instance connected to us, who listen: the socket
	 * is the callee's.
	 */
	void (*pass)(
	    void *arg, unsigned instance, int fd, const struct ip *peer);
};

/*
 * conf: borrowed until the next peers_apply().  instance: which of
 * conf->exchange.sessions this one is; it has the peers that
 * conf_instance() gives it, and the first one listens for all.  0 or -errno.
 */
int peers_new(struct loop *loop, const struct peers_ops *ops, void *arg,
    const struct conf *conf, unsigned instance, bool restarting,
    struct peers **ret);

/* Closes everything without a word (RFC 4724).  NULL is allowed. */
void peers_free(struct peers *ps);

/*
 * Takes the new configuration: peers appear, change and go; those that need
 * not be reset are left alone.  old is not used afterwards.
 */
void peers_apply(
    struct peers *ps, const struct conf *old, const struct conf *conf);

/* Listening sockets in place of earlier ones; the callee's from now on. */
void peers_listen(struct peers *ps, const int *fds, int n);

/* A connection of this peer that the listening instance passed on. */
void peers_take(struct peers *ps, int fd, const struct ip *from);

/* A (new) link to the engine, its sock the callee's.  0 or -errno. */
int peers_engine(struct peers *ps, int sock);

/* The loop is about to sleep; false: there is work.  And it woke. */
bool peers_sleep(struct peers *ps);
void peers_wake(struct peers *ps);

/* Keeps a peer down for a while. */
void peers_hold_down(
    struct peers *ps, const struct ip *peer, uint32_t seconds, const char *why);

/* Says goodbye to all; done(arg) when that is over, within 2 s. */
void peers_stop(struct peers *ps, void (*done)(void *arg));

/* ---- what is shown ------------------------------------------------------ */

struct peer_info {
	struct ip addr;
	struct ip local; /* valid when has_local */
	bool has_local;
	uint32_t asn;
	const char *name; /* borrowed */
	enum bgp_state state;
	const char *idle_why; /* NULL, or why it is kept idle; borrowed */
	uint64_t up_s;	      /* since Established; 0 otherwise */
	uint64_t wait_s;      /* until the next try, 0: none set */
	bool passive;
	bool md5;
	bool gtsm;
	bool open_known; /* theirs and terms are of the present session */
	struct bgp_open theirs;
	struct peer_terms terms;
	bool has_counts;
	uint64_t received[FAMILY_COUNT]; /* as the engine says */
	uint64_t accepted[FAMILY_COUNT];
	uint64_t rejected[FAMILY_COUNT];
	uint64_t advertised[FAMILY_COUNT];
	uint64_t flaps; /* times that Established was lost */
	uint64_t messages_in;
	uint64_t messages_out; /* journal entries count as one */
	uint64_t updates_in;
	uint64_t bytes_in;
	uint64_t bytes_out;
	const char *error; /* the last one, "" */
	int64_t error_wall_s;
};

struct peers_figures {
	size_t peers;
	size_t established;
	bool engine; /* the link is up */
	uint64_t updates_in;
	uint64_t bytes_in;
	uint64_t bytes_out;
	size_t paused; /* peers not read because the ring is full */
	uint64_t pauses;
	uint64_t strangers;
	size_t memory; /* bytes of buffers held for peers */
};

size_t peers_count(const struct peers *ps);
/* i-th by ASN, then address; false beyond the end. */
bool peers_info(const struct peers *ps, size_t i, struct peer_info *ret);
/* Index of the first one behind asn and addr, for a list made in slices. */
size_t peers_after(const struct peers *ps, uint32_t asn, const struct ip *addr);
void peers_figures(const struct peers *ps, struct peers_figures *ret);

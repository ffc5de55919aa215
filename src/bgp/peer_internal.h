/* What the files of the session side share, and nobody else needs. */
#pragma once

#include "bgp/listen.h"
#include "bgp/outbox.h"
#include "bgp/peer.h"

#include "base/clock.h"
#include "net/link.h"

/*
 * What one peer may take at most, and only while it is connected: PEER_STASH
 * of what it sent (while the ring is full), 2 * FEED_SEND_MAX of what it is
 * to be sent beside the journals, and what the kernel holds: PEER_SNDBUF
 * twice, and its receive window (net.ipv4.tcp_rmem).
 */
#define PEER_READ ((size_t)32768) /* bytes read from one peer a turn */
#define PEER_STASH (BGP_MAX_EXTENDED + PEER_READ)
#define PEER_SNDBUF ((size_t)262144) /* the kernel doubles it */
#define PEER_RING ((size_t)1 << 20)
#define PEER_TEXT 192

enum conn_side {
	CONN_OURS, /* we connected */
	CONN_THEIRS,
	CONN_SIDES,
};

/* One TCP connection.  Ends by conn_end(); freed after the turn. */
struct conn {
	struct loop_fd fd;
	struct peers *ps;
	struct peer *peer; /* NULL: it only lingers */
	enum conn_side side;
	enum bgp_state state;
	bool connecting;
	bool parked;   /* accepted, says nothing until the back-off is over */
	bool readable; /* the socket may hold something unread */
	bool ended;    /* and behind it the end, or an error */
	bool refused;  /* the stash holds a message that the ring refused */
	bool paused;   /* not read: the ring is full */
	bool blocked;  /* the socket is full */
	bool dead;
	bool lingering;

	struct list mine; /* in peers.ups, .lingering or .graves */
	struct list read; /* in peers.readers */
	uint64_t taken;	  /* bytes read from it in this rush */
	uint32_t rush;
	struct list write;
	struct loop_timer hold; /* before OPEN: the large one */
	struct loop_timer keepalive;
	struct loop_timer send_hold;
	uint64_t read_ns; /* last message */
	uint64_t wrote_ns;
	uint64_t moved_ns; /* the socket took something */
	uint64_t acked;	   /* bytes, when that last changed */
	uint64_t acked_ns;

	struct outbox out;
	uint8_t *stash; /* an incomplete message, or what the ring refused */
	size_t n_stash;

	struct ip local;
	struct bgp_open ours;
	struct bgp_open theirs; /* valid from OpenConfirm on */
	struct peer_terms terms;
	uint8_t *their_open; /* the message, after its header; owned */
	size_t n_their_open;
};

struct peer {
	struct peers *ps;
	const struct conf_member *member; /* of the present configuration */
	const struct conf_at *at;
	struct ip addr;
	uint32_t asn;
	uint32_t slot;
	uint32_t incarnation; /* of the session that is or was up */
	bool kept;	      /* seen in the new configuration */
	bool keyed;	      /* the listeners have its key */
	bool plain;	      /* OPEN without capabilities next time */

	struct conn *conn[CONN_SIDES];
	struct conn *up;
	struct loop_timer retry; /* the next try, or the end of a wait */
	struct peer_backoff backoff;
	bool held; /* until backoff.until_ns, by the engine or the parent */
	bool over; /* it is held because of max-prefix */
	char why[PEER_TEXT];	   /* it is held */
	uint64_t restart_until_ns; /* R is said until then */

	uint64_t up_ns;
	uint64_t flaps;
	uint64_t messages_in;
	uint64_t messages_out;
	uint64_t updates_in;
	uint64_t bytes_in;
	uint64_t bytes_out;
	char error[PEER_TEXT];
	int64_t error_wall_s;
};

struct peers {
	struct loop *loop;
	const struct peers_ops *ops;
	void *arg;
	const struct conf *conf;
	unsigned instance; /* of the session role, of how many */
	unsigned instances;
	struct listen listen;
	struct peer **sorted; /* by ASN, address */
	struct peer **by_addr;
	size_t n;
	struct peer *slot[FEED_SLOTS];
	uint32_t incarnation[FEED_SLOTS];
	bool stopping;
	void (*stopped)(void *arg);
	struct loop_timer stop_timer;

	struct link *link;
	struct loop_fd link_fd;
	struct loop_task link_task; /* records are left to read */
	bool link_up;
	struct outbox_pool pool;
	uint64_t published;  /* as last seen */
	bool moved;	     /* cursors did, the engine may want to know */
	struct list pending; /* records that the ring had no room for */
	size_t n_pending;
	struct ip *expect;
	size_t n_expect;
	bool expects; /* to be said even if there is none */

	struct list ups;
	struct list readers; /* whose turn it is when there is room */
	uint64_t waited_ns;  /* when somebody last had to wait */
	uint32_t rush;	     /* number of the time in which many wait */
	struct list writers;
	struct list lingering;
	struct list graves;
	size_t n_ups;
	size_t n_readers;
	size_t n_lingering;
	struct loop_task read_task;
	struct loop_task write_task;
	struct loop_task grave_task;

	uint64_t random;
	uint64_t restart_until_ns;
	uint64_t updates_in;
	uint64_t bytes_in;
	uint64_t bytes_out;
	uint64_t pauses;
	uint64_t strangers;
	size_t stashed;
};

/* ---- peer.c, peer_start.c: peers ---------------------------------------- */

uint64_t peers_random(struct peers *ps);
struct peer *peers_find(const struct peers *ps, const struct ip *addr);
void peers_tell(struct peers *ps, enum peers_event what, const struct peer *p,
    const char *fmt, ...) ATTR_PRINTF(4, 5);

/* Sets out for the next try, as the back-off allows; may be called always. */
void peer_start(struct peer *p);
/* The next try comes within seconds, if it were later. */
void peer_retry_soon(struct peer *p);
void peer_retry_fired(struct loop_timer *t);
/* Ends the session that is up: the peer has lost it (RFC 4724 s5). */
void peer_anew(struct peer *p);
void peers_accepted(void *arg, int fd, const struct ip *from);
/* Why no session is tried at all, or NULL. */
const char *peer_idle_why(const struct peer *p);
/* Notes the last error. */
void peer_note(struct peer *p, const char *fmt, ...) ATTR_PRINTF(2, 3);

/* ---- peer_conn.c: one connection ---------------------------------------- */

/* Who ended it, and so what it costs. */
enum conn_end {
	END_LOST,   /* TCP went */
	END_TOLD,   /* the peer sent a NOTIFICATION */
	END_FAULT,  /* we send one: the peer's fault */
	END_ADMIN,  /* we send one: ours, no back-off */
	END_SILENT, /* without a word: no engine, or replaced */
};

/* 0 or -errno (fd is then closed). */
int conn_new(
    struct peer *p, enum conn_side side, int fd, bool connecting, bool parked);

/*
 * Ends it, as the state machine decided; it is freed after the turn.
 * n: what is to be sent, or was received; NULL: nothing.  text: why.
 */
void conn_end(struct conn *c, enum bgp_state was, enum conn_end how,
    const struct bgp_notify *n, const char *text);
void conn_unpark(struct conn *c);
void conn_flush(struct conn *c); /* writes what there is */
/* Frees all at once; no callbacks. */
void conn_drop(struct conn *c);
void conns_bury(struct loop_task *t);
void conns_write(struct loop_task *t);

/* ---- peer_read.c: framing ------------------------------------------------ */

/* Reads what there is, as far as one turn goes; the rest in later turns. */
void conn_read(struct conn *c);
/* The same, but not now. */
void conn_read_later(struct conn *c);
/* It is not read any more. */
void conn_unread(struct conn *c);
void conns_read(struct loop_task *t);

/* ---- peer_state.c: the state machine ------------------------------------ */

/*
 * Steps the machine and does what it says.  n: the NOTIFICATION that belongs
 * to the event (an error's, a Cease, or the one received); or NULL.
 */
void conn_event(struct conn *c, enum bgp_event ev, const struct bgp_notify *n,
    const char *text);
/* The same, n wrapped as Hard Reset where that was agreed (RFC 8538 s3). */
void conn_event_hard(struct conn *c, enum bgp_event ev,
    const struct bgp_notify *n, const char *text);

/* TCP is there. */
void conn_opened(struct conn *c);
/* 0; 1: no room in the ring; -1: the connection is over. */
int conn_message(
    struct conn *c, enum bgp_type type, const uint8_t *body, size_t n);
void conn_hold_fired(struct loop_timer *t);
void conn_keepalive_fired(struct loop_timer *t);
void conn_send_hold_fired(struct loop_timer *t);

/* ---- peer_feed.c: the engine -------------------------------------------- */

bool feed_ready(const struct peers *ps);
/* An UPDATE or REFRESH; false: the ring is full. */
bool feed_try(struct peers *ps, const struct peer *p, enum feed_type type,
    const void *data, size_t n);
/* Room for n bytes of UPDATES, sent by feed_commit(); NULL: full. */
uint8_t *feed_reserve(struct peers *ps, size_t n);
void feed_commit(struct peers *ps, const struct peer *p, size_t n);
/* UP, DOWN, SKIPPED: queued when the ring is full. */
void feed_put(struct peers *ps, uint32_t slot, uint32_t incarnation,
    enum feed_type type, const void *data, size_t n);
void feed_resume(struct peers *ps);
void feed_lost(struct peers *ps, const char *why);

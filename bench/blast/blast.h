/*
 * bgpblast: opens many eBGP sessions to one route server, sends it UPDATEs
 * that were encoded before, counts and checks what every client receives,
 * and says when each phase is over.  One JSON object a line on stdout.
 *
 * A measuring program, not part of spean: it trusts its input files, and
 * ends when something is wrong with its own side.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MSG_MAX 4096
#define DUT_ASN 64999u /* duts.py */
#define INBUF (256u << 10)
#define SLACK 16 /* bytes that may be read behind the end of a message */
#define MAX_CLIENTS 1024
#define MAX_PATH 300

/* ---- the table (table.c) ----------------------------------------------- */

struct attrset {
	uint8_t origin;
	uint8_t n_path; /* ASNs behind the announcing client's own */
	uint8_t n_comm;
	uint8_t n_large;
	const uint8_t *v; /* path, communities, large: 32-bit, host order */
};

struct route {
	uint64_t addr; /* left-aligned: the high 64 bits of an IPv6 address */
	uint32_t set;
	uint8_t len;
	uint8_t family; /* 4 or 6 */
};

struct table {
	struct attrset *set4;
	struct attrset *set6;
	struct route *route4;
	struct route *route6;
	uint32_t n_set4;
	uint32_t n_set6;
	uint32_t n4;
	uint32_t n6;
};

extern struct table table;

void table_load(const char *path);
const struct attrset *table_set(const struct route *r);
uint32_t get32(const uint8_t *p); /* host order, unaligned */
uint64_t mix64(uint64_t x);
/* A sum of these over a set of prefixes does not depend on their order. */
uint64_t route_hash(uint64_t addr, unsigned len, unsigned family);

/* An index over n routes. */
struct index {
	uint64_t *slot; /* upper half of the hash | place + 1; 0: free */
	uint32_t mask;
	const struct route *route;
};

void index_build(struct index *ix, const struct route *route, uint32_t n);
void index_free(struct index *ix);
/* Its place among the routes, or -1.  h: its route_hash. */
int64_t index_find(
    const struct index *ix, uint64_t h, uint64_t addr, unsigned len);

/* ---- settings and state ------------------------------------------------ */

struct options {
	const char *dut; /* address of the device under test */
	uint32_t dut_ip;
	uint32_t base_ip; /* client i has base_ip + i */
	uint32_t base_asn;
	uint16_t port;
	int clients;
	int share;   /* prefixes of one client */
	bool same;   /* all announce the same prefixes */
	bool single; /* client 0 alone announces */
	bool v6;
	int rate;	/* churn: prefixes a second */
	double seconds; /* churn, idle */
	int max_comm;	/* churn: only routes with as many communities */
	int touch;	/* change: the policy refuses routes with more */
	bool control;	/* one route in ten with control communities */
	bool uniform;	/* one attribute set for all routes of a client */
	int registered; /* so many clients have a prefix set of their own */
	int flaps;	/* steady */
	double timeout_s;
	int audit_every; /* of the UPDATEs received, one in so many is kept */
};

extern struct options opt;

struct client {
	int fd;
	int index;
	bool up;    /* a KEEPALIVE came */
	bool alive; /* its loss is an error */
	uint8_t *out;
	size_t out_len;
	size_t out_at;
	uint8_t *part; /* the beginning of a message that is not all here */
	size_t part_len;
	/* received since the phase began */
	uint64_t announced;
	uint64_t withdrawn;
	uint64_t hash_announced;
	uint64_t hash_withdrawn;
	uint64_t bytes;
	uint64_t messages;
	uint64_t updates;
	uint64_t moved_in;   /* change: routes that the policy lets in */
	uint64_t moved_out;  /* and that it takes away */
	uint64_t hash_moved; /* of those in, less those out */
	double first;
	double last;
	double last_moved;
};

extern struct client client[MAX_CLIENTS];
extern int lost;     /* sessions that ended and should not have */
extern double began; /* when the program did */

double now(void);
void die(const char *what);

/* ---- what we send (encode.c) ------------------------------------------- */

uint8_t *put16(uint8_t *p, unsigned v);
uint8_t *put32(uint8_t *p, uint32_t v);
uint8_t *put_header(uint8_t *p, int type);
uint8_t *put_prefix(uint8_t *p, const struct route *r);

/* The AS path of set s as client c announces it; gives its length. */
unsigned path_of(
    const struct attrset *s, uint32_t set, int c, uint32_t path[MAX_PATH]);
/* Its MED, or -1: none. */
int64_t med_of(uint32_t set);
/* The global IPv6 next hop of client c. */
void next_hop6(int c, uint8_t ret[16]);

/* One UPDATE with as many of r[0..n) as share r[0]'s set; gives how many. */
int put_update(uint8_t **p, const struct route *r, int n, int c);
void encode_share(struct client *c, const struct route *r, int n);

/* ---- sessions (session.c) ---------------------------------------------- */

void sessions_init(void);
/* Until a KEEPALIVE came; gives the seconds it took, or -1. */
double session_establish(struct client *c, double max);
/* Connects and sends an OPEN; false when nobody listens. */
bool session_connect(struct client *c);
void session_close(struct client *c);
void session_want_write(struct client *c, bool want);
void spin(double max); /* one round of epoll */
/*
 * How the program itself did up to the last UPDATE that came: seconds in
 * which it had nothing to do, and its CPU.  Both count from the reset.
 */
void self_reset(void);
double self_waited(void);
double self_cpu(void);
void run_for(double seconds);

/* ---- what we receive (receive.c, audit.c) ------------------------------ */

void receive_update(struct client *c, const uint8_t *m, size_t n, double t);

/*
 * churn, change: when each prefix of client 0 was last toggled, the delays
 * at the others, and what is none of client 0's own (moved_in, moved_out).
 */
void latency_start(void);
void latency_stop(void);
void latency_sent(uint32_t id, double t);
double latency_last(uint32_t id);
uint64_t latency_count(void);
double latency_ms(double quantile); /* 1: the longest */

void audit_reset(void);
void audit_keep(const struct client *c, const uint8_t *m, size_t n);
/* Checks what was kept: ", \"audited\":N,..." for the phase's line. */
void audit_report(char *buf, size_t n);
/* Mode `same`: what every client ended with (all UPDATEs were kept). */
void held_report(char *buf, size_t n);

/* ---- who is to get what (expect.c, control.c) -------------------------- */

struct sum {
	uint64_t n;    /* prefixes */
	uint64_t hash; /* their sum */
};

extern struct sum own[MAX_CLIENTS];	 /* announced, and not refused */
extern struct sum expected[MAX_CLIENTS]; /* of the others */

void sum_add(struct sum *s, const struct route *r);
/* The first of the routes that client i announces, and how many. */
const struct route *share_of(int i, unsigned family, int *ret_n);
void expect_all(void);

enum wish {
	WISH_NONE,
	WISH_DENY,
	WISH_DENY_LARGE,
	WISH_ANNOUNCE,
	WISH_PREPEND
};

/* What client `from` asks for with an attribute set (line e). */
struct control {
	enum wish wish;
	unsigned times; /* of a prepend */
	unsigned n;
	uint32_t peer[3]; /* their ASNs */
};

struct control control_of(uint32_t set, int from);
/* Is it for that client?  *ret_times: prepended so often. */
bool control_permits(const struct control *c, int to, unsigned *ret_times);
/* The communities that say so, in host order; give how many numbers. */
unsigned control_standard(const struct control *c, uint32_t v[4]);
unsigned control_large(const struct control *c, uint32_t v[9]);
/* False: it is missing in the prefix set of that client. */
bool registered(int from, const struct route *r);
void registered_print(void);

/* ---- phases (phase.c, churn.c) ----------------------------------------- */

extern bool gave_up; /* a phase was not over in time */

void phase_start(const char *name);
void phase_done(const char *name, double start, double done, int timed_out,
    const char *extra);
void phase_run(const char *name);
void phase_churn(void);
void phase_change(void);
void phase_idle(void);

/* ---- steady state (steady.c) -------------------------------------------- */

extern bool steady; /* UPDATEs go there */
void steady_update(struct client *c, const uint8_t *m, size_t n, double t);
void phase_steady(void);

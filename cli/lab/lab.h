/*
 * The demo exchange: spean and its members in network namespaces of their
 * own, joined by a bridge in another one.
 *
 *   spean-rs  spean-bird  spean-frr  spean-openbgpd  spean-gobgp  spean-table
 *      |          |           |            |              |            |
 *      +----------+-----------+--- br0 in spean-lan ------+------------+
 *
 * All of it is in DIR: configurations, logs, sockets, and `pids`, by which
 * alone it is taken down again.  Nothing outside is touched.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

#define LAB_NAME "spean" /* unless --name says otherwise */
#define LAB_RS_ASN 64500
#define LAB_LAN4 "192.0.2."
#define LAB_LAN6 "2001:db8:100::"
#define LAB_PATH 320
#define LAB_OPENBGPD_ROOT "/run/openbgpd"
#define LAB_MADE_ROOT "made-openbgpd-root" /* in DIR: that one is ours */

struct lab {
	const char *name;    /* namespaces are NAME-rs, NAME-bird ... */
	char dir[64];	     /* /run/NAME-lab */
	const char *table;   /* the file that is played; NULL: none */
	uint64_t limit;	     /* routes of it; 0: all */
	unsigned patience_s; /* with a program that is asked something */
	char self[256];	     /* the program itself */
};

/* What a member holds from the exchange, as it says itself. */
struct lab_view {
	bool up[2]; /* sessions, IPv4 and IPv6 */
	uint64_t routes[2];
};

struct lab_member {
	const char *name; /* of its namespace and files */
	const char *title;
	const char *program; /* what must be installed */
	const char *package;
	uint32_t asn;
	unsigned host; /* last part of its addresses */
	/* Registered and announced; announced and to be refused. */
	const char *good4, *good6, *bad;
	/* Writes its configuration; 0 or -errno. */
	int (*configure)(const struct lab *l, const struct lab_member *m);
	/* Starts it; 0 or -errno. */
	int (*start)(const struct lab *l, const struct lab_member *m);
	/* Asks it; false while it does not answer. */
	bool (*view)(const struct lab *l, const struct lab_member *m,
	    struct lab_view *ret);
};

extern const struct lab_member lab_members[];
extern const size_t lab_member_count;
#define LAB_TABLE_ASN 64405
#define LAB_TABLE_HOST 15

/* ---- lab_run.c: processes ---------------------------------------------- */

/* "lab: ..." and a newline on stderr. */
void lab_say(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* Fills buf with DIR/name; gives it back. */
const char *lab_path(const struct lab *l, char buf[LAB_PATH], const char *name);

/*
 * Runs a program to its end, on a host of the lab unless that is NULL;
 * *ret_out is what it wrote, the caller's to free (may be NULL: not wanted).
 * Its exit code; -errno when it could not be run or took longer than
 * l->patience_s.
 */
int lab_run(const struct lab *l, const char *host, const char *const argv[],
    char **ret_out);

/* Starts a program that stays, on a host, and records it.  0 or -errno. */
int lab_spawn(const struct lab *l, const char *name, const char *host,
    const char *const argv[]);

/* Fills buf with the name of a host's namespace; gives it back. */
const char *lab_namespace(const struct lab *l, char buf[64], const char *host);

/* Whether the recorded process of that name is there; its pid, else 0. */
pid_t lab_alive(const struct lab *l, const char *name);

/* The seconds that it has computed so far. */
uint64_t lab_busy(const struct lab *l, const char *name);

/* Ends all recorded processes: politely, then not.  How many there were. */
unsigned lab_end_all(const struct lab *l);

/* Whether a program is to be found. */
bool lab_has(const char *program);

/* Waits ms, less when a signal comes; true when one asked us to stop. */
bool lab_pause(unsigned ms);

/* ---- lab_net.c: namespaces --------------------------------------------- */

/* Makes the LAN and everybody's namespace on it.  0 or -errno. */
int lab_net_make(const struct lab *l);

/* Ends what still runs in the namespaces and removes them; their number. */
unsigned lab_net_remove(const struct lab *l);

/* ---- lab_up.c ---------------------------------------------------------- */

/* Give an enum cli_exit. */
int lab_up(struct lab *l, bool wait);
int lab_down(const struct lab *l, bool quiet);
int lab_status(const struct lab *l, bool json);

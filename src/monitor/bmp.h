/*
 * BMP version 3, as the exchange writes it: RFC 7854, 8671 (Adj-RIB-Out),
 * 9069 (Loc-RIB).  Pure functions that append messages to a cursor; it sticks
 * when it has no room, and then nothing of it is to be sent.
 */
#pragma once

#include "base/wire.h"
#include "net/addr.h"

#include <stddef.h>
#include <stdint.h>

/* Bytes of any message here beside the BGP messages and texts in it. */
#define BMP_FRAME 128

/* RFC 7854 s4.2, RFC 9069 s4.1. */
enum bmp_peer_type {
	BMP_PEER_GLOBAL = 0,
	BMP_PEER_LOC_RIB = 3,
};

enum { /* per-peer flags; V is set from the address */
	BMP_FLAG_IPV6 = 0x80,
	BMP_FLAG_POST_POLICY = 0x40, /* L */
	BMP_FLAG_ADJ_RIB_OUT = 0x10, /* O, RFC 8671 s4 */
};

struct bmp_peer {
	uint8_t type;	/* enum bmp_peer_type */
	uint8_t flags;	/* AS paths are always of 4-byte ASNs: A is never set */
	struct ip addr; /* not looked at for BMP_PEER_LOC_RIB */
	uint32_t asn;
	uint32_t id;	  /* BGP identifier, host byte order */
	uint64_t time_us; /* since 1970; 0: not known */
};

/* RFC 7854 s4.4. */
void bmp_initiation(struct wr *w, const char *sys_name, const char *sys_descr,
    const char *text);

enum bmp_end { /* RFC 7854 s4.5 */
	BMP_END_CLOSED = 0,
	BMP_END_UNSPECIFIED = 1,
	BMP_END_RESOURCES = 2,
};

void bmp_termination(struct wr *w, enum bmp_end why);

/* RFC 7854 s4.10; of the Loc-RIB RFC 9069 s5.2. */
struct bmp_up {
	struct ip local; /* not looked at for BMP_PEER_LOC_RIB */
	uint16_t local_port;
	uint16_t remote_port;
	struct bytes sent; /* OPEN messages, headers included */
	struct bytes received;
	const char *table; /* VRF/Table Name TLV; NULL: none */
	const char *text;  /* free-form string TLV; NULL: none */
};

void bmp_peer_up(
    struct wr *w, const struct bmp_peer *p, const struct bmp_up *up);

/* RFC 7854 s4.9, RFC 9069 s5.3. */
enum bmp_down {
	BMP_DOWN_SENT = 1,     /* data: the NOTIFICATION that we sent */
	BMP_DOWN_FSM = 2,      /* data: two bytes, the FSM event or 0 */
	BMP_DOWN_RECEIVED = 3, /* data: the NOTIFICATION received */
	BMP_DOWN_LOST = 4,     /* no data */
	BMP_DOWN_NO_MORE = 5,  /* no data; it is not monitored any more */
	BMP_DOWN_LOC_RIB = 6,  /* data: the table's name, as TLV */
};

void bmp_peer_down(struct wr *w, const struct bmp_peer *p, enum bmp_down why,
    struct bytes data);
/* The Loc-RIB's, with its name. */
void bmp_loc_rib_down(
    struct wr *w, const struct bmp_peer *p, const char *table);

/*
 * Route Monitoring, RFC 7854 s4.6: the UPDATE, header included, is written
 * to the same cursor between open and close.
 */
uint8_t *bmp_route_open(struct wr *w, const struct bmp_peer *p);
void bmp_close(struct wr *w, uint8_t *opened);

/* RFC 7854 s4.8, RFC 8671 s6.2. */
enum bmp_stat {
	BMP_STAT_REJECTED = 0,	      /* counter, 32 bits */
	BMP_STAT_ADJ_RIB_IN = 7,      /* gauge, 64 bits */
	BMP_STAT_LOC_RIB = 8,	      /* gauge, 64 bits */
	BMP_STAT_ADJ_RIB_IN_OF = 9,   /* gauge of a family */
	BMP_STAT_LOC_RIB_OF = 10,     /* gauge of a family */
	BMP_STAT_ADJ_RIB_OUT = 15,    /* post-policy, gauge, 64 bits */
	BMP_STAT_ADJ_RIB_OUT_OF = 17, /* post-policy, gauge of a family */
};

struct bmp_stats {
	struct wr *w;
	uint8_t *opened;
	uint8_t *count;
	uint32_t n;
};

void bmp_stats_open(
    struct bmp_stats *s, struct wr *w, const struct bmp_peer *p);
void bmp_stats_u32(struct bmp_stats *s, enum bmp_stat type, uint32_t v);
void bmp_stats_u64(struct bmp_stats *s, enum bmp_stat type, uint64_t v);
void bmp_stats_family(
    struct bmp_stats *s, enum bmp_stat type, enum family f, uint64_t v);
void bmp_stats_close(struct bmp_stats *s);

/*
 * MRT records, as the exchange writes them: TABLE_DUMP_V2 and BGP4MP of RFC
 * 6396, with path ids where a peer sends them (RFC 8050).  Pure functions
 * that append to a cursor, which sticks when it has no room.
 *
 *	at = mrt_write_peers(&w, time_s, id, name);
 *	... mrt_write_peer() for each ...
 *	mrt_write_peers_close(&w, at, n);
 */
#pragma once

#include "base/wire.h"
#include "bgp/mrt.h"
#include "net/addr.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bytes of any record or path here beside its attributes and name. */
#define MRT_FRAME 128

/* The record's first byte, for the close. */
uint8_t *mrt_write_peers(
    struct wr *w, uint32_t time_s, uint32_t collector_id, const char *view);
void mrt_write_peer(
    struct wr *w, uint32_t id, const struct ip *addr, uint32_t asn);
void mrt_write_peers_close(struct wr *w, uint8_t *at, uint32_t n);

/* A prefix with its paths; all of them with path ids, or none. */
uint8_t *mrt_write_rib(struct wr *w, uint32_t time_s, uint32_t sequence,
    const struct prefix *p, bool add_path);

struct mrt_path {
	uint16_t peer; /* its place in PEER_INDEX_TABLE */
	uint32_t time_s;
	bool add_path;
	uint32_t path_id;
	enum family family;
	struct bytes attrs; /* canonical (bgp/attrs.h), without a next hop */
	struct bytes next_hop;
};

void mrt_write_path(struct wr *w, const struct mrt_path *path);
void mrt_write_rib_close(struct wr *w, uint8_t *at, uint32_t n_paths);

/* A session, as each BGP4MP record names it. */
struct mrt_session {
	uint32_t time_s;
	uint32_t peer_asn;
	uint32_t local_asn;
	struct ip peer;
	struct ip local;
};

/* BGP4MP_MESSAGE_AS4(_ADDPATH): the message is written before the close. */
uint8_t *mrt_write_message(
    struct wr *w, const struct mrt_session *s, bool add_path);
void mrt_write_close(struct wr *w, uint8_t *at);

/* BGP4MP_STATE_CHANGE_AS4, a whole record. */
void mrt_write_state(
    struct wr *w, const struct mrt_session *s, unsigned was, unsigned is);

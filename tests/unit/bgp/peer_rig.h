/*
 * A session side under test: the rig plays its owner, the engine behind a
 * real link, and peers over TCP on loopback.
 */
#pragma once

#include "bgp/outbox.h"
#include "bgp/peer.h"
#include "check.h"
#include "net/link.h"

#define RIG_CHUNKS 16

struct rig {
	struct loop *loop;
	struct peers *peers;
	struct conf *conf;
	uint16_t port;
	/* what was told */
	unsigned events[8];
	char last[256];
	unsigned blames;
	struct ip blamed;
	bool stopped;
	unsigned passes; /* the last one: */
	unsigned passed_to;
	int passed_fd;
	struct ip passed;
	/* the engine's end */
	struct link *engine;
	struct feed_shared *shared;
	uint8_t *chunks;
	uint64_t seq;
	struct link_head head;
	uint8_t record[LINK_RECORD_MAX];
	unsigned n_opens; /* pairs of OPENs told */
	uint8_t run[LINK_RECORD_MAX]; /* of FEED_UPDATES, taken one by one */
	size_t run_at;
	size_t run_len;
};

/* members: the member blocks; exchange: more directives of that block. */
void rig_start(struct rig *r, const char *exchange, const char *members);
/* The same, as that instance of the session role. */
void rig_start_as(struct rig *r, unsigned instance, const char *exchange,
    const char *members);
void rig_stop(struct rig *r);
void rig_reload(struct rig *r, const char *exchange, const char *members);
void rig_link(struct rig *r);
void rig_kill_engine(struct rig *r);
/* Turns the loop for ms. */
void rig_turn(struct rig *r, unsigned ms);

/* Turns until cond holds; the test fails when that takes longer than 8 s. */
#define rig_until(r, cond)                                                     \
	do {                                                                   \
		bool held_ = false;                                            \
		for (unsigned i_ = 0; i_ < 8000 && !(held_ = (cond)); i_++)    \
			rig_turn((r), 1);                                      \
		assert_true(held_);                                            \
	} while (0)

/* The engine: waits for the next record, which must be of that type. */
void rig_expect(struct rig *r, enum feed_type type);
/*
 * True when there is one of any type now; it is in head and record.  A run of
 * messages is given out UPDATE by UPDATE, as FEED_UPDATE.
 */
bool rig_record(struct rig *r);
void rig_tell(struct rig *r, enum feed_type type, uint32_t slot, uint32_t inc,
    const void *data, size_t n);
/* Opens a chunk of a journal; gives its index. */
uint32_t rig_chunk(struct rig *r, uint32_t index, uint32_t journal);
struct feed_chunk *rig_chunk_at(struct rig *r, uint32_t index);
/* Appends a mask entry; gives its payload's offset. */
uint32_t rig_mask(struct feed_chunk *c, uint64_t bits);
void rig_entry(
    struct feed_chunk *c, uint32_t mask, const void *messages, size_t n);
void rig_publish(struct rig *r);
/* n UPDATEs of len bytes, whose bodies begin with the number i of each. */
size_t rig_updates(uint8_t *to, unsigned first, unsigned n, size_t len);

/* ---- a peer -------------------------------------------------------------- */

struct speaker {
	struct rig *r;
	int fd;
	uint8_t buf[BGP_MAX_EXTENDED * 2];
	size_t n;
	/* the last message */
	enum bgp_type type;
	uint8_t body[BGP_MAX_EXTENDED];
	size_t body_n;
	bool closed;
	struct bgp_open open; /* what we say */
};

/* Connects from that address; ready to say an OPEN of that ASN. */
void speak(struct rig *r, struct speaker *s, const char *from, uint32_t asn);
/* Takes a connection on a listening socket. */
void speak_accepted(
    struct rig *r, struct speaker *s, int listener, uint32_t asn);
/* The same on a socket that the test made. */
void speak_on(struct rig *r, struct speaker *s, int fd, uint32_t asn);
int speak_listen(const char *at, uint16_t *ret_port);
void speak_open(struct speaker *s);
void speak_keepalive(struct speaker *s);
void speak_bytes(struct speaker *s, const void *p, size_t n);
/* A message of that type around body. */
void speak_message(
    struct speaker *s, enum bgp_type type, const void *body, size_t n);
/* Waits for the next message; false when the connection ends first. */
bool hear(struct speaker *s);
void hear_type(struct speaker *s, enum bgp_type type);
/* Waits for a NOTIFICATION, other messages skipped, and then for the end. */
void hear_notification(struct speaker *s, uint8_t code, uint8_t subcode);
/* Waits for the end without a NOTIFICATION. */
void hear_end(struct speaker *s);
/* OPEN and KEEPALIVE both ways, and the engine's FEED_UP. */
void speak_up(struct speaker *s);
void speak_close(struct speaker *s);

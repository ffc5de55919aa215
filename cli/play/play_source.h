/*
 * A recording as the messages that a session gets: first the routes known so
 * far, those that share attributes in one UPDATE, and End-of-RIB; then, when
 * it is a recording of updates, each change in its turn.
 */
#pragma once

#include "base/wire.h"
#include "cli/play/play_encode.h"
#include "net/addr.h"

#include <stdbool.h>
#include <stdint.h>

struct play_source;

enum play_pace {
	PLAY_FAST,     /* as fast as the peer takes them */
	PLAY_RECORDED, /* as the recording's times say */
	PLAY_RATE,     /* so many routes a second */
};

/* What of the recording is wanted, and how. */
struct play_wants {
	const char *path;
	uint32_t asn; /* our own, put in front of each path */
	bool one_peer;
	uint32_t peer;
	uint8_t families; /* mask, BGP_FAMILY() */
	uint64_t limit;	  /* routes at most; 0: all */
	enum play_pace pace;
	uint64_t rate;
};

struct play_figures {
	uint64_t known[FAMILY_COUNT];	  /* routes of a table */
	uint64_t announced[FAMILY_COUNT]; /* sent, in this session */
	uint64_t withdrawn[FAMILY_COUNT];
	uint64_t messages;
	uint64_t no_hop;   /* left out: no next hop of theirs, or no family */
	uint64_t too_long; /* left out: attributes beyond a message */
	uint64_t damaged;  /* left out: damaged in the file */
	uint64_t other;	   /* left out: multicast and other families */
	uint64_t records;
	bool table;
};

#define PLAY_ERROR 320

/*
 * Opens the file and, when it is a table, reads all of it; tick() is called
 * now and then while it does, and stops the reading by giving false.  0;
 * -errno and its text; a file that is cut short is no error here, but see
 * play_source_trouble().
 */
int play_source_open(const struct play_wants *w,
    bool (*tick)(void *arg, uint64_t at, uint64_t size), void *arg,
    struct play_source **ret, char error[PLAY_ERROR]);
void play_source_close(struct play_source *s);

/* A session was established: all that is known goes out (again). */
void play_source_begin(
    struct play_source *s, const struct play_shape *shape, uint64_t now_ns);

/* The peer asks for a family again (RFC 2918). */
void play_source_refresh(struct play_source *s, enum family f);

enum play_next {
	PLAY_MESSAGE, /* one whole message was written */
	PLAY_LATER,   /* nothing before *ret_due_ns */
	PLAY_END,     /* nothing but on refresh */
};

/* w needs room for BGP_MAX_EXTENDED bytes. */
enum play_next play_source_next(
    struct play_source *s, struct wr *w, uint64_t now_ns, uint64_t *ret_due_ns);

const struct play_figures *play_source_figures(const struct play_source *s);

/* Why the recording could not be read to its end; "" when it could. */
const char *play_source_trouble(const struct play_source *s);

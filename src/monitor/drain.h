/*
 * Changes of the mirror as UPDATEs: which routes a reader's RIBs have gained
 * and lost, grouped so that one message holds many prefixes.
 */
#pragma once

#include "monitor/buf.h"
#include "monitor/mirror.h"

enum drain_rib {
	DRAIN_PRE,  /* Adj-RIB-In as received, refused routes included */
	DRAIN_POST, /* what the policy accepted of it */
	DRAIN_LOC,  /* of each prefix the accepted path ranked first */
	DRAIN_OUT,  /* what each client gets (clients.h) */
	DRAIN_RIBS,
};

/* What one message is about. */
struct drain_group {
	enum drain_rib rib;
	enum family family;
	bool add_path;
	/* Whose RIB it is; DRAIN_LOC: whose path. */
	const struct mirror_peer *peer;
	const struct mirror_set *set; /* NULL: withdrawn */
	unsigned prepend;	      /* DRAIN_OUT: so often */
	bool old; /* it was there before; since when is not known */
};

struct drain_sink {
	/* Writes what comes before the UPDATE; gives what close() wants. */
	uint8_t *(*open)(void *arg, struct wr *w, const struct drain_group *g);
	void (*close)(void *arg, struct wr *w, uint8_t *opened);
	/* The attributes to write, instead of the set's own; or NULL. */
	struct bytes (*attrs)(void *arg, const struct drain_group *g);
	void *arg;
	size_t frame; /* bytes that open() writes at most */
};

struct drain;

/* ribs: a mask of 1 << enum drain_rib. */
struct drain *drain_new(unsigned ribs);
void drain_free(struct drain *d);

/*
 * DRAIN_OUT: a client is there and knows nothing; it is gone.  Nothing is said
 * of them while who gets what is not known (mirror_out()).
 */
void drain_client_up(struct drain *d, struct mirror_peer *p);
void drain_client_down(struct drain *d, uint32_t slot);
/* Routes of its Adj-RIB-Out, as told; false: it is not all told yet. */
bool drain_client_routes(
    const struct drain *d, uint32_t slot, uint64_t ret[FAMILY_COUNT]);
/* Places that clients have to be told about who came later than the reader. */
uint64_t drain_left(const struct drain *d, const struct mirror_view *v);

/*
 * Takes changes from the view and writes them to out, some `bytes` of them.
 * True when there may be more.
 */
bool drain_some(struct drain *d, struct mirror_view *v,
    const struct drain_sink *sink, struct buf *out, size_t bytes);

/* Routes announced and withdrawn so far. */
uint64_t drain_routes(const struct drain *d);

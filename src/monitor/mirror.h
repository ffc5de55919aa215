/*
 * What the monitor role knows: all paths of all prefixes, as the engine tells
 * them (bgp/watch.h), and for each reader what it has not been told yet.
 *
 *   place (by family)  prefix | list -> sets in rank order
 *   list               one set (embedded in it), or several
 *   set                peer, path id, verdict, next hop, attributes
 *   view               of one reader: a queue of places, and for each the
 *                      list that the reader knows
 *
 * A reader that is slow has no backlog of messages: a place stands in its
 * queue once, and when its turn comes the reader gets the difference between
 * what it knows and what is there by then.  A new reader walks over all
 * places first.  So a view is never more than a copy of the table.
 *
 * Places are ours: the engine's ids may be given to another prefix while some
 * reader is still to hear of the old one.
 */
#pragma once

#include "base/list.h"
#include "bgp/watch.h"
#include "net/link.h"

#include <stdbool.h>

/* One member's session, now or before. */
struct mirror_peer {
	uint32_t refs;
	uint32_t slot;
	bool up;
	uint32_t epoch; /* grows when the session ends */
	uint32_t asn;
	uint32_t id;
	struct watch_peer info;
	uint8_t *opens; /* both messages */
	struct feed_down ended;
	uint64_t up_us; /* wall clock */
	uint64_t down_us;
	uint64_t routes[FAMILY_COUNT];
	uint64_t accepted[FAMILY_COUNT];
	uint32_t rejected; /* so far */
	uint32_t number;   /* in the table dump at hand; UINT32_MAX */
};

struct mirror_list {
	uint32_t refs;
	uint32_t n;
};

/* Who may have the paths of its sets; bit and variant by slot. */
struct mirror_class {
	uint32_t refs;
	uint32_t words;
	uint64_t *bits; /* [WATCH_PLANES][words]; NULL: not told */
};

struct mirror_set {
	/* The list of this set alone, with its refs; the first member. */
	struct mirror_list one;
	struct mirror_peer *peer;
	struct mirror_class *class;
	uint32_t epoch; /* of the session that it came in; 0: of none */
	uint32_t serial;
	uint32_t time_s; /* when it was first told */
	struct watch_set of;
	uint8_t bytes[]; /* next hop, attributes */
};

static inline struct bytes mirror_next_hop(const struct mirror_set *s)
{
	return (struct bytes){s->bytes, s->of.next_hop_len};
}

static inline struct bytes mirror_attrs(const struct mirror_set *s)
{
	return (struct bytes){s->bytes + s->of.next_hop_len, s->of.wire_len};
}

/* It came in the session that is up, so that stations may hear of it. */
static inline bool mirror_current(const struct mirror_set *s)
{
	return s->peer->up && s->epoch == s->peer->epoch;
}

/*
 * False for what was treated as withdrawn (RFC 7606): its attributes were not
 * kept, and so it is in no Adj-RIB-In.
 */
static inline bool mirror_is_route(const struct mirror_set *s)
{
	return s->of.next_hop_len > 0;
}

static inline bool mirror_rejected(const struct mirror_set *s)
{
	return s->of.reason != REASON_NONE;
}

/* The accepted path that is ranked first, stale ones included; or NULL. */
const struct mirror_set *mirror_best(const struct mirror_list *l);

/* NULL is the empty list. */
const struct mirror_set *mirror_at(const struct mirror_list *l, uint32_t i);

static inline uint32_t mirror_n(const struct mirror_list *l)
{
	return l ? l->n : 0;
}

struct mirror;

struct mirror *mirror_new(void);
void mirror_free(struct mirror *m); /* no view may be left */

/*
 * Takes a record of the engine's link; now_us: wall clock.  0, or -EPROTO
 * when it makes no sense: then the link is to be ended.
 */
int mirror_record(struct mirror *m, const struct link_head *h, const void *data,
    uint64_t now_us) ATTR_MUST_USE;

/* Everything that was there when the link began has been told. */
bool mirror_complete(const struct mirror *m);

/* Grows whenever a session came or went. */
uint32_t mirror_sessions(const struct mirror *m);
struct mirror_peer *mirror_peer(const struct mirror *m, uint32_t slot);
struct mirror_peer *mirror_peer_ref(struct mirror_peer *p);
/* NULL is allowed. */
void mirror_peer_unref(struct mirror_peer *p);

#define MIRROR_OUT_MAX 61000 /* what is longer the engine gives to nobody */

/* Who gets what is known, so that Adj-RIBs-Out may be told. */
bool mirror_out(const struct mirror *m);

/* May the client in that slot have the path? */
static inline bool mirror_may(const struct mirror_set *s, uint32_t slot)
{
	const struct mirror_class *c = s->class;

	return slot / 64 < c->words && c->bits[slot / 64] >> slot % 64 & 1 &&
	       s->of.slot != slot && !mirror_rejected(s) &&
	       s->of.wire_len <= MIRROR_OUT_MAX;
}

/* How often it is prepended for that client. */
static inline unsigned mirror_prepend(const struct mirror_set *s, uint32_t slot)
{
	const struct mirror_class *c = s->class;
	unsigned v = 0;

	for (unsigned i = 1; i < WATCH_PLANES && slot / 64 < c->words; i++)
		v |= (c->bits[i * c->words + slot / 64] >> slot % 64 & 1)
		     << (i - 1);
	return v;
}

/* Places are below it. */
uint32_t mirror_end(const struct mirror *m, enum family f);
/* What stands there; false: nothing. */
bool mirror_place(const struct mirror *m, enum family f, uint32_t place,
    struct prefix *ret_prefix, const struct mirror_list **ret_list);

struct mirror_stats {
	uint64_t prefixes[FAMILY_COUNT];
	uint64_t routes[FAMILY_COUNT];
	uint64_t loc_rib[FAMILY_COUNT]; /* prefixes with an accepted path */
	uint64_t sets;
	uint64_t bytes; /* of attributes */
};

void mirror_stats(const struct mirror *m, struct mirror_stats *ret);

/* ---- views ----------------------------------------------------------------
 */

struct mirror_view_family {
	struct mirror_list **told; /* by place; NULL: not in the queue */
	uint32_t n_told;
	uint32_t *queue; /* a ring, a power of two */
	uint32_t cap;
	uint32_t head, tail;
	uint32_t walk; /* places from here on come in the walk */
};

struct mirror_view {
	struct list all;
	struct mirror *m;
	struct mirror_view_family f[FAMILY_COUNT];
};

/* A reader that knows nothing yet. */
void mirror_view_init(struct mirror_view *v, struct mirror *m);
void mirror_view_done(struct mirror_view *v);
/* Begins anew: what it was told is forgotten. */
void mirror_view_restart(struct mirror_view *v);
/* One that needs no walk: it is told of changes alone. */
void mirror_view_skip(struct mirror_view *v);

struct mirror_change {
	enum family family;
	uint32_t place;
	struct prefix prefix;
	const struct mirror_list *was; /* what the reader knows */
	const struct mirror_list *is;
};

/*
 * The next change; false: the reader knows all.  It must be given back
 * before the next record is taken.
 */
bool mirror_view_next(struct mirror_view *v, struct mirror_change *ret);
void mirror_change_done(struct mirror_view *v, struct mirror_change *c);

/*
 * What the reader knows of a place: a list, NULL for none.  False: it has not
 * come there yet in its walk, nor have places beyond.
 */
bool mirror_view_told(const struct mirror_view *v, enum family f,
    uint32_t place, struct prefix *ret_prefix,
    const struct mirror_list **ret_list);

/* Places that the reader is still to be told of, the walk included. */
uint64_t mirror_view_left(const struct mirror_view *v);

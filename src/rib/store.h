/*
 * The writing half of the RIB, for the exchange alone (readers: rib/rib.h).
 *
 * The layouts stand here since the exchange walks them on its hot path; only
 * the functions below change them.
 *
 *   table   dense entries of 16 (IPv4) or 28 bytes (IPv6)
 *   index   open addressing; each word: 8 bits of hash, id + 1
 *   sets    pages of 64, a page belongs to one slot, so that the source of a
 *           path is one look into a small array
 *   keys    one word a set: what ranks it before others (rank.c)
 */
#pragma once

#include "base/hash.h"
#include "base/must.h"
#include "bgp/feed.h"
#include "rib/pool.h"
#include "rib/rib.h"

#define RIB_ID_MAX ((1u << 24) - 3) /* prefixes of a family, sets */
#define RIB_PAGE 64		    /* sets of a page */

/* The end of every prefix entry; the address stands before it. */
struct rib_entry {
	uint32_t best; /* first in rank; RIB_NONE: no path */
	uint32_t more; /* block of the others (paths.c); when free: next one */
	uint16_t n;    /* paths */
	uint8_t len;
	uint8_t flags; /* enum rib_entry_flag */
};

#define RIB_ROOM_BITS 4u /* low bits of more: how large the block is */

enum rib_entry_flag {
	RIB_ENTRY_FREE = 1,
	RIB_ENTRY_DIRTY = 2, /* the exchange's: touched in this batch */
	RIB_ENTRY_KEPT = 4,  /* the exchange's: empty, but not to be freed */
	RIB_ENTRY_ADDED = 8, /* while the index grows: it is in the new one */
};

struct rib_index {
	uint32_t *slot;
	unsigned bits;
	uint32_t used;
};

struct rib_table {
	struct rib_vec mem;
	struct rib_index index;
	struct rib_index old; /* while a bigger one is filled */
	uint32_t moved;	      /* ids below are in the new one */
	uint32_t upto;	      /* ids above never were in the old one */
	uint32_t end;
	uint32_t free; /* first free id, RIB_NONE */
	uint32_t live;
	uint64_t paths;
};

enum rib_set_flag {
	RIB_SET_STALE = 1,     /* its session is away (RFC 4724) */
	RIB_SET_DEAD = 2,      /* its paths are to be swept up */
	RIB_SET_LLGR = 4,      /* RFC 9494: LLGR_STALE is to be added */
	RIB_SET_UNINDEXED = 8, /* not found by rib_set_find() any more */
	RIB_SET_SCRUB = 16,    /* carries communities addressed to us */
	RIB_SET_NO_LLGR = 32,  /* RFC 9494: not to be kept that long */
	RIB_SET_PREFIX = 64,   /* the reason is the prefix' own */
	RIB_SET_CHANGED = 128, /* another is to take its place */
};

/*
 * Tags are the exchange's: what it says of the routes when they go out.  These
 * of them tell sets apart; the others follow from what the set is.
 */
#define RIB_TAGS_KEY 7u

struct rib_set {
	uint32_t refs; /* paths, and records that still need it */
	uint32_t hash;
	uint32_t blob; /* next hop, then the canonical attributes */
	uint16_t wire_len;
	uint16_t next_hop_at;
	uint32_t path_id;
	uint32_t med;
	uint8_t next_hop_len;
	uint8_t reason; /* enum reason; REASON_NONE: accepted */
	uint8_t flags;
	uint8_t family : 1;
	uint8_t unconfirmed : 1; /* since a BoRR (RFC 7313) */
	uint8_t tags : 6;	 /* what is said of it, see RIB_TAGS_KEY */
};

struct rib_page {
	uint64_t free; /* bit: that set is not in use */
	uint32_t next; /* pages of the slot; those with room first */
	uint32_t prev;
};

struct rib_slot {
	uint32_t pages; /* first page, RIB_NONE */
	uint32_t id;	/* BGP identifier */
	struct ip peer;
	uint64_t bytes; /* of its sets' attributes and next hops */
};

struct rib {
	struct rib_table table[FAMILY_COUNT];
	uint32_t max; /* prefixes of a family */
	uint64_t seed;
	bool full; /* some table could not grow */

	struct rib_blobs lists; /* paths but the first, a block a prefix */

	struct rib_vec sets;
	struct rib_vec keys; /* uint64_t a set */
	struct rib_vec
	    classes; /* uint32_t a set: beside, as export needs no more */
	struct rib_vec pages;
	struct rib_vec page_slot;   /* uint16_t a page */
	struct rib_vec page_marked; /* uint8_t a page */
	uint32_t pages_end;
	uint32_t pages_free;
	uint32_t n_sets;
	struct rib_index set_index;
	struct rib_blobs blobs;
	struct rib_slot slot[FEED_SLOTS];
	void (*drop)(void *arg, uint32_t set, uint32_t class);
	void *drop_arg;

	uint32_t list[RIB_PATHS_MAX + 1]; /* paths at hand */
};

/* max: prefixes of a family at most (<= RIB_ID_MAX).  0 or -ENOMEM. */
int rib_new(uint32_t max, struct rib **ret);
void rib_free(struct rib *r);
/* Called with each set that goes away, and its class. */
void rib_on_drop(struct rib *r,
    void (*drop)(void *arg, uint32_t set, uint32_t class), void *arg);

/* What ranks the slot's paths; only while it has none, or the same. */
void rib_slot_set(
    struct rib *r, uint32_t slot, uint32_t id, const struct ip *peer);

/* Bytes of a prefix' entry, address included. */
static inline size_t rib_stride(enum family f)
{
	return family_bytes(f) + sizeof(struct rib_entry);
}

static inline struct rib_entry *rib_entry_at(
    const struct rib *r, enum family f, uint32_t id)
{
	const struct rib_table *t = &r->table[f];

	return (struct rib_entry *)(void *)((uint8_t *)t->mem.p +
					    (size_t)id * rib_stride(f) +
					    family_bytes(f));
}

/* The path of that rank, from 0; others: of rib_others(). */
static inline uint32_t rib_nth(
    const struct rib_entry *e, const uint32_t *others, size_t i)
{
	return i ? others[i - 1] : e->best;
}

/* Its address bytes. */
static inline const uint8_t *rib_addr_at(
    const struct rib *r, enum family f, uint32_t id)
{
	const struct rib_table *t = &r->table[f];

	return (const uint8_t *)t->mem.p + (size_t)id * rib_stride(f);
}

/* Its n - 1 paths after the first, in rank order; NULL when n is 1. */
static inline uint32_t *rib_others(
    const struct rib *r, const struct rib_entry *e)
{
	if (e->more == RIB_NONE)
		return NULL;
	return (uint32_t *)(void *)rib_blob_at(
	    &r->lists, e->more >> RIB_ROOM_BITS);
}

static inline struct rib_set *rib_set_at(const struct rib *r, uint32_t set)
{
	return (struct rib_set *)r->sets.p + set;
}

static inline uint32_t rib_set_slot(const struct rib *r, uint32_t set)
{
	return ((const uint16_t *)r->page_slot.p)[set / RIB_PAGE];
}

static inline uint64_t rib_key_of(const struct rib *r, uint32_t set)
{
	return ((const uint64_t *)r->keys.p)[set];
}

#define RIB_KEY_SHIFT 45 /* above it: what rib_top() gives */

/* All rules up to ORIGIN: the lower ranks first, equal ones tie. */
static inline uint32_t rib_top(const struct rib *r, uint32_t set)
{
	return (uint32_t)(rib_key_of(r, set) >> RIB_KEY_SHIFT);
}

static inline uint32_t rib_class_of(const struct rib *r, uint32_t set)
{
	return ((const uint32_t *)r->classes.p)[set];
}

static inline bool rib_rejected(const struct rib *r, uint32_t set)
{
	return rib_key_of(r, set) >> 63;
}

/* Some set of its page is dead or changed: a cheap look before a dear one. */
static inline bool rib_set_marked(const struct rib *r, uint32_t set)
{
	return ((const uint8_t *)r->page_marked.p)[set / RIB_PAGE];
}

static inline bool rib_set_dead(const struct rib *r, uint32_t set)
{
	return rib_set_marked(r, set) &&
	       rib_set_at(r, set)->flags & RIB_SET_DEAD;
}

static inline struct bytes rib_set_wire(
    const struct rib *r, const struct rib_set *s)
{
	return (struct bytes){
	    rib_blob_at(&r->blobs, s->blob) + s->next_hop_len, s->wire_len};
}

static inline struct bytes rib_set_next_hop(
    const struct rib *r, const struct rib_set *s)
{
	return (struct bytes){rib_blob_at(&r->blobs, s->blob), s->next_hop_len};
}

/* ---- sets --------------------------------------------------------------- */

/* All that makes a set what it is. */
struct rib_set_in {
	uint32_t slot;
	uint32_t class;
	uint32_t path_id;
	enum family family;
	enum reason reason;
	uint8_t flags; /* enum rib_set_flag */
	uint8_t tags;
	bool unconfirmed;
	struct bytes wire;
	uint16_t next_hop_at;
	struct bytes next_hop;
	struct rib_rank rank; /* id, peer and path_id are not looked at */
};

/* Begins to fetch what rib_set_find() will look at. */
void rib_set_hint(const struct rib *r, const struct rib_set_in *in);
/*
 * The set of that slot, family, path id, attributes, next hop and flags (LLGR,
 * STALE, unconfirmed, PREFIX and then the reason) and tags, with one more
 * reference;
 * RIB_NONE: there is none.  *ret_hash is for rib_set_add().
 */
uint32_t rib_set_find(
    struct rib *r, const struct rib_set_in *in, uint32_t *ret_hash);
/*
 * Adds it, with one reference, and takes over the caller's reference to its
 * class.  RIB_NONE when memory or numbers are out.
 */
uint32_t rib_set_add(struct rib *r, const struct rib_set_in *in, uint32_t hash);
static inline void rib_set_ref(struct rib *r, uint32_t set)
{
	rib_set_at(r, set)->refs++;
}
void rib_set_unref(struct rib *r, uint32_t set);
/* A set of its own from now on: rib_set_find() does not find it. */
void rib_set_unindex(struct rib *r, uint32_t set);
/* DEAD or CHANGED: found by a walk over the paths. */
void rib_set_mark(struct rib *r, uint32_t set, enum rib_set_flag flag);
/* No path is left that was marked. */
void rib_marks_clear(struct rib *r);
/* Same source, path id, and bytes on the wire for everybody? */
bool rib_set_same(const struct rib *r, uint32_t a, uint32_t b);
/* Calls f with each set of the slot; f must not free other sets. */
void rib_slot_sets(struct rib *r, uint32_t slot,
    void (*f)(struct rib *r, uint32_t set, void *arg), void *arg);

/* The same for one page (< pages_end). */
void rib_page_sets(struct rib *r, uint32_t page,
    void (*f)(struct rib *r, uint32_t set, void *arg), void *arg);

/* ---- prefixes ----------------------------------------------------------- */

#define RIB_BATCH 64

/* A prefix as the tables hold it: IPv4 in the first four bytes. */
struct rib_nlri {
	uint8_t addr[16];
	uint8_t len;
	bool make; /* to be added if it is not there */
	uint32_t path_id;
	uint32_t hash; /* of rib_hint(), where the guess was wrong */
	uint32_t id;   /* of rib_locate() */
};

/*
 * Begins to fetch what rib_locate() will look at; always comes before it.
 * guess: the id that it may well be, for one look at its entry, which spares
 * the index; RIB_NONE: no idea.  True when it was right.
 */
bool rib_hint(
    const struct rib *r, enum family f, struct rib_nlri *v, uint32_t guess);
/*
 * Finds up to RIB_BATCH prefixes at once, hiding the memory's latency.  Those
 * that are not there are added if they are to be (without a path; full:
 * RIB_NONE), or else are RIB_NONE.
 */
void rib_locate(struct rib *r, enum family f, struct rib_nlri *v, size_t n);
/* Both for one prefix; its id. */
uint32_t rib_locate_one(struct rib *r, enum family f, struct rib_nlri *v);
/* Begins to fetch what rib_release() will look at. */
void rib_release_hint(const struct rib *r, enum family f, uint32_t id);
/* Gives the id of a prefix without paths back. */
void rib_release(struct rib *r, enum family f, uint32_t id);

/* ---- paths -------------------------------------------------------------- */

/* The set of the slot's path with that path id, or RIB_NONE. */
uint32_t rib_have(const struct rib *r, const struct rib_entry *e, uint32_t slot,
    uint32_t path_id);
/* How many of the prefix' paths are the slot's. */
unsigned rib_count(
    const struct rib *r, const struct rib_entry *e, uint32_t slot);
/*
 * Puts a path in, instead of old (RIB_NONE: none).  Takes over the caller's
 * reference to set, gives old's back.  False: too many paths.
 */
bool rib_put(
    struct rib *r, enum family f, uint32_t id, uint32_t old, uint32_t set);
/* The same for a prefix that has none. */
static inline void rib_put_first(
    struct rib *r, enum family f, struct rib_entry *e, uint32_t set)
{
	r->table[f].paths++;
	e->best = set;
	e->n = 1;
}
/* Takes a path out and drops its reference. */
void rib_cut(struct rib *r, enum family f, uint32_t id, uint32_t old);
/* Copies the paths in rank order into r->list (or any array). */
size_t rib_list(
    const struct rib *r, const struct rib_entry *e, uint32_t *to, size_t max);

/* ---- rank --------------------------------------------------------------- */

uint64_t rib_rank_key(const struct rib_rank *rank, bool rejected);
void rib_rank_of(const struct rib *r, uint32_t set, struct rib_rank *ret);

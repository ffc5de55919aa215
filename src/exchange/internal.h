/*
 * The exchange from inside.
 *
 * Slots.  The session role numbers its sessions as it likes, and anew after a
 * restart, while routes are kept.  So inside, a slot is ours and stays with a
 * peer for as long as we hold its routes; `outer` is the session role's
 * number for it, and masks are translated as they are written.
 *
 * Bitmaps of slots are x->words 64-bit words long, everywhere.
 */
#pragma once

#include "base/arena.h"
#include "base/attr.h"
#include "exchange/exchange.h"
#include "rib/store.h"

#define SLOT_NONE UINT32_MAX
#define WORDS_MAX (FEED_SLOTS / 64)
#define BATCH_PREFIXES 32768 /* dirty prefixes that make a flush due */
#define SLICE_PREFIXES 8192  /* of work that is done in slices */
#define PREFIXES_MAX 8000000 /* of a family */
#define ENTRY_MAX 61440	     /* bytes of one message at most, with RFC 8654 */

/* ---- classes (class.c) -------------------------------------------------- */

enum class_flag {
	CLASS_NONE = 1,	     /* nobody: rejected */
	CLASS_NEXT_HOP6 = 2, /* an IPv6 next hop for IPv4 */
	CLASS_LONG = 4,	     /* does not fit into 4096 bytes */
	CLASS_LLGR = 8,	     /* RFC 9494 */
};

/* Who may have a path, said without naming slots; ends with the lists. */
struct class_key {
	uint8_t family;
	uint8_t flags; /* enum class_flag */
	uint8_t deny_all;
	uint8_t prepend_all;
	uint32_t n_target;
	uint32_t n_own;
	/* struct policy_target target[n_target]; uint32_t own[n_own]; */
};

/* Variants that a client may need of one set: prepended 0-3 times. */
#define VARIANTS 4
#define VARIANT_BITS 2

struct class
{
	uint32_t refs;
	uint32_t hash;
	uint32_t next; /* in its bucket, or free */
	bool varied;   /* some client needs a variant but 0 */
	struct class_key *key;
	size_t key_bytes;
	/* may, then the bits of the variant; words each */
	uint64_t *bits;
};

struct classes {
	struct class *v;
	uint32_t n;
	uint32_t cap;
	uint32_t free;
	uint32_t live;
	uint32_t *bucket;
	uint32_t n_bucket; /* a power of two */
};

/* ---- slots -------------------------------------------------------------- */

struct gone { /* ADD-PATH: a path that the client is to be told to drop */
	uint32_t id;
	uint32_t path_id;
	uint32_t next; /* + 1, in its chain or among the free ones; 0: last */
};

struct lag { /* of one client and family, while it is served from the RIB */
	uint64_t *bits; /* a bit a prefix that it is to be told about */
	uint32_t words;
	uint32_t at;   /* the word where serving goes on */
	uint32_t told; /* words below were told of at least once */
	struct gone *gone;
	uint32_t *gone_chain; /* by prefix; + 1, 0: empty */
	uint32_t n_gone;      /* used once */
	uint32_t cap_gone;    /* of both, a power of two */
	uint32_t gone_free;
	uint64_t mark[2]; /* ends of the last two slices in the journal */
	uint32_t slice;	  /* prefixes of the next one */
	bool left;	  /* SKIP is sent: it leaves the journal */
	bool joining;	  /* never had the table */
	bool uncounted;	  /* has it: how much that is must be counted */
	bool borr;	  /* Beginning of route refresh comes first */
	bool eor;	  /* End-of-RIB when done */
	bool eorr;	  /* End of route refresh when done */
};

struct slot {
	struct exchange_client c;
	uint32_t outer;
	uint32_t instance; /* of the session role that has it */
	bool closing;	   /* CLOSE is sent: what still comes is ignored */
	bool want_close;   /* CLOSE is to be sent */
	bool as4;
	uint8_t want_join; /* masks of families: records to be sent */
	uint8_t want_skip;
	uint8_t eor_seen;
	uint8_t stale; /* families with stale routes */
	uint8_t llgr;  /* families whose stale routes are long-lived */
	uint32_t max_prefix[FAMILY_COUNT];
	uint64_t stale_until;
	uint64_t up_ns;
	uint64_t heard_ns;   /* last UPDATE */
	uint64_t refresh_ns; /* what its route refreshes have cost so far */
	struct feed_close close;
	struct bgp_rules rules;
	uint64_t join_seq[FAMILY_COUNT];
	uint64_t last_at[FAMILY_COUNT]; /* cursor, and when it moved */
	uint64_t moved_ns[FAMILY_COUNT];
	uint32_t next_id[FAMILY_COUNT]; /* of its next route, as a guess */
	uint32_t looks[FAMILY_COUNT];	/* at a JOIN that is not answered */
	bool reading[FAMILY_COUNT];	/* its cursor was seen since the join */
	struct feed_place place[FAMILY_COUNT]; /* of the join or skip */
	struct lag *lag[FAMILY_COUNT];
	/* for the monitor role */
	uint32_t told; /* another number for each session */
	struct feed_opens opens;
	uint8_t *open_bytes; /* both messages */
	struct feed_down ended;
	/* path ids of an ADD-PATH peer that do not fit ours (import.c) */
	uint32_t *big_id;
	uint32_t n_big_id;
};

/* ---- routes on their way into the RIB (apply.c) ------------------------- */

struct incoming {
	uint32_t set; /* with a reference; RIB_NONE: withdrawn */
	uint16_t slot;
	bool ends; /* the last one of its UPDATE */
};

struct queue {
	struct rib_nlri nlri[RIB_BATCH];
	struct incoming in[RIB_BATCH];
	uint32_t n;
	enum family family; /* of all */
};

/* ---- a batch ------------------------------------------------------------ */

struct dirty {
	uint32_t id;
	uint32_t family : 1;
	uint32_t n : 31; /* old sets */
	uint32_t old;	 /* the first, in x->old */
};

struct run {
	uint32_t set;	  /* RIB_NONE: withdrawn */
	uint32_t path_id; /* ADD-PATH withdrawals */
	uint32_t mask;
	uint8_t family;
	uint8_t variant;
	bool add_path;
	uint32_t n;
	uint32_t first; /* in x->sorted */
	uint32_t chain; /* in its bucket */
};

struct change {
	uint32_t run;
	uint32_t id;
};

#define OLD_MAX 8

/*
 * What came of the last prefix that had no path before and one now: the next
 * one of the same set is one more of the same run.
 */
struct first {
	uint32_t set; /* RIB_NONE: not known */
	uint32_t run; /* RIB_NONE: nobody gets it */
	uint32_t mask;
};

/* Which clients had which of the old paths of the prefix at hand. */
struct before {
	uint32_t n;
	uint32_t set[OLD_MAX];
	uint64_t to[OLD_MAX][WORDS_MAX];
	uint64_t rest[WORDS_MAX]; /* those that had none */
};

struct vec { /* a plain growing array */
	void *p;
	size_t n;
	size_t cap;
};

struct kept { /* of a family: prefixes without a path (kept.c) */
	struct vec ids;
	size_t done;
	size_t old;
	size_t look;	   /* so many: time to look at what laggards need */
	uint64_t since_ns; /* all but the old ones came later */
};

struct journal {
	uint32_t first; /* oldest chunk, FEED_NO_CHUNK: none yet */
	uint32_t open;
	uint32_t used;	     /* written, but not all published */
	uint32_t entry;	     /* offset of the open entry, UINT32_MAX: none */
	uint32_t entry_mask; /* batch mask that it has */
	uint32_t n_seen;
	uint32_t seen[8]; /* offsets of masks that are in this chunk */
	uint64_t members[WORDS_MAX];
	uint32_t n_members;
};

struct sweep {
	bool on;
	bool again; /* another pass after this one */
	enum family f;
	uint32_t id;
};

struct exchange {
	struct rib *rib;
	struct policy *policy;
	struct policy_proof proof; /* the policy's too */
	struct proving *proving;
	struct registry *registry;
	struct arena arena;
	struct classes classes;
	uint32_t words;
	uint32_t n_slots;
	struct slot *slot[FEED_SLOTS];
	uint16_t inner[FEED_SLOTS]; /* of outer; UINT16_MAX */
	bool translate;		    /* some outer differs from its slot */

	/* what of the configuration is used here */
	uint32_t *member_asn; /* hash set, 0: empty */
	uint32_t member_mask;
	struct conf_exchange conf;
	struct max_prefix {
		struct ip addr;
		uint32_t asn;
		uint32_t max[FAMILY_COUNT];
		uint8_t unknown;
		bool shutdown;
	} * limit; /* sorted by address */
	size_t n_limit;

	/* who is there */
	uint64_t clients[FAMILY_COUNT][WORDS_MAX];    /* one path each */
	uint64_t ap_clients[FAMILY_COUNT][WORDS_MAX]; /* ADD-PATH */
	uint64_t lagging[FAMILY_COUNT][WORDS_MAX];
	uint32_t n_lagging;

	struct queue queue;

	/* the batch */
	struct vec dirty;
	struct vec old;
	struct vec runs;
	struct vec changes;
	struct vec sorted;
	struct before before;
	struct first first;
	struct vec masks;  /* words each */
	struct vec deltas; /* int32_t [FAMILY_COUNT] a mask */
	uint32_t n_masks;
	uint32_t last_mask;
	uint32_t mask_table[1024];
	uint32_t mask_gen;
	uint32_t *run_table; /* by hash: run + 1 */
	uint32_t run_table_bits;
	uint32_t last_run;
	struct kept kept[FAMILY_COUNT];

	/* out */
	struct feed_shared *area;
	struct feed_chunk *chunk;
	uint32_t n_chunks;
	struct {
		const struct feed_cursors *cursors; /* NULL: it is down */
		struct exchange_out out;
	} session[CONF_SESSIONS];
	uint32_t n_sessions;
	struct journal journal[FEED_JOURNALS];
	uint32_t *free_chunk;
	uint32_t n_free;
	uint32_t n_touched; /* chunks below have been used */
	uint64_t next_seq;
	bool published;
	bool pending; /* some want_join or want_close */

	struct watch *watch; /* NULL: no monitor role */
	uint32_t told;	     /* slots' `told` so far */

	/* slow work */
	struct sweep sweep;
	uint32_t judge_page; /* sets below are judged; RIB_NONE: not judging */
	bool judge_all;	     /* not only those that prove_path() finds */
	bool judge_prefixes;
	struct vec replaced;	/* pairs of old and new set */
	struct vec replaced_by; /* new set by old */
	uint32_t sweep_list[RIB_PATHS_MAX];
	uint32_t serve_next;
	struct vec run_of; /* while a client is served: a set's run, perhaps */
	uint64_t serve_due;

	/* restart */
	bool defer[FAMILY_COUNT];
	bool releasing[FAMILY_COUNT];
	uint32_t released[FAMILY_COUNT]; /* ids below are exported */
	uint64_t defer_until;
	struct ip *expected;
	size_t n_expected;
	uint32_t expect_told; /* mask of session instances that told us */
	bool expect_known;    /* all did: who was there */

	uint64_t due;
	uint64_t now;
	uint64_t updates;
	uint64_t skips;
	uint64_t flushed_ns; /* the last batch's end */
	uint64_t counts_ns;  /* when the area's counts were written */
	bool counts_due;
};

/* ---- what the RPKI's changes touch (prove.c) ----------------------------- */

#define PROVE_BITS 65536u
#define PROVE_ASNS 16384u

struct proving {
	bool vrps; /* some changed; `wide` and so on say which */
	size_t n_vrps;
	/* By the address's first 16 bits: what is under a changed prefix... */
	uint64_t wide[FAMILY_COUNT][PROVE_BITS / 64];
	/* ... of 32 bits or more (IPv6): by a hash of the first 32 */
	uint64_t narrow[PROVE_BITS / 64];
	struct prefix_set *prefixes;
	bool aspas;
	size_t n_asns;
	uint64_t asn_bits[64]; /* low 12 bits */
	uint32_t asn[PROVE_ASNS];
};

static inline uint32_t prove_first16(const uint8_t *addr)
{
	return (uint32_t)addr[0] << 8 | addr[1];
}

static inline uint32_t prove_first32(const uint8_t *addr)
{
	uint32_t v =
	    prove_first16(addr) << 16 | (uint32_t)addr[2] << 8 | addr[3];

	return (v * 0x9e3779b1u) >> 16;
}

/* ---- small things ------------------------------------------------------- */

static inline bool bit_get(const uint64_t *b, uint32_t i)
{
	return b[i / 64] >> i % 64 & 1;
}

static inline void bit_set(uint64_t *b, uint32_t i)
{
	b[i / 64] |= 1ull << i % 64;
}

static inline void bit_clear(uint64_t *b, uint32_t i)
{
	b[i / 64] &= ~(1ull << i % 64);
}

/* Nearly always one word: no reason to call memcpy(). */
static inline void bits_copy(
    const struct exchange *x, uint64_t *to, const uint64_t *from)
{
	to[0] = from[0];
	if (__builtin_expect(x->words > 1, 0))
		memcpy(to + 1, from + 1, (x->words - 1) * sizeof *to);
}

static inline bool bits_same(
    const struct exchange *x, const uint64_t *a, const uint64_t *b)
{
	return a[0] == b[0] &&
	       (__builtin_expect(x->words == 1, 1) ||
		   !memcmp(a + 1, b + 1, (x->words - 1) * sizeof *a));
}

void vec_grow(struct vec *v, size_t n, size_t size);

/* Room for n more of size bytes; ends the role when memory is out. */
static inline void vec_room(struct vec *v, size_t n, size_t size)
{
	if (__builtin_expect(v->n + n > v->cap, 0))
		vec_grow(v, n, size);
}

static inline uint32_t *vec_u32(const struct vec *v)
{
	return v->p;
}

static inline void vec_push_u32(struct vec *v, uint32_t x)
{
	vec_room(v, 1, sizeof x);
	((uint32_t *)v->p)[v->n++] = x;
}

/*
 * Says whose routes are being worked on, so that a session that ends the
 * engine again and again is found out; SLOT_NONE: nobody's.
 */
static inline void blame(struct exchange *x, uint32_t slot)
{
	uint32_t to = 0;

	if (!x->area)
		return;
	if (slot != SLOT_NONE && x->slot[slot] && x->slot[slot]->c.up)
		to = x->slot[slot]->outer + 1;
	atomic_store_explicit(&x->area->parsing, to, memory_order_relaxed);
}

/* class.c */
int classes_init(struct exchange *x);
void classes_done(struct exchange *x);
/* The class with that key, with a reference; 0 (nobody) when memory is out. */
uint32_t class_intern(
    struct exchange *x, const struct class_key *key, size_t bytes);
void class_ref(struct exchange *x, uint32_t class);
void class_unref(struct exchange *x, uint32_t class);
/* A client came, went or changed: its bit in every class. */
void classes_update(struct exchange *x, uint32_t slot);
/* More slots are in use: bitmaps become longer. */
void classes_widen(struct exchange *x, uint32_t words);
enum exchange_bar class_bar(const struct class *c, const struct slot *s);
unsigned class_variant(const struct class *c, const struct slot *s);

static inline const uint64_t *class_may(
    const struct exchange *x, uint32_t class)
{
	return x->classes.v[class].bits;
}

/* judge.c: what the policy says of attributes, as a set */
struct judged {
	struct rib_set_in in;
	uint32_t hash;
};
/* Finds or makes the set of in's slot, family, path id, wire, next hop. */
uint32_t judge_set(
    struct exchange *x, const struct bgp_attrs *a, struct rib_set_in *in);
/* The same routes' set when the prefix itself is refused, or is not. */
uint32_t judge_with_reason(
    struct exchange *x, uint32_t set, enum reason reason, uint8_t tags);
/* Sets are to be judged again: all with judge_all, or as prove_path() says. */
void judge_start(struct exchange *x);
/* Goes on until the deadline; true when done with the sets. */
bool judge_step(struct exchange *x, uint64_t deadline);
/* Of a CHANGED set; borrowed. */
uint32_t judge_replacement(struct exchange *x, uint32_t old);
/* The walk is over: no CHANGED set has a path any more. */
void judge_forget(struct exchange *x);
/* Changes a stale set into a long-lived stale one (RFC 9494). */
void judge_llgr(struct exchange *x, uint32_t old);

/* A quick look: nearly all prefixes are not touched. */
static inline bool prove_may_touch(
    const struct exchange *x, enum family f, uint32_t id)
{
	const struct proving *v = x->proving;
	const uint8_t *addr = rib_addr_at(x->rib, f, id);

	return v->vrps && (bit_get(v->wide[f], prove_first16(addr)) ||
			      (f == FAMILY_IPV6 &&
				  bit_get(v->narrow, prove_first32(addr))));
}

/* prove.c */
int prove_init(struct exchange *x);
void prove_done(struct exchange *x);
/* Of one that prove_may_touch() lets through. */
bool prove_touches(const struct exchange *x, enum family f, uint32_t id);
void prove_walked(struct exchange *x);
/* The path has a customer whose ASPA changed. */
bool prove_path(const struct exchange *x, struct bytes as_path);
void prove_judged(struct exchange *x);

/* import.c */
void import_update(struct exchange *x, uint32_t slot, struct rd body);
void import_conf(struct exchange *x, const struct conf *c);
/* The path id that the peer itself gave; false: it gives none. */
bool import_their_id(const struct slot *s, uint32_t path_id, uint32_t *ret);
/* What the configuration says of the slot's peer. */
void import_slot_conf(struct exchange *x, uint32_t slot);

/* apply.c */
/*
 * Where the slot's next route is to be written, before it is pushed; NULL: its
 * session is closing, and its routes do not count.
 */
struct rib_nlri *apply_room(struct exchange *x, uint32_t slot, enum family f);
/*
 * A withdrawal; or a route, to which the caller gives a set, with a reference,
 * before the next apply_room().
 */
void apply_push(struct exchange *x, uint32_t slot, bool announced);
/* The UPDATE is over: the peer's limits are looked at when it is applied. */
void apply_end(struct exchange *x, uint32_t slot);
/* Applies what waits. */
void apply_all(struct exchange *x);
/* Closes the session, since it uses too much. */
void apply_close(struct exchange *x, uint32_t slot, const char *why);

/* dirty.c */
/*
 * Nobody has that path of the entry, or will have when it is put in: each
 * client has one of the first two, and it ranks behind them.  So it may come
 * and go without being looked at.  False also where that is not known.
 */
bool dirty_unseen(const struct exchange *x, enum family f,
    const struct rib_entry *e, uint32_t set);
void dirty_touch(struct exchange *x, enum family f, uint32_t id);
/* As a prefix that nobody has been told of yet. */
void dirty_fresh(struct exchange *x, enum family f, uint32_t id);

/* kept.c */
/* Keeps a prefix, if it has no path; it has lost its last one. */
void kept_add(struct exchange *x, enum family f, uint32_t id);
/* Gives back those that were kept for long enough; true: more at once. */
bool kept_tidy(struct exchange *x, uint64_t deadline);
uint64_t kept_due(const struct exchange *x);
/* Those that laggards do not need, when there are many of them; who alone
 * needs too many is closed. */
void kept_relieve(struct exchange *x);
/* How many have no path, and count for nothing. */
uint64_t kept_empty(const struct exchange *x, enum family f);
/* Takes those without a path out of the bits: nobody has to hear of them. */
void kept_unmark(
    const struct exchange *x, enum family f, uint64_t *bits, uint32_t words);

/* export.c */
void export_flush(struct exchange *x);
/* Adds one change to the runs at hand. */
void export_change(struct exchange *x, uint32_t set, enum family f,
    bool add_path, uint32_t path_id, const uint64_t *mask, uint32_t id);
/* The same for one client, lagging or not; mask: export_mask_of() it. */
void export_to(struct exchange *x, uint32_t set, enum family f, bool add_path,
    uint32_t path_id, uint32_t slot, uint32_t mask, uint32_t id);
uint32_t export_mask_of(struct exchange *x, uint32_t slot);
/*
 * The same for many prefixes in a row, without ADD-PATH: a run of one set for
 * the client, which the caller finds again by itself, and prefixes for it.
 */
uint32_t export_begin(struct exchange *x, uint32_t set, enum family f,
    uint32_t slot, uint32_t mask);
/* Is that one of the runs at hand, and of that set?  Any number may be asked.
 */
bool export_is_of(const struct exchange *x, uint32_t run, uint32_t set);
void export_more(struct exchange *x, uint32_t run, uint32_t id);
/* Ends what export_runs() wrote: counts, and forgets the masks. */
void export_settle(struct exchange *x);
uint32_t export_mask(struct exchange *x, const uint64_t *mask);
/* Writes the runs at hand to the journals; export_settle() comes next. */
void export_runs(struct exchange *x);
void export_addpath(struct exchange *x, const struct dirty *d);

/* encode.c */
void encode_run(struct exchange *x, const struct run *r, const uint32_t *ids);
/* As exchange_attrs_for(), for a variant. */
void encode_attrs(const struct exchange *x, uint32_t set, unsigned variant,
    struct wr *w, uint16_t *ret_next_hop_at);

/* journal.c */
void journal_attach(
    struct exchange *x, struct feed_shared *area, size_t area_bytes);
/* Chunks that must be free before a batch is taken in: it may need them. */
uint32_t journal_reserve(const struct exchange *x);
/* Room is short, and somebody may be the reason. */
bool journal_strained(const struct exchange *x);
void journal_detach(struct exchange *x);
/* Room for a message of at most n bytes to clients with that mask, or NULL. */
uint8_t *journal_room(
    struct exchange *x, unsigned journal, uint32_t mask, size_t n);
void journal_commit(struct exchange *x, unsigned journal, size_t n);
bool journal_wants(
    const struct exchange *x, unsigned journal, const uint64_t *mask);
void journal_publish(struct exchange *x);
void journal_join(struct exchange *x, uint32_t slot, enum family f);
void journal_leave(struct exchange *x, uint32_t slot);
/* Frees chunks that nobody needs; leaves behind those who hold up the rest. */
void journal_reclaim(struct exchange *x);
void journal_relieve(struct exchange *x);
/* Sends records that had no room so far. */
void journal_pending(struct exchange *x);
/* Where the client's cursor stands (FEED_AT). */
uint64_t journal_at(const struct exchange *x, uint32_t slot, enum family f);
uint64_t journal_head(const struct exchange *x, unsigned journal);
unsigned journal_of(const struct slot *s, enum family f);
/* serve.c */
void serve_begin(struct exchange *x, uint32_t slot, enum family f, bool all);
void serve_mark(struct exchange *x, uint32_t slot, enum family f, uint32_t id);
void serve_gone(struct exchange *x, uint32_t slot, enum family f, uint32_t id,
    uint32_t path_id);
void serve_end(struct exchange *x, uint32_t slot, enum family f);
/* Closes a session that costs others too much. */
void serve_too_slow(struct exchange *x, uint32_t slot);
bool serve_step(struct exchange *x, uint64_t deadline);
void serve_refresh(struct exchange *x, uint32_t slot, enum family f);
/* End-of-RIB now, or when it has all. */
void serve_end_of_rib(struct exchange *x, uint32_t slot, enum family f);
/* Marks all that whole messages for the client say. */
void serve_unsent(
    struct exchange *x, uint32_t slot, enum family f, struct bytes messages);

/* restart.c */
void restart_up(struct exchange *x, uint32_t outer, uint32_t incarnation,
    const struct feed_up *up);
void restart_down(struct exchange *x, uint32_t slot, bool graceful);
void restart_end_of_rib(struct exchange *x, uint32_t slot, enum family f);
void restart_refresh(
    struct exchange *x, uint32_t slot, enum family f, uint8_t subtype);
void restart_expect(
    struct exchange *x, uint32_t instance, const void *ips, size_t n);
/* Ends what is done in slices: then all counts are right. */
void restart_finish(struct exchange *x);
void restart_detach(struct exchange *x, uint32_t instance);
void restart_timers(struct exchange *x);
/* Nothing goes out until all peers have told what they have. */
void restart_defer(struct exchange *x);
/* Frees slots that have neither session nor routes. */
void restart_tidy(struct exchange *x);
bool restart_release(struct exchange *x, uint64_t deadline);
void restart_close(struct exchange *x, uint32_t slot,
    const struct bgp_notify *n, uint32_t hold_down_s, const char *why);

/* watch.c; all of them do nothing without a monitor role, but watch_prefix */
void watch_peer(struct exchange *x, uint32_t slot); /* it came or went */
void watch_classes(struct exchange *x); /* who may have what has changed */
void watch_prefix(struct exchange *x, enum family f, uint32_t id);
/* The batch is over: what was told goes out, or stays owed. */
void watch_settle(struct exchange *x);
void watch_dropped(struct exchange *x, uint32_t set);
void watch_class_dropped(struct exchange *x, uint32_t class);
/* Some are still to be told: empty prefixes must keep their ids. */
bool watch_behind(const struct exchange *x);
void watch_needs(
    const struct exchange *x, enum family f, uint64_t *bits, uint32_t words);
/* True when there is more to do now. */
bool watch_work(struct exchange *x, uint64_t deadline);

/* sweep.c */
void sweep_start(struct exchange *x);
bool sweep_step(struct exchange *x, uint64_t deadline);

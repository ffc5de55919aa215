/*
 * The prefix tables: dense entries with stable ids, and the index that finds
 * them.
 */
#include "rib/index.h"

#include "base/attr.h"
#include "base/clock.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static uint32_t hash_addr(
    const struct rib *r, enum family f, const uint8_t *addr, uint8_t len)
{
	uint64_t hi, lo;
	uint32_t a;

	if (f == FAMILY_IPV4) {
		memcpy(&a, addr, sizeof a);
		return (
		    uint32_t)(hash_u64((uint64_t)a << 8 | len, r->seed) >> 32);
	}
	memcpy(&hi, addr, 8);
	memcpy(&lo, addr + 8, 8);
	return (uint32_t)(hash_mix(hi ^ r->seed, hash_u64(lo ^ len, r->seed)) >>
			  32);
}

struct table_ref {
	const struct rib *r;
	enum family f;
};

static uint32_t hash_of_id(const void *arg, uint32_t id)
{
	const struct table_ref *t = arg;

	return hash_addr(t->r, t->f, rib_addr_at(t->r, t->f, id),
	    rib_entry_at(t->r, t->f, id)->len);
}

#define MOVE 64 /* entries moved to a bigger index with each one added */

/*
 * A bigger index is filled by and by: nobody waits for a million entries.
 * Entries of `moved` and above, but for those added since, are in the old one
 * until their turn comes.
 */
static bool is_in_old(
    const struct rib_table *t, const struct rib_entry *e, uint32_t id)
{
	return t->old.slot && id >= t->moved && id < t->upto &&
	       !(e->flags & (RIB_ENTRY_ADDED | RIB_ENTRY_FREE));
}

/* The tables are larger than any cache: all is fetched, then all is put in. */
static void move_block(struct rib *r, enum family f, uint32_t n)
{
	struct rib_table *t = &r->table[f];
	struct table_ref ref = {r, f};
	ATTR_UNINIT uint32_t hash[MOVE];
	uint32_t first = t->moved;

	for (uint32_t i = 0; i < n; i++) {
		hash[i] = hash_of_id(&ref, first + i);
		__builtin_prefetch(
		    &t->index.slot[rib_index_place(&t->index, hash[i])], 1);
	}
	for (uint32_t i = 0; i < n; i++) {
		struct rib_entry *e = rib_entry_at(r, f, first + i);

		if (is_in_old(t, e, first + i))
			rib_index_add(&t->index, hash[i], first + i);
		e->flags &= (uint8_t)~RIB_ENTRY_ADDED;
	}
	t->moved += n;
}

/* Moves n entries or more, if there are as many. */
static void move_some(struct rib *r, enum family f, uint32_t n)
{
	struct rib_table *t = &r->table[f];
	uint32_t to = t->upto - t->moved > n ? t->moved + n : t->upto;

	if (!t->old.slot)
		return;
	while (t->moved < to) {
		uint32_t left = t->upto - t->moved;

		move_block(r, f, left < MOVE ? left : MOVE);
	}
	if (t->moved < t->upto)
		return;
	rib_index_done(&t->old);
}

static int grow_index(struct rib *r, enum family f)
{
	struct rib_table *t = &r->table[f];
	struct rib_index bigger;

	move_some(r, f, UINT32_MAX);
	if (rib_index_new(&bigger, rib_index_more(&t->index)))
		return -ENOMEM;
	t->old = t->index;
	t->index = bigger;
	t->moved = 0;
	t->upto = t->end;
	return 0;
}

/* Both have a known address size where f is known. */
static inline bool entry_is(
    const struct rib *r, enum family f, uint32_t id, const struct rib_nlri *v)
{
	return !memcmp(rib_addr_at(r, f, id), v->addr, family_bytes(f)) &&
	       rib_entry_at(r, f, id)->len == v->len;
}

/* The same, where the id need not be in use. */
static inline bool guess_is(
    const struct rib *r, enum family f, uint32_t id, const struct rib_nlri *v)
{
	return id < r->table[f].end && entry_is(r, f, id, v) &&
	       !(rib_entry_at(r, f, id)->flags & RIB_ENTRY_FREE);
}

static void fetch_others(const struct rib *r, enum family f, uint32_t id)
{
	const struct rib_entry *e = rib_entry_at(r, f, id);

	if (e->n > 1)
		__builtin_prefetch(rib_others(r, e), 1);
}

static uint32_t find_old(
    const struct rib *r, enum family f, const struct rib_nlri *v)
{
	const struct rib_table *t = &r->table[f];
	const struct rib_index *x = &t->old;
	uint32_t at = rib_index_place(x, v->hash);

	for (; x->slot[at]; at = (at + 1) & rib_index_mask(x)) {
		uint32_t id = rib_index_id(x->slot[at]);

		if (rib_index_may(x->slot[at], v->hash) && id < t->upto &&
		    is_in_old(t, rib_entry_at(r, f, id), id) &&
		    entry_is(r, f, id, v))
			return id;
	}
	return RIB_NONE;
}

static inline uint32_t find(
    const struct rib *r, enum family f, const struct rib_nlri *v)
{
	const struct rib_index *x = &r->table[f].index;
	uint32_t at = rib_index_place(x, v->hash);

	for (; x->slot[at]; at = (at + 1) & rib_index_mask(x)) {
		uint32_t id = rib_index_id(x->slot[at]);

		if (rib_index_may(x->slot[at], v->hash) &&
		    entry_is(r, f, id, v))
			return id;
	}
	return r->table[f].old.slot ? find_old(r, f, v) : RIB_NONE;
}

static inline uint32_t add(
    struct rib *r, enum family f, const struct rib_nlri *v)
{
	struct rib_table *t = &r->table[f];
	uint32_t id = t->free;

	if (t->live >= r->max ||
	    (rib_index_crowded(&t->index) && grow_index(r, f))) {
		r->full = true;
		return RIB_NONE;
	}
	if (id != RIB_NONE) {
		t->free = rib_entry_at(r, f, id)->more;
	} else {
		if (rib_vec_need(
			&t->mem, ((size_t)t->end + 1) * rib_stride(f))) {
			r->full = true;
			return RIB_NONE;
		}
		id = t->end++;
	}
	memcpy((uint8_t *)t->mem.p + (size_t)id * rib_stride(f), v->addr,
	    family_bytes(f));
	*rib_entry_at(r, f, id) = (struct rib_entry){
	    .best = RIB_NONE, .more = RIB_NONE, .len = v->len};
	rib_index_add(&t->index, v->hash, id);
	t->live++;
	if (t->old.slot) {
		if (id >= t->moved && id < t->upto)
			rib_entry_at(r, f, id)->flags = RIB_ENTRY_ADDED;
		move_some(r, f, MOVE);
	}
	return id;
}

/* Made twice, so that the family is a constant in each; as locate() is. */
static inline ATTR_ALWAYS bool hint(
    const struct rib *r, enum family f, struct rib_nlri *v, uint32_t guess)
{
	const struct rib_index *x = &r->table[f].index;

	if (guess_is(r, f, guess, v)) {
		v->id = guess;
		fetch_others(r, f, guess);
		return true;
	}
	v->id = RIB_NONE;
	v->hash = hash_addr(r, f, v->addr, v->len);
	__builtin_prefetch(&x->slot[rib_index_place(x, v->hash)], 1);
	return false;
}

bool rib_hint(
    const struct rib *r, enum family f, struct rib_nlri *v, uint32_t guess)
{
	return f == FAMILY_IPV4 ? hint(r, FAMILY_IPV4, v, guess)
				: hint(r, FAMILY_IPV6, v, guess);
}

/* A guess that was right is looked at again: it may have been freed since. */
static inline ATTR_ALWAYS void locate(
    struct rib *r, enum family f, struct rib_nlri *v, size_t n)
{
	const struct rib_index *x = &r->table[f].index;

	for (size_t i = 0; i < n; i++) {
		if (v[i].id != RIB_NONE)
			continue;
		uint32_t word = x->slot[rib_index_place(x, v[i].hash)];

		if (word && rib_index_may(word, v[i].hash))
			__builtin_prefetch(
			    rib_entry_at(r, f, rib_index_id(word)), 1);
	}
	for (size_t i = 0; i < n; i++) {
		if (v[i].id != RIB_NONE && guess_is(r, f, v[i].id, &v[i]))
			continue;
		if (v[i].id != RIB_NONE)
			v[i].hash = hash_addr(r, f, v[i].addr, v[i].len);
		v[i].id = find(r, f, &v[i]);
		if (v[i].id == RIB_NONE && v[i].make)
			v[i].id = add(r, f, &v[i]);
		if (v[i].id != RIB_NONE)
			fetch_others(r, f, v[i].id);
	}
}

void rib_locate(struct rib *r, enum family f, struct rib_nlri *v, size_t n)
{
	must(n <= RIB_BATCH);
	if (f == FAMILY_IPV4)
		locate(r, FAMILY_IPV4, v, n);
	else
		locate(r, FAMILY_IPV6, v, n);
}

uint32_t rib_locate_one(struct rib *r, enum family f, struct rib_nlri *v)
{
	rib_hint(r, f, v, RIB_NONE);
	rib_locate(r, f, v, 1);
	return v->id;
}

void rib_release_hint(const struct rib *r, enum family f, uint32_t id)
{
	const struct rib_index *x = &r->table[f].index;
	struct table_ref ref = {r, f};

	__builtin_prefetch(
	    &x->slot[rib_index_place(x, hash_of_id(&ref, id))], 1);
}

void rib_release(struct rib *r, enum family f, uint32_t id)
{
	struct rib_table *t = &r->table[f];
	struct rib_entry *e = rib_entry_at(r, f, id);
	struct table_ref ref = {r, f};

	must(e->n == 0);
	if (is_in_old(t, e, id))
		rib_index_blank(&t->old, hash_of_id(&ref, id), id);
	else
		rib_index_del(
		    &t->index, hash_of_id(&ref, id), id, &ref, hash_of_id);
	e->flags = RIB_ENTRY_FREE;
	e->more = t->free;
	t->free = id;
	t->live--;
}

int rib_new(uint32_t max, struct rib **ret)
{
	struct rib *r = calloc(1, sizeof *r);

	if (!r)
		return -ENOMEM;
	must(max <= RIB_ID_MAX);
	r->max = max;
	r->seed = clock_seed();
	r->pages_free = RIB_NONE;
	for (uint32_t i = 0; i < FEED_SLOTS; i++)
		r->slot[i].pages = RIB_NONE;
	for (enum family f = 0; f < FAMILY_COUNT; f++) {
		struct rib_table *t = &r->table[f];

		t->mem.most = ((size_t)max + 1) * rib_stride(f);
		t->free = RIB_NONE;
		if (rib_index_new(&t->index, RIB_INDEX_BITS_MIN))
			goto no_memory;
	}
	r->lists.mem.most = (size_t)2 << 30; /* its numbers have 28 bits */
	r->sets.most = (RIB_ID_MAX + 2) * sizeof(struct rib_set);
	r->keys.most = (RIB_ID_MAX + 2) * sizeof(uint64_t);
	r->classes.most = (RIB_ID_MAX + 2) * sizeof(uint32_t);
	r->pages.most = (RIB_ID_MAX + 2) / RIB_PAGE * sizeof(struct rib_page);
	r->page_slot.most = (RIB_ID_MAX + 2) / RIB_PAGE * sizeof(uint16_t);
	r->page_marked.most = (RIB_ID_MAX + 2) / RIB_PAGE;
	r->blobs.mem.most = (size_t)8 << 30;
	if (rib_index_new(&r->set_index, RIB_INDEX_BITS_MIN))
		goto no_memory;
	*ret = r;
	return 0;
no_memory:
	rib_free(r);
	return -ENOMEM;
}

void rib_free(struct rib *r)
{
	if (!r)
		return;
	for (enum family f = 0; f < FAMILY_COUNT; f++) {
		rib_vec_done(&r->table[f].mem);
		rib_index_done(&r->table[f].index);
		rib_index_done(&r->table[f].old);
	}
	rib_vec_done(&r->lists.mem);
	rib_vec_done(&r->sets);
	rib_vec_done(&r->keys);
	rib_vec_done(&r->classes);
	rib_vec_done(&r->pages);
	rib_vec_done(&r->page_slot);
	rib_vec_done(&r->page_marked);
	rib_index_done(&r->set_index);
	rib_vec_done(&r->blobs.mem);
	free(r);
}

void rib_slot_set(
    struct rib *r, uint32_t slot, uint32_t id, const struct ip *peer)
{
	r->slot[slot].id = id;
	r->slot[slot].peer = *peer;
}

uint32_t rib_find(const struct rib *r, const struct prefix *p)
{
	enum family f = p->addr.family;
	struct rib_nlri v = {.len = p->len};

	memcpy(v.addr, p->addr.b, sizeof v.addr);
	v.hash = hash_addr(r, f, v.addr, v.len);
	uint32_t id = find(r, f, &v);
	if (id != RIB_NONE && !rib_entry_at(r, f, id)->n)
		return RIB_NONE;
	return id;
}

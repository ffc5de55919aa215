/*
 * Attribute sets, interned: every path of one session with the same
 * attributes, next hop, verdict and class shares one.
 *
 *   page 17 (slot 3):  set 1088 .. 1151     free: one bit each
 *   slot 3 -> page 17 <-> page 4 <-> page 90      those with room first
 */
#include "rib/index.h"

#include "base/attr.h"

#include <errno.h>
#include <string.h>

static struct rib_page *page_at(const struct rib *r, uint32_t page)
{
	return (struct rib_page *)r->pages.p + page;
}

static void page_unlink(struct rib *r, uint32_t slot, uint32_t page)
{
	struct rib_page *p = page_at(r, page);

	if (p->prev != RIB_NONE)
		page_at(r, p->prev)->next = p->next;
	else
		r->slot[slot].pages = p->next;
	if (p->next != RIB_NONE)
		page_at(r, p->next)->prev = p->prev;
}

static void page_link_first(struct rib *r, uint32_t slot, uint32_t page)
{
	struct rib_page *p = page_at(r, page);

	p->prev = RIB_NONE;
	p->next = r->slot[slot].pages;
	if (p->next != RIB_NONE)
		page_at(r, p->next)->prev = page;
	r->slot[slot].pages = page;
}

/* A page without room goes behind the first that has some. */
static void page_full(struct rib *r, uint32_t slot, uint32_t page)
{
	struct rib_page *p = page_at(r, page);
	uint32_t after = p->next;

	if (after == RIB_NONE || !page_at(r, after)->free)
		return;
	while (page_at(r, after)->next != RIB_NONE &&
	       page_at(r, page_at(r, after)->next)->free)
		after = page_at(r, after)->next;
	page_unlink(r, slot, page);
	struct rib_page *a = page_at(r, after);
	p->prev = after;
	p->next = a->next;
	if (p->next != RIB_NONE)
		page_at(r, p->next)->prev = page;
	a->next = page;
}

static uint32_t page_new(struct rib *r, uint32_t slot)
{
	uint32_t page = r->pages_free;

	if (page != RIB_NONE) {
		r->pages_free = page_at(r, page)->next;
	} else {
		size_t n = (size_t)r->pages_end + 1;

		if (n * RIB_PAGE > RIB_ID_MAX ||
		    rib_vec_need(
			&r->sets, n * RIB_PAGE * sizeof(struct rib_set)) ||
		    rib_vec_need(&r->keys, n * RIB_PAGE * sizeof(uint64_t)) ||
		    rib_vec_need(
			&r->classes, n * RIB_PAGE * sizeof(uint32_t)) ||
		    rib_vec_need(&r->pages, n * sizeof(struct rib_page)) ||
		    rib_vec_need(&r->page_slot, n * sizeof(uint16_t)) ||
		    rib_vec_need(&r->page_marked, n))
			return RIB_NONE;
		page = r->pages_end++;
	}
	page_at(r, page)->free = UINT64_MAX;
	((uint16_t *)r->page_slot.p)[page] = (uint16_t)slot;
	((uint8_t *)r->page_marked.p)[page] = 0;
	page_link_first(r, slot, page);
	return page;
}

static uint32_t set_take(struct rib *r, uint32_t slot)
{
	uint32_t page = r->slot[slot].pages;

	if (page == RIB_NONE || !page_at(r, page)->free) {
		page = page_new(r, slot);
		if (page == RIB_NONE)
			return RIB_NONE;
	}
	struct rib_page *p = page_at(r, page);
	unsigned bit = (unsigned)__builtin_ctzll(p->free);
	p->free &= p->free - 1;
	if (!p->free)
		page_full(r, slot, page);
	r->n_sets++;
	return page * RIB_PAGE + bit;
}

static void set_give(struct rib *r, uint32_t set)
{
	uint32_t page = set / RIB_PAGE;
	uint32_t slot = rib_set_slot(r, set);
	struct rib_page *p = page_at(r, page);
	bool was_full = !p->free;

	r->n_sets--;
	p->free |= 1ull << set % RIB_PAGE;
	if (p->free == UINT64_MAX) {
		page_unlink(r, slot, page);
		p->next = r->pages_free;
		r->pages_free = page;
	} else if (was_full) {
		page_unlink(r, slot, page);
		page_link_first(r, slot, page);
	}
}

static uint32_t hash_of_set(const void *arg, uint32_t set)
{
	const struct rib *r = arg;

	return rib_set_at(r, set)->hash;
}

/* Page by page: sets are read in a row, and what they miss overlaps. */
static void index_page(struct rib *r, struct rib_index *x, uint32_t page)
{
	ATTR_UNINIT uint32_t set[RIB_PAGE];
	uint64_t used = ~page_at(r, page)->free;
	unsigned n = 0;

	for (; used; used &= used - 1) {
		set[n] = page * RIB_PAGE + (unsigned)__builtin_ctzll(used);
		const struct rib_set *s = rib_set_at(r, set[n]);
		if (s->flags & RIB_SET_UNINDEXED)
			continue;
		__builtin_prefetch(&x->slot[rib_index_place(x, s->hash)], 1);
		n++;
	}
	for (unsigned i = 0; i < n; i++)
		rib_index_add(x, rib_set_at(r, set[i])->hash, set[i]);
}

static int grow_index(struct rib *r)
{
	struct rib_index bigger;

	if (rib_index_new(&bigger, rib_index_more(&r->set_index)))
		return -ENOMEM;
	for (uint32_t page = 0; page < r->pages_end; page++)
		index_page(r, &bigger, page);
	rib_index_done(&r->set_index);
	r->set_index = bigger;
	return 0;
}

/* The flags that tell sets apart; the others say what became of them. */
#define KEY_FLAGS (RIB_SET_LLGR | RIB_SET_PREFIX | RIB_SET_STALE)

static uint32_t hash_in(const struct rib *r, const struct rib_set_in *in)
{
	uint64_t tags =
	    (uint64_t)in->slot << 16 ^ (uint64_t)(in->flags & KEY_FLAGS) << 4 ^
	    (uint64_t)in->unconfirmed << 12 ^
	    (uint64_t)(in->tags & RIB_TAGS_KEY) << 48 ^ (uint64_t)in->family;

	if (in->flags & RIB_SET_PREFIX)
		tags ^= (uint64_t)in->reason << 40;
	uint64_t h = hash_bytes(in->wire.p, in->wire.n,
	    r->seed ^ hash_mix(tags ^ r->seed, in->path_id ^ 0x9e3779b9u));

	return (uint32_t)(hash_bytes(in->next_hop.p, in->next_hop.n, h) >> 32);
}

static bool set_is(
    const struct rib *r, uint32_t set, const struct rib_set_in *in)
{
	const struct rib_set *s = rib_set_at(r, set);
	const uint8_t *blob = rib_blob_at(&r->blobs, s->blob);

	if (in->flags & RIB_SET_PREFIX && s->reason != in->reason)
		return false;
	return s->wire_len == in->wire.n && s->path_id == in->path_id &&
	       !((s->flags ^ in->flags) & KEY_FLAGS) &&
	       !((s->tags ^ in->tags) & RIB_TAGS_KEY) &&
	       s->unconfirmed == in->unconfirmed && s->family == in->family &&
	       s->next_hop_len == in->next_hop.n &&
	       rib_set_slot(r, set) == in->slot &&
	       !memcmp(blob, in->next_hop.p, in->next_hop.n) &&
	       !memcmp(blob + in->next_hop.n, in->wire.p, in->wire.n);
}

static uint32_t set_new(
    struct rib *r, const struct rib_set_in *in, uint32_t hash)
{
	must(in->wire.n <= UINT16_MAX && in->next_hop.n <= 32);
	size_t n = in->next_hop.n + in->wire.n;

	if (rib_index_crowded(&r->set_index) && grow_index(r))
		return RIB_NONE;
	uint32_t blob = rib_blob_take(&r->blobs, n);
	if (blob == RIB_BLOB_NONE)
		return RIB_NONE;
	uint32_t set = set_take(r, in->slot);
	if (set == RIB_NONE) {
		rib_blob_give(&r->blobs, blob, n);
		return RIB_NONE;
	}
	r->slot[in->slot].bytes += n;
	uint8_t *to = rib_blob_at(&r->blobs, blob);
	memcpy(to, in->next_hop.p, in->next_hop.n);
	if (in->wire.n)
		memcpy(to + in->next_hop.n, in->wire.p, in->wire.n);
	*rib_set_at(r, set) = (struct rib_set){
	    .refs = 1,
	    .hash = hash,
	    .blob = blob,
	    .wire_len = (uint16_t)in->wire.n,
	    .next_hop_at = in->next_hop_at,
	    .path_id = in->path_id,
	    .med = in->rank.med,
	    .next_hop_len = (uint8_t)in->next_hop.n,
	    .reason = (uint8_t)in->reason,
	    .flags = in->flags,
	    .family = in->family & 1,
	    .unconfirmed = in->unconfirmed,
	    .tags = (unsigned)in->tags & 63u,
	};
	((uint64_t *)r->keys.p)[set] =
	    rib_rank_key(&in->rank, in->reason != REASON_NONE);
	((uint32_t *)r->classes.p)[set] = in->class;
	rib_index_add(&r->set_index, hash, set);
	return set;
}

void rib_set_hint(const struct rib *r, const struct rib_set_in *in)
{
	const struct rib_index *x = &r->set_index;

	__builtin_prefetch(&x->slot[rib_index_place(x, hash_in(r, in))], 1);
}

uint32_t rib_set_find(
    struct rib *r, const struct rib_set_in *in, uint32_t *ret_hash)
{
	const struct rib_index *x = &r->set_index;
	uint32_t hash = hash_in(r, in);
	uint32_t at = rib_index_place(x, hash);

	*ret_hash = hash;
	for (; x->slot[at]; at = (at + 1) & rib_index_mask(x)) {
		uint32_t set = rib_index_id(x->slot[at]);

		if (!rib_index_may(x->slot[at], hash) || !set_is(r, set, in))
			continue;
		rib_set_at(r, set)->refs++;
		return set;
	}
	return RIB_NONE;
}

uint32_t rib_set_add(struct rib *r, const struct rib_set_in *in, uint32_t hash)
{
	uint32_t set = set_new(r, in, hash);

	if (set == RIB_NONE)
		r->full = true;
	return set;
}

void rib_set_mark(struct rib *r, uint32_t set, enum rib_set_flag flag)
{
	rib_set_unindex(r, set);
	rib_set_at(r, set)->flags |= (uint8_t)flag;
	((uint8_t *)r->page_marked.p)[set / RIB_PAGE] = 1;
}

void rib_marks_clear(struct rib *r)
{
	if (r->pages_end)
		memset(r->page_marked.p, 0, r->pages_end);
}

void rib_set_unindex(struct rib *r, uint32_t set)
{
	struct rib_set *s = rib_set_at(r, set);

	if (s->flags & RIB_SET_UNINDEXED)
		return;
	rib_index_del(&r->set_index, s->hash, set, r, hash_of_set);
	s->flags |= RIB_SET_UNINDEXED;
}

void rib_set_unref(struct rib *r, uint32_t set)
{
	struct rib_set *s = rib_set_at(r, set);

	must(s->refs);
	if (--s->refs)
		return;
	rib_set_unindex(r, set);
	size_t n = (size_t)s->next_hop_len + s->wire_len;
	r->slot[rib_set_slot(r, set)].bytes -= n;
	rib_blob_give(&r->blobs, s->blob, n);
	uint32_t class = rib_class_of(r, set);
	set_give(r, set);
	if (r->drop)
		r->drop(r->drop_arg, set, class);
}

void rib_on_drop(struct rib *r,
    void (*drop)(void *arg, uint32_t set, uint32_t class), void *arg)
{
	r->drop = drop;
	r->drop_arg = arg;
}

bool rib_set_same(const struct rib *r, uint32_t a, uint32_t b)
{
	if (a == b)
		return true;
	const struct rib_set *sa = rib_set_at(r, a);
	const struct rib_set *sb = rib_set_at(r, b);
	if (sa->wire_len != sb->wire_len ||
	    rib_class_of(r, a) != rib_class_of(r, b) ||
	    sa->next_hop_len != sb->next_hop_len ||
	    sa->path_id != sb->path_id || sa->tags != sb->tags ||
	    (sa->flags ^ sb->flags) & RIB_SET_LLGR ||
	    rib_set_slot(r, a) != rib_set_slot(r, b))
		return false;
	return !memcmp(rib_blob_at(&r->blobs, sa->blob),
	    rib_blob_at(&r->blobs, sb->blob),
	    (size_t)sa->next_hop_len + sa->wire_len);
}

void rib_page_sets(struct rib *r, uint32_t page,
    void (*f)(struct rib *r, uint32_t set, void *arg), void *arg)
{
	uint64_t used = ~page_at(r, page)->free;

	for (; used; used &= used - 1)
		f(r, page * RIB_PAGE + (unsigned)__builtin_ctzll(used), arg);
}

void rib_slot_sets(struct rib *r, uint32_t slot,
    void (*f)(struct rib *r, uint32_t set, void *arg), void *arg)
{
	uint32_t next;

	for (uint32_t page = r->slot[slot].pages; page != RIB_NONE;
	     page = next) {
		next = page_at(r, page)->next;
		rib_page_sets(r, page, f, arg);
	}
}

/*
 * The journals (bgp/feed.h): whole messages, each with the mask of those who
 * get it, in chunks of one bounded pool.
 *
 *   first -> ... -> open        published up to `used` of the open chunk
 *
 * A chunk is free again when no member's cursor stands before its end.  Who
 * holds up the pool is taken out (SKIP) and served from the RIB (serve.c).
 */
#include "exchange/internal.h"

#include "base/clock.h"

#include <stdlib.h>

#define NO_ENTRY UINT32_MAX
#define LOST_NS NS_PER_S
#define LOST_LOOKS 150
#define STALLED_NS                                                             \
	(200 * NS_PER_MS) /* without progress, when room is short              \
			   */

static size_t align8(size_t n)
{
	return (n + 7) & ~(size_t)7;
}

static struct feed_chunk *chunk_at(const struct exchange *x, uint32_t i)
{
	return (struct feed_chunk *)(void *)((uint8_t *)x->chunk +
					     (size_t)i * FEED_CHUNK);
}

uint32_t journal_reserve(const struct exchange *x)
{
	return x->n_chunks / 2 < 64 ? x->n_chunks / 2 : 64;
}

unsigned journal_of(const struct slot *s, enum family f)
{
	return feed_journal(f, s->as4, s->c.as.add_path_tx & BGP_FAMILY(f));
}

void journal_attach(
    struct exchange *x, struct feed_shared *area, size_t area_bytes)
{
	must(area_bytes > FEED_CHUNKS_AT);
	x->area = area;
	x->n_chunks = (uint32_t)((area_bytes - FEED_CHUNKS_AT) / FEED_CHUNK);
	x->chunk =
	    (struct feed_chunk *)(void *)((uint8_t *)area + FEED_CHUNKS_AT);
	area->n_chunks = x->n_chunks;
	free(x->free_chunk);
	x->free_chunk = calloc(x->n_chunks + 1, sizeof *x->free_chunk);
	must(x->free_chunk);
	x->n_free = 0;
	x->n_touched = 0;
	for (uint32_t i = x->n_chunks; i-- > 0;)
		x->free_chunk[x->n_free++] = i;
	for (unsigned j = 0; j < FEED_JOURNALS; j++)
		x->journal[j] = (struct journal){.first = FEED_NO_CHUNK,
		    .open = FEED_NO_CHUNK,
		    .entry = NO_ENTRY,
		    .entry_mask = UINT32_MAX};
}

void journal_detach(struct exchange *x)
{
	x->area = NULL;
	x->chunk = NULL;
	x->n_free = 0;
	for (unsigned j = 0; j < FEED_JOURNALS; j++)
		x->journal[j] = (struct journal){.first = FEED_NO_CHUNK,
		    .open = FEED_NO_CHUNK,
		    .entry = NO_ENTRY,
		    .entry_mask = UINT32_MAX};
}

bool journal_wants(
    const struct exchange *x, unsigned journal, const uint64_t *mask)
{
	const struct journal *j = &x->journal[journal];
	uint64_t any = 0;

	if (!j->n_members)
		return false;
	for (uint32_t i = 0; i < x->words; i++)
		any |= mask[i] & j->members[i];
	return any;
}

/* ---- writing ------------------------------------------------------------ */

static void entry_close(struct exchange *x, struct journal *j)
{
	if (j->entry == NO_ENTRY)
		return;
	struct feed_chunk *c = chunk_at(x, j->open);
	struct feed_entry e;

	memcpy(&e, c->data + j->entry, sizeof e);
	e.len = j->used - j->entry - (uint32_t)sizeof e;
	memcpy(c->data + j->entry, &e, sizeof e);
	j->used = (uint32_t)align8(j->used);
	j->entry = NO_ENTRY;
	j->entry_mask = UINT32_MAX;
}

static void publish(struct exchange *x, struct journal *j)
{
	if (j->open == FEED_NO_CHUNK)
		return;
	entry_close(x, j);
	struct feed_chunk *c = chunk_at(x, j->open);
	if (atomic_load_explicit(&c->used, memory_order_relaxed) == j->used)
		return;
	atomic_store_explicit(&c->used, j->used, memory_order_release);
	x->published = true;
}

void journal_publish(struct exchange *x)
{
	bool before = x->published;

	if (!x->area)
		return;
	x->published = false;
	for (unsigned j = 0; j < FEED_JOURNALS; j++)
		publish(x, &x->journal[j]);
	if (x->published)
		atomic_fetch_add_explicit(
		    &x->area->published, 1, memory_order_release);
	x->published |= before;
}

static bool chunk_new(struct exchange *x, unsigned journal)
{
	struct journal *j = &x->journal[journal];

	if (!x->n_free)
		return false;
	uint32_t i = x->free_chunk[--x->n_free];
	struct feed_chunk *c = chunk_at(x, i);
	if (i >= x->n_touched) { /* they are taken in order at first */
		rib_pages_touch(c, FEED_CHUNK);
		x->n_touched = i + 1;
	}
	c->seq = ++x->next_seq;
	c->journal = journal;
	c->pad = 0;
	atomic_store_explicit(&c->used, 0, memory_order_relaxed);
	atomic_store_explicit(&c->next, FEED_NO_CHUNK, memory_order_relaxed);
	if (j->open != FEED_NO_CHUNK) {
		publish(x, j);
		atomic_store_explicit(
		    &chunk_at(x, j->open)->next, i, memory_order_release);
		x->published = true;
	} else {
		j->first = i;
	}
	j->open = i;
	j->used = 0;
	j->entry = NO_ENTRY;
	j->n_seen = 0;
	return true;
}

/* The batch's mask in the numbers of the session role; gives its words. */
static uint32_t outer_mask(
    const struct exchange *x, uint32_t mask, uint64_t out[WORDS_MAX])
{
	const uint64_t *in =
	    (const uint64_t *)x->masks.p + (size_t)mask * x->words;
	uint32_t words = x->translate ? WORDS_MAX : x->words;

	if (x->translate) {
		memset(out, 0, WORDS_MAX * sizeof *out);
		for (uint32_t i = 0; i < x->words; i++)
			for (uint64_t b = in[i]; b; b &= b - 1)
				bit_set(
				    out, x->slot[i * 64 +
						 (uint32_t)__builtin_ctzll(b)]
					     ->outer);
	} else {
		memcpy(out, in, words * sizeof *out);
	}
	while (words > 1 && !out[words - 1])
		words--;
	return words;
}

/* Offset of the mask in the open chunk, written if it is not there yet. */
static uint32_t put_mask(
    struct exchange *x, struct journal *j, uint32_t mask, uint32_t *ret_words)
{
	struct feed_chunk *c = chunk_at(x, j->open);
	ATTR_UNINIT uint64_t bits[WORDS_MAX];
	uint32_t words = outer_mask(x, mask, bits);
	uint32_t n = j->n_seen < 8 ? j->n_seen : 8;

	*ret_words = words;
	for (uint32_t i = 0; i < n; i++) {
		struct feed_entry e;
		uint32_t at = j->seen[i];

		memcpy(&e, c->data + at - sizeof e, sizeof e);
		if (e.len == words * sizeof *bits &&
		    !memcmp(c->data + at, bits, e.len))
			return at;
	}
	struct feed_entry e = {
	    .len = words * (uint32_t)sizeof *bits, .kind = FEED_ENTRY_MASK};
	memcpy(c->data + j->used, &e, sizeof e);
	uint32_t at = j->used + (uint32_t)sizeof e;
	memcpy(c->data + at, bits, e.len);
	j->used = at + e.len;
	j->seen[j->n_seen++ % 8] = at;
	return at;
}

uint8_t *journal_room(
    struct exchange *x, unsigned journal, uint32_t mask, size_t n)
{
	struct journal *j = &x->journal[journal];
	size_t most = n + 2 * sizeof(struct feed_entry) + 16 +
		      WORDS_MAX * sizeof(uint64_t);

	if (!x->area)
		return NULL;
	if ((j->open == FEED_NO_CHUNK ||
		j->used + most > sizeof(chunk_at(x, 0)->data)) &&
	    !chunk_new(x, journal))
		return NULL;
	struct feed_chunk *c = chunk_at(x, j->open);
	if (j->entry != NO_ENTRY && j->entry_mask == mask)
		return c->data + j->used;
	entry_close(x, j);
	uint32_t words;
	uint32_t at = put_mask(x, j, mask, &words);
	struct feed_entry e = {.mask = at,
	    .mask_words = (uint16_t)words,
	    .kind = FEED_ENTRY_ROUTES};
	memcpy(c->data + j->used, &e, sizeof e);
	j->entry = j->used;
	j->entry_mask = mask;
	j->used += (uint32_t)sizeof e;
	return c->data + j->used;
}

void journal_commit(struct exchange *x, unsigned journal, size_t n)
{
	x->journal[journal].used += (uint32_t)n;
}

uint64_t journal_head(const struct exchange *x, unsigned journal)
{
	const struct journal *j = &x->journal[journal];

	if (j->open == FEED_NO_CHUNK)
		return 0;
	return FEED_AT(chunk_at(x, j->open)->seq, j->used);
}

/* ---- members ------------------------------------------------------------ */

uint64_t journal_at(const struct exchange *x, uint32_t slot, enum family f)
{
	const struct slot *s = x->slot[slot];

	return atomic_load_explicit(
	    &x->session[s->instance].cursors->at[s->outer][journal_of(s, f)],
	    memory_order_acquire);
}

void journal_join(struct exchange *x, uint32_t slot, enum family f)
{
	struct slot *s = x->slot[slot];
	unsigned journal = journal_of(s, f);
	struct journal *j = &x->journal[journal];

	if (j->open == FEED_NO_CHUNK && !chunk_new(x, journal)) {
		/* Tried again when there is a chunk (journal_pending()). */
		s->join_seq[f] = 0;
	} else {
		publish(x, j);
		struct feed_chunk *c = chunk_at(x, j->open);
		s->place[f] = (struct feed_place){.journal = journal,
		    .chunk = j->open,
		    .seq = c->seq,
		    .offset = j->used};
		s->join_seq[f] = c->seq;
		if (!bit_get(j->members, slot)) {
			bit_set(j->members, slot);
			j->n_members++;
		}
	}
	s->reading[f] = false;
	s->last_at[f] = 0;
	s->moved_ns[f] = x->now;
	s->looks[f] = 0;
	s->want_join |= (uint8_t)BGP_FAMILY(f);
	x->pending = true;
}

static void leave(struct exchange *x, uint32_t slot, unsigned journal)
{
	struct journal *j = &x->journal[journal];

	if (!bit_get(j->members, slot))
		return;
	bit_clear(j->members, slot);
	j->n_members--;
}

void journal_leave(struct exchange *x, uint32_t slot)
{
	for (unsigned j = 0; j < FEED_JOURNALS; j++)
		leave(x, slot, j);
	x->slot[slot]->want_join = 0;
	x->slot[slot]->want_skip = 0;
}

/* Does the member still need the chunk? */
static bool holds(struct exchange *x, uint32_t slot, enum family f,
    const struct feed_chunk *c)
{
	struct slot *s = x->slot[slot];
	uint64_t at = journal_at(x, slot, f);

	if (at == UINT64_MAX) {
		/* Not yet there, or gone already. */
		return !s->reading[f] && s->join_seq[f] <= c->seq;
	}
	if (at >> 17 < s->join_seq[f])
		return s->join_seq[f] <= c->seq;
	s->reading[f] = true;
	/* Even at its end: the cursor has yet to find `next` there. */
	return at >> 17 <= c->seq;
}

static bool someone_holds(
    struct exchange *x, const struct journal *j, enum family f, uint32_t chunk)
{
	const struct feed_chunk *c = chunk_at(x, chunk);

	for (uint32_t i = 0; i < x->words; i++)
		for (uint64_t b = j->members[i]; b; b &= b - 1)
			if (holds(
				x, i * 64 + (uint32_t)__builtin_ctzll(b), f, c))
				return true;
	return false;
}

void journal_reclaim(struct exchange *x)
{
	for (unsigned i = 0; x->area && i < FEED_JOURNALS; i++) {
		struct journal *j = &x->journal[i];
		enum family f = i & 1 ? FAMILY_IPV6 : FAMILY_IPV4;

		while (
		    j->first != j->open && !someone_holds(x, j, f, j->first)) {
			uint32_t next = atomic_load_explicit(
			    &chunk_at(x, j->first)->next, memory_order_relaxed);

			x->free_chunk[x->n_free++] = j->first;
			j->first = next;
		}
	}
}

/* ---- leaving behind ----------------------------------------------------- */

/*
 * Marks what the client has not been sent, from its cursor to the end.  The
 * session says where that is: only our own entries say where one begins.
 */
static void mark_unsent(
    struct exchange *x, uint32_t slot, enum family f, uint64_t at)
{
	struct slot *s = x->slot[slot];
	struct journal *j = &x->journal[journal_of(s, f)];

	for (uint32_t i = j->first; i != FEED_NO_CHUNK;) {
		struct feed_chunk *c = chunk_at(x, i);
		uint32_t used =
		    atomic_load_explicit(&c->used, memory_order_relaxed);
		uint32_t o = c->seq < at >> 17 ? used : 0;

		while (o < used) {
			struct feed_entry e;
			uint64_t word = 0;

			memcpy(&e, c->data + o, sizeof e);
			if (e.kind == FEED_ENTRY_ROUTES &&
			    FEED_AT(c->seq, o) >= at &&
			    s->outer / 64 < e.mask_words)
				memcpy(&word,
				    c->data + e.mask + s->outer / 64 * 8,
				    sizeof word);
			if (word >> s->outer % 64 & 1)
				serve_unsent(x, slot, f,
				    (struct bytes){
					c->data + o + sizeof e, e.len});
			o += (uint32_t)(sizeof e + align8(e.len));
		}
		i = atomic_load_explicit(&c->next, memory_order_relaxed);
	}
}

static void skip(struct exchange *x, uint32_t slot, enum family f, uint64_t at)
{
	struct slot *s = x->slot[slot];
	unsigned journal = journal_of(s, f);

	x->skips++;
	serve_begin(x, slot, f, false);
	s->lag[f]->left = true;
	s->lag[f]->slice = 1024;
	/* What was not sent may stand at other places of the table now. */
	s->lag[f]->told = UINT32_MAX;
	mark_unsent(x, slot, f, at);
	s->place[f] = (struct feed_place){.journal = journal,
	    .chunk = x->journal[journal].first,
	    .seq = chunk_at(x, x->journal[journal].first)->seq};
	s->want_skip |= (uint8_t)BGP_FAMILY(f);
	x->pending = true;
}

/* Is the client behind by its own fault? */
static bool is_slow(struct exchange *x, uint32_t slot, enum family f,
    uint64_t at, uint64_t best_seq)
{
	struct slot *s = x->slot[slot];

	if (at != s->last_at[f]) {
		s->last_at[f] = at;
		s->moved_ns[f] = x->now;
	}
	/* Others are far ahead of it: the session role has done its part. */
	return best_seq > (at >> 17) + x->n_chunks / 4 ||
	       x->now - s->moved_ns[f] > STALLED_NS;
}

/*
 * A JOIN that nobody answers: its session may be down, and the word of that
 * wait behind records that wait for room here.
 */
static bool is_lost(struct exchange *x, uint32_t slot, enum family f)
{
	struct slot *s = x->slot[slot];

	if (s->reading[f] || journal_at(x, slot, f) != UINT64_MAX)
		return false;
	s->looks[f]++;
	return x->now - s->moved_ns[f] > LOST_NS && s->looks[f] > LOST_LOOKS;
}

static void give_up(struct exchange *x, uint32_t slot, enum family f)
{
	struct slot *s = x->slot[slot];

	leave(x, slot, journal_of(s, f));
	serve_begin(x, slot, f, true);
	s->lag[f]->left = false;
	s->join_seq[f] = 0;
	s->moved_ns[f] = x->now;
	s->looks[f] = 0;
	s->want_join |= (uint8_t)BGP_FAMILY(f);
	x->pending = true;
}

static void relieve(struct exchange *x, struct journal *j, enum family f)
{
	const struct feed_chunk *c = chunk_at(x, j->first);
	uint64_t best = 0;

	for (uint32_t i = 0; i < x->words; i++)
		for (uint64_t b = j->members[i]; b; b &= b - 1) {
			uint32_t slot = i * 64 + (uint32_t)__builtin_ctzll(b);
			uint64_t at = journal_at(x, slot, f);

			if (at != UINT64_MAX && at >> 17 > best)
				best = at >> 17;
		}
	for (uint32_t i = 0; i < x->words; i++)
		for (uint64_t b = j->members[i]; b; b &= b - 1) {
			uint32_t slot = i * 64 + (uint32_t)__builtin_ctzll(b);
			struct slot *s = x->slot[slot];
			uint64_t at = journal_at(x, slot, f);

			if (is_lost(x, slot, f)) {
				give_up(x, slot, f);
				continue;
			}
			if (!holds(x, slot, f, c) || !s->reading[f] ||
			    at == UINT64_MAX || (s->lag[f] && s->lag[f]->left))
				continue;
			if (is_slow(x, slot, f, at, best))
				skip(x, slot, f, at);
		}
}

bool journal_strained(const struct exchange *x)
{
	if (!x->area || x->n_free >= 2 * journal_reserve(x))
		return false;
	for (unsigned i = 0; i < FEED_JOURNALS; i++)
		if (x->journal[i].first != x->journal[i].open)
			return true;
	return false;
}

void journal_relieve(struct exchange *x)
{
	if (!x->area)
		return;
	journal_reclaim(x);
	if (!journal_strained(x))
		return;
	for (unsigned i = 0; i < FEED_JOURNALS; i++) {
		struct journal *j = &x->journal[i];

		if (j->first != j->open)
			relieve(x, j, i & 1 ? FAMILY_IPV6 : FAMILY_IPV4);
	}
}

/* ---- records that wait -------------------------------------------------- */

static bool send_record(const struct exchange *x, const struct slot *s,
    enum feed_type type, const void *data, size_t n)
{
	const struct exchange_out *out = &x->session[s->instance].out;

	return out->send(out->arg, type, s->outer, s->c.incarnation, data, n);
}

static bool send_place(
    struct exchange *x, enum feed_type type, uint32_t slot, enum family f)
{
	const struct slot *s = x->slot[slot];

	return send_record(x, s, type, &s->place[f], sizeof s->place[f]);
}

static bool pending_family(struct exchange *x, uint32_t slot, enum family f)
{
	struct slot *s = x->slot[slot];
	uint8_t bit = (uint8_t)BGP_FAMILY(f);

	if (s->want_skip & bit) {
		if (!send_place(x, FEED_SKIP, slot, f))
			return false;
		s->want_skip &= (uint8_t)~bit;
	}
	if (!(s->want_join & bit))
		return true;
	if (!s->join_seq[f])
		journal_join(x, slot, f);
	if (!s->join_seq[f] || !send_place(x, FEED_JOIN, slot, f))
		return false;
	s->want_join &= (uint8_t)~bit;
	return true;
}

void journal_pending(struct exchange *x)
{
	if (!x->pending || !x->area)
		return;
	x->pending = false;
	for (uint32_t i = 0; i < x->n_slots; i++) {
		struct slot *s = x->slot[i];
		bool ok = true;

		if (!s || !s->c.up)
			continue;
		for (enum family f = 0; f < FAMILY_COUNT; f++)
			ok &= pending_family(x, i, f);
		if (s->want_close) {
			ok &= send_record(
			    x, s, FEED_CLOSE, &s->close, sizeof s->close);
			s->want_close = !ok;
		}
		x->pending |= !ok;
	}
}

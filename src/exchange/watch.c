/*
 * The monitor role's view of the exchange: bgp/watch.h, the engine's side.
 *
 * A prefix is told when the batch that touched it is settled.  When the ring
 * has no room, and for the table at the beginning, it has a bit instead, and
 * the bits are served in slices; an empty prefix that is still to be told
 * keeps its id (dirty.c).
 */
#include "exchange/internal.h"

#include "base/clock.h"
#include "bgp/watch.h"

#include <stdlib.h>

#define BUFFER ((size_t)64 << 10)
#define LOOK_EVERY 256 /* prefixes between looks at the clock */

enum told { /* of a slot */
	TOLD_NOTHING,
	TOLD_UP,
	TOLD_DOWN,
};

struct watch {
	struct exchange_watch_out out;
	uint64_t *sets; /* a bit a set that the monitor knows */
	uint32_t set_words;
	uint64_t *classes;
	uint32_t class_words;
	uint64_t *owed[FAMILY_COUNT]; /* a bit a prefix that is to be told */
	uint32_t words[FAMILY_COUNT];
	uint32_t at[FAMILY_COUNT];  /* words below hold no bit */
	uint32_t end[FAMILY_COUNT]; /* nor do words from here on */
	bool behind;		    /* some bit is set, or a slot is due */
	bool table_told;
	uint64_t due[WORDS_MAX];  /* a bit a slot that is to be told about */
	uint8_t told[FEED_SLOTS]; /* enum told */
	uint32_t told_of[FEED_SLOTS]; /* incarnation, while TOLD_UP */
	bool classes_due;
	uint32_t class_at; /* those below have been told since */
	bool out_told;
	enum family f; /* of what is in the buffer */
	size_t n;      /* bytes */
	uint8_t buf[BUFFER];
};

static bool bits_room(uint64_t **bits, uint32_t *words, uint32_t i)
{
	uint32_t more = *words ? *words : 64;

	if (i / 64 < *words)
		return true;
	while (more <= i / 64)
		more += more / 2;
	uint64_t *p = realloc(*bits, more * sizeof *p);
	must(p);
	memset(p + *words, 0, (more - *words) * sizeof *p);
	*bits = p;
	*words = more;
	return true;
}

static bool put(struct watch *w, enum watch_type type, uint32_t a,
    const void *pa, size_t na, const void *pb, size_t nb)
{
	return w->out.write(w->out.arg, type, a, pa, na, pb, nb);
}

/* ---- what is owed ------------------------------------------------------- */

static void owe(struct watch *w, enum family f, uint32_t id)
{
	bits_room(&w->owed[f], &w->words[f], id);
	bit_set(w->owed[f], id);
	if (id / 64 < w->at[f])
		w->at[f] = id / 64;
	if (id / 64 >= w->end[f])
		w->end[f] = id / 64 + 1;
	w->behind = true;
}

bool watch_behind(const struct exchange *x)
{
	return x->watch && x->watch->behind;
}

/* False: no room; then what is in the buffer is owed. */
static bool send_buffer(struct watch *w)
{
	size_t n = w->n;

	w->n = 0;
	if (!n || put(w, WATCH_PREFIXES, w->f, w->buf, n, NULL, 0))
		return true;
	for (size_t at = 0; at < n;) {
		struct watch_prefix p;

		memcpy(&p, w->buf + at, sizeof p);
		owe(w, w->f, p.id);
		at += sizeof p + p.n * sizeof(uint32_t);
	}
	return false;
}

/* ---- peers -------------------------------------------------------------- */

static bool put_peer(struct exchange *x, uint32_t i)
{
	static struct watch_peer p;
	const struct slot *s = x->slot[i];
	size_t n = (size_t)s->opens.n_sent + s->opens.n_received;
	const char *name = s->c.member ? policy_member_name(s->c.member) : NULL;

	memset(&p, 0, sizeof p);
	p.up = s->c.as;
	p.opens = s->opens;
	for (size_t k = 0; name && name[k] && k < sizeof p.name - 1; k++)
		p.name[k] = name[k];
	return put(x->watch, WATCH_PEER, i, &p, sizeof p, s->open_bytes, n);
}

static bool put_gone(struct exchange *x, uint32_t i)
{
	static const struct feed_down lost = {.end = FEED_END_SILENT};
	const struct slot *s = x->slot[i];

	return put(x->watch, WATCH_GONE, i, s ? &s->ended : &lost, sizeof lost,
	    NULL, 0);
}

/* False: no room. */
static bool tell_peer(struct exchange *x, uint32_t i)
{
	struct watch *w = x->watch;
	const struct slot *s = x->slot[i];
	bool up = s && s->c.up;

	if (w->told[i] == TOLD_UP && (!up || w->told_of[i] != s->told)) {
		if (!put_gone(x, i))
			return false;
		w->told[i] = TOLD_DOWN;
	}
	if (!s || w->told[i] == TOLD_UP ||
	    (!up && w->told[i] == TOLD_DOWN && w->told_of[i] == s->told))
		return true;
	if (!put_peer(x, i))
		return false;
	w->told[i] = TOLD_UP;
	w->told_of[i] = s->told;
	return up || tell_peer(x, i);
}

static bool tell_peers(struct exchange *x)
{
	struct watch *w = x->watch;

	for (uint32_t k = 0; k < WORDS_MAX; k++) {
		for (; w->due[k]; w->due[k] &= w->due[k] - 1)
			if (!tell_peer(x,
				k * 64 + (uint32_t)__builtin_ctzll(w->due[k])))
				return false;
	}
	return true;
}

void watch_peer(struct exchange *x, uint32_t slot)
{
	struct watch *w = x->watch;

	if (!w)
		return;
	/* What is in the buffer is of before. */
	send_buffer(w);
	bit_set(w->due, slot);
	/* Its bits come before it, see watch_work(). */
	if (w->behind || w->out.classes || !tell_peers(x))
		w->behind = true;
}

/* ---- sets and classes ---------------------------------------------------- */

void watch_dropped(struct exchange *x, uint32_t set)
{
	struct watch *w = x->watch;

	if (w && set / 64 < w->set_words)
		bit_clear(w->sets, set);
}

void watch_class_dropped(struct exchange *x, uint32_t class)
{
	struct watch *w = x->watch;

	if (w && class / 64 < w->class_words)
		bit_clear(w->classes, class);
}

void watch_classes(struct exchange *x)
{
	struct watch *w = x->watch;

	if (!w || !w->out.classes)
		return;
	w->classes_due = true;
	w->class_at = 0;
	w->behind = true;
}

static bool put_bits(struct exchange *x, enum watch_type type, uint32_t class)
{
	_Static_assert(WATCH_PLANES == 1 + VARIANT_BITS, "planes of a class");

	return put(x->watch, type, class, x->classes.v[class].bits,
	    WATCH_PLANES * x->words * sizeof(uint64_t), NULL, 0);
}

static bool put_class(struct exchange *x, uint32_t class)
{
	struct watch *w = x->watch;

	bits_room(&w->classes, &w->class_words, class);
	if (bit_get(w->classes, class))
		return true;
	if (!put_bits(x, WATCH_CLASS, class))
		return false;
	bit_set(w->classes, class);
	return true;
}

/* Those that the monitor knows have changed. */
static bool tell_classes(struct exchange *x)
{
	struct watch *w = x->watch;

	if (!w->classes_due)
		return true;
	for (; w->class_at < w->class_words * 64; w->class_at++)
		if (bit_get(w->classes, w->class_at) &&
		    !put_bits(x, WATCH_BITS, w->class_at))
			return false;
	w->classes_due = false;
	return true;
}

static bool tell_out(struct exchange *x)
{
	struct watch *w = x->watch;

	if (!w->out.classes || w->out_told)
		return true;
	for (enum family f = 0; f < FAMILY_COUNT; f++)
		if (x->defer[f] || x->releasing[f])
			return true; /* later */
	w->out_told = put(w, WATCH_OUT, 0, NULL, 0, NULL, 0);
	return w->out_told;
}

static bool put_set(struct exchange *x, uint32_t set)
{
	struct watch *w = x->watch;
	const struct rib_set *s = rib_set_at(x->rib, set);
	uint32_t slot = rib_set_slot(x->rib, set);
	struct bytes hop = rib_set_next_hop(x->rib, s);
	struct bytes wire = rib_set_wire(x->rib, s);
	struct watch_set v = {
	    .slot = (uint16_t)slot,
	    .family = s->family,
	    .reason = s->reason,
	    .next_hop_len = (uint8_t)hop.n,
	    .wire_len = (uint16_t)wire.n,
	    .path_id_out = s->path_id,
	    .tags = s->tags,
	    .class = rib_class_of(x->rib, set),
	};

	if (!import_their_id(x->slot[slot], s->path_id, &v.path_id))
		v.flags |= WATCH_PLAIN_ID;
	if (s->flags & RIB_SET_STALE)
		v.flags |= WATCH_STALE;
	if (s->flags & RIB_SET_LLGR)
		v.flags |= WATCH_LLGR;
	if (s->flags & RIB_SET_SCRUB)
		v.flags |= WATCH_SCRUB;
	if (w->out.classes && !put_class(x, v.class))
		return false;
	/* Next hop and attributes lie in one piece (rib/store.h). */
	must(hop.p + hop.n == wire.p);
	if (!put(w, WATCH_SET, set, &v, sizeof v, hop.p, hop.n + wire.n))
		return false;
	bit_set(w->sets, set);
	return true;
}

/* ---- prefixes ------------------------------------------------------------ */

/* False: no room, and nothing of it was told. */
static bool tell(struct exchange *x, enum family f, uint32_t id)
{
	struct watch *w = x->watch;
	const struct rib_entry *e = rib_entry_at(x->rib, f, id);
	uint32_t *list = x->rib->list;
	struct watch_prefix p = {.id = id, .len = e->len};
	size_t n = e->n ? rib_list(x->rib, e, list, RIB_PATHS_MAX) : 0;
	size_t kept = 0;

	for (size_t i = 0; i < n; i++) {
		uint32_t set = list[i];

		if (rib_set_dead(x->rib, set))
			continue; /* its end will be told */
		list[kept++] = set;
		bits_room(&w->sets, &w->set_words, set);
		if (bit_get(w->sets, set))
			continue;
		/* What the buffer says is of sets as they were. */
		if (!send_buffer(w) || !put_set(x, set))
			return false;
	}
	size_t bytes = sizeof p + kept * sizeof *list;
	if ((w->f != f || w->n + bytes > sizeof w->buf) && !send_buffer(w))
		return false;
	w->f = f;
	p.n = (uint16_t)kept;
	memcpy(p.addr, rib_addr_at(x->rib, f, id), family_bytes(f));
	memcpy(w->buf + w->n, &p, sizeof p);
	memcpy(w->buf + w->n + sizeof p, list, kept * sizeof *list);
	w->n += bytes;
	return true;
}

void watch_prefix(struct exchange *x, enum family f, uint32_t id)
{
	struct watch *w = x->watch;

	if (w->behind || !tell(x, f, id))
		owe(w, f, id);
}

void watch_settle(struct exchange *x)
{
	if (x->watch)
		send_buffer(x->watch);
}

/* ---- slices -------------------------------------------------------------- */

/* True when none of the family is left; *ret_room: false: the ring is full. */
static bool serve_family(
    struct exchange *x, enum family f, uint64_t deadline, bool *ret_room)
{
	struct watch *w = x->watch;
	unsigned done = 0;

	while (w->at[f] < w->end[f]) {
		uint64_t *word = &w->owed[f][w->at[f]];

		if (!*word) {
			w->at[f]++;
			continue;
		}
		uint32_t id = w->at[f] * 64 + (uint32_t)__builtin_ctzll(*word);
		bool is_there =
		    id < rib_end(x->rib, f) &&
		    !(rib_entry_at(x->rib, f, id)->flags & RIB_ENTRY_FREE);
		*word &= *word - 1;
		if (is_there && !tell(x, f, id)) {
			owe(w, f, id);
			*ret_room = false;
			return false;
		}
		if (++done % LOOK_EVERY == 0 && clock_now_ns() > deadline)
			return false;
	}
	w->at[f] = w->end[f] = 0;
	return true;
}

bool watch_work(struct exchange *x, uint64_t deadline)
{
	struct watch *w = x->watch;
	bool room = true;

	if (!w || (!w->behind && tell_out(x)))
		return false;
	if (!send_buffer(w) || !tell_classes(x) || !tell_peers(x))
		return false;
	for (enum family f = 0; f < FAMILY_COUNT; f++)
		if (!serve_family(x, f, deadline, &room)) {
			room &= send_buffer(w);
			return room;
		}
	if (!send_buffer(w))
		return false;
	w->behind = false;
	if (!w->table_told)
		w->table_told = put(w, WATCH_TABLE, 0, NULL, 0, NULL, 0);
	w->behind = !w->table_told || !tell_out(x);
	return false;
}

/* ---- beginning and end --------------------------------------------------- */

void exchange_watch(struct exchange *x, const struct exchange_watch_out *out)
{
	struct watch *w = calloc(1, sizeof *w);

	exchange_unwatch(x);
	must(w);
	x->watch = w;
	w->out = *out;
	w->behind = true;
	for (uint32_t i = 0; i < x->n_slots; i++)
		if (x->slot[i])
			bit_set(w->due, i);
	for (enum family f = 0; f < FAMILY_COUNT; f++) {
		uint32_t end = rib_end(x->rib, f);

		if (!end)
			continue;
		bits_room(&w->owed[f], &w->words[f], end);
		for (uint32_t id = 0; id < end; id++)
			bit_set(w->owed[f], id);
		w->end[f] = end / 64 + 1;
	}
}

/* Classes of sets that were told without: now all that there are. */
void exchange_watch_classes(struct exchange *x)
{
	struct watch *w = x->watch;

	if (!w || w->out.classes)
		return;
	w->out.classes = true;
	for (uint32_t i = 0; i < x->classes.n; i++) {
		bits_room(&w->classes, &w->class_words, i);
		if (x->classes.v[i].key)
			bit_set(w->classes, i);
	}
	watch_classes(x);
}

void exchange_unwatch(struct exchange *x)
{
	struct watch *w = x->watch;

	if (!w)
		return;
	x->watch = NULL;
	free(w->sets);
	free(w->classes);
	for (enum family f = 0; f < FAMILY_COUNT; f++)
		free(w->owed[f]);
	free(w);
}

void watch_needs(
    const struct exchange *x, enum family f, uint64_t *bits, uint32_t words)
{
	const struct watch *w = x->watch;

	for (uint32_t i = 0; i < w->words[f] && i < words; i++)
		bits[i] |= w->owed[f][i];
}

/*
 * What changes for whom (RFC 7947 s2.3: the best path among those permitted
 * to each client), and the grouping of changes into runs.
 *
 *   rest = all clients; for each path in rank order:
 *       give = rest & class of the path & ~source; rest &= ~give
 *
 * done for the paths before and after.  A client whose path differs gets the
 * new one; one that is left in rest and had one gets a withdrawal.
 */
#include "exchange/internal.h"

#include <stdlib.h>

/* ---- masks and runs ----------------------------------------------------- */

static uint64_t *mask_at(const struct exchange *x, uint32_t mask)
{
	return (uint64_t *)x->masks.p + (size_t)mask * x->words;
}

static bool mask_is(
    const struct exchange *x, uint32_t mask, const uint64_t *bits)
{
	return bits_same(x, mask_at(x, mask), bits);
}

static uint32_t mask_add(struct exchange *x, const uint64_t *bits)
{
	vec_room(&x->masks, x->words, sizeof *bits);
	memcpy(
	    (uint64_t *)x->masks.p + x->masks.n, bits, x->words * sizeof *bits);
	x->masks.n += x->words;
	vec_room(&x->deltas, FAMILY_COUNT, sizeof(int32_t));
	memset((int32_t *)x->deltas.p + x->deltas.n, 0,
	    FAMILY_COUNT * sizeof(int32_t));
	x->deltas.n += FAMILY_COUNT;
	return x->n_masks++;
}

#define MASK_TABLE (sizeof x->mask_table / sizeof *x->mask_table)

uint32_t export_mask(struct exchange *x, const uint64_t *bits)
{
	if (x->last_mask < x->n_masks && mask_is(x, x->last_mask, bits))
		return x->last_mask;
	uint64_t h = x->rib->seed;
	for (uint32_t i = 0; i < x->words; i++)
		h = hash_mix(h ^ bits[i], 0x9e3779b97f4a7c15u);
	size_t at = (size_t)(h >> 40) % MASK_TABLE;
	for (unsigned tries = 0; tries < 8; tries++) {
		uint32_t *slot = &x->mask_table[(at + tries) % MASK_TABLE];

		if (!*slot) {
			*slot = mask_add(x, bits) + 1;
			x->last_mask = *slot - 1;
			return x->last_mask;
		}
		if (mask_is(x, *slot - 1, bits)) {
			x->last_mask = *slot - 1;
			return x->last_mask;
		}
	}
	/* Crowded: the same mask twice only costs some packing. */
	x->last_mask = mask_add(x, bits);
	return x->last_mask;
}

static struct run *run_at(const struct exchange *x, uint32_t run)
{
	return (struct run *)x->runs.p + run;
}

static bool run_is(const struct run *a, const struct run *b)
{
	return a->set == b->set && a->mask == b->mask &&
	       a->family == b->family && a->variant == b->variant &&
	       a->add_path == b->add_path && a->path_id == b->path_id;
}

/* A new table when it is half full; its old entries are only a cache. */
static void run_table_grow(struct exchange *x)
{
	uint32_t bits = x->run_table_bits ? x->run_table_bits + 1 : 12;
	uint32_t *table = calloc((size_t)1 << bits, sizeof *table);

	must(table);
	free(x->run_table);
	x->run_table = table;
	x->run_table_bits = bits;
	for (uint32_t i = 0; i < x->runs.n; i++) {
		struct run *r = run_at(x, i);
		uint32_t *head = &table[r->chain >> (32 - bits)];

		while (*head)
			head = &table[(size_t)(head - table + 1) &
				      ((1u << bits) - 1)];
		*head = i + 1;
	}
}

static uint32_t run_for(struct exchange *x, const struct run *want)
{
	if (x->last_run < x->runs.n && run_is(run_at(x, x->last_run), want))
		return x->last_run;
	if (!x->run_table_bits || x->runs.n * 2 >= (size_t)1
						       << x->run_table_bits)
		run_table_grow(x);
	uint32_t mask = (1u << x->run_table_bits) - 1;
	uint32_t hash =
	    (uint32_t)(hash_mix((uint64_t)want->set << 32 | want->mask,
			   (uint64_t)want->path_id << 8 ^
			       (uint64_t)(want->variant | want->family << 3 |
					  want->add_path << 4) ^
			       0x9e3779b97f4a7c15u) >>
		       32);
	uint32_t at = hash >> (32 - x->run_table_bits);
	for (; x->run_table[at]; at = (at + 1) & mask) {
		uint32_t run = x->run_table[at] - 1;

		if (run_is(run_at(x, run), want)) {
			x->last_run = run;
			return run;
		}
	}
	vec_room(&x->runs, 1, sizeof *want);
	uint32_t run = (uint32_t)x->runs.n++;
	*run_at(x, run) = *want;
	run_at(x, run)->chain = hash;
	x->run_table[at] = run + 1;
	x->last_run = run;
	return run;
}

static void push_change(struct exchange *x, uint32_t run, uint32_t id)
{
	run_at(x, run)->n++;
	vec_room(&x->changes, 1, sizeof(struct change));
	((struct change *)x->changes.p)[x->changes.n++] =
	    (struct change){run, id};
}

static void add_to_run(struct exchange *x, const struct run *want, uint32_t id)
{
	push_change(x, run_for(x, want), id);
}

/* Splits by variant where some client needs another than 0. */
static void add_varied(struct exchange *x, struct run *want,
    const struct class *c, const uint64_t *bits, uint32_t id)
{
	for (unsigned v = 0; v < VARIANTS; v++) {
		ATTR_UNINIT uint64_t part[WORDS_MAX];
		uint64_t any = 0;

		for (uint32_t i = 0; i < x->words; i++) {
			part[i] = bits[i];
			for (unsigned k = 0; k < VARIANT_BITS; k++) {
				uint64_t plane =
				    c->bits[(size_t)(k + 1) * x->words + i];
				part[i] &= v >> k & 1 ? plane : ~plane;
			}
			any |= part[i];
		}
		if (!any)
			continue;
		want->variant = (uint8_t)v;
		want->mask = export_mask(x, part);
		add_to_run(x, want, id);
	}
}

static void mark_laggards(struct exchange *x, enum family f,
    const uint64_t *mask, uint32_t id, bool gone, uint32_t path_id)
{
	for (uint32_t i = 0; i < x->words; i++) {
		uint64_t late = mask[i] & x->lagging[f][i];

		for (; late; late &= late - 1) {
			uint32_t slot =
			    i * 64 + (uint32_t)__builtin_ctzll(late);

			serve_mark(x, slot, f, id);
			if (gone)
				serve_gone(x, slot, f, id, path_id);
		}
	}
}

void export_change(struct exchange *x, uint32_t set, enum family f,
    bool add_path, uint32_t path_id, const uint64_t *mask, uint32_t id)
{
	ATTR_UNINIT uint64_t live[WORDS_MAX];
	uint64_t any = 0;
	const uint64_t *to = mask;
	struct run want = {.set = set,
	    .family = (uint8_t)f,
	    .add_path = add_path,
	    .path_id = path_id};

	if (x->n_lagging) {
		for (uint32_t i = 0; i < x->words; i++) {
			live[i] = mask[i] & ~x->lagging[f][i];
			any |= live[i];
		}
		mark_laggards(
		    x, f, mask, id, add_path && set == RIB_NONE, path_id);
		if (!any)
			return;
		to = live;
	}
	if (set != RIB_NONE) {
		const struct class *c =
		    &x->classes.v[rib_class_of(x->rib, set)];

		if (c->varied) {
			add_varied(x, &want, c, to, id);
			return;
		}
	}
	want.mask = export_mask(x, to);
	add_to_run(x, &want, id);
}

uint32_t export_mask_of(struct exchange *x, uint32_t slot)
{
	uint64_t mask[WORDS_MAX] = {0};

	bit_set(mask, slot);
	return export_mask(x, mask);
}

static uint8_t variant_for(
    const struct exchange *x, uint32_t set, uint32_t slot)
{
	uint8_t variant = 0;

	if (set == RIB_NONE)
		return 0;
	const struct class *c = &x->classes.v[rib_class_of(x->rib, set)];
	for (unsigned k = 0; k < VARIANT_BITS && c->varied; k++)
		if (bit_get(c->bits + (size_t)(k + 1) * x->words, slot))
			variant |= (uint8_t)(1u << k);
	return variant;
}

void export_to(struct exchange *x, uint32_t set, enum family f, bool add_path,
    uint32_t path_id, uint32_t slot, uint32_t mask, uint32_t id)
{
	struct run want = {.set = set,
	    .mask = mask,
	    .family = (uint8_t)f,
	    .add_path = add_path,
	    .path_id = path_id,
	    .variant = variant_for(x, set, slot)};

	add_to_run(x, &want, id);
}

uint32_t export_begin(struct exchange *x, uint32_t set, enum family f,
    uint32_t slot, uint32_t mask)
{
	vec_room(&x->runs, 1, sizeof(struct run));
	uint32_t run = (uint32_t)x->runs.n++;
	*run_at(x, run) = (struct run){.set = set,
	    .mask = mask,
	    .family = (uint8_t)f,
	    .variant = variant_for(x, set, slot)};
	return run;
}

bool export_is_of(const struct exchange *x, uint32_t run, uint32_t set)
{
	return run < x->runs.n && run_at(x, run)->set == set;
}

void export_more(struct exchange *x, uint32_t run, uint32_t id)
{
	push_change(x, run, id);
}

/* Orders the changes by run, and writes each run out. */
void export_runs(struct exchange *x)
{
	uint32_t first = 0;
	const struct change *c = x->changes.p;

	x->sorted.n = 0;
	vec_room(&x->sorted, x->changes.n, sizeof(uint32_t));
	for (uint32_t i = 0; i < x->runs.n; i++) {
		run_at(x, i)->first = first;
		first += run_at(x, i)->n;
		run_at(x, i)->n = 0;
	}
	for (size_t i = 0; i < x->changes.n; i++) {
		struct run *r = run_at(x, c[i].run);

		vec_u32(&x->sorted)[r->first + r->n++] = c[i].id;
	}
	for (uint32_t i = 0; i < x->runs.n; i++)
		encode_run(
		    x, run_at(x, i), vec_u32(&x->sorted) + run_at(x, i)->first);
	if (x->run_table_bits) {
		if (x->runs.n * 16 > (size_t)1 << x->run_table_bits) {
			memset(x->run_table, 0,
			    sizeof *x->run_table << x->run_table_bits);
		} else {
			uint32_t mask = (1u << x->run_table_bits) - 1;

			for (uint32_t i = 0; i < x->runs.n; i++) {
				uint32_t at = run_at(x, i)->chain >>
					      (32 - x->run_table_bits);

				for (; x->run_table[at]; at = (at + 1) & mask)
					x->run_table[at] = 0;
			}
		}
	}
	x->runs.n = 0;
	x->changes.n = 0;
	x->last_run = 0;
	x->first.set = RIB_NONE;
}

/* ---- counting ----------------------------------------------------------- */

static void count_mask(
    struct exchange *x, enum family f, uint32_t mask, int32_t by)
{
	((int32_t *)x->deltas.p)[mask * FAMILY_COUNT + f] += by;
}

static void count(
    struct exchange *x, enum family f, const uint64_t *bits, int32_t by)
{
	count_mask(x, f, export_mask(x, bits), by);
}

/* Adds the batch's differences up in the clients, and forgets its masks. */
void export_settle(struct exchange *x)
{
	const int32_t *d = x->deltas.p;

	for (uint32_t m = 0; m < x->n_masks; m++, d += FAMILY_COUNT) {
		const uint64_t *bits = mask_at(x, m);

		if (!d[0] && !d[1])
			continue;
		for (uint32_t i = 0; i < x->words; i++) {
			for (uint64_t b = bits[i]; b; b &= b - 1) {
				struct slot *s =
				    x->slot[i * 64 +
					    (uint32_t)__builtin_ctzll(b)];

				for (unsigned f = 0; f < FAMILY_COUNT; f++)
					s->c.advertised[f] +=
					    (uint64_t)(int64_t)d[f];
			}
		}
	}
	if (x->n_masks)
		memset(x->mask_table, 0, sizeof x->mask_table);
	x->n_masks = 0;
	x->masks.n = 0;
	x->deltas.n = 0;
	for (unsigned j = 0; j < FEED_JOURNALS; j++)
		x->journal[j].entry_mask = UINT32_MAX;
	blame(x, SLOT_NONE);
}

/* ---- before and after --------------------------------------------------- */

/* The clients of rest that get this path; they leave rest. */
static bool give(const struct exchange *x, uint32_t set, uint64_t *rest,
    uint64_t *to, uint64_t *ret_left)
{
	const uint64_t *may = class_may(x, rib_class_of(x->rib, set));
	uint32_t source = rib_set_slot(x->rib, set);
	uint64_t any = 0, left = 0;

	for (uint32_t i = 0; i < x->words; i++) {
		uint64_t g = rest[i] & may[i];

		if (i == source / 64)
			g &= ~(1ull << source % 64);
		to[i] = g;
		rest[i] &= ~g;
		any |= g;
		left |= rest[i];
	}
	*ret_left = left;
	return any;
}

/* More than OLD_MAX are rare: their clients are told again, which is no harm.
 */
static void look_before(
    struct exchange *x, const struct dirty *d, struct before *b)
{
	const uint32_t *old = d->n ? vec_u32(&x->old) + d->old : NULL;
	uint64_t left;

	b->n = 0;
	bits_copy(x, b->rest, x->clients[d->family]);
	for (uint32_t i = 0; i < d->n; i++) {
		ATTR_UNINIT uint64_t to[WORDS_MAX];
		bool kept = b->n < OLD_MAX;

		if (kept)
			b->set[b->n] = old[i];
		if (give(x, old[i], b->rest, kept ? b->to[b->n] : to, &left))
			b->n += kept;
		if (!left)
			break;
	}
}

/* One path of those after: who gets it, and had something else. */
static void compare(struct exchange *x, const struct dirty *d,
    const struct before *b, uint32_t set, const uint64_t *to)
{
	ATTR_UNINIT uint64_t changed[WORDS_MAX], fresh[WORDS_MAX];
	uint64_t any = 0, any_fresh = 0;

	bits_copy(x, changed, to);
	for (uint32_t k = 0; k < b->n; k++) {
		if (!rib_set_same(x->rib, b->set[k], set))
			continue;
		for (uint32_t i = 0; i < x->words; i++)
			changed[i] &= ~b->to[k][i];
	}
	for (uint32_t i = 0; i < x->words; i++) {
		any |= changed[i];
		fresh[i] = changed[i] & b->rest[i];
		any_fresh |= fresh[i];
	}
	if (!any)
		return;
	export_change(x, set, d->family, false, 0, changed, d->id);
	if (any_fresh)
		count(x, d->family, fresh, 1);
}

/*
 * A prefix without a path before, and with one now: everybody but the source
 * gets it who may.  Whole tables come that way, many prefixes to a set, so
 * what was found for the last one is kept.
 */
static void differ_first(
    struct exchange *x, const struct dirty *d, uint32_t set)
{
	ATTR_UNINIT uint64_t rest[WORDS_MAX], to[WORDS_MAX];
	struct first *first = &x->first;
	uint64_t left;

	if (first->set == set) {
		if (first->run == RIB_NONE)
			return;
		push_change(x, first->run, d->id);
		count_mask(x, d->family, first->mask, 1);
		return;
	}
	*first = (struct first){.set = set, .run = RIB_NONE};
	bits_copy(x, rest, x->clients[d->family]);
	if (rib_rejected(x->rib, set) || !give(x, set, rest, to, &left))
		return;
	export_change(x, set, d->family, false, 0, to, d->id);
	count(x, d->family, to, 1);
	first->run = x->last_run;
	first->mask = x->last_mask;
	/* More than one run, or work beside it. */
	if (x->n_lagging || x->classes.v[rib_class_of(x->rib, set)].varied)
		first->set = RIB_NONE;
}

static void differ(struct exchange *x, const struct dirty *d)
{
	const struct rib_entry *e = rib_entry_at(x->rib, d->family, d->id);
	struct before *b = &x->before;
	ATTR_UNINIT uint64_t rest[WORDS_MAX], to[WORDS_MAX];
	const uint32_t *others = rib_others(x->rib, e);
	uint64_t left = 1, any = 0;

	if (!d->n && e->n == 1) {
		differ_first(x, d, e->best);
		return;
	}
	look_before(x, d, b);
	bits_copy(x, rest, x->clients[d->family]);
	for (size_t i = 0; i < e->n && left; i++) {
		uint32_t set = rib_nth(e, others, i);

		if (rib_rejected(x->rib, set))
			break; /* refused ones are last */
		if (give(x, set, rest, to, &left))
			compare(x, d, b, set, to);
	}
	for (uint32_t i = 0; i < x->words; i++) {
		rest[i] &= x->clients[d->family][i] & ~b->rest[i];
		any |= rest[i];
	}
	if (any) {
		export_change(x, RIB_NONE, d->family, false, 0, rest, d->id);
		count(x, d->family, rest, -1);
	}
}

static bool has_addpath(const struct exchange *x, enum family f)
{
	for (uint32_t i = 0; i < x->words; i++)
		if (x->ap_clients[f][i])
			return true;
	return false;
}

/* Nothing goes out before the selection deferral of the family ends. */
static bool is_deferred(const struct exchange *x, const struct dirty *d)
{
	return x->defer[d->family] ||
	       (x->releasing[d->family] && d->id >= x->released[d->family]);
}

void export_flush(struct exchange *x)
{
	bool addpath[FAMILY_COUNT] = {
	    has_addpath(x, FAMILY_IPV4), has_addpath(x, FAMILY_IPV6)};

	apply_all(x);
	if (!x->dirty.n)
		return;
	struct dirty *v = x->dirty.p;
	for (size_t i = 0; i < x->dirty.n; i++) {
		if (i + 8 < x->dirty.n)
			__builtin_prefetch(
			    rib_entry_at(x->rib, v[i + 8].family, v[i + 8].id));
		if (is_deferred(x, &v[i]))
			continue;
		differ(x, &v[i]);
		if (addpath[v[i].family])
			export_addpath(x, &v[i]);
	}
	export_runs(x);
	export_settle(x);
	for (size_t i = 0; i < x->old.n; i++)
		rib_set_unref(x->rib, vec_u32(&x->old)[i]);
	x->old.n = 0;
	for (size_t i = 0; x->watch && i < x->dirty.n; i++)
		watch_prefix(x, v[i].family, v[i].id);
	watch_settle(x);
	size_t n = x->dirty.n;
	x->dirty.n = 0;
	for (size_t i = 0; i < n; i++) {
		struct rib_entry *e =
		    rib_entry_at(x->rib, v[i].family, v[i].id);

		e->flags &= (uint8_t)~RIB_ENTRY_DIRTY;
		if (!e->n)
			kept_add(x, v[i].family, v[i].id);
	}
}

/* ---- ADD-PATH: every path that it may have ------------------------------- */

static bool clients_of(
    const struct exchange *x, enum family f, uint32_t set, uint64_t *to)
{
	uint64_t left;
	uint64_t all[WORDS_MAX];

	bits_copy(x, all, x->ap_clients[f]);
	return give(x, set, all, to, &left);
}

static uint32_t same_path(
    const struct exchange *x, const uint32_t *list, size_t n, uint32_t set)
{
	uint32_t id = rib_set_at(x->rib, set)->path_id;

	for (size_t i = 0; i < n; i++)
		if (rib_set_at(x->rib, list[i])->path_id == id)
			return list[i];
	return RIB_NONE;
}

void export_addpath(struct exchange *x, const struct dirty *d)
{
	const struct rib_entry *e = rib_entry_at(x->rib, d->family, d->id);
	const uint32_t *old = d->n ? vec_u32(&x->old) + d->old : NULL;
	uint32_t *list = x->rib->list;
	size_t n = rib_list(x->rib, e, list, RIB_PATHS_MAX);
	uint64_t to[WORDS_MAX], had[WORDS_MAX], gone[WORDS_MAX];

	for (size_t i = 0; i < n; i++) {
		uint64_t any = 0, any_fresh = 0;
		uint64_t fresh[WORDS_MAX];
		uint32_t was = same_path(x, old, d->n, list[i]);

		if (!clients_of(x, d->family, list[i], to))
			continue;
		memset(had, 0, x->words * sizeof *had);
		if (was != RIB_NONE)
			clients_of(x, d->family, was, had);
		bool same =
		    was != RIB_NONE && rib_set_same(x->rib, was, list[i]);
		for (uint32_t k = 0; k < x->words; k++) {
			fresh[k] = to[k] & ~had[k];
			any_fresh |= fresh[k];
			if (same)
				to[k] &= ~had[k];
			any |= to[k];
		}
		if (any)
			export_change(x, list[i], d->family, true,
			    rib_set_at(x->rib, list[i])->path_id, to, d->id);
		if (any_fresh)
			count(x, d->family, fresh, 1);
	}
	for (uint32_t i = 0; i < d->n; i++) {
		uint64_t any = 0;
		uint32_t now = same_path(x, list, n, old[i]);

		if (!clients_of(x, d->family, old[i], gone))
			continue;
		memset(to, 0, x->words * sizeof *to);
		if (now != RIB_NONE)
			clients_of(x, d->family, now, to);
		for (uint32_t k = 0; k < x->words; k++) {
			gone[k] &= ~to[k];
			any |= gone[k];
		}
		if (!any)
			continue;
		export_change(x, RIB_NONE, d->family, true,
		    rib_set_at(x->rib, old[i])->path_id, gone, d->id);
		count(x, d->family, gone, -1);
	}
}

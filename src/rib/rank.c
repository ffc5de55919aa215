/*
 * The order of paths.  rib_rank_compare() says it for two, and why;
 * rib_rank_sort() for many; rib_rank_key() packs the first four rules into a
 * word, so that the tables need nothing else in most cases.
 */
#include "rib/store.h"

static const struct {
	const char *word;
	const char *text;
} rules[RIB_RULE_COUNT] = {
    [RIB_RULE_EQUAL] = {"equal", "both paths rank the same"},
    [RIB_RULE_LLGR_STALE] = {"llgr_stale",
	"a path that is not long-lived stale comes first (RFC 9494)"},
    [RIB_RULE_GRACEFUL_SHUTDOWN] = {"graceful_shutdown",
	"a path without GRACEFUL_SHUTDOWN comes first (RFC 8326)"},
    [RIB_RULE_PATH_LENGTH] = {"path_length", "the shorter AS path comes first"},
    [RIB_RULE_ORIGIN] = {"origin", "the lower ORIGIN comes first"},
    [RIB_RULE_MED] = {"med", "of one neighbour AS, the lower MED comes first"},
    [RIB_RULE_ROUTER_ID] = {"router_id",
	"the lower BGP identifier comes first"},
    [RIB_RULE_PEER_ADDRESS] = {"peer_address",
	"the lower peer address comes first"},
    [RIB_RULE_PATH_ID] = {"path_id", "the lower path identifier comes first"},
};

const char *rib_rule_word(enum rib_rule r)
{
	must(r < RIB_RULE_COUNT);
	return rules[r].word;
}

const char *rib_rule_text(enum rib_rule r)
{
	must(r < RIB_RULE_COUNT);
	return rules[r].text;
}

static int less(uint32_t a, uint32_t b)
{
	return a < b ? -1 : a > b;
}

/* The rules after MED. */
static int compare_peers(
    const struct rib_rank *a, const struct rib_rank *b, enum rib_rule *ret_rule)
{
	int c = less(a->id, b->id);

	*ret_rule = RIB_RULE_ROUTER_ID;
	if (c)
		return c;
	*ret_rule = RIB_RULE_PEER_ADDRESS;
	c = ip_cmp(&a->peer, &b->peer);
	if (c)
		return c;
	*ret_rule = RIB_RULE_PATH_ID;
	c = less(a->path_id, b->path_id);
	if (!c)
		*ret_rule = RIB_RULE_EQUAL;
	return c;
}

static bool same_neighbour(const struct rib_rank *a, const struct rib_rank *b)
{
	return a->neighbour && a->neighbour == b->neighbour;
}

int rib_rank_compare(
    const struct rib_rank *a, const struct rib_rank *b, enum rib_rule *ret_rule)
{
	const struct {
		uint32_t a, b;
		enum rib_rule rule;
	} steps[] = {
	    {a->llgr_stale, b->llgr_stale, RIB_RULE_LLGR_STALE},
	    {a->graceful_shutdown, b->graceful_shutdown,
		RIB_RULE_GRACEFUL_SHUTDOWN},
	    {a->path_length, b->path_length, RIB_RULE_PATH_LENGTH},
	    {a->origin, b->origin, RIB_RULE_ORIGIN},
	    {same_neighbour(a, b) ? a->med : 0,
		same_neighbour(a, b) ? b->med : 0, RIB_RULE_MED},
	};

	for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
		int c = less(steps[i].a, steps[i].b);

		*ret_rule = steps[i].rule;
		if (c)
			return c;
	}
	return compare_peers(a, b, ret_rule);
}

/* By neighbour AS; within one by MED and peer.  0 is no neighbour. */
static int compare_grouped(const struct rib_rank *a, const struct rib_rank *b)
{
	enum rib_rule rule;
	int c = less(a->neighbour, b->neighbour);

	return c ? c : rib_rank_compare(a, b, &rule);
}

/* By the rules before MED. */
static int compare_tied(const struct rib_rank *a, const struct rib_rank *b)
{
	uint64_t ka = rib_rank_key(a, false) >> RIB_KEY_SHIFT;
	uint64_t kb = rib_rank_key(b, false) >> RIB_KEY_SHIFT;

	return ka < kb ? -1 : ka > kb;
}

static void sort(const struct rib_rank *r, uint32_t *order, size_t n,
    int (*compare)(const struct rib_rank *, const struct rib_rank *))
{
	for (size_t i = 1; i < n; i++) {
		uint32_t x = order[i];
		size_t j = i;

		for (; j && compare(&r[x], &r[order[j - 1]]) < 0; j--)
			order[j] = order[j - 1];
		order[j] = x;
	}
}

/*
 * Merges the groups of one tie: again and again, of the first of each group
 * that is left, takes the one whose peer comes first.  Ties are short.
 */
static void merge_tie(const struct rib_rank *r, uint32_t *order, size_t n)
{
	enum rib_rule rule;

	sort(r, order, n, compare_grouped);
	for (size_t done = 0; done + 1 < n; done++) {
		size_t best = done;

		for (size_t i = done + 1; i < n; i++) {
			const struct rib_rank *a = &r[order[i]];

			if (same_neighbour(a, &r[order[i - 1]]))
				continue; /* not the first of its group */
			if (compare_peers(a, &r[order[best]], &rule) < 0)
				best = i;
		}
		/* What is left stays in groups. */
		uint32_t x = order[best];
		for (size_t i = best; i > done; i--)
			order[i] = order[i - 1];
		order[done] = x;
	}
}

void rib_rank_sort(const struct rib_rank *r, uint32_t *order, size_t n)
{
	sort(r, order, n, compare_tied);
	for (size_t i = 0; i < n;) {
		size_t end = i + 1;

		while (end < n && !compare_tied(&r[order[i]], &r[order[end]]))
			end++;
		merge_tie(r, order + i, end - i);
		i = end;
	}
}

#define LENGTH_BITS 14

/* rejected, llgr stale, shutting down, length, origin, 13 free, neighbour. */
uint64_t rib_rank_key(const struct rib_rank *rank, bool rejected)
{
	uint32_t length = rank->path_length;
	uint64_t k = rejected;

	if (length >= 1u << LENGTH_BITS)
		length = (1u << LENGTH_BITS) - 1;
	k = k << 1 | rank->llgr_stale;
	k = k << 1 | rank->graceful_shutdown;
	k = k << LENGTH_BITS | length;
	k = k << 2 | (rank->origin & 3u);
	return k << RIB_KEY_SHIFT | rank->neighbour;
}

void rib_rank_of(const struct rib *r, uint32_t set, struct rib_rank *ret)
{
	const struct rib_set *s = rib_set_at(r, set);
	const struct rib_slot *slot = &r->slot[rib_set_slot(r, set)];
	uint64_t key = rib_key_of(r, set);
	uint32_t top = (uint32_t)(key >> RIB_KEY_SHIFT);

	*ret = (struct rib_rank){
	    .llgr_stale = top >> (LENGTH_BITS + 3) & 1,
	    .graceful_shutdown = top >> (LENGTH_BITS + 2) & 1,
	    .path_length = (uint16_t)(top >> 2 & ((1u << LENGTH_BITS) - 1)),
	    .origin = top & 3,
	    .neighbour = (uint32_t)key,
	    .med = s->med,
	    .id = slot->id,
	    .peer = slot->peer,
	    .path_id = s->path_id,
	};
}

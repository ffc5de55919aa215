#include "ledger/merkle.h"

#include "base/attr.h"

#include <errno.h>

/* RFC 6962 s2.1: what is hashed begins with what it is. */
static const uint8_t leaf_tag = 0x00;
static const uint8_t node_tag = 0x01;

struct digest merkle_empty(void)
{
	return digest_of(NULL, 0);
}

struct digest merkle_leaf(struct bytes entry)
{
	struct bytes pieces[] = {{&leaf_tag, 1}, entry};

	return digest_of(pieces, ARRAY_SIZE(pieces));
}

struct digest merkle_node(const struct digest *left, const struct digest *right)
{
	struct bytes pieces[] = {{&node_tag, 1}, {left->b, sizeof left->b},
	    {right->b, sizeof right->b}};

	return digest_of(pieces, ARRAY_SIZE(pieces));
}

/* ---- the right edge ------------------------------------------------------ */

void merkle_edge_add(struct merkle_edge *e, const struct digest *leaf)
{
	struct digest d = *leaf;
	unsigned k = 0;

	must(e->size < UINT64_MAX);
	for (; e->size >> k & 1; k++)
		d = merkle_node(&e->node[k], &d);
	e->node[k] = d;
	e->size++;
}

struct digest merkle_edge_root(const struct merkle_edge *e)
{
	struct digest d;

	if (!e->size)
		return merkle_empty();
	unsigned k = (unsigned)__builtin_ctzll(e->size);
	d = e->node[k];
	while (++k < MERKLE_LEVELS)
		if (e->size >> k & 1)
			d = merkle_node(&e->node[k], &d);
	return d;
}

/* ---- roots and proofs of whole subtrees ---------------------------------- */

/* The largest power of two below n, as an exponent; n > 1 (s2.1). */
static unsigned split(uint64_t n)
{
	return 63 - (unsigned)__builtin_clzll(n - 1);
}

/* MTH(D[lo:lo+n]); lo is a multiple of the first power of two not below n. */
static int range_root(
    const struct merkle_source *s, uint64_t lo, uint64_t n, struct digest *ret)
{
	struct digest part[MERKLE_LEVELS];
	unsigned parts = 0;

	for (unsigned k = MERKLE_LEVELS; k-- > 0;) {
		if (!(n >> k & 1))
			continue;
		int e = s->get(s->arg, k, lo >> k, &part[parts++]);
		if (e)
			return e;
		lo += (uint64_t)1 << k;
	}
	struct digest d = part[--parts];
	while (parts)
		d = merkle_node(&part[--parts], &d);
	*ret = d;
	return 0;
}

int merkle_root(
    const struct merkle_source *s, uint64_t size, struct digest *ret)
{
	if (!size) {
		*ret = merkle_empty();
		return 0;
	}
	return range_root(s, 0, size, ret);
}

/* Proofs are found from the root down and told from the leaf up. */
static void reverse(struct merkle_proof *p)
{
	for (unsigned i = 0; i < p->n / 2; i++) {
		struct digest d = p->hash[i];

		p->hash[i] = p->hash[p->n - 1 - i];
		p->hash[p->n - 1 - i] = d;
	}
}

/*
 * One step down from D[*lo:*lo+*n]: adds the half without the leaf `at`
 * (counted from *lo), goes on in the other.
 */
static int descend(const struct merkle_source *s, uint64_t *lo, uint64_t *n,
    uint64_t *at, struct merkle_proof *p)
{
	uint64_t k = (uint64_t)1 << split(*n);
	bool right = *at >= k;
	int e = right ? range_root(s, *lo, k, &p->hash[p->n++])
		      : range_root(s, *lo + k, *n - k, &p->hash[p->n++]);

	if (right) {
		*lo += k;
		*at -= k;
		*n -= k;
	} else {
		*n = k;
	}
	return e;
}

int merkle_inclusion(const struct merkle_source *s, uint64_t index,
    uint64_t size, struct merkle_proof *ret)
{
	struct merkle_proof p = {0};
	uint64_t lo = 0;

	if (index >= size || size > MERKLE_SIZE_MAX)
		return -ERANGE;
	while (size > 1) {
		int e = descend(s, &lo, &size, &index, &p);
		if (e)
			return e;
	}
	reverse(&p);
	*ret = p;
	return 0;
}

int merkle_consistency(const struct merkle_source *s, uint64_t from,
    uint64_t to, struct merkle_proof *ret)
{
	struct merkle_proof p = {0};
	uint64_t lo = 0, last = from - 1;
	int e = 0;

	if (!from || from > to || to > MERKLE_SIZE_MAX)
		return -ERANGE;
	/* SUBPROOF: down to the subtree that ends where the old tree did. */
	while (!e && last != to - 1)
		e = descend(s, &lo, &to, &last, &p);
	/* Where that is the whole old tree its root is known already. */
	if (!e && lo)
		e = range_root(s, lo, to, &p.hash[p.n++]);
	if (e)
		return e;
	reverse(&p);
	*ret = p;
	return 0;
}

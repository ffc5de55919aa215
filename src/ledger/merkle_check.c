/* Proofs from outside: the two algorithms of RFC 9162, step by step. */
#include "ledger/merkle.h"

/*
 * fn and sn are the places of the node at hand and of the last one on its
 * level.
 */
struct climb {
	uint64_t fn;
	uint64_t sn;
};

static void up(struct climb *c)
{
	c->fn >>= 1;
	c->sn >>= 1;
}

/* True when the sibling stands on the left; skips levels without one. */
static bool left_sibling(struct climb *c)
{
	if (!(c->fn & 1) && c->fn != c->sn)
		return false;
	while (!(c->fn & 1) && c->fn)
		up(c);
	return true;
}

bool merkle_inclusion_holds(const struct merkle_proof *p, uint64_t index,
    uint64_t size, const struct digest *leaf, const struct digest *root)
{
	struct climb c = {index, size - 1};
	struct digest r = *leaf;

	if (index >= size)
		return false;
	for (unsigned i = 0; i < p->n; i++) {
		if (!c.sn)
			return false;
		if (left_sibling(&c))
			r = merkle_node(&p->hash[i], &r);
		else
			r = merkle_node(&r, &p->hash[i]);
		up(&c);
	}
	return !c.sn && digest_eq(&r, root);
}

bool merkle_consistency_holds(const struct merkle_proof *p, uint64_t from,
    uint64_t to, const struct digest *from_root, const struct digest *to_root)
{
	struct climb c = {from - 1, to - 1};
	bool whole = !(from & (from - 1));
	unsigned i = 0;

	if (!from || from > to)
		return false;
	if (from == to)
		return !p->n && digest_eq(from_root, to_root);
	if (!p->n)
		return false;
	while (c.fn & 1)
		up(&c);
	/* A whole old tree is itself what the proof would begin with. */
	struct digest fr = whole ? *from_root : p->hash[i++];
	struct digest sr = fr;
	for (; i < p->n; i++) {
		if (!c.sn)
			return false;
		if (left_sibling(&c)) {
			fr = merkle_node(&p->hash[i], &fr);
			sr = merkle_node(&p->hash[i], &sr);
		} else {
			sr = merkle_node(&sr, &p->hash[i]);
		}
		up(&c);
	}
	return !c.sn && digest_eq(&fr, from_root) && digest_eq(&sr, to_root);
}

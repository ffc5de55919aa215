/*
 * The Merkle tree of RFC 6962 s2.1: hashes of leaves and nodes, roots, and
 * inclusion and consistency proofs, made and checked.
 *
 *   level 2         (2,0)
 *   level 1    (1,0)     (1,1)         node (level, index) is the root of the
 *   level 0   0     1   2     3   4    leaves [index << level, (index+1) <<
 * level)
 *
 * Whole subtrees never change, so proofs and roots of any size are made of
 * them; where they are kept is a merkle_source's business.
 */
#pragma once

#include "ledger/digest.h"

/* Levels above the leaves, and so the hashes in a proof, at most. */
#define MERKLE_LEVELS 64
/* Beyond it no proof is made: it might not fit. */
#define MERKLE_SIZE_MAX ((uint64_t)1 << 62)

struct digest merkle_empty(void);
struct digest merkle_leaf(struct bytes entry);
struct digest merkle_node(
    const struct digest *left, const struct digest *right);

/*
 * The right edge of a tree that grows: one hash for each bit that is set in
 * its size, node[k] that of 1 << k leaves.
 */
struct merkle_edge {
	uint64_t size;
	struct digest node[MERKLE_LEVELS];
};

void merkle_edge_add(struct merkle_edge *e, const struct digest *leaf);
struct digest merkle_edge_root(const struct merkle_edge *e);

/* Gives the hash of a whole subtree.  0, or -errno, which is passed on. */
struct merkle_source {
	int (*get)(
	    void *arg, unsigned level, uint64_t index, struct digest *ret);
	void *arg;
};

struct merkle_proof {
	unsigned n;
	struct digest hash[MERKLE_LEVELS];
};

/* The root of the first size leaves.  0 or the source's error. */
int merkle_root(
    const struct merkle_source *s, uint64_t size, struct digest *ret);

/* That leaf `index` is in the tree of that size (s2.1.1).  Also -ERANGE. */
int merkle_inclusion(const struct merkle_source *s, uint64_t index,
    uint64_t size, struct merkle_proof *ret);

/*
 * That the tree of size `to` begins with that of size `from` (s2.1.2).
 * -ERANGE unless 0 < from <= to <= MERKLE_SIZE_MAX.
 */
int merkle_consistency(const struct merkle_source *s, uint64_t from,
    uint64_t to, struct merkle_proof *ret);

/* RFC 9162 s2.1.3.2.  The proof may come from anybody. */
bool merkle_inclusion_holds(const struct merkle_proof *p, uint64_t index,
    uint64_t size, const struct digest *leaf, const struct digest *root);

/* RFC 9162 s2.1.4.2; false for from 0, of which there is no proof. */
bool merkle_consistency_holds(const struct merkle_proof *p, uint64_t from,
    uint64_t to, const struct digest *from_root, const struct digest *to_root);

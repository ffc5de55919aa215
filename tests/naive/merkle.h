/* The Merkle tree as RFC 6962 s2.1 defines it: recursive, slow, obvious. */
#pragma once

#include "ledger/digest.h"

/* MTH(D[n]) of n leaf hashes. */
struct digest naive_root(const struct digest *leaf, uint64_t n);

/* PATH(m, D[n]) and PROOF(m, D[n]); give the number of hashes. */
unsigned naive_path(
    uint64_t m, const struct digest *leaf, uint64_t n, struct digest *out);
unsigned naive_proof(
    uint64_t m, const struct digest *leaf, uint64_t n, struct digest *out);

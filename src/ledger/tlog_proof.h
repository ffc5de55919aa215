/*
 * Proofs of logging that need nothing but themselves (tlog-proof): index,
 * inclusion proof and signed checkpoint in one text file.
 */
#pragma once

#include "ledger/checkpoint.h"
#include "ledger/merkle.h"

/* The whole file, at most. */
#define TLOG_PROOF_MAX (1024 * 1024)

struct tlog_proof {
	struct bytes extra; /* in base 64, not authenticated; p NULL: none */
	uint64_t index;
	struct merkle_proof path;
	struct bytes checkpoint; /* the signed note, verbatim */
};

/* Borrows text.  The checkpoint is not looked at: quorum_check() does. */
bool tlog_proof_parse(struct bytes text, struct tlog_proof *ret);

void tlog_proof_write(struct wr *w, const struct tlog_proof *p);

/* That the leaf is where the proof says, in the tree of the checkpoint. */
bool tlog_proof_holds(const struct tlog_proof *p, const struct digest *leaf,
    const struct checkpoint *c);

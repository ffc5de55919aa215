/*
 * A copy of any tlog-tiles log in a directory, checked offline: the
 * checkpoint's signatures, every entry against its tile, every tile against
 * the tree, the root by two ways against the checkpoint.
 *
 * What entries mean is not looked at.
 */
#pragma once

#include "ledger/checkpoint.h"
#include "ledger/note.h"

struct mirror_report {
	uint64_t size;	  /* of the checkpoint's tree */
	uint64_t checked; /* entries that were right before the fault */
	uint64_t signers; /* bit i: by keys[i] */
	struct digest root;
	char fault[160]; /* for people: which file, what is wrong with it */
};

/*
 * dir: of the log, borrowed.  At least one of the keys must have signed.
 *
 * 0; -EBADMSG: ret->fault is the first fault; -ENOMEM.
 */
int mirror_verify(
    int dir, const struct vkey *keys, size_t n, struct mirror_report *ret);

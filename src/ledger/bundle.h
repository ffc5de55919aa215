/*
 * Entry bundles (tlog-tiles): up to 256 entries, each with its length in two
 * bytes before it.
 */
#pragma once

#include "ledger/digest.h"

/* No entry of any log is longer; ours have a lower limit (entry.h). */
#define BUNDLE_ENTRY_MAX UINT16_MAX

/* Sets w's error when the entry is too long or does not fit. */
void bundle_add(struct wr *w, struct bytes entry);

/* The next entry, borrowed; false at the end, and rd_ok() tells which. */
bool bundle_next(struct rd *r, struct bytes *ret);

/*
 * The leaf hashes of a bundle that must hold exactly `width` entries (at most
 * 256).  False when it does not.
 */
bool bundle_leaves(struct bytes bundle, unsigned width, struct digest *ret);

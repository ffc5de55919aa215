/* Checkpoints (tlog-checkpoint): a log's size and root as a note's text. */
#pragma once

#include "ledger/digest.h"

/* Room for a checkpoint's text without extensions, for any key's name. */
#define CHECKPOINT_TEXT 400

struct checkpoint {
	struct bytes origin; /* borrowed */
	uint64_t size;
	struct digest root;
	struct bytes extensions; /* whole lines, usually none; borrowed */
};

/* The text of a note (note.h); signed by whom is not looked at. */
bool checkpoint_parse(struct bytes text, struct checkpoint *ret);

/* Extensions are not written. */
void checkpoint_write(struct wr *w, const struct checkpoint *c);

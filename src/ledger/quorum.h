/*
 * Whom to trust (tlog-policy): logs, witnesses, groups of them, and the
 * quorum that a checkpoint needs.
 */
#pragma once

#include "ledger/checkpoint.h"
#include "ledger/note.h"

/* Each of logs, witnesses and groups, at most; 32 must be taken. */
#define QUORUM_MAX NOTE_KEYS
/* A policy's text, at most. */
#define QUORUM_TEXT (256 * 1024)

struct quorum;

struct quorum_error {
	unsigned line; /* from 1; 0: of the text as a whole */
	const char *what;
};

/* NULL and *ret_error, for people; does not keep the text. */
struct quorum *quorum_parse(struct bytes text, struct quorum_error *ret_error);
void quorum_free(struct quorum *q);

/* The keys, in the order of their lines. */
const struct vkey *quorum_logs(const struct quorum *q, size_t *ret_n);
const struct vkey *quorum_witnesses(const struct quorum *q, size_t *ret_n);

/* The index of the witness with that name in the policy, or -1. */
int quorum_witness(const struct quorum *q, struct bytes name);

/* Bit i: witness i has cosigned. */
bool quorum_met(const struct quorum *q, uint64_t witnesses);

enum quorum_fault {
	QUORUM_FINE,
	QUORUM_MALFORMED, /* no note, or no checkpoint in it */
	QUORUM_NO_LOG,	  /* no log of the policy with that origin signed it */
	QUORUM_FORGED,	  /* as NOTE_FORGED */
	QUORUM_MISSED,	  /* too few witnesses */
};

const char *quorum_fault_text(enum quorum_fault f);

/*
 * Whether the policy takes a signed checkpoint.  With QUORUM_FINE, and with
 * QUORUM_MISSED too, *ret is the checkpoint, borrowed from the note.
 */
enum quorum_fault quorum_check(
    const struct quorum *q, struct bytes note, struct checkpoint *ret);

/*
 * Signed notes (signed-note): a text, an empty line, signature lines.
 *
 *   text ...\n
 *   \n
 *   — NAME base64(key ID, signature)\n
 *
 * A note says nothing before note_verify() has told who signed it.
 */
#pragma once

#include "ledger/key.h"

/* Signature lines in a note, at most; 16 must be taken. */
#define NOTE_LINES 64
/* The whole note, at most. */
#define NOTE_MAX (512 * 1024)
/* Keys that a note is verified with, at most: bits of a word. */
#define NOTE_KEYS 64
/* Room for one signature line that we write. */
#define NOTE_LINE_TEXT (KEY_NAME_MAX + 128)

struct note_line {
	struct bytes name;
	uint32_t id;
	uint8_t signature[8 + KEY_SIGNATURE]; /* the first bytes of it */
	size_t n;			      /* all of it, without the ID */
};

/* Borrows the note's bytes. */
struct note {
	struct bytes text; /* with its newline, without the empty line */
	unsigned n;
	struct note_line line[NOTE_LINES];
};

enum note_fault {
	NOTE_FINE,
	NOTE_MALFORMED,
	NOTE_UNSIGNED, /* by any of the keys */
	NOTE_FORGED,   /* a line that names one of the keys does not verify */
};

/* What is wrong, for people. */
const char *note_fault_text(enum note_fault f);

/* False when it is malformed. */
bool note_parse(struct bytes whole, struct note *ret);

/*
 * Who signed: bit i of *ret_signed for keys[i], n <= NOTE_KEYS.  Lines of
 * other keys are ignored; one of ours that does not verify spoils the note.
 */
enum note_fault note_verify(const struct note *note, const struct vkey *keys,
    size_t n, uint64_t *ret_signed);

/* A cosignature's time, of a key that has verified; 0 without one. */
uint64_t note_cosigned_at(const struct note *note, const struct vkey *key);

/*
 * Writes a signature line: of a KEY_LOG over the text, or of a KEY_COSIGNER,
 * as of that POSIX time.  text ends in a newline.
 */
void note_sign(
    struct wr *w, struct bytes text, const struct skey *key, uint64_t time_s);

/* text, the empty line and one signature. */
void note_write(
    struct wr *w, struct bytes text, const struct skey *key, uint64_t time_s);

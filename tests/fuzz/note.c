/*
 * Signed notes, keys and checkpoints: what is taken is written back as it
 * was, and nobody but the holder of a key signs.
 */
#include "fuzz.h"

#include "ledger/checkpoint.h"
#include "ledger/note.h"
#include "ledger/text.h"

#include <string.h>

static void fuzz_keys(struct bytes text)
{
	char out[KEY_TEXT];
	struct vkey v;
	struct skey s;

	if (vkey_parse(text, &v))
		PROPERTY(text_is(text, vkey_format(&v, out)));
	if (skey_parse(text, &s))
		PROPERTY(text_is(text, skey_format(&s, out)));
}

static void fuzz_checkpoint(struct bytes text)
{
	struct checkpoint c;
	uint8_t *again = malloc(text.n + !text.n);
	struct wr w = wr_from(again, text.n);

	if (checkpoint_parse(text, &c)) {
		checkpoint_write(&w, &c);
		wr_bytes(&w, c.extensions.p, c.extensions.n);
		PROPERTY(wr_ok(&w) && wr_len(&w) == text.n);
		PROPERTY(!memcmp(again, text.p, text.n));
	}
	free(again);
}

static void fuzz_note(struct bytes whole)
{
	static const uint8_t seed[32] = {1};
	static struct skey key[2];
	static struct note note;
	struct vkey keys[2];
	uint64_t signers = 0;

	if (!key[0].v.id) {
		PROPERTY(!key_init());
		PROPERTY(!skey_from_seed("a.example", KEY_LOG, seed, &key[0]));
		PROPERTY(
		    !skey_from_seed("a.example", KEY_COSIGNER, seed, &key[1]));
	}
	keys[0] = key[0].v;
	keys[1] = key[1].v;
	if (!note_parse(whole, &note))
		return;
	PROPERTY(note.n >= 1 && note.n <= NOTE_LINES);
	PROPERTY(note.text.n && note.text.p[note.text.n - 1] == '\n');
	/* Its key is public: a fuzzer does not find a signature. */
	if (note_verify(&note, keys, 2, &signers) == NOTE_FINE)
		PROPERTY(signers && signers < 4);
	fuzz_checkpoint(note.text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	uint8_t *exact = malloc(n + !n);
	struct bytes b = {exact, n};

	if (n)
		memcpy(exact, data, n);
	fuzz_note(b);
	fuzz_keys(b);
	fuzz_checkpoint(b);
	free(exact);
	return 0;
}

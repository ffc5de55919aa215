#include "ledger/note.h"

#include "ledger/text.h"

#define DASH "\xe2\x80\x94" /* U+2014 */

const char *note_fault_text(enum note_fault f)
{
	static const char *const text[] = {
	    [NOTE_FINE] = "signed",
	    [NOTE_MALFORMED] = "not a signed note",
	    [NOTE_UNSIGNED] = "not signed by a key that is trusted here",
	    [NOTE_FORGED] = "a signature in a trusted key's name is false",
	};

	return text[f];
}

/* ---- reading ------------------------------------------------------------- */

static bool parse_line(struct bytes line, struct note_line *ret)
{
	struct rd r = rd_from(line.p, line.n);
	uint8_t raw[4 + sizeof ret->signature];

	if (!text_take(&r, DASH " ") || !text_until(&r, ' ', &ret->name) ||
	    !text_key_name(ret->name))
		return false;
	size_t left = rd_left(&r);
	struct bytes rest = {rd_take(&r, left), left};
	memset(raw, 0, sizeof raw);
	ptrdiff_t n = text_base64(rest, raw, sizeof raw);
	if (n <= 4)
		return false;
	struct rd id = rd_from(raw, sizeof raw);
	ret->id = rd_u32(&id);
	rd_copy(&id, ret->signature, sizeof ret->signature);
	ret->n = (size_t)n - 4;
	return true;
}

/*
 * The last empty line splits the note: no signature line is empty, so what
 * follows the split is all lines that begin with a dash.
 */
static bool split(struct bytes whole, struct bytes *text, struct rd *lines)
{
	struct rd r = rd_from(whole.p, whole.n);
	struct bytes line;
	bool found = false;
	size_t before = 0;

	while (rd_left(&r)) {
		if (!text_line(&r, &line))
			return false;
		size_t after = whole.n - rd_left(&r);
		if (!line.n) {
			found = before > 0;
			*text = (struct bytes){whole.p, before};
			*lines = r;
		}
		before = after;
	}
	return found;
}

bool note_parse(struct bytes whole, struct note *ret)
{
	struct rd lines;
	struct bytes line;

	ret->n = 0;
	if (whole.n > NOTE_MAX || !text_utf8(whole) ||
	    !split(whole, &ret->text, &lines))
		return false;
	while (rd_left(&lines))
		if (ret->n == NOTE_LINES || !text_line(&lines, &line) ||
		    !parse_line(line, &ret->line[ret->n++]))
			return false;
	return ret->n > 0;
}

/* ---- signatures ---------------------------------------------------------- */

/* Room for what a cosigner signs: longer texts are not verified. */
#define COSIGN_TEXT 4096

/* The message of tlog-cosignature; gives its length, 0: too long. */
static size_t cosign_message(
    struct bytes text, uint64_t time_s, uint8_t out[COSIGN_TEXT])
{
	struct wr w = wr_from(out, COSIGN_TEXT);

	text_put(&w, "cosignature/v1\ntime ");
	text_put_u64(&w, time_s);
	text_put(&w, "\n");
	wr_bytes(&w, text.p, text.n);
	return wr_ok(&w) ? wr_len(&w) : 0;
}

static uint64_t time_of(const struct note_line *l)
{
	struct rd r = rd_from(l->signature, 8);

	return rd_u64(&r);
}

static bool cosignature_holds(
    struct bytes text, const struct note_line *l, const struct vkey *key)
{
	static uint8_t message[COSIGN_TEXT]; /* one thread */
	uint64_t time_s = time_of(l);

	if (l->n != 8 + KEY_SIGNATURE || time_s > INT64_MAX)
		return false;
	size_t n = cosign_message(text, time_s, message);
	return n &&
	       vkey_verify(key, (struct bytes){message, n}, l->signature + 8);
}

static bool line_is_of(const struct note_line *l, const struct vkey *key)
{
	return l->id == key->id && text_is(l->name, key->name);
}

static bool line_holds(
    struct bytes text, const struct note_line *l, const struct vkey *key)
{
	if (key->type == KEY_COSIGNER)
		return cosignature_holds(text, l, key);
	return l->n == KEY_SIGNATURE && vkey_verify(key, text, l->signature);
}

enum note_fault note_verify(const struct note *note, const struct vkey *keys,
    size_t n, uint64_t *ret_signed)
{
	uint64_t signers = 0;

	must(n <= NOTE_KEYS);
	for (unsigned i = 0; i < note->n; i++)
		for (size_t k = 0; k < n; k++) {
			if (!line_is_of(&note->line[i], &keys[k]))
				continue;
			if (!line_holds(note->text, &note->line[i], &keys[k]))
				return NOTE_FORGED;
			signers |= (uint64_t)1 << k;
		}
	if (!signers)
		return NOTE_UNSIGNED;
	*ret_signed = signers;
	return NOTE_FINE;
}

uint64_t note_cosigned_at(const struct note *note, const struct vkey *key)
{
	uint64_t latest = 0;

	if (key->type != KEY_COSIGNER)
		return 0;
	for (unsigned i = 0; i < note->n; i++)
		if (line_is_of(&note->line[i], key) &&
		    time_of(&note->line[i]) > latest)
			latest = time_of(&note->line[i]);
	return latest;
}

/* ---- signing ------------------------------------------------------------- */

void note_sign(
    struct wr *w, struct bytes text, const struct skey *key, uint64_t time_s)
{
	static uint8_t message[COSIGN_TEXT]; /* one thread */
	uint8_t raw[4 + 8 + KEY_SIGNATURE];
	struct wr blob = wr_from(raw, sizeof raw);
	uint8_t signature[KEY_SIGNATURE];

	wr_u32(&blob, key->v.id);
	if (key->v.type == KEY_COSIGNER) {
		size_t n = cosign_message(text, time_s, message);

		if (!n || time_s > INT64_MAX) {
			w->bad = true;
			return;
		}
		wr_u32(&blob, (uint32_t)(time_s >> 32));
		wr_u32(&blob, (uint32_t)time_s);
		skey_sign(key, (struct bytes){message, n}, signature);
	} else {
		skey_sign(key, text, signature);
	}
	wr_bytes(&blob, signature, sizeof signature);
	text_put(w, DASH " ");
	text_put(w, key->v.name);
	text_put(w, " ");
	text_put_base64(w, raw, wr_len(&blob));
	text_put(w, "\n");
}

void note_write(
    struct wr *w, struct bytes text, const struct skey *key, uint64_t time_s)
{
	wr_bytes(w, text.p, text.n);
	text_put(w, "\n");
	note_sign(w, text, key, time_s);
}

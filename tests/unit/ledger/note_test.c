/* Signed notes, checkpoints and cosignatures: known answers both ways. */
#include "tests/check.h"

#include "ledger/checkpoint.h"
#include "ledger/note.h"
#include "ledger/text.h"
#include "tests/unit/ledger/vectors.h"

#include <sodium.h>
#include <stdlib.h>

static struct note note;
static struct vkey keys[NOTE_KEYS];

static size_t load_keys(json_t *list)
{
	size_t n = json_array_size(list);

	for (size_t i = 0; i < n; i++)
		assert_true(vkey_parse(
		    text_of(json_string_value(json_array_get(list, i))),
		    &keys[i]));
	return n;
}

/* Some notes hold what no JSON string does. */
static struct bytes note_of(json_t *row, uint8_t buf[4096])
{
	json_t *s = json_object_get(row, "note");
	size_t n;

	if (s)
		return (struct bytes){(const uint8_t *)json_string_value(s),
		    json_string_length(s)};
	const char *b64 = vector_text(row, "note_b64");
	assert_int_equal(sodium_base642bin(buf, 4096, b64, strlen(b64), NULL,
			     &n, NULL, sodium_base64_VARIANT_ORIGINAL),
	    0);
	return (struct bytes){buf, n};
}

static bool opens(struct bytes whole, size_t n, uint64_t *ret)
{
	return note_parse(whole, &note) &&
	       note_verify(&note, keys, n, ret) == NOTE_FINE;
}

static void checkpoint_is(json_t *want)
{
	struct checkpoint c;
	struct digest root;

	assert_true(checkpoint_parse(note.text, &c));
	assert_true(
	    text_is(c.origin, json_string_value(json_array_get(want, 0))));
	assert_int_equal(c.size, json_integer_value(json_array_get(want, 1)));
	assert_true(
	    vector_digest(json_string_value(json_array_get(want, 2)), &root));
	assert_memory_equal(c.root.b, root.b, 32);
}

static void no_beginning_opens(struct bytes whole, size_t n_keys)
{
	uint64_t signers;

	for (size_t n = 0; n < whole.n; n++) {
		uint8_t *exact = malloc(n + !n);

		memcpy(exact, whole.p, n);
		/* Without its later lines it is a note still. */
		if (opens((struct bytes){exact, n}, n_keys, &signers))
			assert_int_equal(exact[n - 1], '\n');
		free(exact);
	}
}

static void one_note(json_t *row)
{
	static uint8_t buf[4096];
	struct bytes whole = note_of(row, buf);
	size_t n = load_keys(json_object_get(row, "vkeys"));
	json_t *names = json_object_get(row, "verified");
	json_t *cp = json_object_get(row, "checkpoint");
	uint64_t signers = 0;
	bool ok = opens(whole, n, &signers);

	if (ok != vector_is(row, "ok"))
		fail_msg("%s: %s", vector_text(row, "name"),
		    ok ? "accepted" : "refused");
	if (!ok)
		return;
	assert_int_equal(__builtin_popcountll(signers), json_array_size(names));
	if (cp)
		checkpoint_is(cp);
	no_beginning_opens(whole, n);
}

static void notes_are_told_from_bad_ones(void **state)
{
	(void)state;
	vectors_each("notes.jsonl", one_note);
}

static void sixteen_signatures_and_more_are_taken(void **state)
{
	static uint8_t buf[NOTE_LINE_TEXT * (NOTE_LINES + 2)];
	struct wr w = wr_from(buf, sizeof buf);
	struct bytes text = text_of("a text\n");
	uint64_t signers;
	struct skey k;
	char name[16];

	(void)state;
	for (int i = 0; i <= NOTE_LINES; i++) {
		snprintf(name, sizeof name, "k%d.example", i);
		assert_int_equal(skey_new(name, KEY_LOG, &k), 0);
		if (i == 0)
			note_write(&w, text, &k, 0);
		else
			note_sign(&w, text, &k, 0);
		if (i < NOTE_KEYS)
			keys[i] = k.v;
		if (i == NOTE_LINES - 1)
			assert_true(opens((struct bytes){buf, wr_len(&w)},
			    NOTE_KEYS, &signers));
	}
	assert_true(signers == UINT64_MAX);
	assert_false(note_parse((struct bytes){buf, wr_len(&w)}, &note));
}

static void signing_gives_the_known_bytes(void **state)
{
	static uint8_t buf[2048];
	json_t *j = vectors_load("signing.json");
	struct wr w = wr_from(buf, sizeof buf);
	struct skey k;

	(void)state;
	assert_true(skey_parse(text_of(vector_text(j, "skey")), &k));
	note_write(&w, text_of(vector_text(j, "text")), &k, 0);
	assert_true(wr_ok(&w));
	assert_true(
	    text_is((struct bytes){buf, wr_len(&w)}, vector_text(j, "note")));
	json_decref(j);
}

static void cosigning_gives_the_known_bytes(void **state)
{
	static uint8_t buf[2048];
	json_t *j = vectors_load("signing.json");
	const char *whole = vector_text(j, "cosigned");
	uint64_t time_s =
	    (uint64_t)json_integer_value(json_object_get(j, "cosign_time"));
	struct wr w = wr_from(buf, sizeof buf);
	struct bytes seed = text_of("skylight test witness key");
	struct digest d = digest_of(&seed, 1);
	struct skey k;
	char out[KEY_TEXT];

	(void)state;
	assert_int_equal(
	    skey_from_seed("witness.example.org", KEY_COSIGNER, d.b, &k), 0);
	assert_string_equal(
	    vkey_format(&k.v, out), vector_text(j, "cosigner_vkey"));
	assert_true(note_parse(text_of(whole), &note));
	note_sign(&w, note.text, &k, time_s);
	wr_u8(&w, 0);
	assert_true(wr_ok(&w));
	/* The second signature line of the note. */
	assert_string_equal(
	    (char *)buf, whole + strlen(whole) - strlen((char *)buf));
	assert_int_equal(note_cosigned_at(&note, &k.v), time_s);
	json_decref(j);
}

static void a_time_beyond_63_bits_is_not_signed(void **state)
{
	uint8_t buf[512];
	struct wr w = wr_from(buf, sizeof buf);
	struct skey k;

	(void)state;
	assert_int_equal(skey_new("w.example", KEY_COSIGNER, &k), 0);
	note_sign(&w, text_of("a\n0\nb\n"), &k, (uint64_t)1 << 63);
	assert_false(wr_ok(&w));
}

static void checkpoints_have_one_text(void **state)
{
#define ROOT "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n"
	static const char *const bad[] = {"", "a\n", "a\n0\n", "\n0\n" ROOT,
	    "a\n00\n" ROOT, "a\n01\n" ROOT, "a\n+1\n" ROOT, "a\n-1\n" ROOT,
	    "a\n1 \n" ROOT, "a\n18446744073709551616\n" ROOT, "a\n0\nAAAA\n",
	    "a\n0\n" ROOT "\n", "a\n0\n" ROOT "x",
	    /* Bits beyond the end of base 64. */
	    "a\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFV=\n"};
	uint8_t buf[256];
	struct wr w = wr_from(buf, sizeof buf);
	struct checkpoint c;

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		if (checkpoint_parse(text_of(bad[i]), &c))
			fail_msg("accepted: %s", bad[i]);
	assert_true(checkpoint_parse(text_of("a\n0\n" ROOT "x\ny\n"), &c));
	assert_true(text_is(c.extensions, "x\ny\n"));
	assert_true(checkpoint_parse(text_of("a b\n0\n" ROOT), &c));
	checkpoint_write(&w, &c);
	assert_true(text_is((struct bytes){buf, wr_len(&w)}, "a b\n0\n" ROOT));
}

static int start(void **state)
{
	(void)state;
	return key_init();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(notes_are_told_from_bad_ones),
	    cmocka_unit_test(sixteen_signatures_and_more_are_taken),
	    cmocka_unit_test(signing_gives_the_known_bytes),
	    cmocka_unit_test(cosigning_gives_the_known_bytes),
	    cmocka_unit_test(a_time_beyond_63_bits_is_not_signed),
	    cmocka_unit_test(checkpoints_have_one_text),
	};

	return cmocka_run_group_tests(tests, start, NULL);
}

/* tlog-proof files: known ones, and those of whole logs with their keys. */
#include "tests/check.h"

#include "ledger/note.h"
#include "ledger/text.h"
#include "ledger/tlog_proof.h"
#include "tests/unit/ledger/vectors.h"

#include <stdlib.h>

static void comes_back(struct bytes text, const struct tlog_proof *p)
{
	uint8_t *again = malloc(text.n);
	struct wr w = wr_from(again, text.n);

	tlog_proof_write(&w, p);
	assert_true(wr_ok(&w));
	assert_int_equal(wr_len(&w), text.n);
	assert_memory_equal(again, text.p, text.n);
	free(again);
}

static void one_proof(json_t *row)
{
	struct bytes text = text_of(vector_text(row, "proof"));
	struct tlog_proof p;
	bool ok = tlog_proof_parse(text, &p);

	if (ok != vector_is(row, "ok"))
		fail_msg("%s: %s", vector_text(row, "name"),
		    ok ? "accepted" : "refused");
	if (!ok)
		return;
	comes_back(text, &p);
	size_t head = text.n - p.checkpoint.n;
	for (size_t n = 0; n <= head; n++) {
		uint8_t *exact = malloc(n + !n);

		memcpy(exact, text.p, n);
		assert_false(tlog_proof_parse((struct bytes){exact, n}, &p));
		free(exact);
	}
}

static void the_format_is_that_of_the_specification(void **state)
{
	(void)state;
	vectors_each("proofs-format.jsonl", one_proof);
}

/* ---- proofs made on whole logs ------------------------------------------ */

static struct vkey keys[4];

static size_t load_keys(json_t *list)
{
	for (size_t i = 0; i < json_array_size(list); i++)
		assert_true(vkey_parse(
		    text_of(json_string_value(json_array_get(list, i))),
		    &keys[i]));
	return json_array_size(list);
}

static bool holds(struct bytes text, const char *leaf, json_t *log, json_t *row)
{
	static struct note note;
	struct tlog_proof p;
	struct checkpoint c;
	struct digest d = merkle_leaf(text_of(leaf));
	json_t *need = json_object_get(row, "quorum");
	uint64_t signers = 0;

	if (!tlog_proof_parse(text, &p) || !note_parse(p.checkpoint, &note) ||
	    !checkpoint_parse(note.text, &c))
		return false;
	size_t n = load_keys(json_object_get(log, "vkeys"));
	if (note_verify(&note, keys, n, &signers))
		return false;
	n = load_keys(json_object_get(row, "cosigners"));
	signers = 0;
	if (n && note_verify(&note, keys, n, &signers) == NOTE_FORGED)
		return false;
	return __builtin_popcountll(signers) >= json_integer_value(need) &&
	       tlog_proof_holds(&p, &d, &c);
}

static void one_file(json_t *log, json_t *row)
{
	size_t n;
	uint8_t *p = vectors_read(vector_text(row, "file"), &n);

	assert_non_null(p);
	bool ok =
	    holds((struct bytes){p, n}, vector_text(row, "leaf"), log, row);
	if (ok != vector_is(row, "ok"))
		fail_msg("%s: %s", vector_text(row, "file"),
		    ok ? "accepted" : "refused");
	free(p);
}

static void proofs_of_other_logs_are_told_from_bad_ones(void **state)
{
	json_t *logs = vectors_load("logs.json");

	(void)state;
	assert_true(json_array_size(logs) > 0);
	for (size_t i = 0; i < json_array_size(logs); i++) {
		json_t *log = json_array_get(logs, i);
		json_t *proofs = json_object_get(log, "proofs");

		for (size_t k = 0; k < json_array_size(proofs); k++)
			one_file(log, json_array_get(proofs, k));
	}
	json_decref(logs);
}

static int start(void **state)
{
	(void)state;
	return key_init();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_format_is_that_of_the_specification),
	    cmocka_unit_test(proofs_of_other_logs_are_told_from_bad_ones),
	};

	return cmocka_run_group_tests(tests, start, NULL);
}

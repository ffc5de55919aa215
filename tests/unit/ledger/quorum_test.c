/* tlog-policy: known files, good and bad, and whole checkpoints against one. */
#include "tests/check.h"

#include "ledger/quorum.h"
#include "ledger/text.h"
#include "tests/unit/ledger/vectors.h"

#include <stdlib.h>

static uint64_t bits(const struct quorum *q, json_t *names)
{
	uint64_t b = 0;

	for (size_t i = 0; i < json_array_size(names); i++) {
		int w = quorum_witness(
		    q, text_of(json_string_value(json_array_get(names, i))));

		/* A name that the policy does not have cosigns nothing. */
		if (w >= 0)
			b |= (uint64_t)1 << w;
	}
	return b;
}

static void all_give(
    const struct quorum *q, json_t *sets, bool want, const char *name)
{
	for (size_t i = 0; i < json_array_size(sets); i++)
		if (quorum_met(q, bits(q, json_array_get(sets, i))) != want)
			fail_msg("%s: set %zu", name, i);
}

static void one_policy(json_t *row)
{
	const char *name = vector_text(row, "name");
	struct bytes text = text_of(vector_text(row, "policy"));
	struct quorum_error e = {0};
	struct quorum *q = quorum_parse(text, &e);

	if (!q != !vector_is(row, "ok"))
		fail_msg("%s: %s", name, q ? "accepted" : e.what);
	if (!q) {
		assert_non_null(e.what);
		return;
	}
	all_give(q, json_object_get(row, "satisfied_by"), true, name);
	all_give(q, json_object_get(row, "not_satisfied_by"), false, name);
	quorum_free(q);
	for (size_t n = 0; n < text.n; n++) {
		uint8_t *exact = malloc(n + !n);

		memcpy(exact, text.p, n);
		assert_null(quorum_parse((struct bytes){exact, n}, &e));
		free(exact);
	}
}

static void policies_are_told_from_bad_ones(void **state)
{
	(void)state;
	vectors_each("policy.jsonl", one_policy);
}

static void errors_name_the_line(void **state)
{
	struct quorum_error e;

	(void)state;
	assert_null(quorum_parse(text_of("# fine\n\nlog x\n"), &e));
	assert_int_equal(e.line, 3);
	assert_string_equal(e.what, "this is no Ed25519 vkey (NAME+ID+KEY)");
	assert_null(quorum_parse(text_of("# fine\n"), &e));
	assert_int_equal(e.line, 0);
	assert_string_equal(e.what, "there is no quorum line");
	assert_null(quorum_parse(text_of("quorum none none\n"), &e));
	assert_int_equal(e.line, 1);
}

/* ---- limits -------------------------------------------------------------- */

static void sixty_four_of_each_are_taken(void **state)
{
	static char text[QUORUM_TEXT];
	struct wr w = wr_from(text, sizeof text);
	struct quorum_error e;
	char key[KEY_TEXT], line[KEY_TEXT + 32];
	struct skey k;
	size_t n;

	(void)state;
	for (int i = 0; i < 64; i++) {
		snprintf(line, sizeof line, "w%d.example", i);
		assert_int_equal(skey_new(line, KEY_COSIGNER, &k), 0);
		snprintf(line, sizeof line, "witness w%d %s\ngroup g%d 1 w%d\n",
		    i, vkey_format(&k.v, key), i, i);
		text_put(&w, line);
	}
	text_put(&w, "quorum g63\n");
	struct quorum *q =
	    quorum_parse((struct bytes){(uint8_t *)text, wr_len(&w)}, &e);
	assert_non_null(q);
	(void)quorum_witnesses(q, &n);
	assert_int_equal(n, 64);
	assert_true(quorum_met(q, (uint64_t)1 << 63));
	assert_false(quorum_met(q, UINT64_MAX >> 1));
	quorum_free(q);
	text_put(&w, "group g64 1 g0\n");
	assert_null(
	    quorum_parse((struct bytes){(uint8_t *)text, wr_len(&w)}, &e));
	assert_string_equal(e.what, "too many groups (64)");
}

/* ---- signed checkpoints -------------------------------------------------- */

#define TREE "ix.example/log\n1\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n"

static struct skey log_key, other_log, witness[2];

static struct quorum *two_witnesses(void)
{
	char text[4 * KEY_TEXT], key[3][KEY_TEXT];
	struct quorum_error e;
	struct quorum *q;

	assert_int_equal(skey_new("ix.example/log", KEY_LOG, &log_key), 0);
	assert_int_equal(skey_new("other.example", KEY_LOG, &other_log), 0);
	assert_int_equal(skey_new("a.example", KEY_COSIGNER, &witness[0]), 0);
	assert_int_equal(skey_new("b.example", KEY_COSIGNER, &witness[1]), 0);
	snprintf(text, sizeof text,
	    "log %s https://ix.example/\nwitness a %s\nwitness b %s\n"
	    "group both all a b\nquorum both\n",
	    vkey_format(&log_key.v, key[0]), vkey_format(&witness[0].v, key[1]),
	    vkey_format(&witness[1].v, key[2]));
	q = quorum_parse(text_of(text), &e);
	assert_non_null(q);
	return q;
}

static void a_checkpoint_needs_its_log_and_the_quorum(void **state)
{
	struct quorum *q = two_witnesses();
	uint8_t buf[2048];
	struct wr w = wr_from(buf, sizeof buf);
	struct checkpoint c;

	(void)state;
#define CHECKED quorum_check(q, (struct bytes){buf, wr_len(&w)}, &c)
	note_write(&w, text_of(TREE), &other_log, 0);
	assert_int_equal(CHECKED, QUORUM_NO_LOG);
	note_sign(&w, text_of(TREE), &log_key, 0);
	assert_int_equal(CHECKED, QUORUM_MISSED);
	note_sign(&w, text_of(TREE), &witness[0], 1700000000);
	assert_int_equal(CHECKED, QUORUM_MISSED);
	note_sign(&w, text_of(TREE), &witness[1], 1700000001);
	assert_int_equal(CHECKED, QUORUM_FINE);
	assert_int_equal(c.size, 1);
	buf[0] = 'j';
	assert_int_equal(CHECKED, QUORUM_FORGED);
	w = wr_from(buf, sizeof buf);
	note_write(&w, text_of("no checkpoint\n"), &log_key, 0);
	assert_int_equal(CHECKED, QUORUM_MALFORMED);
	quorum_free(q);
}

static void an_origin_is_its_logs_name(void **state)
{
	struct quorum *q = two_witnesses();
	uint8_t buf[2048];
	struct wr w = wr_from(buf, sizeof buf);
	struct checkpoint c;

	(void)state;
	note_write(&w, text_of("x" TREE), &log_key, 0);
	assert_int_equal(CHECKED, QUORUM_NO_LOG);
	quorum_free(q);
}

static int start(void **state)
{
	(void)state;
	return key_init();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(policies_are_told_from_bad_ones),
	    cmocka_unit_test(errors_name_the_line),
	    cmocka_unit_test(sixty_four_of_each_are_taken),
	    cmocka_unit_test(a_checkpoint_needs_its_log_and_the_quorum),
	    cmocka_unit_test(an_origin_is_its_logs_name),
	};

	return cmocka_run_group_tests(tests, start, NULL);
}

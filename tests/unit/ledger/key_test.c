/* Keys as text and in files. */
#include "tests/check.h"

#include "ledger/key.h"
#include "ledger/text.h"
#include "tests/unit/ledger/vectors.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static void one_vkey(json_t *row)
{
	const char *text = vector_text(row, "vkey");
	struct vkey k;
	char out[KEY_TEXT];
	bool ok = vkey_parse(text_of(text), &k);

	if (ok != vector_is(row, "ok"))
		fail_msg("%s: %s", vector_text(row, "name"),
		    ok ? "accepted" : "refused");
	if (!ok)
		return;
	assert_string_equal(vkey_format(&k, out), text);
	for (size_t n = 0; n < strlen(text); n++) {
		uint8_t *exact = malloc(n + !n);

		memcpy(exact, text, n);
		assert_false(vkey_parse((struct bytes){exact, n}, &k));
		free(exact);
	}
}

static void verifier_keys_are_told_from_bad_ones(void **state)
{
	(void)state;
	vectors_each("vkeys.jsonl", one_vkey);
}

static void a_secret_key_has_its_public_one(void **state)
{
	json_t *j = vectors_load("signing.json");
	const char *text = vector_text(j, "skey");
	struct skey k;
	char out[KEY_TEXT];

	(void)state;
	assert_true(skey_parse(text_of(text), &k));
	assert_string_equal(skey_format(&k, out), text);
	assert_string_equal(vkey_format(&k.v, out), vector_text(j, "vkey"));
	for (size_t n = 0; n < strlen(text); n++) {
		uint8_t *exact = malloc(n + !n);

		memcpy(exact, text, n);
		assert_false(skey_parse((struct bytes){exact, n}, &k));
		free(exact);
	}
	json_decref(j);
}

static void names_hold_no_space_and_no_plus(void **state)
{
	static const char *const bad[] = {"", "a b", "a+b", "a\tb", "a\nb",
	    "a\xc2\x85", "a\xc2\xa0", "\xe3\x80\x80", "\xe2\x80\xa8", "\xff",
	    "\xed\xa0\x80", "\xc0\xaf", "\xf4\x90\x80\x80"};
	struct skey k;
	char longest[KEY_NAME_MAX + 2];

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		assert_int_equal(skey_new(bad[i], KEY_LOG, &k), -EINVAL);
	assert_int_equal(skey_new("é.example/log", KEY_LOG, &k), 0);
	memset(longest, 'a', sizeof longest);
	longest[sizeof longest - 1] = 0;
	assert_int_equal(skey_new(longest, KEY_LOG, &k), -EINVAL);
	longest[sizeof longest - 2] = 0;
	assert_int_equal(skey_new(longest, KEY_LOG, &k), 0);
}

/* ---- files --------------------------------------------------------------- */

static char dir[] = "/tmp/spean-key-XXXXXX";
static char path[64];

static int make_dir(void **state)
{
	(void)state;
	if (key_init() || !mkdtemp(dir))
		return -1;
	snprintf(path, sizeof path, "%s/key", dir);
	return 0;
}

static int remove_dir(void **state)
{
	(void)state;
	unlink(path);
	return rmdir(dir);
}

static void a_key_file_is_for_its_owner_alone(void **state)
{
	struct skey k, back;
	struct stat st;

	(void)state;
	assert_int_equal(skey_new("ix.example/log", KEY_LOG, &k), 0);
	assert_int_equal(key_file_write(path, &k), 0);
	assert_int_equal(key_file_write(path, &k), -EEXIST);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(key_file_read(path, &back), 0);
	assert_memory_equal(&k, &back, sizeof k);
	for (mode_t m = 01; m <= 040; m <<= 1) {
		assert_int_equal(chmod(path, 0600 | m), 0);
		assert_int_equal(key_file_read(path, &back), -EPERM);
	}
	assert_int_equal(unlink(path), 0);
}

static void no_key_file_is_told(void **state)
{
	struct skey k;
	FILE *f;

	(void)state;
	assert_int_equal(key_file_read(path, &k), -ENOENT);
	assert_int_equal(symlink("/dev/null", path), 0);
	assert_int_equal(key_file_read(path, &k), -ELOOP);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_int_equal(key_file_read(path, &k), -EINVAL);
	assert_int_equal(unlink(path), 0);
	f = fopen(path, "w");
	assert_non_null(f);
	fputs("PRIVATE+KEY+PeterNeumann\n", f);
	fclose(f);
	assert_int_equal(chmod(path, 0600), 0);
	assert_int_equal(key_file_read(path, &k), -EINVAL);
	assert_int_equal(unlink(path), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(verifier_keys_are_told_from_bad_ones),
	    cmocka_unit_test(a_secret_key_has_its_public_one),
	    cmocka_unit_test(names_hold_no_space_and_no_plus),
	    cmocka_unit_test(a_key_file_is_for_its_owner_alone),
	    cmocka_unit_test(no_key_file_is_told),
	};

	return cmocka_run_group_tests(tests, make_dir, remove_dir);
}

/* Copies of other programs' logs: whole ones hold, a changed byte is found. */
#include "tests/check.h"

#include "ledger/bundle.h"
#include "ledger/mirror.h"
#include "ledger/text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MIRROR_KEY                                                             \
	"mirror.example.org+3fb148ef+"                                         \
	"BAAjjch9GyYz0sJsJx7ALhbdAtz2ov0unbzSl1vMp94O"
#define TESSERA_KEY                                                            \
	"example.com/log/"                                                     \
	"testdata+33d7b496+AeHTu4Q3hEIMHNqc6fASMsq3rKNx280NI+oO5xCFkkSx"

static char dir[] = "/tmp/spean-mirror-XXXXXX";
static const char *const files[] = {"checkpoint", "tile/entries/000",
    "tile/entries/001.p/44", "tile/0/000", "tile/0/001.p/44", "tile/1/000.p/1"};

static int verify(const char *path, const char *vkey, struct mirror_report *r)
{
	struct vkey k;
	int fd = open(path, O_RDONLY | O_DIRECTORY);

	assert_true(fd >= 0);
	assert_true(vkey_parse(text_of(vkey), &k));
	int e = mirror_verify(fd, &k, 1, r);
	close(fd);
	return e;
}

static int copy_log(void **state)
{
	char cmd[512];

	(void)state;
	if (key_init() || !mkdtemp(dir))
		return -1;
	snprintf(cmd, sizeof cmd, "cp -r '%s/log-sunlight300/.' '%s'",
	    TLOG_DATA, dir);
	return system(cmd);
}

static int remove_log(void **state)
{
	char cmd[128];

	(void)state;
	snprintf(cmd, sizeof cmd, "rm -rf '%s'", dir);
	return system(cmd);
}

static void logs_of_others_hold(void **state)
{
	struct mirror_report r;

	(void)state;
	assert_int_equal(verify(dir, MIRROR_KEY, &r), 0);
	assert_int_equal(r.size, 300);
	assert_int_equal(r.checked, 300);
	assert_int_equal(r.signers, 1);
	assert_int_equal(
	    verify(TLOG_DATA "/log-tessera15", TESSERA_KEY, &r), 0);
	assert_int_equal(r.size, 15);
}

static void a_strangers_log_is_refused(void **state)
{
	struct mirror_report r;

	(void)state;
	assert_int_equal(verify(dir, TESSERA_KEY, &r), -EBADMSG);
	assert_string_equal(
	    r.fault, "checkpoint: not signed by a key that is trusted here");
}

static int flip(const char *path, long at)
{
	FILE *f = fopen(path, "r+b");
	int c = EOF;

	assert_non_null(f);
	if (!fseek(f, at, SEEK_SET))
		c = fgetc(f);
	if (c != EOF) {
		assert_int_equal(fseek(f, at, SEEK_SET), 0);
		fputc(c ^ 1, f);
	}
	fclose(f);
	return c;
}

static void a_changed_byte_is_found(void **state)
{
	struct mirror_report r;
	char path[128];

	(void)state;
	for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
		snprintf(path, sizeof path, "%s/%s", dir, files[i]);
		/* The other log's signature line comes first: unknown here. */
		long step = i ? 37 : 1, last = i ? 1 << 20 : 64;

		for (long at = 0; at < last && flip(path, at) != EOF;
		     at += step) {
			assert_int_equal(verify(dir, MIRROR_KEY, &r), -EBADMSG);
			assert_true(r.fault[0] != 0);
			flip(path, at);
		}
	}
	assert_int_equal(verify(dir, MIRROR_KEY, &r), 0);
}

static void a_missing_file_is_named(void **state)
{
	struct mirror_report r;
	char path[128], aside[160];

	(void)state;
	for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
		snprintf(path, sizeof path, "%s/%s", dir, files[i]);
		snprintf(aside, sizeof aside, "%s.aside", path);
		assert_int_equal(rename(path, aside), 0);
		assert_int_equal(verify(dir, MIRROR_KEY, &r), -EBADMSG);
		assert_true(!strncmp(r.fault, files[i], strlen(files[i])));
		assert_non_null(strstr(r.fault, "No such file"));
		assert_int_equal(rename(aside, path), 0);
	}
}

/* The 44 of a partial file, and what came after them, in a full one. */
static void fill(const char *from, const char *to, struct bytes rest)
{
	char a[128], b[128];
	uint8_t buf[2048];

	snprintf(a, sizeof a, "%s/%s", dir, from);
	snprintf(b, sizeof b, "%s/%s", dir, to);
	FILE *in = fopen(a, "rb");
	FILE *out = fopen(b, "wb");
	assert_non_null(in);
	assert_non_null(out);
	size_t n = fread(buf, 1, sizeof buf, in);
	assert_int_equal(fwrite(buf, 1, n, out), n);
	for (int i = 44; i < 256; i++)
		assert_int_equal(fwrite(rest.p, 1, rest.n, out), rest.n);
	fclose(in);
	fclose(out);
	assert_int_equal(unlink(a), 0);
}

static void a_full_tile_stands_for_a_partial_one(void **state)
{
	struct mirror_report r;
	struct digest d = {0};
	uint8_t later[16];
	struct wr w = wr_from(later, sizeof later);

	(void)state;
	bundle_add(&w, text_of("later"));
	fill("tile/entries/001.p/44", "tile/entries/001",
	    (struct bytes){later, wr_len(&w)});
	assert_int_equal(verify(dir, MIRROR_KEY, &r), 0);
	fill("tile/0/001.p/44", "tile/0/001", (struct bytes){d.b, 32});
	assert_int_equal(verify(dir, MIRROR_KEY, &r), 0);
	assert_int_equal(r.checked, 300);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(logs_of_others_hold),
	    cmocka_unit_test(a_strangers_log_is_refused),
	    cmocka_unit_test(a_changed_byte_is_found),
	    cmocka_unit_test(a_missing_file_is_named),
	    cmocka_unit_test(a_full_tile_stands_for_a_partial_one),
	};

	return cmocka_run_group_tests(tests, copy_log, remove_log);
}

#include "check.h"

#include "base/log.h"
#include "base/verdict.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* What fn writes to stderr. */
static void captured(void (*fn)(void), char *out, size_t n)
{
	int p[2];
	int keep = dup(STDERR_FILENO);

	assert_int_equal(pipe(p), 0);
	dup2(p[1], STDERR_FILENO);
	fn();
	dup2(keep, STDERR_FILENO);
	close(p[1]);
	ssize_t k = read(p[0], out, n - 1);
	out[k > 0 ? k : 0] = 0;
	close(p[0]);
	close(keep);
}

static void two_lines(void)
{
	log_init("session", LOG_LEVEL_INFO);
	log_info("peer_up", "asn=%d", 64501);
	log_debug("noise", "x=%d", 1);
}

static void a_line_has_level_module_event(void **state)
{
	char out[256];

	(void)state;
	unsetenv("JOURNAL_STREAM");
	captured(two_lines, out, sizeof out);
	assert_string_equal(out, "info session peer_up asn=64501\n");
	setenv("JOURNAL_STREAM", "8:1", 1);
	captured(two_lines, out, sizeof out);
	assert_string_equal(out, "<6>info session peer_up asn=64501\n");
	unsetenv("JOURNAL_STREAM");
}

static void long_line(void)
{
	static char big[5000];

	memset(big, 'a', sizeof big - 1);
	big[sizeof big - 1] = 0;
	log_error("long", "v=%s", big);
}

static void a_long_line_is_cut_and_ended(void **state)
{
	static char out[4096];

	(void)state;
	captured(long_line, out, sizeof out);
	assert_true(strlen(out) < 1025);
	assert_int_equal(out[strlen(out) - 1], '\n');
}

static void a_peers_text_cannot_forge_a_line(void **state)
{
	char buf[64];
	char tiny[10];

	(void)state;
	assert_string_equal(log_quote(buf, sizeof buf, "a\"b\\\nerror x\x7f"),
	    "\"a\\\"b\\\\\\x0aerror x\\x7f\"");
	log_quote(tiny, sizeof tiny, "abcdefghijklmnop");
	assert_true(strlen(tiny) < sizeof tiny);
	assert_int_equal(tiny[strlen(tiny) - 1], '"');
}

static void a_flood_is_counted_not_written(void **state)
{
	struct log_limit l = {0};
	unsigned dropped = 99;
	int written = 0;

	(void)state;
	for (int i = 0; i < 100; i++)
		written += log_allowed(&l, 5, &dropped);
	assert_in_range(written, 5, 6);
	assert_int_equal(l.dropped, 100 - written);
}

static void every_reason_has_its_own_number_and_words(void **state)
{
	(void)state;
	for (int i = 1; i < REASON_COUNT; i++) {
		const struct reason_info *a = reason_info((enum reason)i);

		assert_true(a->number > 0 && *a->word && *a->text);
		for (int k = i + 1; k < REASON_COUNT; k++) {
			const struct reason_info *b =
			    reason_info((enum reason)k);

			assert_int_not_equal(a->number, b->number);
			assert_string_not_equal(a->word, b->word);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_line_has_level_module_event),
	    cmocka_unit_test(a_long_line_is_cut_and_ended),
	    cmocka_unit_test(a_peers_text_cannot_forge_a_line),
	    cmocka_unit_test(a_flood_is_counted_not_written),
	    cmocka_unit_test(every_reason_has_its_own_number_and_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

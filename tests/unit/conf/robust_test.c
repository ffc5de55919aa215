/* Texts that nobody would write: cut, mutated, huge. */
#include "check.h"

#include "base/clock.h"
#include "conf/conf.h"
#include "fixture.h"

#include <errno.h>

/* Parses an exact-size copy, so that a sanitizer guards its end. */
static int parse_copy(const char *text, size_t n, size_t *ret_errors)
{
	char *exact = malloc(n + !n);
	struct conf *c;
	struct conf_error *e;
	int rc;

	assert_non_null(exact);
	memcpy(exact, text, n);
	rc = conf_parse(exact, n, &c, &e, ret_errors);
	free(exact);
	assert_true((rc == 0) == (c != NULL));
	assert_true((rc == -EINVAL) == (*ret_errors > 0));
	for (size_t i = 0; i < *ret_errors; i++) {
		assert_true(e[i].line >= 1 && e[i].col >= 1);
		assert_true(e[i].text[0]);
		assert_non_null(memchr(e[i].text, 0, sizeof e[i].text));
		if (i)
			assert_true(e[i].line > e[i - 1].line ||
				    (e[i].line == e[i - 1].line &&
					e[i].col >= e[i - 1].col));
	}
	conf_free(c);
	free(e);
	return rc;
}

static void every_truncation_is_survived(void **state)
{
	size_t good = 0;
	size_t n;

	(void)state;
	for (size_t i = 0; i <= strlen(whole); i++)
		good += parse_copy(whole, i, &n) == 0;
	/* Cut between two blocks it is a good file still. */
	assert_in_range(good, 4, 12);
}

static void every_byte_may_be_another(void **state)
{
	static const char other[] = "\0\"{};,#\\\n\xff\xc3 9a";
	char text[sizeof whole];
	size_t n;

	(void)state;
	for (size_t i = 0; i < strlen(whole); i++) {
		for (size_t k = 0; k < sizeof other - 1; k++) {
			memcpy(text, whole, sizeof whole);
			text[i] = other[k];
			(void)parse_copy(text, strlen(whole), &n);
		}
	}
}

static void every_token_may_be_missing(void **state)
{
	size_t n;

	(void)state;
	for (size_t i = 0; i < strlen(whole); i++) {
		char text[sizeof whole];
		size_t len = strcspn(whole + i, " \t\n;,{}");

		if (!len)
			len = 1;
		memcpy(text, whole, i);
		memcpy(text + i, whole + i + len, strlen(whole) - i - len + 1);
		(void)parse_copy(text, strlen(text), &n);
	}
}

static int parse_repeated(const char *unit, size_t total, size_t *ret_errors)
{
	size_t len = strlen(unit);
	char *text = malloc(total);
	int rc;

	assert_non_null(text);
	for (size_t i = 0; i < total; i++)
		text[i] = unit[i % len];
	rc = parse_copy(text, total, ret_errors);
	free(text);
	return rc;
}

static void hostile_texts_end_soon(void **state)
{
	static const char *const units[] = {"{", "}", "member A {",
	    "exchange X {", "member \"", "at 1.1.1.1 {", "a", "a ", "\"", ";",
	    ",", "# ", "\\", "member A { at {", "asn 1;", "prefix ", "\xff",
	    "policy {}", "exchange X { lan "};

	(void)state;
	for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
		uint64_t start = clock_now_ns();
		size_t n;

		(void)parse_repeated(units[i], 1 << 20, &n);
		assert_true(n <= 1000);
		assert_true(clock_now_ns() - start < 5 * NS_PER_S);
	}
}

static void a_thousand_errors_are_enough(void **state)
{
	struct conf *c;
	struct conf_error *e;
	size_t n;
	char *text = NULL;
	size_t len = 0;
	FILE *f = open_memstream(&text, &len);

	(void)state;
	for (int i = 0; i < 5000; i++)
		fputs("nonsense;\n", f);
	fclose(f);
	assert_int_equal(conf_parse(text, len, &c, &e, &n), -EINVAL);
	assert_int_equal(n, 1000);
	assert_string_equal(e[999].text,
	    "too many errors; expected fewer than 1000 in one file");
	free(e);
	free(text);
}

static void a_text_has_a_greatest_size(void **state)
{
	char *text = malloc(CONF_TEXT_MAX + 1);
	size_t n;

	(void)state;
	assert_non_null(text);
	memset(text, ' ', CONF_TEXT_MAX + 1);
	assert_int_equal(parse_copy(text, CONF_TEXT_MAX + 1, &n), -EFBIG);
	assert_int_equal(parse_copy(text, CONF_TEXT_MAX, &n), -EINVAL);
	free(text);
}

static void thousands_of_members_are_read_quickly(void **state)
{
	static const struct {
		unsigned members;
		bool two;
	} sizes[] = {
	    {1000, true}, {CONF_MEMBERS / 2, true}, {CONF_MEMBERS, false}};

	(void)state;
	for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
		size_t len;
		char *text = many_members(sizes[i].members, sizes[i].two, &len);
		uint64_t start = clock_now_ns();
		struct conf *c;
		struct conf_error *e;
		size_t n;

		assert_int_equal(conf_parse(text, len, &c, &e, &n), 0);
		print_message("# %u members: %.1f ms\n", sizes[i].members,
		    (double)(clock_now_ns() - start) / NS_PER_MS);
		/* A few ms; the bound allows for a loaded machine. */
		assert_true(clock_now_ns() - start < NS_PER_S);
		assert_int_equal(c->n_member, sizes[i].members);
		assert_int_equal(
		    c->n_at, sizes[i].members * (sizes[i].two ? 2 : 1));
		for (size_t k = 0; k < c->n_at; k++) {
			const struct conf_ref *r = &c->by_addr[k];
			const struct conf_at *at;

			assert_ptr_equal(
			    conf_find(
				c, &c->member[r->member].at[r->at].addr, &at),
			    &c->member[r->member]);
		}
		conf_free(c);
		free(text);
	}
}

static void there_is_a_greatest_number_of_sessions(void **state)
{
	size_t len;
	char *text = many_members(CONF_MEMBERS + 1, false, &len);
	struct conf *c;
	struct conf_error *e;
	size_t n;

	(void)state;
	assert_int_equal(conf_parse(text, len, &c, &e, &n), -EINVAL);
	assert_int_equal(n, 1);
	assert_string_equal(
	    e[0].text, "too many sessions; expected at most 4096");
	free(e);
	free(text);
}

/* Instances take turns at the sessions' numbers. */
static void one_instance_has_its_part_of_the_sessions(void **state)
{
	size_t n[16] = {0};
	struct ip ip = {.family = FAMILY_IPV6};
	char *text = NULL;
	size_t len = 0;
	FILE *f = open_memstream(&text, &len);
	struct conf *c;
	struct conf_error *e;

	(void)state;
	for (unsigned i = 0; i < 16000; i++) {
		ip.b[14] = (uint8_t)(i >> 8);
		ip.b[15] = (uint8_t)i;
		assert_int_equal(conf_instance(&ip, 1), 0);
		n[conf_instance(&ip, 16)]++;
	}
	for (unsigned i = 0; i < 16; i++)
		assert_in_range(n[i], 800, 1200);
	/* As many as there may be, and so too many for one of two. */
	fputs("exchange X { asn 5; router-id 1.1.1.1; listen ::1; "
	      "session-instances 2; }\nmember A { asn 1; at ::2",
	    f);
	for (unsigned i = 3; i < CONF_MEMBERS + 2; i++)
		fprintf(f, ", ::%x", i);
	fputs("; }\n", f);
	fclose(f);
	assert_int_equal(conf_parse(text, len, &c, &e, &n[0]), -EINVAL);
	assert_int_equal(n[0], 1);
	assert_string_equal(e[0].text,
	    "too many sessions for one of 2 session instances; expected at "
	    "most 2048, or a smaller 'session-instances'");
	free(e);
	free(text);
}

/* A registered set as large as registries give. */
static void large_prefix_sets_are_read(void **state)
{
	char *text = NULL;
	size_t len = 0;
	FILE *f = open_memstream(&text, &len);
	struct conf *c;
	struct conf_error *e;
	size_t n;

	(void)state;
	fputs(EXCHANGE "member A { asn 1; at 10.0.0.1; prefix ", f);
	for (unsigned i = 0; i < 200000; i++)
		fprintf(f, "%s%u.%u.%u.0/24", i ? ",\n" : "", 11 + i / 65536,
		    i / 256 % 256, i % 256);
	fputs("; }", f);
	fclose(f);
	assert_int_equal(conf_parse(text, len, &c, &e, &n), 0);
	assert_int_equal(c->member[0].n_prefix, 200000);
	conf_free(c);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_truncation_is_survived),
	    cmocka_unit_test(every_byte_may_be_another),
	    cmocka_unit_test(every_token_may_be_missing),
	    cmocka_unit_test(hostile_texts_end_soon),
	    cmocka_unit_test(a_thousand_errors_are_enough),
	    cmocka_unit_test(a_text_has_a_greatest_size),
	    cmocka_unit_test(thousands_of_members_are_read_quickly),
	    cmocka_unit_test(one_instance_has_its_part_of_the_sessions),
	    cmocka_unit_test(there_is_a_greatest_number_of_sessions),
	    cmocka_unit_test(large_prefix_sets_are_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

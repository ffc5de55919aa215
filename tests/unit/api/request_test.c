/* What the control sockets take, and what they say to the rest. */
#include "check.h"

#include "api/request.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static struct api_request r;
static char why[API_WHY];

static int parse(const char *line, bool control)
{
	memset(&r, 0, sizeof r);
	why[0] = 0;
	return api_request_parse(line, strlen(line), control, &r, why);
}

static void routes_take_their_filters(void **state)
{
	struct prefix p;

	(void)state;
	assert_int_equal(parse("{\"verb\":\"show routes\",\"from\":64501,"
			       "\"to\":\"AS4200000000\",\"prefix\":"
			       "\"203.0.113.0/24\",\"longer\":true}",
			     false),
	    0);
	assert_int_equal(r.verb, API_ROUTES);
	assert_int_equal(r.query.kind, QUERY_ROUTES);
	assert_int_equal(r.query.from_asn, 64501);
	assert_int_equal(r.query.to_asn, 4200000000u);
	assert_false(r.query.has_from);
	assert_true(r.query.has_prefix);
	assert_true(r.query.longer);
	assert_false(r.query.rejected);
	assert_int_equal(prefix_parse("203.0.113.0/24", &p), 0);
	assert_true(prefix_eq(&p, &r.query.prefix));
}

static void a_session_is_named_by_its_address(void **state)
{
	struct ip ip;

	(void)state;
	assert_int_equal(parse("{\"verb\":\"show routes\",\"from\":"
			       "\"2001:db8:100::11\",\"rejected\":true}",
			     false),
	    0);
	assert_int_equal(ip_parse("2001:db8:100::11", &ip), 0);
	assert_true(r.query.has_from);
	assert_true(ip_eq(&ip, &r.query.from));
	assert_int_equal(r.query.from_asn, 0);
	assert_true(r.query.rejected);
}

static void why_takes_a_bare_address_as_a_host_route(void **state)
{
	(void)state;
	assert_int_equal(
	    parse("{\"verb\":\"why\",\"prefix\":\"203.0.113.9\"}", false), 0);
	assert_int_equal(r.query.kind, QUERY_WHY);
	assert_int_equal(r.query.prefix.len, 32);
}

static void apply_brings_its_text(void **state)
{
	(void)state;
	assert_int_equal(parse("{\"verb\":\"apply\",\"text\":\"policy {\\n}\","
			       "\"confirm_s\":600}",
			     true),
	    0);
	assert_int_equal(r.verb, API_APPLY);
	assert_int_equal(r.n_text, 10);
	assert_string_equal(r.text, "policy {\n}");
	assert_int_equal(r.confirm_s, 600);
	free(r.text);
}

static void a_reader_changes_nothing(void **state)
{
	static const char *const lines[] = {
	    "{\"verb\":\"apply\",\"text\":\"x\"}", "{\"verb\":\"confirm\"}",
	    "{\"verb\":\"undo\"}", "{\"verb\":\"text\"}",
	    "{\"verb\":\"diff\",\"text\":\"x\"}"};

	(void)state;
	for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
		assert_int_equal(parse(lines[i], false), -EPERM);
		assert_memory_equal(why, "permission", 10);
		assert_int_equal(parse(lines[i], true), 0);
		free(r.text);
	}
}

static void faults_are_told_in_words(void **state)
{
	static const struct {
		const char *line;
		const char *words;
	} bad[] = {
	    {"", "not JSON"},
	    {"{\"verb\":", "not JSON"},
	    {"[1]", "JSON object"},
	    {"{\"verb\":\"show\"}", "no such verb"},
	    {"{\"verb\":7}", "no such verb"},
	    {"{\"verb\":\"why\"}", "needs \"prefix\""},
	    {"{\"verb\":\"apply\"}", "needs \"text\""},
	    {"{\"verb\":\"show status\",\"from\":1}", "does not take"},
	    {"{\"verb\":\"show routes\",\"form\":1}", "does not take"},
	    {"{\"verb\":\"show routes\",\"from\":0}", "not an ASN"},
	    {"{\"verb\":\"show routes\",\"from\":4294967296}", "not an ASN"},
	    {"{\"verb\":\"show routes\",\"from\":-1}", "not an ASN"},
	    {"{\"verb\":\"show routes\",\"from\":\"ASX\"}", "not an ASN"},
	    {"{\"verb\":\"show routes\",\"prefix\":\"203.0.113.1/24\"}",
		"beyond its length"},
	    {"{\"verb\":\"show routes\",\"prefix\":\"x\"}", "not a prefix"},
	    {"{\"verb\":\"show routes\",\"prefix\":1}", "not a text"},
	    {"{\"verb\":\"show routes\",\"longer\":1}", "not true or false"},
	    {"{\"verb\":\"apply\",\"text\":1}", "not a text"},
	    {"{\"verb\":\"apply\",\"text\":\"\",\"confirm_s\":-1}", "is not 0"},
	    {"{\"verb\":\"undo\",\"verb\":\"undo\"}", "not JSON"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		assert_int_equal(parse(bad[i].line, true), -EINVAL);
		if (!strstr(why, bad[i].words))
			fail_msg("%s: %s", bad[i].line, why);
	}
}

static void only_texts_may_be_long(void **state)
{
	size_t n = API_REQUEST_MAX + 64;
	char *line = malloc(n + 1);

	(void)state;
	assert_non_null(line);
	memset(line, ' ', n);
	memcpy(line, "{\"verb\":\"undo\"}", 15);
	line[n] = 0;
	assert_int_equal(parse(line, true), -EINVAL);
	assert_non_null(strstr(why, "over"));
	free(line);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(routes_take_their_filters),
	    cmocka_unit_test(a_session_is_named_by_its_address),
	    cmocka_unit_test(why_takes_a_bare_address_as_a_host_route),
	    cmocka_unit_test(apply_brings_its_text),
	    cmocka_unit_test(a_reader_changes_nothing),
	    cmocka_unit_test(faults_are_told_in_words),
	    cmocka_unit_test(only_texts_may_be_long),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

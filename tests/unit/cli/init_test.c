/* `spean init`: what a list becomes, and what is said when it does not. */
#include "check.h"

#include "cli/cli.h"
#include "conf/conf.h"
#include "rig.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct cli_verb *const own[] = {&cli_init, NULL};

static char *list(const char *name)
{
	static char path[512];

	snprintf(path, sizeof path, "%s/%s", TEST_DATA, name);
	return path;
}

static struct conf *good(const char *text)
{
	struct conf *c = NULL;
	struct conf_error *errors = NULL;
	size_t n = 0;

	assert_int_equal(conf_parse(text, strlen(text), &c, &errors, &n), 0);
	free(errors);
	return c;
}

static void a_list_becomes_members(void **state)
{
	struct rig_result r = RUN("init", "--from", list("0.6.json"), "--asn",
	    "64500", "--listen", "192.0.2.1", "--listen=2001:db8:100::1");

	(void)state;
	assert_int_equal(r.code, CLI_DONE);
	struct conf *c = good(r.out);
	assert_string_equal(c->exchange.name, "Example-IX");
	assert_int_equal(c->exchange.asn, 64500);
	assert_int_equal(c->exchange.router_id, 0xc0000201);
	assert_int_equal(c->exchange.n_listen, 2);
	assert_int_equal(c->exchange.n_lan, 2);
	assert_true(c->policy.present);
	assert_int_equal(c->n_member, 2);
	assert_string_equal(c->member[0].name, "Alpha \"A\" Net");
	assert_string_equal(c->member[0].as_set, "AS-ALPHA");
	assert_int_equal(c->member[0].n_at, 3);
	assert_int_equal(c->member[0].max_prefix[FAMILY_IPV4], 300);
	assert_int_equal(c->member[0].max_prefix[FAMILY_IPV6], 50);
	/* The list in a list; an AS number is no AS-SET. */
	assert_string_equal(c->member[1].name, "Beta");
	assert_string_equal(c->member[1].as_set, "");
	assert_int_equal(c->member[1].n_at, 1);
	conf_free(c);
	rig_free(&r);
}

static void what_is_missing_is_listed(void **state)
{
	struct rig_result r = RUN("init", "--from", list("0.6.json"));

	(void)state;
	assert_int_equal(r.code, CLI_NO);
	assert_string_equal(r.out, "");
	assert_string_equal(r.err,
	    "missing: the exchange's own AS number; give --asn\n"
	    "missing: the route server's addresses; give --listen, once for "
	    "each\n"
	    "missing: the router id; give --router-id, or an IPv4 address with "
	    "--listen\n");
	rig_free(&r);
	r = RUN("init", "--from", list("1.0.json"), "--asn", "64500");
	assert_int_equal(r.code, CLI_NO);
	assert_non_null(strstr(r.err,
	    "missing: which IXP: the list has several; give --ixp: 1 (North), "
	    "2 (South)\n"));
	rig_free(&r);
	r = RUN("init", "--from", list("1.0.json"), "--ixp", "7");
	assert_int_equal(r.code, CLI_NO);
	assert_non_null(strstr(r.err,
	    "missing: no member has an address at IXP 7; there are some at: 1 "
	    "(North), 2 (South)\n"));
	rig_free(&r);
}

static void the_lists_own_route_server_is_taken(void **state)
{
	struct rig_result r = RUN("init", "--from", list("0.7.json"),
	    "--peeringdb", list("peeringdb.json"));

	(void)state;
	rig_free(&r);
	/* list() has one buffer. */
	char from[512];
	snprintf(from, sizeof from, "%s", list("0.7.json"));
	r = RUN("init", "--from", from, "--peeringdb", list("peeringdb.json"),
	    "--all");
	assert_int_equal(r.code, CLI_DONE);
	struct conf *c = good(r.out);
	assert_int_equal(c->exchange.asn, 64500);
	assert_int_equal(c->exchange.n_listen, 1);
	assert_int_equal(c->n_member, 3);
	/* Same name twice: the second goes by its number. */
	assert_string_equal(c->member[0].name, "Alpha");
	assert_string_equal(c->member[1].name, "AS64502");
	/* No IPv6 there: its IPv6 address is left out. */
	assert_int_equal(c->member[0].n_at, 1);
	/* The list comes before PeeringDB. */
	assert_string_equal(c->member[0].as_set, "AS-ALPHA");
	assert_int_equal(c->member[0].max_prefix[FAMILY_IPV4], 1000);
	assert_string_equal(c->member[2].as_set, "RIPE::AS-GAMMA");
	assert_int_equal(c->member[2].max_prefix[FAMILY_IPV4], 40);
	assert_int_equal(c->member[2].max_prefix[FAMILY_IPV6], 7);
	assert_non_null(strstr(r.out, "max-prefix 40, 7; # from PeeringDB"));
	assert_non_null(strstr(r.err, "2001:db8::11: the route server has no "
				      "address of that family: left out"));
	assert_non_null(strstr(r.err, "of 'AS-ALPHA AS-ALPHA-V6' only the "
				      "first AS-SET is taken"));
	assert_non_null(strstr(r.err, "AS64503 Gamma: says in PeeringDB that "
				      "its routes never go through"));
	conf_free(c);
	rig_free(&r);
	r = RUN("init", "--from", from);
	assert_int_equal(r.code, CLI_DONE);
	c = good(r.out);
	assert_int_equal(c->n_member, 2);
	assert_non_null(strstr(r.err, "1 addresses do not peer with the route "
				      "server: left out"));
	conf_free(c);
	rig_free(&r);
}

static void what_is_left_out_is_said(void **state)
{
	static const char *const notes[] = {
	    "AS64503 Gamma: a connection in state 'inactive': left out",
	    "AS64504 Delta: '192.0.2.300' is no ipv4 address: left out",
	    "'Zeta': it has no AS number: left out",
	    "'Eta': ",
	    "AS64502 Beta: 192.0.2.11: the address is already that of Alpha",
	    "AS64505 Epsilon: 198.51.100.5: it is outside the LAN: left out",
	    "AS64508 Theta: it has no address: left out",
	    "1 addresses are at other IXPs: left out",
	};
	struct rig_result r = RUN("init", "--from", list("1.0.json"), "--ixp",
	    "1", "--asn", "64500", "--listen", "192.0.2.1");

	(void)state;
	assert_int_equal(r.code, CLI_DONE);
	for (size_t i = 0; i < sizeof notes / sizeof *notes; i++)
		assert_non_null(strstr(r.err, notes[i]));
	struct conf *c = good(r.out);
	assert_string_equal(c->exchange.name, "North");
	assert_int_equal(c->n_member, 1);
	conf_free(c);
	rig_free(&r);
}

static void json_has_all_of_it(void **state)
{
	struct rig_result r = RUN("init", "--json", "--from", list("0.6.json"));

	(void)state;
	assert_int_equal(r.code, CLI_NO);
	assert_non_null(strstr(r.out, "\"missing\":[\"the exchange's own"));
	assert_non_null(strstr(r.out, "\"configuration\":null"));
	rig_free(&r);
	r = RUN("init", "--json", "--from", list("0.6.json"), "--asn", "64500",
	    "--listen", "192.0.2.1", "--name", "X");
	assert_int_equal(r.code, CLI_DONE);
	assert_int_equal(
	    strncmp(r.out, "{\"members\":2,\"sessions\":3,", 26), 0);
	assert_non_null(strstr(r.out, "\"configuration\":\"# Written by"));
	rig_free(&r);
}

static void a_file_is_never_overwritten(void **state)
{
	char path[64];
	struct rig_result r;

	(void)state;
	rig_file(path, "mine");
	r = RUN("init", "--from", list("0.6.json"), "--asn", "64500",
	    "--listen", "192.0.2.1", "--out", path);
	assert_int_equal(r.code, CLI_FAILED);
	assert_non_null(strstr(r.err, "File exists"));
	rig_free(&r);
	unlink(path);
	r = RUN("init", "--from", list("0.6.json"), "--asn", "64500",
	    "--listen", "192.0.2.1", "--out", path);
	assert_int_equal(r.code, CLI_DONE);
	assert_string_equal(r.out, "");
	rig_free(&r);
	r = RUN("check", "-c", path);
	assert_int_equal(r.code, CLI_DONE);
	rig_free(&r);
	unlink(path);
}

static void what_is_no_list_is_said(void **state)
{
	static const struct {
		const char *text;
		const char *says;
	} bad[] = {
	    {"", ":1:0: "},
	    {"{\"member_list\": [", "expected JSON"},
	    {"{\"member_list\": 5}", "no 'member_list'; expected an IX-F"},
	    {"[]", "no 'member_list'; expected an IX-F"},
	    {"{\"member_list\":[], \"member_list\":[]}", "duplicate"},
	};
	char path[64];

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		rig_file(path, bad[i].text);
		struct rig_result r = RUN("init", "--from", path);
		assert_int_equal(r.code, CLI_FAILED);
		assert_non_null(strstr(r.err, bad[i].says));
		rig_free(&r);
		unlink(path);
	}
	struct rig_result r = RUN("init", "--from", "/nonexistent");
	assert_int_equal(r.code, CLI_FAILED);
	assert_non_null(strstr(r.err, "No such file"));
	rig_free(&r);
	r = RUN("init", "--from", list("0.6.json"), "--listen", "nowhere");
	assert_int_equal(r.code, CLI_MISUSE);
	rig_free(&r);
}

/* Every value of a list replaced by one of another kind: nothing breaks. */
static void odd_values_break_nothing(void **state)
{
	static const char *const odd[] = {
	    "null", "7", "\"x\"", "[]", "{}", "true", "1e99", "-1", "[[]]"};
	static char text[8192], all[9000];
	char path[64];
	FILE *f = fopen(list("0.6.json"), "re");

	(void)state;
	assert_non_null(f);
	size_t n = fread(text, 1, sizeof text - 1, f);
	fclose(f);
	text[n] = 0;
	for (const char *at = strchr(text, ':'); at; at = strchr(at + 1, ':')) {
		const char *end = at + 1 + strcspn(at + 1, ",}]");

		if (at[-1] != '"' || strchr("[{", at[1 + strspn(at + 1, " ")]))
			continue;
		for (size_t i = 0; i < sizeof odd / sizeof *odd; i++) {
			snprintf(all, sizeof all, "%.*s: %s%s",
			    (int)(at - text), text, odd[i], end);
			rig_file(path, all);
			struct rig_result r = RUN("init", "--from", path,
			    "--asn", "64500", "--listen", "192.0.2.1");
			if (r.code == CLI_DONE)
				conf_free(good(r.out));
			else
				assert_true(strlen(r.err) > 0);
			rig_free(&r);
			unlink(path);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_list_becomes_members),
	    cmocka_unit_test(what_is_missing_is_listed),
	    cmocka_unit_test(the_lists_own_route_server_is_taken),
	    cmocka_unit_test(what_is_left_out_is_said),
	    cmocka_unit_test(json_has_all_of_it),
	    cmocka_unit_test(a_file_is_never_overwritten),
	    cmocka_unit_test(what_is_no_list_is_said),
	    cmocka_unit_test(odd_values_break_nothing),
	};

	rig_verbs = own;
	return cmocka_run_group_tests(tests, NULL, NULL);
}

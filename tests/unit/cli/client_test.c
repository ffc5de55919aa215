/* Verbs that talk to the exchange, over a real socket. */
#include "check.h"

#include "cli/cli.h"
#include "rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define END "{\"end\":true,\"exit\":0}\n"

#define ROUTE_A                                                                \
	"{\"prefix\":\"203.0.113.0/24\",\"from_asn\":64501,\"from\":"          \
	"\"192.0.2.11\",\"member\":\"Alpha\",\"next_hop\":\"192.0.2.11\","     \
	"\"as_path\":[64501,[64511,64512]],\"origin\":\"igp\",\"med\":null,"   \
	"\"communities\":[\"64501:1\"],\"large_communities\":[],\"rpki\":"     \
	"\"unchecked\",\"state\":\"best\",\"reason\":null,\"stale\":false}\n"
#define ROUTE_B                                                                \
	"{\"prefix\":\"10.0.0.0/8\",\"from_asn\":64502,\"from\":"              \
	"\"192.0.2.12\",\"member\":\"Beta\",\"next_hop\":\"192.0.2.12\","      \
	"\"as_path\":[64502],\"origin\":\"igp\",\"med\":5,\"communities\":[]," \
	"\"large_communities\":[],\"rpki\":\"unchecked\",\"state\":"           \
	"\"rejected\",\"reason\":\"bogon_prefix\",\"stale\":true}\n"

static struct rig_result ask(const char *socket, const char *answer,
    size_t chunk, char **ret_request, const char *const *argv)
{
	struct rig_server s;
	struct rig_result r;
	const char *with[24];
	size_t n = 0;

	rig_server_start(&s, socket, answer, strlen(answer), chunk);
	while (argv[n]) {
		with[n] = argv[n];
		n++;
	}
	with[n++] = "--run-dir";
	with[n++] = s.dir;
	with[n] = NULL;
	r = rig_run(with);
	rig_server_end(&s);
	if (ret_request)
		*ret_request = s.request;
	else
		free(s.request);
	return r;
}

#define ASK(socket, answer, chunk, ret, ...)                                   \
	ask(socket, answer, chunk, ret,                                        \
	    (const char *const[]){__VA_ARGS__, NULL})

static void json_is_passed_through(void **state)
{
	static const size_t chunks[] = {0, 1, 7, 100};

	(void)state;
	for (size_t i = 0; i < sizeof chunks / sizeof *chunks; i++) {
		char *request;
		struct rig_result r = ASK("read", ROUTE_A ROUTE_B END,
		    chunks[i], &request, "show", "routes", "--json", "--from",
		    "64501", "--to", "2001:db8::1", "--prefix",
		    "203.0.113.0/24", "--longer", "--rejected");

		assert_int_equal(r.code, 0);
		assert_string_equal(r.out, ROUTE_A ROUTE_B);
		assert_string_equal(r.err, "");
		assert_string_equal(request,
		    "{\"verb\":\"show routes\",\"from\":64501,\"to\":"
		    "\"2001:db8::1\",\"prefix\":\"203.0.113.0/24\",\"longer\":"
		    "true,\"rejected\":true}\n");
		free(request);
		rig_free(&r);
	}
}

static void routes_for_people(void **state)
{
	struct rig_result r =
	    ASK("read", ROUTE_A ROUTE_B END, 0, NULL, "show", "routes");

	(void)state;
	assert_int_equal(r.code, 0);
	assert_string_equal(r.out,
	    "STATE     PREFIX              FROM        NEXT HOP         PATH\n"
	    "best      203.0.113.0/24      AS64501     192.0.2.11       64501 "
	    "{64511 64512}\n"
	    "rejected  10.0.0.0/8          AS64502     192.0.2.12       "
	    "[bogon_prefix] 64502 (stale)\n");
	rig_free(&r);
	r = ASK("read", END, 0, NULL, "show", "routes");
	assert_int_equal(r.code, 0);
	assert_string_equal(r.out, "no routes\n");
	rig_free(&r);
}

/* A long list is written as it comes, whatever its length. */
static void many_lines_are_handed_on(void **state)
{
	enum {
		N = 100000
	};
	size_t len = strlen(ROUTE_A);
	char *answer = malloc(N * len + sizeof END);
	struct rig_server s;
	struct rig_result r;

	(void)state;
	assert_non_null(answer);
	for (size_t i = 0; i < N; i++)
		memcpy(answer + i * len, ROUTE_A, len);
	memcpy(answer + N * len, END, sizeof END);
	rig_server_start(&s, "read", answer, N * len + strlen(END), 0);
	r = RUN("show", "routes", "--json", "--run-dir", s.dir);
	rig_server_end(&s);
	free(s.request);
	assert_int_equal(r.code, 0);
	assert_int_equal(strlen(r.out), N * len);
	rig_free(&r);
	free(answer);
}

static void exit_codes_of_the_answer(void **state)
{
	static const struct {
		const char *answer;
		int code;
		const char *words; /* in stderr */
	} v[] = {
	    {END, 0, ""},
	    {"{\"end\":true,\"exit\":1,\"error\":\"there is none\"}\n", 1,
		"there is none"},
	    {"{\"end\":true,\"exit\":2,\"error\":\"no such verb\"}\n", 2,
		"no such verb"},
	    {"{\"end\":true,\"exit\":3,\"error\":\"out of memory\"}\n", 3,
		"out of memory"},
	    {"{\"end\":true,\"exit\":77}\n", 3, ""},
	    {"{\"end\":true,\n", 0, ""}, /* no exit: as if it were 0 */
	    {"", 3, "broke off"},
	    {ROUTE_A, 3, "broke off"},
	    {"{\"end\":tru", 3, "broke off"},
	    {"not JSON at all\n" END, 0, ""},
	    {"[1,2]\n{}\n\"x\"\nnull\n" END, 0, ""},
	};
	static const char *const verbs[][3] = {{"show", "routes", NULL},
	    {"show", "sessions", NULL}, {"show", "members", NULL},
	    {"show", "status", NULL}, {"why", "203.0.113.0/24", NULL}};

	(void)state;
	for (size_t i = 0; i < sizeof v / sizeof *v; i++) {
		for (size_t k = 0; k < 5; k++) {
			struct rig_result r = ASK("read", v[i].answer, 0, NULL,
			    verbs[k][0], verbs[k][1]);

			if (r.code != v[i].code)
				print_error("%s %s: %s -> %d: %s\n",
				    verbs[k][0], verbs[k][1], v[i].answer,
				    r.code, r.err);
			assert_int_equal(r.code, v[i].code);
			assert_non_null(strstr(r.err, v[i].words));
			rig_free(&r);
		}
	}
}

static void without_an_exchange_it_is_3(void **state)
{
	static const char *const asks[][3] = {{"show", "status", NULL},
	    {"why", "10.0.0.0/8", NULL}, {"confirm", NULL, NULL},
	    {"undo", NULL, NULL}};

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		struct rig_result r =
		    asks[i][1] ? RUN(asks[i][0], asks[i][1], "--run-dir",
				     "/nonexistent")
			       : RUN(asks[i][0], "--run-dir", "/nonexistent");

		assert_int_equal(r.code, 3);
		assert_non_null(strstr(r.err, "no exchange runs here"));
		assert_string_equal(r.out, "");
		rig_free(&r);
	}
}

static void sessions_for_people(void **state)
{
	static const char answer[] =
	    "{\"member_asn\":64501,\"member\":\"Alpha\",\"address\":"
	    "\"192.0.2.11\",\"half\":\"exchange\",\"state\":\"established\","
	    "\"uptime_s\":93784,\"idle_reason\":null,\"families\":{\"ipv4\":"
	    "{\"received\":12,\"accepted\":10,\"rejected\":2,\"advertised\":"
	    "480000},\"ipv6\":{\"received\":1,\"accepted\":1,\"rejected\":0,"
	    "\"advertised\":5}},\"last_error\":\"old\"}\n"
	    "{\"member_asn\":64502,\"member\":\"Beta\",\"address\":"
	    "\"2001:db8::12\",\"half\":\"exchange\",\"state\":\"idle\","
	    "\"uptime_s\":null,\"idle_reason\":null,\"families\":{},"
	    "\"last_error\":\"evil \\u001b[31m text\"}\n" END;
	struct rig_result r = ASK("read", answer, 0, NULL, "show", "sessions");

	(void)state;
	assert_int_equal(r.code, 0);
	assert_string_equal(r.out,
	    "  ASN  MEMBER  ADDRESS       STATE    IN  REFUSED     OUT  NOTE\n"
	    "64501  Alpha   192.0.2.11    up 1d2h  11        2  480005  \n"
	    "64502  Beta    2001:db8::12  idle      0        0       0  "
	    "evil ?[31m text\n");
	rig_free(&r);
}

static void why_in_words(void **state)
{
	static const char answer[] =
	    "{\"prefix\":\"203.0.113.0/24\",\"found\":true,\"covering\":"
	    "[\"203.0.0.0/16\"],\"paths\":[{\"from_asn\":64501,\"from\":"
	    "\"192.0.2.11\",\"member\":\"Alpha\",\"next_hop\":\"192.0.2.11\","
	    "\"as_path\":[64501],\"origin\":\"igp\",\"med\":7,\"communities\":"
	    "[\"0:64502\"],\"ext_communities\":[],\"large_communities\":[],"
	    "\"state\":\"best\",\"reason\":null,\"stale\":false,\"rank\":1,"
	    "\"lost_to\":null,\"checks\":[{\"check\":\"prefix_length\","
	    "\"outcome\":\"pass\",\"evidence\":\"/24 is within 8-24\","
	    "\"reason\":null},{\"check\":\"prefix_set\",\"outcome\":"
	    "\"skipped\",\"evidence\":\"none is registered\",\"reason\":null}],"
	    "\"control\":[{\"community\":\"0:64502\",\"effect\":\"not to "
	    "AS64502\"}]},{\"from_asn\":64503,\"from\":\"192.0.2.13\","
	    "\"member\":\"Gamma\",\"next_hop\":\"192.0.2.13\",\"as_path\":"
	    "[64503,64504],\"origin\":\"igp\",\"med\":null,\"state\":"
	    "\"rejected\",\"reason\":\"bogon_asn\",\"reason_text\":\"the AS "
	    "path holds a reserved or private ASN\",\"rank\":null,\"lost_to\":"
	    "null,\"checks\":[{\"check\":\"bogon_asn\",\"outcome\":\"fail\","
	    "\"evidence\":\"AS64504\",\"reason\":\"bogon_asn\"}],\"control\":"
	    "[]}],\"paths_held\":2,\"exports\":[{\"to_asn\":64502,\"to\":"
	    "\"192.0.2.12\",\"member\":\"Beta\",\"up\":true,\"lagging\":false,"
	    "\"add_path\":false,\"paths\":[{\"from_asn\":64501,\"from\":"
	    "\"192.0.2.11\",\"member\":\"Alpha\",\"outcome\":\"barred\","
	    "\"why\":\"control\",\"text\":\"its control communities keep it "
	    "from this client\",\"evidence\":\"0:64502\"},{\"from_asn\":64505,"
	    "\"from\":\"192.0.2.15\",\"member\":null,\"outcome\":\"outranked\","
	    "\"lost_to\":{\"from_asn\":64506,\"from\":\"192.0.2.16\","
	    "\"member\":\"Zeta\",\"rule\":\"as_path\",\"text\":\"its AS path "
	    "is shorter\"}},{\"from_asn\":64506,\"from\":\"192.0.2.16\","
	    "\"member\":\"Zeta\",\"outcome\":\"sent\",\"prepended\":2}]}],"
	    "\"to_known\":true}\n" END;
	char *request;
	struct rig_result r = ASK("read", answer, 0, &request, "why",
	    "203.0.113.0/24", "--to", "AS64502");

	(void)state;
	assert_int_equal(r.code, 0);
	assert_string_equal(request,
	    "{\"verb\":\"why\",\"to\":64502,\"prefix\":\"203.0.113.0/24\"}\n");
	free(request);
	assert_string_equal(r.out,
	    "203.0.113.0/24: 2 routes\n"
	    "   inside      203.0.0.0/16\n"
	    "\n"
	    "1  AS64501 Alpha (192.0.2.11): best\n"
	    "   next hop     192.0.2.11\n"
	    "   path         64501, origin igp, med 7\n"
	    "   communities  0:64502\n"
	    "   control communities\n"
	    "      0:64502              not to AS64502\n"
	    "   checks\n"
	    "      ok   prefix_length         /24 is within 8-24\n"
	    "      -    prefix_set            none is registered\n"
	    "\n"
	    "-  AS64503 Gamma (192.0.2.13): rejected\n"
	    "   reason       bogon_asn: the AS path holds a reserved or private "
	    "ASN\n"
	    "   next hop     192.0.2.13\n"
	    "   path         64503 64504, origin igp\n"
	    "   checks\n"
	    "      FAIL bogon_asn             AS64504\n"
	    "\n"
	    "to AS64502 Beta (192.0.2.12)\n"
	    "   AS64501 Alpha (192.0.2.11): not sent\n"
	    "      its control communities keep it from this client "
	    "(0:64502)\n"
	    "   AS64505 (192.0.2.15): not sent\n"
	    "      AS64506 Zeta (192.0.2.16) won: its AS path is shorter\n"
	    "   AS64506 Zeta (192.0.2.16): sent, its ASN prepended 2 times\n");
	rig_free(&r);
}

static void status_for_people(void **state)
{
	static const char answer[] =
	    "{\"version\":\"0.1.0\",\"uptime_s\":3700,\"exchange\":\"Test-IX\","
	    "\"asn\":64500,\"roles\":[{\"role\":\"engine\",\"pid\":12,"
	    "\"state\":\"running\",\"uptime_s\":60,\"restarts\":1,"
	    "\"last_death\":\"signal 9\",\"last_death_at\":"
	    "\"2026-01-02T03:04:05Z\"}],\"config\":{\"path\":\"/etc/x.conf\","
	    "\"members\":4,\"confirmed\":false,\"differs\":[\"policy\"],"
	    "\"confirm_within_s\":null,\"changing\":false},\"held_down\":[{"
	    "\"address\":\"192.0.2.99\",\"seconds\":90}],\"session\":{\"role\":"
	    "\"session\",\"sessions\":4,\"engine\":true},\"engine\":null}"
	    "\n" END;
	struct rig_result r = ASK("read", answer, 0, NULL, "show", "status");

	(void)state;
	assert_int_equal(r.code, 0);
	assert_string_equal(r.out,
	    "exchange       Test-IX, AS64500\n"
	    "spean          0.1.0, up 1h1m\n"
	    "configuration  /etc/x.conf, 4 members, not confirmed\n"
	    "               differs from the confirmed one: policy\n"
	    "session        sessions 4, engine yes\n"
	    "engine         not running\n"
	    "held down      192.0.2.99 for 1m30s more\n"
	    "\n"
	    "ROLE    PID  STATE    UP  RESTARTS  LAST END\n"
	    "engine   12  running  1m         1  signal 9 at "
	    "2026-01-02T03:04:05Z\n");
	rig_free(&r);
}

#define GOOD "exchange X { asn 64500; router-id 1.1.1.1; listen 192.0.2.1; }\n"

static void a_file_is_sent_and_its_changes_are_told(void **state)
{
	static const char answer[] =
	    "{\"change\":\"added\",\"what\":\"member AS1 A\",\"detail\":"
	    "\"at 10.0.0.1\",\"resets\":false}\n"
	    "{\"change\":\"removed\",\"what\":\"member AS2 B\",\"detail\":"
	    "\"at 10.0.0.2\",\"resets\":true}\n"
	    "{\"change\":\"changed\",\"what\":\"policy\",\"detail\":"
	    "\"preset strict -> open\",\"resets\":false}\n"
	    "{\"end\":true,\"exit\":0,\"changes\":3,\"ms\":12}\n";
	static const char lines[] =
	    "+ member AS1 A: at 10.0.0.1\n"
	    "- member AS2 B: at 10.0.0.2 (closes its sessions)\n"
	    "~ policy: preset strict -> open\n"
	    "3 changes, 1 of them closes or resets sessions\n";
	static const char routes[] =
	    "AS64501 Alpha: 3 of 40 routes would be rejected (as_set 1, "
	    "rpki_invalid 2), 1 would be accepted (bogon_asn 1); the best path "
	    "of 2 prefixes would be another member's, of 0 its own\n"
	    "in all 3 routes would be rejected, 1 accepted, 0 best paths "
	    "moved\n";
	char path[64];
	char out[1024];
	char *request;
	struct rig_result r;

	(void)state;
	rig_file(path, GOOD);
	r = ASK("control", answer, 0, &request, "diff", "-c", path);
	assert_int_equal(r.code, 0);
	snprintf(out, sizeof out, "%s%s", lines, routes);
	assert_string_equal(r.out, out);
	assert_string_equal(request,
	    "{\"verb\":\"diff\",\"text\":\"exchange X { asn 64500; router-id "
	    "1.1.1.1; listen 192.0.2.1; }\\u000a\"}\n");
	free(request);
	rig_free(&r);

	r = ASK("control", answer, 3, &request, "apply", "-c", path,
	    "--confirm", "10m");
	assert_int_equal(r.code, 0);
	snprintf(out, sizeof out,
	    "%sapplied in 12 ms\n"
	    "it is undone in 10m unless you run: spean confirm\n",
	    lines);
	assert_string_equal(r.out, out);
	assert_non_null(strstr(request, "\"confirm_s\":600}"));
	free(request);
	rig_free(&r);

	r = ASK("control", END, 0, NULL, "diff", "-c", path);
	snprintf(out, sizeof out, "no changes\n%s", routes);
	assert_string_equal(r.out, out);
	rig_free(&r);
	unlink(path);
}

static void confirm_and_undo(void **state)
{
	char *request;
	struct rig_result r = ASK("control", END, 0, &request, "confirm");

	(void)state;
	assert_int_equal(r.code, 0);
	assert_string_equal(r.out, "confirmed\n");
	assert_string_equal(request, "{\"verb\":\"confirm\"}\n");
	free(request);
	rig_free(&r);
	r = ASK("control",
	    "{\"end\":true,\"exit\":1,\"error\":\"there is nothing to "
	    "undo\"}\n",
	    0, &request, "undo");
	assert_int_equal(r.code, 1);
	assert_string_equal(r.out, "");
	assert_string_equal(r.err, "spean undo: there is nothing to undo\n");
	assert_string_equal(request, "{\"verb\":\"undo\"}\n");
	free(request);
	rig_free(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(json_is_passed_through),
	    cmocka_unit_test(routes_for_people),
	    cmocka_unit_test(many_lines_are_handed_on),
	    cmocka_unit_test(exit_codes_of_the_answer),
	    cmocka_unit_test(without_an_exchange_it_is_3),
	    cmocka_unit_test(sessions_for_people),
	    cmocka_unit_test(why_in_words),
	    cmocka_unit_test(status_for_people),
	    cmocka_unit_test(a_file_is_sent_and_its_changes_are_told),
	    cmocka_unit_test(confirm_and_undo),
	};

	unsetenv("COLUMNS");
	return cmocka_run_group_tests(tests, NULL, NULL);
}

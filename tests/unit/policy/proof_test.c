/* What the RPKI says of a route, what is done with it, and what is told. */
#include "check.h"

#include "make.h"

static const uint8_t hop11[] = {192, 0, 2, 11};
static const uint8_t hop50[] = {192, 0, 2, 50};

static struct make m;
static struct policy *p;
static const struct policy_member *member;
static struct policy_next_hop hop;
static struct vrps *vrps;
static struct aspas *aspas;
static struct route r;

#define SINCE 1767323045 /* 2026-01-02T03:04:05Z */

static void vrp(const char *prefix, unsigned max, uint32_t asn)
{
	struct vrp v = {.prefix = prefix_from(prefix),
	    .max_len = (uint8_t)max,
	    .asn = asn,
	    .sources = 2,
	    .since_s = SINCE};

	assert_int_equal(vrps_add(vrps, &v), 1);
}

static void aspa(uint32_t customer, uint32_t a, uint32_t b)
{
	uint32_t provider[] = {a, b};
	struct aspa_record v = {.customer = customer,
	    .provider = provider,
	    .n = b ? 2 : 1,
	    .sources = 1,
	    .since_s = SINCE};

	assert_int_equal(aspas_set(aspas, &v), 1);
}

static void begin(enum conf_validation what, bool inform, uint32_t asn)
{
	struct ip at = ip_of(asn == 64501 ? "192.0.2.11" : "192.0.2.50");

	make_conf(&m);
	m.c.policy.rov = m.c.policy.aspa = what;
	m.c.policy.inform = inform;
	p = policy_new(&m.c);
	must(p);
	member = policy_member_find(p, asn, &at);
	must(member);
	hop = (struct policy_next_hop){asn == 64501 ? hop11 : hop50, 4};
	vrps = vrps_new();
	aspas = aspas_new();
	struct policy_proof proof = {
	    .vrps = vrps,
	    .aspas = aspas,
	    .cached = true,
	    .source = {"rpki1:3323", "[2001:db8::1]:3323"},
	};
	policy_prove(p, &proof);
	route_init(&r);
}

static void end(void)
{
	policy_free(p);
	vrps_free(vrps);
	aspas_free(aspas);
}

struct outcome {
	enum reason reason;
	uint8_t tags;
	struct policy_trace trace;
};

/* As the engine asks, with the trace held to it. */
static const struct outcome *judge(const char *prefix)
{
	static struct outcome o;
	const struct bgp_attrs *a = route_done(&r);
	struct prefix x = prefix_from(prefix);
	enum rov rov = policy_rov(p, &x, bgp_path_origin(a->as_path));
	struct verdict v = policy_check_attrs(p, member, a, hop, &o.tags);

	if (v.accept)
		v = policy_check_prefix(p, member, &x, rov);
	o.tags |= policy_tag_rov(p, rov);
	o.reason = v.reason;
	policy_trace(p, member, &x, a, hop, &o.trace);
	assert_int_equal(o.trace.verdict.reason, v.reason);
	return &o;
}

static const char *evidence(
    const struct outcome *o, const char *check, enum policy_outcome want)
{
	for (size_t i = 0; i < o->trace.n; i++) {
		if (strcmp(o->trace.step[i].check->name, check) != 0)
			continue;
		assert_int_equal(o->trace.step[i].outcome, want);
		return o->trace.step[i].evidence;
	}
	fail_msg("no check %s", check);
	return NULL;
}

/* The communities that stand for tags, in words. */
static const char *told(uint8_t tags)
{
	static char text[128];
	uint8_t buf[POLICY_TAGS_MAX];
	struct wr w = wr_from(buf, sizeof buf);
	size_t at = 0;

	policy_tags_write(p, tags, &w);
	assert_true(wr_ok(&w));
	struct rd x = rd_from(buf, wr_len(&w));
	text[0] = 0;
	while (rd_left(&x)) {
		uint32_t a = rd_u32(&x);
		uint32_t b = rd_u32(&x);

		at += (size_t)snprintf(text + at, sizeof text - at,
		    "%s%u:%u:%u", at ? " " : "", a, b, rd_u32(&x));
	}
	return text;
}

static void origins_are_validated(void **state)
{
	static const struct {
		const char *prefix;
		enum rov want;
	} t[] = {
	    {"11.0.0.0/16", ROV_VALID}, {"11.0.0.0/20", ROV_VALID},
	    {"11.0.0.0/21", ROV_INVALID}, {"11.0.128.0/17", ROV_VALID},
	    {"11.1.0.0/16", ROV_INVALID}, {"11.2.0.0/16", ROV_NOT_FOUND},
	    {"11.0.0.0/15", ROV_NOT_FOUND},
	    {"11.3.0.0/16", ROV_INVALID}, /* AS0 */
	};

	(void)state;
	for (int act = CONF_VALIDATE_REJECT; act <= CONF_VALIDATE_REQUIRE;
	     act++) {
		begin((enum conf_validation)act, false, 64501);
		vrp("11.0.0.0/16", 20, 2000);
		vrp("11.1.0.0/16", 24, 3000);
		vrp("11.3.0.0/16", 24, 0);
		route_path(&r, 64501, 2000);
		for (size_t i = 0; i < sizeof t / sizeof *t; i++) {
			struct prefix x = prefix_from(t[i].prefix);
			bool required = act == CONF_VALIDATE_REQUIRE;
			enum reason want = REASON_NONE;

			if (t[i].want == ROV_INVALID &&
			    (required || act == CONF_VALIDATE_REJECT))
				want = REASON_RPKI_INVALID;
			if (t[i].want == ROV_NOT_FOUND && required)
				want = REASON_RPKI_UNKNOWN;

			assert_int_equal(policy_rov(p, &x, 2000),
			    act == CONF_VALIDATE_OFF ? ROV_UNCHECKED
						     : t[i].want);
			assert_int_equal(judge(t[i].prefix)->reason, want);
		}
		assert_int_equal(policy_uses_rov(p), act != CONF_VALIDATE_OFF);
		end();
	}
}

static void a_path_without_an_origin_matches_nothing(void **state)
{
	static const uint32_t set[] = {2000};

	(void)state;
	begin(CONF_VALIDATE_REJECT, false, 64501);
	vrp("11.0.0.0/16", 16, 2000);
	route_path(&r, 64501);
	route_segment(&r, BGP_AS_SET, set, 1);
	const struct bgp_attrs *a = route_done(&r);
	struct prefix x = prefix_from("11.0.0.0/16");
	assert_int_equal(
	    policy_rov(p, &x, bgp_path_origin(a->as_path)), ROV_INVALID);
	assert_int_equal(judge("11.0.0.0/16")->reason, REASON_AS_SET);
	end();
}

/* From a client, the path may only climb (the upstream procedure). */
static void paths_are_verified(void **state)
{
	(void)state;
	begin(CONF_VALIDATE_REJECT, false, 64501);
	aspa(2000, 1000, 1001);
	aspa(1000, 64501, 0);
	route_path(&r, 64501, 1000, 1000, 2000, 2000);
	assert_int_equal(judge("11.0.0.0/16")->reason, REASON_NONE);
	assert_string_equal(evidence(judge("11.0.0.0/16"), "aspa", POLICY_PASS),
	    "valid: every hop is attested");
	route_init(&r);
	route_path(&r, 64501, 1002, 2000);
	assert_int_equal(judge("11.0.0.0/16")->reason, REASON_ASPA_INVALID);
	assert_string_equal(evidence(judge("11.0.0.0/16"), "aspa", POLICY_FAIL),
	    "invalid: the ASPA of AS2000 names 2 providers, AS1002 is none; "
	    "from rpki1:3323, since 2026-01-02T03:04:05Z");
	route_init(&r);
	route_path(&r, 64501, 1001, 2000);
	assert_int_equal(judge("11.0.0.0/16")->reason, REASON_NONE);
	assert_string_equal(evidence(judge("11.0.0.0/16"), "aspa", POLICY_PASS),
	    "unknown: AS1001 has no ASPA, to AS64501");
	end();
	begin(CONF_VALIDATE_MARK, true, 64501);
	aspa(2000, 1000, 0);
	route_path(&r, 64501, 2000);
	assert_int_equal(judge("11.0.0.0/16")->reason, REASON_NONE);
	assert_string_equal(told(judge("11.0.0.0/16")->tags),
	    "64500:1000:2 64500:1001:2 64500:1002:4");
	end();
}

static void a_very_long_path_is_not_let_pass(void **state)
{
	(void)state;
	begin(CONF_VALIDATE_REJECT, false, 64501);
	for (uint32_t i = 0; i < 600; i += 2)
		route_path(&r, 64501 + i, 64502 + i);
	const struct bgp_attrs *a = route_done(&r);
	assert_int_equal(policy_aspa(p, a->as_path), ASPA_INVALID);
	end();
}

static void evidence_names_the_vrp_its_cache_and_its_age(void **state)
{
	(void)state;
	begin(CONF_VALIDATE_REJECT, false, 64501);
	vrp("11.0.0.0/8", 8, 3000);
	vrp("11.0.0.0/16", 20, 2000);
	vrp("2a00:1::/32", 48, 2000);
	route_path(&r, 64501, 2000);
	assert_string_equal(evidence(judge("11.0.0.0/20"), "rov", POLICY_PASS),
	    "VRP 11.0.0.0/16-20 AS2000 permits it; from [2001:db8::1]:3323, "
	    "since 2026-01-02T03:04:05Z");
	assert_string_equal(evidence(judge("11.0.0.0/24"), "rov", POLICY_FAIL),
	    "VRP 11.0.0.0/16-20 AS2000 is for no more than /20; from "
	    "[2001:db8::1]:3323, since 2026-01-02T03:04:05Z");
	assert_string_equal(evidence(judge("11.2.0.0/16"), "rov", POLICY_FAIL),
	    "VRP 11.0.0.0/8-8 AS3000 is not for AS2000; from "
	    "[2001:db8::1]:3323, since 2026-01-02T03:04:05Z");
	assert_string_equal(evidence(judge("12.0.0.0/16"), "rov", POLICY_PASS),
	    "not-found: no VRP covers the prefix");
	assert_string_equal(evidence(judge("2a00:1::/40"), "rov", POLICY_PASS),
	    "VRP 2a00:1::/32-48 AS2000 permits it; from [2001:db8::1]:3323, "
	    "since 2026-01-02T03:04:05Z");
	end();
}

/* Without data nothing is refused, and that is said. */
static void without_data_it_is_unchecked(void **state)
{
	struct policy_proof none = {0};
	struct policy_proof expired = {
	    .cached = true,
	    .no_vrps = "the data of all caches expired",
	    .no_aspas = "no cache has ASPAs",
	};

	(void)state;
	begin(CONF_VALIDATE_REJECT, true, 64501);
	vrp("11.0.0.0/16", 20, 3000);
	route_path(&r, 64501, 2000);
	assert_int_equal(judge("11.0.0.0/16")->reason, REASON_RPKI_INVALID);
	policy_prove(p, &none);
	assert_false(policy_uses_rov(p));
	assert_false(policy_uses_aspa(p));
	assert_int_equal(judge("11.0.0.0/16")->reason, REASON_NONE);
	assert_string_equal(
	    evidence(judge("11.0.0.0/16"), "rov", POLICY_SKIPPED),
	    "no RPKI cache is configured");
	/* Nobody is told of what nobody meant to check. */
	assert_string_equal(told(judge("11.0.0.0/16")->tags), "64500:1001:2");
	policy_prove(p, &expired);
	assert_int_equal(judge("11.0.0.0/16")->reason, REASON_NONE);
	assert_string_equal(
	    evidence(judge("11.0.0.0/16"), "rov", POLICY_SKIPPED),
	    "the data of all caches expired");
	assert_string_equal(
	    evidence(judge("11.0.0.0/16"), "aspa", POLICY_SKIPPED),
	    "no cache has ASPAs");
	assert_string_equal(
	    told(judge("11.0.0.0/16")->tags), "64500:1000:3 64500:1001:2");
	end();
}

static void what_is_known_is_told(void **state)
{
	(void)state;
	begin(CONF_VALIDATE_MARK, true, 64501);
	vrp("11.0.0.0/16", 20, 2000);
	route_path(&r, 64501, 2000);
	assert_string_equal(
	    told(judge("11.0.0.0/16")->tags), "64500:1000:1 64500:1001:2");
	assert_string_equal(
	    told(judge("11.2.0.0/16")->tags), "64500:1000:2 64500:1001:2");
	assert_string_equal(
	    told(judge("11.0.0.0/24")->tags), "64500:1000:4 64500:1001:2");
	end();
	/* A member with registered sets, and a route in them. */
	begin(CONF_VALIDATE_MARK, true, 65550);
	route_path(&r, 65550, 1000);
	assert_int_equal(judge("11.0.0.0/16")->reason, REASON_NONE);
	assert_string_equal(
	    told(judge("11.0.0.0/16")->tags), "64500:1000:2 64500:1001:1");
	end();
	begin(CONF_VALIDATE_OFF, true, 64501);
	route_path(&r, 64501, 2000);
	assert_string_equal(told(judge("11.0.0.0/16")->tags), "64500:1001:2");
	end();
	begin(CONF_VALIDATE_REJECT, false, 64501);
	route_path(&r, 64501, 2000);
	assert_int_equal(judge("11.0.0.0/16")->tags, 0);
	end();
}

static void sources_have_names(void **state)
{
	char buf[64];
	char few[12];

	(void)state;
	begin(CONF_VALIDATE_REJECT, false, 64501);
	assert_string_equal(policy_sources(p, 0, buf, sizeof buf), "");
	assert_string_equal(policy_sources(p, 3, buf, sizeof buf),
	    "rpki1:3323, [2001:db8::1]:3323");
	assert_string_equal(policy_sources(p, 4, buf, sizeof buf), "cache 3");
	assert_string_equal(
	    policy_sources(p, 3, few, sizeof few), "rpki1:3323,");
	end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(origins_are_validated),
	    cmocka_unit_test(a_path_without_an_origin_matches_nothing),
	    cmocka_unit_test(paths_are_verified),
	    cmocka_unit_test(a_very_long_path_is_not_let_pass),
	    cmocka_unit_test(evidence_names_the_vrp_its_cache_and_its_age),
	    cmocka_unit_test(without_data_it_is_unchecked),
	    cmocka_unit_test(what_is_known_is_told),
	    cmocka_unit_test(sources_have_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

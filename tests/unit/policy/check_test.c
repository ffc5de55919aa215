#include "check.h"

#include "make.h"

static const uint8_t hop11[] = {192, 0, 2, 11};
static const uint8_t hop21[] = {192, 0, 2, 21};
static const uint8_t hop12[] = {192, 0, 2, 12};
static const uint8_t hop50[] = {192, 0, 2, 50};

/* 2001:db8:100::11, then fe80::11. */
static const uint8_t hop6[32] = {0x20, 0x01, 0x0d, 0xb8, 0x01, 0x00, 0, 0, 0, 0,
    0, 0, 0, 0, 0, 0x11, 0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
    0x11};

struct world {
	struct policy *p;
	const struct policy_member *m;
	struct policy_next_hop hop;
	struct route r;
};

static void begin(struct world *w)
{
	struct ip at = ip_of("192.0.2.11");

	w->p = make_policy();
	w->m = policy_member_find(w->p, 64501, &at);
	assert_non_null(w->m);
	w->hop = (struct policy_next_hop){hop11, 4};
	route_init(&w->r);
}

/* The verdict on the attributes, which the trace must share. */
static enum reason attrs_reason(struct world *w)
{
	const struct bgp_attrs *a = route_done(&w->r);
	struct prefix good = prefix_from("11.0.0.0/16");
	uint8_t tags = 1;
	struct verdict v = policy_check_attrs(w->p, w->m, a, w->hop, &tags);
	static struct policy_trace t;

	assert_int_equal(tags, 0);
	policy_trace(w->p, w->m, &good, a, w->hop, &t);
	assert_int_equal(t.verdict.accept, v.accept);
	assert_int_equal(t.verdict.reason, v.reason);
	assert_int_equal(v.accept, v.reason == REASON_NONE);
	return v.reason;
}

static const char *evidence(struct world *w, const char *prefix,
    const char *check, enum policy_outcome outcome)
{
	static char text[192];
	struct prefix p = prefix_from(prefix);
	static struct policy_trace t;

	policy_trace(w->p, w->m, &p, route_done(&w->r), w->hop, &t);
	for (size_t i = 0; i < t.n; i++) {
		if (strcmp(t.step[i].check->name, check) != 0)
			continue;
		assert_int_equal(t.step[i].outcome, outcome);
		memcpy(text, t.step[i].evidence, sizeof text);
		return text;
	}
	fail_msg("no check %s", check);
	return NULL;
}

static void a_plain_route_is_accepted(void **state)
{
	static struct world w;

	(void)state;
	begin(&w);
	route_path(&w.r, 64501, 2000);
	assert_int_equal(attrs_reason(&w), REASON_NONE);
	policy_free(w.p);
}

static void asns_of_the_path_are_judged(void **state)
{
	static const struct {
		uint32_t path[4];
		unsigned n;
		enum reason want;
	} t[] = {
	    {{64501}, 1, REASON_NONE}, {{64501, 64501, 64501}, 3, REASON_NONE},
	    {{64502}, 1, REASON_FIRST_AS}, {{0, 64501}, 2, REASON_FIRST_AS},
	    {{64501, 64500}, 2, REASON_OWN_ASN},
	    {{64501, 1, 64500, 2}, 4, REASON_OWN_ASN},
	    {{64501, 0}, 2, REASON_BOGON_ASN},
	    {{64501, 23456, 1}, 3, REASON_BOGON_ASN},
	    {{64501, 64502}, 2, REASON_BOGON_ASN},
	    {{64501, 65550}, 2, REASON_NONE}, /* another member */
	    {{64501, 65551}, 2, REASON_BOGON_ASN},
	    {{64501, 65534, 1}, 3, REASON_BOGON_ASN},
	    {{64501, 4200000000}, 2, REASON_BOGON_ASN},
	    {{64501, 4199999999}, 2, REASON_NONE},
	    {{64501, 3356}, 2, REASON_TRANSIT_FREE_ASN},
	    {{64501, 1, 174}, 3, REASON_TRANSIT_FREE_ASN},
	    {{64501, 430}, 2, REASON_NONE}, /* 174 + 256 */
	};

	(void)state;
	for (size_t i = 0; i < sizeof t / sizeof t[0]; i++) {
		static struct world w;

		begin(&w);
		route_segment(&w.r, BGP_AS_SEQUENCE, t[i].path, t[i].n);
		if (attrs_reason(&w) != t[i].want)
			fail_msg("path %zu: %s", i,
			    reason_info(attrs_reason(&w))->word);
		policy_free(w.p);
	}
}

static void a_transit_free_member_may_be_itself(void **state)
{
	static const uint8_t hop[] = {192, 0, 2, 33};
	struct ip at = ip_of("192.0.2.33");
	static struct world w;

	(void)state;
	begin(&w);
	w.m = policy_member_find(w.p, 3356, &at);
	w.hop = (struct policy_next_hop){hop, 4};
	route_path(&w.r, 3356, 2000);
	assert_int_equal(attrs_reason(&w), REASON_NONE);
	route_path(&w.r, 1299);
	assert_int_equal(attrs_reason(&w), REASON_TRANSIT_FREE_ASN);
	policy_free(w.p);
}

static void the_transit_free_list_can_be_given(void **state)
{
	uint32_t list[] = {9000, 8000};
	static struct make m;
	static struct world w;

	(void)state;
	begin(&w);
	policy_free(w.p);
	make_conf(&m);
	m.c.policy.transit_free = list;
	m.c.policy.n_transit_free = 2;
	w.p = policy_new(&m.c);
	struct ip at = ip_of("192.0.2.11");
	w.m = policy_member_find(w.p, 64501, &at);
	route_path(&w.r, 64501, 174);
	assert_int_equal(attrs_reason(&w), REASON_NONE);
	route_path(&w.r, 9000);
	assert_int_equal(attrs_reason(&w), REASON_TRANSIT_FREE_ASN);
	policy_free(w.p);
}

static void segments_other_than_sequences_are_refused(void **state)
{
	static const uint32_t asn[] = {64501, 2000};
	static struct world w;

	(void)state;
	for (unsigned type = 1; type <= 4; type++) {
		begin(&w);
		route_path(&w.r, 64501);
		route_segment(&w.r, type, asn, 2);
		assert_int_equal(attrs_reason(&w),
		    type == BGP_AS_SEQUENCE ? REASON_NONE : REASON_AS_SET);
		policy_free(w.p);
		begin(&w);
		route_segment(&w.r, type, asn, 2);
		assert_int_equal(attrs_reason(&w),
		    type == BGP_AS_SEQUENCE ? REASON_NONE : REASON_AS_SET);
		policy_free(w.p);
	}
}

static void paths_are_neither_empty_nor_too_long(void **state)
{
	uint32_t asn[65];
	static struct world w;

	(void)state;
	for (size_t i = 0; i < 65; i++)
		asn[i] = 64501;
	begin(&w);
	assert_int_equal(attrs_reason(&w), REASON_PATH_TOO_SHORT);
	route_segment(&w.r, BGP_AS_SEQUENCE, asn, 64);
	assert_int_equal(attrs_reason(&w), REASON_NONE);
	route_segment(&w.r, BGP_AS_SEQUENCE, asn, 1);
	assert_int_equal(attrs_reason(&w), REASON_PATH_TOO_LONG);
	assert_string_equal(
	    evidence(&w, "11.0.0.0/16", "path_length", POLICY_FAIL),
	    "65 hops, at most 64");
	policy_free(w.p);
}

static void communities_of_all_kinds_are_counted(void **state)
{
	static struct world w;

	(void)state;
	begin(&w);
	route_path(&w.r, 64501);
	for (unsigned i = 0; i < 40; i++)
		route_standard(&w.r, 1, i);
	for (unsigned i = 0; i < 30; i++) {
		route_target(&w.r, 0, 1, i);
		route_large(&w.r, 1, 2, i);
	}
	assert_int_equal(attrs_reason(&w), REASON_NONE);
	route_large(&w.r, 1, 3, 1);
	assert_int_equal(attrs_reason(&w), REASON_TOO_MANY_COMMUNITIES);
	assert_string_equal(
	    evidence(&w, "11.0.0.0/16", "communities", POLICY_FAIL),
	    "101 (40 standard, 30 extended, 31 large), at most 100");
	policy_free(w.p);
}

static void next_hops_are_the_members_own(void **state)
{
	uint8_t other6[32];
	uint8_t not_local[32];
	const struct {
		const uint8_t *p;
		size_t n;
		enum reason want;
	} t[] = {
	    {hop11, 4, REASON_NONE},
	    {hop21, 4, REASON_NONE}, /* its other entry */
	    {hop12, 4, REASON_NEXT_HOP},
	    {hop50, 4, REASON_NEXT_HOP}, /* another member's */
	    {hop6, 16, REASON_NONE},
	    {hop6, 32, REASON_NONE},
	    {hop6 + 16, 16, REASON_NEXT_HOP}, /* link-local alone */
	    {other6, 16, REASON_NEXT_HOP},
	    {other6, 32, REASON_NEXT_HOP},
	    {not_local, 32, REASON_NEXT_HOP},
	};
	static struct world w;

	(void)state;
	memcpy(other6, hop6, 32);
	other6[15] = 0x12;
	memcpy(not_local, hop6, 32);
	not_local[17] = 0xc0;
	for (size_t i = 0; i < sizeof t / sizeof t[0]; i++) {
		begin(&w);
		route_path(&w.r, 64501);
		w.hop = (struct policy_next_hop){t[i].p, t[i].n};
		if (attrs_reason(&w) != t[i].want)
			fail_msg("next hop %zu", i);
		policy_free(w.p);
	}
}

static void otc_from_a_client_is_a_leak(void **state)
{
	static struct world w;

	(void)state;
	begin(&w);
	route_path(&w.r, 64501);
	w.r.a.has = BGP_HAS(35);
	w.r.a.otc = 64501;
	assert_int_equal(attrs_reason(&w), REASON_OTC_LEAK);
	policy_free(w.p);
}

static void some_networks_are_never_via_a_route_server(void **state)
{
	uint32_t list[] = {9000, 64501, 8000};
	static struct make m;
	static struct world w;

	(void)state;
	begin(&w);
	policy_free(w.p);
	make_conf(&m);
	m.c.policy.never_via = list;
	m.c.policy.n_never_via = 3;
	w.p = policy_new(&m.c);
	struct ip at = ip_of("192.0.2.11");
	w.m = policy_member_find(w.p, 64501, &at);
	route_path(&w.r, 64501, 2000);
	assert_int_equal(attrs_reason(&w), REASON_NONE);
	route_path(&w.r, 8000);
	assert_int_equal(attrs_reason(&w), REASON_NEVER_VIA_RS);
	route_path(&w.r, 64501, 3000, 9000);
	assert_int_equal(attrs_reason(&w), REASON_NEVER_VIA_RS);
	policy_free(w.p);
}

static void origins_are_in_the_set(void **state)
{
	static const uint32_t set[] = {1000};
	struct ip at = ip_of("192.0.2.50");
	static struct world w;

	(void)state;
	for (int i = 0; i < 4; i++) {
		begin(&w);
		w.m = policy_member_find(w.p, 65550, &at);
		w.hop = (struct policy_next_hop){hop50, 4};
		if (i == 0)
			route_path(&w.r, 65550);
		else if (i == 1)
			route_path(&w.r, 65550, 1000);
		else
			route_path(&w.r, 65550, 1001);
		if (i == 3)
			route_segment(&w.r, BGP_AS_SET, set, 1);
		assert_int_equal(
		    attrs_reason(&w), i < 2    ? REASON_NONE
				      : i == 2 ? REASON_ORIGIN_NOT_REGISTERED
					       : REASON_AS_SET);
		policy_free(w.p);
	}
}

/* What the trace says of a prefix with attributes that pass. */
static enum reason trace_reason(struct world *w, const struct policy_member *m,
    const struct prefix *p, uint32_t asn)
{
	static struct policy_trace t;
	struct policy_next_hop hop = {asn == 65550 ? hop50 : hop11, 4};

	route_init(&w->r);
	route_path(&w->r, asn);
	policy_trace(w->p, m, p, route_done(&w->r), hop, &t);
	assert_int_equal(t.verdict.accept, t.verdict.reason == REASON_NONE);
	return t.verdict.reason;
}

static void prefixes_are_judged(void **state)
{
	static const struct {
		uint32_t asn;
		const char *prefix;
		enum reason want;
	} t[] = {
	    {64501, "11.0.0.0/8", REASON_NONE},
	    {64501, "11.0.0.0/24", REASON_NONE},
	    {64501, "11.0.0.0/25", REASON_PREFIX_TOO_LONG},
	    {64501, "11.0.0.1/32", REASON_PREFIX_TOO_LONG},
	    {64501, "12.0.0.0/7", REASON_PREFIX_TOO_SHORT},
	    {64501, "0.0.0.0/0", REASON_PREFIX_TOO_SHORT},
	    {64501, "2a00::/19", REASON_NONE},
	    {64501, "2a00::/18", REASON_PREFIX_TOO_SHORT},
	    {64501, "2a00::/48", REASON_NONE},
	    {64501, "2a00::/49", REASON_PREFIX_TOO_LONG},
	    {64501, "::/0", REASON_PREFIX_TOO_SHORT},
	    {64501, "10.1.0.0/16", REASON_BOGON_PREFIX},
	    {64501, "2001:db8::/32", REASON_BOGON_PREFIX},
	    {64501, "192.0.2.0/24", REASON_PEERING_LAN},
	    {64501, "192.0.2.0/25", REASON_PREFIX_TOO_LONG},
	    {64501, "192.0.0.0/22", REASON_NONE}, /* covers the LAN */
	    {64501, "2001:db8:100::/48", REASON_BOGON_PREFIX},
	    {65550, "11.0.0.0/16", REASON_NONE},
	    {65550, "11.0.16.0/20", REASON_NONE},
	    {65550, "11.0.16.0/21", REASON_PREFIX_NOT_REGISTERED},
	    {65550, "11.0.0.0/15", REASON_PREFIX_NOT_REGISTERED},
	    {65550, "11.1.0.0/16", REASON_PREFIX_NOT_REGISTERED},
	    {65550, "12.1.0.0/24", REASON_NONE},
	    {65550, "12.1.0.0/23", REASON_PREFIX_NOT_REGISTERED},
	    {65550, "2a00:1::/32", REASON_NONE},
	    {65550, "2a00:1:ffff::/48", REASON_NONE},
	    {65550, "2a00:2::/32", REASON_PREFIX_NOT_REGISTERED},
	};
	struct ip at = ip_of("192.0.2.50");
	static struct world w;

	(void)state;
	begin(&w);
	for (size_t i = 0; i < sizeof t / sizeof t[0]; i++) {
		struct prefix p = prefix_from(t[i].prefix);
		const struct policy_member *m = w.m;

		if (t[i].asn == 65550)
			m = policy_member_find(w.p, 65550, &at);
		struct verdict v =
		    policy_check_prefix(w.p, m, &p, ROV_UNCHECKED);
		if (v.reason != t[i].want || v.accept != !t[i].want)
			fail_msg(
			    "%s: %s", t[i].prefix, reason_info(v.reason)->word);
		assert_int_equal(trace_reason(&w, m, &p, t[i].asn), v.reason);
	}
	policy_free(w.p);
}

static void nothing_passes_without_a_policy(void **state)
{
	struct prefix good = prefix_from("11.0.0.0/16");
	static struct make m;
	static struct world w;
	struct verdict v;
	uint8_t tags;

	(void)state;
	begin(&w);
	route_path(&w.r, 64501);
	v = policy_check_attrs(w.p, NULL, route_done(&w.r), w.hop, &tags);
	assert_int_equal(v.reason, REASON_NO_POLICY);
	policy_free(w.p);

	make_conf(&m);
	m.c.policy = (struct conf_policy){.present = false};
	w.p = policy_new(&m.c);
	struct ip at = ip_of("192.0.2.11");
	w.m = policy_member_find(w.p, 64501, &at);
	assert_false(policy_present(w.p));
	assert_int_equal(attrs_reason(&w), REASON_NO_POLICY);
	v = policy_check_prefix(w.p, w.m, &good, ROV_UNCHECKED);
	assert_false(v.accept);
	assert_int_equal(v.reason, REASON_NO_POLICY);
	assert_string_equal(
	    evidence(&w, "11.0.0.0/16", "first_as", POLICY_SKIPPED),
	    "no policy is configured (RFC 8212)");
	policy_free(w.p);
}

static void open_takes_anything_well_formed(void **state)
{
	static const uint32_t set[] = {64500, 0, 174};
	struct prefix bad = prefix_from("10.0.0.0/32");
	static struct make m;
	static struct world w;

	(void)state;
	begin(&w);
	policy_free(w.p);
	make_conf(&m);
	m.c.policy.preset = CONF_PRESET_OPEN;
	w.p = policy_new(&m.c);
	struct ip at = ip_of("192.0.2.50");
	w.m = policy_member_find(w.p, 65550, &at);
	w.hop = (struct policy_next_hop){hop12, 4};
	route_segment(&w.r, BGP_AS_SET, set, 3);
	assert_int_equal(attrs_reason(&w), REASON_NONE);
	assert_true(policy_check_prefix(w.p, w.m, &bad, ROV_UNCHECKED).accept);
	assert_string_equal(
	    evidence(&w, "10.0.0.0/32", "bogon_prefix", POLICY_SKIPPED),
	    "preset open");
	/* RFC 9234 s5: that is no matter of policy. */
	w.r.a.has = BGP_HAS(35);
	assert_int_equal(attrs_reason(&w), REASON_OTC_LEAK);
	policy_free(w.p);
}

static void evidence_names_what_was_seen(void **state)
{
	static struct world w;

	(void)state;
	begin(&w);
	route_path(&w.r, 64501, 1, 64512);
	w.hop.p = hop12;
	assert_string_equal(evidence(&w, "11.0.0.0/25", "length", POLICY_FAIL),
	    "/25 is longer than /24");
	assert_string_equal(
	    evidence(&w, "11.0.0.0/25", "bogon_asn", POLICY_FAIL),
	    "AS64512 at position 3 is private (RFC 6996)");
	assert_string_equal(
	    evidence(&w, "11.0.0.0/25", "next_hop", POLICY_FAIL),
	    "192.0.2.12 is none of the addresses of AS64501");
	assert_string_equal(
	    evidence(&w, "10.0.0.0/24", "bogon_prefix", POLICY_FAIL),
	    "10.0.0.0/8: private use (RFC 1918)");
	assert_string_equal(
	    evidence(&w, "192.0.2.0/24", "peering_lan", POLICY_FAIL),
	    "it lies in the peering LAN 192.0.2.0/24");
	assert_string_equal(
	    evidence(&w, "11.0.0.0/24", "prefix_set", POLICY_SKIPPED),
	    "the member has no prefix set");
	assert_string_equal(
	    evidence(&w, "11.0.0.0/24", "first_as", POLICY_PASS),
	    "the path begins with AS64501");
	policy_free(w.p);
}

/* The engine keeps the verdict of one half and asks the other later. */
static void the_halves_do_not_mix(void **state)
{
	bool prefix_seen = false;
	size_t n = 0;

	(void)state;
	for (const struct policy_check *c; (c = policy_check_at(n)); n++) {
		assert_false(prefix_seen && c->half == POLICY_ATTRS);
		prefix_seen |= c->half == POLICY_PREFIX;
	}
	assert_true(prefix_seen);
	assert_true(n <= POLICY_CHECKS_MAX);
}

static void members_are_found_by_asn_and_address(void **state)
{
	struct policy *p = make_policy();
	struct ip a = ip_of("192.0.2.11");
	struct ip b = ip_of("192.0.2.21");
	struct ip c = ip_of("192.0.2.50");

	(void)state;
	assert_string_equal(
	    policy_member_name(policy_member_find(p, 64501, &a)), "B");
	assert_string_equal(
	    policy_member_name(policy_member_find(p, 64501, &b)), "C");
	assert_null(policy_member_find(p, 64501, &c));
	assert_null(policy_member_find(p, 64502, &a));
	policy_free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_plain_route_is_accepted),
	    cmocka_unit_test(asns_of_the_path_are_judged),
	    cmocka_unit_test(a_transit_free_member_may_be_itself),
	    cmocka_unit_test(the_transit_free_list_can_be_given),
	    cmocka_unit_test(segments_other_than_sequences_are_refused),
	    cmocka_unit_test(paths_are_neither_empty_nor_too_long),
	    cmocka_unit_test(communities_of_all_kinds_are_counted),
	    cmocka_unit_test(next_hops_are_the_members_own),
	    cmocka_unit_test(otc_from_a_client_is_a_leak),
	    cmocka_unit_test(some_networks_are_never_via_a_route_server),
	    cmocka_unit_test(origins_are_in_the_set),
	    cmocka_unit_test(prefixes_are_judged),
	    cmocka_unit_test(nothing_passes_without_a_policy),
	    cmocka_unit_test(open_takes_anything_well_formed),
	    cmocka_unit_test(evidence_names_what_was_seen),
	    cmocka_unit_test(the_halves_do_not_mix),
	    cmocka_unit_test(members_are_found_by_asn_and_address),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

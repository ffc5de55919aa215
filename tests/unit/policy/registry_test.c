/* Members whose sets come from a registry, beside what their blocks say. */
#include "check.h"

#include "make.h"

#include "base/clock.h"

static struct registry_taker taker;

static bool take(
    void *arg, enum registry_record type, const uint8_t *p, size_t n)
{
	assert_true(registry_take(&taker, type, rd_from(p, n), arg) >= 0);
	return true;
}

static struct registry_set *set_of(
    const char *object, const char *prefix, uint8_t max, uint32_t asn)
{
	struct registry_head h = {.fetched_s = (uint64_t)clock_wall_s() - 90};
	struct conf_prefix p = {.prefix = prefix_from(prefix)};
	struct registry_list l = {
	    .prefix = &p, .n_prefix = 1, .origin = &asn, .n_origin = 1};
	struct registry_set *s = NULL;

	snprintf(h.object, sizeof h.object, "%s", object);
	snprintf(h.source, sizeof h.source, "irr.example.net");
	p.min_len = p.prefix.len;
	p.max_len = max;
	l.count[p.prefix.addr.family] = 1;
	assert_true(registry_write(&h, &l, take, &s));
	return s;
}

struct world {
	struct policy *p;
	struct registry *g;
};

static void begin(struct world *w)
{
	static struct make m;

	make_conf(&m);
	m.c.registry.present = true;
	strcpy(m.member[1].as_set, "AS-ALPHA");
	w->p = policy_new(&m.c);
	w->g = registry_new();
	assert_true(w->p && w->g);
}

static void end(struct world *w)
{
	policy_free(w->p);
	registry_free(w->g);
}

static const struct policy_member *member(
    struct world *w, uint32_t asn, const char *at)
{
	struct ip ip = ip_of(at);
	const struct policy_member *m = policy_member_find(w->p, asn, &ip);

	assert_non_null(m);
	return m;
}

/* What the trace says too. */
static enum reason reason_of(struct world *w, const struct policy_member *m,
    const char *prefix, uint32_t origin, const char *hop, const char *check,
    const char *says)
{
	static struct policy_trace t;
	static struct route r;
	struct prefix p = prefix_from(prefix);
	struct ip at = ip_of(hop);
	struct policy_next_hop next = {at.b, 4};
	uint32_t first = strcmp(hop, "192.0.2.50") ? 64501 : 65550;

	route_init(&r);
	if (first == origin)
		route_path(&r, first);
	else
		route_path(&r, first, origin);
	const struct bgp_attrs *a = route_done(&r);
	uint8_t tags;
	struct verdict v = policy_check_attrs(w->p, m, a, next, &tags);
	if (v.accept)
		v = policy_check_prefix(w->p, m, &p, ROV_UNCHECKED);
	policy_trace(w->p, m, &p, a, next, &t);
	assert_int_equal(t.verdict.reason, v.reason);
	for (size_t i = 0; i < t.n; i++)
		if (!strcmp(t.step[i].check->name, check))
			assert_string_equal(t.step[i].evidence, says);
	return v.reason;
}

static void an_object_that_is_not_known_yet_refuses(void **state)
{
	const struct policy_member *m;
	struct world w;

	(void)state;
	begin(&w);
	m = member(&w, 64501, "192.0.2.11");
	assert_int_equal(reason_of(&w, m, "11.0.0.0/24", 2000, "192.0.2.11",
			     "prefix_set", "nothing is known of AS-ALPHA yet"),
	    REASON_REGISTRY_PENDING);
	/* The other entry of that network has no as-set. */
	m = member(&w, 64501, "192.0.2.21");
	assert_int_equal(reason_of(&w, m, "11.0.0.0/24", 2000, "192.0.2.21",
			     "origin_set", "nothing is known of AS64501 yet"),
	    REASON_REGISTRY_PENDING);
	/* What a block says counts alone until then. */
	m = member(&w, 65550, "192.0.2.50");
	assert_int_equal(
	    reason_of(&w, m, "11.0.0.0/20", 1000, "192.0.2.50", "origin_set",
		"AS1000 is in the set of the member's block"),
	    REASON_NONE);
	assert_int_equal(
	    reason_of(&w, m, "13.0.0.0/20", 1000, "192.0.2.50", "prefix_set",
		"not in the set of the member's block"),
	    REASON_PREFIX_NOT_REGISTERED);
	end(&w);
}

static void a_known_object_permits_what_it_holds(void **state)
{
	const struct policy_member *m;
	struct world w;

	(void)state;
	begin(&w);
	assert_int_equal(
	    registry_put(w.g, set_of("AS-ALPHA", "11.0.0.0/22", 24, 2000)), 0);
	assert_true(policy_take_registry(w.p, w.g));
	assert_false(policy_take_registry(w.p, w.g));
	m = member(&w, 64501, "192.0.2.11");
	assert_int_equal(
	    reason_of(&w, m, "11.0.1.0/24", 2000, "192.0.2.11", "prefix_set",
		"permitted by AS-ALPHA, from irr.example.net, 1m30s old"),
	    REASON_NONE);
	assert_int_equal(
	    reason_of(&w, m, "11.0.4.0/24", 2000, "192.0.2.11", "prefix_set",
		"not in AS-ALPHA, from irr.example.net, 1m30s old"),
	    REASON_PREFIX_NOT_REGISTERED);
	assert_int_equal(
	    reason_of(&w, m, "11.0.1.0/24", 2001, "192.0.2.11", "origin_set",
		"AS2001 is not in AS-ALPHA, from irr.example.net, 1m30s old"),
	    REASON_ORIGIN_NOT_REGISTERED);
	end(&w);
}

static void blocks_and_registries_add_up(void **state)
{
	const struct policy_member *m;
	struct world w;

	(void)state;
	begin(&w);
	assert_int_equal(
	    registry_put(w.g, set_of("AS65550", "13.0.0.0/20", 20, 3000)), 0);
	assert_true(policy_take_registry(w.p, w.g));
	m = member(&w, 65550, "192.0.2.50");
	assert_int_equal(
	    reason_of(&w, m, "13.0.0.0/20", 1000, "192.0.2.50", "prefix_set",
		"permitted by AS65550, from irr.example.net, 1m30s old"),
	    REASON_NONE);
	assert_int_equal(
	    reason_of(&w, m, "11.0.0.0/20", 3000, "192.0.2.50", "prefix_set",
		"the set of the member's block permits it"),
	    REASON_NONE);
	assert_int_equal(
	    reason_of(&w, m, "13.0.0.0/21", 3000, "192.0.2.50", "prefix_set",
		"covered, but not at /21, by AS65550, from irr.example.net, "
		"1m30s old"),
	    REASON_PREFIX_NOT_REGISTERED);
	end(&w);
}

/* A newer set counts as soon as it is taken; the older may still be read. */
static void sets_are_replaced(void **state)
{
	const struct policy_member *m;
	struct world w;

	(void)state;
	begin(&w);
	registry_put(w.g, set_of("AS-ALPHA", "11.0.0.0/22", 24, 2000));
	policy_take_registry(w.p, w.g);
	registry_put(w.g, set_of("AS-ALPHA", "12.0.0.0/22", 24, 2000));
	m = member(&w, 64501, "192.0.2.11");
	assert_int_equal(
	    reason_of(&w, m, "11.0.1.0/24", 2000, "192.0.2.11", "", ""),
	    REASON_NONE);
	assert_true(policy_take_registry(w.p, w.g));
	assert_int_equal(
	    reason_of(&w, m, "11.0.1.0/24", 2000, "192.0.2.11", "", ""),
	    REASON_PREFIX_NOT_REGISTERED);
	assert_int_equal(
	    reason_of(&w, m, "12.0.1.0/24", 2000, "192.0.2.11", "", ""),
	    REASON_NONE);
	end(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(an_object_that_is_not_known_yet_refuses),
	    cmocka_unit_test(a_known_object_permits_what_it_holds),
	    cmocka_unit_test(blocks_and_registries_add_up),
	    cmocka_unit_test(sets_are_replaced),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

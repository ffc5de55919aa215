/* What is said in an OPEN, what follows from two, and how long to wait. */
#include "bgp/peer_open.h"
#include "check.h"

#include "base/clock.h"

#define V4 BGP_FAMILY(FAMILY_IPV4)
#define V6 BGP_FAMILY(FAMILY_IPV6)

static const struct conf_exchange exchange = {
    .asn = 64500,
    .router_id = 0xc0000201u,
    .graceful_restart = true,
    .restart_s = 120,
};
static const struct conf_member member = {.asn = 64501, .hold_s = 90};
static const struct peer_manner usual = {0};

static struct bgp_open ours(void)
{
	struct bgp_open o;

	peer_offer(&exchange, &member, &usual, &o);
	return o;
}

static struct bgp_open theirs(void)
{
	struct bgp_open o = ours();

	o.asn = 64501;
	o.id = 0x0a000001;
	o.role = 2;
	return o;
}

static void an_offer_says_what_is_configured(void **state)
{
	struct conf_exchange x = exchange;
	struct conf_member m = member;
	struct peer_manner how = {.restarting = true};
	struct bgp_open o;

	(void)state;
	o = ours();
	assert_int_equal(o.asn, 64500);
	assert_int_equal(o.families, V4 | V6);
	assert_true(o.as4 && o.refresh && o.enhanced_refresh && o.extended);
	assert_int_equal(o.next_hop6, V4);
	assert_int_equal(o.add_path_rx | o.add_path_tx, 0);
	assert_true(o.has_role);
	assert_int_equal(o.role, 1);
	assert_true(o.gr && o.gr_notify && !o.gr_restarting);
	assert_int_equal(o.gr_forwarding, V4 | V6);
	assert_int_equal(o.llgr_families, 0);

	m.add_path_tx = true;
	x.llgr_s = 3600;
	peer_offer(&x, &m, &how, &o);
	assert_int_equal(o.add_path_tx, V4 | V6);
	assert_int_equal(o.add_path_rx, 0);
	assert_true(o.gr_restarting);
	assert_int_equal(o.llgr_time_s[FAMILY_IPV6], 3600);

	x.graceful_restart = false;
	peer_offer(&x, &m, &how, &o);
	assert_false(o.gr || o.gr_restarting || o.gr_notify);
	assert_int_equal(o.llgr_families, 0);

	how.plain = true;
	peer_offer(&x, &m, &how, &o);
	assert_false(o.mp || o.as4 || o.refresh || o.extended || o.has_role);
	assert_int_equal(o.families, V4);
}

static void only_what_both_said_is_agreed(void **state)
{
	struct bgp_open o = ours();
	struct bgp_open t = theirs();
	struct peer_terms terms;
	struct bgp_notify n;

	(void)state;
	o.add_path_tx = V4 | V6;
	o.add_path_rx = V4;
	t.families = V4;
	t.hold_s = 30;
	t.add_path_rx = V4 | V6;
	t.add_path_tx = V6;
	t.enhanced_refresh = false;
	t.gr_notify = false;
	assert_int_equal(peer_agree(&o, &t, 64501, false, &terms, &n), 0);
	assert_int_equal(terms.families, V4);
	assert_int_equal(terms.hold_s, 30);
	assert_int_equal(terms.add_path_tx, V4);
	assert_int_equal(terms.add_path_rx, 0);
	assert_true(terms.refresh && !terms.enhanced_refresh);
	assert_true(terms.graceful && !terms.graceful_notify);
	t.hold_s = 0;
	assert_int_equal(peer_agree(&o, &t, 64501, false, &terms, &n), 0);
	assert_int_equal(terms.hold_s, 0);
}

static void what_cannot_be_is_refused_by_name(void **state)
{
	struct bgp_open o = ours();
	struct peer_terms terms;
	struct bgp_notify n;

	(void)state;
	struct bgp_open t = theirs();
	assert_true(peer_agree(&o, &t, 64777, false, &terms, &n) < 0);
	assert_int_equal(n.code << 8 | n.subcode, 0x0202);
	t = theirs();
	t.id = 0;
	assert_true(peer_agree(&o, &t, 64501, false, &terms, &n) < 0);
	assert_int_equal(n.subcode, 3);
	/* RFC 6286: another AS may have our identifier, our own may not. */
	t.id = o.id;
	assert_int_equal(peer_agree(&o, &t, 64501, false, &terms, &n), 0);
	t.asn = o.asn;
	assert_true(peer_agree(&o, &t, o.asn, false, &terms, &n) < 0);
	assert_int_equal(n.subcode, 3);
	t = theirs();
	t.hold_s = 2;
	assert_true(peer_agree(&o, &t, 64501, false, &terms, &n) < 0);
	assert_int_equal(n.subcode, 6);
	t = theirs();
	t.families = 0;
	assert_true(peer_agree(&o, &t, 64501, false, &terms, &n) < 0);
	assert_int_equal(n.subcode, 7);
	assert_int_equal(n.len, 12);
	for (unsigned role = 0; role < 6; role++) {
		t = theirs();
		t.role = (uint8_t)role;
		int err = peer_agree(&o, &t, 64501, false, &terms, &n);
		assert_int_equal(err == 0, role == 2);
		if (err)
			assert_int_equal(n.subcode, 11);
	}
	t.has_role = false;
	assert_int_equal(peer_agree(&o, &t, 64501, false, &terms, &n), 0);
	/* RFC 9234 s4.2, strict mode */
	assert_true(peer_agree(&o, &t, 64501, true, &terms, &n) < 0);
	assert_int_equal(n.subcode, 11);
	t = theirs();
	assert_int_equal(peer_agree(&o, &t, 64501, true, &terms, &n), 0);
}

static void the_higher_identifier_wins_then_the_higher_asn(void **state)
{
	struct bgp_open o = ours();
	struct bgp_open t = theirs();

	(void)state;
	assert_true(peer_ours_wins(&o, &t));
	t.id = o.id + 1;
	assert_false(peer_ours_wins(&o, &t));
	t.id = o.id;
	assert_false(peer_ours_wins(&o, &t));
	t.asn = 1;
	assert_true(peer_ours_wins(&o, &t));
}

#define MAX_MS 300000

static void the_wait_grows_survives_established_and_ends(void **state)
{
	struct peer_backoff b = {0};
	uint64_t now = NS_PER_S;
	uint32_t last = 0;

	(void)state;
	/* Up for a minute each time: that does not make it forgotten. */
	for (int i = 0; i < 12; i++) {
		peer_backoff_fail(&b, now, 60 * NS_PER_S, false, MAX_MS, 0);
		assert_true(b.ms > last || b.ms == MAX_MS);
		assert_int_equal(b.until_ns, now + b.ms * NS_PER_MS);
		last = b.ms;
	}
	assert_int_equal(b.ms, MAX_MS);
	/* Not even after five minutes, while it is longer than half that. */
	peer_backoff_fail(&b, now, PEER_STABLE_NS + 1, false, MAX_MS, 0);
	assert_int_equal(b.ms, MAX_MS);
	peer_backoff_fail(&b, now, 601 * NS_PER_S, false, MAX_MS, 0);
	assert_int_equal(b.ms, 1000);
	/* An error costs more from the start; jitter is a quarter at most. */
	b = (struct peer_backoff){0};
	peer_backoff_fail(&b, now, 0, true, MAX_MS, 255);
	assert_int_equal(b.ms, 5000);
	assert_int_equal(b.until_ns, now + 3750 * NS_PER_MS);
	/* What is configured counts even then. */
	peer_backoff_fail(&b, now, 0, true, 2000, 0);
	assert_int_equal(b.ms, 2000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(an_offer_says_what_is_configured),
	    cmocka_unit_test(only_what_both_said_is_agreed),
	    cmocka_unit_test(what_cannot_be_is_refused_by_name),
	    cmocka_unit_test(the_higher_identifier_wins_then_the_higher_asn),
	    cmocka_unit_test(the_wait_grows_survives_established_and_ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

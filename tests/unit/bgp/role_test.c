/* RFC 9234: which roles fit, and what becomes of OTC between them. */
#include "check.h"

#include "bgp/role.h"

#define NO ((struct bgp_otc){.has = false})
#define OTC(n) ((struct bgp_otc){true, n})

static void five_pairs_of_roles_fit_and_no_others(void **state)
{
	static const bool fits[7][7] = {
	    [BGP_ROLE_PROVIDER][BGP_ROLE_CUSTOMER] = true,
	    [BGP_ROLE_CUSTOMER][BGP_ROLE_PROVIDER] = true,
	    [BGP_ROLE_RS][BGP_ROLE_RS_CLIENT] = true,
	    [BGP_ROLE_RS_CLIENT][BGP_ROLE_RS] = true,
	    [BGP_ROLE_PEER][BGP_ROLE_PEER] = true,
	};

	(void)state;
	for (unsigned a = 0; a < 7; a++)
		for (unsigned b = 0; b < 7; b++)
			assert_int_equal(bgp_role_fits(a, b), fits[a][b]);
	assert_false(bgp_role_fits(255, 0));
	assert_false(bgp_role_fits(0, 255));
}

/* The lists of RFC 9234 s5, line by line; the neighbour is AS64501. */
static void otc_on_import_is_as_the_rfc_says(void **state)
{
	static const struct {
		enum bgp_role theirs;
		enum bgp_otc_import none;
		enum bgp_otc_import own;   /* OTC of the neighbour's ASN */
		enum bgp_otc_import other; /* OTC of somebody else's */
	} rows[] = {
	    {BGP_ROLE_CUSTOMER, BGP_OTC_KEEP, BGP_OTC_LEAK, BGP_OTC_LEAK},
	    {BGP_ROLE_RS_CLIENT, BGP_OTC_KEEP, BGP_OTC_LEAK, BGP_OTC_LEAK},
	    {BGP_ROLE_PEER, BGP_OTC_ADD, BGP_OTC_KEEP, BGP_OTC_LEAK},
	    {BGP_ROLE_PROVIDER, BGP_OTC_ADD, BGP_OTC_KEEP, BGP_OTC_KEEP},
	    {BGP_ROLE_RS, BGP_OTC_ADD, BGP_OTC_KEEP, BGP_OTC_KEEP},
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		enum bgp_role r = rows[i].theirs;

		assert_int_equal(bgp_otc_import(r, 64501, NO), rows[i].none);
		assert_int_equal(
		    bgp_otc_import(r, 64501, OTC(64501)), rows[i].own);
		assert_int_equal(
		    bgp_otc_import(r, 64501, OTC(64777)), rows[i].other);
	}
}

static void otc_on_export_is_as_the_rfc_says(void **state)
{
	static const struct {
		enum bgp_role theirs;
		enum bgp_otc_export none;
		enum bgp_otc_export some;
	} rows[] = {
	    {BGP_ROLE_CUSTOMER, BGP_OTC_SET, BGP_OTC_PASS},
	    {BGP_ROLE_RS_CLIENT, BGP_OTC_SET, BGP_OTC_PASS},
	    {BGP_ROLE_PEER, BGP_OTC_SET, BGP_OTC_BAR},
	    {BGP_ROLE_PROVIDER, BGP_OTC_PASS, BGP_OTC_BAR},
	    {BGP_ROLE_RS, BGP_OTC_PASS, BGP_OTC_BAR},
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		assert_int_equal(
		    bgp_otc_export(rows[i].theirs, NO), rows[i].none);
		assert_int_equal(
		    bgp_otc_export(rows[i].theirs, OTC(64777)), rows[i].some);
	}
}

/*
 * What goes down or across never comes up again: whatever way a route takes
 * after a provider, a peer or a route server gave it, no provider or peer
 * beyond gets it as a good one.
 */
static void a_leak_is_stopped_by_sender_or_receiver(void **state)
{
	static const enum bgp_role down[] = {
	    BGP_ROLE_PROVIDER, BGP_ROLE_PEER, BGP_ROLE_RS};
	static const enum bgp_role up[] = {
	    BGP_ROLE_PROVIDER, BGP_ROLE_PEER, BGP_ROLE_RS};

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		/* AS64501 hears it from AS64500, which knows no roles. */
		struct bgp_otc otc = NO;
		assert_int_equal(
		    bgp_otc_import(down[i], 64500, otc), BGP_OTC_ADD);
		otc = OTC(64500);
		for (size_t k = 0; k < 3; k++)
			assert_int_equal(
			    bgp_otc_export(up[k], otc), BGP_OTC_BAR);
		/* Should it send it all the same, the others know a leak. */
		assert_int_equal(bgp_otc_import(BGP_ROLE_CUSTOMER, 64501, otc),
		    BGP_OTC_LEAK);
		assert_int_equal(
		    bgp_otc_import(BGP_ROLE_PEER, 64501, otc), BGP_OTC_LEAK);
		assert_int_equal(bgp_otc_import(BGP_ROLE_RS_CLIENT, 64501, otc),
		    BGP_OTC_LEAK);
	}
}

static void roles_have_words(void **state)
{
	(void)state;
	assert_string_equal(bgp_role_word(BGP_ROLE_RS_CLIENT), "rs-client");
	assert_string_equal(bgp_role_word(BGP_ROLE_PROVIDER), "provider");
	assert_null(bgp_role_word(BGP_ROLE_COUNT));
	assert_null(bgp_role_word(255));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(five_pairs_of_roles_fit_and_no_others),
	    cmocka_unit_test(otc_on_import_is_as_the_rfc_says),
	    cmocka_unit_test(otc_on_export_is_as_the_rfc_says),
	    cmocka_unit_test(a_leak_is_stopped_by_sender_or_receiver),
	    cmocka_unit_test(roles_have_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

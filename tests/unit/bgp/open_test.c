/* OPEN and its capabilities, both ways. */
#include "update_help.h"

#include <errno.h>

/* Parses body on a heap block of its size; 0, or the subcode. */
static int parse(struct bytes body, struct bgp_open *ret)
{
	uint8_t *exact = malloc(body.n + !body.n);
	struct bgp_notify no = {0};

	if (body.n)
		memcpy(exact, body.p, body.n);
	int rc = bgp_open_parse(rd_from(exact, body.n), ret, &no);
	free(exact);
	if (!rc)
		return -1;
	assert_int_equal(rc, -EBADMSG);
	assert_int_equal(no.code, BGP_ERR_OPEN);
	return no.subcode;
}

#define FIXED 4, 0xfb, 0xf5, 0, 90, 192, 0, 2, 11

/* An OPEN with these capabilities in one parameter. */
static int parse_caps(struct bytes caps, struct bgp_open *ret)
{
	static const uint8_t fixed[] = {FIXED};
	uint8_t buf[600];
	struct wr w = wr_from(buf, sizeof buf);

	wr_bytes(&w, fixed, sizeof fixed);
	wr_u8(&w, (unsigned)caps.n + 2);
	wr_u8(&w, 2);
	wr_u8(&w, (unsigned)caps.n);
	wr_bytes(&w, caps.p, caps.n);
	assert_true(wr_ok(&w));
	return parse((struct bytes){buf, wr_len(&w)}, ret);
}

static struct bgp_open everything(void)
{
	return (struct bgp_open){
	    .asn = 4200000001,
	    .hold_s = 90,
	    .id = 0xc0000201,
	    .mp = true,
	    .families = 3,
	    .as4 = true,
	    .refresh = true,
	    .enhanced_refresh = true,
	    .extended = true,
	    .next_hop6 = 1,
	    .add_path_rx = 3,
	    .add_path_tx = 2,
	    .gr = true,
	    .gr_restarting = true,
	    .gr_notify = true,
	    .gr_time_s = 120,
	    .gr_families = 3,
	    .gr_forwarding = 1,
	    .llgr_families = 3,
	    .llgr_forwarding = 2,
	    .llgr_time_s = {86400, 0xffffff},
	    .has_role = true,
	    .role = 1,
	};
}

static void expect_round_trip(const struct bgp_open *o)
{
	uint8_t buf[512];
	struct wr w = wr_from(buf, sizeof buf);
	struct bgp_open got;
	struct bgp_notify no;
	enum bgp_type type;

	memset(&got, 0x55, sizeof got);
	bgp_open_write(&w, o);
	assert_true(wr_ok(&w));
	assert_int_equal(bgp_header(buf, BGP_MAX, &type, &no), wr_len(&w));
	assert_int_equal(type, BGP_OPEN);
	assert_int_equal(
	    parse((struct bytes){buf + BGP_HEADER, wr_len(&w) - BGP_HEADER},
		&got),
	    -1);
	assert_int_equal(got.asn, o->asn);
	assert_int_equal(got.hold_s, o->hold_s);
	assert_int_equal(got.id, o->id);
	assert_int_equal(got.mp, o->mp);
	assert_int_equal(got.families, o->families);
	assert_int_equal(got.as4, o->as4);
	assert_int_equal(got.refresh, o->refresh);
	assert_int_equal(got.enhanced_refresh, o->enhanced_refresh);
	assert_int_equal(got.extended, o->extended);
	assert_int_equal(got.next_hop6, o->next_hop6);
	assert_int_equal(got.add_path_rx, o->add_path_rx);
	assert_int_equal(got.add_path_tx, o->add_path_tx);
	assert_int_equal(got.gr, o->gr);
	assert_int_equal(got.gr_restarting, o->gr_restarting);
	assert_int_equal(got.gr_notify, o->gr_notify);
	assert_int_equal(got.gr_time_s, o->gr_time_s);
	assert_int_equal(got.gr_families, o->gr_families);
	assert_int_equal(got.gr_forwarding, o->gr_forwarding);
	assert_int_equal(got.llgr_families, o->llgr_families);
	assert_int_equal(got.llgr_forwarding, o->llgr_forwarding);
	assert_memory_equal(
	    got.llgr_time_s, o->llgr_time_s, sizeof got.llgr_time_s);
	assert_int_equal(got.has_role, o->has_role);
	assert_int_equal(got.role, o->role);
}

static void round_trips(void **state)
{
	struct bgp_open o = everything();

	(void)state;
	expect_round_trip(&o);
	/* A speaker of 1995. */
	o = (struct bgp_open){
	    .asn = 64501, .hold_s = 0, .id = 1, .families = 1};
	expect_round_trip(&o);
	/* A graceful-restart helper. */
	o.gr = true;
	o.mp = true;
	o.families = 2;
	expect_round_trip(&o);
}

static void every_truncation(void **state)
{
	struct bgp_open o = everything();
	struct bgp_open got;
	uint8_t buf[512];
	struct wr w = wr_from(buf, sizeof buf);

	(void)state;
	bgp_open_write(&w, &o);
	size_t n = wr_len(&w) - BGP_HEADER;
	for (size_t k = 0; k < n; k++) {
		memset(&got, 0x55, sizeof got);
		assert_int_equal(
		    parse((struct bytes){buf + BGP_HEADER, k}, &got), 0);
		assert_int_equal(got.asn, 0x55555555); /* left alone */
		/* The lengths cut with it: refused, or less capable. */
		if (k >= 12) {
			buf[BGP_HEADER + 9] = (uint8_t)(k - 10);
			buf[BGP_HEADER + 11] = (uint8_t)(k - 12);
			parse((struct bytes){buf + BGP_HEADER, k}, &got);
		}
	}
}

static void fixed_part(void **state)
{
	struct bgp_open o;

	(void)state;
	assert_int_equal(parse(LITERAL(FIXED, 0), &o), -1);
	assert_int_equal(o.asn, 64501);
	assert_int_equal(o.families, BGP_FAMILY(FAMILY_IPV4));
	assert_false(o.mp);
	assert_int_equal(o.id, 0xc000020b);
	/* version */
	assert_int_equal(
	    parse(LITERAL(3, 0xfb, 0xf5, 0, 90, 192, 0, 2, 11, 0), &o), 1);
	/* AS 0, and AS_TRANS without the capability */
	assert_int_equal(
	    parse(LITERAL(4, 0, 0, 0, 90, 192, 0, 2, 11, 0), &o), 2);
	assert_int_equal(
	    parse(LITERAL(4, 0x5b, 0xa0, 0, 90, 192, 0, 2, 11, 0), &o), 2);
	/* identifier 0 (RFC 6286) */
	assert_int_equal(
	    parse(LITERAL(4, 0xfb, 0xf5, 0, 90, 0, 0, 0, 0, 0), &o), 3);
	/* hold times 1 and 2; 0 and 3 are fine */
	assert_int_equal(
	    parse(LITERAL(4, 0xfb, 0xf5, 0, 1, 192, 0, 2, 11, 0), &o), 6);
	assert_int_equal(
	    parse(LITERAL(4, 0xfb, 0xf5, 0, 2, 192, 0, 2, 11, 0), &o), 6);
	assert_int_equal(
	    parse(LITERAL(4, 0xfb, 0xf5, 0, 0, 192, 0, 2, 11, 0), &o), -1);
	assert_int_equal(
	    parse(LITERAL(4, 0xfb, 0xf5, 0, 3, 192, 0, 2, 11, 0), &o), -1);
	/* something behind the end */
	assert_int_equal(parse(LITERAL(FIXED, 0, 9), &o), 0);
}

static void parameters(void **state)
{
	struct bgp_open o;

	(void)state;
	/* an unknown one; the old authentication */
	assert_int_equal(parse(LITERAL(FIXED, 3, 9, 1, 0), &o), 4);
	assert_int_equal(parse(LITERAL(FIXED, 3, 1, 1, 0), &o), 4);
	/* capabilities in several parameters */
	assert_int_equal(
	    parse(LITERAL(FIXED, 8, 2, 2, 2, 0, 2, 2, 70, 0), &o), -1);
	assert_true(o.refresh && o.enhanced_refresh);
	/* RFC 9072: long parameters; the first length is not looked at */
	assert_int_equal(
	    parse(LITERAL(FIXED, 255, 255, 0, 5, 2, 0, 2, 2, 0), &o), -1);
	assert_true(o.refresh);
	assert_int_equal(
	    parse(LITERAL(FIXED, 1, 255, 0, 5, 2, 0, 2, 2, 0), &o), -1);
	assert_int_equal(parse(LITERAL(FIXED, 255, 255, 0, 0), &o), -1);
	assert_int_equal(
	    parse(LITERAL(FIXED, 255, 255, 0, 6, 2, 0, 2, 2, 0), &o), 0);
	assert_int_equal(parse(LITERAL(FIXED, 255, 255, 0), &o), 0);
	assert_int_equal(
	    parse(LITERAL(FIXED, 255, 255, 0, 5, 2, 0, 3, 2, 0), &o), 0);
}

static void more_than_255_bytes_of_parameters(void **state)
{
	static const uint8_t fixed[] = {FIXED, 255, 255};
	static const uint8_t unknown[202] = {200, 200, 1};
	static const uint8_t as4[] = {65, 4, 0xfa, 0x56, 0xea, 0x01};
	uint8_t buf[1200];
	struct wr w = wr_from(buf, sizeof buf);
	struct bgp_open o;

	(void)state;
	wr_bytes(&w, fixed, sizeof fixed);
	uint8_t *all = wr_len16_open(&w);
	wr_u8(&w, 2);
	uint8_t *one = wr_len16_open(&w);
	for (unsigned i = 0; i < 4; i++)
		wr_bytes(&w, unknown, sizeof unknown);
	wr_bytes(&w, as4, sizeof as4);
	wr_len16_close(&w, one);
	wr_len16_close(&w, all);
	assert_true(wr_ok(&w));
	assert_int_equal(parse((struct bytes){buf, wr_len(&w)}, &o), -1);
	assert_int_equal(o.asn, 4200000001);
}

static void capabilities_of_wrong_length(void **state)
{
	static const struct {
		uint8_t code;
		uint8_t bad; /* a length that it cannot have */
	} table[] = {{1, 3}, {1, 5}, {2, 1}, {5, 5}, {5, 7}, {6, 1}, {9, 0},
	    {9, 2}, {64, 0}, {64, 1}, {64, 5}, {65, 2}, {65, 5}, {69, 3},
	    {69, 5}, {70, 1}, {71, 6}, {71, 8}};
	struct bgp_open o;

	(void)state;
	for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
		uint8_t caps[16] = {table[i].code, table[i].bad};

		assert_int_equal(
		    parse_caps((struct bytes){caps, 2u + table[i].bad}, &o), 0);
	}
}

static void capabilities_in_detail(void **state)
{
	struct bgp_open o;

	(void)state;
	/* families that are not ours */
	assert_int_equal(
	    parse_caps(LITERAL(1, 4, 0, 25, 0, 70, 1, 4, 0, 2, 0, 1), &o), -1);
	assert_true(o.mp);
	assert_int_equal(o.families, BGP_FAMILY(FAMILY_IPV6));
	/* the last graceful-restart capability counts (RFC 4724 s3) */
	assert_int_equal(parse_caps(LITERAL(64, 6, 0x80, 9, 0, 1, 1, 0x80, 64,
					6, 0x40, 7, 0, 2, 1, 0),
			     &o),
	    -1);
	assert_false(o.gr_restarting);
	assert_true(o.gr_notify);
	assert_int_equal(o.gr_time_s, 7);
	assert_int_equal(o.gr_families, BGP_FAMILY(FAMILY_IPV6));
	assert_int_equal(o.gr_forwarding, 0);
	/* long-lived without it is nothing (RFC 9494) */
	assert_int_equal(
	    parse_caps(LITERAL(71, 7, 0, 1, 1, 0x80, 0, 0, 9), &o), -1);
	assert_int_equal(o.llgr_families, 0);
	/* ADD-PATH: modes 1, 2, 3; others as if not there (RFC 7911) */
	assert_int_equal(
	    parse_caps(LITERAL(69, 8, 0, 1, 1, 1, 0, 2, 1, 7), &o), -1);
	assert_int_equal(o.add_path_rx, 1);
	assert_int_equal(o.add_path_tx, 0);
	/* IPv6 next hops for IPv4, not IPv4 ones for IPv6 (RFC 8950) */
	assert_int_equal(
	    parse_caps(LITERAL(5, 12, 0, 1, 0, 1, 0, 2, 0, 2, 0, 1, 0, 1), &o),
	    -1);
	assert_int_equal(o.next_hop6, BGP_FAMILY(FAMILY_IPV4));
	/* roles that disagree (RFC 9234 s4.2) */
	assert_int_equal(parse_caps(LITERAL(9, 1, 2, 9, 1, 2), &o), -1);
	assert_int_equal(o.role, 2);
	assert_int_equal(parse_caps(LITERAL(9, 1, 2, 9, 1, 3), &o), 11);
	/* AS 0 in the capability */
	assert_int_equal(parse_caps(LITERAL(65, 4, 0, 0, 0, 0), &o), 2);
	/* running over the end */
	assert_int_equal(parse_caps(LITERAL(2), &o), 0);
	assert_int_equal(parse_caps(LITERAL(200, 5, 1), &o), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(round_trips),
	    cmocka_unit_test(every_truncation),
	    cmocka_unit_test(fixed_part),
	    cmocka_unit_test(parameters),
	    cmocka_unit_test(more_than_255_bytes_of_parameters),
	    cmocka_unit_test(capabilities_of_wrong_length),
	    cmocka_unit_test(capabilities_in_detail),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

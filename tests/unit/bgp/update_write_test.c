/* What we write is what a parser reads. */
#include "update_help.h"

#include "bgp/update_write.h"

#define ATTRS ORIGIN_IGP, PATH_64501, 0x80, 4, 4, 0, 0, 0, 9
#define V6_A 0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x11
#define V6_LL 0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x11

static struct sample s;

static int setup(void **state)
{
	(void)state;
	sample_init(&s);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	sample_done(&s);
	return 0;
}

static struct prefix nth(enum family f, unsigned i)
{
	struct ip ip = {.family = (uint8_t)f,
	    .b = {f == FAMILY_IPV4 ? 10 : 0x20, 1, (uint8_t)(i >> 8),
		(uint8_t)i, 7, 7}};

	return prefix_of(
	    &ip, (uint8_t)(f == FAMILY_IPV4 ? 16 + i % 17 : 32 + i % 97));
}

/* Reads the messages back and counts their prefixes, in order. */
static unsigned read_back(struct bytes all, const struct bgp_encoding *how,
    struct bytes attrs, struct bytes next_hop)
{
	struct bgp_rules rules = {.families = 3,
	    .as4 = true,
	    .add_path = how->add_path ? 3 : 0,
	    .next_hop6 = 3};
	bool classic = how->family == FAMILY_IPV4 && next_hop.n <= 4;
	unsigned i = 0;

	while (all.n) {
		enum bgp_type type;
		struct bgp_notify no;
		struct bgp_prefix p;
		size_t n = bgp_header(all.p, how->max, &type, &no);

		assert_true(n > 0 && n <= all.n);
		assert_int_equal(type, BGP_UPDATE);
		sample_parse_body(
		    &s, all.p + BGP_HEADER, n - BGP_HEADER, &rules);
		assert_int_equal(s.u.harm, BGP_FINE);
		assert_false(s.u.end_of_rib);
		struct bgp_nlri *run = next_hop.n ? &s.u.reach[!classic]
						  : &s.u.withdrawn[!classic];
		if (next_hop.n) {
			assert_bytes(s.u.attrs.wire, attrs);
			assert_bytes((struct bytes){s.u.next_hop[!classic],
					 s.u.next_hop_len[!classic]},
			    next_hop);
		}
		while (bgp_nlri_next(run, &p)) {
			struct prefix want = nth(how->family, i);

			assert_true(prefix_eq(&p.prefix, &want));
			assert_int_equal(p.path_id, how->add_path ? i + 1 : 0);
			i++;
		}
		all.p += n;
		all.n -= n;
	}
	return i;
}

static uint8_t out[1 << 18];

static unsigned write_all(struct wr *w, const struct bgp_encoding *how,
    struct bytes attrs, struct bytes next_hop, unsigned total)
{
	unsigned messages = 0;
	unsigned i = 0;

	while (i < total) {
		struct bgp_update_writer u;
		bool room = next_hop.n ? bgp_update_write_reach(&u, w, how,
					     attrs, next_hop.p, next_hop.n)
				       : bgp_update_write_unreach(&u, w, how);

		assert_true(room);
		for (; i < total; i++) {
			struct prefix p = nth(how->family, i);

			if (!bgp_update_write_nlri(&u, p.addr.b, p.len, i + 1))
				break;
		}
		size_t n = bgp_update_write_close(&u);
		assert_true(n > 0 && n <= how->max);
		messages++;
	}
	return messages;
}

static void many_prefixes_share_messages(void **state)
{
	struct bytes attrs = LITERAL(ATTRS);
	const struct bytes hops[] = {
	    LITERAL(192, 0, 2, 11), LITERAL(V6_A), LITERAL(V6_A, V6_LL), EMPTY};

	(void)state;
	for (enum family f = 0; f < FAMILY_COUNT; f++)
		for (size_t h = 0; h < 4; h++)
			for (unsigned v = 0; v < 4; v++) {
				struct bgp_encoding how = {
				    .family = (uint8_t)f,
				    .add_path = v & 1,
				    .max = v & 2 ? BGP_MAX_EXTENDED : BGP_MAX,
				};
				struct wr w = wr_from(out, sizeof out);

				if (f == FAMILY_IPV6 && hops[h].n == 4)
					continue;
				unsigned n =
				    write_all(&w, &how, attrs, hops[h], 3000);
				assert_true(n < (v & 2 ? 4 : 25));
				assert_int_equal(
				    read_back((struct bytes){out, wr_len(&w)},
					&how, attrs, hops[h]),
				    3000);
			}
}

static void bytes_of_a_small_announcement(void **state)
{
	struct bgp_encoding how = {.family = FAMILY_IPV4, .max = BGP_MAX};
	struct bgp_update_writer u;
	struct wr w = wr_from(out, sizeof out);
	static const uint8_t hop[] = {192, 0, 2, 11};
	static const uint8_t net[] = {203, 0, 113, 0};
	size_t n;

	(void)state;
	assert_true(bgp_update_write_reach(
	    &u, &w, &how, LITERAL(ATTRS), hop, sizeof hop));
	assert_true(bgp_update_write_nlri(&u, net, 24, 0));
	n = bgp_update_write_close(&u);
	assert_int_equal(n, wr_len(&w));
	assert_bytes((struct bytes){out + 16, wr_len(&w) - 16},
	    LITERAL(0, 54, 2, 0, 0, 0, 27, ORIGIN_IGP, PATH_64501, NEXT_HOP_11,
		0x80, 4, 4, 0, 0, 0, 9, NLRI_203));
	/* RFC 7606 s5.1: MP_REACH_NLRI stands first. */
	how.family = FAMILY_IPV6;
	w = wr_from(out, sizeof out);
	static const uint8_t hop6[] = {V6_A};
	static const uint8_t net6[16] = {0x20, 1, 0xd, 0xb8};
	assert_true(bgp_update_write_reach(
	    &u, &w, &how, LITERAL(ATTRS), hop6, sizeof hop6));
	assert_true(bgp_update_write_nlri(&u, net6, 32, 0));
	n = bgp_update_write_close(&u);
	assert_int_equal(n, wr_len(&w));
	assert_bytes((struct bytes){out + 18, wr_len(&w) - 18},
	    LITERAL(2, 0, 0, 0, 50, 0x90, 14, 0, 26, 0, 2, 1, 16, V6_A, 0, 32,
		0x20, 1, 0xd, 0xb8, ATTRS));
}

static void an_empty_message_leaves_nothing(void **state)
{
	static const uint8_t hop[] = {V6_A};

	(void)state;
	for (enum family f = 0; f < FAMILY_COUNT; f++) {
		struct bgp_encoding how = {
		    .family = (uint8_t)f, .max = BGP_MAX};
		struct bgp_update_writer u;
		struct wr w = wr_from(out, sizeof out);

		assert_true(bgp_update_write_reach(
		    &u, &w, &how, LITERAL(ATTRS), hop, 16));
		assert_int_equal(bgp_update_write_close(&u), 0);
		assert_int_equal(wr_len(&w), 0);
		assert_true(bgp_update_write_unreach(&u, &w, &how));
		assert_int_equal(bgp_update_write_close(&u), 0);
		assert_int_equal(wr_len(&w), 0);
	}
}

static void too_little_room_is_refused(void **state)
{
	static const uint8_t hop4[] = {192, 0, 2, 11};
	static const uint8_t hop6[] = {V6_A};
	static const uint8_t net[16] = {
	    0x20, 1, 0xd, 0xb8, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};

	(void)state;
	for (unsigned v = 0; v < 8; v++) {
		bool six = v & 1;
		struct bgp_encoding how = {
		    .family = six, .add_path = v & 2, .max = BGP_MAX};
		bool opened = false;

		for (size_t room = 0; room < 140; room++) {
			uint8_t *exact = malloc(room + !room);
			struct wr w = wr_from(exact, room);
			struct bgp_update_writer u;
			bool ok = v & 4 ? bgp_update_write_unreach(&u, &w, &how)
					: bgp_update_write_reach(&u, &w, &how,
					      LITERAL(ATTRS), six ? hop6 : hop4,
					      six ? 16 : 4);

			if (!ok) {
				assert_false(opened);
				assert_int_equal(wr_len(&w), 0);
				assert_true(wr_ok(&w));
				free(exact);
				continue;
			}
			/* One of full length always fits then. */
			opened = true;
			assert_true(
			    bgp_update_write_nlri(&u, net, six ? 128 : 32, 1));
			while (bgp_update_write_nlri(&u, net, 9, 1))
				;
			size_t n = bgp_update_write_close(&u);
			assert_true(n > 0 && n <= room);
			free(exact);
		}
		assert_true(opened);
	}
}

/* Attributes that only an extended message can carry. */
static void attributes_beyond_a_message(void **state)
{
	static uint8_t attrs[6000];
	static uint8_t many[5000];
	static const uint8_t head[] = {ORIGIN_IGP, PATH_64501};
	static const uint8_t hop[] = {192, 0, 2, 11};
	struct wr a = wr_from(attrs, sizeof attrs);
	struct bgp_encoding how = {.family = FAMILY_IPV4, .max = BGP_MAX};
	struct bgp_update_writer u;
	struct wr w = wr_from(out, sizeof out);

	(void)state;
	wr_bytes(&a, head, sizeof head);
	memset(many, 1, sizeof many);
	bgp_attr_write(&a, 0xc0, ATTR_COMMUNITIES, (struct bytes){many, 5000});
	struct bytes wire = {attrs, wr_len(&a)};
	assert_false(bgp_update_write_reach(&u, &w, &how, wire, hop, 4));
	assert_int_equal(wr_len(&w), 0);
	how.max = BGP_MAX_EXTENDED;
	assert_int_equal(
	    write_all(&w, &how, wire, (struct bytes){hop, 4}, 10), 1);
	assert_int_equal(read_back((struct bytes){out, wr_len(&w)}, &how, wire,
			     (struct bytes){hop, 4}),
	    10);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(many_prefixes_share_messages),
	    TEST(bytes_of_a_small_announcement),
	    TEST(an_empty_message_leaves_nothing),
	    TEST(too_little_room_is_refused),
	    TEST(attributes_beyond_a_message),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

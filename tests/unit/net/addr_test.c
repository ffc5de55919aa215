#include "check.h"

#include "net/addr.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>

static void addresses_as_text(void **state)
{
	static const struct {
		const char *in;
		const char *out; /* NULL: refused */
	} v[] = {
	    {"192.0.2.1", "192.0.2.1"},
	    {"2001:DB8:0:0::1", "2001:db8::1"},
	    {"::", "::"},
	    {"0.0.0.0", "0.0.0.0"},
	    {"192.0.2", NULL},
	    {"192.0.2.256", NULL},
	    {"192.0.2.1 ", NULL},
	    {"fe80::1%eth0", NULL},
	    {"", NULL},
	};

	(void)state;
	for (size_t i = 0; i < sizeof v / sizeof *v; i++) {
		struct ip ip;
		char text[IP_TEXT];
		int err = ip_parse(v[i].in, &ip);

		assert_int_equal(err, v[i].out ? 0 : -EINVAL);
		if (v[i].out)
			assert_string_equal(ip_format(&ip, text), v[i].out);
	}
}

static void prefixes_as_text(void **state)
{
	static const struct {
		const char *in;
		int err;
	} v[] = {
	    {"192.0.2.0/24", 0},
	    {"0.0.0.0/0", 0},
	    {"192.0.2.1/32", 0},
	    {"2001:db8::/32", 0},
	    {"::/0", 0},
	    {"2001:db8::1/128", 0},
	    {"192.0.2.1/24", -ERANGE},
	    {"2001:db8::1/127", -ERANGE},
	    {"192.0.2.0/33", -EINVAL},
	    {"2001:db8::/129", -EINVAL},
	    {"192.0.2.0/", -EINVAL},
	    {"192.0.2.0", -EINVAL},
	    {"192.0.2.0/-1", -EINVAL},
	    {"192.0.2.0/0024", -EINVAL},
	    {"/24", -EINVAL},
	};

	(void)state;
	for (size_t i = 0; i < sizeof v / sizeof *v; i++) {
		struct prefix p;
		char text[PREFIX_TEXT];

		assert_int_equal(prefix_parse(v[i].in, &p), v[i].err);
		if (!v[i].err)
			assert_string_equal(prefix_format(&p, text), v[i].in);
	}
}

/* Bit by bit, the obvious way. */
static bool bit(const struct ip *ip, unsigned i)
{
	return ip->b[i / 8] >> (7 - i % 8) & 1;
}

static void a_prefix_keeps_just_its_bits(void **state)
{
	struct ip ip;

	(void)state;
	memset(ip.b, 0xff, sizeof ip.b);
	ip.family = FAMILY_IPV6;
	for (unsigned len = 0; len <= 128; len++) {
		struct prefix p = prefix_of(&ip, (uint8_t)len);

		for (unsigned i = 0; i < 128; i++)
			assert_int_equal(bit(&p.addr, i), i < len);
		assert_true(prefix_contains(&p, &ip));
		if (len) {
			struct ip other = ip;

			other.b[(len - 1) / 8] ^=
			    (uint8_t)(0x80 >> ((len - 1) % 8));
			assert_false(prefix_contains(&p, &other));
		}
	}
}

static void covering(void **state)
{
	struct prefix a, b, c, d;

	(void)state;
	assert_int_equal(prefix_parse("192.0.2.0/24", &a), 0);
	assert_int_equal(prefix_parse("192.0.2.128/25", &b), 0);
	assert_int_equal(prefix_parse("192.0.3.0/25", &c), 0);
	assert_int_equal(prefix_parse("::/0", &d), 0);
	assert_true(prefix_covers(&a, &a));
	assert_true(prefix_covers(&a, &b));
	assert_false(prefix_covers(&b, &a));
	assert_false(prefix_covers(&a, &c));
	assert_false(prefix_covers(&d, &a));
	assert_true(prefix_cmp(&a, &b) < 0);
	assert_true(prefix_cmp(&d, &a) > 0);
	assert_int_equal(prefix_cmp(&b, &b), 0);
}

static void sockaddrs_round_trip(void **state)
{
	static const char *const text[] = {"192.0.2.7", "2001:db8::7"};
	struct sockaddr_in6 mapped = {.sin6_family = AF_INET6};
	uint16_t port;
	struct ip back;

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct ip ip;
		struct sockaddr_storage ss;

		assert_int_equal(ip_parse(text[i], &ip), 0);
		assert_true(ip_to_sockaddr(&ip, 179, &ss) <= sizeof ss);
		assert_int_equal(
		    ip_from_sockaddr((struct sockaddr *)&ss, &back, &port), 0);
		assert_true(ip_eq(&ip, &back));
		assert_int_equal(port, 179);
	}
	inet_pton(AF_INET6, "::ffff:192.0.2.7", &mapped.sin6_addr);
	assert_int_equal(
	    ip_from_sockaddr((struct sockaddr *)&mapped, &back, &port), 0);
	assert_int_equal(back.family, FAMILY_IPV4);
	struct sockaddr other = {.sa_family = AF_UNIX};
	assert_int_equal(ip_from_sockaddr(&other, &back, &port), -EAFNOSUPPORT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(addresses_as_text),
	    cmocka_unit_test(prefixes_as_text),
	    cmocka_unit_test(a_prefix_keeps_just_its_bits),
	    cmocka_unit_test(covering),
	    cmocka_unit_test(sockaddrs_round_trip),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

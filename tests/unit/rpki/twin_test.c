/* The tables against their naive twins, at random. */
#include "check.h"

#include "../../naive/rpki.h"
#include "base/clock.h"
#include "base/hash.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint64_t state;

static uint32_t rnd(uint32_t n)
{
	state += 0x9e3779b97f4a7c15u;
	return (uint32_t)(hash_u64(state, 1) % n);
}

/* Few bits vary, so that prefixes nest, and some blocks grow large. */
static struct prefix random_prefix(bool dense)
{
	struct ip ip = {.family = (uint8_t)rnd(FAMILY_COUNT)};
	unsigned bits = family_bits(ip.family);

	if (ip.family == FAMILY_IPV4) {
		ip.b[0] = (uint8_t)(10 + rnd(2));
		ip.b[1] = (uint8_t)rnd(dense ? 1 : 4);
		ip.b[2] = (uint8_t)(dense ? rnd(256) : rnd(4) << 6);
		ip.b[3] = (uint8_t)(rnd(4) << 6);
	} else {
		ip.b[0] = 0x20;
		ip.b[1] = 0x01;
		ip.b[2] = 0x0d;
		ip.b[3] = (uint8_t)(0xb8 + rnd(dense ? 1 : 3));
		ip.b[5] = (uint8_t)(dense ? rnd(256) : rnd(4));
		ip.b[11] = (uint8_t)rnd(2);
		ip.b[12] = (uint8_t)(rnd(2) << 7);
		ip.b[15] = (uint8_t)rnd(2);
	}
	return prefix_of(&ip, (uint8_t)rnd(bits + 1));
}

static struct vrp random_vrp(bool dense)
{
	struct vrp v = {.prefix = random_prefix(dense), .sources = 1};
	unsigned room = family_bits(v.prefix.addr.family) - v.prefix.len;

	v.max_len = (uint8_t)(v.prefix.len + rnd(room + 1));
	v.asn = rnd(4);
	v.since_s = rnd(1000);
	return v;
}

struct seen {
	const struct naive_vrps *twin;
	size_t n;
};

static void see(void *arg, const struct vrp *v, struct vrp_note *note)
{
	struct seen *s = arg;
	size_t i = naive_vrps_find(s->twin, v);

	assert_true(i < s->twin->n);
	assert_int_equal(s->twin->v[i].since_s, v->since_s);
	assert_int_equal(note->since_s, v->since_s);
	s->n++;
}

static void compare_covering(
    const struct vrps *t, const struct naive_vrps *twin, const struct prefix *p)
{
	static struct vrp got[4096];
	size_t n = vrps_covering(t, p, got, 4096);
	size_t want = 0;

	for (size_t i = 0; i < twin->n; i++)
		want += prefix_covers(&twin->v[i].prefix, p);
	assert_int_equal(n, want);
	for (size_t i = 0; i < n; i++) {
		assert_true(naive_vrps_find(twin, &got[i]) < twin->n);
		if (!i)
			continue;
		const struct vrp *a = &got[i - 1], *b = &got[i];
		assert_true(a->prefix.len <= b->prefix.len);
		if (a->prefix.len == b->prefix.len)
			assert_true(
			    a->asn < b->asn ||
			    (a->asn == b->asn && a->max_len < b->max_len));
	}
}

/* Many routes of one origin at once, as in an UPDATE. */
static void compare_all(
    const struct vrps *t, const struct naive_vrps *twin, bool dense)
{
	struct prefix p[150] = {0};
	uint8_t got[150];
	uint32_t origin = rnd(5);
	enum family f = rnd(FAMILY_COUNT);
	size_t n = 0, most = rnd(150);

	while (n < most) {
		p[n] = random_prefix(dense);
		n += p[n].addr.family == f;
	}
	vrps_check_all(t, p, n, origin, got);
	for (size_t i = 0; i < n; i++)
		assert_int_equal(got[i], naive_rov(twin, &p[i], origin));
}

static void compare(
    const struct vrps *t, const struct naive_vrps *twin, bool dense)
{
	struct seen s = {.twin = twin};

	for (int i = 0; i < 60; i++) {
		struct prefix p = random_prefix(dense);
		uint32_t origin = rnd(5);

		assert_int_equal(
		    vrps_check(t, &p, origin), naive_rov(twin, &p, origin));
		if (i < 6)
			compare_covering(t, twin, &p);
	}
	compare_all(t, twin, dense);
	vrps_each(t, see, &s);
	assert_int_equal(s.n, twin->n);
	assert_int_equal(
	    vrps_count(t, FAMILY_IPV4) + vrps_count(t, FAMILY_IPV6), twin->n);
}

static void vrps_are_as_their_twin(void **unused)
{
	(void)unused;
	state = clock_seed();
	print_message("# seed %llu\n", (unsigned long long)state);
	for (int round = 0; round < 4; round++) {
		struct vrps *t = vrps_new();
		struct naive_vrps twin = {0};
		bool dense = round & 1;
		size_t most = dense ? 1500 : 300;

		for (int i = 0; i < 3000; i++) {
			struct vrp v = random_vrp(dense);
			bool add = rnd(10) < (i / 1500 ? 3u : 8u);

			if (!add && twin.n && rnd(4))
				v = twin.v[rnd((uint32_t)twin.n)];
			if (add && twin.n < most)
				assert_int_equal(
				    vrps_add(t, &v), naive_vrps_add(&twin, &v));
			else if (!add)
				assert_int_equal(vrps_remove(t, &v),
				    naive_vrps_remove(&twin, &v));
			if (i == 700 && round < 2)
				vrps_quicken(t);
			if (i % 50 == 0)
				compare(t, &twin, dense);
		}
		while (twin.n) {
			struct vrp v = twin.v[rnd((uint32_t)twin.n)];

			assert_true(vrps_remove(t, &v));
			naive_vrps_remove(&twin, &v);
			if (twin.n % 50 == 0)
				compare(t, &twin, dense);
		}
		naive_vrps_done(&twin);
		vrps_free(t);
	}
}

static void aspas_are_as_their_twin(void **unused)
{
	(void)unused;
	state = clock_seed();
	print_message("# seed %llu\n", (unsigned long long)state);
	size_t seen[2][ASPA_COUNT] = {0};
	for (int graph = 0; graph < 300; graph++) {
		static struct naive_aspas twin;
		struct aspas *t = aspas_new();
		uint32_t ases = 3 + rnd(NAIVE_ASES - 4);
		uint32_t density = 1 + rnd(6);

		memset(&twin, 0, sizeof twin);
		for (uint32_t c = 1; c <= ases; c++) {
			uint32_t provider[NAIVE_ASES];
			struct aspa_record r = {
			    .customer = c, .provider = provider};

			if (!rnd(4))
				continue;
			twin.attested[c] = true;
			for (uint32_t p = 1; p <= ases; p++) {
				if (p == c || rnd(6) >= density)
					continue;
				twin.says[c][p] = true;
				provider[r.n++] = p;
			}
			if (!r.n)
				provider[r.n++] = 0; /* AS0: has none */
			assert_int_equal(aspas_set(t, &r), 1);
		}
		for (int i = 0; i < 300; i++) {
			uint32_t path[12];
			struct aspa_path p = {path, rnd(9), !rnd(50)};

			for (size_t k = 0; k < p.n; k++)
				path[k] =
				    k && !rnd(4) ? path[k - 1] : 1 + rnd(ases);
			enum aspa up =
			    naive_aspa_upstream(&twin, path, p.n, p.has_set);
			enum aspa down =
			    naive_aspa_downstream(&twin, path, p.n, p.has_set);
			assert_int_equal(
			    aspas_check(t, ASPA_FROM_RS_CLIENT, &p, NULL), up);
			assert_int_equal(
			    aspas_check(t, ASPA_FROM_PROVIDER, &p, NULL), down);
			seen[0][up]++;
			seen[1][down]++;
		}
		aspas_free(t);
	}
	/* The graphs are of use only when every answer comes up. */
	for (int i = 0; i < 2; i++)
		for (int a = ASPA_VALID; a < ASPA_COUNT; a++)
			assert_true(seen[i][a] > 1000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(vrps_are_as_their_twin),
	    cmocka_unit_test(aspas_are_as_their_twin),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Sets from records, and the table of them. */
#include "check.h"

#include "registry/registry.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define RECORDS 64

struct records {
	struct record {
		uint32_t type;
		size_t n;
		uint8_t *p;
	} v[RECORDS];
	size_t n;
};

static bool keep(
    void *arg, enum registry_record type, const uint8_t *p, size_t n)
{
	struct records *r = arg;

	assert_true(r->n < RECORDS && n <= REGISTRY_RECORD_MAX);
	uint8_t *copy = malloc(n + 1);
	assert_non_null(copy);
	memcpy(copy, p, n);
	r->v[r->n++] = (struct record){type, n, copy};
	return true;
}

static void drop(struct records *r)
{
	while (r->n)
		free(r->v[--r->n].p);
}

static struct conf_prefix range(const char *text, uint8_t min, uint8_t max)
{
	struct conf_prefix p = {.min_len = min, .max_len = max};

	assert_int_equal(prefix_parse(text, &p.prefix), 0);
	return p;
}

static const struct registry_head head = {
    "AS-ALPHA", "bgpq4, rr.example.net", 1790000000};

/* n further /24s make it long. */
static void make(struct records *to, size_t n)
{
	struct registry_list l = {0};

	l.prefix = calloc(n + 2, sizeof *l.prefix);
	l.origin = calloc(2, sizeof *l.origin);
	assert_true(l.prefix && l.origin);
	l.prefix[l.n_prefix++] = range("203.0.113.0/24", 24, 24);
	l.prefix[l.n_prefix++] = range("2001:db8::/32", 32, 48);
	for (size_t i = 0; i < n; i++) {
		struct conf_prefix p = range("10.0.0.0/24", 24, 24);

		p.prefix.addr.b[1] = (uint8_t)(i >> 8);
		p.prefix.addr.b[2] = (uint8_t)i;
		l.prefix[l.n_prefix++] = p;
	}
	l.count[FAMILY_IPV4] = n + 1;
	l.count[FAMILY_IPV6] = 1;
	l.origin[l.n_origin++] = 64502;
	l.origin[l.n_origin++] = 64501;
	to->n = 0;
	assert_true(registry_write(&head, &l, keep, to));
	registry_list_free(&l);
}

static struct registry_set *take(const struct records *r)
{
	struct registry_taker t = {0};
	struct registry_set *s = NULL;

	for (size_t i = 0; i < r->n; i++)
		assert_int_equal(registry_take(&t, r->v[i].type,
				     rd_from(r->v[i].p, r->v[i].n), &s),
		    i + 1 == r->n);
	registry_taker_done(&t);
	return s;
}

static bool permits(const struct registry_set *s, const char *text)
{
	struct prefix p;

	assert_int_equal(prefix_parse(text, &p), 0);
	return registry_set_permits(s, &p);
}

static void a_set_comes_out_as_it_went_in(void **state)
{
	struct records r;

	(void)state;
	make(&r, 5000); /* many records */
	assert_true(r.n > 4);
	struct registry_set *s = take(&r);
	assert_string_equal(registry_set_head(s)->object, "AS-ALPHA");
	assert_string_equal(
	    registry_set_head(s)->source, "bgpq4, rr.example.net");
	assert_int_equal(registry_set_head(s)->fetched_s, 1790000000);
	assert_int_equal(registry_set_prefixes(s, FAMILY_IPV4), 5001);
	assert_int_equal(registry_set_prefixes(s, FAMILY_IPV6), 1);
	assert_int_equal(registry_set_origins(s), 2);
	assert_true(permits(s, "203.0.113.0/24"));
	assert_false(permits(s, "203.0.113.0/25"));
	assert_true(permits(s, "2001:db8:1::/48"));
	assert_false(permits(s, "2001:db8:1::/49"));
	assert_true(permits(s, "10.19.135.0/24"));
	assert_false(permits(s, "10.19.136.0/24"));
	assert_true(registry_set_has_origin(s, 64501));
	assert_true(registry_set_has_origin(s, 64502));
	assert_false(registry_set_has_origin(s, 64503));
	registry_set_unref(s);
	drop(&r);
}

/* One byte less anywhere, or one record: no set comes of it. */
static void a_part_is_not_the_whole(void **state)
{
	struct records r;

	(void)state;
	make(&r, 3);
	for (size_t i = 0; i < r.n; i++) {
		for (size_t n = 0; n <= r.v[i].n; n++) {
			struct registry_taker t = {0};
			struct registry_set *s = NULL;

			for (size_t k = 0; k < r.n; k++) {
				/* n == all of it: left out as a whole */
				if (k == i && n == r.v[i].n)
					continue;
				registry_take(&t, r.v[k].type,
				    rd_from(r.v[k].p, k == i ? n : r.v[k].n),
				    &s);
			}
			assert_null(s);
			registry_taker_done(&t);
		}
	}
	drop(&r);
}

static void nonsense_is_refused(void **state)
{
	static const struct {
		uint32_t type;
		size_t n;
		uint8_t b[24];
	} bad[] = {
	    {REGISTRY_PREFIXES, 8, {2, 24, 24, 24, 10, 0, 0, 0}},
	    {REGISTRY_PREFIXES, 8, {0, 33, 33, 33, 10, 0, 0, 0}},
	    {REGISTRY_PREFIXES, 8, {0, 24, 23, 24, 10, 0, 0, 0}},
	    {REGISTRY_PREFIXES, 8, {0, 24, 25, 24, 10, 0, 0, 0}},
	    {REGISTRY_PREFIXES, 8, {0, 24, 24, 33, 10, 0, 0, 0}},
	    {REGISTRY_ASNS, 3, {0, 0, 1}},
	    {REGISTRY_END, 12, {0}}, /* empty */
	    {0, 0, {0}},
	    {99, 4, {0}},
	};
	struct records r;

	(void)state;
	make(&r, 0);
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		struct registry_taker t = {0};
		struct registry_set *s = NULL;

		/* Before a set is begun nothing may come. */
		assert_int_equal(registry_take(&t, bad[i].type,
				     rd_from(bad[i].b, bad[i].n), &s),
		    -EINVAL);
		assert_int_equal(registry_take(&t, r.v[0].type,
				     rd_from(r.v[0].p, r.v[0].n), &s),
		    0);
		assert_int_equal(registry_take(&t, bad[i].type,
				     rd_from(bad[i].b, bad[i].n), &s),
		    -EINVAL);
		/* And the rest of it is not taken for a set. */
		for (size_t k = 1; k < r.n; k++)
			assert_int_equal(registry_take(&t, r.v[k].type,
					     rd_from(r.v[k].p, r.v[k].n), &s),
			    -EINVAL);
		assert_null(s);
		registry_taker_done(&t);
	}
	drop(&r);
}

static struct conf *parse(const char *text)
{
	struct conf *c = NULL;
	struct conf_error *errors = NULL;
	size_t n = 0;

	assert_int_equal(conf_parse(text, strlen(text), &c, &errors, &n), 0);
	free(errors);
	return c;
}

static void newer_sets_take_the_place_of_older(void **state)
{
	struct registry *g = registry_new();
	struct records r;
	struct conf *c = parse(
	    "exchange \"X\" { asn 64500; router-id 192.0.2.1; "
	    "listen 192.0.2.1; }\n"
	    "member \"A\" { asn 64501; as-set as-alpha; at 192.0.2.11; }\n");
	char object[REGISTRY_OBJECT];

	(void)state;
	assert_null(registry_find(g, "AS-ALPHA"));
	make(&r, 0);
	struct registry_set *old = take(&r);
	registry_set_ref(old); /* somebody still reads it */
	assert_int_equal(registry_put(g, old), 0);
	assert_ptr_equal(registry_find(g, "AS-ALPHA"), old);
	assert_ptr_equal(registry_find(g, "as-alpha"), old);
	struct registry_set *new = take(&r);
	assert_int_equal(registry_put(g, new), 0);
	assert_ptr_equal(registry_find(g, "AS-ALPHA"), new);
	assert_true(permits(old, "203.0.113.0/24"));
	registry_set_unref(old);
	registry_prune(g, c);
	assert_ptr_equal(registry_find(g, "AS-ALPHA"), new);
	registry_object_of(&c->member[0], object);
	assert_string_equal(object, "as-alpha");
	conf_free(c);
	c = parse("exchange \"X\" { asn 64500; router-id 192.0.2.1; "
		  "listen 192.0.2.1; }\n"
		  "member \"A\" { asn 64501; at 192.0.2.11; }\n");
	registry_object_of(&c->member[0], object);
	assert_string_equal(object, "AS64501");
	registry_prune(g, c);
	assert_null(registry_find(g, "AS-ALPHA"));
	conf_free(c);
	registry_free(g);
	drop(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_set_comes_out_as_it_went_in),
	    cmocka_unit_test(a_part_is_not_the_whole),
	    cmocka_unit_test(nonsense_is_refused),
	    cmocka_unit_test(newer_sets_take_the_place_of_older),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/*
 * Each PDU that a cache may send, cut off anywhere and with every length but
 * its own: a part is never taken for the whole, and nothing is waited for
 * that cannot come.
 */
#include "check.h"

#include "base/clock.h"
#include "rpki/cache.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MOST 160 /* bytes of a sample with what is added to it */
#define VERSION 0
#define LENGTH 4

/* In hex, as version 0; the length of each is that of its bytes. */
static const struct sample {
	const char *name;
	unsigned since, until;
	bool many;   /* other lengths can be good, too */
	bool inside; /* a Cache Response comes before */
	const char *hex;
} samples[] = {
    {"Serial Notify", 0, 2, false, false, "000012340000000c00000009"},
    {"Cache Response", 0, 2, false, false, "0003123400000008"},
    {"IPv4 Prefix", 0, 2, false, true,
	"0004000000000014"
	"011018000a0000000000fbf5"},
    {"IPv6 Prefix", 0, 2, false, true,
	"0006000000000020"
	"0120300020010db80000000000000000000000000000fbf5"},
    {"End of Data", 0, 0, false, true, "000712340000000c00000005"},
    {"End of Data", 1, 2, false, true,
	"0007123400000018"
	"0000000500000e100000025800001c20"},
    {"Cache Reset", 0, 2, false, false, "0008000000000008"},
    {"Router Key", 1, 2, true, true,
	"0009010000000028"
	"000102030405060708090a0b0c0d0e0f101112130000fbf53059301306072a86"},
    {"Error Report", 0, 2, true, false,
	"000a000200000018"
	"00000000000000086e6f20646174610a"},
    {"ASPA", 2, 2, true, true,
	"000b010000000014"
	"0000fbf50000fbf60000fbf7"},
    {"ASPA of old", 2, 2, true, true,
	"000b000000000018"
	"010000020000fbf50000fbf60000fbf7"},
};

static size_t bytes_of(const struct sample *s, unsigned version, uint8_t *to)
{
	size_t n = strlen(s->hex) / 2;

	memset(to, 0, MOST);
	for (size_t i = 0; i < n; i++) {
		unsigned v;

		assert_int_equal(sscanf(s->hex + 2 * i, "%2x", &v), 1);
		to[i] = (uint8_t)v;
	}
	to[VERSION] = (uint8_t)version;
	assert_int_equal(to[LENGTH + 3], n);
	return n;
}

/* One that has been asked, in that version, and has begun to answer. */
static struct cache *asked(unsigned version, bool inside)
{
	static const uint8_t refusal[] = {
	    0, 10, 0, 4, 0, 0, 0, 16, 0, 0, 0, 0, 0, 0, 0, 0};
	uint8_t b[sizeof refusal];
	uint64_t now = 1000 * NS_PER_S;
	struct cache *c = cache_new(&(struct cache_timers){0}, now);

	assert_non_null(c);
	for (unsigned v = 2;; v--) {
		assert_int_equal(cache_tick(c, now), CACHE_CONNECT);
		cache_connected(c, now);
		assert_int_equal(cache_output(c).p[VERSION], v);
		cache_sent(c, cache_output(c).n);
		if (v == version)
			break;
		memcpy(b, refusal, sizeof b);
		b[VERSION] = (uint8_t)(v - 1);
		assert_int_equal(cache_input(c, b, sizeof b, now), CACHE_CLOSE);
		cache_closed(c, "", now);
	}
	if (inside) {
		const uint8_t begin[] = {
		    (uint8_t)version, 3, 0x12, 0x34, 0, 0, 0, 8};

		assert_int_equal(
		    cache_input(c, begin, sizeof begin, now), CACHE_NOTHING);
	}
	return c;
}

static enum cache_event say(struct cache *c, const uint8_t *p, size_t n)
{
	uint8_t *exact = malloc(n + !n); /* ASan guards the end */

	assert_non_null(exact);
	memcpy(exact, p, n);
	enum cache_event e = cache_input(c, exact, n, 1000 * NS_PER_S);
	free(exact);
	return e;
}

static void for_each(void (*see)(
    const struct sample *s, unsigned version, const uint8_t *b, size_t n))
{
	uint8_t b[MOST];

	for (size_t i = 0; i < sizeof samples / sizeof *samples; i++)
		for (unsigned v = samples[i].since; v <= samples[i].until; v++)
			see(&samples[i], v, b, bytes_of(&samples[i], v, b));
}

/* The samples are good ones, or the rest would show nothing. */
static void see_whole(
    const struct sample *s, unsigned version, const uint8_t *b, size_t n)
{
	struct cache *c = asked(version, s->inside);
	enum cache_event want = CACHE_NOTHING;
	enum cache_event e = say(c, b, n);

	if (b[1] == 7) /* End of Data */
		want = CACHE_DATA;
	if (b[1] == 8) /* Cache Reset, where all was asked for anyway */
		want = CACHE_CLOSE;
	if (e != want)
		fail_msg("%s, version %u: event %d", s->name, version, e);
	cache_free(c);
}

static void see_parts(
    const struct sample *s, unsigned version, const uint8_t *b, size_t n)
{
	for (size_t part = 0; part < n; part++) {
		struct cache *c = asked(version, s->inside);
		struct cache_info i;

		if (say(c, b, part) != CACHE_NOTHING || cache_output(c).n)
			fail_msg("%s, version %u: %zu bytes of it say a thing",
			    s->name, version, part);
		cache_closed(c, "end of file", 1000 * NS_PER_S);
		cache_info(c, &i);
		assert_false(i.has_data);
		cache_free(c);
	}
}

static void lie(const struct sample *s, unsigned version, uint32_t len,
    const uint8_t *good, size_t n, size_t given)
{
	uint8_t b[MOST];
	struct cache *c = asked(version, s->inside);

	memcpy(b, good, MOST);
	for (unsigned k = 0; k < 4; k++)
		b[LENGTH + k] = (uint8_t)(len >> (24 - 8 * k));
	enum cache_event e = say(c, b, given);
	struct bytes out = cache_output(c);
	bool report = good[1] == 10; /* never answered (RFC 8210 s5.11) */

	if (e == CACHE_DATA)
		fail_msg("%s of %u bytes is taken for %zu", s->name, len, n);
	if (s->many)
		assert_true(e == CACHE_NOTHING || e == CACHE_CLOSE);
	else
		assert_int_equal(e, CACHE_CLOSE);
	/* It is told: an error report, of corrupt data. */
	if (!s->many && !report) {
		assert_true(out.n >= 16 && out.p[1] == 10);
		assert_int_equal(out.p[2] << 8 | out.p[3], 0);
	}
	cache_free(c);
}

static void see_lies(
    const struct sample *s, unsigned version, const uint8_t *b, size_t n)
{
	static const uint32_t huge[] = {
	    65535, 65536, 1u << 24, 1u << 31, UINT32_MAX};

	for (uint32_t len = 0; len < MOST; len++) {
		if (len == n)
			continue;
		lie(s, version, len, b, n, len < 8 ? 8 : len);
		lie(s, version, len, b, n, 8); /* its header alone */
		lie(s, version, len, b, n, MOST);
	}
	for (size_t i = 0; i < sizeof huge / sizeof *huge; i++)
		lie(s, version, huge[i], b, n, MOST);
}

static void whole_ones_are_taken(void **state)
{
	(void)state;
	for_each(see_whole);
}

static void no_part_is_the_whole(void **state)
{
	(void)state;
	for_each(see_parts);
}

static void no_other_length_is_right(void **state)
{
	(void)state;
	for_each(see_lies);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(whole_ones_are_taken),
	    cmocka_unit_test(no_part_is_the_whole),
	    cmocka_unit_test(no_other_length_is_right),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* UPDATEs put together by hand, and parsed where ASan guards the end. */
#pragma once

#include "check.h"

#include "bgp/attrs.h"
#include "bgp/bgp.h"

#include <stdlib.h>
#include <string.h>

#define LITERAL(...)                                                           \
	((struct bytes){(const uint8_t[]){__VA_ARGS__},                        \
	    sizeof((const uint8_t[]){__VA_ARGS__})})

#define EMPTY ((struct bytes){NULL, 0})

/* An UPDATE under construction, and what parsing gave. */
struct sample {
	uint8_t body[65536];
	size_t n;
	uint8_t *exact; /* heap copy of exactly n bytes */
	struct arena arena;
	struct bgp_update u;
};

#define ORIGIN_IGP 0x40, 1, 1, 0
#define PATH_64501 0x40, 2, 6, 2, 1, 0, 0, 0xfb, 0xf5
#define NEXT_HOP_11 0x40, 3, 4, 192, 0, 2, 11
#define MANDATORY ORIGIN_IGP, PATH_64501, NEXT_HOP_11
#define NLRI_203 24, 203, 0, 113

#define RULES_V4                                                               \
	((struct bgp_rules){                                                   \
	    .families = 3, .as4 = true, .unknown = BGP_UNKNOWN_RELAY})

static inline void sample_init(struct sample *s)
{
	memset(s, 0, sizeof *s);
	arena_init(&s->arena, 1u << 20);
}

static inline void sample_done(struct sample *s)
{
	arena_done(&s->arena);
	free(s->exact);
	s->exact = NULL;
}

static inline void sample_parse_body(
    struct sample *s, const void *body, size_t n, const struct bgp_rules *rules)
{
	arena_reset(&s->arena);
	free(s->exact);
	s->exact = malloc(n + !n);
	assert_non_null(s->exact);
	if (n)
		memcpy(s->exact, body, n);
	bgp_update_parse(rd_from(s->exact, n), rules, &s->arena, &s->u);
}

/* Parses [withdrawn][attrs][nlri]. */
static inline void sample_parse(struct sample *s, struct bytes withdrawn,
    struct bytes attrs, struct bytes nlri, const struct bgp_rules *rules)
{
	struct wr w = wr_from(s->body, sizeof s->body);

	wr_u16(&w, (unsigned)withdrawn.n);
	wr_bytes(&w, withdrawn.p, withdrawn.n);
	wr_u16(&w, (unsigned)attrs.n);
	wr_bytes(&w, attrs.p, attrs.n);
	wr_bytes(&w, nlri.p, nlri.n);
	assert_true(wr_ok(&w));
	s->n = wr_len(&w);
	sample_parse_body(s, s->body, s->n, rules);
}

static inline void assert_bytes(struct bytes got, struct bytes want)
{
	assert_int_equal(got.n, want.n);
	if (want.n)
		assert_memory_equal(got.p, want.p, want.n);
}

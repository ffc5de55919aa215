/*
 * What a check says of a route.  The reasons are public: `spean why`, the
 * looking glass and the communities RS:1101:n all print from this table
 * (base/reason.def), so that none can say something else than the others.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum reason {
	REASON_NONE = 0,
#define REASON(id, number, word, text) REASON_##id,
#include "base/reason.def"
#undef REASON
	REASON_COUNT,
};

struct verdict {
	bool accept;
	enum reason reason; /* REASON_NONE when accepted */
};

struct reason_info {
	uint16_t number;  /* n of RS:1101:n */
	const char *word; /* snake_case, for JSON */
	const char *text; /* one sentence for people */
};

/* Never NULL. */
const struct reason_info *reason_info(enum reason r);

/*
 * True for a refusal that comes from the UPDATE itself (RFC 7606), before any
 * policy: the attributes were not kept, so there is nothing to judge again.
 */
static inline bool reason_is_of_update(enum reason r)
{
	return r == REASON_MALFORMED_ATTRIBUTE ||
	       r == REASON_UNWANTED_ATTRIBUTE;
}

/* The verdicts' words: docs, JSON and `why` have them from here. */
#include "rpki/rpki.h"

#include "base/must.h"

static const char *const rov_words[ROV_COUNT] = {
    [ROV_UNCHECKED] = "unchecked",
    [ROV_VALID] = "valid",
    [ROV_INVALID] = "invalid",
    [ROV_NOT_FOUND] = "not-found",
};

static const char *const aspa_words[ASPA_COUNT] = {
    [ASPA_UNCHECKED] = "unchecked",
    [ASPA_VALID] = "valid",
    [ASPA_INVALID] = "invalid",
    [ASPA_UNKNOWN] = "unknown",
};

const char *rov_word(enum rov r)
{
	must(r < ROV_COUNT);
	return rov_words[r];
}

const char *aspa_word(enum aspa a)
{
	must(a < ASPA_COUNT);
	return aspa_words[a];
}

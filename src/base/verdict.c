#include "base/verdict.h"

#include "base/must.h"

static const struct reason_info reasons[REASON_COUNT] = {
    [REASON_NONE] = {0, "none", "accepted"},
#define REASON(id, number, word, text) [REASON_##id] = {number, word, text},
#include "base/reason.def"
#undef REASON
};

const struct reason_info *reason_info(enum reason r)
{
	must(r < REASON_COUNT);
	return &reasons[r];
}

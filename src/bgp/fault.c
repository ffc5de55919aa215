/* Faults of an UPDATE in words. */
#include "bgp/bgp.h"

static const struct {
	const char *word;
	const char *text;
} faults[BGP_FAULT_COUNT] = {
    [BGP_FAULT_NONE] = {"none", "nothing is wrong"},
#define BGP_FAULT(id, w, t) [BGP_FAULT_##id] = {w, t},
#include "bgp/fault.def"
#undef BGP_FAULT
};

const char *bgp_fault_word(enum bgp_fault f)
{
	return f < BGP_FAULT_COUNT ? faults[f].word : "?";
}

const char *bgp_fault_text(enum bgp_fault f)
{
	return f < BGP_FAULT_COUNT ? faults[f].text : "?";
}

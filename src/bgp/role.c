#include "bgp/role.h"

#include <stddef.h>

/* What the neighbour of each role has to be. */
static const struct {
	const char *word;
	enum bgp_role other;
} roles[BGP_ROLE_COUNT] = {
    [BGP_ROLE_PROVIDER] = {"provider", BGP_ROLE_CUSTOMER},
    [BGP_ROLE_RS] = {"rs", BGP_ROLE_RS_CLIENT},
    [BGP_ROLE_RS_CLIENT] = {"rs-client", BGP_ROLE_RS},
    [BGP_ROLE_CUSTOMER] = {"customer", BGP_ROLE_PROVIDER},
    [BGP_ROLE_PEER] = {"peer", BGP_ROLE_PEER},
};

const char *bgp_role_word(unsigned role)
{
	return role < BGP_ROLE_COUNT ? roles[role].word : NULL;
}

bool bgp_role_fits(unsigned ours, unsigned theirs)
{
	return ours < BGP_ROLE_COUNT && roles[ours].other == theirs;
}

enum bgp_otc_import bgp_otc_import(
    enum bgp_role theirs, uint32_t their_asn, struct bgp_otc otc)
{
	switch (theirs) {
	case BGP_ROLE_CUSTOMER:
	case BGP_ROLE_RS_CLIENT:
		return otc.has ? BGP_OTC_LEAK : BGP_OTC_KEEP;
	case BGP_ROLE_PEER:
		if (!otc.has)
			return BGP_OTC_ADD;
		return otc.asn == their_asn ? BGP_OTC_KEEP : BGP_OTC_LEAK;
	default: /* a provider, an RS */
		return otc.has ? BGP_OTC_KEEP : BGP_OTC_ADD;
	}
}

enum bgp_otc_export bgp_otc_export(enum bgp_role theirs, struct bgp_otc otc)
{
	switch (theirs) {
	case BGP_ROLE_CUSTOMER:
	case BGP_ROLE_RS_CLIENT:
		return otc.has ? BGP_OTC_PASS : BGP_OTC_SET;
	case BGP_ROLE_PEER:
		return otc.has ? BGP_OTC_BAR : BGP_OTC_SET;
	default: /* a provider, an RS */
		return otc.has ? BGP_OTC_BAR : BGP_OTC_PASS;
	}
}

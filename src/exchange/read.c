/* What readers see of the exchange. */
#include "exchange/internal.h"

#include "bgp/attrs.h"

const struct rib *exchange_rib(const struct exchange *x)
{
	return x->rib;
}

const struct policy *exchange_policy(const struct exchange *x)
{
	return x->policy;
}

uint32_t exchange_slots(const struct exchange *x)
{
	return x->n_slots;
}

const struct exchange_client *exchange_client(
    const struct exchange *x, uint32_t slot)
{
	static const struct exchange_client nobody;

	return slot < x->n_slots && x->slot[slot] ? &x->slot[slot]->c : &nobody;
}

static const struct {
	const char *word;
	const char *text;
} bars[] = {
    [EXCHANGE_MAY] = {"permitted", "the client may have it"},
    [EXCHANGE_BAR_DOWN] = {"no_session",
	"the client has no session for this family"},
    [EXCHANGE_BAR_REJECTED] = {"rejected", "the import policy refused it"},
    [EXCHANGE_BAR_OWN] = {"own_path", "it is the client's own path"},
    [EXCHANGE_BAR_OWN_ASN] = {"own_asn", "the client's own ASN is in the path"},
    [EXCHANGE_BAR_CONTROL] = {"control_community",
	"the announcer's control communities keep it from the client"},
    [EXCHANGE_BAR_NEXT_HOP] = {"next_hop",
	"the client takes no IPv6 next hop for IPv4 (RFC 8950)"},
    [EXCHANGE_BAR_SIZE] = {"too_long",
	"it does not fit into a message that the client takes (RFC 8654)"},
    [EXCHANGE_BAR_LLGR] = {"llgr_stale",
	"it is long-lived stale, and the client knows no RFC 9494"},
};

const char *exchange_bar_word(enum exchange_bar b)
{
	must((size_t)b < sizeof bars / sizeof *bars);
	return bars[b].word;
}

const char *exchange_bar_text(enum exchange_bar b)
{
	must((size_t)b < sizeof bars / sizeof *bars);
	return bars[b].text;
}

enum exchange_bar exchange_may(
    const struct exchange *x, uint32_t set, uint32_t slot)
{
	const struct rib_set *s = rib_set_at(x->rib, set);
	const struct class *c = &x->classes.v[rib_class_of(x->rib, set)];

	if (slot >= x->n_slots || !x->slot[slot] || !x->slot[slot]->c.up ||
	    !(x->slot[slot]->c.as.families & BGP_FAMILY(s->family)))
		return EXCHANGE_BAR_DOWN;
	if (s->reason != REASON_NONE)
		return EXCHANGE_BAR_REJECTED;
	if (rib_set_slot(x->rib, set) == slot)
		return EXCHANGE_BAR_OWN;
	if (bit_get(c->bits, slot))
		return EXCHANGE_MAY;
	/* Accepted, and yet nobody's: too long for any message. */
	if (c->key->flags & CLASS_NONE)
		return EXCHANGE_BAR_SIZE;
	return class_bar(c, x->slot[slot]);
}

enum rov exchange_rov(
    const struct exchange *x, uint32_t set, const struct prefix *p)
{
	struct bgp_attrs a;

	if (!policy_uses_rov(x->policy))
		return ROV_UNCHECKED;
	bgp_attrs_read(rib_set_wire(x->rib, rib_set_at(x->rib, set)), &a);
	return policy_rov(x->policy, p, bgp_path_origin(a.as_path));
}

static bool gets(const struct exchange *x, uint32_t set, uint32_t slot)
{
	return bit_get(class_may(x, rib_class_of(x->rib, set)), slot) &&
	       rib_set_slot(x->rib, set) != slot;
}

uint32_t exchange_choice(
    const struct exchange *x, enum family f, uint32_t id, uint32_t slot)
{
	const struct rib_entry *e = rib_entry_at(x->rib, f, id);

	if (!e->n)
		return RIB_NONE;
	if (gets(x, e->best, slot))
		return e->best;
	const uint32_t *others = rib_others(x->rib, e);
	for (unsigned i = 0; i + 1u < e->n; i++)
		if (gets(x, others[i], slot))
			return others[i];
	return RIB_NONE;
}

void exchange_attrs_for(const struct exchange *x, uint32_t set, uint32_t slot,
    struct wr *w, uint16_t *ret_next_hop_at)
{
	const struct class *c = &x->classes.v[rib_class_of(x->rib, set)];
	unsigned variant = 0;

	for (unsigned k = 0; k < VARIANT_BITS; k++)
		if (bit_get(c->bits + (size_t)(k + 1) * x->words, slot))
			variant |= 1u << k;
	encode_attrs(x, set, variant, w, ret_next_hop_at);
}

void exchange_stats(const struct exchange *x, struct exchange_stats *ret)
{
	*ret = (struct exchange_stats){
	    .classes = x->classes.live,
	    .updates = x->updates,
	    .chunks = x->n_chunks,
	    .chunks_free = x->n_free,
	    .skips = x->skips,
	    .judging = x->judge_page != RIB_NONE || x->judge_prefixes,
	};
	rib_stats(x->rib, &ret->rib);
	ret->memory_bytes = ret->rib.memory_bytes;
	for (enum family f = 0; f < FAMILY_COUNT; f++) {
		ret->empty[f] = kept_empty(x, f);
		ret->rib.prefixes[f] -= ret->empty[f];
	}
	for (enum family f = 0; f < FAMILY_COUNT; f++)
		ret->deferring[f] = x->defer[f] || x->releasing[f];
	for (uint32_t i = 0; i < x->n_slots; i++)
		if (x->slot[i])
			ret->laggards += x->slot[i]->c.lagging;
}

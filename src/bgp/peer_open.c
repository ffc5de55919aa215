#include "bgp/peer_open.h"

#include "base/clock.h"
#include "bgp/role.h"

#include <errno.h>

#define BOTH (BGP_FAMILY(FAMILY_IPV4) | BGP_FAMILY(FAMILY_IPV6))

#define SOFT_MS 1000u
#define ERROR_MS 5000u

void peer_offer(const struct conf_exchange *x, const struct conf_member *m,
    const struct peer_manner *how, struct bgp_open *ret)
{
	struct bgp_open o = {
	    .asn = x->asn,
	    .hold_s = m->hold_s,
	    .id = x->router_id,
	    .families = BGP_FAMILY(FAMILY_IPV4),
	};

	if (how->plain) {
		*ret = o;
		return;
	}
	o.mp = o.as4 = o.refresh = o.enhanced_refresh = o.extended = true;
	o.families = BOTH;
	o.next_hop6 = BGP_FAMILY(FAMILY_IPV4);
	o.add_path_rx = m->add_path_rx ? BOTH : 0;
	o.add_path_tx = m->add_path_tx ? BOTH : 0;
	o.has_role = true;
	o.role = BGP_ROLE_RS;
	if (x->graceful_restart) {
		o.gr = o.gr_notify = true;
		o.gr_restarting = how->restarting;
		o.gr_time_s = x->restart_s;
		/* Members' frames cross the fabric without us: always F. */
		o.gr_families = o.gr_forwarding = BOTH;
		if (x->llgr_s) {
			o.llgr_families = o.llgr_forwarding = BOTH;
			for (int f = 0; f < FAMILY_COUNT; f++)
				o.llgr_time_s[f] = x->llgr_s;
		}
	}
	*ret = o;
}

static int refuse(struct bgp_notify *ret, uint8_t subcode)
{
	*ret = (struct bgp_notify){.code = BGP_ERR_OPEN, .subcode = subcode};
	return -EBADMSG;
}

/* RFC 5492 s5: says which capability was missed. */
static int refuse_families(struct bgp_notify *ret)
{
	static const uint8_t wanted[] = {1, 4, 0, 1, 0, 1, 1, 4, 0, 2, 0, 1};

	refuse(ret, 7);
	ret->len = sizeof wanted;
	memcpy(ret->data, wanted, sizeof wanted);
	return -EBADMSG;
}

int peer_agree(const struct bgp_open *ours, const struct bgp_open *theirs,
    uint32_t asn, bool strict_role, struct peer_terms *ret,
    struct bgp_notify *ret_notify)
{
	if (theirs->asn != asn)
		return refuse(ret_notify, 2);
	if (theirs->id == 0 ||
	    (theirs->id == ours->id && theirs->asn == ours->asn))
		return refuse(ret_notify, 3);
	if (theirs->hold_s == 1 || theirs->hold_s == 2)
		return refuse(ret_notify, 6);
	if (strict_role && !theirs->has_role)
		return refuse(ret_notify, 11);
	if (ours->has_role && theirs->has_role &&
	    !bgp_role_fits(ours->role, theirs->role))
		return refuse(ret_notify, 11);

	struct peer_terms t = {.families = ours->families & theirs->families};
	if (!t.families)
		return refuse_families(ret_notify);
	t.hold_s =
	    ours->hold_s < theirs->hold_s ? ours->hold_s : theirs->hold_s;
	t.add_path_rx = ours->add_path_rx & theirs->add_path_tx & t.families;
	t.add_path_tx = ours->add_path_tx & theirs->add_path_rx & t.families;
	t.next_hop6 = ours->next_hop6 & theirs->next_hop6 & t.families;
	t.as4 = ours->as4 && theirs->as4;
	t.extended = ours->extended && theirs->extended;
	t.refresh = ours->refresh && theirs->refresh;
	t.enhanced_refresh = ours->enhanced_refresh && theirs->enhanced_refresh;
	t.graceful = ours->gr && theirs->gr;
	t.graceful_notify = t.graceful && ours->gr_notify && theirs->gr_notify;
	*ret = t;
	return 0;
}

bool peer_ours_wins(const struct bgp_open *ours, const struct bgp_open *theirs)
{
	if (ours->id != theirs->id)
		return ours->id > theirs->id;
	return ours->asn > theirs->asn;
}

void peer_backoff_fail(struct peer_backoff *b, uint64_t now_ns, uint64_t up_ns,
    bool error, uint32_t max_ms, uint64_t seed)
{
	uint64_t stable = 2 * (uint64_t)b->ms * NS_PER_MS;
	uint32_t least = error ? ERROR_MS : SOFT_MS;

	if (stable < PEER_STABLE_NS)
		stable = PEER_STABLE_NS;
	if (up_ns >= stable)
		b->ms = 0;
	b->ms = 2 * b->ms < least ? least : 2 * b->ms;
	if (b->ms > max_ms)
		b->ms = max_ms;
	/* Jitter, RFC 4271 s10: 0.75 to 1.0 of it. */
	uint64_t ns = b->ms * NS_PER_MS;
	b->until_ns = now_ns + ns - ns / 4 * (seed & 255) / 255;
}

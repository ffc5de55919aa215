#include "bgp/feed.h"

#include "base/attr.h"

#include <string.h>

#define ALL_FAMILIES ((1u << FAMILY_COUNT) - 1)

/* A byte that is neither 0 nor 1 is no bool, and must not be read as one. */
static void make_bool(bool *at)
{
	uint8_t byte;

	memcpy(&byte, at, sizeof byte);
	*at = byte != 0;
}

static void make_bools(struct feed_up *up)
{
	bool *const all[] = {
	    &up->as4,
	    &up->extended,
	    &up->refresh,
	    &up->enhanced_refresh,
	    &up->open.mp,
	    &up->open.as4,
	    &up->open.refresh,
	    &up->open.enhanced_refresh,
	    &up->open.extended,
	    &up->open.gr,
	    &up->open.gr_restarting,
	    &up->open.gr_notify,
	    &up->open.has_role,
	};

	for (size_t i = 0; i < ARRAY_SIZE(all); i++)
		make_bool(all[i]);
}

static void make_masks(struct feed_up *up)
{
	uint8_t *const all[] = {
	    &up->families,
	    &up->add_path_rx,
	    &up->add_path_tx,
	    &up->next_hop6,
	    &up->open.families,
	    &up->open.next_hop6,
	    &up->open.add_path_rx,
	    &up->open.add_path_tx,
	    &up->open.gr_families,
	    &up->open.gr_forwarding,
	    &up->open.llgr_families,
	    &up->open.llgr_forwarding,
	};

	for (size_t i = 0; i < ARRAY_SIZE(all); i++)
		*all[i] &= ALL_FAMILIES;
}

bool feed_up_take(const void *data, size_t n, struct feed_up *ret)
{
	if (n != sizeof *ret)
		return false;
	memcpy(ret, data, sizeof *ret);
	make_bools(ret);
	make_masks(ret);
	return ret->peer.family < FAMILY_COUNT &&
	       ret->local.family < FAMILY_COUNT;
}

static bool is_open(struct bytes m)
{
	struct bgp_notify ignored;
	enum bgp_type type;

	return m.n >= BGP_HEADER &&
	       bgp_header(m.p, BGP_MAX, &type, &ignored) == m.n &&
	       type == BGP_OPEN;
}

bool feed_opens_take(const void *data, size_t n, struct feed_opens *ret,
    struct bytes *ret_sent, struct bytes *ret_received)
{
	struct rd r = rd_from(data, n);
	struct feed_opens o;

	rd_copy(&r, &o, sizeof o);
	struct bytes sent = {rd_take(&r, o.n_sent), o.n_sent};
	struct bytes received = {rd_take(&r, o.n_received), o.n_received};
	if (!rd_done(&r) || !is_open(sent) || !is_open(received))
		return false;
	*ret = o;
	*ret_sent = sent;
	*ret_received = received;
	return true;
}

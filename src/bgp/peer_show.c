/* What is shown of the peers. */
#include "bgp/peer_internal.h"

static enum bgp_state state_of(const struct peer *p)
{
	enum bgp_state best = BGP_IDLE;

	for (int s = 0; s < CONN_SIDES; s++)
		if (p->conn[s] && !p->conn[s]->parked &&
		    p->conn[s]->state > best)
			best = p->conn[s]->state;
	/* It listens, and tries again when its timer says so. */
	if (best == BGP_IDLE && !peer_idle_why(p) &&
	    p->backoff.until_ns <= loop_now(p->ps->loop))
		best = BGP_ACTIVE;
	return best;
}

static const struct conn *foremost(const struct peer *p)
{
	const struct conn *best = NULL;

	for (int s = 0; s < CONN_SIDES; s++)
		if (p->conn[s] && (!best || p->conn[s]->state > best->state))
			best = p->conn[s];
	return best;
}

static void add_counts(const struct peer *p, struct peer_info *ret)
{
	const struct feed_counts *n;

	if (!p->up || !p->ps->link_up)
		return;
	n = &p->ps->pool.shared->counts[p->slot];
	ret->has_counts = true;
	for (int f = 0; f < FAMILY_COUNT; f++) {
		ret->received[f] =
		    atomic_load_explicit(&n->received[f], memory_order_relaxed);
		ret->accepted[f] =
		    atomic_load_explicit(&n->accepted[f], memory_order_relaxed);
		ret->rejected[f] =
		    atomic_load_explicit(&n->rejected[f], memory_order_relaxed);
		ret->advertised[f] = atomic_load_explicit(
		    &n->advertised[f], memory_order_relaxed);
	}
}

static const char *idle_why(const struct peer *p, enum bgp_state state)
{
	if (state != BGP_IDLE)
		return NULL;
	if (peer_idle_why(p))
		return peer_idle_why(p);
	return p->held ? p->why : "it waits after a failure";
}

size_t peers_count(const struct peers *ps)
{
	return ps->n;
}

bool peers_info(const struct peers *ps, size_t i, struct peer_info *ret)
{
	uint64_t now = loop_now(ps->loop);

	if (i >= ps->n)
		return false;
	const struct peer *p = ps->sorted[i];
	const struct conn *c = foremost(p);
	enum bgp_state state = state_of(p);
	*ret = (struct peer_info){
	    .addr = p->addr,
	    .asn = p->asn,
	    .name = p->member->name,
	    .state = state,
	    .idle_why = idle_why(p, state),
	    .passive = p->at->passive,
	    .md5 = p->at->password[0] != 0,
	    .gtsm = p->at->gtsm,
	    .flaps = p->flaps,
	    .messages_in = p->messages_in,
	    .messages_out = p->messages_out,
	    .updates_in = p->updates_in,
	    .bytes_in = p->bytes_in,
	    .bytes_out = p->bytes_out,
	    .error = p->error,
	    .error_wall_s = p->error_wall_s,
	};
	if (p->up)
		ret->up_s = (now - p->up_ns) / NS_PER_S;
	if (!p->up && p->backoff.until_ns > now)
		ret->wait_s = (p->backoff.until_ns - now) / NS_PER_S + 1;
	if (c && !c->connecting && !c->parked) {
		ret->has_local = true;
		ret->local = c->local;
	}
	if (c && c->state >= BGP_OPENCONFIRM) {
		ret->open_known = true;
		ret->theirs = c->theirs;
		ret->terms = c->terms;
	}
	add_counts(p, ret);
	return true;
}

size_t peers_after(const struct peers *ps, uint32_t asn, const struct ip *addr)
{
	size_t low = 0;
	size_t high = ps->n;

	while (low < high) {
		size_t mid = low + (high - low) / 2;
		const struct peer *p = ps->sorted[mid];

		if (p->asn < asn ||
		    (p->asn == asn && ip_cmp(&p->addr, addr) <= 0))
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

void peers_figures(const struct peers *ps, struct peers_figures *ret)
{
	*ret = (struct peers_figures){
	    .peers = ps->n,
	    .established = ps->n_ups,
	    .engine = ps->link_up,
	    .updates_in = ps->updates_in,
	    .bytes_in = ps->bytes_in,
	    .bytes_out = ps->bytes_out,
	    .paused = ps->n_readers,
	    .pauses = ps->pauses,
	    .strangers = ps->strangers,
	    .memory = ps->stashed,
	};
	for (size_t i = 0; i < ps->n; i++)
		for (int s = 0; s < CONN_SIDES; s++)
			if (ps->sorted[i]->conn[s])
				ret->memory +=
				    ps->sorted[i]->conn[s]->out.queued;
}

/*
 * Sessions that come and go, and restarts: ours, the session role's, and the
 * peers' (RFC 4724, 8538, 9494).
 *
 * Stale routes are sets flagged STALE; they go when their session sends its
 * End-of-RIB, or when their time is over.  While our own selection is
 * deferred a family sends nothing; then all of it goes out at once.
 */
#include "exchange/internal.h"

#include "base/clock.h"

#include <stdlib.h>

#define QUIET_NS (2 * NS_PER_S) /* a peer without RFC 4724 has told it all */
#define LOOK_NS (100 * NS_PER_MS)
#define REFRESH_NS (NS_PER_S / 2) /* one of them, in the long run */
#define REFRESH_BURST 64	  /* so many at once */

/* ---- sets of a slot ----------------------------------------------------- */

enum what {
	KILL_ALL,
	KILL_STALE,
	MAKE_STALE, /* what is stale already is killed (RFC 4724 s4.2) */
	MAKE_LLGR,
	MAKE_UNCONFIRMED, /* RFC 7313 */
	KILL_UNCONFIRMED,
};

struct each {
	struct exchange *x;
	enum what what;
	enum family f;
};

static void on_set(struct rib *r, uint32_t set, void *arg)
{
	const struct each *e = arg;
	struct rib_set *s = rib_set_at(r, set);
	bool stale = s->flags & RIB_SET_STALE;

	if (s->family != e->f || s->flags & RIB_SET_DEAD)
		return;
	switch (e->what) {
	case KILL_ALL:
		rib_set_mark(r, set, RIB_SET_DEAD);
		break;
	case KILL_STALE:
		if (stale)
			rib_set_mark(r, set, RIB_SET_DEAD);
		break;
	case MAKE_STALE:
		if (stale) {
			rib_set_mark(r, set, RIB_SET_DEAD);
			break;
		}
		rib_set_unindex(r, set);
		s->flags |= RIB_SET_STALE;
		s->unconfirmed = 0;
		break;
	case MAKE_UNCONFIRMED:
		rib_set_unindex(r, set);
		s->unconfirmed = 1;
		break;
	case KILL_UNCONFIRMED:
		if (s->unconfirmed)
			rib_set_mark(r, set, RIB_SET_DEAD);
		break;
	case MAKE_LLGR:
		if (!stale || s->flags & (RIB_SET_CHANGED | RIB_SET_LLGR))
			break;
		if (s->flags & RIB_SET_NO_LLGR)
			rib_set_mark(r, set, RIB_SET_DEAD);
		else
			judge_llgr(e->x, set);
		break;
	}
}

static void each_set(
    struct exchange *x, uint32_t slot, enum family f, enum what what)
{
	struct each e = {x, what, f};

	rib_slot_sets(x->rib, slot, on_set, &e);
	sweep_start(x);
}

static void forget_stale(struct exchange *x, uint32_t slot, enum family f)
{
	struct slot *s = x->slot[slot];

	if (!(s->stale & BGP_FAMILY(f)))
		return;
	s->stale &= (uint8_t)~BGP_FAMILY(f);
	s->llgr &= (uint8_t)~BGP_FAMILY(f);
	each_set(x, slot, f, KILL_STALE);
}

/* ---- slots -------------------------------------------------------------- */

static void slot_free(struct exchange *x, uint32_t slot)
{
	free(x->slot[slot]->big_id);
	free(x->slot[slot]->open_bytes);
	free(x->slot[slot]);
	x->slot[slot] = NULL;
	while (x->n_slots && !x->slot[x->n_slots - 1])
		x->n_slots--;
}

void restart_tidy(struct exchange *x)
{
	for (uint32_t i = x->n_slots; i-- > 0;)
		if (x->slot[i] && !x->slot[i]->c.up &&
		    x->rib->slot[i].pages == RIB_NONE)
			slot_free(x, i);
}

static uint32_t slot_of_peer(const struct exchange *x, const struct ip *peer)
{
	for (uint32_t i = 0; i < x->n_slots; i++)
		if (x->slot[i] && ip_eq(&x->slot[i]->c.as.peer, peer))
			return i;
	return SLOT_NONE;
}

static uint32_t slot_new(struct exchange *x, uint32_t outer)
{
	uint32_t slot = outer;

	if (x->slot[slot])
		for (slot = 0; slot < FEED_SLOTS && x->slot[slot]; slot++)
			;
	if (slot == FEED_SLOTS)
		return SLOT_NONE;
	x->slot[slot] = calloc(1, sizeof *x->slot[slot]);
	must(x->slot[slot]);
	x->slot[slot]->told = ++x->told;
	if (slot >= x->n_slots)
		x->n_slots = slot + 1;
	if (slot / 64 >= x->words)
		classes_widen(x, slot / 64 + 1);
	return slot;
}

static void set_translate(struct exchange *x)
{
	x->translate = false;
	for (uint32_t i = 0; i < x->n_slots; i++)
		if (x->slot[i] && x->slot[i]->c.up && x->slot[i]->outer != i)
			x->translate = true;
}

/* ---- down --------------------------------------------------------------- */

static void client_gone(struct exchange *x, uint32_t slot)
{
	struct slot *s = x->slot[slot];

	export_flush(x);
	s->c.up = false;
	s->closing = s->want_close = false;
	x->inner[s->outer] = UINT16_MAX;
	for (enum family f = 0; f < FAMILY_COUNT; f++) {
		bit_clear(x->clients[f], slot);
		bit_clear(x->ap_clients[f], slot);
		serve_end(x, slot, f);
		s->c.advertised[f] = 0;
		s->join_seq[f] = 0;
	}
	journal_leave(x, slot);
	classes_update(x, slot);
	set_translate(x);
}

static void gone(struct exchange *x, uint32_t slot, bool graceful, bool ours)
{
	struct slot *s = x->slot[slot];
	const struct bgp_open *o = &s->c.as.open;
	uint64_t time_s = o->gr ? o->gr_time_s : x->conf.stale_max_s;

	client_gone(x, slot);
	watch_peer(x, slot);
	if (time_s > x->conf.stale_max_s || (ours && !o->gr))
		time_s = x->conf.stale_max_s;
	for (enum family f = 0; f < FAMILY_COUNT; f++) {
		bool keep = graceful && s->c.as.families & BGP_FAMILY(f) &&
			    (ours || (o->gr && o->gr_families & BGP_FAMILY(f)));

		s->stale &= (uint8_t)~BGP_FAMILY(f);
		s->llgr &= (uint8_t)~BGP_FAMILY(f);
		if (keep)
			s->stale |= (uint8_t)BGP_FAMILY(f);
		each_set(x, slot, f, keep ? MAKE_STALE : KILL_ALL);
	}
	s->stale_until = x->now + time_s * NS_PER_S;
	restart_tidy(x);
}

void restart_down(struct exchange *x, uint32_t slot, bool graceful)
{
	gone(x, slot, graceful && x->conf.graceful_restart, false);
}

/* What an instance said, or had, counts no more. */
static void expect_forget(struct exchange *x, uint32_t instance)
{
	size_t n = 0;

	for (size_t i = 0; i < x->n_expected; i++)
		if (conf_instance(&x->expected[i], x->n_sessions) != instance)
			x->expected[n++] = x->expected[i];
	x->n_expected = n;
}

static void expect_room(struct exchange *x, size_t n)
{
	x->expected =
	    realloc(x->expected, (x->n_expected + n + 1) * sizeof *x->expected);
	must(x->expected);
}

void restart_detach(struct exchange *x, uint32_t instance)
{
	expect_forget(x, instance);
	expect_room(x, x->n_slots);
	for (uint32_t i = x->n_slots; i-- > 0;) {
		if (!x->slot[i] || !x->slot[i]->c.up ||
		    x->slot[i]->instance != instance)
			continue;
		x->expected[x->n_expected++] = x->slot[i]->c.as.peer;
		gone(x, i, true, true);
	}
}

/* ---- up ----------------------------------------------------------------- */

void restart_finish(struct exchange *x)
{
	if (x->judge_page != RIB_NONE && judge_step(x, UINT64_MAX))
		sweep_start(x);
	while (sweep_step(x, UINT64_MAX))
		;
}

static void keep_stale(struct exchange *x, uint32_t slot)
{
	struct slot *s = x->slot[slot];
	const struct bgp_open *o = &s->c.as.open;

	for (enum family f = 0; f < FAMILY_COUNT; f++) {
		uint8_t bit = (uint8_t)BGP_FAMILY(f);

		if (!(o->gr && s->c.as.families & bit & o->gr_families &
				   o->gr_forwarding))
			forget_stale(x, slot, f);
	}
	s->stale_until = x->now + x->conf.stale_max_s * NS_PER_S;
}

static void become_client(struct exchange *x, uint32_t slot)
{
	struct slot *s = x->slot[slot];

	for (enum family f = 0; f < FAMILY_COUNT; f++) {
		uint8_t bit = (uint8_t)BGP_FAMILY(f);

		if (!(s->c.as.families & bit))
			continue;
		bit_set(s->c.as.add_path_tx & bit ? x->ap_clients[f]
						  : x->clients[f],
		    slot);
	}
	classes_update(x, slot);
	for (enum family f = 0; f < FAMILY_COUNT; f++) {
		if (!(s->c.as.families & BGP_FAMILY(f)))
			continue;
		journal_join(x, slot, f);
		if (x->defer[f] && s->join_seq[f])
			continue; /* its table comes with everybody's */
		serve_begin(x, slot, f, true);
		s->lag[f]->joining = true;
		s->lag[f]->eor = !x->defer[f] && !x->releasing[f];
	}
}

void restart_up(struct exchange *x, uint32_t outer, uint32_t incarnation,
    const struct feed_up *up)
{
	if (x->inner[outer] != UINT16_MAX)
		gone(x, x->inner[outer], false, false);
	uint32_t slot = slot_of_peer(x, &up->peer);
	if (slot != SLOT_NONE && x->slot[slot]->c.up)
		gone(x, slot, false, false);
	slot = slot_of_peer(x, &up->peer);
	if (slot != SLOT_NONE && (x->slot[slot]->c.as.id != up->id ||
				     x->slot[slot]->c.as.asn != up->asn)) {
		/*
		 * Another router: its rank may differ, so nothing is kept.
		 * What is left of one's own goes by and by: a session that
		 * comes up must not make all others wait for a walk.
		 */
		forget_stale(x, slot, FAMILY_IPV4);
		forget_stale(x, slot, FAMILY_IPV6);
		restart_finish(x);
		restart_tidy(x);
		slot = slot_of_peer(x, &up->peer);
	}
	if (slot == SLOT_NONE)
		slot = slot_new(x, outer);
	if (slot == SLOT_NONE) { /* some wait to be swept up */
		restart_finish(x);
		restart_tidy(x);
		slot = slot_new(x, outer);
	}
	if (slot == SLOT_NONE)
		return;
	struct slot *s = x->slot[slot];
	s->c.used = s->c.up = true;
	s->c.incarnation = incarnation;
	s->c.as = *up;
	s->outer = outer;
	s->instance = feed_instance(outer, x->n_sessions);
	s->as4 = up->as4;
	s->ended = (struct feed_down){.end = FEED_END_SILENT};
	s->eor_seen = 0;
	s->up_ns = s->heard_ns = x->now;
	s->closing = s->want_close = false;
	s->rules = (struct bgp_rules){.families = up->families,
	    .add_path = up->add_path_rx,
	    .next_hop6 = up->next_hop6,
	    .as4 = up->as4};
	x->inner[outer] = (uint16_t)slot;
	set_translate(x);
	import_slot_conf(x, slot);
	rib_slot_set(x->rib, slot, up->id, &up->peer);
	keep_stale(x, slot);
	become_client(x, slot);
}

void restart_end_of_rib(struct exchange *x, uint32_t slot, enum family f)
{
	struct slot *s = x->slot[slot];

	if (f >= FAMILY_COUNT)
		return;
	s->eor_seen |= (uint8_t)BGP_FAMILY(f);
	forget_stale(x, slot, f);
}

/*
 * A request of 23 bytes costs a walk over all of its routes, or a whole
 * table.  False, and the session is closed: there are too many.
 */
static bool refresh_allowed(struct exchange *x, uint32_t slot)
{
	struct slot *s = x->slot[slot];

	if (s->refresh_ns < x->now)
		s->refresh_ns = x->now;
	s->refresh_ns += REFRESH_NS;
	if (s->refresh_ns - x->now <= REFRESH_BURST * REFRESH_NS)
		return true;
	struct bgp_notify n =
	    bgp_notify_cease(BGP_CEASE_RESOURCES, "too many route refreshes");

	restart_close(x, slot, &n, 60, "too many route refreshes");
	return false;
}

void restart_refresh(
    struct exchange *x, uint32_t slot, enum family f, uint8_t subtype)
{
	struct slot *s = x->slot[slot];

	if (!(s->c.as.families & BGP_FAMILY(f)) || !refresh_allowed(x, slot))
		return;
	switch (subtype) {
	case 0:
		if (!x->defer[f] && !x->releasing[f])
			serve_refresh(x, slot, f);
		break;
	case 1: /* RFC 7313 s4: what is not sent again until EoRR is gone */
		if (s->c.as.open.gr && !(s->eor_seen & BGP_FAMILY(f)))
			break; /* its first table is still on its way */
		export_flush(x);
		each_set(x, slot, f, MAKE_UNCONFIRMED);
		break;
	case 2:
		each_set(x, slot, f, KILL_UNCONFIRMED);
		break;
	default:
		break;
	}
}

void restart_close(struct exchange *x, uint32_t slot,
    const struct bgp_notify *n, uint32_t hold_down_s, const char *why)
{
	struct slot *s = x->slot[slot];

	if (s->closing)
		return;
	s->closing = s->want_close = true;
	s->close =
	    (struct feed_close){.notify = *n, .hold_down_s = hold_down_s};
	strncpy(s->close.why, why, sizeof s->close.why - 1);
	x->pending = true;
}

/* ---- selection deferral ------------------------------------------------- */

void restart_expect(
    struct exchange *x, uint32_t instance, const void *ips, size_t n)
{
	expect_forget(x, instance);
	expect_room(x, n);
	memcpy(x->expected + x->n_expected, ips, n * sizeof *x->expected);
	x->n_expected += n;
	x->expect_told |= 1u << instance;
	x->expect_known = x->expect_told == (1u << x->n_sessions) - 1;
}

void restart_defer(struct exchange *x)
{
	for (enum family f = 0; f < FAMILY_COUNT; f++) {
		x->defer[f] = true;
		x->releasing[f] = false;
	}
	x->defer_until = x->now + x->conf.deferral_s * NS_PER_S;
}

/* Has the peer told everything that it has of the family? */
static bool has_told(const struct exchange *x, uint32_t slot, enum family f)
{
	const struct slot *s = x->slot[slot];
	uint8_t bit = (uint8_t)BGP_FAMILY(f);

	if (!(s->c.as.families & bit) || s->eor_seen & bit)
		return true;
	if (s->c.as.open.gr)
		return false;
	return x->now - s->heard_ns > QUIET_NS;
}

static bool peer_has_told(
    const struct exchange *x, const struct ip *peer, enum family f)
{
	uint32_t slot = slot_of_peer(x, peer);

	return slot != SLOT_NONE && x->slot[slot]->c.up && has_told(x, slot, f);
}

static bool all_have_told(const struct exchange *x, enum family f)
{
	for (uint32_t i = 0; i < x->n_slots; i++)
		if (x->slot[i] && x->slot[i]->c.up && !has_told(x, i, f))
			return false;
	for (size_t i = 0; i < x->n_expected; i++)
		if (!peer_has_told(x, &x->expected[i], f))
			return false;
	/* Nobody told us who was there: it may have been everybody. */
	for (size_t i = 0; i < x->n_limit && !x->expect_known; i++)
		if (!x->limit[i].shutdown &&
		    !peer_has_told(x, &x->limit[i].addr, f))
			return false;
	return true;
}

/* Announces everything of the family to everybody, in slices. */
bool restart_release(struct exchange *x, uint64_t deadline)
{
	for (enum family f = 0; f < FAMILY_COUNT; f++) {
		while (x->releasing[f]) {
			uint32_t end = rib_end(x->rib, f);
			uint32_t id = x->released[f];
			uint32_t to = end - id > SLICE_PREFIXES
					  ? id + SLICE_PREFIXES
					  : end;

			export_flush(x);
			for (; id < to; id++)
				if (rib_entry_at(x->rib, f, id)->n)
					dirty_fresh(x, f, id);
			x->released[f] = to;
			export_flush(x);
			journal_publish(x);
			if (to == end) {
				x->releasing[f] = false;
				for (uint32_t i = 0; i < x->n_slots; i++)
					if (x->slot[i] && x->slot[i]->c.up &&
					    x->slot[i]->c.as.families &
						BGP_FAMILY(f))
						serve_end_of_rib(x, i, f);
				break;
			}
			if (clock_now_ns() > deadline || !exchange_ready(x))
				return true;
		}
	}
	return false;
}

static uint64_t look_at_deferral(struct exchange *x)
{
	uint64_t due = UINT64_MAX;

	for (enum family f = 0; f < FAMILY_COUNT; f++) {
		if (!x->defer[f])
			continue;
		if (x->now < x->defer_until && !all_have_told(x, f)) {
			due = x->now + LOOK_NS;
			continue;
		}
		export_flush(x); /* what was deferred is dropped */
		x->defer[f] = false;
		x->releasing[f] = true;
		x->released[f] = 0;
	}
	return due;
}

/* Stale routes whose time is over: gone, or long-lived from now on. */
static void expire(struct exchange *x, uint32_t slot)
{
	struct slot *s = x->slot[slot];
	const struct bgp_open *o = &s->c.as.open;
	uint64_t until = 0;

	export_flush(x);
	for (enum family f = 0; f < FAMILY_COUNT; f++) {
		uint8_t bit = (uint8_t)BGP_FAMILY(f);
		uint64_t time_s = o->llgr_time_s[f];

		if (!(s->stale & bit))
			continue;
		if (s->c.up || s->llgr & bit || !(o->llgr_families & bit) ||
		    !x->conf.llgr_s || !time_s) {
			forget_stale(x, slot, f);
			continue;
		}
		if (time_s > x->conf.llgr_s)
			time_s = x->conf.llgr_s;
		s->llgr |= bit;
		if (time_s > until)
			until = time_s;
		each_set(x, slot, f, MAKE_LLGR);
	}
	s->stale_until = x->now + until * NS_PER_S;
}

void restart_timers(struct exchange *x)
{
	uint64_t due = look_at_deferral(x);

	for (uint32_t i = 0; i < x->n_slots; i++) {
		struct slot *s = x->slot[i];

		if (!s || !s->stale)
			continue;
		if (s->stale_until <= x->now)
			expire(x, i);
		if (s->stale && s->stale_until < due)
			due = s->stale_until;
	}
	x->due = due;
}

#include "exchange/internal.h"

#include "base/clock.h"

#include <errno.h>
#include <stdlib.h>

#define ARENA_MAX ((size_t)4 << 20)
#define COUNTS_NS (50 * NS_PER_MS)
#define POLL_NS (5 * NS_PER_MS)
#define GATHER_NS (10 * NS_PER_MS)

static void on_drop(void *arg, uint32_t set, uint32_t class)
{
	watch_dropped(arg, set);
	class_unref(arg, class);
}

int exchange_new(const struct conf *c, bool restarting, uint64_t now_ns,
    struct exchange **ret)
{
	struct exchange *x = calloc(1, sizeof *x);

	if (!x)
		return -ENOMEM;
	x->words = 1;
	x->n_sessions = c->exchange.sessions ? c->exchange.sessions : 1;
	x->now = now_ns;
	x->due = UINT64_MAX;
	x->judge_page = RIB_NONE;
	x->first.set = RIB_NONE;
	memset(x->inner, 0xff, sizeof x->inner);
	arena_init(&x->arena, ARENA_MAX);
	journal_detach(x);
	x->policy = policy_new(c);
	x->registry = registry_new();
	if (!x->policy || !x->registry || rib_new(PREFIXES_MAX, &x->rib) ||
	    classes_init(x) || prove_init(x)) {
		exchange_free(x);
		return -ENOMEM;
	}
	rib_on_drop(x->rib, on_drop, x);
	import_conf(x, c);
	if (restarting)
		restart_defer(x);
	*ret = x;
	return 0;
}

void exchange_free(struct exchange *x)
{
	if (!x)
		return;
	exchange_unwatch(x);
	for (uint32_t i = 0; i < FEED_SLOTS; i++) {
		struct slot *s = x->slot[i];

		for (enum family f = 0; s && f < FAMILY_COUNT; f++)
			serve_end(x, i, f);
		if (s)
			free(s->big_id);
		if (s)
			free(s->open_bytes);
		free(s);
	}
	if (x->rib)
		rib_on_drop(x->rib, NULL, NULL);
	rib_free(x->rib);
	classes_done(x);
	policy_free(x->policy);
	prove_done(x);
	registry_free(x->registry);
	arena_done(&x->arena);
	struct vec *vecs[] = {&x->dirty, &x->old, &x->runs, &x->changes,
	    &x->sorted, &x->masks, &x->deltas, &x->kept[0].ids, &x->kept[1].ids,
	    &x->replaced, &x->replaced_by, &x->run_of};
	for (size_t i = 0; i < sizeof vecs / sizeof *vecs; i++)
		free(vecs[i]->p);
	free(x->run_table);
	free(x->member_asn);
	free(x->limit);
	free(x->free_chunk);
	free(x->expected);
	free(x);
}

int exchange_reload(struct exchange *x, const struct conf *c, uint64_t now_ns)
{
	struct policy *p = policy_new(c);

	if (!p)
		return -ENOMEM;
	x->now = now_ns;
	export_flush(x);
	policy_free(x->policy);
	x->policy = p;
	policy_prove(p, &x->proof);
	registry_prune(x->registry, c);
	policy_take_registry(p, x->registry);
	import_conf(x, c);
	/* Whether a client is configured counts in its class bits. */
	for (uint32_t i = 0; i < x->n_slots; i++)
		if (x->slot[i])
			classes_update(x, i);
	x->judge_all = true;
	judge_start(x);
	return 0;
}

int exchange_registry(
    struct exchange *x, struct registry_set *s, uint64_t now_ns)
{
	int err = registry_put(x->registry, s);

	if (err)
		return err;
	x->now = now_ns;
	/* What waits in the batch was judged by the older set. */
	export_flush(x);
	if (policy_take_registry(x->policy, x->registry)) {
		x->judge_all = true;
		judge_start(x);
	}
	return 0;
}

static bool is_attached(const struct exchange *x)
{
	for (uint32_t i = 0; i < x->n_sessions; i++)
		if (x->session[i].cursors)
			return true;
	return false;
}

void exchange_attach_to(struct exchange *x, unsigned instance,
    struct feed_shared *area, size_t area_bytes,
    const struct feed_cursors *cursors, const struct exchange_out *out,
    uint64_t now_ns)
{
	must(instance < x->n_sessions && !x->session[instance].cursors);
	x->now = now_ns;
	if (!is_attached(x))
		journal_attach(x, area, area_bytes);
	must(x->area == area);
	x->session[instance].cursors = cursors;
	x->session[instance].out = *out;
}

void exchange_detach_from(
    struct exchange *x, unsigned instance, uint64_t now_ns)
{
	x->now = now_ns;
	if (!x->area || !x->session[instance].cursors)
		return;
	export_flush(x);
	restart_detach(x, instance);
	x->session[instance].cursors = NULL;
	if (!is_attached(x)) {
		journal_detach(x);
		x->expect_known = true;
		restart_defer(x);
	}
	restart_timers(x);
}

bool exchange_ready(struct exchange *x)
{
	if (!x->area || x->n_free >= journal_reserve(x))
		return true;
	journal_reclaim(x);
	return x->n_free >= journal_reserve(x);
}

static void on_up(struct exchange *x, uint32_t outer, uint32_t incarnation,
    const void *data, size_t n)
{
	struct feed_up up;

	if (feed_up_take(data, n, &up))
		restart_up(x, outer, incarnation, &up);
}

static void on_opens(
    struct exchange *x, uint32_t slot, const void *data, size_t n)
{
	struct slot *s = x->slot[slot];
	struct bytes sent, received;
	struct feed_opens o;

	if (!feed_opens_take(data, n, &o, &sent, &received))
		return;
	uint8_t *both = malloc(sent.n + received.n);
	must(both);
	memcpy(both, sent.p, sent.n);
	memcpy(both + sent.n, received.p, received.n);
	free(s->open_bytes);
	s->open_bytes = both;
	s->opens = o;
	s->told = ++x->told;
	watch_peer(x, slot);
}

/* The session's checks of the headers count for nothing here. */
static void on_messages(struct exchange *x, uint32_t slot, struct rd r)
{
	while (rd_left(&r) >= BGP_HEADER && !x->slot[slot]->closing) {
		struct bgp_notify ignored;
		enum bgp_type type;
		struct rd message = rd_sub(
		    &r, bgp_header(r.p, BGP_MAX_EXTENDED, &type, &ignored));

		rd_skip(&message, BGP_HEADER);
		if (!rd_ok(&message))
			return;
		if (type == BGP_UPDATE)
			import_update(x, slot, message);
	}
}

static void on_session(struct exchange *x, uint32_t type, uint32_t slot,
    const void *data, size_t n)
{
	struct slot *s = x->slot[slot];
	struct feed_down down;
	struct bgp_refresh r;

	if (type != FEED_UPDATE)
		apply_all(x);
	switch (type) {
	case FEED_UPDATE:
		s->heard_ns = x->now;
		if (!s->closing)
			import_update(x, slot, rd_from(data, n));
		break;
	case FEED_UPDATES:
		s->heard_ns = x->now;
		on_messages(x, slot, rd_from(data, n));
		break;
	case FEED_DOWN:
		if (n != sizeof down)
			break;
		memcpy(&down, data, sizeof down);
		s->ended = down;
		restart_down(x, slot, down.kind == FEED_DOWN_GRACEFUL);
		break;
	case FEED_OPENS:
		on_opens(x, slot, data, n);
		break;
	case FEED_REFRESH:
		if (n != sizeof r)
			break;
		memcpy(&r, data, sizeof r);
		if (r.family < FAMILY_COUNT && !s->closing)
			restart_refresh(x, slot, r.family, r.subtype);
		break;
	default: /* SKIPPED: the cursor has told already */
		break;
	}
}

void exchange_record(struct exchange *x, uint32_t type, uint32_t slot,
    uint32_t incarnation, const void *data, size_t n, uint64_t now_ns)
{
	x->now = now_ns;
	if (type == FEED_EXPECT) {
		restart_expect(x, feed_instance(slot, x->n_sessions), data,
		    n / sizeof(struct ip));
		return;
	}
	if (slot >= FEED_SLOTS)
		return;
	if (type == FEED_UP) {
		apply_all(x);
		on_up(x, slot, incarnation, data, n);
		return;
	}
	uint32_t inner = x->inner[slot];
	if (inner == UINT16_MAX || x->slot[inner]->c.incarnation != incarnation)
		return; /* of a session that is no more */
	on_session(x, type, inner, data, n);
	blame(x, SLOT_NONE);
	x->counts_due = true;
}

static void put_counts(struct exchange *x)
{
	for (uint32_t i = 0; i < x->n_slots; i++) {
		const struct slot *s = x->slot[i];

		if (!s || !s->c.up)
			continue;
		struct feed_counts *c = &x->area->counts[s->outer];
		for (unsigned f = 0; f < FAMILY_COUNT; f++) {
			atomic_store_explicit(&c->received[f], s->c.received[f],
			    memory_order_relaxed);
			atomic_store_explicit(&c->accepted[f],
			    s->c.received[f] - s->c.rejected[f],
			    memory_order_relaxed);
			atomic_store_explicit(&c->rejected[f], s->c.rejected[f],
			    memory_order_relaxed);
			atomic_store_explicit(&c->advertised[f],
			    s->c.advertised[f], memory_order_relaxed);
		}
	}
	x->counts_due = false;
	x->counts_ns = x->now;
}

bool exchange_gathers(const struct exchange *x, uint64_t now_ns)
{
	return x->dirty.n < BATCH_PREFIXES &&
	       now_ns - x->flushed_ns < GATHER_NS;
}

bool exchange_flush(struct exchange *x, uint64_t now_ns)
{
	x->now = now_ns;
	if (x->dirty.n)
		x->flushed_ns = now_ns;
	export_flush(x);
	if (!x->area)
		return false;
	journal_publish(x);
	journal_relieve(x);
	journal_pending(x);
	bool watch = x->n_lagging || journal_strained(x);
	atomic_store_explicit(&x->area->watching, watch, memory_order_relaxed);
	bool news = x->published;
	x->published = false;
	return news;
}

bool exchange_work(struct exchange *x, uint64_t now_ns, uint64_t budget_ns)
{
	uint64_t deadline = now_ns + budget_ns;
	bool more = false;

	x->now = now_ns;
	export_flush(x);
	restart_timers(x);
	if (exchange_ready(x)) {
		more |= restart_release(x, deadline);
		if (x->judge_page != RIB_NONE) {
			if (judge_step(x, deadline))
				sweep_start(x);
			more = true;
		} else if (x->sweep.on) {
			more |= sweep_step(x, deadline);
			if (!x->sweep.on)
				restart_tidy(x);
		}
	}
	export_flush(x); /* clients are served what the journals agree with */
	kept_relieve(x);
	if (x->area)
		more |= serve_step(x, deadline);
	more |= watch_work(x, deadline);
	if (x->area)
		journal_publish(x); /* nobody waits for what comes next */
	more |= kept_tidy(x, deadline);
	if (x->area && (x->counts_due || more) &&
	    x->now - x->counts_ns > COUNTS_NS)
		put_counts(x);
	return more;
}

uint64_t exchange_due(const struct exchange *x)
{
	uint64_t due = x->due;
	uint64_t poll = UINT64_MAX;

	if (x->area && x->counts_due)
		due = due < x->counts_ns + COUNTS_NS
			  ? due
			  : x->counts_ns + COUNTS_NS + 1;
	if (kept_due(x) < due)
		due = kept_due(x);
	if (x->n_lagging || x->pending || journal_strained(x))
		poll = x->now + POLL_NS;
	return due < poll ? due : poll;
}

/*
 * RTR: whatever a cache says in whatever pieces, the session and the merged
 * tables go on, and an engine's view of them is the same.
 */
#include "fuzz.h"

#include "base/clock.h"
#include "rpki/merge.h"

#include <string.h>

struct told {
	size_t vrps, aspas;
};

static void on_vrp(void *arg, const struct vrp *v, bool gone)
{
	struct told *t = arg;

	PROPERTY(v->prefix.len <= v->max_len);
	PROPERTY(gone == !v->sources);
	t->vrps++;
}

static void on_aspa(void *arg, const struct aspa_record *r)
{
	struct told *t = arg;

	PROPERTY(!r->n == !r->sources);
	t->aspas++;
}

static void settle(struct merge *m, bool all)
{
	struct told t = {0};
	struct merge_sink sink = {on_vrp, on_aspa, &t};
	struct merge_count n;

	PROPERTY(merge_settle(m, 1, &sink) == 0);
	if (!all)
		return;
	t = (struct told){0};
	merge_each(m, &sink);
	merge_total(m, &n);
	PROPERTY(t.vrps == n.vrps[FAMILY_IPV4] + n.vrps[FAMILY_IPV6]);
	PROPERTY(t.aspas == n.aspas);
}

/* Time goes by until the next connection. */
static void later(struct cache *c, struct merge *m, uint64_t *now)
{
	enum cache_event e = CACHE_NOTHING;

	for (int i = 0; i < 4 && e != CACHE_CONNECT; i++) {
		*now = cache_due(c);
		e = cache_tick(c, *now);
		if (e == CACHE_EXPIRED)
			merge_drop(m, 0);
	}
	PROPERTY(e == CACHE_CONNECT);
	cache_connected(c, *now);
}

/* What the role does. */
static void run(
    struct cache *c, struct merge *m, enum cache_event e, uint64_t *now)
{
	struct cache_batch b;
	enum pdu_error fault;

	for (int i = 0; i < 1000; i++) {
		if (e == CACHE_NOTHING)
			e = cache_input(c, NULL, 0, *now);
		if (e == CACHE_NOTHING)
			return;
		if (e == CACHE_DATA) {
			b = cache_batch(c);
			fault = merge_apply(m, 0, &b);
			if (fault != PDU_FINE) {
				e = cache_refuse(c, fault);
				continue;
			}
			cache_accept(c, *now, 1);
			settle(m, true);
		} else if (e == CACHE_CLOSE) {
			cache_sent(c, cache_output(c).n);
			cache_closed(c, "closed", *now);
			later(c, m, now);
		}
		e = CACHE_NOTHING;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	uint64_t now = NS_PER_S;
	struct cache *c = cache_new(&(struct cache_timers){0}, now);
	struct merge *m = merge_new();
	struct cache_info i;

	PROPERTY(c && m && cache_tick(c, now) == CACHE_CONNECT);
	cache_connected(c, now);
	/* The first byte says how long the pieces are. */
	size_t piece = n ? data[0] + 1u : 1;
	for (size_t at = 1; at < n; at += piece) {
		size_t k = n - at < piece ? n - at : piece;
		uint8_t *exact = malloc(k);

		memcpy(exact, data + at, k);
		run(c, m, cache_input(c, exact, k, now), &now);
		free(exact);
		cache_sent(c, cache_output(c).n);
		cache_info(c, &i);
		PROPERTY(i.has_data == merge_has_data(m, 0));
	}
	merge_drop(m, 0);
	settle(m, true);
	cache_free(c);
	merge_free(m);
	return 0;
}

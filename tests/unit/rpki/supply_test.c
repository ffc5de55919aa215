/* From caches to an engine's tables, through a real link, at random. */
#include "check.h"

#include "base/clock.h"
#include "base/hash.h"
#include "net/msg.h"
#include "rpki/supply.h"
#include "rpki/view.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint64_t state;

static uint32_t rnd(uint32_t n)
{
	state += 0x9e3779b97f4a7c15u;
	return (uint32_t)(hash_u64(state, 1) % n);
}

struct world {
	struct merge *m;
	struct supply *s;
	struct link *role, *engine;
	struct supply_link *out;
	struct rpki_view *v;
	unsigned all, changes, no_data, broken;
};

static uint8_t record[LINK_RECORD_MAX];

static void connect_both(struct world *w)
{
	int pair[2];

	assert_int_equal(msg_pair(pair), 0);
	assert_int_equal(
	    link_new(pair[0], 4 * LINK_RECORD_MAX, 0, &w->role), 0);
	assert_int_equal(
	    link_new(pair[1], 4 * LINK_RECORD_MAX, 0, &w->engine), 0);
	for (int i = 0;
	     i < 100 && (!link_ready(w->role) || !link_ready(w->engine)); i++) {
		assert_int_equal(link_bell(w->role), 0);
		assert_int_equal(link_bell(w->engine), 0);
	}
	w->out = supply_link_new(w->s, w->role);
	assert_non_null(w->out);
	view_restart(w->v);
}

static void disconnect_both(struct world *w)
{
	supply_link_free(w->out);
	link_free(w->role);
	link_free(w->engine);
}

/* As the engine does. */
static void event(struct world *w, enum view_event e)
{
	w->all += e == VIEW_ALL;
	w->changes += e == VIEW_CHANGES;
	w->no_data += e == VIEW_NO_DATA;
	if (e != VIEW_BROKEN)
		return;
	w->broken++;
	assert_true(link_write(w->engine, RPKI_AGAIN, 0, 0, NULL, 0, NULL, 0));
}

/* So many records pass; both read until there is nothing, when many. */
static void pass(struct world *w, unsigned many)
{
	struct link_head h;

	for (unsigned i = 0; i < many; i++) {
		supply_push(w->out);
		int n = link_read(w->engine, &h, record);
		if (n > 0)
			event(w,
			    view_record(w->v, h.type, record, h.len, NS_PER_S));
		if (link_read(w->role, &h, record) > 0) {
			assert_int_equal(h.type, RPKI_AGAIN);
			supply_link_again(w->out);
		} else if (n == 0) {
			return;
		}
	}
}

static void settle(struct world *w, uint32_t wall_s)
{
	bool had = merge_active(w->m) != 0;
	struct merge_sink sink = supply_open(w->s);

	assert_int_equal(merge_settle(w->m, wall_s, &sink), 0);
	supply_close(w->s);
	if (!had && merge_active(w->m))
		supply_again(w->s);
	supply_set_until(w->s, merge_active(w->m) ? 100 * NS_PER_S : 0);
}

struct same {
	struct rpki_view *v;
	size_t vrps, aspas;
};

static void same_vrp(void *arg, const struct vrp *v, bool gone)
{
	struct same *s = arg;
	struct vrp got[64];
	size_t n = vrps_covering(view_vrps(s->v), &v->prefix, got, 64);
	bool found = false;

	assert_false(gone);
	for (size_t i = 0; i < n; i++)
		found |= prefix_eq(&got[i].prefix, &v->prefix) &&
			 got[i].asn == v->asn && got[i].max_len == v->max_len &&
			 got[i].sources == v->sources &&
			 got[i].since_s == v->since_s;
	assert_true(found);
	s->vrps++;
}

static void same_aspa(void *arg, const struct aspa_record *r)
{
	struct same *s = arg;
	struct aspa_record got;

	assert_true(aspas_find(view_aspas(s->v), r->customer, &got));
	assert_int_equal(got.n, r->n);
	assert_memory_equal(got.provider, r->provider, r->n * 4);
	s->aspas++;
}

static void compare(struct world *w)
{
	struct same s = {.v = w->v};

	assert_int_equal(view_has_data(w->v), merge_active(w->m) != 0);
	if (!view_has_data(w->v))
		return;
	merge_each(w->m, &(struct merge_sink){same_vrp, same_aspa, &s});
	assert_int_equal(s.vrps, vrps_count(view_vrps(w->v), FAMILY_IPV4));
	assert_int_equal(s.aspas, aspas_count(view_aspas(w->v)));
	assert_int_equal(view_epoch(w->v), supply_epoch(w->s));
}

/* All data of one cache, at random. */
static void fill(struct world *w, unsigned cache)
{
	static struct pdu_vrp vrp[400];
	static uint32_t aspa[400];
	struct cache_batch b = {.full = true, .vrp = vrp, .aspa = aspa};

	for (uint32_t i = 0; i < 400; i++) {
		if (!rnd(3))
			continue;
		vrp[b.n_vrp++] = (struct pdu_vrp){
		    .addr = {10, (uint8_t)(i >> 4), (uint8_t)(i << 4)},
		    .asn = 64501 + rnd(2),
		    .family = FAMILY_IPV4,
		    .len = 20,
		    .max_len = (uint8_t)(20 + rnd(2)),
		    .announce = true};
	}
	for (uint32_t i = 1; i < 60; i++) {
		if (!rnd(3))
			continue;
		aspa[b.n_aspa++] = i;
		aspa[b.n_aspa++] = 1;
		aspa[b.n_aspa++] = 100 + rnd(3);
	}
	assert_int_equal(merge_apply(w->m, cache, &b), PDU_FINE);
}

static void the_engine_has_what_counts(void **unused)
{
	struct world w = {.m = merge_new(), .v = view_new()};

	(void)unused;
	state = clock_seed();
	print_message("# seed %llu\n", (unsigned long long)state);
	w.s = supply_new(w.m);
	for (unsigned i = 0; i < 3; i++)
		merge_set_preference(w.m, i, (uint16_t)(i / 2));
	connect_both(&w);
	pass(&w, 10);
	assert_false(view_has_data(w.v));
	for (uint32_t i = 1; i < 600; i++) {
		unsigned cache = rnd(3);

		if (rnd(5) == 0)
			merge_drop(w.m, cache);
		else
			fill(&w, cache);
		settle(&w, i);
		if (rnd(3))
			pass(&w, rnd(4)); /* it lags, and in the middle */
		if (!rnd(20)) {
			disconnect_both(&w);
			connect_both(&w);
		}
		if (rnd(4))
			continue;
		pass(&w, 10000);
		compare(&w);
	}
	for (unsigned i = 0; i < 3; i++)
		merge_drop(w.m, i);
	settle(&w, 600);
	pass(&w, 10000);
	compare(&w);
	fill(&w, 1);
	settle(&w, 601);
	pass(&w, 10000);
	compare(&w);
	assert_true(w.all > 1 && w.changes && w.no_data);
	assert_int_equal(w.broken, 0);
	disconnect_both(&w);
	supply_free(w.s);
	merge_free(w.m);
	view_free(w.v);
}

static void data_outlives_the_role_until_it_expires(void **unused)
{
	struct world w = {.m = merge_new(), .v = view_new()};

	(void)unused;
	w.s = supply_new(w.m);
	connect_both(&w);
	fill(&w, 0);
	settle(&w, 1);
	pass(&w, 100);
	assert_true(view_has_data(w.v));
	assert_int_equal(view_due(w.v), 100 * NS_PER_S);
	disconnect_both(&w);
	/* Another role, which has heard of no cache yet, says nothing. */
	supply_free(w.s);
	merge_free(w.m);
	w.m = merge_new();
	w.s = supply_new(w.m);
	connect_both(&w);
	settle(&w, 2);
	pass(&w, 100);
	assert_true(view_has_data(w.v));
	assert_int_equal(view_tick(w.v, 99 * NS_PER_S), VIEW_NOTHING);
	assert_int_equal(view_tick(w.v, 100 * NS_PER_S), VIEW_NO_DATA);
	assert_false(view_has_data(w.v));
	assert_int_equal(view_due(w.v), UINT64_MAX);
	disconnect_both(&w);
	supply_free(w.s);
	merge_free(w.m);
	view_free(w.v);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_engine_has_what_counts),
	    cmocka_unit_test(data_outlives_the_role_until_it_expires),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

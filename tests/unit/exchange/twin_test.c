/*
 * The exchange against its naive twin: random sessions, UPDATEs, restarts,
 * refreshes and configurations, clients that read at their own pace and are
 * left behind; at quiet moments what each client was sent must be exactly
 * what the twin says it should have.
 *
 *   TWIN_SEED=n      another run (a difference prints its seed and step)
 *   TWIN_STEPS=n     a longer one
 *   TWIN_SCALE=n     so many prefixes of a family
 *   TWIN_SESSIONS=n  so many sessions
 *   TWIN_TRACE=1     tells each step
 *   TWIN_COVER=1     says what the run has met
 *
 * Any of them: one run alone.  A run of 100,000 steps fails when it has not
 * met everything that it should.
 */
#include "check.h"
#include "twin_sim.h"

#include <stdlib.h>

struct sim sim;

enum {
	LONG = 100000 /* steps that must meet everything */
};

static const char *const seen[SEEN_N] = {
#define X(name, text) text,
    TWIN_SEEN(X)
#undef X
};

void fail_at(const char *what, unsigned slot)
{
	fail_msg("TWIN_SEED=%llu TWIN_STEPS=%llu TWIN_SCALE=%u "
		 "TWIN_SESSIONS=%u: slot %u (AS%u): %s",
	    (unsigned long long)sim.seed, (unsigned long long)sim.step + 1,
	    make_prefixes(), make_sessions(), slot, sim.slot[slot].as.asn,
	    what);
}

static uint64_t number_of(const char *name, uint64_t otherwise)
{
	const char *text = getenv(name);

	return text ? strtoull(text, NULL, 10) : otherwise;
}

static void cover(uint64_t steps)
{
	const struct naive_seen *n = naive_seen(sim.twin);
	bool show = number_of("TWIN_COVER", 0);
	unsigned missing = 0;

	sim.seen[SEEN_EXPIRED] = n->expired;
	sim.seen[SEEN_LONG_LIVED] = n->long_lived;
	sim.seen[SEEN_MED] = n->med;
	sim.seen[SEEN_DENIED] = n->denied;
	sim.seen[SEEN_PREPENDED] = n->prepended;
	sim.seen[SEEN_OTC] = n->otc;
	sim.seen[SEEN_VALID] = n->valid;
	sim.seen[SEEN_NOT_FOUND] = n->not_found;
	sim.seen[SEEN_INVALID] = n->invalid;
	sim.seen[SEEN_UNCHECKED] = n->unchecked;
	sim.seen[SEEN_REGISTERED] = n->registered;
	sim.seen[SEEN_NO_PATH] = n->no_path;
	sim.seen[SEEN_OWN_ASN] = n->own_asn;
	sim.seen[SEEN_NO_NEXT_HOP] = n->no_next_hop;
	sim.seen[SEEN_TOO_LONG] = n->too_long;
	sim.seen[SEEN_NO_LLGR] = n->no_llgr;
	sim.seen[SEEN_HIDDEN] = n->second;
	for (unsigned i = 0; i < SEEN_N; i++) {
		bool lacks = steps >= LONG && !sim.seen[i];

		if (show || lacks)
			(void)printf("# %12llu %s\n",
			    (unsigned long long)sim.seen[i], seen[i]);
		missing += lacks;
	}
	for (int r = REASON_NONE + 1; r < REASON_COUNT; r++) {
		bool lacks = steps >= LONG && !n->refused[r] &&
			     !reason_is_of_update((enum reason)r) &&
			     r != REASON_PREFIX_NOT_IN_ORIGIN;

		if (show || lacks)
			(void)printf("# %12llu routes refused: %s\n",
			    (unsigned long long)n->refused[r],
			    reason_info((enum reason)r)->word);
		missing += lacks;
	}
	assert_int_equal(missing, 0);
}

static void run(uint64_t seed, uint64_t steps)
{
	twin_begin(seed);
	sim.tracing = number_of("TWIN_TRACE", 0);
	for (; sim.step < steps; sim.step++)
		twin_step();
	twin_compare();
	(void)printf("# %llu steps, %llu comparisons of %llu routes\n",
	    (unsigned long long)steps, (unsigned long long)sim.compared,
	    (unsigned long long)sim.routes);
	cover(steps);
	twin_end();
}

static bool asked(void)
{
	return getenv("TWIN_SEED") || getenv("TWIN_STEPS") ||
	       getenv("TWIN_SCALE") || getenv("TWIN_SESSIONS");
}

static void the_exchange_is_like_its_twin(void **state)
{
	(void)state;
	make_scale((unsigned)number_of("TWIN_SCALE", 24));
	make_many((unsigned)number_of("TWIN_SESSIONS", MAKE_FEW));
	run(number_of("TWIN_SEED", 1), number_of("TWIN_STEPS", 10000));
	assert_true(sim.compared > 10 && sim.routes > 100);
}

/* So many prefixes that work is done in slices and batches are cut. */
static void so_it_is_with_many_prefixes(void **state)
{
	(void)state;
	if (asked())
		return; /* the first test has done it */
	make_scale(1500);
	make_many(MAKE_FEW);
	run(1, 300);
	assert_true(sim.compared > 5 && sim.routes > 1000);
}

/* So many that the sets of clients take several words. */
static void so_it_is_with_many_sessions(void **state)
{
	(void)state;
	if (asked())
		return;
	make_scale(24);
	make_many(MAKE_MAX_SESSIONS);
	run(1, 1500);
	assert_true(sim.compared && sim.seen[SEEN_SLOTS]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_exchange_is_like_its_twin),
	    cmocka_unit_test(so_it_is_with_many_prefixes),
	    cmocka_unit_test(so_it_is_with_many_sessions),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

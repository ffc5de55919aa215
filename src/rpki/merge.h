/*
 * What several caches say, as one.
 *
 * Each cache's data is kept as it is.  What counts is the union of the data
 * of those caches that have the lowest preference number among all that hold
 * data; the others are held ready, and take over in one step.  Everything
 * that changes what counts comes out of a sink, once, after it is settled.
 *
 * An ASPA counts with the providers that any of these caches lists for its
 * customer.
 */
#pragma once

#include "rpki/cache.h"
#include "rpki/rpki.h"

struct merge;

/* Takes what changes; borrowed. */
struct merge_sink {
	void (*vrp)(void *arg, const struct vrp *v, bool gone);
	/* r->n 0: gone */
	void (*aspa)(void *arg, const struct aspa_record *r);
	void *arg;
};

struct merge *merge_new(void);
void merge_free(struct merge *m);

/* All caches, by index: before their data counts, and when that changes. */
void merge_set_preference(struct merge *m, unsigned cache, uint16_t preference);

/*
 * Takes a batch in, or nothing of it: PDU_FINE; PDU_DUPLICATE,
 * PDU_UNKNOWN_WITHDRAWAL, PDU_INTERNAL (no memory).  What counts from now on
 * is not settled yet.
 */
enum pdu_error merge_apply(
    struct merge *m, unsigned cache, const struct cache_batch *b);

/* Its data is gone: expired, or no longer configured. */
void merge_drop(struct merge *m, unsigned cache);

/*
 * The caches are numbered anew: to[i] is the new index of the i-th, or
 * RPKI_CACHES for one that is gone.
 */
void merge_renumber(struct merge *m, const unsigned to[RPKI_CACHES]);

/*
 * Brings what counts up to date, and tells sink what changed.  -ENOMEM: some
 * of it is missing, to be called again.
 */
int merge_settle(struct merge *m, uint32_t wall_s, const struct merge_sink *s);

/* All that counts, as of the last settling. */
void merge_each(const struct merge *m, const struct merge_sink *s);

/* The caches whose data counts; 0: there is none, all is unchecked. */
uint16_t merge_active(const struct merge *m);
bool merge_has_data(const struct merge *m, unsigned cache);

/* Of one cache; and what counts. */
struct merge_count {
	size_t vrps[FAMILY_COUNT];
	size_t aspas;
};

void merge_count(
    const struct merge *m, unsigned cache, struct merge_count *ret);
void merge_total(const struct merge *m, struct merge_count *ret);
size_t merge_bytes(const struct merge *m);

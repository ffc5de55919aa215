/*
 * The RPKI role's side of rpki/records.h: what counts, for any number of
 * engines.  A change is written down once and sent to each as its ring has
 * room; an engine that falls far behind gets all of it instead.
 */
#pragma once

#include "net/link.h"
#include "rpki/merge.h"
#include "rpki/records.h"

struct supply;
struct supply_link;

/* m outlives it.  NULL when memory is out. */
struct supply *supply_new(const struct merge *m);
/* After its links. */
void supply_free(struct supply *s);

/*
 * Takes what merge_settle() told its sink: between open and close, which
 * hands it to every link.  False: there was nothing.
 */
struct merge_sink supply_open(struct supply *s);
bool supply_close(struct supply *s);

/* How long the data counts, CLOCK_MONOTONIC ns; 0: there is none. */
void supply_set_until(struct supply *s, uint64_t ns);
/* Every link gets all of it (after a renumbering). */
void supply_again(struct supply *s);
uint64_t supply_epoch(const struct supply *s);

/* link stays the caller's, and outlives it. */
struct supply_link *supply_link_new(struct supply *s, struct link *link);
void supply_link_free(struct supply_link *l);
void supply_link_again(struct supply_link *l);
/* Writes what the ring takes; the peer's bell says when there is room. */
void supply_push(struct supply_link *l);

/*
 * The questions of one link from the api role, each answered a slice at a
 * time, in turn.
 */
#pragma once

#include "exchange/query.h"
#include "net/link.h"

#define QUERY_JOBS 64 /* questions at once; more are told to come later */

struct query_link;

/* Both must outlive it.  NULL when memory is out. */
struct query_link *query_link_new(const struct exchange *x, struct link *l);
/* Forgets what was asked.  NULL is allowed. */
void query_link_free(struct query_link *q);

/*
 * A record of the link.  False when it is not for here: the ASK of
 * QUERY_STATUS, which the role answers itself, or nothing known.  (PAUSE,
 * RESUME and CANCEL of any query give true.)
 */
bool query_link_record(
    struct query_link *q, const struct link_head *head, const void *data);

/*
 * One slice of the next question, about budget_ns.  True when more can be
 * done now; false when nothing is asked, or the ring is full (the peer rings
 * when it has made room).  The caller flushes the link.
 */
bool query_link_work(struct query_link *q, uint64_t budget_ns);

/*
 * Answers the question of that id with a difference, which it takes over;
 * NULL, or too many questions at once: with a failure.
 */
void query_link_diff(
    struct query_link *q, uint32_t id, struct exchange_diff *d);

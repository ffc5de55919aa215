/*
 * Answers to what operators and members ask of the engine (net/query.h):
 * `show routes` and `why`, as JSON lines, in slices.
 *
 * A job walks the RIB by prefix ids, which are stable: each prefix in the
 * answer is as it stood when it was written, the list as a whole is of no
 * one moment.  A job's memory is bounded by the paths of one prefix.
 */
#pragma once

#include "exchange/diff.h"
#include "exchange/exchange.h"
#include "net/query.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* No line is longer; lists that would make it so are cut ("truncated"). */
#define QUERY_LINE_MAX ((size_t)120 << 10)

struct query_job;

/*
 * q: QUERY_ROUTES or QUERY_WHY.  x must outlive the job.  NULL when memory
 * is out.
 */
struct query_job *query_new(const struct exchange *x, const struct query *q);
/* The same for a difference, which it takes over when it is not NULL. */
struct query_job *query_new_diff(
    const struct exchange *x, struct exchange_diff *d);
void query_free(struct query_job *j);

/*
 * Works for about budget_ns and writes whole lines into buf, whose cap is at
 * least QUERY_LINE_MAX; *ret_n: bytes written, perhaps none.  True when
 * there is more to do.
 */
bool query_step(struct query_job *j, char *buf, size_t cap, uint64_t budget_ns,
    size_t *ret_n);

/* Once all is done: 0, or 1 when the answer is no (no such route, client). */
int query_exit(const struct query_job *j);

/*
 * What another policy, or other data of the RPKI, would make of the routes
 * that are held: how many of each member's it would accept, reject or move,
 * and why.  Nothing is changed by asking.
 *
 * It is worked out in slices, between other work: each prefix is consistent,
 * the whole is not.
 */
#pragma once

#include "exchange/exchange.h"

struct json;
struct exchange_diff;

#define EXCHANGE_VRPS_MAX 4000000u /* lines of a list */

/*
 * c: the other configuration, not kept.  vrps: NULL, or a list of n bytes,
 * "PREFIX-MAXLEN ASN" a line, to be used instead of the VRPs there are; taken
 * over (free()).  NULL when memory is out; then vrps stays the caller's.
 */
struct exchange_diff *exchange_diff_new(
    const struct exchange *x, const struct conf *c, char *vrps, size_t n);
void exchange_diff_free(struct exchange_diff *d);

/* Goes on until about then; true when all has been looked at. */
bool exchange_diff_step(struct exchange_diff *d, uint64_t deadline_ns);

/* The list has a bad line: its number from 1; 0: all are good. */
size_t exchange_diff_bad_line(const struct exchange_diff *d);

/* Then: one line a member that has routes; false: no further one. */
bool exchange_diff_write(struct exchange_diff *d, struct json *w);

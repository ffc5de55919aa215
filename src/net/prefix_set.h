/*
 * A set of prefixes, each with the lengths that it permits: bogon lists,
 * the peering LAN, what a member has registered.
 *
 * Built once, then only asked; a match costs at most one step a bit.
 */
#pragma once

#include "net/addr.h"

struct prefix_set;

/* NULL when memory is out. */
struct prefix_set *prefix_set_new(void);
void prefix_set_free(struct prefix_set *s);

/*
 * Permits p's more-specifics of length min_len..max_len (p->len <= min_len).
 * Ranges of one prefix that overlap or touch become one, so that a prefix has
 * few, however often it is added.  0, -EINVAL, -ENOMEM.
 */
int prefix_set_add(struct prefix_set *s, const struct prefix *p,
    uint8_t min_len, uint8_t max_len);

/* True when some range in the set permits p. */
bool prefix_set_match(const struct prefix_set *s, const struct prefix *p);

/* True when p lies inside a prefix of the set, whatever the lengths. */
bool prefix_set_covers(const struct prefix_set *s, const struct prefix *p);

/* Ranges that there are. */
size_t prefix_set_count(const struct prefix_set *s);

/*
 * What changes, as BGP4MP records (RFC 6396 s4.4): sessions that come and go,
 * and the members' routes.  A route that flaps faster than records are taken
 * shows its newest state only.  A refused one carries its reason, as in
 * table.h.
 */
#pragma once

#include "monitor/buf.h"
#include "monitor/drain.h"
#include "monitor/self.h"

struct updates;

struct updates *updates_new(struct mirror *m, const struct monitor_self *self);
void updates_free(struct updates *u);

/* Appends some `bytes` of records; true when there is more. */
bool updates_make(
    struct updates *u, struct buf *out, size_t bytes, uint64_t now_us);

/* What is known ends: all sessions go. */
void updates_end(struct updates *u, struct buf *out, uint64_t now_us);

uint64_t updates_routes(const struct updates *u);

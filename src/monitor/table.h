/*
 * A dump of the whole table as TABLE_DUMP_V2 (RFC 6396 s4.3), in slices.
 *
 * Each prefix in it is as it stood when it was written, with all its paths.
 * A route that the policy refused carries the large community RS:1101:n that
 * names the reason (docs/reasons.md) beside what the member sent.
 */
#pragma once

#include "monitor/buf.h"
#include "monitor/mirror.h"

struct table_dump {
	struct mirror *m;
	uint32_t asn; /* the exchange's, for reasons */
	uint32_t time_s;
	enum family family;
	uint32_t place;
	uint32_t sequence;
	uint64_t routes;
	uint64_t prefixes;
};

/* Begins: writes the peers.  One dump of a mirror at a time. */
void table_dump_begin(struct table_dump *d, struct mirror *m, uint32_t asn,
    uint32_t router_id, const char *name, uint32_t time_s, struct buf *out);

/* Writes some `bytes` more; true when there is more. */
bool table_dump_some(struct table_dump *d, struct buf *out, size_t bytes);

/*
 * The attributes of a set as dumps show them: with the reason, where it was
 * refused.  Valid until the next call.
 */
struct bytes table_attrs(const struct mirror_set *s, uint32_t asn);

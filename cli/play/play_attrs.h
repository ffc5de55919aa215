/*
 * Path attributes as an external speaker passes them on (RFC 4271 s5,
 * RFC 6793): what a recording holds, with one's own ASN in front.
 */
#pragma once

#include "base/wire.h"

#include <stdbool.h>
#include <stdint.h>

#define PLAY_ATTRS_MAX 65535

/* The own form: ascending, 4-byte ASNs, without any next hop. */
struct play_attrs {
	struct bytes wire;
	uint16_t next_hop_at; /* where NEXT_HOP belongs */
};

struct play_scratch;

struct play_scratch *play_scratch_new(void); /* NULL: no memory */
void play_scratch_free(struct play_scratch *s);

/*
 * attrs: raw, with AS paths of 4-byte ASNs when as4 (else AS4_PATH is merged,
 * RFC 6793 s4.2.3).  Drops next hops, NLRI, and what external peers must not
 * get (LOCAL_PREF, ORIGINATOR_ID, CLUSTER_LIST, confederation segments); puts
 * `own` in front of the path, and ORIGIN where there is none.  Everything
 * else stays as it is.  The result lives in s until its next use.
 * False: the lengths in attrs contradict each other, or it does not fit.
 */
bool play_attrs_pass_on(struct play_scratch *s, struct rd attrs, bool as4,
    uint32_t own, struct play_attrs *ret);

/*
 * The same for a peer that knows 2-byte ASNs alone: AS_TRANS in AS_PATH and
 * AGGREGATOR, AS4_PATH and AS4_AGGREGATOR where they are needed.
 */
bool play_attrs_narrow(struct play_scratch *s, const struct play_attrs *from,
    struct play_attrs *ret);

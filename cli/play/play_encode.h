/* UPDATEs of routes that share their attributes. */
#pragma once

#include "base/wire.h"
#include "cli/play/play_attrs.h"
#include "net/addr.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What the session at hand can carry; set anew for each session. */
struct play_shape {
	uint8_t families; /* mask: negotiated, and hop is there */
	bool as4;
	bool enhanced_refresh;
	bool extended; /* RFC 8654: used where attributes need it */
	struct ip hop[FAMILY_COUNT]; /* for routes of that family */
};

/*
 * Write one UPDATE with as many of the n prefixes, all of family f, as fit,
 * and give their number; 0: the attributes leave no room for one.
 */
size_t play_encode_reach(struct wr *w, const struct play_shape *shape,
    const struct play_attrs *a, enum family f, const struct prefix *p,
    size_t n);
size_t play_encode_withdraw(
    struct wr *w, enum family f, const struct prefix *p, size_t n);

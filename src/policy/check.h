/* What one check sees, and where it says what it saw. */
#pragma once

#include "policy/internal.h"

#include <stdio.h>

/* One ASN of the path that matters to a check. */
struct spot {
	uint32_t asn;
	unsigned at; /* position from 1; 0: nowhere */
};

/* What one walk along the AS path finds. */
struct facts {
	unsigned length; /* as best path counts it */
	uint32_t first;
	uint32_t origin;
	uint8_t odd; /* type of the first segment that is no sequence */
	struct spot own;
	struct spot bogon;
	struct spot transit;
	struct spot never;
};

struct input {
	const struct policy *p;
	const struct policy_member *m;
	const struct bgp_attrs *a;
	const struct prefix *prefix;
	struct policy_next_hop next_hop;
	struct facts facts;
};

/* Where evidence goes; without a buffer nobody asked. */
struct note {
	char *buf;
	size_t n;
};

#define SAY(why, ...)                                                          \
	do {                                                                   \
		if (why)                                                       \
			(void)snprintf((why)->buf, (why)->n, __VA_ARGS__);     \
	} while (0)

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
	uint32_t origin; /* 0: none */
	enum rov rov;
	enum aspa aspa;
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

/* proof.c */
enum reason proof_check_rov(const struct input *in, const struct note *why);
enum reason proof_check_aspa(const struct input *in, const struct note *why);
const char *proof_no_rov(const struct input *in);
const char *proof_no_aspa(const struct input *in);

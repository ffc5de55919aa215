/*
 * A line of the session role's answer to QUERY_SESSIONS, read back: what
 * `show members` adds up.
 */
#pragma once

#include "net/addr.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum api_count {
	API_RECEIVED,
	API_ACCEPTED,
	API_REJECTED,
	API_ADVERTISED,
	API_COUNTS,
};

extern const char *const api_count_names[API_COUNTS];

struct api_session {
	uint32_t asn; /* the member's */
	struct ip address;
	bool established;
	uint64_t n[FAMILY_COUNT][API_COUNTS];
};

/* 0, or -EINVAL. */
int api_session_parse(const char *line, size_t n, struct api_session *ret);

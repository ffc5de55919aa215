/*
 * SHA-256 digests as values.  By OpenSSL, which uses the processor's SHA
 * instructions where it has them; libsodium's is three times slower there.
 *
 * The context is one a process: roles have one thread.
 */
#pragma once

#include "base/wire.h"

#include <stdbool.h>
#include <string.h>

struct digest {
	uint8_t b[32];
};

static inline bool digest_eq(const struct digest *a, const struct digest *b)
{
	return !memcmp(a->b, b->b, sizeof a->b);
}

/* The hash of the n pieces, one after the other. */
struct digest digest_of(const struct bytes *pieces, size_t n);

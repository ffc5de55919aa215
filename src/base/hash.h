/*
 * Hashing for tables whose keys a peer can choose: seeded, so that nobody
 * outside can aim at one bucket.
 *
 * A product with zero forgets its other factor, so each factor that a key
 * goes into has the seed in it: with public numbers alone a key could be
 * chosen to make it zero, and all that came before would collide.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* One 64x64->128 multiply, folded (the wyhash mixing step). */
static inline uint64_t hash_mix(uint64_t a, uint64_t b)
{
	__extension__ typedef unsigned __int128 wide;
	wide m = (wide)a * b;

	return (uint64_t)m ^ (uint64_t)(m >> 64);
}

static inline uint64_t hash_u64(uint64_t v, uint64_t seed)
{
	return hash_mix(
	    v ^ seed ^ 0x9e3779b97f4a7c15u, seed ^ 0xd6e8feb86659fd93u);
}

static inline uint64_t hash_bytes(const void *p, size_t n, uint64_t seed)
{
	const uint8_t *b = p;
	uint64_t h = seed ^ 0x9e3779b97f4a7c15u;
	uint64_t secret = seed ^ 0xe7037ed1a0b428dbu;
	uint64_t w[2];
	size_t left = n;

	for (; left >= 16; left -= 16, b += 16) {
		memcpy(w, b, 16);
		h = hash_mix(w[0] ^ secret, w[1] ^ h);
	}
	w[0] = w[1] = 0;
	memcpy(w, b, left);
	h = hash_mix(w[0] ^ secret ^ 0x698f146f3c3c0138u, w[1] ^ h);
	return hash_mix(h ^ n, 0x589965cc75374cc3u);
}

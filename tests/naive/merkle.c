#include "tests/naive/merkle.h"

#include <sodium.h>

/* Not the hash function of the real one either. */
static struct digest node(struct digest a, struct digest b)
{
	uint8_t buf[65] = {1};
	struct digest d;

	memcpy(buf + 1, a.b, 32);
	memcpy(buf + 33, b.b, 32);
	crypto_hash_sha256(d.b, buf, sizeof buf);
	return d;
}

static uint64_t split(uint64_t n)
{
	uint64_t k = 1;

	while (k * 2 < n)
		k *= 2;
	return k;
}

struct digest naive_root(const struct digest *leaf, uint64_t n)
{
	struct digest d;

	if (!n) {
		crypto_hash_sha256(d.b, NULL, 0);
		return d;
	}
	if (n == 1)
		return leaf[0];
	uint64_t k = split(n);
	return node(naive_root(leaf, k), naive_root(leaf + k, n - k));
}

unsigned naive_path(
    uint64_t m, const struct digest *leaf, uint64_t n, struct digest *out)
{
	unsigned at;

	if (n == 1)
		return 0;
	uint64_t k = split(n);
	if (m < k) {
		at = naive_path(m, leaf, k, out);
		out[at] = naive_root(leaf + k, n - k);
	} else {
		at = naive_path(m - k, leaf + k, n - k, out);
		out[at] = naive_root(leaf, k);
	}
	return at + 1;
}

static unsigned subproof(uint64_t m, const struct digest *leaf, uint64_t n,
    bool known, struct digest *out)
{
	unsigned at;

	if (m == n) {
		if (!known)
			out[0] = naive_root(leaf, n);
		return !known;
	}
	uint64_t k = split(n);
	if (m <= k) {
		at = subproof(m, leaf, k, known, out);
		out[at] = naive_root(leaf + k, n - k);
	} else {
		at = subproof(m - k, leaf + k, n - k, false, out);
		out[at] = naive_root(leaf, k);
	}
	return at + 1;
}

unsigned naive_proof(
    uint64_t m, const struct digest *leaf, uint64_t n, struct digest *out)
{
	return subproof(m, leaf, n, true, out);
}

/* tlog-proof: what is taken is written back byte for byte. */
#include "fuzz.h"

#include "ledger/tlog_proof.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	uint8_t *exact = malloc(n + !n);
	uint8_t *again = malloc(n + !n);
	struct wr w = wr_from(again, n);
	static struct tlog_proof p;

	if (n)
		memcpy(exact, data, n);
	if (tlog_proof_parse((struct bytes){exact, n}, &p)) {
		PROPERTY(p.path.n <= MERKLE_LEVELS);
		tlog_proof_write(&w, &p);
		PROPERTY(wr_ok(&w) && wr_len(&w) == n);
		PROPERTY(!memcmp(exact, again, n));
	}
	free(exact);
	free(again);
	return 0;
}

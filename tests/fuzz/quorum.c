/* tlog-policy: what is taken has a quorum that more witnesses never lose. */
#include "fuzz.h"

#include "ledger/quorum.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	uint8_t *exact = malloc(n + !n);
	struct quorum_error e = {0, NULL};
	size_t witnesses, logs;

	if (n)
		memcpy(exact, data, n);
	struct quorum *q = quorum_parse((struct bytes){exact, n}, &e);
	free(exact);
	if (!q) {
		PROPERTY(e.what != NULL);
		return 0;
	}
	(void)quorum_witnesses(q, &witnesses);
	(void)quorum_logs(q, &logs);
	PROPERTY(witnesses <= QUORUM_MAX && logs <= QUORUM_MAX);
	bool before = quorum_met(q, 0);
	for (unsigned i = 0; i < 64; i++) {
		bool now = quorum_met(q, UINT64_MAX >> (63 - i));

		PROPERTY(now || !before);
		before = now;
	}
	PROPERTY(before);
	quorum_free(q);
	return 0;
}

/* A signed checkpoint against a policy. */
#include "ledger/quorum.h"

#include "ledger/text.h"

const char *quorum_fault_text(enum quorum_fault f)
{
	static const char *const text[] = {
	    [QUORUM_FINE] = "accepted by the policy",
	    [QUORUM_MALFORMED] = "not a signed checkpoint",
	    [QUORUM_NO_LOG] = "not signed by a log of the policy",
	    [QUORUM_FORGED] = "a signature in a trusted key's name is false",
	    [QUORUM_MISSED] = "cosigned by too few witnesses",
	};

	return text[f];
}

enum quorum_fault quorum_check(
    const struct quorum *q, struct bytes whole, struct checkpoint *ret)
{
	static struct note note; /* one thread */
	struct checkpoint c;
	uint64_t signers = 0, witnesses = 0;
	bool by_log = false;
	size_t n;

	if (!note_parse(whole, &note) || !checkpoint_parse(note.text, &c))
		return QUORUM_MALFORMED;
	const struct vkey *logs = quorum_logs(q, &n);
	if (note_verify(&note, logs, n, &signers) == NOTE_FORGED)
		return QUORUM_FORGED;
	for (size_t i = 0; i < n; i++)
		if (signers >> i & 1 && text_is(c.origin, logs[i].name))
			by_log = true;
	if (!by_log)
		return QUORUM_NO_LOG;
	const struct vkey *keys = quorum_witnesses(q, &n);
	if (note_verify(&note, keys, n, &witnesses) == NOTE_FORGED)
		return QUORUM_FORGED;
	*ret = c;
	return quorum_met(q, witnesses) ? QUORUM_FINE : QUORUM_MISSED;
}

#include "ledger/bundle.h"

#include "ledger/merkle.h"

void bundle_add(struct wr *w, struct bytes entry)
{
	uint8_t *len = wr_len16_open(w);

	wr_bytes(w, entry.p, entry.n);
	wr_len16_close(w, len);
}

bool bundle_next(struct rd *r, struct bytes *ret)
{
	if (!rd_left(r))
		return false;
	size_t n = rd_u16(r);
	const uint8_t *p = rd_take(r, n);

	if (!rd_ok(r))
		return false;
	*ret = (struct bytes){p, n};
	return true;
}

bool bundle_leaves(struct bytes bundle, unsigned width, struct digest *ret)
{
	struct rd r = rd_from(bundle.p, bundle.n);
	struct bytes entry;
	unsigned n = 0;

	for (; n < width && bundle_next(&r, &entry); n++)
		ret[n] = merkle_leaf(entry);
	return n == width && rd_done(&r);
}

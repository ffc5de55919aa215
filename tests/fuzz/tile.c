/*
 * Tile paths and entry bundles.  The first byte says which: a path that is
 * taken is the one that would be written; a bundle that is taken comes back
 * byte for byte.
 */
#include "fuzz.h"

#include "ledger/bundle.h"
#include "ledger/text.h"
#include "ledger/tile.h"

#include <string.h>

static void fuzz_path(struct bytes path)
{
	char out[TILE_PATH];
	struct tile t;

	if (!tile_path_parse(path, &t))
		return;
	PROPERTY(t.width >= 1 && t.width <= TILE_WIDTH);
	PROPERTY(t.level <= TILE_ENTRIES);
	PROPERTY(text_is(path, tile_path(t, out)));
}

static void fuzz_bundle(struct bytes bundle)
{
	struct rd r = rd_from(bundle.p, bundle.n);
	uint8_t *again = malloc(bundle.n + !bundle.n);
	struct wr w = wr_from(again, bundle.n);
	static struct digest leaf[TILE_WIDTH];
	struct bytes e;
	unsigned n = 0;

	for (; bundle_next(&r, &e); n++)
		bundle_add(&w, e);
	PROPERTY(wr_ok(&w));
	if (rd_ok(&r)) {
		PROPERTY(wr_len(&w) == bundle.n);
		PROPERTY(!memcmp(again, bundle.p, bundle.n));
	}
	if (n <= TILE_WIDTH)
		PROPERTY(bundle_leaves(bundle, n, leaf) == rd_ok(&r));
	free(again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	if (!n)
		return 0;
	uint8_t *exact = malloc(n);
	memcpy(exact, data + 1, n - 1);
	if (data[0] & 1)
		fuzz_path((struct bytes){exact, n - 1});
	else
		fuzz_bundle((struct bytes){exact, n - 1});
	free(exact);
	return 0;
}

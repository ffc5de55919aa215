/* The paths of tlog-tiles, written and read. */
#include "ledger/tile.h"

#include "ledger/text.h"

#include <stdio.h>

const char *tile_path(struct tile t, char out[TILE_PATH])
{
	unsigned part[7], n = 0; /* 2^64 has 20 digits */
	uint64_t index = t.index;
	int at;

	do {
		part[n++] = (unsigned)(index % 1000);
		index /= 1000;
	} while (index);
	if (t.level == TILE_ENTRIES)
		at = snprintf(out, TILE_PATH, "tile/entries");
	else
		at = snprintf(out, TILE_PATH, "tile/%u", t.level);
	while (n--)
		at += snprintf(out + at, TILE_PATH - (size_t)at, "/%s%03u",
		    n ? "x" : "", part[n]);
	if (t.width != TILE_WIDTH)
		snprintf(out + at, TILE_PATH - (size_t)at, ".p/%u", t.width);
	return out;
}

static bool take_level(struct rd *r, uint8_t *ret)
{
	uint64_t v;

	if (text_take(r, "entries/")) {
		*ret = TILE_ENTRIES;
		return true;
	}
	if (!text_take_u64(r, &v) || v > TILE_MAX_LEVEL || !text_take(r, "/"))
		return false;
	*ret = (uint8_t)v;
	return true;
}

static bool take_three(struct rd *r, uint64_t *index)
{
	for (int i = 0; i < 3; i++) {
		unsigned digit = rd_u8(r) - (unsigned)'0';

		if (!rd_ok(r) || digit > 9 ||
		    __builtin_mul_overflow(*index, 10, index) ||
		    __builtin_add_overflow(*index, digit, index))
			return false;
	}
	return true;
}

bool tile_path_parse(struct bytes path, struct tile *ret)
{
	struct rd r = rd_from(path.p, path.n);
	struct tile t = {.width = TILE_WIDTH};
	uint64_t width;
	char again[TILE_PATH];

	if (!text_take(&r, "tile/") || !take_level(&r, &t.level))
		return false;
	while (text_take(&r, "x"))
		if (!take_three(&r, &t.index) || !text_take(&r, "/"))
			return false;
	if (!take_three(&r, &t.index))
		return false;
	if (text_take(&r, ".p/")) {
		if (!text_take_u64(&r, &width) || !width || width >= TILE_WIDTH)
			return false;
		t.width = (uint16_t)width;
	}
	/* One path a tile: no zeroes that need not be there. */
	if (!rd_done(&r) ||
	    !text_is((struct bytes){path.p, path.n}, tile_path(t, again)))
		return false;
	*ret = t;
	return true;
}

#include "rib/index.h"

#include <errno.h>

int rib_index_new(struct rib_index *x, unsigned bits)
{
	void *p = rib_pages_new(sizeof(uint32_t) << bits);

	if (!p)
		return -ENOMEM;
	*x = (struct rib_index){.slot = p, .bits = bits};
	return 0;
}

void rib_index_done(struct rib_index *x)
{
	rib_pages_free(x->slot, sizeof(uint32_t) << x->bits);
	*x = (struct rib_index){0};
}

#define BLANK 0xffffffu /* no id is as large (RIB_ID_MAX) */

static uint32_t place_of(const struct rib_index *x, uint32_t hash, uint32_t id)
{
	uint32_t at = rib_index_place(x, hash);

	while (x->slot[at] != rib_index_word(hash, id)) {
		must(x->slot[at]);
		at = (at + 1) & rib_index_mask(x);
	}
	return at;
}

void rib_index_blank(struct rib_index *x, uint32_t hash, uint32_t id)
{
	x->slot[place_of(x, hash, id)] = BLANK;
	x->used--;
}

void rib_index_del(struct rib_index *x, uint32_t hash, uint32_t id,
    const void *arg, uint32_t (*hash_of)(const void *arg, uint32_t id))
{
	uint32_t mask = rib_index_mask(x);
	uint32_t hole = place_of(x, hash, id);

	for (uint32_t at = (hole + 1) & mask; x->slot[at];
	     at = (at + 1) & mask) {
		uint32_t home =
		    rib_index_place(x, hash_of(arg, rib_index_id(x->slot[at])));

		/* It may move if the hole lies between its home and it. */
		if (((at - home) & mask) < ((at - hole) & mask))
			continue;
		x->slot[hole] = x->slot[at];
		hole = at;
	}
	x->slot[hole] = 0;
	x->used--;
}

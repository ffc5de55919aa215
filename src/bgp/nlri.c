/* NLRI: runs of prefixes as they stand in messages. */
#include "bgp/internal.h"

bool bgp_nlri_check(struct bytes run, enum family f, bool add_path)
{
	const uint8_t *p = run.p;
	size_t left = run.n;
	unsigned max = family_bits(f);
	size_t head = add_path ? 5 : 1;

	while (left) {
		if (left < head)
			return false;
		unsigned len = p[head - 1];
		size_t n = head + (len + 7) / 8;
		if (len > max || n > left)
			return false;
		p += n;
		left -= n;
	}
	return true;
}

void bgp_nlri_write(
    struct wr *w, const struct prefix *p, bool add_path, uint32_t path_id)
{
	if (add_path)
		wr_u32(w, path_id);
	wr_u8(w, p->len);
	wr_bytes(w, p->addr.b, (p->len + 7u) / 8u);
}

/* Attributes of one prefix, and what is made of canonical ones. */
#include "update_rules.h"

#include "bgp/attrs.h"

static uint8_t out[1 << 17];

static struct bgp_attrs read_again(const struct wr *w)
{
	struct bgp_attrs a;

	PROPERTY(wr_ok(w));
	bgp_attrs_read((struct bytes){w->start, wr_len(w)}, &a);
	return a;
}

static void check_changes(const struct bgp_attrs *a, unsigned n)
{
	static const uint8_t otc[4] = {0, 0, 0xfb, 0xf5};
	struct wr w = wr_from(out, sizeof out);
	unsigned length = bgp_path_length(a->as_path);
	struct bgp_attrs b;

	bgp_attrs_prepend(&w, a->wire, 64502, n);
	if (wr_ok(&w)) {
		b = read_again(&w);
		PROPERTY(bgp_path_length(b.as_path) == length + n);
		PROPERTY(!n || bgp_path_first(b.as_path) == 64502);
		PROPERTY(!length || bgp_path_origin(b.as_path) ==
					bgp_path_origin(a->as_path));
		PROPERTY(b.has == a->has);
	}
	w = wr_from(out, sizeof out);
	bgp_attrs_put(&w, a->wire, 0xc0, ATTR_OTC, (struct bytes){otc, 4});
	b = read_again(&w);
	PROPERTY(b.otc == 64501 && b.has == (a->has | BGP_HAS(ATTR_OTC)));
	w = wr_from(out, sizeof out);
	bgp_attrs_put(&w, a->wire, 0, ATTR_COMMUNITIES, (struct bytes){0});
	b = read_again(&w);
	PROPERTY(!b.communities.n);
	PROPERTY(b.has == (a->has & ~BGP_HAS(ATTR_COMMUNITIES)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct bgp_update u;
	struct arena a;

	if (n < RULES_BYTES || n > UINT16_MAX)
		return 0;
	struct bgp_rules rules = rules_from(data);
	unsigned times = data[1] / 3u;
	data += RULES_BYTES;
	n -= RULES_BYTES;
	static uint8_t body[UINT16_MAX + 64];
	static const uint8_t nlri[] = {24, 203, 0, 113};
	struct wr w = wr_from(body, sizeof body);
	rules.families |= BGP_FAMILY(FAMILY_IPV4);
	rules.add_path = 0;
	wr_u16(&w, 0);
	wr_u16(&w, (unsigned)n);
	wr_bytes(&w, data, n);
	wr_bytes(&w, nlri, sizeof nlri);
	arena_init(&a, memory_for(wr_len(&w)));
	bgp_update_parse(rd_from(body, wr_len(&w)), &rules, &a, &u);
	if (u.harm < BGP_WITHDRAW)
		check_changes(&u.attrs, times);
	arena_done(&a);
	return 0;
}

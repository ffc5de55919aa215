/*
 * UPDATE, under every combination of rules: what is relayed must be flawless
 * to whoever gets it, and be the same when we get it ourselves.
 */
#include "update_rules.h"

#include "bgp/attrs.h"
#include "bgp/update_write.h"

static uint8_t out[70000];

/* Prefixes: in bounds, masked, and the same when written again. */
static size_t walk_run(struct bgp_nlri run)
{
	struct bgp_prefix p;
	size_t count = 0;

	while (bgp_nlri_next(&run, &p)) {
		uint8_t buf[32];
		struct wr w = wr_from(buf, sizeof buf);
		struct prefix masked = prefix_of(&p.prefix.addr, p.prefix.len);
		struct bgp_prefix q;

		PROPERTY(p.prefix.len <= family_bits(run.family));
		PROPERTY(prefix_eq(&masked, &p.prefix));
		PROPERTY(run.add_path || !p.path_id);
		bgp_nlri_write(&w, &p.prefix, run.add_path, p.path_id);
		struct bgp_nlri one = run;
		one.wire = (struct bytes){buf, wr_len(&w)};
		PROPERTY(bgp_nlri_next(&one, &q) && !one.wire.n);
		PROPERTY(prefix_eq(&p.prefix, &q.prefix));
		PROPERTY(p.path_id == q.path_id);
		count++;
	}
	return count;
}

static void check_attrs(const struct bgp_attrs *a)
{
	struct rd r = rd_from(a->wire.p, a->wire.n);
	struct bgp_attr attr;
	struct bgp_attrs again;
	unsigned last = 0;

	while (bgp_attr_next(&r, &attr)) {
		PROPERTY(attr.code > last || (!last && !attr.code));
		PROPERTY(!(attr.flags & 0x1f));
		PROPERTY(attr.code != ATTR_NEXT_HOP);
		PROPERTY(attr.code != ATTR_MP_REACH);
		PROPERTY(attr.code != ATTR_MP_UNREACH);
		PROPERTY(attr.code != ATTR_AS4_PATH);
		PROPERTY(attr.code != ATTR_AS4_AGGREGATOR);
		if (attr.code < 64)
			PROPERTY(a->has & BGP_HAS(attr.code));
		last = attr.code;
	}
	bgp_attrs_read(a->wire, &again);
	PROPERTY(again.next_hop_at == a->next_hop_at);
	PROPERTY(again.has == a->has && again.origin == a->origin);
	PROPERTY(
	    again.as_path.p == a->as_path.p && again.as_path.n == a->as_path.n);
	PROPERTY(again.communities.p == a->communities.p);
	PROPERTY(again.extended.p == a->extended.p);
	PROPERTY(again.large.p == a->large.p);
	PROPERTY(!(a->has & BGP_HAS(ATTR_MED)) || again.med == a->med);
	PROPERTY(!(a->has & BGP_HAS(ATTR_OTC)) || again.otc == a->otc);
}

/* Sends it on, and reads it as the strictest receiver would. */
static void relay(const struct bgp_update *u, int which, struct bytes attrs,
    const struct bgp_rules *rules, struct bytes *ret_again, struct arena *a)
{
	struct bgp_encoding how = {
	    .family = u->reach[which].family, .max = BGP_MAX_EXTENDED};
	struct bgp_rules strict = {.families = 3,
	    .next_hop6 = 3,
	    .as4 = rules->as4,
	    .internal = rules->internal};
	struct bgp_update_writer writer;
	struct bgp_nlri run = u->reach[which];
	struct bgp_prefix p;
	struct bgp_update got;
	struct wr w = wr_from(out, sizeof out);

	*ret_again = (struct bytes){NULL, 0};
	if (!bgp_update_write_reach(&writer, &w, &how, attrs,
		u->next_hop[which], u->next_hop_len[which]))
		return; /* too long even for an extended message */
	while (bgp_nlri_next(&run, &p))
		if (!bgp_update_write_nlri(
			&writer, p.prefix.addr.b, p.prefix.len, 0))
			break;
	size_t n = bgp_update_write_close(&writer);
	PROPERTY(n);
	bgp_update_parse(
	    rd_from(out + BGP_HEADER, n - BGP_HEADER), &strict, a, &got);
	PROPERTY(got.harm == BGP_FINE);
	PROPERTY(walk_run(got.reach[0]) + walk_run(got.reach[1]) > 0);
	*ret_again = got.attrs.wire;
}

static void check_relay(
    const struct bgp_update *u, int which, const struct bgp_rules *rules)
{
	static uint8_t narrow[120000];
	struct bgp_rules wide = *rules;
	struct bytes again;
	struct arena a;

	PROPERTY(u->next_hop_len[which] == 4 || u->next_hop_len[which] == 16 ||
		 u->next_hop_len[which] == 32);
	arena_init(&a, 1u << 22);
	wide.as4 = true;
	relay(u, which, u->attrs.wire, &wide, &again, &a);
	if (again.p)
		PROPERTY(again.n == u->attrs.wire.n &&
			 !memcmp(again.p, u->attrs.wire.p, again.n));

	/* A 2-byte peer gets it without a fault as well. */
	struct wr w = wr_from(narrow, sizeof narrow);
	bgp_attrs_narrow(&w, u->attrs.wire);
	PROPERTY(wr_ok(&w));
	PROPERTY(wr_len(&w) <= u->attrs.wire.n * 3 / 2 + 16);
	if (wr_len(&w) <= UINT16_MAX) {
		wide.as4 = false;
		relay(u, which, (struct bytes){narrow, wr_len(&w)}, &wide,
		    &again, &a);
	}
	arena_done(&a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct bgp_update u;
	struct arena a;

	if (n < RULES_BYTES)
		return 0;
	struct bgp_rules rules = rules_from(data);
	data += RULES_BYTES;
	n -= RULES_BYTES;
	arena_init(&a, memory_for(n));
	bgp_update_parse(rd_from(data, n), &rules, &a, &u);
	PROPERTY((u.harm == BGP_FINE) == (u.fault == BGP_FAULT_NONE));
	if (n < 16384)
		PROPERTY(u.fault != BGP_FAULT_MEMORY);
	if (u.harm == BGP_RESET) {
		PROPERTY(u.notify.code);
		arena_done(&a);
		return 0;
	}
	size_t withdrawn = walk_run(u.withdrawn[0]) + walk_run(u.withdrawn[1]);
	size_t reach = walk_run(u.reach[0]) + walk_run(u.reach[1]);
	if (u.end_of_rib)
		PROPERTY(!withdrawn && !reach && u.harm == BGP_FINE);
	if (reach && u.harm < BGP_WITHDRAW) {
		check_attrs(&u.attrs);
		for (int i = 0; i < 2; i++)
			if (u.reach[i].wire.n)
				check_relay(&u, i, &rules);
	}
	arena_done(&a);
	return 0;
}

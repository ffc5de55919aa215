/*
 * A run becomes UPDATEs: once for each journal that has clients of its mask,
 * as many prefixes in a message as fit.
 */
#include "exchange/internal.h"

#include "bgp/attrs.h"
#include "bgp/update_write.h"

#define ATTRS_MAX ((size_t)1 << 16)
#define MESSAGE_FRAME 56 /* header, lengths, MP_REACH, one prefix */

/* Two buffers that steps of rewriting go between. */
struct steps {
	uint8_t buf[2][ATTRS_MAX + 4096];
	struct bytes now;
	unsigned next;
};

static struct steps steps;

static struct wr step_open(void)
{
	return wr_from(steps.buf[steps.next], sizeof steps.buf[0]);
}

static void step_close(const struct wr *w)
{
	must(wr_ok(w));
	steps.now = (struct bytes){w->start, wr_len(w)};
	steps.next ^= 1;
}

/*
 * RFC 9234 s5: a client gets every route with OTC, whether it said a role or
 * not; one that came with it is a leak, and goes to nobody.  And what is
 * known of the route, as informational communities.
 */
static void mark(const struct exchange *x, uint8_t tags)
{
	uint8_t large[POLICY_TAGS_MAX];
	struct wr said = wr_from(large, sizeof large);
	struct wr w = step_open();

	if (tags)
		policy_tags_write(x->policy, tags, &said);
	bgp_attrs_mark(&w, steps.now, policy_asn(x->policy),
	    (struct bytes){large, wr_len(&said)});
	step_close(&w);
}

/* RFC 9494 s4.2, unless the member said it already. */
static void add_llgr_stale(void)
{
	static uint8_t all[ATTRS_MAX];
	struct bgp_attrs a;
	struct wr w = step_open();
	struct wr c = wr_from(all, sizeof all);

	bgp_attrs_read(steps.now, &a);
	if (bgp_community_has(a.communities, BGP_LLGR_STALE))
		return;
	wr_bytes(&c, a.communities.p, a.communities.n);
	wr_u32(&c, BGP_LLGR_STALE);
	bgp_attrs_put(&w, steps.now, FLAGS_TRANSITIVE, ATTR_COMMUNITIES,
	    (struct bytes){all, wr_len(&c)});
	step_close(&w);
}

/* The attributes for a variant; valid until the next call. */
static struct bytes attrs_of(
    const struct exchange *x, uint32_t set, unsigned variant)
{
	const struct rib_set *s = rib_set_at(x->rib, set);
	uint16_t ignored;

	steps.now = rib_set_wire(x->rib, s);
	if (s->flags & RIB_SET_SCRUB) {
		struct bgp_attrs a;
		struct wr w = step_open();

		bgp_attrs_read(steps.now, &a);
		policy_scrub(x->policy, &a, &w);
		step_close(&w);
	}
	if (variant) {
		struct wr w = step_open();

		policy_prepend(steps.now, variant, &w, &ignored);
		step_close(&w);
	}
	mark(x, s->tags);
	if (s->flags & RIB_SET_LLGR)
		add_llgr_stale();
	return steps.now;
}

void encode_attrs(const struct exchange *x, uint32_t set, unsigned variant,
    struct wr *w, uint16_t *ret_next_hop_at)
{
	struct bytes b = attrs_of(x, set, variant);

	*ret_next_hop_at = bgp_attrs_next_hop_at(b);
	wr_bytes(w, b.p, b.n);
}

/* No room in the journals: the clients are served from the RIB instead. */
static void leave_behind(struct exchange *x, const struct run *r,
    const uint32_t *ids, uint32_t n, const uint64_t *members)
{
	const uint64_t *mask =
	    (const uint64_t *)x->masks.p + (size_t)r->mask * x->words;

	for (uint32_t i = 0; i < x->words; i++) {
		for (uint64_t b = mask[i] & members[i]; b; b &= b - 1) {
			uint32_t slot = i * 64 + (uint32_t)__builtin_ctzll(b);

			serve_begin(x, slot, r->family, false);
			for (uint32_t k = 0; k < n; k++) {
				serve_mark(x, slot, r->family, ids[k]);
				if (r->add_path && r->set == RIB_NONE)
					serve_gone(x, slot, r->family, ids[k],
					    r->path_id);
			}
		}
	}
}

static uint32_t put_prefixes(const struct exchange *x, const struct run *r,
    struct bgp_update_writer *u, const uint32_t *ids, uint32_t n)
{
	uint32_t done = 0;

	for (; done < n; done++) {
		uint32_t id = ids[done];

		if (done + 8 < n)
			__builtin_prefetch(
			    rib_addr_at(x->rib, r->family, ids[done + 8]));
		if (!bgp_update_write_nlri(u,
			rib_addr_at(x->rib, r->family, id),
			rib_entry_at(x->rib, r->family, id)->len, r->path_id))
			break;
	}
	return done;
}

/* Bytes that a message for n prefixes can need at most. */
static size_t most_of(
    const struct run *r, struct bytes attrs, uint32_t n, size_t max)
{
	size_t one = family_bytes(r->family) + 1 + (r->add_path ? 4 : 0);
	size_t most = attrs.n + 80 + n * one;

	return most < max ? most : max;
}

static void write_run(struct exchange *x, unsigned journal, const struct run *r,
    const uint32_t *ids, struct bytes attrs, struct bytes next_hop, size_t max)
{
	const uint64_t *members = x->journal[journal].members;
	struct bgp_encoding how = {
	    .family = r->family, .add_path = r->add_path, .max = max};

	for (uint32_t done = 0; done < r->n;) {
		size_t most = most_of(r, attrs, r->n - done, max);
		uint8_t *p = journal_room(x, journal, r->mask, most);
		struct bgp_update_writer u;

		if (!p) {
			leave_behind(x, r, ids + done, r->n - done, members);
			return;
		}
		struct wr w = wr_from(p, most);
		bool begun = r->set == RIB_NONE
				 ? bgp_update_write_unreach(&u, &w, &how)
				 : bgp_update_write_reach(&u, &w, &how, attrs,
				       next_hop.p, next_hop.n);
		must(begun);
		uint32_t n = put_prefixes(x, r, &u, ids + done, r->n - done);
		must(n);
		done += n;
		journal_commit(x, journal, bgp_update_write_close(&u));
	}
}

/* A 2-byte peer may need more bytes than it can take: then it gets none. */
static void write_narrow(struct exchange *x, unsigned journal,
    const struct run *r, const uint32_t *ids, struct bytes attrs,
    struct bytes next_hop, size_t max)
{
	struct wr w = step_open();

	bgp_attrs_narrow(&w, attrs);
	if (wr_ok(&w) && wr_len(&w) + MESSAGE_FRAME + next_hop.n <= max) {
		write_run(x, journal, r, ids,
		    (struct bytes){w.start, wr_len(&w)}, next_hop, max);
		return;
	}
	struct run none = *r;
	none.set = RIB_NONE;
	write_run(x, journal, &none, ids, (struct bytes){NULL, 0},
	    (struct bytes){NULL, 0}, BGP_MAX);
}

void encode_run(struct exchange *x, const struct run *r, const uint32_t *ids)
{
	const uint64_t *mask =
	    (const uint64_t *)x->masks.p + (size_t)r->mask * x->words;
	unsigned wide = feed_journal(r->family, true, r->add_path);
	unsigned narrow = feed_journal(r->family, false, r->add_path);
	bool to_wide = journal_wants(x, wide, mask);
	bool to_narrow = journal_wants(x, narrow, mask);
	struct bytes attrs = {NULL, 0}, next_hop = {NULL, 0};
	size_t max = BGP_MAX;

	if (!to_wide && !to_narrow)
		return;
	if (r->set != RIB_NONE) {
		const struct rib_set *s = rib_set_at(x->rib, r->set);

		blame(x, rib_set_slot(x->rib, r->set));
		attrs = attrs_of(x, r->set, r->variant);
		next_hop = rib_set_next_hop(x->rib, s);
		if (x->classes.v[rib_class_of(x->rib, r->set)].key->flags &
		    CLASS_LONG)
			max = ENTRY_MAX;
	}
	if (to_wide)
		write_run(x, wide, r, ids, attrs, next_hop, max);
	if (to_narrow && r->set == RIB_NONE)
		write_run(x, narrow, r, ids, attrs, next_hop, max);
	else if (to_narrow)
		write_narrow(x, narrow, r, ids, attrs, next_hop, max);
}

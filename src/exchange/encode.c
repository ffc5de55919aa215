/*
 * A run becomes UPDATEs: once for each journal that has clients of its mask,
 * as many prefixes in a message as fit.
 */
#include "exchange/internal.h"

#include "bgp/attrs.h"
#include "bgp/update_write.h"

#define ATTRS_MAX ((size_t)1 << 16)
#define MESSAGE_FRAME 56 /* header, lengths, MP_REACH, one prefix */

/* The attributes for a variant; valid until the next call. */
static struct bytes attrs_of(
    const struct exchange *x, uint32_t set, unsigned variant)
{
	const struct rib_set *s = rib_set_at(x->rib, set);
	const struct policy_out how = {
	    .tags = s->tags,
	    .prepend = (uint8_t)variant,
	    .scrub = s->flags & RIB_SET_SCRUB,
	    .llgr_stale = s->flags & RIB_SET_LLGR,
	};

	return policy_out(x->policy, rib_set_wire(x->rib, s), &how);
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
	static uint8_t narrow[ATTRS_MAX + 4096];
	struct wr w = wr_from(narrow, sizeof narrow);

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

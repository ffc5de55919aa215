/* What readers see of the RIB. */
#include "bgp/attrs.h"
#include "rib/store.h"

#include <string.h>

uint32_t rib_end(const struct rib *r, enum family f)
{
	return r->table[f].end;
}

bool rib_prefix(
    const struct rib *r, enum family f, uint32_t id, struct prefix *ret)
{
	const struct rib_entry *e;

	if (id >= r->table[f].end)
		return false;
	e = rib_entry_at(r, f, id);
	if (e->flags & RIB_ENTRY_FREE || !e->n)
		return false;
	ret->addr = ip_from_bytes(f, rib_addr_at(r, f, id));
	ret->len = e->len;
	return true;
}

/* Paths that wait to be swept up are gone for readers. */
size_t rib_paths(const struct rib *r, enum family f, uint32_t id,
    uint32_t *ret_sets, size_t max)
{
	const struct rib_entry *e;
	size_t n = 0;

	if (id >= r->table[f].end)
		return 0;
	e = rib_entry_at(r, f, id);
	if (e->flags & RIB_ENTRY_FREE || !e->n)
		return 0;
	if (!rib_set_dead(r, e->best) && n < max)
		ret_sets[n++] = e->best;
	const uint32_t *others = rib_others(r, e);
	for (unsigned i = 0; i + 1u < e->n; i++)
		if (!rib_set_dead(r, others[i]) && n < max)
			ret_sets[n++] = others[i];
	return n;
}

void rib_path(const struct rib *r, uint32_t set, struct rib_path *ret)
{
	const struct rib_set *s = rib_set_at(r, set);

	*ret = (struct rib_path){
	    .set = set,
	    .slot = (uint16_t)rib_set_slot(r, set),
	    .family = s->family,
	    .path_id = s->path_id,
	    .verdict = {s->reason == REASON_NONE, s->reason},
	    .tags = s->tags,
	    .stale = s->flags & RIB_SET_STALE,
	    .wire = rib_set_wire(r, s),
	    .next_hop_at = s->next_hop_at,
	    .next_hop = rib_set_next_hop(r, s),
	};
	rib_rank_of(r, set, &ret->rank);
}

void rib_attrs(const struct rib_path *p, struct bgp_attrs *ret)
{
	bgp_attrs_read(p->wire, ret);
}

void rib_stats(const struct rib *r, struct rib_stats *ret)
{
	*ret = (struct rib_stats){
	    .sets = r->n_sets, .set_bytes = r->blobs.used_bytes};
	for (enum family f = 0; f < FAMILY_COUNT; f++) {
		const struct rib_table *t = &r->table[f];

		ret->prefixes[f] = t->live;
		ret->paths[f] = t->paths;
		ret->memory_bytes += (size_t)t->end * rib_stride(f) +
				     (sizeof(uint32_t) << t->index.bits);
	}
	ret->sets_memory =
	    (size_t)r->pages_end *
		(RIB_PAGE * (sizeof(struct rib_set) + sizeof(uint64_t) +
				sizeof(uint32_t)) +
		    sizeof(struct rib_page) + 3) +
	    (sizeof(uint32_t) << r->set_index.bits) + (size_t)r->blobs.end * 8;
	ret->memory_bytes += (size_t)r->lists.end * 8 + ret->sets_memory;
}

#include "monitor/table.h"

#include "bgp/attrs.h"
#include "monitor/mrt_write.h"

#include <string.h>

#define PATHS_RECORD 1000	  /* a record holds no more paths */
#define REASON_PART 1101	  /* RS:1101:n */
#define ATTRS_MAX ((size_t)65000) /* a path's length field has 16 bits */

static void put_u32(uint8_t *to, uint32_t v)
{
	struct wr w = wr_from(to, 4);

	wr_u32(&w, v);
}

struct bytes table_attrs(const struct mirror_set *s, uint32_t asn)
{
	static uint8_t large[UINT16_MAX];
	static uint8_t buf[UINT16_MAX];
	struct bytes wire = mirror_attrs(s);
	struct bgp_attrs a;

	if (!mirror_rejected(s) || wire.n + 32 > ATTRS_MAX)
		return wire;
	bgp_attrs_read(wire, &a);
	if (a.large.n)
		memcpy(large, a.large.p, a.large.n);
	put_u32(large + a.large.n, asn);
	put_u32(large + a.large.n + 4, REASON_PART);
	put_u32(large + a.large.n + 8,
	    reason_info((enum reason)s->of.reason)->number);
	struct wr w = wr_from(buf, sizeof buf);
	bgp_attrs_put(&w, wire, FLAGS_TRANSITIVE, ATTR_LARGE,
	    (struct bytes){large, a.large.n + 12});
	return wr_ok(&w) ? (struct bytes){buf, wr_len(&w)} : wire;
}

void table_dump_begin(struct table_dump *d, struct mirror *m, uint32_t asn,
    uint32_t router_id, const char *name, uint32_t time_s, struct buf *out)
{
	uint32_t n = 0;

	*d = (struct table_dump){.m = m, .asn = asn, .time_s = time_s};
	struct wr w = buf_room(out, MRT_FRAME + 256 + FEED_SLOTS * 32);
	uint8_t *at = mrt_write_peers(&w, time_s, router_id, name);
	for (uint32_t i = 0; i < FEED_SLOTS; i++) {
		struct mirror_peer *p = mirror_peer(m, i);

		if (!p)
			continue;
		p->number = n++;
		mrt_write_peer(&w, p->id, &p->info.up.peer, p->asn);
	}
	mrt_write_peers_close(&w, at, n);
	buf_wrote(out, &w);
}

static void put_path(struct table_dump *d, struct wr *w,
    const struct mirror_set *s, bool add_path)
{
	const struct mrt_path p = {
	    .peer = (uint16_t)s->peer->number,
	    .time_s = s->time_s,
	    .add_path = add_path,
	    .path_id = s->of.path_id,
	    .family = s->of.family,
	    .attrs = table_attrs(s, d->asn),
	    .next_hop = mirror_next_hop(s),
	};

	mrt_write_path(w, &p);
	d->routes++;
}

static bool belongs(const struct mirror_set *s, bool add_path)
{
	return mirror_is_route(s) &&
	       add_path == !(s->of.flags & WATCH_PLAIN_ID) &&
	       s->of.wire_len + 64u < ATTRS_MAX &&
	       s->peer->number != UINT32_MAX;
}

/* The paths with path ids, or those without, from *at on; one record. */
static void put_record(struct table_dump *d, const struct prefix *prefix,
    const struct mirror_list *l, bool add_path, uint32_t *at, struct buf *out)
{
	size_t room = MRT_FRAME;
	uint32_t n = 0, end;

	for (end = *at; end < l->n && n < PATHS_RECORD; end++) {
		const struct mirror_set *s = mirror_at(l, end);

		if (!belongs(s, add_path))
			continue;
		room += (size_t)MRT_FRAME + s->of.wire_len + s->of.next_hop_len;
		n++;
	}
	uint32_t first = *at;
	*at = end;
	if (!n)
		return;
	struct wr w = buf_room(out, room);
	uint8_t *opened =
	    mrt_write_rib(&w, d->time_s, d->sequence++, prefix, add_path);
	for (uint32_t i = first; i < end; i++)
		if (belongs(mirror_at(l, i), add_path))
			put_path(d, &w, mirror_at(l, i), add_path);
	mrt_write_rib_close(&w, opened, n);
	must(wr_ok(&w));
	buf_wrote(out, &w);
}

bool table_dump_some(struct table_dump *d, struct buf *out, size_t bytes)
{
	size_t had = buf_left(out);

	while (buf_left(out) - had < bytes) {
		struct prefix prefix;
		const struct mirror_list *l;

		if (d->place >= mirror_end(d->m, d->family)) {
			if (d->family == FAMILY_IPV6)
				return false;
			d->family = FAMILY_IPV6;
			d->place = 0;
			continue;
		}
		if (!mirror_place(d->m, d->family, d->place++, &prefix, &l))
			continue;
		d->prefixes++;
		for (uint32_t at = 0; at < l->n;)
			put_record(d, &prefix, l, false, &at, out);
		for (uint32_t at = 0; at < l->n;)
			put_record(d, &prefix, l, true, &at, out);
	}
	return true;
}

/* The routes inside a record; see mrt.h. */
#include "cli/mrt/mrt.h"

enum {
	ATTR_EXTENDED = 0x10,
	ATTR_MP_REACH = 14,
	ATTR_MP_UNREACH = 15
};

/* The parts of an UPDATE in the order that they take effect. */
enum part {
	PART_WITHDRAWN,
	PART_UNREACH,
	PART_REACH,
	PART_NLRI,
	PART_END
};

/* n bytes, or what is left and `damaged`. */
static struct rd take(struct mrt_walk *w, struct rd *r, size_t n)
{
	if (n > rd_left(r)) {
		w->damaged = true;
		n = rd_left(r);
	}
	return rd_sub(r, n);
}

/* Finds the two attributes that carry routes. */
static void find_mp(struct mrt_walk *w)
{
	struct rd r = w->attrs;

	while (rd_left(&r) && !w->damaged) {
		uint8_t flags = rd_u8(&r);
		uint8_t code = rd_u8(&r);
		size_t len = flags & ATTR_EXTENDED ? rd_u16(&r) : rd_u8(&r);
		struct rd value = rd_sub(&r, len);

		if (!rd_ok(&r))
			w->damaged = true;
		else if (code == ATTR_MP_REACH)
			w->reach = value;
		else if (code == ATTR_MP_UNREACH)
			w->unreach = value;
	}
}

struct mrt_walk mrt_walk(const struct mrt_record *rec)
{
	struct mrt_walk w = {.record = rec, .left = rd_from(NULL, 0)};
	struct rd r = rec->body;

	if (rec->kind == MRT_RIB) {
		w.left = r;
		return w;
	}
	w.part = PART_END;
	if (rec->kind != MRT_UPDATE)
		return w;
	w.reach = w.unreach = w.attrs = w.left;
	w.part = PART_WITHDRAWN;
	w.family = FAMILY_IPV4;
	size_t n = rd_u16(&r);
	if (!rd_ok(&r))
		w.damaged = true;
	w.left = take(&w, &r, n);
	if (!w.damaged) {
		n = rd_u16(&r);
		if (!rd_ok(&r))
			w.damaged = true;
		w.attrs = take(&w, &r, n);
	}
	find_mp(&w);
	w.nlri = r;
	return w;
}

/* AFI and SAFI of an MP attribute; false for a family that is not read. */
static bool mp_family(struct mrt_walk *w, struct rd *r)
{
	unsigned afi = rd_u16(r);
	unsigned safi = rd_u8(r);

	if (!rd_ok(r)) {
		w->damaged = true;
		return false;
	}
	if ((afi != 1 && afi != 2) || (safi != 1 && safi != 2))
		return false;
	w->family = afi == 2 ? FAMILY_IPV6 : FAMILY_IPV4;
	w->multicast = safi == 2;
	return true;
}

static void next_part(struct mrt_walk *w)
{
	struct rd r;

	w->left = rd_from(NULL, 0);
	w->multicast = false;
	switch (++w->part) {
	case PART_UNREACH:
		r = w->unreach;
		if (rd_left(&r) && mp_family(w, &r))
			w->left = r;
		break;
	case PART_REACH:
		r = w->reach;
		if (!rd_left(&r) || !mp_family(w, &r))
			break;
		rd_skip(&r, rd_u8(&r)); /* next hop */
		rd_skip(&r, 1);
		if (rd_ok(&r))
			w->left = r;
		else
			w->damaged = true;
		break;
	case PART_NLRI:
		w->family = FAMILY_IPV4;
		w->left = w->nlri;
		break;
	default:
		break;
	}
}

static bool next_nlri(struct mrt_walk *w, struct mrt_route *ret)
{
	const struct mrt_record *rec = w->record;
	enum family f = w->family;
	struct rd *r = &w->left;
	uint32_t id = rec->add_path ? rd_u32(r) : 0;
	uint8_t len = rd_u8(r);
	struct rd bytes = rd_sub(r, (len + 7u) / 8);
	uint8_t b[16] = {0};

	if (!rd_ok(r)) {
		w->damaged = true;
		return false;
	}
	*ret = (struct mrt_route){
	    .kind = w->part <= PART_UNREACH ? MRT_ROUTE_WITHDRAWN
					    : MRT_ROUTE_ANNOUNCED,
	    .usable = len <= family_bits(f) && !w->multicast,
	    .has_path_id = rec->add_path,
	    .path_id = id,
	    .peer = rec->peer,
	    .as4 = rec->as4,
	    .attrs = w->attrs,
	};
	if (len > family_bits(f)) {
		w->damaged = true;
		len = 0;
	}
	rd_copy(&bytes, b, (len + 7u) / 8);
	struct ip ip = ip_from_bytes(f, b);
	ret->prefix = prefix_of(&ip, len);
	return true;
}

static bool next_path(struct mrt_walk *w, struct mrt_route *ret)
{
	const struct mrt_record *rec = w->record;
	struct rd *r = &w->left;
	uint32_t peer = rec->peer, id = 0;

	if (w->part == rec->paths)
		return false;
	w->part++;
	/* TABLE_DUMP names its one peer before the body. */
	if (rec->type == MRT_TYPE_TABLE_DUMP_V2) {
		peer = rd_u16(r);
		rd_skip(r, 4); /* originated time */
		if (rec->add_path)
			id = rd_u32(r);
	}
	size_t n = rd_u16(r);
	struct rd attrs = rd_sub(r, n);
	if (!rd_ok(r)) {
		w->damaged = true;
		w->part = rec->paths;
		return false;
	}
	*ret = (struct mrt_route){
	    .kind = MRT_ROUTE_PATH,
	    .usable = !rec->multicast,
	    .has_path_id = rec->add_path,
	    .path_id = id,
	    .prefix = rec->prefix,
	    .peer = peer,
	    .as4 = rec->as4,
	    .attrs = attrs,
	};
	return true;
}

bool mrt_walk_next(struct mrt_walk *w, struct mrt_route *ret)
{
	if (w->record->kind == MRT_RIB)
		return next_path(w, ret);
	while (w->part != PART_END) {
		if (rd_left(&w->left) && next_nlri(w, ret))
			return true;
		next_part(w);
	}
	return false;
}

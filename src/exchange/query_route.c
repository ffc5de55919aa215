/* One route as JSON (DESIGN s7, "show routes"). */
#include "exchange/query_internal.h"

#include <stdio.h>

void query_write_from(
    struct json *j, const struct exchange *x, const struct rib_path *p)
{
	const struct exchange_client *c = exchange_client(x, p->slot);
	char text[IP_TEXT];

	json_u64(j, "from_asn", c->as.asn);
	json_string(j, "from", ip_format(&c->as.peer, text));
	json_string(
	    j, "member", c->member ? policy_member_name(c->member) : NULL);
}

static void write_next_hop(struct json *j, struct bytes h)
{
	char text[IP_TEXT];

	if (h.n < 4) {
		json_null(j, "next_hop");
		return;
	}
	struct ip ip = ip_from_bytes(h.n == 4 ? FAMILY_IPV4 : FAMILY_IPV6, h.p);
	json_string(j, "next_hop", ip_format(&ip, text));
	if (h.n == 32) {
		ip = ip_from_bytes(FAMILY_IPV6, h.p + 16);
		json_string(j, "next_hop_local", ip_format(&ip, text));
	}
}

/* Sequences run on in the list, sets are lists in it.  True: cut. */
static bool write_path(struct json *j, struct bytes path, size_t most)
{
	struct rd r = rd_from(path.p, path.n);
	size_t n = 0;

	json_open_list(j, "as_path");
	while (rd_left(&r) && n < most) {
		uint8_t type = rd_u8(&r);
		unsigned count = rd_u8(&r);
		bool set = type == BGP_AS_SET || type == BGP_CONFED_SET;

		if (set)
			json_open_list(j, NULL);
		for (unsigned i = 0; i < count && n < most; i++, n++)
			json_u64(j, NULL, rd_u32(&r));
		if (set)
			json_close_list(j);
	}
	json_close_list(j);
	return rd_left(&r);
}

static bool write_standard(struct json *j, struct bytes c, size_t most)
{
	struct rd r = rd_from(c.p, c.n);

	json_open_list(j, "communities");
	for (size_t n = 0; rd_left(&r) && n < most; n++) {
		unsigned high = rd_u16(&r);
		unsigned low = rd_u16(&r);

		json_printf(j, NULL, "%u:%u", high, low);
	}
	json_close_list(j);
	return rd_left(&r);
}

/* RFC 4360 and 5668: route target and route origin; others in hex. */
static void write_extended_one(struct json *j, struct rd r)
{
	struct rd whole = r;
	uint8_t type = rd_u8(&r);
	uint8_t subtype = rd_u8(&r);
	const char *name = subtype == 2 ? "rt" : "ro";
	char text[IP_TEXT];

	if (type > 2 || (subtype != 2 && subtype != 3)) {
		unsigned long long all = rd_u64(&whole);

		json_printf(j, NULL, "generic:0x%016llx", all);
	} else if (type == 0) {
		unsigned high = rd_u16(&r);

		json_printf(j, NULL, "%s:%u:%u", name, high, rd_u32(&r));
	} else if (type == 2) {
		uint32_t high = rd_u32(&r);

		json_printf(
		    j, NULL, "%s:%u:%u", name, high, (unsigned)rd_u16(&r));
	} else {
		uint8_t b[4];

		rd_copy(&r, b, sizeof b);
		struct ip ip = ip_from_bytes(FAMILY_IPV4, b);
		json_printf(j, NULL, "%s:%s:%u", name, ip_format(&ip, text),
		    (unsigned)rd_u16(&r));
	}
}

static bool write_extended(struct json *j, struct bytes c, size_t most)
{
	struct rd r = rd_from(c.p, c.n);

	json_open_list(j, "ext_communities");
	for (size_t n = 0; rd_left(&r) && n < most; n++)
		write_extended_one(j, rd_sub(&r, 8));
	json_close_list(j);
	return rd_left(&r);
}

static bool write_large(struct json *j, struct bytes c, size_t most)
{
	struct rd r = rd_from(c.p, c.n);

	json_open_list(j, "large_communities");
	for (size_t n = 0; rd_left(&r) && n < most; n++) {
		uint32_t a = rd_u32(&r);
		uint32_t b = rd_u32(&r);

		json_printf(j, NULL, "%u:%u:%u", a, b, rd_u32(&r));
	}
	json_close_list(j);
	return rd_left(&r);
}

void query_write_attrs(struct json *j, const struct rib_path *p, size_t most)
{
	static const char *const origins[] = {"igp", "egp", "incomplete"};
	struct bgp_attrs a;
	bool cut;

	rib_attrs(p, &a);
	write_next_hop(j, p->next_hop);
	cut = write_path(j, a.as_path, most);
	json_string(j, "origin", a.origin < 3 ? origins[a.origin] : NULL);
	if (a.has & BGP_HAS(4))
		json_u64(j, "med", a.med);
	else
		json_null(j, "med");
	cut |= write_standard(j, a.communities, most);
	cut |= write_extended(j, a.extended, most);
	cut |= write_large(j, a.large, most);
	if (a.has & BGP_HAS(35))
		json_u64(j, "otc", a.otc);
	if (cut)
		json_bool(j, "truncated", true);
}

void query_write_state(struct json *j, const struct exchange *x,
    const struct prefix *prefix, const struct rib_path *p, bool best)
{
	const char *state = "rejected";
	enum aspa aspa = ASPA_UNCHECKED;
	struct bgp_attrs a;

	if (p->verdict.accept)
		state = best ? "best" : "accepted";
	/* Of an UPDATE that could not be read there is no path. */
	if (!reason_is_of_update(p->verdict.reason)) {
		rib_attrs(p, &a);
		aspa = policy_aspa(exchange_policy(x), a.as_path);
	}
	json_string(j, "rpki", rov_word(exchange_rov(x, p->set, prefix)));
	json_string(j, "aspa", aspa_word(aspa));
	json_string(j, "state", state);
	json_string(j, "reason",
	    p->verdict.accept ? NULL : reason_info(p->verdict.reason)->word);
	json_bool(j, "stale", p->stale);
}

#include "cli/init/ixf.h"

#include "base/must.h"
#include "cli/init/tree.h"
#include "conf/words.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Room for one more of size bytes at *p, which is zeroed. */
static void *grow(void **p, size_t *n, size_t size)
{
	uint8_t *more = realloc(*p, (*n + 1) * size);

	must(more);
	*p = more;
	memset(more + *n * size, 0, size);
	return more + (*n)++ * size;
}

/* ---- IXPs and their LANs ------------------------------------------------ */

/* { "prefix": "192.0.2.0", "mask_length": 25 }, or "192.0.2.0/25" in old ones.
 */
static void add_lan(struct ixf *x, const struct ixf_ixp *ixp,
    const json_t *vlan, const char *family)
{
	const json_t *net = json_object_get(vlan, family);
	char text[80];
	char id[IXF_ID];
	struct prefix p;
	void *list = x->lan;

	tree_text(vlan, "id", id, sizeof id);
	tree_text(net, "prefix", text, sizeof text);
	if (!text[0])
		return;
	if (!strchr(text, '/')) {
		size_t n = strlen(text);

		snprintf(text + n, sizeof text - n, "/%u",
		    tree_u32(net, "mask_length"));
	}
	if (prefix_parse(text, &p)) {
		lines_add(&x->notes,
		    "VLAN %s of IXP %s: '%s' is no prefix: left out", id,
		    ixp->id, text);
		return;
	}
	struct ixf_lan *lan = grow(&list, &x->n_lan, sizeof *lan);
	x->lan = list;
	memcpy(lan->ixp, ixp->id, sizeof lan->ixp);
	memcpy(lan->vlan, id, sizeof lan->vlan);
	lan->prefix = p;
}

static void add_ixp(struct ixf *x, const json_t *from)
{
	struct ixf_ixp ixp = {0};
	void *list = x->ixp;
	const json_t *vlan;
	size_t i;

	tree_text(from, "ixp_id", ixp.id, sizeof ixp.id);
	tree_text(from, "shortname", ixp.name, sizeof ixp.name);
	if (!ixp.name[0])
		tree_text(from, "name", ixp.name, sizeof ixp.name);
	*(struct ixf_ixp *)grow(&list, &x->n_ixp, sizeof ixp) = ixp;
	x->ixp = list;
	json_array_foreach(json_object_get(from, "vlan"), i, vlan)
	{
		add_lan(x, &ixp, vlan, "ipv4");
		add_lan(x, &ixp, vlan, "ipv6");
	}
}

/* ---- members ------------------------------------------------------------ */

static void add_place(struct ixf *x, struct ixf_member *m, const char *ixp,
    const json_t *vlan, const char *family)
{
	const json_t *from = json_object_get(vlan, family);
	const json_t *rs = json_object_get(from, "routeserver");
	struct ixf_place place = {.max_prefix = tree_u32(from, "max_prefix"),
	    .route_server_said = json_is_boolean(rs),
	    .route_server = json_is_true(rs)};
	char addr[80];
	void *list = m->place;

	if (!json_is_object(from))
		return;
	tree_text(from, "address", addr, sizeof addr);
	if (!addr[0])
		return;
	char *slash = strchr(addr, '/'); /* some write the LAN's length */
	if (slash)
		*slash = 0;
	if (ip_parse(addr, &place.addr) ||
	    place.addr.family !=
		(strcmp(family, "ipv6") ? FAMILY_IPV4 : FAMILY_IPV6)) {
		lines_add(&x->notes, "AS%u %s: '%s' is no %s address: left out",
		    m->asn, m->name, addr, family);
		return;
	}
	snprintf(place.ixp, sizeof place.ixp, "%s", ixp);
	tree_text(vlan, "vlan_id", place.vlan, sizeof place.vlan);
	tree_text(from, "as_macro", place.as_set, sizeof place.as_set);
	*(struct ixf_place *)grow(&list, &m->n_place, sizeof place) = place;
	m->place = list;
}

/* Some IXP managers wrote a list in the list. */
static void add_vlans(
    struct ixf *x, struct ixf_member *m, const char *ixp, const json_t *list)
{
	const json_t *vlan;
	size_t i;

	json_array_foreach(list, i, vlan)
	{
		if (json_is_array(vlan) &&
		    json_is_object(json_array_get(vlan, 0)))
			add_vlans(x, m, ixp, vlan);
		add_place(x, m, ixp, vlan, "ipv4");
		add_place(x, m, ixp, vlan, "ipv6");
	}
}

/* The schemas know "active", "connected", "operational" and no state at all. */
static bool is_up(const char *state)
{
	return !state[0] || !strcmp(state, "active") ||
	       !strcmp(state, "connected") || !strcmp(state, "operational");
}

static void add_connection(
    struct ixf *x, struct ixf_member *m, const json_t *from)
{
	char ixp[IXF_ID];
	char state[24];

	tree_text(from, "ixp_id", ixp, sizeof ixp);
	tree_text(from, "state", state, sizeof state);
	if (!is_up(state)) {
		lines_add(&x->notes,
		    "AS%u %s: a connection in state '%s': left out", m->asn,
		    m->name, state);
		return;
	}
	add_vlans(x, m, ixp, json_object_get(from, "vlan_list"));
}

static void add_member(struct ixf *x, const json_t *from, size_t index)
{
	struct ixf_member m = {.asn = tree_u32(from, "asnum")};
	char type[24];
	void *list = x->member;
	const json_t *connection;
	size_t i;

	tree_text(from, "name", m.name, sizeof m.name);
	tree_text(from, "member_type", type, sizeof type);
	m.is_route_server = !strcmp(type, "routeserver");
	const char *why = m.asn ? asn_reserved(m.asn) : "it has no AS number";
	if (why) {
		lines_add(&x->notes,
		    "member %zu of the list, '%s': %s: left "
		    "out",
		    index + 1, m.name, why);
		return;
	}
	json_array_foreach(json_object_get(from, "connection_list"), i,
	    connection) add_connection(x, &m, connection);
	*(struct ixf_member *)grow(&list, &x->n_member, sizeof m) = m;
	x->member = list;
}

int ixf_read(const char *path, struct ixf *ret, char *err, size_t err_len)
{
	const json_t *item;
	size_t i;

	*ret = (struct ixf){0};
	json_t *tree = tree_load(path, IXF_FILE_MAX, err, err_len);
	if (!tree)
		return -EINVAL;
	const json_t *members = json_object_get(tree, "member_list");
	if (!json_is_array(members)) {
		snprintf(err, err_len,
		    "%s: no 'member_list'; expected an IX-F member export, as "
		    "IXP managers publish it",
		    path);
		json_decref(tree);
		return -EINVAL;
	}
	tree_text(tree, "version", ret->version, sizeof ret->version);
	tree_text(tree, "timestamp", ret->timestamp, sizeof ret->timestamp);
	json_array_foreach(json_object_get(tree, "ixp_list"), i, item)
	    add_ixp(ret, item);
	json_array_foreach(members, i, item) add_member(ret, item, i);
	json_decref(tree);
	return 0;
}

void ixf_free(struct ixf *x)
{
	for (size_t i = 0; i < x->n_member; i++)
		free(x->member[i].place);
	free(x->member);
	free(x->ixp);
	free(x->lan);
	lines_free(&x->notes);
	*x = (struct ixf){0};
}

#include "cli/init/peeringdb.h"

#include "base/must.h"
#include "cli/init/tree.h"
#include "net/addr.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

static int by_asn(const void *a, const void *b)
{
	uint32_t x = ((const struct peeringdb_net *)a)->asn;
	uint32_t y = ((const struct peeringdb_net *)b)->asn;

	return x < y ? -1 : x > y;
}

static void take(struct peeringdb_net *n, const json_t *from)
{
	n->asn = tree_u32(from, "asn");
	tree_text(from, "irr_as_set", n->as_set, sizeof n->as_set);
	n->max_prefix[FAMILY_IPV4] = tree_u32(from, "info_prefixes4");
	n->max_prefix[FAMILY_IPV6] = tree_u32(from, "info_prefixes6");
	n->never_via_route_servers =
	    json_is_true(json_object_get(from, "info_never_via_route_servers"));
}

int peeringdb_read(
    const char *path, struct peeringdb *ret, char *err, size_t err_len)
{
	const json_t *item;
	size_t i;

	*ret = (struct peeringdb){0};
	json_t *tree = tree_load(path, PEERINGDB_FILE_MAX, err, err_len);
	if (!tree)
		return -EINVAL;
	const json_t *net = json_object_get(tree, "net");
	const json_t *data = json_object_get(net ? net : tree, "data");
	if (!json_is_array(data)) {
		snprintf(err, err_len,
		    "%s: no list of networks; expected PeeringDB's answer to "
		    "/api/net, or a dump",
		    path);
		json_decref(tree);
		return -EINVAL;
	}
	ret->net = calloc(json_array_size(data) + 1, sizeof *ret->net);
	must(ret->net);
	json_array_foreach(data, i, item)
	{
		take(&ret->net[ret->n], item);
		ret->n += ret->net[ret->n].asn != 0;
	}
	json_decref(tree);
	qsort(ret->net, ret->n, sizeof *ret->net, by_asn);
	return 0;
}

void peeringdb_free(struct peeringdb *p)
{
	free(p->net);
	*p = (struct peeringdb){0};
}

const struct peeringdb_net *peeringdb_find(
    const struct peeringdb *p, uint32_t asn)
{
	struct peeringdb_net want = {.asn = asn};

	return p->n ? bsearch(&want, p->net, p->n, sizeof want, by_asn) : NULL;
}

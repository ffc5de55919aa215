/*
 * What networks say of themselves in PeeringDB: a file with the answer of
 * its API to /api/net, or a whole dump ({"net": {"data": [...]}}).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PEERINGDB_FILE_MAX                                                     \
	((size_t)1 << 30) /* bytes; a dump has some 200 MB                     \
			   */

struct peeringdb_net {
	uint32_t asn;
	char as_set[64]; /* irr_as_set, as written */
	uint32_t max_prefix[2];
	bool never_via_route_servers;
};

struct peeringdb {
	struct peeringdb_net *net; /* by ASN */
	size_t n;
};

/* 0, or -EINVAL with a sentence in err.  *ret is to be freed in every case. */
int peeringdb_read(
    const char *path, struct peeringdb *ret, char *err, size_t err_len);
void peeringdb_free(struct peeringdb *p);

/* The network with that ASN, or NULL. */
const struct peeringdb_net *peeringdb_find(
    const struct peeringdb *p, uint32_t asn);

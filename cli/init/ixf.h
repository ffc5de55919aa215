/*
 * The member list that exchanges publish: IX-F Member Export, versions 0.6
 * to 1.0 (github.com/euro-ix/json-schemas); older ones as far as they are
 * alike.
 *
 *   ixp_list:    IXPs, their VLANs, the prefix of each
 *   member_list: members -> connections (one IXP each) -> VLANs -> addresses
 *
 * Here it is flat: a member has places, each an address at an IXP and VLAN.
 */
#pragma once

#include "cli/init/lines.h"
#include "net/addr.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define IXF_ID 24
#define IXF_NAME 64
#define IXF_FILE_MAX ((size_t)64 << 20) /* bytes of a file */

struct ixf_ixp {
	char id[IXF_ID];
	char name[IXF_NAME];
};

struct ixf_lan {
	char ixp[IXF_ID];
	char vlan[IXF_ID];
	struct prefix prefix;
};

struct ixf_place {
	char ixp[IXF_ID];
	char vlan[IXF_ID];
	struct ip addr;
	uint32_t max_prefix;	/* 0: not said */
	char as_set[IXF_NAME];	/* as written; "": not said */
	bool route_server_said; /* the file says whether it peers with it */
	bool route_server;
};

struct ixf_member {
	uint32_t asn;
	char name[IXF_NAME];
	bool is_route_server; /* member_type: the exchange's own */
	struct ixf_place *place;
	size_t n_place;
};

struct ixf {
	char version[16];
	char timestamp[40];
	struct ixf_ixp *ixp;
	size_t n_ixp;
	struct ixf_lan *lan;
	size_t n_lan;
	struct ixf_member *member;
	size_t n_member;
	struct lines notes; /* what could not be read, and was left out */
};

/*
 * Reads the file.  0; -errno; -EINVAL, with a sentence in err that begins
 * with the file's name.  *ret is to be freed in every case.
 */
int ixf_read(const char *path, struct ixf *ret, char *err, size_t err_len);
void ixf_free(struct ixf *x);

/*
 * From a member list and what the operator said to a configuration: what is
 * taken, what is left out and why, and what is missing.
 */
#pragma once

#include "cli/init/ixf.h"
#include "cli/init/peeringdb.h"
#include "conf/conf.h"

#include <stdbool.h>
#include <stdio.h>

/* What the operator said; zero or "" where he said nothing. */
struct plan_ask {
	const char *name;
	const char *ixp;
	uint32_t asn;
	struct ip router_id;
	bool has_router_id;
	struct ip listen[CONF_LISTEN];
	size_t n_listen;
	struct prefix lan[CONF_LANS];
	size_t n_lan;
	bool all; /* also members that do not peer with the route server */
};

struct plan_member {
	uint32_t asn;
	char name[CONF_NAME];
	char as_set[CONF_NAME];
	struct ip *at;
	size_t n_at;
	uint32_t max_prefix[FAMILY_COUNT];
	bool suggested[FAMILY_COUNT]; /* max_prefix is from PeeringDB */
	bool as_set_suggested;
};

struct plan {
	char name[CONF_NAME];
	uint32_t asn;
	struct ip router_id;
	struct ip listen[CONF_LISTEN];
	size_t n_listen;
	struct prefix lan[CONF_LANS];
	size_t n_lan;
	struct plan_member *member;
	size_t n_member;
	size_t n_at;
	struct lines notes;
	struct lines missing; /* not empty: there is no configuration */
};

/* db may be empty.  *ret: plan_free(). */
void plan_make(const struct ixf *x, const struct peeringdb *db,
    const struct plan_ask *ask, struct plan *ret);
void plan_free(struct plan *p);

/* As text of spean.conf; from: what it was made of, for the first line. */
void plan_write(const struct plan *p, const char *from, FILE *to);

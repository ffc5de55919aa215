/*
 * The policy once more, written the slow and obvious way from the same
 * pages (DESIGN s6, docs/reasons.md), for comparison.  Shares no code with
 * src/policy.
 */
#pragma once

#include "base/verdict.h"
#include "bgp/bgp.h"
#include "conf/conf.h"
#include "registry/registry.h"

/* The value of one attribute in canonical wire form; n 0: not there. */
struct bytes naive_attr(struct bytes wire, unsigned code);

struct naive_import {
	uint32_t asn; /* of the member */
	struct ip peer;
	struct prefix prefix;
	struct bytes wire;
	struct bytes next_hop;
};

#define NAIVE_VRPS 512
#define NAIVE_ASPAS 64
#define NAIVE_PROVIDERS 4

struct naive_vrp {
	struct prefix prefix;
	unsigned max_len;
	uint32_t asn;
};

struct naive_aspa {
	uint32_t customer;
	uint32_t provider[NAIVE_PROVIDERS];
	unsigned n;
};

#define NAIVE_SETS 24
#define NAIVE_SET 12

/* What the registries say of one object. */
struct naive_set {
	char object[REGISTRY_OBJECT];
	struct conf_prefix prefix[NAIVE_SET];
	size_t n_prefix;
	uint32_t origin[NAIVE_SET];
	size_t n_origin;
};

/* What the RPKI and the registries say. */
struct naive_proof {
	bool cached; /* there is a cache */
	bool vrps;   /* ... and data of it */
	bool aspas;
	struct naive_vrp vrp[NAIVE_VRPS];
	size_t n_vrp;
	struct naive_aspa aspa[NAIVE_ASPAS];
	size_t n_aspa;
	struct naive_set set[NAIVE_SETS];
	size_t n_set;
};

/* REASON_NONE when the route is accepted. */
enum reason naive_judge(const struct conf *c, const struct naive_proof *proof,
    const struct naive_import *i);

/* The object that a member's sets come from. */
void naive_object(const struct conf_member *m, char ret[REGISTRY_OBJECT]);

/*
 * What clients are told of an accepted route: n of RS:1000:n, RS:1001:n and
 * RS:1002:n, 0 for nothing.
 */
void naive_told(const struct conf *c, const struct naive_proof *proof,
    const struct naive_import *i, uint32_t ret[3]);

/* What the announcer wishes for one client: -1 not to it, else prepends. */
int naive_wish(uint32_t rs, struct bytes wire, uint32_t client);

/*
 * The attributes without what was for us, with the first AS n times more, with
 * what we tell (naive_told) and our OTC (RFC 9234).  Gives how many bytes it
 * wrote into ret (70,000 of room).
 */
size_t naive_rewrite(uint32_t rs, struct bytes wire, unsigned prepend,
    const uint32_t told[3], uint8_t *ret);

bool naive_path_has(struct bytes wire, uint32_t asn);
unsigned naive_path_length(struct bytes wire);
uint32_t naive_path_first(struct bytes wire);
bool naive_has_community(struct bytes wire, uint32_t community);

/*
 * The same attributes with the path's sequences cut the same way, whoever
 * cut them (a 2-byte peer puts a path together again from two attributes).
 */
size_t naive_normal(struct bytes wire, uint8_t *ret);

/* The same attributes with one more standard community, the last. */
size_t naive_add_community(struct bytes wire, uint32_t c, uint8_t *ret);

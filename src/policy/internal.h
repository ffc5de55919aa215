/* What the policy folder keeps to itself. */
#pragma once

#include "bgp/role.h"
#include "net/prefix_set.h"
#include "policy/policy.h"
#include "registry/registry.h"

struct policy_member {
	uint32_t asn;
	char name[CONF_NAME];
	const struct ip *addr; /* the ASN's addresses, of all its entries */
	size_t n_addr;
	const struct ip *at; /* this entry's own, among them */
	size_t n_at;
	struct prefix_set *prefixes; /* NULL: not checked */
	uint32_t *origin;	     /* sorted; NULL: not checked */
	size_t n_origin;
	/* With a registry block: what is asked for, and what it said. */
	char object[REGISTRY_OBJECT];  /* "": nothing is asked */
	struct registry_set *registry; /* NULL: not known yet */
};

/* Networks that must not be in a path. */
struct policy_list {
	uint32_t *asn; /* sorted */
	size_t n;
	uint64_t bits[64]; /* low 12 bits that occur: most ASNs stop here */
};

struct policy {
	bool present;
	bool strict;
	uint32_t on; /* bit i: the i-th check of the list is done */
	enum conf_validation rov;
	enum conf_validation aspa;
	bool inform;
	struct policy_proof proof;
	uint32_t asn;
	uint8_t min_len[FAMILY_COUNT];
	uint8_t max_len[FAMILY_COUNT];
	uint32_t max_path;
	uint32_t max_communities;
	struct prefix lan[CONF_LANS];
	size_t n_lan;
	struct policy_list transit_free;
	struct policy_list never_via;
	struct policy_member *member; /* by ASN */
	size_t n_member;
	struct ip *addr; /* all members', by ASN, then by entry */
};

/* check.c: the checks that this policy asks for, as bits. */
uint32_t policy_checks_on(const struct conf_policy *c);

/* proof.c: the bits of the first half. */
uint8_t policy_tag_attrs(
    const struct policy *p, const struct policy_member *m, enum aspa aspa);

/* A member's ASN, whoever announces it. */
bool policy_knows_asn(const struct policy *p, uint32_t asn);

/* asn stands in the sorted list. */
bool policy_in_list(const uint32_t *list, size_t n, uint32_t asn);

static inline bool policy_list_has(const struct policy_list *l, uint32_t asn)
{
	return l->bits[asn / 64 % 64] >> asn % 64 & 1 &&
	       policy_in_list(l->asn, l->n, asn);
}

/* ---- communities addressed to us --------------------------------------- */

enum policy_ask {
	POLICY_ASK_NOTHING, /* ours, and without effect */
	POLICY_ASK_DENY,
	POLICY_ASK_DENY_ALL,
	POLICY_ASK_ANNOUNCE,
	POLICY_ASK_ANNOUNCE_ALL,
	POLICY_ASK_PREPEND,
	POLICY_ASK_PREPEND_ALL,
};

struct policy_wish {
	enum policy_ask ask;
	uint32_t asn;
	uint8_t prepend;
};

/*
 * What the next community of that kind asks of us; false when it is not
 * addressed to us.  Takes it off r.
 */
bool policy_wish_next(const struct policy *p, enum policy_kind kind,
    struct rd *r, struct policy_wish *ret);

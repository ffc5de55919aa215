/*
 * The policy once more, written the slow and obvious way from the same
 * pages (DESIGN s6, docs/reasons.md), for comparison.  Shares no code with
 * src/policy.
 */
#pragma once

#include "base/verdict.h"
#include "bgp/bgp.h"
#include "conf/conf.h"

/* The value of one attribute in canonical wire form; n 0: not there. */
struct bytes naive_attr(struct bytes wire, unsigned code);

struct naive_import {
	uint32_t asn; /* of the member */
	struct ip peer;
	struct prefix prefix;
	struct bytes wire;
	struct bytes next_hop;
};

/* REASON_NONE when the route is accepted. */
enum reason naive_judge(const struct conf *c, const struct naive_import *i);

/* What the announcer wishes for one client: -1 not to it, else prepends. */
int naive_wish(uint32_t rs, struct bytes wire, uint32_t client);

/*
 * The attributes without what was for us, with the first AS n times more and
 * with our OTC (RFC 9234).  Gives how many bytes it wrote into ret (70,000 of
 * room).
 */
size_t naive_rewrite(
    uint32_t rs, struct bytes wire, unsigned prepend, uint8_t *ret);

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

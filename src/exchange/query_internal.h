/* What query.c, query_route.c and why.c share. */
#pragma once

#include "base/json.h"
#include "exchange/query.h"

/* Does the session match "ASN or address" of a question? */
static inline bool query_is(const struct exchange_client *c, uint32_t asn,
    bool has_addr, const struct ip *addr)
{
	return (!asn || c->as.asn == asn) &&
	       (!has_addr || ip_eq(&c->as.peer, addr));
}

/* ---- query_route.c ------------------------------------------------------ */

/* Who announced it: from_asn, from, member. */
void query_write_from(
    struct json *j, const struct exchange *x, const struct rib_path *p);

/*
 * next_hop, as_path, origin, med, communities and the like of p.  most:
 * items of a list at most; a cut list adds "truncated": true.
 */
void query_write_attrs(struct json *j, const struct rib_path *p, size_t most);

/* rpki, state, reason, stale. */
void query_write_state(struct json *j, const struct exchange *x,
    const struct prefix *prefix, const struct rib_path *p, bool best);

/* ---- why_proof.c -------------------------------------------------------- */

/* aspa, and the VRPs and ASPAs that were looked at. */
void why_write_proof(struct json *w, const struct exchange *x,
    const struct prefix *prefix, const struct bgp_attrs *a);

/* ---- why.c -------------------------------------------------------------- */

/* Writes the one line of `why` and gives the exit code. */
int why_write(const struct exchange *x, const struct query *q, char *buf,
    size_t cap, size_t *ret_n);

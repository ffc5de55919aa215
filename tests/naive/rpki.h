/*
 * The slow and obvious twins of the RPKI tables: a list that is read from end
 * to end, and ASPA's procedures step by step as the draft words them.
 */
#pragma once

#include "rpki/rpki.h"

struct naive_vrps {
	struct vrp *v;
	size_t n;
	size_t cap;
};

void naive_vrps_done(struct naive_vrps *t);
/* The place of the same prefix, max_len and ASN, or t->n. */
size_t naive_vrps_find(const struct naive_vrps *t, const struct vrp *v);
bool naive_vrps_add(struct naive_vrps *t, const struct vrp *v);
bool naive_vrps_remove(struct naive_vrps *t, const struct vrp *v);
enum rov naive_rov(
    const struct naive_vrps *t, const struct prefix *p, uint32_t origin);

/* says[c][p]: c attests p as its provider; attested[c]: c has an ASPA. */
#define NAIVE_ASES 24

struct naive_aspas {
	bool attested[NAIVE_ASES];
	bool says[NAIVE_ASES][NAIVE_ASES];
};

enum aspa naive_aspa_upstream(
    const struct naive_aspas *t, const uint32_t *path, size_t n, bool has_set);
enum aspa naive_aspa_downstream(
    const struct naive_aspas *t, const uint32_t *path, size_t n, bool has_set);

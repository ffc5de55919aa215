/*
 * The RPKI's data change: which routes have to be judged again.
 *
 * ROV looks at a prefix and its origin, so a VRP that came or went touches
 * the held prefixes that it covers.  They are found by the walk over all
 * prefixes (sweep.c), which asks prove_touches() of each: first two bits in
 * tables that fit the processor's cache, and only then the set of changed
 * prefixes itself.  ASPA verification looks at the path, so that a changed
 * record touches the attribute sets with its customer in their path.
 */
#include "exchange/internal.h"

#include "base/clock.h"
#include "net/prefix_set.h"

#include <stdlib.h>
#include <string.h>

/* More changes than this are everything. */
#define VRPS_MAX 65536u
#define ASNS_MAX PROVE_ASNS

int prove_init(struct exchange *x)
{
	x->proving = calloc(1, sizeof *x->proving);
	return x->proving ? 0 : -1;
}

void prove_done(struct exchange *x)
{
	if (x->proving)
		prefix_set_free(x->proving->prefixes);
	free(x->proving);
}

static void everything(struct exchange *x)
{
	x->judge_all = true;
	judge_start(x);
}

void exchange_vrp_changed(struct exchange *x, const struct prefix *p)
{
	struct proving *v = x->proving;
	unsigned f = p->addr.family;

	if (!policy_uses_rov(x->policy) || x->judge_all)
		return; /* the walk over all prefixes comes after the sets */
	if (!v->prefixes)
		v->prefixes = prefix_set_new();
	if (!v->prefixes || v->n_vrps == VRPS_MAX ||
	    prefix_set_add(v->prefixes, p, p->len, (uint8_t)family_bits(f))) {
		everything(x);
		return;
	}
	v->vrps = true;
	v->n_vrps++;
	if (f == FAMILY_IPV6 && p->len >= 32) {
		bit_set(v->narrow, prove_first32(p->addr.b));
	} else {
		uint32_t at = prove_first16(p->addr.b);
		uint32_t n = p->len < 16 ? 1u << (16 - p->len) : 1;

		if (n >= 64) /* whole words: there may be many such VRPs */
			memset(&v->wide[f][at / 64], 0xff, n / 8);
		for (uint32_t i = 0; n < 64 && i < n; i++)
			bit_set(v->wide[f], at + i);
	}
	sweep_start(x);
}

bool prove_touches(const struct exchange *x, enum family f, uint32_t id)
{
	const struct proving *v = x->proving;
	struct prefix p;

	return rib_prefix(x->rib, f, id, &p) &&
	       prefix_set_match(v->prefixes, &p);
}

void prove_walked(struct exchange *x)
{
	struct proving *v = x->proving;

	if (!v->vrps)
		return;
	prefix_set_free(v->prefixes);
	v->prefixes = NULL;
	v->vrps = false;
	v->n_vrps = 0;
	memset(v->wide, 0, sizeof v->wide);
	memset(v->narrow, 0, sizeof v->narrow);
}

void exchange_aspa_changed(struct exchange *x, uint32_t customer)
{
	struct proving *v = x->proving;

	if (!policy_uses_aspa(x->policy))
		return;
	if (x->judge_all) {
		judge_start(x); /* some sets may have been judged already */
		return;
	}
	if (v->n_asns == ASNS_MAX) {
		everything(x);
		return;
	}
	v->aspas = true;
	v->asn[v->n_asns++] = customer;
	bit_set(v->asn_bits, customer % 4096);
	judge_start(x);
}

bool prove_path(const struct exchange *x, struct bytes as_path)
{
	const struct proving *v = x->proving;
	struct rd r = rd_from(as_path.p, as_path.n);

	while (rd_left(&r)) {
		rd_u8(&r);
		for (unsigned left = rd_u8(&r); left; left--) {
			uint32_t asn = rd_u32(&r);

			if (!bit_get(v->asn_bits, asn % 4096))
				continue;
			for (size_t i = 0; i < v->n_asns; i++)
				if (v->asn[i] == asn)
					return true;
		}
	}
	return false;
}

void prove_judged(struct exchange *x)
{
	struct proving *v = x->proving;

	v->aspas = false;
	v->n_asns = 0;
	memset(v->asn_bits, 0, sizeof v->asn_bits);
}

void exchange_prove(
    struct exchange *x, const struct policy_proof *proof, uint64_t now_ns)
{
	x->now = now_ns;
	x->proof = *proof;
	policy_prove(x->policy, proof);
	everything(x);
}

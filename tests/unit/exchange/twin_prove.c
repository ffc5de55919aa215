/* The RPKI in the twin test: VRPs and ASPAs come and go, and so do caches. */
#include "twin_sim.h"

#include "check.h"

#include <stdlib.h>
#include <string.h>

static struct vrps *vrps;
static struct aspas *aspas;
static struct naive_proof proof;
/* So many VRPs for now; with many each prefix is covered by some. */
static unsigned most;

static void tell_all(void)
{
	struct policy_proof p = {
	    .vrps = proof.vrps ? vrps : NULL,
	    .aspas = proof.aspas ? aspas : NULL,
	    .cached = proof.cached,
	};

	exchange_prove(sim.x, &p, sim.now_ns);
	naive_prove(sim.twin, &proof);
}

struct naive_proof *twin_proof(void)
{
	return &proof;
}

void twin_prove_begin(void)
{
	memset(&proof, 0, sizeof proof);
	most = NAIVE_VRPS;
	vrps = vrps_new();
	must(vrps);
	vrps_quicken(vrps);
	aspas = aspas_new();
	must(vrps && aspas);
}

void twin_prove_end(void)
{
	vrps_free(vrps);
	aspas_free(aspas);
}

/* An engine that starts knows nothing until it is told. */
void twin_prove_again(void)
{
	tell_all();
}

static void change_vrp(void)
{
	enum family f = make_once_in(2) ? FAMILY_IPV4 : FAMILY_IPV6;
	struct naive_vrp *v = &proof.vrp[make_below(NAIVE_VRPS)];
	struct vrp r = {.since_s = 1};

	if (proof.n_vrp > most)
		v = &proof.vrp[make_below((unsigned)proof.n_vrp)];
	if (proof.n_vrp <= most &&
	    (v >= proof.vrp + proof.n_vrp || make_once_in(3))) {
		struct prefix p = make_prefix(f);
		unsigned max = family_bits(f) - p.len;

		if (proof.n_vrp == NAIVE_VRPS)
			return;
		if (make_once_in(3))
			p = prefix_of(&p.addr,
			    (uint8_t)(p.len - make_below(p.len / 2u + 1)));
		r.prefix = p;
		r.max_len = p.len;
		if (make_once_in(2) && max)
			r.max_len +=
			    (uint8_t)make_below(family_bits(f) - p.len + 1u);
		r.asn = make_once_in(9) ? 0 : make_origin();
		if (vrps_add(vrps, &r) != 1)
			return;
		proof.vrp[proof.n_vrp++] =
		    (struct naive_vrp){r.prefix, r.max_len, r.asn};
	} else {
		r.prefix = v->prefix;
		r.max_len = (uint8_t)v->max_len;
		r.asn = v->asn;
		must(vrps_remove(vrps, &r));
		*v = proof.vrp[--proof.n_vrp];
	}
	exchange_vrp_changed(sim.x, &r.prefix);
}

static void change_aspa(void)
{
	uint32_t customer = make_origin();
	struct naive_aspa *a = proof.aspa;

	while (a < proof.aspa + proof.n_aspa && a->customer != customer)
		a++;
	if (a < proof.aspa + proof.n_aspa && make_once_in(2)) {
		must(aspas_remove(aspas, customer));
		*a = proof.aspa[--proof.n_aspa];
	} else if (a < proof.aspa + NAIVE_ASPAS) {
		struct aspa_record r = {.customer = customer,
		    .provider = a->provider,
		    .sources = 1};

		if (a == proof.aspa + proof.n_aspa)
			proof.n_aspa++;
		a->customer = customer;
		a->n = 1 + make_below(NAIVE_PROVIDERS);
		for (unsigned i = 0; i < a->n; i++)
			a->provider[i] =
			    make_once_in(2)
				? make_origin()
				: make_asn(make_below(make_sessions()));
		r.n = a->n;
		must(aspas_set(aspas, &r) >= 0);
	}
	exchange_aspa_changed(sim.x, customer);
}

void twin_prove(void)
{
	if (make_once_in(12)) {
		proof.cached = !make_once_in(6);
		proof.vrps = proof.cached && !make_once_in(4);
		proof.aspas = proof.vrps && !make_once_in(4);
		TELL("rpki: cached %d vrps %d aspas %d", proof.cached,
		    proof.vrps, proof.aspas);
		most = make_once_in(2) ? NAIVE_VRPS : 2 + make_below(20);
		tell_all();
		return;
	}
	unsigned n = make_once_in(10) ? 60 : 1 + make_below(3);
	TELL("rpki: %u changes", n);
	for (; n; n--) {
		if (make_once_in(4))
			change_aspa();
		else
			change_vrp();
	}
	naive_prove(sim.twin, &proof);
}

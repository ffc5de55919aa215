/* What the RPKI says of one path, for `why`: the objects behind the verdicts.
 */
#include "exchange/query_internal.h"

#include "base/clock.h"

enum {
	MAX_VRPS = 32,
	MAX_ASPAS = 16,
	MAX_PROVIDERS = 32,
};

static void write_source(
    struct json *w, const struct policy *p, uint16_t sources, uint32_t since_s)
{
	char since[CLOCK_RFC3339_LEN];
	char from[256];
	int64_t age = clock_wall_s() - since_s;

	clock_rfc3339(since_s, since);
	json_string(w, "source", policy_sources(p, sources, from, sizeof from));
	json_string(w, "since", since);
	json_u64(w, "age_s", age > 0 ? (uint64_t)age : 0);
}

static void write_vrps(struct json *w, const struct policy *p,
    const struct prefix *prefix, uint32_t origin)
{
	const struct policy_proof *proof = policy_proof(p);
	struct vrp v[MAX_VRPS];
	char text[PREFIX_TEXT];
	size_t n = 0;

	if (policy_uses_rov(p))
		n = vrps_covering(proof->vrps, prefix, v, MAX_VRPS);
	json_open_list(w, "vrps");
	for (size_t i = 0; i < n && i < MAX_VRPS; i++) {
		json_open_object(w, NULL);
		json_string(w, "prefix", prefix_format(&v[i].prefix, text));
		json_u64(w, "max_length", v[i].max_len);
		json_u64(w, "asn", v[i].asn);
		json_bool(w, "permits", vrp_matches(&v[i], prefix, origin));
		write_source(w, p, v[i].sources, v[i].since_s);
		json_close_object(w);
	}
	json_close_list(w);
}

static void write_aspa(
    struct json *w, const struct policy *p, const struct aspa_record *r)
{
	json_open_object(w, NULL);
	json_u64(w, "customer_asn", r->customer);
	json_open_list(w, "providers");
	for (size_t i = 0; i < r->n && i < MAX_PROVIDERS; i++)
		json_u64(w, NULL, r->provider[i]);
	json_close_list(w);
	json_u64(w, "providers_held", r->n);
	write_source(w, p, r->sources, r->since_s);
	json_close_object(w);
}

/* The ASPAs of the path's networks, the member's own first. */
static void write_aspas(
    struct json *w, const struct policy *p, struct bytes as_path)
{
	const struct policy_proof *proof = policy_proof(p);
	struct rd r = rd_from(as_path.p, as_path.n);
	struct aspa_record record;
	uint32_t last = 0;
	size_t told = 0;

	json_open_list(w, "aspas");
	while (rd_left(&r) && policy_uses_aspa(p)) {
		rd_u8(&r);
		for (unsigned left = rd_u8(&r); left; left--) {
			uint32_t asn = rd_u32(&r);

			if (asn == last || told == MAX_ASPAS ||
			    !aspas_find(proof->aspas, asn, &record))
				continue;
			last = asn;
			told++;
			write_aspa(w, p, &record);
		}
	}
	json_close_list(w);
}

void why_write_proof(struct json *w, const struct exchange *x,
    const struct prefix *prefix, const struct bgp_attrs *a)
{
	const struct policy *p = exchange_policy(x);

	write_vrps(w, p, prefix, bgp_path_origin(a->as_path));
	write_aspas(w, p, a->as_path);
}

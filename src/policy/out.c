/* What becomes of a route's attributes between the exchange and a client. */
#include "base/must.h"
#include "bgp/attrs.h"
#include "policy/internal.h"

#define ATTRS_MAX ((size_t)1 << 16)

/* Two buffers that steps of rewriting go between. */
struct steps {
	uint8_t buf[2][ATTRS_MAX + 4096];
	struct bytes now;
	unsigned next;
};

static struct steps steps;

static struct wr step_open(void)
{
	return wr_from(steps.buf[steps.next], sizeof steps.buf[0]);
}

static void step_close(const struct wr *w)
{
	must(wr_ok(w));
	steps.now = (struct bytes){w->start, wr_len(w)};
	steps.next ^= 1;
}

/*
 * RFC 9234 s5: a client gets every route with OTC, whether it said a role or
 * not; one that came with it is a leak, and goes to nobody.  And what is
 * known of the route, as informational communities.
 */
static void mark(const struct policy *p, uint8_t tags)
{
	uint8_t large[POLICY_TAGS_MAX];
	struct wr said = wr_from(large, sizeof large);
	struct wr w = step_open();

	if (tags)
		policy_tags_write(p, tags, &said);
	bgp_attrs_mark(
	    &w, steps.now, policy_asn(p), (struct bytes){large, wr_len(&said)});
	step_close(&w);
}

/* RFC 9494 s4.2, unless the member said it already. */
static void add_llgr_stale(void)
{
	static uint8_t all[ATTRS_MAX];
	struct bgp_attrs a;
	struct wr w = step_open();
	struct wr c = wr_from(all, sizeof all);

	bgp_attrs_read(steps.now, &a);
	if (bgp_community_has(a.communities, BGP_LLGR_STALE))
		return;
	wr_bytes(&c, a.communities.p, a.communities.n);
	wr_u32(&c, BGP_LLGR_STALE);
	bgp_attrs_put(&w, steps.now, FLAGS_TRANSITIVE, ATTR_COMMUNITIES,
	    (struct bytes){all, wr_len(&c)});
	step_close(&w);
}

struct bytes policy_out(
    const struct policy *p, struct bytes wire, const struct policy_out *how)
{
	uint16_t ignored;

	steps.now = wire;
	if (how->scrub) {
		struct bgp_attrs a;
		struct wr w = step_open();

		bgp_attrs_read(steps.now, &a);
		policy_scrub(p, &a, &w);
		step_close(&w);
	}
	if (how->prepend) {
		struct wr w = step_open();

		policy_prepend(steps.now, how->prepend, &w, &ignored);
		step_close(&w);
	}
	mark(p, how->tags);
	if (how->llgr_stale)
		add_llgr_stale();
	return steps.now;
}

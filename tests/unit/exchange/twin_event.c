/* What happens in the twin test: sessions, UPDATEs, roles that die. */
#include "twin_sim.h"

#include "check.h"

#include <stdlib.h>
#include <string.h>

static void session_up(unsigned s)
{
	struct slot *x = &sim.slot[s];
	struct feed_up up = make_session(s);

	if (!make_configured(sim.conf, &up))
		return;
	TELL("up %u AS%u families %u as4 %d ap %u/%u gr %d ext %d", s, up.asn,
	    up.families, up.as4, up.add_path_rx, up.add_path_tx, up.open.gr,
	    up.extended);
	sim.seen[SEEN_UP]++;
	x->as = up;
	x->up = true;
	x->doomed = false;
	x->incarnation++;
	atomic_store(&sim.cursors->sent[x->outer], 0);
	client_reset(&x->client, &up);
	naive_up(sim.twin, &up, sim.now_ns);
	twin_feed(FEED_UP, s, &up, sizeof up);
}

static void feed_update(unsigned s, const uint8_t *body, size_t n)
{
	struct slot *x = &sim.slot[s];
	enum bgp_harm harm = naive_update(sim.twin, &x->as.peer, body, n);

	TELL("update %u, %zu bytes, harm %u", s, n, harm);
	bool over = naive_over_limit(sim.twin, &x->as.peer);
	x->doomed = harm == BGP_RESET || over;
	sim.seen[SEEN_UPDATE]++;
	sim.seen[SEEN_WITHDRAWN] += harm == BGP_WITHDRAW;
	sim.seen[SEEN_RESET] += harm == BGP_RESET;
	sim.seen[SEEN_MAX_PREFIX] += over;
	twin_feed(FEED_UPDATE, s, body, n);
	for (unsigned i = 0; i < 1000 && x->up && x->doomed; i++) {
		(void)twin_work();
		while (twin_read_record())
			;
	}
	if (x->up && x->doomed)
		fail_at("it should have been closed", s);
}

static void session_update(unsigned s)
{
	static uint8_t body[65536];

	feed_update(s, body, make_update(&sim.slot[s].as, body, sizeof body));
}

static void session_refresh(unsigned s)
{
	struct slot *x = &sim.slot[s];
	struct bgp_refresh r = {.family = FAMILY_IPV4};

	if (x->as.families & BGP_FAMILY(FAMILY_IPV6))
		r.family = FAMILY_IPV6;
	if (x->as.enhanced_refresh)
		r.subtype = (uint8_t)make_below(3);
	TELL("refresh %u subtype %u", s, r.subtype);
	sim.seen[SEEN_REFRESH + r.subtype]++;
	naive_refresh(sim.twin, &x->as.peer, &r);
	twin_feed(FEED_REFRESH, s, &r, sizeof r);
}

static void session_end_of_rib(unsigned s)
{
	uint8_t body[64];

	for (int f = 0; f < FAMILY_COUNT; f++)
		if (sim.slot[s].up &&
		    sim.slot[s].as.families & BGP_FAMILY((enum family)f))
			feed_update(
			    s, body, make_end_of_rib((enum family)f, body));
	sim.seen[SEEN_END_OF_RIB]++;
}

static void reload(void)
{
	struct conf *c = make_conf();

	TELL(
	    "reload: policy %d preset %d", c->policy.present, c->policy.preset);
	sim.seen[SEEN_RELOAD]++;
	must(!exchange_reload(sim.x, c, sim.now_ns));
	twin_registry_prune(c);
	naive_reload(sim.twin, c);
	conf_free(sim.conf);
	sim.conf = c;
	/* Mostly all are told of before long. */
	for (unsigned i = make_once_in(5) ? 0 : 20; i; i--)
		twin_registry();
	for (unsigned s = 0; s < make_sessions(); s++)
		if (sim.slot[s].up && !make_configured(c, &sim.slot[s].as))
			twin_down(s, FEED_DOWN_HARD);
}

static void pass_time(void)
{
	uint64_t by = make_once_in(10) ? make_below(120) : make_below(3);

	TELL("%llu s pass", (unsigned long long)by);
	sim.now_ns += by * NS_PER_S + NS_PER_MS;
	(void)twin_slice();
	naive_tick(sim.twin, sim.now_ns);
}

/* ---- roles that die ------------------------------------------------------ */

static void lose_session(void)
{
	TELL("the session role dies");
	sim.seen[SEEN_NO_SESSION]++;
	twin_stop_all();
	exchange_detach(sim.x, sim.now_ns);
	naive_lost(sim.twin, sim.now_ns);
	if (make_once_in(2))
		(void)twin_work();
	twin_attach();
}

static void lose_engine(void)
{
	struct ip were[MAKE_MAX_SESSIONS];
	size_t n = 0;

	TELL("the engine dies");
	sim.seen[SEEN_NO_ENGINE]++;
	twin_stop_all();
	for (unsigned s = 0; s < make_sessions(); s++)
		if (sim.slot[s].up)
			were[n++] = sim.slot[s].as.peer;
	exchange_free(sim.x);
	naive_forget(sim.twin);
	twin_registry_forget();
	must(!exchange_new(sim.conf, true, sim.now_ns, &sim.x));
	twin_prove_again();
	twin_attach();
	twin_feed(FEED_EXPECT, 0, were, n * sizeof were[0]);
}

static void session_event(unsigned s)
{
	struct slot *x = &sim.slot[s];

	if (!x->up) {
		if (make_once_in(3))
			session_up(s);
		return;
	}
	switch (make_below(60)) {
	case 0:
		twin_down(s, FEED_DOWN_HARD);
		break;
	case 1:
		twin_down(
		    s, x->as.open.gr ? FEED_DOWN_GRACEFUL : FEED_DOWN_HARD);
		break;
	case 2:
	case 3:
		if (x->as.refresh)
			session_refresh(s);
		break;
	case 4:
	case 5:
		x->lazy = !x->lazy;
		break;
	case 6:
	case 7:
		session_end_of_rib(s);
		break;
	default:
		for (unsigned n = 1 + make_below(6); n && x->up; n--)
			session_update(s);
	}
}

/* Now and then so rarely that journals fill up; many clients cost more. */
static void look(void)
{
	twin_compare();
	sim.compare_in = make_once_in(8) ? 600 : 40;
	if (make_sessions() > MAKE_FEW)
		sim.compare_in = 800;
}

void twin_step(void)
{
	session_event(make_below(make_sessions()));
	if (make_once_in(3))
		(void)twin_work();
	if (make_once_in(2))
		twin_read_some(4);
	if (make_once_in(25))
		pass_time();
	if (make_once_in(60))
		twin_prove();
	if (make_once_in(80))
		twin_registry();
	if (make_once_in(400))
		reload();
	if (make_once_in(1500))
		lose_session();
	if (make_once_in(2500))
		lose_engine();
	if (make_once_in(sim.compare_in))
		look();
}

/* ---- the test ----------------------------------------------------------- */

void twin_begin(uint64_t seed)
{
	memset(&sim, 0, sizeof sim);
	sim.seed = seed;
	sim.compare_in = 60;
	make_seed(seed);
	sim.now_ns = 1000 * NS_PER_S;
	sim.conf = make_conf();
	sim.area = aligned_alloc(
	    FEED_CHUNK, FEED_CHUNKS_AT + (size_t)TWIN_CHUNKS * FEED_CHUNK);
	sim.cursors = malloc(sizeof *sim.cursors);
	must(sim.area && sim.cursors);
	must(!exchange_new(sim.conf, false, sim.now_ns, &sim.x));
	sim.twin = naive_new(sim.conf);
	twin_prove_begin();
	twin_attach();
}

void twin_end(void)
{
	twin_stop_all();
	for (unsigned s = 0; s < make_sessions(); s++)
		client_reset(&sim.slot[s].client, NULL);
	exchange_free(sim.x);
	twin_prove_end();
	naive_free(sim.twin);
	conf_free(sim.conf);
	free(sim.area);
	free(sim.cursors);
}

#include "monitor/station.h"

#include "bgp/bgp.h"
#include "monitor/bmp.h"
#include "monitor/sessions.h"
#include "policy/policy.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ENOUGH ((size_t)256 << 10)  /* bytes that may wait to be taken */
#define AT_ONCE ((size_t)128 << 10) /* bytes made in one go */
#define OPEN_MAX 512

struct station {
	struct mirror *m;
	struct conf_station conf;
	struct monitor_self self;
	struct mirror_view view;
	struct drain *drain;
	struct sessions *sessions;
	struct policy *policy;
	struct { /* what attributes were made last */
		const struct mirror_set *set;
		unsigned prepend;
		struct bytes attrs;
	} made;
	struct buf out;
	bool told; /* all that there was, with End-of-RIB */
	uint64_t now_us;
	uint64_t bytes;
	uint64_t messages;
};

static unsigned ribs_of(const struct conf_station *c)
{
	return (unsigned)c->pre << DRAIN_PRE | (unsigned)c->post << DRAIN_POST |
	       (unsigned)c->loc_rib << DRAIN_LOC |
	       (unsigned)c->out << DRAIN_OUT;
}

static struct bmp_peer loc_rib(const struct station *s)
{
	return (struct bmp_peer){
	    .type = BMP_PEER_LOC_RIB,
	    .asn = s->self.asn,
	    .id = s->self.router_id,
	    .time_us = s->now_us,
	};
}

static struct bmp_peer adj_rib(
    const struct mirror_peer *p, unsigned flags, uint64_t time_us)
{
	return (struct bmp_peer){
	    .type = BMP_PEER_GLOBAL,
	    .flags = (uint8_t)flags,
	    .addr = p->info.up.peer,
	    .asn = p->asn,
	    .id = p->id,
	    .time_us = time_us,
	};
}

static void made(struct station *s, const struct wr *w)
{
	buf_wrote(&s->out, w);
	s->bytes += wr_ok(w) ? wr_len(w) : 0;
}

/* ---- sessions --------------------------------------------------------------
 */

static void peer_up(void *arg, struct mirror_peer *p)
{
	struct station *s = arg;
	const struct feed_opens *o = &p->info.opens;
	struct wr w =
	    buf_room(&s->out, BMP_FRAME + 128u + o->n_sent + o->n_received);
	struct bmp_peer peer = adj_rib(p, 0, p->up_us);
	struct bmp_up up = {
	    .local = p->info.up.local,
	    .local_port = o->local_port,
	    .remote_port = o->remote_port,
	    .sent = {p->opens, o->n_sent},
	    .received = {p->opens + o->n_sent, o->n_received},
	};

	bmp_peer_up(&w, &peer, &up);
	made(s, &w);
	drain_client_up(s->drain, p);
}

static enum bmp_down why_down(const struct feed_down *d)
{
	switch (d->end) {
	case FEED_END_SENT:
		return d->notify.code ? BMP_DOWN_SENT : BMP_DOWN_FSM;
	case FEED_END_TOLD:
		return d->notify.code ? BMP_DOWN_RECEIVED : BMP_DOWN_LOST;
	case FEED_END_LOST:
		return BMP_DOWN_LOST;
	default:
		return BMP_DOWN_FSM;
	}
}

static void peer_down(void *arg, const struct mirror_peer *p)
{
	struct station *s = arg;
	uint8_t data[BGP_HEADER + 2 + 255];
	struct wr d = wr_from(data, sizeof data);
	struct wr w = buf_room(&s->out, BMP_FRAME + sizeof data);
	struct bmp_peer peer = adj_rib(p, 0, p->down_us);
	enum bmp_down why = why_down(&p->ended);

	if (why == BMP_DOWN_SENT || why == BMP_DOWN_RECEIVED)
		bgp_notify_write(&d, &p->ended.notify);
	else if (why == BMP_DOWN_FSM)
		wr_u16(&d, 0); /* no event of RFC 4271 says it */
	bmp_peer_down(&w, &peer, why, (struct bytes){data, wr_len(&d)});
	made(s, &w);
	drain_client_down(s->drain, p->slot);
}

static const struct sessions_ops ops = {.up = peer_up, .down = peer_down};

/*
 * RFC 9069 s5.2: both OPENs are made up, with what the Loc-RIB needs.  No
 * Peer Up has TLVs (this one's name may be left out, s4.4): Wireshark 4.0
 * takes what follows the OPENs for BGP.
 */
static void loc_rib_up(struct station *s)
{
	uint8_t open[OPEN_MAX];
	struct wr o = wr_from(open, sizeof open);
	struct wr w = buf_room(&s->out, BMP_FRAME + 2 * OPEN_MAX + 64);
	struct bmp_peer peer = loc_rib(s);
	const struct bgp_open said = {
	    .asn = s->self.asn,
	    .id = s->self.router_id,
	    .mp = true,
	    .as4 = true,
	    .families = (1u << FAMILY_COUNT) - 1,
	    .next_hop6 = BGP_FAMILY(FAMILY_IPV4),
	};

	bgp_open_write(&o, &said);
	struct bytes both = {open, wr_len(&o)};
	struct bmp_up up = {.sent = both, .received = both};
	bmp_peer_up(&w, &peer, &up);
	made(s, &w);
}

/* ---- routes -----------------------------------------------------------------
 */

/* RFC 8671 s4: of a client's RIB the time says when it was sent there. */
static uint64_t route_time_us(
    const struct station *s, const struct drain_group *g)
{
	if (g->rib == DRAIN_OUT && g->old)
		return 0;
	if (g->rib == DRAIN_OUT || !g->set)
		return s->now_us;
	return g->set->time_s * 1000000ull;
}

static const uint8_t rib_flags[DRAIN_RIBS] = {
    [DRAIN_POST] = BMP_FLAG_POST_POLICY,
    [DRAIN_OUT] = BMP_FLAG_POST_POLICY | BMP_FLAG_ADJ_RIB_OUT,
};

static uint8_t *route_open(void *arg, struct wr *w, const struct drain_group *g)
{
	struct station *s = arg;
	uint64_t time_us = route_time_us(s, g);
	struct bmp_peer p = loc_rib(s);

	p.time_us = time_us;
	if (g->rib != DRAIN_LOC)
		p = adj_rib(g->peer, rib_flags[g->rib], time_us);
	return bmp_route_open(w, &p);
}

static struct bytes route_attrs(void *arg, const struct drain_group *g)
{
	struct station *s = arg;
	const struct watch_set *of = &g->set->of;
	const struct policy_out how = {
	    .tags = of->tags,
	    .prepend = (uint8_t)g->prepend,
	    .scrub = of->flags & WATCH_SCRUB,
	    .llgr_stale = of->flags & WATCH_LLGR,
	};

	if (g->rib != DRAIN_OUT)
		return mirror_attrs(g->set);
	if (s->made.set == g->set && s->made.prepend == g->prepend)
		return s->made.attrs;
	s->made.set = g->set;
	s->made.prepend = g->prepend;
	s->made.attrs = policy_out(s->policy, mirror_attrs(g->set), &how);
	return s->made.attrs;
}

static void route_close(void *arg, struct wr *w, uint8_t *opened)
{
	struct station *s = arg;

	bmp_close(w, opened);
	s->messages++;
}

static void end_of_rib(
    struct station *s, const struct bmp_peer *p, uint8_t families)
{
	for (enum family f = 0; f < FAMILY_COUNT; f++) {
		if (!(families & BGP_FAMILY(f)))
			continue;
		struct wr w = buf_room(&s->out, 2 * BMP_FRAME);
		uint8_t *opened = bmp_route_open(&w, p);
		bgp_end_of_rib_write(&w, f);
		route_close(s, &w, opened);
		made(s, &w);
	}
}

/* RFC 7854 s5: of each RIB that was told, whoever it is of. */
static void all_told(struct station *s)
{
	struct bmp_peer loc = loc_rib(s);

	s->told = true;
	for (uint32_t i = 0; i < FEED_SLOTS; i++) {
		const struct sessions_slot *t = &s->sessions->slot[i];

		if (!t->peer || !t->peer->up || t->peer->epoch != t->epoch)
			continue;
		for (enum drain_rib r = 0; r < DRAIN_RIBS; r++) {
			struct bmp_peer p =
			    adj_rib(t->peer, rib_flags[r], s->now_us);

			if (r != DRAIN_LOC && ribs_of(&s->conf) & 1u << r)
				end_of_rib(s, &p, t->peer->info.up.families);
		}
	}
	if (s->conf.loc_rib)
		end_of_rib(s, &loc, (1u << FAMILY_COUNT) - 1);
}

/* Nothing is left of what there was when it began. */
static bool is_told(const struct station *s)
{
	return mirror_complete(s->m) && (!s->conf.out || mirror_out(s->m)) &&
	       !mirror_view_left(&s->view) && !drain_left(s->drain, &s->view);
}

bool station_make(struct station *s, uint64_t now_us)
{
	const struct drain_sink sink = {
	    .open = route_open,
	    .close = route_close,
	    .attrs = route_attrs,
	    .arg = s,
	    .frame = BMP_FRAME,
	};
	size_t had = buf_left(&s->out);

	s->now_us = now_us;
	s->made.set = NULL; /* another station has made some since */
	if (had > ENOUGH)
		return false;
	sessions_tell(s->sessions, s->m, &ops, s);
	size_t before = buf_left(&s->out);
	bool more = drain_some(s->drain, &s->view, &sink, &s->out, AT_ONCE);
	s->bytes += buf_left(&s->out) - before;
	if (!s->told && !more && is_told(s))
		all_told(s);
	return more;
}

/* ---- statistics -------------------------------------------------------------
 */

/* RFC 8671 s6.2, of what it is sent; there is no policy to be before. */
static void stats_out(struct bmp_stats *st, const struct mirror_peer *p,
    const uint64_t n[FAMILY_COUNT])
{
	bmp_stats_u64(
	    st, BMP_STAT_ADJ_RIB_OUT, n[FAMILY_IPV4] + n[FAMILY_IPV6]);
	for (enum family f = 0; f < FAMILY_COUNT; f++)
		if (p->info.up.families & BGP_FAMILY(f))
			bmp_stats_family(st, BMP_STAT_ADJ_RIB_OUT_OF, f, n[f]);
}

static void stats_peer(struct station *s, const struct mirror_peer *p)
{
	const uint64_t *n = p->routes;
	uint64_t out[FAMILY_COUNT];
	struct wr w = buf_room(&s->out, 2 * BMP_FRAME);
	struct bmp_peer peer = adj_rib(p, 0, s->now_us);
	struct bmp_stats st;

	bmp_stats_open(&st, &w, &peer);
	bmp_stats_u32(&st, BMP_STAT_REJECTED, p->rejected);
	bmp_stats_u64(
	    &st, BMP_STAT_ADJ_RIB_IN, n[FAMILY_IPV4] + n[FAMILY_IPV6]);
	for (enum family f = 0; f < FAMILY_COUNT; f++)
		if (p->info.up.families & BGP_FAMILY(f))
			bmp_stats_family(&st, BMP_STAT_ADJ_RIB_IN_OF, f, n[f]);
	if (drain_client_routes(s->drain, p->slot, out))
		stats_out(&st, p, out);
	bmp_stats_close(&st);
	made(s, &w);
}

static void stats_loc_rib(struct station *s)
{
	struct wr w = buf_room(&s->out, 2 * BMP_FRAME);
	struct bmp_peer peer = loc_rib(s);
	struct mirror_stats m;
	struct bmp_stats st;

	mirror_stats(s->m, &m);
	bmp_stats_open(&st, &w, &peer);
	bmp_stats_u64(&st, BMP_STAT_LOC_RIB,
	    m.loc_rib[FAMILY_IPV4] + m.loc_rib[FAMILY_IPV6]);
	for (enum family f = 0; f < FAMILY_COUNT; f++)
		bmp_stats_family(&st, BMP_STAT_LOC_RIB_OF, f, m.loc_rib[f]);
	bmp_stats_close(&st);
	made(s, &w);
}

void station_stats(struct station *s, uint64_t now_us)
{
	s->now_us = now_us;
	if (buf_left(&s->out) > ENOUGH)
		return; /* it reads slowly: the next ones will do */
	for (uint32_t i = 0; i < FEED_SLOTS; i++) {
		const struct sessions_slot *t = &s->sessions->slot[i];

		if (t->peer && t->peer->up && t->peer->epoch == t->epoch)
			stats_peer(s, t->peer);
	}
	if (s->conf.loc_rib)
		stats_loc_rib(s);
}

/* ---- beginning and end ------------------------------------------------------
 */

struct station *station_new(struct mirror *m, const struct conf_station *c,
    const struct monitor_self *self)
{
	struct station *s = calloc(1, sizeof *s);

	must(s);
	s->m = m;
	s->conf = *c;
	s->self = *self;
	mirror_view_init(&s->view, m);
	s->drain = drain_new(ribs_of(c));
	s->sessions = sessions_new();
	s->policy = policy_bare(self->asn);
	must(s->policy);
	struct wr w = buf_room(&s->out, 512);
	bmp_initiation(&w, self->name, "spean " SPEAN_VERSION, NULL);
	made(s, &w);
	if (c->loc_rib)
		loc_rib_up(s);
	return s;
}

void station_free(struct station *s)
{
	if (!s)
		return;
	mirror_view_done(&s->view);
	drain_free(s->drain);
	sessions_free(s->sessions);
	policy_free(s->policy);
	buf_done(&s->out);
	free(s);
}

void station_end(struct station *s)
{
	struct wr w = buf_room(&s->out, 2 * BMP_FRAME);

	bmp_termination(&w, BMP_END_CLOSED);
	made(s, &w);
}

struct bytes station_bytes(const struct station *s)
{
	return (struct bytes){s->out.p + s->out.at, buf_left(&s->out)};
}

void station_wrote(struct station *s, size_t n)
{
	must(n <= buf_left(&s->out));
	s->out.at += n;
}

void station_figures(const struct station *s, struct station_figures *ret)
{
	*ret = (struct station_figures){
	    .bytes = s->bytes,
	    .messages = s->messages,
	    .routes = drain_routes(s->drain),
	    .waiting =
		mirror_view_left(&s->view) + drain_left(s->drain, &s->view),
	};
}

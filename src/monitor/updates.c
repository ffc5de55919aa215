#include "monitor/updates.h"

#include "bgp/bgp.h"
#include "monitor/mrt_write.h"
#include "monitor/sessions.h"
#include "monitor/table.h"

#include <stdlib.h>

#define OPENCONFIRM 5 /* RFC 6396 s4.4.1 */

struct updates {
	struct mirror *m;
	struct monitor_self self;
	struct mirror_view view;
	struct drain *drain;
	struct sessions *sessions;
	struct buf *out;
	uint32_t time_s;
};

static struct mrt_session session(
    const struct updates *u, const struct mirror_peer *p)
{
	return (struct mrt_session){
	    .time_s = u->time_s,
	    .peer_asn = p->asn,
	    .local_asn = u->self.asn,
	    .peer = p->info.up.peer,
	    .local = p->info.up.local,
	};
}

static void state(
    struct updates *u, const struct mirror_peer *p, unsigned was, unsigned is)
{
	struct wr w = buf_room(u->out, MRT_FRAME);
	struct mrt_session s = session(u, p);

	mrt_write_state(&w, &s, was, is);
	buf_wrote(u->out, &w);
}

static void up(void *arg, struct mirror_peer *p)
{
	state(arg, p, OPENCONFIRM, MRT_STATE_ESTABLISHED);
}

static void down(void *arg, const struct mirror_peer *p)
{
	state(arg, p, MRT_STATE_ESTABLISHED, MRT_STATE_IDLE);
}

static const struct sessions_ops ops = {.up = up, .down = down};

static uint8_t *route_open(void *arg, struct wr *w, const struct drain_group *g)
{
	struct mrt_session s = session(arg, g->peer);

	return mrt_write_message(w, &s, g->add_path);
}

static void route_close(void *arg, struct wr *w, uint8_t *opened)
{
	(void)arg;
	mrt_write_close(w, opened);
}

static struct bytes route_attrs(void *arg, const struct drain_group *g)
{
	const struct updates *u = arg;

	return table_attrs(g->set, u->self.asn);
}

struct updates *updates_new(struct mirror *m, const struct monitor_self *self)
{
	struct updates *u = calloc(1, sizeof *u);

	must(u);
	u->m = m;
	u->self = *self;
	mirror_view_init(&u->view, m);
	u->drain = drain_new(1u << DRAIN_PRE);
	u->sessions = sessions_new();
	return u;
}

void updates_free(struct updates *u)
{
	if (!u)
		return;
	mirror_view_done(&u->view);
	drain_free(u->drain);
	sessions_free(u->sessions);
	free(u);
}

bool updates_make(
    struct updates *u, struct buf *out, size_t bytes, uint64_t now_us)
{
	const struct drain_sink sink = {
	    .open = route_open,
	    .close = route_close,
	    .attrs = route_attrs,
	    .arg = u,
	    .frame = MRT_FRAME,
	};

	u->out = out;
	u->time_s = (uint32_t)(now_us / 1000000);
	sessions_tell(u->sessions, u->m, &ops, u);
	return drain_some(u->drain, &u->view, &sink, out, bytes);
}

void updates_end(struct updates *u, struct buf *out, uint64_t now_us)
{
	u->out = out;
	u->time_s = (uint32_t)(now_us / 1000000);
	sessions_end(u->sessions, &ops, u);
}

uint64_t updates_routes(const struct updates *u)
{
	return drain_routes(u->drain);
}

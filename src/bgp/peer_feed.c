/* The link to the engine, seen from the session. */
#include "bgp/peer_internal.h"

#include "base/must.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define RECORDS_TURN 512

/* A record that waits for room. */
struct pending {
	struct list list;
	uint32_t type;
	uint32_t slot;
	uint32_t incarnation;
	size_t n;
	uint8_t data[];
};

static uint8_t record[LINK_RECORD_MAX]; /* of link_read(); one thread */

bool feed_ready(const struct peers *ps)
{
	return ps->link_up;
}

bool feed_try(struct peers *ps, const struct peer *p, enum feed_type type,
    const void *data, size_t n)
{
	if (!ps->link_up || !list_empty(&ps->pending))
		return false;
	return link_write(
	    ps->link, type, p->slot, p->incarnation, data, n, NULL, 0);
}

uint8_t *feed_reserve(struct peers *ps, size_t n)
{
	if (!ps->link_up || !list_empty(&ps->pending))
		return NULL;
	return link_reserve(ps->link, n);
}

void feed_commit(struct peers *ps, const struct peer *p, size_t n)
{
	link_commit(ps->link, FEED_UPDATES, p->slot, p->incarnation, n);
}

void feed_put(struct peers *ps, uint32_t slot, uint32_t incarnation,
    enum feed_type type, const void *data, size_t n)
{
	if (!ps->link_up)
		return;
	if (list_empty(&ps->pending) &&
	    link_write(ps->link, type, slot, incarnation, data, n, NULL, 0))
		return;
	struct pending *r = malloc(sizeof *r + n);
	must(r);
	*r = (struct pending){
	    .type = type,
	    .slot = slot,
	    .incarnation = incarnation,
	    .n = n,
	};
	memcpy(r->data, data, n);
	list_add_tail(&ps->pending, &r->list);
	ps->n_pending++;
}

/* True when none is left. */
static bool send_pending(struct peers *ps)
{
	list_each(pos, tmp, &ps->pending)
	{
		struct pending *r = list_entry(pos, struct pending, list);

		if (!link_write(ps->link, r->type, r->slot, r->incarnation,
			r->data, r->n, NULL, 0))
			return false;
		list_del(&r->list);
		free(r);
		ps->n_pending--;
	}
	return true;
}

static void drop_pending(struct peers *ps)
{
	list_each(pos, tmp, &ps->pending)
	{
		list_del(pos);
		free(list_entry(pos, struct pending, list));
	}
	ps->n_pending = 0;
}

/* Reads on where the ring was full. */
void feed_resume(struct peers *ps)
{
	if (ps->link_up && send_pending(ps))
		conns_read(&ps->read_task);
}

/* Rings the engine when it sleeps and there is something for it. */
static void flush(struct peers *ps)
{
	bool force =
	    ps->moved && ps->link_up && atomic_load(&ps->pool.shared->watching);

	ps->moved = false;
	link_flush(ps->link, force);
}

/* ---- from the engine --------------------------------------------------- */

static struct conn *conn_of(struct peers *ps, const struct link_head *h)
{
	struct peer *p = h->a < FEED_SLOTS ? ps->slot[h->a] : NULL;

	/* What was meant for an earlier session comes too late. */
	if (!p || !p->up || p->incarnation != h->b)
		return NULL;
	return p->up;
}

static void engine_fault(struct conn *c, const char *what)
{
	struct bgp_notify n = {
	    .code = BGP_ERR_CEASE, .subcode = BGP_CEASE_RESOURCES};

	conn_event(c, BGP_EV_STOP, &n, what);
}

static void on_join(struct conn *c, const struct feed_place *place)
{
	int err = outbox_join(&c->out, place);

	/* The engine waited too long for us, and asks again. */
	if (err == -ESTALE)
		return;
	if (err)
		engine_fault(c, "a JOIN that makes no sense");
	else if (!c->blocked)
		conn_flush(c);
}

static void on_skip(struct peers *ps, struct conn *c)
{
	struct feed_place want;
	struct feed_place at;

	memcpy(&want, record, sizeof want);
	int err = outbox_skip(&c->out, want.journal, &at);
	if (err == -ENOENT)
		return;
	if (err) {
		engine_fault(c, "a SKIP that makes no sense");
		return;
	}
	feed_put(ps, c->peer->slot, c->peer->incarnation, FEED_SKIPPED, &at,
	    sizeof at);
}

static void on_close(struct peers *ps, struct conn *c)
{
	struct peer *p = c->peer;
	struct feed_close close;

	memcpy(&close, record, sizeof close);
	close.why[sizeof close.why - 1] = 0;
	if (close.notify.code == BGP_ERR_CEASE)
		conn_event_hard(
		    c, BGP_EV_UPDATE_ERROR, &close.notify, close.why);
	else
		conn_event(c, BGP_EV_UPDATE_ERROR, &close.notify, close.why);
	if (!close.hold_down_s)
		return;
	peers_hold_down(ps, &p->addr, close.hold_down_s, close.why);
	p->over = close.notify.code == BGP_ERR_CEASE &&
		  close.notify.subcode == BGP_CEASE_MAX_PREFIX;
}

static bool on_record(struct peers *ps, const struct link_head *h)
{
	struct conn *c = conn_of(ps, h);
	struct feed_place place;

	switch (h->type) {
	case FEED_JOIN:
		if (h->len != sizeof place)
			return false;
		memcpy(&place, record, sizeof place);
		if (!c)
			break;
		on_join(c, &place);
		break;
	case FEED_CLOSE:
		if (h->len != sizeof(struct feed_close))
			return false;
		if (c)
			on_close(ps, c);
		break;
	case FEED_SKIP:
		if (h->len != sizeof place)
			return false;
		if (c)
			on_skip(ps, c);
		break;
	case FEED_SEND:
		if (!c)
			break;
		if (outbox_queue(&c->out, record, h->len, true))
			engine_fault(c, "more to send than it can take");
		else if (!c->blocked && list_empty(&c->write))
			list_add_tail(&ps->writers, &c->write);
		break;
	default:
		return false;
	}
	return true;
}

static void read_records(struct peers *ps)
{
	struct link_head h;
	int n = 0;

	for (int i = 0; i < RECORDS_TURN; i++) {
		n = link_read(ps->link, &h, record);
		if (n <= 0)
			break;
		if (!on_record(ps, &h)) {
			n = -EPROTO;
			break;
		}
	}
	if (n < 0) {
		feed_lost(ps, "it broke the rules of the link");
		return;
	}
	if (n)
		loop_task_queue(ps->loop, &ps->link_task);
}

/* Writes to every client that has something new: churn is felt here. */
static void write_news(struct peers *ps)
{
	uint64_t now = atomic_load_explicit(
	    &ps->pool.shared->published, memory_order_acquire);

	if (now == ps->published)
		return;
	ps->published = now;
	list_each(pos, tmp, &ps->ups)
	{
		struct conn *c = list_entry(pos, struct conn, mine);

		if (!c->blocked && list_empty(&c->write))
			conn_flush(c);
	}
}

/* The areas are mapped: peers may come. */
static bool link_begins(struct peers *ps)
{
	size_t n;
	size_t n_own;
	const void *engine = link_peer_extra(ps->link, &n);
	void *own = link_extra(ps->link, &n_own);

	if (!outbox_pool_map(&ps->pool, engine, n, own, n_own))
		return false;
	ps->link_up = true;
	ps->published = 0;
	for (size_t i = 0; i < ps->n_expect;) {
		struct peer *p = peers_find(ps, &ps->expect[i]);

		if (p && !p->member->shutdown)
			i++;
		else
			ps->expect[i] = ps->expect[--ps->n_expect];
	}
	if (ps->n_expect || ps->expects)
		feed_put(ps, ps->instance, 0, FEED_EXPECT, ps->expect,
		    ps->n_expect * sizeof *ps->expect);
	ps->n_expect = 0;
	ps->expects = false;
	for (size_t i = 0; i < ps->n; i++)
		peer_start(ps->sorted[i]);
	return true;
}

static void link_turn(struct peers *ps)
{
	if (!ps->link_up) {
		if (link_ready(ps->link) && !link_begins(ps))
			feed_lost(ps, "its area is too small");
		return;
	}
	read_records(ps);
	if (!ps->link_up)
		return;
	write_news(ps);
	if (!list_empty(&ps->writers))
		conns_write(&ps->write_task);
	if (ps->n_readers || ps->n_pending)
		feed_resume(ps);
	if (ps->link)
		flush(ps);
}

static void link_fd_ready(struct loop_fd *f, uint32_t events)
{
	struct peers *ps = list_entry(f, struct peers, link_fd);
	int err = link_bell(ps->link);

	(void)events;
	if (err)
		feed_lost(ps, err == -EPIPE ? "it ended" : strerror(-err));
	else
		link_turn(ps);
}

static void link_task_run(struct loop_task *t)
{
	struct peers *ps = list_entry(t, struct peers, link_task);

	if (ps->link)
		link_turn(ps);
}

int peers_engine(struct peers *ps, int sock)
{
	if (ps->link)
		feed_lost(ps, "it was replaced");
	int err =
	    link_new(sock, PEER_RING, sizeof(struct feed_cursors), &ps->link);
	if (err)
		return err;
	ps->link_fd = (struct loop_fd){
	    .fd = link_fd(ps->link),
	    .events = EPOLLIN,
	    .ready = link_fd_ready,
	};
	ps->link_task.run = link_task_run;
	err = loop_add(ps->loop, &ps->link_fd);
	if (err) {
		link_free(ps->link);
		ps->link = NULL;
	}
	return err;
}

/* Whose message the engine was at when it died. */
static void blame(struct peers *ps)
{
	uint32_t slot = atomic_load(&ps->pool.shared->parsing);

	if (slot && slot <= FEED_SLOTS && ps->slot[slot - 1])
		ps->ops->blame(ps->arg, &ps->slot[slot - 1]->addr);
}

/*
 * The engine is gone, and with it all routes: TCP ends without a
 * NOTIFICATION, peers keep ours (RFC 4724), and come again with R set.
 */
void feed_lost(struct peers *ps, const char *why)
{
	bool was_up = ps->link_up;
	uint64_t until =
	    loop_now(ps->loop) + ps->conf->exchange.restart_s * NS_PER_S;

	if (was_up)
		blame(ps);
	/* The engine waits for the word of all instances. */
	ps->expects = ps->instances > 1 && (was_up || ps->expects);
	ps->link_up = false;
	for (size_t i = 0; i < ps->n; i++) {
		struct peer *p = ps->sorted[i];

		if (p->up && ps->n_expect < FEED_SLOTS)
			ps->expect[ps->n_expect++] = p->addr;
		if (was_up)
			p->restart_until_ns = until;
		for (int s = 0; s < CONN_SIDES; s++)
			if (p->conn[s])
				conn_event(p->conn[s], BGP_EV_DROP, NULL,
				    "the engine restarts");
	}
	drop_pending(ps);
	loop_task_cancel(ps->loop, &ps->link_task);
	loop_del(ps->loop, &ps->link_fd);
	link_free(ps->link);
	ps->link = NULL;
	ps->pool = (struct outbox_pool){0};
	ps->ops->event(ps->arg, PEERS_ENGINE, NULL, 0, why);
}

bool peers_sleep(struct peers *ps)
{
	if (!ps->link)
		return true;
	/* A failed write asks for the bell when there is room again. */
	if (ps->link_up && (ps->n_readers || ps->n_pending))
		feed_resume(ps);
	if (!ps->link)
		return true;
	if (ps->read_task.queued)
		return false;
	if (ps->moved && ps->link_up && atomic_load(&ps->pool.shared->watching))
		link_flush(ps->link, true);
	else
		link_flush(ps->link, false);
	ps->moved = false;
	if (!link_sleep(ps->link)) {
		loop_task_queue(ps->loop, &ps->link_task);
		return false;
	}
	if (ps->link_up &&
	    atomic_load(&ps->pool.shared->published) != ps->published) {
		link_wake(ps->link);
		loop_task_queue(ps->loop, &ps->link_task);
		return false;
	}
	return true;
}

/* Nobody rings for us until we sleep again: each turn looks for itself. */
void peers_wake(struct peers *ps)
{
	if (!ps->link)
		return;
	link_wake(ps->link);
	if (ps->link_up)
		loop_task_queue(ps->loop, &ps->link_task);
}

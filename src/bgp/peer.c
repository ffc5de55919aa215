/* The configured peers: who there is, and what a new configuration changes. */
#include "bgp/peer_internal.h"

#include "base/must.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STOP_NS (1500 * NS_PER_MS)

uint64_t peers_random(struct peers *ps)
{
	/* xorshift64: jitter, nothing secret */
	ps->random ^= ps->random << 13;
	ps->random ^= ps->random >> 7;
	ps->random ^= ps->random << 17;
	return ps->random;
}

void peers_tell(struct peers *ps, enum peers_event what, const struct peer *p,
    const char *fmt, ...)
{
	char text[256];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	ps->ops->event(ps->arg, what, &p->addr, p->asn, text);
}

void peer_note(struct peer *p, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(p->error, sizeof p->error, fmt, ap);
	va_end(ap);
	p->error_wall_s = clock_wall_s();
}

static int by_addr(const void *a, const void *b)
{
	const struct peer *const *x = a;
	const struct peer *const *y = b;

	return ip_cmp(&(*x)->addr, &(*y)->addr);
}

static int by_asn(const void *a, const void *b)
{
	const struct peer *const *x = a;
	const struct peer *const *y = b;

	if ((*x)->asn != (*y)->asn)
		return (*x)->asn < (*y)->asn ? -1 : 1;
	return by_addr(a, b);
}

struct peer *peers_find(const struct peers *ps, const struct ip *addr)
{
	struct peer key = {.addr = *addr};
	struct peer *at = &key;
	struct peer **hit = ps->n ? bsearch(&at, ps->by_addr, ps->n,
					sizeof(struct peer *), by_addr)
				  : NULL;

	return hit ? *hit : NULL;
}

int peers_new(struct loop *loop, const struct peers_ops *ops, void *arg,
    const struct conf *conf, unsigned instance, bool restarting,
    struct peers **ret)
{
	struct peers *ps = calloc(1, sizeof *ps);

	if (!ps)
		return -ENOMEM;
	ps->loop = loop;
	ps->ops = ops;
	ps->arg = arg;
	ps->instance = instance;
	ps->instances = conf->exchange.sessions;
	ps->random = clock_seed() | 1;
	ps->expect = calloc(FEED_SLOTS, sizeof *ps->expect);
	ps->sorted = calloc(FEED_SLOTS, sizeof(struct peer *));
	ps->by_addr = calloc(FEED_SLOTS, sizeof(struct peer *));
	if (!ps->expect || !ps->sorted || !ps->by_addr) {
		peers_free(ps);
		return -ENOMEM;
	}
	list_init(&ps->pending);
	list_init(&ps->ups);
	list_init(&ps->writers);
	list_init(&ps->readers);
	list_init(&ps->lingering);
	list_init(&ps->graves);
	ps->read_task.run = conns_read;
	ps->write_task.run = conns_write;
	ps->grave_task.run = conns_bury;
	listen_init(&ps->listen, loop, peers_accepted, ps);
	if (restarting)
		ps->restart_until_ns =
		    clock_now_ns() + conf->exchange.restart_s * NS_PER_S;
	peers_apply(ps, NULL, conf);
	*ret = ps;
	return 0;
}

static void peer_free(struct peer *p)
{
	struct peers *ps = p->ps;

	for (int s = 0; s < CONN_SIDES; s++) {
		if (!p->conn[s])
			continue;
		outbox_done(&p->conn[s]->out);
		conn_drop(p->conn[s]);
		p->conn[s]->peer = NULL;
	}
	loop_timer_stop(ps->loop, &p->retry);
	if (p->keyed)
		listen_md5(&ps->listen, &p->addr, "");
	ps->slot[p->slot] = NULL;
	free(p);
}

void peers_free(struct peers *ps)
{
	if (!ps)
		return;
	for (size_t i = 0; i < ps->n; i++)
		peer_free(ps->sorted[i]);
	ps->n = 0;
	if (ps->lingering.next)
		list_each(pos, tmp, &ps->lingering)
		    conn_drop(list_entry(pos, struct conn, mine));
	if (ps->graves.next)
		conns_bury(&ps->grave_task);
	if (ps->link)
		feed_lost(ps, "stopped");
	if (ps->listen.loop)
		listen_done(&ps->listen);
	loop_timer_stop(ps->loop, &ps->stop_timer);
	loop_task_cancel(ps->loop, &ps->read_task);
	loop_task_cancel(ps->loop, &ps->write_task);
	loop_task_cancel(ps->loop, &ps->grave_task);
	free(ps->expect);
	free(ps->sorted);
	free(ps->by_addr);
	free(ps);
}

/* ---- a new configuration ------------------------------------------------ */

static struct peer *peer_new(
    struct peers *ps, const struct conf_member *m, const struct conf_at *at)
{
	uint32_t slot = ps->instance;
	struct peer *p;

	while (slot < FEED_SLOTS && ps->slot[slot])
		slot += ps->instances;
	if (slot >= FEED_SLOTS)
		return NULL;
	p = calloc(1, sizeof *p);
	must(p);
	p->ps = ps;
	p->member = m;
	p->at = at;
	p->addr = at->addr;
	p->asn = m->asn;
	p->slot = slot;
	p->retry.fire = peer_retry_fired;
	p->restart_until_ns = ps->restart_until_ns;
	ps->slot[slot] = p;
	return p;
}

static void close_conns(
    struct peer *p, enum bgp_cease subcode, const char *text, const char *why)
{
	struct bgp_notify n = bgp_notify_cease(subcode, text);

	for (int s = 0; s < CONN_SIDES; s++) {
		struct conn *c = p->conn[s];

		if (!c)
			continue;
		if (subcode == BGP_CEASE_CONFIG)
			conn_event(c, BGP_EV_STOP, &n, why);
		else
			conn_event_hard(c, BGP_EV_STOP, &n, why);
	}
}

static void set_key(struct peer *p)
{
	int err = 0;

	if (p->at->password[0] || p->keyed)
		err = listen_md5(&p->ps->listen, &p->addr, p->at->password);
	p->keyed = p->at->password[0] != 0;
	if (err)
		peers_tell(p->ps, PEERS_TROUBLE, p, "TCP-MD5 key: %s%s",
		    strerror(-err),
		    err == -ENOMEM ? " (net.core.optmem_max is too small)"
				   : "");
}

static bool is_ours(const struct peers *ps, const struct ip *addr)
{
	return conf_instance(addr, ps->instances) == ps->instance;
}

static const char *password_in(const struct conf *c, const struct ip *addr)
{
	const struct conf_at *at;

	return c && conf_find(c, addr, &at) ? at->password : "";
}

/*
 * We listen for other instances' peers too, and so have their keys.  old:
 * what the listeners know; NULL: anything.
 */
static void set_others_keys(
    struct peers *ps, const struct conf *old, const struct conf *conf)
{
	for (size_t i = 0; ps->listen.n && i < conf->n_at; i++) {
		const struct conf_ref *r = &conf->by_addr[i];
		const struct conf_at *at = &conf->member[r->member].at[r->at];
		int err = 0;

		if (is_ours(ps, &at->addr))
			continue;
		if (!old || at->password[0] || password_in(old, &at->addr)[0])
			err = listen_md5(&ps->listen, &at->addr, at->password);
		if (err)
			ps->ops->event(ps->arg, PEERS_TROUBLE, &at->addr, 0,
			    strerror(-err));
	}
	for (size_t i = 0; old && ps->listen.n && i < old->n_at; i++) {
		const struct conf_ref *r = &old->by_addr[i];
		const struct conf_at *at = &old->member[r->member].at[r->at];

		if (!is_ours(ps, &at->addr) && at->password[0] &&
		    !conf_find(conf, &at->addr, NULL))
			listen_md5(&ps->listen, &at->addr, "");
	}
}

/* The address that the session stands on is ours no more. */
static bool local_gone(const struct peer *p)
{
	const struct conf_exchange *x = &p->ps->conf->exchange;

	if (!p->up)
		return false;
	for (size_t i = 0; i < x->n_listen; i++)
		if (ip_eq(&x->listen[i], &p->up->local))
			return false;
	return true;
}

/* Who changes the limit that holds a peer wants it to be tried again. */
static bool limit_changes(
    const struct peer *p, const struct conf *old, const struct conf_member *m)
{
	const struct conf_at *at;
	const struct conf_member *was = conf_find(old, &p->addr, &at);

	return p->held && p->over && was &&
	       memcmp(was->max_prefix, m->max_prefix, sizeof m->max_prefix);
}

/* Takes the conf's own words for it; what need not be reset is not. */
static void peer_change(struct peer *p, const struct conf *old,
    const struct conf *conf, const struct conf_member *m,
    const struct conf_at *at)
{
	bool resets = conf_resets(old, conf, m, at) || local_gone(p);

	if (limit_changes(p, old, m)) {
		p->held = false;
		p->backoff = (struct peer_backoff){0};
	}
	p->member = m;
	p->at = at;
	set_key(p);
	if (m->shutdown) {
		close_conns(p, BGP_CEASE_SHUTDOWN, m->shutdown_text,
		    "the member is shut down");
	} else if (resets) {
		p->plain = false;
		if (!p->held)
			p->backoff = (struct peer_backoff){0};
		close_conns(
		    p, BGP_CEASE_CONFIG, NULL, "its configuration changed");
	}
	peer_start(p);
}

static size_t drop_gone(struct peers *ps)
{
	size_t n = 0;

	for (size_t i = 0; i < ps->n; i++) {
		struct peer *p = ps->sorted[i];

		if (p->kept) {
			ps->sorted[n++] = p;
			continue;
		}
		close_conns(p, BGP_CEASE_DECONFIGURED, NULL,
		    "it is configured no more");
		peer_free(p);
	}
	return n;
}

struct change {
	struct peer *p;
	const struct conf_member *m;
	const struct conf_at *at;
};

void peers_apply(
    struct peers *ps, const struct conf *old, const struct conf *conf)
{
	struct change *changes = calloc(FEED_SLOTS, sizeof *changes);
	size_t n = 0;

	must(changes);
	for (size_t i = 0; i < ps->n; i++)
		ps->sorted[i]->kept = false;
	for (size_t i = 0; i < conf->n_member; i++) {
		const struct conf_member *m = &conf->member[i];

		for (size_t k = 0; k < m->n_at && n < FEED_SLOTS; k++) {
			if (!is_ours(ps, &m->at[k].addr))
				continue;
			struct peer *p = peers_find(ps, &m->at[k].addr);

			if (p && p->asn != m->asn)
				p = NULL;
			if (p)
				p->kept = true;
			changes[n++] = (struct change){p, m, &m->at[k]};
		}
	}
	if (old && ps->instances > 1)
		set_others_keys(ps, old, conf);
	/* From here on all speak by the new one; the old goes. */
	ps->conf = conf;
	ps->n = drop_gone(ps);
	for (size_t i = 0; i < n; i++) {
		struct change *c = &changes[i];

		if (c->p)
			continue;
		struct peer *p = peer_new(ps, c->m, c->at);
		must(p && ps->n < FEED_SLOTS);
		ps->sorted[ps->n++] = p;
	}
	memcpy(ps->by_addr, ps->sorted, ps->n * sizeof(struct peer *));
	qsort(ps->sorted, ps->n, sizeof(struct peer *), by_asn);
	qsort(ps->by_addr, ps->n, sizeof(struct peer *), by_addr);
	for (size_t i = 0; i < n; i++)
		if (changes[i].p)
			peer_change(changes[i].p, old, conf, changes[i].m,
			    changes[i].at);
	for (size_t i = 0; i < ps->n; i++) {
		if (ps->sorted[i]->kept)
			continue;
		set_key(ps->sorted[i]);
		peer_start(ps->sorted[i]);
	}
	free(changes);
}

void peers_listen(struct peers *ps, const int *fds, int n)
{
	int err = listen_take(&ps->listen, fds, (size_t)n);

	if (err)
		ps->ops->event(ps->arg, PEERS_TROUBLE, NULL, 0, strerror(-err));
	for (size_t i = 0; i < ps->n; i++) {
		/* The sockets outlived us; an old key may still be set. */
		ps->sorted[i]->keyed = true;
		set_key(ps->sorted[i]);
	}
	if (ps->instances > 1)
		set_others_keys(ps, NULL, ps->conf);
}

/* ---- held down, stopped ------------------------------------------------- */

void peers_hold_down(
    struct peers *ps, const struct ip *addr, uint32_t seconds, const char *why)
{
	struct peer *p = peers_find(ps, addr);

	if (!p)
		return;
	p->held = true;
	p->over = false;
	p->backoff.until_ns = loop_now(ps->loop) + seconds * NS_PER_S;
	snprintf(p->why, sizeof p->why, "%s", why);
	close_conns(p, BGP_CEASE_RESOURCES, NULL, why);
	peer_start(p);
}

static void stop_over(struct loop_timer *t)
{
	struct peers *ps = list_entry(t, struct peers, stop_timer);

	ps->stopped(ps->arg);
}

void peers_stop(struct peers *ps, void (*done)(void *arg))
{
	ps->stopping = true;
	ps->stopped = done;
	listen_done(&ps->listen);
	for (size_t i = 0; i < ps->n; i++) {
		close_conns(ps->sorted[i], BGP_CEASE_SHUTDOWN, NULL,
		    "the exchange stops");
		loop_timer_stop(ps->loop, &ps->sorted[i]->retry);
	}
	ps->stop_timer.fire = stop_over;
	loop_timer_set(ps->loop, &ps->stop_timer,
	    ps->n_lingering ? loop_now(ps->loop) + STOP_NS : 1);
}

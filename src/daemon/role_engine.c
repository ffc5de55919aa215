/*
 * The engine role: all routes.  Records come from each instance of the
 * session role over a link, journals go back in an area that these links
 * share (bgp/feed.h); questions come from the api role.  Never touches the
 * network.
 */
#include "daemon/engine_monitor.h"
#include "daemon/engine_registry.h"
#include "daemon/role.h"

#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"
#include "exchange/exchange.h"
#include "exchange/query_link.h"
#include "net/query.h"
#include "rpki/view.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define POOL_CHUNKS 512 /* 32 MB of journals */
#define SESSION_RING ((size_t)1 << 20)
#define API_RING ((size_t)1 << 20)
#define RPKI_RING ((size_t)1 << 20)
#define TURN_BYTES ((size_t)512 << 10) /* records taken in one turn */
#define TURN_NS (2 * NS_PER_MS)
#define SLICE_NS (5 * NS_PER_MS)
#define QUERY_NS NS_PER_MS

struct peer_link {
	struct loop_fd fd; /* first: the loop gives it back */
	struct engine *engine;
	struct link *link;
	enum role role;
	unsigned index; /* of the session instance */
	bool attached;	/* its area has come */
	bool on;
};

struct engine {
	struct role_env *env;
	struct exchange *exchange;
	struct peer_link session[CONF_SESSIONS];
	unsigned n_sessions;
	struct link_area *area; /* the journals, for all of them */
	struct peer_link api;
	struct engine_monitor monitor;
	struct engine_registry registry;
	struct query_link *query;
	struct peer_link rpki;
	struct rpki_view *view;
	bool aspas; /* the exchange has that table */
	char source[RPKI_CACHES][IP_TEXT + 8];
	struct loop_task turn;
	struct loop_timer timer;
	uint64_t started_ns;
	uint32_t status_ask; /* an answer that had no room yet */
	bool status_due;
};

static uint8_t record[LINK_RECORD_MAX];

static bool send_record(void *arg, enum feed_type type, uint32_t slot,
    uint32_t incarnation, const void *data, size_t n)
{
	struct peer_link *p = arg;

	return link_write(p->link, type, slot, incarnation, data, n, NULL, 0);
}

/* ---- links -------------------------------------------------------------- */

static void drop_session(struct peer_link *p)
{
	struct engine *e = p->engine;
	bool any = false;

	if (p->attached)
		exchange_detach_from(e->exchange, p->index, clock_now_ns());
	p->attached = false;
	link_free(p->link);
	p->link = NULL;
	p->on = false;
	for (unsigned i = 0; i < e->n_sessions; i++)
		any |= e->session[i].on;
	if (any)
		return;
	/* The next ones get a new one, of which nothing was ever read. */
	link_area_free(e->area);
	e->area = NULL;
}

static void drop(struct peer_link *p, const char *why)
{
	struct engine *e = p->engine;
	char name[ROLE_NAME];

	if (!p->on)
		return;
	role_format(p->role == ROLE_SESSION ? "session"
		    : p->role == ROLE_RPKI  ? "rpki"
					    : "api",
	    p->index, name);
	log_info("link_ended", "to=%s info=%s", name, why);
	loop_del(e->env->loop, &p->fd);
	if (p->role == ROLE_SESSION) {
		drop_session(p);
		return;
	}
	if (p->role == ROLE_API) {
		query_link_free(e->query);
		e->query = NULL;
		e->status_due = false;
	}
	link_free(p->link);
	p->link = NULL;
	p->on = false;
}

/* Journals are there as soon as the session's cursors are. */
static void attach(struct peer_link *p)
{
	struct exchange_out out = {send_record, p};
	size_t n, n_own;
	const struct feed_cursors *cursors;
	struct feed_shared *area;

	if (p->role != ROLE_SESSION || p->attached || !link_ready(p->link))
		return;
	area = link_extra(p->link, &n_own);
	cursors = link_peer_extra(p->link, &n);
	if (n < sizeof *cursors) {
		drop(p, "its area is too small");
		return;
	}
	exchange_attach_to(p->engine->exchange, p->index, area, n_own, cursors,
	    &out, clock_now_ns());
	p->attached = true;
}

static void on_bell(struct loop_fd *f, uint32_t events)
{
	struct peer_link *p = list_entry(f, struct peer_link, fd);
	struct engine *e = p->engine;
	int err = link_bell(p->link);

	(void)events;
	if (err) {
		drop(p, strerror(-err));
		return;
	}
	attach(p);
	loop_task_queue(e->env->loop, &e->turn);
}

static int new_link(struct engine *e, struct peer_link *p, int sock)
{
	size_t area = FEED_CHUNKS_AT + (size_t)POOL_CHUNKS * FEED_CHUNK;

	if (p->role == ROLE_API)
		return link_new(sock, API_RING, 0, &p->link);
	if (p->role == ROLE_RPKI) {
		view_restart(e->view);
		return link_new(sock, RPKI_RING, 0, &p->link);
	}
	int err = e->area ? 0 : link_area_new(area, &e->area);
	if (err) {
		close(sock);
		return err;
	}
	return link_new_shared(sock, SESSION_RING, e->area, &p->link);
}

static struct peer_link *link_to(struct engine *e, struct role_at other)
{
	if (other.role == ROLE_SESSION)
		return other.index < e->n_sessions ? &e->session[other.index]
						   : NULL;
	if (other.role == ROLE_RPKI)
		return &e->rpki;
	return other.role == ROLE_API ? &e->api : NULL;
}

static void take_link(struct role_env *env, struct role_at other, int sock)
{
	struct engine *e = env->state;
	struct peer_link *p = link_to(e, other);

	if (other.role == ROLE_MONITOR) {
		engine_monitor_link(&e->monitor, sock);
		return;
	}
	if (other.role == ROLE_REGISTRY) {
		engine_registry_link(&e->registry, sock);
		return;
	}
	if (!p) {
		close(sock);
		return;
	}
	drop(p, "replaced");
	p->engine = e;
	p->role = (enum role)other.role;
	p->index = other.index;
	int err = new_link(e, p, sock);
	if (err) {
		log_error("link_failed", "error=%s", strerror(-err));
		return;
	}
	p->fd = (struct loop_fd){
	    .fd = link_fd(p->link), .events = EPOLLIN, .ready = on_bell};
	p->on = true;
	err = loop_add(env->loop, &p->fd);
	if (!err && p->role == ROLE_API) {
		e->query = query_link_new(e->exchange, p->link);
		err = e->query ? 0 : -ENOMEM;
	}
	if (err)
		log_error("link_failed", "error=%s", strerror(-err));
	loop_task_queue(env->loop, &e->turn);
}

/* ---- the RPKI ----------------------------------------------------------- */

/* What the exchange is to go by from now on. */
static void prove(struct engine *e)
{
	const struct conf_rpki *c = &e->env->conf->rpki;
	bool has = c->n_cache && view_has_data(e->view);
	struct policy_proof p = {.cached = c->n_cache > 0};

	e->aspas = has && aspas_count(view_aspas(e->view)) > 0;
	for (size_t i = 0; i < c->n_cache; i++) {
		char addr[IP_TEXT];
		bool v6 = c->cache[i].addr.family == FAMILY_IPV6;

		snprintf(e->source[i], sizeof e->source[i], "%s%s%s:%u",
		    v6 ? "[" : "", ip_format(&c->cache[i].addr, addr),
		    v6 ? "]" : "", c->cache[i].port);
		p.source[i] = e->source[i];
	}
	if (has)
		p.vrps = view_vrps(e->view);
	else if (p.cached)
		p.no_vrps = "no cache has data that has not expired";
	if (e->aspas)
		p.aspas = view_aspas(e->view);
	else if (has)
		p.no_aspas = "no cache has ASPAs";
	else
		p.no_aspas = p.no_vrps;
	exchange_prove(e->exchange, &p, clock_now_ns());
}

static void rpki_event(struct engine *e, enum view_event event)
{
	struct view_changes c;

	switch (event) {
	case VIEW_ALL:
		log_info("rpki_data", "info=\"routes are checked\"");
		prove(e);
		break;
	case VIEW_NO_DATA:
		log_error("rpki_no_data",
		    "info=\"the data has expired: all routes are "
		    "unchecked\"");
		prove(e);
		break;
	case VIEW_CHANGES:
		if (e->aspas != (aspas_count(view_aspas(e->view)) > 0)) {
			prove(e);
			break;
		}
		c = view_changes(e->view);
		for (size_t i = 0; i < c.n_prefix; i++)
			exchange_vrp_changed(e->exchange, &c.prefix[i]);
		for (size_t i = 0; i < c.n_customer; i++)
			exchange_aspa_changed(e->exchange, c.customer[i]);
		break;
	case VIEW_BROKEN:
		log_warn("rpki_broken", "info=\"asking for all of it\"");
		if (e->rpki.on)
			(void)link_write(
			    e->rpki.link, RPKI_AGAIN, 0, 0, NULL, 0, NULL, 0);
		break;
	case VIEW_NOTHING:
		break;
	}
}

static bool read_rpki(struct engine *e)
{
	struct link_head h;
	uint64_t deadline = clock_now_ns() + TURN_NS;
	int n = 0;

	do {
		n = link_read(e->rpki.link, &h, record);
		if (n > 0)
			rpki_event(e, view_record(e->view, h.type, record,
					  h.len, clock_now_ns()));
	} while (n > 0 && clock_now_ns() < deadline);
	if (n < 0) {
		drop(&e->rpki, strerror(-n));
		return false;
	}
	return n > 0;
}

/* ---- questions ---------------------------------------------------------- */

#define VRPS_TEXT_MAX ((size_t)100 << 20)

/* The text, or list of VRPs, that the routes are to be judged by. */
static struct exchange_diff *take_diff(
    struct engine *e, uint32_t verb, const struct msg *m)
{
	bool vrps = verb == ROLE_ASK_DIFF_VRPS;
	struct exchange_diff *d = NULL;
	struct conf_error *errors = NULL;
	struct conf *c = NULL;
	size_t n_errors = 0;
	size_t n = 0;
	char *text;

	if (m->n_fds != 1 ||
	    msg_blob_read(
		m->fds[0], vrps ? VRPS_TEXT_MAX : CONF_TEXT_MAX, &text, &n))
		return NULL;
	if (vrps)
		d = exchange_diff_new(e->exchange, e->env->conf, text, n);
	else if (!conf_parse(text, n, &c, &errors, &n_errors))
		d = exchange_diff_new(e->exchange, c, NULL, 0);
	if (!vrps || !d)
		free(text);
	free(errors);
	conf_free(c);
	return d;
}

static void question(
    struct role_env *env, uint32_t id, uint32_t verb, const struct msg *m)
{
	struct engine *e = env->state;

	if (verb != ROLE_ASK_DIFF_ROUTES && verb != ROLE_ASK_DIFF_VRPS)
		return;
	if (!e->query)
		return; /* api has lost its link, and the question with it */
	query_link_diff(e->query, id, take_diff(e, verb, m));
	loop_task_queue(env->loop, &e->turn);
}

static void write_status(struct engine *e, struct json *j)
{
	struct exchange_stats s;

	exchange_stats(e->exchange, &s);
	json_open_object(j, NULL);
	json_u64(j, "uptime_s", (clock_now_ns() - e->started_ns) / NS_PER_S);
	for (int f = 0; f < FAMILY_COUNT; f++) {
		json_open_object(j, family_name((enum family)f));
		json_u64(j, "prefixes", s.rib.prefixes[f]);
		json_u64(j, "routes", s.rib.paths[f]);
		json_bool(j, "deferring", s.deferring[f]);
		json_close_object(j);
	}
	json_u64(j, "attribute_sets", s.rib.sets);
	json_u64(j, "attribute_bytes", s.rib.set_bytes);
	json_u64(j, "classes", s.classes);
	json_u64(j, "memory_bytes", s.memory_bytes);
	json_u64(j, "updates", s.updates);
	json_u64(j, "journal_chunks", s.chunks);
	json_u64(j, "journal_chunks_free", s.chunks_free);
	json_u64(j, "lagging_clients", s.laggards);
	json_u64(j, "left_behind", s.skips);
	json_bool(j, "judging", s.judging);
	json_close_object(j);
	json_newline(j);
}

/* False: no room, to be tried again. */
static bool answer_status(struct engine *e)
{
	char buf[2048];
	struct json j;

	json_init(&j, buf, sizeof buf);
	write_status(e, &j);
	must(json_ok(&j));
	if (link_room(e->api.link) < j.len + 256 ||
	    !link_write(e->api.link, QUERY_LINES, e->status_ask, 0, buf, j.len,
		NULL, 0))
		return false;
	return link_write(
	    e->api.link, QUERY_END, e->status_ask, 0, NULL, 0, NULL, 0);
}

static bool read_api(struct engine *e)
{
	struct link_head h;
	struct query q;
	int n = 0;

	for (int i = 0; i < 32 && !e->status_due; i++) {
		n = link_read(e->api.link, &h, record);
		if (n <= 0)
			break;
		if (query_link_record(e->query, &h, record))
			continue;
		if (h.type != QUERY_ASK || h.len != sizeof q)
			continue;
		memcpy(&q, record, sizeof q);
		e->status_ask = h.a;
		e->status_due = q.kind == QUERY_STATUS;
		if (!e->status_due)
			link_write(
			    e->api.link, QUERY_END, h.a, 1, NULL, 0, NULL, 0);
	}
	if (n < 0) {
		drop(&e->api, strerror(-n));
		return false;
	}
	if (e->status_due)
		e->status_due = !answer_status(e);
	return n > 0;
}

/* ---- a turn ------------------------------------------------------------- */

/* Takes a batch of records; true when there may be more at once. */
static bool read_session(struct engine *e, struct peer_link *p)
{
	struct link_head h = {.type = FEED_UPDATE};
	size_t bytes = 0;
	uint64_t now = clock_now_ns();
	uint64_t deadline = now + TURN_NS / e->n_sessions;
	size_t most = TURN_BYTES / e->n_sessions;
	int n = 0;

	for (unsigned i = 0; bytes < most; i++) {
		/* What is not a common UPDATE may have taken long. */
		if (i % 64 == 63 || h.type != FEED_UPDATE || h.len > BGP_MAX) {
			now = clock_now_ns();
			if (now > deadline)
				break;
		}
		if (!exchange_ready(e->exchange))
			break;
		n = link_read(p->link, &h, record);
		if (n <= 0)
			break;
		/* An instance speaks of its own sessions alone. */
		if (feed_instance(h.a, e->n_sessions) != p->index) {
			n = -EPROTO;
			break;
		}
		bytes += h.len;
		exchange_record(
		    e->exchange, h.type, h.a, h.b, record, h.len, now);
	}
	if (n < 0) {
		drop(p, strerror(-n));
		return false;
	}
	return n > 0;
}

static void set_timer(struct engine *e)
{
	uint64_t due = exchange_due(e->exchange);
	uint64_t expires = view_due(e->view);

	if (expires < due)
		due = expires;

	if (due == UINT64_MAX)
		loop_timer_stop(e->env->loop, &e->timer);
	else
		loop_timer_set(e->env->loop, &e->timer, due);
}

static void turn(struct loop_task *t)
{
	struct engine *e = list_entry(t, struct engine, turn);
	bool more = false;

	for (unsigned i = 0; i < e->n_sessions; i++)
		if (e->session[i].attached)
			more |= read_session(e, &e->session[i]);
	if (e->rpki.on && read_rpki(e))
		more = true;
	rpki_event(e, view_tick(e->view, clock_now_ns()));
	more |= engine_registry_read(&e->registry);
	if (more && exchange_gathers(e->exchange, clock_now_ns())) {
		for (unsigned i = 0; i < e->n_sessions; i++)
			if (e->session[i].on)
				link_flush(e->session[i].link, false);
		loop_task_queue(e->env->loop, &e->turn);
		return;
	}
	bool news = exchange_flush(e->exchange, clock_now_ns());
	more |= exchange_work(e->exchange, clock_now_ns(), SLICE_NS);
	news |= exchange_flush(e->exchange, clock_now_ns());
	for (unsigned i = 0; i < e->n_sessions; i++)
		if (e->session[i].on)
			link_flush(e->session[i].link, news);
	if (e->rpki.on)
		link_flush(e->rpki.link, false);
	if (e->api.on && read_api(e))
		more = true;
	if (e->api.on) {
		more |= query_link_work(e->query, QUERY_NS);
		link_flush(e->api.link, false);
	}
	engine_monitor_flush(&e->monitor);
	set_timer(e);
	if (more && exchange_ready(e->exchange))
		loop_task_queue(e->env->loop, &e->turn);
}

static void on_timer(struct loop_timer *t)
{
	struct engine *e = list_entry(t, struct engine, timer);

	loop_task_queue(e->env->loop, &e->turn);
}

/* Records that must wait for room in the journals are no reason to stay up. */
static bool before_sleep(void *arg)
{
	struct engine *e = arg;
	bool session = true;

	for (unsigned i = 0; i < e->n_sessions; i++)
		if (e->session[i].on && !link_sleep(e->session[i].link))
			session = false;
	session = session || !exchange_ready(e->exchange);
	bool api = !e->api.on || link_sleep(e->api.link);
	bool monitor = engine_monitor_sleep(&e->monitor);
	bool registry = engine_registry_sleep(&e->registry);

	api = (!e->rpki.on || link_sleep(e->rpki.link)) && api;
	if (!session || !api || !monitor || !registry)
		loop_task_queue(e->env->loop, &e->turn);
	return session && api && monitor && registry;
}

static void after_sleep(void *arg)
{
	struct engine *e = arg;

	for (unsigned i = 0; i < e->n_sessions; i++)
		if (e->session[i].on)
			link_wake(e->session[i].link);
	if (e->api.on)
		link_wake(e->api.link);
	engine_monitor_wake(&e->monitor);
	if (e->rpki.on)
		link_wake(e->rpki.link);
	engine_registry_wake(&e->registry);
}

static int start(struct role_env *env, const struct role_conf *rc)
{
	struct engine *e = calloc(1, sizeof *e);

	if (!e)
		return -ENOMEM;
	e->env = env;
	e->started_ns = clock_now_ns();
	e->n_sessions = env->conf->exchange.sessions;
	e->turn.run = turn;
	e->timer.fire = on_timer;
	e->view = view_new();
	if (!e->view) {
		free(e);
		return -ENOMEM;
	}
	int err = exchange_new(
	    env->conf, rc->restarting, e->started_ns, &e->exchange);
	if (err) {
		view_free(e->view);
		free(e);
		return err;
	}
	env->state = e;
	e->monitor = (struct engine_monitor){
	    .loop = env->loop, .exchange = e->exchange, .turn = &e->turn};
	engine_monitor_conf(&e->monitor, env->conf);
	prove(e);
	e->registry = (struct engine_registry){
	    .loop = env->loop, .exchange = e->exchange, .turn = &e->turn};
	loop_on_sleep(env->loop, before_sleep, after_sleep, e);
	return 0;
}

static void reload(struct role_env *env, const struct conf *old)
{
	struct engine *e = env->state;
	int err = exchange_reload(e->exchange, env->conf, clock_now_ns());

	(void)old;
	if (err)
		log_error("reload_failed", "error=%s", strerror(-err));
	prove(e);
	engine_monitor_conf(&e->monitor, env->conf);
	loop_task_queue(env->loop, &e->turn);
}

static void stop(struct role_env *env)
{
	loop_stop(env->loop);
}

const struct role_ops role_engine = {
    .name = "engine",
    .start = start,
    .reload = reload,
    .link = take_link,
    .question = question,
    .stop = stop,
};

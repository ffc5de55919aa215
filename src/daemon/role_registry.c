/*
 * The registry role: runs bgpq4, or reads its files, for what the routing
 * registries say of members, keeps the last good answers, and hands them to
 * the engines.  The only role that starts programs; it sees no route.
 */
#include "daemon/role.h"

#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"
#include "daemon/registry_objects.h"
#include "daemon/registry_store.h"
#include "daemon/sandbox.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <unistd.h>

#define ENGINE_RING ((size_t)1 << 20)
#define LINES_MAX ((size_t)8 << 20) /* of one answer */
#define LINE 2048

struct peer {
	struct loop_fd fd; /* first: the loop gives it back */
	struct registry_role *role;
	struct link *link; /* NULL: none */
	struct role_at at;
	struct store_reader reader; /* engines: the set on its way */
};

struct registry_role {
	struct role_env *env;
	struct objects objects;
	struct peer engine[ROLE_INSTANCES];
	struct loop_task turn;
	bool ready; /* the directory of the kept sets has come */
};

static uint8_t record[LINK_RECORD_MAX];

static void drop(struct peer *p)
{
	if (!p->link)
		return;
	loop_del(p->role->env->loop, &p->fd);
	link_free(p->link);
	p->link = NULL;
	store_close(&p->reader);
}

/* ---- to the engines --------------------------------------------------------
 */

static bool next_set(struct registry_role *r, struct peer *p)
{
	uint32_t bit = 1u << p->at.index;

	for (size_t i = 0; i < r->objects.n; i++) {
		struct object *x = &r->objects.v[i];

		if (!x->known || !(x->news & bit))
			continue;
		x->news &= ~bit;
		if (!store_open(r->objects.dir, x->name, &p->reader))
			return true;
	}
	return false;
}

/* Records as the ring has room; the engine rings when it has made some. */
static void feed(struct registry_role *r, struct peer *p)
{
	struct link_head h;

	/* Engines say nothing here. */
	while (link_read(p->link, &h, record) > 0)
		;
	while (link_room(p->link) >= REGISTRY_RECORD_MAX + 64) {
		if (!p->reader.file && !next_set(r, p))
			break;
		if (!store_next(&p->reader)) {
			store_close(&p->reader);
			continue;
		}
		if (!link_write(p->link, p->reader.type, 0, 0, p->reader.buf,
			p->reader.n, NULL, 0))
			break;
		if (p->reader.type == REGISTRY_END)
			store_close(&p->reader);
	}
	link_flush(p->link, false);
}

/* ---- questions -------------------------------------------------------------
 */

static void write_time(struct json *j, const char *key, uint64_t s)
{
	time_t t = (time_t)s;
	char text[32];
	struct tm tm;

	if (!s || !gmtime_r(&t, &tm) ||
	    !strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &tm))
		json_null(j, key);
	else
		json_string(j, key, text);
}

static void write_members(
    const struct registry_role *r, const struct object *x, struct json *j)
{
	const struct conf *c = r->env->conf;
	uint32_t last = 0;

	json_open_list(j, "member_asns");
	for (size_t i = 0; i < c->n_member; i++) {
		char name[REGISTRY_OBJECT];

		registry_object_of(&c->member[i], name);
		if (strcasecmp(name, x->name) != 0 || c->member[i].asn == last)
			continue;
		last = c->member[i].asn;
		if (j->len + 256 < j->cap) /* many may share one */
			json_u64(j, NULL, last);
	}
	json_close_list(j);
}

static void write_object(
    const struct registry_role *r, const struct object *x, struct json *j)
{
	uint64_t now = clock_now_ns();
	uint64_t wall = (uint64_t)clock_wall_s();
	bool old = x->known && x->failures;

	json_open_object(j, NULL);
	json_string(j, "object", x->name);
	json_string(j, "state", !x->known ? "pending" : old ? "kept" : "good");
	if (x->known) {
		json_string(j, "source", x->source);
		write_time(j, "fetched", x->fetched_s);
		json_u64(
		    j, "age_s", wall > x->fetched_s ? wall - x->fetched_s : 0);
	} else {
		json_null(j, "source");
		json_null(j, "fetched");
		json_null(j, "age_s");
	}
	json_u64(j, "ipv4_prefixes", x->count[FAMILY_IPV4]);
	json_u64(j, "ipv6_prefixes", x->count[FAMILY_IPV6]);
	json_u64(j, "origins", x->origins);
	json_u64(
	    j, "next_s", x->due_ns > now ? (x->due_ns - now) / NS_PER_S : 0);
	json_u64(j, "failures", x->failures);
	json_string(j, "error", x->error[0] ? x->error : NULL);
	write_members(r, x, j);
	json_close_object(j);
	json_newline(j);
}

/* Goes back by way of the parent. */
static void question(
    struct role_env *env, uint32_t id, uint32_t verb, const struct msg *m)
{
	struct registry_role *r = env->state;
	size_t cap = (r->objects.n + 1) * LINE;
	char *buf = malloc(cap < LINES_MAX ? cap : LINES_MAX);
	struct json j;

	(void)verb;
	(void)m;
	if (!buf)
		return;
	json_init(&j, buf, cap < LINES_MAX ? cap : LINES_MAX);
	for (size_t i = 0; i < r->objects.n && j.len + LINE < j.cap; i++)
		write_object(r, &r->objects.v[i], &j);
	json_open_object(&j, NULL);
	json_bool(&j, "end", true);
	json_u64(&j, "exit", 0);
	json_close_object(&j);
	json_newline(&j);
	int fd = msg_blob("spean-reply", buf, j.len);
	free(buf);
	if (fd < 0) {
		log_error("reply_failed", "error=%s", strerror(-fd));
		return;
	}
	role_send(env, ROLE_REPLY, id, NULL, 0, fd);
	close(fd);
}

/* ---- links -----------------------------------------------------------------
 */

static void turn(struct loop_task *t)
{
	struct registry_role *r = list_entry(t, struct registry_role, turn);

	for (unsigned i = 0; i < ROLE_INSTANCES; i++)
		if (r->engine[i].link && link_ready(r->engine[i].link))
			feed(r, &r->engine[i]);
}

static void on_bell(struct loop_fd *f, uint32_t events)
{
	struct peer *p = list_entry(f, struct peer, fd);

	(void)events;
	if (link_bell(p->link))
		drop(p);
	else
		loop_task_queue(p->role->env->loop, &p->role->turn);
}

static void take_link(struct role_env *env, struct role_at other, int sock)
{
	struct registry_role *r = env->state;

	if (other.role != ROLE_ENGINE || other.index >= ROLE_INSTANCES) {
		close(sock);
		return;
	}
	struct peer *p = &r->engine[other.index];
	drop(p);
	p->role = r;
	p->at = other;
	int err = link_new(sock, ENGINE_RING, 0, &p->link);
	if (err) {
		log_error("link_failed", "error=%s", strerror(-err));
		p->link = NULL;
		return;
	}
	p->fd = (struct loop_fd){
	    .fd = link_fd(p->link), .events = EPOLLIN, .ready = on_bell};
	if (loop_add(env->loop, &p->fd)) {
		link_free(p->link);
		p->link = NULL;
		return;
	}
	/* A new one knows nothing. */
	objects_news(&r->objects, 1u << other.index);
	loop_task_queue(env->loop, &r->turn);
}

static bool all_sleep(void *arg)
{
	struct registry_role *r = arg;
	bool sleep = true;

	for (unsigned i = 0; i < ROLE_INSTANCES; i++)
		if (r->engine[i].link && !link_sleep(r->engine[i].link))
			sleep = false;
	if (!sleep)
		loop_task_queue(r->env->loop, &r->turn);
	return sleep;
}

static void all_wake(void *arg)
{
	struct registry_role *r = arg;

	for (unsigned i = 0; i < ROLE_INSTANCES; i++)
		if (r->engine[i].link)
			link_wake(r->engine[i].link);
}

/* ---- the role --------------------------------------------------------------
 */

static void changed(void *arg)
{
	struct registry_role *r = arg;

	loop_task_queue(r->env->loop, &r->turn);
}

static int start(struct role_env *env, const struct role_conf *rc)
{
	struct registry_role *r = calloc(1, sizeof *r);

	(void)rc;
	if (!r)
		return -ENOMEM;
	r->env = env;
	r->turn.run = turn;
	env->state = r;
	loop_on_sleep(env->loop, all_sleep, all_wake, r);
	return 0;
}

static void take_conf(struct registry_role *r)
{
	int err = objects_conf(&r->objects, r->env->conf);

	if (err)
		log_error("registry_conf", "error=%s", strerror(-err));
}

/* The directory of the kept sets: from then on no other can be written. */
static void take_dir(struct role_env *env, const int *fds, int n)
{
	struct registry_role *r = env->state;

	if (n != 1 || r->ready) {
		for (int i = 0; i < n; i++)
			close(fds[i]);
		return;
	}
	int err = sandbox_landlock_registry(fds[0]);
	if (err && err != -ENOSYS && err != -EOPNOTSUPP) {
		log_error("sandbox_failed", "error=%s", strerror(-err));
		loop_stop(env->loop);
		return;
	}
	objects_init(&r->objects, env->loop, fds[0], changed, r);
	r->ready = true;
	take_conf(r);
}

static void reload(struct role_env *env, const struct conf *old)
{
	struct registry_role *r = env->state;

	(void)old;
	if (r->ready)
		take_conf(r);
}

static void stop(struct role_env *env)
{
	loop_stop(env->loop);
}

static void finish(struct role_env *env)
{
	struct registry_role *r = env->state;

	if (!r)
		return;
	if (r->ready)
		objects_done(&r->objects);
	free(r);
}

const struct role_ops role_registry = {
    .name = "registry",
    .start = start,
    .reload = reload,
    .listen = take_dir,
    .link = take_link,
    .question = question,
    .stop = stop,
    .finish = finish,
};

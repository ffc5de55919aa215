/*
 * The rpki role: connections to the RPKI caches, and what counts of their
 * data, handed to every engine (rpki/supply.h).  Sees no route and no member;
 * the network that it may reach is the caches'.
 */
#include "daemon/rpki.h"

#include "base/clock.h"
#include "base/log.h"
#include "daemon/files.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define RING ((size_t)1 << 20)

static uint8_t record[LINK_RECORD_MAX];

/* ---- what counts --------------------------------------------------------- */

/* The latest time at which data that counts now still does. */
static uint64_t until(const struct rpki *r)
{
	uint16_t active = merge_active(r->merge);
	uint64_t ns = 0;

	for (unsigned i = 0; i < r->n_cache; i++) {
		struct cache_info info;

		if (!(active & 1u << i))
			continue;
		cache_info(r->cache[i].cache, &info);
		if (info.expires_ns > ns)
			ns = info.expires_ns;
	}
	return ns;
}

static void alarm_about(struct rpki *r)
{
	uint16_t active = merge_active(r->merge);

	if (!active == !r->active || !r->n_cache) {
		r->active = active;
		return;
	}
	r->active = active;
	if (active)
		log_info("rpki_data", "caches=%#x info=\"routes are checked\"",
		    active);
	else
		log_error("rpki_no_data",
		    "info=\"no cache has data that has not expired: all "
		    "routes are unchecked\"");
}

void rpki_settle(struct rpki *r)
{
	struct merge_sink sink = supply_open(r->supply);
	uint64_t begin = clock_now_ns();
	struct merge_count n;

	if (merge_settle(r->merge, (uint32_t)clock_wall_s(), &sink))
		log_error("rpki_memory", "info=\"not all changes are in\"");
	bool changed = supply_close(r->supply);
	/* Engines that have nothing any more need all of it. */
	if (!r->active && merge_active(r->merge))
		supply_again(r->supply);
	supply_set_until(r->supply, until(r));
	alarm_about(r);
	merge_total(r->merge, &n);
	if (changed)
		log_info("rpki_settled", "vrps=%zu aspas=%zu ms=%llu",
		    n.vrps[FAMILY_IPV4] + n.vrps[FAMILY_IPV6], n.aspas,
		    (unsigned long long)((clock_now_ns() - begin) / NS_PER_MS));
	loop_task_queue(r->env->loop, &r->pump);
}

/* ---- links --------------------------------------------------------------- */

static void drop_link(struct rpki_link *l)
{
	if (!l->link)
		return;
	supply_link_free(l->out);
	loop_del(l->rpki->env->loop, &l->fd);
	link_free(l->link);
	l->link = NULL;
	l->out = NULL;
	l->asked = false;
}

static void read_link(struct rpki_link *l)
{
	struct link_head h;
	int n = 0;

	for (int i = 0; i < 64; i++) {
		if (l->asked) /* its answer waits for room */
			return;
		n = link_read(l->link, &h, record);
		if (n <= 0)
			break;
		if (l->out && h.type == RPKI_AGAIN) {
			log_warn("rpki_again", "engine=%u", l->index);
			supply_link_again(l->out);
		} else if (!l->out) {
			rpki_question(l, &h, record);
		}
	}
	if (n < 0) {
		log_warn("link_broken", "error=%s", strerror(-n));
		drop_link(l);
	}
}

static void pump(struct loop_task *t)
{
	struct rpki *r = list_entry(t, struct rpki, pump);

	for (size_t i = 0; i < ARRAY_SIZE(r->link); i++) {
		struct rpki_link *l = &r->link[i];

		if (!l->link)
			continue;
		if (l->asked)
			rpki_answer(l);
		read_link(l);
		if (l->link && l->out)
			supply_push(l->out);
		if (l->link)
			link_flush(l->link, false);
	}
}

static void bell(struct loop_fd *f, uint32_t events)
{
	struct rpki_link *l = list_entry(f, struct rpki_link, fd);

	(void)events;
	if (link_bell(l->link))
		drop_link(l);
	else
		loop_task_queue(l->rpki->env->loop, &l->rpki->pump);
}

static void take_link(struct role_env *env, struct role_at other, int sock)
{
	struct rpki *r = env->state;
	struct rpki_link *l = NULL;

	if (other.role == ROLE_ENGINE && other.index < ROLE_INSTANCES)
		l = &r->link[1 + other.index];
	else if (other.role == ROLE_API)
		l = &r->link[0];
	if (!l) {
		close(sock);
		return;
	}
	drop_link(l);
	*l = (struct rpki_link){.rpki = r, .index = other.index};
	int err = link_new(sock, RING, 0, &l->link);
	if (err) {
		log_error("link_failed", "error=%s", strerror(-err));
		return;
	}
	l->fd = (struct loop_fd){
	    .fd = link_fd(l->link), .events = EPOLLIN, .ready = bell};
	err = loop_add(env->loop, &l->fd);
	if (!err && other.role == ROLE_ENGINE) {
		l->out = supply_link_new(r->supply, l->link);
		err = l->out ? 0 : -ENOMEM;
	}
	if (err) {
		log_error("link_failed", "error=%s", strerror(-err));
		drop_link(l);
	}
	loop_task_queue(env->loop, &r->pump);
}

static bool before_sleep(void *arg)
{
	struct rpki *r = arg;
	bool sleep = true;

	for (size_t i = 0; i < ARRAY_SIZE(r->link); i++)
		if (r->link[i].link && !link_sleep(r->link[i].link))
			sleep = false;
	if (!sleep)
		loop_task_queue(r->env->loop, &r->pump);
	return sleep;
}

static void after_sleep(void *arg)
{
	struct rpki *r = arg;

	for (size_t i = 0; i < ARRAY_SIZE(r->link); i++)
		if (r->link[i].link)
			link_wake(r->link[i].link);
}

/* ---- configuration ------------------------------------------------------- */

static struct rpki_cache *find(
    struct rpki_cache *all, size_t n, const struct conf_cache *c)
{
	for (size_t i = 0; i < n; i++)
		if (all[i].cache && ip_eq(&all[i].conf.addr, &c->addr) &&
		    all[i].conf.port == c->port)
			return &all[i];
	return NULL;
}

/* ---- files -------------------------------------------------------------- */

bool rpki_file(const struct rpki_files *f, const char *path, struct bytes *ret,
    char why[STREAM_ERROR])
{
	struct rd r = rd_from(f->text, f->n);

	while (rd_left(&r)) {
		uint32_t n_path = rd_u32(&r), n = rd_u32(&r), err = rd_u32(&r);
		struct rd name = rd_sub(&r, n_path), text = rd_sub(&r, n);

		if (!rd_ok(&r))
			break;
		if (n_path != strlen(path) || memcmp(name.p, path, n_path))
			continue;
		if (!err) {
			*ret = (struct bytes){text.p, n};
			return true;
		}
		snprintf(why, STREAM_ERROR, "cannot read %s: %s", path,
		    strerror((int)err));
		return false;
	}
	snprintf(why, STREAM_ERROR, "cannot read %s", path);
	return false;
}

static void take_files(struct rpki *r)
{
	char *text = NULL;
	size_t n = 0;
	int fd = r->env->files;

	if (fd >= 0 && msg_blob_read(fd, FILES_MAX, &text, &n))
		log_error("files_refused", "info=\"the TLS files are lost\"");
	free(r->files.text);
	r->files = (struct rpki_files){text, n};
}

/* Caches that stay keep their connection and their data. */
static int take_conf(struct rpki *r, const struct conf *conf)
{
	static struct rpki_cache old[RPKI_CACHES];
	unsigned to[RPKI_CACHES];
	size_t n_old = r->n_cache;
	int err = 0;

	take_files(r);
	for (size_t i = 0; i < n_old; i++)
		rpki_cache_leave(&r->cache[i]);
	memcpy(old, r->cache, sizeof old);
	memset(r->cache, 0, sizeof r->cache);
	r->n_cache = 0;
	for (unsigned i = 0; i < RPKI_CACHES; i++)
		to[i] = RPKI_CACHES;
	for (size_t i = 0; i < conf->rpki.n_cache; i++) {
		const struct conf_cache *c = &conf->rpki.cache[i];
		struct rpki_cache *was = find(old, n_old, c);
		struct rpki_cache *now = &r->cache[r->n_cache];

		if (was) {
			*now = *was;
			to[was - old] = r->n_cache;
			was->cache = NULL;
		}
		err = rpki_cache_enter(r, now, c);
		if (err)
			break;
		r->n_cache++;
	}
	for (size_t i = 0; i < n_old; i++)
		if (old[i].cache)
			rpki_cache_free(&old[i]);
	merge_renumber(r->merge, to);
	for (unsigned i = 0; i < r->n_cache; i++)
		merge_set_preference(r->merge, i, r->cache[i].conf.preference);
	supply_again(r->supply);
	rpki_settle(r);
	return err;
}

static int start(struct role_env *env, const struct role_conf *rc)
{
	struct rpki *r = calloc(1, sizeof *r);

	(void)rc;
	if (!r)
		return -ENOMEM;
	r->env = env;
	r->pump.run = pump;
	r->merge = merge_new();
	r->supply = r->merge ? supply_new(r->merge) : NULL;
	env->state = r;
	if (!r->supply)
		return -ENOMEM;
	loop_on_sleep(env->loop, before_sleep, after_sleep, r);
	return take_conf(r, env->conf);
}

static void reload(struct role_env *env, const struct conf *old)
{
	struct rpki *r = env->state;
	int err = take_conf(r, env->conf);

	(void)old;
	if (err)
		log_error("reload_failed", "error=%s", strerror(-err));
}

static void stop(struct role_env *env)
{
	loop_stop(env->loop);
}

static void finish(struct role_env *env)
{
	struct rpki *r = env->state;

	if (!r)
		return;
	for (size_t i = 0; i < ARRAY_SIZE(r->link); i++)
		drop_link(&r->link[i]);
	for (unsigned i = 0; i < r->n_cache; i++) {
		rpki_cache_leave(&r->cache[i]);
		rpki_cache_free(&r->cache[i]);
	}
	supply_free(r->supply);
	merge_free(r->merge);
	free(r->files.text);
	free(r);
}

const struct role_ops role_rpki = {
    .name = "rpki",
    .start = start,
    .reload = reload,
    .link = take_link,
    .stop = stop,
    .finish = finish,
};

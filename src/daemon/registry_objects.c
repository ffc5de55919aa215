#include "daemon/registry_objects.h"

#include "base/clock.h"
#include "base/log.h"
#include "daemon/registry_store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#define RETRY_NS (30 * NS_PER_S) /* doubled with each failure in a row */
#define LOOK_NS (30 * NS_PER_S)	 /* at files */

static int by_name(const void *a, const void *b)
{
	return strcasecmp(
	    ((const struct object *)a)->name, ((const struct object *)b)->name);
}

static struct object *find(const struct objects *o, const char *name)
{
	struct object want;

	snprintf(want.name, sizeof want.name, "%s", name);
	return o->n ? bsearch(&want, o->v, o->n, sizeof want, by_name) : NULL;
}

static void set_timer(struct objects *o)
{
	uint64_t due = UINT64_MAX;

	for (size_t i = 0; i < o->n; i++)
		if (o->v[i].due_ns < due)
			due = o->v[i].due_ns;
	if (due == UINT64_MAX || o->fetch || o->n_checked < o->n)
		loop_timer_stop(o->loop, &o->timer);
	else
		loop_timer_set(o->loop, &o->timer, due);
}

static uint64_t refresh_ns(const struct objects *o)
{
	return o->conf->registry.refresh_s * NS_PER_S;
}

static bool from_files(const struct objects *o)
{
	return o->conf->registry.files[0];
}

/* ---- the end of a question ----------------------------------------------- */

static void failed(struct objects *o, struct object *x, const char *why)
{
	uint64_t wait = RETRY_NS;
	char quoted[FETCH_WHY + 8];

	for (unsigned i = 0; i < x->failures && wait < refresh_ns(o); i++)
		wait *= 2;
	if (wait > refresh_ns(o))
		wait = refresh_ns(o);
	x->failures++;
	snprintf(x->error, sizeof x->error, "%s", why);
	x->due_ns = clock_now_ns() + wait;
	log_warn("registry_failed", "object=%s kept=%s error=%s", x->name,
	    x->known ? "true" : "false", log_quote(quoted, sizeof quoted, why));
}

/* An answer that lacks what there was before is no answer. */
static const char *lacks(
    const struct object *x, const struct registry_list *l, char *buf, size_t n)
{
	if (!l->n_prefix || !l->n_origin)
		return "an empty answer";
	for (enum family f = 0; x->known && f < FAMILY_COUNT; f++) {
		if (l->count[f] || !x->count[f])
			continue;
		snprintf(buf, n, "no %s prefix any more, where there were %zu",
		    family_name(f), x->count[f]);
		return buf;
	}
	return NULL;
}

static void keep(struct objects *o, struct object *x,
    const struct registry_list *l, const char *source)
{
	struct registry_head h = {.fetched_s = (uint64_t)clock_wall_s()};
	char buf[96];
	const char *why = lacks(x, l, buf, sizeof buf);

	memcpy(h.object, x->name, sizeof h.object);
	snprintf(h.source, sizeof h.source, "%s", source);
	if (!why) {
		int err = store_write(o->dir, &h, l);

		if (err) {
			snprintf(buf, sizeof buf, "it cannot be kept: %s",
			    strerror(-err));
			why = buf;
		}
	}
	if (why) {
		failed(o, x, why);
		return;
	}
	x->known = true;
	x->failures = 0;
	x->error[0] = 0;
	x->fetched_s = h.fetched_s;
	memcpy(x->source, h.source, sizeof x->source);
	memcpy(x->count, l->count, sizeof x->count);
	x->origins = l->n_origin;
	x->due_ns = clock_now_ns() + (from_files(o) ? LOOK_NS : refresh_ns(o));
	x->news = UINT32_MAX;
	log_info("registry_refreshed",
	    "object=%s ipv4=%zu ipv6=%zu origins=%zu", x->name,
	    l->count[FAMILY_IPV4], l->count[FAMILY_IPV6], l->n_origin);
	o->changed(o->arg);
}

static void fetched(
    void *arg, int err, const char *why, struct registry_list *list)
{
	struct objects *o = arg;
	const struct conf_registry *c = &o->conf->registry;
	struct object *x = find(o, o->asked);
	char source[REGISTRY_SOURCE];

	o->fetch = NULL;
	snprintf(source, sizeof source, "bgpq4%s%.80s%s%.30s",
	    c->server[0] ? " " : "", c->server, c->sources[0] ? " " : "",
	    c->sources);
	if (x && err)
		failed(o, x, why);
	else if (x)
		keep(o, x, list, source);
	if (list)
		registry_list_free(list);
	set_timer(o);
}

/* ---- files ----------------------------------------------------------------
 */

static const char *const endings[] = {
    [REGISTRY_IPV4] = "ipv4",
    [REGISTRY_IPV6] = "ipv6",
    [REGISTRY_ORIGINS] = "asn",
};

static void file_of(const struct objects *o, const struct object *x,
    enum registry_kind kind, char *to, size_t n)
{
	snprintf(to, n, "%s/%s.%s.json", o->conf->registry.files, x->name,
	    endings[kind]);
}

/* Changes with any of the files. */
static uint64_t look_at_files(const struct objects *o, const struct object *x)
{
	uint64_t sum = 1;

	for (unsigned k = 0; k <= REGISTRY_ORIGINS; k++) {
		char path[CONF_FILE + REGISTRY_OBJECT + 16];
		struct stat st;

		file_of(o, x, (enum registry_kind)k, path, sizeof path);
		if (stat(path, &st))
			st = (struct stat){0};
		sum = sum * 31 + (uint64_t)st.st_mtim.tv_sec;
		sum = sum * 31 + (uint64_t)st.st_mtim.tv_nsec;
		sum = sum * 31 + (uint64_t)st.st_size;
		sum = sum * 31 + (uint64_t)st.st_ino;
	}
	return sum;
}

static char *read_file(const char *path, size_t *ret_n)
{
	struct stat st;
	/* A FIFO must not make us wait. */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	FILE *f = fd < 0 ? NULL : fdopen(fd, "r");
	char *text = NULL;
	int err = 0;

	if (!f) {
		err = errno;
		if (fd >= 0)
			close(fd);
		errno = err;
		return NULL;
	}
	if (fstat(fd, &st))
		err = errno;
	else if (!S_ISREG(st.st_mode))
		err = EINVAL;
	else if ((uint64_t)st.st_size > FETCH_BYTES)
		err = EFBIG;
	if (!err)
		text = malloc((size_t)st.st_size + 1);
	if (text)
		*ret_n = fread(text, 1, (size_t)st.st_size, f);
	else if (!err)
		err = ENOMEM;
	fclose(f);
	errno = err;
	return text;
}

static bool read_kind(const struct objects *o, const struct object *x,
    enum registry_kind kind, struct registry_list *l, char why[FETCH_WHY])
{
	char path[CONF_FILE + REGISTRY_OBJECT + 16];
	char said[96] = "";
	size_t n = 0;

	file_of(o, x, kind, path, sizeof path);
	char *text = read_file(path, &n);
	if (!text) {
		/* Many have no IPv6, or no IPv4. */
		if (errno == ENOENT && kind != REGISTRY_ORIGINS)
			return true;
		snprintf(why, FETCH_WHY, "%s.%s.json: %s", x->name,
		    endings[kind], strerror(errno));
		return false;
	}
	int err = registry_read_bgpq4(text, n, kind, l, said, sizeof said);
	free(text);
	if (err)
		snprintf(why, FETCH_WHY, "%s.%s.json: %.80s", x->name,
		    endings[kind], said[0] ? said : strerror(-err));
	return !err;
}

static void read_files(struct objects *o, struct object *x)
{
	uint64_t now = look_at_files(o, x);
	struct registry_list l = {0};
	char why[FETCH_WHY];
	char source[REGISTRY_SOURCE];
	bool good = true;

	if (x->known && now == x->files) {
		x->due_ns = clock_now_ns() + LOOK_NS;
		return;
	}
	for (unsigned k = 0; good && k <= REGISTRY_ORIGINS; k++)
		good = read_kind(o, x, (enum registry_kind)k, &l, why);
	snprintf(
	    source, sizeof source, "files in %.100s", o->conf->registry.files);
	if (good)
		keep(o, x, &l, source);
	else
		failed(o, x, why);
	if (!x->failures)
		x->files = now;
	else if (x->due_ns > clock_now_ns() + LOOK_NS)
		x->due_ns = clock_now_ns() + LOOK_NS;
	registry_list_free(&l);
}

/* ---- the beginning of one --------------------------------------------------
 */

static void ask(struct objects *o, struct object *x)
{
	const struct conf_registry *c = &o->conf->registry;
	struct fetch_ask a = {
	    .object = o->asked,
	    .program = c->bgpq4,
	    .server = c->server,
	    .sources = c->sources,
	    .more_specifics = c->more_specifics,
	    .timeout_s = c->timeout_s,
	};

	memcpy(o->asked, x->name, sizeof o->asked);
	int err = fetch_start(o->loop, &a, fetched, o, &o->fetch);
	if (err)
		failed(o, x, strerror(-err));
}

static void due(struct loop_timer *t)
{
	struct objects *o = list_entry(t, struct objects, timer);
	uint64_t now = clock_now_ns();
	struct object *first = NULL;

	for (size_t i = 0; i < o->n; i++)
		if (o->v[i].due_ns <= now &&
		    (!first || o->v[i].due_ns < first->due_ns))
			first = &o->v[i];
	if (first && !o->fetch) {
		if (from_files(o))
			read_files(o, first);
		else
			ask(o, first);
	}
	set_timer(o);
}

/* ---- what is kept ----------------------------------------------------------
 */

/* Reads the kept set once through: is it whole? */
static struct registry_set *read_kept(const struct objects *o, const char *name)
{
	static struct store_reader r;
	struct registry_taker t = {0};
	struct registry_set *s = NULL;

	if (store_open(o->dir, name, &r))
		return NULL;
	while (!s && store_next(&r))
		if (registry_take(&t, r.type, rd_from(r.buf, r.n), &s) < 0)
			break;
	store_close(&r);
	registry_taker_done(&t);
	return s;
}

static void check_one(struct objects *o, struct object *x)
{
	struct registry_set *s = read_kept(o, x->name);
	uint64_t age_s = 0;
	int64_t now_s = clock_wall_s();

	x->due_ns = clock_now_ns();
	if (!s)
		return;
	const struct registry_head *h = registry_set_head(s);
	x->known = true;
	x->fetched_s = h->fetched_s;
	memcpy(x->source, h->source, sizeof x->source);
	for (enum family f = 0; f < FAMILY_COUNT; f++)
		x->count[f] = registry_set_prefixes(s, f);
	x->origins = registry_set_origins(s);
	registry_set_unref(s);
	if (now_s > 0 && (uint64_t)now_s > x->fetched_s)
		age_s = (uint64_t)now_s - x->fetched_s;
	if (!from_files(o) && age_s < o->conf->registry.refresh_s)
		x->due_ns += (o->conf->registry.refresh_s - age_s) * NS_PER_S;
	x->news = UINT32_MAX;
	o->changed(o->arg);
}

/* One a turn: a large set takes some tens of milliseconds. */
static void check(struct loop_task *t)
{
	struct objects *o = list_entry(t, struct objects, check);

	if (o->n_checked < o->n) {
		struct object *x = &o->v[o->n_checked++];

		if (!x->known)
			check_one(o, x);
	}
	if (o->n_checked < o->n)
		loop_task_queue(o->loop, t);
	else
		set_timer(o);
}

/* ---- configuration ---------------------------------------------------------
 */

void objects_init(struct objects *o, struct loop *loop, int dir,
    void (*changed)(void *arg), void *arg)
{
	*o = (struct objects){.loop = loop,
	    .dir = dir,
	    .changed = changed,
	    .arg = arg,
	    .check = {.run = check},
	    .timer = {.fire = due}};
}

/* Other questions than before: everything is asked again. */
static bool asks_otherwise(
    const struct conf_registry *a, const struct conf_registry *b)
{
	return strcmp(a->server, b->server) != 0 ||
	       strcmp(a->sources, b->sources) != 0 ||
	       strcmp(a->files, b->files) != 0 ||
	       a->more_specifics != b->more_specifics;
}

int objects_conf(struct objects *o, const struct conf *c)
{
	size_t n = c->registry.present ? c->n_member : 0;
	struct object *v = calloc(n + 1, sizeof *v);
	bool again =
	    o->conf && asks_otherwise(&o->conf->registry, &c->registry);
	size_t k = 0;

	if (!v)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++)
		registry_object_of(&c->member[i], v[i].name);
	qsort(v, n, sizeof *v, by_name);
	for (size_t i = 0; i < n; i++) {
		struct object *old = find(o, v[i].name);

		if (k && !strcasecmp(v[k - 1].name, v[i].name))
			continue;
		v[k] = old ? *old : v[i];
		if (old && again)
			v[k].due_ns = clock_now_ns();
		k++;
	}
	free(o->v);
	o->v = v;
	o->n = k;
	o->conf = c;
	o->n_checked = 0;
	if (o->fetch && again) {
		fetch_stop(o->fetch);
		o->fetch = NULL;
	}
	loop_task_queue(o->loop, &o->check);
	return 0;
}

void objects_done(struct objects *o)
{
	fetch_stop(o->fetch);
	loop_timer_stop(o->loop, &o->timer);
	loop_task_cancel(o->loop, &o->check);
	free(o->v);
}

void objects_news(struct objects *o, uint32_t mask)
{
	for (size_t i = 0; i < o->n; i++)
		if (o->v[i].known)
			o->v[i].news |= mask;
}

/*
 * MRT files.  One that is being written ends in ".part": readers never see
 * half a table.  Nothing is deleted but a table that could not be finished.
 */
#include "daemon/monitor.h"

#include "base/clock.h"
#include "base/log.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PART ".part"
#define SLICE ((size_t)512 << 10) /* bytes made in one turn */
#define SYNC                                                                   \
	((uint64_t)4 << 20)	 /* bytes between syncs: a slow disk must      \
				    not hold us up for long */
#define RETRY_NS (10 * NS_PER_S) /* after an error, for updates */

/* ---- one file -------------------------------------------------------------
 */

/* "rib.20260102.030405" */
static void name_file(char name[MONITOR_NAME], const char *kind, int64_t wall_s)
{
	char t[CLOCK_RFC3339_LEN];

	clock_rfc3339(wall_s, t);
	snprintf(name, MONITOR_NAME, "%s.%.4s%.2s%.2s.%.2s%.2s%.2s", kind, t,
	    t + 5, t + 8, t + 11, t + 14, t + 17);
}

static int file_open(struct monitor_file *f, int dir, const char *kind)
{
	char part[MONITOR_NAME + sizeof PART];

	name_file(f->name, kind, clock_wall_s());
	snprintf(part, sizeof part, "%s" PART, f->name);
	f->bytes = f->synced = 0;
	/* Two in one second, or a clock that was set back. */
	f->fd = openat(
	    dir, f->name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (f->fd >= 0 || errno != ENOENT) {
		if (f->fd >= 0)
			close(f->fd);
		f->fd = -1;
		return -EEXIST;
	}
	f->fd = openat(dir, part,
	    O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0644);
	return f->fd < 0 ? -errno : 0;
}

/* Writes what there is; on an error the file ends with its last whole bytes. */
static int file_write(struct monitor_file *f)
{
	struct buf *b = &f->buf;
	size_t at = b->at;

	while (at < b->n) {
		ssize_t n = write(f->fd, b->p + at, b->n - at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			int err = n < 0 ? -errno : -ENOSPC;

			(void)!ftruncate(f->fd, (off_t)f->bytes);
			(void)lseek(f->fd, (off_t)f->bytes, SEEK_SET);
			return err;
		}
		at += (size_t)n;
	}
	f->bytes += buf_left(b);
	b->at = b->n = 0;
	if (f->bytes - f->synced < SYNC)
		return 0;
	f->synced = f->bytes;
	return fdatasync(f->fd) ? -errno : 0;
}

/* keep: it gets its name; else it goes. */
static int file_close(struct monitor_file *f, int dir, bool keep)
{
	char part[MONITOR_NAME + sizeof PART];
	int err = 0;

	if (f->fd < 0)
		return 0;
	if (keep && fdatasync(f->fd))
		err = -errno;
	if (close(f->fd) && !err)
		err = -errno;
	f->fd = -1;
	snprintf(part, sizeof part, "%s" PART, f->name);
	if (keep && !err && renameat(dir, part, dir, f->name))
		err = -errno;
	if (!keep || err)
		unlinkat(dir, part, 0);
	return err;
}

/* ---- the directory ----------------------------------------------------------
 */

/* What an earlier life left: half a table goes, updates are good as they are.
 */
static void clean(int dir)
{
	int fd = dup(dir);
	DIR *d = fd >= 0 ? fdopendir(fd) : NULL;
	struct dirent *e;

	if (!d) {
		if (fd >= 0)
			close(fd);
		return;
	}
	rewinddir(d);
	while ((e = readdir(d))) {
		size_t n = strlen(e->d_name);
		char name[MONITOR_NAME];

		if (n < sizeof PART || n >= sizeof name ||
		    strcmp(e->d_name + n - (sizeof PART - 1), PART) != 0)
			continue;
		snprintf(name, sizeof name, "%.*s", (int)(n - sizeof PART + 1),
		    e->d_name);
		if (strncmp(name, "updates.", 8) == 0)
			(void)!renameat(dir, e->d_name, dir, name);
		else if (strncmp(name, "rib.", 4) == 0)
			unlinkat(dir, e->d_name, 0);
	}
	closedir(d);
}

void monitor_dump_dir(struct monitor *m, int fd)
{
	struct monitor_dump *d = &m->dump;

	if (d->dir >= 0)
		close(d->dir);
	d->dir = fd;
	d->dir_error[0] = 0;
	if (fd >= 0)
		clean(fd);
	else if (m->env->conf->monitoring.mrt[0])
		snprintf(d->dir_error, sizeof d->dir_error,
		    "the directory cannot be opened; expected one that the "
		    "role monitor may write to");
	monitor_dump_apply(m);
}

/* ---- tables -----------------------------------------------------------------
 */

static int64_t next_slot(int64_t now_s, uint32_t every_s)
{
	return every_s ? (now_s / every_s + 1) * every_s : 0;
}

static void table_failed(struct monitor *m, int err)
{
	struct monitor_dump *d = &m->dump;
	char quoted[2 * MONITOR_ERROR];

	snprintf(
	    d->error, sizeof d->error, "%s: %s", d->table.name, strerror(-err));
	log_error("dump_failed", "file=%s error=%s", d->table.name,
	    log_quote(quoted, sizeof quoted, strerror(-err)));
	(void)file_close(&d->table, d->dir, false);
	buf_done(&d->table.buf);
	d->running = false;
	if (d->ask)
		monitor_dump_done(m, d->ask);
	d->ask = 0;
}

static void table_done(struct monitor *m)
{
	struct monitor_dump *d = &m->dump;
	int err = file_close(&d->table, d->dir, true);

	if (err) {
		table_failed(m, err);
		return;
	}
	d->running = false;
	memcpy(d->last, d->table.name, sizeof d->last);
	d->last_s = clock_wall_s();
	d->last_bytes = d->table.bytes;
	d->last_routes = d->state.routes;
	d->last_ms = (uint32_t)((clock_now_ns() - d->begun_ns) / NS_PER_MS);
	d->error[0] = 0;
	log_info("dump_done", "file=%s prefixes=%llu routes=%llu ms=%u",
	    d->last, (unsigned long long)d->state.prefixes,
	    (unsigned long long)d->last_routes, d->last_ms);
	buf_done(&d->table.buf);
	if (d->ask)
		monitor_dump_done(m, d->ask);
	d->ask = 0;
}

bool monitor_dump_table(
    struct monitor *m, uint32_t ask, char error[MONITOR_ERROR])
{
	struct monitor_dump *d = &m->dump;
	const char *why = NULL;

	if (!m->env->conf->monitoring.mrt[0])
		why = "no directory is configured; expected 'monitoring { mrt "
		      "DIRECTORY; }'";
	else if (d->dir < 0)
		why = d->dir_error;
	else if (!m->mirror || !mirror_complete(m->mirror))
		why = "the table is still being read; ask again";
	else if (d->running)
		why = "a dump is being written; ask again when it is done";
	if (why) {
		snprintf(error, MONITOR_ERROR, "%s", why);
		return false;
	}
	int err = file_open(&d->table, d->dir, "rib");
	if (err) {
		snprintf(error, MONITOR_ERROR, "%s: %s", d->table.name,
		    strerror(-err));
		snprintf(d->error, sizeof d->error, "%s", error);
		log_error("dump_failed", "file=%s error=%s", d->table.name,
		    strerror(-err));
		return false;
	}
	d->running = true;
	d->ask = ask;
	d->begun_ns = clock_now_ns();
	table_dump_begin(&d->state, m->mirror, m->self.asn, m->self.router_id,
	    m->self.name, (uint32_t)clock_wall_s(), &d->table.buf);
	loop_task_queue(m->env->loop, &m->turn);
	return true;
}

static bool table_work(struct monitor *m)
{
	struct monitor_dump *d = &m->dump;

	if (!d->running)
		return false;
	bool more = table_dump_some(&d->state, &d->table.buf, SLICE);
	int err = file_write(&d->table);
	if (err)
		table_failed(m, err);
	else if (!more)
		table_done(m);
	return d->running;
}

/* ---- updates ----------------------------------------------------------------
 */

static void updates_failed(struct monitor *m, const char *name, int err)
{
	struct monitor_dump *d = &m->dump;
	char quoted[2 * MONITOR_ERROR];

	if (!d->updates_error[0])
		log_error("updates_failed", "file=%s error=%s", name,
		    log_quote(quoted, sizeof quoted, strerror(-err)));
	snprintf(d->updates_error, sizeof d->updates_error, "%s: %s", name,
	    strerror(-err));
	d->retry_ns = clock_now_ns() + RETRY_NS;
	(void)file_close(&d->file, d->dir, d->file.bytes > 0);
}

/* False: there is no file, and will be none for a while. */
static bool updates_file(struct monitor *m)
{
	struct monitor_dump *d = &m->dump;
	int64_t now_s = clock_wall_s();
	int err;

	if (d->file.fd >= 0 && now_s >= d->file_ends_s) {
		err = file_close(&d->file, d->dir, true);
		if (err)
			updates_failed(m, d->file.name, err);
	}
	if (d->file.fd >= 0)
		return true;
	if (clock_now_ns() < d->retry_ns)
		return false;
	err = file_open(&d->file, d->dir, "updates");
	if (err) {
		updates_failed(m, d->file.name, err);
		return false;
	}
	d->file_ends_s = next_slot(now_s, m->env->conf->monitoring.updates_s);
	return true;
}

/*
 * While nothing can be written, nothing is made either: the view remembers
 * what each prefix was when it was written last.
 */
static bool updates_work(struct monitor *m)
{
	struct monitor_dump *d = &m->dump;
	bool more = true;

	if (!d->updates || !updates_file(m))
		return false;
	if (buf_left(&d->file.buf) < SLICE)
		more = updates_make(
		    d->updates, &d->file.buf, SLICE, monitor_wall_us());
	if (!buf_left(&d->file.buf))
		return more;
	int err = file_write(&d->file);
	if (err) {
		updates_failed(m, d->file.name, err);
		return false;
	}
	d->updates_error[0] = 0;
	return more;
}

/* ---- the role's calls -------------------------------------------------------
 */

void monitor_dump_apply(struct monitor *m)
{
	struct monitor_dump *d = &m->dump;
	const struct conf_monitoring *c = &m->env->conf->monitoring;

	d->due_s = next_slot(clock_wall_s(), c->mrt[0] ? c->table_s : 0);
	bool want = m->mirror && d->dir >= 0 && c->updates_s;
	if (want && !d->updates)
		d->updates = updates_new(m->mirror, &m->self);
	if (want) {
		d->file_ends_s = next_slot(clock_wall_s(), c->updates_s);
		return;
	}
	updates_free(d->updates);
	d->updates = NULL;
	(void)file_close(&d->file, d->dir, true);
	buf_done(&d->file.buf);
}

void monitor_dump_start(struct monitor *m)
{
	monitor_dump_apply(m);
}

/* What is known goes: no dump can be finished. */
void monitor_dump_stop(struct monitor *m, const char *why)
{
	struct monitor_dump *d = &m->dump;

	if (d->running) {
		table_failed(m, -ECANCELED);
		snprintf(d->error, sizeof d->error, "%s", why);
	}
	if (d->updates) {
		/* The file stays: what follows belongs into it too. */
		updates_end(d->updates, &d->file.buf, monitor_wall_us());
		if (d->file.fd >= 0)
			(void)file_write(&d->file);
		updates_free(d->updates);
		d->updates = NULL;
	}
}

bool monitor_dump_work(struct monitor *m)
{
	bool more = table_work(m);

	return updates_work(m) || more;
}

void monitor_dump_tick(struct monitor *m)
{
	struct monitor_dump *d = &m->dump;
	char error[MONITOR_ERROR];
	int64_t now_s = clock_wall_s();

	if (d->due_s && now_s >= d->due_s && m->mirror &&
	    mirror_complete(m->mirror)) {
		d->due_s = next_slot(now_s, m->env->conf->monitoring.table_s);
		if (!monitor_dump_table(m, 0, error))
			log_warn("dump_skipped", "info=\"%s\"", error);
	}
	if (d->updates)
		loop_task_queue(m->env->loop, &m->turn);
}

void monitor_dump_end(struct monitor *m)
{
	struct monitor_dump *d = &m->dump;

	(void)file_close(&d->table, d->dir, false);
	(void)file_close(&d->file, d->dir, true);
	buf_done(&d->table.buf);
	buf_done(&d->file.buf);
	if (d->dir >= 0)
		close(d->dir);
	d->dir = -1;
}

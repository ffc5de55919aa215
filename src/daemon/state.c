#include "daemon/state.h"

#include "base/clock.h"
#include "conf/conf.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define MARKER "running"

static const char *const names[] = {
    [STATE_CONFIRMED] = "confirmed.conf",
    [STATE_PREVIOUS] = "previous.conf",
};

int state_mkdirs(const char *path)
{
	char at[512];
	size_t n = strlen(path);

	if (n == 0 || n >= sizeof at)
		return -ENAMETOOLONG;
	memcpy(at, path, n + 1);
	for (char *p = at + 1;; p++) {
		char c = *p;

		if (c && c != '/')
			continue;
		*p = 0;
		if (mkdir(at, 0755) && errno != EEXIST)
			return -errno;
		*p = c;
		if (!c)
			break;
	}
	struct stat st;
	if (stat(path, &st))
		return -errno;
	return S_ISDIR(st.st_mode) ? 0 : -ENOTDIR;
}

static int write_all(int fd, const char *p, size_t n)
{
	while (n) {
		ssize_t k = write(fd, p, n);

		if (k < 0 && errno == EINTR)
			continue;
		if (k < 0)
			return -errno;
		p += k;
		n -= (size_t)k;
	}
	return 0;
}

int state_lock(struct state *s, const char *run_dir, long *ret_pid)
{
	char path[512];
	char pid[24];

	*ret_pid = 0;
	if ((size_t)snprintf(path, sizeof path, "%s/lock", run_dir) >=
	    sizeof path)
		return -ENAMETOOLONG;
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
	if (fd < 0)
		return -errno;
	if (flock(fd, LOCK_EX | LOCK_NB)) {
		int err = -errno;
		ssize_t k = read(fd, pid, sizeof pid - 1);

		if (k > 0) {
			pid[k] = 0;
			*ret_pid = strtol(pid, NULL, 10);
		}
		close(fd);
		return err;
	}
	int n = snprintf(pid, sizeof pid, "%ld\n", (long)getpid());
	int err = ftruncate(fd, 0) ? -errno : 0;
	if (!err)
		err = write_all(fd, pid, (size_t)n);
	if (err) {
		close(fd);
		return err;
	}
	s->lock = fd;
	return 0;
}

int state_open(struct state *s, const char *state_dir)
{
	s->dir = open(state_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return s->dir < 0 ? -errno : 0;
}

void state_close(struct state *s)
{
	if (s->dir >= 0)
		close(s->dir);
	if (s->lock >= 0)
		close(s->lock);
	s->dir = s->lock = -1;
}

int state_enter(struct state *s, bool *ret_unclean)
{
	struct stat st;
	bool unclean = false;

	if (fstatat(s->dir, MARKER, &st, AT_SYMLINK_NOFOLLOW) == 0)
		/* A clock that was set back counts as no time at all. */
		unclean =
		    clock_wall_s() - (int64_t)st.st_mtime <= STATE_RESTART_S;
	int fd = openat(s->dir, MARKER,
	    O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0644);
	if (fd < 0)
		return -errno;
	int err = futimens(fd, NULL) || fsync(fd) || fsync(s->dir) ? -errno : 0;
	close(fd);
	*ret_unclean = unclean;
	return err;
}

void state_refresh(struct state *s)
{
	/* On failure the next start only takes us for longer dead. */
	(void)!utimensat(s->dir, MARKER, NULL, AT_SYMLINK_NOFOLLOW);
}

void state_leave(struct state *s)
{
	(void)!unlinkat(s->dir, MARKER, 0);
	(void)!fsync(s->dir);
}

int state_slurp(
    int dir, const char *path, size_t max, char **ret, size_t *ret_n)
{
	int fd = openat(dir, path, O_RDONLY | O_CLOEXEC);
	size_t cap = 65536;
	size_t n = 0;
	int err = 0;

	if (fd < 0)
		return -errno;
	char *text = malloc(cap + 1);
	while (text) {
		if (n == cap) {
			char *more = realloc(text, 2 * cap + 1);

			if (!more)
				goto fail;
			text = more;
			cap *= 2;
		}
		ssize_t k = read(fd, text + n, cap - n);
		if (k < 0 && errno == EINTR)
			continue;
		if (k < 0)
			err = -errno;
		if (k <= 0)
			break;
		n += (size_t)k;
		if (n > max) {
			err = -EFBIG;
			break;
		}
	}
	if (text && !err) {
		close(fd);
		text[n] = 0;
		*ret = text;
		*ret_n = n;
		return 0;
	}
fail:
	close(fd);
	free(text);
	return err ? err : -ENOMEM;
}

int state_read(
    struct state *s, enum state_text which, char **ret, size_t *ret_n)
{
	return state_slurp(s->dir, names[which], CONF_TEXT_MAX, ret, ret_n);
}

int state_write(
    struct state *s, enum state_text which, const char *text, size_t n)
{
	char aside[32];

	snprintf(aside, sizeof aside, "%s.new", names[which]);
	/* It may hold passwords: nobody else reads it. */
	int fd = openat(s->dir, aside,
	    O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return -errno;
	int err = write_all(fd, text, n);
	if (!err && fsync(fd))
		err = -errno;
	close(fd);
	if (!err && renameat(s->dir, aside, s->dir, names[which]))
		err = -errno;
	if (!err && fsync(s->dir))
		err = -errno;
	if (err)
		unlinkat(s->dir, aside, 0);
	return err;
}

int state_remove(struct state *s, enum state_text which)
{
	if (unlinkat(s->dir, names[which], 0) && errno != ENOENT)
		return -errno;
	return fsync(s->dir) ? -errno : 0;
}

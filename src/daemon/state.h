/*
 * What outlives the daemon in its state directory, and the lock that keeps
 * a second daemon off its run directory.
 *
 *   STATE_DIR/confirmed.conf   the text last confirmed
 *   STATE_DIR/previous.conf    the one before it, for undo
 *   STATE_DIR/running          there while we run; its time is refreshed, so
 *                              that a start knows how long ago we crashed
 *   RUN_DIR/lock               locked while we run
 *
 * Files are replaced whole: written aside, synced, renamed, directory synced.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#define STATE_RESTART_S 600 /* peers hold our routes no longer than that */

enum state_text {
	STATE_CONFIRMED,
	STATE_PREVIOUS,
};

struct state {
	int dir;  /* of the state directory */
	int lock; /* RUN_DIR/lock */
};

/* Makes a directory and those above it, mode 0755.  0 or -errno. */
int state_mkdirs(const char *path);

/* 0; -EWOULDBLOCK: another daemon runs there (*ret_pid, or 0); -errno. */
int state_lock(struct state *s, const char *run_dir, long *ret_pid);

/* 0 or -errno. */
int state_open(struct state *s, const char *state_dir);
void state_close(struct state *s);

/*
 * Leaves the marker.  *ret_unclean: the last daemon here ended without
 * state_leave() within STATE_RESTART_S.  0 or -errno.
 */
int state_enter(struct state *s, bool *ret_unclean);
void state_refresh(struct state *s); /* now and then while running */
void state_leave(struct state *s);   /* a clean end */

/* *ret is the caller's to free, NUL beyond n.  0, -ENOENT, -EFBIG, -errno. */
int state_read(
    struct state *s, enum state_text which, char **ret, size_t *ret_n);
int state_write(
    struct state *s, enum state_text which, const char *text, size_t n);
/* 0 also when it was not there. */
int state_remove(struct state *s, enum state_text which);

/* Reads a file of at most max bytes, as state_read(). */
int state_slurp(
    int dir, const char *path, size_t max, char **ret, size_t *ret_n);

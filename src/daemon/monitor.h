/*
 * The monitor role: what its files share.
 *
 *   role_monitor.c    the link to the engine, the turn of work
 *   monitor_bmp.c     stations: sockets, back-off
 *   monitor_dump.c    MRT files: schedule, requests, full disks
 *   monitor_query.c   answers
 */
#pragma once

#include "base/json.h"
#include "daemon/role.h"
#include "monitor/mirror.h"
#include "monitor/station.h"
#include "monitor/table.h"
#include "monitor/updates.h"

#include <stdbool.h>

#define MONITOR_ERROR 128
#define MONITOR_NAME 40

struct monitor;

/* ---- stations -------------------------------------------------------------
 */

struct monitor_bmp {
	struct monitor *m;
	struct conf_station conf;
	bool used;
	bool connected;
	struct loop_fd sock; /* fd -1: none */
	struct loop_timer retry;
	uint32_t wait_s;	 /* the last pause */
	uint64_t since_ns;	 /* connected, or not, since */
	uint64_t moved_ns;	 /* it took something, or nothing waited */
	uint64_t stats_ns;	 /* when the next statistics are due */
	struct station *station; /* NULL: not connected, or no engine */
	uint64_t connects;
	char error[MONITOR_ERROR]; /* the last one */
};

/* Makes the stations those of the configuration; others are closed. */
void monitor_bmp_apply(struct monitor *m);
/* The mirror has come: stations may be connected to. */
void monitor_bmp_start(struct monitor *m);
/* It is about to go: all are closed. */
void monitor_bmp_stop(struct monitor *m, const char *why);
/* Makes and writes; true when there is more to do at once. */
bool monitor_bmp_work(struct monitor *m);
void monitor_bmp_tick(struct monitor *m);

/* ---- dumps ----------------------------------------------------------------
 */

struct monitor_file {
	int fd; /* -1: none */
	char name[MONITOR_NAME];
	struct buf buf;
	uint64_t bytes; /* written, whole records */
	uint64_t synced;
};

struct monitor_dump {
	int dir; /* -1: none, or it cannot be opened */
	char dir_error[MONITOR_ERROR];

	struct monitor_file table;
	struct table_dump state;
	bool running;
	uint32_t ask; /* the question that waits for it; 0: nobody's */
	uint64_t begun_ns;
	int64_t due_s;		 /* wall clock; 0: no schedule */
	char last[MONITOR_NAME]; /* the last good one; "": none yet */
	int64_t last_s;
	uint64_t last_bytes;
	uint64_t last_routes;
	uint32_t last_ms;
	char error[MONITOR_ERROR]; /* of the last attempt; "": it was good */

	struct updates *updates; /* NULL: not wanted, or no engine */
	struct monitor_file file;
	int64_t file_ends_s;
	uint64_t retry_ns;
	char updates_error[MONITOR_ERROR];
};

/* A new configuration, or directory (-1: none). */
void monitor_dump_apply(struct monitor *m);
void monitor_dump_dir(struct monitor *m, int fd);
void monitor_dump_start(struct monitor *m);
void monitor_dump_stop(struct monitor *m, const char *why);
/* The role ends: files that are open get their names. */
void monitor_dump_end(struct monitor *m);
/* Begins a dump of the table; false: why not is in error. */
bool monitor_dump_table(
    struct monitor *m, uint32_t ask, char error[MONITOR_ERROR]);
bool monitor_dump_work(struct monitor *m);
void monitor_dump_tick(struct monitor *m);

/* ---- the role ---------------------------------------------------------------
 */

struct monitor_link {
	struct monitor *m;
	struct loop_fd bell;
	struct link *link; /* NULL: none */
};

struct monitor {
	struct role_env *env;
	struct monitor_link engine;
	struct mirror *mirror; /* NULL: no engine */
	struct monitor_self self;
	struct monitor_bmp bmp[CONF_STATIONS];
	struct monitor_dump dump;
	struct loop_task turn;
	struct loop_timer tick;
	bool sandboxed; /* the directory's Landlock rule is there */
	uint64_t started_ns;
};

uint64_t monitor_wall_us(void);

/* A question that the parent passes on: ROLE_ASK_MONITORING or _DUMP. */
void monitor_question(struct role_env *e, uint32_t id, uint32_t verb,
    const struct msg *unused);
/* The dump that was asked for is over. */
void monitor_dump_done(struct monitor *m, uint32_t id);

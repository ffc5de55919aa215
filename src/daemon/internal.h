/*
 * The parent's own: what its files share.
 *
 *   parent.c         start, signals, clock, end
 *   parent_child.c   roles as processes: spawn, messages, pings, deaths
 *   parent_blame.c   whose messages ended the engine, and the hold-downs
 *   parent_listen.c  listening sockets
 *   parent_change.c  apply, confirm, undo: one change at a time
 *   parent_side.c    side roles: when they run, their directories, questions
 *   parent_answer.c  the JSON lines that answer the api role
 */
#pragma once

#include "base/json.h"
#include "daemon/parent.h"
#include "daemon/role.h"
#include "daemon/sandbox.h"
#include "daemon/state.h"

#include <stdbool.h>
#include <sys/types.h>

#define PARENT_BLAMES 64
#define PARENT_ASKS 16
#define SIDE_DIR 512 /* a path */
#define PARENT_CHILDREN (2 * ROLE_INSTANCES + ROLE_COUNT)

struct parent;

struct text {
	char *p; /* NULL: none; else a NUL stands beyond n */
	size_t n;
};

struct child {
	struct parent *parent;
	enum role role;
	unsigned index; /* which instance of the role */
	char name[ROLE_NAME];
	struct sandbox_user user;
	pid_t pid; /* 0: not running */
	struct loop_fd sock;
	struct loop_timer again; /* when it is started again */
	bool ready;
	bool stopped;	    /* by somebody's SIGSTOP */
	bool silent;	    /* killed by us, for want of a pong */
	char dir[SIDE_DIR]; /* that a side role was given */
	bool leaving;	    /* told to stop: its end is no accident */
	uint64_t start_ns;
	uint64_t pong_ns;
	uint32_t conf_sent; /* ids of configurations */
	uint32_t conf_done;
	unsigned starts;
	unsigned streak; /* deaths in a row, each after a short life */
	int64_t death_s; /* wall clock; 0: never died */
	char death[64];
};

struct listener {
	struct ip addr;
	uint16_t port;
	int fd;
};

enum change_kind {
	CHANGE_APPLY,
	CHANGE_FILE, /* SIGHUP: the -c file */
	CHANGE_UNDO,
	CHANGE_EXPIRED, /* nobody confirmed */
};

/* What goes round the roles at the moment. */
struct change {
	bool active;
	enum change_kind kind;
	uint32_t ask;	     /* id of the question to answer; 0: nobody's */
	unsigned ask_starts; /* ... by this incarnation of api */
	unsigned at;	     /* in the order of the roles */
	uint64_t start_ns;
	size_t n_changes;
	uint32_t confirm_s;
	struct text answer; /* the lines before the last */
};

struct blame {
	struct ip peer;
	uint64_t death_ns; /* the last one; 0: free */
	unsigned engine;   /* whose death that was */
	uint64_t until_ns; /* held down; 0: is not */
};

struct parent {
	const struct parent_options *opt;
	struct loop *loop;
	struct loop_fd signals;
	struct loop_timer tick;
	uint64_t tick_due_ns;
	unsigned ticks;
	uint64_t start_ns;
	uint64_t watchdog_ns;
	uint64_t watchdog_last_ns;
	int null; /* /dev/null */
	struct state state;
	bool restarting; /* the last daemon ended badly, and not long ago */
	bool was_ready;
	bool stopping;
	bool engine_told; /* to stop: only when the session has gone */
	uint64_t stop_by_ns;

	/* As many as the first configuration says, by role and index. */
	struct child child[PARENT_CHILDREN];
	size_t n_child;

	struct conf *conf; /* the running one */
	uint32_t conf_id;
	struct text running;
	struct text confirmed;
	struct text previous;
	struct text before; /* what an unconfirmed change goes back to */
	struct loop_timer confirm;

	struct listener listen[CONF_LISTEN + 2];
	size_t n_listen;
	int control; /* unix sockets for api */
	int read;

	struct change change;

	struct { /* questions that side roles are to answer; id 0: free */
		uint32_t id;
		enum role role;
		unsigned api_starts;
	} side_ask[PARENT_ASKS];

	struct blame blame[PARENT_BLAMES];
	struct {		/* of each engine */
		struct ip peer; /* blamed by session for the last death */
		uint64_t peer_ns;
		uint64_t guilty_ns; /* it died of itself */
	} death[ROLE_INSTANCES];
};

const char *role_name(enum role r);
#define children_each(p, c)                                                    \
	for (struct child *c = (p)->child; c < (p)->child + (p)->n_child; c++)

void text_set(struct text *t, char *p, size_t n); /* takes p */
void text_move(struct text *to, struct text *from);
bool text_copy(struct text *to, const struct text *from);
bool text_same(const struct text *a, const struct text *b);

/* parent_child.c */
void child_init(struct parent *p, enum role r, unsigned index);
struct child *child_api(struct parent *p);
struct child *child_engine(struct parent *p);
void child_start(struct child *c);
void child_send(struct child *c, uint32_t type, uint32_t id, const void *data,
    size_t n, const int *fds, int n_fds);
void child_send_conf(struct child *c, bool reload);
void child_send_listen(struct child *c);
void child_kill(struct child *c);
void children_ping(struct parent *p, uint64_t late_ns);
void children_reap(struct parent *p);
bool children_ready(const struct parent *p);
bool children_gone(const struct parent *p);

/* parent_side.c */
bool role_is_side(enum role r);
/* False: the configuration has no use for this role. */
bool child_wanted(const struct child *c);
/* As root, before the rights go: makes the side roles' directories. */
void side_make_dirs(const struct parent *p);
/* Its directory, open; -1: none, or it cannot be opened (logged). */
int side_open_dir(struct child *c);
/* Starts or ends the role as the configuration now wants it. */
void side_settle(struct child *c);
void side_ask(
    struct parent *p, enum role r, uint32_t id, const struct role_ask *ask);
void side_reply(struct child *c, const struct msg *m);
/* It is gone: questions get no answer any more. */
void side_gone(struct child *c);

/* parent_blame.c */
void blame_peer(struct parent *p, unsigned engine, const struct ip *peer);
void blame_engine_died(struct parent *p, unsigned engine, bool guilty);
void blame_tell(struct child *c); /* a session that has just started */

/* parent_listen.c: 0, or -errno with words in why. */
int listen_open(struct parent *p, const struct conf *c,
    struct listener ret[CONF_LISTEN + 2], size_t *ret_n, char why[128]);
/* Closes those in `of` that do not live on in `kept`. */
void listen_close(const struct listener *of, size_t n,
    const struct listener *kept, size_t n_kept);
int listen_control(struct parent *p, char why[128]);

/* parent_change.c */
int change_start(struct parent *p);   /* reads the -c file; an exit code */
void change_recall(struct parent *p); /* what was confirmed before */
void change_ask(struct parent *p, uint32_t id, const struct role_ask *ask,
    const struct msg *m);
void change_file(struct parent *p);
void change_step(struct parent *p);

/* parent_answer.c */
void answer_send(struct parent *p, uint32_t id, const struct text *lines);
void answer_end(struct text *lines, int exit_code, const char *error);
void answer_done(struct text *lines, const struct change *c, double ms);
void answer_refuse(struct parent *p, uint32_t id, const char *error);
bool answer_changes(struct text *lines, const struct conf *from,
    const struct conf *to, size_t *ret_n);
void answer_errors(struct text *lines, const struct conf_error *e, size_t n);
void answer_status(struct parent *p, struct text *lines);
void answer_text(struct parent *p, struct text *lines);

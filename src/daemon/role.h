/*
 * What every role is: a re-executed spean with a socket to the parent, an
 * event loop, the configuration, and links to other roles.  A role may have
 * several instances, numbered from 0; each is a process of its own.
 *
 *   parent --msg--> role:  CONF  LISTEN  LINK  PING  HOLD_DOWN  STOP
 *   role --msg--> parent:  CONF_DONE  READY  PONG  ASK  BLAME
 *
 * CONF always comes first, then LISTEN, then one LINK for each other role.
 * A LINK replaces the one with the same role, whose end may be noticed only
 * later.  A role ends when the parent's socket does.
 */
#pragma once

#include "conf/conf.h"
#include "net/link.h"
#include "net/loop.h"
#include "net/msg.h"

#include <stdbool.h>
#include <stdint.h>

enum role {
	ROLE_PARENT,
	ROLE_SESSION,
	ROLE_ENGINE,
	ROLE_API,
	ROLE_MONITOR, /* only with a monitoring block */
	ROLE_RPKI,
	ROLE_REGISTRY, /* only with a registry block */
	ROLE_COUNT,
};

#define ROLE_INSTANCES CONF_SESSIONS /* of one role, at most */
#define ROLE_NAME 16

struct role_at {
	uint32_t role; /* enum role */
	uint32_t index;
};

enum role_msg {
	/* parent -> role */
	ROLE_CONF = 1, /* fds: blob with the text; rpki: with files; data:
			  struct role_conf; id */
	ROLE_LISTEN,   /* fds: listening sockets; replaces earlier ones */
	ROLE_LINK,     /* data: struct role_at, the other; fd: its socket */
	ROLE_PING,
	ROLE_HOLD_DOWN, /* data: struct role_hold_down (session) */
	ROLE_STOP,	/* leave in good order: say goodbye to peers, end */
	ROLE_ANSWER,	/* api: fd: blob with the lines that answer ASK id */
	ROLE_QUESTION,	/* side roles: data: struct role_ask, id: its REPLY's */
	/* role -> parent */
	ROLE_CONF_DONE = 64, /* id */
	ROLE_READY,
	ROLE_PONG,
	ROLE_ASK,   /* api: data: struct role_ask; fd: blob with a text, or none
		     */
	ROLE_REPLY, /* side roles: fd: blob with the lines that answer QUESTION
		     * id
		     */
	ROLE_BLAME, /* session: data: struct ip; id: the engine's index */
};

enum role_ask_verb {
	ROLE_ASK_STATUS = 1,
	ROLE_ASK_TEXT,	/* the running configuration's */
	ROLE_ASK_DIFF,	/* blob: what would change */
	ROLE_ASK_APPLY, /* blob: the new text */
	ROLE_ASK_CONFIRM,
	ROLE_ASK_UNDO,
	ROLE_ASK_MONITORING, /* the monitor role's to answer */
	ROLE_ASK_REGISTRY,   /* the registry role's */
	ROLE_ASK_DUMP,	     /* a dump of the table, now; likewise */
	/* blob; the engine answers over its link to api */
	ROLE_ASK_DIFF_ROUTES, /* what the text would make of the routes */
	ROLE_ASK_DIFF_VRPS,   /* the same for a list of VRPs */
};

struct role_ask {
	uint32_t verb;
	uint32_t confirm_s; /* apply: undone after that unless confirmed */
};

struct role_conf {
	bool restarting; /* peers may hold our routes: RFC 4724 s4.1 applies */
	bool reload;	 /* not the first one of this incarnation */
};

struct role_hold_down {
	struct ip peer;
	uint32_t seconds;
	char why[96];
};

struct role_env;

/* What one role adds to the common frame; callbacks may be NULL. */
struct role_ops {
	const char *name;
	/* The first configuration came.  0 or -errno, which ends the role. */
	int (*start)(struct role_env *e, const struct role_conf *rc);
	/* e->conf is the new one; old lives until this returns. */
	void (*reload)(struct role_env *e, const struct conf *old);
	void (*listen)(struct role_env *e, const int *fds, int n);
	/* sock is the role's to keep (link_new()). */
	void (*link)(struct role_env *e, struct role_at other, int sock);
	void (*hold_down)(struct role_env *e, const struct role_hold_down *h);
	void (*answer)(struct role_env *e, uint32_t id, const struct msg *m);
	/* m: its blob, if any. */
	void (*question)(struct role_env *e, uint32_t id, uint32_t verb,
	    const struct msg *m);
	/* Last words; the role ends when it calls loop_stop(). */
	void (*stop)(struct role_env *e);
	/* The loop has ended: frees what the role holds. */
	void (*finish)(struct role_env *e);
};

struct role_env {
	unsigned index; /* which instance of the role it is */
	struct loop *loop;
	int parent; /* socket */
	struct conf *conf;
	int files; /* while start and reload run: what came with it; or -1 */
	const struct role_ops *ops;
	void *state; /* the role's own */
};

/*
 * Sends to the parent; waits a moment when the queue is full, and ends the
 * role when the parent does not read.  fd: -1: none; stays the caller's.
 */
void role_send(struct role_env *e, uint32_t type, uint32_t id, const void *data,
    size_t n, int fd);

/*
 * session: its link to that engine ended while feed_shared.parsing named this
 * peer.  The parent compares that with how the engine died, and after two
 * such deaths within an hour answers with ROLE_HOLD_DOWN.
 */
void role_blame(struct role_env *e, unsigned engine, const struct ip *peer);

/*
 * Runs a role on the parent's socket until it ends; gives the exit code.
 * index: which of the role's instances it is.
 */
int role_run(const struct role_ops *ops, unsigned index, int parent);

/* "engine" for the first one, "engine-2" for the next. */
void role_format(const char *role, unsigned index, char ret[ROLE_NAME]);

extern const struct role_ops role_session;
extern const struct role_ops role_engine;
extern const struct role_ops role_monitor;
extern const struct role_ops role_registry;
extern const struct role_ops role_api;
extern const struct role_ops role_rpki;

/* The session role: what its files share. */
#pragma once

#include "bgp/peer.h"
#include "daemon/role.h"

struct session {
	struct role_env *env;
	struct peers *peers;
	uint64_t started_ns;

	/* Other instances: the first one listens, and passes sockets on. */
	struct sibling {
		struct session *session;
		struct loop_fd fd; /* -1: it is down */
	} sibling[CONF_SESSIONS];

	/* Questions of the api role. */
	struct link *api;
	struct loop_fd api_fd;
	struct loop_task api_task;
	struct list queries;
};

/* A (new) link to the api role, its sock the callee's.  0 or -errno. */
int session_api(struct session *s, int sock);
void session_api_close(struct session *s);
/* The links' sleep protocol (net/link.h). */
bool session_api_sleep(struct session *s);
void session_api_wake(struct session *s);

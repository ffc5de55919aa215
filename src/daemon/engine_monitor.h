/* The engine's link to the monitor role: it is told of routes (bgp/watch.h). */
#pragma once

#include "daemon/role.h"
#include "exchange/exchange.h"

struct engine_monitor {
	struct loop *loop;
	struct exchange *exchange;
	struct loop_task *turn; /* the engine's, to be queued when it rings */
	struct link *link;	/* NULL: there is no monitor role */
	struct loop_fd bell;
	bool watching;
	bool out; /* some station wants to hear what each client gets */
};

/* A (new) link, its sock the callee's. */
void engine_monitor_link(struct engine_monitor *em, int sock);
/* A (new) configuration. */
void engine_monitor_conf(struct engine_monitor *em, const struct conf *c);
/* Once a turn, after the exchange's work. */
void engine_monitor_flush(struct engine_monitor *em);
/* The links' sleep protocol (net/link.h). */
bool engine_monitor_sleep(struct engine_monitor *em);
void engine_monitor_wake(struct engine_monitor *em);

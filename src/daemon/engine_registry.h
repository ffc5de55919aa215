/* The engine's link to the registry role: sets come in, record by record. */
#pragma once

#include "daemon/role.h"
#include "exchange/exchange.h"

struct engine_registry {
	struct loop *loop;
	struct exchange *exchange;
	struct loop_task *turn; /* the engine's, to be queued when it rings */
	struct link *link;	/* NULL: there is no registry role */
	struct loop_fd bell;
	struct registry_taker taker;
};

/* A (new) link, its sock the callee's. */
void engine_registry_link(struct engine_registry *er, int sock);
/* Takes some records; true when there may be more at once. */
bool engine_registry_read(struct engine_registry *er);
/* The links' sleep protocol (net/link.h). */
bool engine_registry_sleep(struct engine_registry *er);
void engine_registry_wake(struct engine_registry *er);

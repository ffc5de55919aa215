/*
 * The parent: reads the file, opens the listening sockets, starts the other
 * roles, pings them, and starts again what dies.  It parses nothing that
 * came from the network.
 */
#pragma once

#include <stdint.h>

struct parent_options {
	const char *conf_path;
	const char *run_dir;
	const char *state_dir;
	uint32_t ping_timeout_s; /* a role that is silent so long is killed */
};

/* Runs until SIGTERM; gives the exit code of `spean run`. */
int parent_run(const struct parent_options *o);

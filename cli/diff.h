/* What a change would make of the routes: the second half of `spean diff`. */
#pragma once

#include "cli/cli.h"

#include <stddef.h>

/*
 * Asks the engine: verb "diff routes" with a configuration, "diff vrps" with a
 * list of VRPs; prints what it says of each member.  The exit code.
 */
int diff_routes(
    const struct cli_call *c, const char *verb, const char *text, size_t n);

/* The same for a file of VRPs, as validators write them (JSON). */
int diff_vrps(const struct cli_call *c, const char *path);

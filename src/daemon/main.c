/*
 * spean: one binary for the daemon, its roles and the command line.
 *
 *   spean run ...             the parent
 *   "spean: engine" role ...  what the parent makes of /proc/self/exe
 *   spean VERB ...            the command line (cli/)
 */
#include "base/attr.h"
#include "base/log.h"
#include "cli/cli.h"
#include "daemon/parent.h"
#include "daemon/role.h"
#include "daemon/sandbox.h"

#include <stdlib.h>
#include <string.h>

#define PARENT_SOCK 3

static const struct cli_option run_options[] = {
    {.name = "config",
	.letter = 'c',
	.arg = "FILE",
	.doc = "the configuration to run, see spean.conf(5)",
	.type = CLI_FILE,
	.required = true},
    {.name = "state-dir",
	.arg = "DIR",
	.doc = "where the confirmed configuration is kept "
	       "(/var/lib/spean)",
	.type = CLI_DIR},
    {.name = "ping-timeout",
	.arg = "SECONDS",
	.doc = "end and restart a role that has not answered for so long "
	       "(10)",
	.type = CLI_SECONDS,
	.min = 2,
	.max = 600},
    {.name = NULL},
};

static int run(const struct cli_call *c)
{
	struct parent_options o = {
	    .conf_path = cli_text(c, "config", NULL),
	    .run_dir = c->run_dir,
	    .state_dir = cli_text(c, "state-dir", "/var/lib/spean"),
	    .ping_timeout_s = (uint32_t)cli_number(c, "ping-timeout", 10),
	};

	return parent_run(&o);
}

static const struct cli_verb run_verb = {
    .name = "run",
    .summary = "run the exchange in the foreground",
    .doc = "Reads the configuration, listens for the members' sessions and "
	   "exchanges their routes until SIGTERM or SIGINT.  Prints \"ready\" "
	   "when all of its roles run, and tells systemd.  SIGHUP applies "
	   "the file again, as spean apply does.\n\n"
	   "Started as root, each role gets its own user (spean-session, "
	   "spean-engine, spean-api, spean-monitor, spean-rpki, "
	   "spean-registry, where they "
	   "exist).  As another user it "
	   "needs a port above 1023 in the configuration.",
    .options = run_options,
    .run = run,
};

static const struct role_ops *const roles[] = {
    [ROLE_SESSION] = &role_session,
    [ROLE_ENGINE] = &role_engine,
    [ROLE_API] = &role_api,
    [ROLE_MONITOR] = &role_monitor,
    [ROLE_RPKI] = &role_rpki,
    [ROLE_REGISTRY] = &role_registry,
};

/* "session", or "session-2" and on. */
static bool is_role(const char *text, const char *role, unsigned *ret_index)
{
	char name[ROLE_NAME];

	for (unsigned i = 0; i < ROLE_INSTANCES; i++) {
		role_format(role, i, name);
		if (strcmp(text, name) == 0) {
			*ret_index = i;
			return true;
		}
	}
	return false;
}

static int role(const struct cli_call *c)
{
	struct sandbox_user u = {.change = false};

	if (c->argc != 3)
		return CLI_MISUSE;
	for (unsigned r = ROLE_SESSION; r < ROLE_COUNT; r++) {
		unsigned index;

		if (!is_role(c->argv[0], roles[r]->name, &index))
			continue;
		log_init(c->argv[0], LOG_LEVEL_INFO);
		if (strcmp(c->argv[1], "-") != 0) {
			u.change = true;
			u.uid = (uid_t)strtoul(c->argv[1], NULL, 10);
			u.gid = (gid_t)strtoul(c->argv[2], NULL, 10);
		}
		int err = sandbox_role((enum role)r, &u);
		if (err) {
			log_error("sandbox_failed", "error=%s", strerror(-err));
			return 1;
		}
		return role_run(roles[r], index, PARENT_SOCK);
	}
	return CLI_MISUSE;
}

static const struct cli_verb role_verb = {
    .name = "role",
    .hidden = true,
    .raw = true,
    .run = role,
};

static const struct cli_verb *const own[] = {
    &run_verb, &cli_init, &cli_play, &cli_lab, &role_verb, NULL};

int main(int argc, char **argv)
{
	return cli_main(argc, argv, own);
}

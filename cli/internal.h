/* Inside cli: the verbs' tables, and what is made from them. */
#pragma once

#include "cli/cli.h"

#include <stdio.h>

#define CLI_OPTIONS_MAX 40 /* of one verb, the common ones included */

/* --json, --run-dir, --help: every verb has them. */
extern const struct cli_option cli_common[];

/* Our own verbs and those handed to cli_main(), in the manual's order. */
struct cli_verbs {
	const struct cli_verb *list[48];
	size_t n;
};

/*
 * Reads the arguments behind the verb's name into c; values has room for
 * CLI_OPTIONS_MAX.  CLI_DONE, or CLI_MISUSE once it has said why on stderr.
 * *ret_help: --help was among them, and nothing else was looked at.
 * c->operand is the caller's to free.
 */
enum cli_exit cli_parse(const struct cli_verb *v, int argc, char **argv,
    struct cli_value *values, struct cli_call *c, bool *ret_help);

/* A prefix, or an address as a prefix of its own length. */
bool cli_prefix_parse(const char *text, struct prefix *ret);

void cli_help(const struct cli_verbs *verbs, FILE *to);
/* first: "show", and lists all that start with it. */
void cli_help_group(const struct cli_verbs *verbs, const char *first, FILE *to);
void cli_help_verb(const struct cli_verb *v, FILE *to);

void cli_write_manual(const struct cli_verbs *verbs, FILE *to); /* spean(1) */
void cli_write_completion(const struct cli_verbs *verbs, FILE *to);

/* All verbs, for those that print them: help, completion, manual. */
const struct cli_verbs *cli_verbs_all(void);

extern const struct cli_verb cli_check;
extern const struct cli_verb cli_diff;
extern const struct cli_verb cli_apply;
extern const struct cli_verb cli_confirm;
extern const struct cli_verb cli_undo;
extern const struct cli_verb cli_show_status;
extern const struct cli_verb cli_show_members;
extern const struct cli_verb cli_show_sessions;
extern const struct cli_verb cli_show_rpki;
extern const struct cli_verb cli_show_routes;
extern const struct cli_verb cli_show_monitoring;
extern const struct cli_verb cli_dump;
extern const struct cli_verb cli_why;
extern const struct cli_verb cli_show_registry;

/*
 * The command line: one table a verb, from which parsing, --help, spean(1)
 * and the shell completion are all made.
 *
 * Exit codes: 0 done, 1 the answer is no, 2 misuse, 3 the daemon cannot be
 * reached or I/O failed.
 */
#pragma once

#include "net/addr.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum cli_exit {
	CLI_DONE = 0,
	CLI_NO = 1,
	CLI_MISUSE = 2,
	CLI_FAILED = 3,
};

enum cli_type {
	CLI_FLAG, /* takes no value */
	CLI_TEXT,
	CLI_FILE, /* text; completed as a file name */
	CLI_DIR,
	CLI_NUMBER,  /* min..max of the option */
	CLI_ASN,     /* 64501, AS64501, 1.10 */
	CLI_ADDR,    /* an IPv4 or IPv6 address */
	CLI_PREFIX,  /* ADDRESS/LENGTH, no host bits; an address is a /32, /128
		      */
	CLI_SECONDS, /* 90, 90s, 10m, 2h */
	CLI_PARTY,   /* an ASN (number), or the address of one session (addr) */
};

struct cli_option {
	const char *name; /* without its dashes; NULL ends a table */
	const char *arg;  /* "FILE"; NULL for a flag */
	const char *doc;  /* one sentence, no full stop at its end */
	enum cli_type type;
	char letter; /* 'c' for -c; 0: none */
	bool required;
	bool list;    /* may be given more than once (CLI_TEXT, CLI_FILE) */
	uint64_t min; /* CLI_NUMBER, CLI_SECONDS; max 0: no limit */
	uint64_t max;
};

struct cli_call;

struct cli_verb {
	const char *name;    /* one word, or two: "show routes" */
	const char *summary; /* one line, no full stop at its end */
	/* Paragraphs for --help and the manual, split by empty lines. */
	const char *doc;
	const char *operands; /* "PREFIX"; NULL: takes none */
	unsigned min_operands;
	unsigned max_operands;
	/* What the first operand may be, or NULL: anything. */
	const char *const *words;
	const struct cli_option *options; /* beside the common ones, or NULL */
	bool hidden;			  /* not in help, manual, completion */
	bool raw; /* gets its arguments unparsed: c->argc, c->argv */
	int (*run)(const struct cli_call *c); /* gives an enum cli_exit */
};

struct cli_value {
	bool given;
	const char *text; /* as written; the last of several */
	uint64_t number;  /* CLI_NUMBER, CLI_ASN, CLI_SECONDS, CLI_PARTY */
	struct ip addr;
	struct prefix prefix;
};

struct cli_call {
	const struct cli_verb *verb;
	bool json;
	const char *run_dir;	  /* --run-dir, SPEAN_RUN_DIR, /run/spean */
	struct cli_value *values; /* one an option, in the table's order */
	char **operand;
	unsigned n_operands;
	int argc; /* all arguments after the verb, for a raw verb and lists */
	char **argv;
};

/* Verbs that stand in folders of their own; the program hands them in. */
extern const struct cli_verb cli_init;
extern const struct cli_verb cli_play;
extern const struct cli_verb cli_lab;

/*
 * Runs the verb that argv names and gives the exit code.  own: the verbs of
 * the program that links this (run, roles), ended by NULL; or NULL.
 */
int cli_main(int argc, char **argv, const struct cli_verb *const *own);

/* The option's value; given is false when it was left out.  Never NULL. */
const struct cli_value *cli_get(const struct cli_call *c, const char *name);
bool cli_flag(const struct cli_call *c, const char *name);
const char *cli_text(
    const struct cli_call *c, const char *name, const char *otherwise);
uint64_t cli_number(
    const struct cli_call *c, const char *name, uint64_t otherwise);

/* "spean VERB: ..." and a newline on stderr; gives `code` back. */
int cli_fail(const struct cli_call *c, enum cli_exit code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

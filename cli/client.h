/*
 * A request to the running exchange over one of its control sockets, and the
 * lines of its answer, one at a time: an answer of a million lines takes no
 * more memory than its longest line.
 */
#pragma once

#include "cli/cli.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

enum client_socket {
	CLIENT_READ,	/* RUN_DIR/read: questions */
	CLIENT_CONTROL, /* RUN_DIR/control: changes */
};

struct client_ask {
	enum client_socket socket;
	const char *request; /* one line of JSON with its newline */
	size_t n;
	/* One line of the answer, without its newline; not the last one. */
	void (*line)(void *arg, const char *line, size_t n);
	void *arg;
	const char *waiting; /* "reading routes": shown when it takes long */
};

/*
 * Asks, hands on the lines, gives the exit code of the answer.  What went
 * wrong is on stderr by then.  ret_end: the last line's object, the caller's
 * to release; NULL is allowed.
 */
int client_ask(
    const struct cli_call *c, const struct client_ask *a, json_t **ret_end);

/* The same with --json: the lines go to stdout as they are. */
int client_pass(const struct cli_call *c, struct client_ask *a);

/* {"verb":VERB} and a newline; *a is otherwise as it was. */
int client_simple(const struct cli_call *c, enum client_socket socket,
    const char *verb, struct client_ask *a, json_t **ret_end);

/* A field of an object of the answer; of another type or missing: as said. */
const char *field_text(const json_t *o, const char *key, const char *otherwise);
uint64_t field_u64(const json_t *o, const char *key);
bool field_bool(const json_t *o, const char *key);

/*
 * stdout has taken everything?  Else CLI_FAILED, said on stderr.  code is
 * given back when all is well.
 */
int client_flush(const struct cli_call *c, int code);

/*
 * Runs the command line in this process with stdout and stderr caught, and a
 * server on a real unix socket that answers what it is told to.
 */
#pragma once

#include <stddef.h>

struct rig_result {
	int code;
	char *out;
	char *err;
};

struct cli_verb;

/* Verbs beside the command line's own, ended by NULL; NULL: none. */
extern const struct cli_verb *const *rig_verbs;

/* argv ends with NULL, without the program's name. */
struct rig_result rig_run(const char *const *argv);
void rig_free(struct rig_result *r);

#define RUN(...) rig_run((const char *const[]){__VA_ARGS__, NULL})

struct rig_server {
	char dir[64];  /* to be given as --run-dir */
	char *request; /* the line that came; after rig_server_end() */
	int pid;
	int pipe;
};

/*
 * Listens at dir/NAME ("read", "control") and answers one request with n
 * bytes, chunk bytes at a time (0: all at once), then closes.
 */
void rig_server_start(struct rig_server *s, const char *name,
    const char *answer, size_t n, size_t chunk);
void rig_server_end(struct rig_server *s);

/* A file with this text under a name of its own; the caller's to unlink. */
void rig_file(char path[64], const char *text);

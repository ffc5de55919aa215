/*
 * Runs the command line in this process with stdout and stderr caught, and a
 * server on a real unix socket that answers what it is told to.
 */
#pragma once

#include <stddef.h>

/* What the exchange says to the second question of `diff`. */
#define RIG_DIFF_ROUTES                                                        \
	"{\"member_asn\":64501,\"member\":\"Alpha\",\"accepted\":40,"          \
	"\"rejected\":2,\"would_accept\":1,\"would_reject\":3,"                \
	"\"moved_away\":2,\"moved_here\":0,\"reasons\":{\"as_set\":1,"         \
	"\"rpki_invalid\":2},\"reasons_gone\":{\"bogon_asn\":1}}\n"            \
	"{\"member_asn\":64502,\"member\":\"Beta\",\"accepted\":7,"            \
	"\"rejected\":0,\"would_accept\":0,\"would_reject\":0,"                \
	"\"moved_away\":0,\"moved_here\":0,\"reasons\":{},"                    \
	"\"reasons_gone\":{}}\n{\"end\":true,\"exit\":0}\n"

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

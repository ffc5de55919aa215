/*
 * A request that is being answered, and the links over which the other roles
 * answer: the api role's own.
 */
#pragma once

#include "api/request.h"
#include "api/server.h"
#include "daemon/role.h"

#include <stdbool.h>
#include <stddef.h>

struct api;

/* Who answers: sessions first, then engines; by place in api.peer. */
#define API_PEERS (2 * ROLE_INSTANCES)

/* What one role does for a job. */
struct api_part {
	enum {
		PART_NONE,
		PART_WAITS,
		PART_ASKED,
		PART_DONE
	} state;
	bool paused;	/* said so */
	bool cancelled; /* said so */
	int exit;
	char *p; /* lines kept (status, members) */
	size_t n;
};

struct api_job {
	struct list all;
	struct api *api;
	uint32_t id;
	struct api_client *client; /* NULL: it left; waits for the end */
	enum api_verb verb;
	struct query query;
	bool asked_parent;
	bool pause;		/* wanted */
	struct api_part parent; /* its answer, for the status */
	struct api_part part[API_PEERS];
	struct loop_timer timer; /* for a role that is not there */
};

struct api_peer {
	struct api *api;
	enum role role;
	unsigned index;	   /* of the instance */
	unsigned place;	   /* in api.peer */
	struct link *link; /* NULL: the role is down */
	struct loop_fd bell;
};

/* "session", "engine", "rpki". */
const char *api_peer_name(enum role r);

struct api {
	struct role_env *env;
	struct api_server *server;
	struct api_peer peer[API_PEERS];
	unsigned n_peer;
	unsigned n_session;
	struct list jobs;
	uint32_t last_id;
	struct loop_task pump;
	unsigned n_listen;
};

/* Starts what a client asked; takes r->text. */
void api_job_start(struct api *a, struct api_client *c, struct api_request *r);
struct api_job *api_job_find(struct api *a, uint32_t id);
void api_job_client_gone(struct api_job *j);
/* The parent's answer. */
void api_job_answer(struct api_job *j, const char *lines, size_t n);
void api_job_lines(
    struct api_job *j, const struct api_peer *from, const char *p, size_t n);
void api_job_end(struct api_job *j, const struct api_peer *from, int exit_code);
void api_job_link_lost(struct api_job *j, const struct api_peer *from);
/* Says to a role what has been waiting for room in its ring. */
void api_job_push(struct api_job *j, struct api_peer *to);
void api_job_free(struct api_job *j);

/* api_members.c: the answer to `show members`, from the sessions' lines. */
bool api_members_write(
    struct api_client *c, const struct conf *conf, const char *lines, size_t n);

/* api_many.c: one answer of the answers of several instances. */

/*
 * The lines of `show sessions` by ASN and address, as one instance sorts
 * them; in place.  False when memory is out.
 */
bool api_many_sort(char *lines, size_t n);

/*
 * One object from the status objects of n instances of a role: counts are
 * added up.  NULL, or text that is the caller's.
 */
char *api_many_sum(const struct api_part *parts, size_t n);

/*
 * The objects that members' sets come from: what is known of each, and when
 * it is asked for next.  One is asked for at a time.
 *
 *   kept on disk --check--> known --age--> due --bgpq4 or files--> known
 *                                            `--error--> known as before,
 *                                                        asked again soon
 */
#pragma once

#include "conf/conf.h"
#include "daemon/registry_fetch.h"
#include "net/loop.h"
#include "registry/registry.h"

struct object {
	char name[REGISTRY_OBJECT];
	bool known; /* a good set is kept */
	uint64_t fetched_s;
	char source[REGISTRY_SOURCE];
	size_t count[FAMILY_COUNT];
	size_t origins;
	uint64_t due_ns;
	uint64_t files;	       /* of what the files were when they were read */
	unsigned failures;     /* in a row */
	char error[FETCH_WHY]; /* of the last one; "": it went well */
	uint32_t news;	       /* bit an engine: has not had this set yet */
};

struct objects {
	struct loop *loop;
	int dir;		    /* where sets are kept */
	const struct conf *conf;    /* the running one */
	void (*changed)(void *arg); /* some object has news */
	void *arg;
	struct object *v; /* sorted by name */
	size_t n;
	size_t n_checked; /* v below it were compared with the disk */
	struct loop_task check;
	struct loop_timer timer;
	struct fetch *fetch;
	char asked[REGISTRY_OBJECT]; /* what fetch is for */
};

/* dir is borrowed; conf is set by objects_conf(). */
void objects_init(struct objects *o, struct loop *loop, int dir,
    void (*changed)(void *arg), void *arg);
/* Takes what the configuration wants now.  0 or -ENOMEM. */
int objects_conf(struct objects *o, const struct conf *c);
void objects_done(struct objects *o);

/* All engines in mask are to have every known set again. */
void objects_news(struct objects *o, uint32_t mask);

/*
 * The rpki role's own: what its files share.
 *
 *   role_rpki.c    links, configuration
 *   rpki_cache.c   one cache's connection
 *   rpki_query.c   show rpki
 */
#pragma once

#include "daemon/role.h"
#include "rpki/stream.h"
#include "rpki/supply.h"

struct rpki;

struct rpki_cache {
	struct rpki *rpki;
	unsigned index; /* in merge and sources */
	struct conf_cache conf;
	struct cache *cache;
	struct stream *stream; /* NULL: none */
	struct loop_fd fd;     /* the stream's */
	bool watched;
	bool connecting;
	bool more; /* may be read without being told */
	struct loop_timer timer;
	char name[IP_TEXT + 8]; /* "127.0.0.1:323" */
	char said[160];		/* logged last: not to be repeated */
};

/* The TLS files, read by the parent: nothing is opened here. */
#define RPKI_SYSTEM_CA "/etc/ssl/certs/ca-certificates.crt"

struct rpki_files {
	char *text; /* see daemon/files.h */
	size_t n;
};

/* False: it could not be read; why says it. */
bool rpki_file(const struct rpki_files *f, const char *path, struct bytes *ret,
    char why[STREAM_ERROR]);

struct rpki_link {
	struct rpki *rpki;
	unsigned index;
	struct link *link; /* NULL: none */
	struct loop_fd fd;
	struct supply_link *out; /* to an engine; NULL: api */
	bool asked;		 /* an answer that had no room yet */
	uint32_t ask_id;
	uint32_t ask_kind;
};

struct rpki {
	struct role_env *env;
	struct merge *merge;
	struct supply *supply;
	struct rpki_cache cache[RPKI_CACHES];
	unsigned n_cache;
	uint16_t active;
	struct rpki_files files;
	struct rpki_link link[1 + ROLE_INSTANCES]; /* api, then engines */
	struct loop_task pump;
};

/* What counts may have changed. */
void rpki_settle(struct rpki *r);

/*
 * Puts c into its place: it may move in memory between leave and enter.  0 or
 * -ENOMEM.
 */
int rpki_cache_enter(
    struct rpki *r, struct rpki_cache *rc, const struct conf_cache *c);
void rpki_cache_leave(struct rpki_cache *rc);
void rpki_cache_free(struct rpki_cache *rc);

void rpki_question(
    struct rpki_link *l, const struct link_head *h, const void *data);
/* Clears l->asked when the answer is written. */
void rpki_answer(struct rpki_link *l);

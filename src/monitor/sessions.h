/*
 * Which of the mirror's sessions a reader has been told of.  What a session
 * brought is forgotten with it: a reader hears of its end before it hears of
 * any route again.
 */
#pragma once

#include "monitor/mirror.h"

struct sessions {
	uint32_t seen; /* mirror_sessions() */
	struct sessions_slot {
		struct mirror_peer *peer; /* NULL: it knows of none */
		uint32_t epoch;
	} slot[FEED_SLOTS];
};

struct sessions_ops {
	void (*up)(void *arg, struct mirror_peer *p);
	void (*down)(void *arg, const struct mirror_peer *p);
};

struct sessions *sessions_new(void);
/* Forgets all; NULL is allowed. */
void sessions_free(struct sessions *s);

/* Tells what is different now. */
void sessions_tell(struct sessions *s, const struct mirror *m,
    const struct sessions_ops *ops, void *arg);
/* Tells the end of all that are known. */
void sessions_end(
    struct sessions *s, const struct sessions_ops *ops, void *arg);

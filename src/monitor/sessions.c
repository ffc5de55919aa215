#include "monitor/sessions.h"

#include "base/must.h"

#include <stdlib.h>

struct sessions *sessions_new(void)
{
	struct sessions *s = calloc(1, sizeof *s);

	must(s);
	return s;
}

static void forget(struct sessions_slot *t)
{
	mirror_peer_unref(t->peer);
	t->peer = NULL;
}

void sessions_free(struct sessions *s)
{
	if (!s)
		return;
	for (uint32_t i = 0; i < FEED_SLOTS; i++)
		forget(&s->slot[i]);
	free(s);
}

static void tell_slot(struct sessions_slot *t, struct mirror_peer *now,
    const struct sessions_ops *ops, void *arg)
{
	bool up = now && now->up;

	if (t->peer && (!up || t->peer != now || t->epoch != now->epoch)) {
		ops->down(arg, t->peer);
		forget(t);
	}
	if (!up || t->peer)
		return;
	t->peer = mirror_peer_ref(now);
	t->epoch = now->epoch;
	ops->up(arg, now);
}

void sessions_tell(struct sessions *s, const struct mirror *m,
    const struct sessions_ops *ops, void *arg)
{
	uint32_t seen = mirror_sessions(m);

	if (s->seen == seen)
		return;
	s->seen = seen;
	for (uint32_t i = 0; i < FEED_SLOTS; i++)
		tell_slot(&s->slot[i], mirror_peer(m, i), ops, arg);
}

void sessions_end(struct sessions *s, const struct sessions_ops *ops, void *arg)
{
	for (uint32_t i = 0; i < FEED_SLOTS; i++)
		tell_slot(&s->slot[i], NULL, ops, arg);
	s->seen = 0;
}

/*
 * One poisoned message must not loop the exchange: a peer whose messages the
 * engine was parsing when it died of itself, twice within an hour, is held
 * down.  Somebody's kill -9 is nobody's fault.
 */
#include "base/clock.h"
#include "base/log.h"
#include "daemon/internal.h"

#include <stdio.h>
#include <string.h>

#define WINDOW_NS (3600 * NS_PER_S)
#define HOLD_DOWN_NS (3600 * NS_PER_S)
#define MATCH_NS (5 * NS_PER_S) /* between the death and the word of it */

static void hold_down(struct child *c, const struct blame *b)
{
	struct role_hold_down h = {.peer = b->peer};
	uint64_t now = clock_now_ns();

	if (b->until_ns <= now)
		return;
	h.seconds = (uint32_t)((b->until_ns - now + NS_PER_S - 1) / NS_PER_S);
	snprintf(h.why, sizeof h.why, "its messages ended the engine twice");
	child_send(c, ROLE_HOLD_DOWN, 0, &h, sizeof h, NULL, 0);
}

/* The peer's entry, or the one that is missed least. */
static struct blame *entry(struct parent *p, const struct ip *peer)
{
	struct blame *oldest = &p->blame[0];

	for (size_t i = 0; i < PARENT_BLAMES; i++) {
		struct blame *b = &p->blame[i];

		if (b->death_ns && ip_eq(&b->peer, peer))
			return b;
		if (b->death_ns < oldest->death_ns)
			oldest = b;
	}
	*oldest = (struct blame){.peer = *peer};
	return oldest;
}

static void match(struct parent *p, unsigned engine)
{
	uint64_t now = clock_now_ns();
	uint64_t *peer_ns = &p->death[engine].peer_ns;
	uint64_t *guilty_ns = &p->death[engine].guilty_ns;
	char text[IP_TEXT];

	if (!*peer_ns || !*guilty_ns || now - *peer_ns > MATCH_NS ||
	    now - *guilty_ns > MATCH_NS)
		return;
	*peer_ns = *guilty_ns = 0;
	struct blame *b = entry(p, &p->death[engine].peer);
	/* Every engine reads the message: what ends all of them is one. */
	if (b->death_ns && b->engine != engine && now - b->death_ns < MATCH_NS)
		return;
	bool again = b->death_ns && now - b->death_ns < WINDOW_NS;

	b->death_ns = now;
	b->engine = engine;
	log_warn("engine_blames", "peer=%s held_down=%s",
	    ip_format(&b->peer, text), again ? "true" : "false");
	if (!again)
		return;
	b->until_ns = now + HOLD_DOWN_NS;
	/* Who does not have that peer takes no notice. */
	children_each(p, c) if (c->role == ROLE_SESSION) hold_down(c, b);
}

void blame_peer(struct parent *p, unsigned engine, const struct ip *peer)
{
	p->death[engine].peer = *peer;
	p->death[engine].peer_ns = clock_now_ns();
	match(p, engine);
}

void blame_engine_died(struct parent *p, unsigned engine, bool guilty)
{
	p->death[engine].guilty_ns = guilty ? clock_now_ns() : 0;
	match(p, engine);
}

void blame_tell(struct child *c)
{
	const struct blame *b = c->parent->blame;

	for (size_t i = 0; i < PARENT_BLAMES; i++)
		if (b[i].until_ns)
			hold_down(c, &b[i]);
}

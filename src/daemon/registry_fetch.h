/*
 * Asks a routing registry for one object, by running bgpq4 three times: IPv4
 * prefixes, IPv6 prefixes, origin ASNs.  Nothing waits for it: the answer
 * comes by the loop.  What bgpq4 may use is bounded: time for all three,
 * bytes of each answer, memory, descriptors.
 */
#pragma once

#include "net/loop.h"
#include "registry/registry.h"

/* Of one answer: to read it takes less than a second. */
#define FETCH_BYTES ((size_t)32 << 20)
#define FETCH_WHY 160

struct fetch;

struct fetch_ask {
	const char *object;
	const char *program; /* path of bgpq4 */
	const char *server;  /* HOST[:PORT]; "": bgpq4's own */
	const char *sources; /* "RIPE,ARIN"; "": the server's own */
	bool more_specifics; /* up to /24 and /48 */
	uint32_t timeout_s;
};

/* err: 0 or -errno, with why; list is the callback's to free when err is 0. */
typedef void fetch_done(
    void *arg, int err, const char *why, struct registry_list *list);

/* 0 or -errno; done is called once, and later.  The strings are borrowed. */
int fetch_start(struct loop *loop, const struct fetch_ask *ask,
    fetch_done *done, void *arg, struct fetch **ret);
/* Ends bgpq4 and forgets about it; done is not called.  NULL is allowed. */
void fetch_stop(struct fetch *f);

/* Random configurations, sessions and UPDATEs for the twin test. */
#pragma once

#include "bgp/feed.h"
#include "conf/conf.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MAKE_RS 64500u
#define MAKE_FEW 12	      /* sessions, of all kinds */
#define MAKE_MAX_SESSIONS 160 /* that may ever be */

/* A small generator of our own: the same seed gives the same run. */
uint64_t make_random(void);
void make_seed(uint64_t seed);
/* About so many prefixes of a family; UPDATEs grow with it. */
void make_scale(unsigned n);
unsigned make_prefixes(void);
/* So many sessions, MAKE_FEW to MAKE_MAX_SESSIONS. */
void make_many(unsigned n);
unsigned make_sessions(void);
/* 0..n-1. */
unsigned make_below(unsigned n);
/* True one time in n. */
bool make_once_in(unsigned n);

/* A configuration: preset, sets and members at random.  Freed by conf_free. */
struct conf *make_conf(void);

/* Session i as it would come up now, capabilities at random. */
struct feed_up make_session(unsigned i);
uint32_t make_asn(unsigned i);
/* Prefixes and ASNs as UPDATEs have them. */
struct prefix make_prefix(enum family f);
uint32_t make_origin(void);
/* Is it configured in c? */
bool make_configured(const struct conf *c, const struct feed_up *up);

/* Writes a body of an UPDATE from that session; gives its length. */
size_t make_update(const struct feed_up *from, uint8_t *body, size_t cap);
size_t make_end_of_rib(enum family f, uint8_t *body);

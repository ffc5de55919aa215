/*
 * What one BMP station is sent: bytes made of the mirror, as fast as they are
 * taken.  Knows no sockets.
 */
#pragma once

#include "conf/conf.h"
#include "monitor/buf.h"
#include "monitor/drain.h"
#include "monitor/self.h"

struct station;

/* Begins with Initiation; nothing has been told yet. */
struct station *station_new(struct mirror *m, const struct conf_station *c,
    const struct monitor_self *self);
void station_free(struct station *s);

/*
 * Makes more bytes while few wait to be taken; now_us: wall clock.  True when
 * there is more to be made at once.
 */
bool station_make(struct station *s, uint64_t now_us);

/* Statistics of all that was told, RFC 7854 s4.8. */
void station_stats(struct station *s, uint64_t now_us);

/* Termination: the last message. */
void station_end(struct station *s);

/* What is to be written to the socket; n bytes of it have been. */
struct bytes station_bytes(const struct station *s);
void station_wrote(struct station *s, size_t n);

struct station_figures {
	uint64_t bytes;	   /* made */
	uint64_t messages; /* route monitoring */
	uint64_t routes;   /* announced and withdrawn */
	uint64_t waiting;  /* prefixes that are still to be told */
};

void station_figures(const struct station *s, struct station_figures *ret);

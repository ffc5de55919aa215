/* Counts what comes in, and how late it is. */
#include "blast.h"

#include <stdlib.h>
#include <string.h>

#define STEPS 400000 /* of 10 us each */

uint8_t *held[MAX_CLIENTS];
int16_t *held_from[MAX_CLIENTS];
struct index routes4;

static double *toggled; /* NULL: not measured now */
static int n_toggled;
static uint32_t delay[STEPS];
static uint64_t n_delay;

/* Of the UPDATE in hand. */
static struct {
	unsigned length;
	uint32_t next_hop;
} cur;

void latency_start(int n)
{
	free(toggled);
	toggled = calloc((size_t)n, sizeof *toggled);
	n_toggled = n;
	n_delay = 0;
	memset(delay, 0, sizeof delay);
}

void latency_stop(void)
{
	free(toggled);
	toggled = NULL;
}

void latency_sent(uint32_t id, double t)
{
	toggled[id] = t;
}

double latency_last(uint32_t id)
{
	return toggled[id];
}

uint64_t latency_count(void)
{
	return n_delay;
}

double latency_ms(double quantile)
{
	double want = quantile * (double)n_delay;
	uint64_t sum = 0;

	for (int i = 0; i < STEPS; i++) {
		sum += delay[i];
		if (sum && (double)sum >= want)
			return i / 100.0;
	}
	return -1;
}

static void latency_seen(int64_t id, double t)
{
	double d;

	if (id < 0 || id >= n_toggled || toggled[id] == 0)
		return;
	d = (t - toggled[id]) * 1e5;
	delay[d < 0 ? 0 : d >= STEPS - 1 ? STEPS - 1 : (int)d]++;
	n_delay++;
}

static void take_route(struct client *c, uint64_t addr, unsigned len,
    unsigned family, bool reach, double t)
{
	uint64_t h = route_hash(addr, len, family);
	int64_t id;

	if (reach) {
		c->announced++;
		c->hash_announced += h;
	} else {
		c->withdrawn++;
		c->hash_withdrawn += h;
	}
	if (family != 4 || (!opt.same && !(toggled && c->index)))
		return;
	id = index_find(&routes4, addr, len, 4);
	if (opt.same && id >= 0 && held[c->index]) {
		held[c->index][id] = reach ? (uint8_t)cur.length : 0;
		held_from[c->index][id] =
		    (int16_t)(reach ? cur.next_hop - opt.base_ip : 0);
	}
	if (toggled && c->index)
		latency_seen(id, t);
}

static void take_run(struct client *c, const uint8_t *p, const uint8_t *stop,
    unsigned family, bool reach, double t)
{
	while (p < stop) {
		unsigned len = *p++;
		unsigned n = (len + 7) / 8;
		uint64_t addr = 0;

		for (unsigned i = 0; i < n && i < 8; i++)
			addr |= (uint64_t)p[i] << (56 - 8 * i);
		p += n;
		take_route(c, addr, len, family, reach, t);
	}
	c->last = t;
	if (c->first == 0)
		c->first = t;
}

static unsigned path_length(const uint8_t *p, size_t n)
{
	unsigned length = 0;

	for (size_t i = 0; i + 1 < n; i += 2 + 4u * p[i + 1])
		length += p[i] == 2 ? p[i + 1] : 1;
	return length;
}

void receive_update(struct client *c, const uint8_t *m, size_t n, double t)
{
	const uint8_t *p = m + 19;
	const uint8_t *stop = m + n;
	unsigned gone = (unsigned)(p[0] << 8 | p[1]);
	const uint8_t *attrs_end;

	c->updates++;
	if (gone)
		take_run(c, p + 2, p + 2 + gone, 4, false, t);
	p += 2 + gone;
	attrs_end = p + 2 + (p[0] << 8 | p[1]);
	p += 2;
	if (attrs_end > p)
		audit_keep(c, m, n);
	while (p < attrs_end) {
		int type = p[1];
		size_t len = p[2];

		if (p[0] & 0x10) {
			len = len << 8 | p[3];
			p++;
		}
		p += 3;
		if (type == 2 && opt.same)
			cur.length = path_length(p, len);
		else if (type == 3 && len == 4)
			cur.next_hop = (uint32_t)p[0] << 24 |
				       (uint32_t)p[1] << 16 |
				       (uint32_t)p[2] << 8 | p[3];
		else if (type == 14 && len > 5)
			take_run(c, p + 5 + p[3], p + len, p[1] == 2 ? 6 : 4,
			    true, t);
		else if (type == 15 && len > 3)
			take_run(
			    c, p + 3, p + len, p[1] == 2 ? 6 : 4, false, t);
		p += len;
	}
	if (attrs_end < stop)
		take_run(c, attrs_end, stop, 4, true, t);
}

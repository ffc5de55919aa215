/*
 * Counts what comes in, and how late it is.  It runs while the clock does,
 * so it looks at the prefixes alone; attributes are for audit.c, later.
 */
#include "blast.h"

#include <endian.h>
#include <stdlib.h>
#include <string.h>

#define STEPS 1000000 /* of 10 us each */

static double *toggled;	     /* NULL: not measured now */
static struct index watched; /* client 0's share */
static uint32_t *delay;
static uint64_t n_delay;
static double longest;

void latency_start(void)
{
	int n;
	const struct route *r = share_of(0, 4, &n);

	index_free(&watched);
	index_build(&watched, r, (uint32_t)n);
	free(toggled);
	toggled = calloc((size_t)n, sizeof *toggled);
	free(delay);
	delay = calloc(STEPS, sizeof *delay);
	n_delay = 0;
	longest = 0;
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

	if (quantile >= 1)
		return longest * 1e3;
	for (int i = 0; i < STEPS; i++) {
		sum += delay[i];
		if (sum && (double)sum >= want)
			return i / 100.0;
	}
	return -1;
}

struct nlri {
	uint64_t h;
	uint64_t addr;
	unsigned len;
	bool reach;
};

/* Toggled by client 0 (churn), or moved by another policy (change)? */
static void watch(struct client *c, const struct nlri *p, double t)
{
	int64_t id = index_find(&watched, p->h, p->addr, p->len);
	double d;

	if (id >= 0 && toggled[id] > 0) {
		d = t - toggled[id];
		if (d > longest)
			longest = d;
		d *= 1e5;
		delay[d < 0 ? 0 : d >= STEPS - 1 ? STEPS - 1 : (int)d]++;
		n_delay++;
		return;
	}
	if (p->reach) {
		c->moved_in++;
		c->hash_moved += p->h;
	} else {
		c->moved_out++;
		c->hash_moved -= p->h;
	}
	c->last_moved = t;
}

/* The bits of a prefix of so many bytes, left-aligned. */
static const uint64_t mask[9] = {0, 0xffull << 56, 0xffffull << 48,
    0xffffffull << 40, 0xffffffffull << 32, 0xffffffffffull << 24,
    0xffffffffffffull << 16, 0xffffffffffffffull << 8, UINT64_MAX};

static void take_run(struct client *c, const uint8_t *p, const uint8_t *stop,
    unsigned family, bool reach, double t)
{
	bool watching = toggled && c->index && family == 4;
	uint64_t n = 0;
	uint64_t sum = 0;

	while (p < stop) {
		struct nlri x = {.len = *p, .reach = reach};
		unsigned bytes = (x.len + 7) / 8;
		uint64_t word;

		memcpy(&word, p + 1, sizeof word); /* SLACK */
		x.addr = be64toh(word) & mask[bytes < 8 ? bytes : 8];
		x.h = route_hash(x.addr, x.len, family);
		sum += x.h;
		n++;
		p += 1 + bytes;
		if (watching)
			watch(c, &x, t);
	}
	if (reach) {
		c->announced += n;
		c->hash_announced += sum;
	} else {
		c->withdrawn += n;
		c->hash_withdrawn += sum;
	}
	c->last = t;
	if (c->first == 0)
		c->first = t;
}

bool steady;

void receive_update(struct client *c, const uint8_t *m, size_t n, double t)
{
	const uint8_t *p = m + 19;
	const uint8_t *stop = m + n;
	unsigned gone = (unsigned)(p[0] << 8 | p[1]);
	const uint8_t *attrs_end;

	if (steady) {
		steady_update(c, m, n, t);
		return;
	}
	c->updates++;
	if (gone)
		take_run(c, p + 2, p + 2 + gone, 4, false, t);
	p += 2 + gone;
	attrs_end = p + 2 + (p[0] << 8 | p[1]);
	p += 2;
	audit_keep(c, m, n);
	if (attrs_end < stop)
		take_run(c, attrs_end, stop, 4, true, t);
	if (!opt.v6)
		return;
	while (p < attrs_end) {
		int type = p[1];
		size_t len = p[2];

		if (p[0] & 0x10) {
			len = len << 8 | p[3];
			p++;
		}
		p += 3;
		if (type == 14 && len > 5)
			take_run(c, p + 5 + p[3], p + len, p[1] == 2 ? 6 : 4,
			    true, t);
		else if (type == 15 && len > 3)
			take_run(
			    c, p + 3, p + len, p[1] == 2 ? 6 : 4, false, t);
		p += len;
	}
}

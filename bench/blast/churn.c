/*
 * Churn: client 0 withdraws and announces prefixes of its share at a steady
 * rate; the delay of each is taken at every other client.
 */
#include "blast.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define BATCHES 200 /* a second */
#define PICKS_MAX 4096

static uint32_t state = 12345;
static uint8_t *is_up;
static uint8_t buf[1 << 20];

static uint32_t rng(void)
{
	state ^= state << 13;
	state ^= state >> 17;
	state ^= state << 5;
	return state;
}

static bool suitable(uint32_t id, double t)
{
	const struct attrset *s = table_set(&table.route4[id]);

	/* Not the same one within a second: its delays would mix. */
	if (latency_last(id) > 0 && t - latency_last(id) < 1)
		return false;
	return opt.max_comm < 0 || s->n_comm + s->n_large <= opt.max_comm;
}

static uint32_t pick(double t)
{
	uint32_t id = 0;

	for (int tries = 0; tries < 1000; tries++) {
		id = rng() % (uint32_t)opt.share;
		if (suitable(id, t))
			break;
	}
	return id;
}

/* Encodes a batch of n changes; gives its bytes. */
static size_t make_batch(int n, double t)
{
	static uint32_t chosen[PICKS_MAX];
	int n_down = 0;
	int n_up = 0;
	uint8_t *p = buf;

	for (int i = 0; i < n; i++) {
		uint32_t id = pick(t);

		latency_sent(id, t);
		if (is_up[id])
			chosen[n_down++] = id;
		else
			chosen[n - ++n_up] = id;
		is_up[id] ^= 1;
	}
	for (int i = 0; i < n_down;) { /* withdrawals, packed */
		uint8_t *m = p;
		uint8_t *gone;

		p = put_header(p, 2) + 2;
		gone = p;
		while (i < n_down && p - m < MSG_MAX - 10)
			p = put_prefix(p, &table.route4[chosen[i++]]);
		put16(gone - 2, (unsigned)(p - gone));
		p = put16(p, 0);
		put16(m + 16, (unsigned)(p - m));
	}
	for (int i = n - n_up; i < n; i++)
		put_update(&p, &table.route4[chosen[i]], 1, 0);
	return (size_t)(p - buf);
}

/* Gives how long the server let us wait. */
static double send_batch(struct client *c, size_t n)
{
	double start = now();

	for (size_t at = 0; at < n && c->fd >= 0;) {
		ssize_t k = send(c->fd, buf + at, n - at, MSG_NOSIGNAL);

		if (k > 0)
			at += (size_t)k;
		else if (errno == EAGAIN)
			spin(.001);
		else
			die("churn send");
	}
	return now() - start;
}

void phase_churn(void)
{
	uint64_t others = (uint64_t)opt.clients - 1;
	uint64_t events = 0;
	double worst = 0;
	double start;
	double stop;
	char extra[320];

	index_free(&routes4);
	index_build(&routes4, table.route4, (uint32_t)opt.share);
	is_up = realloc(is_up, (size_t)opt.share);
	memset(is_up, 1, (size_t)opt.share);
	phase_start("churn");
	latency_start(opt.share);
	start = now();
	for (double t = start; t - start < opt.seconds && !lost; t = now()) {
		uint64_t due = (uint64_t)((t - start) * opt.rate) - events;
		uint64_t most = (uint64_t)opt.rate / 50;

		if (due > most)
			due = most;
		if (due > PICKS_MAX)
			due = PICKS_MAX;
		if (due && due >= (uint64_t)opt.rate / BATCHES) {
			double w =
			    send_batch(&client[0], make_batch((int)due, t));

			events += due;
			if (w > worst)
				worst = w;
		}
		spin(.001);
	}
	stop = now();
	while (latency_count() < events * others && now() - stop < 15 && !lost)
		spin(.02);
	snprintf(extra, sizeof extra,
	    ",\"events\":%lu,\"seen\":%lu,\"want\":%lu,\"p50_ms\":%.2f,"
	    "\"p90_ms\":%.2f,\"p99_ms\":%.2f,\"p999_ms\":%.2f,"
	    "\"max_ms\":%.2f,\"send_stall_ms\":%.1f,\"drain_s\":%.3f",
	    events, latency_count(), events * others, latency_ms(.5),
	    latency_ms(.9), latency_ms(.99), latency_ms(.999), latency_ms(1),
	    worst * 1e3, now() - stop);
	phase_done("churn", start, stop, 0, extra);
	latency_stop();
}

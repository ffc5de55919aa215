/*
 * Churn: client 0 withdraws and announces prefixes of its share at a steady
 * rate; the delay of each is taken at every other client.
 *
 * Change: the same while the policy is changed twice, from outside.  The
 * first change refuses the routes with more than `touch` communities, the
 * second lets them in again; each is over when the last client has got the
 * last of it.
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

static struct {
	uint64_t events;
	double start;
	double stall; /* the longest that the server let us wait, s */
} churn;

static void churn_begin(const char *name)
{
	is_up = realloc(is_up, (size_t)opt.share);
	memset(is_up, 1, (size_t)opt.share);
	churn.events = 0;
	churn.stall = 0;
	phase_start(name);
	latency_start();
	churn.start = now();
}

/* Sends what is due, takes what comes. */
static void churn_step(void)
{
	double t = now();
	uint64_t due = (uint64_t)((t - churn.start) * opt.rate) - churn.events;
	uint64_t most = (uint64_t)opt.rate / 50;

	if (due > most)
		due = most;
	if (due > PICKS_MAX)
		due = PICKS_MAX;
	if (due && due >= (uint64_t)opt.rate / BATCHES) {
		double w = send_batch(&client[0], make_batch((int)due, t));

		churn.events += due;
		if (w > churn.stall)
			churn.stall = w;
	}
	spin(.001);
}

/* Clients that do not end with what client 0 left up. */
static int churn_wrong(void)
{
	uint64_t want = 0;
	int bad = 0;

	for (int k = 0; k < opt.share; k++) {
		const struct route *r = &table.route4[k];

		if (!is_up[k])
			want -= route_hash(r->addr, r->len, r->family);
	}
	for (int i = 1; i < opt.clients; i++)
		bad += client[i].hash_announced - client[i].hash_withdrawn -
			   client[i].hash_moved !=
		       want;
	return bad;
}

static void churn_end(
    const char *name, double took, int timed_out, const char *more)
{
	uint64_t want = churn.events * ((uint64_t)opt.clients - 1);
	double stop = now();
	char extra[480];

	while (latency_count() < want && now() - stop < 15 && !lost)
		spin(.02);
	snprintf(extra, sizeof extra,
	    ",\"events\":%lu,\"seen\":%lu,\"want\":%lu,\"p50_ms\":%.2f,"
	    "\"p90_ms\":%.2f,\"p99_ms\":%.2f,\"p999_ms\":%.2f,"
	    "\"max_ms\":%.2f,\"send_stall_ms\":%.1f,\"drain_s\":%.3f,"
	    "\"checksum_bad_clients\":%d%s",
	    churn.events, latency_count(), want, latency_ms(.5), latency_ms(.9),
	    latency_ms(.99), latency_ms(.999), latency_ms(1), churn.stall * 1e3,
	    now() - stop, churn_wrong(), more);
	phase_done(name, churn.start, churn.start + took, timed_out, extra);
	latency_stop();
}

void phase_churn(void)
{
	churn_begin("churn");
	while (now() - churn.start < opt.seconds && !lost)
		churn_step();
	churn_end("churn", now() - churn.start, 0, "");
}

/* The routes that the change takes from each client. */
static void expect_touched(struct sum ret[MAX_CLIENTS])
{
	struct sum all = {0};

	memset(ret, 0, MAX_CLIENTS * sizeof ret[0]);
	for (int i = 0; i < opt.clients; i++) {
		int n;
		const struct route *r = share_of(i, 4, &n);

		for (int k = 0; k < n; k++) {
			const struct attrset *s = table_set(&r[k]);

			if (s->n_comm + s->n_large <= opt.touch)
				continue;
			sum_add(&all, &r[k]);
			sum_add(&ret[i], &r[k]);
		}
	}
	for (int i = 0; i < opt.clients; i++) {
		ret[i].n = all.n - ret[i].n;
		ret[i].hash = all.hash - ret[i].hash;
	}
}

static bool all_moved(const struct sum *want, bool in)
{
	for (int i = 1; i < opt.clients; i++)
		if ((in ? client[i].moved_in : client[i].moved_out) < want[i].n)
			return false;
	return true;
}

/* Clients whose moved routes are not those that they are to be. */
static int moved_wrong(const struct sum *want, bool in)
{
	int bad = 0;

	for (int i = 1; i < opt.clients; i++)
		bad += client[i].hash_moved != (in ? 0 : -want[i].hash);
	return bad;
}

static double last_moved(void)
{
	double last = 0;

	for (int i = 1; i < opt.clients; i++)
		if (client[i].last_moved > last)
			last = client[i].last_moved;
	return last;
}

void phase_change(void)
{
	static struct sum want[MAX_CLIENTS];
	int bad = 0;
	int timed_out = 0;
	char more[96];

	expect_touched(want);
	churn_begin("change");
	for (int in = 0; in < 2 && !lost && !timed_out; in++) {
		while (!all_moved(want, in) && !timed_out && !lost) {
			churn_step();
			timed_out = now() - churn.start > opt.timeout_s;
		}
		if (timed_out || lost)
			break;
		bad += moved_wrong(want, in);
		/* run.py has the same clock, and knows when it began. */
		printf("{\"ev\":\"moved\",\"at\":%.4f}\n", last_moved());
		fflush(stdout);
		for (double t = now(); now() - t < 2 && !lost;)
			churn_step();
	}
	snprintf(more, sizeof more, ",\"moved\":%lu,\"moved_wrong\":%d",
	    want[1].n, bad);
	churn_end("change", now() - churn.start, timed_out, more);
}

/*
 * The phases:
 *
 *   blast       every announcing client sends its share; over when all
 *               clients hold all
 *   flap        the last client closes; over when all others have its
 *               withdrawals
 *   join        it comes back, empty; over when it holds the whole table
 *               again; then it announces its share again
 *   churn       client 0 toggles prefixes of its share (churn.c)
 *   change      the same, while somebody else changes the policy (churn.c)
 *   idle        nothing happens
 *   steady      clients flap for a long time (steady.c)
 */
#include "blast.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define QUIET_S 3    /* nothing came for so long: it is over */
#define SILENCE_S 30 /* a server that never sends it all */

bool gave_up;

void phase_start(const char *name)
{
	for (int i = 0; i < opt.clients; i++) {
		struct client *c = &client[i];

		c->announced = c->withdrawn = 0;
		c->hash_announced = c->hash_withdrawn = 0;
		c->bytes = c->messages = c->updates = 0;
		c->moved_in = c->moved_out = c->hash_moved = 0;
		c->first = c->last = c->last_moved = 0;
	}
	audit_reset();
	self_reset();
	printf("{\"ev\":\"start\",\"phase\":\"%s\"}\n", name);
	fflush(stdout);
}

void phase_done(const char *name, double start, double done, int timed_out,
    const char *extra)
{
	uint64_t announced = 0;
	uint64_t withdrawn = 0;
	uint64_t bytes = 0;
	uint64_t updates = 0;
	double self[2] = {self_waited(), self_cpu()};
	double end = now();
	double first = 0;
	char audit[192];

	for (int i = 0; i < opt.clients; i++) {
		const struct client *c = &client[i];

		announced += c->announced;
		withdrawn += c->withdrawn;
		bytes += c->bytes;
		updates += c->updates;
		if (c->first > 0 && (first == 0 || c->first < first))
			first = c->first;
	}
	gave_up |= timed_out != 0;
	audit_report(audit, sizeof audit);
	printf("{\"ev\":\"done\",\"phase\":\"%s\",\"t\":%.4f,\"first\":%.4f,"
	       "\"tend\":%.4f,\"timeout\":%d,\"ann\":%lu,\"wd\":%lu,"
	       "\"bytes\":%lu,\"updates\":%lu,\"lost\":%d,"
	       "\"self_waited\":%.3f,\"self_cpu\":%.3f%s%s}\n",
	    name, done - start, first > 0 ? first - start : -1, end - start,
	    timed_out, announced, withdrawn, bytes, updates, lost, self[0],
	    self[1], audit, extra);
	fflush(stdout);
}

static double last_of(int from, int to, double otherwise)
{
	double last = 0;

	for (int i = from; i < to; i++)
		if (client[i].last > last)
			last = client[i].last;
	return last > 0 ? last : otherwise;
}

/* ---- blast -------------------------------------------------------------- */

static void prepare(void)
{
	for (int i = 0; i < opt.clients; i++) {
		int n;
		const struct route *r = share_of(i, 4, &n);

		encode_share(&client[i], r, n);
		r = share_of(i, 6, &n);
		encode_share(&client[i], r, n);
	}
	if (!opt.same)
		expect_all();
}

/* Clients that hold another set of prefixes than they are to. */
static int wrong(int from, int to, const struct sum *want, bool each)
{
	int bad = 0;

	for (int i = from; i < to; i++)
		bad += client[i].hash_announced - client[i].hash_withdrawn !=
		       want[each ? i : 0].hash;
	return bad;
}

/* Of those, the ones that only have their own routes too. */
static int with_own(void)
{
	int n = 0;

	for (int i = 0; i < opt.clients; i++)
		n += own[i].n &&
		     client[i].hash_announced - client[i].hash_withdrawn ==
			 expected[i].hash + own[i].hash;
	return n;
}

static bool all_sent(void)
{
	for (int i = 0; i < opt.clients; i++)
		if (client[i].out_at < client[i].out_len)
			return false;
	return true;
}

/* Has everybody everything?  Those that had need no second look. */
static bool all_there(void)
{
	static int behind;

	for (int i = 0; i < opt.clients; i++, behind++) {
		behind %= opt.clients;
		if (client[behind].announced < expected[behind].n)
			return false;
	}
	return true;
}

static void judge_blast(char *buf, size_t n)
{
	uint64_t expect = 0;
	int bad;
	int with;

	if (opt.same) {
		held_report(buf, n);
		return;
	}
	for (int i = 0; i < opt.clients; i++)
		expect += expected[i].n;
	with = with_own();
	bad = wrong(0, opt.clients, expected, true) - with;
	snprintf(buf, n,
	    ",\"expect\":%lu,\"checksum_bad_clients\":%d,"
	    "\"own_back_clients\":%d",
	    expect, bad, with);
}

/* Spins until all is there; gives when the last of it came, 0: never. */
static double blast_wait(double start, int *ret_timed_out)
{
	while (!lost) {
		double last;
		double t;

		spin(.02);
		t = now();
		if (!opt.same && all_there() &&
		    !wrong(0, opt.clients, expected, true))
			return last_of(0, opt.clients, start);
		/* With something too many, or another path now and then. */
		last = last_of(0, opt.clients, start);
		if (t - last > QUIET_S && last > start && all_sent() &&
		    (opt.same || all_there()))
			return last;
		if (t - start > opt.timeout_s)
			*ret_timed_out = 1;
		else if (t - last > SILENCE_S && all_sent())
			*ret_timed_out = 2;
		if (*ret_timed_out)
			return 0;
	}
	return 0;
}

static void phase_blast(void)
{
	char extra[160] = "";
	double start;
	double done;
	int timed_out = 0;
	uint64_t announced = 0;

	prepare();
	phase_start("blast");
	start = now();
	for (int i = 0; i < opt.clients; i++)
		if (client[i].out_len)
			session_want_write(&client[i], true);
	done = blast_wait(start, &timed_out);
	if (done == 0)
		done = now();
	judge_blast(extra, sizeof extra);
	phase_done("blast", start, done, timed_out, extra);
	run_for(1.5); /* late duplicates would show here */
	for (int i = 0; i < opt.clients; i++)
		announced += client[i].announced;
	printf("{\"ev\":\"settled\",\"ann\":%lu}\n", announced);
	fflush(stdout);
}

/* ---- flap, join --------------------------------------------------------- */

static void phase_flap(void)
{
	int last = opt.clients - 1;
	const struct sum gone = {0, -own[last].hash};
	char extra[64];
	bool done = false;
	double start;

	phase_start("flap");
	start = now();
	session_close(&client[last]);
	while (!done && now() - start < opt.timeout_s) {
		spin(.02);
		done = true;
		for (int i = 0; done && i < last; i++)
			done = client[i].withdrawn >= own[last].n;
	}
	snprintf(extra, sizeof extra, ",\"checksum_bad_clients\":%d",
	    wrong(0, last, &gone, false));
	phase_done("flap", start, last_of(0, last, now()), !done, extra);
	run_for(1);
}

static void phase_reannounce(struct client *x)
{
	int last = opt.clients - 1;
	char extra[64];
	bool done = false;
	double start;

	phase_start("reannounce");
	start = now();
	x->out_at = 0;
	session_want_write(x, true);
	while (!done && !lost && now() - start < opt.timeout_s) {
		spin(.02);
		done = true;
		for (int i = 0; done && i < last; i++)
			done = client[i].announced >= own[last].n;
	}
	snprintf(extra, sizeof extra, ",\"checksum_bad_clients\":%d",
	    wrong(0, last, &own[last], false));
	phase_done("reannounce", start, last_of(0, last, now()), !done, extra);
	run_for(1);
}

static void phase_join(void)
{
	int last = opt.clients - 1;
	struct client *x = &client[last];
	double took;
	double start;
	char extra[96];

	x->out_at = x->out_len; /* it has nothing to say yet */
	phase_start("join");
	took = session_establish(x, 180);
	start = now();
	while (took >= 0 && x->announced < expected[last].n && !lost &&
	       now() - start < opt.timeout_s)
		spin(.02);
	snprintf(extra, sizeof extra,
	    ",\"establish\":%.3f,\"checksum_bad_clients\":%d", took,
	    wrong(last, opt.clients, expected, true));
	phase_done("join", start, x->last > 0 ? x->last : now(),
	    x->announced < expected[last].n, extra);
	if (x->announced >= expected[last].n)
		phase_reannounce(x);
}

void phase_idle(void)
{
	double start;

	run_for(2);
	phase_start("idle");
	start = now();
	run_for(opt.seconds);
	phase_done("idle", start, now(), 0, "");
}

void phase_run(const char *name)
{
	static const struct {
		const char *name;
		void (*run)(void);
	} phases[] = {{"blast", phase_blast}, {"flap", phase_flap},
	    {"join", phase_join}, {"churn", phase_churn},
	    {"change", phase_change}, {"idle", phase_idle},
	    {"steady", phase_steady}};

	for (size_t i = 0; i < sizeof phases / sizeof phases[0]; i++)
		if (!strcmp(phases[i].name, name)) {
			phases[i].run();
			return;
		}
	die("no such phase");
}

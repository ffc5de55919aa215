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
 *   idle        nothing happens
 */
#include "blast.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define QUIET_S 3    /* nothing came for so long: it is over */
#define SILENCE_S 30 /* a server that never sends it all */

static uint64_t share_of(int i)
{
	return opt.single && i ? 0 : (uint64_t)opt.share;
}

void phase_start(const char *name)
{
	for (int i = 0; i < opt.clients; i++) {
		struct client *c = &client[i];

		c->announced = c->withdrawn = 0;
		c->hash_announced = c->hash_withdrawn = 0;
		c->bytes = c->messages = c->updates = 0;
		c->first = c->last = 0;
	}
	audit_reset();
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
	double end = now();
	double first = 0;
	char audit[96];

	for (int i = 0; i < opt.clients; i++) {
		const struct client *c = &client[i];

		announced += c->announced;
		withdrawn += c->withdrawn;
		bytes += c->bytes;
		updates += c->updates;
		if (c->first > 0 && (first == 0 || c->first < first))
			first = c->first;
	}
	audit_report(audit, sizeof audit);
	printf("{\"ev\":\"done\",\"phase\":\"%s\",\"t\":%.4f,\"first\":%.4f,"
	       "\"tend\":%.4f,\"timeout\":%d,\"ann\":%lu,\"wd\":%lu,"
	       "\"bytes\":%lu,\"updates\":%lu,\"lost\":%d%s%s}\n",
	    name, done - start, first > 0 ? first - start : -1, end - start,
	    timed_out, announced, withdrawn, bytes, updates, lost, audit,
	    extra);
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

struct sent {
	uint64_t n;    /* prefixes of one client, or of all */
	uint64_t hash; /* their sum */
};

static struct sent own[MAX_CLIENTS];
static struct sent total;

static void add(struct sent *s, const struct route *r, int n)
{
	for (int k = 0; k < n; k++)
		s->hash += route_hash(r[k].addr, r[k].len, r[k].family);
	s->n += (uint64_t)n;
}

static void prepare(void)
{
	int share6 = (int)((uint64_t)table.n6 * (uint64_t)opt.share / table.n4);

	for (int i = 0; i < opt.clients; i++) {
		int at = opt.same ? 0 : i;
		const struct route *r =
		    table.route4 + (size_t)at * (size_t)opt.share;

		if (!share_of(i))
			continue;
		encode_share(&client[i], r, opt.share);
		add(&own[i], r, opt.share);
		if (opt.v6) {
			r = table.route6 + (size_t)at * (size_t)share6;
			encode_share(&client[i], r, share6);
			add(&own[i], r, share6);
		}
		total.n += own[i].n;
		total.hash += own[i].hash;
	}
	if (!opt.same)
		return;
	index_build(&routes4, table.route4, (uint32_t)opt.share);
	for (int i = 0; i < opt.clients; i++) {
		held[i] = calloc((size_t)opt.share, 1);
		held_from[i] = calloc((size_t)opt.share, sizeof *held_from[i]);
	}
}

/* Has everybody everything?  *ret_exact: and nothing twice. */
static bool all_there(bool *ret_sent, bool *ret_exact)
{
	bool there = true;

	*ret_sent = true;
	*ret_exact = true;
	for (int i = 0; i < opt.clients; i++) {
		const struct client *c = &client[i];

		if (!opt.same && c->announced < total.n - own[i].n)
			there = false;
		if (c->hash_announced - c->hash_withdrawn !=
		    total.hash - own[i].hash)
			*ret_exact = false;
		if (c->out_at < c->out_len)
			*ret_sent = false;
	}
	return there;
}

/* mode `same`: how many clients do not hold a shortest path. */
static void judge_same(char *buf, size_t n)
{
	uint64_t longer = 0;
	uint64_t none = 0;
	uint64_t of_own = 0;
	unsigned len[MAX_CLIENTS];
	uint32_t path[MAX_PATH];

	for (int k = 0; k < opt.share; k++) {
		const struct route *r = &table.route4[k];

		for (int i = 0; i < opt.clients; i++)
			len[i] = path_of(table_set(r), r->set, i, path);
		for (int i = 0; i < opt.clients; i++) {
			unsigned best = MAX_PATH;

			for (int j = 0; j < opt.clients; j++)
				if (j != i && len[j] < best)
					best = len[j];
			if (!held[i][k])
				none++;
			else if (held_from[i][k] == i)
				of_own++;
			else if (held[i][k] != best)
				longer++;
		}
	}
	snprintf(buf, n,
	    ",\"held_not_shortest\":%lu,\"held_none\":%lu,\"held_own\":%lu",
	    longer, none, of_own);
}

static void judge_split(char *buf, size_t n)
{
	uint64_t bad = 0;

	for (int i = 0; i < opt.clients; i++)
		bad += client[i].hash_announced - client[i].hash_withdrawn !=
		       total.hash - own[i].hash;
	snprintf(buf, n, ",\"expect\":%lu,\"checksum_bad_clients\":%lu",
	    total.n * (uint64_t)opt.clients - total.n, bad);
}

static void phase_blast(void)
{
	char extra[160] = "";
	double start;
	double done = 0;
	int timed_out = 0;
	uint64_t announced = 0;

	prepare();
	phase_start("blast");
	start = now();
	for (int i = 0; i < opt.clients; i++)
		if (client[i].out_len)
			session_want_write(&client[i], true);
	while (!lost && !timed_out) {
		bool sent;
		bool exact;
		bool there;
		double last;
		double t;

		spin(.02);
		t = now();
		there = all_there(&sent, &exact);
		last = last_of(0, opt.clients, start);
		if (opt.same)
			there = sent && last > start && t - last > QUIET_S;
		if (there && (opt.same || exact || t - last > QUIET_S)) {
			done = last;
			break;
		}
		if (t - start > opt.timeout_s)
			timed_out = 1;
		else if (sent && t - last > SILENCE_S)
			timed_out = 2;
	}
	if (done == 0)
		done = now();
	if (opt.same)
		judge_same(extra, sizeof extra);
	else
		judge_split(extra, sizeof extra);
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
	struct client *x = &client[opt.clients - 1];
	bool done = false;
	double start;

	phase_start("flap");
	start = now();
	session_close(x);
	while (!done && now() - start < opt.timeout_s) {
		spin(.02);
		done = true;
		for (int i = 0; i < opt.clients - 1; i++)
			if (client[i].withdrawn < (uint64_t)opt.share)
				done = false;
	}
	phase_done(
	    "flap", start, last_of(0, opt.clients - 1, now()), !done, "");
	run_for(1);
}

static void phase_reannounce(struct client *x)
{
	bool done = false;
	double start;

	phase_start("reannounce");
	start = now();
	x->out_at = 0;
	session_want_write(x, true);
	while (!done && !lost && now() - start < opt.timeout_s) {
		spin(.02);
		done = true;
		for (int i = 0; i < opt.clients - 1; i++)
			if (client[i].announced < (uint64_t)opt.share)
				done = false;
	}
	phase_done(
	    "reannounce", start, last_of(0, opt.clients - 1, now()), !done, "");
	run_for(1);
}

static void phase_join(void)
{
	struct client *x = &client[opt.clients - 1];
	uint64_t need = (uint64_t)opt.share * (uint64_t)(opt.clients - 1);
	double took;
	double start;
	char extra[64];

	x->out_at = x->out_len; /* it has nothing to say yet */
	phase_start("join");
	took = session_establish(x, 180);
	start = now();
	while (took >= 0 && x->announced < need && !lost &&
	       now() - start < opt.timeout_s)
		spin(.02);
	snprintf(extra, sizeof extra, ",\"establish\":%.3f", took);
	phase_done("join", start, x->last > 0 ? x->last : now(),
	    x->announced < need, extra);
	if (x->announced >= need)
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
	    {"join", phase_join}, {"churn", phase_churn}, {"idle", phase_idle}};

	for (size_t i = 0; i < sizeof phases / sizeof phases[0]; i++)
		if (!strcmp(phases[i].name, name)) {
			phases[i].run();
			return;
		}
	die("no such phase");
}

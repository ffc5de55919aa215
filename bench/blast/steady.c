/*
 * Steady state: clients 2.. flap for a long time, each flap a closed session,
 * half its prefixes drawn anew with new attributes, and a part of another
 * client's announced again; client 0 sends a probe all the while, client 1
 * looks on and says when each flap has arrived.  In the end every client has
 * to hold exactly what the others announce now.
 *
 *   STANDS -> GOES (until client 1 has all its withdrawals)
 *     -> COMES (until its session is up) -> SENDS (until client 1 has all)
 *     -> STANDS
 *
 * Prefixes are /24s in order, so that a prefix says whose it is; the MED says
 * by which announcement it came.
 */
#include "blast.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define WATCHER 1
#define FIRST 2		 /* of those that flap */
#define AT_ONCE 10	 /* that are away */
#define WARM_UPS 10
#define AGAIN 1000	 /* prefixes announced again with each flap */
#define BASE (20u << 16) /* the first /24: 20.0.0.0 */
#define PROBE_S .005	 /* from one to the next */
#define PROBES 65536
#define STEPS 400000 /* of 10 us each */
#define TICKS 100
#define WAIT_S 60 /* for one flap, at the most */

enum state {
	STANDS,
	GOES,
	COMES,
	SENDS
};

struct member {
	enum state state;
	double since;
	double next_try;
	int first; /* of its window, in its share */
	int have;  /* prefixes of it that the watcher holds */
	int right; /* of those, as announced now */
};

static struct member member[MAX_CLIENTS];
static uint32_t *wanted;	     /* by prefix: MED, 0: not announced */
static uint32_t *holds[MAX_CLIENTS]; /* what each client has */
static uint32_t n_id;		     /* the probe is the last of them */
static uint32_t tag;
static int window;
static uint64_t events;
static uint64_t received;
static uint64_t wrong;
static uint32_t seed = 4711;

static double probe_sent[PROBES];
static uint32_t probes;
static uint64_t probes_held;
static double probe_due;
static struct delays {
	uint32_t at[STEPS];
	uint64_t n;
} * tenth;
static int now_in; /* which tenth */

static uint32_t rng(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 17;
	seed ^= seed << 5;
	return seed;
}

/* ---- what comes in ------------------------------------------------------ */

static void probe_seen(uint32_t n, double t)
{
	double d = (t - probe_sent[n % PROBES]) * 1e5;

	tenth[now_in].at[d < 0 ? 0 : d >= STEPS - 1 ? STEPS - 1 : (int)d]++;
	tenth[now_in].n++;
}

static void take(struct client *c, uint32_t id, uint32_t med, double t)
{
	struct member *m = &member[id / (uint32_t)opt.share];
	uint32_t *at = &holds[c->index][id];

	received++;
	if (c->index == WATCHER && id == n_id - 1 && med)
		probe_seen(med, t);
	if (c->index == WATCHER && id < n_id - 1) {
		m->have += (med != 0) - (*at != 0);
		m->right +=
		    (med && med == wanted[id]) - (*at && *at == wanted[id]);
	}
	*at = med;
}

static void take_run(struct client *c, const uint8_t *p, const uint8_t *stop,
    uint32_t med, uint32_t from, double t)
{
	for (; p < stop; p += 4) {
		uint32_t id =
		    ((uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3]) - BASE;

		if (p[0] != 24 || stop - p < 4 || id >= n_id) {
			wrong++;
			return;
		}
		if (med && id < n_id - 1 &&
		    (from != opt.base_asn + id / (uint32_t)opt.share ||
			(int)(id / (uint32_t)opt.share) == c->index))
			wrong++;
		take(c, id, med, t);
	}
}

void steady_update(struct client *c, const uint8_t *m, size_t n, double t)
{
	const uint8_t *p = m + 19;
	unsigned gone = (unsigned)(p[0] << 8 | p[1]);
	uint32_t med = 0;
	uint32_t from = 0;
	const uint8_t *stop;

	c->updates++;
	take_run(c, p + 2, p + 2 + gone, 0, 0, t);
	p += 2 + gone;
	stop = p + 2 + (p[0] << 8 | p[1]);
	p += 2;
	while (p < stop) {
		bool ext = p[0] & 0x10;
		size_t len = ext ? (size_t)(p[2] << 8 | p[3]) : p[2];
		const uint8_t *v = p + (ext ? 4 : 3);
		uint32_t first = (uint32_t)v[0] << 24 | (uint32_t)v[1] << 16 |
				 (uint32_t)v[2] << 8 | v[3];

		if (p[1] == 4)
			med = first;
		else if (p[1] == 2 && len >= 6)
			from = (uint32_t)v[2] << 24 | (uint32_t)v[3] << 16 |
			       (uint32_t)v[4] << 8 | v[5];
		p = v + len;
	}
	take_run(c, stop, m + n, med, from, t);
}

/* ---- what goes out ------------------------------------------------------ */

static uint8_t *put_attrs(uint8_t *p, int c, uint32_t med, uint64_t h)
{
	unsigned n = 2 + h % 5;
	unsigned n_comm = (h >> 8) % 12;

	memcpy(p, "\x40\1\1\0\x40\2", 6);
	p[6] = (uint8_t)(2 + 4 * n);
	p[7] = 2;
	p[8] = (uint8_t)n;
	p = put32(p + 9, opt.base_asn + (uint32_t)c);
	for (unsigned i = 1; i < n; i++)
		p = put32(p, 3000 + (uint32_t)(mix64(h + i) % 20000));
	memcpy(p, "\x40\3\4", 3);
	p = put32(p + 3, opt.base_ip + (uint32_t)c);
	memcpy(p, "\x80\4\4", 3);
	p = put32(p + 3, med);
	if (!n_comm)
		return p;
	memcpy(p, "\xc0\x08", 2);
	p[2] = (uint8_t)(4 * n_comm);
	p += 3;
	for (unsigned i = 0; i < n_comm; i++)
		p = put32(p, 3000u << 16 | (uint32_t)(mix64(h ^ i) & 0xffff));
	return p;
}

static uint8_t *put_message(
    uint8_t *m, int c, uint32_t med, uint64_t h, uint32_t id, int n)
{
	uint8_t *attrs = put16(put_header(m, 2), 0);
	uint8_t *p = put_attrs(attrs + 2, c, med, h);

	put16(attrs, (unsigned)(p - attrs - 2));
	for (int i = 0; i < n; i++)
		p = put32(p, 24u << 24 | (BASE + id + (uint32_t)i));
	put16(m + 16, (unsigned)(p - m));
	return p;
}

/* Announces n prefixes of its window from the given one on; one in five or
 * so has attributes of its own. */
static void announce(int i, int from, int n)
{
	struct client *c = &client[i];
	struct member *m = &member[i];
	uint8_t *p;

	tag++;
	c->out = realloc(c->out, (size_t)window * 256 + MSG_MAX);
	p = c->out;
	for (int k = 0; k < n;) {
		uint32_t id = (uint32_t)(i * opt.share + m->first + from + k);
		int now_n = 1 + (int)(rng() % 9);

		if (now_n > n - k)
			now_n = n - k;
		p = put_message(
		    p, i, tag, mix64((uint64_t)tag << 32 | id), id, now_n);
		for (int j = 0; j < now_n; j++) {
			uint32_t was = wanted[id + (uint32_t)j];

			m->right -=
			    was && holds[WATCHER][id + (uint32_t)j] == was;
			wanted[id + (uint32_t)j] = tag;
		}
		k += now_n;
	}
	c->out_at = 0;
	c->out_len = (size_t)(p - c->out);
	events += (uint64_t)n;
	session_want_write(c, true);
}

static void send_probe(double t)
{
	uint8_t m[MSG_MAX];
	uint8_t *p;

	if (t < probe_due || client[0].out_at < client[0].out_len)
		return;
	probe_due = t + PROBE_S;
	probes++;
	p = put_message(m, 0, probes, 1, n_id - 1, 1);
	probe_sent[probes % PROBES] = t;
	if (send(client[0].fd, m, (size_t)(p - m), MSG_NOSIGNAL) != p - m) {
		if (errno != EAGAIN)
			die("probe");
		probes_held++;
		probes--;
	}
}

/* ---- flaps -------------------------------------------------------------- */

static void go(int i, double t)
{
	struct member *m = &member[i];

	session_close(&client[i]);
	client[i].out_at = client[i].out_len = 0;
	memset(holds[i], 0, n_id * sizeof *holds[i]);
	for (int k = 0; k < window; k++)
		wanted[i * opt.share + m->first + k] = 0;
	m->right = 0;
	events += (uint64_t)window;
	m->state = GOES;
	m->since = t;
}

/* True when a flap is over. */
static bool look(int i, double t)
{
	struct member *m = &member[i];
	struct client *c = &client[i];

	if (m->state == STANDS)
		return false;
	if (t - m->since > WAIT_S) {
		printf("{\"ev\":\"stuck\",\"client\":%d,\"state\":%d,"
		       "\"have\":%d,\"right\":%d}\n",
		    i, m->state, m->have, m->right);
		die("a flap that does not end");
	}
	if (m->state == GOES && !m->have) {
		m->state = COMES;
		m->first = (int)(rng() % (uint32_t)(opt.share - window));
	}
	if (m->state == COMES && c->fd < 0 && t >= m->next_try) {
		session_connect(c);
		m->next_try = t + .05;
	}
	if (m->state == COMES && c->up) {
		c->alive = true;
		announce(i, 0, window);
		m->state = SENDS;
	}
	if (m->state != SENDS || m->right < window)
		return false;
	m->state = STANDS;
	return true;
}

static int stands(uint32_t after)
{
	int n = opt.clients - FIRST;

	for (int k = 0; k < n; k++) {
		int i = FIRST + (int)((after + (uint32_t)k) % (uint32_t)n);

		if (member[i].state == STANDS && member[i].right == window &&
		    client[i].out_at == client[i].out_len)
			return i;
	}
	return -1;
}

static int away(void)
{
	int n = 0;

	for (int i = FIRST; i < opt.clients; i++)
		n += member[i].state != STANDS;
	return n;
}

static void once(double t, bool more, int *flaps)
{
	int i;

	send_probe(t);
	for (i = FIRST; i < opt.clients; i++) {
		int other;

		if (!look(i, t))
			continue;
		++*flaps;
		other = stands(rng());
		if (other >= 0)
			announce(other,
			    (int)(rng() % (uint32_t)(window - AGAIN)), AGAIN);
	}
	while (more && away() < AT_ONCE && (i = stands(rng())) >= 0)
		go(i, t);
	spin(.001);
}

/* ---- the phase ---------------------------------------------------------- */

static double quantile(const struct delays *d, double q)
{
	uint64_t sum = 0;

	for (int i = 0; i < STEPS; i++) {
		sum += d->at[i];
		if (d->n && (double)sum >= q * (double)d->n)
			return i / 100.0;
	}
	return -1;
}

/* Clients that do not hold what they should. */
static int bad_clients(void)
{
	int bad = 0;

	for (int i = 0; i < opt.clients; i++) {
		bool same = true;

		for (uint32_t id = 0; id < n_id - 1; id++)
			same &=
			    holds[i][id] ==
			    ((int)(id / (uint32_t)opt.share) == i ? 0
								  : wanted[id]);
		same &= holds[i][n_id - 1] == (i ? probes : 0);
		bad += !same;
	}
	return bad;
}

static void begin(void)
{
	window = opt.share / 2;
	n_id = (uint32_t)(opt.clients * opt.share) + 1;
	wanted = calloc(n_id, sizeof *wanted);
	tenth = calloc(11, sizeof *tenth);
	if (opt.clients <= FIRST || window <= AGAIN || !wanted || !tenth)
		die("steady: too few clients or prefixes");
	for (int i = 0; i < opt.clients; i++)
		holds[i] = calloc(n_id, sizeof *holds[i]);
	steady = true;
	for (int i = 0; i < opt.clients; i++) {
		announce(i, 0, window);
		member[i].state = SENDS;
		member[i].since = now();
	}
}

static bool all_stand(void)
{
	bool all = true;

	for (int i = 0; i < opt.clients; i++) {
		if (i < FIRST && i != WATCHER && member[i].right == window)
			member[i].state = STANDS;
		all &= i == WATCHER ||
		       (member[i].state == STANDS && member[i].right == window);
	}
	return all;
}

/* Until all is quiet and right, or too long. */
static void settle(void)
{
	double start = now();
	int flaps = 0;

	while (!lost && now() - start < WAIT_S && !all_stand())
		once(now(), false, &flaps);
	for (start = now(); !lost && now() - start < 10 && bad_clients();)
		run_for(.2);
}

/*
 * The worst moment comes first, some times over: as many as may be away at
 * once leave and come back together.  Room that this needs is no growth.
 */
static void warm_up(void)
{
	for (int n = 0; n < WARM_UPS && !lost; n++) {
		int i;

		while (away() < AT_ONCE && (i = stands(rng())) >= 0)
			go(i, now());
		settle();
	}
}

static void tick(int done, double t, int flaps)
{
	printf("{\"ev\":\"tick\",\"done\":%d,\"t\":%.3f,\"flaps\":%d,"
	       "\"events\":%lu,\"received\":%lu}\n",
	    done, t, flaps, events, received);
	fflush(stdout);
}

void phase_steady(void)
{
	char extra[400];
	double start;
	double stop;
	int flaps = 0;
	int done = 0;

	begin();
	settle();
	warm_up();
	phase_start("steady");
	start = now();
	events = received = 0;
	while (flaps < opt.flaps && !lost) {
		double t = now();

		once(t, true, &flaps);
		now_in = (int)(10L * flaps / opt.flaps);
		while (done < TICKS && flaps >= (done + 1L) * opt.flaps / TICKS)
			tick(++done, t - start, flaps);
	}
	stop = now();
	settle();
	snprintf(extra, sizeof extra,
	    ",\"flaps\":%d,\"events\":%lu,\"received\":%lu,\"wrong\":%lu,"
	    "\"bad_clients\":%d,\"first_p50_ms\":%.2f,\"first_p99_ms\":%.2f,"
	    "\"last_p50_ms\":%.2f,\"last_p99_ms\":%.2f,\"probes\":%u,"
	    "\"probes_held\":%lu",
	    flaps, events, received, wrong, bad_clients(),
	    quantile(&tenth[0], .5), quantile(&tenth[0], .99),
	    quantile(&tenth[9], .5), quantile(&tenth[9], .99), probes,
	    probes_held);
	phase_done("steady", start, stop, 0, extra);
	steady = false;
}

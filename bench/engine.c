/*
 * What the engine costs without anything around it: one exchange in one
 * process, fed from memory with the UPDATEs of bench/blast, its journals read
 * by nobody.  One line a figure; not part of the tests.
 *
 *   engine-bench TABLE [LINE,...]     lines: a a6 b c d e flap g; all of them
 *   RPKI=FILE engine-bench TABLE      all with ROV and ASPA, and line rpki
 *
 * flap is a client's loss and, as `join`, its return to the full table.
 *
 * Times are the processor's: other programs disturb them less.
 */
#include "base/clock.h"
#include "blast/blast.h"
#include "engine_rpki.h"
#include "exchange/exchange.h"
#include "rib/store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define RS_ASN 64999
#define CHUNKS 512
#define READ 65536 /* bytes taken from one socket at once */
/* The clock goes by the bytes taken in, so that batches are always the same. */
#define NS_A_BYTE 16

struct options opt = {.base_asn = 65001, .base_ip = 0x0a630101};
struct client client[MAX_CLIENTS];

void die(const char *what)
{
	(void)fprintf(stderr, "engine-bench: %s\n", what);
	exit(1);
}

static double cpu_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* ---- an exchange and a session role that reads all at once -------------- */

struct bench {
	struct exchange *x;
	struct feed_shared *area;
	struct feed_cursors *cursors;
	struct feed_place place[FEED_JOURNALS];
	bool joined[FEED_JOURNALS];
	double in_s;  /* taking records in */
	double out_s; /* flushing: best path, encoding */
	uint64_t out_bytes;
};

static struct bench bench;
static bool proven; /* by the RPKI */

/* Readers of one journal all stand at its head. */
static bool on_record(void *arg, enum feed_type type, uint32_t slot,
    uint32_t incarnation, const void *data, size_t n)
{
	struct bench *b = arg;
	struct feed_place p;

	(void)incarnation;
	if (type == FEED_CLOSE)
		die("a session was closed");
	if (type != FEED_JOIN || n != sizeof p)
		return true;
	memcpy(&p, data, sizeof p);
	atomic_store(
	    &b->cursors->at[slot][p.journal], FEED_AT(p.seq, p.offset));
	if (!b->joined[p.journal]) {
		b->joined[p.journal] = true;
		b->place[p.journal] = p;
	}
	return true;
}

/* Everybody reads what there is. */
static void read_journals(struct bench *b)
{
	uint8_t *chunks = (uint8_t *)b->area + FEED_CHUNKS_AT;

	for (unsigned j = 0; j < FEED_JOURNALS; j++) {
		struct feed_place *p = &b->place[j];

		if (!b->joined[j])
			continue;
		for (;;) {
			struct feed_chunk *c =
			    (struct feed_chunk *)(void *)(chunks +
							  (size_t)p->chunk *
							      FEED_CHUNK);
			uint32_t next = atomic_load(&c->next);

			b->out_bytes += atomic_load(&c->used) - p->offset;
			p->offset = atomic_load(&c->used);
			p->seq = c->seq;
			if (next == FEED_NO_CHUNK)
				break;
			p->chunk = next;
			p->offset = 0;
		}
		for (int i = 0; i < opt.clients; i++)
			if (atomic_load(&b->cursors->at[i][j]) != UINT64_MAX)
				atomic_store(&b->cursors->at[i][j],
				    FEED_AT(p->seq, p->offset));
	}
}

static void flush(struct bench *b, uint64_t now)
{
	double t = cpu_now();

	exchange_flush(b->x, now);
	while (exchange_work(b->x, clock_now_ns(), 5 * NS_PER_MS)) {
		exchange_flush(b->x, clock_now_ns());
		read_journals(b);
	}
	exchange_flush(b->x, now);
	b->out_s += cpu_now() - t;
	read_journals(b);
}

static struct conf *conf_make(void)
{
	static char text[1 << 20];
	struct conf_error *errors = NULL;
	size_t n_errors = 0;
	struct conf *c = NULL;
	size_t n = (size_t)snprintf(text, sizeof text,
	    "exchange \"bench\" { asn %u; router-id 10.99.0.1; listen "
	    "10.99.0.1; lan 10.99.0.0/16; }\npolicy { preset %s; %s %s }\n",
	    RS_ASN, getenv("STRICT") ? "strict" : "open",
	    getenv("STRICT") ? "transit-free 4199999999;" : "",
	    proven ? "rov reject; aspa reject; informational on;"
		   : "rov off; aspa off; informational on;");

	for (int i = 0; i < opt.clients; i++) {
		uint32_t a = opt.base_ip + (uint32_t)i;

		n += (size_t)snprintf(text + n, sizeof text - n,
		    "member \"c%d\" { asn %u; at %u.%u.%u.%u; }\n", i,
		    opt.base_asn + (uint32_t)i, a >> 24, a >> 16 & 255,
		    a >> 8 & 255, a & 255);
	}
	if (conf_parse(text, n, &c, &errors, &n_errors))
		die(n_errors ? errors[0].text : "configuration");
	return c;
}

static void session_up(struct bench *b, int i)
{
	uint32_t a = opt.base_ip + (uint32_t)i;
	struct feed_up up = {.asn = opt.base_asn + (uint32_t)i,
	    .id = a,
	    .hold_s = 90,
	    .families = BGP_FAMILY(FAMILY_IPV4) | BGP_FAMILY(FAMILY_IPV6),
	    .as4 = true,
	    .refresh = true};

	up.peer.family = up.local.family = FAMILY_IPV4;
	for (int k = 0; k < 4; k++)
		up.peer.b[k] = (uint8_t)(a >> (24 - 8 * k));
	up.open.asn = up.asn;
	up.open.id = up.id;
	up.open.mp = up.open.as4 = true;
	up.open.families = up.families;
	exchange_record(
	    b->x, FEED_UP, (uint32_t)i, 1, &up, sizeof up, clock_now_ns());
}

static void start(struct bench *b)
{
	struct exchange_out out = {on_record, b};
	size_t bytes = FEED_CHUNKS_AT + (size_t)CHUNKS * FEED_CHUNK;
	struct conf *c = conf_make();

	memset(b, 0, sizeof *b);
	b->area = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	b->cursors = malloc(sizeof *b->cursors);
	if (b->area == MAP_FAILED || !b->cursors ||
	    exchange_new(c, false, clock_now_ns(), &b->x))
		die("no memory");
	conf_free(c);
	memset(b->cursors, 0xff, sizeof *b->cursors);
	if (proven)
		rpki_prove(b->x);
	exchange_attach(b->x, b->area, bytes, b->cursors, &out, clock_now_ns());
	for (int i = 0; i < opt.clients; i++)
		session_up(b, i);
	flush(b, clock_now_ns());
	b->in_s = b->out_s = 0;
}

static void stop(struct bench *b)
{
	exchange_free(b->x);
	munmap(b->area, FEED_CHUNKS_AT + (size_t)CHUNKS * FEED_CHUNK);
	free(b->cursors);
}

/* ---- feeding ------------------------------------------------------------ */

static size_t message_len(const uint8_t *m)
{
	return (size_t)m[16] << 8 | m[17];
}

/* Takes whole messages of one client, READ bytes of them at most. */
static size_t feed_some(struct bench *b, struct client *c, uint64_t now)
{
	size_t from = c->out_at;

	while (c->out_at < c->out_len && c->out_at - from < READ) {
		const uint8_t *m = c->out + c->out_at;
		size_t n = message_len(m);

		exchange_record(b->x, FEED_UPDATE, (uint32_t)c->index, 1,
		    m + BGP_HEADER, n - BGP_HEADER, now);
		c->out_at += n;
	}
	return c->out_at - from;
}

/*
 * Clients take turns, as their sockets do, and a batch grows for as long as
 * the engine role would let it.
 */
static void feed_all(struct bench *b)
{
	uint64_t now = clock_now_ns();
	size_t bytes = 1;

	for (int i = 0; i < opt.clients; i++)
		client[i].out_at = 0;
	while (bytes) {
		double t = cpu_now();

		bytes = 0;
		for (int i = 0; i < opt.clients; i++) {
			size_t n = feed_some(b, &client[i], now);

			bytes += n;
			now += n * NS_A_BYTE;
			if (n && exchange_gathers(b->x, now))
				continue;
			b->in_s += cpu_now() - t;
			flush(b, now);
			t = cpu_now();
		}
		b->in_s += cpu_now() - t;
	}
	flush(b, now);
}

/* ---- the parts by themselves -------------------------------------------- */

static double parse_alone(void)
{
	struct bgp_rules rules = {
	    .families = BGP_FAMILY(FAMILY_IPV4) | BGP_FAMILY(FAMILY_IPV6),
	    .as4 = true};
	static struct bgp_update u;
	struct arena a;
	double t = cpu_now();

	arena_init(&a, 1 << 20);
	for (int i = 0; i < opt.clients; i++) {
		const struct client *c = &client[i];

		for (size_t at = 0; at < c->out_len;
		     at += message_len(c->out + at)) {
			arena_reset(&a);
			bgp_update_parse(
			    rd_from(c->out + at + BGP_HEADER,
				message_len(c->out + at) - BGP_HEADER),
			    &rules, &a, &u);
		}
	}
	t = cpu_now() - t;
	arena_done(&a);
	return t;
}

/* Finding and adding the prefixes of the table, without paths. */
static double locate_alone(uint32_t n)
{
	static struct rib_nlri v[RIB_BATCH];
	struct rib *r;

	if (rib_new(8000000, &r))
		die("no memory");
	double t = cpu_now();
	for (uint32_t i = 0; i < n;) {
		uint32_t k = 0;

		for (; k < RIB_BATCH && i < n; k++, i++) {
			uint64_t addr = table.route4[i].addr;

			for (int b = 0; b < 4; b++)
				v[k].addr[b] = (uint8_t)(addr >> (56 - 8 * b));
			v[k].len = table.route4[i].len;
			v[k].make = true;
			rib_hint(r, FAMILY_IPV4, &v[k], RIB_NONE);
		}
		rib_locate(r, FAMILY_IPV4, v, k);
	}
	t = cpu_now() - t;
	rib_free(r);
	return t;
}

/* ---- lines -------------------------------------------------------------- */

static uint32_t encode(
    int clients, uint32_t share, bool same, bool single, bool v6)
{
	uint32_t n = 0;

	opt.clients = clients;
	opt.same = same;
	for (int i = 0; i < clients; i++) {
		struct client *c = &client[i];

		free(c->out);
		*c = (struct client){.index = i};
		if (single && i)
			continue;
		encode_share(c, table.route4 + (same ? 0 : (uint32_t)i * share),
		    (int)share);
		n += share;
		if (v6) {
			encode_share(c, table.route6, (int)table.n6);
			n += table.n6;
		}
	}
	return n;
}

static void report(
    const char *line, const struct bench *b, uint32_t n, double parse)
{
	struct exchange_stats s;
	double all = b->in_s + b->out_s;

	exchange_stats(b->x, &s);
	printf("%-5s %.3f s  %6.1f ns a NLRI  in %.3f (parse %.3f) out %.3f  "
	       "%.1f MB out, tables %.1f MB\n",
	    line, all, all / n * 1e9, b->in_s, parse, b->out_s,
	    (double)b->out_bytes / 1e6, (double)s.rib.memory_bytes / 1e6);
	(void)fflush(stdout);
}

static void run_line(const char *line, int clients, uint32_t share, bool same,
    bool single, bool v6)
{
	uint32_t n = encode(clients, share, same, single, v6);

	start(&bench);
	feed_all(&bench);
	report(line, &bench, n, parse_alone());
	stop(&bench);
}

/* Where a profile is to look: perf script --time, perf record -k monotonic. */
static void window(const char *what, uint64_t from)
{
	if (getenv("WINDOWS"))
		(void)fprintf(stderr, "window %s %.6f,%.6f\n", what,
		    (double)from * 1e-9, (double)clock_now_ns() * 1e-9);
}

#define FLAPS 5

/*
 * Line b with what a client's loss costs: 19 others hear of 50 k; and what it
 * costs to give it the 950 k of the others when it comes back.
 */
static void run_flap(void)
{
	struct feed_down down = {.kind = FEED_DOWN_HARD};
	uint32_t n = encode(20, 50000, false, false, false);
	int last = opt.clients - 1;

	start(&bench);
	feed_all(&bench);
	for (int k = 0; k < FLAPS; k++) {
		uint64_t from = clock_now_ns();
		double t = cpu_now();

		bench.out_s = 0;
		bench.out_bytes = 0;
		exchange_record(bench.x, FEED_DOWN, (uint32_t)last, 1, &down,
		    sizeof down, from);
		bench.in_s = cpu_now() - t;
		flush(&bench, clock_now_ns());
		window("flap", from);
		report("flap", &bench, n / 20, 0);
		from = clock_now_ns();
		t = cpu_now();
		bench.out_s = 0;
		bench.out_bytes = 0;
		session_up(&bench, last);
		bench.in_s = cpu_now() - t;
		do
			flush(&bench, clock_now_ns());
		while (exchange_client(bench.x, (uint32_t)last)->lagging);
		window("join", from);
		report("join", &bench, n / 20 * 19, 0);
		client[last].out_at = 0;
		while (feed_some(&bench, &client[last], clock_now_ns()))
			flush(&bench, clock_now_ns());
	}
	stop(&bench);
}

/* CPU seconds that it takes to judge again what is to be, and the rest. */
static void settle(const char *what)
{
	double t = cpu_now(), longest = 0;
	bool more = true;

	while (more) {
		double from = cpu_now();

		exchange_flush(bench.x, clock_now_ns());
		more = exchange_work(bench.x, clock_now_ns(), NS_PER_MS);
		exchange_flush(bench.x, clock_now_ns());
		if (cpu_now() - from > longest)
			longest = cpu_now() - from;
		t += cpu_now(); /* others read meanwhile */
		read_journals(&bench);
		t -= cpu_now();
	}
	printf("rpki  %s: %.1f ms, longest step %.1f ms\n", what,
	    (cpu_now() - t) * 1e3, longest * 1e3);
}

/* Line a with and without ROV and ASPA, in turn; then what changes cost. */
static void run_rpki(void)
{
	double least[2] = {1e9, 1e9};
	uint32_t n = encode(2, table.n4, false, true, false);

	for (int i = 0; i < 10; i++) {
		const struct exchange_client *c;

		proven = i & 1;
		start(&bench);
		feed_all(&bench);
		if (bench.in_s + bench.out_s < least[proven])
			least[proven] = bench.in_s + bench.out_s;
		report(proven ? "rov on" : "off", &bench, n, 0);
		if (i < 9) {
			stop(&bench);
			continue;
		}
		c = exchange_client(bench.x, 0);
		printf("rpki  %lu of %lu rejected\n",
		    (unsigned long)c->rejected[0], (unsigned long)c->received[0]);
	}
	printf("rpki  least: %.3f and %.3f s, ratio %.3f\n", least[1],
	    least[0], least[1] / least[0]);
	for (int i = 0; i < 2; i++) {
		rpki_prove(bench.x);
		settle("all again");
	}
	for (int i = 0; i < 4; i++) {
		double t = cpu_now();

		rpki_change(bench.x, 1000, !(i & 1));
		printf("rpki  telling of 1,000: %.1f ms\n",
		    (cpu_now() - t) * 1e3);
		settle("1,000 VRPs");
	}
	stop(&bench);
}

/* Wishes of the announcer on one route in ten: denied, announced, prepended. */
static void add_wishes(int clients)
{
	for (uint32_t i = 0; i < table.n_set4; i++) {
		struct attrset *s = &table.set4[i];
		uint64_t h = mix64(i ^ 0x77697368u);
		size_t n = s->n_path + s->n_comm + 3u * s->n_large;
		uint32_t peer =
		    opt.base_asn + (uint32_t)(h >> 20) % (uint32_t)clients;
		uint32_t what[3] = {RS_ASN,
		    (const uint32_t[]){0, 1, 101, 102}[h >> 16 & 3], peer};

		if (h % 10)
			continue;
		uint8_t *v = malloc(4 * (n + 3));
		if (!v)
			die("no memory");
		memcpy(v, s->v, 4 * n);
		memcpy(v + 4 * n, what, sizeof what);
		s->v = v;
		s->n_large++;
	}
}

static size_t resident(void)
{
	FILE *f = fopen("/proc/self/statm", "r");
	unsigned long size, rss = 0;

	if (!f || fscanf(f, "%lu %lu", &size, &rss) != 2)
		die("/proc/self/statm");
	(void)fclose(f);
	return rss * (size_t)sysconf(_SC_PAGESIZE);
}

/* Bytes a path, and a further path: the same prefixes from four clients. */
static void run_memory(void)
{
	enum {
		CLIENTS = 4
	};
	struct exchange_stats s, was = {0};
	size_t rss;

	encode(CLIENTS, table.n4, true, false, false);
	start(&bench);
	rss = resident();
	for (int i = 0; i < CLIENTS; i++) {
		while (feed_some(&bench, &client[i], clock_now_ns()))
			flush(&bench, clock_now_ns());
		exchange_stats(bench.x, &s);
		size_t now = resident();
		printf("g     path %d of a prefix: %.1f bytes; attribute sets "
		       "%.1f bytes more a path (%lu); resident %.1f\n",
		    i + 1,
		    (double)(s.rib.memory_bytes - s.rib.sets_memory -
			     was.rib.memory_bytes + was.rib.sets_memory) /
			table.n4,
		    (double)(s.rib.sets_memory - was.rib.sets_memory) /
			table.n4,
		    (unsigned long)s.rib.sets,
		    ((double)now - (double)rss) / table.n4);
		rss = now;
		was = s;
	}
	stop(&bench);
}

static bool wanted(const char *lines, const char *line)
{
	size_t n = strlen(line);

	for (const char *p = lines; p; p = strchr(p, ',')) {
		p += *p == ',';
		if (!strncmp(p, line, n) && (!p[n] || p[n] == ','))
			return true;
	}
	return !lines;
}

int main(int argc, char **argv)
{
	const char *lines = argc > 2 ? argv[2] : NULL;

	if (argc < 2)
		die("usage: engine-bench TABLE [LINE,...]");
	table_load(argv[1]);
	if (getenv("RPKI")) {
		rpki_load(getenv("RPKI"));
		if (wanted(lines, "rpki"))
			run_rpki();
		proven = true;
	}
	if (wanted(lines, "table"))
		printf("table %.3f s to find and add %u prefixes alone\n",
		    locate_alone(table.n4), table.n4);
	if (wanted(lines, "a"))
		run_line("a", 2, table.n4, false, true, false);
	if (wanted(lines, "a6"))
		run_line("a6", 2, table.n4, false, true, true);
	if (wanted(lines, "b"))
		run_line("b", 20, 50000, false, false, false);
	if (wanted(lines, "flap"))
		run_flap();
	if (wanted(lines, "c"))
		run_line("c", 10, 200000, true, false, false);
	if (wanted(lines, "g"))
		run_memory();
	if (wanted(lines, "d"))
		run_line("d", 100, 10000, false, false, false);
	if (wanted(lines, "e")) {
		add_wishes(100);
		run_line("e", 100, 10000, false, false, false);
	}
	return 0;
}

/* Putting the lab up, taking it down, looking at it; see lab.h. */
#include "cli/lab/lab.h"

#include "base/clock.h"
#include "cli/cli.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define START_S 20
#define CROSS_S 60 /* without any progress */
#define LOOK_S 5   /* for a member to answer in */
#define LOOK_MS 1000
#define MEMORY_MB 2000 /* measured at its peak, with the whole table */
#define MEMORY_SMALL_MB 400

#define MOVED_NOT 2 /* looks without a change that count as an end */

/* ---- down -------------------------------------------------------------- */

/* What is ours in DIR; anything else in it stays, and then so does DIR. */
static void remove_files(const struct lab *l)
{
	const char *const argv[] = {
	    "rm", "-rf", "--one-file-system", l->dir, NULL};
	char path[LAB_PATH];

	if (access(lab_path(l, path, LAB_MADE_ROOT), F_OK) == 0)
		(void)rmdir(LAB_OPENBGPD_ROOT);
	/* Only a folder that the lab made has this mark. */
	if (access(lab_path(l, path, "made-by-spean-lab"), F_OK) == 0)
		(void)lab_run(l, NULL, argv, NULL);
}

int lab_down(const struct lab *l, bool quiet)
{
	unsigned processes = lab_end_all(l);
	unsigned namespaces = lab_net_remove(l);

	remove_files(l);
	if (!quiet && processes + namespaces == 0)
		lab_say("there is no lab here");
	else if (!quiet)
		lab_say("ended %u programs, removed %u namespaces", processes,
		    namespaces);
	return CLI_DONE;
}

/* ---- up ---------------------------------------------------------------- */

static int check_programs(void)
{
	int code = CLI_DONE;

	for (size_t i = 0; i < lab_member_count; i++) {
		const struct lab_member *m = &lab_members[i];

		if (lab_has(m->program))
			continue;
		lab_say("%s is missing: apt-get install %s", m->program,
		    m->package);
		code = CLI_FAILED;
	}
	if (!lab_has("ip")) {
		lab_say("ip is missing: apt-get install iproute2");
		code = CLI_FAILED;
	}
	return code;
}

/* Memory that programs can still have, in MB; 0: not known. */
static unsigned long memory_free_mb(void)
{
	FILE *f = fopen("/proc/meminfo", "re");
	char line[128];
	unsigned long kb = 0;

	while (f && fgets(line, sizeof line, f))
		if (sscanf(line, "MemAvailable: %lu", &kb) == 1)
			break;
	if (f)
		(void)fclose(f);
	return kb / 1024;
}

static int check_memory(const struct lab *l)
{
	unsigned long need =
	    l->table && !l->limit ? MEMORY_MB : MEMORY_SMALL_MB;
	unsigned long have = memory_free_mb();

	lab_say("needs up to %lu MB of memory; %lu MB are free", need, have);
	if (!have || have >= need)
		return CLI_DONE;
	lab_say("that is not enough: give --limit 50000 for a smaller table");
	return CLI_FAILED;
}

static int make_dir(const struct lab *l)
{
	char path[LAB_PATH];
	int fd;

	if (mkdir(l->dir, 0755) && errno != EEXIST)
		goto bad;
	fd = open(lab_path(l, path, "made-by-spean-lab"),
	    O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
	if (fd < 0)
		goto bad;
	close(fd);
	if ((mkdir(lab_path(l, path, "run"), 0755) && errno != EEXIST) ||
	    (mkdir(lab_path(l, path, "state"), 0755) && errno != EEXIST))
		goto bad;
	return CLI_DONE;
bad:
	lab_say("cannot make %s: %s", l->dir, strerror(errno));
	return CLI_FAILED;
}

static int write_conf(const struct lab *l)
{
	char path[LAB_PATH];
	FILE *f = fopen(lab_path(l, path, "spean.conf"), "we");

	if (!f)
		return -errno;
	(void)fprintf(f,
	    "# The demo exchange of `spean lab up`.\n"
	    "exchange \"Demo-IX\" {\n"
	    "\tasn %u;\n"
	    "\trouter-id " LAB_LAN4 "1;\n"
	    "\tlisten " LAB_LAN4 "1, " LAB_LAN6 "1;\n"
	    "\tlan " LAB_LAN4 "0/24, " LAB_LAN6 "/64;\n"
	    "}\n"
	    "policy { preset strict; }\n",
	    LAB_RS_ASN);
	for (size_t i = 0; i < lab_member_count; i++) {
		const struct lab_member *m = &lab_members[i];

		(void)fprintf(f,
		    "member \"%s\" {\n"
		    "\tasn %u;\n"
		    "\tat " LAB_LAN4 "%u, " LAB_LAN6 "%u;\n"
		    "\tprefix %s le 24, %s le 48;\n"
		    "\tmax-prefix 100, 100;\n"
		    "}\n",
		    m->title, m->asn, m->host, m->host, m->good4, m->good6);
	}
	if (l->table)
		(void)fprintf(f,
		    "member \"Omega Net (a full table)\" {\n"
		    "\tasn %u;\n"
		    "\tat " LAB_LAN4 "%u;\n"
		    "\tmax-prefix 2000000, 500000;\n"
		    "}\n",
		    LAB_TABLE_ASN, LAB_TABLE_HOST);
	int bad = ferror(f);
	return fclose(f) || bad ? -EIO : 0;
}

/* Whether a log has a text in it by now. */
static bool log_has(const struct lab *l, const char *log, const char *text)
{
	char path[LAB_PATH], line[1024];
	FILE *f = fopen(lab_path(l, path, log), "re");
	bool found = false;

	while (f && !found && fgets(line, sizeof line, f))
		found = strstr(line, text) != NULL;
	if (f)
		(void)fclose(f);
	return found;
}

static void show_log(const struct lab *l, const char *name)
{
	char path[LAB_PATH], file[64], *out = NULL;

	(void)snprintf(file, sizeof file, "%s.log", name);
	const char *const argv[] = {
	    "tail", "-n", "15", lab_path(l, path, file), NULL};
	if (lab_run(l, NULL, argv, &out) == 0)
		(void)fprintf(stderr, "%s", out);
	free(out);
}

static int start_spean(const struct lab *l)
{
	char conf[LAB_PATH], run[LAB_PATH], state[LAB_PATH];
	const char *const argv[] = {l->self, "run", "-c",
	    lab_path(l, conf, "spean.conf"), "--run-dir",
	    lab_path(l, run, "run"), "--state-dir", lab_path(l, state, "state"),
	    NULL};
	uint64_t due = clock_now_ns() + START_S * NS_PER_S;
	int err = write_conf(l);

	if (!err)
		err = lab_spawn(l, "spean", "rs", argv);
	while (!err && !log_has(l, "spean.log", "ready")) {
		if (clock_now_ns() > due || !lab_alive(l, "spean"))
			err = -EIO;
		else if (lab_pause(50))
			err = -EINTR;
	}
	if (err && !lab_pause(0)) {
		lab_say("spean did not start:");
		show_log(l, "spean");
	}
	return err;
}

static int start_members(const struct lab *l)
{
	for (size_t i = 0; i < lab_member_count; i++) {
		const struct lab_member *m = &lab_members[i];
		int err = m->configure(l, m);

		if (!err)
			err = m->start(l, m);
		if (lab_pause(0))
			return -EINTR;
		if (err) {
			lab_say(
			    "%s did not start: %s", m->title, strerror(-err));
			show_log(l, m->name);
			return err;
		}
	}
	return 0;
}

static int start_table(const struct lab *l)
{
	char limit[32];
	const char *argv[] = {l->self, "play", l->table, "--to", LAB_LAN4 "1",
	    "--as", "64405", "--retry", NULL, NULL, NULL};

	if (!l->table)
		return 0;
	if (l->limit) {
		(void)snprintf(
		    limit, sizeof limit, "%llu", (unsigned long long)l->limit);
		argv[8] = "--limit";
		argv[9] = limit;
	}
	return lab_spawn(l, "table", "table", argv);
}

/* ---- looking ----------------------------------------------------------- */

/* The rows of `spean VERB... --json`, one object each; NULL: no answer. */
static json_t *rows_of(const struct lab *l, const char *const words[])
{
	char run[LAB_PATH], *out = NULL, *save;
	const char *argv[12] = {l->self};
	size_t n = 1;

	while (*words && n < 8)
		argv[n++] = *words++;
	argv[n++] = "--json";
	argv[n++] = "--run-dir";
	argv[n++] = lab_path(l, run, "run");
	argv[n] = NULL;
	if (lab_run(l, NULL, argv, &out)) {
		free(out);
		return NULL;
	}
	json_t *rows = json_array();
	for (char *line = strtok_r(out, "\n", &save); line;
	     line = strtok_r(NULL, "\n", &save)) {
		json_t *row = json_loads(line, 0, NULL);

		if (row)
			(void)json_array_append_new(rows, row);
	}
	free(out);
	return rows;
}

static json_t *sessions(const struct lab *l)
{
	static const char *const words[] = {"show", "sessions", NULL};

	return rows_of(l, words);
}

/* The exchange's figure of one session; UINT64_MAX: not there. */
static uint64_t figure(
    json_t *rows, const char *address, unsigned v, const char *what)
{
	json_t *row;
	size_t i;

	json_array_foreach(rows, i, row)
	{
		const char *a =
		    json_string_value(json_object_get(row, "address"));
		json_t *f = json_object_get(
		    json_object_get(row, "families"), v ? "ipv6" : "ipv4");

		if (a && strcmp(a, address) == 0)
			return (uint64_t)json_integer_value(
			    json_object_get(f, what));
	}
	return UINT64_MAX;
}

struct crossing {
	uint64_t taken; /* routes that the table's member has sent in */
	uint64_t accepted;
	uint64_t held[16]; /* by each member, IPv4 */
	uint64_t busy[16]; /* seconds computed, of those that do not answer */
	bool silent[16];   /* which these are */
	bool all_up;
	bool equal; /* each holds what the exchange says that it sent it */
	char missing[128]; /* who does not */
};

/* Brings c up to date. */
static void look(const struct lab *l, struct crossing *c)
{
	json_t *rows = sessions(l);
	char addr[64];

	c->all_up = c->equal = rows != NULL;
	c->missing[0] = 0;
	(void)snprintf(addr, sizeof addr, LAB_LAN4 "%u", LAB_TABLE_HOST);
	if (rows && l->table) {
		c->taken = figure(rows, addr, 0, "received");
		c->accepted = figure(rows, addr, 0, "accepted");
		c->all_up = c->taken && c->taken != UINT64_MAX;
	}
	for (size_t i = 0; rows && i < lab_member_count; i++) {
		const struct lab_member *m = &lab_members[i];
		struct lab_view view = {0};

		if (!m->view(l, m, &view) || !view.up[0] || !view.up[1]) {
			/* What it held when it last answered stands. */
			c->all_up = c->equal = false;
			c->silent[i] = true;
			c->busy[i] = lab_busy(l, m->name);
			(void)snprintf(c->missing, sizeof c->missing,
			    "%s is not up, or does not answer", m->name);
			continue;
		}
		c->silent[i] = false;
		c->held[i] = view.routes[0];
		for (unsigned v = 0; v < 2; v++) {
			(void)snprintf(addr, sizeof addr, "%s%u",
			    v ? LAB_LAN6 : LAB_LAN4, m->host);
			uint64_t sent = figure(rows, addr, v, "advertised");
			if (view.routes[v] == sent)
				continue;
			c->equal = false;
			(void)snprintf(c->missing, sizeof c->missing,
			    "%s holds %llu IPv%u routes of %lld", m->name,
			    (unsigned long long)view.routes[v], v ? 6 : 4,
			    (long long)sent);
		}
	}
	json_decref(rows);
}

static void say_crossing(const struct crossing *c)
{
	char text[256];
	int n = snprintf(text, sizeof text, "taken in %llu, accepted %llu",
	    (unsigned long long)c->taken, (unsigned long long)c->accepted);

	for (size_t i = 0; i < lab_member_count; i++)
		n += snprintf(text + n, sizeof text - (size_t)n,
		    "; %s has %llu%s", lab_members[i].name,
		    (unsigned long long)c->held[i],
		    c->silent[i] ? " (busy)" : "");
	lab_say("%s", text);
}

/* Waits until everybody holds all that he should.  0 or -errno. */
static int wait_crossing(const struct lab *l)
{
	uint64_t due = clock_now_ns() + CROSS_S * NS_PER_S;
	uint64_t said = clock_now_ns();
	struct crossing now = {0}, before = {0};
	unsigned still = 0;

	for (;;) {
		look(l, &now);
		bool sent = !l->table || log_has(l, "table.log", "all sent");

		if (sent && now.all_up && now.equal &&
		    now.taken == before.taken &&
		    memcmp(now.held, before.held, sizeof now.held) == 0)
			still++;
		else
			still = 0;
		if (still >= MOVED_NOT) {
			say_crossing(&now);
			return 0;
		}
		if (clock_now_ns() - said > 5 * NS_PER_S) {
			said = clock_now_ns();
			say_crossing(&now);
		}
		if (now.taken != before.taken ||
		    memcmp(now.held, before.held, sizeof now.held) != 0 ||
		    memcmp(now.busy, before.busy, sizeof now.busy) != 0)
			due = clock_now_ns() + CROSS_S * NS_PER_S;
		if (clock_now_ns() > due) {
			lab_say("nothing has moved for %d s, but %s", CROSS_S,
			    now.missing);
			return -ETIME;
		}
		if (!lab_alive(l, "spean")) {
			lab_say("spean ended:");
			show_log(l, "spean");
			return -EIO;
		}
		before = now;
		if (lab_pause(LOOK_MS))
			return -EINTR;
	}
}

/* ---- the report -------------------------------------------------------- */

#define REASONS 40

struct reason {
	char text[160];
	char prefix[64]; /* an example */
	long long asn;
	uint64_t n;
};

static int by_count(const void *a, const void *b)
{
	const struct reason *x = a, *y = b;

	return (x->n < y->n) - (x->n > y->n);
}

static size_t count_reasons(json_t *rows, struct reason r[REASONS])
{
	size_t n = 0, i, k;
	json_t *row;

	json_array_foreach(rows, i, row)
	{
		const char *text =
		    json_string_value(json_object_get(row, "reason"));
		const char *prefix =
		    json_string_value(json_object_get(row, "prefix"));

		if (!text)
			continue;
		for (k = 0; k < n && strcmp(r[k].text, text) != 0; k++)
			continue;
		if (k == REASONS)
			continue;
		if (k == n) {
			r[n] = (struct reason){
			    .asn = json_integer_value(
				json_object_get(row, "from_asn"))};
			(void)snprintf(r[n].text, sizeof r[n].text, "%s", text);
			(void)snprintf(r[n].prefix, sizeof r[n].prefix, "%s",
			    prefix ? prefix : "");
			n++;
		}
		r[k].n++;
	}
	qsort(r, n, sizeof *r, by_count);
	return n;
}

static void show_reasons(const struct lab *l)
{
	static const char *const words[] = {
	    "show", "routes", "--rejected", NULL};
	struct reason *r = calloc(REASONS, sizeof *r);
	json_t *rows = rows_of(l, words);

	if (r && rows) {
		size_t n = count_reasons(rows, r);

		printf("\nRefused, by reason:\n");
		for (size_t i = 0; i < n; i++)
			printf("  %7llu  %-30s e.g. %s from AS%lld\n",
			    (unsigned long long)r[i].n, r[i].text, r[i].prefix,
			    r[i].asn);
	}
	json_decref(rows);
	free(r);
}

int lab_status(const struct lab *l, bool json)
{
	bool all = true;
	char ns[64];

	for (size_t i = 0; i < lab_member_count; i++) {
		const struct lab_member *m = &lab_members[i];
		pid_t pid = lab_alive(l, m->name);
		struct lab_view v = {0};

		if (!pid || !m->view(l, m, &v))
			all = false;
		if (json) {
			json_t *o =
			    json_pack("{s:s,s:s,s:I,s:I,s:b,s:b,s:I,s:I}",
				"member", m->title, "namespace",
				lab_namespace(l, ns, m->name), "asn",
				(json_int_t)m->asn, "pid", (json_int_t)pid,
				"ipv4_up", v.up[0], "ipv6_up", v.up[1],
				"ipv4_routes", (json_int_t)v.routes[0],
				"ipv6_routes", (json_int_t)v.routes[1]);
			(void)json_dumpf(o, stdout, JSON_COMPACT);
			(void)putchar('\n');
			json_decref(o);
			continue;
		}
		if (i == 0)
			printf("%-22s %6s %-15s %9s %12s %12s\n", "member",
			    "ASN", "namespace", "pid", "IPv4 routes",
			    "IPv6 routes");
		printf("%-22s %6u %-15s %9d", m->title, m->asn,
		    lab_namespace(l, ns, m->name), (int)pid);
		for (unsigned f = 0; f < 2; f++)
			if (v.up[f])
				printf(
				    " %12llu", (unsigned long long)v.routes[f]);
			else
				printf(" %12s", "down");
		(void)putchar('\n');
	}
	if (!lab_alive(l, "spean")) {
		lab_say("spean itself does not run; see spean lab up");
		return CLI_NO;
	}
	return all ? CLI_DONE : CLI_NO;
}

int lab_up(struct lab *l, bool wait)
{
	int err;

	(void)lab_pause(0); /* from here on ^C takes down what was made */
	if (check_programs() || check_memory(l))
		return CLI_FAILED;
	/* What is left of an earlier one, whole or not, goes first. */
	(void)lab_down(l, true);
	if (make_dir(l))
		return CLI_FAILED;
	lab_say("making the LAN and its namespaces");
	err = lab_net_make(l);
	if (!err) {
		lab_say("starting spean");
		err = start_spean(l);
	}
	if (!err) {
		lab_say("starting bird2, frr, openbgpd and gobgp as members");
		err = start_members(l);
	}
	if (!err && l->table) {
		lab_say("playing %s as one more member", l->table);
		err = start_table(l);
	}
	if (!err && wait) {
		unsigned patience_s = l->patience_s;

		l->patience_s = LOOK_S;
		err = wait_crossing(l);
		l->patience_s = patience_s;
	}
	if (err && lab_pause(0)) {
		lab_say("interrupted: taking it down again");
		(void)lab_down(l, true);
	}
	if (err)
		return CLI_FAILED;
	if (wait) {
		(void)lab_status(l, false);
		show_reasons(l);
	}
	(void)fflush(stdout);
	lab_say("up; spean lab down takes it away");
	return CLI_DONE;
}

/* `spean play`: a file of recorded routes into a BGP session. */
#include "base/clock.h"
#include "base/json.h"
#include "bgp/bgp.h"
#include "cli/cli.h"
#include "cli/play/play_count.h"
#include "cli/play/play_session.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define RETRY_S 2

static const struct cli_option options[] = {
    {.name = "count", .doc = "only count what is in FILE"},
    {.name = "to",
	.arg = "ADDR",
	.type = CLI_ADDR,
	.doc = "the speaker to open a session with"},
    {.name = "as",
	.arg = "ASN",
	.type = CLI_ASN,
	.doc = "our own ASN, put in front of each AS path"},
    {.name = "port",
	.arg = "N",
	.type = CLI_NUMBER,
	.min = 1,
	.max = 65535,
	.doc = "its TCP port, 179 by default"},
    {.name = "from",
	.arg = "ADDR",
	.type = CLI_ADDR,
	.doc = "the address of ours to speak from"},
    {.name = "peer",
	.arg = "N",
	.type = CLI_NUMBER,
	.max = UINT16_MAX,
	.doc = "only what this peer of the recording said; --count lists them"},
    {.name = "family",
	.arg = "ipv4|ipv6",
	.type = CLI_TEXT,
	.doc = "only routes of this family"},
    {.name = "limit",
	.arg = "N",
	.type = CLI_NUMBER,
	.min = 1,
	.doc = "at most so many routes"},
    {.name = "pace",
	.arg = "fast|recorded|N/s",
	.type = CLI_TEXT,
	.doc = "as fast as the peer takes them (the default), as the times in "
	       "the recording say, or so many routes a second"},
    {.name = "next-hop",
	.arg = "ADDR",
	.type = CLI_ADDR,
	.doc = "next hop of IPv4 routes, our own address by default"},
    {.name = "next-hop6",
	.arg = "ADDR",
	.type = CLI_ADDR,
	.doc = "next hop of IPv6 routes, our own address by default"},
    {.name = "router-id",
	.arg = "ADDR",
	.type = CLI_ADDR,
	.doc = "our BGP identifier, made of our address by default"},
    {.name = "hold",
	.arg = "SECONDS",
	.type = CLI_SECONDS,
	.max = 65535,
	.doc = "hold time to offer, 90 s by default; 0: none"},
    {.name = "password-file",
	.arg = "FILE",
	.type = CLI_FILE,
	.doc = "sign the TCP session with the password in FILE (TCP-MD5)"},
    {.name = "gtsm", .doc = "send with a TTL of 255 (RFC 5082)"},
    {.name = "exit-when-sent",
	.doc = "end the session when all was sent; else it stays until ^C"},
    {.name = "retry", .doc = "open the session again when it ends, until ^C"},
    {.name = "quiet", .letter = 'q', .doc = "say nothing of the progress"},
    {.name = NULL},
};

/* ---- options ----------------------------------------------------------- */

static int bad_option(const struct cli_call *c, const char *what)
{
	return cli_fail(c, CLI_MISUSE, "%s", what);
}

static int read_families(const struct cli_call *c, uint8_t *ret)
{
	const char *text = cli_text(c, "family", NULL);

	*ret = BGP_FAMILY(FAMILY_IPV4) | BGP_FAMILY(FAMILY_IPV6);
	if (!text)
		return CLI_DONE;
	if (strcmp(text, "ipv4") == 0)
		*ret = BGP_FAMILY(FAMILY_IPV4);
	else if (strcmp(text, "ipv6") == 0)
		*ret = BGP_FAMILY(FAMILY_IPV6);
	else
		return bad_option(c, "--family is ipv4 or ipv6");
	return CLI_DONE;
}

static int read_pace(const struct cli_call *c, struct play_wants *w)
{
	const char *text = cli_text(c, "pace", "fast");
	char *end;

	if (strcmp(text, "fast") == 0) {
		w->pace = PLAY_FAST;
	} else if (strcmp(text, "recorded") == 0) {
		w->pace = PLAY_RECORDED;
	} else {
		w->pace = PLAY_RATE;
		w->rate = strtoull(text, &end, 10);
		if (text[0] < '0' || text[0] > '9' || w->rate == 0 ||
		    w->rate > 1000000000 || (*end && strcmp(end, "/s") != 0))
			return bad_option(c,
			    "--pace is fast, recorded, or a number of routes a "
			    "second as in 500/s");
	}
	return CLI_DONE;
}

static int read_wants(
    const struct cli_call *c, uint8_t families, struct play_wants *w)
{
	*w = (struct play_wants){.path = c->operand[0],
	    .asn = (uint32_t)cli_number(c, "as", 0),
	    .one_peer = cli_get(c, "peer")->given,
	    .peer = (uint32_t)cli_number(c, "peer", 0),
	    .families = families,
	    .limit = cli_number(c, "limit", 0)};
	return read_pace(c, w);
}

/* The first line of a file; the caller frees it.  NULL and errno. */
static char *first_line(const char *path)
{
	FILE *f = fopen(path, "re");
	char *line = NULL;
	size_t cap = 0;

	if (!f)
		return NULL;
	ssize_t n = getline(&line, &cap, f);
	(void)fclose(f);
	if (n <= 0) {
		free(line);
		errno = ENODATA;
		return NULL;
	}
	line[strcspn(line, "\r\n")] = 0;
	return line;
}

static int read_session(const struct cli_call *c, uint8_t families,
    struct play_session_conf *s, char **ret_password)
{
	static const char *const hops[FAMILY_COUNT] = {"next-hop", "next-hop6"};
	const struct cli_value *id = cli_get(c, "router-id");
	const char *path = cli_text(c, "password-file", NULL);
	uint64_t hold = cli_number(c, "hold", 90);

	*s = (struct play_session_conf){.to = cli_get(c, "to")->addr,
	    .port = (uint16_t)cli_number(c, "port", BGP_PORT),
	    .has_from = cli_get(c, "from")->given,
	    .from = cli_get(c, "from")->addr,
	    .asn = (uint32_t)cli_number(c, "as", 0),
	    .hold_s = (uint16_t)hold,
	    .families = families,
	    .gtsm = cli_flag(c, "gtsm"),
	    .exit_when_sent = cli_flag(c, "exit-when-sent"),
	    .quiet = cli_flag(c, "quiet")};
	if (hold == 1 || hold == 2)
		return bad_option(c, "--hold is 0 or at least 3 s (RFC 4271)");
	if (s->has_from && s->from.family != s->to.family)
		return bad_option(c, "--from and --to are of two families");
	if (id->given && id->addr.family != FAMILY_IPV4)
		return bad_option(
		    c, "--router-id is written as an IPv4 address");
	if (id->given)
		for (unsigned i = 0; i < 4; i++)
			s->router_id = s->router_id << 8 | id->addr.b[i];
	for (unsigned f = 0; f < FAMILY_COUNT; f++) {
		const struct cli_value *v = cli_get(c, hops[f]);

		s->has_hop[f] = v->given;
		s->hop[f] = v->addr;
		if (v->given && v->addr.family != f)
			return bad_option(c,
			    "--next-hop is an IPv4 address, --next-hop6 an "
			    "IPv6 one");
	}
	if (path) {
		*ret_password = first_line(path);
		if (!*ret_password)
			return cli_fail(
			    c, CLI_FAILED, "%s: %s", path, strerror(errno));
		s->password = *ret_password;
	}
	return CLI_DONE;
}

/* ---- playing ----------------------------------------------------------- */

struct reading {
	bool quiet;
	uint64_t said_ns;
};

/* Progress of the reading of a table; false on ^C. */
static bool tick(void *arg, uint64_t at, uint64_t size)
{
	struct reading *r = arg;
	uint64_t now = clock_now_ns();

	if (!r->quiet && now - r->said_ns > 2 * NS_PER_S) {
		r->said_ns = now;
		if (size)
			(void)fprintf(stderr,
			    "spean play: reading the table, %llu %%\n",
			    (unsigned long long)(at * 100 / size));
		else
			(void)fprintf(stderr,
			    "spean play: reading the table, %llu MB\n",
			    (unsigned long long)(at >> 20));
	}
	return !play_interrupted();
}

static void write_summary(const struct play_session_conf *c,
    const struct play_source *s, const struct play_outcome *o)
{
	static const char *const ends[] = {
	    [PLAY_SENT] = "sent",
	    [PLAY_STOPPED] = "stopped",
	    [PLAY_REFUSED] = "refused",
	    [PLAY_LOST] = "lost",
	};
	const struct play_figures *g = play_source_figures(s);
	char buf[2048], text[IP_TEXT];
	struct json j;

	json_init(&j, buf, sizeof buf);
	json_open_object(&j, NULL);
	json_string(&j, "to", ip_format(&c->to, text));
	json_u64(&j, "asn", c->asn);
	json_bool(&j, "established", o->established);
	json_string(&j, "end", ends[o->end]);
	json_string(&j, "why", o->why[0] ? o->why : NULL);
	json_bool(&j, "all_sent", o->all_sent);
	json_u64(&j, "records", g->records);
	json_open_object(&j, "announced");
	json_u64(&j, "ipv4", g->announced[FAMILY_IPV4]);
	json_u64(&j, "ipv6", g->announced[FAMILY_IPV6]);
	json_close_object(&j);
	json_open_object(&j, "withdrawn");
	json_u64(&j, "ipv4", g->withdrawn[FAMILY_IPV4]);
	json_u64(&j, "ipv6", g->withdrawn[FAMILY_IPV6]);
	json_close_object(&j);
	json_u64(&j, "messages", g->messages);
	json_u64(&j, "left_out_no_next_hop", g->no_hop);
	json_u64(&j, "left_out_too_long", g->too_long);
	json_u64(&j, "left_out_damaged", g->damaged);
	json_u64(&j, "left_out_other_families", g->other);
	json_u64(&j, "received_updates", o->received);
	if (o->all_sent)
		json_u64(&j, "send_ms", o->send_ns / NS_PER_MS);
	else
		json_null(&j, "send_ms");
	const char *trouble = play_source_trouble(s);
	json_string(&j, "error", trouble[0] ? trouble : NULL);
	json_close_object(&j);
	if (json_ok(&j))
		printf("%.*s\n", (int)j.len, buf);
	(void)fflush(stdout);
}

static void pause_s(unsigned s)
{
	struct timespec t = {.tv_sec = s};

	(void)nanosleep(&t, NULL); /* ends early on ^C */
}

static int exit_code(const struct play_source *s, const struct play_outcome *o)
{
	if (play_source_trouble(s)[0])
		return CLI_NO;
	switch (o->end) {
	case PLAY_SENT:
		return CLI_DONE;
	case PLAY_STOPPED:
		return o->all_sent ? CLI_DONE : CLI_NO;
	case PLAY_REFUSED:
		return CLI_NO;
	default:
		return CLI_FAILED;
	}
}

static int play_into(const struct cli_call *c,
    const struct play_session_conf *conf, struct play_source *s)
{
	bool retry = cli_flag(c, "retry"), told = false;
	struct play_outcome o;

	for (;;) {
		play_session(conf, s, &o);
		if (o.why[0])
			(void)cli_fail(c, CLI_DONE, "%s", o.why);
		if (play_source_trouble(s)[0] && !told) {
			told = true;
			(void)cli_fail(
			    c, CLI_DONE, "%s", play_source_trouble(s));
		}
		if (!retry || o.end <= PLAY_STOPPED || play_interrupted())
			break;
		pause_s(RETRY_S);
		if (play_interrupted())
			break;
	}
	if (c->json)
		write_summary(conf, s, &o);
	return exit_code(s, &o);
}

static int run(const struct cli_call *c)
{
	struct reading reading = {
	    .quiet = cli_flag(c, "quiet"), .said_ns = clock_now_ns()};
	struct play_session_conf conf;
	struct play_source *s = NULL;
	struct play_wants wants;
	char error[PLAY_ERROR], *password = NULL;
	uint8_t families;
	int code;

	if (cli_flag(c, "count"))
		return play_count(c->operand[0], c->json);
	if (!cli_get(c, "to")->given || !cli_get(c, "as")->given)
		return bad_option(c,
		    "give --to ADDR and --as ASN to play FILE into a session, "
		    "or --count to look at it");
	code = read_families(c, &families);
	if (!code)
		code = read_wants(c, families, &wants);
	if (!code)
		code = read_session(c, families, &conf, &password);
	if (code)
		goto out;
	play_signals();
	int err = play_source_open(&wants, tick, &reading, &s, error);
	if (err) {
		code = cli_fail(
		    c, err == -EINTR ? CLI_NO : CLI_FAILED, "%s", error);
		goto out;
	}
	code = play_into(c, &conf, s);
out:
	play_source_close(s);
	free(password);
	return code;
}

extern const struct cli_verb cli_play;
const struct cli_verb cli_play = {
    .name = "play",
    .summary = "play recorded routes into a BGP session",
    .doc =
	"Opens one BGP session and sends what FILE holds: MRT (TABLE_DUMP, "
	"TABLE_DUMP_V2, BGP4MP and its variants), the lines of `bgpdump -m`, "
	"or a list of \"prefix origin\"; plain, or packed with gzip, bzip2 or "
	"xz; \"-\" is standard input.\n"
	"\n"
	"Of a table, one path a prefix is sent: the first one in FILE, or that "
	"of --peer N.  Of a recording of updates every change is sent, of all "
	"its peers or of --peer N.  AS paths get our own ASN in front, next "
	"hops are our own address; all else stays as recorded.  IPv6 routes "
	"over an IPv4 session need --next-hop6, and IPv4 routes over an IPv6 "
	"session --next-hop, unless the peer takes IPv6 next hops for them "
	"(RFC 8950).\n"
	"\n"
	"The session stays up after the last route and answers what the peer "
	"asks, until ^C.  A file that is cut short is played as far as it "
	"goes; the exit code is then 1.",
    .operands = "FILE",
    .min_operands = 1,
    .max_operands = 1,
    .options = options,
    .run = run,
};

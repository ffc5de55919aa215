/* `spean init`: a member list in, a configuration out. */
#include "base/json.h"
#include "base/must.h"
#include "cli/cli.h"
#include "cli/init/plan.h"
#include "conf/words.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct cli_option options[] = {
    {.name = "from",
	.arg = "FILE",
	.type = CLI_FILE,
	.required = true,
	.doc = "the member list: an IX-F member export, version 0.6 to 1.0"},
    {.name = "out",
	.letter = 'o',
	.arg = "FILE",
	.type = CLI_FILE,
	.doc = "where the configuration is written, standard output by "
	       "default; a file that is there is not overwritten"},
    {.name = "ixp",
	.arg = "ID",
	.type = CLI_TEXT,
	.doc = "the ixp_id of the exchange, where the list holds several"},
    {.name = "name",
	.arg = "NAME",
	.type = CLI_TEXT,
	.doc = "the exchange's name, that of the list by default"},
    {.name = "asn",
	.arg = "ASN",
	.type = CLI_ASN,
	.doc = "the exchange's own AS number"},
    {.name = "router-id",
	.arg = "ADDR",
	.type = CLI_ADDR,
	.doc = "its BGP identifier, the first IPv4 address to listen on by "
	       "default"},
    {.name = "listen",
	.arg = "ADDR",
	.type = CLI_TEXT,
	.list = true,
	.doc = "an address of the route server; once for each"},
    {.name = "lan",
	.arg = "PREFIX",
	.type = CLI_TEXT,
	.list = true,
	.doc = "a prefix of the peering LAN, those of the list by default"},
    {.name = "all",
	.doc = "take members that do not peer with the route server too"},
    {.name = "peeringdb",
	.arg = "FILE",
	.type = CLI_FILE,
	.doc = "fill in AS-SETs and max-prefix from PeeringDB: the answer to "
	       "/api/net, or a dump"},
    {.name = NULL},
};

/* Every value of an option that may be repeated; false: too many, or bad. */
static int each(const struct cli_call *c, const char *name, size_t max,
    int (*take)(const char *text, struct plan_ask *ask), struct plan_ask *ask)
{
	size_t len = strlen(name);
	size_t n = 0;

	for (int i = 0; i < c->argc; i++) {
		const char *arg = c->argv[i];

		if (strncmp(arg, "--", 2) != 0 ||
		    strncmp(arg + 2, name, len) != 0)
			continue;
		const char *text = arg[len + 2] == '=' ? arg + len + 3
				   : arg[len + 2] || i + 1 == c->argc
				       ? NULL
				       : c->argv[i + 1];
		if (!text)
			continue;
		if (n++ == max)
			return cli_fail(c, CLI_MISUSE,
			    "--%s is given more than %zu times", name, max);
		if (take(text, ask))
			return cli_fail(c, CLI_MISUSE, "--%s %s: expected %s",
			    name, text,
			    strcmp(name, "lan") ? "an IP address"
						: "ADDRESS/LENGTH");
	}
	return CLI_DONE;
}

static int take_listen(const char *text, struct plan_ask *ask)
{
	return ip_parse(text, &ask->listen[ask->n_listen++]);
}

static int take_lan(const char *text, struct plan_ask *ask)
{
	return prefix_parse(text, &ask->lan[ask->n_lan++]);
}

static int read_ask(const struct cli_call *c, struct plan_ask *ask)
{
	const struct cli_value *id = cli_get(c, "router-id");

	*ask = (struct plan_ask){.name = cli_text(c, "name", NULL),
	    .ixp = cli_text(c, "ixp", NULL),
	    .asn = (uint32_t)cli_number(c, "asn", 0),
	    .all = cli_flag(c, "all"),
	    .router_id = id->addr,
	    .has_router_id = id->given};
	if (id->given && id->addr.family != FAMILY_IPV4)
		return cli_fail(c, CLI_MISUSE,
		    "--router-id %s: expected an IPv4 address", id->text);
	int code = each(c, "listen", CONF_LISTEN, take_listen, ask);
	return code ? code : each(c, "lan", CONF_LANS, take_lan, ask);
}

/* The text, checked as `spean check` does; what is wrong goes to missing. */
static char *make_text(struct plan *p, const char *from, size_t *ret_n)
{
	struct conf *conf = NULL;
	struct conf_error *errors = NULL;
	size_t n_errors = 0;
	char *text = NULL;
	FILE *f = open_memstream(&text, ret_n);

	must(f);
	plan_write(p, from, f);
	fclose(f);
	must(text);
	if (conf_parse(text, *ret_n, &conf, &errors, &n_errors)) {
		for (size_t i = 0; i < n_errors; i++)
			lines_add(&p->missing, "%s", errors[i].text);
		if (!n_errors)
			lines_add(&p->missing,
			    "the configuration would be too large");
	}
	conf_free(conf);
	free(errors);
	return text;
}

static void tell(const char *what, const struct lines *l)
{
	for (size_t i = 0; i < l->n; i++)
		fprintf(stderr, "%s: %s\n", what, l->v[i]);
}

static void list_json(struct json *j, const char *key, const struct lines *l)
{
	json_open_list(j, key);
	for (size_t i = 0; i < l->n; i++)
		json_string(j, NULL, l->v[i]);
	json_close_list(j);
}

static size_t length(const struct lines *l)
{
	size_t n = 0;

	for (size_t i = 0; i < l->n; i++)
		n += strlen(l->v[i]) + 2;
	return n;
}

static void answer_json(
    const struct plan *p, const char *text, size_t n, FILE *to)
{
	size_t cap = 6 * (n + length(&p->notes) + length(&p->missing)) + 512;
	char *buf = malloc(cap);
	struct json j;

	must(buf);
	json_init(&j, buf, cap);
	json_open_object(&j, NULL);
	json_u64(&j, "members", p->n_member);
	json_u64(&j, "sessions", p->n_at);
	list_json(&j, "missing", &p->missing);
	list_json(&j, "notes", &p->notes);
	if (p->missing.n)
		json_null(&j, "configuration");
	else
		json_string_n(&j, "configuration", text, n);
	json_close_object(&j);
	json_newline(&j);
	fwrite(buf, 1, j.len, to);
	free(buf);
}

static int write_out(const struct cli_call *c, const char *text, size_t n)
{
	const char *path = cli_text(c, "out", NULL);
	FILE *f = stdout;

	if (!path && cli_flag(c, "json"))
		return CLI_DONE; /* it is in the answer */
	if (path)
		f = fopen(path, "wxe");
	if (!f)
		return cli_fail(c, CLI_FAILED, "%s: %s", path, strerror(errno));
	bool bad = fwrite(text, 1, n, f) != n || fflush(f);
	if (path && (fclose(f) || bad)) {
		int code =
		    cli_fail(c, CLI_FAILED, "%s: %s", path, strerror(errno));

		unlink(path);
		return code;
	}
	return bad ? CLI_FAILED : CLI_DONE;
}

static int make(const struct cli_call *c, const struct plan_ask *ask,
    const struct ixf *x, const struct peeringdb *db)
{
	const char *path = cli_text(c, "from", "");
	const char *base = strrchr(path, '/');
	char *text = NULL;
	struct plan p;
	char from[256];
	size_t n = 0;

	snprintf(from, sizeof from, "%s (IX-F %s%s%s)", base ? base + 1 : path,
	    x->version[0] ? x->version : "of no version",
	    x->timestamp[0] ? ", " : "", x->timestamp);
	for (char *s = from; *s; s++)
		if ((unsigned char)*s < 0x20)
			*s = ' ';
	plan_make(x, db, ask, &p);
	if (!p.missing.n)
		text = make_text(&p, from, &n);
	if (cli_flag(c, "json"))
		answer_json(&p, text, n, stdout);
	tell("note", &p.notes);
	tell("missing", &p.missing);
	int code = p.missing.n ? CLI_NO : write_out(c, text, n);
	if (code == CLI_DONE && cli_get(c, "out")->given)
		fprintf(stderr, "%s: %zu members, %zu sessions\n",
		    cli_text(c, "out", ""), p.n_member, p.n_at);
	free(text);
	plan_free(&p);
	return code;
}

static int run(const struct cli_call *c)
{
	const char *peeringdb = cli_text(c, "peeringdb", NULL);
	struct peeringdb db = {0};
	struct plan_ask ask;
	struct ixf x = {0};
	char err[512];
	int code = read_ask(c, &ask);

	if (code)
		return code;
	if (ixf_read(cli_text(c, "from", ""), &x, err, sizeof err) ||
	    (peeringdb && peeringdb_read(peeringdb, &db, err, sizeof err)))
		code = cli_fail(c, CLI_FAILED, "%s", err);
	else
		code = make(c, &ask, &x, &db);
	peeringdb_free(&db);
	ixf_free(&x);
	return code;
}

const struct cli_verb cli_init = {
    .name = "init",
    .summary = "write a configuration from a list of members",
    .doc =
	"Reads the member list that exchanges publish (IX-F Member Export) and "
	"writes a configuration with a block for each member: its AS number, "
	"addresses, AS-SET and max-prefix.  What the list leaves out about the "
	"exchange itself is given by options; what is missing is listed, and "
	"then nothing is written and the exit code is 1.  Whatever could not "
	"be taken over is said on standard error.\n\n"
	"The result passes spean check.  Read it before it is used: it is only "
	"as right as the list.",
    .options = options,
    .run = run,
};

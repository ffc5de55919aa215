#include "cli/diff.h"

#include "cli/client.h"
#include "cli/request.h"
#include "net/addr.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define VRPS_MAX 4000000u

/* ---- the answer --------------------------------------------------------- */

struct sum {
	unsigned long long rejected;
	unsigned long long accepted;
	unsigned long long moved;
	size_t members;
};

/* " (rpki_invalid 12, as_set 1)" */
static void write_reasons(const json_t *o, const char *key)
{
	const char *word;
	json_t *n;
	bool first = true;

	json_object_foreach(json_object_get(o, key), word, n)
	{
		printf("%s%s %lld", first ? " (" : ", ", word,
		    (long long)json_integer_value(n));
		first = false;
	}
	if (!first)
		putchar(')');
}

static void write_member(void *arg, const char *line, size_t n)
{
	struct sum *sum = arg;
	json_t *o = json_loadb(line, n, 0, NULL);
	unsigned long long rejected = field_u64(o, "would_reject");
	unsigned long long accepted = field_u64(o, "would_accept");
	unsigned long long away = field_u64(o, "moved_away");
	unsigned long long here = field_u64(o, "moved_here");
	const char *name = field_text(o, "member", "");

	if (json_object_get(o, "line")) {
		fprintf(stderr, "line %llu: %s\n",
		    (unsigned long long)field_u64(o, "line"),
		    field_text(o, "text", ""));
	} else if (rejected || accepted || away || here) {
		sum->members++;
		printf("AS%llu %s:",
		    (unsigned long long)field_u64(o, "member_asn"), name);
		if (rejected) {
			printf(" %llu of %llu routes would be rejected",
			    rejected,
			    (unsigned long long)field_u64(o, "accepted"));
			write_reasons(o, "reasons");
		}
		if (accepted) {
			printf("%s %llu would be accepted", rejected ? "," : "",
			    accepted);
			write_reasons(o, "reasons_gone");
		}
		if (away || here)
			printf("%s the best path of %llu prefixes would be "
			       "another member's, of %llu its own",
			    rejected || accepted ? ";" : "", away, here);
		putchar('\n');
	}
	sum->rejected += rejected;
	sum->accepted += accepted;
	sum->moved += here;
	json_decref(o);
}

int diff_routes(
    const struct cli_call *c, const char *verb, const char *text, size_t n)
{
	struct sum sum = {0};
	struct client_ask a = {.socket = CLIENT_CONTROL,
	    .line = write_member,
	    .arg = &sum,
	    .waiting = "judging the routes"};
	char *request = request_text(verb, text, n, 0, &a.n);
	int code;

	if (!request)
		return cli_fail(c, CLI_FAILED, "%s", strerror(ENOMEM));
	a.request = request;
	code = c->json ? client_pass(c, &a) : client_ask(c, &a, NULL);
	free(request);
	if (code || c->json)
		return code;
	if (!sum.members)
		puts("no route would be accepted, rejected or moved by it");
	else
		printf("in all %llu routes would be rejected, %llu accepted, "
		       "%llu best paths moved\n",
		    sum.rejected, sum.accepted, sum.moved);
	return code;
}

/* ---- a file of VRPs ----------------------------------------------------- */

struct list {
	char *s;
	size_t n;
	size_t cap;
};

static bool add_line(
    struct list *l, const char *prefix, long long max, long long asn)
{
	if (l->cap - l->n < 96) {
		size_t cap = l->cap ? 2 * l->cap : (size_t)1 << 20;
		char *more = realloc(l->s, cap);

		if (!more)
			return false;
		l->s = more;
		l->cap = cap;
	}
	l->n += (size_t)snprintf(
	    l->s + l->n, l->cap - l->n, "%s-%lld %lld\n", prefix, max, asn);
	return true;
}

/* 64501 or "AS64501"; -1: neither. */
static long long asn_of(const json_t *v)
{
	const char *s = json_string_value(v);
	char *end;

	if (json_is_integer(v))
		return json_integer_value(v);
	if (!s || strncasecmp(s, "AS", 2) != 0 || !s[2])
		return -1;
	long long n = strtoll(s + 2, &end, 10);
	return *end ? -1 : n;
}

/* One of "roas": 0, or what is wrong. */
static const char *add_vrp(struct list *l, const json_t *o)
{
	const char *prefix = json_string_value(json_object_get(o, "prefix"));
	const json_t *max = json_object_get(o, "maxLength");
	long long asn = asn_of(json_object_get(o, "asn"));
	struct prefix p;

	if (!prefix || prefix_parse(prefix, &p))
		return "no good \"prefix\"";
	if (asn < 0 || asn > (long long)UINT32_MAX)
		return "no good \"asn\"";
	if (max && (!json_is_integer(max) || json_integer_value(max) < p.len ||
		       json_integer_value(max) >
			   (json_int_t)family_bits(p.addr.family)))
		return "no good \"maxLength\"";
	return add_line(l, prefix, max ? json_integer_value(max) : p.len, asn)
		   ? NULL
		   : "out of memory";
}

int diff_vrps(const struct cli_call *c, const char *path)
{
	struct list l = {0};
	json_error_t error;
	json_t *tree = json_load_file(path, 0, &error);
	const json_t *roas = json_object_get(tree, "roas");
	const char *bad = NULL;
	const json_t *o;
	size_t i;
	int code;

	if (!tree)
		return cli_fail(c, CLI_FAILED, "%s:%d:%d: %s", path, error.line,
		    error.column, error.text);
	if (!json_is_array(roas))
		bad = "there is no list \"roas\"; expected what a validator "
		      "writes: {\"roas\": [{\"prefix\", \"maxLength\", "
		      "\"asn\"}]}";
	else if (json_array_size(roas) > VRPS_MAX)
		bad = "there are too many";
	if (bad) {
		json_decref(tree);
		return cli_fail(c, CLI_FAILED, "%s: %s", path, bad);
	}
	json_array_foreach(roas, i, o)
	{
		bad = add_vrp(&l, o);
		if (bad)
			break;
	}
	json_decref(tree);
	if (bad)
		code =
		    cli_fail(c, CLI_FAILED, "%s: roas[%zu]: %s", path, i, bad);
	else
		code = diff_routes(c, "diff vrps", l.s ? l.s : "", l.n);
	free(l.s);
	return code;
}

/* Arguments to values, by the verb's table. */
#include "cli/internal.h"
#include "conf/words.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define RUN_DIR "/run/spean"

const struct cli_option cli_common[] = {
    {.name = "json", .doc = "answer in JSON: lists have one object a line"},
    {.name = "run-dir",
	.arg = "DIR",
	.type = CLI_DIR,
	.doc = "where the control sockets of the exchange are (SPEAN_RUN_DIR, "
	       "or " RUN_DIR ")"},
    {.name = "help", .letter = 'h', .doc = "say what the verb does"},
    {.name = NULL},
};

int cli_fail(const struct cli_call *c, enum cli_exit code, const char *fmt, ...)
{
	va_list ap;

	fprintf(stderr, "spean %s: ", c->verb->name);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	return (int)code;
}

static enum cli_exit misuse(const struct cli_call *c, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

static enum cli_exit misuse(const struct cli_call *c, const char *fmt, ...)
{
	va_list ap;

	fprintf(stderr, "spean %s: ", c->verb->name);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fprintf(stderr, "; see spean %s --help\n", c->verb->name);
	return CLI_MISUSE;
}

/* ---- tables ------------------------------------------------------------ */

static size_t own_options(const struct cli_verb *v)
{
	size_t n = 0;

	while (v->options && v->options[n].name)
		n++;
	return n;
}

/* The i-th option, own ones first, then the common; NULL behind the last. */
static const struct cli_option *option_at(const struct cli_verb *v, size_t i)
{
	size_t own = own_options(v);
	const struct cli_option *o =
	    i < own ? &v->options[i] : &cli_common[i - own];

	return o->name ? o : NULL;
}

static int option_index(const struct cli_verb *v, const char *name, size_t n)
{
	const struct cli_option *o;

	for (size_t i = 0; (o = option_at(v, i)); i++)
		if (strlen(o->name) == n && !memcmp(o->name, name, n))
			return (int)i;
	return -1;
}

static int letter_index(const struct cli_verb *v, char letter)
{
	const struct cli_option *o;

	for (size_t i = 0; (o = option_at(v, i)); i++)
		if (o->letter && o->letter == letter)
			return (int)i;
	return -1;
}

static enum cli_exit unknown(const struct cli_call *c, const char *arg)
{
	const struct cli_option *o;
	struct suggest near;
	const char *name = arg + strspn(arg, "-");

	suggest_init(&near, name, strcspn(name, "="));
	for (size_t i = 0; (o = option_at(c->verb, i)); i++)
		suggest_offer(&near, o->name);
	if (near.best)
		return misuse(
		    c, "unknown option %s; did you mean --%s?", arg, near.best);
	return misuse(c, "unknown option %s", arg);
}

/* ---- values ------------------------------------------------------------ */

static enum cli_exit bad(const struct cli_call *c, const struct cli_option *o,
    const char *text, const char *expected)
{
	return misuse(c, "--%s %s: expected %s", o->name, text, expected);
}

bool cli_prefix_parse(const char *text, struct prefix *ret)
{
	struct ip ip;

	if (!prefix_parse(text, ret))
		return true;
	if (ip_parse(text, &ip))
		return false;
	*ret = prefix_of(&ip, (uint8_t)family_bits(ip.family));
	return true;
}

static bool asn_read(const char *text, uint64_t *ret)
{
	uint32_t asn;

	if (!asn_parse(text, strlen(text), &asn) || !asn)
		return false;
	*ret = asn;
	return true;
}

static enum cli_exit in_range(const struct cli_call *c,
    const struct cli_option *o, const char *text, uint64_t v)
{
	if (v >= o->min && (!o->max || v <= o->max))
		return CLI_DONE;
	if (!o->max)
		return misuse(c, "--%s %s: expected at least %llu", o->name,
		    text, (unsigned long long)o->min);
	return misuse(c, "--%s %s: expected %llu to %llu", o->name, text,
	    (unsigned long long)o->min, (unsigned long long)o->max);
}

static enum cli_exit read_value(const struct cli_call *c,
    const struct cli_option *o, const char *text, struct cli_value *v)
{
	size_t n = strlen(text);

	switch (o->type) {
	case CLI_FLAG:
	case CLI_TEXT:
		break;
	case CLI_FILE:
	case CLI_DIR:
		if (!n)
			return bad(c, o, "\"\"", "a name");
		break;
	case CLI_NUMBER:
		if (!number_parse(text, n, &v->number))
			return bad(c, o, text, "a number");
		return in_range(c, o, text, v->number);
	case CLI_SECONDS:
		if (!seconds_parse(text, n, &v->number))
			return bad(c, o, text, "a time as 90s, 10m or 2h");
		return in_range(c, o, text, v->number);
	case CLI_ASN:
		if (!asn_read(text, &v->number))
			return bad(c, o, text, "an AS number as 64501");
		break;
	case CLI_ADDR:
		if (ip_parse(text, &v->addr))
			return bad(c, o, text,
			    "an address as 192.0.2.1 or 2001:db8::1");
		break;
	case CLI_PARTY:
		if (!asn_read(text, &v->number) && ip_parse(text, &v->addr))
			return bad(c, o, text,
			    "an AS number, or the address of a session");
		break;
	case CLI_PREFIX:
		if (!cli_prefix_parse(text, &v->prefix))
			return bad(c, o, text,
			    "a prefix as 192.0.2.0/24, without bits set "
			    "beyond its length");
		break;
	}
	return CLI_DONE;
}

/* ---- arguments --------------------------------------------------------- */

struct reader {
	struct cli_call *c;
	struct cli_value *values;
	int at; /* the argument at hand */
	bool help;
};

static enum cli_exit take(struct reader *r, int index, const char *inline_value)
{
	struct cli_call *c = r->c;
	const struct cli_option *o = option_at(c->verb, (size_t)index);
	struct cli_value *v = &r->values[index];
	const char *text = inline_value;

	if (!o->arg) {
		if (inline_value)
			return misuse(c, "--%s takes no value", o->name);
		v->given = true;
		if (!strcmp(o->name, "help"))
			r->help = true;
		return CLI_DONE;
	}
	if (!text) {
		if (r->at + 1 >= c->argc)
			return misuse(c, "--%s needs %s", o->name, o->arg);
		text = c->argv[++r->at];
	}
	if (v->given && !o->list)
		return misuse(c, "--%s is given twice", o->name);
	v->given = true;
	v->text = text;
	return read_value(c, o, text, v);
}

static enum cli_exit long_option(struct reader *r, const char *arg)
{
	const char *name = arg + 2;
	const char *eq = strchr(name, '=');
	size_t n = eq ? (size_t)(eq - name) : strlen(name);
	int i = option_index(r->c->verb, name, n);

	if (i < 0)
		return unknown(r->c, arg);
	return take(r, i, eq ? eq + 1 : NULL);
}

/* -c FILE or -cFILE; flags are not bundled. */
static enum cli_exit short_option(struct reader *r, const char *arg)
{
	int i = letter_index(r->c->verb, arg[1]);

	if (i < 0 || (arg[2] && !option_at(r->c->verb, (size_t)i)->arg))
		return unknown(r->c, arg);
	return take(r, i, arg[2] ? arg + 2 : NULL);
}

static enum cli_exit one_of_words(const struct cli_call *c)
{
	const char *given = c->operand[0];
	struct suggest near;

	suggest_init(&near, given, strlen(given));
	for (size_t i = 0; c->verb->words[i]; i++) {
		if (!strcmp(c->verb->words[i], given))
			return CLI_DONE;
		suggest_offer(&near, c->verb->words[i]);
	}
	if (near.best)
		return misuse(
		    c, "unknown word %s; did you mean %s?", given, near.best);
	return misuse(
	    c, "unknown word %s; expected %s", given, c->verb->operands);
}

static enum cli_exit complete(const struct reader *r)
{
	const struct cli_call *c = r->c;
	const struct cli_verb *v = c->verb;
	const struct cli_option *o;

	if (c->n_operands < v->min_operands)
		return misuse(c, "%s is missing", v->operands);
	if (c->n_operands > v->max_operands)
		return misuse(c, "%s is one argument too many",
		    c->operand[v->max_operands]);
	if (v->words && c->n_operands) {
		enum cli_exit e = one_of_words(c);

		if (e)
			return e;
	}
	for (size_t i = 0; (o = option_at(v, i)); i++)
		if (o->required && !r->values[i].given)
			return misuse(c, "--%s %s is missing", o->name, o->arg);
	return CLI_DONE;
}

static void set_common(struct cli_call *c)
{
	const char *dir = getenv("SPEAN_RUN_DIR");

	c->json = cli_flag(c, "json");
	c->run_dir = cli_text(c, "run-dir", dir && dir[0] ? dir : RUN_DIR);
}

enum cli_exit cli_parse(const struct cli_verb *v, int argc, char **argv,
    struct cli_value *values, struct cli_call *c, bool *ret_help)
{
	struct reader r = {.c = c, .values = values};
	bool only_operands = false;
	enum cli_exit e = CLI_DONE;

	memset(values, 0, CLI_OPTIONS_MAX * sizeof *values);
	*c = (struct cli_call){
	    .verb = v, .values = values, .argc = argc, .argv = argv};
	*ret_help = false;
	if (own_options(v) + 3 > CLI_OPTIONS_MAX)
		abort();
	c->operand = calloc((size_t)argc + 1, sizeof *c->operand);
	if (!c->operand)
		return (enum cli_exit)cli_fail(
		    c, CLI_FAILED, "%s", strerror(ENOMEM));
	if (v->raw)
		return CLI_DONE;
	for (; r.at < argc && !e && !r.help; r.at++) {
		const char *arg = argv[r.at];

		if (only_operands || arg[0] != '-' || !arg[1])
			c->operand[c->n_operands++] = argv[r.at];
		else if (!strcmp(arg, "--"))
			only_operands = true;
		else if (arg[1] == '-')
			e = long_option(&r, arg);
		else
			e = short_option(&r, arg);
	}
	if (r.help) {
		*ret_help = true;
		return CLI_DONE;
	}
	if (!e)
		e = complete(&r);
	if (!e)
		set_common(c);
	return e;
}

/* ---- what the verbs ask ------------------------------------------------- */

const struct cli_value *cli_get(const struct cli_call *c, const char *name)
{
	static const struct cli_value none;
	int i = option_index(c->verb, name, strlen(name));

	return i < 0 ? &none : &c->values[i];
}

bool cli_flag(const struct cli_call *c, const char *name)
{
	return cli_get(c, name)->given;
}

const char *cli_text(
    const struct cli_call *c, const char *name, const char *otherwise)
{
	const struct cli_value *v = cli_get(c, name);

	return v->given ? v->text : otherwise;
}

uint64_t cli_number(
    const struct cli_call *c, const char *name, uint64_t otherwise)
{
	const struct cli_value *v = cli_get(c, name);

	return v->given ? v->number : otherwise;
}

/* spean.conf(5), from the directive tables, as mdoc. */
#include "conf/internal.h"

#include <string.h>

static void escaped(FILE *to, const char *s, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (s[i] == '\\')
			fputs("\\e", to);
		else if (s[i] == '"')
			fputs("\\(dq", to);
		else
			fputc(s[i], to);
	}
}

#define LINE_MAX_COLUMNS 72

/* Each sentence on lines of its own, as mdoc wants it. */
static void sentences(FILE *to, const char *s)
{
	size_t column = 0;

	while (*s) {
		size_t n = strcspn(s, " ");
		bool ends = !s[n] || !strncmp(s + n, "  ", 2);

		if (column && column + n > LINE_MAX_COLUMNS) {
			fputc('\n', to);
			column = 0;
		}
		if (column)
			fputc(' ', to);
		else if (*s == '.' || *s == '\'')
			fputs("\\&", to); /* no macro */
		escaped(to, s, n);
		column += n + 1;
		if (ends) {
			fputc('\n', to);
			column = 0;
		}
		s += n;
		s += strspn(s, " ");
	}
}

static void item(FILE *to, const char *macro, const char *name)
{
	fprintf(to, ".It %s ", macro);
	escaped(to, name, strlen(name));
}

static void write_choices(FILE *to, const struct directive *d)
{
	fputs(".Pp\n.Bl -tag -width Ds -compact\n", to);
	for (const struct choice *c = d->choices; c->word; c++) {
		item(to, "Cm", c->word);
		fputc('\n', to);
		sentences(to, c->doc);
	}
	fputs(".El\n", to);
}

static void write_directive(FILE *to, const struct directive *d)
{
	item(to, "Ic", d->name);
	if (d->choices) {
		fputs(" Ar \"", to);
		for (const struct choice *c = d->choices; c->word; c++)
			fprintf(
			    to, "%s%s", c == d->choices ? "" : " | ", c->word);
		fputs("\"\n", to);
	} else {
		fputs(" Ar \"", to);
		escaped(to, d->syntax, strlen(d->syntax));
		fputs("\"\n", to);
	}
	sentences(to, d->doc);
	if (d->choices && !d->own_at)
		write_choices(to, d);
	if (d->choices && !d->own_at && d->initial)
		fputs(".Pp\n", to);
	if (d->initial)
		fprintf(to, "Default: %s.\n", d->initial);
	if (d->flags & DIR_REQUIRED)
		fputs("Required.\n", to);
	if (d->flags & DIR_REPEATS)
		fputs("May be given more than once; the values add up.\n", to);
	if (d->flags & DIR_SECRET)
		fputs("Secret: it is never shown.\n", to);
	if (d->flags & DIR_RESETS)
		fputs("A change resets the sessions concerned.\n", to);
}

static void write_block(FILE *to, const struct block *b, const char *syntax)
{
	fputs(".Ss ", to);
	escaped(to, syntax, strlen(syntax));
	fputc('\n', to);
	sentences(to, b->doc);
	fputs(".Bl -tag -width Ds\n", to);
	for (const struct directive *d = b->directives; d->name; d++)
		if (d->kind != VALUE_LATER)
			write_directive(to, d);
	fputs(".El\n", to);
}

static const char head[] =
    ".Dd November 25, 2026\n"
    ".Dt SPEAN.CONF 5\n"
    ".Os\n"
    ".Sh NAME\n"
    ".Nm spean.conf\n"
    ".Nd configuration of an Internet exchange\n"
    ".Sh DESCRIPTION\n"
    "The file describes a whole exchange: the route server, its policy and\n"
    "its members.\n"
    "It is plain data in UTF-8: there is no filter language, and nothing is\n"
    "included or run.\n"
    ".Pp\n"
    "The file is made of blocks.\n"
    "A block has a word, for some a name in double quotes, and directives in\n"
    "braces.\n"
    "A directive is a word and its values, and ends with a semicolon.\n"
    "Several values are separated by commas.\n"
    "A number sign starts a comment that ends with the line.\n"
    "The order of blocks and of directives does not matter.\n"
    "In a string, \\e\\(dq stands for a double quote and \\e\\e for a\n"
    "backslash.\n"
    ".Pp\n"
    ".Xr spean 1\n"
    ".Cm check\n"
    "reports every fault of a file with its line and column,\n"
    ".Cm diff\n"
    "shows what a file would change, and\n"
    ".Cm apply\n"
    "puts it into effect.\n"
    "A file with a fault changes nothing.\n"
    ".Ss Values\n"
    ".Bl -tag -width Ds\n"
    ".It Ar NUMBER , ASN\n"
    "Decimal digits.\n"
    "An AS number may also be written as 1.10 (RFC 5396) or AS64501.\n"
    ".It Ar ADDRESS , PREFIX\n"
    "IPv4 or IPv6.\n"
    "A prefix is an address, a slash and a length, and has no bits set\n"
    "beyond its length.\n"
    ".It Ar TIME\n"
    "Seconds, or numbers with the units d, h, m and s: 90, 90s, 10m, 1h30m.\n"
    ".El\n";

static const char tail[] =
    ".Sh FILES\n"
    ".Bl -tag -width Ds\n"
    ".It Pa /etc/spean/spean.conf\n"
    "Where the service looks for it.\n"
    ".El\n"
    ".Sh EXAMPLES\n"
    ".Bd -literal -offset indent\n"
    "exchange \"Example-IX\" {\n"
    "\tasn 64500;\n"
    "\trouter-id 192.0.2.1;\n"
    "\tlisten 192.0.2.1, 2001:db8:100::1;\n"
    "\tlan 192.0.2.0/24, 2001:db8:100::/64;\n"
    "}\n"
    "policy { preset strict; }\n"
    "member \"Alpha Net\" {\n"
    "\tasn 64501;\n"
    "\tas-set AS-ALPHA;\n"
    "\tat 192.0.2.11, 2001:db8:100::11 { password \"not this one\"; }\n"
    "\tprefix 203.0.113.0/24;\n"
    "\tmax-prefix 200, 50;\n"
    "}\n"
    ".Ed\n"
    ".Sh SEE ALSO\n"
    ".Xr spean 1\n";

void conf_write_manual(FILE *to)
{
	char syntax[64];

	fputs(head, to);
	fputs(
	    ".Sh BLOCKS\n"
	    "A change of a directive that is not said to reset sessions\n"
	    "takes effect at once, or, where it is agreed on at the start of\n"
	    "a session, with the next one.\n",
	    to);
	for (const struct block *b = conf_blocks; b->name; b++) {
		if (!b->directives)
			continue;
		snprintf(syntax, sizeof syntax, "%s%s { ... }", b->name,
		    b->labelled ? " \"NAME\"" : "");
		write_block(to, b, syntax);
		if (b->kind == BLOCK_MEMBER)
			write_block(to, &conf_block_at,
			    "at ADDRESS [, ADDRESS ...] { ... }");
		if (b->kind == BLOCK_RPKI)
			write_block(to, &conf_block_cache,
			    "cache ADDRESS [, ADDRESS ...] { ... }");
		if (b->kind == BLOCK_MONITORING)
			write_block(to, &conf_block_station,
			    "bmp ADDRESS [, ADDRESS ...] { ... }");
	}
	fputs(tail, to);
}

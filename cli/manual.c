/* spean(1), from the verbs' tables, as mdoc. */
#include "cli/internal.h"

#include <string.h>

#define COLUMNS 72u

static void escaped(FILE *to, const char *s, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (s[i] == '\\')
			fputs("\\e", to);
		else if (s[i] == '"')
			fputs("\\(dq", to);
		else if (s[i] == '-' && ((i + 1 < n && s[i + 1] == '-') ||
					    (i && s[i - 1] == '-')))
			fputs("\\-", to);
		else
			fputc(s[i], to);
	}
}

/* Prose: each sentence begins a line, each paragraph is a .Pp apart. */
static void prose(FILE *to, const char *s)
{
	size_t column = 0;

	while (*s) {
		size_t n = strcspn(s, " \n");
		bool paragraph = !strncmp(s + n, "\n\n", 2);
		bool ends = !s[n] || paragraph || !strncmp(s + n, "  ", 2);

		if (column && column + n > COLUMNS) {
			fputc('\n', to);
			column = 0;
		}
		if (column)
			fputc(' ', to);
		else if (*s == '.' || *s == '\'')
			fputs("\\&", to);
		escaped(to, s, n);
		column += n + 1;
		if (ends) {
			fputc('\n', to);
			column = 0;
		}
		s += n;
		s += strspn(s, " \n");
		if (paragraph && *s)
			fputs(".Pp\n", to);
	}
}

/* A phrase of a table, as a sentence. */
static void sentence(FILE *to, const char *s)
{
	char text[512];
	size_t n = strlen(s);

	snprintf(text, sizeof text, "%s%s", s, n && s[n - 1] == '.' ? "" : ".");
	if (text[0] >= 'a' && text[0] <= 'z')
		text[0] = (char)(text[0] - 'a' + 'A');
	prose(to, text);
}

static void argument(FILE *to, const char *arg)
{
	fputs(" Ar \"", to);
	escaped(to, arg, strlen(arg));
	fputc('"', to);
}

static void write_option(FILE *to, const struct cli_option *o)
{
	fputs(".It", to);
	if (o->letter)
		fprintf(to, " Fl %c ,", o->letter);
	fprintf(to, " Fl \\-%s", o->name);
	if (o->arg)
		argument(to, o->arg);
	fputc('\n', to);
	sentence(to, o->doc);
}

static void write_verb(FILE *to, const struct cli_verb *v)
{
	fprintf(to, ".It Ic %s", v->name);
	if (v->operands)
		argument(to, v->operands);
	fputc('\n', to);
	sentence(to, v->summary);
	if (v->doc) {
		fputs(".Pp\n", to);
		prose(to, v->doc);
	}
	if (!v->options || !v->options->name)
		return;
	fputs(".Pp\n.Bl -tag -width Ds -compact\n", to);
	for (const struct cli_option *o = v->options; o->name; o++)
		write_option(to, o);
	fputs(".El\n", to);
}

static const char head[] =
    ".Dd November 25, 2026\n"
    ".Dt SPEAN 1\n"
    ".Os\n"
    ".Sh NAME\n"
    ".Nm spean\n"
    ".Nd an Internet exchange\n"
    ".Sh SYNOPSIS\n"
    ".Nm\n"
    ".Ar verb\n"
    ".Op Ar options\n"
    ".Sh DESCRIPTION\n"
    ".Nm\n"
    "connects the members of an Internet exchange: each has a BGP session\n"
    "with it, and it hands on their routes by one published policy.\n"
    "It is configured by one file, see\n"
    ".Xr spean.conf 5 .\n"
    ".Pp\n"
    "The verb\n"
    ".Ic run\n"
    "is the exchange itself; the others talk to it over two sockets in its\n"
    "run directory.\n"
    "Whoever may open the socket\n"
    ".Pa read\n"
    "may ask, whoever may open\n"
    ".Pa control\n"
    "may change.\n"
    ".Sh OPTIONS\n"
    "Every verb takes these.\n"
    ".Bl -tag -width Ds\n";

static const char tail[] =
    ".Sh ENVIRONMENT\n"
    ".Bl -tag -width Ds\n"
    ".It Ev SPEAN_RUN_DIR\n"
    "The run directory, unless\n"
    ".Fl \\-run\\-dir\n"
    "names it.\n"
    ".It Ev COLUMNS\n"
    "How wide tables may be, unless they go to a terminal of known width.\n"
    ".It Ev NO_COLOR\n"
    "When set, nothing is coloured.\n"
    ".El\n"
    ".Sh FILES\n"
    ".Bl -tag -width Ds\n"
    ".It Pa /etc/spean/spean.conf\n"
    "The configuration of the service.\n"
    ".It Pa /run/spean\n"
    "The run directory.\n"
    ".El\n"
    ".Sh EXIT STATUS\n"
    ".Bl -tag -width Ds -compact\n"
    ".It 0\n"
    "Done.\n"
    ".It 1\n"
    "The answer is no: there is a fault, no such route, nothing to undo.\n"
    ".It 2\n"
    "Misuse of the command line.\n"
    ".It 3\n"
    "The exchange cannot be reached, or reading or writing failed.\n"
    ".El\n"
    ".Sh EXAMPLES\n"
    "Change the configuration, with a way back:\n"
    ".Bd -literal -offset indent\n"
    "spean check -c new.conf\n"
    "spean diff -c new.conf\n"
    "spean apply -c new.conf \\-\\-confirm 10m\n"
    "spean confirm\n"
    ".Ed\n"
    ".Pp\n"
    "Find out why a member does not get a route:\n"
    ".Bd -literal -offset indent\n"
    "spean why 203.0.113.0/24 \\-\\-to 64502\n"
    ".Ed\n"
    ".Sh SEE ALSO\n"
    ".Xr spean.conf 5\n";

void cli_write_manual(const struct cli_verbs *verbs, FILE *to)
{
	fputs(head, to);
	for (const struct cli_option *o = cli_common; o->name; o++)
		write_option(to, o);
	fputs(".El\n.Sh VERBS\n.Bl -tag -width Ds\n", to);
	for (size_t i = 0; i < verbs->n; i++)
		if (!verbs->list[i]->hidden)
			write_verb(to, verbs->list[i]);
	fputs(".El\n", to);
	fputs(tail, to);
}

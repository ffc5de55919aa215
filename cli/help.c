/* --help, for all verbs and for one. */
#include "cli/internal.h"
#include "cli/term.h"

#include <string.h>

#define HELP_WIDTH 80u /* lines of prose are not made longer than that */

static unsigned width_for(FILE *to)
{
	struct term t = term_of(to);

	return t.width < HELP_WIDTH ? t.width : HELP_WIDTH;
}

/* " [--from ASN]" */
static void synopsis_option(const struct cli_option *o, char *buf, size_t n)
{
	char name[48];

	if (o->letter && o->required)
		snprintf(name, sizeof name, "-%c", o->letter);
	else
		snprintf(name, sizeof name, "--%s", o->name);
	snprintf(buf, n, "%s%s%s%s%s", o->required ? "" : "[", name,
	    o->arg ? " " : "", o->arg ? o->arg : "", o->required ? "" : "]");
}

/* "usage: spean why PREFIX [--from ASN] ..."; breaks between options. */
static void synopsis(const struct cli_verb *v, FILE *to)
{
	int column = fprintf(to, "usage: spean %s", v->name);
	int left = column + 1;
	int width = (int)width_for(to);
	char item[96];

	if (v->operands)
		column +=
		    fprintf(to, v->min_operands ? " %s" : " [%s]", v->operands);
	for (const struct cli_option *o = v->options; o && o->name; o++) {
		synopsis_option(o, item, sizeof item);
		if (column + 1 + (int)strlen(item) > width)
			column = fprintf(to, "\n%*s", left - 1, "") - 1;
		column += fprintf(to, " %s", item);
	}
	fputs("\n\n", to);
}

static void write_option(const struct cli_option *o, FILE *to)
{
	char left[64];
	int n = snprintf(left, sizeof left, "  %s%c%s--%s%s%s",
	    o->letter ? "-" : "", o->letter ? o->letter : ' ',
	    o->letter ? ", " : "   ", o->name, o->arg ? " " : "",
	    o->arg ? o->arg : "");

	/* A long one has its text in the next line. */
	if (n < 28) {
		fprintf(to, "%-28s", left);
		text_wrap_behind(to, o->doc, 28, width_for(to));
	} else {
		fprintf(to, "%s\n", left);
		text_wrap(to, o->doc, 28, width_for(to));
	}
}

void cli_help_verb(const struct cli_verb *v, FILE *to)
{
	fprintf(to, "spean %s: %s\n\n", v->name, v->summary);
	synopsis(v, to);
	if (v->doc) {
		text_wrap(to, v->doc, 0, width_for(to));
		fputc('\n', to);
	}
	for (const struct cli_option *o = v->options; o && o->name; o++)
		write_option(o, to);
	for (const struct cli_option *o = cli_common; o->name; o++)
		write_option(o, to);
}

static void list(const struct cli_verbs *verbs, const char *first, FILE *to)
{
	size_t n = first ? strlen(first) : 0;

	for (size_t i = 0; i < verbs->n; i++) {
		const struct cli_verb *v = verbs->list[i];

		if (v->hidden || (first && (strncmp(v->name, first, n) != 0 ||
					       v->name[n] != ' ')))
			continue;
		fprintf(to, "  %-16s", v->name);
		text_wrap_behind(to, v->summary, 18, width_for(to));
	}
}

void cli_help_group(const struct cli_verbs *verbs, const char *first, FILE *to)
{
	fprintf(to, "usage: spean %s WHAT [options]\n\n", first);
	list(verbs, first, to);
	fprintf(to, "\nspean %s WHAT --help tells more.\n", first);
}

void cli_help(const struct cli_verbs *verbs, FILE *to)
{
	fputs("spean: an Internet exchange\n\n"
	      "usage: spean VERB [options]\n\n",
	    to);
	list(verbs, NULL, to);
	fputs("\nspean VERB --help tells more, as do spean(1) and "
	      "spean.conf(5).\n\n"
	      "exit codes: 0 done, 1 the answer is no, 2 misuse, 3 the "
	      "exchange cannot be\nreached or reading or writing failed\n",
	    to);
}

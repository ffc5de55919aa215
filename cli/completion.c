/* The completion for bash, from the verbs' tables. */
#include "cli/internal.h"

#include <string.h>

static void options_of(
    const struct cli_option *options, const char *kind, FILE *to)
{
	for (const struct cli_option *o = options; o && o->name; o++) {
		bool file = o->type == CLI_FILE;
		bool dir = o->type == CLI_DIR;

		if (!strcmp(kind, "all") || (!strcmp(kind, "file") && file) ||
		    (!strcmp(kind, "dir") && dir) ||
		    (!strcmp(kind, "value") && o->arg && !file && !dir))
			fprintf(to, " --%s", o->name);
		if (o->letter && o->letter != 'h' && !strcmp(kind, "file") &&
		    file)
			fprintf(to, " -%c", o->letter);
	}
}

static void variable(
    const struct cli_verb *v, const char *name, const char *kind, FILE *to)
{
	fprintf(to, "\t\t%s='", name);
	options_of(v->options, kind, to);
	options_of(cli_common, kind, to);
	fputs("'\n", to);
}

static void write_verb(const struct cli_verb *v, FILE *to)
{
	fprintf(to, "\t'%s')\n", v->name);
	variable(v, "options", "all", to);
	variable(v, "files", "file", to);
	variable(v, "dirs", "dir", to);
	variable(v, "values", "value", to);
	fputs("\t\twords='", to);
	for (size_t i = 0; v->words && v->words[i]; i++)
		fprintf(to, " %s", v->words[i]);
	fputs("'\n", to);
	if (v->operands && !strcmp(v->operands, "FILE"))
		fputs("\t\toperand=file\n", to);
	fputs("\t\t;;\n", to);
}

/* First words, or the second ones after `first`. */
static void names(const struct cli_verbs *verbs, const char *first, FILE *to)
{
	const char *last = "";
	size_t last_n = 0;

	for (size_t i = 0; i < verbs->n; i++) {
		const char *name = verbs->list[i]->name;
		size_t n = strcspn(name, " ");

		if (verbs->list[i]->hidden)
			continue;
		if (first) {
			if (n == strlen(first) && !memcmp(name, first, n) &&
			    name[n])
				fprintf(to, " %s", name + n + 1);
			continue;
		}
		if (n != last_n || memcmp(name, last, n) != 0)
			fprintf(to, " %.*s", (int)n, name);
		last = name;
		last_n = n;
	}
}

static const char head[] =
    "# bash completion for spean(1)\n"
    "_spean()\n"
    "{\n"
    "\tlocal cur=${COMP_WORDS[COMP_CWORD]}\n"
    "\tlocal prev=${COMP_WORDS[COMP_CWORD-1]}\n"
    "\tlocal verb=${COMP_WORDS[1]} second='' options='' files='' dirs=''\n"
    "\tlocal values='' words='' operand='' at=2\n"
    "\tCOMPREPLY=()\n";

static const char tail[] =
    "\t*)\n"
    "\t\treturn\n"
    "\t\t;;\n"
    "\tesac\n"
    "\tif [[ \" $files \" == *\" $prev \"* ]]; then\n"
    "\t\tmapfile -t COMPREPLY < <(compgen -f -- \"$cur\")\n"
    "\telif [[ \" $dirs \" == *\" $prev \"* ]]; then\n"
    "\t\tmapfile -t COMPREPLY < <(compgen -d -- \"$cur\")\n"
    "\telif [[ \" $values \" == *\" $prev \"* ]]; then\n"
    "\t\treturn\n"
    "\telif [[ $cur == -* ]]; then\n"
    "\t\tmapfile -t COMPREPLY < <(compgen -W \"$options\" -- \"$cur\")\n"
    "\telif [[ -n $words && $COMP_CWORD -eq $at ]]; then\n"
    "\t\tmapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$cur\")\n"
    "\telif [[ $operand == file ]]; then\n"
    "\t\tmapfile -t COMPREPLY < <(compgen -f -- \"$cur\")\n"
    "\telse\n"
    "\t\tmapfile -t COMPREPLY < <(compgen -W \"$options\" -- \"$cur\")\n"
    "\tfi\n"
    "}\n"
    "complete -o filenames -F _spean spean\n";

void cli_write_completion(const struct cli_verbs *verbs, FILE *to)
{
	fputs(head, to);
	fputs("\tif [[ $COMP_CWORD -eq 1 ]]; then\n"
	      "\t\tmapfile -t COMPREPLY < <(compgen -W '",
	    to);
	names(verbs, NULL, to);
	fputs(" --help --version' -- \"$cur\")\n\t\treturn\n\tfi\n", to);
	fputs("\tif [[ $verb == show ]]; then\n"
	      "\t\tif [[ $COMP_CWORD -eq 2 ]]; then\n"
	      "\t\t\tmapfile -t COMPREPLY < <(compgen -W '",
	    to);
	names(verbs, "show", to);
	fputs("' -- \"$cur\")\n\t\t\treturn\n\t\tfi\n"
	      "\t\tsecond=\" ${COMP_WORDS[2]}\"\n"
	      "\t\tat=3\n"
	      "\tfi\n"
	      "\tcase \"$verb$second\" in\n",
	    to);
	for (size_t i = 0; i < verbs->n; i++)
		if (!verbs->list[i]->hidden)
			write_verb(verbs->list[i], to);
	fputs(tail, to);
}

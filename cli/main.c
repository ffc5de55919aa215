/* Which verb is meant, and the verbs that speak of the others. */
#include "cli/client.h"
#include "cli/internal.h"
#include "conf/conf.h"
#include "conf/words.h"

#include <stdlib.h>
#include <string.h>

static struct cli_verbs all;

const struct cli_verbs *cli_verbs_all(void)
{
	return &all;
}

/* ---- help, completion, manual ------------------------------------------ */

static int completion(const struct cli_call *c)
{
	cli_write_completion(&all, stdout);
	return client_flush(c, CLI_DONE);
}

static const struct cli_verb completion_verb = {
    .name = "completion",
    .summary = "write the completion for bash",
    .doc = "To be read by the shell: source <(spean completion).",
    .run = completion,
};

static const char *const manuals[] = {"spean", "spean.conf", NULL};

static int manual(const struct cli_call *c)
{
	if (!strcmp(c->operand[0], "spean.conf"))
		conf_write_manual(stdout);
	else
		cli_write_manual(&all, stdout);
	return client_flush(c, CLI_DONE);
}

static const struct cli_verb manual_verb = {
    .name = "manual",
    .summary = "write a manual page, as mdoc",
    .operands = "spean|spean.conf",
    .min_operands = 1,
    .max_operands = 1,
    .words = manuals,
    .hidden = true,
    .run = manual,
};

/* ---- which one --------------------------------------------------------- */

static const struct cli_verb *const ours[] = {&cli_check, &cli_diff, &cli_apply,
    &cli_confirm, &cli_undo, &cli_show_status, &cli_show_members,
    &cli_show_sessions, &cli_show_rpki, &cli_show_routes, &cli_why,
    &cli_show_monitoring, &cli_show_registry, &cli_dump};

static void add(const struct cli_verb *v)
{
	if (v && all.n < sizeof all.list / sizeof *all.list)
		all.list[all.n++] = v;
}

/* The first of the program's own comes first: it is `run`. */
static void collect(const struct cli_verb *const *own)
{
	all.n = 0;
	if (own && own[0])
		add(own[0]);
	for (size_t i = 0; i < sizeof ours / sizeof *ours; i++)
		add(ours[i]);
	for (size_t i = 1; own && own[0] && own[i]; i++)
		add(own[i]);
	add(&completion_verb);
	add(&manual_verb);
}

/* *ret_words: how many arguments its name takes. */
static const struct cli_verb *find(int argc, char **argv, int *ret_words)
{
	for (size_t i = 0; i < all.n; i++) {
		const char *name = all.list[i]->name;
		size_t n = strcspn(name, " ");
		const char *second = name[n] ? name + n + 1 : NULL;

		if (strlen(argv[0]) != n || memcmp(argv[0], name, n) != 0)
			continue;
		if (second && (argc < 2 || strcmp(argv[1], second) != 0))
			continue;
		*ret_words = second ? 2 : 1;
		return all.list[i];
	}
	return NULL;
}

static bool is_group(const char *word)
{
	size_t n = strlen(word);

	for (size_t i = 0; i < all.n; i++)
		if (!strncmp(all.list[i]->name, word, n) &&
		    all.list[i]->name[n] == ' ')
			return true;
	return false;
}

/* word: what was written; group: the first word of the verb, or NULL. */
static int unknown(const char *word, const char *group)
{
	struct suggest near;
	size_t skip = group ? strlen(group) + 1 : 0;
	char first[48][32];

	suggest_init(&near, word, strlen(word));
	for (size_t i = 0; i < all.n && i < 48; i++) {
		const char *name = all.list[i]->name;

		if (all.list[i]->hidden ||
		    (group && (strncmp(name, group, skip - 1) != 0 ||
				  name[skip - 1] != ' ')))
			continue;
		snprintf(first[i], sizeof first[i], "%.*s",
		    group ? 31 : (int)strcspn(name, " "), name + skip);
		suggest_offer(&near, first[i]);
	}
	fprintf(stderr, "spean: unknown %s %s%s%s", group ? "word" : "verb",
	    group ? group : "", group ? " " : "", word);
	if (near.best)
		fprintf(stderr, "; did you mean %s%s%s?", group ? group : "",
		    group ? " " : "", near.best);
	fprintf(stderr, "; see spean %s%s--help\n", group ? group : "",
	    group ? " " : "");
	return CLI_MISUSE;
}

static bool is_help(const char *arg)
{
	return !strcmp(arg, "--help") || !strcmp(arg, "-h");
}

static int group(int argc, char **argv)
{
	if (argc < 2) {
		fprintf(stderr, "spean: %s what?\n\n", argv[0]);
		cli_help_group(&all, argv[0], stderr);
		return CLI_MISUSE;
	}
	if (is_help(argv[1])) {
		cli_help_group(&all, argv[0], stdout);
		return CLI_DONE;
	}
	return unknown(argv[1], argv[0]);
}

static int run(const struct cli_verb *v, int argc, char **argv)
{
	struct cli_value values[CLI_OPTIONS_MAX];
	struct cli_call c;
	bool help;
	int code = (int)cli_parse(v, argc, argv, values, &c, &help);

	if (!code && help) {
		cli_help_verb(v, stdout);
		code = client_flush(&c, CLI_DONE);
	} else if (!code) {
		code = v->run(&c);
	}
	free(c.operand);
	return code;
}

int cli_main(int argc, char **argv, const struct cli_verb *const *own)
{
	const struct cli_verb *v;
	int words = 0;

	collect(own);
	if (argc < 2) {
		cli_help(&all, stderr);
		return CLI_MISUSE;
	}
	argc--;
	argv++;
	/* spean help VERB is spean VERB --help. */
	if (!strcmp(argv[0], "help") && argc > 1) {
		v = find(argc - 1, argv + 1, &words);
		if (v && !v->raw) {
			cli_help_verb(v, stdout);
			return CLI_DONE;
		}
		if (is_group(argv[1])) {
			cli_help_group(&all, argv[1], stdout);
			return CLI_DONE;
		}
		return unknown(argv[1], NULL);
	}
	if (is_help(argv[0]) || !strcmp(argv[0], "help")) {
		cli_help(&all, stdout);
		return CLI_DONE;
	}
	if (!strcmp(argv[0], "--version")) {
		puts("spean " SPEAN_VERSION);
		return CLI_DONE;
	}
	v = find(argc, argv, &words);
	if (v)
		return run(v, argc - words, argv + words);
	if (is_group(argv[0]))
		return group(argc, argv);
	return unknown(argv[0], NULL);
}

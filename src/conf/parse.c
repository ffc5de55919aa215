/*
 * Blocks and directives.  A fault costs its own statement: reading goes on
 * behind the next ';' or the matching '}', so that one pass finds them all.
 */
#include "base/attr.h"
#include "base/must.h"
#include "conf/internal.h"
#include "conf/words.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void parser_next(struct parser *p)
{
	p->prev = p->tok;
	p->tok = lex_next(&p->lex);
}

bool parser_take(struct parser *p, enum token_kind kind)
{
	if (p->tok.kind != kind)
		return false;
	parser_next(p);
	return true;
}

bool parser_expected(struct parser *p, const char *what)
{
	char found[TOKEN_TEXT];

	errors_add(p->errors, p->tok.pos, "found %s; expected %s",
	    token_format(&p->tok, found), what);
	return false;
}

static bool stopped(const struct parser *p)
{
	return p->no_mem || p->errors->full || p->errors->no_mem;
}

/* The token is the first of its line. */
static bool on_new_line(const struct parser *p)
{
	return p->tok.pos.line > p->prev.after.line;
}

/* "member "Alpha Net"", "policy": for messages. */
static const char *scope_format(const struct scope *s, char buf[TOKEN_TEXT])
{
	char text[TOKEN_TEXT];

	if (s->label.kind == TOKEN_END)
		snprintf(buf, TOKEN_TEXT, "'%s'", s->block->name);
	else
		snprintf(buf, TOKEN_TEXT, "%s %s", s->block->name,
		    token_quote(&s->label, '"', text));
	return buf;
}

/* Behind the '}' that matches the '{' at hand. */
static void skip_block(struct parser *p)
{
	size_t depth = 0;

	do {
		if (p->tok.kind == TOKEN_OPEN)
			depth++;
		else if (p->tok.kind == TOKEN_CLOSE)
			depth--;
		else if (p->tok.kind == TOKEN_END)
			return;
		parser_next(p);
	} while (depth);
}

/*
 * To the next statement: behind a ';' or a block, before a '}', or before a
 * line that starts as a statement does (its predecessor lacks its ';').
 */
static void skip_statement(struct parser *p, const struct block *b)
{
	for (;;) {
		switch (p->tok.kind) {
		case TOKEN_END:
		case TOKEN_CLOSE:
			return;
		case TOKEN_SEMICOLON:
			parser_next(p);
			return;
		case TOKEN_OPEN:
			skip_block(p);
			return;
		case TOKEN_WORD:
			if (on_new_line(p) &&
			    (block_find(&p->tok) ||
				(b && directive_find(b, &p->tok) >= 0)))
				return;
			break;
		default:
			break;
		}
		parser_next(p);
	}
}

/* A block that has a directive of that name, other than b; or NULL. */
static const struct block *home_of(
    const struct token *name, const struct block *b)
{
	static const struct block *const inner[] = {
	    &conf_block_at, &conf_block_cache, &conf_block_station};
	const struct block *around =
	    b == &conf_block_at	       ? block_named("member")
	    : b == &conf_block_cache   ? block_named("rpki")
	    : b == &conf_block_station ? block_named("monitoring")
				       : NULL;

	if (around && directive_find(around, name) >= 0)
		return around;
	for (size_t i = 0; i < ARRAY_SIZE(inner); i++)
		if (b != inner[i] && directive_find(inner[i], name) >= 0)
			return inner[i];
	for (const struct block *o = conf_blocks; o->name; o++)
		if (o != b && o->directives && directive_find(o, name) >= 0)
			return o;
	return NULL;
}

static void report_unknown(struct parser *p, struct scope *s)
{
	const struct block *b = s->block;
	struct pos at = p->tok.pos;
	char found[TOKEN_TEXT];
	const struct block *home = home_of(&p->tok, b);
	struct suggest near;

	token_format(&p->tok, found);
	suggest_init(&near, p->tok.text, p->tok.len);
	for (const struct directive *d = b->directives; d->name; d++)
		if (d->kind != VALUE_LATER)
			suggest_offer(&near, d->name);
	s->meant = near.best ? near.best : s->meant;
	if (p->tok.len > 1 && !memcmp(p->tok.text, "//", 2))
		errors_add(p->errors, at,
		    "'//' starts no comment; expected '#' for one");
	else if (home)
		errors_add(p->errors, at,
		    "%s cannot stand in '%s'; expected it in '%s'", found,
		    b->name, home->name);
	else if (near.best)
		errors_add(p->errors, at,
		    "unknown directive %s in '%s'; expected one of its "
		    "directives (did you mean '%s'?)",
		    found, b->name, near.best);
	else
		errors_add(p->errors, at,
		    "unknown directive %s in '%s'; expected one of its "
		    "directives, see spean.conf(5)",
		    found, b->name);
}

/* After a good value: the ';', or a report of what stands there instead. */
static void end_statement(
    struct parser *p, const struct scope *s, const struct directive *d)
{
	char text[TOKEN_TEXT];

	if (directive_nests(d) && p->prev.kind == TOKEN_CLOSE)
		return;
	if (parser_take(p, TOKEN_SEMICOLON))
		return;
	if (p->tok.kind == TOKEN_END || p->tok.kind == TOKEN_CLOSE ||
	    (p->tok.kind == TOKEN_WORD && on_new_line(p) &&
		(block_find(&p->tok) ||
		    directive_find(s->block, &p->tok) >= 0))) {
		/* The name stands for its value, which may be a secret. */
		if (d->flags & DIR_SECRET)
			snprintf(text, sizeof text, "the %s", d->name);
		else
			token_format(&p->prev, text);
		errors_add(p->errors, p->prev.after,
		    "missing ';' after %s; expected it here", text);
		return;
	}
	parser_expected(
	    p, d->n_at && !directive_nests(d) ? "',' or ';'" : "';'");
	skip_statement(p, s->block);
}

static void directive(struct parser *p, struct scope *s, void *base)
{
	int i = directive_find(s->block, &p->tok);
	const struct directive *d;

	if (i < 0) {
		report_unknown(p, s);
		parser_next(p);
		skip_statement(p, s->block);
		return;
	}
	d = &s->block->directives[i];
	if (d->kind == VALUE_LATER) {
		errors_add(p->errors, p->tok.pos,
		    "'%s' (%s) is not in this version; expected it to be "
		    "left out",
		    d->name, d->syntax);
		parser_next(p);
		skip_statement(p, s->block);
		return;
	}
	if (s->seen[i].line && !(d->flags & DIR_REPEATS))
		errors_add(p->errors, p->tok.pos,
		    "'%s' is given twice, first in line %u; expected it once",
		    d->name, s->seen[i].line);
	if (!s->seen[i].line)
		s->seen[i] = p->tok.pos;
	parser_next(p);
	s->value[i] = p->tok.pos;
	if (value_parse(p, d, base)) {
		end_statement(p, s, d);
		return;
	}
	s->bad[i] = true;
	if (directive_nests(d) && p->prev.kind == TOKEN_CLOSE)
		return;
	skip_statement(p, s->block);
}

static void required(struct parser *p, const struct scope *s)
{
	const struct directive *d = s->block->directives;
	char name[TOKEN_TEXT];

	for (int i = 0; d[i].name; i++) {
		if (d[i].flags & DIR_REQUIRED && !s->seen[i].line &&
		    s->meant != d[i].name)
			errors_add(p->errors, s->open,
			    "%s has no '%s'; expected '%s %s;'",
			    scope_format(s, name), d[i].name, d[i].name,
			    d[i].syntax);
	}
}

bool parser_body(struct parser *p, struct scope *s, void *base)
{
	char name[TOKEN_TEXT];

	(void)parser_take(p, TOKEN_OPEN);
	while (!stopped(p)) {
		switch (p->tok.kind) {
		case TOKEN_END:
			errors_add(p->errors, p->tok.pos,
			    "the file ends in %s of line %u; expected '}'",
			    scope_format(s, name), s->open.line);
			return false;
		case TOKEN_CLOSE:
			parser_next(p);
			required(p, s);
			return true;
		case TOKEN_SEMICOLON: /* an empty statement does no harm */
			parser_next(p);
			break;
		case TOKEN_WORD:
			if (directive_find(s->block, &p->tok) < 0 &&
			    block_find(&p->tok)) {
				errors_add(p->errors, p->tok.pos,
				    "'%.*s' stands in %s of line %u; expected "
				    "'}' before it",
				    (int)p->tok.len, p->tok.text,
				    scope_format(s, name), s->open.line);
				required(p, s);
				return false;
			}
			directive(p, s, base);
			break;
		default:
			parser_expected(p, "a directive or '}'");
			skip_statement(p, s->block);
			break;
		}
	}
	return false;
}

/* ---- the top ----------------------------------------------------------- */

/* The block's name into name; true when it is a good one. */
static bool label(struct parser *p, struct scope *s, char name[CONF_NAME])
{
	bool good;

	if (p->tok.kind != TOKEN_STRING && p->tok.kind != TOKEN_WORD) {
		errors_add(p->errors, p->tok.pos,
		    "'%s' has no name; expected '%s \"NAME\" {'",
		    s->block->name, s->block->name);
		return false;
	}
	s->label = p->tok;
	good = token_string(&p->tok, name, CONF_NAME) && name[0];
	if (!good)
		errors_add(p->errors, p->tok.pos,
		    "the name is %s; expected 1 to %d bytes",
		    p->tok.len ? "too long" : "empty", CONF_NAME - 1);
	parser_next(p);
	return good;
}

/* True when the block's statements begin here. */
static bool open_brace(struct parser *p, const struct scope *s)
{
	if (p->tok.kind == TOKEN_OPEN)
		return true;
	parser_expected(p, "'{'");
	/* Forgotten, but its directives follow: read them as if it stood. */
	if (p->tok.kind == TOKEN_WORD && on_new_line(p) &&
	    directive_find(s->block, &p->tok) >= 0)
		return true;
	skip_statement(p, NULL);
	return false;
}

static struct conf_member *push_member(struct parser *p, struct pos open)
{
	struct conf *c = p->conf;

	if (c->n_member == p->member_cap) {
		size_t cap = p->member_cap ? p->member_cap * 2 : 64;
		struct conf_member *more =
		    realloc(c->member, cap * sizeof *more);
		struct member_pos *pos;

		if (!more) {
			p->no_mem = true;
			return NULL;
		}
		c->member = more;
		pos = realloc(p->member_pos, cap * sizeof *pos);
		if (!pos) {
			p->no_mem = true;
			return NULL;
		}
		p->member_pos = pos;
		p->member_cap = cap;
	}
	struct conf_member *m = &c->member[c->n_member];
	*m = (struct conf_member){0};
	p->member_pos[c->n_member++] = (struct member_pos){.open = open};
	return m;
}

static void member(struct parser *p, struct scope *s)
{
	struct conf_member *m = push_member(p, s->open);
	struct member_pos *pos;

	if (!m)
		return;
	pos = &p->member_pos[p->conf->n_member - 1];
	conf_defaults(s->block, m);
	if (label(p, s, m->name))
		pos->name = s->label.pos;
	if (!open_brace(p, s))
		return;
	(void)parser_body(p, s, m);
	if (!scope_value(s, "asn", &pos->asn))
		pos->asn.line = 0;
}

/* exchange and policy: there is one of each; a second one is only read. */
static void single(
    struct parser *p, struct scope *s, struct scope *first, void *base)
{
	if (first->open.line) {
		errors_add(p->errors, s->open,
		    "a second '%s'; expected only the one of line %u",
		    s->block->name, first->open.line);
		first = s;
	}
	*first = *s;
	conf_defaults(s->block, base);
	if (s->block->kind == BLOCK_EXCHANGE) {
		struct conf_exchange *x = base;

		label(p, first, x->name);
	} else if (p->tok.kind == TOKEN_STRING) {
		char expected[64];

		snprintf(expected, sizeof expected, "'{': %s has no name",
		    s->block->name);
		parser_expected(p, expected);
		parser_next(p);
	}
	if (open_brace(p, first))
		(void)parser_body(p, first, base);
}

/* "exchange, policy or member": the blocks of this version. */
static const char *block_words(char *buf, size_t cap)
{
	const char *last = NULL;
	size_t n = 0;

	buf[0] = 0;
	for (const struct block *b = conf_blocks; b->name; b++)
		if (b->directives)
			last = b->name;
	for (const struct block *b = conf_blocks; b->name && n < cap; b++)
		if (b->directives)
			n += (size_t)snprintf(buf + n, cap - n, "%s%s",
			    !n		      ? ""
			    : b->name == last ? " or "
					      : ", ",
			    b->name);
	return buf;
}

static void report_top(struct parser *p)
{
	char found[TOKEN_TEXT];
	char all[96];
	const struct block *home = home_of(&p->tok, NULL);
	struct suggest near;

	token_format(&p->tok, found);
	suggest_init(&near, p->tok.text, p->tok.len);
	for (const struct block *b = conf_blocks; b->name; b++)
		if (b->directives)
			suggest_offer(&near, b->name);
	if (near.best == block_named("exchange")->name)
		p->meant_exchange = true;
	if (p->tok.len > 1 && !memcmp(p->tok.text, "//", 2))
		errors_add(p->errors, p->tok.pos,
		    "'//' starts no comment; expected '#' for one");
	else if (home)
		errors_add(p->errors, p->tok.pos,
		    "%s stands outside a block; expected it in '%s { ... }'",
		    found, home->name);
	else if (near.best)
		errors_add(p->errors, p->tok.pos,
		    "unknown block %s; expected %s (did you mean '%s'?)", found,
		    block_words(all, sizeof all), near.best);
	else
		errors_add(p->errors, p->tok.pos,
		    "unknown block %s; expected %s", found,
		    block_words(all, sizeof all));
}

/* Apart, for the room that a second one, an error, takes on the stack. */
static ATTR_NOINLINE void registry_block(struct parser *p, struct scope *s)
{
	struct conf_registry other = {0};

	single(p, s, &p->registry,
	    p->registry.open.line ? &other : &p->conf->registry);
	p->conf->registry.present = true;
}

static void top_word(struct parser *p)
{
	const struct block *b = block_find(&p->tok);
	struct scope s = {.block = b, .open = p->tok.pos};
	struct conf_exchange other_exchange = {0};
	struct conf_policy other_policy = {0};
	struct conf_rpki *other_rpki = &p->other_rpki;

	if (!b) {
		report_top(p);
		parser_next(p);
		skip_statement(p, NULL);
		return;
	}
	if (!b->directives) {
		errors_add(p->errors, p->tok.pos,
		    "'%s' (%s) is not in this version; expected it to be "
		    "left out",
		    b->name, b->doc);
		parser_next(p);
		skip_statement(p, NULL);
		return;
	}
	parser_next(p);
	switch (b->kind) {
	case BLOCK_EXCHANGE:
		single(p, &s, &p->exchange,
		    p->exchange.open.line ? &other_exchange
					  : &p->conf->exchange);
		p->conf->exchange.present = true;
		break;
	case BLOCK_POLICY:
		single(p, &s, &p->policy,
		    p->policy.open.line ? &other_policy : &p->conf->policy);
		p->conf->policy.present = true;
		free(other_policy.transit_free);
		free(other_policy.never_via);
		break;
	case BLOCK_MEMBER:
		member(p, &s);
		break;
	case BLOCK_RPKI:
		single(p, &s, &p->rpki,
		    p->rpki.open.line ? other_rpki : &p->conf->rpki);
		p->conf->rpki.present = true;
		break;
	case BLOCK_MONITORING:
		single(p, &s, &p->monitoring,
		    p->monitoring.open.line ? &p->other_monitoring
					    : &p->conf->monitoring);
		p->conf->monitoring.present = true;
		break;
	case BLOCK_REGISTRY:
		registry_block(p, &s);
		break;
	case BLOCK_AT:
	case BLOCK_CACHE:
	case BLOCK_STATION:
		break;
	}
}

static void parse_file(struct parser *p)
{
	char all[96];

	parser_next(p);
	while (!stopped(p)) {
		switch (p->tok.kind) {
		case TOKEN_END:
			return;
		case TOKEN_WORD:
			top_word(p);
			break;
		case TOKEN_SEMICOLON:
			parser_next(p);
			break;
		case TOKEN_CLOSE:
			errors_add(p->errors, p->tok.pos,
			    "'}' closes nothing; expected %s",
			    block_words(all, sizeof all));
			parser_next(p);
			break;
		default:
			parser_expected(p, block_words(all, sizeof all));
			skip_statement(p, NULL);
			break;
		}
	}
}

bool scope_value(const struct scope *s, const char *name, struct pos *ret)
{
	const struct directive *d = s->block ? s->block->directives : NULL;

	for (int i = 0; d && d[i].name; i++) {
		if (strcmp(d[i].name, name))
			continue;
		*ret = s->value[i];
		return s->seen[i].line && !s->bad[i];
	}
	return false;
}

/* Defaults are values as written: the parser that reads files reads them. */
void conf_defaults(const struct block *b, void *base)
{
	for (const struct directive *d = b->directives; d->name; d++) {
		struct errors none = {0};
		struct parser p = {.errors = &none};

		if (!d->initial)
			continue;
		lex_init(&p.lex, d->initial, strlen(d->initial), &none);
		parser_next(&p);
		must(value_parse(&p, d, base));
	}
}

static int parse_text(struct parser *p, const char *text, size_t n)
{
	p->conf = calloc(1, sizeof *p->conf);
	if (!p->conf)
		return -ENOMEM;
	lex_init(&p->lex, text, n, p->errors);
	parse_file(p);
	if (!stopped(p))
		conf_check(p);
	free(p->member_pos);
	free(p->at_pos);
	free(p->other_rpki.cache);
	if (p->no_mem || p->errors->no_mem)
		return -ENOMEM;
	return p->errors->n ? -EINVAL : 0;
}

int conf_parse(const char *text, size_t n, struct conf **ret,
    struct conf_error **ret_errors, size_t *ret_n)
{
	struct errors errors = {0};
	struct parser *p;
	int rc;

	*ret = NULL;
	*ret_errors = NULL;
	*ret_n = 0;
	if (n > CONF_TEXT_MAX)
		return -EFBIG;
	p = calloc(1, sizeof *p);
	if (!p)
		return -ENOMEM;
	p->errors = &errors;
	rc = parse_text(p, text, n);
	if (rc)
		conf_free(p->conf);
	else
		*ret = p->conf;
	free(p);
	if (rc == -EINVAL) {
		errors_sort(&errors);
		*ret_errors = errors.list;
		*ret_n = errors.n;
	} else {
		free(errors.list);
	}
	return rc;
}

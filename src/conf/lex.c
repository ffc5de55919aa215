/* Text to tokens.  Reports what cannot be one and goes on behind it. */
#include "conf/internal.h"

#include <stdio.h>
#include <string.h>

void lex_init(struct lex *l, const char *text, size_t n, struct errors *e)
{
	*l = (struct lex){
	    .p = text, .end = n ? text + n : text, .pos = {1, 1}, .errors = e};
	/* A byte order mark is no character of the text. */
	if (n >= 3 && !memcmp(text, "\xef\xbb\xbf", 3))
		l->p += 3;
}

/*
 * Bytes of the UTF-8 character at p (RFC 3629: no overlong forms, no
 * surrogates), or 0.
 */
static size_t utf8_len(const char *p, const char *end)
{
	const unsigned char *s = (const unsigned char *)p;
	size_t left = (size_t)(end - p);
	unsigned low = 0x80;
	unsigned high = 0xbf;
	size_t n;

	if (s[0] < 0x80)
		return 1;
	if (s[0] < 0xc2 || s[0] > 0xf4)
		return 0;
	n = s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : 4;
	if (n > left)
		return 0;
	if (s[0] == 0xe0)
		low = 0xa0;
	else if (s[0] == 0xed)
		high = 0x9f;
	else if (s[0] == 0xf0)
		low = 0x90;
	else if (s[0] == 0xf4)
		high = 0x8f;
	if (s[1] < low || s[1] > high)
		return 0;
	for (size_t i = 2; i < n; i++)
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	return n;
}

/* Moves over n bytes that are one character. */
static void step(struct lex *l, size_t n)
{
	if (*l->p == '\n') {
		l->pos.line++;
		l->pos.col = 1;
	} else {
		l->pos.col++;
	}
	l->p += n;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static bool is_word(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c >= '0' && c <= '9') || (c && strchr("_.:/+-*@%", c)) ||
	       (unsigned char)c >= 0x80;
}

static bool is_special(char c)
{
	return c && strchr("{};,\"#", c);
}

static void skip_comment(struct lex *l)
{
	while (l->p < l->end && *l->p != '\n') {
		size_t n = utf8_len(l->p, l->end);

		step(l, n ? n : 1);
	}
}

/* A run of bytes that cannot start a token: one error for all of it. */
static void skip_bad(struct lex *l)
{
	struct pos at = l->pos;
	unsigned char c = (unsigned char)*l->p;

	if (c == '=' || c == '(' || c == '[')
		errors_add(l->errors, at,
		    "'%c' has no meaning here; expected a value right after "
		    "the directive's name, as 'hold 90s;'",
		    c);
	else if (c >= 0x80)
		errors_add(l->errors, at,
		    "byte 0x%02x is not UTF-8; expected UTF-8 text", c);
	else if (c < 0x20 || c == 0x7f)
		errors_add(l->errors, at,
		    "control byte 0x%02x; expected plain text", c);
	else
		errors_add(l->errors, at,
		    "'%c' has no meaning here; expected a word, a \"string\" "
		    "or one of { } ; ,",
		    c);
	while (l->p < l->end && !is_blank(*l->p) && !is_special(*l->p) &&
	       (!is_word(*l->p) || !utf8_len(l->p, l->end)))
		step(l, 1);
}

static struct token word(struct lex *l)
{
	struct token t = {.kind = TOKEN_WORD, .text = l->p, .pos = l->pos};

	while (l->p < l->end && is_word(*l->p)) {
		size_t n = utf8_len(l->p, l->end);

		if (!n)
			break;
		step(l, n);
	}
	t.len = (size_t)(l->p - t.text);
	t.after = l->pos;
	return t;
}

/*
 * The closing quote is missing: the string ends before the first mark of the
 * grammar, or with its line, and what follows is read as usual.
 */
static void cut_string(struct lex *l, struct token *t)
{
	struct pos start = t->pos;
	const char *end = t->text;

	while (end < t->text + t->len && (!*end || !strchr(";{}", *end)))
		end++;
	errors_add(l->errors, start,
	    "the string is not closed; expected '\"' in the same line");
	l->p = t->text;
	l->pos = (struct pos){start.line, start.col + 1};
	while (l->p < end) {
		size_t n = utf8_len(l->p, end);

		step(l, n ? n : 1);
	}
	t->len = (size_t)(end - t->text);
	while (t->len && is_blank(t->text[t->len - 1]))
		t->len--;
}

static struct token string(struct lex *l)
{
	struct token t = {.kind = TOKEN_STRING, .pos = l->pos};
	bool bad = false;

	step(l, 1);
	t.text = l->p;
	while (l->p < l->end && *l->p != '"' && *l->p != '\n') {
		unsigned char c = (unsigned char)*l->p;
		size_t n = utf8_len(l->p, l->end);

		if ((!n || c < 0x20 || c == 0x7f) && !bad && c != '\r') {
			errors_add(l->errors, l->pos,
			    "byte 0x%02x in a string; expected UTF-8 text "
			    "without control characters",
			    c);
			bad = true;
		}
		if (c == '\\' && l->p + 1 < l->end && l->p[1] != '\n') {
			if (l->p[1] != '"' && l->p[1] != '\\' && !bad) {
				errors_add(l->errors, l->pos,
				    "unknown escape in a string; expected "
				    "\\\" or \\\\");
				bad = true;
			}
			step(l, 1);
			n = utf8_len(l->p, l->end);
		}
		step(l, n ? n : 1);
	}
	t.len = (size_t)(l->p - t.text);
	if (l->p < l->end && *l->p == '"')
		step(l, 1);
	else
		cut_string(l, &t);
	t.after = l->pos;
	return t;
}

static struct token mark(struct lex *l, enum token_kind kind)
{
	struct token t = {.kind = kind, .text = l->p, .len = 1, .pos = l->pos};

	step(l, 1);
	t.after = l->pos;
	return t;
}

struct token lex_next(struct lex *l)
{
	while (l->p < l->end && !l->errors->full && !l->errors->no_mem) {
		switch (*l->p) {
		case ' ':
		case '\t':
		case '\r':
		case '\n':
			step(l, 1);
			continue;
		case '#':
			skip_comment(l);
			continue;
		case '{':
			return mark(l, TOKEN_OPEN);
		case '}':
			return mark(l, TOKEN_CLOSE);
		case ';':
			return mark(l, TOKEN_SEMICOLON);
		case ',':
			return mark(l, TOKEN_COMMA);
		case '"':
			return string(l);
		default:
			break;
		}
		if (is_word(*l->p) && utf8_len(l->p, l->end))
			return word(l);
		skip_bad(l);
	}
	return (struct token){
	    .kind = TOKEN_END, .text = "", .pos = l->pos, .after = l->pos};
}

const char *token_quote(const struct token *t, char quote, char buf[TOKEN_TEXT])
{
	const char *p = t->text;
	const char *end = t->text + t->len;
	size_t at = 0;

	buf[at++] = quote;
	while (p < end && at < 44) {
		size_t n = utf8_len(p, end);

		if (!n || (unsigned char)*p < 0x20 || *p == 0x7f) {
			buf[at++] = '?';
			p++;
			continue;
		}
		memcpy(buf + at, p, n);
		at += n;
		p += n;
	}
	snprintf(
	    buf + at, TOKEN_TEXT - at, "%s%c", p < end ? "..." : "", quote);
	return buf;
}

const char *token_format(const struct token *t, char buf[TOKEN_TEXT])
{
	switch (t->kind) {
	case TOKEN_END:
		snprintf(buf, TOKEN_TEXT, "the end of the file");
		return buf;
	case TOKEN_STRING:
		snprintf(buf, TOKEN_TEXT, "a string");
		return buf;
	default:
		return token_quote(t, '\'', buf);
	}
}

bool token_is(const struct token *t, const char *word)
{
	return t->kind == TOKEN_WORD && t->len == strlen(word) &&
	       !memcmp(t->text, word, t->len);
}

bool token_string(const struct token *t, char *buf, size_t cap)
{
	size_t n = 0;

	for (size_t i = 0; i < t->len; i++) {
		if (t->text[i] == '\\' && i + 1 < t->len)
			i++;
		if (n + 1 >= cap)
			return false;
		buf[n++] = t->text[i];
	}
	buf[n] = 0;
	return true;
}

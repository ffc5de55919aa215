/* Values that are lists, and the sessions of a member. */
#include "conf/internal.h"

#include <stdlib.h>
#include <string.h>

/*
 * Appends to a list that lies in the struct itself (max of them) or on the
 * heap, doubled whenever its count is a power of two.
 */
static bool list_push(struct parser *p, const struct directive *d, void *base,
    const void *element, struct pos at)
{
	struct list_view v = list_of(d, base);
	bool inside = d->kind == VALUE_ADDRESSES || d->kind == VALUE_PREFIXES;
	uint8_t *to;

	if (v.n >= d->max) {
		errors_add(p->errors, at,
		    "too many values for '%s'; expected at most %llu", d->name,
		    (unsigned long long)d->max);
		return false;
	}
	if (inside) {
		to = field(base, d->at);
	} else {
		memcpy(&to, field(base, d->at), sizeof to);
		if (!(v.n & (v.n - 1))) {
			size_t cap = v.n ? v.n * 2 : 1;

			to = realloc(to, cap * v.width);
			if (!to) {
				p->no_mem = true;
				return false;
			}
			memcpy(field(base, d->at), &to, sizeof to);
		}
	}
	memcpy(to + v.n * v.width, element, v.width);
	v.n++;
	memcpy(field(base, d->n_at), &v.n, sizeof v.n);
	return true;
}

static bool listed(
    const struct directive *d, const void *base, const void *element)
{
	struct list_view v = list_of(d, base);

	for (size_t i = 0; i < v.n; i++)
		if (!memcmp(v.p + i * v.width, element, v.width))
			return true;
	return false;
}

/* Registered prefix: PREFIX [ge N] [le N]. */
static bool take_registered(struct parser *p, struct conf_prefix *ret)
{
	uint64_t ge = 0;
	uint64_t le = 0;
	struct conf_prefix c;
	unsigned bits;

	if (!take_prefix(p, &c.prefix))
		return false;
	bits = family_bits(c.prefix.addr.family);
	c.min_len = c.max_len = c.prefix.len;
	if (token_is(&p->tok, "ge")) {
		parser_next(p);
		if (!take_number(p, "prefix length", c.prefix.len, bits, &ge))
			return false;
		c.min_len = (uint8_t)ge;
		c.max_len = (uint8_t)bits;
	}
	if (token_is(&p->tok, "le")) {
		parser_next(p);
		if (!take_number(p, "prefix length", c.min_len, bits, &le))
			return false;
		c.max_len = (uint8_t)le;
	}
	*ret = c;
	return true;
}

/* One element of a list, appended; a bad one costs only itself. */
static bool parse_element(
    struct parser *p, const struct directive *d, void *base)
{
	union {
		struct ip ip;
		struct prefix prefix;
		struct conf_prefix registered;
		uint32_t asn;
	} e;
	struct token first = p->tok;
	char found[TOKEN_TEXT];
	bool ok = false;

	memset(&e, 0, sizeof e);
	switch (d->kind) {
	case VALUE_ADDRESSES:
		ok = take_address(p, true, &e.ip);
		break;
	case VALUE_PREFIXES:
		ok = take_prefix(p, &e.prefix);
		break;
	case VALUE_REGISTERED:
		ok = take_registered(p, &e.registered);
		break;
	default:
		ok = take_asn(p, &e.asn);
		break;
	}
	if (!ok)
		return false;
	if ((d->kind == VALUE_ADDRESSES || d->kind == VALUE_PREFIXES) &&
	    listed(d, base, &e)) {
		errors_add(p->errors, first.pos,
		    "%s is given twice; expected each once",
		    token_format(&first, found));
		return false;
	}
	return list_push(p, d, base, &e, first.pos);
}

bool list_parse(struct parser *p, const struct directive *d, void *base)
{
	bool all = true;

	do {
		struct pos before = p->tok.pos;

		if (!parse_element(p, d, base)) {
			all = false;
			/* Nothing was taken: there is no element to skip. */
			if (p->tok.pos.line == before.line &&
			    p->tok.pos.col == before.col)
				return false;
		}
		if (p->no_mem || p->errors->full)
			return false;
	} while (parser_take(p, TOKEN_COMMA));
	return all;
}

/* ---- at ---------------------------------------------------------------- */

static bool push_at(struct parser *p, struct conf_member *m,
    const struct conf_at *at, struct pos pos)
{
	if (p->n_at_pos == CONF_MEMBERS) {
		errors_add(p->errors, pos,
		    "too many sessions; expected at most %d", CONF_MEMBERS);
		p->errors->full = true; /* what follows is of no use */
		return false;
	}
	if (p->n_at_pos == p->at_cap) {
		size_t cap = p->at_cap ? p->at_cap * 2 : 64;
		struct at_pos *more = realloc(p->at_pos, cap * sizeof *more);

		if (!more) {
			p->no_mem = true;
			return false;
		}
		p->at_pos = more;
		p->at_cap = cap;
	}
	if (!(m->n_at & (m->n_at - 1))) {
		size_t cap = m->n_at ? m->n_at * 2 : 1;
		struct conf_at *more = realloc(m->at, cap * sizeof *more);

		if (!more) {
			p->no_mem = true;
			return false;
		}
		m->at = more;
	}
	m->at[m->n_at++] = *at;
	p->at_pos[p->n_at_pos++] = (struct at_pos){.pos = pos,
	    .member = (uint32_t)p->conf->n_member - 1,
	    .addr = at->addr};
	return true;
}

/* at ADDRESS [, ADDRESS ...] [{ ... }]: what is in the braces holds for each */
bool at_parse(struct parser *p, void *base)
{
	struct conf_member *m = base;
	size_t first = m->n_at;
	struct conf_at shared = {0};
	struct scope s = {.block = &conf_block_at, .open = p->prev.pos};
	bool all = true;

	do {
		struct pos pos = p->tok.pos;
		struct conf_at at = {0};

		if (take_address(p, false, &at.addr)) {
			all = push_at(p, m, &at, pos) && all;
		} else {
			all = false;
			if (p->tok.kind != TOKEN_COMMA &&
			    p->tok.kind != TOKEN_OPEN)
				return false;
		}
		if (p->no_mem || p->errors->full)
			return false;
	} while (parser_take(p, TOKEN_COMMA));
	conf_defaults(&conf_block_at, &shared);
	if (p->tok.kind == TOKEN_OPEN)
		all = parser_body(p, &s, &shared) && all;
	for (size_t i = first; i < m->n_at; i++) {
		shared.addr = m->at[i].addr;
		m->at[i] = shared;
	}
	return all;
}

/* RPKI caches: their directive, and what no single directive can know. */
#include "conf/internal.h"
#include "conf/words.h"

#include <stdlib.h>
#include <string.h>

#define PORT_PLAIN 323 /* RFC 8210 s14 */
#define PORT_TLS 324

static const char expected[] = "ADDRESS[:PORT] as 192.0.2.1:323, or an "
			       "address in \"[2001:db8::1]:323\"";

static bool take_port(const char *text, uint16_t *ret)
{
	uint64_t port;

	if (!number_parse(text, strlen(text), &port) || !port ||
	    port > UINT16_MAX)
		return false;
	*ret = (uint16_t)port;
	return true;
}

bool endpoint_parse(char *text, struct ip *ret, uint16_t *ret_port)
{
	char *colon = strrchr(text, ':');
	char *end;

	*ret_port = 0;
	if (!ip_parse(text, ret))
		return true;
	if (*text == '[') {
		end = strchr(text, ']');
		if (!end || (end[1] && (end[1] != ':' ||
					   !take_port(end + 2, ret_port))))
			return false;
		*end = 0;
		return !ip_parse(text + 1, ret) && ret->family == FAMILY_IPV6;
	}
	if (!colon || !take_port(colon + 1, ret_port))
		return false;
	*colon = 0;
	return !ip_parse(text, ret) && ret->family == FAMILY_IPV4;
}

static bool take_cache(struct parser *p, struct conf_cache *ret)
{
	char text[IP_TEXT + 16];
	char found[TOKEN_TEXT];

	if (p->tok.kind != TOKEN_WORD && p->tok.kind != TOKEN_STRING)
		return parser_expected(p, expected);
	if (token_string(&p->tok, text, sizeof text) &&
	    endpoint_parse(text, &ret->addr, &ret->port)) {
		parser_next(p);
		return true;
	}
	errors_add(p->errors, p->tok.pos, "%s is no cache; expected %s",
	    token_format(&p->tok, found), expected);
	parser_next(p);
	return false;
}

static bool push(struct parser *p, struct conf_rpki *r,
    const struct conf_cache *c, struct pos pos)
{
	if (r->n_cache == CONF_CACHES) {
		errors_add(p->errors, pos,
		    "too many caches; expected at most %d", CONF_CACHES);
		return false;
	}
	if (!(r->n_cache & (r->n_cache - 1))) {
		size_t cap = r->n_cache ? r->n_cache * 2 : 1;
		struct conf_cache *more = realloc(r->cache, cap * sizeof *more);

		if (!more) {
			p->no_mem = true;
			return false;
		}
		r->cache = more;
	}
	if (r == &p->conf->rpki)
		p->cache_pos[r->n_cache] = pos;
	r->cache[r->n_cache++] = *c;
	return true;
}

/* What only the whole block can tell: it is the same for all its caches. */
static bool check_block(
    struct parser *p, const struct scope *s, const struct conf_cache *c)
{
	struct pos at;
	size_t before = p->errors->n;

	if (!c->tls[0] &&
	    (scope_value(s, "ca", &at) || scope_value(s, "certificate", &at) ||
		scope_value(s, "key", &at)))
		errors_add(p->errors, at,
		    "a file for TLS, but no 'tls'; expected 'tls NAME;' beside "
		    "it");
	if (c->certificate[0] && !c->key[0] &&
	    scope_value(s, "certificate", &at))
		errors_add(p->errors, at,
		    "the certificate has no 'key'; expected 'key FILE;'");
	if (c->key[0] && !c->certificate[0] && scope_value(s, "key", &at))
		errors_add(p->errors, at,
		    "the key has no 'certificate'; expected 'certificate "
		    "FILE;'");
	if (c->expire_s &&
	    (c->refresh_s > c->expire_s || c->retry_s > c->expire_s) &&
	    scope_value(s, "expire", &at))
		errors_add(p->errors, at,
		    "data would expire before it is asked for again; expected "
		    "expire not to be shorter than refresh and retry (RFC "
		    "8210)");
	return p->errors->n == before;
}

bool cache_parse(struct parser *p, void *base)
{
	struct conf_rpki *r = base;
	size_t first = r->n_cache;
	struct conf_cache shared = {0};
	struct scope s = {.block = &conf_block_cache, .open = p->prev.pos};
	bool all = true;

	do {
		struct pos pos = p->tok.pos;
		struct conf_cache c = {0};

		if (take_cache(p, &c)) {
			all = push(p, r, &c, pos) && all;
		} else {
			all = false;
			if (p->tok.kind != TOKEN_COMMA &&
			    p->tok.kind != TOKEN_OPEN)
				return false;
		}
		if (p->errors->full || p->no_mem)
			return false;
	} while (parser_take(p, TOKEN_COMMA));
	conf_defaults(&conf_block_cache, &shared);
	if (p->tok.kind == TOKEN_OPEN) {
		all = parser_body(p, &s, &shared) && all;
		all = check_block(p, &s, &shared) && all;
	}
	if (!shared.port)
		shared.port = shared.tls[0] ? PORT_TLS : PORT_PLAIN;
	for (size_t i = first; i < r->n_cache; i++) {
		struct conf_cache *c = &r->cache[i];
		struct conf_cache own = *c;

		*c = shared;
		c->addr = own.addr;
		if (own.port)
			c->port = own.port;
		if (!c->own_preference)
			c->preference = (uint16_t)(i + 1);
	}
	return all;
}

void cache_check(struct parser *p)
{
	const struct conf_rpki *r = &p->conf->rpki;
	char addr[IP_TEXT];

	for (size_t i = 0; i < r->n_cache; i++) {
		for (size_t k = 0; k < i; k++) {
			if (!ip_eq(&r->cache[i].addr, &r->cache[k].addr) ||
			    r->cache[i].port != r->cache[k].port)
				continue;
			errors_add(p->errors, p->cache_pos[i],
			    "the cache %s port %u is given in line %u; "
			    "expected each once",
			    ip_format(&r->cache[i].addr, addr),
			    r->cache[i].port, p->cache_pos[k].line);
			break;
		}
	}
}

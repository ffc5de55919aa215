/* One directive's value: tokens in, fields of the block's struct out. */
#include "conf/internal.h"
#include "conf/words.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define WORD_MAX 64

/* The word as a C string; false when it is too long to be any value. */
static bool word_copy(const struct token *t, char buf[WORD_MAX])
{
	if (t->len >= WORD_MAX)
		return false;
	memcpy(buf, t->text, t->len);
	buf[t->len] = 0;
	return true;
}

/* Reports the word at hand as a bad value, and steps over it. */
static bool bad_word(struct parser *p, const char *what, const char *expected)
{
	char found[TOKEN_TEXT];

	if (p->tok.kind != TOKEN_WORD && p->tok.kind != TOKEN_STRING)
		return parser_expected(p, expected);
	errors_add(p->errors, p->tok.pos, "%s is no %s; expected %s",
	    token_format(&p->tok, found), what, expected);
	parser_next(p);
	return false;
}

static void put_number(const struct directive *d, void *base, uint64_t v)
{
	uint8_t u8 = (uint8_t)v;
	uint16_t u16 = (uint16_t)v;
	uint32_t u32 = (uint32_t)v;

	switch (d->size) {
	case sizeof u8:
		memcpy(field(base, d->at), &u8, sizeof u8);
		break;
	case sizeof u16:
		memcpy(field(base, d->at), &u16, sizeof u16);
		break;
	default:
		memcpy(field(base, d->at), &u32, sizeof u32);
		break;
	}
}

/* ---- words that are elements ------------------------------------------- */

bool take_asn(struct parser *p, uint32_t *ret)
{
	static const char expected[] =
	    "1 to 4294967294, written as 64500 or 1.10";
	const char *why;
	uint32_t asn;

	if (p->tok.kind != TOKEN_WORD ||
	    !asn_parse(p->tok.text, p->tok.len, &asn))
		return bad_word(p, "AS number", expected);
	why = asn_reserved(asn);
	if (why) {
		errors_add(p->errors, p->tok.pos,
		    "%s; expected the AS number of a network", why);
		parser_next(p);
		return false;
	}
	parser_next(p);
	*ret = asn;
	return true;
}

/* Why no router of a member can have this address, or NULL. */
static const char *address_fault(const struct ip *ip)
{
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
	static const uint8_t zero[16];

	if (!memcmp(ip->b, zero, sizeof zero))
		return "the unspecified address";
	if (ip->family == FAMILY_IPV4) {
		if (ip->b[0] >= 240)
			return "a reserved address";
		if (ip->b[0] >= 224)
			return "a multicast address";
		return NULL;
	}
	if (!memcmp(ip->b, mapped, sizeof mapped))
		return "an IPv4 address written as IPv6";
	if (ip->b[0] == 0xff)
		return "a multicast address";
	if (ip->b[0] == 0xfe && (ip->b[1] & 0xc0) == 0x80)
		return "a link-local address";
	return NULL;
}

bool take_address(struct parser *p, bool any, struct ip *ret)
{
	static const char expected[] = "an address as 192.0.2.1 or 2001:db8::1";
	char word[WORD_MAX];
	const char *why;
	struct ip ip;

	if (p->tok.kind != TOKEN_WORD || !word_copy(&p->tok, word) ||
	    ip_parse(word, &ip))
		return bad_word(p, "address", expected);
	why = address_fault(&ip);
	if (why && !(any && !strcmp(why, "the unspecified address"))) {
		errors_add(p->errors, p->tok.pos,
		    "%s is %s; expected a router's own address", word, why);
		parser_next(p);
		return false;
	}
	parser_next(p);
	*ret = ip;
	return true;
}

/* 192.0.2.1/24 -> 192.0.2.0/24; NULL when the text has another fault. */
static const char *without_host_bits(const char *word, char out[PREFIX_TEXT])
{
	char addr[WORD_MAX];
	const char *slash = strchr(word, '/');
	struct prefix prefix;
	struct ip ip;

	memcpy(addr, word, (size_t)(slash - word));
	addr[slash - word] = 0;
	if (ip_parse(addr, &ip))
		return NULL;
	prefix = prefix_of(&ip, (uint8_t)strtoul(slash + 1, NULL, 10));
	return prefix_format(&prefix, out);
}

bool take_prefix(struct parser *p, struct prefix *ret)
{
	static const char expected[] =
	    "ADDRESS/LENGTH as 192.0.2.0/24 or 2001:db8::/32";
	char word[WORD_MAX];
	char fixed[PREFIX_TEXT];
	struct prefix prefix;
	int rc;

	if (p->tok.kind != TOKEN_WORD || !word_copy(&p->tok, word))
		return bad_word(p, "prefix", expected);
	rc = prefix_parse(word, &prefix);
	if (rc == -ERANGE && without_host_bits(word, fixed)) {
		errors_add(p->errors, p->tok.pos,
		    "%s has bits set beyond its length; expected %s", word,
		    fixed);
		parser_next(p);
		return false;
	}
	if (rc)
		return bad_word(p, "prefix", expected);
	parser_next(p);
	*ret = prefix;
	return true;
}

/* A number with its range; what: "prefix length", "port". */
bool take_number(struct parser *p, const char *what, uint64_t min, uint64_t max,
    uint64_t *ret)
{
	char expected[80];
	char found[TOKEN_TEXT];
	uint64_t v;

	snprintf(expected, sizeof expected, "%llu to %llu",
	    (unsigned long long)min, (unsigned long long)max);
	if (p->tok.kind != TOKEN_WORD ||
	    !number_parse(p->tok.text, p->tok.len, &v))
		return bad_word(p, what, expected);
	if (v < min || v > max) {
		errors_add(p->errors, p->tok.pos,
		    "%s is out of range; expected %s",
		    token_format(&p->tok, found), expected);
		parser_next(p);
		return false;
	}
	parser_next(p);
	*ret = v;
	return true;
}

/* ---- kinds ------------------------------------------------------------- */

static bool parse_asn(struct parser *p, const struct directive *d, void *base)
{
	uint32_t asn;

	if (!take_asn(p, &asn))
		return false;
	put_number(d, base, asn);
	return true;
}

static bool parse_router_id(
    struct parser *p, const struct directive *d, void *base)
{
	static const char expected[] =
	    "32 bits written as an IPv4 address, not 0.0.0.0";
	char word[WORD_MAX];
	struct ip ip;

	if (p->tok.kind != TOKEN_WORD || !word_copy(&p->tok, word) ||
	    ip_parse(word, &ip) || ip.family != FAMILY_IPV4)
		return bad_word(p, "router-id", expected);
	uint32_t id = (uint32_t)ip.b[0] << 24 | (uint32_t)ip.b[1] << 16 |
		      (uint32_t)ip.b[2] << 8 | ip.b[3];
	if (!id)
		return bad_word(p, "router-id", expected);
	parser_next(p);
	put_number(d, base, id);
	return true;
}

static bool parse_number(
    struct parser *p, const struct directive *d, void *base)
{
	uint64_t v;

	if (!take_number(p, "number", d->min, d->max, &v))
		return false;
	put_number(d, base, v);
	return true;
}

static bool parse_seconds(
    struct parser *p, const struct directive *d, void *base)
{
	bool hold = d->kind == VALUE_HOLD;
	uint64_t min = hold ? 3 : d->min;
	char expected[80];
	char low[32];
	char high[32];
	char found[TOKEN_TEXT];
	uint64_t v;

	snprintf(expected, sizeof expected, "%s%s to %s%s",
	    d->flags & DIR_OFF ? "off, or " : "", seconds_format(min, low, 32),
	    seconds_format(d->max, high, 32), ", as 90s or 10m");
	if (d->flags & DIR_OFF && token_is(&p->tok, "off")) {
		parser_next(p);
		put_number(d, base, 0);
		return true;
	}
	if (p->tok.kind != TOKEN_WORD ||
	    !seconds_parse(p->tok.text, p->tok.len, &v))
		return bad_word(p, "time", expected);
	if ((v < min || v > d->max) && !(d->flags & DIR_OFF && v == 0)) {
		errors_add(p->errors, p->tok.pos,
		    "%s is out of range; expected %s",
		    token_format(&p->tok, found), expected);
		parser_next(p);
		return false;
	}
	parser_next(p);
	put_number(d, base, v);
	return true;
}

/* Gives the value, or -1 with a report that names the nearest word. */
static int take_choice(struct parser *p, const struct choice *choices)
{
	char found[TOKEN_TEXT];
	char all[96] = "";
	struct suggest near;
	size_t n = 0;

	suggest_init(&near, p->tok.text, p->tok.len);
	for (const struct choice *c = choices; c->word; c++) {
		int k;

		if (token_is(&p->tok, c->word)) {
			parser_next(p);
			return c->value;
		}
		suggest_offer(&near, c->word);
		k = snprintf(all + n, sizeof all - n, "%s%s",
		    !n		? ""
		    : c[1].word ? ", "
				: " or ",
		    c->word);
		if (k > 0 && (size_t)k < sizeof all - n)
			n += (size_t)k;
	}
	if (p->tok.kind != TOKEN_WORD) {
		parser_expected(p, all);
		if (p->tok.kind == TOKEN_STRING)
			parser_next(p);
		return -1;
	}
	token_format(&p->tok, found);
	if (near.best)
		errors_add(p->errors, p->tok.pos,
		    "%s is unknown; expected %s (did you mean '%s'?)", found,
		    all, near.best);
	else
		errors_add(p->errors, p->tok.pos, "%s is unknown; expected %s",
		    found, all);
	parser_next(p);
	return -1;
}

static bool parse_switch(
    struct parser *p, const struct directive *d, void *base)
{
	static const struct choice words[] = {
	    {"on", 1, NULL}, {"off", 0, NULL}, {0}};
	int v = take_choice(p, words);
	bool on = v == 1;

	if (v < 0)
		return false;
	memcpy(field(base, d->at), &on, sizeof on);
	return true;
}

static bool parse_choice(
    struct parser *p, const struct directive *d, void *base)
{
	int v = take_choice(p, d->choices);

	if (v < 0)
		return false;
	put_number(d, base, (uint64_t)v);
	return true;
}

static bool parse_set_name(
    struct parser *p, const struct directive *d, void *base)
{
	static const char expected[] =
	    "a name as AS-ALPHA or AS64501:AS-ALL, at most 63 letters";
	char word[WORD_MAX];

	if (p->tok.kind != TOKEN_WORD || !word_copy(&p->tok, word))
		return bad_word(p, "as-set", expected);
	for (const char *c = word; *c; c++)
		if (*c == '/' || *c == '%' || (unsigned char)*c >= 0x80)
			return bad_word(p, "as-set", expected);
	if (!strcasestr(word, "as-"))
		return bad_word(p, "as-set", expected);
	memcpy(field(base, d->at), word, strlen(word) + 1);
	parser_next(p);
	return true;
}

static bool parse_secret(
    struct parser *p, const struct directive *d, void *base)
{
	char text[81];

	/* What was written is not repeated: it may be the secret itself. */
	if (p->tok.kind != TOKEN_STRING) {
		errors_add(p->errors, p->tok.pos,
		    "'%s' has no string; expected 1 to 80 bytes in double "
		    "quotes",
		    d->name);
		if (p->tok.kind == TOKEN_WORD)
			parser_next(p);
		return false;
	}
	if (!token_string(&p->tok, text, d->size) || !text[0]) {
		errors_add(p->errors, p->tok.pos,
		    "the %s is %s; expected 1 to 80 bytes", d->name,
		    p->tok.len ? "too long" : "empty");
		parser_next(p);
		return false;
	}
	memcpy(field(base, d->at), text, sizeof text);
	parser_next(p);
	return true;
}

/* A name or a path. */
static bool parse_text(struct parser *p, const struct directive *d, void *base)
{
	char text[CONF_FILE];
	char expected[64];

	snprintf(expected, sizeof expected, "%s of 1 to %u bytes",
	    !strcmp(d->syntax, "FILE")	      ? "the path of a file"
	    : !strcmp(d->syntax, "DIRECTORY") ? "the path of a directory"
					      : "a name",
	    d->size - 1u);
	if (p->tok.kind != TOKEN_WORD && p->tok.kind != TOKEN_STRING)
		return parser_expected(p, expected);
	if (!token_string(&p->tok, text, d->size) || !text[0])
		return bad_word(p, "good value", expected);
	memcpy(field(base, d->at), text, strlen(text) + 1);
	parser_next(p);
	return true;
}

/* ipv4 8-24, ipv6 19-48 */
static bool parse_lengths(struct parser *p, void *base)
{
	static const struct choice families[] = {
	    {"ipv4", FAMILY_IPV4, NULL}, {"ipv6", FAMILY_IPV6, NULL}, {0}};
	struct conf_policy *policy = base;

	do {
		int f = take_choice(p, families);
		char expected[64];
		const char *dash;
		uint64_t low;
		uint64_t high;

		if (f < 0)
			return false;
		snprintf(expected, sizeof expected,
		    "MIN-MAX between 0 and %u, as %s",
		    family_bits((enum family)f),
		    f == FAMILY_IPV4 ? "8-24" : "19-48");
		dash = p->tok.kind == TOKEN_WORD
			   ? memchr(p->tok.text, '-', p->tok.len)
			   : NULL;
		if (!dash ||
		    !number_parse(
			p->tok.text, (size_t)(dash - p->tok.text), &low) ||
		    !number_parse(dash + 1,
			p->tok.len - (size_t)(dash - p->tok.text) - 1, &high) ||
		    low > high || high > family_bits((enum family)f))
			return bad_word(p, "range of prefix lengths", expected);
		parser_next(p);
		policy->min_len[f] = (uint8_t)low;
		policy->max_len[f] = (uint8_t)high;
	} while (parser_take(p, TOKEN_COMMA));
	return true;
}

static bool parse_limits(
    struct parser *p, const struct directive *d, void *base)
{
	struct conf_member *m = base;

	for (int f = 0; f < FAMILY_COUNT; f++) {
		uint64_t v;

		if (!take_number(p, "number of routes", 0, d->max, &v))
			return false;
		m->max_prefix[f] = (uint32_t)v;
		if (f == FAMILY_IPV6 || !parser_take(p, TOKEN_COMMA))
			break;
	}
	return true;
}

static bool parse_add_path(struct parser *p, void *base)
{
	static const struct choice words[] = {{"rx", 1, NULL}, {"tx", 2, NULL},
	    {"both", 3, NULL}, {"off", 0, NULL}, {0}};
	struct conf_member *m = base;
	int v = take_choice(p, words);

	if (v < 0)
		return false;
	m->add_path_rx = v & 1;
	m->add_path_tx = v & 2;
	return true;
}

static bool parse_shutdown(struct parser *p, void *base)
{
	struct conf_member *m = base;

	m->shutdown = true;
	if (p->tok.kind != TOKEN_STRING)
		return true;
	if (!token_string(&p->tok, m->shutdown_text, sizeof m->shutdown_text)) {
		m->shutdown_text[0] = 0;
		errors_add(p->errors, p->tok.pos,
		    "the text is too long; expected at most %zu bytes",
		    sizeof m->shutdown_text - 1);
		parser_next(p);
		return false;
	}
	parser_next(p);
	return true;
}

bool value_parse(struct parser *p, const struct directive *d, void *base)
{
	bool own = true;

	if (d->own_at)
		memcpy(field(base, d->own_at), &own, sizeof own);
	switch (d->kind) {
	case VALUE_ASN:
		return parse_asn(p, d, base);
	case VALUE_ROUTER_ID:
		return parse_router_id(p, d, base);
	case VALUE_NUMBER:
		return parse_number(p, d, base);
	case VALUE_SECONDS:
	case VALUE_HOLD:
		return parse_seconds(p, d, base);
	case VALUE_SWITCH:
		return parse_switch(p, d, base);
	case VALUE_CHOICE:
		return parse_choice(p, d, base);
	case VALUE_SET_NAME:
		return parse_set_name(p, d, base);
	case VALUE_SECRET:
		return parse_secret(p, d, base);
	case VALUE_ADDRESSES:
	case VALUE_PREFIXES:
	case VALUE_ASNS:
	case VALUE_REGISTERED:
		return list_parse(p, d, base);
	case VALUE_LENGTHS:
		return parse_lengths(p, base);
	case VALUE_LIMITS:
		return parse_limits(p, d, base);
	case VALUE_ADD_PATH:
		return parse_add_path(p, base);
	case VALUE_SHUTDOWN:
		return parse_shutdown(p, base);
	case VALUE_AT:
		return at_parse(p, base);
	case VALUE_CACHE:
		return cache_parse(p, base);
	case VALUE_STATION:
		return station_parse(p, base);
	case VALUE_PORT:
		return parse_number(p, d, base);
	case VALUE_TEXT:
		return parse_text(p, d, base);
	case VALUE_LATER:
		break;
	}
	return false;
}

#include "api/request.h"

#include "base/attr.h"

#include <errno.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CONFIRM_MAX_S 86400

enum {
	FIELD_FROM = 1,
	FIELD_TO = 2,
	FIELD_PREFIX = 4,
	FIELD_LONGER = 8,
	FIELD_REJECTED = 16,
	FIELD_TEXT = 32,
	FIELD_CONFIRM = 64
};

static const struct verb {
	const char *name;
	unsigned fields;
	unsigned needs;
	bool control;
} verbs[] = {
    [API_STATUS] = {"show status", 0, 0, false},
    [API_MEMBERS] = {"show members", 0, 0, false},
    [API_SESSIONS] = {"show sessions", FIELD_FROM, 0, false},
    [API_ROUTES] = {"show routes",
	FIELD_FROM | FIELD_TO | FIELD_PREFIX | FIELD_LONGER | FIELD_REJECTED, 0,
	false},
    [API_ROUTE_WHY] = {"why", FIELD_FROM | FIELD_TO | FIELD_PREFIX,
	FIELD_PREFIX, false},
    [API_RPKI] = {"show rpki", 0, 0, false},
    [API_TEXT] = {"text", 0, 0, true},
    [API_DIFF] = {"diff", FIELD_TEXT, FIELD_TEXT, true},
    [API_DIFF_ROUTES] = {"diff routes", FIELD_TEXT, FIELD_TEXT, true},
    [API_DIFF_VRPS] = {"diff vrps", FIELD_TEXT, FIELD_TEXT, true},
    [API_APPLY] = {"apply", FIELD_TEXT | FIELD_CONFIRM, FIELD_TEXT, true},
    [API_CONFIRM] = {"confirm", 0, 0, true},
    [API_UNDO] = {"undo", 0, 0, true},
    [API_MONITORING] = {"show monitoring", 0, 0, false},
    [API_REGISTRY] = {"show registry", 0, 0, false},
    [API_DUMP] = {"dump", 0, 0, true},
};

ATTR_PRINTF(2, 3)
static int no(char why[API_WHY], const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(why, API_WHY, fmt, ap);
	va_end(ap);
	return -EINVAL;
}

static int read_asn(const char *s, uint32_t *ret)
{
	char *end;

	if ((s[0] == 'A' || s[0] == 'a') && (s[1] == 'S' || s[1] == 's'))
		s += 2;
	if (*s < '0' || *s > '9')
		return -EINVAL;
	unsigned long long v = strtoull(s, &end, 10);
	if (*end || v == 0 || v > UINT32_MAX)
		return -EINVAL;
	*ret = (uint32_t)v;
	return 0;
}

/* An ASN, or one session's address. */
static int read_who(const char *key, const json_t *v, uint32_t *ret_asn,
    struct ip *ret_ip, bool *ret_has_ip, char why[API_WHY])
{
	if (json_is_integer(v)) {
		json_int_t n = json_integer_value(v);

		if (n > 0 && n <= (json_int_t)UINT32_MAX) {
			*ret_asn = (uint32_t)n;
			return 0;
		}
	} else if (json_is_string(v)) {
		const char *s = json_string_value(v);

		if (read_asn(s, ret_asn) == 0)
			return 0;
		if (ip_parse(s, ret_ip) == 0) {
			*ret_has_ip = true;
			return 0;
		}
	}
	return no(why, "\"%s\" is not an ASN or an address", key);
}

static int read_prefix(const json_t *v, struct query *q, char why[API_WHY])
{
	const char *s = json_string_value(v);
	struct ip ip;

	if (!s)
		return no(why, "\"prefix\" is not a text");
	int err = prefix_parse(s, &q->prefix);
	if (err == -ERANGE)
		return no(why, "the prefix has bits set beyond its length");
	if (err && ip_parse(s, &ip) == 0) {
		q->prefix = prefix_of(&ip, (uint8_t)family_bits(ip.family));
		err = 0;
	}
	if (err)
		return no(why, "\"prefix\" is not a prefix or an address");
	q->has_prefix = true;
	return 0;
}

static int read_flag(
    const char *key, const json_t *v, bool *ret, char why[API_WHY])
{
	if (!json_is_boolean(v))
		return no(why, "\"%s\" is not true or false", key);
	*ret = json_is_true(v);
	return 0;
}

static int read_text(const json_t *v, struct api_request *r, char why[API_WHY])
{
	const char *s = json_string_value(v);

	if (!s)
		return no(why, "\"text\" is not a text");
	size_t n = json_string_length(v);
	free(r->text);
	r->text = malloc(n + 1);
	if (!r->text)
		return no(why, "out of memory");
	memcpy(r->text, s, n);
	r->text[n] = 0;
	r->n_text = n;
	return 0;
}

static int read_confirm(
    const json_t *v, struct api_request *r, char why[API_WHY])
{
	json_int_t n = json_integer_value(v);

	if (json_is_null(v))
		return 0;
	if (!json_is_integer(v) || n < 0 || n > CONFIRM_MAX_S)
		return no(why, "\"confirm_s\" is not 0 to %d", CONFIRM_MAX_S);
	r->confirm_s = (uint32_t)n;
	return 0;
}

static const struct {
	const char *key;
	unsigned field;
} keys[] = {
    {"from", FIELD_FROM},
    {"to", FIELD_TO},
    {"prefix", FIELD_PREFIX},
    {"longer", FIELD_LONGER},
    {"rejected", FIELD_REJECTED},
    {"text", FIELD_TEXT},
    {"confirm_s", FIELD_CONFIRM},
};

static unsigned field_of(const char *key)
{
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
		if (strcmp(keys[i].key, key) == 0)
			return keys[i].field;
	return 0;
}

static int read_field(unsigned field, const char *key, const json_t *v,
    struct api_request *r, char why[API_WHY])
{
	struct query *q = &r->query;

	switch (field) {
	case FIELD_FROM:
		return read_who(
		    key, v, &q->from_asn, &q->from, &q->has_from, why);
	case FIELD_TO:
		return read_who(key, v, &q->to_asn, &q->to, &q->has_to, why);
	case FIELD_PREFIX:
		return read_prefix(v, q, why);
	case FIELD_LONGER:
		return read_flag(key, v, &q->longer, why);
	case FIELD_REJECTED:
		return read_flag(key, v, &q->rejected, why);
	case FIELD_TEXT:
		return read_text(v, r, why);
	default:
		return read_confirm(v, r, why);
	}
}

static int read_fields(json_t *o, const struct verb *verb,
    struct api_request *r, char why[API_WHY])
{
	const char *key;
	json_t *v;
	unsigned seen = 0;

	json_object_foreach(o, key, v)
	{
		if (strcmp(key, "verb") == 0)
			continue;
		unsigned field = field_of(key);

		if (!(field & verb->fields))
			return no(why, "\"%s\" does not take \"%.40s\"",
			    verb->name, key);
		seen |= field;
		int err = read_field(field, key, v, r, why);
		if (err)
			return err;
	}
	if ((seen & verb->needs) != verb->needs)
		return no(why, "\"%s\" needs \"%s\"", verb->name,
		    verb->needs == FIELD_TEXT ? "text" : "prefix");
	return 0;
}

static const struct verb *find_verb(const json_t *o)
{
	const char *name = json_string_value(json_object_get(o, "verb"));

	for (size_t i = 0; name && i < ARRAY_SIZE(verbs); i++)
		if (strcmp(verbs[i].name, name) == 0)
			return &verbs[i];
	return NULL;
}

static uint32_t query_kind(enum api_verb v)
{
	switch (v) {
	case API_ROUTES:
		return QUERY_ROUTES;
	case API_ROUTE_WHY:
		return QUERY_WHY;
	case API_RPKI:
		return QUERY_RPKI;
	case API_STATUS:
		return QUERY_STATUS;
	default:
		return QUERY_SESSIONS;
	}
}

int api_request_parse(const char *line, size_t n, bool control,
    struct api_request *ret, char why[API_WHY])
{
	struct api_request r;
	json_error_t e;
	json_t *o = json_loadb(line, n, JSON_REJECT_DUPLICATES, &e);

	if (!json_is_object(o)) {
		if (o)
			snprintf(why, API_WHY, "a request is a JSON object");
		else
			snprintf(why, API_WHY, "not JSON: %.100s at byte %d",
			    e.text, e.position);
		json_decref(o);
		return -EINVAL;
	}
	/* It is copied into another process: no holes left as they are. */
	memset(&r, 0, sizeof r);
	const struct verb *verb = find_verb(o);
	int err = 0;
	if (!verb) {
		err = no(why, "no such verb");
	} else if (verb->control && !control) {
		snprintf(why, API_WHY,
		    "permission: \"%s\" is for the control socket", verb->name);
		err = -EPERM;
	} else if (n > API_REQUEST_MAX && !(verb->fields & FIELD_TEXT)) {
		err = no(why, "the request is over %zu bytes", API_REQUEST_MAX);
	} else {
		r.verb = (enum api_verb)(verb - verbs);
		r.query.kind = query_kind(r.verb);
		err = read_fields(o, verb, &r, why);
	}
	json_decref(o);
	if (err) {
		free(r.text);
		return err;
	}
	*ret = r;
	return 0;
}

/* Values back to text, as they would stand in the file. */
#include "conf/internal.h"
#include "conf/words.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

void text_add(struct text *t, const char *fmt, ...)
{
	va_list ap;
	int k;

	for (;;) {
		size_t room = t->cap - t->n;
		size_t cap;
		char *more;

		va_start(ap, fmt);
		k = vsnprintf(t->s ? t->s + t->n : NULL, room, fmt, ap);
		va_end(ap);
		if (k < 0 || t->no_mem)
			return;
		if ((size_t)k < room) {
			t->n += (size_t)k;
			return;
		}
		cap = (t->cap ? t->cap * 2 : 256) + (size_t)k;
		more = realloc(t->s, cap);
		if (!more) {
			if (t->s)
				t->s[t->n] = 0;
			t->no_mem = true;
			return;
		}
		t->s = more;
		t->cap = cap;
	}
}

void text_clear(struct text *t)
{
	t->n = 0;
	if (t->s)
		t->s[0] = 0;
}

void text_done(struct text *t)
{
	free(t->s);
	*t = (struct text){0};
}

static uint32_t number_of(const struct directive *d, const void *base)
{
	const uint8_t *at = field_of(base, d->at);
	uint16_t u16;
	uint32_t u32;

	switch (d->size) {
	case 1:
		return *at;
	case sizeof u16:
		memcpy(&u16, at, sizeof u16);
		return u16;
	default:
		memcpy(&u32, at, sizeof u32);
		return u32;
	}
}

void list_format(
    const struct directive *d, const uint8_t *element, struct text *t)
{
	char buf[PREFIX_TEXT];
	struct conf_prefix registered;
	struct prefix prefix;
	struct ip ip;
	uint32_t asn;

	switch (d->kind) {
	case VALUE_ADDRESSES:
		memcpy(&ip, element, sizeof ip);
		text_add(t, "%s", ip_format(&ip, buf));
		break;
	case VALUE_PREFIXES:
		memcpy(&prefix, element, sizeof prefix);
		text_add(t, "%s", prefix_format(&prefix, buf));
		break;
	case VALUE_REGISTERED:
		memcpy(&registered, element, sizeof registered);
		text_add(t, "%s", prefix_format(&registered.prefix, buf));
		if (registered.min_len != registered.prefix.len)
			text_add(t, " ge %u", registered.min_len);
		if (registered.max_len != registered.prefix.len)
			text_add(t, " le %u", registered.max_len);
		break;
	default:
		memcpy(&asn, element, sizeof asn);
		text_add(t, "%u", asn);
		break;
	}
}

static void format_list(
    const struct directive *d, const void *base, struct text *t)
{
	struct list_view v = list_of(d, base);

	for (size_t i = 0; i < v.n; i++) {
		text_add(t, "%s", i ? ", " : "");
		list_format(d, v.p + i * v.width, t);
	}
}

static void format_number(
    const struct directive *d, const void *base, struct text *t)
{
	uint32_t v = number_of(d, base);
	char buf[32];

	switch (d->kind) {
	case VALUE_ROUTER_ID:
		text_add(t, "%u.%u.%u.%u", v >> 24, v >> 16 & 255, v >> 8 & 255,
		    v & 255);
		break;
	case VALUE_SECONDS:
	case VALUE_HOLD:
		text_add(t, "%s",
		    !v && d->flags & DIR_OFF
			? "off"
			: seconds_format(v, buf, sizeof buf));
		break;
	case VALUE_SWITCH:
		text_add(t, "%s", v ? "on" : "off");
		break;
	case VALUE_CHOICE:
		for (const struct choice *c = d->choices; c->word; c++)
			if (c->value == (int)v)
				text_add(t, "%s", c->word);
		break;
	default:
		text_add(t, "%u", v);
		break;
	}
}

static void format_shutdown(const struct conf_member *m, struct text *t)
{
	if (!m->shutdown) {
		text_add(t, "off");
		return;
	}
	text_add(t, "on");
	if (m->shutdown_text[0])
		text_add(t, " \"%s\"", m->shutdown_text);
}

static bool is_own(const struct directive *d, const void *base)
{
	bool own = true;

	if (d->own_at)
		memcpy(&own, field_of(base, d->own_at), sizeof own);
	return own;
}

void value_format(const struct directive *d, const void *base, struct text *t)
{
	const struct conf_policy *policy = base;
	const struct conf_member *m = base;

	if (!is_own(d, base)) {
		text_add(t, "unset");
		return;
	}
	switch (d->kind) {
	case VALUE_SET_NAME:
	case VALUE_SECRET:
	case VALUE_TEXT:
		text_add(t, "%s", (const char *)field_of(base, d->at));
		break;
	case VALUE_ADDRESSES:
	case VALUE_PREFIXES:
	case VALUE_ASNS:
	case VALUE_REGISTERED:
		format_list(d, base, t);
		break;
	case VALUE_LENGTHS:
		text_add(t, "ipv4 %u-%u, ipv6 %u-%u",
		    policy->min_len[FAMILY_IPV4], policy->max_len[FAMILY_IPV4],
		    policy->min_len[FAMILY_IPV6], policy->max_len[FAMILY_IPV6]);
		break;
	case VALUE_LIMITS:
		text_add(t, "%u, %u", m->max_prefix[FAMILY_IPV4],
		    m->max_prefix[FAMILY_IPV6]);
		break;
	case VALUE_ADD_PATH:
		text_add(t, "%s",
		    !m->add_path_rx  ? m->add_path_tx ? "tx" : "off"
		    : m->add_path_tx ? "both"
				     : "rx");
		break;
	case VALUE_SHUTDOWN:
		format_shutdown(m, t);
		break;
	case VALUE_AT:
	case VALUE_CACHE:
	case VALUE_STATION:
	case VALUE_PORT: /* part of its name */
	case VALUE_LATER:
		break;
	default:
		format_number(d, base, t);
		break;
	}
}

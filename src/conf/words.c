#include "conf/words.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

bool number_parse(const char *text, size_t n, uint64_t *ret)
{
	uint64_t v = 0;

	if (!n)
		return false;
	for (size_t i = 0; i < n; i++) {
		if (text[i] < '0' || text[i] > '9')
			return false;
		if (__builtin_mul_overflow(v, 10u, &v) ||
		    __builtin_add_overflow(v, (uint64_t)(text[i] - '0'), &v))
			return false;
	}
	*ret = v;
	return true;
}

bool asn_parse(const char *text, size_t n, uint32_t *ret)
{
	uint64_t high = 0;
	uint64_t low;

	if (n > 2 && !strncasecmp(text, "as", 2)) {
		text += 2;
		n -= 2;
	}
	const char *dot = memchr(text, '.', n);
	if (dot) {
		size_t left = (size_t)(dot - text);

		if (!number_parse(text, left, &high) || high > UINT16_MAX ||
		    !number_parse(dot + 1, n - left - 1, &low) ||
		    low > UINT16_MAX)
			return false;
		*ret = (uint32_t)(high << 16 | low);
		return true;
	}
	if (!number_parse(text, n, &low) || low > UINT32_MAX)
		return false;
	*ret = (uint32_t)low;
	return true;
}

const char *asn_reserved(uint32_t asn)
{
	switch (asn) {
	case 0:
		return "AS 0 is reserved (RFC 7607)";
	case 23456:
		return "AS 23456 is AS_TRANS (RFC 6793)";
	case UINT16_MAX:
		return "AS 65535 is reserved (RFC 7300)";
	case UINT32_MAX:
		return "AS 4294967295 is reserved (RFC 7300)";
	default:
		return NULL;
	}
}

static const struct {
	char letter;
	uint32_t seconds;
} units[] = {{'d', 86400}, {'h', 3600}, {'m', 60}, {'s', 1}};

static uint32_t unit_seconds(char letter)
{
	for (size_t i = 0; i < sizeof units / sizeof units[0]; i++)
		if (units[i].letter == letter)
			return units[i].seconds;
	return 0;
}

bool seconds_parse(const char *text, size_t n, uint64_t *ret)
{
	uint32_t before = UINT32_MAX; /* units come from large to small */
	uint64_t total = 0;
	size_t i = 0;

	if (number_parse(text, n, ret))
		return true;
	while (i < n) {
		size_t start = i;
		uint64_t v;

		while (i < n && text[i] >= '0' && text[i] <= '9')
			i++;
		if (i == n || !number_parse(text + start, i - start, &v))
			return false;
		uint32_t unit = unit_seconds(text[i++]);
		if (!unit || unit >= before || v > UINT32_MAX)
			return false;
		before = unit;
		total += v * unit;
	}
	if (!n)
		return false;
	*ret = total;
	return true;
}

const char *seconds_format(uint64_t s, char *buf, size_t buf_len)
{
	size_t at = 0;

	if (!buf_len)
		return buf;
	buf[0] = 0;
	if (!s)
		snprintf(buf, buf_len, "0s");
	for (size_t i = 0; s && i < sizeof units / sizeof units[0]; i++) {
		uint64_t v = s / units[i].seconds;
		int k;

		if (!v)
			continue;
		s %= units[i].seconds;
		k = snprintf(buf + at, buf_len - at, "%llu%c",
		    (unsigned long long)v, units[i].letter);
		if (k < 0 || (size_t)k >= buf_len - at)
			break;
		at += (size_t)k;
	}
	return buf;
}

#define SUGGEST_LEN 32u

/*
 * Edit distance with transpositions (optimal string alignment): three rows
 * are enough.
 */
static unsigned edit_distance(
    const char *a, size_t na, const char *b, size_t nb)
{
	unsigned row[3][SUGGEST_LEN + 1];

	for (size_t j = 0; j <= nb; j++)
		row[0][j] = (unsigned)j;
	for (size_t i = 1; i <= na; i++) {
		unsigned *now = row[i % 3];
		const unsigned *up = row[(i + 2) % 3];
		const unsigned *up2 = row[(i + 1) % 3];

		now[0] = (unsigned)i;
		for (size_t j = 1; j <= nb; j++) {
			unsigned swap = a[i - 1] == b[j - 1] ? 0 : 1;
			unsigned d = up[j - 1] + swap;

			if (up[j] + 1 < d)
				d = up[j] + 1;
			if (now[j - 1] + 1 < d)
				d = now[j - 1] + 1;
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] &&
			    a[i - 2] == b[j - 1] && up2[j - 2] + 1 < d)
				d = up2[j - 2] + 1;
			now[j] = d;
		}
	}
	return row[na % 3][nb];
}

void suggest_init(struct suggest *s, const char *word, size_t len)
{
	*s = (struct suggest){.word = word, .len = len};
	s->distance = len <= 4 ? 2 : len <= 8 ? 3 : 4; /* first one too far */
}

void suggest_offer(struct suggest *s, const char *candidate)
{
	size_t n = strlen(candidate);

	if (!s->len || s->len > SUGGEST_LEN || n > SUGGEST_LEN)
		return;
	unsigned d = edit_distance(s->word, s->len, candidate, n);
	size_t same = 0;

	while (same < n && same < s->len && candidate[same] == s->word[same])
		same++;
	/* A "correction" of everything in the word is none. */
	if (d >= s->len || d >= n)
		return;
	if (d < s->distance ||
	    (s->best && d == s->distance && same > s->same)) {
		s->distance = d;
		s->same = same;
		s->best = candidate;
	}
}

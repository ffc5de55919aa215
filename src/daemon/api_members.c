/* `show members`: the file's members with what their sessions sum up to. */
#include "api/session.h"
#include "base/json.h"
#include "daemon/api_job.h"

#include <stdlib.h>
#include <string.h>

#define LINE_BYTES ((size_t)64 << 10)

struct sum {
	unsigned established;
	uint64_t n[FAMILY_COUNT][API_COUNTS];
};

static void add_session(
    struct sum *sums, const struct conf *conf, const char *line, size_t n)
{
	struct api_session s;
	const struct conf_at *at;

	if (api_session_parse(line, n, &s))
		return;
	const struct conf_member *m = conf_find(conf, &s.address, &at);
	if (!m)
		return;
	struct sum *to = &sums[m - conf->member];
	to->established += s.established;
	for (unsigned f = 0; f < FAMILY_COUNT; f++)
		for (unsigned k = 0; k < API_COUNTS; k++)
			to->n[f][k] += s.n[f][k];
}

static void write_member(
    struct json *j, const struct conf_member *m, const struct sum *s)
{
	char text[IP_TEXT];

	json_open_object(j, NULL);
	json_u64(j, "asn", m->asn);
	json_string(j, "name", m->name);
	json_string(j, "as_set", m->as_set[0] ? m->as_set : NULL);
	json_open_list(j, "addresses");
	for (size_t i = 0; i < m->n_at; i++)
		json_string(j, NULL, ip_format(&m->at[i].addr, text));
	json_close_list(j);
	json_bool(j, "shutdown", m->shutdown);
	json_u64(j, "sessions", m->n_at);
	json_u64(j, "established", s->established);
	json_u64(j, "prefixes", m->n_prefix);
	json_open_object(j, "max_prefix");
	for (unsigned f = 0; f < FAMILY_COUNT; f++) {
		const char *name = family_name((enum family)f);

		if (m->max_prefix[f])
			json_u64(j, name, m->max_prefix[f]);
		else
			json_null(j, name);
	}
	json_close_object(j);
	json_open_object(j, "families");
	for (unsigned f = 0; f < FAMILY_COUNT; f++) {
		json_open_object(j, family_name((enum family)f));
		for (unsigned k = 0; k < API_COUNTS; k++)
			json_u64(j, api_count_names[k], s->n[f][k]);
		json_close_object(j);
	}
	json_close_object(j);
	json_close_object(j);
	json_newline(j);
}

bool api_members_write(
    struct api_client *c, const struct conf *conf, const char *lines, size_t n)
{
	struct sum *sums = calloc(conf->n_member + 1, sizeof *sums);
	/* A member of 4,096 addresses fits: 50 bytes each, and the rest. */
	size_t cap = LINE_BYTES + (size_t)CONF_MEMBERS * IP_TEXT * 2;
	char *line = malloc(cap);
	bool ok = sums && line;

	for (size_t at = 0; ok && at < n;) {
		const char *end = memchr(lines + at, '\n', n - at);
		size_t len = end ? (size_t)(end - lines) - at : n - at;

		add_session(sums, conf, lines + at, len);
		at += len + 1;
	}
	for (size_t i = 0; ok && i < conf->n_member; i++) {
		struct json j;

		json_init(&j, line, cap);
		write_member(&j, &conf->member[i], &sums[i]);
		if (json_ok(&j))
			ok = api_write(c, line, j.len);
	}
	free(line);
	free(sums);
	return ok;
}

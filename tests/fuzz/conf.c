/*
 * spean.conf: errors have places and words, in order; a good text builds a
 * configuration that finds each of its sessions and does not differ from
 * itself.  After a byte 0xfe stands a second text, and the two are compared.
 */
#include "fuzz.h"

#include "conf/conf.h"

#include <errno.h>
#include <string.h>

static void check_errors(const struct conf_error *e, size_t n)
{
	PROPERTY(n >= 1 && n <= 1000);
	for (size_t i = 0; i < n; i++) {
		PROPERTY(e[i].line && e[i].col && e[i].text[0]);
		PROPERTY(memchr(e[i].text, 0, sizeof e[i].text));
		PROPERTY(
		    !i || e[i].line > e[i - 1].line ||
		    (e[i].line == e[i - 1].line && e[i].col >= e[i - 1].col));
	}
}

static void check_conf(const struct conf *c)
{
	size_t sessions = 0;

	PROPERTY(c->exchange.present && c->exchange.asn);
	PROPERTY(c->exchange.n_listen && c->exchange.router_id);
	PROPERTY(c->exchange.hold_s != 1 && c->exchange.hold_s != 2);
	for (size_t i = 0; i < c->n_member; i++) {
		const struct conf_member *m = &c->member[i];

		PROPERTY(m->asn && m->asn != c->exchange.asn && m->n_at);
		PROPERTY(!i || m->asn >= c->member[i - 1].asn);
		for (size_t k = 0; k < m->n_at; k++) {
			const struct conf_at *at = NULL;

			PROPERTY(conf_find(c, &m->at[k].addr, &at) == m);
			PROPERTY(at == &m->at[k]);
			PROPERTY(!conf_resets(c, c, m, at));
		}
		for (size_t k = 0; k < m->n_prefix; k++)
			PROPERTY(
			    m->prefix[k].prefix.len <= m->prefix[k].min_len &&
			    m->prefix[k].min_len <= m->prefix[k].max_len);
		sessions += m->n_at;
	}
	PROPERTY(sessions == c->n_at && sessions <= CONF_MEMBERS);
}

static size_t differences(const struct conf *a, const struct conf *b)
{
	struct conf_change *changes = NULL;
	size_t n = 0;

	PROPERTY(!conf_diff(a, b, &changes, &n));
	for (size_t i = 0; i < n; i++)
		PROPERTY(changes[i].what[0]);
	free(changes);
	return n;
}

static struct conf *parse(const uint8_t *data, size_t n)
{
	struct conf *c = NULL;
	struct conf_error *e = NULL;
	size_t n_errors = 0;
	int rc = conf_parse((const char *)data, n, &c, &e, &n_errors);

	PROPERTY(rc == 0 || rc == -EINVAL);
	if (rc)
		check_errors(e, n_errors);
	else
		check_conf(c);
	free(e);
	return c;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	const uint8_t *mark = n ? memchr(data, 0xfe, n) : NULL;
	size_t first = mark ? (size_t)(mark - data) : n;
	struct conf *a = parse(data, first);
	struct conf *b = mark ? parse(mark + 1, n - first - 1) : NULL;

	if (a) {
		PROPERTY(differences(a, a) == 0);
		PROPERTY(differences(NULL, a) > 0);
	}
	if (a && b) {
		(void)differences(a, b);
		PROPERTY((differences(a, b) == 0) == (differences(b, a) == 0));
	}
	conf_free(a);
	conf_free(b);
	return 0;
}

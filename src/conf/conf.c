/* The configuration as a value: its errors, its end, questions to it. */
#include "conf/conf.h"

#include "base/hash.h"
#include "conf/internal.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

/* An unfinished UTF-8 character at the end of a text that was cut. */
static void trim_utf8(char *s, size_t n)
{
	size_t i = n;

	while (i && n - i < 3 && ((unsigned char)s[i - 1] & 0xc0) == 0x80)
		i--;
	if (i && (unsigned char)s[i - 1] >= 0xc0)
		s[i - 1] = 0;
}

static struct conf_error *errors_push(struct errors *e)
{
	if (e->n == e->cap) {
		size_t cap = e->cap ? e->cap * 2 : 16;
		struct conf_error *more = realloc(e->list, cap * sizeof *more);

		if (!more) {
			e->no_mem = true;
			return NULL;
		}
		e->list = more;
		e->cap = cap;
	}
	return &e->list[e->n++];
}

void errors_add(struct errors *e, struct pos at, const char *fmt, ...)
{
	struct conf_error *error;
	va_list ap;
	int k;

	if (e->full)
		return;
	error = errors_push(e);
	if (!error)
		return;
	error->line = at.line;
	error->col = at.col;
	if (e->n == ERRORS_MAX) {
		snprintf(error->text, sizeof error->text,
		    "too many errors; expected fewer than %u in one file",
		    ERRORS_MAX);
		e->full = true;
		return;
	}
	va_start(ap, fmt);
	k = vsnprintf(error->text, sizeof error->text, fmt, ap);
	va_end(ap);
	if (k >= (int)sizeof error->text)
		trim_utf8(error->text, sizeof error->text - 1);
}

struct ordered {
	struct conf_error error;
	size_t found;
};

static int by_position(const void *pa, const void *pb)
{
	const struct ordered *a = pa;
	const struct ordered *b = pb;

	if (a->error.line != b->error.line)
		return a->error.line < b->error.line ? -1 : 1;
	if (a->error.col != b->error.col)
		return a->error.col < b->error.col ? -1 : 1;
	return a->found < b->found ? -1 : 1;
}

void errors_sort(struct errors *e)
{
	struct ordered *o = calloc(e->n ? e->n : 1, sizeof *o);

	if (!o) /* unsorted is better than none */
		return;
	for (size_t i = 0; i < e->n; i++)
		o[i] = (struct ordered){.error = e->list[i], .found = i};
	qsort(o, e->n, sizeof *o, by_position);
	for (size_t i = 0; i < e->n; i++)
		e->list[i] = o[i].error;
	free(o);
}

void conf_free(struct conf *c)
{
	if (!c)
		return;
	for (size_t i = 0; i < c->n_member; i++) {
		for (size_t k = 0; k < c->member[i].n_at; k++)
			explicit_bzero(c->member[i].at[k].password,
			    sizeof c->member[i].at[k].password);
		free(c->member[i].at);
		free(c->member[i].prefix);
		free(c->member[i].origin);
	}
	free(c->member);
	free(c->by_addr);
	free(c->policy.transit_free);
	free(c->policy.never_via);
	free(c->rpki.cache);
	free(c);
}

unsigned conf_instance(const struct ip *addr, unsigned n)
{
	if (n <= 1)
		return 0;
	/* Spread as it is, so that neighbours are told apart as well. */
	uint64_t h = hash_bytes(addr->b, sizeof addr->b, addr->family);

	return (unsigned)((h >> 32) * n >> 32);
}

const struct conf_member *conf_find(
    const struct conf *c, const struct ip *addr, const struct conf_at **ret)
{
	size_t low = 0;
	size_t high = c->n_at;

	while (low < high) {
		size_t mid = low + (high - low) / 2;
		const struct conf_member *m =
		    &c->member[c->by_addr[mid].member];
		const struct conf_at *at = &m->at[c->by_addr[mid].at];
		int order = ip_cmp(addr, &at->addr);

		if (!order) {
			if (ret)
				*ret = at;
			return m;
		}
		if (order < 0)
			high = mid;
		else
			low = mid + 1;
	}
	return NULL;
}

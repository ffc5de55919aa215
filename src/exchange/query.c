#include "exchange/query.h"

#include "base/clock.h"
#include "exchange/query_internal.h"

#include <stdlib.h>

enum {
	CUT_LISTS = 1000,
	LOOK_EVERY = 256
};

struct query_job {
	const struct exchange *x;
	struct query q;
	bool started;
	bool done;
	int exit;
	/* Where `show routes` stands. */
	enum family family;
	uint32_t id;
	uint32_t client; /* with q.to: the slot whose view comes next */
	size_t path;	 /* paths of this prefix and client already written */
	uint32_t *sets;
	size_t cap;
	struct exchange_diff *diff; /* instead of all that */
};

struct query_job *query_new(const struct exchange *x, const struct query *q)
{
	struct query_job *j = calloc(1, sizeof *j);

	if (!j)
		return NULL;
	j->x = x;
	j->q = *q;
	j->cap = 64;
	j->sets = malloc(j->cap * sizeof *j->sets);
	if (!j->sets) {
		free(j);
		return NULL;
	}
	if (q->has_prefix)
		j->family = q->prefix.addr.family;
	return j;
}

struct query_job *query_new_diff(
    const struct exchange *x, struct exchange_diff *d)
{
	struct query_job *j = calloc(1, sizeof *j);

	if (!j)
		return NULL;
	j->x = x;
	j->diff = d;
	return j;
}

void query_free(struct query_job *j)
{
	if (!j)
		return;
	exchange_diff_free(j->diff);
	free(j->sets);
	free(j);
}

int query_exit(const struct query_job *j)
{
	return j->exit;
}

/* All paths of the prefix into j->sets, as far as memory goes. */
static size_t take_paths(struct query_job *j)
{
	const struct rib *rib = exchange_rib(j->x);

	for (;;) {
		size_t n = rib_paths(rib, j->family, j->id, j->sets, j->cap);
		uint32_t *more;

		if (n < j->cap)
			return n;
		more = realloc(j->sets, 2 * j->cap * sizeof *more);
		if (!more)
			return j->cap;
		j->sets = more;
		j->cap *= 2;
	}
}

/* What goes into one line beside the path itself. */
struct line {
	const struct prefix *prefix;
	const struct rib_path *path;
	const struct exchange_client *to; /* NULL: as received */
	bool best;
};

static void write_route(struct json *w, const struct query_job *j,
    const struct line *l, size_t most)
{
	char text[PREFIX_TEXT];

	json_open_object(w, NULL);
	json_string(w, "prefix", prefix_format(l->prefix, text));
	query_write_from(w, j->x, l->path);
	if (l->to) {
		json_u64(w, "to_asn", l->to->as.asn);
		json_string(w, "to", ip_format(&l->to->as.peer, text));
	}
	query_write_attrs(w, l->path, most);
	query_write_state(w, j->x, l->prefix, l->path, l->best);
	json_close_object(w);
	json_newline(w);
}

/* Appends a line; false: no room now.  A line on its own always fits. */
static bool put_line(
    const struct query_job *j, const struct line *l, struct json *w)
{
	struct json before = *w;

	write_route(w, j, l, SIZE_MAX);
	if (json_ok(w))
		return true;
	*w = before;
	if (w->len)
		return false;
	write_route(w, j, l, CUT_LISTS);
	if (json_ok(w))
		return true;
	*w = before; /* not with cap >= QUERY_LINE_MAX */
	return true;
}

static bool wanted(const struct query_job *j, const struct rib_path *p)
{
	const struct exchange_client *c = exchange_client(j->x, p->slot);

	if (j->q.rejected && p->verdict.accept)
		return false;
	return query_is(c, j->q.from_asn, j->q.has_from, &j->q.from);
}

/* Has this client the path? */
static bool given(
    const struct query_job *j, const struct exchange_client *to, uint32_t set)
{
	if (to->as.add_path_tx & BGP_FAMILY(j->family))
		return exchange_may(j->x, set, j->client) == EXCHANGE_MAY;
	return exchange_choice(j->x, j->family, j->id, j->client) == set;
}

/* The path as the client gets it; the new attributes live in buf. */
static void dress(
    const struct query_job *j, struct rib_path *p, uint8_t *buf, size_t cap)
{
	struct wr w = wr_from(buf, cap);
	uint16_t at = 0;

	exchange_attrs_for(j->x, p->set, j->client, &w, &at);
	if (!wr_ok(&w))
		return;
	p->wire = (struct bytes){buf, wr_len(&w)};
	p->next_hop_at = at;
}

/*
 * The paths of one prefix, for one client or as received, from j->path on.
 * False: out of room; then j->path tells where to go on.
 */
static bool put_paths(struct query_job *j, const struct prefix *prefix,
    size_t n, const struct exchange_client *to, struct json *w)
{
	static uint8_t dressed[UINT16_MAX + 64];
	bool best = true; /* until an accepted one has been seen */

	for (size_t i = 0; i < n; i++) {
		struct rib_path p;
		struct line l = {.prefix = prefix, .path = &p, .to = to};

		rib_path(exchange_rib(j->x), j->sets[i], &p);
		l.best = best && p.verdict.accept;
		best = best && !p.verdict.accept;
		if (i < j->path || !wanted(j, &p) ||
		    (to && !given(j, to, p.set)))
			continue;
		if (to)
			dress(j, &p, dressed, sizeof dressed);
		if (!put_line(j, &l, w)) {
			j->path = i;
			return false;
		}
	}
	j->path = 0;
	return true;
}

/* The next slot from j->client on that the question is about. */
static const struct exchange_client *next_client(struct query_job *j)
{
	for (; j->client < exchange_slots(j->x); j->client++) {
		const struct exchange_client *c =
		    exchange_client(j->x, j->client);

		if (c->used && c->up &&
		    query_is(c, j->q.to_asn, j->q.has_to, &j->q.to))
			return c;
	}
	return NULL;
}

/* All that is wanted of prefix j->id; false: out of room. */
static bool put_prefix(
    struct query_job *j, const struct prefix *prefix, struct json *w)
{
	const struct exchange_client *to;
	size_t n = take_paths(j);

	if (!j->q.to_asn && !j->q.has_to)
		return put_paths(j, prefix, n, NULL, w);
	for (; (to = next_client(j)); j->client++)
		if (!put_paths(j, prefix, n, to, w))
			return false;
	j->client = 0;
	return true;
}

static bool in_question(const struct query_job *j, const struct prefix *p)
{
	return !j->q.has_prefix || prefix_covers(&j->q.prefix, p);
}

/*
 * One prefix.  It is written whole, so that it is consistent, unless it is
 * more than a buffer alone.  False: out of room.
 */
static bool put_one(struct query_job *j, struct json *w)
{
	struct query_job was = *j;
	struct json before = *w;
	struct prefix prefix;

	if (!rib_prefix(exchange_rib(j->x), j->family, j->id, &prefix) ||
	    !in_question(j, &prefix))
		return true;
	if (put_prefix(j, &prefix, w))
		return true;
	if (before.len) {
		*w = before;
		j->path = was.path;
		j->client = was.client;
	}
	return false;
}

static void walk(struct query_job *j, struct json *w, uint64_t until_ns)
{
	const struct rib *rib = exchange_rib(j->x);
	unsigned skipped = 0;

	while (j->id < rib_end(rib, j->family)) {
		size_t before = w->len;

		if (!put_one(j, w))
			return;
		j->id++;
		j->path = j->client = 0;
		if (w->len == before && ++skipped % LOOK_EVERY)
			continue;
		if (clock_now_ns() >= until_ns)
			return;
	}
	if (!j->q.has_prefix && j->family == FAMILY_IPV4) {
		j->family = FAMILY_IPV6;
		j->id = 0;
	} else {
		j->done = true;
	}
}

/* A client that is not there has no routes: that is a no, not a list. */
static bool somebody_asked_for(struct query_job *j)
{
	bool found;

	if (!j->q.to_asn && !j->q.has_to)
		return true;
	found = next_client(j) != NULL;
	j->client = 0;
	return found;
}

static void step_routes(struct query_job *j, struct json *w, uint64_t until_ns)
{
	if (!j->started && !somebody_asked_for(j)) {
		j->exit = 1;
		j->done = true;
		return;
	}
	j->started = true;
	if (!j->q.has_prefix || j->q.longer) {
		walk(j, w, until_ns);
		return;
	}
	j->id = rib_find(exchange_rib(j->x), &j->q.prefix);
	j->done = j->id == RIB_NONE || put_one(j, w);
}

static void step_diff(struct query_job *j, struct json *w, uint64_t until_ns)
{
	struct json before = *w;

	if (!exchange_diff_step(j->diff, until_ns))
		return;
	if (exchange_diff_bad_line(j->diff)) {
		json_open_object(w, NULL);
		json_u64(w, "line", exchange_diff_bad_line(j->diff));
		json_string(
		    w, "text", "this is no VRP; expected PREFIX-MAXLENGTH ASN");
		json_close_object(w);
		json_newline(w);
		j->exit = 1;
		j->done = true;
		return;
	}
	j->done = !exchange_diff_write(j->diff, w);
	if (!json_ok(w))
		*w = before; /* not with cap >= QUERY_LINE_MAX */
}

bool query_step(struct query_job *j, char *buf, size_t cap, uint64_t budget_ns,
    size_t *ret_n)
{
	uint64_t until_ns = clock_now_ns() + budget_ns;
	struct json w;

	*ret_n = 0;
	if (j->done)
		return false;
	if (j->q.kind == QUERY_WHY) {
		j->exit = why_write(j->x, &j->q, buf, cap, ret_n);
		j->done = true;
		return false;
	}
	json_init(&w, buf, cap);
	if (j->diff)
		step_diff(j, &w, until_ns);
	else
		step_routes(j, &w, until_ns);
	*ret_n = w.len;
	return !j->done;
}

#include "exchange/query_link.h"

#include <stdlib.h>
#include <string.h>

struct asked {
	uint32_t id;
	struct query_job *job;
	bool paused;
	bool done; /* only QUERY_END is left to say */
};

struct query_link {
	const struct exchange *x;
	struct link *l;
	struct asked asked[QUERY_JOBS];
	size_t n;
	size_t turn;
	size_t pending; /* bytes in buf that the ring had no room for */
	uint32_t pending_id;
	char buf[QUERY_LINE_MAX];
};

struct query_link *query_link_new(const struct exchange *x, struct link *l)
{
	struct query_link *q = calloc(1, sizeof *q);

	if (!q)
		return NULL;
	q->x = x;
	q->l = l;
	return q;
}

static void drop(struct query_link *q, size_t i)
{
	query_free(q->asked[i].job);
	q->asked[i] = q->asked[--q->n];
}

void query_link_free(struct query_link *q)
{
	if (!q)
		return;
	while (q->n)
		drop(q, 0);
	free(q);
}

static void change(struct query_link *q, uint32_t id, uint32_t type)
{
	for (size_t i = 0; i < q->n; i++) {
		if (q->asked[i].id != id)
			continue;
		if (type != QUERY_CANCEL) {
			q->asked[i].paused = type == QUERY_PAUSE;
			return;
		}
		if (q->pending_id == id)
			q->pending = 0;
		drop(q, i);
		return;
	}
}

/* The api role may ask anything at any time; nothing of it is trusted. */
static bool sane(const struct query *a)
{
	return a->from.family < FAMILY_COUNT && a->to.family < FAMILY_COUNT &&
	       a->prefix.addr.family < FAMILY_COUNT &&
	       a->prefix.len <= family_bits(a->prefix.addr.family) &&
	       (a->kind != QUERY_WHY || a->has_prefix);
}

static void ask(struct query_link *q, uint32_t id, const struct query *a)
{
	struct query_job *job = NULL;

	if (q->n < QUERY_JOBS && sane(a))
		job = query_new(q->x, a);
	if (!job) {
		/* If even that has no room, the api role's own limit helps. */
		(void)link_write(q->l, QUERY_END, id, 3, NULL, 0, NULL, 0);
		return;
	}
	q->asked[q->n++] = (struct asked){.id = id, .job = job};
}

void query_link_diff(struct query_link *q, uint32_t id, struct exchange_diff *d)
{
	struct query_job *job = NULL;

	if (d && q->n < QUERY_JOBS)
		job = query_new_diff(q->x, d);
	if (!job) {
		exchange_diff_free(d);
		(void)link_write(q->l, QUERY_END, id, 3, NULL, 0, NULL, 0);
		return;
	}
	q->asked[q->n++] = (struct asked){.id = id, .job = job};
}

bool query_link_record(
    struct query_link *q, const struct link_head *head, const void *data)
{
	struct query a;

	if (head->type == QUERY_CANCEL || head->type == QUERY_PAUSE ||
	    head->type == QUERY_RESUME) {
		change(q, head->a, head->type);
		return true;
	}
	if (head->type != QUERY_ASK || head->len != sizeof a)
		return false;
	memcpy(&a, data, sizeof a);
	if (a.kind != QUERY_ROUTES && a.kind != QUERY_WHY)
		return false;
	ask(q, head->a, &a);
	return true;
}

/* False: the ring is full. */
static bool write_pending(struct query_link *q)
{
	if (q->pending && !link_write(q->l, QUERY_LINES, q->pending_id, 0,
			      q->buf, q->pending, NULL, 0))
		return false;
	q->pending = 0;
	return true;
}

/* False: the ring is full. */
static bool slice(struct query_link *q, size_t i, uint64_t budget_ns)
{
	struct asked *a = &q->asked[i];

	if (!a->done) {
		q->pending_id = a->id;
		a->done = !query_step(
		    a->job, q->buf, sizeof q->buf, budget_ns, &q->pending);
		if (!write_pending(q))
			return false;
	}
	if (!a->done)
		return true;
	if (!link_write(q->l, QUERY_END, a->id, (uint32_t)query_exit(a->job),
		NULL, 0, NULL, 0))
		return false;
	drop(q, i);
	return true;
}

bool query_link_work(struct query_link *q, uint64_t budget_ns)
{
	if (!write_pending(q))
		return false;
	for (size_t tried = 0; tried < q->n; tried++) {
		q->turn = (q->turn + 1) % q->n;
		if (q->asked[q->turn].paused)
			continue;
		return slice(q, q->turn, budget_ns) && q->n;
	}
	return false;
}

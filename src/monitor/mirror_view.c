/* What each reader of the mirror is still to be told. */
#include "base/must.h"
#include "monitor/mirror_internal.h"

#include <stdlib.h>
#include <string.h>

#define WALKED UINT32_MAX

static void push(struct mirror_view_family *q, uint32_t place)
{
	if (q->tail - q->head == q->cap) {
		uint32_t cap = q->cap ? 2 * q->cap : 1024;
		uint32_t *more = malloc(cap * sizeof *more);

		must(more);
		for (uint32_t i = 0; i < q->cap; i++)
			more[i] = q->queue[(q->head + i) & (q->cap - 1)];
		free(q->queue);
		q->queue = more;
		q->head = 0;
		q->tail = q->cap;
		q->cap = cap;
	}
	q->queue[q->tail++ & (q->cap - 1)] = place;
}

static void told_room(struct mirror_view_family *q, uint32_t place)
{
	uint32_t n = q->n_told ? q->n_told : 1024;

	if (place < q->n_told)
		return;
	while (n <= place)
		n += n / 2;
	q->told = realloc(q->told, n * sizeof *q->told);
	must(q->told);
	memset(q->told + q->n_told, 0, (n - q->n_told) * sizeof *q->told);
	q->n_told = n;
}

void mirror_view_mark(struct mirror_view *v, enum family f, uint32_t place,
    struct mirror_list *was)
{
	struct mirror_view_family *q = &v->f[f];

	if (place >= q->walk)
		return;
	told_room(q, place);
	if (q->told[place])
		return;
	if (was)
		was->refs++;
	q->told[place] = was ? was : &mirror_nothing;
	v->m->table[f].waits[place]++;
	push(q, place);
}

void mirror_view_init(struct mirror_view *v, struct mirror *m)
{
	*v = (struct mirror_view){.m = m};
	list_add_tail(&m->views, &v->all);
}

static void settle(struct mirror_view *v, enum family f, uint32_t place)
{
	struct mirror_table *t = &v->m->table[f];

	t->waits[place]--;
	if (!t->list[place])
		mirror_place_free(v->m, f, place);
}

static void forget(struct mirror_view *v)
{
	for (enum family f = 0; f < FAMILY_COUNT; f++) {
		struct mirror_view_family *q = &v->f[f];

		for (; q->head != q->tail; q->head++) {
			uint32_t place = q->queue[q->head & (q->cap - 1)];

			mirror_list_unref(v->m, q->told[place]);
			q->told[place] = NULL;
			settle(v, f, place);
		}
		free(q->told);
		free(q->queue);
		*q = (struct mirror_view_family){0};
	}
}

void mirror_view_restart(struct mirror_view *v)
{
	forget(v);
}

void mirror_view_skip(struct mirror_view *v)
{
	for (enum family f = 0; f < FAMILY_COUNT; f++)
		v->f[f].walk = WALKED;
}

void mirror_view_done(struct mirror_view *v)
{
	if (!v->m)
		return;
	forget(v);
	list_del(&v->all);
	v->m = NULL;
}

static bool from_queue(
    struct mirror_view *v, enum family f, struct mirror_change *ret)
{
	struct mirror_view_family *q = &v->f[f];

	if (q->head == q->tail)
		return false;
	uint32_t place = q->queue[q->head++ & (q->cap - 1)];
	struct mirror_list *told = q->told[place];
	*ret = (struct mirror_change){
	    .family = f,
	    .place = place,
	    .was = told == &mirror_nothing ? NULL : told,
	    .is = v->m->table[f].list[place],
	};
	mirror_prefix(v->m, f, place, &ret->prefix);
	return true;
}

/* The next place of the walk that has something. */
static bool from_walk(
    struct mirror_view *v, enum family f, struct mirror_change *ret)
{
	struct mirror_view_family *q = &v->f[f];
	struct mirror_table *t = &v->m->table[f];

	if (q->walk == WALKED)
		return false;
	while (q->walk < t->end) {
		uint32_t place = q->walk++;

		if (!t->list[place])
			continue;
		*ret = (struct mirror_change){
		    .family = f, .place = place, .is = t->list[place]};
		mirror_prefix(v->m, f, place, &ret->prefix);
		/* As one from the queue, to be given back. */
		told_room(q, place);
		q->told[place] = &mirror_nothing;
		t->waits[place]++;
		return true;
	}
	if (v->m->complete)
		q->walk = WALKED;
	return false;
}

bool mirror_view_next(struct mirror_view *v, struct mirror_change *ret)
{
	for (enum family f = 0; f < FAMILY_COUNT; f++)
		if (from_queue(v, f, ret))
			return true;
	for (enum family f = 0; f < FAMILY_COUNT; f++)
		if (from_walk(v, f, ret))
			return true;
	return false;
}

void mirror_change_done(struct mirror_view *v, struct mirror_change *c)
{
	struct mirror_view_family *q = &v->f[c->family];

	mirror_list_unref(v->m, q->told[c->place]);
	q->told[c->place] = NULL;
	settle(v, c->family, c->place);
}

bool mirror_view_told(const struct mirror_view *v, enum family f,
    uint32_t place, struct prefix *ret_prefix,
    const struct mirror_list **ret_list)
{
	const struct mirror_view_family *q = &v->f[f];
	const struct mirror_table *t = &v->m->table[f];
	const struct mirror_list *told =
	    place < q->n_told ? q->told[place] : NULL;

	if (place >= t->end || place >= q->walk)
		return false;
	*ret_list = told == &mirror_nothing ? NULL
		    : told		    ? told
					    : t->list[place];
	if (*ret_list)
		mirror_prefix(v->m, f, place, ret_prefix);
	return true;
}

uint64_t mirror_view_left(const struct mirror_view *v)
{
	uint64_t n = 0;

	for (enum family f = 0; f < FAMILY_COUNT; f++) {
		const struct mirror_view_family *q = &v->f[f];
		uint32_t end = v->m->table[f].end;

		n += q->tail - q->head;
		if (q->walk < end)
			n += end - q->walk;
	}
	return n;
}

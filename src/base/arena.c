#include "base/arena.h"

#include <stdint.h>
#include <stdlib.h>

#define BLOCK_MIN ((size_t)16384)

struct arena_block {
	struct arena_block *next;
	size_t size;
	_Alignas(16) unsigned char data[];
};

void arena_init(struct arena *a, size_t max)
{
	*a = (struct arena){.max = max};
}

void arena_done(struct arena *a)
{
	struct arena_block *b = a->first;

	while (b) {
		struct arena_block *next = b->next;
		free(b);
		b = next;
	}
	*a = (struct arena){.max = a->max};
}

static struct arena_block *grow(struct arena *a, size_t n)
{
	size_t size = n > BLOCK_MIN ? n : BLOCK_MIN;

	if (size > a->max - a->total)
		size = n;
	if (n > a->max - a->total)
		return NULL;
	struct arena_block *b = malloc(sizeof *b + size);
	if (!b)
		return NULL;
	b->next = NULL;
	b->size = size;
	a->total += size;
	if (a->now)
		a->now->next = b;
	else
		a->first = b;
	a->now = b;
	a->used = 0;
	return b;
}

void *arena_take(struct arena *a, size_t n)
{
	struct arena_block *b = a->now;

	if (n > SIZE_MAX - 7)
		return NULL;
	n = (n + 7) & ~(size_t)7;
	if (!b || n > b->size - a->used) {
		b = grow(a, n);
		if (!b)
			return NULL;
	}
	void *p = b->data + a->used;
	a->used += n;
	return p;
}

void arena_reset(struct arena *a)
{
	struct arena_block *keep = a->first;

	if (!keep)
		return;
	struct arena_block *b = keep->next;
	while (b) {
		struct arena_block *next = b->next;
		free(b);
		b = next;
	}
	keep->next = NULL;
	a->now = keep;
	a->used = 0;
	a->total = keep->size;
}

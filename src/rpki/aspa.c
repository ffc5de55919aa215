/*
 * ASPAs by customer: open addressing with linear probing over indexes into
 * nothing but the records' own blocks, one block a customer.
 */
#include "rpki/rpki.h"

#include "base/clock.h"
#include "base/hash.h"
#include "base/must.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct record {
	uint32_t customer;
	uint32_t since_s;
	uint32_t n;
	uint16_t sources;
	uint32_t provider[];
};

struct aspas {
	struct record **slot; /* a power of two of them; NULL: free */
	size_t cap;
	size_t n;
	size_t bytes; /* of the records */
	uint64_t seed;
};

static size_t record_bytes(size_t n)
{
	return sizeof(struct record) + n * sizeof(uint32_t);
}

struct aspas *aspas_new(void)
{
	struct aspas *t = calloc(1, sizeof *t);

	if (t)
		t->seed = clock_seed();
	return t;
}

void aspas_free(struct aspas *t)
{
	if (!t)
		return;
	for (size_t i = 0; i < t->cap; i++)
		free(t->slot[i]);
	free(t->slot);
	free(t);
}

static size_t home(const struct aspas *t, uint32_t customer)
{
	return (size_t)hash_u64(customer, t->seed) & (t->cap - 1);
}

/* The customer's slot, or the free one where it belongs.  cap > n. */
static size_t find(const struct aspas *t, uint32_t customer)
{
	size_t i = home(t, customer);

	while (t->slot[i] && t->slot[i]->customer != customer)
		i = (i + 1) & (t->cap - 1);
	return i;
}

static int grow(struct aspas *t)
{
	struct aspas bigger = *t;

	if (t->cap && t->n < t->cap / 2)
		return 0;
	bigger.cap = t->cap ? t->cap * 2 : 64;
	bigger.slot = calloc(bigger.cap, sizeof(struct record *));
	if (!bigger.slot)
		return -ENOMEM;
	for (size_t i = 0; i < t->cap; i++)
		if (t->slot[i])
			bigger.slot[find(&bigger, t->slot[i]->customer)] =
			    t->slot[i];
	free(t->slot);
	*t = bigger;
	return 0;
}

static int by_number(const void *a, const void *b)
{
	uint32_t x, y;

	memcpy(&x, a, sizeof x);
	memcpy(&y, b, sizeof y);
	return (x > y) - (x < y);
}

static struct record *record_new(const struct aspa_record *r)
{
	struct record *x = malloc(record_bytes(r->n));

	if (!x)
		return NULL;
	*x = (struct record){.customer = r->customer,
	    .since_s = r->since_s,
	    .sources = r->sources};
	memcpy(x->provider, r->provider, r->n * sizeof(uint32_t));
	qsort(x->provider, r->n, sizeof(uint32_t), by_number);
	for (size_t i = 0; i < r->n; i++)
		if (!i || x->provider[i] != x->provider[x->n - 1])
			x->provider[x->n++] = x->provider[i];
	return x;
}

int aspas_set(struct aspas *t, const struct aspa_record *r)
{
	if (!r->n || r->n > ASPA_PROVIDERS_MAX)
		return -EINVAL;
	if (grow(t))
		return -ENOMEM;
	struct record *x = record_new(r);
	if (!x)
		return -ENOMEM;
	size_t i = find(t, r->customer);
	struct record *old = t->slot[i];
	if (old && old->n == x->n &&
	    !memcmp(old->provider, x->provider, x->n * sizeof(uint32_t))) {
		old->sources = r->sources;
		free(x);
		return 0;
	}
	if (old)
		t->bytes -= record_bytes(old->n);
	else
		t->n++;
	t->bytes += record_bytes(x->n);
	t->slot[i] = x;
	free(old);
	return 1;
}

bool aspas_remove(struct aspas *t, uint32_t customer)
{
	if (!t->n)
		return false;
	size_t i = find(t, customer);
	if (!t->slot[i])
		return false;
	t->bytes -= record_bytes(t->slot[i]->n);
	free(t->slot[i]);
	t->slot[i] = NULL;
	t->n--;
	/* What stood behind it may have to move up, or it is not found. */
	for (size_t j = (i + 1) & (t->cap - 1); t->slot[j];
	     j = (j + 1) & (t->cap - 1)) {
		struct record *x = t->slot[j];

		t->slot[j] = NULL;
		t->slot[find(t, x->customer)] = x;
	}
	return true;
}

static struct aspa_record view(const struct record *x)
{
	return (struct aspa_record){.customer = x->customer,
	    .provider = x->provider,
	    .n = x->n,
	    .sources = x->sources,
	    .since_s = x->since_s};
}

bool aspas_find(
    const struct aspas *t, uint32_t customer, struct aspa_record *ret)
{
	if (!t->n)
		return false;
	const struct record *x = t->slot[find(t, customer)];
	if (!x)
		return false;
	*ret = view(x);
	return true;
}

size_t aspas_count(const struct aspas *t)
{
	return t->n;
}

size_t aspas_bytes(const struct aspas *t)
{
	return sizeof *t + t->cap * sizeof(struct record *) + t->bytes;
}

void aspas_each(const struct aspas *t,
    void (*fn)(void *arg, const struct aspa_record *r), void *arg)
{
	for (size_t i = 0; i < t->cap; i++) {
		if (!t->slot[i])
			continue;
		struct aspa_record r = view(t->slot[i]);
		fn(arg, &r);
	}
}

/* Which routes each client announces, and which it is to get. */
#include "blast.h"

struct sum own[MAX_CLIENTS];
struct sum expected[MAX_CLIENTS];

void sum_add(struct sum *s, const struct route *r)
{
	s->n++;
	s->hash += route_hash(r->addr, r->len, r->family);
}

const struct route *share_of(int i, unsigned family, int *ret_n)
{
	uint64_t share = (uint64_t)opt.share;
	const struct route *r = table.route4;

	*ret_n = 0;
	if (opt.single && i)
		return r;
	if (family == 6) {
		if (!opt.v6)
			return r;
		share = (uint64_t)table.n6 * share / table.n4;
		r = table.route6;
	}
	*ret_n = (int)share;
	return opt.same ? r : r + (uint64_t)i * share;
}

static void expect_controlled(
    const struct control *c, const struct route *r, int from)
{
	for (int to = 0; to < opt.clients; to++) {
		unsigned times;

		if (to != from && control_permits(c, to, &times))
			sum_add(&expected[to], r);
	}
}

static void expect_share(int from, unsigned family, struct sum *free_of)
{
	struct control c = {.wish = WISH_NONE};
	int n;
	const struct route *r = share_of(from, family, &n);

	for (int k = 0; k < n; k++) {
		if (!k || r[k].set != r[k - 1].set)
			c = control_of(r[k].set, from);
		if (!registered(from, &r[k]))
			continue;
		sum_add(&own[from], &r[k]);
		if (c.wish == WISH_NONE)
			sum_add(&free_of[from], &r[k]);
		else
			expect_controlled(&c, &r[k], from);
	}
}

void expect_all(void)
{
	static struct sum free_of[MAX_CLIENTS];
	struct sum all = {0};

	for (int i = 0; i < opt.clients; i++) {
		expect_share(i, 4, free_of);
		expect_share(i, 6, free_of);
		all.n += free_of[i].n;
		all.hash += free_of[i].hash;
	}
	for (int i = 0; i < opt.clients; i++) {
		expected[i].n += all.n - free_of[i].n;
		expected[i].hash += all.hash - free_of[i].hash;
	}
}

/*
 * Counts what routes are against VRPs, for count_test.py, which counts them
 * again by itself.  On standard input, a line each:
 *
 *   + PREFIX MAX ASN    - PREFIX MAX ASN    a VRP comes, goes
 *   r PREFIX ORIGIN                         a route
 *   ?                                       prints the counts so far
 *
 * With a number as argument: then asks every route so many times more, and
 * says on standard error what that took.
 */
#include "base/clock.h"
#include "rpki/rpki.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct route {
	struct prefix prefix;
	uint32_t origin;
};

static struct route *routes;
static size_t n_routes, cap_routes;

static void add_route(const struct prefix *p, uint32_t origin)
{
	if (n_routes == cap_routes) {
		cap_routes = cap_routes ? cap_routes * 2 : 1024;
		routes = realloc(routes, cap_routes * sizeof *routes);
		if (!routes)
			abort();
	}
	routes[n_routes++] = (struct route){*p, origin};
}

static void count(const struct vrps *t, size_t n[FAMILY_COUNT][ROV_COUNT])
{
	for (size_t i = 0; i < n_routes; i++) {
		const struct route *r = &routes[i];

		n[r->prefix.addr.family]
		 [vrps_check(t, &r->prefix, r->origin)]++;
	}
}

static void print(const struct vrps *t)
{
	size_t n[FAMILY_COUNT][ROV_COUNT] = {0};

	count(t, n);
	for (enum family f = 0; f < FAMILY_COUNT; f++)
		printf("%zu %zu %zu%c", n[f][ROV_VALID], n[f][ROV_INVALID],
		    n[f][ROV_NOT_FOUND], f == FAMILY_IPV4 ? ' ' : '\n');
	fflush(stdout);
}

static int change(struct vrps *t, char sign, const struct vrp *v)
{
	if (sign == '+')
		return vrps_add(t, v) == 1;
	return vrps_remove(t, v);
}

int main(int argc, char **argv)
{
	struct vrps *t = vrps_new();
	size_t n[FAMILY_COUNT][ROV_COUNT] = {0};
	char line[256], text[128], sign;
	unsigned a, b;

	while (t && fgets(line, sizeof line, stdin)) {
		struct vrp v = {.sources = 1};
		int k = sscanf(line, "%c %127s %u %u", &sign, text, &a, &b);

		if (k == 1 && sign == '?') {
			print(t);
			continue;
		}
		if (k < 3 || prefix_parse(text, &v.prefix))
			return 1;
		v.max_len = (uint8_t)a;
		v.asn = b;
		if (sign == 'r')
			add_route(&v.prefix, a);
		else if (k != 4 || !change(t, sign, &v)) {
			fprintf(stderr, "no: %s", line);
			return 1;
		}
	}
	uint64_t begin = clock_now_ns();
	unsigned times = argc > 1 ? (unsigned)atoi(argv[1]) : 0;
	for (unsigned i = 0; i < times; i++)
		count(t, n);
	size_t vrps = vrps_count(t, FAMILY_IPV4) + vrps_count(t, FAMILY_IPV6);
	if (times && n_routes && vrps)
		fprintf(stderr, "%.1f ns a lookup, %.1f bytes a VRP\n",
		    (double)(clock_now_ns() - begin) / times / (double)n_routes,
		    (double)vrps_bytes(t) / (double)vrps);
	vrps_free(t);
	free(routes);
	return 0;
}

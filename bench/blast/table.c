/* Reads table.bin (format: mktable.py) and finds prefixes in it. */
#include "blast.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#define HEAD 20

struct table table;

uint32_t get32(const uint8_t *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof v);
	return v;
}

uint64_t mix64(uint64_t x)
{
	x ^= x >> 32;
	x *= 0xd6e8feb86659fd93u;
	x ^= x >> 32;
	x *= 0xd6e8feb86659fd93u;
	return x ^ x >> 32;
}

uint64_t route_hash(uint64_t addr, unsigned len, unsigned family)
{
	return mix64(addr ^ (uint64_t)len << 1 ^ (uint64_t)(family == 6) << 9);
}

const struct attrset *table_set(const struct route *r)
{
	return r->family == 4 ? &table.set4[r->set] : &table.set6[r->set];
}

static const uint8_t *load_sets(
    const uint8_t *p, struct attrset **ret, uint32_t n)
{
	struct attrset *s = calloc(n, sizeof *s);

	for (uint32_t i = 0; i < n; i++) {
		s[i] = (struct attrset){p[0], p[1], p[2], p[3], p + 4};
		p += 4 + 4 * (p[1] + p[2] + 3 * p[3]);
	}
	*ret = s;
	return p;
}

void table_load(const char *path)
{
	struct stat st;
	int fd = open(path, O_RDONLY);
	const uint8_t *p;

	if (fd < 0 || fstat(fd, &st) || st.st_size < HEAD)
		die("table");
	p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (p == MAP_FAILED || memcmp(p, "BTB1", 4))
		die("not a table");
	table.n_set4 = get32(p + 4);
	table.n_set6 = get32(p + 8);
	table.n4 = get32(p + 12);
	table.n6 = get32(p + 16);
	p = load_sets(p + HEAD, &table.set4, table.n_set4);
	p = load_sets(p, &table.set6, table.n_set6);
	table.route4 = calloc(table.n4, sizeof *table.route4);
	table.route6 = calloc(table.n6, sizeof *table.route6);
	for (uint32_t i = 0; i < table.n4; i++, p += 9)
		table.route4[i] = (struct route){
		    (uint64_t)get32(p) << 32, get32(p + 4), p[8], 4};
	for (uint32_t i = 0; i < table.n6; i++, p += 13) {
		uint64_t high;

		memcpy(&high, p, sizeof high);
		table.route6[i] = (struct route){high, get32(p + 8), p[12], 6};
	}
	if (!opt.uniform)
		return;
	for (uint32_t i = 0; i < table.n4; i++)
		table.route4[i].set = 0;
	for (uint32_t i = 0; i < table.n6; i++)
		table.route6[i].set = 0;
}

void index_build(struct index *ix, const struct route *route, uint32_t n)
{
	uint32_t size = 1;

	while (size < 3 * n)
		size *= 2;
	ix->slot = calloc(size, sizeof *ix->slot);
	ix->mask = size - 1;
	ix->route = route;
	for (uint32_t i = 0; i < n; i++) {
		uint64_t h =
		    route_hash(route[i].addr, route[i].len, route[i].family);
		uint32_t at = (uint32_t)h & ix->mask;

		while (ix->slot[at])
			at = (at + 1) & ix->mask;
		ix->slot[at] = (h >> 32) << 32 | (i + 1);
	}
}

void index_free(struct index *ix)
{
	free(ix->slot);
	*ix = (struct index){0};
}

int64_t index_find(
    const struct index *ix, uint64_t h, uint64_t addr, unsigned len)
{
	uint32_t at = (uint32_t)h & ix->mask;

	if (!ix->slot)
		return -1;
	for (; ix->slot[at]; at = (at + 1) & ix->mask) {
		uint64_t slot = ix->slot[at];
		const struct route *r = &ix->route[(uint32_t)slot - 1];

		if (slot >> 32 == h >> 32 && r->addr == addr && r->len == len)
			return (uint32_t)slot - 1;
	}
	return -1;
}

#include "rib/pool.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#define HUGE_PAGE ((size_t)2 << 20)
#define STEP ((size_t)64 << 10)

static size_t round_up(size_t n, size_t to)
{
	return (n + to - 1) / to * to;
}

/*
 * Random looks into tables of many megabytes cost a TLB miss each with small
 * pages.  The first megabytes stay small: most exchanges never need more.
 */
static void want_huge(uint8_t *p, size_t from, size_t to)
{
	from = round_up(from, HUGE_PAGE);
	if (from < to)
		(void)madvise(p + from, to - from, MADV_HUGEPAGE);
}

/* Addresses for all of it, on a huge page's boundary; usable by and by. */
static int reserve(struct rib_vec *v)
{
	size_t bytes = round_up(v->most, HUGE_PAGE);
	uint8_t *p = mmap(NULL, bytes + HUGE_PAGE, PROT_NONE,
	    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (p == MAP_FAILED)
		return -ENOMEM;
	size_t skip = round_up((uintptr_t)p, HUGE_PAGE) - (uintptr_t)p;
	if (skip)
		munmap(p, skip);
	if (skip < HUGE_PAGE)
		munmap(p + skip + bytes, HUGE_PAGE - skip);
	v->p = p + skip;
	v->most = bytes;
	return 0;
}

/*
 * Pages are asked for before they are used: a fault for each costs many times
 * what it costs to have them all at once.  That it fails does no harm.
 */
void rib_pages_touch(void *p, size_t bytes)
{
	(void)madvise(p, bytes, MADV_POPULATE_WRITE);
}

/* A small vector grows by small pages, a large one by huge ones. */
int rib_vec_grow(struct rib_vec *v, size_t bytes)
{
	size_t step = bytes <= HUGE_PAGE ? STEP : HUGE_PAGE;
	size_t want = round_up(bytes, step);

	if (!v->p && reserve(v))
		return -ENOMEM;
	if (want > v->most)
		want = v->most;
	if (want < bytes)
		return -ENOMEM;
	uint8_t *more = (uint8_t *)v->p + v->bytes;
	if (mprotect(more, want - v->bytes, PROT_READ | PROT_WRITE))
		return -ENOMEM;
	if (v->bytes < HUGE_PAGE)
		rib_pages_touch(
		    more, (want < HUGE_PAGE ? want : HUGE_PAGE) - v->bytes);
	want_huge(v->p, v->bytes < HUGE_PAGE ? HUGE_PAGE : v->bytes, want);
	v->bytes = want;
	return 0;
}

void rib_vec_done(struct rib_vec *v)
{
	if (v->p)
		munmap(v->p, v->most);
	*v = (struct rib_vec){0};
}

void *rib_pages_new(size_t bytes)
{
	size_t more = bytes < HUGE_PAGE ? 0 : HUGE_PAGE;
	uint8_t *p = mmap(NULL, bytes + more, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		return NULL;
	if (!more) {
		rib_pages_touch(p, bytes);
		return p;
	}
	size_t skip = round_up((uintptr_t)p, HUGE_PAGE) - (uintptr_t)p;
	if (skip)
		munmap(p, skip);
	if (skip < HUGE_PAGE)
		munmap(p + skip + bytes, HUGE_PAGE - skip);
	want_huge(p + skip, 0, bytes);
	return p + skip;
}

void rib_pages_free(void *p, size_t bytes)
{
	if (p)
		munmap(p, bytes);
}

/*
 * Up to 256 bytes each multiple of 8 is a class; above, eight classes to a
 * doubling, so that at most an eighth is lost.
 */
static unsigned class_of(size_t n, uint32_t *ret_units)
{
	size_t units = (n + 7) / 8;

	if (units <= 32) {
		*ret_units = units ? (uint32_t)units : 1;
		return *ret_units - 1;
	}
	unsigned top = 63 - (unsigned)__builtin_clzll(units - 1);
	size_t step = (size_t)1 << (top - 3);
	size_t up = (units + step - 1) / step;
	*ret_units = (uint32_t)(up * step);
	return 32 + (top - 5) * 8 + (unsigned)(up - 9);
}

uint32_t rib_blob_take(struct rib_blobs *b, size_t n)
{
	uint32_t units;
	unsigned c = class_of(n, &units);
	uint32_t blob = b->free[c];

	if (blob) {
		memcpy(&b->free[c], rib_blob_at(b, blob), sizeof(uint32_t));
	} else {
		blob = b->end ? b->end : 1;
		if (blob > UINT32_MAX - units)
			return RIB_BLOB_NONE;
		if (rib_vec_need(&b->mem, ((size_t)blob + units) * 8))
			return RIB_BLOB_NONE;
		b->end = blob + units;
	}
	b->used_bytes += (uint64_t)units * 8;
	return blob;
}

void rib_blob_give(struct rib_blobs *b, uint32_t blob, size_t n)
{
	uint32_t units;
	unsigned c = class_of(n, &units);

	memcpy(rib_blob_at(b, blob), &b->free[c], sizeof(uint32_t));
	b->free[c] = blob;
	b->used_bytes -= (uint64_t)units * 8;
}

#include "rib/pool.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#define STEP ((size_t)64 << 10)

int rib_vec_grow(struct rib_vec *v, size_t bytes)
{
	size_t want = v->bytes + v->bytes / 2;

	if (want < bytes)
		want = bytes;
	want = (want + STEP - 1) / STEP * STEP;
	void *p = v->p ? mremap(v->p, v->bytes, want, MREMAP_MAYMOVE)
		       : mmap(NULL, want, PROT_READ | PROT_WRITE,
			     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (p == MAP_FAILED)
		return -ENOMEM;
	v->p = p;
	v->bytes = want;
	return 0;
}

void rib_vec_done(struct rib_vec *v)
{
	if (v->p)
		munmap(v->p, v->bytes);
	*v = (struct rib_vec){0};
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

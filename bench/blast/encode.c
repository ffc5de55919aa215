/* Makes the UPDATEs: all are encoded before the clock starts. */
#include "blast.h"

#include <stdlib.h>
#include <string.h>

uint8_t *put16(uint8_t *p, unsigned v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
	return p + 2;
}

uint8_t *put32(uint8_t *p, uint32_t v)
{
	return put16(put16(p, v >> 16), v & 0xffff);
}

uint8_t *put_header(uint8_t *p, int type)
{
	memset(p, 0xff, 16);
	p[18] = (uint8_t)type;
	return p + 19;
}

uint8_t *put_prefix(uint8_t *p, const struct route *r)
{
	int n = (r->len + 7) / 8;

	*p++ = r->len;
	for (int i = 0; i < n; i++)
		*p++ = (uint8_t)(r->addr >> (56 - 8 * i));
	return p;
}

unsigned path_of(
    const struct attrset *s, uint32_t set, int c, uint32_t path[MAX_PATH])
{
	unsigned n = 0;

	path[n++] = opt.base_asn + (uint32_t)c;
	/* In mode `same` clients differ in length, by set. */
	if (opt.same)
		for (uint64_t k = mix64((uint64_t)set << 16 | (uint32_t)c) % 4;
		     k > 1; k--)
			path[n++] = 3000 + 10 * (uint32_t)c + (uint32_t)k;
	for (unsigned i = 0; i < s->n_path; i++)
		path[n++] = get32(s->v + 4 * i);
	return n;
}

int64_t med_of(uint32_t set)
{
	uint64_t h = mix64(set ^ 0x6d656400000000u);

	return h % 3 ? -1 : (int64_t)(h >> 32) % 1000;
}

void next_hop6(int c, uint8_t ret[16])
{
	static const uint8_t base[16] = {0xfd, 0x99};

	memcpy(ret, base, 16);
	put16(ret + 14, (unsigned)c + 1);
}

/* n numbers of the set, then those of the control communities. */
static uint8_t *put_numbers(uint8_t *p, int code, const uint8_t *v, unsigned n,
    const uint32_t *more, unsigned n_more)
{
	if (!(n + n_more))
		return p;
	*p++ = 0xd0;
	*p++ = (uint8_t)code;
	p = put16(p, 4 * (n + n_more));
	for (unsigned i = 0; i < n; i++)
		p = put32(p, get32(v + 4 * i));
	for (unsigned i = 0; i < n_more; i++)
		p = put32(p, more[i]);
	return p;
}

static uint8_t *put_attrs(
    uint8_t *p, const struct attrset *s, uint32_t set, int c, int family)
{
	uint32_t path[MAX_PATH];
	unsigned n = path_of(s, set, c, path);
	int64_t med = med_of(set);
	const uint8_t *comm = s->v + 4 * s->n_path;
	struct control control = control_of(set, c);
	uint32_t more[9];
	unsigned n_more;

	*p++ = 0x40;
	*p++ = 1;
	*p++ = 1;
	*p++ = s->origin;
	*p++ = 0x50;
	*p++ = 2;
	p = put16(p, 2 + 4 * n);
	*p++ = 2;
	*p++ = (uint8_t)n;
	for (unsigned i = 0; i < n; i++)
		p = put32(p, path[i]);
	if (family == 4) {
		*p++ = 0x40;
		*p++ = 3;
		*p++ = 4;
		p = put32(p, opt.base_ip + (uint32_t)c);
	}
	if (med >= 0) {
		*p++ = 0x80;
		*p++ = 4;
		*p++ = 4;
		p = put32(p, (uint32_t)med);
	}
	n_more = control_standard(&control, more);
	p = put_numbers(p, 8, comm, s->n_comm, more, n_more);
	n_more = control_large(&control, more);
	return put_numbers(
	    p, 32, comm + 4 * s->n_comm, 3u * s->n_large, more, n_more);
}

int put_update(uint8_t **pp, const struct route *r, int n, int c)
{
	uint8_t *m = *pp;
	uint8_t *p = put16(put_header(m, 2), 0);
	uint8_t *attrs = p;
	uint8_t *mp = NULL;
	int k = 0;

	p = put_attrs(p + 2, table_set(r), r->set, c, r->family);
	if (r->family == 4) {
		put16(attrs, (unsigned)(p - attrs - 2));
	} else {
		*p++ = 0x90;
		*p++ = 14;
		mp = p;
		p = put16(p + 2, 2);
		*p++ = 1;
		*p++ = 16;
		next_hop6(c, p);
		p += 16;
		*p++ = 0;
	}
	while (k < n && r[k].set == r->set && p - m < MSG_MAX - 10)
		p = put_prefix(p, &r[k++]);
	if (mp) {
		put16(mp, (unsigned)(p - mp - 2));
		put16(attrs, (unsigned)(p - attrs - 2));
	}
	put16(m + 16, (unsigned)(p - m));
	*pp = p;
	return k;
}

void encode_share(struct client *c, const struct route *r, int n)
{
	size_t cap = c->out_len + (size_t)n * 24 + (1 << 20);

	c->out = realloc(c->out, cap);
	for (int i = 0; i < n;) {
		uint8_t *p;

		if (cap - c->out_len < 2 * MSG_MAX) {
			cap += cap / 2;
			c->out = realloc(c->out, cap);
		}
		p = c->out + c->out_len;
		i += put_update(&p, r + i, n - i, c->index);
		c->out_len = (size_t)(p - c->out);
	}
}

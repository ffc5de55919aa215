/*
 * Whether what came in is what was sent: next hop, AS path, origin, MED,
 * communities.  A sample of the UPDATEs is kept as it comes and judged when
 * the clock has stopped.
 */
#include "blast.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KEEP_MAX ((size_t)192 << 20)

struct kept {
	uint32_t client;
	uint32_t len; /* message bytes follow */
};

/* One UPDATE's attributes, as far as they are judged. */
struct seen {
	int origin;
	const uint8_t *path;
	size_t path_len;
	uint8_t next_hop[32];
	size_t next_hop_len;
	int64_t med;
	const uint8_t *comm;
	size_t comm_len;
	const uint8_t *large;
	size_t large_len;
	bool other; /* an attribute that nobody sent */
	const uint8_t *run;
	const uint8_t *run_end;
	unsigned family;
};

static uint8_t *kept;
static size_t n_kept;
static uint64_t n_seen;
static struct index all4;
static struct index all6;

void audit_reset(void)
{
	if (!kept)
		kept = malloc(KEEP_MAX);
	n_kept = 0;
	n_seen = 0;
}

void audit_keep(const struct client *c, const uint8_t *m, size_t n)
{
	struct kept k = {(uint32_t)c->index, (uint32_t)n};

	if (!kept || !opt.audit_every || n_seen++ % (uint64_t)opt.audit_every ||
	    n_kept + sizeof k + n > KEEP_MAX)
		return;
	memcpy(kept + n_kept, &k, sizeof k);
	memcpy(kept + n_kept + sizeof k, m, n);
	n_kept += sizeof k + n;
}

static uint32_t be32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 |
	       (uint32_t)p[2] << 8 | p[3];
}

static void read_attr(struct seen *s, int type, const uint8_t *p, size_t n)
{
	switch (type) {
	case 1:
		s->origin = p[0];
		break;
	case 2:
		s->path = p;
		s->path_len = n;
		break;
	case 3:
		s->next_hop_len = n < 32 ? n : 32;
		memcpy(s->next_hop, p, s->next_hop_len);
		break;
	case 4:
		s->med = be32(p);
		break;
	case 8:
		s->comm = p;
		s->comm_len = n;
		break;
	case 14:
		s->family = p[1] == 2 ? 6 : 4;
		s->next_hop_len = p[3] < 32 ? p[3] : 32;
		memcpy(s->next_hop, p + 4, s->next_hop_len);
		s->run = p + 5 + p[3];
		s->run_end = p + n;
		break;
	case 15:
	case 35: /* a route server has to add OTC (RFC 9234 s5) */
		break;
	case 32:
		s->large = p;
		s->large_len = n;
		break;
	default:
		s->other = true;
		break;
	}
}

static void read_update(const uint8_t *m, size_t n, struct seen *s)
{
	const uint8_t *p = m + 19;
	const uint8_t *stop;

	*s = (struct seen){.origin = -1, .med = -1, .family = 4};
	p += 2 + (p[0] << 8 | p[1]);
	stop = p + 2 + (p[0] << 8 | p[1]);
	p += 2;
	while (p < stop) {
		int type = p[1];
		size_t len = p[2];

		if (p[0] & 0x10) {
			len = len << 8 | p[3];
			p++;
		}
		read_attr(s, type, p + 3, len);
		p += 3 + len;
	}
	if (!s->run) {
		s->run = stop;
		s->run_end = m + n;
	}
}

static bool same_numbers(
    const uint8_t *wire, size_t n, const uint8_t *sent, size_t n_sent)
{
	if (n != 4 * n_sent)
		return false;
	for (size_t i = 0; i < n_sent; i++)
		if (be32(wire + 4 * i) != get32(sent + 4 * i))
			return false;
	return true;
}

static bool same_path(
    const struct seen *s, const struct attrset *set, uint32_t id, int from)
{
	uint32_t path[MAX_PATH];
	unsigned n = path_of(set, id, from, path);

	if (s->path_len != 2 + 4 * n || s->path[0] != 2 || s->path[1] != n)
		return false;
	for (unsigned i = 0; i < n; i++)
		if (be32(s->path + 2 + 4 * i) != path[i])
			return false;
	return true;
}

/* The client that announced it, by the next hop; -1: nobody's. */
static int announcer(const struct seen *s)
{
	int64_t c = -1;

	if (s->family == 4 && s->next_hop_len == 4) {
		c = (int64_t)be32(s->next_hop) - opt.base_ip;
	} else if (s->next_hop_len == 16) {
		uint8_t want[16];

		c = (s->next_hop[14] << 8 | s->next_hop[15]) - 1;
		next_hop6((int)c, want);
		if (memcmp(want, s->next_hop, 16))
			c = -1;
	}
	return c >= 0 && c < opt.clients ? (int)c : -1;
}

static bool may_announce(int from, int64_t id, unsigned family)
{
	int64_t share = opt.share;

	if (opt.single)
		return from == 0;
	if (opt.same)
		return true;
	if (family == 6)
		share = (int64_t)table.n6 * opt.share / table.n4;
	return id / share == from;
}

static bool judge(const struct seen *s, int to)
{
	const struct index *ix = s->family == 4 ? &all4 : &all6;
	int from = announcer(s);
	const uint8_t *p = s->run;

	if (from < 0 || from == to || s->other)
		return false;
	while (p < s->run_end) {
		unsigned len = *p++;
		unsigned n = (len + 7) / 8;
		uint64_t addr = 0;
		const struct attrset *set;
		const struct route *r;
		int64_t id;

		for (unsigned i = 0; i < n && i < 8; i++)
			addr |= (uint64_t)p[i] << (56 - 8 * i);
		p += n;
		id = index_find(ix, addr, len, s->family);
		if (id < 0 || !may_announce(from, id, s->family))
			return false;
		r = &ix->route[id];
		set = table_set(r);
		if (s->origin != set->origin || s->med != med_of(r->set) ||
		    !same_path(s, set, r->set, from) ||
		    !same_numbers(s->comm, s->comm_len,
			set->v + 4 * set->n_path, set->n_comm) ||
		    !same_numbers(s->large, s->large_len,
			set->v + 4 * (set->n_path + set->n_comm),
			3u * set->n_large))
			return false;
	}
	return true;
}

void audit_report(char *buf, size_t n)
{
	uint64_t audited = 0;
	uint64_t bad = 0;

	if (!all4.slot) {
		index_build(&all4, table.route4, table.n4);
		index_build(&all6, table.route6, table.n6);
	}
	for (size_t at = 0; at < n_kept;) {
		struct kept k;
		struct seen s;

		memcpy(&k, kept + at, sizeof k);
		at += sizeof k;
		read_update(kept + at, k.len, &s);
		at += k.len;
		if (s.run == s.run_end)
			continue; /* withdrawals alone */
		audited++;
		bad += !judge(&s, (int)k.client);
	}
	snprintf(buf, n, ",\"audited\":%lu,\"audit_bad\":%lu", audited, bad);
}

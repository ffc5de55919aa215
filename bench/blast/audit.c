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
static const char *why;	  /* of the first that was wrong */
static uint64_t own_back; /* UPDATEs that came back to who sent them */
static struct index all4;
static struct index all6;

void audit_reset(void)
{
	if (!kept) { /* no page is to be fetched while the clock runs */
		kept = malloc(KEEP_MAX);
		memset(kept, 1, KEEP_MAX);
		index_build(&all4, table.route4, table.n4);
		index_build(&all6, table.route6, table.n6);
	}
	why = "";
	own_back = 0;
	n_kept = 0;
	n_seen = 0;
}

void audit_keep(const struct client *c, const uint8_t *m, size_t n)
{
	struct kept k = {(uint32_t)c->index, (uint32_t)n};

	if (!opt.audit_every || n_seen++ % (uint64_t)opt.audit_every)
		return;
	if (n_kept + sizeof k + n > KEEP_MAX) {
		if (opt.same) /* it needs them all */
			die("too many UPDATEs to keep");
		return;
	}
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

/*
 * What the server itself says of a route in large communities, as IXPs do:
 * RS:1000:n of the RPKI, which nobody asks here, RS:1001:n of registries.
 */
static bool informs(const uint8_t *p, int from)
{
	if (be32(p) != DUT_ASN)
		return false;
	if (be32(p + 4) == 1001)
		return be32(p + 8) == (from < opt.registered ? 1 : 2);
	return be32(p + 4) == 1000 && be32(p + 8) == 3;
}

/* Those that were sent, in their order, and what the server has to say. */
static bool same_large(
    const struct seen *s, const uint8_t *sent, size_t n_sent, int from)
{
	size_t k = 0;

	for (size_t i = 0; i + 12 <= s->large_len; i += 12) {
		if (informs(s->large + i, from))
			continue;
		if (k == n_sent ||
		    !same_numbers(s->large + i, 12, sent + 12 * k, 3))
			return false;
		k++;
	}
	return k == n_sent && s->large_len % 12 == 0;
}

/* The path as it was sent, its first AS so many times more. */
static bool same_path(const struct seen *s, const struct attrset *set,
    uint32_t id, int from, unsigned prepended)
{
	uint32_t path[MAX_PATH];
	unsigned n = path_of(set, id, from, path);
	const uint8_t *p = s->path + 2;

	if (s->path_len != 2 + 4 * (n + prepended) || s->path[0] != 2 ||
	    s->path[1] != n + prepended)
		return false;
	for (unsigned i = 0; i < prepended; i++, p += 4)
		if (be32(p) != path[0])
			return false;
	for (unsigned i = 0; i < n; i++, p += 4)
		if (be32(p) != path[i])
			return false;
	return true;
}

/*
 * What is not as it was sent, or NULL.  Communities that the server is to
 * act on may not come out again.
 */
static const char *altered(
    const struct seen *s, const struct route *r, int from, int to)
{
	const struct attrset *set = table_set(r);
	struct control c = control_of(r->set, from);
	unsigned prepended;

	if (!control_permits(&c, to, &prepended))
		return "not for that client";
	if (s->origin != set->origin)
		return "origin";
	if (s->med != med_of(r->set))
		return "MED";
	if (!same_path(s, set, r->set, from, prepended))
		return "AS path";
	if (!same_numbers(
		s->comm, s->comm_len, set->v + 4 * set->n_path, set->n_comm))
		return "communities";
	if (!same_large(s, set->v + 4 * (set->n_path + set->n_comm),
		set->n_large, from))
		return "large communities";
	return NULL;
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

static bool may_announce(int from, const struct route *r)
{
	int n;
	const struct route *first = share_of(from, r->family, &n);

	return r >= first && r < first + n && registered(from, r);
}

/* The next prefix of a run, as a route of the table; NULL: of none. */
static const struct route *next_route(const uint8_t **pp, unsigned family)
{
	const struct index *ix = family == 4 ? &all4 : &all6;
	const uint8_t *p = *pp;
	unsigned len = *p++;
	unsigned n = (len + 7) / 8;
	uint64_t addr = 0;
	int64_t id;

	for (unsigned i = 0; i < n && i < 8; i++)
		addr |= (uint64_t)p[i] << (56 - 8 * i);
	*pp = p + n;
	id = index_find(ix, route_hash(addr, len, family), addr, len);
	return id < 0 ? NULL : &ix->route[id];
}

/* What is wrong with it, or NULL. */
static const char *judge(const struct seen *s, int to)
{
	int from = announcer(s);

	if (from == to) {
		own_back++;
		return NULL;
	}
	if (from < 0)
		return "next hop";
	if (s->other)
		return "an attribute that nobody sent";
	for (const uint8_t *p = s->run; p < s->run_end;) {
		const struct route *r = next_route(&p, s->family);
		const char *what;

		if (!r || !may_announce(from, r))
			return "a prefix of somebody else";
		what = altered(s, r, from, to);
		if (what)
			return what;
	}
	return NULL;
}

static size_t next_kept(size_t at, struct kept *k)
{
	memcpy(k, kept + at, sizeof *k);
	return at + sizeof *k;
}

void audit_report(char *buf, size_t n)
{
	uint64_t audited = 0;
	uint64_t bad = 0;

	for (size_t at = 0; at < n_kept;) {
		struct kept k;
		struct seen s;
		const char *what;

		at = next_kept(at, &k);
		read_update(kept + at, k.len, &s);
		at += k.len;
		if (s.run == s.run_end)
			continue; /* withdrawals alone */
		audited++;
		what = judge(&s, (int)k.client);
		if (what && !bad++)
			why = what;
	}
	snprintf(buf, n,
	    ",\"audited\":%lu,\"audit_bad\":%lu,\"own_back\":%lu,"
	    "\"audit_why\":\"%s\"",
	    audited, bad, own_back, why);
}

/* ---- mode `same`: what everybody holds at the end ----------------------- */

struct held {
	uint8_t length; /* of the path; 0: holds nothing */
	int16_t from;
};

static void hold(struct held *h, const uint8_t *m, size_t n)
{
	const uint8_t *p = m + 21;
	const uint8_t *stop = p + (m[19] << 8 | m[20]);
	struct seen s;
	struct held now;

	read_update(m, n, &s);
	now = (struct held){s.path_len ? s.path[1] : 0, (int16_t)announcer(&s)};
	while (p < stop) {
		const struct route *r = next_route(&p, 4);

		if (r && r - table.route4 < opt.share)
			h[r - table.route4] = (struct held){0};
	}
	for (p = s.run; p < s.run_end;) {
		const struct route *r = next_route(&p, s.family);

		if (r && s.family == 4 && r - table.route4 < opt.share)
			h[r - table.route4] = now;
	}
}

static unsigned shortest(const struct route *r, int to)
{
	uint32_t path[MAX_PATH];
	unsigned best = MAX_PATH;

	for (int i = 0; i < opt.clients; i++) {
		unsigned n = path_of(table_set(r), r->set, i, path);

		if (i != to && n < best)
			best = n;
	}
	return best;
}

void held_report(char *buf, size_t n)
{
	struct held *held[MAX_CLIENTS];
	uint64_t longer = 0;
	uint64_t none = 0;
	uint64_t of_own = 0;

	for (int i = 0; i < opt.clients; i++)
		held[i] = calloc((size_t)opt.share, sizeof *held[i]);
	for (size_t at = 0; at < n_kept;) {
		struct kept k;

		at = next_kept(at, &k);
		hold(held[k.client], kept + at, k.len);
		at += k.len;
	}
	for (int i = 0; i < opt.clients; i++) {
		for (int k = 0; k < opt.share; k++) {
			const struct held *h = &held[i][k];

			if (!h->length)
				none++;
			else if (h->from == i)
				of_own++;
			else if (h->length != shortest(&table.route4[k], i))
				longer++;
		}
		free(held[i]);
	}
	snprintf(buf, n,
	    ",\"held_not_shortest\":%lu,\"held_none\":%lu,\"held_own\":%lu",
	    longer, none, of_own);
}

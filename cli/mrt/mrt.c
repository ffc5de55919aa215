/* Files of recorded routes: opening, MRT records, peers; see mrt.h. */
#include "cli/mrt/internal.h"

#include "base/attr.h"
#include "base/hash.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HEADER 12
#define MAX_RECORD ((size_t)16 << 20)
#define MAX_PEERS 65536

int mrt_fail(struct mrt *m, int err, const char *fmt, ...)
{
	int n = snprintf(m->error, sizeof m->error, "%s: ", m->name);
	va_list ap;

	if (n < 0 || (size_t)n >= sizeof m->error)
		n = 0;
	va_start(ap, fmt);
	(void)vsnprintf(m->error + n, sizeof m->error - (size_t)n, fmt, ap);
	va_end(ap);
	m->err = err;
	return err;
}

int mrt_fill(struct mrt *m, size_t n)
{
	if (m->to - m->from >= n)
		return 1;
	if (m->from) {
		memmove(m->buf, m->buf + m->from, m->to - m->from);
		m->to -= m->from;
		m->from = 0;
	}
	if (m->cap < n) {
		uint8_t *p = realloc(m->buf, n);

		if (!p)
			return mrt_fail(m, -ENOMEM, "out of memory");
		m->buf = p;
		m->cap = n;
	}
	while (m->to < n && !m->eof) {
		ssize_t got =
		    mrt_stream_read(m->stream, m->buf + m->to, m->cap - m->to);

		if (got <= 0) {
			m->eof = true;
			m->err = (int)got; /* told by who misses the rest */
			break;
		}
		m->to += (size_t)got;
	}
	return m->to >= n;
}

/* ---- peers ------------------------------------------------------------- */

static uint64_t peer_hash(const struct mrt_peer *p)
{
	uint64_t h = hash_bytes(p->addr.b, 16, p->addr.family);

	return hash_u64(h ^ p->asn, 1);
}

int mrt_peer_add(struct mrt *m, const struct mrt_peer *p)
{
	if (m->n_peers >= MAX_PEERS)
		return -E2BIG;
	if (m->n_peers == m->cap_peers) {
		size_t cap = m->cap_peers ? 2 * m->cap_peers : 64;
		void *to = realloc(m->peers, cap * sizeof *m->peers);

		if (!to)
			return -ENOMEM;
		m->peers = to;
		m->cap_peers = cap;
	}
	m->peers[m->n_peers++] = *p;
	return 0;
}

static int index_grow(struct mrt *m)
{
	size_t size = m->index ? 2 * (m->index_mask + 1) : 128;
	uint32_t *to = calloc(size, sizeof *to);

	if (!to)
		return -ENOMEM;
	free(m->index);
	m->index = to;
	m->index_mask = size - 1;
	for (size_t i = 0; i < m->n_peers; i++) {
		size_t at = peer_hash(&m->peers[i]) & m->index_mask;

		while (to[at])
			at = (at + 1) & m->index_mask;
		to[at] = (uint32_t)i + 1;
	}
	return 0;
}

int64_t mrt_peer_number(struct mrt *m, const struct mrt_peer *p)
{
	int err;

	if (!m->index || m->n_peers * 2 > m->index_mask) {
		err = index_grow(m);
		if (err)
			return err;
	}
	size_t at = peer_hash(p) & m->index_mask;
	for (; m->index[at]; at = (at + 1) & m->index_mask) {
		const struct mrt_peer *q = &m->peers[m->index[at] - 1];

		if (q->asn == p->asn && ip_eq(&q->addr, &p->addr))
			return m->index[at] - 1;
	}
	err = mrt_peer_add(m, p);
	if (err)
		return err;
	m->index[at] = (uint32_t)m->n_peers;
	return (int64_t)m->n_peers - 1;
}

void mrt_peers_forget(struct mrt *m)
{
	m->n_peers = 0;
	free(m->index);
	m->index = NULL;
}

size_t mrt_peers(const struct mrt *m)
{
	return m->n_peers;
}

const struct mrt_peer *mrt_peer(const struct mrt *m, size_t number)
{
	return number < m->n_peers ? &m->peers[number] : NULL;
}

/* ---- records ----------------------------------------------------------- */

static struct ip read_ip(struct rd *r, enum family f)
{
	uint8_t b[16];

	rd_copy(r, b, family_bytes(f));
	return ip_from_bytes(f, b);
}

/* A prefix as RIB entries have it: length, then only the bytes needed. */
static bool read_prefix(struct rd *r, enum family f, struct prefix *ret)
{
	uint8_t len = rd_u8(r);
	uint8_t b[16] = {0};

	if (len > family_bits(f))
		return false;
	rd_copy(r, b, (len + 7u) / 8);
	if (!rd_ok(r))
		return false;
	struct ip ip = ip_from_bytes(f, b);
	*ret = prefix_of(&ip, len);
	return true;
}

static enum mrt_kind with_peer(
    struct mrt *m, struct mrt_record *rec, const struct mrt_peer *p)
{
	int64_t number = mrt_peer_number(m, p);

	if (number < 0) {
		(void)mrt_fail(m, (int)number, "too many peers");
		return MRT_DAMAGED;
	}
	rec->peer = (uint32_t)number;
	return rec->kind;
}

static enum mrt_kind parse_peer_index(struct mrt *m, struct rd *r)
{
	rd_skip(r, 4);	       /* collector */
	rd_skip(r, rd_u16(r)); /* view name */
	unsigned n = rd_u16(r);

	mrt_peers_forget(m);
	for (unsigned i = 0; i < n; i++) {
		uint8_t type = rd_u8(r);
		struct mrt_peer p;

		rd_skip(r, 4); /* BGP identifier */
		p.addr = read_ip(
		    r, type & MRT_PEER_IPV6 ? FAMILY_IPV6 : FAMILY_IPV4);
		p.asn = type & MRT_PEER_AS4 ? rd_u32(r) : rd_u16(r);
		if (!rd_ok(r) || mrt_peer_add(m, &p))
			return MRT_DAMAGED;
	}
	return MRT_PEERS;
}

static enum mrt_kind parse_rib(struct mrt_record *rec, struct rd *r)
{
	static const struct {
		bool known, v6, multicast, add_path;
	} subtypes[] = {
	    [MRT_RIB_IPV4_UNICAST] = {.known = true},
	    [MRT_RIB_IPV4_MULTICAST] = {.known = true, .multicast = true},
	    [MRT_RIB_IPV6_UNICAST] = {.known = true, .v6 = true},
	    [MRT_RIB_IPV6_MULTICAST] = {.known = true,
		.v6 = true,
		.multicast = true},
	    [MRT_RIB_IPV4_UNICAST_ADDPATH] = {.known = true, .add_path = true},
	    [MRT_RIB_IPV4_MULTICAST_ADDPATH] = {.known = true,
		.multicast = true,
		.add_path = true},
	    [MRT_RIB_IPV6_UNICAST_ADDPATH] = {.known = true,
		.v6 = true,
		.add_path = true},
	    [MRT_RIB_IPV6_MULTICAST_ADDPATH] = {.known = true,
		.v6 = true,
		.multicast = true,
		.add_path = true},
	};
	unsigned s = rec->subtype;

	if (s >= ARRAY_SIZE(subtypes) || !subtypes[s].known)
		return MRT_SKIPPED;
	rec->as4 = true;
	rec->add_path = subtypes[s].add_path;
	rec->multicast = subtypes[s].multicast;
	rd_skip(r, 4); /* sequence number */
	if (!read_prefix(
		r, subtypes[s].v6 ? FAMILY_IPV6 : FAMILY_IPV4, &rec->prefix))
		return MRT_DAMAGED;
	rec->paths = rd_u16(r);
	rec->body = *r;
	return rd_ok(r) ? MRT_RIB : MRT_DAMAGED;
}

static enum mrt_kind parse_table_dump(
    struct mrt *m, struct mrt_record *rec, struct rd *r)
{
	enum family f = rec->subtype == 2 ? FAMILY_IPV6 : FAMILY_IPV4;
	struct mrt_peer p;

	if (rec->subtype != 1 && rec->subtype != 2)
		return MRT_SKIPPED;
	rd_skip(r, 4); /* view, sequence number */
	struct ip ip = read_ip(r, f);
	uint8_t len = rd_u8(r);
	rd_skip(r, 1 + 4); /* status, originated time */
	p.addr = read_ip(r, f);
	p.asn = rd_u16(r);
	if (!rd_ok(r) || len > family_bits(f))
		return MRT_DAMAGED;
	rec->prefix = prefix_of(&ip, len);
	rec->paths = 1;
	rec->body = *r;
	rec->kind = MRT_RIB;
	return with_peer(m, rec, &p);
}

static enum mrt_kind parse_message(struct mrt_record *rec, struct rd *r)
{
	enum {
		HEAD = 19,
		UPDATE = 2
	};

	rd_skip(r, 16); /* marker */
	unsigned len = rd_u16(r);
	unsigned type = rd_u8(r);
	if (!rd_ok(r) || len < HEAD)
		return MRT_DAMAGED;
	rec->body = rd_sub(r, len - HEAD);
	if (!rd_ok(&rec->body))
		return MRT_DAMAGED;
	return type == UPDATE ? MRT_UPDATE : MRT_OTHER;
}

static enum mrt_kind parse_bgp4mp(
    struct mrt *m, struct mrt_record *rec, struct rd *r)
{
	enum {
		STATE = 0,
		MESSAGE = 1,
		AS4 = 2,
		ADD_PATH = 4
	};
	static const struct {
		bool known;
		uint8_t is;
	} subtypes[] = {
	    [MRT_STATE_CHANGE] = {true, STATE},
	    [MRT_MESSAGE] = {true, MESSAGE},
	    [MRT_MESSAGE_AS4] = {true, MESSAGE | AS4},
	    [MRT_STATE_CHANGE_AS4] = {true, STATE | AS4},
	    [MRT_MESSAGE_LOCAL] = {true, MESSAGE},
	    [MRT_MESSAGE_AS4_LOCAL] = {true, MESSAGE | AS4},
	    [MRT_MESSAGE_ADDPATH] = {true, MESSAGE | ADD_PATH},
	    [MRT_MESSAGE_AS4_ADDPATH] = {true, MESSAGE | AS4 | ADD_PATH},
	    [MRT_MESSAGE_LOCAL_ADDPATH] = {true, MESSAGE | ADD_PATH},
	    [MRT_MESSAGE_AS4_LOCAL_ADDPATH] = {true, MESSAGE | AS4 | ADD_PATH},
	};
	unsigned s = rec->subtype;
	struct mrt_peer p;

	if (s >= ARRAY_SIZE(subtypes) || !subtypes[s].known)
		return MRT_SKIPPED;
	rec->as4 = subtypes[s].is & AS4;
	rec->add_path = subtypes[s].is & ADD_PATH;
	p.asn = rec->as4 ? rd_u32(r) : rd_u16(r);
	rd_skip(r, (rec->as4 ? 4 : 2) + 2); /* local ASN, interface */
	unsigned afi = rd_u16(r);
	if (rd_ok(r) && afi != 1 && afi != 2)
		return MRT_SKIPPED;
	enum family f = afi == 2 ? FAMILY_IPV6 : FAMILY_IPV4;
	p.addr = read_ip(r, f);
	rd_skip(r, family_bytes(f));
	if (subtypes[s].is & MESSAGE) {
		rec->kind = parse_message(rec, r);
	} else {
		rec->old_state = rd_u16(r);
		rec->new_state = rd_u16(r);
		rec->kind = MRT_STATE;
	}
	if (!rd_ok(r) || rec->kind == MRT_DAMAGED)
		return MRT_DAMAGED;
	return with_peer(m, rec, &p);
}

/* The type before BGP4MP: an UPDATE without its header. */
static enum mrt_kind parse_bgp(
    struct mrt *m, struct mrt_record *rec, struct rd *r)
{
	enum {
		UPDATE = 1,
		STATE_CHANGE = 3,
		KEEPALIVE = 7
	};
	struct mrt_peer p;

	if (rec->subtype == 0 || rec->subtype > KEEPALIVE)
		return MRT_SKIPPED;
	p.asn = rd_u16(r);
	p.addr = read_ip(r, FAMILY_IPV4);
	rec->kind = MRT_OTHER;
	if (rec->subtype == STATE_CHANGE) {
		rec->kind = MRT_STATE;
		rec->old_state = rd_u16(r);
		rec->new_state = rd_u16(r);
	} else if (rec->subtype == UPDATE) {
		rec->kind = MRT_UPDATE;
		rd_skip(r, 2 + 4); /* local ASN and address */
		rec->body = *r;
	}
	if (!rd_ok(r))
		return MRT_DAMAGED;
	return with_peer(m, rec, &p);
}

static enum mrt_kind parse(struct mrt *m, struct mrt_record *rec, struct rd *r)
{
	switch (rec->type) {
	case MRT_TYPE_BGP:
		return parse_bgp(m, rec, r);
	case MRT_TYPE_TABLE_DUMP:
		return parse_table_dump(m, rec, r);
	case MRT_TYPE_TABLE_DUMP_V2:
		if (rec->subtype == MRT_PEER_INDEX_TABLE)
			return parse_peer_index(m, r);
		return parse_rib(rec, r);
	case MRT_TYPE_BGP4MP_ET:
		rec->time_us = rd_u32(r);
		return parse_bgp4mp(m, rec, r);
	case MRT_TYPE_BGP4MP:
		return parse_bgp4mp(m, rec, r);
	default:
		return MRT_SKIPPED;
	}
}

int mrt_cut_short(struct mrt *m, const char *unit)
{
	const char *what = "cut short";

	if (m->err == -EBADMSG)
		what = "the packed data are damaged";
	else if (m->err && m->err != -ENODATA)
		what = strerror(-m->err);
	return mrt_fail(m, m->err ? m->err : -ENODATA,
	    "%s in %s %llu at byte %llu; what was read before is kept", what,
	    unit, (unsigned long long)m->count + 1, (unsigned long long)m->at);
}

static int next_record(struct mrt *m, struct mrt_record *rec)
{
	int there = mrt_fill(m, HEADER);

	if (there == 0 && m->from == m->to && !m->err)
		return 0;
	if (there <= 0)
		return there ? there : mrt_cut_short(m, "record");
	struct rd r = rd_from(m->buf + m->from, HEADER);
	*rec = (struct mrt_record){.number = m->count + 1, .at = m->at};
	rec->time_s = rd_u32(&r);
	rec->type = rd_u16(&r);
	rec->subtype = rd_u16(&r);
	size_t len = rd_u32(&r);
	if (len > MAX_RECORD)
		return mrt_fail(m, -EBADMSG,
		    "record %llu at byte %llu would have %zu bytes: this is no "
		    "MRT, or damaged; what was read before is kept",
		    (unsigned long long)m->count + 1, (unsigned long long)m->at,
		    len);
	there = mrt_fill(m, HEADER + len);
	if (there <= 0)
		return there ? there : mrt_cut_short(m, "record");
	r = rd_from(m->buf + m->from + HEADER, len);
	rec->kind = parse(m, rec, &r);
	m->from += HEADER + len;
	m->at += HEADER + len;
	m->count++;
	return 1;
}

int mrt_next(struct mrt *m, struct mrt_record *ret)
{
	if (m->error[0])
		return m->err;
	if (m->format == MRT_FORMAT_MRT)
		return next_record(m, ret);
	return mrt_next_line(m, ret);
}

/* ---- opening ----------------------------------------------------------- */

/* An MRT header has a zero in its type; text has none. */
static enum mrt_format recognise(const uint8_t *p, size_t n)
{
	const uint8_t *line = p;

	if (n == 0 || memchr(p, 0, n < HEADER ? n : HEADER))
		return MRT_FORMAT_MRT;
	for (const uint8_t *end; n; n -= (size_t)(end - line), line = end) {
		end = memchr(line, '\n', n);
		end = end ? end + 1 : line + n;
		if (line[0] == '#' || line[0] == ';' || line[0] == '\n')
			continue;
		if (memchr(line, '|', (size_t)(end - line)))
			return MRT_FORMAT_LINES;
		break;
	}
	return MRT_FORMAT_LIST;
}

int mrt_open(const char *path, struct mrt **ret, char error[MRT_ERROR])
{
	struct mrt *m = calloc(1, sizeof *m);
	int err = -ENOMEM;

	if (m) {
		m->cap = 1 << 16;
		m->buf = malloc(m->cap);
		m->name = strdup(strcmp(path, "-") ? path : "standard input");
	}
	if (m && m->buf && m->name)
		err = mrt_stream_open(path, &m->stream);
	if (err) {
		(void)snprintf(
		    error, MRT_ERROR, "%s: %s", path, strerror(-err));
		mrt_close(m);
		return err;
	}
	err = mrt_fill(m, 4096);
	if (err < 0) {
		memcpy(error, m->error, MRT_ERROR);
		mrt_close(m);
		return err;
	}
	m->format = recognise(m->buf + m->from, m->to - m->from);
	*ret = m;
	return 0;
}

void mrt_close(struct mrt *m)
{
	if (!m)
		return;
	mrt_stream_close(m->stream);
	free(m->buf);
	free(m->name);
	free(m->peers);
	free(m->index);
	free(m);
}

const char *mrt_error(const struct mrt *m)
{
	return m->error;
}

const char *mrt_format(const struct mrt *m)
{
	static const char *const names[] = {
	    [MRT_FORMAT_MRT] = "MRT",
	    [MRT_FORMAT_LINES] = "bgpdump -m",
	    [MRT_FORMAT_LIST] = "prefix list",
	};

	return names[m->format];
}

void mrt_progress(const struct mrt *m, uint64_t *ret_at, uint64_t *ret_size)
{
	*ret_at = mrt_stream_at(m->stream);
	*ret_size = mrt_stream_size(m->stream);
}

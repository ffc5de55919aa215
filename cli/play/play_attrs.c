/* Passing attributes on; see play_attrs.h. */
#include "cli/play/play_attrs.h"

#include "bgp/bgp.h"

#include <stdlib.h>

enum {
	ORIGIN = 1,
	AS_PATH = 2,
	NEXT_HOP = 3,
	LOCAL_PREF = 5,
	AGGREGATOR = 7,
	ORIGINATOR_ID = 9,
	CLUSTER_LIST = 10,
	MP_REACH = 14,
	MP_UNREACH = 15,
	AS4_PATH = 17,
	AS4_AGGREGATOR = 18,
};

enum {
	EXTENDED = 0x10,
	FLAGS = 0xe0,
	WELL_KNOWN = 0x40,
	OPTIONAL_TRANS = 0xc0
};

struct attr {
	uint8_t flags;
	struct rd value;
};

#define PATH_MAX_BYTES (PLAY_ATTRS_MAX / 4)

struct play_scratch {
	bool there[256]; /* which of by_code hold something */
	struct attr by_code[256];
	uint8_t path[PATH_MAX_BYTES];
	uint8_t path2[PATH_MAX_BYTES];
	uint8_t path4[PATH_MAX_BYTES];
	uint8_t out[PLAY_ATTRS_MAX];
};

struct play_scratch *play_scratch_new(void)
{
	return calloc(1, sizeof(struct play_scratch));
}

void play_scratch_free(struct play_scratch *s)
{
	free(s);
}

/* Sorts them by code, each once: the first counts (RFC 7606 s3). */
static bool collect(struct play_scratch *s, struct rd attrs)
{
	memset(s->there, 0, sizeof s->there);
	while (rd_left(&attrs)) {
		uint8_t flags = rd_u8(&attrs);
		uint8_t code = rd_u8(&attrs);
		size_t len = flags & EXTENDED ? rd_u16(&attrs) : rd_u8(&attrs);
		struct rd value = rd_sub(&attrs, len);

		if (!rd_ok(&attrs))
			return false;
		if (s->there[code])
			continue;
		s->there[code] = true;
		s->by_code[code] = (struct attr){flags & FLAGS, value};
	}
	return true;
}

static void write_attr(
    struct wr *w, unsigned flags, unsigned code, const void *value, size_t n)
{
	wr_u8(w, flags | (n > UINT8_MAX ? (unsigned)EXTENDED : 0));
	wr_u8(w, code);
	if (n > UINT8_MAX)
		wr_u16(w, (unsigned)n);
	else
		wr_u8(w, (unsigned)n);
	wr_bytes(w, value, n);
}

/* ---- AS paths ---------------------------------------------------------- */

/*
 * Copies segments with ASNs of from_size bytes as ASNs of 4, at most `hops`
 * hops of them (an AS_SET is one), without confederations and empty segments.
 */
static bool copy_path(struct wr *w, struct rd r, bool as4, unsigned hops)
{
	while (rd_left(&r) && hops) {
		uint8_t type = rd_u8(&r);
		unsigned n = rd_u8(&r);
		struct rd asns = rd_sub(&r, n * (as4 ? 4 : 2));

		if (!rd_ok(&r) || type < BGP_AS_SET || type > BGP_CONFED_SET)
			return false;
		if (n == 0 || type > BGP_AS_SEQUENCE)
			continue;
		if (type == BGP_AS_SEQUENCE && n > hops)
			n = hops;
		wr_u8(w, type);
		wr_u8(w, n);
		for (unsigned i = 0; i < n; i++)
			wr_u32(w, as4 ? rd_u32(&asns) : rd_u16(&asns));
		hops -= type == BGP_AS_SEQUENCE ? n : 1;
	}
	return wr_ok(w);
}

static struct bytes written(const struct wr *w)
{
	return (struct bytes){w->start, wr_len(w)};
}

static struct rd reread(const struct wr *w)
{
	return rd_from(w->start, wr_len(w));
}

/* RFC 6793 s4.2.3: as much of AS_PATH as AS4_PATH lacks, then AS4_PATH. */
static bool merge(struct play_scratch *s, struct wr *w)
{
	struct wr whole = wr_from(s->path2, sizeof s->path2);
	struct wr new = wr_from(s->path4, sizeof s->path4);

	if (!copy_path(&whole, s->by_code[AS_PATH].value, false, UINT32_MAX))
		return false;
	if (!copy_path(&new, s->by_code[AS4_PATH].value, true, UINT32_MAX))
		return copy_path(w, reread(&whole), true, UINT32_MAX);
	unsigned n = bgp_path_length(written(&whole));
	unsigned n4 = bgp_path_length(written(&new));
	if (n < n4)
		return copy_path(w, reread(&whole), true, UINT32_MAX);
	return copy_path(w, reread(&whole), true, n - n4) &&
	       copy_path(w, reread(&new), true, UINT32_MAX);
}

/* own in front of a path in 4-byte form. */
static void prepend(struct wr *w, uint32_t own, struct rd path)
{
	struct rd look = path;
	uint8_t type = rd_u8(&look);
	unsigned n = rd_u8(&look);

	wr_u8(w, BGP_AS_SEQUENCE);
	if (rd_left(&path) && type == BGP_AS_SEQUENCE && n < UINT8_MAX) {
		wr_u8(w, n + 1);
		rd_skip(&path, 2);
	} else {
		wr_u8(w, 1);
	}
	wr_u32(w, own);
	wr_bytes(w, path.p, rd_left(&path));
}

/* Whether AS4_PATH and AS4_AGGREGATOR count at all (RFC 6793 s4.2.3). */
static bool as4_counts(const struct play_scratch *s)
{
	struct rd r = s->by_code[AGGREGATOR].value;

	return !s->there[AGGREGATOR] || rd_u16(&r) == BGP_AS_TRANS;
}

static bool write_path(
    struct play_scratch *s, struct wr *w, bool as4, uint32_t own)
{
	struct wr path = wr_from(s->path, sizeof s->path);
	struct wr whole = wr_from(s->path2, sizeof s->path2);
	bool ok = true;

	if (s->there[AS_PATH] && !as4 && s->there[AS4_PATH] && as4_counts(s))
		ok = merge(s, &path);
	else if (s->there[AS_PATH])
		ok = copy_path(
		    &path, s->by_code[AS_PATH].value, as4, UINT32_MAX);
	if (!ok || !wr_ok(&path))
		return false;
	prepend(&whole, own, reread(&path));
	write_attr(w, WELL_KNOWN, AS_PATH, s->path2, wr_len(&whole));
	return wr_ok(&whole);
}

/* AGGREGATOR with a 4-byte ASN. */
static void write_aggregator(
    const struct play_scratch *s, struct wr *w, bool as4)
{
	const struct attr *a = &s->by_code[AGGREGATOR];
	uint8_t buf[8];
	struct wr wide = wr_from(buf, sizeof buf);
	struct rd r = a->value;

	if (as4 || rd_left(&r) != 6) {
		write_attr(w, a->flags, AGGREGATOR, r.p, rd_left(&r));
		return;
	}
	if (s->there[AS4_AGGREGATOR] && as4_counts(s) &&
	    rd_left(&s->by_code[AS4_AGGREGATOR].value) == 8) {
		wr_bytes(&wide, s->by_code[AS4_AGGREGATOR].value.p, 8);
	} else {
		wr_u32(&wide, rd_u16(&r));
		wr_u32(&wide, rd_u32(&r));
	}
	write_attr(w, a->flags, AGGREGATOR, buf, sizeof buf);
}

/* What ends here: hops, NLRI, and what is meant for one AS alone. */
static bool ends_here(unsigned code)
{
	static const uint8_t codes[] = {NEXT_HOP, LOCAL_PREF, ORIGINATOR_ID,
	    CLUSTER_LIST, MP_REACH, MP_UNREACH, AS4_PATH, AS4_AGGREGATOR};

	return memchr(codes, (int)code, sizeof codes) != NULL;
}

bool play_attrs_pass_on(struct play_scratch *s, struct rd attrs, bool as4,
    uint32_t own, struct play_attrs *ret)
{
	struct wr w = wr_from(s->out, sizeof s->out);
	static const uint8_t incomplete = 2;

	if (!collect(s, attrs))
		return false;
	if (!s->there[ORIGIN])
		write_attr(&w, WELL_KNOWN, ORIGIN, &incomplete, 1);
	for (unsigned code = 0; code < 256; code++) {
		const struct attr *a = &s->by_code[code];

		if (code == NEXT_HOP)
			ret->next_hop_at = (uint16_t)wr_len(&w);
		if (code == AS_PATH) {
			if (!write_path(s, &w, as4, own))
				return false;
		} else if (!s->there[code] || ends_here(code)) {
			continue;
		} else if (code == AGGREGATOR) {
			write_aggregator(s, &w, as4);
		} else {
			write_attr(
			    &w, a->flags, code, a->value.p, rd_left(&a->value));
		}
	}
	ret->wire = written(&w);
	return wr_ok(&w);
}

/* ---- for peers with 2-byte ASNs ---------------------------------------- */

/* True when an ASN did not fit. */
static bool narrow_path(struct wr *w, struct rd r)
{
	bool wide = false;

	while (rd_left(&r)) {
		wr_u8(w, rd_u8(&r));
		unsigned n = rd_u8(&r);
		wr_u8(w, n);
		for (; n; n--) {
			uint32_t asn = rd_u32(&r);

			wide |= asn > UINT16_MAX;
			wr_u16(w, asn > UINT16_MAX ? BGP_AS_TRANS : asn);
		}
	}
	return wide;
}

/* AGGREGATOR with a 2-byte ASN; true when its ASN did not fit. */
static bool narrow_aggregator(struct wr *w, unsigned flags, struct rd r)
{
	uint32_t asn = rd_u32(&r);
	uint8_t six[6];
	struct wr s = wr_from(six, sizeof six);

	wr_u16(&s, asn > UINT16_MAX ? BGP_AS_TRANS : asn);
	wr_bytes(&s, r.p, rd_left(&r));
	write_attr(w, flags, AGGREGATOR, six, wr_len(&s));
	return asn > UINT16_MAX;
}

bool play_attrs_narrow(struct play_scratch *s, const struct play_attrs *from,
    struct play_attrs *ret)
{
	struct wr w = wr_from(s->out, sizeof s->out);
	struct wr path = wr_from(s->path, sizeof s->path);
	bool path4 = false, aggregator4 = false;

	if (!collect(s, rd_from(from->wire.p, from->wire.n)))
		return false;
	for (unsigned code = 0; code < 256; code++) {
		const struct attr *a = &s->by_code[code];
		struct rd r = a->value;

		if (code == NEXT_HOP)
			ret->next_hop_at = (uint16_t)wr_len(&w);
		if (code == AS4_PATH && path4)
			write_attr(&w, OPTIONAL_TRANS, AS4_PATH,
			    s->by_code[AS_PATH].value.p,
			    rd_left(&s->by_code[AS_PATH].value));
		else if (code == AS4_AGGREGATOR && aggregator4)
			write_attr(&w, OPTIONAL_TRANS, AS4_AGGREGATOR,
			    s->by_code[AGGREGATOR].value.p, 8);
		if (!s->there[code])
			continue;
		if (code == AS_PATH) {
			path4 = narrow_path(&path, r);
			write_attr(&w, a->flags, code, s->path, wr_len(&path));
		} else if (code == AGGREGATOR && rd_left(&r) == 8) {
			aggregator4 = narrow_aggregator(&w, a->flags, r);
		} else {
			write_attr(&w, a->flags, code, r.p, rd_left(&r));
		}
	}
	ret->wire = written(&w);
	return wr_ok(&w) && wr_ok(&path);
}

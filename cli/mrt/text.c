/*
 * Routes as text: the lines of `bgpdump -m` and lists of "prefix origin".
 * Each line becomes the record that it was made from, so that nobody else
 * need know of text.
 *
 *   TYPE|time|B or A|peer|peer ASN|prefix|[id|]path|origin|next hop|
 *       local preference|MED|communities|AG or NAG|aggregator|
 *   TYPE|time|W|peer|peer ASN|prefix
 *   TYPE|time|STATE|peer|peer ASN|old|new
 *   1.0.0.0/24 15169
 */
#include "cli/mrt/internal.h"

#include "base/attr.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define MAX_LINE 65536
#define MAX_FIELDS 16

enum {
	ORIGIN = 1,
	AS_PATH = 2,
	MED = 4,
	ATOMIC = 6,
	COMMUNITIES = 8
};
enum {
	MP_REACH = 14,
	MP_UNREACH = 15
};
enum {
	WELL_KNOWN = 0x40,
	OPTIONAL = 0x80,
	TRANSITIVE = 0x40,
	LONG = 0x10
};
enum {
	AS_SET = 1,
	AS_SEQUENCE = 2,
	CONFED_SEQUENCE = 3,
	CONFED_SET = 4
};

static bool number(const char *s, uint32_t *ret)
{
	char *end;

	if (*s < '0' || *s > '9')
		return false;
	errno = 0;
	unsigned long long v = strtoull(s, &end, 10);
	if (*end || errno || v > UINT32_MAX)
		return false;
	*ret = (uint32_t)v;
	return true;
}

/* 64501, AS64501 or 1.10. */
static bool as_number(const char *s, uint32_t *ret)
{
	const char *dot;
	char high[8];
	uint32_t hi, lo;

	if ((s[0] == 'A' || s[0] == 'a') && (s[1] == 'S' || s[1] == 's'))
		s += 2;
	dot = strchr(s, '.');
	if (!dot)
		return number(s, ret);
	if ((size_t)(dot - s) >= sizeof high)
		return false;
	memcpy(high, s, (size_t)(dot - s));
	high[dot - s] = 0;
	if (!number(high, &hi) || !number(dot + 1, &lo) || hi > 0xffff ||
	    lo > 0xffff)
		return false;
	*ret = hi << 16 | lo;
	return true;
}

/* A prefix; host bits, which archives hold, are left out. */
static bool prefix_text(char *s, struct prefix *ret)
{
	char *slash = strchr(s, '/');
	struct ip ip;
	uint32_t len;
	bool ok;

	if (!slash)
		return false;
	*slash = 0;
	ok = ip_parse(s, &ip) == 0 && number(slash + 1, &len) &&
	     len <= family_bits(ip.family);
	*slash = '/';
	if (!ok)
		return false;
	*ret = prefix_of(&ip, (uint8_t)len);
	return true;
}

/* ---- attributes -------------------------------------------------------- */

static void attr_u8(struct wr *w, unsigned code, unsigned v)
{
	wr_u8(w, WELL_KNOWN);
	wr_u8(w, code);
	wr_u8(w, 1);
	wr_u8(w, v);
}

/* One segment of at most 255 ASNs at a time. */
struct segment {
	uint8_t *count;
	uint8_t n;
	uint8_t type;
};

static void segment_add(
    struct wr *w, struct segment *s, uint8_t type, uint32_t asn)
{
	if (!s->count || s->type != type || s->n == UINT8_MAX) {
		wr_u8(w, type);
		*s = (struct segment){.count = wr_take(w, 1), .type = type};
	}
	wr_u32(w, asn);
	s->n++;
	if (s->count)
		*s->count = s->n;
}

/* "701 1239 {7018,3356} (65001 65002)" */
static bool attr_path(struct wr *w, char *text)
{
	struct segment s = {0};
	uint8_t type = AS_SEQUENCE;
	char *save, *asn;
	uint32_t v;

	wr_u8(w, WELL_KNOWN | LONG);
	wr_u8(w, AS_PATH);
	uint8_t *len = wr_len16_open(w);
	for (char *word = strtok_r(text, " ", &save); word;
	     word = strtok_r(NULL, " ", &save)) {
		char open = *word;
		size_t n = strlen(word);

		if (open == '{' || open == '(' || open == '[') {
			type = AS_SET;
			if (open != '{')
				type =
				    open == '(' ? CONFED_SEQUENCE : CONFED_SET;
			s.count = NULL;
			word++;
			n--;
		}
		bool close = n && strchr("})]", word[n - 1]);
		if (close)
			word[n - 1] = 0;
		for (char *in = word; (asn = strsep(&in, ",")) != NULL;) {
			if (!*asn)
				continue;
			if (!as_number(asn, &v))
				return false;
			segment_add(w, &s, type, v);
		}
		if (close) {
			type = AS_SEQUENCE;
			s.count = NULL;
		}
	}
	wr_len16_close(w, len);
	return true;
}

static bool community(const char *word, uint32_t *ret)
{
	static const struct {
		const char *name;
		uint32_t value;
	} names[] = {
	    {"no-export", 0xffffff01},
	    {"no-advertise", 0xffffff02},
	    {"local-AS", 0xffffff03},
	};
	const char *colon = strchr(word, ':');
	char high[8];
	uint32_t hi, lo;

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		if (strcmp(word, names[i].name) == 0) {
			*ret = names[i].value;
			return true;
		}
	}
	if (!colon || (size_t)(colon - word) >= sizeof high)
		return false;
	memcpy(high, word, (size_t)(colon - word));
	high[colon - word] = 0;
	if (!number(high, &hi) || !number(colon + 1, &lo) || hi > 0xffff ||
	    lo > 0xffff)
		return false;
	*ret = hi << 16 | lo;
	return true;
}

/* Words that are no standard community are left out. */
static void attr_communities(struct wr *w, char *text)
{
	char *save;
	uint32_t v;

	wr_u8(w, OPTIONAL | TRANSITIVE | LONG);
	wr_u8(w, COMMUNITIES);
	uint8_t *len = wr_len16_open(w);
	for (char *word = strtok_r(text, " ", &save); word;
	     word = strtok_r(NULL, " ", &save)) {
		if (community(word, &v))
			wr_u32(w, v);
	}
	wr_len16_close(w, len);
}

/* The attributes of a line; f is at its AS path. */
static bool attributes(struct wr *w, char **f, unsigned n)
{
	uint32_t med;

	if (n < 2)
		return false;
	attr_u8(w, ORIGIN,
	    strcmp(f[1], "IGP") == 0   ? 0
	    : strcmp(f[1], "EGP") == 0 ? 1
				       : 2);
	if (!attr_path(w, f[0]))
		return false;
	/* bgpdump writes 0 where there is no MED. */
	if (n > 4 && number(f[4], &med) && med) {
		wr_u8(w, OPTIONAL);
		wr_u8(w, MED);
		wr_u8(w, 4);
		wr_u32(w, med);
	}
	if (n > 6 && strcmp(f[6], "AG") == 0) {
		wr_u8(w, WELL_KNOWN);
		wr_u8(w, ATOMIC);
		wr_u8(w, 0);
	}
	if (n > 5 && f[5][0])
		attr_communities(w, f[5]);
	return true;
}

static void nlri(struct wr *w, const struct prefix *p)
{
	wr_u8(w, p->len);
	wr_bytes(w, p->addr.b, (p->len + 7u) / 8);
}

/* An UPDATE after its header, of one prefix. */
static bool update(
    struct wr *w, const struct prefix *p, bool withdrawn, char **f, unsigned n)
{
	bool v4 = p->addr.family == FAMILY_IPV4;
	uint8_t *len = wr_len16_open(w);

	if (v4 && withdrawn)
		nlri(w, p);
	wr_len16_close(w, len);
	len = wr_len16_open(w);
	if (!withdrawn && !attributes(w, f, n))
		return false;
	if (!v4) {
		wr_u8(w, OPTIONAL | LONG);
		wr_u8(w, withdrawn ? MP_UNREACH : MP_REACH);
		uint8_t *mp = wr_len16_open(w);
		wr_u16(w, 2);
		wr_u8(w, 1);
		if (!withdrawn)
			wr_u16(w, 0); /* no next hop; reserved */
		nlri(w, p);
		wr_len16_close(w, mp);
	}
	wr_len16_close(w, len);
	if (v4 && !withdrawn)
		nlri(w, p);
	return true;
}

/* A TABLE_DUMP body: the length of the attributes, then they. */
static bool table(struct wr *w, char **f, unsigned n)
{
	uint8_t *len = wr_len16_open(w);
	bool ok = attributes(w, f, n);

	wr_len16_close(w, len);
	return ok;
}

/* ---- lines ------------------------------------------------------------- */

static enum mrt_kind set_body(
    struct mrt *m, struct mrt_record *rec, const struct wr *w, enum mrt_kind k)
{
	if (!wr_ok(w))
		return MRT_DAMAGED; /* no path or community list is as long */
	rec->body = rd_from(m->text, wr_len(w));
	return k;
}

static enum mrt_kind parse_dump_line(
    struct mrt *m, struct mrt_record *rec, char *line)
{
	struct wr w = wr_from(m->text, sizeof m->text);
	char *f[MAX_FIELDS];
	unsigned n = 0;
	struct mrt_peer p;

	while (n < MAX_FIELDS && (f[n] = strsep(&line, "|")) != NULL)
		n++;
	if (n < 6 || !number(f[1], &rec->time_s) || ip_parse(f[3], &p.addr) ||
	    !as_number(f[4], &p.asn))
		return MRT_DAMAGED;
	int64_t peer = mrt_peer_number(m, &p);
	if (peer < 0)
		return MRT_DAMAGED;
	rec->peer = (uint32_t)peer;
	rec->as4 = true;
	rec->type = MRT_TYPE_BGP4MP;
	if (strcmp(f[2], "STATE") == 0)
		return MRT_STATE;
	if (!prefix_text(f[5], &rec->prefix))
		return MRT_DAMAGED;
	if (strcmp(f[2], "W") == 0) {
		(void)update(&w, &rec->prefix, true, NULL, 0);
		return set_body(m, rec, &w, MRT_UPDATE);
	}
	/* With ADD-PATH the path id stands before the AS path. */
	unsigned at = strstr(f[0], "_AP") ? 7 : 6;
	if (n <= at)
		return MRT_DAMAGED;
	if (strcmp(f[2], "A") == 0) {
		if (!update(&w, &rec->prefix, false, f + at, n - at))
			return MRT_DAMAGED;
		return set_body(m, rec, &w, MRT_UPDATE);
	}
	if (strcmp(f[2], "B") != 0)
		return MRT_SKIPPED;
	rec->type = MRT_TYPE_TABLE_DUMP;
	rec->paths = 1;
	if (!table(&w, f + at, n - at))
		return MRT_DAMAGED;
	return set_body(m, rec, &w, MRT_RIB);
}

static enum mrt_kind parse_list_line(
    struct mrt *m, struct mrt_record *rec, char *line)
{
	static const struct mrt_peer nobody;
	struct wr w = wr_from(m->text, sizeof m->text);
	char *save;
	char *prefix = strtok_r(line, " \t,", &save);
	char *origin = strtok_r(NULL, " \t,", &save);
	uint32_t asn;

	if (!prefix || !origin || !prefix_text(prefix, &rec->prefix) ||
	    !as_number(origin, &asn))
		return MRT_DAMAGED;
	if (m->n_peers == 0 && mrt_peer_add(m, &nobody))
		return MRT_DAMAGED;
	rec->type = MRT_TYPE_TABLE_DUMP;
	rec->as4 = true;
	rec->paths = 1;
	uint8_t *len = wr_len16_open(&w);
	attr_u8(&w, ORIGIN, 0);
	wr_u8(&w, WELL_KNOWN);
	wr_u8(&w, AS_PATH);
	wr_u8(&w, 6);
	wr_u8(&w, AS_SEQUENCE);
	wr_u8(&w, 1);
	wr_u32(&w, asn);
	wr_len16_close(&w, len);
	return set_body(m, rec, &w, MRT_RIB);
}

/* 1 and the next line without its end, 0 at the end, or -errno. */
static int next_line(struct mrt *m, char **ret)
{
	size_t want = 1024;
	uint8_t *end;

	for (;;) {
		int there = mrt_fill(m, want);

		if (there < 0)
			return there;
		uint8_t *p = m->buf + m->from;
		size_t n = m->to - m->from;
		end = memchr(p, '\n', n);
		if (end) {
			*end = 0;
			m->from += (size_t)(end - p) + 1;
			m->at += (size_t)(end - p) + 1;
			*ret = (char *)p;
			return 1;
		}
		if (m->eof)
			break;
		if (n >= MAX_LINE)
			return mrt_fail(m, -EBADMSG,
			    "line %llu is longer than %d bytes: this is "
			    "neither MRT nor a list of prefixes",
			    (unsigned long long)m->count + 1, MAX_LINE);
		want = n + 1024;
	}
	if (m->err)
		return mrt_cut_short(m, "line");
	if (m->from == m->to)
		return 0;
	/* The last line has no end: give it one. */
	m->eof = false;
	int there = mrt_fill(m, m->to - m->from + 1);
	m->eof = true;
	if (there < 0)
		return there;
	m->buf[m->to++] = '\n';
	return next_line(m, ret);
}

int mrt_next_line(struct mrt *m, struct mrt_record *rec)
{
	char *line = NULL;

	for (;;) {
		*rec = (struct mrt_record){.number = m->count + 1, .at = m->at};
		int there = next_line(m, &line);

		if (there <= 0)
			return there;
		m->count++;
		line += strspn(line, " \t\r");
		size_t n = strlen(line);
		while (n && strchr("\r \t", line[n - 1]))
			line[--n] = 0;
		if (n && line[0] != '#' && line[0] != ';')
			break;
	}
	rec->kind = m->format == MRT_FORMAT_LINES
			? parse_dump_line(m, rec, line)
			: parse_list_line(m, rec, line);
	return 1;
}

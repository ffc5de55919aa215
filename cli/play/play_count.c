/* Counting; see play_count.h. */
#include "cli/play/play_count.h"

#include "base/attr.h"
#include "base/clock.h"
#include "base/json.h"
#include "cli/cli.h"
#include "cli/mrt/mrt.h"
#include "cli/play/play_book.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	RIB,
	ANNOUNCED,
	WITHDRAWN,
	KINDS
};

struct per_peer {
	uint64_t routes[KINDS];
	uint64_t states;
};

struct counts {
	struct mrt *mrt;
	struct play_book *book; /* for distinct prefixes */
	uint64_t records;
	uint64_t by_kind[MRT_DAMAGED + 1];
	uint64_t routes[KINDS][FAMILY_COUNT];
	uint64_t unusable;
	uint32_t first_s, last_s;
	struct per_peer *peer;
	size_t n_peer;
};

static struct per_peer *peer_of(struct counts *c, uint32_t number)
{
	if (number >= 65536)
		return NULL;
	if (number >= c->n_peer) {
		size_t n = (size_t)number + 64;
		struct per_peer *p = realloc(c->peer, n * sizeof *p);

		if (!p)
			return NULL;
		memset(p + c->n_peer, 0, (n - c->n_peer) * sizeof *p);
		c->peer = p;
		c->n_peer = n;
	}
	return &c->peer[number];
}

static bool count_routes(struct counts *c, const struct mrt_record *rec)
{
	struct mrt_walk w = mrt_walk(rec);
	struct mrt_route r;
	bool new;

	while (mrt_walk_next(&w, &r)) {
		unsigned kind = r.kind == MRT_ROUTE_PATH	? RIB
				: r.kind == MRT_ROUTE_ANNOUNCED ? ANNOUNCED
								: WITHDRAWN;
		struct per_peer *p = peer_of(c, r.peer);

		c->routes[kind][r.prefix.addr.family]++;
		if (p)
			p->routes[kind]++;
		if (!r.usable)
			c->unusable++;
		else if (!play_book_route(c->book, &r.prefix, &new))
			return false;
	}
	if (w.damaged)
		c->by_kind[MRT_DAMAGED]++;
	return true;
}

/* Reads all; false without memory. */
static bool count_all(struct counts *c)
{
	struct mrt_record r;

	while (mrt_next(c->mrt, &r) > 0) {
		c->records++;
		c->by_kind[r.kind]++;
		if (r.time_s && (!c->first_s || r.time_s < c->first_s))
			c->first_s = r.time_s;
		if (r.time_s > c->last_s)
			c->last_s = r.time_s;
		if (r.kind == MRT_STATE) {
			struct per_peer *p = peer_of(c, r.peer);
			if (p)
				p->states++;
		}
		if (r.kind != MRT_RIB && r.kind != MRT_UPDATE)
			continue;
		if (!count_routes(c, &r))
			return false;
	}
	return true;
}

/* ---- output ------------------------------------------------------------ */

static const char *const kind_names[KINDS] = {
    "rib_entries", "announced", "withdrawn"};

static void json_families(
    struct json *j, const char *key, const uint64_t n[FAMILY_COUNT])
{
	json_open_object(j, key);
	for (unsigned f = 0; f < FAMILY_COUNT; f++)
		json_u64(j, family_name((enum family)f), n[f]);
	json_close_object(j);
}

static void json_time(struct json *j, const char *key, uint32_t s)
{
	char text[CLOCK_RFC3339_LEN];

	if (!s) {
		json_null(j, key);
		return;
	}
	clock_rfc3339(s, text);
	json_string(j, key, text);
}

static void write_json(const struct counts *c, const char *path)
{
	size_t cap = 4096 + strlen(path) * 6 + mrt_peers(c->mrt) * 256;
	char *buf = malloc(cap), text[IP_TEXT];
	struct json j;

	if (!buf)
		return;
	json_init(&j, buf, cap);
	json_open_object(&j, NULL);
	json_string(&j, "file", path);
	json_string(&j, "format", mrt_format(c->mrt));
	json_u64(&j, "records", c->records);
	for (unsigned k = 0; k < KINDS; k++)
		json_families(&j, kind_names[k], c->routes[k]);
	json_u64(&j, "state_changes", c->by_kind[MRT_STATE]);
	json_u64(&j, "other_messages", c->by_kind[MRT_OTHER]);
	json_u64(&j, "skipped_records", c->by_kind[MRT_SKIPPED]);
	json_u64(&j, "damaged_records", c->by_kind[MRT_DAMAGED]);
	json_u64(&j, "unusable_routes", c->unusable);
	const uint64_t prefixes[FAMILY_COUNT] = {
	    play_book_prefixes(c->book, FAMILY_IPV4),
	    play_book_prefixes(c->book, FAMILY_IPV6)};
	json_families(&j, "prefixes", prefixes);
	json_time(&j, "first", c->first_s);
	json_time(&j, "last", c->last_s);
	const char *trouble = mrt_error(c->mrt);
	json_string(&j, "error", trouble[0] ? trouble : NULL);
	json_open_list(&j, "peers");
	for (size_t i = 0; i < mrt_peers(c->mrt); i++) {
		const struct mrt_peer *p = mrt_peer(c->mrt, i);
		struct per_peer none = {0};
		const struct per_peer *n = i < c->n_peer ? &c->peer[i] : &none;

		json_open_object(&j, NULL);
		json_u64(&j, "peer", i);
		json_u64(&j, "asn", p->asn);
		json_string(&j, "address", ip_format(&p->addr, text));
		for (unsigned k = 0; k < KINDS; k++)
			json_u64(&j, kind_names[k], n->routes[k]);
		json_u64(&j, "state_changes", n->states);
		json_close_object(&j);
	}
	json_close_list(&j);
	json_close_object(&j);
	if (json_ok(&j))
		printf("%.*s\n", (int)j.len, buf);
	free(buf);
}

static void write_row(const char *what, const uint64_t n[FAMILY_COUNT])
{
	if (n[FAMILY_IPV4] + n[FAMILY_IPV6])
		printf("%-16s %12llu IPv4 %12llu IPv6\n", what,
		    (unsigned long long)n[FAMILY_IPV4],
		    (unsigned long long)n[FAMILY_IPV6]);
}

static void write_number(const char *what, uint64_t n)
{
	if (n)
		printf("%-16s %12llu\n", what, (unsigned long long)n);
}

static void write_peers(const struct counts *c)
{
	char text[IP_TEXT];

	if (mrt_peers(c->mrt) == 0 || mrt_peer(c->mrt, 0)->asn == 0)
		return;
	printf("\n%5s %10s  %-39s %10s %10s %10s\n", "peer", "ASN", "address",
	    "table", "announced", "withdrawn");
	for (size_t i = 0; i < mrt_peers(c->mrt); i++) {
		const struct mrt_peer *p = mrt_peer(c->mrt, i);
		struct per_peer none = {0};
		const struct per_peer *n = i < c->n_peer ? &c->peer[i] : &none;

		printf("%5zu %10u  %-39s %10llu %10llu %10llu\n", i, p->asn,
		    ip_format(&p->addr, text),
		    (unsigned long long)n->routes[RIB],
		    (unsigned long long)n->routes[ANNOUNCED],
		    (unsigned long long)n->routes[WITHDRAWN]);
	}
}

static void write_text(const struct counts *c)
{
	const uint64_t prefixes[FAMILY_COUNT] = {
	    play_book_prefixes(c->book, FAMILY_IPV4),
	    play_book_prefixes(c->book, FAMILY_IPV6)};

	printf("%-16s %12s\n", "format", mrt_format(c->mrt));
	printf("%-16s %12llu\n", "records", (unsigned long long)c->records);
	write_row("table entries", c->routes[RIB]);
	write_row("announced", c->routes[ANNOUNCED]);
	write_row("withdrawn", c->routes[WITHDRAWN]);
	write_row("prefixes", prefixes);
	write_number("state changes", c->by_kind[MRT_STATE]);
	write_number("other messages", c->by_kind[MRT_OTHER]);
	write_number("skipped records", c->by_kind[MRT_SKIPPED]);
	write_number("damaged records", c->by_kind[MRT_DAMAGED]);
	write_number("unusable routes", c->unusable);
	write_peers(c);
}

int play_count(const char *path, bool json)
{
	struct counts c = {.book = play_book_new()};
	char error[MRT_ERROR];
	int code = CLI_DONE;

	if (!c.book || mrt_open(path, &c.mrt, error)) {
		(void)fprintf(stderr, "spean play: %s\n",
		    c.book ? error : "out of memory");
		play_book_free(c.book);
		return CLI_FAILED;
	}
	if (!count_all(&c)) {
		(void)fprintf(stderr, "spean play: out of memory\n");
		code = CLI_FAILED;
	} else {
		if (json)
			write_json(&c, path);
		else
			write_text(&c);
	}
	if (mrt_error(c.mrt)[0]) {
		(void)fflush(stdout);
		(void)fprintf(stderr, "spean play: %s\n", mrt_error(c.mrt));
		code = CLI_NO;
	}
	mrt_close(c.mrt);
	play_book_free(c.book);
	free(c.peer);
	return code;
}

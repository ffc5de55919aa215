/*
 * The engine under a session role that was taken over: any records in any
 * order, any cursors.  It must neither crash nor stop, and what it publishes
 * stays whole messages inside their chunks.
 */
#include "fuzz.h"

#include "base/clock.h"
#include "exchange/exchange.h"

#include <string.h>

#define CHUNKS 6
#define AREA (FEED_CHUNKS_AT + (size_t)CHUNKS * FEED_CHUNK)

static const char *const texts[2] = {
    "exchange \"X\" { asn 64500; router-id 192.0.2.1; stale-time 60s;"
    " listen 192.0.2.1, 2001:db8:100::1;"
    " lan 192.0.2.0/24, 2001:db8:100::/64; }\n"
    "policy { preset open; }\n"
    "member \"A\" { asn 64501; at 192.0.2.11, 2001:db8:100::11; }\n"
    "member \"B\" { asn 64502; at 192.0.2.12; max-prefix 20, 20; }\n"
    "member \"C\" { asn 4200000003; at 192.0.2.13;"
    " unknown-attributes withdraw; }\n",
    "exchange \"X\" { asn 64500; router-id 192.0.2.1;"
    " listen 192.0.2.1, 2001:db8:100::1;"
    " lan 192.0.2.0/24, 2001:db8:100::/64; }\n"
    "policy { preset strict; }\n"
    "member \"A\" { asn 64501; at 192.0.2.11, 2001:db8:100::11; }\n"
    "member \"C\" { asn 4200000003; at 192.0.2.13; }\n",
};

static struct conf *confs[2];
static struct feed_shared *area;
static struct feed_cursors *cursors;

static void start_once(void)
{
	if (area)
		return;
	for (int i = 0; i < 2; i++) {
		struct conf_error *errors = NULL;
		size_t n = 0;

		PROPERTY(!conf_parse(
		    texts[i], strlen(texts[i]), &confs[i], &errors, &n));
		free(errors);
	}
	area = aligned_alloc(FEED_CHUNK, AREA);
	cursors = calloc(1, sizeof *cursors);
	PROPERTY(area && cursors);
}

static bool take(void *arg, enum feed_type type, uint32_t slot,
    uint32_t incarnation, const void *data, size_t n)
{
	struct rd *r = arg;

	(void)incarnation;
	PROPERTY(type >= FEED_JOIN && type <= FEED_SEND && slot < FEED_SLOTS);
	PROPERTY(data && n && n <= 131072);
	return rd_u8(r) != 0xee; /* now and then there is no room */
}

/* ---- what is published --------------------------------------------------- */

static void check_messages(const uint8_t *p, size_t n)
{
	while (n) {
		enum bgp_type type;
		struct bgp_notify no;

		PROPERTY(n >= BGP_HEADER);
		size_t len = bgp_header(p, BGP_MAX_EXTENDED, &type, &no);
		PROPERTY(len && len <= n);
		p += len;
		n -= len;
	}
}

static void check_chunk(struct feed_chunk *c)
{
	uint32_t used = atomic_load(&c->used);
	struct feed_entry e;

	PROPERTY(used <= sizeof c->data);
	for (size_t at = 0; at < used;) {
		PROPERTY(used - at >= sizeof e);
		memcpy(&e, c->data + at, sizeof e);
		PROPERTY(e.len <= used - at - sizeof e);
		if (e.kind == FEED_ENTRY_ROUTES) {
			PROPERTY(e.mask + e.mask_words * 8u <= used);
			check_messages(c->data + at + sizeof e, e.len);
		}
		at += (sizeof e + e.len + 7) & ~(size_t)7;
	}
}

static void check_area(void)
{
	for (uint32_t i = 0; i < CHUNKS; i++)
		check_chunk((struct feed_chunk *)(void *)((uint8_t *)area +
							  FEED_CHUNKS_AT +
							  i * FEED_CHUNK));
}

/* ---- records ------------------------------------------------------------- */

/* A session as it should be, from a few bytes. */
static void honest_up(struct rd *r, struct feed_up *up)
{
	static const char *const addrs[] = {"192.0.2.11", "2001:db8:100::11",
	    "192.0.2.12", "192.0.2.13", "192.0.2.99"};
	static const uint32_t asns[] = {64501, 64501, 64502, 4200000003, 64509};
	unsigned who = rd_u8(r) % 5;
	unsigned bits = rd_u8(r);

	memset(up, 0, sizeof *up);
	PROPERTY(!ip_parse(addrs[who], &up->peer));
	up->asn = up->open.asn = asns[who];
	up->id = up->open.id = 1 + who;
	up->hold_s = 90;
	up->families = up->open.families = bits & 1 ? 3 : who == 1 ? 2 : 1;
	up->as4 = bits & 2;
	up->extended = bits & 4;
	up->refresh = up->enhanced_refresh = bits & 8;
	up->add_path_rx = bits & 16 ? up->families : 0;
	up->add_path_tx = bits & 32 ? up->families : 0;
	up->next_hop6 = bits & 64 ? 1 : 0;
	up->open.gr = bits & 128;
	up->open.gr_time_s = 20;
	up->open.gr_families = up->open.gr_forwarding = up->families;
	up->open.llgr_families = bits & 32 ? up->families : 0;
}

static void give(struct exchange *x, uint32_t type, struct rd *r,
    const void *data, size_t n, uint64_t now)
{
	uint32_t slot = rd_u8(r) % 8;
	uint32_t incarnation = rd_u8(r) % 4;
	uint8_t *exact;

	if (slot == 7)
		slot = FEED_SLOTS + incarnation * 0x1000000u;
	exact = malloc(n + !n);
	if (!exact)
		return;
	if (n)
		memcpy(exact, data, n);
	exchange_record(x, type, slot, incarnation, exact, n, now);
	free(exact);
}

/* The next record's payload: as long as the input says and has. */
static struct bytes payload(struct rd *r)
{
	size_t n = rd_u16(r);

	if (n > rd_left(r))
		n = rd_left(r);
	return (struct bytes){rd_take(r, n), n};
}

static void hostile_cursor(struct rd *r)
{
	unsigned slot = rd_u8(r) % 8;
	unsigned journal = rd_u8(r) % FEED_JOURNALS;
	unsigned how = rd_u8(r);
	uint64_t to = how & 1	? UINT64_MAX
		      : how & 2 ? rd_u64(r)
				: FEED_AT(rd_u8(r), rd_u16(r));

	atomic_store(&cursors->at[slot][journal], to);
	if (how & 4)
		atomic_store(&cursors->sent[slot], rd_u64(r));
}

static uint64_t pass_time(struct exchange *x, struct rd *r, uint64_t now)
{
	now += (uint64_t)rd_u8(r) * 50 * NS_PER_MS;
	for (unsigned i = 0; i < 8 && exchange_work(x, now, NS_PER_MS); i++)
		;
	exchange_flush(x, now);
	check_area();
	return now;
}

static void attach(struct exchange *x, struct rd *r, uint64_t now)
{
	const struct exchange_out out = {.send = take, .arg = r};

	memset(area, 0, FEED_CHUNKS_AT);
	for (size_t i = 0; i < CHUNKS; i++) /* used == 0 */
		memset((uint8_t *)area + FEED_CHUNKS_AT + i * FEED_CHUNK, 0,
		    sizeof(struct feed_chunk) -
			sizeof((struct feed_chunk *)0)->data);
	for (unsigned s = 0; s < 8; s++)
		for (unsigned j = 0; j < FEED_JOURNALS; j++)
			atomic_store(&cursors->at[s][j], UINT64_MAX);
	exchange_attach(x, area, AREA, cursors, &out, now);
}

static uint64_t step(struct exchange *x, struct rd *r, uint64_t now)
{
	struct feed_up up;
	struct bytes b;
	uint8_t op = rd_u8(r);

	switch (op % 10) {
	case 0:
		honest_up(r, &up);
		give(x, FEED_UP, r, &up, sizeof up, now);
		break;
	case 1: /* a dishonest one */
		memset(&up, 0, sizeof up);
		b = payload(r);
		memcpy(&up, b.p ? b.p : (const uint8_t *)"",
		    b.n < sizeof up ? b.n : sizeof up);
		give(x, FEED_UP, r, &up, sizeof up, now);
		break;
	case 2:
	case 3:
	case 4:
		b = payload(r);
		if (exchange_ready(x))
			give(x, FEED_UPDATE, r, b.p, b.n, now);
		break;
	case 5:
		b = payload(r);
		give(x, rd_u8(r) % 8, r, b.p, b.n, now);
		break;
	case 6:
		hostile_cursor(r);
		break;
	case 7:
		if (op & 64) {
			exchange_detach(x, now);
			attach(x, r, now);
		} else {
			PROPERTY(!exchange_reload(x, confs[op & 1], now));
		}
		break;
	default:
		now = pass_time(x, r, now);
	}
	return now;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct rd r = rd_from(data, n);
	struct exchange *x = NULL;
	uint64_t now = NS_PER_S;

	start_once();
	uint8_t first = rd_u8(&r);
	PROPERTY(!exchange_new(confs[first & 1], first & 2, now, &x));
	attach(x, &r, now);
	for (unsigned steps = 0; rd_left(&r) && steps < 400; steps++)
		now = step(x, &r, now);
	for (unsigned i = 0; i < 8; i++) {
		now += 30 * NS_PER_S;
		exchange_work(x, now, 10 * NS_PER_MS);
		exchange_flush(x, now);
	}
	check_area();
	exchange_detach(x, now);
	exchange_free(x);
	return 0;
}

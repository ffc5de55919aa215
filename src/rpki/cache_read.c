/* What a cache says, PDU by PDU. */
#include "rpki/cache_internal.h"

#include "base/clock.h"
#include "base/must.h"

#include <stdlib.h>
#include <string.h>

void batch_clear(struct cache *c)
{
	free(c->vrp);
	free(c->aspa);
	c->vrp = NULL;
	c->aspa = NULL;
	c->n_vrp = c->cap_vrp = 0;
	c->n_aspa = c->cap_aspa = 0;
	c->n_keys = c->n_keys_gone = 0;
	c->ended = false;
}

/* Room for n more of width bytes; NULL: too many, or no memory. */
static void *grow(
    void *p, size_t used, size_t n, size_t *cap, size_t width, size_t max)
{
	size_t want = *cap ? *cap * 2 : 1024;

	if (used + n <= *cap)
		return p;
	if (used + n > max)
		return NULL;
	while (want < used + n)
		want *= 2;
	p = realloc(p, want * width);
	if (p)
		*cap = want;
	return p;
}

static enum cache_event too_many(struct cache *c)
{
	static const struct bytes none;

	c->has_session = false;
	return cache_complain(
	    c, PDU_INTERNAL, none, "more records than this router takes");
}

static enum cache_event corrupt(
    struct cache *c, struct bytes pdu, const char *text)
{
	c->has_session = false;
	return cache_complain(c, PDU_CORRUPT, pdu, text);
}

/* ---- records ----------------------------------------------------------- */

static enum cache_event on_prefix(struct cache *c, struct bytes pdu)
{
	struct pdu_vrp *more = grow(
	    c->vrp, c->n_vrp, 1, &c->cap_vrp, sizeof *c->vrp, CACHE_VRPS_MAX);

	if (!more)
		return too_many(c);
	c->vrp = more;
	if (pdu_read_vrp(pdu, &c->vrp[c->n_vrp]) != PDU_FINE)
		return corrupt(c, pdu, "a prefix that cannot be");
	c->n_vrp++;
	return CACHE_NOTHING;
}

/* What an ASPA PDU says, in either of its forms. */
struct aspa_head {
	bool announce;
	bool skip;
	uint32_t customer;
	uint32_t n; /* providers that follow */
};

/*
 * The draft up to its tenth revision, and caches in the field, have flags,
 * family and count in a word of their own, and one PDU a family; today's has
 * the flags in the header, and nothing but the customer in a withdrawal.  So
 * a PDU without flags that goes on behind the customer is of the old form.
 * Caches give both families the same list: the IPv4 one is taken.
 */
static bool aspa_head(
    const struct pdu_header *h, struct rd *r, struct aspa_head *ret)
{
	struct aspa_head a = {.announce = h->session >> 8 & 1};

	rd_skip(r, PDU_HEADER);
	if (h->session || h->len < PDU_HEADER + 8) {
		a.customer = rd_u32(r);
	} else {
		a.announce = rd_u8(r) & 1;
		a.skip = rd_u8(r) & 1;
		a.n = rd_u16(r);
		a.customer = rd_u32(r);
		if (a.n != rd_left(r) / 4)
			return false;
	}
	a.n = (uint32_t)(rd_left(r) / 4);
	*ret = a;
	return rd_ok(r);
}

static enum cache_event on_aspa(
    struct cache *c, const struct pdu_header *h, struct bytes pdu)
{
	struct rd r = rd_from(pdu.p, pdu.n);
	struct aspa_head a;

	if (!aspa_head(h, &r, &a))
		return corrupt(c, pdu, "an ASPA whose count is wrong");
	if (a.skip)
		return CACHE_NOTHING;
	if (a.announce && !a.n) {
		c->has_session = false;
		return cache_complain(
		    c, PDU_ASPA_PROVIDERS, pdu, "an ASPA without providers");
	}
	if (!a.announce)
		a.n = 0;
	uint32_t *more = grow(c->aspa, c->n_aspa, a.n + 2, &c->cap_aspa,
	    sizeof *c->aspa, CACHE_ASPA_WORDS_MAX);
	if (!more)
		return too_many(c);
	c->aspa = more;
	c->aspa[c->n_aspa++] = a.customer;
	c->aspa[c->n_aspa++] = a.announce ? a.n : CACHE_ASPA_GONE;
	for (uint32_t i = 0; i < a.n; i++)
		c->aspa[c->n_aspa++] = rd_u32(&r);
	return CACHE_NOTHING;
}

/* ---- the conversation -------------------------------------------------- */

static enum cache_event on_response(
    struct cache *c, const struct pdu_header *h, struct bytes pdu)
{
	if (c->phase != CACHE_ASKED)
		return corrupt(c, pdu, "a response that nobody asked for");
	if (c->asked_serial && h->session != c->session)
		return corrupt(c, pdu, "another session id");
	c->new_session = h->session;
	c->phase = CACHE_LOADING;
	batch_clear(c);
	return CACHE_NOTHING;
}

static enum cache_event on_end(
    struct cache *c, const struct pdu_header *h, struct bytes pdu)
{
	if (h->session != c->new_session)
		return corrupt(c, pdu, "another session id");
	pdu_read_end(pdu, &c->end);
	c->session = c->new_session;
	c->ended = true;
	return CACHE_DATA;
}

/* It cannot tell us the difference: then all of it. */
static enum cache_event on_reset(
    struct cache *c, struct bytes pdu, uint64_t now_ns)
{
	if (c->phase != CACHE_ASKED && c->phase != CACHE_LOADING)
		return corrupt(c, pdu, "a reset that nobody asked for");
	if (!c->asked_serial && c->phase == CACHE_ASKED)
		return corrupt(c, pdu, "a reset instead of all data");
	c->has_session = false;
	return cache_ask(c, now_ns);
}

static enum cache_event on_notify(struct cache *c, const struct pdu_header *h,
    struct bytes pdu, uint64_t now_ns)
{
	struct rd r = rd_from(pdu.p, pdu.n);

	rd_skip(&r, PDU_HEADER);
	c->notified_serial = rd_u32(&r);
	if (c->phase == CACHE_WAITING) {
		return cache_ask_soon(c, now_ns);
	} else if (c->phase != CACHE_SYNCED) {
		c->notified = true;
	} else if (h->session != c->session) {
		return corrupt(c, pdu, "another session id");
	} else if (c->notified_serial != c->serial) {
		return cache_ask_soon(c, now_ns);
	}
	return CACHE_NOTHING;
}

static enum cache_event on_error(struct cache *c, const struct pdu_header *h,
    struct bytes pdu, uint64_t now_ns)
{
	char text[100];
	bool readable = pdu_read_error(pdu, text, sizeof text);
	unsigned code = h->session;

	cache_fail(c, "the cache reports error %u, %s%s%s", code,
	    pdu_error_text(code), text[0] ? ": " : "", text);
	if (code == PDU_NO_DATA && readable) {
		batch_clear(c);
		c->phase = CACHE_WAITING;
		c->due_ns = now_ns + c->retry_s * NS_PER_S;
		return CACHE_NOTHING;
	}
	if (code == PDU_BAD_VERSION && !c->negotiated && c->version) {
		uint8_t next = (uint8_t)(c->version - 1);

		cache_fall_back(c, h->version < next ? h->version : next);
		c->at_once = true;
	} else if (code != PDU_INTERNAL) {
		c->has_session = false; /* start afresh */
	}
	c->phase = CACHE_CLOSING;
	return CACHE_CLOSE;
}

/*
 * RFC 8210 s7: the answer to the first question says which version it is to
 * be; what comes before that counts for nothing.
 */
static enum cache_event version_of(
    struct cache *c, const struct pdu_header *h, struct bytes pdu)
{
	if (c->negotiated && h->version == c->version)
		return CACHE_NOTHING;
	if (!c->negotiated && h->version <= c->version &&
	    (h->type == PDU_CACHE_RESPONSE || h->type == PDU_CACHE_RESET)) {
		if (h->version != c->version && c->asked_serial) {
			/* That session id was another version's. */
			c->has_session = false;
			c->at_once = true;
			cache_fall_back(c, h->version);
			cache_fail(
			    c, "the cache answers with version %u", h->version);
			c->phase = CACHE_CLOSING;
			return CACHE_CLOSE;
		}
		c->version = h->version;
		c->negotiated = true;
		return CACHE_NOTHING;
	}
	c->has_session = false;
	return cache_complain(c,
	    c->version ? PDU_UNEXPECTED_VERSION : PDU_BAD_VERSION, pdu,
	    "not the version that was agreed on");
}

static enum cache_event on_pdu(struct cache *c, const struct pdu_header *h,
    struct bytes pdu, uint64_t now_ns)
{
	enum cache_event e;

	if (h->type == PDU_ERROR)
		return on_error(c, h, pdu, now_ns);
	if (h->type == PDU_SERIAL_NOTIFY && !c->negotiated)
		return CACHE_NOTHING;
	e = version_of(c, h, pdu);
	if (e != CACHE_NOTHING)
		return e;
	switch (h->type) {
	case PDU_SERIAL_NOTIFY:
		return on_notify(c, h, pdu, now_ns);
	case PDU_CACHE_RESPONSE:
		return on_response(c, h, pdu);
	case PDU_CACHE_RESET:
		return on_reset(c, pdu, now_ns);
	default:
		break;
	}
	if (c->phase != CACHE_LOADING || c->ended)
		return corrupt(c, pdu, "a record outside a response");
	switch (h->type) {
	case PDU_IPV4_PREFIX:
	case PDU_IPV6_PREFIX:
		return on_prefix(c, pdu);
	case PDU_ASPA:
		return on_aspa(c, h, pdu);
	case PDU_ROUTER_KEY: /* counted: BGPsec is not spoken here */
		if (c->n_keys + c->n_keys_gone >= CACHE_KEYS_MAX)
			return too_many(c);
		if (h->session >> 8 & 1)
			c->n_keys++;
		else
			c->n_keys_gone++;
		return CACHE_NOTHING;
	default:
		return on_end(c, h, pdu);
	}
}

/* ---- bytes ------------------------------------------------------------- */

static bool keep(struct cache *c, const void *bytes, size_t n)
{
	if (!n)
		return true;
	if (c->n_in + n > c->cap_in) {
		size_t cap = c->n_in + n + 4096;
		uint8_t *more = realloc(c->in, cap);

		if (!more)
			return false;
		c->in = more;
		c->cap_in = cap;
	}
	memcpy(c->in + c->n_in, bytes, n);
	c->n_in += n;
	return true;
}

static enum cache_event bad_pdu(
    struct cache *c, enum pdu_error fault, struct bytes rest)
{
	c->has_session = false;
	/* An Error Report is never answered with one. */
	if (rest.p[1] == PDU_ERROR) {
		cache_fail(c, "the cache sent an error that cannot be read");
		c->phase = CACHE_CLOSING;
		return CACHE_CLOSE;
	}
	return cache_complain(c, fault, rest,
	    fault == PDU_CORRUPT ? "a length that cannot be"
				 : "not for a router");
}

enum cache_event cache_input(
    struct cache *c, const void *bytes, size_t n, uint64_t now_ns)
{
	enum cache_event e = CACHE_NOTHING;
	struct pdu_header h;
	size_t at = 0;

	if (c->phase == CACHE_IDLE || c->phase == CACHE_CONNECTING ||
	    c->phase == CACHE_CLOSING)
		return CACHE_NOTHING;
	c->heard |= n > 0;
	if (!keep(c, bytes, n))
		return too_many(c);
	if (n && (c->phase == CACHE_ASKED || c->phase == CACHE_LOADING)) {
		cache_wait(c, now_ns);
		if (now_ns > c->answer_by_ns)
			c->due_ns = now_ns;
	}
	if (!c->n_in)
		return CACHE_NOTHING;
	while (e == CACHE_NOTHING) {
		struct bytes rest = {c->in + at, c->n_in - at};

		if (!pdu_header(rest, &h))
			break;
		enum pdu_error fault = pdu_check(&h);
		if (fault != PDU_FINE) {
			e = bad_pdu(c, fault, rest);
			break;
		}
		if (h.len > rest.n)
			break;
		rest.n = h.len;
		at += h.len;
		e = on_pdu(c, &h, rest, now_ns);
	}
	c->n_in -= at;
	memmove(c->in, c->in + at, c->n_in);
	return e;
}

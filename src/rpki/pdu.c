#include "rpki/pdu.h"

#include <string.h>

static const char *const errors[] = {
    [PDU_CORRUPT] = "corrupt data",
    [PDU_INTERNAL] = "internal error",
    [PDU_NO_DATA] = "no data available",
    [PDU_INVALID_REQUEST] = "invalid request",
    [PDU_BAD_VERSION] = "unsupported protocol version",
    [PDU_BAD_TYPE] = "unsupported PDU type",
    [PDU_UNKNOWN_WITHDRAWAL] = "withdrawal of an unknown record",
    [PDU_DUPLICATE] = "duplicate announcement",
    [PDU_UNEXPECTED_VERSION] = "unexpected protocol version",
    [PDU_ASPA_PROVIDERS] = "ASPA provider list error",
};

const char *pdu_error_text(unsigned code)
{
	if (code < sizeof errors / sizeof *errors)
		return errors[code];
	return "an unknown error";
}

bool pdu_header(struct bytes in, struct pdu_header *ret)
{
	struct rd r = rd_from(in.p, in.n);
	struct pdu_header h;

	h.version = rd_u8(&r);
	h.type = rd_u8(&r);
	h.session = rd_u16(&r);
	h.len = rd_u32(&r);
	if (!rd_ok(&r))
		return false;
	*ret = h;
	return true;
}

/* What a cache sends: since which version, and how long it is. */
struct shape {
	bool known;
	uint8_t since;
	uint32_t min;
	uint32_t max;
};

static const struct shape shapes[] = {
    [PDU_SERIAL_NOTIFY] = {true, 0, 12, 12},
    [PDU_CACHE_RESPONSE] = {true, 0, 8, 8},
    [PDU_IPV4_PREFIX] = {true, 0, 20, 20},
    [PDU_IPV6_PREFIX] = {true, 0, 32, 32},
    [PDU_END_OF_DATA] = {true, 0, 12, 24}, /* and see below */
    [PDU_CACHE_RESET] = {true, 0, 8, 8},
    [PDU_ROUTER_KEY] = {true, 1, 32, 4096},
    [PDU_ERROR] = {true, 0, 16, PDU_MAX},
    [PDU_ASPA] = {true, 2, 12, PDU_MAX},
};

enum pdu_error pdu_check(const struct pdu_header *h)
{
	static const struct shape none;
	const struct shape *s =
	    h->type < sizeof shapes / sizeof *shapes ? &shapes[h->type] : &none;

	if (h->type == PDU_SERIAL_QUERY || h->type == PDU_RESET_QUERY)
		return PDU_INVALID_REQUEST;
	if (!s->known || s->since > h->version)
		return PDU_BAD_TYPE;
	if (h->len < s->min || h->len > s->max)
		return PDU_CORRUPT;
	if (h->type == PDU_END_OF_DATA && h->len != (h->version ? 24u : 12u))
		return PDU_CORRUPT;
	if (h->type == PDU_ASPA && h->len % 4)
		return PDU_CORRUPT;
	return PDU_FINE;
}

struct vrp pdu_vrp(const struct pdu_vrp *p)
{
	struct vrp v = {.asn = p->asn, .max_len = p->max_len};

	memcpy(v.prefix.addr.b, p->addr, sizeof p->addr);
	v.prefix.addr.family = p->family;
	v.prefix.len = p->len;
	return v;
}

enum pdu_error pdu_read_vrp(struct bytes pdu, struct pdu_vrp *ret)
{
	struct rd r = rd_from(pdu.p, pdu.n);
	struct pdu_vrp v = {0};

	rd_skip(&r, 1);
	v.family = rd_u8(&r) == PDU_IPV4_PREFIX ? FAMILY_IPV4 : FAMILY_IPV6;
	rd_skip(&r, PDU_HEADER - 2);
	v.announce = rd_u8(&r) & 1;
	v.len = rd_u8(&r);
	v.max_len = rd_u8(&r);
	rd_skip(&r, 1);
	rd_copy(&r, v.addr, family_bytes(v.family));
	v.asn = rd_u32(&r);
	if (!rd_done(&r) || v.len > v.max_len ||
	    v.max_len > family_bits(v.family))
		return PDU_CORRUPT;
	struct vrp all = pdu_vrp(&v);
	struct prefix masked = prefix_of(&all.prefix.addr, v.len);
	if (!prefix_eq(&masked, &all.prefix))
		return PDU_CORRUPT; /* bits beyond its length */
	*ret = v;
	return PDU_FINE;
}

static uint32_t bounded(uint32_t v, uint32_t min, uint32_t max)
{
	return v < min ? min : v > max ? max : v;
}

void pdu_read_end(struct bytes pdu, struct pdu_end *ret)
{
	struct rd r = rd_from(pdu.p, pdu.n);
	struct pdu_end e = {
	    .refresh_s = 3600, .retry_s = 600, .expire_s = 7200};

	rd_skip(&r, PDU_HEADER);
	e.serial = rd_u32(&r);
	if (rd_left(&r) >= 12) {
		e.refresh_s = bounded(rd_u32(&r), 1, 86400);
		e.retry_s = bounded(rd_u32(&r), 1, 7200);
		e.expire_s = bounded(rd_u32(&r), 600, 172800);
	}
	*ret = e;
}

bool pdu_read_error(struct bytes pdu, char *text, size_t n)
{
	struct rd r = rd_from(pdu.p, pdu.n);
	struct rd said;
	size_t i = 0;

	rd_skip(&r, PDU_HEADER);
	rd_skip(&r, rd_u32(&r));
	said = rd_sub(&r, rd_u32(&r));
	text[0] = 0;
	if (!rd_done(&r))
		return false;
	while (rd_left(&said) && i + 1 < n) {
		uint8_t c = rd_u8(&said);

		if (!c)
			break;
		text[i++] = c >= 0x20 && c < 0x7f ? (char)c : '?';
	}
	text[i] = 0;
	return true;
}

static void header(struct wr *w, uint8_t version, enum pdu_type type,
    uint16_t session, uint32_t len)
{
	wr_u8(w, version);
	wr_u8(w, type);
	wr_u16(w, session);
	wr_u32(w, len);
}

void pdu_write_serial_query(
    struct wr *w, uint8_t version, uint16_t session, uint32_t serial)
{
	header(w, version, PDU_SERIAL_QUERY, session, 12);
	wr_u32(w, serial);
}

void pdu_write_reset_query(struct wr *w, uint8_t version)
{
	header(w, version, PDU_RESET_QUERY, 0, 8);
}

void pdu_write_error(struct wr *w, uint8_t version, enum pdu_error code,
    struct bytes pdu, const char *text)
{
	uint32_t n = pdu.n > 64 ? 64 : (uint32_t)pdu.n;
	uint32_t said = (uint32_t)strnlen(text, 128);

	header(w, version, PDU_ERROR, (uint16_t)code,
	    PDU_HEADER + 4 + n + 4 + said);
	wr_u32(w, n);
	wr_bytes(w, pdu.p, n);
	wr_u32(w, said);
	wr_bytes(w, text, said);
}

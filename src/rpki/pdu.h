/*
 * PDUs of the RTR protocol: RFC 6810 (version 0), RFC 8210 (1) and
 * draft-ietf-sidrops-8210bis (2, with ASPA).
 *
 *   | version | type | session, code or flags | length | ...
 */
#pragma once

#include "base/wire.h"
#include "net/addr.h"
#include "rpki/rpki.h"

#define PDU_VERSION_MAX 2
#define PDU_HEADER 8
/* The longest that we take: an ASPA with as many providers as it may have. */
#define PDU_MAX (PDU_HEADER + 4 + 4 * ASPA_PROVIDERS_MAX)

enum pdu_type {
	PDU_SERIAL_NOTIFY = 0,
	PDU_SERIAL_QUERY = 1,
	PDU_RESET_QUERY = 2,
	PDU_CACHE_RESPONSE = 3,
	PDU_IPV4_PREFIX = 4,
	PDU_IPV6_PREFIX = 6,
	PDU_END_OF_DATA = 7,
	PDU_CACHE_RESET = 8,
	PDU_ROUTER_KEY = 9,
	PDU_ERROR = 10,
	PDU_ASPA = 11,
};

enum pdu_error {
	PDU_CORRUPT = 0,
	PDU_INTERNAL = 1,
	PDU_NO_DATA = 2,
	PDU_INVALID_REQUEST = 3,
	PDU_BAD_VERSION = 4,
	PDU_BAD_TYPE = 5,
	PDU_UNKNOWN_WITHDRAWAL = 6,
	PDU_DUPLICATE = 7,
	PDU_UNEXPECTED_VERSION = 8,
	PDU_ASPA_PROVIDERS = 9,
	PDU_FINE = 0xffff, /* of ours */
};

/* "corrupt data"; "error 77" for codes that nobody has defined. */
const char *pdu_error_text(unsigned code);

struct pdu_header {
	uint8_t version;
	uint8_t type;
	uint16_t session; /* or code, or flags in the high byte */
	uint32_t len;	  /* of the whole PDU */
};

/* False: fewer than PDU_HEADER bytes. */
bool pdu_header(struct bytes in, struct pdu_header *ret);
/*
 * May a cache send this type in this version with this length?  PDU_FINE,
 * PDU_CORRUPT, PDU_BAD_TYPE or PDU_INVALID_REQUEST (a router's own type).
 */
enum pdu_error pdu_check(const struct pdu_header *h);

/* One announcement or withdrawal of a VRP; 24 bytes, as there are many. */
struct pdu_vrp {
	uint8_t addr[16];
	uint32_t asn;
	uint8_t family;
	uint8_t len;
	uint8_t max_len;
	bool announce;
};

/* The VRP that is meant. */
struct vrp pdu_vrp(const struct pdu_vrp *p);

struct pdu_end {
	uint32_t serial;
	uint32_t refresh_s; /* RFC 8210 s6; its defaults in version 0 */
	uint32_t retry_s;
	uint32_t expire_s;
};

/* The bodies, of a PDU that pdu_check() found fine: all h.len bytes. */
enum pdu_error pdu_read_vrp(struct bytes pdu, struct pdu_vrp *ret);
/* Values out of bounds are brought back to the nearest bound. */
void pdu_read_end(struct bytes pdu, struct pdu_end *ret);
/* Error Report: its text, printable, cut; false: its lengths are wrong. */
bool pdu_read_error(struct bytes pdu, char *text, size_t n);

void pdu_write_serial_query(
    struct wr *w, uint8_t version, uint16_t session, uint32_t serial);
void pdu_write_reset_query(struct wr *w, uint8_t version);
/* With at most 64 bytes of the PDU in question. */
void pdu_write_error(struct wr *w, uint8_t version, enum pdu_error code,
    struct bytes pdu, const char *text);
#define PDU_ERROR_BYTES (PDU_HEADER + 4 + 64 + 4 + 128)

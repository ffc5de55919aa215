/*
 * The BGP message codec: bytes in, values out, and back.  Knows no policy,
 * keeps no state, never logs.
 *
 * RFC 4271 and 6286 (BGP-4, identifiers), 4760 (MP-BGP), 5492 and 9072
 * (capabilities), 6793 (4-byte AS), 2918 and 7313 (refresh), 4724, 8538 and
 * 9494 (graceful restart), 7911 (ADD-PATH), 8654 (extended messages), 8950
 * (next hops of the other family), 1997, 4360 and 8092 (communities), 7606
 * (errors), 7607 (AS 0), 9234 (roles, OTC), 9003 (shutdown communication).
 */
#pragma once

#include "base/arena.h"
#include "base/attr.h"
#include "base/wire.h"
#include "net/addr.h"

#include <endian.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BGP_HEADER 19
#define BGP_MAX 4096	       /* RFC 4271 */
#define BGP_MAX_EXTENDED 65535 /* RFC 8654 */
#define BGP_PORT 179
#define BGP_AS_TRANS 23456

enum bgp_type {
	BGP_OPEN = 1,
	BGP_UPDATE = 2,
	BGP_NOTIFICATION = 3,
	BGP_KEEPALIVE = 4,
	BGP_ROUTE_REFRESH = 5,
};

/* NOTIFICATION codes and the subcodes that we send. */
enum bgp_error {
	BGP_ERR_HEADER = 1, /* 1 not synchronized, 2 length, 3 type */
	/* 1 version, 2 AS, 3 id, 4 param, 6 hold, 7 capability, 11 role */
	BGP_ERR_OPEN = 2,
	BGP_ERR_UPDATE = 3, /* 1 attribute list ... 10 network, 11 path */
	BGP_ERR_HOLD = 4,
	/* RFC 6608: 1 OpenSent, 2 OpenConfirm, 3 Established */
	BGP_ERR_FSM = 5,
	BGP_ERR_CEASE = 6,
	BGP_ERR_REFRESH = 7,   /* RFC 7313: 1 length */
	BGP_ERR_SEND_HOLD = 8, /* RFC 9687 */
};

enum bgp_cease { /* RFC 4486, 8538 */
	BGP_CEASE_MAX_PREFIX = 1,
	BGP_CEASE_SHUTDOWN = 2,
	BGP_CEASE_DECONFIGURED = 3,
	BGP_CEASE_RESET = 4,
	BGP_CEASE_REJECTED = 5,
	BGP_CEASE_CONFIG = 6,
	BGP_CEASE_COLLISION = 7,
	BGP_CEASE_RESOURCES = 8,
	BGP_CEASE_HARD_RESET = 9,
};

struct bgp_notify {
	uint8_t code; /* 0: none */
	uint8_t subcode;
	uint8_t len; /* bytes of data */
	uint8_t data[255];
};

/* ---- header ------------------------------------------------------------ */

/*
 * Looks at the first BGP_HEADER bytes.  The length of the whole message and
 * its type, or 0 and the NOTIFICATION that RFC 4271 s6.1 asks for.
 * max: BGP_MAX or BGP_MAX_EXTENDED, as negotiated (an OPEN or KEEPALIVE is
 * never longer than BGP_MAX).
 */
size_t bgp_header(const uint8_t head[BGP_HEADER], size_t max,
    enum bgp_type *ret_type, struct bgp_notify *ret_notify);

/* ---- OPEN -------------------------------------------------------------- */

#define BGP_FAMILY(f) (1u << (f)) /* bit of a family mask */

struct bgp_open {
	uint32_t asn; /* from the 4-byte capability where there is one */
	uint16_t hold_s;
	uint32_t id;	  /* BGP identifier, host byte order */
	bool mp;	  /* some MP-BGP capability was there */
	uint8_t families; /* mask; IPv4 alone when !mp */
	bool as4;
	bool refresh;	       /* RFC 2918 */
	bool enhanced_refresh; /* RFC 7313 */
	bool extended;	       /* RFC 8654 */
	uint8_t next_hop6;     /* mask: may have IPv6 next hops, RFC 8950 */
	uint8_t add_path_rx;   /* mask: the speaker can receive */
	uint8_t add_path_tx;   /* mask: the speaker can send */
	bool gr;	       /* RFC 4724 capability there */
	bool gr_restarting;    /* R */
	bool gr_notify;	       /* N, RFC 8538 */
	uint16_t gr_time_s;
	uint8_t gr_families;   /* mask */
	uint8_t gr_forwarding; /* mask: F */
	uint8_t llgr_families; /* mask, RFC 9494 */
	uint8_t llgr_forwarding;
	uint32_t llgr_time_s[FAMILY_COUNT];
	bool has_role; /* RFC 9234 */
	uint8_t role;  /* 0 provider 1 RS 2 RS-client 3 customer 4 peer */
};

/* body: after the header.  0, or -EBADMSG and the NOTIFICATION. */
int bgp_open_parse(
    struct rd body, struct bgp_open *ret, struct bgp_notify *ret_notify);

/* Writes a whole message, header included. */
void bgp_open_write(struct wr *w, const struct bgp_open *o);

/* ---- UPDATE ------------------------------------------------------------ */

/* What an error costs; the largest wins (RFC 7606). */
enum bgp_harm {
	BGP_FINE,
	BGP_DISCARD,  /* the attribute goes, the routes stay */
	BGP_WITHDRAW, /* treat-as-withdraw */
	BGP_RESET,
};

/* What was wrong, in words for `why` and the log. */
enum bgp_fault {
	BGP_FAULT_NONE,
#define BGP_FAULT(id, word, text) BGP_FAULT_##id,
#include "bgp/fault.def"
#undef BGP_FAULT
	BGP_FAULT_COUNT,
};

const char *bgp_fault_word(enum bgp_fault f);
const char *bgp_fault_text(enum bgp_fault f);

/* How unknown optional transitive attributes are treated. */
enum bgp_unknown {
	BGP_UNKNOWN_RELAY, /* with Partial set */
	BGP_UNKNOWN_DISCARD,
	BGP_UNKNOWN_WITHDRAW,
};

/* What parsing depends on, as negotiated and configured. */
struct bgp_rules {
	uint8_t families;  /* mask of those negotiated */
	uint8_t add_path;  /* mask: NLRI received carry a path id */
	uint8_t next_hop6; /* mask: IPv4 may have IPv6 ones (RFC 8950) */
	bool as4;
	bool internal; /* iBGP: never on a route server */
	enum bgp_unknown unknown;
};

/* Bits of bgp_attrs.has. */
#define BGP_HAS(code) (1ull << (code)) /* codes below 64 */

/* The attributes of one UPDATE; views into attrs, which the arena holds. */
struct bgp_attrs {
	/*
	 * Canonical wire form: attributes in ascending order, each once,
	 * without NEXT_HOP, MP_REACH_NLRI, MP_UNREACH_NLRI, AS4_PATH and
	 * AS4_AGGREGATOR (merged, RFC 6793 s4.2.3), AS_PATH always of 4-byte
	 * ASNs, flags' low nibble zero, Extended Length only where needed,
	 * unwanted and malformed attributes left out, Partial set on unknown
	 * ones.  What is relayed is exactly this plus a next hop.
	 */
	struct bytes wire;
	uint16_t next_hop_at; /* offset in wire where NEXT_HOP belongs */
	uint64_t has;	      /* BGP_HAS(code) of each attribute in wire */
	uint64_t discarded;   /* of each left out; bit 63: any above 62 */

	uint8_t origin; /* 0 igp, 1 egp, 2 incomplete */
	uint32_t med;
	uint32_t otc;
	struct bytes as_path;	  /* segments: type, count, 4-byte ASNs */
	struct bytes communities; /* 4 bytes each */
	struct bytes extended;	  /* 8 bytes each */
	struct bytes large;	  /* 12 bytes each, none twice */
};

/* One run of NLRI. */
struct bgp_nlri {
	uint8_t family;
	bool add_path;
	struct bytes wire; /* checked: bgp_nlri_next() cannot fail on it */
};

struct bgp_update {
	enum bgp_harm harm;
	enum bgp_fault fault;	  /* the worst one, the first of its rank */
	uint8_t fault_attr;	  /* attribute code it was about, 0: none */
	struct bgp_notify notify; /* when harm is BGP_RESET */

	struct bgp_nlri withdrawn[2]; /* RFC 4271's, MP_UNREACH's */
	struct bgp_nlri reach[2];     /* RFC 4271's, MP_REACH's */
	uint8_t next_hop[2][32];      /* of each reach */
	uint8_t next_hop_len[2];      /* 4, 16 or 32 (global, link-local) */
	bool end_of_rib;
	uint8_t end_of_rib_family;
	struct bgp_attrs attrs; /* valid when something is reachable */
};

/*
 * body: an UPDATE after its header; borrowed, as is what a holds, until the
 * arena is reset.  Takes at most 8 * its length and 64 bytes from the arena.
 * Always fills *ret: with BGP_WITHDRAW the reach runs are to be withdrawn
 * (and attrs is not valid); with BGP_RESET nothing of it is to be used but
 * notify and the fault.
 */
void bgp_update_parse(struct rd body, const struct bgp_rules *rules,
    struct arena *a, struct bgp_update *ret);

struct bgp_prefix {
	struct prefix prefix;
	uint32_t path_id; /* 0 without ADD-PATH */
};

/* Takes the next NLRI off the run; false at its end.  Host bits come as 0. */
static inline ATTR_ALWAYS bool bgp_nlri_take(struct bgp_nlri *run,
    uint8_t addr[16], uint8_t *ret_len, uint32_t *ret_path_id)
{
	const uint8_t *p = run->wire.p;
	size_t left = run->wire.n;

	if (!left)
		return false;
	*ret_path_id = 0;
	if (run->add_path) {
		*ret_path_id = (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 |
			       (uint32_t)p[2] << 8 | p[3];
		p += 4;
		left -= 4;
	}
	unsigned len = *p++;
	size_t n = (len + 7u) / 8u;
	memset(addr, 0, 16);
	*ret_len = (uint8_t)len;
	if (n <= 4) {
		uint32_t v = 0;

		if (left > 4)
			memcpy(&v, p, 4); /* one load; too much goes below */
		else
			memcpy(&v, p, n);
		v &= htobe32((uint32_t)(0xffffffff00000000u >> len));
		memcpy(addr, &v, 4);
	} else {
		memcpy(addr, p, n);
		if (len % 8)
			addr[n - 1] &= (uint8_t)(0xff00u >> len % 8);
	}
	run->wire.p = p + n;
	run->wire.n = left - 1 - n;
	return true;
}

static inline bool bgp_nlri_next(struct bgp_nlri *run, struct bgp_prefix *ret)
{
	ret->prefix.addr.family = run->family;
	return bgp_nlri_take(
	    run, ret->prefix.addr.b, &ret->prefix.len, &ret->path_id);
}

/* Writes one NLRI (with its path id when add_path). */
void bgp_nlri_write(
    struct wr *w, const struct prefix *p, bool add_path, uint32_t path_id);

/* ---- AS paths, communities -------------------------------------------- */

enum {
	BGP_AS_SET = 1,
	BGP_AS_SEQUENCE = 2,
	BGP_CONFED_SEQUENCE = 3,
	BGP_CONFED_SET = 4
};

/* Hops as best path counts them: an AS_SET is one, confederations none. */
unsigned bgp_path_length(struct bytes as_path);
/* The leftmost ASN of a leading AS_SEQUENCE, 0 when there is none. */
uint32_t bgp_path_first(struct bytes as_path);
/* The origin ASN (last of a trailing AS_SEQUENCE), 0 when there is none. */
uint32_t bgp_path_origin(struct bytes as_path);
bool bgp_path_has(struct bytes as_path, uint32_t asn);
bool bgp_path_has_set(struct bytes as_path);

#define BGP_GRACEFUL_SHUTDOWN 0xffff0000u /* RFC 8326 */
#define BGP_LLGR_STALE 0xffff0006u	  /* RFC 9494 */
#define BGP_NO_LLGR 0xffff0007u

/* RFC 1997: is the value among them?  4 bytes each. */
bool bgp_community_has(struct bytes communities, uint32_t value);

/* ---- other messages ---------------------------------------------------- */

struct bgp_refresh {
	uint8_t family;	 /* FAMILY_COUNT: one that we do not know */
	uint8_t subtype; /* 0 request, 1 BoRR, 2 EoRR */
};

/* 0, or -EBADMSG and the NOTIFICATION (RFC 7313 s5). */
int bgp_refresh_parse(
    struct rd body, struct bgp_refresh *ret, struct bgp_notify *ret_notify);
void bgp_refresh_write(struct wr *w, enum family f, uint8_t subtype);

void bgp_keepalive_write(struct wr *w);
void bgp_notify_write(struct wr *w, const struct bgp_notify *n);
/* A truncated NOTIFICATION still gives its code. */
void bgp_notify_parse(struct rd body, struct bgp_notify *ret);
/* "Cease: administrative shutdown", and the RFC 9003 text where there is one.
 */
const char *bgp_notify_format(
    const struct bgp_notify *n, char *buf, size_t buf_len);
/*
 * Cease of that subcode.  text: RFC 9003's, for a shutdown or a reset; cut to
 * 128 bytes; or NULL.
 */
struct bgp_notify bgp_notify_cease(enum bgp_cease subcode, const char *text);
/* inner, wrapped in a Cease with Hard Reset (RFC 8538 s3.1). */
struct bgp_notify bgp_notify_hard(const struct bgp_notify *inner);

/* End-of-RIB, a whole message (RFC 4724 s2). */
void bgp_end_of_rib_write(struct wr *w, enum family f);

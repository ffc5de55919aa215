/*
 * UPDATEs written: one message, many prefixes.
 *
 *	if (bgp_update_write_reach(&u, &w, &how, attrs, next_hop, 4))
 *		while (more && bgp_update_write_nlri(&u, addr, len, path_id))
 *			...
 *	n = bgp_update_write_close(&u);
 *
 * After a false from nlri the message is full: close it and begin another
 * with the same prefix.
 */
#pragma once

#include "bgp/bgp.h"

struct bgp_encoding {
	uint8_t family;
	bool add_path;
	size_t max; /* BGP_MAX or BGP_MAX_EXTENDED */
};

struct bgp_update_writer {
	struct wr *w;
	uint8_t *start;	 /* of the message */
	uint8_t *nlri;	 /* of its first prefix */
	uint8_t *end;	 /* prefixes may go up to here */
	uint8_t *length; /* field of the MP attribute, or of withdrawn routes */
	struct bytes attrs; /* to follow the prefixes */
	bool add_path;
	uint8_t kind; /* how it is closed */
};

/*
 * Begins an announcement.  attrs: canonical, or narrowed for a 2-byte peer;
 * borrowed until the close.  next_hop: 4, 16 or 32 bytes; IPv4 prefixes with
 * an IPv6 next hop are for peers with RFC 8950 alone.
 * False, and nothing written: attrs and one prefix of full length do not fit
 * into how->max or the room of w.  Then the writer must not be used.
 */
bool bgp_update_write_reach(struct bgp_update_writer *u, struct wr *w,
    const struct bgp_encoding *how, struct bytes attrs, const uint8_t *next_hop,
    size_t next_hop_len);

/* Begins a withdrawal; false as above. */
bool bgp_update_write_unreach(
    struct bgp_update_writer *u, struct wr *w, const struct bgp_encoding *how);

/*
 * Adds a prefix: addr is network byte order, bits beyond len zero, four bytes
 * at least.  False,
 * and nothing written: it does not fit any more.
 */
static inline bool bgp_update_write_nlri(struct bgp_update_writer *u,
    const uint8_t *addr, unsigned len, uint32_t path_id)
{
	uint8_t *p = u->w->p;
	size_t n = (len + 7u) / 8u;

	if (u->add_path) {
		if ((size_t)(u->end - p) < n + 5)
			return false;
		wr_u32(u->w, path_id);
		p = u->w->p;
	} else if ((size_t)(u->end - p) < n + 1) {
		return false;
	}
	*p++ = (uint8_t)len;
	if (n <= 4 && u->end - p >= 4)
		memcpy(p, addr, 4); /* one store; what is too much is room */
	else
		memcpy(p, addr, n);
	u->w->p = p + n;
	return true;
}

/*
 * Ends the message and gives its bytes; 0 when it held no prefix, and then
 * nothing of it is left in w.
 */
size_t bgp_update_write_close(struct bgp_update_writer *u);

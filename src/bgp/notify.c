/* NOTIFICATION: made, written, read and put into words. */
#include "base/attr.h"
#include "bgp/internal.h"

#include <stdio.h>

#define TEXT_MAX                                                               \
	128 /* RFC 8203's limit; RFC 9003 allows more, old peers not           \
	     */

struct bgp_notify bgp_notify_of(
    uint8_t code, uint8_t subcode, const void *data, size_t n)
{
	struct bgp_notify no = {.code = code, .subcode = subcode};

	if (n > sizeof no.data)
		n = sizeof no.data;
	if (n)
		memcpy(no.data, data, n);
	no.len = (uint8_t)n;
	return no;
}

void bgp_notify_write(struct wr *w, const struct bgp_notify *n)
{
	uint8_t *field = bgp_message_open(w, BGP_NOTIFICATION);

	wr_u8(w, n->code);
	wr_u8(w, n->subcode);
	wr_bytes(w, n->data, n->len);
	bgp_message_close(w, field);
}

void bgp_notify_parse(struct rd body, struct bgp_notify *ret)
{
	uint8_t code = rd_u8(&body);
	uint8_t subcode = rd_u8(&body);

	*ret = bgp_notify_of(code, subcode, body.p, rd_left(&body));
}

struct bgp_notify bgp_notify_cease(enum bgp_cease subcode, const char *text)
{
	struct bgp_notify no = {
	    .code = BGP_ERR_CEASE, .subcode = (uint8_t)subcode};
	bool takes_text =
	    subcode == BGP_CEASE_SHUTDOWN || subcode == BGP_CEASE_RESET;

	if (!text || !takes_text)
		return no;
	size_t n = strnlen(text, TEXT_MAX + 1);
	if (n > TEXT_MAX) {
		/* Cut between characters: never inside a UTF-8 sequence. */
		n = TEXT_MAX;
		while (n && ((uint8_t)text[n] & 0xc0) == 0x80)
			n--;
	}
	no.data[0] = (uint8_t)n;
	memcpy(no.data + 1, text, n);
	no.len = (uint8_t)(n + 1);
	return no;
}

struct bgp_notify bgp_notify_hard(const struct bgp_notify *inner)
{
	uint8_t data[2 + sizeof inner->data] = {inner->code, inner->subcode};

	memcpy(data + 2, inner->data, inner->len);
	return bgp_notify_of(
	    BGP_ERR_CEASE, BGP_CEASE_HARD_RESET, data, 2u + inner->len);
}

/* ---- words ------------------------------------------------------------- */

static const char *const codes[] = {
    [BGP_ERR_HEADER] = "Message Header Error",
    [BGP_ERR_OPEN] = "OPEN Message Error",
    [BGP_ERR_UPDATE] = "UPDATE Message Error",
    [BGP_ERR_HOLD] = "Hold Timer Expired",
    [BGP_ERR_FSM] = "Finite State Machine Error",
    [BGP_ERR_CEASE] = "Cease",
    [BGP_ERR_REFRESH] = "ROUTE-REFRESH Message Error",
    [BGP_ERR_SEND_HOLD] = "Send Hold Timer Expired",
};

#define SUBCODES 16

static const char *const subcodes[][SUBCODES] = {
    [BGP_ERR_HEADER] =
	{
	    [1] = "Connection Not Synchronized",
	    [2] = "Bad Message Length",
	    [3] = "Bad Message Type",
	},
    [BGP_ERR_OPEN] =
	{
	    [1] = "Unsupported Version Number",
	    [2] = "Bad Peer AS",
	    [3] = "Bad BGP Identifier",
	    [4] = "Unsupported Optional Parameter",
	    [6] = "Unacceptable Hold Time",
	    [7] = "Unsupported Capability",
	    [11] = "Role Mismatch",
	},
    [BGP_ERR_UPDATE] =
	{
	    [1] = "Malformed Attribute List",
	    [2] = "Unrecognized Well-known Attribute",
	    [3] = "Missing Well-known Attribute",
	    [4] = "Attribute Flags Error",
	    [5] = "Attribute Length Error",
	    [6] = "Invalid ORIGIN Attribute",
	    [8] = "Invalid NEXT_HOP Attribute",
	    [9] = "Optional Attribute Error",
	    [10] = "Invalid Network Field",
	    [11] = "Malformed AS_PATH",
	},
    [BGP_ERR_FSM] =
	{
	    [1] = "Unexpected Message in OpenSent",
	    [2] = "Unexpected Message in OpenConfirm",
	    [3] = "Unexpected Message in Established",
	},
    [BGP_ERR_CEASE] =
	{
	    [BGP_CEASE_MAX_PREFIX] = "Maximum Number of Prefixes Reached",
	    [BGP_CEASE_SHUTDOWN] = "Administrative Shutdown",
	    [BGP_CEASE_DECONFIGURED] = "Peer De-configured",
	    [BGP_CEASE_RESET] = "Administrative Reset",
	    [BGP_CEASE_REJECTED] = "Connection Rejected",
	    [BGP_CEASE_CONFIG] = "Other Configuration Change",
	    [BGP_CEASE_COLLISION] = "Connection Collision Resolution",
	    [BGP_CEASE_RESOURCES] = "Out of Resources",
	    [BGP_CEASE_HARD_RESET] = "Hard Reset",
	    [10] = "BFD Down",
	},
    [BGP_ERR_REFRESH] = {[1] = "Invalid Message Length"},
    [BGP_ERR_SEND_HOLD] = {[0] = NULL},
};

struct text {
	char *p;
	size_t left; /* bytes, the final NUL not counted */
};

static void add(struct text *t, const char *s, size_t n)
{
	if (n > t->left)
		n = t->left;
	memcpy(t->p, s, n);
	t->p += n;
	t->left -= n;
	*t->p = 0;
}

static void add_string(struct text *t, const char *s)
{
	add(t, s, strlen(s));
}

static void add_name(struct text *t, unsigned code, unsigned subcode)
{
	const char *name = NULL;
	char number[40];

	if (code >= ARRAY_SIZE(codes) || !codes[code]) {
		snprintf(
		    number, sizeof number, "code %u subcode %u", code, subcode);
		add_string(t, number);
		return;
	}
	add_string(t, codes[code]);
	if (!subcode)
		return;
	if (subcode < SUBCODES)
		name = subcodes[code][subcode];
	if (!name) {
		snprintf(number, sizeof number, "subcode %u", subcode);
		name = number;
	}
	add_string(t, ": ");
	add_string(t, name);
}

/* Bytes of the UTF-8 character at p; 0: not one, or one not to be shown. */
static size_t utf8_length(const uint8_t *p, size_t n)
{
	size_t len = p[0] < 0x80	 ? 1
		     : p[0] >> 5 == 0x06 ? 2
		     : p[0] >> 4 == 0x0e ? 3
		     : p[0] >> 3 == 0x1e ? 4
					 : 0;

	if (!len || len > n || p[0] < 0x20 || p[0] == 0x7f)
		return 0;
	for (size_t i = 1; i < len; i++)
		if (p[i] >> 6 != 2)
			return 0;
	if (len == 2 && p[0] == 0xc2 && p[1] < 0xa0)
		return 0; /* C1 control characters */
	if ((len == 2 && p[0] < 0xc2) ||
	    (len == 3 && p[0] == 0xe0 && p[1] < 0xa0) ||
	    (len == 4 && (p[0] > 0xf4 || (p[0] == 0xf0 && p[1] < 0x90))))
		return 0; /* overlong, or beyond Unicode */
	return len;
}

/* The peer's own words: shown, but never able to break a line or a quote. */
static void add_peer_text(struct text *t, const uint8_t *p, size_t n)
{
	while (n) {
		size_t len = utf8_length(p, n);

		if (len > t->left)
			return;
		if (len && *p != '"')
			add(t, (const char *)p, len);
		else
			add(t, len ? "'" : "?", 1);
		p += len ? len : 1;
		n -= len ? len : 1;
	}
}

static void add_shutdown_text(struct text *t, unsigned code, unsigned subcode,
    const uint8_t *data, size_t n)
{
	if (code != BGP_ERR_CEASE ||
	    (subcode != BGP_CEASE_SHUTDOWN && subcode != BGP_CEASE_RESET))
		return;
	if (n < 2 || !data[0])
		return;
	size_t len = data[0] < n - 1 ? data[0] : n - 1;
	add_string(t, ", \"");
	add_peer_text(t, data + 1, len);
	add_string(t, "\"");
}

const char *bgp_notify_format(
    const struct bgp_notify *n, char *buf, size_t buf_len)
{
	if (!buf_len)
		return "";
	struct text t = {.p = buf, .left = buf_len - 1};
	bool hard =
	    n->code == BGP_ERR_CEASE && n->subcode == BGP_CEASE_HARD_RESET;

	*buf = 0;
	add_name(&t, n->code, n->subcode);
	if (hard && n->len >= 2) { /* RFC 8538 s3.1: the reason is inside */
		add_string(&t, ", ");
		add_name(&t, n->data[0], n->data[1]);
		add_shutdown_text(
		    &t, n->data[0], n->data[1], n->data + 2, n->len - 2u);
	} else {
		add_shutdown_text(&t, n->code, n->subcode, n->data, n->len);
	}
	return buf;
}

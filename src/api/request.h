/*
 * What a client of the control sockets may ask: one JSON object on one line.
 *
 *   {"verb":"show routes","from":64501,"prefix":"203.0.113.0/24"}
 *   {"verb":"apply","text":"exchange ...","confirm_s":600}
 *
 * `from` and `to` are an ASN (a number, or a text like "AS64501") or the
 * address of one session.  A field that a verb does not know is an error.
 */
#pragma once

#include "net/query.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define API_REQUEST_MAX ((size_t)4096) /* bytes; all but apply and diff */
#define API_REQUEST_TEXT_MAX ((size_t)100 << 20) /* 16 MB, escaped */
#define API_WHY 160

enum api_verb {
	API_STATUS,
	API_MEMBERS,
	API_SESSIONS,
	API_ROUTES,
	API_ROUTE_WHY,
	API_RPKI,
	/* on the control socket alone */
	API_TEXT,
	API_DIFF,
	API_DIFF_ROUTES, /* what the text would make of the routes */
	API_DIFF_VRPS,	 /* the same for a list of VRPs */
	API_APPLY,
	API_CONFIRM,
	API_UNDO,
	API_MONITORING, /* on both again */
	API_REGISTRY,
	API_DUMP,
};

struct api_request {
	enum api_verb verb;
	struct query query; /* sessions, routes, why */
	char *text;	    /* apply, diff; the caller's to free */
	size_t n_text;
	uint32_t confirm_s; /* apply; 0: for good */
};

/*
 * Reads n bytes (a line without its newline).  0; -EINVAL; -EPERM for what
 * only the control socket may; why then says it in words.
 */
int api_request_parse(const char *line, size_t n, bool control,
    struct api_request *ret, char why[API_WHY]);

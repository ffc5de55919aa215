/* Shared by the files of mrt/ alone. */
#pragma once

#include "cli/mrt/mrt.h"
#include "cli/mrt/stream.h"

enum mrt_format {
	MRT_FORMAT_MRT,
	MRT_FORMAT_LINES, /* bgpdump -m */
	MRT_FORMAT_LIST,  /* prefix origin */
};

struct mrt {
	struct mrt_stream *stream;
	enum mrt_format format;
	char *name;
	char error[MRT_ERROR];
	int err;	/* sticky */
	uint64_t count; /* records or lines read */
	uint64_t at;	/* of the next one */

	uint8_t *buf; /* unread bytes: from..to */
	size_t cap, from, to;
	bool eof;

	struct mrt_peer *peers;
	size_t n_peers, cap_peers;
	uint32_t *index; /* open addressing over peers, value + 1 */
	size_t index_mask;
	uint8_t text[4352]; /* a record made of a line of text */
};

/* Makes n bytes be there from buf + from; 1, 0 at the end, or -errno. */
int mrt_fill(struct mrt *m, size_t n);

/* Sets the sticky error. */
int mrt_fail(struct mrt *m, int err, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* The error of a file that ended inside a record, or inside its packing. */
int mrt_cut_short(struct mrt *m, const char *unit);

/* The number of that peer, which is added when new; or -ENOMEM, -E2BIG. */
int64_t mrt_peer_number(struct mrt *m, const struct mrt_peer *p);
int mrt_peer_add(struct mrt *m, const struct mrt_peer *p);
void mrt_peers_forget(struct mrt *m);

/* As mrt_next(), for the two kinds of text. */
int mrt_next_line(struct mrt *m, struct mrt_record *ret);

/* Unpacking streams; see stream.h. */
#include "cli/mrt/stream.h"

#include "base/must.h"

#include <bzlib.h>
#include <errno.h>
#include <fcntl.h>
#include <lzma.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#define CHUNK 65536
#define XZ_MEMORY ((uint64_t)128 << 20) /* more is asked for by no preset */

enum packing {
	PLAIN,
	GZIP,
	BZIP2,
	XZ
};

struct mrt_stream {
	int fd;
	enum packing packing;
	int err;      /* sticky, negative */
	bool eof;     /* of the file */
	bool member;  /* inside a packed member */
	bool started; /* a first member was begun */
	uint64_t at;
	uint64_t size;
	size_t from, to; /* unread part of in */
	z_stream z;
	bz_stream bz;
	lzma_stream xz;
	uint8_t in[CHUNK];
};

/* Result of one step of an unpacker. */
enum step {
	STEP_MORE,
	STEP_MEMBER_ENDED,
	STEP_DAMAGED,
	STEP_NO_MEMORY
};

static int fill(struct mrt_stream *s)
{
	if (s->eof)
		return 0;
	if (s->from == s->to)
		s->from = s->to = 0;
	while (s->to < CHUNK) {
		ssize_t n = read(s->fd, s->in + s->to, CHUNK - s->to);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0) {
			s->eof = true;
			break;
		}
		s->at += (uint64_t)n;
		s->to += (size_t)n;
	}
	return 0;
}

static enum packing recognise(const uint8_t *p, size_t n)
{
	static const uint8_t xz[] = {0xfd, '7', 'z', 'X', 'Z', 0};

	if (n >= 3 && p[0] == 0x1f && p[1] == 0x8b && p[2] == 8)
		return GZIP;
	if (n >= 4 && memcmp(p, "BZh", 3) == 0 && p[3] >= '1' && p[3] <= '9')
		return BZIP2;
	if (n >= sizeof xz && memcmp(p, xz, sizeof xz) == 0)
		return XZ;
	return PLAIN;
}

int mrt_stream_open(const char *path, struct mrt_stream **ret)
{
	struct mrt_stream *s = calloc(1, sizeof *s);
	struct stat st;
	int err;

	if (!s)
		return -ENOMEM;
	if (strcmp(path, "-") == 0)
		s->fd = fcntl(0, F_DUPFD_CLOEXEC, 3);
	else
		s->fd = open(path, O_RDONLY | O_CLOEXEC);
	if (s->fd < 0) {
		err = -errno;
		free(s);
		return err;
	}
	if (fstat(s->fd, &st) == 0) {
		err = S_ISDIR(st.st_mode) ? -EISDIR : 0;
		if (S_ISREG(st.st_mode))
			s->size = (uint64_t)st.st_size;
	} else {
		err = -errno;
	}
	if (!err)
		err = fill(s);
	if (err) {
		close(s->fd);
		free(s);
		return err;
	}
	s->packing = recognise(s->in, s->to);
	*ret = s;
	return 0;
}

static void member_end(struct mrt_stream *s)
{
	if (!s->member)
		return;
	s->member = false;
	if (s->packing == GZIP)
		(void)inflateEnd(&s->z);
	else if (s->packing == BZIP2)
		(void)BZ2_bzDecompressEnd(&s->bz);
	else
		lzma_end(&s->xz);
}

void mrt_stream_close(struct mrt_stream *s)
{
	if (!s)
		return;
	member_end(s);
	close(s->fd);
	free(s);
}

static int member_begin(struct mrt_stream *s)
{
	bool ok;

	if (s->packing == GZIP) {
		s->z = (z_stream){0};
		ok = inflateInit2(&s->z, 15 + 16) == Z_OK;
	} else if (s->packing == BZIP2) {
		s->bz = (bz_stream){0};
		ok = BZ2_bzDecompressInit(&s->bz, 0, 0) == BZ_OK;
	} else {
		s->xz = (lzma_stream)LZMA_STREAM_INIT;
		ok = lzma_stream_decoder(
			 &s->xz, XZ_MEMORY, LZMA_CONCATENATED) == LZMA_OK;
	}
	if (!ok)
		return -ENOMEM;
	s->member = s->started = true;
	return 0;
}

static enum step step_gzip(struct mrt_stream *s, uint8_t *out, size_t *n)
{
	z_stream *z = &s->z;

	z->next_in = s->in + s->from;
	z->avail_in = (unsigned)(s->to - s->from);
	z->next_out = out;
	z->avail_out = (unsigned)*n;
	int r = inflate(z, Z_NO_FLUSH);
	s->from = s->to - z->avail_in;
	*n -= z->avail_out;
	if (r == Z_STREAM_END)
		return STEP_MEMBER_ENDED;
	if (r == Z_MEM_ERROR)
		return STEP_NO_MEMORY;
	return r == Z_OK || r == Z_BUF_ERROR ? STEP_MORE : STEP_DAMAGED;
}

static enum step step_bzip2(struct mrt_stream *s, uint8_t *out, size_t *n)
{
	bz_stream *bz = &s->bz;

	bz->next_in = (char *)s->in + s->from;
	bz->avail_in = (unsigned)(s->to - s->from);
	bz->next_out = (char *)out;
	bz->avail_out = (unsigned)*n;
	int r = BZ2_bzDecompress(bz);
	s->from = s->to - bz->avail_in;
	*n -= bz->avail_out;
	if (r == BZ_STREAM_END)
		return STEP_MEMBER_ENDED;
	if (r == BZ_MEM_ERROR)
		return STEP_NO_MEMORY;
	return r == BZ_OK ? STEP_MORE : STEP_DAMAGED;
}

static enum step step_xz(struct mrt_stream *s, uint8_t *out, size_t *n)
{
	lzma_stream *xz = &s->xz;

	xz->next_in = s->in + s->from;
	xz->avail_in = s->to - s->from;
	xz->next_out = out;
	xz->avail_out = *n;
	lzma_ret r = lzma_code(xz, s->eof ? LZMA_FINISH : LZMA_RUN);
	s->from = s->to - xz->avail_in;
	*n -= xz->avail_out;
	if (r == LZMA_STREAM_END)
		return STEP_MEMBER_ENDED;
	if (r == LZMA_MEM_ERROR || r == LZMA_MEMLIMIT_ERROR)
		return STEP_NO_MEMORY;
	return r == LZMA_OK || r == LZMA_BUF_ERROR ? STEP_MORE : STEP_DAMAGED;
}

static ssize_t read_plain(struct mrt_stream *s, uint8_t *out, size_t n)
{
	if (n > s->to - s->from)
		n = s->to - s->from;
	memcpy(out, s->in + s->from, n);
	s->from += n;
	return (ssize_t)n;
}

/* What follows the last member: nothing, or padding, which gzip ignores. */
static bool at_end(const struct mrt_stream *s)
{
	return s->from == s->to ||
	       recognise(s->in + s->from, s->to - s->from) != s->packing;
}

static ssize_t read_packed(struct mrt_stream *s, uint8_t *out, size_t n)
{
	size_t got = n > CHUNK ? CHUNK : n;
	size_t left = s->to - s->from;
	enum step st;

	if (!s->member) {
		if (s->started && at_end(s))
			return s->eof || s->from < s->to ? 0 : -EAGAIN;
		int err = member_begin(s);
		if (err)
			return err;
	}
	if (s->packing == GZIP)
		st = step_gzip(s, out, &got);
	else if (s->packing == BZIP2)
		st = step_bzip2(s, out, &got);
	else
		st = step_xz(s, out, &got);
	if (st == STEP_MEMBER_ENDED)
		member_end(s);
	if (st == STEP_DAMAGED)
		s->err = -EBADMSG;
	else if (st == STEP_NO_MEMORY)
		s->err = -ENOMEM;
	if (got)
		return (ssize_t)got; /* an error is told the next time */
	if (s->err)
		return s->err;
	/* Nothing came, nothing went, nothing is left: it was cut short. */
	if (st == STEP_MORE && s->eof && s->to - s->from == left)
		return -ENODATA;
	return -EAGAIN;
}

ssize_t mrt_stream_read(struct mrt_stream *s, void *to, size_t n)
{
	ssize_t got = -EAGAIN;

	if (s->err)
		return s->err;
	if (n == 0)
		return 0;
	while (got == -EAGAIN) {
		/* A member's first bytes are looked at together. */
		if (s->to - s->from < 16 && !s->eof) {
			memmove(s->in, s->in + s->from, s->to - s->from);
			s->to -= s->from;
			s->from = 0;
			int err = fill(s);
			if (err) {
				got = err;
				break;
			}
		}
		got = s->packing == PLAIN ? read_plain(s, to, n)
					  : read_packed(s, to, n);
	}
	if (got < 0)
		s->err = (int)got;
	return got;
}

uint64_t mrt_stream_at(const struct mrt_stream *s)
{
	return s->at - (s->to - s->from);
}

uint64_t mrt_stream_size(const struct mrt_stream *s)
{
	return s->size;
}

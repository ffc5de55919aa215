/*
 * A file as a stream of its unpacked bytes: plain, gzip, bzip2 or xz, told
 * apart by their first bytes, several members one after the other allowed.
 * Memory does not grow with the file.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct mrt_stream;

/* "-" is standard input.  0 or -errno. */
int mrt_stream_open(const char *path, struct mrt_stream **ret);
void mrt_stream_close(struct mrt_stream *s);

/*
 * Up to n bytes into to; 0 at the end.  -ENODATA: the packed data end too
 * early; -EBADMSG: they are damaged; or -errno.  All that could be unpacked
 * before is given first, and an error stays.
 */
ssize_t mrt_stream_read(struct mrt_stream *s, void *to, size_t n);

/* How far the file itself was read, and its size (0: not known), bytes. */
uint64_t mrt_stream_at(const struct mrt_stream *s);
uint64_t mrt_stream_size(const struct mrt_stream *s);

/* Recordings made in memory for the tests of mrt and play. */
#pragma once

#include "base/wire.h"

#include "check.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

/* A file without a name; its path, good while fd is open. */
struct mem_file {
	int fd;
	char path[64];
};

static inline struct mem_file mem_file(const void *p, size_t n)
{
	struct mem_file f = {.fd = memfd_create("mrt", MFD_CLOEXEC)};

	assert_true(f.fd >= 0);
	assert_int_equal(write(f.fd, p, n), (ssize_t)n);
	(void)snprintf(f.path, sizeof f.path, "/proc/self/fd/%d", f.fd);
	return f;
}

static inline uint8_t *record_open(
    struct wr *w, uint32_t time, unsigned type, unsigned subtype)
{
	wr_u32(w, time);
	wr_u16(w, type);
	wr_u16(w, subtype);
	return wr_take(w, 4);
}

static inline void record_close(struct wr *w, uint8_t *len)
{
	size_t n = (size_t)(w->p - len) - 4;
	struct wr field = wr_from(len, 4);

	wr_u32(&field, (uint32_t)n);
}

/* ORIGIN igp, AS_PATH 65001 65002 of 4-byte ASNs, NEXT_HOP. */
static const uint8_t mrt_attrs4[] = {0x40, 1, 1, 0, 0x40, 2, 10, 2, 2, 0, 0,
    0xfd, 0xe9, 0, 0, 0xfd, 0xea, 0x40, 3, 4, 198, 51, 100, 1};
/* The same with 2-byte ASNs. */
static const uint8_t mrt_attrs2[] = {0x40, 1, 1, 0, 0x40, 2, 6, 2, 2, 0xfd,
    0xe9, 0xfd, 0xea, 0x40, 3, 4, 198, 51, 100, 1};

/* PEER_INDEX_TABLE of two peers: AS65001 at 192.0.2.1, AS65002 at 2001:db8::2.
 */
static inline void write_peers(struct wr *w)
{
	static const uint8_t six[16] = {0x20, 1, 0xd, 0xb8, [15] = 2};
	uint8_t *len = record_open(w, 1000, 13, 1);

	wr_u32(w, 0);
	wr_u16(w, 0);
	wr_u16(w, 2);
	wr_u8(w, 2);
	wr_u32(w, 1);
	wr_u32(w, 0xc0000201);
	wr_u32(w, 65001);
	wr_u8(w, 3);
	wr_u32(w, 2);
	wr_bytes(w, six, sizeof six);
	wr_u32(w, 65002);
	record_close(w, len);
}

/* RIB_IPV4_UNICAST of 203.0.`third`.0/24 from peer 1, then peer 0. */
static inline void write_rib(struct wr *w, unsigned third)
{
	uint8_t *len = record_open(w, 1000, 13, 2);

	wr_u32(w, 7);
	wr_u8(w, 24);
	wr_u8(w, 203);
	wr_u8(w, 0);
	wr_u8(w, third);
	wr_u16(w, 2);
	for (unsigned i = 0; i < 2; i++) {
		wr_u16(w, 1 - i);
		wr_u32(w, 900);
		wr_u16(w, sizeof mrt_attrs4);
		wr_bytes(w, mrt_attrs4, sizeof mrt_attrs4 - 1);
		wr_u8(w, i); /* different next hops */
	}
	record_close(w, len);
}

/* BGP4MP MESSAGE (2-byte ASNs): withdraws 10.1/16, announces 10.2/16. */
static inline void write_update(struct wr *w, uint32_t time, unsigned subtype)
{
	uint8_t *len =
	    record_open(w, time, subtype & 0x100 ? 17 : 16, subtype & 0xff);
	bool as4 = (subtype & 0xff) == 4;

	if (subtype & 0x100)
		wr_u32(w, 250000);
	for (unsigned i = 0; i < 2; i++) {
		if (as4)
			wr_u32(w, 65001 + i);
		else
			wr_u16(w, 65001 + i);
	}
	wr_u16(w, 0);
	wr_u16(w, 1);
	wr_u32(w, 0xc0000201);
	wr_u32(w, 0xc0000202);
	for (unsigned i = 0; i < 16; i++)
		wr_u8(w, 0xff);
	size_t attrs = as4 ? sizeof mrt_attrs4 : sizeof mrt_attrs2;
	wr_u16(w, (unsigned)(19 + 2 + 3 + 2 + attrs + 3));
	wr_u8(w, 2);
	wr_u16(w, 3);
	wr_u8(w, 16);
	wr_u16(w, 0x0a01);
	wr_u16(w, (unsigned)attrs);
	wr_bytes(w, as4 ? mrt_attrs4 : mrt_attrs2, attrs);
	wr_u8(w, 16);
	wr_u16(w, 0x0a02);
	record_close(w, len);
}

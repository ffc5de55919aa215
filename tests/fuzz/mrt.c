/* Recorded routes: any file is read to its end, and what is passed on holds. */
#include "fuzz.h"

#include "cli/mrt/mrt.h"
#include "cli/play/play_attrs.h"

#include <sys/mman.h>
#include <unistd.h>

#define RECORDS 200

/* What we would send is read again, and comes out as it went in. */
static void check_attrs(
    struct play_scratch *s, struct play_scratch *t, const struct mrt_route *r)
{
	struct play_attrs a, b;

	if (!play_attrs_pass_on(s, r->attrs, r->as4, 64500, &a))
		return;
	PROPERTY(a.next_hop_at <= a.wire.n);
	if (play_attrs_narrow(t, &a, &b))
		PROPERTY(b.next_hop_at <= b.wire.n);
	PROPERTY(play_attrs_pass_on(
		     t, rd_from(a.wire.p, a.wire.n), true, 64501, &b) ||
		 a.wire.n > PLAY_ATTRS_MAX - 16 || a.wire.n > 16000);
}

static void read_all(
    struct mrt *m, struct play_scratch *s, struct play_scratch *t)
{
	struct mrt_record rec;
	struct mrt_route r;
	int got;

	/* A few packed bytes can be millions of records. */
	for (unsigned n = 0; (got = mrt_next(m, &rec)) == 1; n++) {
		if (n == RECORDS)
			return;
		PROPERTY(rec.kind <= MRT_DAMAGED);
		if (rec.kind != MRT_RIB && rec.kind != MRT_UPDATE)
			continue;
		struct mrt_walk w = mrt_walk(&rec);
		while (mrt_walk_next(&w, &r)) {
			PROPERTY(
			    r.prefix.len <=
			    family_bits((enum family)r.prefix.addr.family));
			if (r.kind != MRT_ROUTE_WITHDRAWN)
				check_attrs(s, t, &r);
		}
	}
	PROPERTY((got < 0) == (mrt_error(m)[0] != 0));
	PROPERTY(mrt_next(m, &rec) == got);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static struct play_scratch *s, *t;
	static int fd = -1;
	char path[64], error[MRT_ERROR];
	struct mrt *m;

	if (fd < 0) {
		fd = memfd_create("fuzz", 0);
		s = play_scratch_new();
		t = play_scratch_new();
	}
	if (ftruncate(fd, 0) || pwrite(fd, data, n, 0) != (ssize_t)n)
		abort();
	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	if (mrt_open(path, &m, error)) {
		PROPERTY(error[0] != 0);
		return 0;
	}
	read_all(m, s, t);
	mrt_close(m);
	return 0;
}

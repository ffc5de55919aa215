#include "net/link.h"

#include "base/must.h"
#include "net/msg.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define PAGE ((size_t)4096)
#define MAGIC 0x7370656eu /* "spen" */

#ifndef F_SEAL_FUTURE_WRITE
#define F_SEAL_FUTURE_WRITE 0x0010
#endif
#define SEALS (F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_FUTURE_WRITE)

enum {
	LINK_AREA = 1,
	LINK_BELL = 2,
	LINK_EXTRA = 3 /* a shared one; before LINK_AREA */
};

/* The head page.  Counters only grow and are never wrapped. */
struct area {
	uint32_t magic;
	uint32_t ring_bits;
	uint64_t extra_bytes;
	_Alignas(64) _Atomic uint64_t head;   /* bytes written to my ring */
	_Alignas(64) _Atomic uint64_t tail;   /* bytes read of the peer's */
	_Alignas(64) _Atomic uint32_t asleep; /* ring me */
	_Atomic uint32_t wants_room;	      /* ring me when you read */
};

struct link_area {
	int fd;
	void *at;
	size_t bytes;
};

struct link {
	int sock;
	struct link_area *shared; /* NULL: extra is part of own */
	const void *peer_shared;  /* the same of the peer */
	size_t peer_shared_bytes;
	struct area *own;
	const struct area *peer;
	size_t ring; /* bytes of my ring */
	size_t peer_ring;
	size_t extra;
	size_t peer_extra;
	uint64_t head; /* copies of what I published: the peer cannot touch */
	uint64_t tail;
	uint64_t rung_head;
	uint64_t rung_tail;
	size_t wanted; /* bytes of the record that found no room; 0: none */
};

static uint8_t *ring_of(struct area *a)
{
	return (uint8_t *)a + PAGE;
}

static const uint8_t *ring_of_peer(const struct area *a)
{
	return (const uint8_t *)a + PAGE;
}

/* ---- mapping ------------------------------------------------------------ */

static size_t mapped_bytes(size_t ring, size_t extra)
{
	return PAGE + 2 * ring + extra;
}

static bool map_part(uint8_t *at, size_t bytes, int prot, int fd, size_t from)
{
	return !bytes || mmap(at, bytes, prot, MAP_SHARED | MAP_FIXED, fd,
			     (off_t)from) != MAP_FAILED;
}

/*
 * Maps the ring twice, one behind the other, so that no record is ever in two
 * pieces:  [ head | ring | ring again | extra ].
 */
static void *map_area(int fd, int prot, size_t ring, size_t extra)
{
	size_t bytes = mapped_bytes(ring, extra);
	void *at = mmap(NULL, bytes, PROT_NONE,
	    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	uint8_t *b = at;

	if (at == MAP_FAILED)
		return NULL;
	if (map_part(b, PAGE + ring, prot, fd, 0) &&
	    map_part(b + PAGE + ring, ring, prot, fd, PAGE) &&
	    map_part(b + PAGE + 2 * ring, extra, prot, fd, PAGE + ring))
		return at;
	int err = errno;
	munmap(at, bytes);
	errno = err;
	return NULL;
}

static int make_area(struct link *l, size_t ring_bytes, size_t extra_bytes)
{
	size_t bytes = PAGE + ring_bytes + extra_bytes;
	int err;
	int fd = memfd_create("spean-link", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (fd < 0)
		return -errno;
	err = ftruncate(fd, (off_t)bytes) ? -errno : 0;
	if (err)
		goto out;
	l->own = map_area(fd, PROT_READ | PROT_WRITE, ring_bytes, extra_bytes);
	if (!l->own) {
		err = -errno;
		goto out;
	}
	l->ring = ring_bytes;
	l->extra = extra_bytes;
	l->own->magic = MAGIC;
	l->own->ring_bits = (uint32_t)__builtin_ctzll(ring_bytes);
	l->own->extra_bytes = extra_bytes;
	if (fcntl(fd, F_ADD_SEALS, SEALS))
		err = -errno;
	else
		err = msg_send(l->sock, LINK_AREA, 0, NULL, 0, &fd, 1);
out:
	close(fd);
	return err;
}

int link_new(int sock, size_t ring_bytes, size_t extra_bytes, struct link **ret)
{
	must(ring_bytes >= 4 * LINK_RECORD_MAX);
	must((ring_bytes & (ring_bytes - 1)) == 0);
	struct link *l = calloc(1, sizeof *l);
	if (!l)
		return -ENOMEM;
	l->sock = sock;
	extra_bytes = (extra_bytes + PAGE - 1) & ~(PAGE - 1);
	int err = make_area(l, ring_bytes, extra_bytes);
	if (err) {
		link_free(l);
		return err;
	}
	*ret = l;
	return 0;
}

/* ---- an extra area for many links ---------------------------------------- */

int link_area_new(size_t bytes, struct link_area **ret)
{
	struct link_area *a = calloc(1, sizeof *a);
	int err = 0;

	if (!a)
		return -ENOMEM;
	a->bytes = (bytes + PAGE - 1) & ~(PAGE - 1);
	a->at = MAP_FAILED;
	a->fd = memfd_create("spean-area", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (a->fd < 0 || ftruncate(a->fd, (off_t)a->bytes))
		err = -errno;
	if (!err) {
		a->at = mmap(NULL, a->bytes, PROT_READ | PROT_WRITE, MAP_SHARED,
		    a->fd, 0);
		if (a->at == MAP_FAILED || fcntl(a->fd, F_ADD_SEALS, SEALS))
			err = -errno;
	}
	if (err)
		link_area_free(a);
	else
		*ret = a;
	return err;
}

void link_area_free(struct link_area *a)
{
	if (!a)
		return;
	if (a->at != MAP_FAILED)
		munmap(a->at, a->bytes);
	if (a->fd >= 0)
		close(a->fd);
	free(a);
}

int link_new_shared(
    int sock, size_t ring_bytes, struct link_area *extra, struct link **ret)
{
	int err = msg_send(sock, LINK_EXTRA, 0, NULL, 0, &extra->fd, 1);

	if (err) {
		close(sock);
		return err;
	}
	err = link_new(sock, ring_bytes, 0, ret);
	if (!err)
		(*ret)->shared = extra;
	return err;
}

void link_free(struct link *l)
{
	if (!l)
		return;
	if (l->own)
		munmap(l->own, mapped_bytes(l->ring, l->extra));
	if (l->peer)
		munmap((void *)(uintptr_t)l->peer,
		    mapped_bytes(l->peer_ring, l->peer_extra));
	if (l->peer_shared)
		munmap((void *)(uintptr_t)l->peer_shared, l->peer_shared_bytes);
	close(l->sock);
	free(l);
}

int link_fd(const struct link *l)
{
	return l->sock;
}

/* Bytes of the ring that the peer's head page names; 0: it makes no sense. */
static size_t peer_ring_bytes(int fd, size_t bytes)
{
	void *at = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, 0);

	if (at == MAP_FAILED)
		return 0;
	/* Read once: the peer may change it behind our back. */
	const volatile struct area *a = at;
	uint32_t magic = a->magic;
	uint32_t bits = a->ring_bits;
	munmap(at, PAGE);
	if (magic != MAGIC || bits >= 40)
		return 0;
	size_t ring = (size_t)1 << bits;
	if (PAGE + ring > bytes || ring < 4 * LINK_RECORD_MAX)
		return 0;
	return ring;
}

static int take_area(struct link *l, int fd)
{
	struct stat st;
	int seals = fcntl(fd, F_GET_SEALS);

	if (l->peer || seals < 0 || (seals & SEALS) != SEALS)
		return -EPROTO;
	if (fstat(fd, &st) || st.st_size < (off_t)PAGE)
		return -EPROTO;
	size_t bytes = (size_t)st.st_size;
	size_t ring = peer_ring_bytes(fd, bytes);
	if (!ring)
		return -EPROTO;
	size_t extra = bytes - PAGE - ring;
	l->peer = map_area(fd, PROT_READ, ring, extra);
	if (!l->peer)
		return -errno;
	l->peer_ring = ring;
	l->peer_extra = extra;
	return 0;
}

static int take_extra(struct link *l, int fd)
{
	struct stat st;
	int seals = fcntl(fd, F_GET_SEALS);

	if (l->peer || l->peer_shared || seals < 0 || (seals & SEALS) != SEALS)
		return -EPROTO;
	if (fstat(fd, &st) || st.st_size < (off_t)PAGE)
		return -EPROTO;
	void *at = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_SHARED, fd, 0);
	if (at == MAP_FAILED)
		return -errno;
	l->peer_shared = at;
	l->peer_shared_bytes = (size_t)st.st_size;
	return 0;
}

int link_bell(struct link *l)
{
	struct msg m;

	/* One at a time: if there are more, the socket is still readable. */
	if (l->peer) {
		int n = msg_recv(l->sock, &m);

		if (n > 0)
			msg_close_fds(&m);
		return n < 0 ? n : 0;
	}
	/* Two areas at most; more is for the next bell. */
	for (int i = 0; i < 4; i++) {
		int n = msg_recv(l->sock, &m);

		if (n <= 0)
			return n;
		int err = 0;
		if (m.type == LINK_AREA && m.n_fds == 1)
			err = take_area(l, m.fds[0]);
		else if (m.type == LINK_EXTRA && m.n_fds == 1)
			err = take_extra(l, m.fds[0]);
		msg_close_fds(&m);
		if (err)
			return err;
	}
	return 0;
}

bool link_ready(const struct link *l)
{
	return l->peer != NULL;
}

void *link_extra(struct link *l, size_t *ret_bytes)
{
	if (l->shared) {
		*ret_bytes = l->shared->bytes;
		return l->shared->at;
	}
	*ret_bytes = l->extra;
	return ring_of(l->own) + 2 * l->ring;
}

const void *link_peer_extra(const struct link *l, size_t *ret_bytes)
{
	*ret_bytes = 0;
	if (!l->peer)
		return NULL;
	if (l->peer_shared) {
		*ret_bytes = l->peer_shared_bytes;
		return l->peer_shared;
	}
	*ret_bytes = l->peer_extra;
	return ring_of_peer(l->peer) + 2 * l->peer_ring;
}

static void ring_put(struct link *l, uint64_t at, const void *p, size_t n)
{
	if (n)
		memcpy(ring_of(l->own) + (at & (l->ring - 1)), p, n);
}

static void ring_get(const struct link *l, uint64_t at, void *p, size_t n)
{
	memcpy(p, ring_of_peer(l->peer) + (at & (l->peer_ring - 1)), n);
}

static size_t room(const struct link *l)
{
	if (!l->peer)
		return 0;
	uint64_t tail =
	    atomic_load_explicit(&l->peer->tail, memory_order_acquire);
	uint64_t used = l->head - tail;

	/* A peer that lies about its tail only starves itself. */
	return used > l->ring ? 0 : l->ring - (size_t)used;
}

size_t link_room(const struct link *l)
{
	size_t n = room(l);

	if (n < sizeof(struct link_head) + 8)
		return 0;
	n -= sizeof(struct link_head) + 8;
	return n < LINK_RECORD_MAX ? n : LINK_RECORD_MAX;
}

/* Nothing waits for room any more, or it is there. */
static void has_room(struct link *l)
{
	l->wanted = 0;
	atomic_store(&l->own->wants_room, 0);
}

static size_t whole_bytes(size_t len)
{
	return sizeof(struct link_head) + ((len + 7) & ~(size_t)7);
}

/* Is there room for `whole` bytes?  If not, the peer is asked to ring. */
static bool want_room(struct link *l, size_t whole)
{
	if (room(l) < whole) {
		l->wanted = whole;
		atomic_store(&l->own->wants_room, 1);
		atomic_thread_fence(memory_order_seq_cst);
		/* It may have read on just before it could see that. */
		if (room(l) < whole)
			return false;
	}
	if (l->wanted && l->wanted <= whole)
		has_room(l);
	return true;
}

static void publish(
    struct link *l, uint32_t type, uint32_t a, uint32_t b, size_t len)
{
	struct link_head h = {
	    .len = (uint32_t)len, .type = type, .a = a, .b = b};

	ring_put(l, l->head, &h, sizeof h);
	l->head += whole_bytes(len);
	atomic_store_explicit(&l->own->head, l->head, memory_order_release);
}

bool link_write(struct link *l, uint32_t type, uint32_t a, uint32_t b,
    const void *pa, size_t na, const void *pb, size_t nb)
{
	must(na + nb <= LINK_RECORD_MAX);
	if (!want_room(l, whole_bytes(na + nb)))
		return false;
	ring_put(l, l->head + sizeof(struct link_head), pa, na);
	ring_put(l, l->head + sizeof(struct link_head) + na, pb, nb);
	publish(l, type, a, b, na + nb);
	return true;
}

uint8_t *link_reserve(struct link *l, size_t least)
{
	must(least <= LINK_RECORD_MAX);
	if (!want_room(l, whole_bytes(least)))
		return NULL;
	return ring_of(l->own) +
	       ((l->head + sizeof(struct link_head)) & (l->ring - 1));
}

void link_commit(
    struct link *l, uint32_t type, uint32_t a, uint32_t b, size_t n)
{
	publish(l, type, a, b, n);
}

int link_read(struct link *l, struct link_head *ret, void *buf)
{
	struct link_head h;

	if (!l->peer)
		return 0;
	uint64_t head =
	    atomic_load_explicit(&l->peer->head, memory_order_acquire);
	uint64_t have = head - l->tail;
	if (have == 0)
		return 0;
	if (have > l->peer_ring || have < sizeof h)
		return -EPROTO;
	ring_get(l, l->tail, &h, sizeof h);
	if (h.len > LINK_RECORD_MAX)
		return -EPROTO;
	size_t whole = whole_bytes(h.len);
	if (whole > have)
		return -EPROTO;
	ring_get(l, l->tail + sizeof h, buf, h.len);
	l->tail += whole;
	atomic_store_explicit(&l->own->tail, l->tail, memory_order_release);
	*ret = h;
	return 1;
}

void link_flush(struct link *l, bool force)
{
	if (!l->peer)
		return;
	bool news = force || l->head != l->rung_head;

	if (!news && l->tail == l->rung_tail)
		return;
	/* Our counters first, then what the peer says of itself. */
	atomic_thread_fence(memory_order_seq_cst);
	bool roomier =
	    l->tail != l->rung_tail && atomic_load(&l->peer->wants_room);
	if (!news && !roomier)
		return;
	l->rung_head = l->head;
	l->rung_tail = l->tail;
	if (!atomic_load(&l->peer->asleep))
		return;
	/* A full queue of bells has rung already. */
	if (msg_send(l->sock, LINK_BELL, 0, NULL, 0, NULL, 0) < 0)
		return;
}

bool link_sleep(struct link *l)
{
	atomic_store(&l->own->asleep, 1);
	atomic_thread_fence(memory_order_seq_cst);
	if (!l->peer)
		return true;
	if (atomic_load(&l->peer->head) != l->tail) {
		link_wake(l);
		return false;
	}
	/* Room that came before the peer could see that we sleep. */
	if (l->wanted && room(l) >= l->wanted) {
		has_room(l);
		link_wake(l);
		return false;
	}
	return true;
}

void link_wake(struct link *l)
{
	/* wants_room stays: we may be awake for another reason. */
	atomic_store(&l->own->asleep, 0);
}

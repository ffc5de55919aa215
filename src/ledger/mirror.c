#include "ledger/mirror.h"

#include "ledger/bundle.h"
#include "ledger/tile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* The largest file: a bundle of the longest entries. */
#define FILE_MAX (TILE_WIDTH * (2 + (size_t)BUNDLE_ENTRY_MAX))

struct mirror {
	int dir;
	struct mirror_report *report;
	bool bad;
	uint8_t buf[FILE_MAX + 1];
	struct digest leaf[TILE_WIDTH];
	struct merkle_edge small;
	struct tile_edge edge;
};

/* The first fault counts. */
static bool fault(struct mirror *m, const char *path, const char *what)
{
	if (!m->bad)
		snprintf(m->report->fault, sizeof m->report->fault, "%s: %s",
		    path, what);
	m->bad = true;
	return false;
}

/* Reads a whole file; -ENOENT, -EFBIG, -errno. */
static int slurp(struct mirror *m, const char *path, struct bytes *ret)
{
	int fd = openat(m->dir, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct stat st;
	size_t n = 0;
	ssize_t got = 1;

	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) || !S_ISREG(st.st_mode)) {
		close(fd);
		return -EINVAL;
	}
	while (n < sizeof m->buf && got > 0) {
		got = read(fd, m->buf + n, sizeof m->buf - n);
		n += got > 0 ? (size_t)got : 0;
	}
	int e = got < 0 ? -errno : 0;
	close(fd);
	if (!e && n == sizeof m->buf)
		e = -EFBIG;
	if (!e)
		*ret = (struct bytes){m->buf, n};
	return e;
}

/*
 * Reads a tile or bundle.  A partial one may be gone once the full one is
 * there (tlog-tiles); *t is then the full one.
 */
static bool read_tile(struct mirror *m, struct tile *t, struct bytes *ret)
{
	char path[TILE_PATH];
	int e = slurp(m, tile_path(*t, path), ret);

	if (e == -ENOENT && t->width < TILE_WIDTH) {
		struct tile full = *t;

		full.width = TILE_WIDTH;
		e = slurp(m, tile_path(full, path), ret);
		if (!e)
			*t = full;
		else
			tile_path(*t, path);
	}
	return e ? fault(m, path, strerror(-e)) : true;
}

/* The tile on disk begins with these hashes, and is as long as its name. */
static bool same_tile(
    struct mirror *m, struct tile t, const struct digest *hashes)
{
	size_t width = t.width;
	char path[TILE_PATH];
	struct bytes got;

	if (!read_tile(m, &t, &got))
		return false;
	tile_path(t, path);
	if (got.n != t.width * sizeof *hashes)
		return fault(m, path, "is not as long as its name says");
	if (memcmp(got.p, hashes, width * sizeof *hashes))
		return fault(
		    m, path, "does not hold the hashes of what is below it");
	return true;
}

static void on_full(void *arg, struct tile t, const struct digest *hashes)
{
	struct mirror *m = arg;

	if (!m->bad)
		same_tile(m, t, hashes);
}

static bool one_bundle(struct mirror *m, struct tile t)
{
	unsigned width = t.width;
	char path[TILE_PATH];
	struct bytes got;

	if (!read_tile(m, &t, &got))
		return false;
	if (!bundle_leaves(got, t.width, m->leaf))
		return fault(m, tile_path(t, path),
		    "does not hold as many entries as its name says");
	for (unsigned i = 0; i < width && !m->bad; i++) {
		merkle_edge_add(&m->small, &m->leaf[i]);
		tile_edge_add(&m->edge, &m->leaf[i], on_full, m);
	}
	return !m->bad;
}

static bool all_tiles(struct mirror *m, uint64_t size)
{
	struct tile t;

	for (uint64_t i = 0; tile_of_tree(TILE_ENTRIES, i, size, &t); i++) {
		if (!one_bundle(m, t))
			return false;
		m->report->checked = m->edge.size;
	}
	for (unsigned level = 0; level < TILE_LEVELS; level++)
		if (tile_edge_partial(&m->edge, level, &t) &&
		    !same_tile(m, t, m->edge.hash[level]))
			return false;
	return true;
}

static bool check_root(struct mirror *m, const struct digest *want)
{
	struct digest a = merkle_edge_root(&m->small);
	struct digest b = tile_edge_root(&m->edge);

	if (!digest_eq(&a, want) || !digest_eq(&b, want))
		return fault(
		    m, "checkpoint", "its root is not that of the entries");
	return true;
}

static bool check_all(struct mirror *m, const struct vkey *keys, size_t n)
{
	static struct note note; /* one thread */
	struct checkpoint c;
	struct bytes whole;
	int e = slurp(m, "checkpoint", &whole);

	if (e)
		return fault(m, "checkpoint", strerror(-e));
	if (!note_parse(whole, &note))
		return fault(m, "checkpoint", note_fault_text(NOTE_MALFORMED));
	enum note_fault f = note_verify(&note, keys, n, &m->report->signers);
	if (f)
		return fault(m, "checkpoint", note_fault_text(f));
	if (!checkpoint_parse(note.text, &c))
		return fault(m, "checkpoint",
		    "signed, but without origin, size and root");
	m->report->size = c.size;
	m->report->root = c.root;
	return all_tiles(m, c.size) && check_root(m, &c.root);
}

int mirror_verify(
    int dir, const struct vkey *keys, size_t n, struct mirror_report *ret)
{
	struct mirror *m = calloc(1, sizeof *m);

	*ret = (struct mirror_report){0};
	if (!m)
		return -ENOMEM;
	m->dir = dir;
	m->report = ret;
	bool ok = check_all(m, keys, n);
	free(m);
	return ok ? 0 : -EBADMSG;
}

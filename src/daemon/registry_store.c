/*
 * A file is a run of records, each: type (8 bits), length (32 bits), bytes.
 */
#include "daemon/registry_store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define NAME (REGISTRY_OBJECT + 8)

/* Objects are of letters, digits and - _ : . (conf); never "." or "..". */
static void name_of(const char *object, const char *end, char to[NAME])
{
	snprintf(to, NAME, "%s%s", object, end);
}

static bool emit(
    void *arg, enum registry_record type, const uint8_t *p, size_t n)
{
	uint8_t head[5];
	struct wr w = wr_from(head, sizeof head);

	wr_u8(&w, type);
	wr_u32(&w, (uint32_t)n);
	return fwrite(head, 1, sizeof head, arg) == sizeof head &&
	       fwrite(p, 1, n, arg) == n;
}

int store_write(
    int dir, const struct registry_head *h, const struct registry_list *l)
{
	char name[NAME], fresh[NAME];

	name_of(h->object, ".set", name);
	name_of(h->object, ".new", fresh);
	int fd =
	    openat(dir, fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	FILE *f = fd < 0 ? NULL : fdopen(fd, "w");
	if (!f) {
		int err = -errno;

		if (fd >= 0)
			close(fd);
		return err;
	}
	bool good = registry_write(h, l, emit, f) && !fflush(f) && !fsync(fd);
	int err = good ? 0 : errno ? -errno : -EIO;
	if (fclose(f) && !err)
		err = -errno;
	if (!err && renameat(dir, fresh, dir, name))
		err = -errno;
	if (err)
		unlinkat(dir, fresh, 0);
	return err;
}

int store_open(int dir, const char *object, struct store_reader *r)
{
	char name[NAME];

	name_of(object, ".set", name);
	int fd = openat(dir, name, O_RDONLY | O_CLOEXEC);
	r->file = fd < 0 ? NULL : fdopen(fd, "r");
	if (r->file)
		return 0;
	int err = -errno;
	if (fd >= 0)
		close(fd);
	return err;
}

bool store_next(struct store_reader *r)
{
	uint8_t head[5];

	if (fread(head, 1, sizeof head, r->file) != sizeof head)
		return false;
	struct rd rd = rd_from(head, sizeof head);
	r->type = rd_u8(&rd);
	r->n = rd_u32(&rd);
	return r->n <= sizeof r->buf && fread(r->buf, 1, r->n, r->file) == r->n;
}

void store_close(struct store_reader *r)
{
	if (r->file)
		fclose(r->file);
	r->file = NULL;
}

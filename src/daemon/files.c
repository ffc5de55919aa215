#include "daemon/files.h"

#include "base/wire.h"
#include "daemon/rpki.h"
#include "net/msg.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct files {
	uint8_t *p;
	size_t n;
};

/* What is there of it into *ret, the caller's to free.  0 or an errno. */
static int read_file(const char *path, uint8_t **ret, size_t *ret_n)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct stat st;
	uint8_t *p = NULL;
	size_t n = 0;
	int err = 0;

	if (fd < 0)
		return errno;
	if (fstat(fd, &st))
		err = errno;
	else if (!S_ISREG(st.st_mode))
		err = EINVAL;
	else if ((size_t)st.st_size > FILES_ONE)
		err = EFBIG;
	if (!err) {
		p = malloc((size_t)st.st_size + 1);
		err = p ? 0 : ENOMEM;
	}
	while (!err && n < (size_t)st.st_size) {
		ssize_t k = read(fd, p + n, (size_t)st.st_size - n);

		if (k < 0 && errno == EINTR)
			continue;
		if (k <= 0) {
			err = k ? errno : 0;
			break;
		}
		n += (size_t)k;
	}
	close(fd);
	if (err) {
		free(p);
		return err;
	}
	*ret = p;
	*ret_n = n;
	return 0;
}

static void add(struct files *f, const char *path)
{
	uint8_t *text = NULL;
	size_t n = 0, n_path = strlen(path);
	int err = read_file(path, &text, &n);
	uint8_t *more = realloc(f->p, f->n + 12 + n_path + n);

	if (more) {
		struct wr w = wr_from(more + f->n, 12 + n_path + n);

		wr_u32(&w, (uint32_t)n_path);
		wr_u32(&w, (uint32_t)n);
		wr_u32(&w, (uint32_t)err);
		wr_bytes(&w, path, n_path);
		wr_bytes(&w, text, n);
		f->p = more;
		f->n += wr_len(&w);
	}
	if (text)
		explicit_bzero(text, n);
	free(text);
}

int files_blob(const struct conf *c)
{
	struct files f = {0};
	int fd = -1;

	for (size_t i = 0; i < c->rpki.n_cache; i++) {
		const struct conf_cache *k = &c->rpki.cache[i];

		if (!k->tls[0])
			continue;
		add(&f, k->ca[0] ? k->ca : RPKI_SYSTEM_CA);
		if (k->certificate[0]) {
			add(&f, k->certificate);
			add(&f, k->key);
		}
	}
	if (f.n)
		fd = msg_blob("spean-files", f.p, f.n);
	if (f.p)
		explicit_bzero(f.p, f.n);
	free(f.p);
	return fd;
}

/* Key files, read and written with nobody else looking. */
#include "ledger/key.h"

#include "ledger/text.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <sodium.h>
#include <sys/stat.h>
#include <unistd.h>

static int check_modes(int fd)
{
	struct stat st;

	if (fstat(fd, &st))
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -EINVAL;
	if (st.st_mode & 077 || (st.st_uid && st.st_uid != geteuid()))
		return -EPERM;
	return 0;
}

int key_file_read(const char *path, struct skey *ret)
{
	char text[KEY_TEXT + 1];
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	ssize_t n = 0;
	struct bytes line;

	if (fd < 0)
		return -errno;
	int e = check_modes(fd);
	if (!e) {
		n = read(fd, text, sizeof text);
		if (n < 0)
			e = -errno;
	}
	close(fd);
	if (e)
		return e;
	struct rd r = rd_from(text, (size_t)n);
	if (!text_line(&r, &line) || !rd_done(&r) || !skey_parse(line, ret))
		e = -EINVAL;
	sodium_memzero(text, sizeof text);
	return e;
}

static int sync_folder(const char *path)
{
	char copy[1024];
	size_t n = strlen(path);

	if (n >= sizeof copy)
		return -ENAMETOOLONG;
	memcpy(copy, path, n + 1);
	int fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	int e = fsync(fd) ? -errno : 0;
	close(fd);
	return e;
}

static int write_all(int fd, const char *text, size_t n)
{
	ssize_t done = write(fd, text, n);

	if (done < 0)
		return -errno;
	if ((size_t)done != n)
		return -ENOSPC;
	return fsync(fd) ? -errno : 0;
}

int key_file_write(const char *path, const struct skey *k)
{
	char text[KEY_TEXT + 1];
	int fd = open(
	    path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);

	if (fd < 0)
		return -errno;
	size_t n = strlen(skey_format(k, text));
	text[n++] = '\n';
	int e = write_all(fd, text, n);
	if (close(fd) && !e)
		e = -errno;
	sodium_memzero(text, sizeof text);
	if (!e)
		e = sync_folder(path);
	if (e)
		unlink(path);
	return e;
}

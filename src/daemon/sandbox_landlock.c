/*
 * No role but the parent opens a file, a directory or a device, and the
 * monitor role those of one directory; engine and api make no TCP connection
 * either.  What they use is handed to them open.
 */
#include "daemon/sandbox.h"

#include <errno.h>
#include <linux/landlock.h>
#include <sys/syscall.h>
#include <unistd.h>

/* As in the newest header that we know, whatever the one at hand holds. */
struct ruleset {
	uint64_t fs;
	uint64_t net;
	uint64_t scoped;
};

#define NET_TCP 0x3u   /* bind, connect: since ABI 4 */
#define SCOPE_ALL 0x3u /* abstract sockets, signals: since ABI 6 */

static const uint64_t fs_rights[] = {
    [0] = 0,
    [1] = (1u << 13) - 1,
    [2] = (1u << 14) - 1, /* refer */
    [3] = (1u << 15) - 1, /* truncate */
    [4] = (1u << 15) - 1,
    [5] = (1u << 16) - 1, /* ioctl on devices */
};

#define NET_BIND 0x1u
#define FS_DUMPS                                                               \
	(LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_READ_DIR |         \
	    LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_MAKE_REG |     \
	    1u << 14 /* truncate, since ABI 3 */)

static int restrict_to(uint64_t net, int dir)
{
	long abi = syscall(SYS_landlock_create_ruleset, NULL, 0,
	    LANDLOCK_CREATE_RULESET_VERSION);
	struct ruleset rs = {0};
	int err = 0;

	if (abi < 0)
		return -errno;
	rs.fs = fs_rights[abi > 5 ? 5 : abi];
	size_t n = sizeof rs.fs;
	if (abi >= 4) {
		n += sizeof rs.net;
		rs.net = net;
	}
	if (abi >= 6) {
		n += sizeof rs.scoped;
		rs.scoped = SCOPE_ALL;
	}
	int fd = (int)syscall(SYS_landlock_create_ruleset, &rs, n, 0);
	if (fd < 0)
		return -errno;
	struct landlock_path_beneath_attr below = {
	    .allowed_access = FS_DUMPS & rs.fs, .parent_fd = dir};
	if (dir >= 0 && syscall(SYS_landlock_add_rule, fd,
			    LANDLOCK_RULE_PATH_BENEATH, &below, 0))
		err = -errno;
	if (!err && syscall(SYS_landlock_restrict_self, fd, 0))
		err = -errno;
	close(fd);
	return err;
}

int sandbox_landlock(enum role r)
{
	if (r == ROLE_MONITOR)
		return 0; /* sandbox_landlock_dir() */
	return restrict_to(
	    r == ROLE_SESSION || r == ROLE_RPKI ? 0 : NET_TCP, -1);
}

int sandbox_landlock_dir(int dir)
{
	return restrict_to(NET_BIND, dir);
}

/*
 * No role but the parent opens a file, a directory or a device; engine and
 * api make no TCP connection either.  What they use is handed to them open.
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

int sandbox_landlock(enum role r)
{
	long abi = syscall(SYS_landlock_create_ruleset, NULL, 0,
	    LANDLOCK_CREATE_RULESET_VERSION);
	struct ruleset rs = {0};

	if (abi < 0)
		return -errno;
	rs.fs = fs_rights[abi > 5 ? 5 : abi];
	size_t n = sizeof rs.fs;
	if (abi >= 4) {
		n += sizeof rs.net;
		rs.net = r == ROLE_SESSION ? 0 : NET_TCP;
	}
	if (abi >= 6) {
		n += sizeof rs.scoped;
		rs.scoped = SCOPE_ALL;
	}
	int fd = (int)syscall(SYS_landlock_create_ruleset, &rs, n, 0);
	if (fd < 0)
		return -errno;
	int err = syscall(SYS_landlock_restrict_self, fd, 0) ? -errno : 0;
	close(fd);
	return err;
}

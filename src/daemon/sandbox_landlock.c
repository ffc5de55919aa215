/*
 * No role but the parent opens a file, a directory or a device, the monitor
 * role those of one directory; registry reads files and runs programs of the
 * system, and writes into one directory; engine and api make no TCP connection
 * either.  What they use is handed to them open.
 */
#include "daemon/sandbox.h"

#include "base/attr.h"

#include <errno.h>
#include <fcntl.h>
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

#define FS_READ (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR)

/* What is allowed below a directory that is open. */
struct below {
	int dir; /* -1: no rule */
	uint64_t rights;
};

static int restrict_to(uint64_t net, const struct below *below, size_t n_below)
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
	for (size_t i = 0; i < n_below && !err; i++) {
		struct landlock_path_beneath_attr rule = {
		    .allowed_access = below[i].rights & rs.fs,
		    .parent_fd = below[i].dir};

		if (below[i].dir >= 0 &&
		    syscall(SYS_landlock_add_rule, fd,
			LANDLOCK_RULE_PATH_BENEATH, &rule, 0))
			err = -errno;
	}
	if (!err && syscall(SYS_landlock_restrict_self, fd, 0))
		err = -errno;
	close(fd);
	return err;
}

int sandbox_landlock(enum role r)
{
	if (r == ROLE_MONITOR || r == ROLE_REGISTRY)
		return 0; /* later, with their directory */
	return restrict_to(
	    r == ROLE_SESSION || r == ROLE_RPKI ? 0 : NET_TCP, NULL, 0);
}

int sandbox_landlock_dir(int dir)
{
	struct below b = {dir, FS_DUMPS};

	return restrict_to(NET_BIND, &b, 1);
}

int sandbox_landlock_registry(int dir)
{
	static const char *const programs[] = {"/usr", "/lib", "/lib64"};
	struct below b[2 + ARRAY_SIZE(programs)] = {
	    {dir, FS_DUMPS | LANDLOCK_ACCESS_FS_READ_FILE},
	    {open("/", O_PATH | O_DIRECTORY | O_CLOEXEC), FS_READ}};
	size_t n = 2;

	for (size_t i = 0; i < ARRAY_SIZE(programs); i++)
		b[n++] = (struct below){
		    open(programs[i], O_PATH | O_DIRECTORY | O_CLOEXEC),
		    FS_READ | LANDLOCK_ACCESS_FS_EXECUTE};
	int err = restrict_to(NET_BIND, b, n);
	for (size_t i = 1; i < n; i++)
		if (b[i].dir >= 0)
			close(b[i].dir);
	return err;
}

/*
 * What a role may do to the machine, made as small as its work: a user of
 * its own, no capability, no file, and only the system calls it needs.
 */
#pragma once

#include "daemon/role.h"

#include <sys/types.h>

struct sandbox_user {
	bool change; /* false when we are not root: everybody stays */
	uid_t uid;
	gid_t gid;
};

/* First of the ids used where spean-<role> is not in /etc/passwd. */
#define SANDBOX_UID 64610

/* The user of a role: spean-<role> where there is one. */
struct sandbox_user sandbox_user(enum role r);

/*
 * As root: raises the limit of open files, then keeps nothing but
 * CAP_NET_BIND_SERVICE, SETUID, SETGID and KILL.  0 or -errno.
 */
int sandbox_parent(void);

/*
 * In a role, before it reads a byte.  0 or -errno: then the role must end.
 * A kernel without Landlock only loses that layer (logged).
 */
int sandbox_role(enum role r, const struct sandbox_user *u);

/* Layers; -ENOSYS where the kernel or the build has none. */
int sandbox_landlock(enum role r);
/*
 * The monitor role's: nothing but files in that directory (-1: none), and
 * connections outwards.  Later than the other layers, since the parent hands
 * the directory over; but before the role opens or connects to anything.
 */
int sandbox_landlock_dir(int dir);
/*
 * The registry role's, likewise: what it runs, bgpq4, may read files and
 * connect; only the directory of the kept sets can be written.
 */
int sandbox_landlock_registry(int dir);
int sandbox_seccomp(enum role r);

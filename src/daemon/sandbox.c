#include "daemon/sandbox.h"

#include "base/log.h"

#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#define FILES_WANTED 65536

static const char *const users[] = {
    [ROLE_SESSION] = "spean-session",
    [ROLE_ENGINE] = "spean-engine",
    [ROLE_API] = "spean-api",
    [ROLE_MONITOR] = "spean-monitor",
    [ROLE_RPKI] = "spean-rpki",
    [ROLE_REGISTRY] = "spean-registry",
};

struct sandbox_user sandbox_user(enum role r)
{
	struct sandbox_user u = {
	    .change = geteuid() == 0,
	    .uid = (uid_t)(SANDBOX_UID + r),
	    .gid = (gid_t)(SANDBOX_UID + r),
	};
	const struct passwd *pw = u.change ? getpwnam(users[r]) : NULL;

	if (pw) {
		u.uid = pw->pw_uid;
		u.gid = pw->pw_gid;
	}
	return u;
}

static int set_caps(uint64_t keep)
{
	struct __user_cap_header_struct h = {
	    .version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct d[2] = {
	    {.effective = (uint32_t)keep, .permitted = (uint32_t)keep},
	    {.effective = (uint32_t)(keep >> 32),
		.permitted = (uint32_t)(keep >> 32)},
	};

	return syscall(SYS_capset, &h, d) ? -errno : 0;
}

static int get_caps(uint64_t *ret)
{
	struct __user_cap_header_struct h = {
	    .version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct d[2];

	if (syscall(SYS_capget, &h, d))
		return -errno;
	*ret = (uint64_t)d[1].permitted << 32 | d[0].permitted;
	return 0;
}

static void raise_files(void)
{
	struct rlimit l;

	if (getrlimit(RLIMIT_NOFILE, &l))
		return;
	struct rlimit more = {.rlim_cur = FILES_WANTED,
	    .rlim_max = l.rlim_max < FILES_WANTED ? FILES_WANTED : l.rlim_max};
	if (setrlimit(RLIMIT_NOFILE, &more) == 0)
		return;
	/* Then as many as we are given. */
	l.rlim_cur = l.rlim_max < FILES_WANTED ? l.rlim_max : FILES_WANTED;
	if (setrlimit(RLIMIT_NOFILE, &l))
		log_warn("file_limit", "error=%s", strerror(errno));
}

int sandbox_parent(void)
{
	uint64_t keep = 1ull << CAP_NET_BIND_SERVICE | 1ull << CAP_SETUID |
			1ull << CAP_SETGID | 1ull << CAP_KILL;
	uint64_t have;

	struct rlimit none = {0};

	raise_files();
	/* The configuration's passwords are in our memory too. */
	if (setrlimit(RLIMIT_CORE, &none) ||
	    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return -errno;
	if (geteuid() != 0)
		return 0;
	int err = get_caps(&have);
	if (err)
		return err;
	/* Needs SETPCAP, which systemd has taken from us already. */
	for (unsigned cap = 0; cap <= CAP_LAST_CAP; cap++)
		if (!(keep >> cap & 1))
			(void)prctl(PR_CAPBSET_DROP, cap, 0, 0, 0);
	return set_caps(keep & have);
}

static int change_user(const struct sandbox_user *u)
{
	if (setgroups(0, NULL) || setresgid(u->gid, u->gid, u->gid) ||
	    setresuid(u->uid, u->uid, u->uid))
		return -errno;
	return set_caps(0);
}

int sandbox_role(enum role r, const struct sandbox_user *u)
{
	struct rlimit none = {0};
	int err;

	/* A core of the session role would hold the members' passwords. */
	if (setrlimit(RLIMIT_CORE, &none))
		return -errno;
	if (u->change) {
		err = change_user(u);
		if (err)
			return err;
	}
	/*
	 * A role leaves when its parent's socket ends; this is for one that is
	 * stopped or hangs just then.  (Changing the user clears it.)
	 */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) ||
	    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return -errno;
	err = sandbox_landlock(r);
	if (err == -ENOSYS || err == -EOPNOTSUPP)
		log_info(
		    "sandbox_without_landlock", "error=%s", strerror(-err));
	else if (err)
		return err;
	err = sandbox_seccomp(r);
	if (err == -ENOSYS)
		log_info("sandbox_without_seccomp", "error=%s", strerror(-err));
	else if (err)
		return err;
	return 0;
}

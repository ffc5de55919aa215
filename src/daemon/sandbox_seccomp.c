/*
 * The system calls of each role, as a filter in the kernel.  What is not
 * listed fails with EPERM; what could only be an attack ends the role.
 *
 * The filter is a straight run of comparisons; the kernel caches the answer
 * for calls whose arguments are not looked at, so the length costs nothing.
 */
#include "daemon/sandbox.h"

#include "base/attr.h"
#include "base/must.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <linux/sockios.h>
#include <signal.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#if defined(__x86_64__)
#define ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define ARCH AUDIT_ARCH_AARCH64
#endif

/* The sanitizers' run time wants files, threads and ptrace. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(memory_sanitizer) ||     \
    __has_feature(thread_sanitizer)
#define SANITIZED 1
#endif
#endif

#if defined(ARCH) && !defined(SANITIZED)

#define MAX_STEPS 512

struct filter {
	struct sock_filter step[MAX_STEPS];
	unsigned short n;
};

static const int common[] = {
    SYS_read,
    SYS_write,
    SYS_readv,
    SYS_writev,
    SYS_pread64,
    SYS_recvmsg,
    SYS_sendmsg,
#ifdef SYS_epoll_wait
    SYS_epoll_wait,
#endif
    SYS_epoll_pwait,
    SYS_epoll_ctl,
    SYS_epoll_create1,
    SYS_close,
    SYS_clock_gettime,
    SYS_gettimeofday,
    SYS_clock_nanosleep,
    SYS_nanosleep,
#ifdef SYS_time
    SYS_time,
#endif
#ifdef SYS_poll
    SYS_poll,
#endif
    SYS_ppoll,
    SYS_brk,
    SYS_munmap,
    SYS_mremap,
    SYS_madvise,
    SYS_futex,
    SYS_getrandom,
    SYS_memfd_create,
    SYS_ftruncate,
    SYS_fstat,
#ifdef SYS_newfstatat
    SYS_newfstatat,
#endif
    SYS_fcntl,
    SYS_lseek,
    SYS_exit,
    SYS_exit_group,
    SYS_rt_sigaction,
    SYS_rt_sigprocmask,
    SYS_rt_sigreturn,
    SYS_sigaltstack,
    SYS_restart_syscall,
    SYS_getpid,
    SYS_gettid,
    SYS_getuid,
    SYS_geteuid,
    SYS_getrusage,
    SYS_sched_yield,
    SYS_getcpu,
    SYS_eventfd2,
    SYS_timerfd_create,
    SYS_timerfd_settime,
    SYS_shutdown,
};

/* Sockets that somebody handed over. */
static const int serve[] = {
    SYS_accept4,
    SYS_recvfrom,
    SYS_sendto,
    SYS_getsockopt,
    SYS_setsockopt,
    SYS_getsockname,
    SYS_getpeername,
};

static const int connects[] = {
    SYS_bind,
    SYS_connect,
    SYS_sendmmsg,
    SYS_recvmmsg,
};

/* Dumps in one directory, and the Landlock rule that keeps it to them. */
static const int dumps[] = {
    SYS_openat,
    SYS_getdents64,
    SYS_dup,
    SYS_renameat,
#ifdef SYS_renameat2
    SYS_renameat2,
#endif
    SYS_unlinkat,
    SYS_fdatasync,
    SYS_landlock_create_ruleset,
    SYS_landlock_add_rule,
    SYS_landlock_restrict_self,
};

/* Nobody here has a use for these; who tries is not us any more. */
static const int deadly[] = {
    SYS_execve,
    SYS_execveat,
    SYS_ptrace,
    SYS_process_vm_readv,
    SYS_process_vm_writev,
    SYS_mount,
    SYS_umount2,
    SYS_pivot_root,
    SYS_chroot,
    SYS_unshare,
    SYS_setns,
    SYS_bpf,
    SYS_perf_event_open,
    SYS_userfaultfd,
    SYS_io_uring_setup,
    SYS_init_module,
    SYS_finit_module,
    SYS_kexec_load,
    SYS_keyctl,
    SYS_add_key,
    SYS_open_by_handle_at,
    SYS_setuid,
    SYS_setresuid,
};

static void put(struct filter *f, struct sock_filter s)
{
	must(f->n < MAX_STEPS);
	f->step[f->n++] = s;
}

static void load(struct filter *f, size_t offset)
{
	put(f, (struct sock_filter)BPF_STMT(
		   BPF_LD | BPF_W | BPF_ABS, (uint32_t)offset));
}

static void give(struct filter *f, uint32_t action)
{
	put(f, (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, action));
}

/* Skips `n` steps unless the loaded word is k. */
static void unless(struct filter *f, uint32_t k, uint8_t n)
{
	put(f,
	    (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, k, 0, n));
}

static void each(struct filter *f, const int *calls, size_t n, uint32_t action)
{
	for (size_t i = 0; i < n; i++) {
		unless(f, (uint32_t)calls[i], 1);
		give(f, action);
	}
}

/* Low word of an argument: all that we look at are ints (little-endian). */
static size_t arg(unsigned i)
{
	return offsetof(struct seccomp_data, args) + i * sizeof(uint64_t);
}

/*
 * Allows the call when (argument & bits) is zero, else EPERM.  Only a path
 * that ends here loads another word: who goes on still has the number.
 */
static void allow_without(struct filter *f, int call, unsigned i, uint32_t bits)
{
	unless(f, (uint32_t)call, 4);
	load(f, arg(i));
	put(f, (struct sock_filter)BPF_JUMP(
		   BPF_JMP | BPF_JSET | BPF_K, bits, 0, 1));
	give(f, SECCOMP_RET_ERRNO | EPERM);
	give(f, SECCOMP_RET_ALLOW);
}

/* Allows the call when its argument is one of values, else EPERM. */
static void allow_values(
    struct filter *f, int call, unsigned i, const uint32_t *values, uint8_t n)
{
	unless(f, (uint32_t)call, (uint8_t)(2 + 2 * n));
	load(f, arg(i));
	for (uint8_t v = 0; v < n; v++) {
		unless(f, values[v], 1);
		give(f, SECCOMP_RET_ALLOW);
	}
	give(f, SECCOMP_RET_ERRNO | EPERM);
}

/* abort(): that signal, and to oneself. */
static void allow_abort(struct filter *f)
{
	unless(f, SYS_tgkill, 6);
	load(f, arg(0));
	unless(f, (uint32_t)getpid(), 3);
	load(f, arg(2));
	unless(f, SIGABRT, 1);
	give(f, SECCOMP_RET_ALLOW);
	give(f, SECCOMP_RET_ERRNO | EPERM);
}

/*
 * The registry role runs a program whose calls are not ours to list: all but
 * those that could only be an attack.
 */
static void allow_programs(struct filter *f)
{
	const unsigned programs = 2; /* execve, execveat: the first ones */

	each(f, deadly + programs, ARRAY_SIZE(deadly) - programs,
	    SECCOMP_RET_KILL_PROCESS);
	give(f, SECCOMP_RET_ALLOW);
}

static void build(struct filter *f, enum role r)
{
	static const uint32_t inet[] = {AF_INET, AF_INET6};
	static const uint32_t names[] = {PR_SET_NAME, PR_SET_VMA};
	static const uint32_t queues[] = {SIOCOUTQ, FIONREAD};
	static const uint32_t nobody[] = {0}; /* read one's own limits */
	uint32_t allow = SECCOMP_RET_ALLOW;

	load(f, offsetof(struct seccomp_data, arch));
	unless(f, ARCH, 1);
	put(f, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JA, 1, 0, 0));
	give(f, SECCOMP_RET_KILL_PROCESS);
	load(f, offsetof(struct seccomp_data, nr));
	if (r == ROLE_REGISTRY) {
		allow_programs(f);
		return;
	}
	each(f, common, ARRAY_SIZE(common), allow);
	if (r == ROLE_MONITOR)
		each(f, dumps, ARRAY_SIZE(dumps), allow);
	if (r == ROLE_SESSION || r == ROLE_API || r == ROLE_MONITOR ||
	    r == ROLE_RPKI)
		each(f, serve, ARRAY_SIZE(serve), allow);
	if (r == ROLE_SESSION || r == ROLE_MONITOR || r == ROLE_RPKI) {
		each(f, connects, ARRAY_SIZE(connects), allow);
		allow_values(f, SYS_socket, 0, inet, ARRAY_SIZE(inet));
		allow_values(f, SYS_ioctl, 1, queues, ARRAY_SIZE(queues));
	}
	allow_without(f, SYS_mmap, 2, PROT_EXEC);
	allow_without(f, SYS_mprotect, 2, PROT_EXEC);
	allow_values(f, SYS_prctl, 0, names, ARRAY_SIZE(names));
	allow_values(f, SYS_prlimit64, 2, nobody, ARRAY_SIZE(nobody));
	allow_abort(f);
	each(f, deadly, ARRAY_SIZE(deadly), SECCOMP_RET_KILL_PROCESS);
	give(f, SECCOMP_RET_ERRNO | EPERM);
}

int sandbox_seccomp(enum role r)
{
	static struct filter f;

	f.n = 0;
	build(&f, r);
	struct sock_fprog prog = {.len = f.n, .filter = f.step};
	if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog, 0, 0))
		return errno == EINVAL ? -ENOSYS : -errno;
	return 0;
}

#else

int sandbox_seccomp(enum role r)
{
	(void)r;
	return -ENOSYS;
}

#endif

/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * An allow-list: what a daemon that has started has still to do is little, so what a hole
 * in it could be used for is little, too: no program is executed, no memory becomes code,
 * no other process is touched, no socket is of another kind.
 *
 * What is not on the list is refused with EPERM and a line in the log, not by death: a C library that does an old
 * thing in a new way must not take a router down. Calls that are allowed whatever their arguments cost nothing
 * that can be measured (the kernel keeps a bit for each); those with conditions are none of the hot ones.
 */
#include "cmd/evpnd/syscalls.h"

#include <errno.h>
#include <linux/prctl.h>
#include <sched.h>
#include <seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <ucontext.h>
#include <unistd.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define UNFIT "a build with sanitizers makes calls of its own"
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define UNFIT "a build with sanitizers makes calls of its own"
#endif
#endif

/* By concern; what this architecture has not is left out. */
static const char *const allowed[] = {
	/* the event loop of libev, and the workers' own */
	"epoll_create1", "epoll_ctl", "epoll_wait", "epoll_pwait", "epoll_pwait2", "eventfd2", "timerfd_create",
	"timerfd_settime", "poll", "ppoll", "select", "pselect6", "pipe2",
	/* time */
	"clock_gettime", "clock_getres", "clock_nanosleep", "gettimeofday", "nanosleep", "time",
	/* sockets: BGP, netlink, the control socket, packet sockets, the userspace VTEP's tunnel; socket() is below */
	"accept", "accept4", "bind", "connect", "getpeername", "getsockname", "getsockopt", "listen", "recv",
	"recvfrom", "recvmmsg", "recvmsg", "send", "sendmmsg", "sendmsg", "sendto", "setsockopt", "shutdown",
	"socketpair",
	/* descriptors; ioctl: links of the userspace VTEP, /dev/net/tun */
	"close", "close_range", "dup", "dup3", "fcntl", "ioctl", "lseek", "read", "readv", "write", "writev", "pread64",
	/* files: the configuration at a reload, /proc/net, /proc/self, /dev/net/tun; what is left at the end */
	"access", "faccessat", "faccessat2", "flock", "fstat", "fstatfs", "getcwd", "getdents64", "lstat",
	"newfstatat", "open", "openat", "readlink", "readlinkat", "stat", "statx", "umask", "unlink", "unlinkat",
	/* memory; what makes code of it is below */
	"brk", "madvise", "mincore", "mremap", "munmap",
	/* threads, locks, grace periods (liburcu); clone() is below */
	"arch_prctl", "exit", "futex", "get_robust_list", "gettid", "membarrier", "rseq", "sched_getaffinity",
	"sched_setaffinity", "sched_yield", "set_robust_list", "set_tid_address",
	/* signals */
	"restart_syscall", "rt_sigaction", "rt_sigprocmask", "rt_sigreturn", "rt_sigtimedwait", "sigaltstack",
	/* who and where we are */
	"capget", "exit_group", "getcpu", "getegid", "geteuid", "getgid", "getpid", "getrandom",
	"getrlimit", "getrusage", "getuid", "prlimit64", "setrlimit", "sysinfo", "uname",
};

static const int domains[] = { AF_UNIX, AF_NETLINK, AF_PACKET, AF_INET, AF_INET6 };

static int allow(scmp_filter_ctx f, const char *name)
{
	int nr = seccomp_syscall_resolve_name(name);
	int rc = nr == __NR_SCMP_ERROR ? 0 : seccomp_rule_add(f, SCMP_ACT_ALLOW, nr, 0);

	return rc == -EDOM ? 0 : rc; /* not on this architecture */
}

/* With a condition for one argument: what & mask == value. */
static int allow_if(scmp_filter_ctx f, int nr, unsigned arg, uint64_t mask, uint64_t value)
{
	return seccomp_rule_add(f, SCMP_ACT_ALLOW, nr, 1, SCMP_CMP64(arg, SCMP_CMP_MASKED_EQ, mask, value));
}

static int allow_with_conditions(scmp_filter_ctx f)
{
	int rc = 0;

	for (size_t i = 0; !rc && i < sizeof(domains) / sizeof(*domains); i++)
		rc = allow_if(f, SCMP_SYS(socket), 0, UINT32_MAX, (uint64_t)domains[i]);
	/* No memory that can be executed. */
	if (!rc)
		rc = allow_if(f, SCMP_SYS(mmap), 2, PROT_EXEC, 0);
	if (!rc)
		rc = allow_if(f, SCMP_SYS(mprotect), 2, PROT_EXEC, 0);
	/* Threads, no processes. clone3() hides its flags in memory: where it is not there, clone() is used. */
	if (!rc)
		rc = allow_if(f, SCMP_SYS(clone), 0, CLONE_THREAD, CLONE_THREAD);
	if (!rc)
		rc = seccomp_rule_add(f, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);
	/* Names of threads and of memory. */
	if (!rc)
		rc = allow_if(f, SCMP_SYS(prctl), 0, UINT32_MAX, PR_SET_NAME);
	if (!rc)
		rc = allow_if(f, SCMP_SYS(prctl), 0, UINT32_MAX, PR_SET_VMA);
	/* How exactly a worker of the userspace VTEP is woken. */
	if (!rc)
		rc = allow_if(f, SCMP_SYS(prctl), 0, UINT32_MAX, PR_SET_TIMERSLACK);
	/* abort(), of ourselves. */
	if (!rc)
		rc = allow_if(f, SCMP_SYS(tgkill), 0, UINT32_MAX, (uint64_t)getpid());
	return rc;
}

/* ---- what is refused --------------------------------------------------------------------------------------------- */

#if defined(__x86_64__)
#define RESULT(uc) ((uc)->uc_mcontext.gregs[REG_RAX])
#elif defined(__aarch64__)
#define RESULT(uc) ((uc)->uc_mcontext.regs[0])
#endif

#ifdef RESULT
/* In a signal handler nothing of the log may be used. */
static void say_refused(int nr)
{
	char digits[12], line[128] = "error  main: seccomp: system call ";
	size_t len = strlen(line), n = 0;
	static const char rest[] = " is none that evpnd makes: refused (scmp_sys_resolver names it)\n";

	do {
		digits[n++] = (char)('0' + nr % 10);
		nr /= 10;
	} while (nr > 0 && n < sizeof(digits));
	while (n)
		line[len++] = digits[--n];
	memcpy(line + len, rest, sizeof(rest) - 1);
	(void)!write(STDERR_FILENO, line, len + sizeof(rest) - 1);
}

static void on_refused(int sig, siginfo_t *info, void *context)
{
	ucontext_t *uc = context;

	say_refused(info->si_syscall);
	RESULT(uc) = -EPERM;
}

static uint32_t refusal(void)
{
	struct sigaction sa = { .sa_sigaction = on_refused, .sa_flags = SA_SIGINFO | SA_NODEFER | SA_RESTART };

	return sigaction(SIGSYS, &sa, NULL) ? SCMP_ACT_ERRNO(EPERM) : SCMP_ACT_TRAP;
}
#else
static uint32_t refusal(void)
{
	return SCMP_ACT_ERRNO(EPERM);
}
#endif

/* ---- the filter -------------------------------------------------------------------------------------------------- */

static int install(uint32_t otherwise)
{
	scmp_filter_ctx f = seccomp_init(otherwise);
	int rc = f ? 0 : -ENOMEM;

	for (size_t i = 0; !rc && i < sizeof(allowed) / sizeof(*allowed); i++)
		rc = allow(f, allowed[i]);
	if (!rc)
		rc = allow_with_conditions(f);
	if (!rc)
		rc = seccomp_attr_set(f, SCMP_FLTATR_CTL_TSYNC, 1); /* workers run already */
	if (!rc) {
		seccomp_attr_set(f, SCMP_FLTATR_CTL_OPTIMIZE, 2); /* a tree; an older library has a list */
		rc = seccomp_load(f);
	}
	if (f)
		seccomp_release(f);
	return rc;
}

bool syscalls_restrict(struct log *log)
{
	const char *mode = getenv("EVPND_SECCOMP");
	bool kills = mode && !strcmp(mode, "kill");
	const char *why = mode && !strcmp(mode, "off") ? "EVPND_SECCOMP is off" : NULL;
	int rc;

#ifdef UNFIT
	why = UNFIT;
#endif
	rc = why ? 0 : install(kills ? SCMP_ACT_KILL_PROCESS : refusal());
	if (rc)
		why = strerror(-rc);
	if (why)
		log_warn(log, LOG_MAIN, "seccomp: no filter for system calls: %s", why);
	return !why;
}

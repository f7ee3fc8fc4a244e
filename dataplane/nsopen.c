/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 *	daemon --- request, namespace ---> process --- forks ---> child: setns(), open, answer with descriptors
 *	       <----------------------------- answer, descriptors -------------------------------'
 *
 * Nobody here has more rights than who asks: the child of a user that owns a user namespace has all of them in there.
 */
#include "dataplane/nsopen.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/netlink.h>
#include <linux/nsfs.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"

#define NETNS_DIR "/run/netns/" /* of iproute2 */
#define PATIENCE_S 5            /* for a child that the kernel keeps */

/* What a step is called when it is refused. */
enum step {
	STEP_NONE,
	STEP_START,
	STEP_ENTER,
	STEP_ENTER_USER,
	STEP_APART,
	STEP_NETLINK,
	STEP_PACKET,
	STEP_TUN,
	STEP_ITSELF,
	STEP_ANSWER,
	STEPS
};

static const char *const steps[STEPS] = {
	[STEP_NONE] = "",
	[STEP_START] = "start a process that enters the network namespace",
	[STEP_ENTER] = "enter the network namespace",
	[STEP_ENTER_USER] = "enter the user namespace that the network namespace belongs to",
	[STEP_APART] = "make a network namespace",
	[STEP_NETLINK] = "open a netlink socket",
	[STEP_PACKET] = "open a packet socket",
	[STEP_TUN] = "open /dev/net/tun",
	[STEP_ITSELF] = "open the network namespace",
	[STEP_ANSWER] = "get the descriptors",
};

struct request {
	uint32_t id;
	uint8_t n;
	uint8_t what[NSOPEN_MAX];
};

struct answer {
	uint32_t id; /* an answer that came too late is nobody's */
	int32_t err;
	uint8_t step;
};

static struct answer failed(enum step step, int err)
{
	return (struct answer){ .err = err, .step = (uint8_t)step };
}

/* ---- descriptors over a socket ----------------------------------------------------------------------------------- */

union control {
	struct cmsghdr align;
	char octets[CMSG_SPACE(NSOPEN_MAX * sizeof(int))];
};

static int send_with(int to, const void *p, size_t len, const int *fds, unsigned n)
{
	struct iovec iov = { (void *)(uintptr_t)p, len };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1 };
	union control c;
	struct cmsghdr *h;

	if (n) {
		m.msg_control = c.octets;
		m.msg_controllen = CMSG_SPACE(n * sizeof(int));
		h = CMSG_FIRSTHDR(&m);
		h->cmsg_level = SOL_SOCKET;
		h->cmsg_type = SCM_RIGHTS;
		h->cmsg_len = CMSG_LEN(n * sizeof(int));
		memcpy(CMSG_DATA(h), fds, n * sizeof(int));
	}
	return sendmsg(to, &m, MSG_NOSIGNAL) < 0 ? -errno : 0;
}

/* The octets that came, -errno; fds has room for NSOPEN_MAX. */
static ssize_t receive_with(int from, void *p, size_t len, int *fds, unsigned *n)
{
	struct iovec iov = { p, len };
	union control c;
	struct msghdr m = {
		.msg_iov = &iov, .msg_iovlen = 1, .msg_control = c.octets, .msg_controllen = sizeof(c.octets)
	};
	ssize_t got = recvmsg(from, &m, MSG_CMSG_CLOEXEC);
	const struct cmsghdr *h = got < 0 ? NULL : CMSG_FIRSTHDR(&m);

	*n = 0;
	if (h && h->cmsg_level == SOL_SOCKET && h->cmsg_type == SCM_RIGHTS) {
		*n = (unsigned)((h->cmsg_len - CMSG_LEN(0)) / sizeof(int));
		memcpy(fds, CMSG_DATA(h), *n * sizeof(int));
	}
	return got < 0 ? -errno : got;
}

static void close_all(const int *fds, unsigned n)
{
	while (n--)
		close(fds[n]);
}

/* ---- opening ----------------------------------------------------------------------------------------------------- */

static int open_netlink(void)
{
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE), err;
	struct sockaddr_nl nl = { .nl_family = AF_NETLINK };

	if (fd < 0 || !bind(fd, (struct sockaddr *)&nl, sizeof(nl)))
		return fd;
	err = errno;
	close(fd);
	errno = err;
	return -1;
}

/* A descriptor; -1 with errno; or -2 where there is none to be had. */
static int open_one(enum nsopen_what what, uint8_t *step)
{
	switch (what) {
	case NSOPEN_NETLINK:
		*step = STEP_NETLINK;
		return open_netlink();
	case NSOPEN_PACKET:
		*step = STEP_PACKET;
		return socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	case NSOPEN_TUN:
		*step = STEP_TUN;
		return open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK);
	case NSOPEN_ITSELF:
		*step = STEP_ITSELF;
		return open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	case NSOPEN_APART:
		*step = STEP_APART;
		return unshare(CLONE_NEWNET) < 0 ? -1 : -2;
	}
	return -2;
}

/* *got: how many are open; none when it goes wrong. */
static struct answer open_all(const uint8_t *what, unsigned n, int *fds, unsigned *got)
{
	struct answer a = { 0 };

	*got = 0;
	for (unsigned i = 0; i < n; i++) {
		int fd = open_one((enum nsopen_what)what[i], &a.step);

		if (fd == -1) {
			a.err = -errno;
			close_all(fds, *got);
			*got = 0;
			return a;
		}
		if (fd >= 0)
			fds[(*got)++] = fd;
	}
	return a;
}

/* ---- a child ----------------------------------------------------------------------------------------------------- */

/* The owner of a user namespace has all rights in it, once there. */
static struct answer enter(int ns)
{
	int user;

	if (!setns(ns, CLONE_NEWNET))
		return (struct answer){ 0 };
	if (errno != EPERM)
		return failed(STEP_ENTER, -errno);
	user = ioctl(ns, NS_GET_USERNS);
	if (user < 0)
		return failed(STEP_ENTER, -EPERM);
	if (setns(user, CLONE_NEWUSER)) /* EINVAL: it is our own, in which we have no rights */
		return errno == EINVAL ? failed(STEP_ENTER, -EPERM) : failed(STEP_ENTER_USER, -errno);
	return setns(ns, CLONE_NEWNET) ? failed(STEP_ENTER, -errno) : (struct answer){ 0 };
}

static _Noreturn void child(int to, int ns, const struct request *r)
{
	struct answer a = enter(ns);
	int fds[NSOPEN_MAX];
	unsigned got = 0;

	if (!a.err)
		a = open_all(r->what, r->n, fds, &got);
	a.id = r->id;
	_exit(send_with(to, &a, sizeof(a), fds, got) ? 1 : 0);
}

/* A child goes; its answer comes over the other end of `to`. */
static struct answer send_child(int to, int ns, const struct request *r)
{
	pid_t pid = fork();

	if (!pid)
		child(to, ns, r);
	if (pid < 0)
		return failed(STEP_START, -errno);
	waitpid(pid, NULL, 0);
	return (struct answer){ 0 };
}

/* ---- the process that has children ------------------------------------------------------------------------------- */

static void serve_one(int fd, const struct request *r, ssize_t len, const int *ns, unsigned n_ns)
{
	struct answer a = failed(STEP_START, -EINVAL);

	if (len == sizeof(*r) && n_ns == 1 && r->n <= NSOPEN_MAX)
		a = send_child(fd, *ns, r);
	a.id = r->id;
	if (a.err)
		send_with(fd, &a, sizeof(a), NULL, 0);
}

/* What a namespace that is not of our own user takes, so far as we have it: root's process keeps no more than that. */
static void keep_little(void)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct caps[_LINUX_CAPABILITY_U32S_3] = { 0 };
	const uint32_t kept = 1u << CAP_SYS_ADMIN | 1u << CAP_NET_ADMIN | 1u << CAP_NET_RAW;

	if (syscall(SYS_capget, &head, caps))
		return;
	caps[0].effective &= kept;
	caps[0].permitted &= kept;
	caps[0].inheritable = caps[1].effective = caps[1].permitted = caps[1].inheritable = 0;
	syscall(SYS_capset, &head, caps);
}

/* Ends with the daemon, not with the signals that end that: it may need us till then. */
static _Noreturn void serve(int fd)
{
	int ns[NSOPEN_MAX];
	struct request r;
	unsigned n;
	ssize_t len;

	prctl(PR_SET_NAME, "evpnd-nsopen");
	keep_little();
	signal(SIGINT, SIG_IGN);
	signal(SIGTERM, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	if (dup2(fd, 3) < 0)
		_exit(1);
	close_range(4, ~0u, 0);
	while ((len = receive_with(3, &r, sizeof(r), ns, &n)) > 0 || len == -EINTR) {
		serve_one(3, &r, len, ns, n);
		close_all(ns, n);
	}
	_exit(0);
}

static int make_pair(int pair[2])
{
	struct timeval patience = { .tv_sec = PATIENCE_S };

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return -errno;
	setsockopt(pair[0], SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	return 0;
}

int nsopen_start(struct nsopen *o)
{
	int pair[2], err = make_pair(pair);

	pid_t pid;

	o->fd = -1;
	if (err)
		return err;
	pid = fork();
	if (!pid) { /* nobody's child, so that nobody has to wait for it */
		pid = fork();
		if (!pid)
			serve(pair[1]);
		_exit(pid < 0 ? 1 : 0);
	}
	err = pid < 0 ? -errno : 0;
	close(pair[1]);
	if (pid > 0)
		waitpid(pid, NULL, 0);
	if (err)
		close(pair[0]);
	else
		o->fd = pair[0];
	return err;
}

void nsopen_stop(struct nsopen *o)
{
	if (o->fd >= 0)
		close(o->fd);
	o->fd = -1;
}

/* ---- who asks ---------------------------------------------------------------------------------------------------- */

static struct answer take_answer(int from, uint32_t id, int *fds, unsigned expected)
{
	struct answer a;
	unsigned got;
	ssize_t len = receive_with(from, &a, sizeof(a), fds, &got);

	while (len == sizeof(a) && a.id != id) {
		close_all(fds, got);
		len = receive_with(from, &a, sizeof(a), fds, &got);
	}
	if (len != sizeof(a))
		return failed(STEP_ANSWER, len < 0 ? (int)len : -EPIPE);
	a.step = a.step < STEPS ? a.step : STEP_ANSWER;
	if (a.err || got == expected)
		return a;
	close_all(fds, got); /* we are at our limit of descriptors */
	return failed(STEP_ANSWER, -EMFILE);
}

static struct answer ask_process(struct nsopen *o, int ns, struct request *r, int *fds, unsigned expected)
{
	int err;

	r->id = ++o->id;
	err = send_with(o->fd, r, sizeof(*r), &ns, 1);
	return err ? failed(STEP_START, err) : take_answer(o->fd, r->id, fds, expected);
}

static struct answer ask_child(int ns, const struct request *r, int *fds, unsigned expected)
{
	struct answer a;
	int pair[2], err = make_pair(pair);

	if (err)
		return failed(STEP_START, err);
	a = send_child(pair[1], ns, r);
	close(pair[1]);
	if (!a.err)
		a = take_answer(pair[0], r->id, fds, expected);
	close(pair[0]);
	return a;
}

int nsopen(struct nsopen *o, int ns, const uint8_t *what, unsigned n, int *fds, const char **step)
{
	unsigned expected = 0, got;
	struct request r = { .n = (uint8_t)n };
	int all[NSOPEN_MAX];
	struct answer a;

	BUG_ON(n > NSOPEN_MAX);
	memcpy(r.what, what, n);
	for (unsigned i = 0; i < n; i++)
		expected += what[i] != NSOPEN_APART;
	if (ns < 0)
		a = open_all(what, n, all, &got);
	else if (o && o->fd >= 0)
		a = ask_process(o, ns, &r, all, expected);
	else
		a = ask_child(ns, &r, all, expected);
	*step = steps[a.step];
	if (!a.err)
		memcpy(fds, all, expected * sizeof(int));
	return a.err;
}

bool nsopen_path(const char *text, char *path, size_t cap)
{
	bool number = text[0] && !text[strspn(text, "0123456789")];
	int len = number ? snprintf(path, cap, "/proc/%s/ns/net", text) :
			   snprintf(path, cap, "%s%s", strchr(text, '/') ? "" : NETNS_DIR, text);

	return len > 0 && (size_t)len < cap;
}

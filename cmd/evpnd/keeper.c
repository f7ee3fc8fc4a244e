/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/* See keeper.h. A request is one datagram: its number, then the arguments, each with its zero octet; none: kill it. */
#include "cmd/evpnd/keeper.h"

#include <cap-ng.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define REQUEST_MAX 65536u
#define ARGS_MAX 64u
#define PROGRAMS_MAX 1024u

struct program {
	unsigned number;
	pid_t pid; /* 0: none */
};

struct keeper {
	int fd;
	struct program program[PROGRAMS_MAX];
	char request[REQUEST_MAX];
};

/* ---- in the keeper ----------------------------------------------------------------------------------------------- */

static void on_child(int sig)
{
}

static void give_up_rights(const char *user)
{
	const struct passwd *u = geteuid() ? NULL : getpwnam(user);

	if (!geteuid() && (!u || !u->pw_uid))
		u = getpwnam("nobody");
	if (!geteuid() && (!u || setgroups(0, NULL) || setgid(u->pw_gid) || setuid(u->pw_uid)))
		_exit(1);
	capng_clear(CAPNG_SELECT_ALL);
	capng_apply(CAPNG_SELECT_CAPS);
	prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0L, 0L, 0L);
	if (prctl(PR_SET_NO_NEW_PRIVS, 1L, 0L, 0L, 0L) || prctl(PR_SET_PDEATHSIG, SIGKILL))
		_exit(1);
}

static void execute(struct keeper *k, char **argv, int stream)
{
	struct sigaction usual = { .sa_handler = SIG_DFL };
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	sigaction(SIGCHLD, &usual, NULL);
	sigaction(SIGPIPE, &usual, NULL);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	dup2(stream, STDIN_FILENO);
	dup2(stream, STDOUT_FILENO);
	close_range(3, ~0u, 0);
	execv(argv[0], argv);
	fprintf(stderr, "evpnd: resolver %s: cannot be run: %s\n", argv[0], strerror(errno));
	_exit(127);
}

static void reap(struct keeper *k)
{
	pid_t pid;

	while ((pid = waitpid(-1, NULL, WNOHANG)) > 0)
		for (unsigned i = 0; i < PROGRAMS_MAX; i++)
			if (k->program[i].pid == pid)
				k->program[i].pid = 0;
}

static struct program *find(struct keeper *k, unsigned number, bool free_one)
{
	for (unsigned i = 0; i < PROGRAMS_MAX; i++)
		if (free_one ? !k->program[i].pid : k->program[i].pid && k->program[i].number == number)
			return &k->program[i];
	return NULL;
}

static void carry_out(struct keeper *k, size_t len, int stream)
{
	char *argv[ARGS_MAX + 1], *at = k->request + sizeof(unsigned), *end = k->request + len;
	struct program *p;
	unsigned number;
	size_t n = 0;

	memcpy(&number, k->request, sizeof(number));
	for (; at < end && n < ARGS_MAX; at += strlen(at) + 1)
		argv[n++] = at;
	argv[n] = NULL;
	p = find(k, number, n > 0);
	if (!p)
		return;
	if (!n) {
		kill(p->pid, SIGKILL);
		return;
	}
	p->number = number;
	p->pid = fork();
	if (!p->pid)
		execute(k, argv, stream);
	if (p->pid < 0)
		p->pid = 0;
}

/* Octets of a request, 0 at the end of the daemon; *stream: the descriptor that came along, -1 without. */
static ssize_t receive(struct keeper *k, int *stream)
{
	union {
		struct cmsghdr h;
		char space[CMSG_SPACE(sizeof(int))];
	} control;
	struct iovec iov = { k->request, REQUEST_MAX - 1 };
	struct msghdr m = {
		.msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control)
	};
	ssize_t n = recvmsg(k->fd, &m, MSG_CMSG_CLOEXEC);
	struct cmsghdr *c = n > 0 ? CMSG_FIRSTHDR(&m) : NULL;

	*stream = -1;
	if (c && c->cmsg_type == SCM_RIGHTS)
		memcpy(stream, CMSG_DATA(c), sizeof(int));
	if (n > 0)
		k->request[n] = '\0';
	return n;
}

static void run(int fd, const char *user)
{
	struct sigaction child = { .sa_handler = on_child }, ignore = { .sa_handler = SIG_IGN };
	struct keeper *k = xcalloc(1, sizeof(*k));
	bool interrupted;
	ssize_t n;
	int stream;

	k->fd = fd;
	sigaction(SIGCHLD, &child, NULL);
	/* What ends the daemon from a terminal ends us when it is gone. */
	sigaction(SIGINT, &ignore, NULL);
	sigaction(SIGHUP, &ignore, NULL);
	unsetenv("NOTIFY_SOCKET");
	give_up_rights(user);
	if (getppid() == 1)
		_exit(0);
	for (;;) {
		n = receive(k, &stream);
		interrupted = n < 0 && errno == EINTR;
		reap(k);
		if (interrupted)
			continue;
		if (n < (ssize_t)sizeof(unsigned))
			_exit(0); /* and PDEATHSIG ends the programs */
		carry_out(k, (size_t)n, stream);
		if (stream >= 0)
			close(stream);
	}
}

/* ---- in the daemon ----------------------------------------------------------------------------------------------- */

int keeper_start(struct log *log, const char *user)
{
	int pair[2];
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair))
		goto fail;
	pid = fork();
	if (pid < 0) {
		close(pair[0]);
		close(pair[1]);
		goto fail;
	}
	if (!pid) {
		close(pair[0]);
		run(pair[1], user);
	}
	close(pair[1]);
	return pair[0];
fail:
	log_error(log, LOG_MAIN, "resolvers: no process to run their programs: %s", strerror(errno));
	return -errno;
}

static int request(int keeper, unsigned number, char *const *argv, int stream)
{
	union {
		struct cmsghdr h;
		char space[CMSG_SPACE(sizeof(int))];
	} control = { .space = { 0 } };
	struct iovec iov[1 + ARGS_MAX] = { { &number, sizeof(number) } };
	struct msghdr m = { .msg_iov = iov, .msg_iovlen = 1 };

	for (; argv && *argv && m.msg_iovlen <= ARGS_MAX; argv++)
		iov[m.msg_iovlen++] = (struct iovec){ *argv, strlen(*argv) + 1 };
	if (stream >= 0) {
		m.msg_control = &control;
		m.msg_controllen = sizeof(control);
		control.h = (struct cmsghdr){ .cmsg_len = CMSG_LEN(sizeof(int)),
					      .cmsg_level = SOL_SOCKET,
					      .cmsg_type = SCM_RIGHTS };
		memcpy(CMSG_DATA(&control.h), &stream, sizeof(int));
	}
	return sendmsg(keeper, &m, MSG_DONTWAIT | MSG_NOSIGNAL) < 0 ? -errno : 0;
}

int keeper_run(int keeper, unsigned number, char *const *argv)
{
	int pair[2], err;

	if (keeper < 0)
		return -EPERM;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair))
		return -errno;
	err = request(keeper, number, argv, pair[1]);
	close(pair[1]);
	if (!err && fcntl(pair[0], F_SETFL, O_NONBLOCK))
		err = -errno;
	if (!err)
		return pair[0];
	close(pair[0]);
	return err;
}

void keeper_kill(int keeper, unsigned number)
{
	if (keeper >= 0)
		request(keeper, number, NULL, -1);
}

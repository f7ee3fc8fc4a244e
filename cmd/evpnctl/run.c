/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
#include "cmd/evpnctl/run.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"

#define CHUNK 65536u
#define LINE_MAX_OCTETS (1u << 20)
#define EXIT_ABSENT 127

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* In the child, which has a process group of its own so that what it starts can be killed with it. */
static void become(const char *const *argv, int netns, int out)
{
	static char path[] = "PATH=/usr/sbin:/usr/bin:/sbin:/bin", language[] = "LC_ALL=C";
	static char *const env[] = { path, language, NULL };
	int nothing = open("/dev/null", O_RDONLY);

	setpgid(0, 0);
	if (nothing < 0 || dup2(nothing, 0) < 0 || dup2(out, 1) < 0 || dup2(out, 2) < 0 ||
	    (netns >= 0 && setns(netns, CLONE_NEWNET) < 0))
		_exit(EXIT_ABSENT);
	environ = (char **)(uintptr_t)env;
	execvp(argv[0], (char *const *)(uintptr_t)argv);
	_exit(EXIT_ABSENT);
}

/* The whole lines of b, and what is left of it at the end. False when line() has enough. */
static bool take_lines(struct buf *b, bool at_end, bool (*line)(void *ctx, const char *line, size_t len), void *ctx)
{
	const char *nl;

	while ((nl = memchr(buf_data(b), '\n', b->len)) || ((at_end || b->len > LINE_MAX_OCTETS) && b->len)) {
		size_t n = nl ? (size_t)(nl - buf_data(b)) + 1 : b->len;

		if (!line(ctx, buf_data(b), n))
			return false;
		buf_consume(b, n);
	}
	return true;
}

static enum run_end read_all(int fd, int64_t end, bool (*line)(void *ctx, const char *line, size_t len), void *ctx)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	enum run_end how = RUN_DONE;
	struct buf b;
	ssize_t n = 1;

	buf_init(&b);
	while (how == RUN_DONE && n) {
		int64_t left = end - now_ms();

		if (left <= 0 || poll(&p, 1, (int)left) == 0) {
			how = RUN_TIMEOUT;
			break;
		}
		n = read(fd, buf_reserve(&b, CHUNK), CHUNK);
		if (n < 0 && errno != EINTR)
			n = 0;
		if (n >= 0)
			buf_commit(&b, (size_t)n);
		if (!take_lines(&b, !n, line, ctx))
			how = RUN_STOPPED;
	}
	buf_fini(&b);
	return how;
}

/* How it ended, which is soon after its output has: it is not waited for longer than that. */
static int reap(pid_t pid, int64_t end)
{
	int w = 0;

	while (!waitpid(pid, &w, WNOHANG)) {
		if (now_ms() >= end)
			kill(-pid, SIGKILL);
		usleep(1000);
	}
	return w;
}

enum run_end run(const char *const *argv, int netns, int timeout_ms,
		 bool (*line)(void *ctx, const char *line, size_t len), void *ctx, int *status)
{
	int64_t end = now_ms() + timeout_ms;
	enum run_end how;
	int pipes[2], w;
	pid_t pid;

	*status = 0;
	if (pipe2(pipes, O_CLOEXEC) < 0)
		return RUN_ABSENT;
	pid = fork();
	if (!pid)
		become(argv, netns, pipes[1]);
	close(pipes[1]);
	if (pid < 0) {
		close(pipes[0]);
		return RUN_ABSENT;
	}
	setpgid(pid, pid); /* by whoever comes first */
	how = read_all(pipes[0], end, line, ctx);
	close(pipes[0]);
	if (how != RUN_DONE)
		kill(-pid, SIGKILL);
	w = reap(pid, end);
	if (how != RUN_DONE || (WIFEXITED(w) && !WEXITSTATUS(w)))
		return how;
	*status = WIFEXITED(w) ? WEXITSTATUS(w) : 128 + WTERMSIG(w);
	return *status == EXIT_ABSENT ? RUN_ABSENT : RUN_FAILED;
}

int run_netns_of(pid_t pid)
{
	struct stat ours, theirs;
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/ns/net", (int)pid);
	if (!pid || stat(path, &theirs) < 0 || stat("/proc/self/ns/net", &ours) < 0)
		return RUN_NETNS_OUT_OF_REACH;
	if (ours.st_ino == theirs.st_ino)
		return -1;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	return fd < 0 ? RUN_NETNS_OUT_OF_REACH : fd;
}

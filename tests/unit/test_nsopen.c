/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/* Sockets of other network namespaces. As root in namespaces that the test makes; otherwise skipped. */
#include "dataplane/nsopen.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/lib/test.h"

#define SIOCGSKNS 0x894C

static const uint8_t two[] = { NSOPEN_PACKET, NSOPEN_NETLINK };

static ino_t inode(int fd)
{
	struct stat st;

	assert_int_equal(fstat(fd, &st), 0);
	return st.st_ino;
}

/* Where a socket is. */
static ino_t home(int fd)
{
	int ns = ioctl(fd, SIOCGSKNS);
	ino_t i;

	assert_true(ns >= 0);
	i = inode(ns);
	close(ns);
	return i;
}

/* A process in namespaces of its own; a descriptor of its network namespace. */
static int other(pid_t *pid, int flags)
{
	char path[40];
	int ready[2], fd;
	uint8_t x;

	assert_int_equal(pipe(ready), 0);
	*pid = fork();
	if (!*pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (unshare(flags) || write(ready[1], "x", 1) != 1)
			_exit(1);
		pause();
		_exit(0);
	}
	close(ready[1]);
	if (read(ready[0], &x, 1) != 1)
		SKIP("no namespaces of its own for a process");
	close(ready[0]);
	snprintf(path, sizeof(path), "/proc/%d/ns/net", *pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	return fd;
}

static void end(pid_t pid, int ns)
{
	close(ns);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static void check_there(struct nsopen *o, int ns)
{
	const char *step;
	int fds[2];

	assert_int_equal(nsopen(o, ns, two, 2, fds, &step), 0);
	assert_int_equal(home(fds[0]), inode(ns));
	assert_int_equal(home(fds[1]), inode(ns));
	assert_true(fcntl(fds[0], F_GETFD) & FD_CLOEXEC);
	assert_true(fcntl(fds[0], F_GETFL) & O_NONBLOCK);
	close(fds[0]);
	close(fds[1]);
}

static void nsopen_by_a_child_and_by_a_process(void **state)
{
	struct nsopen o;
	pid_t pid;
	int ns;

	if (geteuid())
		SKIP("another namespace takes root");
	ns = other(&pid, CLONE_NEWNET);
	assert_int_equal(nsopen_start(&o), 0);
	check_there(NULL, ns);
	for (int i = 0; i < 20; i++)
		check_there(&o, ns);
	nsopen_stop(&o);
	check_there(&o, ns); /* then by a child of our own */
	end(pid, ns);
}

static void nsopen_in_a_user_namespace(void **state)
{
	pid_t pid;
	int ns;

	if (geteuid())
		SKIP("another namespace takes root");
	ns = other(&pid, CLONE_NEWUSER | CLONE_NEWNET);
	check_there(NULL, ns);
	end(pid, ns);
}

static void nsopen_apart_is_another_namespace(void **state)
{
	static const uint8_t what[] = { NSOPEN_NETLINK, NSOPEN_APART, NSOPEN_ITSELF, NSOPEN_NETLINK };
	const char *step;
	int fds[3], ns;
	pid_t pid;

	if (geteuid())
		SKIP("another namespace takes root");
	ns = other(&pid, CLONE_NEWNET);
	assert_int_equal(nsopen(NULL, ns, what, sizeof(what), fds, &step), 0);
	assert_int_equal(home(fds[0]), inode(ns));
	assert_int_not_equal(inode(fds[1]), inode(ns));
	assert_int_equal(home(fds[2]), inode(fds[1]));
	for (int i = 0; i < 3; i++)
		close(fds[i]);
	end(pid, ns);
}

static void nsopen_says_what_it_could_not(void **state)
{
	struct nsopen o = { .fd = -1 };
	const char *step = NULL;
	int fds[2], file = open("/dev/null", O_RDONLY | O_CLOEXEC);

	assert_int_equal(nsopen(NULL, file, two, 2, fds, &step), -EINVAL);
	assert_string_equal(step, "enter the network namespace");
	assert_int_equal(nsopen_start(&o), 0);
	assert_int_equal(nsopen(&o, file, two, 2, fds, &step), -EINVAL);
	assert_string_equal(step, "enter the network namespace");
	nsopen_stop(&o);
	close(file);
}

static void nsopen_path_of_each_kind(void **state)
{
	char path[32];

	assert_true(nsopen_path("4711", path, sizeof(path)));
	assert_string_equal(path, "/proc/4711/ns/net");
	assert_true(nsopen_path("blue", path, sizeof(path)));
	assert_string_equal(path, "/run/netns/blue");
	assert_true(nsopen_path("/a/b", path, sizeof(path)));
	assert_string_equal(path, "/a/b");
	assert_false(nsopen_path("a-name-that-is-longer-than-there-is-room-for", path, sizeof(path)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nsopen_by_a_child_and_by_a_process), cmocka_unit_test(nsopen_in_a_user_namespace),
		cmocka_unit_test(nsopen_apart_is_another_namespace),  cmocka_unit_test(nsopen_says_what_it_could_not),
		cmocka_unit_test(nsopen_path_of_each_kind),
	};

	return RUN_TESTS(tests);
}

/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/* The filter of system calls, each time in a process of its own, as it is for good. */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cmd/evpnd/syscalls.h"
#include "tests/lib/test.h"

struct outcome {
	int status;
	char said[1024]; /* on stderr */
};

/* What becomes of fn() behind the filter: its value as exit status. */
static struct outcome behind(const char *mode, int (*fn)(void))
{
	struct outcome o = { 0 };
	int p[2];
	pid_t pid;

	assert_int_equal(pipe(p), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (!pid) {
		struct log log = { 0 };

		dup2(p[1], STDERR_FILENO);
		log_init(&log, LOG_INFO);
		setenv("EVPND_SECCOMP", mode, 1);
		prctl(PR_SET_NO_NEW_PRIVS, 1L, 0L, 0L, 0L);
		if (!syscalls_restrict(&log))
			_exit(99);
		_exit(fn());
	}
	close(p[1]);
	for (ssize_t at = 0, n; (n = read(p[0], o.said + at, sizeof(o.said) - 1 - (size_t)at)) > 0;)
		at += n;
	close(p[0]);
	assert_int_equal(waitpid(pid, &o.status, 0), pid);
	return o;
}

/* A build with sanitizers has none. */
#define NEEDS_FILTER(o)                                                                                                \
	do {                                                                                                           \
		const char *why = strstr((o).said, "seccomp: "); /* of the log line, without its time */               \
		if (WIFEXITED((o).status) && WEXITSTATUS((o).status) == 99)                                            \
			SKIP("%.*s", why ? (int)strcspn(why, "\n") : 0, why);                                          \
	} while (0)

static bool refused(long rc)
{
	return rc < 0 && errno == EPERM;
}

static int try_what_evpnd_never_does(void)
{
	char *argv[] = { NULL };
	void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (page == MAP_FAILED)
		return 1;
	if (!refused(execv("/bin/true", argv)))
		return 2;
	if (!refused(ptrace(PTRACE_TRACEME, 0, NULL, NULL)))
		return 3;
	if (!refused(mprotect(page, 4096, PROT_READ | PROT_EXEC)))
		return 4;
	if (mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED || errno != EPERM)
		return 5;
	if (!refused(socket(AF_BLUETOOTH, SOCK_RAW, 0)))
		return 6;
	if (!refused(fork()))
		return 7;
	if (!refused(kill(getppid(), 0)))
		return 8;
	return refused(chroot("/")) ? 0 : 9;
}

static void *run(void *arg)
{
	*(int *)arg = socket(AF_INET, SOCK_STREAM, 0) >= 0 && refused(chroot("/"));
	return NULL;
}

static int start_a_thread(void)
{
	pthread_t t;
	int ok = 0;

	if (pthread_create(&t, NULL, run, &ok))
		return 1;
	pthread_join(t, NULL);
	return !ok;
}

static int stop_it;

static void *wait_and_try(void *arg)
{
	while (!__atomic_load_n(&stop_it, __ATOMIC_ACQUIRE))
		usleep(1000);
	*(int *)arg = refused(chroot("/"));
	return NULL;
}

static int leave_the_root(void)
{
	return chroot("/") == 0;
}

static int do_nothing(void)
{
	return 0;
}

static void what_evpnd_never_does_is_refused_and_said(void **state)
{
	struct outcome o = behind("refuse", try_what_evpnd_never_does);
	char line[96];

	NEEDS_FILTER(o);
	assert_true(WIFEXITED(o.status));
	assert_int_equal(WEXITSTATUS(o.status), 0);
	snprintf(line, sizeof(line), "seccomp: system call %d is none that evpnd makes: refused", SYS_execve);
	assert_non_null(strstr(o.said, line));
}

static void threads_that_come_later_are_behind_it(void **state)
{
	struct outcome o = behind("refuse", start_a_thread);

	NEEDS_FILTER(o);
	assert_int_equal(o.status, 0);
}

static void it_can_kill(void **state)
{
	struct outcome o = behind("kill", leave_the_root);

	NEEDS_FILTER(o);
	assert_true(WIFSIGNALED(o.status));
	assert_int_equal(WTERMSIG(o.status), SIGSYS);
}

static void it_can_be_off(void **state)
{
	struct outcome o = behind("off", do_nothing);

	assert_int_equal(WEXITSTATUS(o.status), 99);
	assert_non_null(strstr(o.said, "no filter for system calls"));
}

/* Workers run when it is set. */
static void threads_that_are_there_are_behind_it(void **state)
{
	int ok = 0, status;
	pid_t pid = fork();

	if (!pid) {
		struct log log = { 0 };
		pthread_t t;

		log_init(&log, LOG_ERROR);
		setenv("EVPND_SECCOMP", "refuse", 1);
		prctl(PR_SET_NO_NEW_PRIVS, 1L, 0L, 0L, 0L);
		if (pthread_create(&t, NULL, wait_and_try, &ok))
			_exit(1);
		if (!syscalls_restrict(&log))
			_exit(0);
		__atomic_store_n(&stop_it, 1, __ATOMIC_RELEASE);
		pthread_join(t, NULL);
		_exit(!ok);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_evpnd_never_does_is_refused_and_said),
		cmocka_unit_test(threads_that_come_later_are_behind_it),
		cmocka_unit_test(threads_that_are_there_are_behind_it),
		cmocka_unit_test(it_can_kill),
		cmocka_unit_test(it_can_be_off),
	};

	return RUN_TESTS(tests);
}

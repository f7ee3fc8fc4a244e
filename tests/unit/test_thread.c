/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/* base/thread.c. */
#include "base/thread.h"

#include "tests/lib/test.h"

static void *read_mask(void *ctx)
{
	pthread_sigmask(SIG_SETMASK, NULL, ctx);
	return ctx;
}

static void thread_gets_no_signal_but_its_own(void **state)
{
	sigset_t in_thread, here;
	void *returned;
	pthread_t t;

	assert_int_equal(thread_start(&t, 256u << 10, read_mask, &in_thread), 0);
	assert_int_equal(pthread_join(t, &returned), 0);
	assert_ptr_equal(returned, &in_thread);
	assert_true(sigismember(&in_thread, SIGTERM) && sigismember(&in_thread, SIGHUP) &&
		    sigismember(&in_thread, SIGCHLD));
	assert_false(sigismember(&in_thread, SIGSYS));
	pthread_sigmask(SIG_SETMASK, NULL, &here);
	assert_false(sigismember(&here, SIGTERM));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(thread_gets_no_signal_but_its_own),
	};

	return RUN_TESTS(tests);
}

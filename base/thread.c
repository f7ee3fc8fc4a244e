/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
#include "base/thread.h"

void thread_signals_off(sigset_t *before)
{
	sigset_t all;

	sigfillset(&all);
	sigdelset(&all, SIGSYS); /* a refused system call's, for the thread that made it: cmd/evpnd/syscalls.c */
	pthread_sigmask(SIG_SETMASK, &all, before);
}

void thread_signals_on(const sigset_t *before)
{
	pthread_sigmask(SIG_SETMASK, before, NULL);
}

int thread_start(pthread_t *t, size_t stack, void *(*run)(void *), void *ctx)
{
	pthread_attr_t attr;
	sigset_t before;
	int err;

	pthread_attr_init(&attr);
	if (stack)
		pthread_attr_setstacksize(&attr, stack);
	thread_signals_off(&before);
	err = pthread_create(t, &attr, run, ctx);
	thread_signals_on(&before);
	pthread_attr_destroy(&attr);
	return -err;
}

/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/* Threads beside the control thread. Signals are the control thread's alone. */
#ifndef BASE_THREAD_H
#define BASE_THREAD_H

#include <pthread.h>
#include <signal.h>
#include <stddef.h>

/* Runs run(ctx) in a thread with a stack of so many octets, 0: the system's own size. 0 or -errno. */
int thread_start(pthread_t *t, size_t stack, void *(*run)(void *), void *ctx);

/* Threads that are started between the two, by whomever, get no signals. */
void thread_signals_off(sigset_t *before);
void thread_signals_on(const sigset_t *before);

#endif

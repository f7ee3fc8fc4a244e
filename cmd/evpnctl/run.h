/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/* Another program's output, line by line, for as long as it is wanted and for a bounded time. */
#ifndef CMD_EVPNCTL_RUN_H
#define CMD_EVPNCTL_RUN_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

enum run_end {
	RUN_DONE,    /* it has ended with status 0 */
	RUN_FAILED,  /* with another, *status */
	RUN_STOPPED, /* line() had enough */
	RUN_TIMEOUT, /* it was killed */
	RUN_ABSENT   /* there is no such program, or it cannot be run */
};

/*
 * argv[0] is looked for in /usr/sbin, /usr/bin, /sbin and /bin alone; standard output and
 * error come together, messages are in English. netns: its network namespace, -1: ours.
 */
enum run_end run(const char *const *argv, int netns, int timeout_ms,
		 bool (*line)(void *ctx, const char *line, size_t len), void *ctx, int *status);

#define RUN_NETNS_OUT_OF_REACH (-2)
/* The network namespace of a process, for netns above, to be closed: -1 when it is ours. */
int run_netns_of(pid_t pid);

#endif

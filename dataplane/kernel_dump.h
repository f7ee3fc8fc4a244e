/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * Dumps that a thread reads, one after the other. The kernel makes each datagram under RTNL and walks the table from
 * its start for it: 5 ms with 100,000 rows, and as long as others hold that lock. Meanwhile the control thread takes
 * what came before, or does something else.
 */
#ifndef DATAPLANE_KERNEL_DUMP_H
#define DATAPLANE_KERNEL_DUMP_H

#include <pthread.h>

#include "dataplane/kernel_sock.h"

#define KDUMP_AHEAD 8u /* datagrams that wait at most */

struct kdump {
	struct ksock sock; /* the thread's, but for datagrams that it has handed over */
	pthread_t thread;
	pthread_mutex_t lock; /* of what follows */
	pthread_cond_t changed;
	struct nl_msg *request; /* not begun yet */
	unsigned in, out; /* datagrams read, taken */
	int state;        /* 1: more to come; 0: what is read is all; -errno */
	bool stop;
};

/* 0 or -errno, and then there is nothing to close. */
int kdump_open(struct kdump *d);
/* A dump that is under way ends with the datagram that is being made. */
void kdump_close(struct kdump *d);
/* The last dump has ended. msg is freed. */
void kdump_begin(struct kdump *d, struct nl_msg *msg);
/* Hands the messages of one datagram to fn. KDUMP_NOTHING_YET: none came in that time; -errno: the dump failed. */
enum kdump_more { KDUMP_END, KDUMP_MORE, KDUMP_NOTHING_YET };
int kdump_more(struct kdump *d, unsigned wait_ms, void (*fn)(void *ctx, const struct nlmsghdr *h), void *ctx);

#endif

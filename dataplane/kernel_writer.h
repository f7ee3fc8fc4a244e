/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * The thread that writes rows. A write sleeps while others hold RTNL (a dump of a large FDB by another
 * program: seconds) and is most of the work of a row, so both are off the control thread. That makes
 * the messages, ready to be sent, and judges the answers; the thread knows the socket and nothing else.
 *
 *	control   kwriter_batch() -> messages -> kwriter_submit()          kwriter_result() -> free again
 *	                                              |                           ^
 *	thread                                    ring todo -> sendmsg, recv -> ring done
 *
 * A batch belongs to whoever has taken it out of a ring. It starts with the first batch, when the process has the
 * privileges that it will keep.
 */
#ifndef DATAPLANE_KERNEL_WRITER_H
#define DATAPLANE_KERNEL_WRITER_H

#include <pthread.h>
#include <stdatomic.h>

#include "dataplane/backend.h"
#include "dataplane/kernel_sock.h"

#define KERNEL_OPS 100u      /* a system call, each of 4 messages at most; from 400 on the kernel gets slow */
#define KWRITER_BATCHES 16u  /* what the kernel takes in 6 ms: longer than the control thread is away in a turn */

struct kbatch {
	unsigned n_ops, n_msgs;
	struct dp_op ops[KERNEL_OPS];
	uint8_t op_of[KERNEL_OPS * 4]; /* of each message */
	uint8_t quiet[KERNEL_OPS * 4]; /* errno that is no error of this message */
	bool missed[KERNEL_OPS]; /* one of the operation's was answered so */
	struct nlbuf tx;
	uint32_t first_seq;
	/* what came of it */
	int fate;                /* 0; -EAGAIN: not known; -errno: nothing was sent */
	int err[KERNEL_OPS];
	uint16_t bad[KERNEL_OPS]; /* number of the message that an error is of */
	unsigned at[KERNEL_OPS]; /* ifindex that an answer with a row has named */
	uint32_t group[KERNEL_OPS]; /* the writer's: nexthop that a row was written with */
	char words[KSOCK_WORDS]; /* the kernel's, of the last error */
	uint32_t answer[KERNEL_OPS][2]; /* LOOK: where bridge row, vxlan row begin, from the end of octets; 0: none */
	uint32_t answers; /* octets of all of them */
	uint8_t octets[KERNEL_OPS * 4 * NLBUF_MSG_MAX];
};

/* One thread puts in, another takes out; it never holds more than there are batches. */
struct kring {
	_Atomic uint32_t in, out;
	struct kbatch *v[KWRITER_BATCHES];
};

struct kwriter {
	struct ksock sock; /* the thread's */
	struct kring todo, done;
	int todo_fd, done_fd; /* eventfds; done_fd is readable when there are results */
	pthread_t thread;
	bool running;
	atomic_bool stop;
	/* the control thread's */
	struct kbatch *batches;
	struct kbatch *free[KWRITER_BATCHES];
	unsigned n_free;
	uint32_t seq;
};

/* 0 or -errno; afterwards kwriter_fini() is right either way. */
int kwriter_init(struct kwriter *w);
/* What is not sent yet is dropped; waits for what is. */
void kwriter_fini(struct kwriter *w);

/* An empty batch, the caller's until it is submitted or given back; NULL when all are out. */
struct kbatch *kwriter_batch(struct kwriter *w);
/* A batch that has been through, once more with other messages: they begin here. */
void kwriter_rewind(struct kwriter *w, struct kbatch *b);
void kwriter_submit(struct kwriter *w, struct kbatch *b);
/* The next batch that is through, in the order of their submission; NULL when none is. */
struct kbatch *kwriter_result(struct kwriter *w);
void kwriter_free(struct kwriter *w, struct kbatch *b);
/* Sleeps until there is a result. */
void kwriter_wait(struct kwriter *w);

/* What is there of a row that was looked at, by part: of the bridge, of the vxlan device; NULL: nothing. */
const struct nlmsghdr *kwriter_answer(const struct kbatch *b, unsigned op, unsigned part);
void kwriter_answers_clear(struct kbatch *b);

/* Some batch is out. */
static inline bool kwriter_busy(const struct kwriter *w)
{
	return w->n_free < KWRITER_BATCHES;
}

#endif

/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * Netlink sockets of the kernel backend: a batch of messages in one system call with the errors matched
 * to its messages, single requests, dumps, and events. Knows nothing of what the messages mean.
 */
#ifndef DATAPLANE_KERNEL_SOCK_H
#define DATAPLANE_KERNEL_SOCK_H

#include <netlink/msg.h>
#include <netlink/socket.h>
#include <stdbool.h>

#include "dataplane/kernel_msg.h"

#define KSOCK_EVENTS 32u        /* datagrams a system call */
#define KSOCK_DATAGRAM 32768u   /* at least that, or dumps get slow */
#define KSOCK_WORDS 128u

struct mmsghdr;

struct ksock {
	struct nl_sock *nl; /* NULL: adopted */
	int fd;
	uint32_t seq;
	uint8_t *rx;          /* KSOCK_EVENTS datagrams; touched as far as they come */
	struct mmsghdr *vec;
	char words[KSOCK_WORDS]; /* the kernel's, of the last error */
};

/* 0 or -errno. groups: RTNLGRP_* in a zero-ended array, NULL for none. */
int ksock_open(struct ksock *s, const int *groups);
/* The same over a netlink socket that another has opened, and keeps, perhaps in another namespace. -EINVAL: not one. */
int ksock_adopt(struct ksock *s, int fd);
void ksock_close(struct ksock *s);

/*
 * Sends what is in n (the last message gets NLM_F_ACK) and hands every message of the answer that is one of an error or
 * of data to fn, with the number of its request in n, counted from first_seq. 0, -EAGAIN when part of the answer was
 * lost, -errno when nothing was sent.
 */
int ksock_batch(struct ksock *s, struct nlbuf *n, uint32_t first_seq,
		void (*fn)(void *ctx, unsigned nr, const struct nlmsghdr *h, int err), void *ctx);

/* One request of libnl's, waits for the answer; msg is freed. 0 or -errno, s->words says more. */
int ksock_request(struct ksock *s, struct nl_msg *msg);
/* The same for one that answers with one message, which goes to fn. */
int ksock_get(struct ksock *s, struct nl_msg *msg, void (*fn)(void *ctx, const struct nlmsghdr *h), void *ctx);
/* A dump: every message to fn. -EAGAIN when the kernel's tables changed under it: some may be missing. */
int ksock_dump(struct ksock *s, struct nl_msg *msg, void (*fn)(void *ctx, const struct nlmsghdr *h), void *ctx);

/*
 * The same in pieces: begin() is 0 or -errno; read() reads one datagram into a slot (below KSOCK_EVENTS) and take()
 * hands its messages to fn: both are 1 when there is more to come, 0 at the end, -errno. Nothing else may be asked over
 * the socket meanwhile; a slot may be taken while another thread reads into another.
 */
int ksock_dump_begin(struct ksock *s, struct nl_msg *msg);
int ksock_dump_read(struct ksock *s, unsigned slot);
int ksock_dump_take(const struct ksock *s, unsigned slot, void (*fn)(void *ctx, const struct nlmsghdr *h), void *ctx);

/*
 * Events: reads what is there, up to KSOCK_EVENTS datagrams, every message to fn. The number of datagrams, 0 when there
 * are none, -ENOBUFS when some were lost.
 */
int ksock_events(struct ksock *s, void (*fn)(void *ctx, const struct nlmsghdr *h), void *ctx);

/*
 * Lets go of events of rows that we write in bulk: RTM_NEWNEIGH with EXT_LEARNED of these devices, and
 * neighbours with our protocol, and RTM_NEWNEXTHOP always. n 0: of no rows. ends: of their RTM_DELNEIGH,
 * too. Each listener costs the writer, see docs/design.md. False when a socket's memory is not enough for
 * so many (20 KiB before Linux 6.7, some 400 devices; net.core.optmem_max): then nothing is let go of.
 */
bool ksock_filter(struct ksock *s, unsigned *ifindex, unsigned n, bool ends);

/* A request of libnl's with its family header; aborts without memory. */
struct nl_msg *ksock_msg(uint16_t type, uint16_t flags, const void *header, size_t size);

#endif

/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * The kernel works through a batch inside sendmsg(), so its answers lie in the receive queue when that returns: nothing
 * here waits. Errors come for every message, an acknowledgement for the last only. When the queue overran (ENOBUFS)
 * the last one may be lost, so nobody waits for it: the batch's fate is unknown and the caller repeats it.
 */
#include "dataplane/kernel_sock.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"

#define RX_QUEUE (8 << 20)
#define TX_QUEUE (4 << 20)

#ifndef NETLINK_GET_STRICT_CHK
#define NETLINK_GET_STRICT_CHK 12
#endif

static int option(int fd, int level, int name, int value)
{
	return setsockopt(fd, level, name, &value, sizeof(value)) ? -errno : 0;
}

static void set_queues(int fd)
{
	/* The forced sizes want CAP_NET_ADMIN, the others stop at the system's limit. */
	if (option(fd, SOL_SOCKET, SO_RCVBUFFORCE, RX_QUEUE))
		option(fd, SOL_SOCKET, SO_RCVBUF, RX_QUEUE);
	if (option(fd, SOL_SOCKET, SO_SNDBUFFORCE, TX_QUEUE))
		option(fd, SOL_SOCKET, SO_SNDBUF, TX_QUEUE);
	option(fd, SOL_NETLINK, NETLINK_CAP_ACK, 1);
	option(fd, SOL_NETLINK, NETLINK_EXT_ACK, 1);
	option(fd, SOL_NETLINK, NETLINK_GET_STRICT_CHK, 1);
}

static int join(struct ksock *s, const int *groups)
{
	int err = 0;

	for (; groups && *groups; groups++)
		err = err ? err : nl_socket_add_membership(s->nl, *groups);
	return err ? -EINVAL : 0;
}

static void make_room(struct ksock *s)
{
	s->rx = xcalloc(KSOCK_EVENTS, KSOCK_DATAGRAM);
	s->vec = xcalloc(KSOCK_EVENTS, sizeof(*s->vec) + sizeof(struct iovec));
	for (unsigned i = 0; i < KSOCK_EVENTS; i++) {
		struct iovec *io = (struct iovec *)(void *)(s->vec + KSOCK_EVENTS) + i;

		*io = (struct iovec){ s->rx + (size_t)i * KSOCK_DATAGRAM, KSOCK_DATAGRAM };
		s->vec[i].msg_hdr = (struct msghdr){ .msg_iov = io, .msg_iovlen = 1 };
	}
}

int ksock_open(struct ksock *s, const int *groups)
{
	int err;

	*s = (struct ksock){ .fd = -1, .nl = nl_socket_alloc() };
	if (!s->nl)
		return -ENOMEM;
	if (nl_connect(s->nl, NETLINK_ROUTE)) {
		nl_socket_free(s->nl);
		s->nl = NULL;
		return -errno;
	}
	s->fd = nl_socket_get_fd(s->nl);
	set_queues(s->fd);
	err = join(s, groups);
	nl_socket_set_nonblocking(s->nl);
	make_room(s);
	if (err)
		ksock_close(s);
	return err;
}

/* What came over the control socket is looked at before it is believed. */
int ksock_adopt(struct ksock *s, int fd)
{
	int domain = 0, protocol = -1;
	socklen_t len = sizeof(int);

	*s = (struct ksock){ .fd = -1 };
	if (getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &len) ||
	    getsockopt(fd, SOL_SOCKET, SO_PROTOCOL, &protocol, &len))
		return -errno;
	if (domain != AF_NETLINK || protocol != NETLINK_ROUTE)
		return -EINVAL;
	s->fd = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	if (s->fd < 0)
		return -errno;
	set_queues(s->fd);
	make_room(s);
	return 0;
}

void ksock_close(struct ksock *s)
{
	if (s->nl)
		nl_socket_free(s->nl);
	else if (s->fd >= 0)
		close(s->fd);
	free(s->vec);
	free(s->rx);
	*s = (struct ksock){ .fd = -1 };
}

/* Datagrams read, 0 for none, -errno. */
static int receive(struct ksock *s, unsigned max)
{
	int n = recvmmsg(s->fd, s->vec, max, MSG_DONTWAIT, NULL);

	if (n >= 0)
		return n;
	return errno == EAGAIN || errno == EINTR ? 0 : -errno;
}

static struct nlmsghdr *first_of(const struct ksock *s, int datagram)
{
	return (struct nlmsghdr *)(void *)(s->rx + (size_t)datagram * KSOCK_DATAGRAM);
}

static int error_of(const struct nlmsghdr *h)
{
	return ((const struct nlmsgerr *)NLMSG_DATA(h))->error;
}

/* A dump that went wrong on its way says so in its last message. */
static int done_with(const struct nlmsghdr *h)
{
	int err = 0;

	if (h->nlmsg_len >= NLMSG_LENGTH(sizeof(err)))
		memcpy(&err, NLMSG_DATA(h), sizeof(err));
	return err < 0 ? err : 0;
}

/* The kernel's own words, which follow the header of the request that went wrong. */
static void keep_words(struct ksock *s, const struct nlmsghdr *h)
{
	struct nlmsgerr *e = NLMSG_DATA(h);
	struct nlattr *tb[NLMSGERR_ATTR_MAX + 1] = { 0 };
	size_t skip = sizeof(*e);

	s->words[0] = '\0';
	if (!(h->nlmsg_flags & NLM_F_ACK_TLVS))
		return;
	if (!(h->nlmsg_flags & NLM_F_CAPPED))
		skip += e->msg.nlmsg_len - NLMSG_HDRLEN;
	if (NLMSG_HDRLEN + NLMSG_ALIGN(skip) >= h->nlmsg_len)
		return;
	nla_parse(tb, NLMSGERR_ATTR_MAX, (struct nlattr *)(void *)((char *)e + NLMSG_ALIGN(skip)),
		  (int)(h->nlmsg_len - NLMSG_HDRLEN - NLMSG_ALIGN(skip)), NULL);
	if (tb[NLMSGERR_ATTR_MSG])
		nla_strlcpy(s->words, tb[NLMSGERR_ATTR_MSG], sizeof(s->words));
}

/* ---- batches ---------------------------------------------------------------------------------------------------- */

static int transmit(struct ksock *s, const void *data, size_t len)
{
	struct sockaddr_nl to = { .nl_family = AF_NETLINK };

	/* Waits when the queue is full, which a batch cannot fill. */
	if (sendto(s->fd, data, len, 0, (struct sockaddr *)&to, sizeof(to)) < 0)
		return -errno;
	return 0;
}

/* What an overrun or an interrupted exchange left behind must not be taken for the next answer. */
static void drain(struct ksock *s)
{
	while (receive(s, KSOCK_EVENTS) != 0)
		;
}

int ksock_batch(struct ksock *s, struct nlbuf *n, uint32_t first_seq,
		void (*fn)(void *ctx, unsigned nr, const struct nlmsghdr *h, int err), void *ctx)
{
	uint32_t last = n->seq - 1;
	int got, err;

	n->msg->nlmsg_flags |= NLM_F_ACK;
	err = transmit(s, n->b, n->len);
	if (err)
		return err;
	while ((got = receive(s, KSOCK_EVENTS)) > 0) {
		for (int i = 0; i < got; i++) {
			struct nlmsghdr *h = first_of(s, i);

			for (int left = (int)s->vec[i].msg_len; nlmsg_ok(h, left); h = nlmsg_next(h, &left)) {
				uint32_t nr = h->nlmsg_seq - first_seq;

				if (nr > last - first_seq)
					continue;
				err = h->nlmsg_type == NLMSG_ERROR ? error_of(h) : 0;
				if (err)
					keep_words(s, h);
				fn(ctx, nr, h, err);
				if (h->nlmsg_seq == last && h->nlmsg_type == NLMSG_ERROR)
					return 0;
			}
		}
	}
	drain(s);
	return -EAGAIN;
}

/* ---- requests and dumps ----------------------------------------------------------------------------------------- */

struct nl_msg *ksock_msg(uint16_t type, uint16_t flags, const void *header, size_t size)
{
	struct nl_msg *m = nlmsg_alloc_simple(type, NLM_F_REQUEST | flags);

	if (!m || nlmsg_append(m, (void *)(uintptr_t)header, size, NLMSG_ALIGNTO))
		BUG("no memory for a netlink message");
	return m;
}

static int send_msg(struct ksock *s, struct nl_msg *msg)
{
	struct nlmsghdr *h = nlmsg_hdr(msg);
	int err;

	h->nlmsg_seq = ++s->seq | 0x80000000u; /* apart from batches */
	err = transmit(s, h, h->nlmsg_len);
	nlmsg_free(msg);
	return err;
}

typedef void (*message_fn)(void *ctx, const struct nlmsghdr *h);

/* Reads the answer up to its end. */
static int answer(struct ksock *s, bool dump, message_fn fn, void *ctx)
{
	uint32_t seq = s->seq | 0x80000000u;
	bool changed = false;
	int got;

	while ((got = receive(s, 1)) > 0) {
		struct nlmsghdr *h = first_of(s, 0);

		for (int left = (int)s->vec[0].msg_len; nlmsg_ok(h, left); h = nlmsg_next(h, &left)) {
			if (h->nlmsg_seq != seq)
				continue;
			changed |= (h->nlmsg_flags & NLM_F_DUMP_INTR) != 0;
			if (h->nlmsg_type == NLMSG_ERROR) {
				if (error_of(h))
					keep_words(s, h);
				return error_of(h);
			}
			if (h->nlmsg_type == NLMSG_DONE)
				return done_with(h) ? done_with(h) : changed ? -EAGAIN : 0;
			if (fn)
				fn(ctx, h);
			if (!dump)
				return 0;
		}
	}
	drain(s);
	return got ? got : -EIO;
}

int ksock_request(struct ksock *s, struct nl_msg *msg)
{
	int err;

	s->words[0] = '\0';
	nlmsg_hdr(msg)->nlmsg_flags |= NLM_F_ACK;
	err = send_msg(s, msg);
	return err ? err : answer(s, true, NULL, NULL);
}

int ksock_get(struct ksock *s, struct nl_msg *msg, message_fn fn, void *ctx)
{
	int err;

	s->words[0] = '\0';
	err = send_msg(s, msg);
	return err ? err : answer(s, false, fn, ctx);
}

int ksock_dump(struct ksock *s, struct nl_msg *msg, message_fn fn, void *ctx)
{
	int err;

	s->words[0] = '\0';
	nlmsg_hdr(msg)->nlmsg_flags |= NLM_F_DUMP;
	err = send_msg(s, msg);
	return err ? err : answer(s, true, fn, ctx);
}

int ksock_dump_begin(struct ksock *s, struct nl_msg *msg)
{
	s->words[0] = '\0';
	nlmsg_hdr(msg)->nlmsg_flags |= NLM_F_DUMP;
	return send_msg(s, msg);
}

int ksock_dump_take(const struct ksock *s, unsigned slot, message_fn fn, void *ctx)
{
	struct nlmsghdr *h = first_of(s, (int)slot);

	for (int left = (int)s->vec[slot].msg_len; nlmsg_ok(h, left); h = nlmsg_next(h, &left)) {
		if (h->nlmsg_seq != (s->seq | 0x80000000u))
			continue;
		if (h->nlmsg_type == NLMSG_ERROR)
			return error_of(h);
		if (h->nlmsg_type == NLMSG_DONE)
			return done_with(h);
		if (fn)
			fn(ctx, h);
	}
	return 1;
}

int ksock_dump_read(struct ksock *s, unsigned slot)
{
	int got = recvmmsg(s->fd, s->vec + slot, 1, MSG_DONTWAIT, NULL);

	if (got <= 0)
		return got < 0 && errno != EAGAIN ? -errno : -EIO;
	return ksock_dump_take(s, slot, NULL, NULL);
}

/* ---- events ----------------------------------------------------------------------------------------------------- */

int ksock_events(struct ksock *s, message_fn fn, void *ctx)
{
	int got = receive(s, KSOCK_EVENTS);
	bool cut = false;

	for (int i = 0; i < got; i++) {
		struct nlmsghdr *h = first_of(s, i);

		cut |= (s->vec[i].msg_hdr.msg_flags & MSG_TRUNC) != 0;
		for (int left = (int)s->vec[i].msg_len; nlmsg_ok(h, left); h = nlmsg_next(h, &left))
			fn(ctx, h);
	}
	return cut ? -ENOBUFS : got;
}

#define NEIGH_FAMILY 16
#define NEIGH_IFINDEX 20
#define NEIGH_FLAGS 26
#define NEIGH_ATTRS 28
#define BARE_ROW 40 /* octets of a message with a MAC and nothing else, see vxlan_row() in kernel_local.c */
#define FILTER_MAX 4096u

struct filter {
	struct sock_filter *code;
	unsigned n;
};

static void emit(struct filter *f, uint16_t code, uint32_t k, uint8_t jt, uint8_t jf)
{
	f->code[f->n++] = (struct sock_filter){ code, jt, jf, k };
}

/* A binary search: A is the device, in the order of the wire, as the list is sorted. */
static void emit_search(struct filter *f, const uint32_t *v, unsigned n)
{
	unsigned at;

	if (n == 1) {
		emit(f, BPF_JMP | BPF_JEQ | BPF_K, v[0], 0, 1);
		emit(f, BPF_RET | BPF_K, 0, 0, 0);
		emit(f, BPF_RET | BPF_K, UINT32_MAX, 0, 0);
		return;
	}
	emit(f, BPF_JMP | BPF_JGE | BPF_K, v[n / 2], 0, 1);
	at = f->n;
	emit(f, BPF_JMP | BPF_JA, 0, 0, 0);
	emit_search(f, v, n / 2);
	f->code[at].k = f->n - at - 1;
	emit_search(f, v + n / 2, n - n / 2);
}

static int by_value(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

static bool attach(struct ksock *s, struct filter *f)
{
	struct sock_fprog prog = { .len = (unsigned short)f->n, .filter = f->code };
	int err = setsockopt(s->fd, SOL_SOCKET, SO_ATTACH_FILTER, &prog, sizeof(prog));

	free(f->code);
	return !err;
}

bool ksock_filter(struct ksock *s, unsigned *ifindex, unsigned n, bool ends)
{
	struct filter f = { .n = 0 };

	if (n > FILTER_MAX / 5 - 16)
		n = 0;
	f.code = xcalloc(FILTER_MAX, sizeof(*f.code));
	for (unsigned i = 0; i < n; i++)
		ifindex[i] = htonl(ifindex[i]); /* loads give the octets of the wire, these fields are the host's */
	if (n)
		qsort(ifindex, n, sizeof(*ifindex), by_value);
	emit(&f, BPF_LD | BPF_H | BPF_ABS, 4, 0, 0);
	if (!n) {
		emit(&f, BPF_RET | BPF_K, UINT32_MAX, 0, 0);
		return attach(s, &f);
	}
	emit(&f, BPF_JMP | BPF_JEQ | BPF_K, htons(RTM_NEWNEIGH), 2, 0);
	emit(&f, BPF_JMP | BPF_JEQ | BPF_K, htons(ends ? RTM_DELNEIGH : RTM_NEWNEIGH), 1, 0);
	emit(&f, BPF_RET | BPF_K, UINT32_MAX, 0, 0);
	/* what we mark, or the bare message of an older kernel */
	emit(&f, BPF_LD | BPF_B | BPF_ABS, NEIGH_FLAGS, 0, 0);
	emit(&f, BPF_JMP | BPF_JSET | BPF_K, NTF_EXT_LEARNED, 4, 0);
	emit(&f, BPF_JMP | BPF_JEQ | BPF_K, NTF_SELF, 0, 2);
	emit(&f, BPF_LD | BPF_W | BPF_LEN, 0, 0, 0);
	emit(&f, BPF_JMP | BPF_JGT | BPF_K, BARE_ROW, 0, 1);
	emit(&f, BPF_RET | BPF_K, UINT32_MAX, 0, 0);
	emit(&f, BPF_LD | BPF_B | BPF_ABS, NEIGH_FAMILY, 0, 0);
	emit(&f, BPF_JMP | BPF_JEQ | BPF_K, AF_BRIDGE, 8, 0);
	/* a neighbour: A becomes the offset of the attribute, 0 without it */
	emit(&f, BPF_LD | BPF_IMM, NEIGH_ATTRS, 0, 0);
	emit(&f, BPF_LDX | BPF_IMM, NDA_PROTOCOL, 0, 0);
	emit(&f, BPF_LD | BPF_B | BPF_ABS, (uint32_t)(SKF_AD_OFF + SKF_AD_NLATTR), 0, 0);
	emit(&f, BPF_MISC | BPF_TAX, 0, 0, 0);
	emit(&f, BPF_LD | BPF_B | BPF_IND, NLA_HDRLEN, 0, 0);
	emit(&f, BPF_JMP | BPF_JEQ | BPF_K, KERNEL_PROTOCOL, 0, 1);
	emit(&f, BPF_RET | BPF_K, 0, 0, 0);
	emit(&f, BPF_RET | BPF_K, UINT32_MAX, 0, 0);
	/* an FDB row: of one of our devices? */
	emit(&f, BPF_LD | BPF_W | BPF_ABS, NEIGH_IFINDEX, 0, 0);
	emit_search(&f, ifindex, n);
	if (attach(s, &f))
		return true;
	ksock_filter(s, NULL, 0, false);
	return false;
}

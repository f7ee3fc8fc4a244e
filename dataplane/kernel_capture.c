/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * Packets of a VNI where the kernel forwards: a packet socket on its vxlan device has the frames before and after, one
 * on the underlay, with a filter for the VNI, what they are carried in. What nobody takes in time is left out and
 * counted.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "dataplane/kernel.h"
#include "dataplane/vtep/frame.h"

#define PACKET_MAX 66000u
#define SLICE 128u        /* packets a turn of the loop */
#define QUEUE_OCTETS (4 << 20)
#define UDP_AND_VXLAN 16u

struct source {
	struct kcapture *c;
	int fd;
	bool underlay;
	struct loop_io io;
};

struct kcapture {
	struct kvni *v;
	struct log *log;
	struct dp_capture what;
	int fd; /* who looks on */
	struct loop_io io;
	struct source from[2]; /* the vxlan device, the underlay */
	uint64_t lost;
	struct dp_captured head;
	uint8_t packet[PACKET_MAX];
};

/* ---- a packet ---------------------------------------------------------------------------------------------------- */

/* The filter has looked at this much. Where the inner frame begins; its VTEP. */
static size_t inner_of(const uint8_t *p, bool out, struct ip *vtep)
{
	bool v4 = p[0] >> 4 == 4;

	*vtep = v4 ? ip_from_bytes(p + (out ? 16 : 12), 4) : ip_from_bytes(p + (out ? 24 : 8), 16);
	return (v4 ? (p[0] & 15) * 4u : 40) + UDP_AND_VXLAN;
}

static bool describe(struct kcapture *c, bool underlay, size_t len)
{
	struct ip vtep;
	size_t at = underlay ? inner_of(c->packet, c->head.out, &vtep) : 0;
	struct frame f;

	if (at > len || !frame_parse(&f, c->packet + at, len - at) ||
	    !frame_is_of(&f, c->packet + at, len - at, &c->what.mac, &c->what.ip))
		return false;
	snprintf(c->head.where, sizeof(c->head.where), "%s", underlay ? ip_str(&vtep).s : c->v->vxlan);
	return true;
}

/* 0, or why it will never go. */
static int pass_on(struct kcapture *c, size_t len)
{
	struct iovec parts[] = { { &c->head, sizeof(c->head) }, { c->packet, len } };
	struct msghdr m = { .msg_iov = parts, .msg_iovlen = 2 };

	c->head.len = (uint32_t)len;
	c->head.lost = c->lost;
	if (sendmsg(c->fd, &m, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0)
		return 0;
	c->lost++;
	return errno == EAGAIN || errno == ENOBUFS ? 0 : -errno;
}

static void count_lost(struct source *s)
{
	struct tpacket_stats stats = { 0 };
	socklen_t len = sizeof(stats);

	if (!getsockopt(s->fd, SOL_PACKET, PACKET_STATISTICS, &stats, &len))
		s->c->lost += stats.tp_drops;
}

/* When it went by, which the two sockets are not read in the order of: SO_TIMESTAMPNS. */
static uint64_t time_of(struct msghdr *m)
{
	struct timespec t = { 0 };

	for (struct cmsghdr *x = CMSG_FIRSTHDR(m); x; x = CMSG_NXTHDR(m, x))
		if (x->cmsg_level == SOL_SOCKET && x->cmsg_type == SCM_TIMESTAMPNS)
			memcpy(&t, CMSG_DATA(x), sizeof(t));
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* The next packet with its head; its length, negative when there is none. */
static ssize_t receive(struct source *s)
{
	struct kcapture *c = s->c;
	struct sockaddr_ll from = { 0 };
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(struct timespec))];
	struct iovec part = { c->packet, PACKET_MAX };
	struct msghdr m = { .msg_name = &from,
			    .msg_namelen = sizeof(from),
			    .msg_iov = &part,
			    .msg_iovlen = 1,
			    .msg_control = control,
			    .msg_controllen = sizeof(control) };
	ssize_t len = recvmsg(s->fd, &m, MSG_DONTWAIT);

	if (len >= 0)
		c->head = (struct dp_captured){ .ns = time_of(&m),
						.underlay = s->underlay,
						.out = from.sll_pkttype == PACKET_OUTGOING };
	return len;
}

static void on_packets(struct loop_io *io, unsigned events)
{
	struct source *s = container_of(io, struct source, io);
	struct kcapture *c = s->c;

	count_lost(s);
	for (unsigned i = 0; i < SLICE; i++) {
		ssize_t len = receive(s);

		if (len < 0)
			return;
		if (describe(c, s->underlay, (size_t)len) && pass_on(c, (size_t)len)) {
			kernel_capture_end(c->v);
			return;
		}
	}
}

/* Who looks on says nothing: what can be read is the end. */
static void on_end(struct loop_io *io, unsigned events)
{
	kernel_capture_end(container_of(io, struct kcapture, io)->v);
}

/* ---- sockets ----------------------------------------------------------------------------------------------------- */

/* VXLAN of the VNI in UDP of the port, from the IP header on. */
static int set_filter(int fd, uint16_t port, uint32_t vni)
{
	struct sock_filter code[] = {
		/* 0 */ BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 0),
		/* 1 */ BPF_STMT(BPF_ALU | BPF_AND | BPF_K, 0xf0),
		/* 2 */ BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0x40, 0, 9),
		/* 3 */ BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 9),
		/* 4 */ BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, IPPROTO_UDP, 0, 16),
		/* 5 */ BPF_STMT(BPF_LD | BPF_H | BPF_ABS, 6),
		/* 6 */ BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, 0x1fff, 14, 0),
		/* 7 */ BPF_STMT(BPF_LDX | BPF_B | BPF_MSH, 0),
		/* 8 */ BPF_STMT(BPF_LD | BPF_H | BPF_IND, 2),
		/* 9 */ BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, port, 0, 11),
		/* 10 */ BPF_STMT(BPF_LD | BPF_W | BPF_IND, 12),
		/* 11 */ BPF_STMT(BPF_JMP | BPF_JA, 6),
		/* 12 */ BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0x60, 0, 8),
		/* 13 */ BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 6),
		/* 14 */ BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, IPPROTO_UDP, 0, 6),
		/* 15 */ BPF_STMT(BPF_LD | BPF_H | BPF_ABS, 42),
		/* 16 */ BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, port, 0, 4),
		/* 17 */ BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 52),
		/* 18 */ BPF_STMT(BPF_ALU | BPF_RSH | BPF_K, 8),
		/* 19 */ BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, vni, 0, 1),
		/* 20 */ BPF_STMT(BPF_RET | BPF_K, PACKET_MAX),
		/* 21 */ BPF_STMT(BPF_RET | BPF_K, 0),
	};
	struct sock_fprog prog = { sizeof(code) / sizeof(code[0]), code };

	return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &prog, sizeof(prog)) ? -errno : 0;
}

static int open_source(struct source *s, const struct kvni *v, unsigned ifindex)
{
	struct sockaddr_ll at = { .sll_family = AF_PACKET,
				  .sll_protocol = htons(ETH_P_ALL),
				  .sll_ifindex = (int)ifindex };
	int size = QUEUE_OCTETS, on = 1, err;

	s->fd = socket(AF_PACKET, (s->underlay ? SOCK_DGRAM : SOCK_RAW) | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (s->fd < 0)
		return -errno;
	err = s->underlay ? set_filter(s->fd, v->udp_port, v->vni) : 0;
	setsockopt(s->fd, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof(on));
	if (setsockopt(s->fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)))
		setsockopt(s->fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	if (!err && bind(s->fd, (struct sockaddr *)&at, sizeof(at)))
		err = -errno;
	return err;
}

/* ---- life -------------------------------------------------------------------------------------------------------- */

static void capture_free(struct kcapture *c)
{
	for (unsigned i = 0; i < 2; i++) {
		if (c->from[i].io.loop)
			loop_io_set(&c->from[i].io, 0);
		if (c->from[i].fd >= 0)
			close(c->from[i].fd);
	}
	if (c->io.loop)
		loop_io_set(&c->io, 0);
	if (c->fd >= 0)
		close(c->fd);
	free(c);
}

static void listen_to(struct loop_io *io, struct loop *loop, int fd, void (*fn)(struct loop_io *io, unsigned events))
{
	loop_io_init(io, loop, fd, fn);
	loop_io_set(io, LOOP_READ);
}

/* What a device for several VNIs carries cannot be told apart here. */
static bool possible(const struct kernel *k, const struct kvni *v, unsigned *underlay, char *why, size_t cap)
{
	struct dp_vni_info i = { 0 };

	*underlay = dp_vni_info(k->d, v->vni, &i) && i.underlay ? if_nametoindex(i.underlay) : 0;
	if (v->capture)
		snprintf(why, cap, "a capture of VNI %u is under way", v->vni);
	else if (v->external)
		snprintf(why, cap,
			 "%s is the device of several VNIs: "
			 "'tcpdump -i %s -w FILE udp port %u' sees what is encapsulated",
			 v->vxlan, i.underlay ? i.underlay : "any", v->udp_port);
	else if (!v->vxlan_ifindex || !*underlay)
		snprintf(why, cap, "VNI %u has no %s now", v->vni, v->vxlan_ifindex ? "underlay" : "VXLAN device");
	else
		return true;
	return false;
}

int kernel_capture_start(void *be, void *data, const struct dp_capture *what, int fd, char *why, size_t cap)
{
	struct kernel *k = be;
	struct kvni *v = data;
	struct kcapture *c;
	unsigned underlay;
	int err;

	if (!possible(k, v, &underlay, why, cap))
		return -EOPNOTSUPP;
	c = xcalloc(1, sizeof(*c));
	c->v = v;
	c->log = k->log;
	c->what = *what;
	c->from[0] = (struct source){ .c = c, .fd = -1 };
	c->from[1] = (struct source){ .c = c, .fd = -1, .underlay = true };
	c->fd = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	err = c->fd < 0 ? -errno : open_source(&c->from[0], v, v->vxlan_ifindex);
	if (!err)
		err = open_source(&c->from[1], v, underlay);
	if (err) {
		snprintf(why, cap, "no capture: %s%s", strerror(-err), err == -EPERM ? "; it takes CAP_NET_RAW" : "");
		capture_free(c);
		return err;
	}
	listen_to(&c->io, k->loop, c->fd, on_end);
	for (unsigned i = 0; i < 2; i++)
		listen_to(&c->from[i].io, k->loop, c->from[i].fd, on_packets);
	v->capture = c;
	log_info(k->log, LOG_DP, "VNI %u: a capture begins", v->vni);
	return 0;
}

void kernel_capture_end(struct kvni *v)
{
	struct kcapture *c = v->capture;

	if (!c)
		return;
	v->capture = NULL;
	log_info(c->log, LOG_DP, "VNI %u: the capture ends, %llu packets were lost", v->vni,
		 (unsigned long long)c->lost);
	capture_free(c);
}

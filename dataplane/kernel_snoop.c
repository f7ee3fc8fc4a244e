/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * Listening to what hosts say on the ports of a bridge, and speaking to them: a packet socket a port, with a
 * filter in the kernel that lets ARP and ND through and nothing else. It sees a frame before the bridge does,
 * so no address on the bridge is needed and suppression is not in the way. On a VLAN-aware bridge a port serves
 * several VNIs: whose a frame is follows from its tag, which the kernel has taken off and tells beside it, or
 * from the port's own VLAN; what is sent past the bridge gets the tag that the bridge would have given it. What
 * came by a tunnel is listened to where hosts are learned from it; with EVPN their VTEP has told us (RFC 9161
 * 3.1). A port may say so much a second; when it says more the kernel keeps what fits into the socket's buffer
 * and counts the rest. Frames of ours leave by the port's or the vxlan device's own door, past the bridge.
 */
#include <errno.h>
#include <linux/filter.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "dataplane/arpnd.h"
#include "dataplane/kernel.h"

#define RATE_S 1000u           /* packets of a port that are heard a second */
#define BURST 2000u            /* at once */
#define REST_MS 50             /* how long one that has said too much is not listened to */
#define PACKETS_A_TURN 64      /* of a port */
#define RCVBUF (256 * 1024)    /* half of it is bookkeeping of the kernel's */

struct ksnoop {
	struct list list; /* of those that are to be closed */
	struct kernel *k;
	struct loop_io io;
	struct loop_timer rest;
	int fd;
	unsigned ifindex;
	bool tags; /* tagged frames are let through, too */
	uint32_t tokens;
	struct mtime filled;
};

/* ---- sockets ----------------------------------------------------------------------------------------------------- */

#define TYPE_AT 12u     /* of the frame */
#define TAG_LEN 4u
#define VLAN_ID 0xfffu  /* of a tag */
#define NEXT_AT 20u     /* of IPv6 behind an Ethernet header: next header and hop limit */
#define ICMPV6_AT 54u
#define NEXT_AND_HOPS ((58u << 8) | 255u)

/* ARP, and ICMPv6 of types 133 to 136 with the hop limit of a neighbour (RFC 4861); tags: with a VLAN tag, too. */
static int set_filter(int fd, bool tags)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, (uint32_t)(SKF_AD_OFF + SKF_AD_VLAN_TAG_PRESENT)), /* 0 or 1 */
		BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, tags, 9, 0),
		BPF_STMT(BPF_LD | BPF_H | BPF_ABS, TYPE_AT),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ETH_P_ARP, 6, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ETH_P_IPV6, 0, 6),
		BPF_STMT(BPF_LD | BPF_H | BPF_ABS, NEXT_AT),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, NEXT_AND_HOPS, 0, 4),
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, ICMPV6_AT),
		BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, 133, 0, 2),
		BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, 136, 1, 0),
		BPF_STMT(BPF_RET | BPF_K, ARPND_SNAP),
		BPF_STMT(BPF_RET | BPF_K, 0),
	};
	struct sock_fprog prog = { sizeof(code) / sizeof(code[0]), code };

	return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &prog, sizeof(prog)) ? -errno : 0;
}

/* Bound last, so that nothing comes in before the filter is there. */
static int open_port(unsigned ifindex, bool tags)
{
	struct sockaddr_ll at = { .sll_family = AF_PACKET,
				  .sll_protocol = htons(ETH_P_ALL),
				  .sll_ifindex = (int)ifindex };
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), on = 1, size = RCVBUF, err;

	if (fd < 0)
		return -errno;
	err = set_filter(fd, tags);
	if (!err && setsockopt(fd, SOL_PACKET, PACKET_AUXDATA, &on, sizeof(on)))
		err = -errno;
	/* What leaves by the port is of no interest, and this spares the kernel a copy of every frame. */
	if (!err && setsockopt(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &on, sizeof(on)))
		err = -errno;
	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	if (!err && bind(fd, (struct sockaddr *)&at, sizeof(at)))
		err = -errno;
	if (!err)
		return fd;
	close(fd);
	return err;
}

/* ---- hearing ----------------------------------------------------------------------------------------------------- */

/* Its length, or -1. *tag: the VLAN of its tag, 0: untagged; *ours: the tag, if any, is of kind vlan_type. */
static ssize_t receive(int fd, uint16_t vlan_type, uint8_t frame[ARPND_SNAP], uint16_t *tag, bool *ours)
{
	union {
		struct cmsghdr align;
		uint8_t b[CMSG_SPACE(sizeof(struct tpacket_auxdata))];
	} control;
	struct iovec iov = { frame, ARPND_SNAP };
	struct msghdr m = {
		.msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control)
	};
	ssize_t n = recvmsg(fd, &m, 0);
	struct tpacket_auxdata aux = { 0 };
	struct cmsghdr *c = n < 0 ? NULL : CMSG_FIRSTHDR(&m);

	if (c && c->cmsg_level == SOL_PACKET && c->cmsg_type == PACKET_AUXDATA)
		memcpy(&aux, CMSG_DATA(c), sizeof(aux));
	*tag = aux.tp_status & TP_STATUS_VLAN_VALID ? aux.tp_vlan_tci & VLAN_ID : 0;
	*ours = !(aux.tp_status & TP_STATUS_VLAN_TPID_VALID) || aux.tp_vlan_tpid == vlan_type;
	return n;
}

/* The VNI whose vxlan device it is, if hosts are learned from the tunnel. */
static struct kvni *learner(const struct kernel *k, const struct klink *l)
{
	struct kvni *v = l && l->kind == KLINK_VXLAN && !l->external ? kernel_vni_of_vxlan(k, l, 0) : NULL;

	return v && v->learn && v->vxlan_ifindex == (unsigned)l->ifindex ? v : NULL;
}

static bool may_hear(struct ksnoop *s)
{
	struct mtime now = loop_now(s->k->loop);
	int64_t more = mtime_diff_us(s->filled, now) * RATE_S / 1000000;

	if (more > 0) {
		s->tokens = s->tokens + more > BURST ? BURST : s->tokens + (uint32_t)more;
		s->filled = now;
	}
	if (!s->tokens)
		return false;
	s->tokens--;
	return true;
}

static void on_rested(struct loop_timer *t)
{
	loop_io_set(&container_of(t, struct ksnoop, rest)->io, LOOP_READ);
}

static void rest(struct ksnoop *s)
{
	struct mtime now = loop_now(s->k->loop);

	loop_io_set(&s->io, 0);
	loop_timer_at(&s->rest, mtime_add_ms(now, REST_MS));
	if (log_allow(s->k->log, &s->k->loud, LOG_DP, now))
		log_warn(s->k->log, LOG_DP,
			 "port %s: more than %u ARP and ND packets a second; not all of them are heard",
			 kernel_link_find(s->k, s->ifindex)->name, RATE_S);
}

/* Reading the counter sets it to zero. */
static void count_lost(struct ksnoop *s, struct kvni *v)
{
	struct tpacket_stats st = { 0 };
	socklen_t len = sizeof(st);

	if (v && !getsockopt(s->fd, SOL_PACKET, PACKET_STATISTICS, &st, &len))
		v->unheard += st.tp_drops;
}

static void on_port_readable(struct loop_io *io, unsigned events)
{
	struct ksnoop *s = container_of(io, struct ksnoop, io);
	const struct klink *l = kernel_link_find(s->k, s->ifindex), *br = kernel_link_find(s->k, l->master);
	struct kvni *tunnel = learner(s->k, l);
	uint8_t frame[ARPND_SNAP];
	struct kvni *v = NULL;

	for (int i = 0; i < PACKETS_A_TURN; i++) {
		uint16_t tag;
		bool ours;
		ssize_t n;

		if (!may_hear(s)) {
			count_lost(s, v);
			rest(s);
			return;
		}
		n = receive(s->fd, br ? br->vlan_type : 0, frame, &tag, &ours);
		if (n < 0) /* nothing there, or the port went down: an event says so */
			return;
		v = !ours ? NULL : tunnel ? tunnel : kernel_member_sort(s->k, l, tag);
		if (v && v->hear_hosts && dp_hear(s->k->d, v->v, tunnel ? 0 : s->ifindex, frame, (size_t)n))
			v->heard++;
	}
}

/* ---- which ports ------------------------------------------------------------------------------------------------- */

void kernel_snoop_close(struct klink *l)
{
	struct ksnoop *s = l->snoop;

	if (!s)
		return;
	l->snoop = NULL;
	loop_io_set(&s->io, 0);
	loop_timer_at(&s->rest, MTIME_NEVER);
	list_add_tail(&s->k->snoops_done, &s->list);
	dp_kick(s->k->d);
}

/* The kernel waits for its readers at each, some milliseconds: one at a time, when there is nothing better to do. */
bool kernel_snoop_bury(struct kernel *k)
{
	struct ksnoop *s;

	if (list_empty(&k->snoops_done))
		return false;
	s = container_of(k->snoops_done.next, struct ksnoop, list);
	list_del(&s->list);
	close(s->fd);
	free(s);
	return !list_empty(&k->snoops_done);
}

static void start(struct kernel *k, struct klink *l, bool tags)
{
	struct ksnoop *s;
	int fd = open_port((unsigned)l->ifindex, tags);

	if (fd == -EPERM || fd == -EACCES || fd == -EAFNOSUPPORT) { /* the last: seccomp of a service */
		k->deaf = true;
		log_warn(k->log, LOG_DP,
			 "hosts' addresses are not learned from ARP and ND: CAP_NET_RAW is missing (%s); "
			 "the kernel's neighbour table is what is left (host-learning: false does without)",
			 strerror(-fd));
		return;
	}
	if (fd < 0) {
		if (fd != -ENODEV && log_allow(k->log, &k->loud, LOG_DP, loop_now(k->loop)))
			log_warn(k->log, LOG_DP, "port %s: cannot hear ARP and ND: %s", l->name, strerror(-fd));
		return;
	}
	s = xcalloc(1, sizeof(*s));
	*s = (struct ksnoop){ .k = k, .fd = fd, .ifindex = (unsigned)l->ifindex, .tags = tags, .tokens = BURST,
			      .filled = loop_now(k->loop) };
	loop_io_init(&s->io, k->loop, fd, on_port_readable);
	loop_timer_init(&s->rest, k->loop, on_rested);
	loop_io_set(&s->io, LOOP_READ);
	l->snoop = s;
}

static void mark_heard(struct kernel *k)
{
	struct klink *l, *tmp;
	struct kvni *v;

	HASH_ITER(hh, k->links, l, tmp)
		l->heard = false;
	list_for_each(v, &k->vnis, list) {
		l = v->hear_hosts && v->bridge_ifindex ? kernel_link_find(k, v->bridge_ifindex) : NULL;
		if (l)
			l->heard = true;
	}
}

void kernel_snoop_update(struct kernel *k)
{
	struct klink *l, *tmp;

	k->snoop_dirty = false;
	mark_heard(k);
	HASH_ITER(hh, k->links, l, tmp) {
		const struct klink *br = l->master ? kernel_link_find(k, l->master) : NULL;
		const struct kvni *far = learner(k, l);
		bool want = far ? far->hear_hosts : br && br->heard && l->kind != KLINK_VXLAN && !l->holds;
		bool tags = !far && br && br->vlan_aware;

		if (!want || k->deaf || (l->snoop && l->snoop->tags != tags))
			kernel_snoop_close(l);
		if (want && !k->deaf && !l->snoop)
			start(k, l, tags);
	}
}

/* ---- speaking ---------------------------------------------------------------------------------------------------- */

bool kernel_snoop_listens(const struct kernel *k, unsigned ifindex, struct mac *own)
{
	const struct klink *l = kernel_link_find(k, ifindex);

	if (!l || !l->snoop)
		return false;
	*own = l->mac;
	return true;
}

/* The tag goes between the addresses and what follows them. */
static size_t with_tag(uint8_t *out, const uint8_t *frame, size_t len, uint16_t type, uint16_t vlan)
{
	const uint8_t tag[TAG_LEN] = { (uint8_t)(type >> 8), (uint8_t)type, (uint8_t)(vlan >> 8), (uint8_t)vlan };

	memcpy(out, frame, TYPE_AT);
	memcpy(out + TYPE_AT, tag, sizeof(tag));
	memcpy(out + TYPE_AT + TAG_LEN, frame + TYPE_AT, len - TYPE_AT);
	return len + TAG_LEN;
}

static bool send_by(const struct kernel *k, const struct klink *port, const struct kvni *v, const uint8_t *frame,
		    size_t len)
{
	struct sockaddr_ll to = { .sll_family = AF_PACKET, .sll_ifindex = port->ifindex };
	const struct klink *br = kernel_link_find(k, port->master);
	uint8_t tagged[ARPND_SNAP + TAG_LEN];

	if (br && v->vlan && kernel_member_tagged(port, v->vlan)) {
		if (len < TYPE_AT || len > ARPND_SNAP)
			return false;
		len = with_tag(tagged, frame, len, br->vlan_type, v->vlan);
		frame = tagged;
	}
	return sendto(k->snoop_tx, frame, len, 0, (struct sockaddr *)&to, sizeof(to)) == (ssize_t)len;
}

bool kernel_snoop_send(struct kernel *k, const struct kvni *v, unsigned ifindex, const uint8_t *frame, size_t len)
{
	const struct klink *port = kernel_link_find(k, ifindex ? ifindex : v->vxlan_ifindex);

	if (!ifindex && v->external)
		return kernel_carry(k, v, frame, len);
	if (k->snoop_tx < 0 && !k->deaf)
		k->snoop_tx = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	return k->snoop_tx >= 0 && port && send_by(k, port, v, frame, len);
}

void kernel_snoop_free(struct kernel *k)
{
	while (kernel_snoop_bury(k))
		;
	if (k->snoop_tx >= 0)
		close(k->snoop_tx);
}

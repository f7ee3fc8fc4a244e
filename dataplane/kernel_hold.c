/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * The kernel tells which MAC was missed and throws the frame away. So that the first packet of a
 * conversation arrives, the bridge of a VNI whose rows come on demand has one more port, a TAP that ends
 * here: what the bridge floods because it has no row comes to it, too, and nothing else. Frames are kept
 * until the row is there and leave by the vxlan device then. The port goes with its descriptor, whatever
 * becomes of us. Without a bridge it is the host's neighbour table that keeps them.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "dataplane/kernel.h"

#define FRAMES_A_TURN 64

static void send_held(void *ctx, const uint8_t *frame, size_t len)
{
	const struct kvni *v = ctx;

	kernel_snoop_send(v->hold_of, v, 0, frame, len);
}

static void on_frame(struct loop_io *io, unsigned events)
{
	struct kvni *v = container_of(io, struct kvni, hold_io);
	struct kernel *k = v->hold_of;
	uint8_t frame[HOLD_OCTETS];
	struct mac dst;

	for (int i = 0; i < FRAMES_A_TURN; i++) {
		ssize_t n = read(v->hold_fd, frame, sizeof(frame));

		if (n < (ssize_t)(2 * sizeof(dst.b)))
			return;
		memcpy(dst.b, frame, sizeof(dst.b));
		if (mac_is_group(&dst))
			continue;
		if (dp_is_there(k->d, v->v, &dst)) /* since the bridge looked */
			send_held(v, frame, (size_t)n);
		else
			hold_put(&k->hold, v, frame, (size_t)n, loop_now(k->loop));
	}
}

void kernel_hold_placed(struct kernel *k, struct kvni *v, const struct mac *mac)
{
	if (v->hold_fd >= 0)
		hold_release(&k->hold, v, mac, loop_now(k->loop), send_held, v);
}

void kernel_hold_close(struct kvni *v)
{
	if (v->hold_fd < 0)
		return;
	loop_io_set(&v->hold_io, 0);
	close(v->hold_fd);
	hold_forget(&v->hold_of->hold, v);
	v->hold_fd = -1;
	v->hold_ifindex = 0;
	v->hold_ends = false;
}

/* To close it takes the kernel 30 ms, in which rows would be missing that frames need now. */
static void close_later(struct kernel *k, struct kvni *v)
{
	v->hold_ends = true;
	loop_io_set(&v->hold_io, 0);
	hold_forget(&k->hold, v);
	dp_kick(k->d);
}

static void go_on(struct kvni *v)
{
	uint8_t frame[HOLD_OCTETS];

	while (read(v->hold_fd, frame, sizeof(frame)) > 0) /* these went to everybody */
		;
	v->hold_ends = false;
	loop_io_set(&v->hold_io, LOOP_READ);
}

bool kernel_hold_bury(struct kernel *k)
{
	struct kvni *v;

	list_for_each(v, &k->vnis, list) {
		if (!v->hold_ends)
			continue;
		kernel_hold_close(v);
		return true;
	}
	return false;
}

static int open_tap(struct kernel *k, struct kvni *v, const char *name)
{
	struct ifreq ifr = { .ifr_flags = IFF_TAP | IFF_NO_PI };
	int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK);
	int err;

	if (fd < 0)
		return -errno;
	memcpy(ifr.ifr_name, name, IFNAMSIZ);
	err = ioctl(fd, TUNSETIFF, &ifr) ? -errno : 0;
	if (err) {
		close(fd);
		return err;
	}
	v->hold_of = k;
	v->hold_fd = fd;
	loop_io_init(&v->hold_io, k->loop, fd, on_frame);
	loop_io_set(&v->hold_io, LOOP_READ);
	return 0;
}

/* A port that gets unknown unicast, and from which nothing comes. */
static int join(struct kernel *k, const struct kvni *v, const struct klink *l, const struct klink *br)
{
	const struct klink *vx = kernel_link_named(k, v->vxlan);
	int err = vx ? kernel_set_mtu(k, l, vx->mtu) : 0; /* the bridge takes the lowest of its ports' */

	if (!err)
		err = kernel_set_master(k, l, (unsigned)br->ifindex);
	if (!err)
		err = kernel_set_hold_port(k, l);
	if (!err && v->vlan)
		err = kernel_vlan_join(k, l, v->vlan, false);
	return err ? err : kernel_set_up(k, l);
}

void kernel_hold_check(struct kernel *k, struct kvni *v, const struct klink *br)
{
	struct klink *l = v->hold_fd >= 0 ? kernel_link_find(k, v->hold_ifindex) : NULL;
	char name[IFNAMSIZ];
	int err;

	if (v->hold_fd >= 0 && (!br || !l || l->master != (unsigned)br->ifindex))
		kernel_hold_close(v);
	if (v->hold_fd >= 0 && !v->miss_macs)
		close_later(k, v);
	else if (v->hold_ends)
		go_on(v);
	if (v->hold_fd >= 0 || !v->miss_macs || !br || v->hold_refused)
		return;
	snprintf(name, sizeof(name), "hold%u", v->vni);
	err = open_tap(k, v, name);
	l = err ? NULL : kernel_link_refresh(k, name);
	if (l) {
		v->hold_ifindex = (unsigned)l->ifindex;
		l->holds = true;
		err = join(k, v, l, br);
	}
	if (!err && l) {
		kernel_link_refresh(k, name);
		return;
	}
	log_warn(k->log, LOG_DP, "VNI %u: the first packet to a host is lost: no TAP %s to keep it: %s", v->vni, name,
		 strerror(-err));
	v->hold_refused = true;
	kernel_hold_close(v);
}

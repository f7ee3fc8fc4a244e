/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * The interfaces behind ports. One that exists is taken by packet socket: what arrives at it is ours, what we send leaves
 * by it; for the host itself it goes on as before. A TAP is made, and is the host's other end. Both give and take frames
 * with a struct virtio_net_hdr in front, so super-frames and checksums that are not done yet go through as they are. A
 * socket (or TAP queue) a worker; the kernel spreads flows over them.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "dataplane/vtep/vtep.h"

#define QUEUE_OCTETS (8 * 1024 * 1024)

#ifndef TUN_F_USO4
#define TUN_F_USO4 0x20
#define TUN_F_USO6 0x40
#endif

static int option(int fd, int name, int value)
{
	return setsockopt(fd, SOL_PACKET, name, &value, sizeof(value)) < 0 ? -errno : 0;
}

/* ---- packet sockets -------------------------------------------------------------------------------------------------- */

static void set_queues(int fd)
{
	int octets = QUEUE_OCTETS;

	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &octets, sizeof(octets)) < 0)
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &octets, sizeof(octets));
	if (setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &octets, sizeof(octets)) < 0)
		setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &octets, sizeof(octets));
}

/* Sockets of one interface share what comes, each flow at one of them. The group's number is the kernel's choice. */
static int join_fanout(const struct netdev *dev, unsigned nr, int fd, int *group)
{
	socklen_t len = sizeof(*group);
	int err;

	if (dev->v->n_workers == 1)
		return 0;
	if (nr)
		return option(fd, PACKET_FANOUT, *group);
	err = option(fd, PACKET_FANOUT, (PACKET_FANOUT_HASH | PACKET_FANOUT_FLAG_UNIQUEID) << 16);
	if (!err && getsockopt(fd, SOL_PACKET, PACKET_FANOUT, group, &len) < 0)
		err = -errno;
	*group = (*group & 0xffff) | PACKET_FANOUT_HASH << 16;
	return err;
}

static int open_packet(const struct netdev *dev, unsigned nr, int *group)
{
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), err;
	struct sockaddr_ll ll = { .sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL), .sll_ifindex = (int)dev->ifindex };
	struct packet_mreq all = { .mr_ifindex = (int)dev->ifindex, .mr_type = PACKET_MR_PROMISC };

	if (fd < 0)
		return -errno;
	err = option(fd, PACKET_VNET_HDR, 1);
	if (!err)
		err = option(fd, PACKET_AUXDATA, 1);
	if (!err)
		err = option(fd, PACKET_IGNORE_OUTGOING, 1);
	option(fd, PACKET_QDISC_BYPASS, 1);
	set_queues(fd);
	if (!err && (bind(fd, (struct sockaddr *)&ll, sizeof(ll)) < 0 ||
		     setsockopt(fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &all, sizeof(all)) < 0))
		err = -errno;
	if (!err)
		err = join_fanout(dev, nr, fd, group);
	if (!err)
		return fd;
	close(fd);
	return err;
}

/* ---- TAPs ------------------------------------------------------------------------------------------------------------- */

static void set_name(struct ifreq *r, const char *name)
{
	*r = (struct ifreq){ 0 };
	snprintf(r->ifr_name, sizeof(r->ifr_name), "%s", name);
}

static int set_up(const char *name)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), rc;
	struct ifreq r;

	set_name(&r, name);
	rc = ioctl(fd, SIOCGIFFLAGS, &r);
	r.ifr_flags |= IFF_UP;
	if (rc == 0)
		rc = ioctl(fd, SIOCSIFFLAGS, &r);
	close(fd);
	return rc < 0 ? -errno : 0;
}

static int open_tap(const struct netdev *dev)
{
	unsigned offloads = TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6 | TUN_F_TSO_ECN;
	int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK), size = sizeof(struct virtio_net_hdr), err;
	struct ifreq r;

	if (fd < 0)
		return -errno;
	set_name(&r, dev->name);
	r.ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR | IFF_MULTI_QUEUE;
	if (ioctl(fd, TUNSETIFF, &r) < 0 || ioctl(fd, TUNSETVNETHDRSZ, &size) < 0) {
		err = -errno;
		close(fd);
		return err;
	}
	/* Newer kernels leave UDP super-frames whole, too; where a kernel has less, it does the rest itself. */
	if (ioctl(fd, TUNSETOFFLOAD, (unsigned long)(offloads | TUN_F_USO4 | TUN_F_USO6)) < 0)
		ioctl(fd, TUNSETOFFLOAD, (unsigned long)offloads);
	return fd;
}

/* ---- an interface ------------------------------------------------------------------------------------------------------ */

static void close_queues(struct netdev *dev)
{
	for (unsigned i = 0; i < dev->v->n_workers; i++) {
		if (dev->q[i].fd >= 0)
			close(dev->q[i].fd);
	}
}

static void free_netdev(void *p)
{
	struct netdev *dev = p;

	close_queues(dev);
	free(dev->tagged);
	free(dev);
}

unsigned netdev_mtu(const char *name)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), rc;
	struct ifreq r;

	set_name(&r, name);
	rc = ioctl(fd, SIOCGIFMTU, &r);
	close(fd);
	return rc < 0 ? 1500 : (unsigned)r.ifr_mtu;
}

static int open_queues(struct netdev *dev)
{
	int group = 0;

	for (unsigned i = 0; i < dev->v->n_workers; i++) {
		int fd = dev->tap ? open_tap(dev) : open_packet(dev, i, &group);

		if (fd < 0)
			return fd;
		dev->q[i].fd = fd;
	}
	if (!dev->tap)
		return 0;
	dev->ifindex = if_nametoindex(dev->name);
	return set_up(dev->name);
}

struct netdev *netdev_find(const struct vtep *v, const char *name)
{
	struct netdev *dev;

	list_for_each(dev, &v->netdevs, list) {
		if (!strcmp(dev->name, name))
			return dev;
	}
	return NULL;
}

struct netdev *netdev_open(struct vtep *v, const char *name, bool tap, int *err)
{
	struct netdev *dev = xcalloc(1, sizeof(*dev) + v->n_workers * sizeof(dev->q[0]));

	dev->v = v;
	dev->tap = tap;
	snprintf(dev->name, sizeof(dev->name), "%s", name);
	dev->ifindex = if_nametoindex(name);
	for (unsigned i = 0; i < v->n_workers; i++)
		dev->q[i] = (struct source){ SOURCE_PORT, -1, dev };
	*err = open_queues(dev);
	if (*err) {
		free_netdev(dev);
		return NULL;
	}
	dev->mtu = netdev_mtu(name);
	list_add_tail(&v->netdevs, &dev->list);
	for (unsigned i = 0; i < v->n_workers; i++)
		worker_watch(v, i, &dev->q[i]);
	return dev;
}

void netdev_close(struct netdev *dev)
{
	list_del(&dev->list);
	for (unsigned i = 0; i < dev->v->n_workers; i++)
		worker_unwatch(dev->v, i, &dev->q[i]);
	vtep_retire(dev, free_netdev);
}

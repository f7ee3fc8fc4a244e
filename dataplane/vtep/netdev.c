/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * The interfaces behind ports. One that exists is taken by packet socket: what arrives at it is ours, what we
 * send leaves by it; for the host itself it goes on as before. A TAP is made, and is the host's other end.
 * Both give and take frames with a struct virtio_net_hdr in front, so super-frames and checksums that are not
 * done yet go through as they are. A socket (or TAP queue) a worker; the kernel spreads flows over them.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "dataplane/vtep/vtep.h"

#define QUEUE_OCTETS (8 * 1024 * 1024)
#define RINGS_MAX 32u /* they hold memory used or not: 4 MiB each */

/* What PACKET_IGNORE_OUTGOING says of one socket a group has to say for itself (Linux 5.14). */
#ifndef PACKET_FANOUT_FLAG_IGNORE_OUTGOING
#define PACKET_FANOUT_FLAG_IGNORE_OUTGOING 0x4000
#endif
#define GROUP_TYPE (PACKET_FANOUT_HASH | PACKET_FANOUT_FLAG_IGNORE_OUTGOING)

#ifndef TUN_F_USO4
#define TUN_F_USO4 0x20
#define TUN_F_USO6 0x40
#endif

static int option(int fd, int name, int value)
{
	return setsockopt(fd, SOL_PACKET, name, &value, sizeof(value)) < 0 ? -errno : 0;
}

/* ---- packet sockets ---------------------------------------------------------------------------------------------- */

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
	err = option(fd, PACKET_FANOUT, (GROUP_TYPE | PACKET_FANOUT_FLAG_UNIQUEID) << 16);
	if (!err && getsockopt(fd, SOL_PACKET, PACKET_FANOUT, group, &len) < 0)
		err = -errno;
	*group = (*group & 0xffff) | GROUP_TYPE << 16;
	return err;
}

static int set_up_packet(struct netdev *dev, unsigned nr, bool ring, int *group)
{
	struct sockaddr_ll ll = { .sll_family = AF_PACKET,
				  .sll_protocol = htons(ETH_P_ALL),
				  .sll_ifindex = (int)dev->ifindex };
	struct packet_mreq all = { .mr_ifindex = (int)dev->ifindex, .mr_type = PACKET_MR_PROMISC };
	int fd = dev->q[nr].fd, err = option(fd, PACKET_VNET_HDR, 1);

	if (!err)
		err = option(fd, PACKET_AUXDATA, 1);
	if (!err)
		err = option(fd, PACKET_IGNORE_OUTGOING, 1);
	option(fd, PACKET_QDISC_BYPASS, 1);
	set_queues(fd);
	if (!err && ring)
		portring_open(&dev->q[nr].ring, fd);
	if (!err && (bind(fd, (struct sockaddr *)&ll, sizeof(ll)) < 0 ||
		     setsockopt(fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &all, sizeof(all)) < 0))
		err = -errno;
	return err ? err : join_fanout(dev, nr, fd, group);
}

/* ---- TAPs -------------------------------------------------------------------------------------------------------- */

static int find_user(const char *name, uid_t *uid)
{
	const struct passwd *u;
	char *end;

	*uid = (uid_t)strtoul(name, &end, 10);
	if (!*end)
		return 0;
	u = getpwnam(name);
	if (!u)
		return -ENOENT;
	*uid = u->pw_uid;
	return 0;
}

/* Of the whole device; said once. */
static int set_ownership(const struct vport *p, int fd, const char **step)
{
	uid_t uid = 0;
	int err;

	*step = "find the owner of the TAP";
	err = p->owner ? find_user(p->owner, &uid) : 0;
	if (err)
		return err;
	*step = "give the TAP to its owner";
	if (p->owner && ioctl(fd, TUNSETOWNER, (unsigned long)uid) < 0)
		return -errno;
	*step = "make the TAP persistent";
	return p->persist && ioctl(fd, TUNSETPERSIST, 1UL) < 0 ? -errno : 0;
}

static int set_up_tap(const struct netdev *dev, int fd)
{
	unsigned offloads = TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6 | TUN_F_TSO_ECN;
	struct ifreq r = { .ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR | IFF_MULTI_QUEUE };
	int size = sizeof(struct virtio_net_hdr);

	snprintf(r.ifr_name, sizeof(r.ifr_name), "%s", dev->name);
	if (ioctl(fd, TUNSETIFF, &r) < 0 || ioctl(fd, TUNSETVNETHDRSZ, &size) < 0)
		return -errno;
	/* Newer kernels leave UDP super-frames whole, too; where a kernel has less, it does the rest itself. */
	if (ioctl(fd, TUNSETOFFLOAD, (unsigned long)(offloads | TUN_F_USO4 | TUN_F_USO6)) < 0)
		ioctl(fd, TUNSETOFFLOAD, (unsigned long)offloads);
	return 0;
}

/* ---- an interface ------------------------------------------------------------------------------------------------ */

static void close_queues(struct netdev *dev)
{
	for (unsigned i = 0; i < dev->v->n_workers; i++) {
		portring_close(&dev->q[i].ring);
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

/* There may be one more ring a worker. */
static bool rings_left(const struct vtep *v)
{
	unsigned n = v->n_workers;
	struct netdev *dev;

	list_for_each(dev, &v->netdevs, list)
		n += dev->q[0].ring.map ? v->n_workers : 0;
	return n <= RINGS_MAX;
}

static int set_up_queues(struct netdev *dev, const struct vport *p, const char **step)
{
	bool ring = rings_left(dev->v);
	int group = 0, err = 0;

	*step = dev->tap ? "make the TAP" : "listen to it";
	for (unsigned i = 0; !err && i < dev->v->n_workers; i++)
		err = dev->tap ? set_up_tap(dev, dev->q[i].fd) : set_up_packet(dev, i, ring, &group);
	return err || !dev->tap ? err : set_ownership(p, dev->q[0].fd, step);
}

static int open_queues(struct netdev *dev, const struct vport *p, const char **step)
{
	struct place_link link;
	int fds[VTEP_WORKERS_MAX], err;

	err = place_link(dev->at, dev->name, &link);
	if (err && !dev->tap)
		return err;
	dev->ifindex = link.ifindex;
	err = place_open(dev->at, dev->tap ? NSOPEN_TUN : NSOPEN_PACKET, dev->v->n_workers, fds, step);
	if (err)
		return err;
	for (unsigned i = 0; i < dev->v->n_workers; i++)
		dev->q[i].fd = fds[i];
	err = set_up_queues(dev, p, step);
	if (err || !dev->tap)
		return err;
	*step = "find the TAP that was made";
	err = place_link(dev->at, dev->name, &link);
	if (err)
		return err;
	dev->ifindex = link.ifindex;
	*step = "set the TAP up";
	return place_link_up(dev->at, dev->ifindex);
}

struct netdev *netdev_find(const struct vtep *v, const struct place *at, const char *name)
{
	struct netdev *dev;

	list_for_each(dev, &v->netdevs, list) {
		if (dev->at == at && !strcmp(dev->name, name))
			return dev;
	}
	return NULL;
}

bool netdev_there(struct netdev *dev)
{
	struct place_link link;

	if (place_gone(dev->at) || place_link(dev->at, dev->name, &link) || link.ifindex != dev->ifindex)
		return false;
	__atomic_store_n(&dev->mtu, link.mtu, __ATOMIC_RELAXED);
	dev->up = link.up;
	return true;
}

struct netdev *netdev_open(const struct vport *p, struct place *at, int *err, const char **step)
{
	struct vtep *v = at->v;
	struct netdev *dev = xcalloc(1, sizeof(*dev) + v->n_workers * sizeof(dev->q[0]));

	dev->v = v;
	dev->at = at;
	dev->tap = p->tap;
	snprintf(dev->name, sizeof(dev->name), "%s", p->name);
	for (unsigned i = 0; i < v->n_workers; i++)
		dev->q[i] = (struct source){ .kind = SOURCE_PORT, .fd = -1, .owner = dev };
	*err = open_queues(dev, p, step);
	if (!*err && !netdev_there(dev))
		*err = -ENODEV; /* it went again meanwhile */
	if (*err) {
		free_netdev(dev);
		return NULL;
	}
	at->refs++;
	list_add_tail(&v->netdevs, &dev->list);
	for (unsigned i = 0; i < v->n_workers; i++)
		worker_watch(v, i, &dev->q[i]);
	return dev;
}

void netdev_close(struct netdev *dev, bool remove)
{
	list_del(&dev->list);
	for (unsigned i = 0; i < dev->v->n_workers; i++)
		worker_unwatch(dev->v, i, &dev->q[i]);
	if (remove && dev->tap)
		ioctl(dev->q[0].fd, TUNSETPERSIST, 0UL);
	place_put(dev->at);
	vtep_retire(dev, free_netdev);
}

uint64_t netdev_lost(const struct netdev *dev)
{
	uint64_t n = 0;

	for (unsigned i = 0; !dev->tap && i < dev->v->n_workers; i++) {
		struct tpacket_stats s = { 0 };
		socklen_t len = sizeof(s);

		if (!getsockopt(dev->q[i].fd, SOL_PACKET, PACKET_STATISTICS, &s, &len)) /* and sets it to 0 */
			n += s.tp_drops;
	}
	return n;
}

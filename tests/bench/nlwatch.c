/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
#include "tests/bench/nlwatch.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/neighbour.h>
#include <linux/netlink.h>
#include <linux/nexthop.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "tests/bench/proc.h"

#define RECEIVE_BUFFER (256 << 20) /* a million notifications */
#define HOSTS 0x0a000000u         /* address of the first MAC's host */

int netns_socket(const char *name, int domain, int type, int protocol)
{
	char path[300];
	int ours, theirs, fd;

	if (!name)
		return socket(domain, type, protocol);
	snprintf(path, sizeof(path), "/run/netns/%s", name);
	ours = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
	theirs = open(path, O_RDONLY | O_CLOEXEC);
	fd = -1;
	if (ours < 0 || theirs < 0 || setns(theirs, CLONE_NEWNET) < 0) {
		fprintf(stderr, "network namespace %s: %s\n", name, strerror(errno));
	} else {
		fd = socket(domain, type, protocol);
		if (fd < 0)
			fprintf(stderr, "socket in %s: %s\n", name, strerror(errno));
		if (setns(ours, CLONE_NEWNET) < 0) {
			perror("back to our own network namespace");
			_exit(1);
		}
	}
	if (ours >= 0)
		close(ours);
	if (theirs >= 0)
		close(theirs);
	return fd;
}

int netns_device(int fd, const char *name)
{
	struct ifreq r = { 0 };

	snprintf(r.ifr_name, sizeof(r.ifr_name), "%s", name);
	if (ioctl(fd, SIOCGIFINDEX, &r) < 0) {
		fprintf(stderr, "device %s: %s\n", name, strerror(errno));
		return -1;
	}
	return r.ifr_ifindex;
}

int nlwatch_open(struct nlwatch *w, const char *netns, uint32_t n)
{
	struct sockaddr_nl sa = { .nl_family = AF_NETLINK };
	int size = RECEIVE_BUFFER, neigh = RTNLGRP_NEIGH, nexthop = RTNLGRP_NEXTHOP;

	*w = (struct nlwatch){ .n = n };
	w->fd = netns_socket(netns, AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);
	if (w->fd < 0)
		return -1;
	w->in_bridge = xcalloc(n, 1);
	w->in_vxlan = xcalloc(n, 1);
	w->in_neigh = xcalloc(n, 1);
	w->via = xcalloc(n, sizeof(*w->via));
	if (setsockopt(w->fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)) < 0 ||
	    bind(w->fd, (struct sockaddr *)&sa, sizeof(sa)) < 0 ||
	    setsockopt(w->fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &neigh, sizeof(neigh)) < 0 ||
	    setsockopt(w->fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &nexthop, sizeof(nexthop)) < 0) {
		perror("netlink listener");
		close(w->fd);
		return -1;
	}
	return 0;
}

void nlwatch_close(struct nlwatch *w)
{
	close(w->fd);
	free(w->in_bridge);
	free(w->in_vxlan);
	free(w->in_neigh);
	free(w->via);
}

static void mark(uint8_t *seen, uint32_t *total, uint32_t i, bool there)
{
	*total += (uint32_t)there - seen[i];
	seen[i] = there;
}

static void count(struct nlwatch *w, const struct nlmsghdr *h)
{
	const struct ndmsg *nd = NLMSG_DATA(h);
	int left = (int)NLMSG_PAYLOAD(h, sizeof(*nd));
	bool there = h->nlmsg_type == RTM_NEWNEIGH;
	const struct mac *mac = NULL;
	bool master = false;
	uint32_t i, via = 0, ip = 0;

	w->messages++;
	for (const struct rtattr *a = (const struct rtattr *)(nd + 1); RTA_OK(a, left); a = RTA_NEXT(a, left)) {
		if (a->rta_type == NDA_LLADDR && RTA_PAYLOAD(a) == 6)
			mac = RTA_DATA(a);
		else if (a->rta_type == NDA_MASTER)
			master = true;
		else if (a->rta_type == NDA_NH_ID)
			memcpy(&via, RTA_DATA(a), sizeof(via));
		else if (a->rta_type == NDA_DST && RTA_PAYLOAD(a) == sizeof(ip))
			memcpy(&ip, RTA_DATA(a), sizeof(ip));
	}
	i = ntohl(ip) - HOSTS;
	if (nd->ndm_family == AF_INET && i < w->n) {
		there = there && nd->ndm_state & (NUD_NOARP | NUD_REACHABLE | NUD_PERMANENT | NUD_STALE);
		mark(w->in_neigh, &w->neigh, i, there);
	}
	if (nd->ndm_family != AF_BRIDGE || !mac || mac->b[0] != 0x02 || mac->b[1] != 0xbe)
		return;
	i = (uint32_t)mac_u64(mac);
	if (i >= w->n)
		return;
	if (master) {
		mark(w->in_bridge, &w->bridge, i, there);
	} else {
		mark(w->in_vxlan, &w->vxlan, i, there);
		w->via[i] = via ? via : ip;
	}
}

/* With a group of nexthops the kernel removes every vxlan row that points at it, without another word. */
static void count_without(struct nlwatch *w, const struct nlmsghdr *h)
{
	const struct rtattr *a = (const struct rtattr *)((const struct nhmsg *)NLMSG_DATA(h) + 1);
	uint32_t id = 0;

	for (int left = (int)NLMSG_PAYLOAD(h, sizeof(struct nhmsg)); RTA_OK(a, left); a = RTA_NEXT(a, left)) {
		if (a->rta_type == NHA_ID)
			memcpy(&id, RTA_DATA(a), sizeof(id));
	}
	for (uint32_t i = 0; id && i < w->n; i++) {
		if (w->via[i] == id)
			mark(w->in_vxlan, &w->vxlan, i, false);
	}
}

void nlwatch_read(struct nlwatch *w)
{
	static char buf[1 << 16] __attribute__((aligned(8)));

	for (;;) {
		ssize_t n = recv(w->fd, buf, sizeof(buf), MSG_DONTWAIT);

		if (n < 0 && errno == ENOBUFS) {
			w->lost++;
			continue;
		}
		if (n <= 0)
			return;
		for (const struct nlmsghdr *h = (const struct nlmsghdr *)buf; NLMSG_OK(h, n); h = NLMSG_NEXT(h, n)) {
			if (h->nlmsg_type == RTM_NEWNEIGH || h->nlmsg_type == RTM_DELNEIGH)
				count(w, h);
			else if (h->nlmsg_type == RTM_DELNEXTHOP)
				count_without(w, h);
		}
	}
}

double nlwatch_wait(struct nlwatch *w, bool (*is_so)(const struct nlwatch *w, uint32_t arg), uint32_t arg, double start)
{
	while (!is_so(w, arg)) {
		struct pollfd p = { .fd = w->fd, .events = POLLIN };

		if (proc_now() - start > NLWATCH_WAIT_S)
			return -1;
		poll(&p, 1, 100);
		nlwatch_read(w);
	}
	return proc_now() - start;
}

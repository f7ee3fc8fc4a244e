/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * Multicast groups that VNIs flood to (RFC 7348 4.2): joined on an interface of the underlay,
 * with a socket of their own, since one that is bound to our address hears no group. The
 * kernel speaks IGMP and MLD for it. What we send has a socket, too, with that interface and
 * without a copy to ourselves. VNIs share groups; a worker has the socket of one.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "dataplane/vtep/sockopt.h"
#include "dataplane/vtep/vtep.h"

struct group {
	struct list list;
	unsigned refs;
	struct ip ip;
	struct underlay *u;
	unsigned ifindex;
	struct dest *dest;
	unsigned worker;
	struct source rx;
};

/* ---- sockets ----------------------------------------------------------------------------------------------------- */

static int open_at(const struct ip *a, uint16_t port)
{
	struct sockaddr_storage ss;
	socklen_t len = ip_to_sockaddr(a, port, &ss);
	int fd = socket(ip_family(a), SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), err;

	if (fd < 0)
		return -errno;
	sockopt_set(fd, SOL_SOCKET, SO_REUSEADDR, 1); /* the same group on another interface */
	if (a->len == 16)
		sockopt_set(fd, SOL_IPV6, IPV6_V6ONLY, 1);
	if (bind(fd, (struct sockaddr *)&ss, len) == 0)
		return fd;
	err = -errno;
	close(fd);
	return err;
}

static int join(int fd, const struct ip *group, unsigned ifindex)
{
	struct ip_mreqn v4 = { .imr_ifindex = (int)ifindex };
	struct ipv6_mreq v6 = { .ipv6mr_interface = ifindex };
	int rc;

	if (group->len == 4) {
		memcpy(&v4.imr_multiaddr, group->b, 4);
		rc = setsockopt(fd, SOL_IP, IP_ADD_MEMBERSHIP, &v4, sizeof(v4));
	} else {
		memcpy(&v6.ipv6mr_multiaddr, group->b, 16);
		rc = setsockopt(fd, SOL_IPV6, IPV6_ADD_MEMBERSHIP, &v6, sizeof(v6));
	}
	return rc < 0 ? -errno : 0;
}

static int open_rx(const struct ip *group, uint16_t port, unsigned ifindex)
{
	int fd = open_at(group, port), err;

	if (fd < 0)
		return fd;
	/* What others of this host have joined elsewhere is not for us. */
	if (group->len == 4)
		sockopt_set(fd, SOL_IP, IP_MULTICAST_ALL, 0);
	else
		sockopt_set(fd, SOL_IPV6, IPV6_MULTICAST_ALL, 0);
	sockopt_outer_comes_along(fd, group);
	sockopt_set(fd, SOL_UDP, UDP_GRO, 1);
	err = join(fd, group, ifindex);
	if (!err)
		return fd;
	close(fd);
	return err;
}

static int open_tx(const struct vtep *v, const struct ip *vtep, unsigned ifindex)
{
	int fd = open_at(vtep, 0), err;

	if (fd < 0)
		return fd;
	if (vtep->len == 4) {
		struct ip_mreqn by = { .imr_ifindex = (int)ifindex };

		err = setsockopt(fd, SOL_IP, IP_MULTICAST_IF, &by, sizeof(by)) < 0 ? -errno : 0;
		sockopt_set(fd, SOL_IP, IP_MULTICAST_LOOP, 0);
	} else {
		err = sockopt_set(fd, SOL_IPV6, IPV6_MULTICAST_IF, (int)ifindex);
		sockopt_set(fd, SOL_IPV6, IPV6_MULTICAST_LOOP, 0);
	}
	underlay_outer(v, vtep, fd);
	sockopt_set(fd, SOL_SOCKET, SO_RCVBUF, 0); /* nothing comes here that is for us */
	if (!err)
		return fd;
	close(fd);
	return err;
}

/* ---- groups ------------------------------------------------------------------------------------------------------ */

static struct group *find(const struct vtep *v, const struct bridge *b, unsigned ifindex)
{
	struct group *g;

	list_for_each(g, &v->groups, list) {
		if (g->u == b->u && g->ifindex == ifindex && ip_eq(&g->ip, &b->group_ip))
			return g;
	}
	return NULL;
}

static void free_group(void *p)
{
	struct group *g = p;

	close(g->rx.fd);
	free(g);
}

static struct group *group_open(struct bridge *b, unsigned ifindex, int *err)
{
	struct vtep *v = b->v;
	struct group *g;
	int rx = open_rx(&b->group_ip, b->u->port, ifindex), tx = rx < 0 ? rx : open_tx(v, &b->u->vtep, ifindex);

	*err = tx < 0 ? tx : 0;
	if (*err && rx >= 0)
		close(rx);
	if (*err)
		return NULL;
	g = xcalloc(1, sizeof(*g));
	g->ip = b->group_ip;
	g->u = b->u;
	g->ifindex = ifindex;
	g->dest = dest_of_group(v, &g->ip, b->u->port, ifindex, tx);
	g->worker = g->ip.b[g->ip.len - 1] % v->n_workers;
	g->rx = (struct source){ SOURCE_UNDERLAY, rx, g->u };
	list_add_tail(&v->groups, &g->list);
	worker_watch(v, g->worker, &g->rx);
	return g;
}

static void group_close(struct vtep *v, struct group *g)
{
	if (--g->refs)
		return;
	list_del(&g->list);
	worker_unwatch(v, g->worker, &g->rx);
	dest_put(v, g->dest);
	vtep_retire(g, free_group);
}

void group_leave(struct bridge *b)
{
	struct group *g = b->group;

	if (!g)
		return;
	bridge_flood_less(b, g->dest);
	b->group = NULL;
	group_close(b->v, g);
}

static int enter(struct bridge *b, unsigned ifindex)
{
	struct group *g = find(b->v, b, ifindex);
	int err = 0;

	if (!g)
		g = group_open(b, ifindex, &err);
	if (!g)
		return err;
	g->refs++;
	b->group = g;
	bridge_flood_more(b, g->dest);
	return 0;
}

/* The interface may have come, gone, or be another of that name; its MTU is what fits. */
void group_check(struct bridge *b)
{
	unsigned ifindex = !b->group_ip.len ? 0 : b->underlay[0] ? if_nametoindex(b->underlay) : b->u->ifindex;
	struct place_link link;
	char name[IF_NAMESIZE];
	int err = 0;

	if (b->group && (b->group->ifindex != ifindex || !ip_eq(&b->group->ip, &b->group_ip)))
		group_leave(b);
	if (ifindex && !b->group)
		err = enter(b, ifindex);
	if (b->group_ip.len && !b->group && !b->problem[0]) {
		if (err)
			snprintf(b->problem, sizeof(b->problem), "cannot join %s: %s", ip_str(&b->group_ip).s,
				 strerror(-err));
		else
			snprintf(b->problem, sizeof(b->problem), "underlay %s is missing", b->underlay);
	}
	if (b->group && if_indextoname(ifindex, name) && !place_link(b->v->here, name, &link))
		__atomic_store_n(&b->group->dest->mtu, (uint16_t)link.mtu, __ATOMIC_RELAXED);
}

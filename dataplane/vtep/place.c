/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * Where ports are: our own network namespace, or others. Of each other one we hold a descriptor, a
 * netlink socket to ask and one that tells of links, and with these it stays alive; that its path
 * leads elsewhere by now is how we see that it has ended for everybody else, and then we let go of it.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/netlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dataplane/vtep/vtep.h"

/* Of another user, who may not enter, or of ourselves, who are not allowed to. */
static int refused(const char *path, const char *step, int err, char *why, size_t cap)
{
	snprintf(why, cap, "%s: cannot %s: %s%s", path, step, strerror(-err),
		 err == -EPERM ? "; the namespace of another user takes CAP_SYS_ADMIN" : "");
	return err;
}

static void on_link(void *ctx, const struct nlmsghdr *h)
{
	((struct vtep *)ctx)->check = true;
}

static void on_events(struct loop_io *io, unsigned events)
{
	struct place *p = container_of(io, struct place, io);
	int n;

	while ((n = ksock_events(&p->events, on_link, p->v)) != 0) {
		p->v->check |= n == -ENOBUFS;
		if (n < 0 && n != -ENOBUFS)
			break;
	}
	dp_kick(p->v->d);
}

/* fds: the namespace, and two netlink sockets that were opened in it. */
static int take(struct place *p, const int *fds)
{
	int links = RTNLGRP_LINK, err = 0;

	p->ns = fds[0];
	if (setsockopt(fds[2], SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &links, sizeof(links)) < 0)
		err = -errno;
	if (!err)
		err = ksock_adopt(&p->cmd, fds[1]);
	if (!err)
		err = ksock_adopt(&p->events, fds[2]);
	close(fds[1]);
	close(fds[2]);
	if (err)
		return err;
	loop_io_init(&p->io, p->v->loop, p->events.fd, on_events);
	loop_io_set(&p->io, LOOP_READ);
	return 0;
}

static int enter(struct place *p, int ns, char *why, size_t cap)
{
	static const uint8_t what[] = { NSOPEN_APART, NSOPEN_ITSELF, NSOPEN_NETLINK, NSOPEN_NETLINK };
	unsigned skip = p->apart ? 0 : 1;
	const char *step;
	struct stat st;
	int fds[3], err;

	if (fstat(ns, &st))
		return refused(p->path, "look at it", -errno, why, cap);
	p->dev = st.st_dev;
	p->ino = st.st_ino;
	err = nsopen(&p->v->nsopen, ns, what + skip, sizeof(what) - skip, fds, &step);
	if (err)
		return refused(p->path, step, err, why, cap);
	err = take(p, fds);
	return err ? refused(p->path, "listen to it", err, why, cap) : 0;
}

static void place_free(struct place *p)
{
	if (p->io.loop)
		loop_io_set(&p->io, 0);
	ksock_close(&p->cmd);
	ksock_close(&p->events);
	if (p->ns >= 0)
		close(p->ns);
	free(p->path);
	free(p);
}

static struct place *place_new(struct vtep *v, const char *path, bool apart)
{
	struct place *p = xcalloc(1, sizeof(*p));

	p->v = v;
	p->refs = 1;
	p->ns = p->cmd.fd = p->events.fd = -1;
	p->path = path ? xstrdup(path) : NULL;
	p->apart = apart;
	list_init(&p->list);
	return p;
}

struct place *place_here(struct vtep *v)
{
	struct place *p = place_new(v, NULL, false);
	int err = ksock_open(&p->cmd, NULL);

	if (!err)
		return p;
	place_free(p);
	errno = -err;
	return NULL;
}

static struct place *find(struct vtep *v, const char *path, bool apart)
{
	struct place *p;

	list_for_each(p, &v->places, list) {
		if (!strcmp(p->path, path) && p->apart == apart && !place_gone(p))
			return p;
	}
	return NULL;
}

struct place *place_at(struct vtep *v, const char *path, int ns, bool apart, int *err, char *why, size_t cap)
{
	struct place *p = find(v, path, apart);

	*err = 0;
	if (p)
		return place_ref(p);
	p = place_new(v, path, apart);
	*err = enter(p, ns, why, cap);
	if (*err) {
		place_free(p);
		return NULL;
	}
	list_add_tail(&v->places, &p->list);
	return p;
}

struct place *place_get(struct vtep *v, const char *path, char *why, size_t cap)
{
	struct place *p = find(v, path, false);
	int ns, err;

	if (p)
		return place_ref(p);
	ns = open(path, O_RDONLY | O_CLOEXEC);
	if (ns < 0) {
		refused(path, "open it", -errno, why, cap);
		return NULL;
	}
	p = place_at(v, path, ns, false, &err, why, cap);
	close(ns);
	return p;
}

void place_put(struct place *p)
{
	if (--p->refs)
		return;
	list_del(&p->list);
	place_free(p);
}

bool place_gone(const struct place *p)
{
	struct stat st;

	return p->path && (stat(p->path, &st) || st.st_dev != p->dev || st.st_ino != p->ino);
}

int place_open(struct place *p, enum nsopen_what what, unsigned n, int *fds, const char **step)
{
	uint8_t all[NSOPEN_MAX];

	memset(all, what, n);
	return nsopen(&p->v->nsopen, p->ns, all, n, fds, step);
}

/* ---- links ------------------------------------------------------------------------------------------------------- */

static void note_link(void *ctx, const struct nlmsghdr *h)
{
	const struct ifinfomsg *ifi = NLMSG_DATA(h);
	struct nlattr *tb[IFLA_MAX + 1];
	struct place_link *out = ctx;

	if (h->nlmsg_type != RTM_NEWLINK ||
	    nlmsg_parse((struct nlmsghdr *)(uintptr_t)h, sizeof(*ifi), tb, IFLA_MAX, NULL))
		return;
	out->ifindex = (unsigned)ifi->ifi_index;
	out->up = (ifi->ifi_flags & IFF_UP) && (ifi->ifi_flags & IFF_RUNNING);
	out->mtu = tb[IFLA_MTU] ? nla_get_u32(tb[IFLA_MTU]) : 1500;
}

int place_link(struct place *p, const char *name, struct place_link *out)
{
	struct ifinfomsg ifi = { .ifi_family = AF_UNSPEC };
	struct nl_msg *m = ksock_msg(RTM_GETLINK, 0, &ifi, sizeof(ifi));
	int err;

	*out = (struct place_link){ 0 };
	nla_put_string(m, IFLA_IFNAME, name);
	err = ksock_get(&p->cmd, m, note_link, out);
	return err ? err : out->ifindex ? 0 : -ENODEV;
}

int place_link_up(struct place *p, unsigned ifindex)
{
	struct ifinfomsg ifi = {
		.ifi_family = AF_UNSPEC, .ifi_index = (int)ifindex, .ifi_flags = IFF_UP, .ifi_change = IFF_UP
	};

	return ksock_request(&p->cmd, ksock_msg(RTM_NEWLINK, 0, &ifi, sizeof(ifi)));
}

int place_link_del(struct place *p, unsigned ifindex)
{
	struct ifinfomsg ifi = { .ifi_family = AF_UNSPEC, .ifi_index = (int)ifindex };

	return ksock_request(&p->cmd, ksock_msg(RTM_DELLINK, 0, &ifi, sizeof(ifi)));
}

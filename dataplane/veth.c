/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
#include "dataplane/veth.h"

#include <errno.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/veth.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <xxhash.h>

/* The namespace has the same number as long as it is there. */
int veth_name(const struct dp_netns_port *p, struct veth *out, char *why, size_t cap)
{
	struct stat st;
	uint64_t h;

	if (fstat(p->fd, &st)) {
		int err = -errno;

		snprintf(why, cap, "the network namespace %s cannot be looked at: %s", p->netns, strerror(errno));
		return err;
	}
	h = XXH3_64bits_withSeed(p->name, strlen(p->name), (uint64_t)st.st_ino);
	snprintf(out->port, sizeof(out->port), "ev%010llx", (unsigned long long)(h >> 24));
	out->mac = p->mac;
	if (mac_is_zero(&out->mac)) {
		memcpy(out->mac.b, &h, sizeof(out->mac.b));
		out->mac.b[0] = 0x02;
	}
	return 0;
}

/* ---- in the namespace -------------------------------------------------------------------------------------------- */

static void note_ifindex(void *ctx, const struct nlmsghdr *h)
{
	int *ifindex = ctx;

	if (h->nlmsg_type == RTM_NEWLINK)
		*ifindex = ((const struct ifinfomsg *)NLMSG_DATA(h))->ifi_index;
}

static int add_address(struct ksock *s, int ifindex, const struct dp_netns_port *p)
{
	struct ifaddrmsg ifa = { .ifa_family = (uint8_t)ip_family(&p->ip),
				 .ifa_prefixlen = p->prefix_len,
				 .ifa_flags = IFA_F_NODAD, /* it is announced, nobody need wait */
				 .ifa_index = (unsigned)ifindex };
	struct nl_msg *m = ksock_msg(RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, &ifa, sizeof(ifa));

	nla_put(m, IFA_LOCAL, p->ip.len, p->ip.b);
	nla_put(m, IFA_ADDRESS, p->ip.len, p->ip.b);
	return ksock_request(s, m);
}

static int set_up(struct ksock *s, int ifindex)
{
	struct ifinfomsg ifi = {
		.ifi_family = AF_UNSPEC, .ifi_index = ifindex, .ifi_flags = IFF_UP, .ifi_change = IFF_UP
	};

	return ksock_request(s, ksock_msg(RTM_NEWLINK, 0, &ifi, sizeof(ifi)));
}

/* Gives the end in the namespace its address and sets it up, which cannot be said in the message that makes both. */
int veth_furnish(const struct dp_netns_port *p)
{
	struct ifinfomsg ifi = { .ifi_family = AF_UNSPEC };
	struct nl_msg *m;
	struct ksock s;
	int ifindex = 0, err = ksock_adopt(&s, p->socket);

	if (err)
		return err;
	m = ksock_msg(RTM_GETLINK, 0, &ifi, sizeof(ifi));
	nla_put_string(m, IFLA_IFNAME, p->name);
	err = ksock_get(&s, m, note_ifindex, &ifindex);
	if (!err && !ifindex)
		err = -ENODEV;
	if (!err && p->ip.len)
		err = add_address(&s, ifindex, p);
	if (!err)
		err = set_up(&s, ifindex);
	ksock_close(&s);
	return err;
}

/* ---- the pair ---------------------------------------------------------------------------------------------------- */

/* What the kernel takes no notice of when the pair is made: an alias, and that the near end is no host's. */
static int set_near(struct ksock *s, const char *port, const char *alias)
{
	struct ifinfomsg ifi = { .ifi_family = AF_UNSPEC, .ifi_flags = IFF_UP, .ifi_change = IFF_UP };
	struct nl_msg *m = ksock_msg(RTM_NEWLINK, 0, &ifi, sizeof(ifi));
	struct nlattr *spec, *inet6;

	nla_put_string(m, IFLA_IFNAME, port);
	nla_put(m, IFLA_IFALIAS, (int)strlen(alias), alias);
	spec = nla_nest_start(m, IFLA_AF_SPEC);
	inet6 = nla_nest_start(m, AF_INET6);
	nla_put_u8(m, IFLA_INET6_ADDR_GEN_MODE, IN6_ADDR_GEN_MODE_NONE);
	nla_nest_end(m, inet6);
	nla_nest_end(m, spec);
	return ksock_request(s, m);
}

int veth_make(struct ksock *s, const struct dp_netns_port *p, const struct veth *v, const struct veth_near *near)
{
	const unsigned up = near->alias ? 0 : IFF_UP; /* else in set_near() */
	struct ifinfomsg ifi = { .ifi_family = AF_UNSPEC, .ifi_flags = up, .ifi_change = up };
	struct ifinfomsg there = { .ifi_family = AF_UNSPEC };
	struct nl_msg *m = ksock_msg(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, &ifi, sizeof(ifi));
	struct nlattr *info, *data, *peer;
	int err;

	nla_put_string(m, IFLA_IFNAME, v->port);
	if (near->master)
		nla_put_u32(m, IFLA_MASTER, near->master);
	if (near->mtu)
		nla_put_u32(m, IFLA_MTU, near->mtu);
	info = nla_nest_start(m, IFLA_LINKINFO);
	nla_put_string(m, IFLA_INFO_KIND, "veth");
	data = nla_nest_start(m, IFLA_INFO_DATA);
	peer = nla_nest_start(m, VETH_INFO_PEER);
	nlmsg_append(m, &there, sizeof(there), NLMSG_ALIGNTO);
	nla_put_string(m, IFLA_IFNAME, p->name);
	nla_put(m, IFLA_ADDRESS, sizeof(v->mac.b), v->mac.b);
	nla_put_u32(m, IFLA_NET_NS_FD, (uint32_t)p->fd);
	if (near->mtu)
		nla_put_u32(m, IFLA_MTU, near->mtu);
	nla_nest_end(m, peer);
	nla_nest_end(m, data);
	nla_nest_end(m, info);
	err = ksock_request(s, m);
	return err || !near->alias ? err : set_near(s, v->port, near->alias);
}

int veth_failed(const struct ksock *s, const char *what, const struct dp_netns_port *p, int err, char *why, size_t cap)
{
	snprintf(why, cap, "cannot %s for %s in %s: %s%s%s%s%s", what, p->name, p->netns, strerror(-err),
		 s->words[0] ? " (" : "", s->words, s->words[0] ? ")" : "",
		 err == -EEXIST ? " (another name: --name)" : "");
	return err;
}

/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * Ports for other network namespaces (containers): a veth pair whose one end is in there, with an address, and whose other end
 * is in the VNI's bridge. Its MAC and IP address are told to the bridge as if it had spoken, so others know of them before
 * its first packet. Nothing is kept here: the port is one of the bridge's, and its name follows from what it is for.
 */
#include <errno.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/veth.h>
#include <stdio.h>
#include <sys/stat.h>
#include <xxhash.h>

#include "dataplane/kernel.h"

struct names { /* of what is made; the same each time for the same namespace and name in it */
	char port[IFNAMSIZ];
	struct mac mac;
};

/* The namespace has the same number as long as it is there. */
static int name_port(const struct dp_netns_port *p, struct names *n, char *why, size_t cap)
{
	struct stat st;
	uint64_t h;

	if (fstat(p->fd, &st)) {
		int err = -errno;

		snprintf(why, cap, "the network namespace %s cannot be looked at: %s", p->netns, strerror(errno));
		return err;
	}
	h = XXH3_64bits_withSeed(p->name, strlen(p->name), (uint64_t)st.st_ino);
	snprintf(n->port, sizeof(n->port), "ev%010llx", (unsigned long long)(h >> 24));
	n->mac = p->mac;
	if (mac_is_zero(&n->mac)) {
		memcpy(n->mac.b, &h, sizeof(n->mac.b));
		n->mac.b[0] = 0x02;
	}
	return 0;
}

/* ---- in the namespace --------------------------------------------------------------------------------------------- */

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

/* The end in the namespace: its address, and up. That cannot be said when the pair is made, one end comes before the other. */
static int furnish(const struct dp_netns_port *p)
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

/* ---- the pair ------------------------------------------------------------------------------------------------------ */

static int make_pair(struct kernel *k, const struct kvni *v, const struct dp_netns_port *p, const struct names *n)
{
	const struct klink *vx = kernel_link_find(k, v->vxlan_ifindex);
	struct ifinfomsg ifi = { .ifi_family = AF_UNSPEC, .ifi_flags = IFF_UP, .ifi_change = IFF_UP };
	struct ifinfomsg there = { .ifi_family = AF_UNSPEC };
	struct nl_msg *m = ksock_msg(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, &ifi, sizeof(ifi));
	struct nlattr *info, *data, *peer;

	nla_put_string(m, IFLA_IFNAME, n->port);
	nla_put_u32(m, IFLA_MASTER, v->bridge_ifindex);
	if (vx)
		nla_put_u32(m, IFLA_MTU, vx->mtu);
	info = nla_nest_start(m, IFLA_LINKINFO);
	nla_put_string(m, IFLA_INFO_KIND, "veth");
	data = nla_nest_start(m, IFLA_INFO_DATA);
	peer = nla_nest_start(m, VETH_INFO_PEER);
	nlmsg_append(m, &there, sizeof(there), NLMSG_ALIGNTO);
	nla_put_string(m, IFLA_IFNAME, p->name);
	nla_put(m, IFLA_ADDRESS, sizeof(n->mac.b), n->mac.b);
	nla_put_u32(m, IFLA_NET_NS_FD, (uint32_t)p->fd);
	if (vx)
		nla_put_u32(m, IFLA_MTU, vx->mtu);
	nla_nest_end(m, peer);
	nla_nest_end(m, data);
	nla_nest_end(m, info);
	return ksock_request(&k->cmd, m);
}

static int remove_pair(struct kernel *k, const char *port)
{
	struct klink *l = kernel_link_refresh(k, port);

	return l ? kernel_delete(k, l) : -ENODEV;
}

/* As the kernel would write it had the port spoken: such rows age, and move when the MAC does. */
static int announce(struct kernel *k, const struct kvni *v, const struct klink *port, const struct names *n,
		    const struct dp_netns_port *p)
{
	struct ndmsg mac = { .ndm_family = AF_BRIDGE,
			     .ndm_ifindex = port->ifindex,
			     .ndm_state = NUD_REACHABLE,
			     .ndm_flags = NTF_MASTER };
	struct ndmsg ip = { .ndm_family = (uint8_t)ip_family(&p->ip),
			    .ndm_ifindex = (int)kernel_neigh_ifindex(v),
			    .ndm_state = NUD_STALE };
	struct nl_msg *m = ksock_msg(RTM_NEWNEIGH, NLM_F_CREATE | NLM_F_REPLACE, &mac, sizeof(mac));
	int err;

	nla_put(m, NDA_LLADDR, sizeof(n->mac.b), n->mac.b);
	if (v->vlan)
		nla_put_u16(m, NDA_VLAN, v->vlan);
	err = ksock_request(&k->cmd, m);
	if (err || !p->ip.len || !kernel_neigh_ifindex(v))
		return err;
	m = ksock_msg(RTM_NEWNEIGH, NLM_F_CREATE | NLM_F_REPLACE, &ip, sizeof(ip));
	nla_put(m, NDA_DST, p->ip.len, p->ip.b);
	nla_put(m, NDA_LLADDR, sizeof(n->mac.b), n->mac.b);
	return ksock_request(&k->cmd, m);
}

static int failed(struct kernel *k, const char *what, const struct dp_netns_port *p, int err, char *why, size_t cap)
{
	snprintf(why, cap, "cannot %s for %s in %s: %s%s%s%s", what, p->name, p->netns, strerror(-err),
		 k->cmd.words[0] ? " (" : "", k->cmd.words, k->cmd.words[0] ? ")" : "");
	return err;
}

static int add(struct kernel *k, struct kvni *v, const struct dp_netns_port *p, const struct names *n, char *why, size_t cap)
{
	int err = make_pair(k, v, p, n);
	const struct klink *port;

	if (err)
		return failed(k, "make a port", p, err, why, cap);
	k->cmd.words[0] = '\0';
	err = furnish(p);
	if (err) {
		failed(k, "set the address", p, err, why, cap);
		remove_pair(k, n->port);
		return err;
	}
	port = kernel_link_refresh(k, n->port);
	err = !port ? -ENODEV : v->vlan ? kernel_vlan_only(k, port, v) : 0;
	if (!err)
		err = announce(k, v, port, n, p);
	if (err)
		failed(k, "announce the address", p, err, why, cap);
	return err;
}

int kernel_port_add(void *be, void *data, const struct dp_netns_port *p, struct dp_netns_port_made *made, char *why, size_t cap)
{
	struct kernel *k = be;
	struct kvni *v = data;
	struct names n;
	int err;

	k->cmd.words[0] = '\0';
	if (!v->bridge_ifindex) {
		snprintf(why, cap, "VNI %u has no bridge", v->vni);
		return -ENODEV;
	}
	err = name_port(p, &n, why, cap);
	if (!err)
		err = add(k, v, p, &n, why, cap);
	if (err)
		return err;
	made->mac = n.mac;
	snprintf(made->port, sizeof(made->port), "%s", n.port);
	log_info(k->log, LOG_DP, "VNI %u: made port %s for %s in %s", v->vni, n.port, p->name, p->netns);
	return 0;
}

int kernel_port_del(void *be, void *data, const struct dp_netns_port *p, char *why, size_t cap)
{
	struct kernel *k = be;
	struct kvni *v = data;
	const struct klink *l;
	struct names n;
	int err;

	k->cmd.words[0] = '\0';
	err = name_port(p, &n, why, cap);
	if (err)
		return err;
	l = kernel_link_refresh(k, n.port);
	if (!l || !v->bridge_ifindex || l->master != v->bridge_ifindex) {
		snprintf(why, cap, "VNI %u has no port for %s in %s", v->vni, p->name, p->netns);
		return -ENOENT;
	}
	err = remove_pair(k, n.port);
	if (err)
		return failed(k, "remove the port", p, err, why, cap);
	log_info(k->log, LOG_DP, "VNI %u: removed port %s for %s in %s", v->vni, n.port, p->name, p->netns);
	return 0;
}

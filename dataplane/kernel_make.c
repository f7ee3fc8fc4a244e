/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/* The requests that make and change network devices; each waits for its answer. When to make them is kernel_dev.c's. */
#include "dataplane/kernel.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_link.h>
#include <linux/if_tun.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <xxhash.h>

#define VXLAN_TTL 64

/* What helps, for those errors that say little by themselves. */
static const char *hint(int err, const char *kind)
{
	switch (-err) {
	case EPERM:
		return "; it takes CAP_NET_ADMIN";
	case EOPNOTSUPP:
	case ENODEV:
		return !strcmp(kind, "vxlan")  ? "; the kernel lacks the module vxlan" :
		       !strcmp(kind, "bridge") ? "; the kernel lacks the module bridge" :
		       !strcmp(kind, "vlans")  ? "; the kernel lacks the module bridge, or VLAN filtering in it" :
		       !strcmp(kind, "vlan")   ? "; the kernel lacks the module 8021q" :
						 "";
	case EEXIST:
		return !strcmp(kind, "vxlan") ? "; another device has this VNI and port" : "";
	default:
		return "";
	}
}

static int judge(struct kernel *k, const char *what, const char *name, const char *kind, int err)
{
	if (!err)
		return 0;
	snprintf(k->why, sizeof(k->why), "%s: cannot %s: %s%s%s%s%s", name, what, strerror(-err),
		 k->cmd.words[0] ? " (" : "", k->cmd.words, k->cmd.words[0] ? ")" : "", hint(err, kind));
	return err;
}

int kernel_judge(struct kernel *k, const char *what, const char *name, int err)
{
	return judge(k, what, name, "", err);
}

static struct nl_msg *link_msg(uint16_t flags, unsigned ifindex, unsigned set_flags)
{
	struct ifinfomsg ifi = {
		.ifi_family = AF_UNSPEC, .ifi_index = (int)ifindex, .ifi_flags = set_flags, .ifi_change = set_flags
	};

	return ksock_msg(RTM_NEWLINK, flags, &ifi, sizeof(ifi));
}

/* What is put between begin and end are attributes of the kind's own. */
struct of_kind {
	struct nlattr *info, *data;
};

static struct of_kind kind_begin(struct nl_msg *m, const char *kind)
{
	struct of_kind of = { .info = nla_nest_start(m, IFLA_LINKINFO) };

	nla_put_string(m, IFLA_INFO_KIND, kind);
	of.data = nla_nest_start(m, IFLA_INFO_DATA);
	return of;
}

static void kind_end(struct nl_msg *m, struct of_kind of)
{
	nla_nest_end(m, of.data);
	nla_nest_end(m, of.info);
}

/* What cannot be said when a device is created: whose it is, and that the host does not speak IPv6 on it. */
static int dress(struct kernel *k, const char *name, const char *kind)
{
	struct klink *l = kernel_link_refresh(k, name);
	struct nl_msg *m;
	struct nlattr *spec, *inet6;
	int err;

	if (!l)
		return -ENODEV;
	m = link_msg(0, (unsigned)l->ifindex, 0);
	nla_put_string(m, IFLA_IFALIAS, KERNEL_ALIAS);
	spec = nla_nest_start(m, IFLA_AF_SPEC);
	inet6 = nla_nest_start(m, AF_INET6);
	nla_put_u8(m, IFLA_INET6_ADDR_GEN_MODE, IN6_ADDR_GEN_MODE_NONE);
	nla_nest_end(m, inet6);
	nla_nest_end(m, spec);
	err = ksock_request(&k->cmd, m);
	if (err == -EAFNOSUPPORT) { /* a host without IPv6 */
		m = link_msg(0, (unsigned)l->ifindex, 0);
		nla_put_string(m, IFLA_IFALIAS, KERNEL_ALIAS);
		err = ksock_request(&k->cmd, m);
	}
	return judge(k, "mark it as ours", name, kind, err);
}

/*
 * An address of its own: else the bridge takes the lowest of its ports', and each time that one comes or goes the
 * kernel forgets every neighbour, and the hosts their gateway. The same after each start, another on each host.
 */
static struct mac bridge_address(const struct kvni *v)
{
	uint64_t h = XXH3_64bits_withSeed(v->vtep.b, sizeof(v->vtep.b), v->vni);
	struct mac mac;

	memcpy(mac.b, &h, sizeof(mac.b));
	mac.b[0] = (uint8_t)((mac.b[0] & ~1) | 2); /* a station's, locally administered */
	return mac;
}

int kernel_make_bridge(struct kernel *k, const struct kvni *v)
{
	struct nl_msg *m = link_msg(NLM_F_CREATE | NLM_F_EXCL, 0, 0);
	struct mac mac = bridge_address(v);
	struct of_kind of;
	int err;

	nla_put_string(m, IFLA_IFNAME, v->bridge);
	nla_put(m, IFLA_ADDRESS, sizeof(mac.b), mac.b);
	of = kind_begin(m, "bridge");
	/* Else every port is in VLAN 1 and every FDB row there twice, although nobody looks at VLANs. */
	nla_put_u16(m, IFLA_BR_VLAN_DEFAULT_PVID, 0);
	if (v->vlan)
		nla_put_u8(m, IFLA_BR_VLAN_FILTERING, 1);
	kind_end(m, of);
	err = judge(k, "make the bridge", v->bridge, v->vlan ? "vlans" : "bridge", ksock_request(&k->cmd, m));
	return err ? err : dress(k, v->bridge, "bridge");
}

/* A group is joined on a device of the underlay, so that has to be known (kernel_dev.c waits for it). */
static void put_learning(struct kernel *k, struct nl_msg *m, const struct kvni *v)
{
	const struct klink *under = v->group.len ? kernel_dev_underlay(k, v) : NULL;
	struct ip group = v->group;

	if (!group.len) { /* the wildcard address takes a group away that was there before */
		group.len = v->vtep.len;
		memset(group.b, 0, sizeof(group.b));
	}
	nla_put_u8(m, IFLA_VXLAN_LEARNING, v->learn);
	if (v->ageing)
		nla_put_u32(m, IFLA_VXLAN_AGEING, v->ageing);
	nla_put(m, group.len == 4 ? IFLA_VXLAN_GROUP : IFLA_VXLAN_GROUP6, group.len, group.b);
	if (under)
		nla_put_u32(m, IFLA_VXLAN_LINK, (uint32_t)under->ifindex);
}

int kernel_make_vxlan(struct kernel *k, const struct kvni *v, unsigned mtu)
{
	struct nl_msg *m = link_msg(NLM_F_CREATE | NLM_F_EXCL, 0, 0);
	struct of_kind of;
	int err;

	nla_put_string(m, IFLA_IFNAME, v->vxlan);
	nla_put_u32(m, IFLA_MTU, mtu);
	of = kind_begin(m, "vxlan");
	if (v->external) {
		nla_put_u8(m, IFLA_VXLAN_COLLECT_METADATA, 1);
		nla_put_u8(m, IFLA_VXLAN_VNIFILTER, 1); /* beside other such devices */
	} else {
		nla_put_u32(m, IFLA_VXLAN_ID, v->vni);
	}
	nla_put(m, v->vtep.len == 4 ? IFLA_VXLAN_LOCAL : IFLA_VXLAN_LOCAL6, v->vtep.len, v->vtep.b);
	nla_put_u16(m, IFLA_VXLAN_PORT, htons(v->udp_port)); /* Linux's own default is another */
	put_learning(k, m, v);
	/* In every mode, since it is set for life: silent where there is a row for all that has none. */
	nla_put_u8(m, IFLA_VXLAN_L2MISS, 1);
	/* Questions for addresses are told of where they would be answered, and go nowhere else. */
	nla_put_u8(m, IFLA_VXLAN_L3MISS, v->miss_ips);
	nla_put_u8(m, IFLA_VXLAN_PROXY, v->miss_ips);
	nla_put_u8(m, IFLA_VXLAN_RSC, v->rsc);
	nla_put_u8(m, IFLA_VXLAN_TTL, VXLAN_TTL);
	/* RFC 7348 4.1: zero checksums are to be accepted; over IPv6 the kernel must be told (RFC 6935). */
	if (v->vtep.len == 16)
		nla_put_u8(m, IFLA_VXLAN_UDP_ZERO_CSUM6_RX, 1);
	kind_end(m, of);
	err = judge(k, "make the vxlan device", v->vxlan, "vxlan", ksock_request(&k->cmd, m));
	return err ? err : dress(k, v->vxlan, "vxlan");
}

/* It stays when the descriptor is closed, so that whoever uses it (a virtual machine) can open it. */
int kernel_make_tap(struct kernel *k, const char *name)
{
	struct ifreq ifr = { .ifr_flags = IFF_TAP | IFF_NO_PI };
	int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC);
	int err = 0;

	k->cmd.words[0] = '\0';
	if (fd < 0)
		return judge(k, "open /dev/net/tun", name, "tun", -errno);
	memcpy(ifr.ifr_name, name, IFNAMSIZ);
	if (ioctl(fd, TUNSETIFF, &ifr) || ioctl(fd, TUNSETPERSIST, 1))
		err = -errno;
	close(fd);
	err = judge(k, "make the TAP", name, "tun", err);
	return err ? err : dress(k, name, "tun");
}

int kernel_make_vlan(struct kernel *k, const char *name, const struct klink *parent, uint16_t vlan)
{
	struct nl_msg *m = link_msg(NLM_F_CREATE | NLM_F_EXCL, 0, 0);
	struct of_kind of;
	int err;

	nla_put_string(m, IFLA_IFNAME, name);
	nla_put_u32(m, IFLA_LINK, (uint32_t)parent->ifindex);
	of = kind_begin(m, "vlan");
	nla_put_u16(m, IFLA_VLAN_ID, vlan);
	kind_end(m, of);
	err = judge(k, "make the VLAN device", name, "vlan", ksock_request(&k->cmd, m));
	return err ? err : dress(k, name, "vlan");
}

int kernel_set_up(struct kernel *k, const struct klink *l)
{
	return judge(k, "set it up", l->name, "", ksock_request(&k->cmd, link_msg(0, (unsigned)l->ifindex, IFF_UP)));
}

int kernel_set_master(struct kernel *k, const struct klink *l, unsigned master)
{
	struct nl_msg *m = link_msg(0, (unsigned)l->ifindex, 0);

	nla_put_u32(m, IFLA_MASTER, master);
	return judge(k, "put it into the bridge", l->name, "", ksock_request(&k->cmd, m));
}

int kernel_set_vxlan(struct kernel *k, const struct klink *l, const struct kvni *v)
{
	struct nl_msg *m = link_msg(0, (unsigned)l->ifindex, 0);
	struct of_kind of = kind_begin(m, "vxlan");

	put_learning(k, m, v);
	kind_end(m, of);
	return judge(k, "change its learning", l->name, "vxlan", ksock_request(&k->cmd, m));
}

int kernel_set_port(struct kernel *k, const struct klink *l, const struct kvni *v)
{
	struct ifinfomsg ifi = { .ifi_family = AF_BRIDGE, .ifi_index = l->ifindex };
	struct nl_msg *m = ksock_msg(RTM_SETLINK, 0, &ifi, sizeof(ifi));
	struct nlattr *port = nla_nest_start(m, IFLA_PROTINFO | NLA_F_NESTED);

	nla_put_u8(m, IFLA_BRPORT_LEARNING, v->learn);
	nla_put_u8(m, IFLA_BRPORT_NEIGH_SUPPRESS, v->suppress);
	nla_put_u8(m, IFLA_BRPORT_UNICAST_FLOOD, !v->drop_unknown);
	if (v->external)
		nla_put_u8(m, IFLA_BRPORT_VLAN_TUNNEL, 1);
	nla_nest_end(m, port);
	return judge(k, "set it up as a port", l->name, "", ksock_request(&k->cmd, m));
}

int kernel_set_max_learned(struct kernel *k, const struct klink *l, uint32_t limit)
{
	struct nl_msg *m = link_msg(0, (unsigned)l->ifindex, 0);
	struct of_kind of = kind_begin(m, "bridge");

	nla_put_u32(m, KERNEL_BR_FDB_MAX_LEARNED, limit);
	kind_end(m, of);
	return judge(k, "limit what it learns", l->name, "bridge", ksock_request(&k->cmd, m));
}

int kernel_set_app_probes(struct kernel *k, const struct klink *l, unsigned n)
{
	static const struct {
		uint8_t family;
		const char *table;
	} of[] = { { AF_INET, "arp_cache" }, { AF_INET6, "ndisc_cache" } };
	int err = 0;

	for (unsigned i = 0; i < 2 && !err; i++) {
		struct ndtmsg nd = { .ndtm_family = of[i].family };
		struct nl_msg *m = ksock_msg(RTM_SETNEIGHTBL, 0, &nd, sizeof(nd));
		struct nlattr *parms;

		nla_put_string(m, NDTA_NAME, of[i].table);
		parms = nla_nest_start(m, NDTA_PARMS);
		nla_put_u32(m, NDTPA_IFINDEX, (uint32_t)l->ifindex);
		nla_put_u32(m, NDTPA_APP_PROBES, n);
		nla_nest_end(m, parms);
		err = ksock_request(&k->cmd, m);
		if (err && of[i].family == AF_INET6) /* a host without IPv6 */
			err = 0;
	}
	return judge(k, "have the kernel ask for neighbours", l->name, "", err);
}

int kernel_set_hold_port(struct kernel *k, const struct klink *l)
{
	struct ifinfomsg ifi = { .ifi_family = AF_BRIDGE, .ifi_index = l->ifindex };
	struct nl_msg *m = ksock_msg(RTM_SETLINK, 0, &ifi, sizeof(ifi));
	struct nlattr *port = nla_nest_start(m, IFLA_PROTINFO | NLA_F_NESTED);

	nla_put_u8(m, IFLA_BRPORT_LEARNING, 0);
	nla_put_u8(m, IFLA_BRPORT_UNICAST_FLOOD, 1);
	nla_put_u8(m, IFLA_BRPORT_MCAST_FLOOD, 0);
	nla_put_u8(m, IFLA_BRPORT_BCAST_FLOOD, 0);
	nla_nest_end(m, port);
	return judge(k, "set it up as a port", l->name, "", ksock_request(&k->cmd, m));
}

int kernel_set_mtu(struct kernel *k, const struct klink *l, unsigned mtu)
{
	struct nl_msg *m = link_msg(0, (unsigned)l->ifindex, 0);

	nla_put_u32(m, IFLA_MTU, mtu);
	return judge(k, "set its MTU", l->name, "", ksock_request(&k->cmd, m));
}

int kernel_delete(struct kernel *k, const struct klink *l)
{
	struct ifinfomsg ifi = { .ifi_family = AF_UNSPEC, .ifi_index = l->ifindex };

	return judge(k, "remove it", l->name, "", ksock_request(&k->cmd, ksock_msg(RTM_DELLINK, 0, &ifi, sizeof(ifi))));
}

int kernel_set_group(struct kernel *k, const struct klink *l, uint32_t group)
{
	struct nl_msg *m = link_msg(0, (unsigned)l->ifindex, 0);

	nla_put_u32(m, IFLA_GROUP, group);
	return judge(k, "set its group", l->name, "", ksock_request(&k->cmd, m));
}

int kernel_delete_group(struct kernel *k, uint32_t group)
{
	struct ifinfomsg ifi = { .ifi_family = AF_UNSPEC };
	struct nl_msg *m = ksock_msg(RTM_DELLINK, 0, &ifi, sizeof(ifi));

	nla_put_u32(m, IFLA_GROUP, group);
	return judge(k, "remove them", "devices", "", ksock_request(&k->cmd, m));
}

/* ---- the underlay ----------------------------------------------------------------------------------------------- */

struct holder {
	const struct ip *ip;
	unsigned ifindex;
};

static void on_address(void *ctx, const struct nlmsghdr *h)
{
	struct holder *o = ctx;
	const struct ifaddrmsg *ifa = NLMSG_DATA(h);
	struct nlattr *tb[IFA_MAX + 1], *a;

	if (h->nlmsg_type != RTM_NEWADDR ||
	    nlmsg_parse((struct nlmsghdr *)(uintptr_t)h, sizeof(*ifa), tb, IFA_MAX, NULL))
		return;
	a = tb[IFA_LOCAL] ? tb[IFA_LOCAL] : tb[IFA_ADDRESS];
	if (a && nla_len(a) == o->ip->len && !memcmp(nla_data(a), o->ip->b, o->ip->len))
		o->ifindex = ifa->ifa_index;
}

static void on_route(void *ctx, const struct nlmsghdr *h)
{
	struct holder *o = ctx;
	struct nlattr *tb[RTA_MAX + 1];

	if (h->nlmsg_type == RTM_NEWROUTE &&
	    !nlmsg_parse((struct nlmsghdr *)(uintptr_t)h, sizeof(struct rtmsg), tb, RTA_MAX, NULL) && tb[RTA_OIF])
		o->ifindex = nla_get_u32(tb[RTA_OIF]);
}

bool kernel_find_underlay(struct kernel *k, const struct ip *vtep, unsigned *ifindex, bool *here)
{
	struct ifaddrmsg ifa = { .ifa_family = (uint8_t)ip_family(vtep) };
	struct rtmsg rt = { .rtm_family = (uint8_t)ip_family(vtep), .rtm_dst_len = (uint8_t)(vtep->len * 8) };
	struct holder o = { .ip = vtep };
	struct nl_msg *m;

	ksock_dump(&k->cmd, ksock_msg(RTM_GETADDR, 0, &ifa, sizeof(ifa)), on_address, &o);
	*here = o.ifindex != 0;
	if (!o.ifindex) {
		m = ksock_msg(RTM_GETROUTE, 0, &rt, sizeof(rt));
		nla_put(m, RTA_DST, vtep->len, vtep->b);
		ksock_get(&k->cmd, m, on_route, &o);
	}
	*ifindex = o.ifindex;
	return o.ifindex != 0;
}

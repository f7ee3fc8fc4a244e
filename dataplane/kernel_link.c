/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/* The network devices there are, kept by events: by number and by name. What follows from them is kernel_dev.c's. */
#include "dataplane/kernel.h"

#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_link.h>
#include <stdlib.h>

struct klink *kernel_link_find(const struct kernel *k, unsigned ifindex)
{
	struct klink *l;
	int i = (int)ifindex;

	HASH_FIND_INT(k->links, &i, l);
	return l;
}

struct klink *kernel_link_named(const struct kernel *k, const char *name)
{
	struct klink *l;

	HASH_FIND(by_name, k->link_names, name, strlen(name), l);
	return l && !l->condemned ? l : NULL;
}

static void parse_vxlan(struct klink *l, struct nlattr *data)
{
	struct nlattr *tb[IFLA_VXLAN_MAX + 1];

	if (nla_parse_nested(tb, IFLA_VXLAN_MAX, data, NULL))
		return;
	l->vni = tb[IFLA_VXLAN_ID] ? nla_get_u32(tb[IFLA_VXLAN_ID]) : 0;
	l->udp_port = tb[IFLA_VXLAN_PORT] ? ntohs(nla_get_u16(tb[IFLA_VXLAN_PORT])) : 0;
	l->external = tb[IFLA_VXLAN_COLLECT_METADATA] && nla_get_u8(tb[IFLA_VXLAN_COLLECT_METADATA]);
	l->vnifilter = tb[IFLA_VXLAN_VNIFILTER] && nla_get_u8(tb[IFLA_VXLAN_VNIFILTER]);
	l->vxlan_learning = tb[IFLA_VXLAN_LEARNING] && nla_get_u8(tb[IFLA_VXLAN_LEARNING]);
	l->proxy = tb[IFLA_VXLAN_PROXY] && nla_get_u8(tb[IFLA_VXLAN_PROXY]);
	l->rsc = tb[IFLA_VXLAN_RSC] && nla_get_u8(tb[IFLA_VXLAN_RSC]);
	l->l2miss = tb[IFLA_VXLAN_L2MISS] && nla_get_u8(tb[IFLA_VXLAN_L2MISS]);
	l->l3miss = tb[IFLA_VXLAN_L3MISS] && nla_get_u8(tb[IFLA_VXLAN_L3MISS]);
	l->local = ip_none();
	if (tb[IFLA_VXLAN_LOCAL])
		l->local = ip_from_bytes(nla_data(tb[IFLA_VXLAN_LOCAL]), 4);
	else if (tb[IFLA_VXLAN_LOCAL6])
		l->local = ip_from_bytes(nla_data(tb[IFLA_VXLAN_LOCAL6]), 16);
	if (ip_is_zero(&l->local))
		l->local = ip_none();
	l->flood_group = ip_none();
	if (tb[IFLA_VXLAN_GROUP])
		l->flood_group = ip_from_bytes(nla_data(tb[IFLA_VXLAN_GROUP]), 4);
	else if (tb[IFLA_VXLAN_GROUP6])
		l->flood_group = ip_from_bytes(nla_data(tb[IFLA_VXLAN_GROUP6]), 16);
	l->lower = tb[IFLA_VXLAN_LINK] ? nla_get_u32(tb[IFLA_VXLAN_LINK]) : 0;
}

/* What its ports are in counts while it is VLAN-aware. */
static void doubt_ports(struct kernel *k, const struct klink *br)
{
	struct klink *l, *tmp;

	HASH_ITER(hh, k->links, l, tmp) {
		if (l->master == (unsigned)br->ifindex)
			kernel_member_doubt(k, l);
	}
}

static void parse_bridge(struct kernel *k, struct klink *l, struct nlattr *data)
{
	struct nlattr *tb[KERNEL_BR_FDB_MAX_LEARNED + 1];
	bool was = l->vlan_aware;

	if (nla_parse_nested(tb, KERNEL_BR_FDB_MAX_LEARNED, data, NULL))
		return;
	l->vlan_aware = tb[IFLA_BR_VLAN_FILTERING] && nla_get_u8(tb[IFLA_BR_VLAN_FILTERING]);
	l->vlan_type = tb[IFLA_BR_VLAN_PROTOCOL] ? ntohs(nla_get_u16(tb[IFLA_BR_VLAN_PROTOCOL])) : ETH_P_8021Q;
	if (l->vlan_aware != was)
		doubt_ports(k, l);
	l->max_learned = tb[KERNEL_BR_FDB_MAX_LEARNED] ? nla_get_u32(tb[KERNEL_BR_FDB_MAX_LEARNED]) : 0;
	l->default_vlan = tb[IFLA_BR_VLAN_DEFAULT_PVID] ? nla_get_u16(tb[IFLA_BR_VLAN_DEFAULT_PVID]) : 0;
}

static void parse_vlan(struct klink *l, struct nlattr *data)
{
	struct nlattr *tb[IFLA_VLAN_MAX + 1];

	if (!nla_parse_nested(tb, IFLA_VLAN_MAX, data, NULL) && tb[IFLA_VLAN_ID])
		l->vlan = nla_get_u16(tb[IFLA_VLAN_ID]);
}

static void parse_port(struct klink *l, struct nlattr *data)
{
	struct nlattr *tb[IFLA_BRPORT_MAX + 1];

	if (nla_parse_nested(tb, IFLA_BRPORT_MAX, data, NULL))
		return;
	l->learning = tb[IFLA_BRPORT_LEARNING] && nla_get_u8(tb[IFLA_BRPORT_LEARNING]);
	l->suppress = tb[IFLA_BRPORT_NEIGH_SUPPRESS] && nla_get_u8(tb[IFLA_BRPORT_NEIGH_SUPPRESS]);
	l->floods = !tb[IFLA_BRPORT_UNICAST_FLOOD] || nla_get_u8(tb[IFLA_BRPORT_UNICAST_FLOOD]);
}

static bool kind_is(struct nlattr *a, const char *kind)
{
	return a && !nla_strcmp(a, kind);
}

static void parse_info(struct kernel *k, struct klink *l, struct nlattr *info)
{
	struct nlattr *tb[IFLA_INFO_MAX + 1];

	if (nla_parse_nested(tb, IFLA_INFO_MAX, info, NULL))
		return;
	l->kind = kind_is(tb[IFLA_INFO_KIND], "bridge") ? KLINK_BRIDGE :
		  kind_is(tb[IFLA_INFO_KIND], "vxlan")	? KLINK_VXLAN :
							  KLINK_OTHER;
	if (l->kind == KLINK_VXLAN && tb[IFLA_INFO_DATA])
		parse_vxlan(l, tb[IFLA_INFO_DATA]);
	if (l->kind == KLINK_BRIDGE && tb[IFLA_INFO_DATA])
		parse_bridge(k, l, tb[IFLA_INFO_DATA]);
	if (kind_is(tb[IFLA_INFO_KIND], "vlan") && tb[IFLA_INFO_DATA])
		parse_vlan(l, tb[IFLA_INFO_DATA]);
	l->is_port = kind_is(tb[IFLA_INFO_SLAVE_KIND], "bridge");
	if (l->is_port && tb[IFLA_INFO_SLAVE_DATA])
		parse_port(l, tb[IFLA_INFO_SLAVE_DATA]);
}

static void rename_link(struct kernel *k, struct klink *l, const char *name)
{
	struct klink *other;

	if (!strcmp(l->name, name))
		return;
	if (l->name[0]) {
		kernel_dev_touch(k, l);
		HASH_DELETE(by_name, k->link_names, l);
	}
	HASH_FIND(by_name, k->link_names, name, strlen(name), other);
	if (other) { /* it has another one by now, of which we hear next */
		HASH_DELETE(by_name, k->link_names, other);
		other->name[0] = '\0';
	}
	snprintf(l->name, sizeof(l->name), "%s", name);
	HASH_ADD_KEYPTR(by_name, k->link_names, l->name, strlen(l->name), l);
}

static struct klink *get_link(struct kernel *k, int ifindex)
{
	struct klink *l = kernel_link_find(k, (unsigned)ifindex);

	if (l)
		return l;
	l = xcalloc(1, sizeof(*l));
	l->ifindex = ifindex;
	HASH_ADD_INT(k->links, ifindex, l);
	return l;
}

void kernel_link_drop(struct kernel *k, struct klink *l)
{
	kernel_dev_touch(k, l);
	kernel_snoop_close(l);
	kernel_member_forget(l);
	HASH_DELETE(hh, k->links, l);
	if (l->name[0])
		HASH_DELETE(by_name, k->link_names, l);
	free(l->by_vlan);
	free(l);
}

static void link_new(struct kernel *k, const struct nlmsghdr *h)
{
	const struct ifinfomsg *ifi = NLMSG_DATA(h);
	struct nlattr *tb[IFLA_MAX + 1];
	struct klink *l;
	unsigned master;

	if (nlmsg_parse((struct nlmsghdr *)(uintptr_t)h, sizeof(*ifi), tb, IFLA_MAX, NULL) || !tb[IFLA_IFNAME])
		return;
	l = get_link(k, ifi->ifi_index);
	master = tb[IFLA_MASTER] ? nla_get_u32(tb[IFLA_MASTER]) : 0;
	if (master != l->master) {
		kernel_dev_touch(k, l); /* of the old one, too */
		kernel_member_doubt(k, l);
	}
	rename_link(k, l, nla_get_string(tb[IFLA_IFNAME]));
	l->flags = ifi->ifi_flags;
	l->master = master;
	l->group = tb[IFLA_GROUP] ? nla_get_u32(tb[IFLA_GROUP]) : 0;
	if (tb[IFLA_ADDRESS] && nla_len(tb[IFLA_ADDRESS]) == sizeof(l->mac.b))
		memcpy(l->mac.b, nla_data(tb[IFLA_ADDRESS]), sizeof(l->mac.b));
	l->mtu = tb[IFLA_MTU] ? nla_get_u32(tb[IFLA_MTU]) : 0;
	l->made = tb[IFLA_IFALIAS] && !nla_strcmp(tb[IFLA_IFALIAS], KERNEL_ALIAS);
	l->is_port = false;
	if (tb[IFLA_LINKINFO])
		parse_info(k, l, tb[IFLA_LINKINFO]);
	if (l->vlan)
		l->lower = tb[IFLA_LINK] ? nla_get_u32(tb[IFLA_LINK]) : 0;
	kernel_dev_touch(k, l);
}

/* As `bridge link set` makes them, nobody else tells. */
static void port_changed(struct kernel *k, const struct nlmsghdr *h)
{
	const struct ifinfomsg *ifi = NLMSG_DATA(h);
	struct klink *l = kernel_link_find(k, (unsigned)ifi->ifi_index);
	struct nlattr *tb[IFLA_MAX + 1];

	if (!l || !l->is_port || nlmsg_parse((struct nlmsghdr *)(uintptr_t)h, sizeof(*ifi), tb, IFLA_MAX, NULL) ||
	    !tb[IFLA_PROTINFO])
		return;
	parse_port(l, tb[IFLA_PROTINFO]);
	kernel_member_doubt(k, l);
	kernel_dev_touch(k, l);
}

void kernel_link_event(struct kernel *k, const struct nlmsghdr *h)
{
	const struct ifinfomsg *ifi = NLMSG_DATA(h);
	struct klink *l;

	/* Of family AF_BRIDGE are a port's attributes; RTM_DELLINK then means that it left its bridge. */
	if (ifi->ifi_family == AF_BRIDGE && h->nlmsg_type == RTM_NEWLINK)
		port_changed(k, h); /* with what VLANs it is in, but for those of the bridge's default */
	if (ifi->ifi_family != AF_UNSPEC)
		return;
	if (h->nlmsg_type == RTM_NEWLINK) {
		link_new(k, h);
		return;
	}
	l = kernel_link_find(k, (unsigned)ifi->ifi_index);
	if (!l)
		return;
	kernel_dev_vanished(k, l);
	kernel_link_drop(k, l);
}

struct refresh {
	struct kernel *k;
	bool there;
};

static void on_link(void *ctx, const struct nlmsghdr *h)
{
	struct refresh *r = ctx;

	if (h->nlmsg_type != RTM_NEWLINK)
		return;
	r->there = true;
	link_new(r->k, h);
}

struct klink *kernel_link_refresh(struct kernel *k, const char *name)
{
	struct ifinfomsg ifi = { .ifi_family = AF_UNSPEC };
	struct nl_msg *m = ksock_msg(RTM_GETLINK, 0, &ifi, sizeof(ifi));
	struct refresh r = { .k = k };

	nla_put_string(m, IFLA_IFNAME, name);
	ksock_get(&k->cmd, m, on_link, &r);
	return r.there ? kernel_link_named(k, name) : NULL;
}

int kernel_links_load(struct kernel *k)
{
	struct ifinfomsg ifi = { .ifi_family = AF_UNSPEC };
	struct refresh r = { .k = k };
	struct klink *l, *tmp;
	int err;

	HASH_ITER(hh, k->links, l, tmp) {
		kernel_link_drop(k, l);
	}
	do {
		err = ksock_dump(&k->cmd, ksock_msg(RTM_GETLINK, 0, &ifi, sizeof(ifi)), on_link, &r);
	} while (err == -EAGAIN);
	return err;
}

void kernel_links_free(struct kernel *k)
{
	struct klink *l, *tmp;

	HASH_ITER(hh, k->links, l, tmp)
		kernel_link_drop(k, l);
}

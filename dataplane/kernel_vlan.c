/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * Devices that several VNIs share, told apart by a VLAN: a VLAN-aware bridge, with a vxlan
 * device for each VNI (an access port of its VLAN) or a single one for all (VLANs mapped
 * to VNIs on it). Whose a row is, who has a claim, and the membership of ports in VLANs.
 *
 *	br0 --- eth1    VLAN 100 untagged, or tagged as the port has it in the configuration
 *	    --- vxlan1000    VLAN 100 untagged                    one device a VNI
 *	    --- vxlan0       VLAN 100 mapped to VNI 1000, ...     external, with vnifilter where we make it
 *	br0.100         neighbours of VLAN 100, which the bridge asks for the answers of ARP suppression
 */
#include "dataplane/kernel.h"

#include <errno.h>
#include <linux/if_bridge.h>
#include <linux/if_link.h>
#include <stdio.h>
#include <stdlib.h>

#define VLANS 4096u

/* ---- whose ------------------------------------------------------------------------------------------------------- */

struct kvni *kernel_vni_of_bridge(const struct klink *br, uint16_t vlan)
{
	if (br->used_by)
		return br->used_by;
	return br->by_vlan && vlan < VLANS ? br->by_vlan[vlan] : NULL;
}

struct kvni *kernel_vni_of_vxlan(const struct kernel *k, const struct klink *vx, uint32_t vni)
{
	struct kvni *v;

	if (!vx->external)
		return vx->used_by;
	HASH_FIND(hh, k->by_vni, &vni, sizeof(vni), v);
	return v && v->vxlan_ifindex == (unsigned)vx->ifindex ? v : NULL;
}

struct kvni *kernel_vni_of_neighbours(const struct kernel *k, const struct klink *l)
{
	struct klink *br = l->vlan ? kernel_link_find(k, l->lower) : NULL;

	return br ? kernel_vni_of_bridge(br, l->vlan) : l->used_by;
}

struct kvni *kernel_claim(struct kvni *v, struct klink *l)
{
	struct kvni **holder = &l->used_by;

	if (l->kind == KLINK_VXLAN && l->external)
		return v; /* its VNI is its own */
	if (l->kind == KLINK_BRIDGE && v->vlan && !l->used_by) {
		if (!l->by_vlan)
			l->by_vlan = xcalloc(VLANS, sizeof(struct kvni *));
		holder = &l->by_vlan[v->vlan];
	}
	if (!*holder)
		*holder = v;
	return *holder;
}

void kernel_unclaim(const struct kvni *v, struct klink *l)
{
	if (l->used_by == v)
		l->used_by = NULL;
	if (l->by_vlan && l->by_vlan[v->vlan] == v)
		l->by_vlan[v->vlan] = NULL;
}

bool kernel_claimed(const struct kvni *v, const struct klink *l)
{
	return l->used_by == v || (l->by_vlan && v->vlan && l->by_vlan[v->vlan] == v) ||
	       (l->external && v->vxlan_ifindex == (unsigned)l->ifindex);
}

/* ---- membership -------------------------------------------------------------------------------------------------- */

static struct nl_msg *membership(uint16_t type, unsigned ifindex, struct nlattr **spec)
{
	struct ifinfomsg ifi = { .ifi_family = AF_BRIDGE, .ifi_index = (int)ifindex };
	struct nl_msg *m = ksock_msg(type, 0, &ifi, sizeof(ifi));

	*spec = nla_nest_start(m, IFLA_AF_SPEC);
	return m;
}

static int set_vlan(struct kernel *k, uint16_t type, const struct klink *l, uint16_t vlan, uint16_t flags)
{
	struct bridge_vlan_info info = { .flags = flags, .vid = vlan };
	struct nlattr *spec;
	struct nl_msg *m = membership(type, (unsigned)l->ifindex, &spec);

	if (l->kind == KLINK_BRIDGE)
		nla_put_u16(m, IFLA_BRIDGE_FLAGS, BRIDGE_FLAGS_SELF);
	nla_put(m, IFLA_BRIDGE_VLAN_INFO, sizeof(info), &info);
	nla_nest_end(m, spec);
	kernel_member_doubt(k, kernel_link_find(k, (unsigned)l->ifindex));
	return kernel_judge(k, "set its VLANs", l->name, ksock_request(&k->cmd, m));
}

int kernel_vlan_join(struct kernel *k, const struct klink *l, uint16_t vlan, bool tagged)
{
	return set_vlan(k, RTM_SETLINK, l, vlan, tagged ? 0 : BRIDGE_VLAN_INFO_PVID | BRIDGE_VLAN_INFO_UNTAGGED);
}

void kernel_vlan_leave(struct kernel *k, const struct klink *l, uint16_t vlan)
{
	set_vlan(k, RTM_DELLINK, l, vlan, 0); /* it may have left before */
}

int kernel_vlan_only(struct kernel *k, const struct klink *l, const struct kvni *v)
{
	const struct klink *br = kernel_link_find(k, v->bridge_ifindex);

	if (br && br->default_vlan && br->default_vlan != v->vlan)
		kernel_vlan_leave(k, l, br->default_vlan);
	return kernel_vlan_join(k, l, v->vlan, false);
}

/* The kernel says that the VLAN or the VNI is mapped already, and not to what. */
static int mapped(struct kernel *k, const struct klink *vx, uint16_t vlan, uint32_t vni)
{
	uint32_t is;

	kernel_member_refresh(k, kernel_link_find(k, (unsigned)vx->ifindex));
	is = kernel_member_vni(vx, vlan);
	if (is == vni)
		return 0;
	if (is)
		snprintf(k->why, sizeof(k->why), "%s has VLAN %u mapped to VNI %u, expected %u", vx->name, vlan, is,
			 vni);
	else
		snprintf(k->why, sizeof(k->why), "%s has another VLAN than %u mapped to VNI %u", vx->name, vlan, vni);
	return -EEXIST;
}

int kernel_vlan_map(struct kernel *k, const struct klink *vx, uint16_t vlan, uint32_t vni)
{
	struct nlattr *spec, *tunnel;
	struct nl_msg *m;
	int err = kernel_vlan_join(k, vx, vlan, true);

	if (err)
		return err;
	m = membership(RTM_SETLINK, (unsigned)vx->ifindex, &spec);
	tunnel = nla_nest_start(m, IFLA_BRIDGE_VLAN_TUNNEL_INFO);
	nla_put_u32(m, IFLA_BRIDGE_VLAN_TUNNEL_ID, vni);
	nla_put_u16(m, IFLA_BRIDGE_VLAN_TUNNEL_VID, vlan);
	nla_put_u16(m, IFLA_BRIDGE_VLAN_TUNNEL_FLAGS, 0);
	nla_nest_end(m, tunnel);
	nla_nest_end(m, spec);
	err = ksock_request(&k->cmd, m);
	return err == -EEXIST ? mapped(k, vx, vlan, vni) : kernel_judge(k, "map its VLANs to VNIs", vx->name, err);
}

/* The VNI among those that the device takes packets of. */
int kernel_vni_filter(struct kernel *k, const struct klink *vx, uint32_t vni, bool on)
{
	struct tunnel_msg t = { .family = AF_BRIDGE, .ifindex = (uint32_t)vx->ifindex };
	struct nl_msg *m = ksock_msg(on ? RTM_NEWTUNNEL : RTM_DELTUNNEL, 0, &t, sizeof(t));
	struct nlattr *entry = nla_nest_start(m, VXLAN_VNIFILTER_ENTRY | NLA_F_NESTED);
	int err;

	nla_put_u32(m, VXLAN_VNIFILTER_ENTRY_START, vni);
	nla_nest_end(m, entry);
	kernel_member_doubt(k, kernel_link_find(k, (unsigned)vx->ifindex));
	err = ksock_request(&k->cmd, m);
	return err == -EEXIST ? 0 : kernel_judge(k, "add a VNI to its filter", vx->name, err);
}

/* ---- neighbours -------------------------------------------------------------------------------------------------- */

/* The VLAN device on the bridge, of whatever name. */
struct klink *kernel_vlan_upper(const struct kernel *k, const struct klink *br, uint16_t vlan)
{
	struct klink *l, *tmp;

	HASH_ITER(hh, k->links, l, tmp) {
		if (l->vlan == vlan && l->lower == (unsigned)br->ifindex && !l->condemned)
			return l;
	}
	return NULL;
}

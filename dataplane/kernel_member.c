/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * Which VLANs the ports of VLAN-aware bridges are in, whoever put them there, and what a single vxlan
 * device has them mapped to. Events only say that a port has changed; what it is in then is asked for, once
 * for all events of a turn. So it does not matter which of the kernel's notifications came or got lost.
 *
 *	bridge vlan add dev eth1 vid 10        RTM_NEWVLAN, RTM_NEWLINK (AF_BRIDGE)
 *	... dev vxlan0 vid 10 tunnel_info id   RTM_NEWLINK (AF_BRIDGE)
 *	vlan_default_pvid of the bridge        RTM_NEWVLAN
 *	vlan_filtering of the bridge           RTM_NEWLINK, while it is up
 *	bridge vni add dev vxlan0 vni 1000     RTM_NEWTUNNEL
 */
#include "dataplane/kernel.h"

#include <errno.h>
#include <linux/if_bridge.h>
#include <stdlib.h>

#define VLANS 4096u

/* ---- questions --------------------------------------------------------------------------------------------------- */

bool kernel_member_in(const struct klink *port, uint16_t vlan)
{
	return !port->member || kernel_member_bit(port->member->in, vlan);
}

bool kernel_member_tagged(const struct klink *port, uint16_t vlan)
{
	return port->member && kernel_member_in(port, vlan) && !kernel_member_bit(port->member->untagged, vlan);
}

uint32_t kernel_member_vni(const struct klink *vx, uint16_t vlan)
{
	return vx->member && vx->member->vni && vlan < VLANS ? vx->member->vni[vlan] : 0;
}

bool kernel_member_takes(const struct klink *vx, uint32_t vni)
{
	if (!vx->vnifilter || !vx->member)
		return true;
	for (size_t i = 0; i < vx->member->n_takes; i++)
		if (vni >= vx->member->takes[i].first && vni <= vx->member->takes[i].last)
			return true;
	return false;
}

struct kvni *kernel_member_sort(const struct kernel *k, const struct klink *port, uint16_t vlan)
{
	const struct klink *br = port->master ? kernel_link_find(k, port->master) : NULL;
	struct kvni *v = NULL;

	if (!br || port->kind == KLINK_VXLAN)
		return NULL;
	if (br->used_by) { /* other tags are carried, but what is said behind them is said in another network */
		v = vlan ? NULL : br->used_by;
	} else if (port->member) {
		vlan = vlan ? vlan : port->member->pvid;
		v = kernel_member_in(port, vlan) ? kernel_vni_of_bridge(br, vlan) : NULL;
	}
	return v && v->bridge_ifindex == port->master ? v : NULL;
}

/* ---- show -------------------------------------------------------------------------------------------------------- */

static const struct klink *port_after(const struct kernel *k, unsigned ifindex)
{
	const struct klink *l, *tmp, *next = NULL;

	HASH_ITER(hh, k->links, l, tmp) {
		if (l->master && l->kind != KLINK_VXLAN && (unsigned)l->ifindex > ifindex &&
		    (!next || l->ifindex < next->ifindex))
			next = l;
	}
	return next;
}

static void fill(const struct klink *l, const struct kvni *v, uint16_t vlan, bool tagged, struct dp_port_info *out)
{
	*out = (struct dp_port_info){ .vni = v->vni, .name = l->name, .vlan = vlan, .tagged = tagged,
				      .up = l->flags & IFF_UP, .made = l->made };
}

/* The port in the VNI of this VLAN, or of one above; *vlan becomes where to go on. */
static bool port_of(const struct kernel *k, const struct klink *l, uint32_t *vlan, struct dp_port_info *out)
{
	const struct klink *br = kernel_link_find(k, l->master);
	const struct kvni *v;

	if (br && br->used_by && !*vlan) {
		fill(l, br->used_by, l->vlan, l->vlan, out);
		*vlan = VLANS;
		return true;
	}
	while (br && br->by_vlan && ++*vlan < VLANS) {
		v = br->by_vlan[*vlan];
		if (!v || !kernel_member_in(l, v->vlan))
			continue;
		fill(l, v, v->vlan, kernel_member_tagged(l, v->vlan), out);
		return true;
	}
	return false;
}

bool kernel_member_next_port(const void *be, struct dp_cursor *c, struct dp_port_info *out)
{
	const struct kernel *k = be;
	const struct klink *l = c->handle ? kernel_link_find(k, c->handle) : NULL;

	while (!l || !port_of(k, l, &c->phase, out)) {
		l = port_after(k, c->handle);
		if (!l)
			return false;
		c->handle = (uint32_t)l->ifindex;
		c->phase = 0;
	}
	return true;
}

/* ---- what the kernel says ---------------------------------------------------------------------------------------- */

struct reading {
	int ifindex;
	struct kmember *m;
};

static void set_bits(uint8_t bits[512], uint16_t vlan)
{
	bits[vlan >> 3] |= (uint8_t)(1u << (vlan & 7));
}

static uint32_t tunnel_of(struct nlattr *info)
{
	struct nlattr *tb[BRIDGE_VLANDB_TINFO_MAX + 1];

	if (!info || nla_parse_nested(tb, BRIDGE_VLANDB_TINFO_MAX, info, NULL) || !tb[BRIDGE_VLANDB_TINFO_ID])
		return 0;
	return nla_get_u32(tb[BRIDGE_VLANDB_TINFO_ID]);
}

/* A range of VLANs; its VNIs count up with them. */
static void read_entry(struct kmember *m, struct nlattr *entry)
{
	struct nlattr *tb[BRIDGE_VLANDB_ENTRY_MAX + 1];
	const struct bridge_vlan_info *info;
	uint32_t tunnel;
	unsigned last;

	if (nla_parse_nested(tb, BRIDGE_VLANDB_ENTRY_MAX, entry, NULL) || !tb[BRIDGE_VLANDB_ENTRY_INFO] ||
	    nla_len(tb[BRIDGE_VLANDB_ENTRY_INFO]) < (int)sizeof(*info))
		return;
	info = nla_data(tb[BRIDGE_VLANDB_ENTRY_INFO]);
	last = tb[BRIDGE_VLANDB_ENTRY_RANGE] ? nla_get_u16(tb[BRIDGE_VLANDB_ENTRY_RANGE]) : info->vid;
	tunnel = tunnel_of(tb[BRIDGE_VLANDB_ENTRY_TUNNEL_INFO]);
	if (tunnel && !m->vni)
		m->vni = xcalloc(VLANS, sizeof(*m->vni));
	for (unsigned vlan = info->vid; vlan <= last && vlan < VLANS; vlan++) {
		set_bits(m->in, (uint16_t)vlan);
		if (info->flags & BRIDGE_VLAN_INFO_UNTAGGED)
			set_bits(m->untagged, (uint16_t)vlan);
		if (info->flags & BRIDGE_VLAN_INFO_PVID)
			m->pvid = (uint16_t)vlan;
		if (tunnel)
			m->vni[vlan] = tunnel + (vlan - info->vid);
	}
}

static void on_vlans(void *ctx, const struct nlmsghdr *h)
{
	const struct br_vlan_msg *b = NLMSG_DATA(h);
	struct reading *r = ctx;
	struct nlattr *a;
	int left;

	if (h->nlmsg_type != RTM_NEWVLAN || h->nlmsg_len < NLMSG_LENGTH(sizeof(*b)) || (int)b->ifindex != r->ifindex)
		return;
	nlmsg_for_each_attr(a, (struct nlmsghdr *)(uintptr_t)h, sizeof(*b), left) {
		if (nla_type(a) == BRIDGE_VLANDB_ENTRY)
			read_entry(r->m, a);
	}
}

static void on_filter(void *ctx, const struct nlmsghdr *h)
{
	const struct tunnel_msg *t = NLMSG_DATA(h);
	struct nlattr *tb[VXLAN_VNIFILTER_ENTRY_MAX + 1], *a;
	struct reading *r = ctx;
	struct kmember *m = r->m;
	int left;

	if (h->nlmsg_type != RTM_NEWTUNNEL || h->nlmsg_len < NLMSG_LENGTH(sizeof(*t)) || (int)t->ifindex != r->ifindex)
		return;
	nlmsg_for_each_attr(a, (struct nlmsghdr *)(uintptr_t)h, sizeof(*t), left) {
		struct kvnis *v;

		if (nla_type(a) != VXLAN_VNIFILTER_ENTRY || nla_parse_nested(tb, VXLAN_VNIFILTER_ENTRY_MAX, a, NULL) ||
		    !tb[VXLAN_VNIFILTER_ENTRY_START])
			continue;
		m->takes = xrealloc(m->takes, (m->n_takes + 1) * sizeof(*m->takes));
		v = &m->takes[m->n_takes++];
		v->first = nla_get_u32(tb[VXLAN_VNIFILTER_ENTRY_START]);
		v->last = tb[VXLAN_VNIFILTER_ENTRY_END] ? nla_get_u32(tb[VXLAN_VNIFILTER_ENTRY_END]) : v->first;
	}
}

/* ---- keeping it true --------------------------------------------------------------------------------------------- */

static void member_free(struct kmember *m)
{
	if (m) {
		free(m->vni);
		free(m->takes);
	}
	free(m);
}

static bool same(const struct kmember *a, const struct kmember *b)
{
	if (!a || !b)
		return a == b;
	if (a->n_takes != b->n_takes || (a->n_takes && memcmp(a->takes, b->takes, a->n_takes * sizeof(*a->takes))))
		return false;
	if (a->pvid != b->pvid || memcmp(a->in, b->in, sizeof(a->in)) ||
	    memcmp(a->untagged, b->untagged, sizeof(a->untagged)))
		return false;
	if (!a->vni || !b->vni)
		return a->vni == b->vni;
	return !memcmp(a->vni, b->vni, VLANS * sizeof(*a->vni));
}

/* NULL when the port is in no VLAN-aware bridge, or the kernel does not say (before 5.6). */
static struct kmember *read_member(struct kernel *k, const struct klink *port)
{
	const struct klink *br = port->master ? kernel_link_find(k, port->master) : NULL;
	struct br_vlan_msg b = { .family = AF_BRIDGE, .ifindex = (uint32_t)port->ifindex };
	struct tunnel_msg t = { .family = AF_BRIDGE, .ifindex = (uint32_t)port->ifindex };
	struct reading r = { .ifindex = port->ifindex };
	int err;

	if (!br || !br->vlan_aware)
		return NULL;
	do {
		member_free(r.m);
		r.m = xcalloc(1, sizeof(*r.m));
		err = ksock_dump(&k->cmd, ksock_msg(RTM_GETVLAN, 0, &b, sizeof(b)), on_vlans, &r);
		if (!err && port->vnifilter)
			err = ksock_dump(&k->cmd, ksock_msg(RTM_GETTUNNEL, 0, &t, sizeof(t)), on_filter, &r);
	} while (err == -EAGAIN);
	if (!err)
		return r.m;
	member_free(r.m);
	return NULL;
}

static uint32_t mapped_to(const struct kmember *m, uint16_t vlan)
{
	return m->vni ? m->vni[vlan] : 0;
}

/* The VNIs of the VLANs that it is in now and was not, or the reverse, want a look. */
static void want_changed(struct kernel *k, const struct klink *port, const struct kmember *was,
			 const struct kmember *is)
{
	const struct klink *br = port->master ? kernel_link_find(k, port->master) : NULL;

	if (!br || !br->by_vlan || !was || !is || is->takes) {
		kernel_dev_touch(k, port);
		return;
	}
	for (uint16_t vlan = 1; vlan < VLANS; vlan++)
		if (kernel_member_bit(was->in, vlan) != kernel_member_bit(is->in, vlan) ||
		    mapped_to(was, vlan) != mapped_to(is, vlan))
			kernel_dev_want(k, br->by_vlan[vlan]);
}

static bool refresh(struct kernel *k, struct klink *port)
{
	struct kmember *is = read_member(k, port), *was = port->member;
	bool changed = !same(was, is);

	port->member = is;
	port->member_stale = false;
	if (changed)
		want_changed(k, port, was, is);
	member_free(was);
	return changed;
}

void kernel_member_refresh(struct kernel *k, struct klink *port)
{
	refresh(k, port);
}

void kernel_member_doubt(struct kernel *k, struct klink *port)
{
	port->member_stale = true;
	k->members_stale = true;
	k->check = true;
}

void kernel_member_event(struct kernel *k, const struct nlmsghdr *h)
{
	const struct br_vlan_msg *b = NLMSG_DATA(h);
	const struct tunnel_msg *t = NLMSG_DATA(h);
	bool vlans = h->nlmsg_type == RTM_NEWVLAN || h->nlmsg_type == RTM_DELVLAN;
	struct klink *l = NULL;

	if (h->nlmsg_len >= NLMSG_LENGTH(vlans ? sizeof(*b) : sizeof(*t)))
		l = kernel_link_find(k, vlans ? b->ifindex : t->ifindex);
	if (l)
		kernel_member_doubt(k, l);
}

void kernel_member_forget(struct klink *port)
{
	member_free(port->member);
	port->member = NULL;
	port->member_stale = false;
}

void kernel_member_update(struct kernel *k)
{
	struct klink *l, *tmp;

	if (!k->members_stale)
		return;
	k->members_stale = false;
	HASH_ITER(hh, k->links, l, tmp) {
		const struct klink *br = l->member_stale && l->master ? kernel_link_find(k, l->master) : NULL;
		bool known = l->member;

		if (!l->member_stale || !refresh(k, l))
			continue;
		if (known && br && br->by_vlan && kernel_dump_port(k, l))
			kernel_member_doubt(k, l);
	}
}

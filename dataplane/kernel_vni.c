/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * What a VNI is to have: its parameters with the names that matter to it, and how one set of them becomes another. What
 * stays in place keeps its addresses, neighbours and rows; the check (kernel_dev.c) then makes what is new.
 */
#include "dataplane/kernel.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

/* ---- names ------------------------------------------------------------------------------------------------------ */

static void use_name(struct kernel *k, struct kvni *v, const char *name)
{
	struct kuse *u = &v->uses[v->n_uses++];
	struct kname *n;

	HASH_FIND(hh, k->names, name, strlen(name), n);
	if (!n) {
		n = xcalloc(1, sizeof(*n));
		snprintf(n->name, sizeof(n->name), "%s", name);
		list_init(&n->users);
		HASH_ADD(hh, k->names, name[0], strlen(n->name), n);
	}
	u->name = n;
	u->v = v;
	list_add_tail(&n->users, &u->list);
}

static void drop_names(struct kernel *k, struct kvni *v)
{
	for (size_t i = 0; i < v->n_uses; i++) {
		struct kname *n = v->uses[i].name;

		list_del(&v->uses[i].list);
		if (!list_empty(&n->users))
			continue;
		HASH_DEL(k->names, n);
		free(n);
	}
	free(v->uses);
	v->uses = NULL;
	v->n_uses = 0;
}

static void use_names(struct kernel *k, struct kvni *v)
{
	v->uses = xcalloc(2 * v->n_ports + 4, sizeof(*v->uses));
	use_name(k, v, v->vxlan);
	if (v->neighbours[0])
		use_name(k, v, v->neighbours);
	if (v->bridge[0])
		use_name(k, v, v->bridge);
	if (v->underlay[0])
		use_name(k, v, v->underlay);
	for (size_t i = 0; i < v->n_ports; i++) {
		use_name(k, v, v->ports[i].name);
		if (v->ports[i].parent[0])
			use_name(k, v, v->ports[i].parent);
	}
}

bool kernel_vni_named(const struct kernel *k, const char *name)
{
	struct kname *n;

	HASH_FIND(hh, k->names, name, strlen(name), n);
	return n != NULL;
}

bool kernel_vni_named_beside(const struct kernel *k, const struct kvni *v, const char *name)
{
	struct kname *n;
	struct kuse *u;

	HASH_FIND(hh, k->names, name, strlen(name), n);
	if (!n)
		return false;
	list_for_each(u, &n->users, list) {
		if (u->v != v)
			return true;
	}
	return false;
}

/* ---- parameters ------------------------------------------------------------------------------------------------- */

static int take_name(struct kernel *k, const struct kvni *v, char to[IFNAMSIZ], const char *name)
{
	if (strlen(name) >= IFNAMSIZ || !name[0]) {
		log_error(k->log, LOG_DP, "VNI %u: \"%s\" is no name of an interface: 1 to 15 characters", v->vni,
			  name);
		return -EINVAL;
	}
	snprintf(to, IFNAMSIZ, "%s", name);
	return 0;
}

/* "eth1" with VLAN 100 is the device eth1.100. */
static int take_port(struct kernel *k, const struct kvni *v, struct kport *port, const struct dp_port_params *p)
{
	char name[64];
	int err = 0;

	port->tap = p->tap;
	port->vlan = p->vlan;
	port->tagged = v->vlan && p->vlan;
	if (!p->vlan || v->vlan) {
		if (!p->vlan || p->vlan == v->vlan)
			return take_name(k, v, port->name, p->name);
		log_error(k->log, LOG_DP, "VNI %u: port %s has VLAN %u, the VNI %u: a bridge changes none", v->vni,
			  p->name, p->vlan, v->vlan);
		return -EINVAL;
	}
	err = take_name(k, v, port->parent, p->name);
	snprintf(name, sizeof(name), "%s.%u", p->name, p->vlan);
	return err ? err : take_name(k, v, port->name, name);
}

/* The bridge asks this one for the answers of ARP suppression in a VLAN. */
static void take_neighbours(struct kvni *v)
{
	char name[32];

	snprintf(name, sizeof(name), "%s.%u", v->bridge, v->vlan);
	if (v->vlan && strlen(name) < IFNAMSIZ)
		memcpy(v->neighbours, name, strlen(name) + 1);
}

static int take_params(struct kernel *k, struct kvni *v, const struct dp_vni_params *p)
{
	int err;

	v->vni = p->vni;
	v->vtep = p->vtep;
	v->udp_port = p->udp_port;
	v->vlan = p->vlan;
	v->suppress = p->neigh_suppress;
	v->learn = p->learn;
	v->drop_unknown = p->drop_unknown;
	v->miss_macs = p->miss_macs;
	v->miss_ips = p->miss_ips;
	v->ageing = p->miss_macs ? p->ageing : 0;
	v->rsc = p->rsc;
	v->group = p->group;
	v->hear_hosts = p->hear_hosts;
	v->mac_limit = p->mac_limit;
	v->n_ports = p->n_ports;
	v->ports = xcalloc(p->n_ports + 1, sizeof(*v->ports));
	if (!v->vtep.len) {
		log_error(k->log, LOG_DP, "VNI %u: the kernel dataplane needs a vtep address", v->vni);
		return -EINVAL;
	}
	err = take_name(k, v, v->vxlan, p->vxlan);
	if (!err && p->bridge)
		err = take_name(k, v, v->bridge, p->bridge);
	if (!err && p->underlay)
		err = take_name(k, v, v->underlay, p->underlay);
	for (size_t i = 0; !err && i < p->n_ports; i++)
		err = take_port(k, v, &v->ports[i], &p->ports[i]);
	take_neighbours(v);
	if (!err && v->vlan && !v->bridge[0]) {
		log_error(k->log, LOG_DP, "VNI %u: a vlan needs a bridge", v->vni);
		err = -EINVAL;
	}
	return err;
}

struct kvni *kernel_vni_find(const struct kernel *k, uint32_t vni)
{
	struct kvni *v;

	HASH_FIND(hh, k->by_vni, &vni, sizeof(vni), v);
	return v;
}

int kernel_vni_init(struct kernel *k, struct kvni *v, const struct dp_vni_params *p)
{
	int err = take_params(k, v, p);

	if (err) {
		free(v->ports);
		return err;
	}
	v->hold_fd = -1;
	use_names(k, v);
	HASH_ADD(hh, k->by_vni, vni, sizeof(v->vni), v);
	kernel_dev_want(k, v);
	return 0;
}

static void unclaim(struct kernel *k, const struct kvni *v)
{
	struct klink *l, *tmp;

	HASH_ITER(hh, k->links, l, tmp)
		kernel_unclaim(v, l);
}

void kernel_vni_fini(struct kernel *k, struct kvni *v)
{
	kernel_capture_end(v);
	kernel_hold_close(v);
	drop_names(k, v);
	unclaim(k, v);
	HASH_DELETE(hh, k->by_vni, v);
	kernel_carry_forget(v);
	free(v->ports);
}

/* ---- change ----------------------------------------------------------------------------------------------------- */

static bool same_port(const struct kport *a, const struct kport *b)
{
	return !strcmp(a->name, b->name) && !strcmp(a->parent, b->parent) && a->tap == b->tap && a->vlan == b->vlan &&
	       a->tagged == b->tagged;
}

static struct kport *find_port(const struct kvni *v, const struct kport *p)
{
	for (size_t i = 0; i < v->n_ports; i++)
		if (same_port(&v->ports[i], p))
			return &v->ports[i];
	return NULL;
}

static void complain(struct kernel *k, const struct kvni *v, int err)
{
	if (err)
		log_warn(k->log, LOG_DP, "VNI %u: %s", v->vni, k->why);
}

/* Out of the bridge that we have put it into, or, where others are in it with other VLANs, out of ours. */
static void take_out(struct kernel *k, const struct kvni *v, const struct klink *l)
{
	if (!l->master || l->master != v->bridge_ifindex)
		return;
	if (v->vlan && kernel_vni_named_beside(k, v, l->name))
		kernel_vlan_leave(k, l, v->vlan);
	else
		complain(k, v, kernel_set_master(k, l, 0));
	kernel_link_refresh(k, l->name);
}

/* The ports that is does not have any more, all of them when the bridge or the VLAN is another. */
static void leave_ports(struct kernel *k, struct kvni *was, struct kvni *is, bool bridge)
{
	for (size_t i = 0; i < was->n_ports; i++) {
		struct kport *p = &was->ports[i], *again = find_port(is, p);
		struct klink *l = again && !bridge ? kernel_link_named(k, p->name) : kernel_link_refresh(k, p->name);

		if (again && !bridge)
			again->configured = p->configured;
		if (!l || (again && !bridge))
			continue;
		if (!again && kernel_port_ours(p) && l->made)
			kernel_condemn(k, l);
		else if (p->configured == (unsigned)l->ifindex)
			take_out(k, was, l);
	}
}

/* The vxlan device is not the VNI's any more, or not as it is. */
static void leave_vxlan(struct kernel *k, struct kvni *was)
{
	struct klink *l = kernel_link_refresh(k, was->vxlan);

	if (l && kernel_claimed(was, l)) {
		if (l->made && !kernel_vni_named_beside(k, was, l->name))
			kernel_condemn(k, l);
		else
			kernel_bury_share(k, was, l);
		kernel_unclaim(was, l);
	}
	was->configured[CONFIGURED_VXLAN] = 0;
}

static void leave_bridge(struct kernel *k, struct kvni *was, const struct kvni *is)
{
	struct klink *l = was->bridge[0] ? kernel_link_refresh(k, was->bridge) : NULL;
	struct klink *vx = kernel_link_named(k, was->vxlan);
	struct klink *upper = was->neighbours[0] ? kernel_link_refresh(k, was->neighbours) : NULL;

	if (vx && was->configured[CONFIGURED_VXLAN] == (unsigned)vx->ifindex)
		take_out(k, was, vx);
	if (upper && upper->made)
		kernel_condemn(k, upper);
	if (l && kernel_claimed(was, l)) {
		if (l->made && strcmp(was->bridge, is->bridge) && !kernel_vni_named_beside(k, was, l->name))
			kernel_condemn(k, l);
		kernel_unclaim(was, l);
	}
	was->configured[CONFIGURED_BRIDGE] = was->configured[CONFIGURED_VXLAN] = 0;
}

int kernel_vni_set_learning(struct kernel *k, const struct kvni *v, const struct klink *l, const struct kvni *to)
{
	if (!ip_eq(&to->group, &l->flood_group))
		kernel_bury_floods(k, l, v);
	if (to->learn && !l->vxlan_learning)
		kernel_bury_by_nexthop(k, l, v);
	return kernel_set_vxlan(k, l, to);
}

/* How its vxlan device learns and floods, and what it does as a port; to is not in place yet. */
static void change_learning(struct kernel *k, const struct kvni *v, const struct kvni *to)
{
	struct klink *l = kernel_link_named(k, v->vxlan);
	bool port = v->suppress != to->suppress || v->drop_unknown != to->drop_unknown || v->learn != to->learn;

	if (!l || v->configured[CONFIGURED_VXLAN] != (unsigned)l->ifindex)
		return;
	if (port && l->is_port)
		complain(k, v, kernel_set_port(k, l, to));
	if (v->learn != to->learn || !ip_eq(&v->group, &to->group) || v->ageing != to->ageing)
		complain(k, v, kernel_vni_set_learning(k, v, l, to));
	kernel_link_refresh(k, v->vxlan);
}

bool kernel_vni_needs_another(const struct kvni *v, const struct klink *l)
{
	return l->made && ((v->miss_macs && !l->l2miss) || l->l3miss != v->miss_ips || l->proxy != v->miss_ips ||
			   l->rsc != v->rsc);
}

static void take_over(struct kernel *k, struct kvni *v, struct kvni *is)
{
	drop_names(k, v);
	free(v->ports);
	memcpy(v->bridge, is->bridge, sizeof(v->bridge));
	memcpy(v->vxlan, is->vxlan, sizeof(v->vxlan));
	memcpy(v->underlay, is->underlay, sizeof(v->underlay));
	memcpy(v->neighbours, is->neighbours, sizeof(v->neighbours));
	v->vtep = is->vtep;
	v->udp_port = is->udp_port;
	v->vlan = is->vlan;
	v->suppress = is->suppress;
	v->learn = is->learn;
	v->drop_unknown = is->drop_unknown;
	v->mac_limit = is->mac_limit;
	v->miss_macs = is->miss_macs;
	v->miss_ips = is->miss_ips;
	v->ageing = is->ageing;
	v->rsc = is->rsc;
	v->group = is->group;
	v->hear_hosts = is->hear_hosts;
	v->ports = is->ports;
	v->n_ports = is->n_ports;
	use_names(k, v);
}

int kernel_vni_alter(struct kernel *k, struct kvni *v, const struct dp_vni_params *p)
{
	struct kvni is = { 0 };
	int err = take_params(k, &is, p);
	bool bridge, vxlan;
	const struct klink *vx = kernel_link_named(k, v->vxlan);

	if (err) {
		free(is.ports);
		return err;
	}
	bridge = strcmp(v->bridge, is.bridge) || v->vlan != is.vlan;
	vxlan = strcmp(v->vxlan, is.vxlan) || v->vlan != is.vlan || v->udp_port != is.udp_port ||
		!ip_eq(&v->vtep, &is.vtep) || (vx && kernel_vni_needs_another(&is, vx));
	leave_ports(k, v, &is, bridge);
	if (vxlan)
		leave_vxlan(k, v);
	if (bridge)
		leave_bridge(k, v, &is);
	if (!vxlan && !bridge)
		change_learning(k, v, &is);
	if (v->learn != is.learn) {
		v->remake = k->remaking = true;
		dp_reassert(k->d);
	}
	if (v->vlan != is.vlan) { /* rows of the old one may be seen as the new one's otherwise */
		dp_vni_forget(k->d, v->v);
		v->bridge_ifindex = v->vxlan_ifindex = 0;
	}
	vx = kernel_link_named(k, v->vxlan);
	v->mtu_guessed |= vx && vx->made && strcmp(v->underlay, is.underlay); /* to be looked at again */
	take_over(k, v, &is);
	v->ready = v->waits = false;
	v->renew_at = (struct mtime){ 0 };
	kernel_renew_arm(k);
	v->why[0] = '\0';
	v->not_before = (struct mtime){ 0 };
	kernel_dev_want(k, v);
	return 0;
}

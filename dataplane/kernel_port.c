/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * Ports for other network namespaces (containers): a veth pair whose one end is in there, with an address, and whose
 * other end is in the VNI's bridge. Its MAC and IP address are told to the bridge as if it had spoken, so others know
 * of them before its first packet. Nothing is kept here: the port is one of the bridge's, and its name follows from
 * what it is for.
 */
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "dataplane/kernel.h"
#include "dataplane/veth.h"

#define FORWARDS_TRIES 100
#define FORWARDS_WAIT_US 5000

static int make_pair(struct kernel *k, const struct kvni *v, const struct dp_netns_port *p, const struct veth *n)
{
	const struct klink *vx = kernel_link_find(k, v->vxlan_ifindex);
	struct veth_near near = { .master = v->bridge_ifindex, .mtu = vx ? vx->mtu : 0 };

	return veth_make(&k->cmd, p, n, &near);
}

static int remove_pair(struct kernel *k, const char *port)
{
	struct klink *l = kernel_link_refresh(k, port);

	return l ? kernel_delete(k, l) : -ENODEV;
}

/*
 * As the kernel would write it had the port spoken: such rows age, and move when the MAC
 * does. A port takes them once it forwards, a moment after its other end has come up.
 */
static int announce_mac(struct kernel *k, const struct kvni *v, const struct klink *port, const struct mac *mac)
{
	struct ndmsg nd = { .ndm_family = AF_BRIDGE,
			    .ndm_ifindex = port->ifindex,
			    .ndm_state = NUD_REACHABLE,
			    .ndm_flags = NTF_MASTER };
	int err = -EPERM;

	for (int i = 0; err == -EPERM && i < FORWARDS_TRIES; i++) {
		struct nl_msg *m = ksock_msg(RTM_NEWNEIGH, NLM_F_CREATE | NLM_F_REPLACE, &nd, sizeof(nd));

		if (i)
			usleep(FORWARDS_WAIT_US);
		nla_put(m, NDA_LLADDR, sizeof(mac->b), mac->b);
		if (v->vlan)
			nla_put_u16(m, NDA_VLAN, v->vlan);
		err = ksock_request(&k->cmd, m);
	}
	return err;
}

static int announce(struct kernel *k, const struct kvni *v, const struct klink *port, const struct veth *n,
		    const struct dp_netns_port *p)
{
	struct ndmsg ip = { .ndm_family = (uint8_t)ip_family(&p->ip),
			    .ndm_ifindex = (int)kernel_neigh_ifindex(v),
			    .ndm_state = NUD_STALE };
	int err = announce_mac(k, v, port, &n->mac);
	struct nl_msg *m;

	if (err || !p->ip.len || !kernel_neigh_ifindex(v))
		return err;
	m = ksock_msg(RTM_NEWNEIGH, NLM_F_CREATE | NLM_F_REPLACE, &ip, sizeof(ip));
	nla_put(m, NDA_DST, p->ip.len, p->ip.b);
	nla_put(m, NDA_LLADDR, sizeof(n->mac.b), n->mac.b);
	return ksock_request(&k->cmd, m);
}

static int add(struct kernel *k, struct kvni *v, const struct dp_netns_port *p, const struct veth *n, char *why,
	       size_t cap)
{
	int err = make_pair(k, v, p, n);
	const struct klink *port;

	if (err)
		return veth_failed(&k->cmd, "make a port", p, err, why, cap);
	k->cmd.words[0] = '\0';
	err = veth_furnish(p);
	if (err) {
		veth_failed(&k->cmd, "set the address", p, err, why, cap);
		remove_pair(k, n->port);
		return err;
	}
	port = kernel_link_refresh(k, n->port);
	err = !port ? -ENODEV : v->vlan ? kernel_vlan_only(k, port, v) : 0;
	if (!err)
		err = announce(k, v, port, n, p);
	if (err)
		veth_failed(&k->cmd, "announce the address", p, err, why, cap);
	return err;
}

int kernel_port_add(void *be, void *data, const struct dp_netns_port *p, struct dp_netns_port_made *made, char *why,
		    size_t cap)
{
	struct kernel *k = be;
	struct kvni *v = data;
	struct veth n;
	int err;

	k->cmd.words[0] = '\0';
	if (!v->bridge_ifindex) {
		snprintf(why, cap, "VNI %u has no bridge", v->vni);
		return -ENODEV;
	}
	err = veth_name(p, &n, why, cap);
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
	struct veth n;
	int err;

	k->cmd.words[0] = '\0';
	err = veth_name(p, &n, why, cap);
	if (err)
		return err;
	l = kernel_link_refresh(k, n.port);
	if (!l || !v->bridge_ifindex || l->master != v->bridge_ifindex) {
		snprintf(why, cap, "VNI %u has no port for %s in %s", v->vni, p->name, p->netns);
		return -ENOENT;
	}
	err = remove_pair(k, n.port);
	if (err)
		return veth_failed(&k->cmd, "remove the port", p, err, why, cap);
	log_info(k->log, LOG_DP, "VNI %u: removed port %s for %s in %s", v->vni, n.port, p->name, p->netns);
	return 0;
}

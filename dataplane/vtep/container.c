/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * Ports for other network namespaces (port add): a veth pair with its far end in there, whose near end is a port of the
 * VNI. With rights in our own network namespace the near end is here; it stays when we end, says in its alias whose it
 * is, and is a port again when its VNI is there again. Without them it is in a namespace beside the container's, of the
 * same owner, which nobody sees and which ends with us. Either way the pair ends with the container, and with it the
 * port.
 */
#include <errno.h>
#include <linux/if_link.h>
#include <stdio.h>
#include <stdlib.h>

#include "dataplane/veth.h"
#include "dataplane/vtep/vtep.h"

#define MTU_MAX 9000u /* of a loopback interface nobody wants the whole */

struct alias {
	char s[48];
};

static struct alias alias_of(const struct bridge *b)
{
	struct alias a;

	snprintf(a.s, sizeof(a.s), "evpnd: port of VNI %u", b->vni);
	return a;
}

unsigned container_mtu(const struct bridge *b)
{
	unsigned overhead = b->u->vtep.len == 4 ? VTEP_OVERHEAD_V4 : VTEP_OVERHEAD_V6;
	struct place_link link;

	if (!b->u->ifname[0] || place_link(b->v->here, b->u->ifname, &link) || link.mtu <= overhead)
		return 0;
	return link.mtu - overhead < MTU_MAX ? link.mtu - overhead : MTU_MAX;
}

/* ---- the pair ---------------------------------------------------------------------------------------------------- */

/* Where the near end is, with a reference; NULL with *err and a sentence in why. */
static struct place *make_pair(struct bridge *b, const struct dp_netns_port *p, const struct veth *n, int *err,
			       char *why, size_t cap)
{
	struct alias alias = alias_of(b);
	struct veth_near near = { .mtu = container_mtu(b), .alias = alias.s };
	struct place *at = place_ref(b->v->here);

	at->cmd.words[0] = '\0';
	*err = veth_make(&at->cmd, p, n, &near);
	if (*err == -EPERM) {
		place_put(at);
		at = place_at(b->v, p->netns, p->fd, true, err, why, cap);
		if (!at)
			return NULL;
		*err = veth_make(&at->cmd, p, n, &near);
	}
	if (!*err)
		return at;
	veth_failed(&at->cmd, "make a port", p, *err, why, cap);
	place_put(at);
	return NULL;
}

static void remove_pair(struct place *at, const char *name)
{
	struct place_link link;

	if (!place_link(at, name, &link))
		place_link_del(at, link.ifindex);
}

/* ---- the port ---------------------------------------------------------------------------------------------------- */

static struct vport *port_of_pair(struct bridge *b, struct place *at, const char *name)
{
	struct dp_port_params params = { .name = name };
	struct vport *port = port_add(b, &params);

	port->near = place_ref(at);
	return port;
}

/* As if it had spoken: such a MAC ages, and moves when it turns up elsewhere. */
static void announce(struct vport *port, const struct veth *n, const struct dp_netns_port *p)
{
	struct bridge *b = port->bridge;
	struct heard mac = { .vni = b->vni, .port = port->nr, .mac = n->mac };

	learn_heard(b->v, &mac);
	port->host = (struct binding){ .ip = p->ip, .mac = n->mac };
	port_tell_host(port, true);
}

int container_add(void *be, void *data, const struct dp_netns_port *p, struct dp_netns_port_made *made, char *why,
		  size_t cap)
{
	struct bridge *b = data;
	struct vport *port;
	struct place *at;
	struct veth n;
	int err = veth_name(p, &n, why, cap);

	if (err)
		return err;
	at = make_pair(b, p, &n, &err, why, cap);
	if (!at)
		return err;
	err = veth_furnish(p);
	if (err) {
		veth_failed(&at->cmd, "set the address", p, err, why, cap);
		remove_pair(at, n.port);
		place_put(at);
		return err;
	}
	port = port_of_pair(b, at, n.port);
	place_put(at);
	ports_check(b);
	if (!port->dev) {
		snprintf(why, cap, "%s", b->problem);
		port_del(port);
		return -EIO;
	}
	announce(port, &n, p);
	made->mac = n.mac;
	snprintf(made->port, sizeof(made->port), "%s", n.port);
	log_info(b->v->log, LOG_DP, "VNI %u: made port %s for %s in %s", b->vni, n.port, p->name, p->netns);
	return 0;
}

static struct vport *find(const struct bridge *b, const char *name)
{
	for (uint32_t i = 0; i < b->ports->n; i++) {
		if (b->ports->at[i]->near && !strcmp(b->ports->at[i]->name, name))
			return b->ports->at[i];
	}
	return NULL;
}

int container_del(void *be, void *data, const struct dp_netns_port *p, char *why, size_t cap)
{
	struct bridge *b = data;
	struct vport *port;
	struct veth n;
	int err = veth_name(p, &n, why, cap);

	if (err)
		return err;
	port = find(b, n.port);
	if (!port) {
		snprintf(why, cap, "VNI %u has no port for %s in %s", b->vni, p->name, p->netns);
		return -ENOENT;
	}
	remove_pair(port->near, port->name);
	port_del(port);
	log_info(b->v->log, LOG_DP, "VNI %u: removed port %s for %s in %s", b->vni, n.port, p->name, p->netns);
	return 0;
}

/* ---- after a restart --------------------------------------------------------------------------------------------- */

static void adopt(void *ctx, const struct nlmsghdr *h)
{
	struct bridge *b = ctx;
	struct alias alias = alias_of(b);
	struct nlattr *tb[IFLA_MAX + 1];
	const char *name;

	if (h->nlmsg_type != RTM_NEWLINK ||
	    nlmsg_parse((struct nlmsghdr *)(uintptr_t)h, sizeof(struct ifinfomsg), tb, IFLA_MAX, NULL) ||
	    !tb[IFLA_IFNAME] || !tb[IFLA_IFALIAS] || strcmp(nla_get_string(tb[IFLA_IFALIAS]), alias.s))
		return;
	name = nla_get_string(tb[IFLA_IFNAME]);
	if (!find(b, name))
		port_of_pair(b, b->v->here, name);
}

void container_find(struct bridge *b)
{
	struct ifinfomsg ifi = { .ifi_family = AF_UNSPEC };

	ksock_dump(&b->v->here->cmd, ksock_msg(RTM_GETLINK, NLM_F_DUMP, &ifi, sizeof(ifi)), adopt, b);
}

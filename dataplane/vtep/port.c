/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * The ports of VNIs. A port is there while its interface is: it is attached to that when it comes, and when it goes all that
 * was learned there goes, too. The list of a VNI's ports is what frames are flooded to.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "dataplane/vtep/vtep.h"

#define MADE_UP_IDS 0x40000000u /* no kernel counts its interfaces so far */

/* ---- the list -------------------------------------------------------------------------------------------------------- */

struct vport *port_nr(const struct bridge *b, unsigned nr)
{
	for (uint32_t i = 0; i < b->ports->n; i++) {
		if (b->ports->at[i]->nr == nr)
			return b->ports->at[i];
	}
	return NULL;
}

struct vport *port_id(const struct bridge *b, unsigned id)
{
	for (uint32_t i = 0; id && i < b->ports->n; i++) {
		if (b->ports->at[i]->id == id)
			return b->ports->at[i];
	}
	return NULL;
}

/* With, and without. */
static void change_list(struct bridge *b, struct vport *with, const struct vport *without)
{
	struct ports *old = b->ports, *new_ = xcalloc(1, sizeof(*new_) + (old->n + 1) * sizeof(new_->at[0]));

	for (uint32_t i = 0; i < old->n; i++) {
		if (old->at[i] != without)
			new_->at[new_->n++] = old->at[i];
	}
	if (with)
		new_->at[new_->n++] = with;
	__atomic_store_n(&b->ports, new_, __ATOMIC_RELEASE);
	vtep_retire(old, free);
}

static void port_free(void *ctx)
{
	struct vport *p = ctx;

	free(p->c);
	free(p->talk);
	free(p);
}

struct vport *port_add(struct bridge *b, const struct dp_port_params *params)
{
	struct vport *p = xcalloc(1, sizeof(*p));

	while (port_nr(b, b->next_nr))
		b->next_nr++;
	p->bridge = b;
	p->nr = b->next_nr++;
	p->vlan = params->vlan;
	p->tap = params->tap;
	p->c = traffic_new(b->v);
	p->talk = xcalloc(b->v->n_workers, sizeof(*p->talk));
	snprintf(p->name, sizeof(p->name), "%s", params->name);
	if (p->vlan)
		snprintf(p->label, sizeof(p->label), "%s.%u", p->name, p->vlan);
	else
		snprintf(p->label, sizeof(p->label), "%s", p->name);
	change_list(b, p, NULL);
	return p;
}

static struct vport *find_configured(const struct bridge *b, const struct dp_port_params *p)
{
	for (uint32_t i = 0; i < b->ports->n; i++) {
		struct vport *port = b->ports->at[i];

		if (port->configured && port->vlan == p->vlan && port->tap == p->tap && !strcmp(port->name, p->name))
			return port;
	}
	return NULL;
}

void ports_take(struct bridge *b, const struct dp_port_params *p, size_t n)
{
	for (uint32_t i = b->ports->n; i--;) { /* the list changes under way, behind i */
		struct vport *port = b->ports->at[i];
		bool stays = !port->configured;

		for (size_t k = 0; k < n && !stays; k++)
			stays = port == find_configured(b, &p[k]);
		if (!stays)
			port_del(port);
	}
	for (size_t k = 0; k < n; k++) {
		if (!find_configured(b, &p[k]))
			port_add(b, &p[k])->configured = true;
	}
}

void ports_free(struct bridge *b)
{
	for (uint32_t i = 0; i < b->ports->n; i++)
		port_free(b->ports->at[i]);
	free(b->ports);
}

/* ---- on an interface -------------------------------------------------------------------------------------------------- */

static void publish(struct vport *p, struct netdev *dev, struct vport *what)
{
	struct vport **tagged = dev->tagged;

	if (!p->vlan) {
		__atomic_store_n(&dev->untagged, what, __ATOMIC_RELEASE);
		return;
	}
	if (!tagged) {
		tagged = xcalloc(VLANS, sizeof(*tagged));
		__atomic_store_n(&dev->tagged, tagged, __ATOMIC_RELEASE);
	}
	__atomic_store_n(&tagged[p->vlan], what, __ATOMIC_RELEASE);
}

/* The interface's index where that tells the VNI's ports apart. */
static unsigned new_id(struct vtep *v, const struct vport *p, const struct netdev *dev)
{
	return p->vlan ? MADE_UP_IDS + v->ids++ : dev->ifindex;
}

static void attach(struct vport *p, struct netdev *dev)
{
	struct vtep *v = p->bridge->v;

	dev->refs++;
	p->id = new_id(v, p, dev);
	publish(p, dev, p);
	__atomic_store_n(&p->dev, dev, __ATOMIC_RELEASE);
	log_info(v->log, LOG_DP, "VNI %u: port %s is there", p->bridge->vni, p->label);
}

static void detach(struct vport *p)
{
	struct netdev *dev = p->dev;

	learn_flush(p->bridge, p);
	publish(p, dev, NULL);
	__atomic_store_n(&p->dev, NULL, __ATOMIC_RELEASE);
	p->id = 0;
	if (!--dev->refs)
		netdev_close(dev);
}

void port_del(struct vport *p)
{
	if (p->dev)
		detach(p);
	change_list(p->bridge, NULL, p);
	vtep_retire(p, port_free);
}

void ports_detach(struct bridge *b)
{
	for (uint32_t i = 0; i < b->ports->n; i++) {
		if (b->ports->at[i]->dev)
			detach(b->ports->at[i]);
	}
}

static void say_problem(struct bridge *b, const struct vport *p, int err)
{
	if (b->problem[0])
		return; /* the first is enough */
	if (err == -ENODEV)
		snprintf(b->problem, sizeof(b->problem), "port %s is missing", p->label);
	else
		snprintf(b->problem, sizeof(b->problem), "port %s: %s%s", p->label, strerror(-err),
			 err != -EPERM ? "" : p->tap ? "; a TAP takes CAP_NET_ADMIN" : "; a packet socket takes CAP_NET_RAW");
}

static bool check_port(struct bridge *b, struct vport *p)
{
	unsigned ifindex = if_nametoindex(p->name);
	struct netdev *dev = p->dev;
	int err = -ENODEV;
	bool changed = false;

	if (dev && dev->ifindex == ifindex) {
		dev->mtu = netdev_mtu(dev->name);
		return false;
	}
	if (dev) {
		log_warn(b->v->log, LOG_DP, "VNI %u: port %s is gone", b->vni, p->label);
		detach(p);
		changed = true;
	}
	dev = netdev_find(b->v, p->name);
	if (dev && dev->ifindex != ifindex)
		return changed; /* another port's, which has not looked yet: next time */
	if (!dev && (ifindex || p->tap))
		dev = netdev_open(b->v, p->name, p->tap, &err);
	if (!dev) {
		say_problem(b, p, err);
		return changed;
	}
	attach(p, dev);
	return true;
}

bool ports_check(struct bridge *b)
{
	bool changed = false;

	for (uint32_t i = 0; i < b->ports->n; i++)
		changed |= check_port(b, b->ports->at[i]);
	return changed;
}

/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * The ports of VNIs. A port is there while its interface is: it is attached to that when it comes, and when it goes all
 * that was learned there goes, too. The list of a VNI's ports is what frames are flooded to.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#include "dataplane/vtep/vtep.h"

#define MADE_UP_IDS 0x40000000u /* no kernel counts its interfaces so far */

/* ---- the list ---------------------------------------------------------------------------------------------------- */

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
	free(p->netns);
	free(p->owner);
	free(p);
}

static char *copy(const char *text)
{
	return text ? xstrdup(text) : NULL;
}

static bool same_text(const char *a, const char *b)
{
	return !strcmp(a ? a : "", b ? b : "");
}

static void set_label(struct vport *p)
{
	char vlan[8] = "";

	if (p->vlan)
		snprintf(vlan, sizeof(vlan), ".%u", p->vlan);
	snprintf(p->label, sizeof(p->label), "%s%s%s%s", p->name, vlan, p->netns ? "@" : "", p->netns ? p->netns : "");
}

struct vport *port_add(struct bridge *b, const struct dp_port_params *params)
{
	struct vport *p = xcalloc(1, sizeof(*p));

	while (b->next_nr == SAID_TUNNEL || port_nr(b, b->next_nr))
		b->next_nr++;
	p->bridge = b;
	p->nr = b->next_nr++;
	p->vlan = params->vlan;
	p->tap = params->tap;
	p->c = traffic_new(b->v);
	p->talk = xcalloc(b->v->n_workers, sizeof(*p->talk));
	p->persist = params->persist;
	p->netns = copy(params->netns);
	p->owner = copy(params->owner);
	snprintf(p->name, sizeof(p->name), "%s", params->name);
	set_label(p);
	change_list(b, p, NULL);
	return p;
}

static bool is_port(const struct vport *p, const struct dp_port_params *params)
{
	return p->vlan == params->vlan && p->tap == params->tap && p->persist == params->persist &&
	       !strcmp(p->name, params->name) && same_text(p->netns, params->netns) &&
	       same_text(p->owner, params->owner);
}

static struct vport *find_configured(const struct bridge *b, const struct dp_port_params *p)
{
	for (uint32_t i = 0; i < b->ports->n; i++) {
		if (b->ports->at[i]->configured && is_port(b->ports->at[i], p))
			return b->ports->at[i];
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

/* ---- on an interface --------------------------------------------------------------------------------------------- */

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
	return p->vlan || dev->at != v->here ? MADE_UP_IDS + v->ids++ : dev->ifindex;
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

static void detach(struct vport *p, bool remove)
{
	struct netdev *dev = p->dev;

	learn_flush(p->bridge, p);
	publish(p, dev, NULL);
	__atomic_store_n(&p->dev, NULL, __ATOMIC_RELEASE);
	p->id = 0;
	if (!--dev->refs)
		netdev_close(dev, remove);
}

void port_del(struct vport *p)
{
	if (p->dev)
		detach(p, true);
	port_tell_host(p, false);
	if (p->near)
		place_put(p->near);
	change_list(p->bridge, NULL, p);
	vtep_retire(p, port_free);
}

void ports_detach(struct bridge *b, bool remove)
{
	for (uint32_t i = 0; i < b->ports->n; i++) {
		struct vport *p = b->ports->at[i];

		if (p->dev)
			detach(p, remove);
		port_tell_host(p, false);
		if (p->near)
			place_put(p->near);
	}
}

/* What would help. */
static const char *remedy(const struct vport *p, int err)
{
	if (err == -EACCES && p->tap)
		return "; a port that is an interface needs no such device";
	if (err != -EPERM || p->netns)
		return "";
	return p->tap ? "; a TAP takes CAP_NET_ADMIN, or a network namespace of our own user (netns)" :
			"; it takes CAP_NET_RAW, or a network namespace of our own user (netns)";
}

static void say_error(struct bridge *b, const struct vport *p, int err, const char *step)
{
	if (b->problem[0])
		return; /* the first is enough */
	if (err == -ENODEV)
		snprintf(b->problem, sizeof(b->problem), "port %s is missing", p->label);
	else
		snprintf(b->problem, sizeof(b->problem), "port %s: cannot %s: %s%s", p->label, step, strerror(-err),
			 remedy(p, err));
}

/* With a reference, or NULL and a problem. */
static struct place *place_of(struct bridge *b, const struct vport *p)
{
	char why[240], path[PATH_MAX];
	struct place *at;

	if (p->near)
		return place_ref(p->near);
	if (!p->netns)
		return place_ref(b->v->here);
	BUG_ON(!nsopen_path(p->netns, path, sizeof(path))); /* a line of the configuration is shorter */
	at = place_get(b->v, path, why, sizeof(why));
	if (!at && !b->problem[0])
		snprintf(b->problem, sizeof(b->problem), "port %s: %s", p->name, why);
	return at;
}

static bool attach_to(struct vport *p, struct place *at)
{
	struct bridge *b = p->bridge;
	struct netdev *dev = netdev_find(b->v, at, p->name);
	struct place_link link;
	const char *step = "";
	int err;

	if (dev && !netdev_there(dev))
		return false; /* another port's, which has not looked yet: next time */
	if (!dev) {
		err = p->tap ? 0 : place_link(at, p->name, &link);
		dev = err ? NULL : netdev_open(p, at, &err, &step);
	}
	if (dev)
		attach(p, dev);
	else
		say_error(b, p, err, step);
	return dev;
}

void port_tell_host(struct vport *p, bool there)
{
	struct bridge *b = p->bridge;
	struct dp_seen s = { .vni = b->dv,
			     .kind = DP_NEIGH,
			     .part = DP_SELF,
			     .state = there ? DP_SEEN_LOCAL : DP_SEEN_NONE,
			     .mac = p->host.mac,
			     .ip = p->host.ip };

	if (p->host.ip.len)
		dp_seen(b->v->d, &s);
}

/* Without a link nobody is behind the port, as a bridge has it: others must not send there. */
static void check_link(struct vport *p)
{
	struct bridge *b = p->bridge;

	if (p->silent == !p->dev->up)
		return;
	p->silent = !p->dev->up;
	log_info(b->v->log, LOG_DP, "VNI %u: port %s has %s link", b->vni, p->label, p->silent ? "no" : "a");
	if (p->silent)
		learn_flush(b, p);
}

static bool check_port(struct bridge *b, struct vport *p)
{
	bool changed = false;
	struct place *at;

	if (p->dev && netdev_there(p->dev)) {
		check_link(p);
		return false;
	}
	if (p->dev) {
		log_warn(b->v->log, LOG_DP, "VNI %u: port %s is gone", b->vni, p->label);
		detach(p, false);
		changed = true;
	}
	if (p->near && (changed || place_gone(p->near))) {
		port_del(p); /* the pair went with its container */
		return true;
	}
	at = place_of(b, p);
	if (!at)
		return changed;
	changed |= attach_to(p, at);
	place_put(at);
	return changed;
}

bool ports_check(struct bridge *b)
{
	bool changed = false;

	for (uint32_t i = b->ports->n; i--;) /* the list changes under way, behind i */
		changed |= check_port(b, b->ports->at[i]);
	return changed;
}

/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * The devices of a VNI. A check looks at what there is and goes one way through: missing ones are
 * made, those that are there are adopted when they say the same as the configuration, each is set
 * up once (up, in the bridge, port flags), and what is found otherwise after that is another hand's
 * will: it is told, not undone. Checks follow from events; they are cheap and can be repeated.
 */
#include "dataplane/kernel.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define APP_PROBES 1u /* a second before the host asks the others itself */

/* ---- what wants a look ------------------------------------------------------------------------------------------ */

void kernel_dev_want(struct kernel *k, struct kvni *v)
{
	if (!v)
		return;
	v->check = true;
	k->check = true;
}

static void touch_name(struct kernel *k, const struct klink *l)
{
	struct kname *n;
	struct kuse *u;

	if (!l->name[0])
		return;
	HASH_FIND(hh, k->names, l->name, strlen(l->name), n);
	if (!n)
		return;
	list_for_each(u, &n->users, list)
		kernel_dev_want(k, u->v);
}

void kernel_dev_touch(struct kernel *k, const struct klink *l)
{
	struct klink *below = kernel_link_find(k, l->vlan ? l->lower : l->master);

	touch_name(k, l);
	kernel_dev_want(k, l->used_by);
	if (below)
		touch_name(k, below);
	if ((unsigned)l->ifindex == k->underlay.ifindex)
		kernel_dev_check_all(k);
}

void kernel_dev_check_all(struct kernel *k)
{
	struct kvni *v;

	list_for_each(v, &k->vnis, list)
		v->check = true;
	k->check = true;
}

struct mtime kernel_dev_next(const struct kernel *k)
{
	struct mtime next = MTIME_NEVER;
	struct kvni *v;

	list_for_each(v, &k->vnis, list) {
		if (v->waits && mtime_before(v->not_before, next))
			next = v->not_before;
	}
	return next;
}

unsigned kernel_neigh_ifindex(const struct kvni *v)
{
	return v->vlan ? v->neigh_ifindex : v->bridge[0] ? v->bridge_ifindex : v->vxlan_ifindex;
}

/* ---- problems: the first one counts ------------------------------------------------------------------------------ */

static void say(struct kernel *k, struct kvni *v)
{
	if (!strcmp(v->problem, v->logged))
		return;
	dp_note(k->d, v->vni, v->problem[0] ? HISTORY_ALTERED : HISTORY_RESTORED,
		v->problem[0] ? v->problem : v->vxlan);
	if (v->problem[0])
		log_warn(k->log, LOG_DP, "VNI %u: %s", v->vni, v->problem);
	else
		log_info(k->log, LOG_DP, "VNI %u: %s is as it should be again", v->vni, v->vxlan);
	memcpy(v->logged, v->problem, sizeof(v->logged));
}

static void later(struct kernel *k, struct kvni *v, int64_t ms)
{
	v->not_before = mtime_add_ms(loop_now(k->loop), ms);
}

/* A request failed; things may be better later. */
static void failed(struct kernel *k, struct kvni *v)
{
	kernel_dev_problem(v, "%s", k->why);
	memcpy(v->why, k->why, sizeof(v->why));
	later(k, v, KERNEL_DEV_RETRY_MS);
	v->waits = true;
}

static bool may_make(struct kernel *k, struct kvni *v)
{
	if (!mtime_before(loop_now(k->loop), v->not_before)) {
		v->why[0] = '\0';
		return true;
	}
	v->waits = true;
	if (v->why[0])
		kernel_dev_problem(v, "%s", v->why);
	return false;
}

/* ---- ports ------------------------------------------------------------------------------------------------------- */

/* Into the bridge, where it gets no VLAN but ours. */
static int put_into(struct kernel *k, const struct kvni *v, const struct klink *l, const struct klink *br)
{
	int err = l->master ? 0 : kernel_set_master(k, l, (unsigned)br->ifindex);

	if (!err && !l->master && v->vlan && br->default_vlan && br->default_vlan != v->vlan)
		kernel_vlan_leave(k, l, br->default_vlan);
	return err;
}

/* A port that is new here is put into the bridge; where it goes after that is another hand's will. */
static void join(struct kernel *k, struct kvni *v, struct kport *p, const struct klink *l, const struct klink *br)
{
	if (l->master && l->master != (unsigned)br->ifindex) {
		struct klink *other = kernel_link_find(k, l->master);

		kernel_dev_problem(v, "port %s is in %s, expected %s", p->name, other ? other->name : "another bridge",
				   br->name);
		return;
	}
	if (put_into(k, v, l, br) || (v->vlan && kernel_vlan_join(k, l, v->vlan, p->tagged)) ||
	    (!(l->flags & IFF_UP) && kernel_set_up(k, l))) {
		failed(k, v);
		return;
	}
	p->configured = (unsigned)l->ifindex;
	kernel_link_refresh(k, p->name);
}

static struct klink *make_port(struct kernel *k, struct kvni *v, const struct kport *p)
{
	struct klink *parent = p->vlan ? kernel_link_named(k, p->parent) : NULL;
	int err;

	if (!p->tap && !parent) {
		kernel_dev_problem(v, "port %s is missing", p->parent);
		return NULL;
	}
	if (!may_make(k, v))
		return NULL;
	kernel_bury_named(k, p->name);
	err = p->tap ? kernel_make_tap(k, p->name) : kernel_make_vlan(k, p->name, parent, p->vlan);
	if (!err && parent && !(parent->flags & IFF_UP))
		err = kernel_set_up(k, parent);
	if (err)
		failed(k, v);
	else
		log_info(k->log, LOG_DP, "VNI %u: made %s", v->vni, p->name);
	return kernel_link_refresh(k, p->name);
}

static void check_port(struct kernel *k, struct kvni *v, struct kport *p, const struct klink *br)
{
	struct klink *l = kernel_link_named(k, p->name);

	if (!l && kernel_port_ours(p))
		l = make_port(k, v, p);
	if (!l) {
		kernel_dev_problem(v, "port %s is missing", p->name);
		return;
	}
	if (p->configured != (unsigned)l->ifindex)
		join(k, v, p, l, br);
	else if (l->master != (unsigned)br->ifindex)
		kernel_dev_problem(v, "port %s has been taken out of %s", p->name, br->name);
	else if (v->vlan && !kernel_member_in(l, v->vlan))
		kernel_dev_problem(v, "port %s has been taken out of VLAN %u of %s", p->name, v->vlan, br->name);
}

/* ---- bridge ------------------------------------------------------------------------------------------------------ */

/* True when v may have the device, or its part of it. */
static bool claim(struct kvni *v, struct klink *l)
{
	const struct kvni *holder = kernel_claim(v, l);

	if (holder != v && v->vlan)
		kernel_dev_problem(v, "VLAN %u of %s is used by VNI %u", v->vlan, l->name, holder->vni);
	else if (holder != v)
		kernel_dev_problem(v, "%s is used by VNI %u", l->name, holder->vni);
	return holder == v;
}

/* The device that we have set up, when another hand has given it another name; of this one there is to be no second. */
static const struct klink *renamed(const struct kernel *k, const struct kvni *v, int which)
{
	const struct klink *l = v->configured[which] ? kernel_link_find(k, v->configured[which]) : NULL;

	return l && !l->condemned && strcmp(l->name, which == CONFIGURED_BRIDGE ? v->bridge : v->vxlan) ? l : NULL;
}

static struct klink *make(struct kernel *k, struct kvni *v, const char *name, bool bridge)
{
	const struct klink *was = renamed(k, v, bridge ? CONFIGURED_BRIDGE : CONFIGURED_VXLAN);
	bool guess = false;
	unsigned mtu = bridge ? 0 : kernel_dev_fitting_mtu(k, v, &guess);
	int err;

	if (was) {
		kernel_dev_problem(v, "%s is called %s now", name, was->name);
		return NULL;
	}
	if (!may_make(k, v)) {
		kernel_dev_problem(v, "%s is missing", name);
		return NULL;
	}
	kernel_bury_named(k, name);
	err = bridge ? kernel_make_bridge(k, v) : kernel_make_vxlan(k, v, mtu);
	if (err) {
		failed(k, v);
		return NULL;
	}
	if (bridge) {
		log_info(k->log, LOG_DP, "VNI %u: made bridge %s", v->vni, name);
	} else {
		v->mtu_guessed = guess;
		log_info(k->log, LOG_DP, "VNI %u: made vxlan device %s, local %s, port %u, MTU %u", v->vni, name,
			 ip_str(&v->vtep).s, v->udp_port, mtu);
	}
	dp_note(k->d, v->vni, HISTORY_MADE, name);
	return kernel_link_refresh(k, name);
}

/* As Docker has it, and with its rules a bridge forwards ARP and nothing else: said once. */
static void tell_filters(struct kernel *k, const struct klink *br)
{
	if (k->told_filters || !kernel_host_filters_bridges())
		return;
	k->told_filters = true;
	log_warn(k->log, LOG_DP,
		 "%s: what bridges forward goes through iptables here (net.bridge.bridge-nf-call-iptables is 1): "
		 "its FORWARD chain has to accept it, or that has to be 0",
		 br->name);
}

/* One of our own makes learns no more than the VNI may have. Kernels before 6.7 do not know of it, and say nothing. */
static void bound(struct kernel *k, struct kvni *v, const struct klink *l)
{
	unsigned ifindex = (unsigned)l->ifindex;

	if (!l->made || v->vlan || (v->bounded.ifindex == ifindex && v->bounded.limit == v->mac_limit))
		return;
	if (l->max_learned != v->mac_limit && kernel_set_max_learned(k, l, v->mac_limit))
		log_warn(k->log, LOG_DP, "VNI %u: %s", v->vni, k->why);
	v->bounded.ifindex = ifindex;
	v->bounded.limit = v->mac_limit;
	kernel_link_refresh(k, v->bridge);
}

static struct klink *check_bridge(struct kernel *k, struct kvni *v)
{
	struct klink *l = kernel_link_named(k, v->bridge);

	v->bridge_state = DP_DEV_MISSING;
	if (!l)
		l = make(k, v, v->bridge, true);
	if (!l)
		return NULL;
	v->bridge_state = DP_DEV_CONFLICT;
	if (l->kind != KLINK_BRIDGE) {
		kernel_dev_problem(v, "%s is there and no bridge", l->name);
		return NULL;
	}
	if (v->vlan && !l->vlan_aware) /* while it is down the kernel does not tell of a change */
		l = kernel_link_refresh(k, v->bridge);
	if (!l)
		return NULL;
	if (v->vlan && !l->vlan_aware) {
		later(k, v, KERNEL_DEV_RETRY_MS);
		v->waits = true;
		kernel_dev_problem(v, "%s is not VLAN-aware, expected vlan_filtering 1 for VLAN %u", l->name, v->vlan);
		return NULL;
	}
	if (!claim(v, l))
		return NULL;
	v->bridge_state = l->made ? DP_DEV_MADE : DP_DEV_ADOPTED;
	if (v->configured[CONFIGURED_BRIDGE] != (unsigned)l->ifindex) {
		if (!(l->flags & IFF_UP) && kernel_set_up(k, l)) {
			failed(k, v);
			return NULL;
		}
		v->configured[CONFIGURED_BRIDGE] = (unsigned)l->ifindex;
		tell_filters(k, l);
		/* Another bridge than before has none of its ports. */
		v->configured[CONFIGURED_VXLAN] = 0;
		for (size_t i = 0; i < v->n_ports; i++)
			v->ports[i].configured = 0;
		l = kernel_link_refresh(k, v->bridge);
	}
	if (l)
		bound(k, v, l);
	return l;
}

/* ---- vxlan ------------------------------------------------------------------------------------------------------- */

/* Once for each device. */
static int configure_vxlan(struct kernel *k, struct kvni *v, const struct klink *l, const struct klink *br)
{
	int err = 0;

	if (br)
		err = put_into(k, v, l, br);
	if (!err && br)
		err = kernel_set_port(k, l, v);
	if (!err && v->vlan && !v->external)
		err = kernel_vlan_join(k, l, v->vlan, false);
	if (!err && v->external && l->vnifilter)
		err = kernel_vni_filter(k, l, v->vni, true);
	if (!err && v->external)
		err = kernel_vlan_map(k, l, v->vlan, v->vni);
	if (!err && (v->learn != l->vxlan_learning || !ip_eq(&v->group, &l->flood_group) || v->ageing))
		err = kernel_vni_set_learning(k, v, l, v);
	if (!err && v->miss_macs && !br)
		err = kernel_set_app_probes(k, l, APP_PROBES);
	if (!err && !(l->flags & IFF_UP))
		err = kernel_set_up(k, l);
	if (!err)
		v->configured[CONFIGURED_VXLAN] = (unsigned)l->ifindex;
	return err;
}

static struct klink *check_vxlan(struct kernel *k, struct kvni *v, const struct klink *br)
{
	struct klink *l = kernel_link_named(k, v->vxlan);

	v->vxlan_state = DP_DEV_MISSING;
	v->external = v->vlan && (l ? l->external : kernel_vni_named_beside(k, v, v->vxlan));
	if (l && kernel_dev_outdated(k, v, l)) {
		kernel_unclaim(v, l);
		kernel_condemn(k, l);
		l = NULL;
	}
	if (!l && (br || !v->bridge[0]))
		l = make(k, v, v->vxlan, false);
	if (!l)
		return NULL;
	v->vxlan_state = DP_DEV_CONFLICT;
	if (!kernel_dev_consistent(l, v) || !claim(v, l))
		return NULL;
	if (v->configured[CONFIGURED_VXLAN] != (unsigned)l->ifindex) {
		if (br && l->master && l->master != (unsigned)br->ifindex) {
			struct klink *other = kernel_link_find(k, l->master);

			kernel_dev_problem(v, "%s is in %s, expected %s", l->name,
					   other ? other->name : "another bridge", br->name);
			return NULL;
		}
		if (configure_vxlan(k, v, l, br)) {
			failed(k, v);
			return NULL;
		}
		l = kernel_link_refresh(k, v->vxlan);
	}
	if (l)
		v->vxlan_state = l->made ? DP_DEV_MADE : DP_DEV_ADOPTED;
	return l;
}

/* The device on the bridge for the neighbours of a VLAN: one that is there, of whatever name, or ours. */
static void check_neighbours(struct kernel *k, struct kvni *v, const struct klink *br)
{
	struct klink *l = kernel_vlan_upper(k, br, v->vlan);

	if (!l && v->neighbours[0] && v->suppress && may_make(k, v)) {
		kernel_bury_named(k, v->neighbours);
		if (kernel_vlan_join(k, br, v->vlan, true) || kernel_make_vlan(k, v->neighbours, br, v->vlan))
			failed(k, v);
		else
			l = kernel_link_refresh(k, v->neighbours);
	}
	if (l && l->made && v->neigh_ifindex != (unsigned)l->ifindex && !(l->flags & IFF_UP)) {
		if (kernel_set_up(k, l))
			failed(k, v);
		l = kernel_link_refresh(k, l->name);
	}
	if (!l && v->suppress)
		kernel_dev_problem(v,
				   "no VLAN device on %s for the neighbours of VLAN %u: none of them is answered for",
				   br->name, v->vlan);
	if (l && v->suppress && !(l->flags & IFF_UP) && v->neigh_ifindex == (unsigned)l->ifindex)
		kernel_dev_problem(v, "%s is down: no neighbour of VLAN %u is answered for", l->name, v->vlan);
	if (v->neigh_ifindex != (l ? (unsigned)l->ifindex : 0)) {
		v->neigh_ifindex = l ? (unsigned)l->ifindex : 0;
		if (v->vxlan_ifindex && !v->unread)
			v->bridge_ifindex = 0; /* all of it is looked at anew */
	}
}

/* ---- the check --------------------------------------------------------------------------------------------------- */

static bool read_failed(struct kernel *k, struct kvni *v, int err)
{
	if (!err)
		return false;
	kernel_dev_problem(v, "what is on %s cannot be read: %s", v->vxlan, strerror(-err));
	v->bridge_ifindex = v->vxlan_ifindex = 0;
	later(k, v, KERNEL_DEV_RETRY_MS);
	v->waits = true;
	return true;
}

/* dp learns anew what is on devices that are others than it knew. */
static void follow_devices(struct kernel *k, struct kvni *v, const struct klink *br, const struct klink *vx)
{
	unsigned b = br ? (unsigned)br->ifindex : 0, x = vx ? (unsigned)vx->ifindex : 0;
	int err;

	if (v->bridge_ifindex == b && v->vxlan_ifindex == x)
		return;
	kernel_read_stop(k, v);
	if (v->bridge_ifindex || v->vxlan_ifindex)
		dp_vni_forget(k->d, v->v);
	v->stranger.words[0] = '\0';
	v->ready = v->unread = false;
	v->bridge_ifindex = b;
	v->vxlan_ifindex = x;
	kernel_carry_forget(v);
	if (!x || (v->bridge[0] && !b))
		return;
	if (v->vlan) {
		v->unread = true;
		return;
	}
	err = kernel_dump_vni_neighbours(k, v);
	if (!err)
		err = kernel_read_rows(k, v);
	if (read_failed(k, v, err))
		v->usable = false;
}

static void set_ready(struct kernel *k, struct kvni *v)
{
	bool ready = v->usable && !v->unread;

	say(k, v);
	if (ready == v->ready)
		return;
	v->ready = ready;
	dp_vni_ready(k->d, v->v, ready);
}

/* The rows of a bridge that VNIs share are read once for all of them. */
static void read_shared(struct kernel *k, unsigned bridge)
{
	struct kvni *v;
	int err = 0;

	list_for_each(v, &k->vnis, list) {
		if (v->unread && v->bridge_ifindex == bridge && !err)
			err = kernel_dump_vni_neighbours(k, v);
	}
	list_for_each(v, &k->vnis, list) {
		if (!v->unread || v->bridge_ifindex != bridge)
			continue;
		if (!err)
			err = kernel_dump_rows(k, v, false);
		break;
	}
	list_for_each(v, &k->vnis, list) {
		if (!v->unread || v->bridge_ifindex != bridge)
			continue;
		v->unread = false;
		if (read_failed(k, v, err))
			v->usable = false;
		set_ready(k, v);
	}
}

/* A device that was there gets a moment for whoever replaces it. */
static void vanished(struct kernel *k, struct kvni *v, int which)
{
	log_warn(k->log, LOG_DP, "VNI %u: %s has vanished", v->vni, which == CONFIGURED_BRIDGE ? v->bridge : v->vxlan);
	dp_note(k->d, v->vni, HISTORY_GONE, which == CONFIGURED_BRIDGE ? v->bridge : v->vxlan);
	v->configured[which] = 0;
	later(k, v, KERNEL_COME_BACK_MS);
}

static void note_vanished(struct kernel *k, struct kvni *v)
{
	const char *name[] = { v->bridge, v->vxlan };

	for (int i = 0; i < 2; i++)
		if (v->configured[i] && !kernel_link_named(k, name[i]) && !renamed(k, v, i))
			vanished(k, v, i);
}

void kernel_dev_vanished(struct kernel *k, const struct klink *l)
{
	unsigned ifindex = (unsigned)l->ifindex;
	struct kname *n;
	struct kuse *u;

	HASH_FIND(hh, k->names, l->name, strlen(l->name), n);
	if (!n)
		return;
	list_for_each(u, &n->users, list) {
		for (int i = 0; i < 2; i++)
			if (u->v->configured[i] == ifindex)
				vanished(k, u->v, i);
		for (size_t p = 0; p < u->v->n_ports; p++)
			if (u->v->ports[p].configured == ifindex)
				u->v->ports[p].configured = 0;
	}
}

static void check(struct kernel *k, struct kvni *v)
{
	struct klink *br = NULL, *vx;

	v->check = v->waits = false;
	v->problem[0] = '\0';
	note_vanished(k, v);
	if (v->bridge[0])
		br = check_bridge(k, v);
	vx = check_vxlan(k, v, br);
	for (size_t i = 0; br && i < v->n_ports; i++)
		check_port(k, v, &v->ports[i], br);
	if (br && v->vlan)
		check_neighbours(k, v, br);
	kernel_member_update(k); /* what has been set up now */
	kernel_hold_check(k, v, vx && vx->master ? br : NULL);
	v->usable = kernel_dev_usable(v, br, vx);
	if (vx)
		kernel_dev_watch(k, v, br, vx);
	follow_devices(k, v, br, vx);
	set_ready(k, v);
}

void kernel_dev_check(struct kernel *k, int64_t until)
{
	struct kvni *v;

	k->check = false;
	kernel_member_update(k);
	list_for_each(v, &k->vnis, list) {
		if (!v->check && !(v->waits && !mtime_before(loop_now(k->loop), v->not_before)))
			continue;
		if (kernel_clock_us() > until) { /* devices take milliseconds each: others have a turn, too */
			k->check = true;
			dp_kick(k->d);
			return;
		}
		check(k, v);
		k->snoop_dirty = true;
	}
	list_for_each(v, &k->vnis, list) {
		if (v->unread)
			read_shared(k, v->bridge_ifindex);
	}
}

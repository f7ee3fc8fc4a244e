/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * What of a VNI's devices is not as it should be. It is read from what links have told,
 * and said in the VNI's problem, the first one found; nothing is changed here but an MTU
 * that had been guessed. What is made and set up is kernel_dev.c's.
 */
#include "dataplane/kernel.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define OVERHEAD_V4 50u /* Ethernet 14, IPv4 20, UDP 8, VXLAN 8 (RFC 7348 5) */
#define OVERHEAD_V6 70u
#define USUAL_MTU 1500u

void kernel_dev_problem(struct kvni *v, const char *fmt, ...)
{
	va_list ap;

	if (v->problem[0])
		return;
	va_start(ap, fmt);
	vsnprintf(v->problem, sizeof(v->problem), fmt, ap);
	va_end(ap);
}

/* ---- the underlay ------------------------------------------------------------------------------------------------ */

static void find_underlay(struct kernel *k, const struct kvni *v)
{
	if (k->underlay.known && ip_eq(&k->underlay.vtep, &v->vtep))
		return;
	k->underlay.vtep = v->vtep;
	kernel_find_underlay(k, &v->vtep, &k->underlay.ifindex, &k->underlay.here);
	k->underlay.known = true;
}

struct klink *kernel_dev_underlay(struct kernel *k, const struct kvni *v)
{
	if (v->underlay[0])
		return kernel_link_named(k, v->underlay);
	find_underlay(k, v);
	return k->underlay.ifindex ? kernel_link_find(k, k->underlay.ifindex) : NULL;
}

unsigned kernel_dev_fitting_mtu(struct kernel *k, const struct kvni *v, bool *guess)
{
	struct klink *u = kernel_dev_underlay(k, v);

	*guess = !u || u->flags & IFF_LOOPBACK;
	return (*guess ? USUAL_MTU : u->mtu) - (v->vtep.len == 4 ? OVERHEAD_V4 : OVERHEAD_V6);
}

unsigned kernel_dev_mtu(struct kernel *k, const struct kvni *v)
{
	bool guess;
	unsigned fits = kernel_dev_fitting_mtu(k, v, &guess);

	return guess ? 0 : fits;
}

/* ---- may it be used? --------------------------------------------------------------------------------------------- */

/* What of it is not the VNI's, in a sentence; empty when it can be used. */
static void find_conflict(const struct klink *l, const struct kvni *v, char text[static KERNEL_WORDS])
{
	text[0] = '\0';
	if (l->kind != KLINK_VXLAN)
		snprintf(text, KERNEL_WORDS, "%s is there and no vxlan device", l->name);
	else if (l->external && !v->vlan)
		snprintf(text, KERNEL_WORDS, "%s is an external vxlan device, expected one of VNI %u, or a vlan",
			 l->name, v->vni);
	else if (v->external && !l->external)
		snprintf(text, KERNEL_WORDS, "%s is of VNI %u, expected an external one for several", l->name, l->vni);
	else if (!l->external && l->vni != v->vni)
		snprintf(text, KERNEL_WORDS, "%s has VNI %u, expected %u", l->name, l->vni, v->vni);
	else if (!ip_eq(&l->local, &v->vtep))
		snprintf(text, KERNEL_WORDS, "%s has %s%s, expected %s", l->name,
			 l->local.len ? "local address " : "no local address", ip_str(&l->local).s, ip_str(&v->vtep).s);
	else if (l->udp_port != v->udp_port)
		snprintf(text, KERNEL_WORDS, "%s has UDP port %u, expected %u", l->name, l->udp_port, v->udp_port);
	else if (!l->made && l->flood_group.len && !ip_eq(&l->flood_group, &v->group))
		snprintf(text, KERNEL_WORDS, "%s floods to %s, expected %s", l->name, ip_str(&l->flood_group).s,
			 v->group.len ? ip_str(&v->group).s : "no default destination");
}

bool kernel_dev_consistent(const struct klink *l, struct kvni *v)
{
	char text[KERNEL_WORDS];

	find_conflict(l, v, text);
	if (text[0])
		kernel_dev_problem(v, "%s", text);
	return !text[0];
}

bool kernel_dev_outdated(const struct kernel *k, const struct kvni *v, const struct klink *l)
{
	char text[KERNEL_WORDS];

	if (l->kind != KLINK_VXLAN || !l->made || l->external || v->external ||
	    v->configured[CONFIGURED_VXLAN] == (unsigned)l->ifindex || (l->used_by && l->used_by != v) ||
	    kernel_vni_named_beside(k, v, l->name))
		return false;
	find_conflict(l, v, text);
	return text[0] || kernel_vni_needs_another(v, l);
}

static bool is_up(const struct klink *l, struct kvni *v)
{
	if (l->flags & IFF_UP)
		return true;
	kernel_dev_problem(v, "%s is down", l->name);
	return false;
}

/* Frames of the VLAN get to the vxlan device, and there to the VNI. */
static bool is_mapped(struct kvni *v, const struct klink *br, const struct klink *vx)
{
	uint32_t vni = kernel_member_vni(vx, v->vlan);

	if (!kernel_member_in(vx, v->vlan))
		kernel_dev_problem(v, "%s is not in VLAN %u of %s", vx->name, v->vlan, br->name);
	else if (v->external && vx->member && !vni)
		kernel_dev_problem(v, "%s has VLAN %u mapped to no VNI, expected %u", vx->name, v->vlan, v->vni);
	else if (v->external && vx->member && vni != v->vni)
		kernel_dev_problem(v, "%s has VLAN %u mapped to VNI %u, expected %u", vx->name, v->vlan, vni, v->vni);
	else if (v->external && !kernel_member_takes(vx, v->vni))
		kernel_dev_problem(v, "%s has a filter that lets no packets of VNI %u in", vx->name, v->vni);
	else
		return true;
	return false;
}

bool kernel_dev_usable(struct kvni *v, const struct klink *br, const struct klink *vx)
{
	bool ok;

	if (!vx || (v->bridge[0] && !br))
		return false;
	ok = (!br || is_up(br, v)) & is_up(vx, v);
	if (br && vx->master != (unsigned)br->ifindex) {
		kernel_dev_problem(v, "%s is not in %s", vx->name, br->name);
		ok = false;
	} else if (br && v->vlan) {
		ok &= is_mapped(v, br, vx);
	}
	return ok;
}

/* ---- is it as it should be? -------------------------------------------------------------------------------------- */

static void watch_underlay(struct kernel *k, struct kvni *v, const struct klink *vx)
{
	bool guess;
	unsigned fits = kernel_dev_fitting_mtu(k, v, &guess);

	if (v->mtu_guessed && !guess) {
		v->mtu_guessed = false;
		if (vx->mtu != fits && !kernel_set_mtu(k, vx, fits))
			return;
	}
	if (v->underlay[0] && !kernel_link_named(k, v->underlay))
		kernel_dev_problem(v, "underlay %s is missing", v->underlay);
	find_underlay(k, v);
	if (!k->underlay.here)
		kernel_dev_problem(v, "%s is not an address of this host", ip_str(&v->vtep).s);
	if (!guess && vx->mtu > fits)
		kernel_dev_problem(v, "%s has MTU %u, the underlay carries %u", vx->name, vx->mtu, fits);
}

static void watch_port(struct kvni *v, const struct klink *br, const struct klink *vx)
{
	if (vx->learning != v->learn)
		kernel_dev_problem(v, "%s %s as a port of %s, expected learning %s", vx->name,
			v->learn ? "does not learn MACs" : "learns MACs", br->name, v->learn ? "on" : "off");
	if (vx->suppress != v->suppress)
		kernel_dev_problem(v, "%s has neigh_suppress %s", vx->name, vx->suppress ? "on" : "off");
	if (vx->floods == v->drop_unknown)
		kernel_dev_problem(v, "%s has flood %s as a port of %s", vx->name, vx->floods ? "on" : "off", br->name);
}

void kernel_dev_watch(struct kernel *k, struct kvni *v, const struct klink *br, const struct klink *vx)
{
	if (br && br->vlan_aware && !v->vlan)
		kernel_dev_problem(v, "%s is VLAN-aware, rows are written for all of its VLANs", br->name);
	if (vx->vxlan_learning != v->learn)
		kernel_dev_problem(v, "%s %s, expected %s", vx->name,
			v->learn ? "does not learn MACs from the underlay" : "learns MACs from the underlay",
			v->learn ? "learning" : "nolearning");
	if (v->miss_macs && !vx->l2miss)
		kernel_dev_problem(v, "%s does not tell of MACs without a row, expected l2miss", vx->name);
	if (vx->l3miss != v->miss_ips || vx->proxy != v->miss_ips)
		kernel_dev_problem(v, "%s has %s and %s, expected %s", vx->name, vx->proxy ? "proxy" : "noproxy",
				   vx->l3miss ? "l3miss" : "nol3miss",
				   v->miss_ips ? "both proxy and l3miss" : "neither");
	if (vx->rsc != v->rsc)
		kernel_dev_problem(v, "%s has %s, expected %s", vx->name, vx->rsc ? "rsc" : "norsc",
				   v->rsc ? "rsc" : "norsc");
	if (!ip_eq(&vx->flood_group, &v->group))
		kernel_dev_problem(v, "%s floods to %s, expected %s", vx->name,
				   vx->flood_group.len ? ip_str(&vx->flood_group).s : "no group",
				   v->group.len ? ip_str(&v->group).s : "none");
	if (br && vx->master == (unsigned)br->ifindex)
		watch_port(v, br, vx);
	watch_underlay(k, v, vx);
	if (v->stranger.words[0])
		kernel_dev_problem(v, "%s: %s", vx->name, v->stranger.words);
}

/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/* The doctor's look at the way to other VTEPs: our address, the devices, routes, neighbours, the UDP port. */
#include <errno.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <string.h>

#include "cmd/doctor.h"

#define PATHS_A_SLICE 16u

/* ---- our address ------------------------------------------------------------------------------------------------- */

bool doctor_vtep_address(struct doctor *x)
{
	const struct ip *vtep = &x->config->vtep;
	struct doctor_finding *f;

	if (lookup_is_own(&x->s, vtep))
		return false;
	f = doctor_find(x, DOCTOR_ERROR, "vtep-address",
			"%s, the VTEP address, is on no interface of this host that is up", ip_str(vtep).s);
	doctor_why(f, "packets to it do not arrive, and none leave with it: no VNI works");
	doctor_command(f, "ip address add %s/%u dev lo, or the right vtep: in the configuration", ip_str(vtep).s,
		       vtep->len * 8);
	return false;
}

static void look_at_underlay(struct doctor *x, const char *name, uint32_t vni)
{
	const struct lookup_link *l = doctor_link(x, name);
	struct doctor_finding *f;

	if (l && l->flags & IFF_UP && l->carrier)
		return;
	f = doctor_find(x, DOCTOR_ERROR, "underlay-down", "the underlay %s %s", name,
			!l		  ? "is not there" :
			l->flags & IFF_UP ? "has no carrier" :
					    "is down");
	doctor_about(f, vni, name);
	doctor_why(f, "packets to other VTEPs leave by it");
	if (l)
		doctor_command(f, l->flags & IFF_UP ? "look at the cable or the other end of %s" : "ip link set %s up",
			       name);
	else
		doctor_command(f, "the right underlay: in the configuration, or the interface");
}

static void look_at_own_underlay(struct doctor *x, const struct config_vni *v)
{
	const struct lookup_link *l;

	if (v->underlay)
		look_at_underlay(x, v->underlay, v->vni);
	if (v != x->config->vnis)
		return;
	l = doctor_underlay(x, NULL);
	if (x->config->underlay)
		look_at_underlay(x, x->config->underlay, 0);
	else if (l && !(l->flags & IFF_LOOPBACK))
		look_at_underlay(x, l->name, 0);
}

bool doctor_underlays(struct doctor *x)
{
	return doctor_each_vni(x, look_at_own_underlay);
}

static bool lacks_ipv6(const struct doctor *x, const char *device)
{
	char path[96];

	snprintf(path, sizeof(path), "sys/net/ipv6/conf/%s/disable_ipv6", device);
	return doctor_number(x, path, 0) == 1;
}

/* Where it is switched off addresses are gone, too: so it counts only while ours is missing. */
bool doctor_ipv6(struct doctor *x)
{
	const char *device = lacks_ipv6(x, "all") ? "all" : NULL;
	struct doctor_finding *f;

	if (x->config->vtep.len != 16 || lookup_is_own(&x->s, &x->config->vtep))
		return false;
	for (size_t i = 0; !device && i < x->n_links; i++)
		if (x->links[i].flags & IFF_UP && !x->links[i].master && lacks_ipv6(x, x->links[i].name))
			device = x->links[i].name;
	if (!device)
		return false;
	f = doctor_find(x, DOCTOR_ERROR, "ipv6-disabled",
			"IPv6 is switched off (disable_ipv6, %s), and the VTEP address is an IPv6 address", device);
	if (strcmp(device, "all"))
		doctor_about(f, 0, device);
	doctor_why(f, "an interface without IPv6 has no such address: no packet of the tunnels leaves or arrives");
	doctor_command(f, "sysctl -w net.ipv6.conf.%s.disable_ipv6=0, then the address again", device);
	return false;
}

/* ---- the way to others ------------------------------------------------------------------------------------------- */

static bool is_overlay(const struct doctor *x, const struct lookup_link *l)
{
	for (size_t i = 0; i < x->config->n_vnis; i++) {
		const struct config_vni *v = &x->config->vnis[i];

		if ((v->vxlan && !strcmp(v->vxlan, l->name)) || (v->bridge && !strcmp(v->bridge, l->name)))
			return true;
	}
	return false;
}

static void look_at_neighbour(struct doctor *x, const struct ip *vtep, const struct lookup_route *r,
			      const struct lookup_link *dev)
{
	struct ip hop = r->gateway.len ? r->gateway : *vtep;
	struct doctor_finding *f;
	struct lookup_neigh n;

	if (dev->flags & (IFF_NOARP | IFF_LOOPBACK | IFF_POINTOPOINT))
		return;
	lookup_neigh(&x->s, dev, &hop, &n);
	if (n.err || !(n.state & NUD_FAILED))
		return;
	f = doctor_find(x, DOCTOR_ERROR, "vtep-neighbour", "nobody answers for %s on %s: the VTEP %s cannot be reached",
			ip_str(&hop).s, dev->name, ip_str(vtep).s);
	doctor_about(f, 0, dev->name);
	doctor_why(f, "what is sent to its hosts is lost");
	doctor_command(f, "ping -I %s %s; is it up, and in the same network?", dev->name, ip_str(&hop).s);
}

static void look_at_path(struct doctor *x, const struct ip *vtep)
{
	const struct lookup_link *dev;
	struct doctor_finding *f;
	struct lookup_route r;

	lookup_route(&x->s, vtep, &x->config->vtep, &r);
	dev = r.err ? NULL : doctor_link_nr(x, r.ifindex);
	if (r.err) {
		f = doctor_find(x, DOCTOR_ERROR, "vtep-route", "there is no way to the VTEP %s: %s", ip_str(vtep).s,
				strerror(-r.err));
		doctor_why(f, "what is sent to its hosts is lost");
		doctor_command(f, "a route in the underlay; ip route get %s from %s", ip_str(vtep).s,
			       ip_str(&x->config->vtep).s);
	} else if (r.type == RTN_LOCAL) {
		f = doctor_find(x, DOCTOR_ERROR, "vtep-ours", "%s, a VTEP of others, is an address of this host",
				ip_str(vtep).s);
		doctor_why(f, "what is for its hosts ends here");
		doctor_command(f, "ip address show to %s; who announces it: evpnctl show rib", ip_str(vtep).s);
	} else if (dev && is_overlay(x, dev)) {
		f = doctor_find(x, DOCTOR_ERROR, "vtep-loop",
				"the way to the VTEP %s leads into the overlay itself, by %s", ip_str(vtep).s,
				dev->name);
		doctor_about(f, 0, dev->name);
		doctor_why(f, "the kernel drops packets that would go through their own tunnel");
		doctor_command(f, "a route by the underlay; now it is: %s", r.row);
	} else if (dev) {
		look_at_neighbour(x, vtep, &r, dev);
	}
}

bool doctor_paths(struct doctor *x)
{
	if (!lookup_is_own(&x->s, &x->config->vtep))
		return false; /* said already; with another address the answers would mislead */
	for (size_t end = x->at + PATHS_A_SLICE; x->at < x->n_vteps && x->at < end; x->at++)
		look_at_path(x, &x->vteps[x->at]);
	return x->at < x->n_vteps;
}

/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * The doctor's look at bridges, vxlan devices and ports. What is missing evpnd makes, so without a daemon that is no
 * finding; what is there and otherwise than the configuration has it is another hand's.
 */
#include <string.h>

#include "cmd/doctor.h"

#define OVERHEAD_V4 50u /* RFC 7348 5 */
#define OVERHEAD_V6 70u

static bool shared_with_earlier(const struct doctor *x, const struct config_vni *v, bool bridge)
{
	for (const struct config_vni *o = x->config->vnis; o < v; o++) {
		const char *a = bridge ? o->bridge : o->vxlan, *b = bridge ? v->bridge : v->vxlan;

		if (a && b && !strcmp(a, b))
			return true;
	}
	return false;
}

static bool learns(const struct config_vni *v)
{
	return v->mode == CONFIG_MODE_MULTICAST || v->mode == CONFIG_MODE_STATIC_FLOOD;
}

static bool suppresses(const struct config_vni *v)
{
	return v->mode == CONFIG_MODE_EVPN && v->arp_suppression;
}

/* ---- bridges ----------------------------------------------------------------------------------------------------- */

static void look_at_bridge(struct doctor *x, const struct config_vni *v)
{
	const struct lookup_link *l = doctor_link(x, v->bridge);
	struct doctor_finding *f;

	if (!v->bridge || shared_with_earlier(x, v, true))
		return;
	if (!l) {
		if (!x->d)
			return;
		f = doctor_find(x, DOCTOR_ERROR, "bridge-missing", "the bridge %s is not there", v->bridge);
		doctor_about(f, v->vni, v->bridge);
		doctor_why(f, "evpnd makes it when it is missing, so it was refused or it vanished a moment ago");
		doctor_command(f, "evpnctl show vni %u", v->vni);
	} else if (strcmp(l->kind, "bridge")) {
		f = doctor_find(x, DOCTOR_ERROR, "bridge-kind", "%s is there and no bridge%s%s", v->bridge,
				l->kind[0] ? " but of kind " : "", l->kind);
		doctor_about(f, v->vni, v->bridge);
		doctor_why(f, "VNI %u has no bridge to learn its hosts from", v->vni);
		doctor_command(f,
			       "another name for bridge: in the configuration, or: ip link set %s down && ip link set "
			       "%s name other",
			       v->bridge, v->bridge);
	} else if (v->vlan && !l->vlan_aware) {
		f = doctor_find(x, DOCTOR_ERROR, "bridge-no-vlans",
				"%s is not VLAN-aware, and VNI %u is to be VLAN %u of it", v->bridge, v->vni, v->vlan);
		doctor_about(f, v->vni, v->bridge);
		doctor_why(f, "the VNI waits for it; a kernel without VLAN filtering cannot have it");
		doctor_command(f, "ip link set %s type bridge vlan_filtering 1", v->bridge);
	} else if (!(l->flags & IFF_UP) && x->d) {
		f = doctor_find(x, DOCTOR_ERROR, "bridge-down", "the bridge %s is down", v->bridge);
		doctor_about(f, v->vni, v->bridge);
		doctor_why(f, "nothing is forwarded in VNI %u, and its hosts are withdrawn", v->vni);
		doctor_command(f, "ip link set %s up", v->bridge);
	} else if (!v->vlan && l->vlan_aware) {
		f = doctor_find(x, DOCTOR_WARNING, "bridge-vlans", "%s is VLAN-aware, and VNI %u has no vlan",
				v->bridge, v->vni);
		doctor_about(f, v->vni, v->bridge);
		doctor_why(f, "rows are written for every VLAN of it, and hosts in all of them count as in one");
		doctor_command(
			f, "vlan: N for the VNI in the configuration, or: ip link set %s type bridge vlan_filtering 0",
			v->bridge);
	}
}

bool doctor_bridges(struct doctor *x)
{
	return doctor_each_vni(x, look_at_bridge);
}

/* ---- vxlan devices ----------------------------------------------------------------------------------------------- */

/* What cannot be changed in place: the device goes, and evpnd makes it anew. */
static void wrong_device(struct doctor *x, const struct config_vni *v, const struct lookup_link *l)
{
	const struct lookup_vxlan *vx = &l->vxlan;
	struct doctor_finding *f = NULL;

	if (strcmp(l->kind, "vxlan")) {
		f = doctor_find(x, DOCTOR_ERROR, "vxlan-kind", "%s is there and no vxlan device%s%s", l->name,
				l->kind[0] ? " but of kind " : "", l->kind);
		doctor_about(f, v->vni, l->name);
	} else if (!vx->external && vx->vni != v->vni) {
		f = doctor_find(x, DOCTOR_ERROR, "vxlan-vni", "%s has VNI %u, expected %u", l->name, vx->vni, v->vni);
		doctor_about(f, v->vni, l->name);
	} else if (!vx->local.len) {
		f = doctor_find(x, DOCTOR_ERROR, "vxlan-local", "%s has no local address, expected %s", l->name,
				ip_str(&x->config->vtep).s);
		doctor_about(f, v->vni, l->name);
	} else if (!ip_eq(&vx->local, &x->config->vtep)) {
		f = doctor_find(x, DOCTOR_ERROR, "vxlan-local", "%s has the local address %s, expected %s", l->name,
				ip_str(&vx->local).s, ip_str(&x->config->vtep).s);
		doctor_about(f, v->vni, l->name);
	} else if (vx->port != v->vxlan_port) {
		f = doctor_find(x, DOCTOR_ERROR, "vxlan-port", "%s has UDP port %u, expected %u%s", l->name, vx->port,
				v->vxlan_port, vx->port == 8472 ? " (8472 is Linux's old default)" : "");
		doctor_about(f, v->vni, l->name);
	}
	if (!f)
		return;
	doctor_why(f,
		   "evpnd leaves a device alone that is another than the configuration says, so VNI %u does not work",
		   v->vni);
	doctor_command(f, "ip link del %s (evpnd makes it anew)", l->name);
}

static void look_at_learning(struct doctor *x, const struct config_vni *v, const struct lookup_link *l)
{
	const char *no = learns(v) ? "" : "no";
	struct doctor_finding *f;

	if (l->vxlan.learning != learns(v)) {
		f = doctor_find(x, DOCTOR_WARNING, "vxlan-learning",
				"%s %s MACs from packets of the underlay, expected %slearning", l->name,
				l->vxlan.learning ? "learns" : "does not learn", no);
		doctor_about(f, v->vni, l->name);
		doctor_why(
			f,
			learns(v)
				? "mode %s finds hosts by it"
				: "a host that moves stays where the device saw it last, against the routes (mode %s)",
			config_mode_name(v->mode));
		doctor_command(f, "ip link set %s type vxlan %slearning", l->name, no);
	}
	if (l->is_port && l->learning != learns(v)) {
		f = doctor_find(x, DOCTOR_WARNING, "port-learning",
				"the bridge %s MACs behind %s, expected learning %s",
				l->learning ? "learns" : "does not learn", l->name, learns(v) ? "on" : "off");
		doctor_about(f, v->vni, l->name);
		doctor_why(f, learns(v) ? "frames to hosts behind other VTEPs are flooded"
					: "what comes out of the tunnel makes rows that the routes know nothing of; it "
					  "is another switch than that of the vxlan device");
		doctor_command(f, "bridge link set dev %s learning %s", l->name, learns(v) ? "on" : "off");
	}
}

static void look_at_port(struct doctor *x, const struct config_vni *v, const struct lookup_link *l)
{
	const struct lookup_link *br = doctor_link(x, v->bridge), *other = doctor_link_nr(x, l->master);
	struct doctor_finding *f;

	if (br && l->master != br->ifindex && (x->d || l->master)) {
		f = doctor_find(x, DOCTOR_ERROR, "vxlan-bridge", "%s is in %s, expected %s", l->name,
				other ? other->name : "no bridge", v->bridge);
		doctor_about(f, v->vni, l->name);
		doctor_why(f, "frames of VNI %u do not get into its tunnel", v->vni);
		doctor_command(f, "ip link set %s master %s", l->name, v->bridge);
	} else if (br && l->is_port && suppresses(v) && !l->suppress && x->d) {
		f = doctor_find(x, DOCTOR_WARNING, "neigh-suppress", "neigh_suppress is off on %s", l->name);
		doctor_about(f, v->vni, l->name);
		doctor_why(f,
			   "every ARP and ND question of VNI %u goes to every VTEP, although evpnd knows the answers",
			   v->vni);
		doctor_command(f, "bridge link set dev %s neigh_suppress on", l->name);
	}
}

static void look_at_vxlan(struct doctor *x, const struct config_vni *v)
{
	const struct lookup_link *l = doctor_link(x, v->vxlan);
	unsigned before = x->n;
	struct doctor_finding *f;

	if (!v->vxlan || shared_with_earlier(x, v, false))
		return;
	if (!l) {
		if (!x->d)
			return;
		f = doctor_find(x, DOCTOR_ERROR, "vxlan-missing", "the vxlan device %s is not there", v->vxlan);
		doctor_about(f, v->vni, v->vxlan);
		doctor_why(f, "evpnd makes it when it is missing, so it was refused or it vanished a moment ago");
		doctor_command(f, "evpnctl show vni %u", v->vni);
		return;
	}
	wrong_device(x, v, l);
	if (x->n != before)
		return;
	if (!(l->flags & IFF_UP) && x->d) {
		f = doctor_find(x, DOCTOR_ERROR, "vxlan-down", "the vxlan device %s is down", l->name);
		doctor_about(f, v->vni, l->name);
		doctor_why(f, "VNI %u has no tunnel, and its hosts are withdrawn", v->vni);
		doctor_command(f, "ip link set %s up", l->name);
	}
	look_at_port(x, v, l);
	if (x->d) /* before, the daemon sets it up */
		look_at_learning(x, v, l);
}

bool doctor_vxlans(struct doctor *x)
{
	return doctor_each_vni(x, look_at_vxlan);
}

/* ---- ports ------------------------------------------------------------------------------------------------------- */

static void look_at_configured(struct doctor *x, const struct config_vni *v, const struct config_port *p)
{
	const struct lookup_link *l = doctor_link(x, p->name), *br = doctor_link(x, v->bridge),
				 *in = l ? doctor_link_nr(x, l->master) : NULL;
	struct doctor_finding *f;

	if (!l) {
		f = doctor_find(x, DOCTOR_WARNING, "port-missing", "the port %s is not there", p->name);
		doctor_about(f, v->vni, p->name);
		doctor_why(f, "its hosts are in no VNI until it comes");
		doctor_command(f, "ip link show; is the name right, is it in this network namespace?");
	} else if (x->config->dataplane == CONFIG_DP_KERNEL && !p->vlan && br && in && in != br) {
		f = doctor_find(x, DOCTOR_ERROR, "port-bridge", "the port %s is in %s, expected %s", p->name, in->name,
				v->bridge);
		doctor_about(f, v->vni, p->name);
		doctor_why(f, "evpnd does not take a port out of another's bridge");
		doctor_command(f, "ip link set %s master %s", p->name, v->bridge);
	} else if (x->config->dataplane == CONFIG_DP_KERNEL && !p->vlan && br && !in && x->d) {
		f = doctor_find(x, DOCTOR_ERROR, "port-bridge", "the port %s is in no bridge, expected %s", p->name,
				v->bridge);
		doctor_about(f, v->vni, p->name);
		doctor_why(f, "another hand has taken it out, and its hosts are cut off");
		doctor_command(f, "ip link set %s master %s, or: evpnctl repair --vni %u", p->name, v->bridge, v->vni);
	} else if (!(l->flags & IFF_UP) && x->d) {
		f = doctor_find(x, DOCTOR_ERROR, "port-down", "the port %s is down", p->name);
		doctor_about(f, v->vni, p->name);
		doctor_why(f, "its hosts are cut off");
		doctor_command(f, "ip link set %s up", p->name);
	}
}

static void look_at_ports(struct doctor *x, const struct config_vni *v)
{
	for (size_t p = 0; p < v->n_ports; p++)
		if (!v->ports[p].tap && !v->ports[p].netns)
			look_at_configured(x, v, &v->ports[p]);
}

bool doctor_ports(struct doctor *x)
{
	return doctor_each_vni(x, look_at_ports);
}

/* ---- MTU --------------------------------------------------------------------------------------------------------- */

static unsigned overhead(const struct doctor *x)
{
	return x->config->vtep.len == 4 ? OVERHEAD_V4 : OVERHEAD_V6;
}

static void look_at_port_mtu(struct doctor *x, const struct config_vni *v, const struct lookup_link *p, unsigned takes)
{
	struct doctor_finding *f = doctor_find(x, DOCTOR_WARNING, "mtu-port",
					       "hosts behind %s may send %u octets, and the tunnel of VNI %u takes %u",
					       p->name, p->mtu, v->vni, takes);

	doctor_about(f, v->vni, p->name);
	doctor_why(f, "the bridge drops what is larger, without a word: ping works, transfers hang");
	doctor_command(f, "ip link set %s mtu %u, and the same for its hosts; or an underlay with MTU %u", p->name,
		       takes, p->mtu + overhead(x));
}

static void look_at_mtu(struct doctor *x, const struct config_vni *v)
{
	const struct lookup_link *under = doctor_underlay(x, v), *vx = doctor_link(x, v->vxlan),
				 *br = vx ? doctor_link_nr(x, vx->master) : NULL;
	unsigned over = overhead(x), fits;
	struct doctor_finding *f;

	if (!vx || !under || under->flags & IFF_LOOPBACK || under->mtu <= over)
		return;
	fits = under->mtu - over;
	if (vx->mtu > fits) {
		f = doctor_find(x, DOCTOR_WARNING, "mtu-vxlan",
				"%s has MTU %u, and %s carries packets with %u in the tunnel", vx->name, vx->mtu,
				under->name, fits);
		doctor_about(f, v->vni, vx->name);
		doctor_why(f, "packets above %u octets are lost or cut into fragments: ping works, transfers hang",
			   fits);
		doctor_command(f, "ip link set %s mtu %u, or a larger MTU on %s and all of the underlay", vx->name,
			       fits, under->name);
		return;
	}
	for (size_t i = 0; br && i < x->n_links; i++) {
		const struct lookup_link *p = &x->links[i];

		if (p->master == br->ifindex && p != vx && strcmp(p->kind, "vxlan") && p->mtu > vx->mtu)
			look_at_port_mtu(x, v, p, vx->mtu);
	}
}

bool doctor_mtu(struct doctor *x)
{
	return doctor_each_vni(x, look_at_mtu);
}

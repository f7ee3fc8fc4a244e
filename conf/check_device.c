/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * The names of interfaces that VNIs use. A bridge or a port belongs to one VNI unless a VLAN tells them apart, a VXLAN
 * device may serve several, and no name is two kinds of thing. Names that the backend has no use for may be anything.
 */
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "conf/check.h"

enum device_role { DEVICE_BRIDGE, DEVICE_VXLAN, DEVICE_PORT };

/* A name of an interface as a VNI uses it. */
struct device {
	const char *name;
	enum device_role role;
	uint16_t vlan;
	const char *netns; /* NULL: ours */
	uint32_t vni_mark, mark; /* of the VNI; of the value, or of the VNI when the name is a default */
	const struct config_vni *vni;
};

static int same_name(const struct device *a, const struct device *b)
{
	int d = strcmp(a->name, b->name);

	return d ? d : strcmp(a->netns ? a->netns : "", b->netns ? b->netns : "");
}

static int by_name(const void *va, const void *vb)
{
	const struct device *a = va, *b = vb;
	int d = same_name(a, b);

	if (d)
		return d;
	if (a->role != b->role)
		return a->role < b->role ? -1 : 1;
	if (a->role != DEVICE_VXLAN && a->vlan != b->vlan)
		return a->vlan < b->vlan ? -1 : 1;
	return a->mark < b->mark ? -1 : a->mark > b->mark;
}

/* As a port of the bridge it is one, with one set of flags. */
static void check_same_flag(struct load *ld, const struct device *b, const char *key, bool first, bool second,
			    const char *const words[2], unsigned line)
{
	uint32_t at = mark_key(ld, b->vni_mark, key);

	if (first != second)
		load_error_key(ld, b->vni_mark, key, at ? at : b->mark,
			       "expected %s as for the same device %s on line %u, found %s", words[first], b->name,
			       line, words[second]);
}

static void check_same_vxlan(struct load *ld, const struct device *a, const struct device *b, unsigned line)
{
	static const char *const truth[] = { "false", "true" }, *const unknown[] = { "flood", "drop" };
	const struct config_vni *v = a->vni, *w = b->vni;

	if (v->resolver != CONFIG_RESOLVER_NONE || w->resolver != CONFIG_RESOLVER_NONE)
		load_error(ld, b->mark,
			   "expected a device of its own in a mode that is dynamic: %s does not tell the VNI of a miss "
			   "(line %u)",
			   b->name, line);
	else if (!v->vlan || !w->vlan)
		load_error_key(ld, b->vni_mark, "vlan", b->mark,
			       "expected a vlan for each VNI of the device %s (before: line %u)", b->name, line);
	else if (w->bridge && (!v->bridge || strcmp(v->bridge, w->bridge)))
		load_error_key(ld, b->vni_mark, "bridge", b->mark,
			       "expected %s as for the same device %s on line %u, found %s",
			       v->bridge ? v->bridge : "none", b->name, line, w->bridge);
	else if (v->vxlan_port != w->vxlan_port)
		load_error_key(ld, b->vni_mark, "vxlan-port", b->mark,
			       "expected %u as for the same device %s on line %u, found %u", v->vxlan_port, b->name,
			       line, w->vxlan_port);
	check_same_flag(ld, b, "arp-suppression", v->arp_suppression, w->arp_suppression, truth, line);
	check_same_flag(ld, b, "unknown-unicast", v->unknown_unicast_drop, w->unknown_unicast_drop, unknown, line);
}

static void check_same_name(struct load *ld, const struct device *a, const struct device *b)
{
	static const char *const roles[] = { "bridge", "vxlan device", "port" };
	unsigned line = mark_at(ld, a->mark)->line;

	if (a->vni != b->vni && a->vni->vni == b->vni->vni) /* one VNI twice, and so its names; said already */
		return;
	if (a->role != b->role)
		load_error(ld, b->mark, "expected a name of its own for the %s, found %s, the %s on line %u",
			   roles[b->role], b->name, roles[a->role], line);
	else if (b->role == DEVICE_PORT && a->vlan == b->vlan)
		load_error(ld, b->mark, "expected a port of its own, found %s again (before: line %u)", b->name, line);
	else if (b->role == DEVICE_BRIDGE && (!a->vlan || a->vlan == b->vlan))
		load_error_key(ld, b->vni_mark, "bridge", b->mark,
			       "expected a bridge, or a vlan on it, of its own, found %s again (before: line %u)",
			       b->name, line);
	else if (b->role == DEVICE_VXLAN)
		check_same_vxlan(ld, a, b, line);
}

static size_t add_device(struct load *ld, struct device *d, size_t n, const struct config_vni *v, uint32_t m,
			 const char *key, enum device_role role, const char *name)
{
	uint32_t at = mark_key(ld, m, key);

	/* A default follows from the number of the VNI. */
	if (!name || !mark_good(ld, m, "vni") || mark_at(ld, at)->bad)
		return n;
	d[n] = (struct device){ name, role, role == DEVICE_BRIDGE ? v->vlan : 0, NULL, m, at ? at : m, v };
	return n + 1;
}

static size_t add_ports(struct load *ld, struct device *d, size_t n, const struct config_vni *v, uint32_t m)
{
	uint32_t item = mark_items(ld, m, "ports");

	for (size_t i = 0; item; i++, item = mark_at(ld, item)->next)
		if (!mark_at(ld, item)->bad && v->ports[i].name)
			d[n++] = (struct device){
				v->ports[i].name, DEVICE_PORT, v->ports[i].vlan, v->ports[i].netns, m, item, v
			};
	return n;
}

/* What the kernel's bridge cannot do, and what is a TAP's alone. */
static void check_port_keys(struct load *ld, const struct config_vni *v, uint32_t m)
{
	bool kernel = ld->config->dataplane == CONFIG_DP_KERNEL;
	uint32_t item = mark_items(ld, m, "ports");

	for (size_t i = 0; item; i++, item = mark_at(ld, item)->next) {
		const struct config_port *p = &v->ports[i];

		if (mark_at(ld, item)->bad)
			continue;
		if (p->netns && kernel)
			load_error_key(ld, item, "netns", item,
				       "expected none with dataplane kernel, where port add is for that");
		if (p->owner && !p->tap)
			load_error_key(ld, item, "owner", item, "expected none, this is no TAP");
		if (p->persist && !p->tap)
			load_error_key(ld, item, "persist", item, "expected false, this is no TAP");
	}
}

/* A bridge carries a frame in the VLAN in which it came. */
static void check_vlan(struct load *ld, const struct config_vni *v, uint32_t m)
{
	uint32_t item = mark_items(ld, m, "ports");

	if (!v->vlan || !mark_good(ld, m, "vlan"))
		return;
	if (!v->bridge)
		load_error_key(ld, m, "vlan", m, "expected no vlan without a bridge, found %u", v->vlan);
	for (size_t i = 0; item; i++, item = mark_at(ld, item)->next)
		if (!mark_at(ld, item)->bad && v->ports[i].vlan && v->ports[i].vlan != v->vlan)
			load_error_key(ld, item, "vlan", item, "expected %u, the vlan of the VNI, found %u", v->vlan,
				       v->ports[i].vlan);
}

void check_devices(struct load *ld)
{
	const struct config *c = ld->config;
	uint32_t m = mark_items(ld, MARK_ROOT, "vnis");
	size_t room = 1, n = 0;
	struct device *d;

	for (size_t i = 0; i < c->n_vnis; i++)
		room += c->vnis[i].n_ports + 2;
	d = xcalloc(room, sizeof(*d));
	for (size_t i = 0; m; i++, m = mark_at(ld, m)->next) {
		const struct config_vni *v = &c->vnis[i];

		if (c->dataplane == CONFIG_DP_KERNEL) {
			check_vlan(ld, v, m);
			n = add_device(ld, d, n, v, m, "bridge", DEVICE_BRIDGE, v->bridge);
			n = add_device(ld, d, n, v, m, "vxlan", DEVICE_VXLAN, v->vxlan);
		}
		check_port_keys(ld, v, m);
		if (c->dataplane != CONFIG_DP_NONE)
			n = add_ports(ld, d, n, v, m);
	}
	qsort(d, n, sizeof(*d), by_name);
	for (size_t i = 1; i < n; i++)
		if (!same_name(&d[i - 1], &d[i]))
			check_same_name(ld, &d[i - 1], &d[i]);
	free(d);
}


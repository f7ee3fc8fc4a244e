/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * The end of devices and rows that nobody wants any more. The kernel waits for readers of what it
 * removes, some 60 ms for a bridge with its vxlan device, but once for all devices of a request;
 * a bridge is never below 17 ms. So devices are condemned first, and then deleted by the group.
 */
#include "dataplane/kernel.h"

#include <errno.h>
#include <linux/if_link.h>
#include <stdlib.h>

#include "base/array.h"

#define GROUP_BASE 0x65766e00u /* of devices, any that nobody else uses */
#define BURY_AT_ONCE 1000u
#define BURY_BRIDGES 16u /* the kernel lets no other change through meanwhile */

/* ---- devices ---------------------------------------------------------------------------------------------------- */

void kernel_condemn(struct kernel *k, struct klink *l)
{
	l->condemned = true;
	l->used_by = NULL;
	k->condemned = true;
	kernel_dev_touch(k, l);
	dp_kick(k->d);
}

static uint32_t unused_group(const struct kernel *k)
{
	uint32_t group = GROUP_BASE;
	struct klink *l, *tmp;
	bool used;

	do {
		used = false;
		group++;
		HASH_ITER(hh, k->links, l, tmp)
			used |= l->group == group;
	} while (used);
	return group;
}

static void buried(struct kernel *k, struct klink *l, int err)
{
	if (err && err != -ENODEV)
		log_warn(k->log, LOG_DP, "%s", k->why);
	else
		log_info(k->log, LOG_DP, "removed %s", l->name);
	kernel_link_drop(k, l);
}

static void bury_list(struct kernel *k, struct klink **v, unsigned n)
{
	uint32_t group = unused_group(k);
	bool all = n > 1;

	for (unsigned i = 0; all && i < n; i++)
		all = !kernel_set_group(k, v[i], group);
	all = all && !kernel_delete_group(k, group);
	/* Where the kernel knows better: one by one. */
	for (unsigned i = 0; i < n; i++)
		buried(k, v[i], all ? 0 : kernel_delete(k, v[i]));
}

bool kernel_bury(struct kernel *k)
{
	struct klink *list[BURY_AT_ONCE], *l, *tmp;
	unsigned n = 0;

	for (int bridges = 0; bridges < 2 && !n; bridges++) {
		HASH_ITER(hh, k->links, l, tmp) {
			if (l->condemned && (l->kind == KLINK_BRIDGE) == bridges &&
			    n < (bridges ? BURY_BRIDGES : BURY_AT_ONCE))
				list[n++] = l;
		}
	}
	if (n)
		bury_list(k, list, n);
	k->condemned = n != 0;
	return k->condemned;
}

void kernel_bury_named(struct kernel *k, const char *name)
{
	struct klink *l, *tmp;

	if (!k->condemned)
		return;
	HASH_ITER(hh, k->links, l, tmp) {
		if (l->condemned && !strcmp(l->name, name))
			bury_list(k, &l, 1);
	}
}

/* ---- rows ------------------------------------------------------------------------------------------------------- */

struct grave {
	struct kernel *k;
	unsigned device; /* whose rows; 0: neighbours on any that no VNI names */
	const struct kvni *vni; /* on a device for several, NULL: all */
	enum { ALL_ROWS, FLOOD_ROWS, ROWS_BY_NEXTHOP } which;
	struct kernel_row *v;
	size_t n, cap;
};

static void on_row(void *ctx, const struct nlmsghdr *h)
{
	struct grave *g = ctx;
	struct kernel_row r;
	struct klink *l;

	if (!kernel_row_ours(g->k, h, &r) || (g->device && r.ifindex != g->device))
		return;
	l = kernel_link_find(g->k, r.ifindex);
	if (!l || (!g->device && kernel_vni_named(g->k, l->name)))
		return;
	if ((g->vni && g->vni->external && r.src_vni != g->vni->vni) ||
	    (g->which == FLOOD_ROWS && r.kind != DP_FLOOD) || (g->which == ROWS_BY_NEXTHOP && !r.by_nexthop))
		return;
	array_room(g->v, g->n, g->cap, 64);
	g->v[g->n++] = r;
}

static void delete_row(struct nlbuf *b, const struct kernel_row *r, uint16_t vlan)
{
	static const struct mac flooding;
	struct fdb_msg m = { .ifindex = r->ifindex, .flags = NTF_SELF, .mac = &r->mac, .src_vni = r->src_vni };

	if (r->kind == DP_NEIGH) {
		nlbuf_neigh_del(b, r->ifindex, &r->ip);
		return;
	}
	if (r->kind == DP_FLOOD) {
		m.vtep = &r->ip;
		m.vni = r->label;
	}
	if (mac_eq(&r->mac, &KERNEL_FLOOD_MARK)) {
		struct fdb_msg marked = m;

		marked.mac = &flooding;
		nlbuf_fdb(b, RTM_DELNEIGH, 0, &marked);
	}
	if (r->kind == DP_FDB) { /* by itself: with both parts the kernel stops at a bridge row that is not there */
		struct fdb_msg bridge = { .ifindex = r->ifindex, .flags = NTF_MASTER, .mac = &r->mac, .vlan = vlan };

		nlbuf_fdb(b, RTM_DELNEIGH, 0, &bridge);
	}
	nlbuf_fdb(b, RTM_DELNEIGH, 0, &m);
}

static void no_matter(void *ctx, unsigned nr, const struct nlmsghdr *h, int err)
{
}

static void fill(struct grave *g)
{
	struct nlbuf *b = &g->k->tx;
	uint32_t first = b->seq;

	b->len = 0;
	for (size_t i = 0; i < g->n; i++) {
		delete_row(b, &g->v[i], g->vni ? g->vni->vlan : 0);
		if ((i + 1) % KERNEL_OPS && i + 1 < g->n)
			continue;
		ksock_batch(&g->k->cmd, b, first, no_matter, NULL);
		first = b->seq;
		b->len = 0;
	}
	free(g->v);
}

void kernel_bury_rows(struct kernel *k, const struct klink *vx, const struct kvni *v)
{
	struct grave g = { .k = k, .device = (unsigned)vx->ifindex, .vni = v };

	kernel_dump_device(k, g.device, on_row, &g);
	fill(&g);
	if (g.n)
		log_info(k->log, LOG_DP, "%s: %zu rows of ours removed", vx->name, g.n);
}

void kernel_bury_floods(struct kernel *k, const struct klink *vx, const struct kvni *v)
{
	struct grave g = { .k = k, .device = (unsigned)vx->ifindex, .vni = v, .which = FLOOD_ROWS };

	kernel_dump_device(k, g.device, on_row, &g);
	fill(&g);
}

/* Told before the kernel does, so that it is known for our own doing. */
static void tell_gone(struct kernel *k, const struct kvni *v, const struct mac *mac)
{
	struct dp_seen s = { .vni = v->v, .kind = DP_FDB, .state = DP_SEEN_NONE, .mac = *mac };

	s.part = DP_PORT;
	dp_seen(k->d, &s);
	s.part = DP_SELF;
	dp_seen(k->d, &s);
}

void kernel_bury_by_nexthop(struct kernel *k, const struct klink *vx, const struct kvni *v)
{
	struct grave g = { .k = k, .device = (unsigned)vx->ifindex, .vni = v, .which = ROWS_BY_NEXTHOP };

	kernel_dump_device(k, g.device, on_row, &g);
	for (size_t i = 0; i < g.n; i++)
		tell_gone(k, v, &g.v[i].mac);
	fill(&g);
}

static void bury_neighbours(struct kernel *k)
{
	struct grave g = { .k = k };

	kernel_dump_neighbours(k, on_row, &g);
	fill(&g);
	if (g.n)
		log_info(k->log, LOG_DP, "%zu neighbours of ours on devices of no VNI removed", g.n);
}

/* ---- a VNI ------------------------------------------------------------------------------------------------------- */

void kernel_bury_share(struct kernel *k, const struct kvni *v, const struct klink *vx)
{
	if (v->vxlan_ifindex == (unsigned)vx->ifindex)
		kernel_bury_rows(k, vx, v);
	if (!v->external)
		return;
	if (vx->is_port)
		kernel_vlan_leave(k, vx, v->vlan);
	if (vx->vnifilter)
		kernel_vni_filter(k, vx, v->vni, false);
}

void kernel_bury_vni(struct kernel *k, const struct kvni *v)
{
	const char *name[] = { v->vxlan, v->bridge, v->neighbours };
	struct klink *l;

	for (int i = 0; i < 3; i++) {
		l = name[i][0] ? kernel_link_refresh(k, name[i]) : NULL;
		if (!l || !l->made || (i < 2 && !kernel_claimed(v, l)))
			continue;
		if (!kernel_vni_named_beside(k, v, l->name))
			kernel_condemn(k, l);
		else if (i == 0)
			kernel_bury_share(k, v, l);
	}
	for (size_t i = 0; i < v->n_ports; i++) {
		l = kernel_link_named(k, v->ports[i].name);
		if (l && kernel_port_ours(&v->ports[i]) && l->made)
			kernel_condemn(k, l);
		else if (l && v->vlan && v->ports[i].configured == (unsigned)l->ifindex &&
			 l->master == v->bridge_ifindex)
			kernel_vlan_leave(k, l, v->vlan);
	}
}

void kernel_bury_tidy(struct kernel *k)
{
	bool rows = kernel_nh_any(k); /* an FDB dump is dear: only where an evpnd has been */
	struct klink *l, *tmp;

	HASH_ITER(hh, k->links, l, tmp) {
		if (kernel_vni_named(k, l->name))
			continue;
		if (l->made)
			kernel_condemn(k, l);
		else if (rows && l->kind == KLINK_VXLAN)
			kernel_bury_rows(k, l, NULL);
	}
	if (rows)
		bury_neighbours(k);
}

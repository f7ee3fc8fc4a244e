/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * The userspace VTEP's world. Another hand is a frame that a host sends; the independent look
 * is one into the tables that the workers read, after what reconcile says has come to rest.
 */
#include <stdlib.h>

#include "base/list.h"
#include "dataplane/vtep/vtep.h"
#include "tests/lib/dpworld_netns.h"
#include "tests/lib/test.h"

struct spot {
	const struct dest *to; /* valid until the next settle() */
	unsigned port;
};

struct vtep_world {
	struct world w;
	struct settling settling;
	struct dp *d; /* until the next look */
	/* the look: MACs by their last two octets, addresses by family and their last */
	struct spot mac[65536];
	struct binding neigh[2][256];
	bool flood[256];
	unsigned n;
};

static struct vtep_world *of(struct world *w)
{
	return (struct vtep_world *)w;
}

/* ---- settling --------------------------------------------------------------------------------------------------- */

static bool is_quiet(struct dp *d, bool same)
{
	struct dp_vni_info i = { 0 };

	return same && !dp_backlog(d) && dp_vni_info(d, WORLD_VNI, &i) && i.ready && !i.problem;
}

static void vtep_settle(struct world *w, struct dp *d)
{
	of(w)->d = d;
	settling_run(&of(w)->settling, d);
}

/* ---- another hand ------------------------------------------------------------------------------------------------ */

static const struct dp_ops *vtep_ops(struct world *w)
{
	return &dp_vtep_ops;
}

static void vtep_learn(struct world *w, const struct mac *mac, unsigned port, enum fakedp_hand hand)
{
	assert_int_equal(hand, FAKEDP_KERNEL);
	world_speak(port, mac);
}

static void vtep_delete_devices(struct world *w)
{
	world_run("ip link del p1; ip link del p2");
	netns_make_ports();
}

/* ---- looking ----------------------------------------------------------------------------------------------------- */

static void look_at(struct vtep_world *k, struct bridge *b)
{
	uint64_t key, value;

	for (size_t at = 0; rmap_next(&b->fdb, &at, &key, &value);) {
		struct fdb_entry e = fdb_entry(value);
		struct spot *p = &k->mac[key & 0xffff];

		if (key >> 40 != 0x102)
			continue; /* hosts' own veths */
		if (e.kind == FDB_PORT)
			*p = (struct spot){ .port = ((struct vport *)e.to)->nr + 1 };
		else
			p->to = e.to;
		k->n += e.kind == FDB_REMOTE;
	}
	for (size_t at = 0; rmap_next(&b->neighs, &at, &key, &value);) {
		struct binding *n = (struct binding *)(uintptr_t)value;

		k->neigh[n->ip.len == 16][n->ip.b[n->ip.len - 1]] = *n;
	}
	for (uint32_t i = 0; i < b->flood->n; i++)
		k->flood[b->flood->dest[i]->key.vtep.b[3]] = true;
}

static void vtep_look(struct world *w)
{
	struct vtep_world *k = of(w);
	struct bridge *b = k->d ? bridge_find(dp_backend(k->d), WORLD_VNI) : NULL;

	memset(k->mac, 0, sizeof(k->mac));
	memset(k->neigh, 0, sizeof(k->neigh));
	memset(k->flood, 0, sizeof(k->flood));
	k->n = 0;
	if (b)
		look_at(k, b);
	k->d = NULL;
}

static struct spot *place(struct world *w, const struct mac *mac)
{
	return &of(w)->mac[mac->b[4] << 8 | mac->b[5]];
}

static unsigned vtep_fdb(struct world *w, const struct mac *mac, struct ip out[DP_SET_MAX])
{
	const struct dest *d = place(w, mac)->to;

	for (uint32_t i = 0; d && d->fan && i < d->fan->n; i++)
		out[i] = d->fan->dest[i]->key.vtep;
	if (d && !d->fan)
		out[0] = d->key.vtep;
	return !d ? 0 : d->fan ? d->fan->n : 1;
}

static unsigned vtep_port(struct world *w, const struct mac *mac)
{
	return place(w, mac)->port;
}

static bool vtep_flood(struct world *w, const struct ip *vtep)
{
	return of(w)->flood[vtep->b[3]];
}

static bool vtep_neighbour(struct world *w, const struct ip *ip, struct mac *mac)
{
	struct binding *n = &of(w)->neigh[ip->len == 16][ip->b[ip->len - 1]];

	*mac = n->mac;
	return ip_eq(&n->ip, ip);
}

static unsigned vtep_count(struct world *w)
{
	return of(w)->n;
}

static void vtep_free(struct world *w)
{
	settling_fini(&of(w)->settling);
	free(w);
}

struct world *world_vtep(void)
{
	struct vtep_world *k;

	if (!netns_enter())
		return NULL;
	k = calloc(1, sizeof(*k));
	settling_init(&k->settling, is_quiet);
	k->w = (struct world){
		.name = "vtep",
		.loop = &k->settling.loop,
		.ops = vtep_ops,
		.counts = true,
		.settle = vtep_settle,
		.learn = vtep_learn,
		.delete_devices = vtep_delete_devices,
		.look = vtep_look,
		.fdb = vtep_fdb,
		.port = vtep_port,
		.flood = vtep_flood,
		.neighbour = vtep_neighbour,
		.count = vtep_count,
		.ifindex = netns_ifindex,
		.free = vtep_free,
	};
	return &k->w;
}

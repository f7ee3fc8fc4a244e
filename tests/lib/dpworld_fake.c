/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/* The fake backend's world: hand and eye are those of fakedp.h. */
#include <stdlib.h>
#include <string.h>

#include "tests/lib/dpworld.h"

struct fake_world {
	struct world w;
	struct fakedp *f;
};

static struct fakedp *of(struct world *w)
{
	return ((struct fake_world *)w)->f;
}

static const struct dp_ops *fake_ops(struct world *w)
{
	return fakedp_ops(of(w));
}

static void fake_settle(struct world *w, struct dp *d)
{
	fakedp_settle(d);
}

static unsigned fake_ifindex(struct world *w, unsigned port)
{
	return port;
}

static void fake_learn(struct world *w, const struct mac *mac, unsigned port, enum fakedp_hand hand)
{
	fakedp_learn(of(w), WORLD_VNI, mac, port, hand);
}

static void fake_forget(struct world *w, const struct mac *mac, unsigned port)
{
	fakedp_forget(of(w), WORLD_VNI, mac);
}

static void fake_neigh(struct world *w, const struct ip *ip, const struct mac *mac, enum fakedp_hand hand)
{
	if (mac)
		fakedp_neigh_set(of(w), WORLD_VNI, ip, mac, hand, 0);
	else
		fakedp_neigh_del(of(w), WORLD_VNI, ip);
}

static void fake_foreign(struct world *w, const struct mac *mac, const struct ip *vtep)
{
	fakedp_vxlan_set(of(w), WORLD_VNI, mac, vtep);
}

static void fake_make_devices(struct world *w, const char *what)
{
	fakedp_devices(of(w), WORLD_VNI, true,
		       !strcmp(what, "vni")   ? "vxlan100 has VNI 200, expected 100" :
		       !strcmp(what, "local") ? "vxlan100 has local address 192.0.2.9, expected 192.0.2.1" :
		       !strcmp(what, "port")  ? "vxlan100 has UDP port 8472, expected 4789" :
						NULL);
}

/* They come back at once: the fake makes none. */
static void fake_delete_devices(struct world *w)
{
	fakedp_devices(of(w), WORLD_VNI, false, NULL);
	fakedp_devices(of(w), WORLD_VNI, true, NULL);
}

static void fake_kill_object(struct world *w, const struct ip *vtep)
{
	fakedp_dest_del(of(w), vtep);
}

static void fake_look(struct world *w)
{
}

static unsigned fake_fdb(struct world *w, const struct mac *mac, struct ip out[DP_SET_MAX])
{
	return fakedp_vteps(of(w), WORLD_VNI, mac, out);
}

static unsigned fake_port(struct world *w, const struct mac *mac)
{
	return fakedp_bridge(of(w), WORLD_VNI, mac).ifindex;
}

static bool fake_flood(struct world *w, const struct ip *vtep)
{
	return fakedp_flood(of(w), WORLD_VNI, vtep).there;
}

static bool fake_neighbour(struct world *w, const struct ip *ip, struct mac *mac)
{
	struct fakedp_row r = fakedp_neigh(of(w), WORLD_VNI, ip);

	*mac = r.mac;
	return r.there;
}

static unsigned fake_count(struct world *w)
{
	return fakedp_macs(of(w), WORLD_VNI);
}

static void fake_free(struct world *w)
{
	fakedp_free(of(w));
	free(w);
}

struct world *world_fake(void)
{
	struct fake_world *w = calloc(1, sizeof(*w));

	w->f = fakedp_new();
	w->w = (struct world){
		.name = "fake",
		.ops = fake_ops,
		.settle = fake_settle,
		.learn = fake_learn,
		.forget = fake_forget,
		.neigh = fake_neigh,
		.foreign = fake_foreign,
		.make_devices = fake_make_devices,
		.delete_devices = fake_delete_devices,
		.kill_object = fake_kill_object,
		.look = fake_look,
		.fdb = fake_fdb,
		.port = fake_port,
		.flood = fake_flood,
		.neighbour = fake_neighbour,
		.count = fake_count,
		.ifindex = fake_ifindex,
		.free = fake_free,
	};
	return &w->w;
}

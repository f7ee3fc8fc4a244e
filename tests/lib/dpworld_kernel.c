/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/* The kernel's world: both ports are in br100; the hand and the eye are iproute2. */
#include <jansson.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/list.h"
#include "tests/lib/dpworld_netns.h"
#include "tests/lib/test.h"

struct kernel_world {
	struct world w;
	struct settling settling;
	json_t *bridge, *vxlan, *floods, *neighs, *nexthops; /* by MAC, by MAC, by VTEP, by IP, by id */
};

static struct kernel_world *of(struct world *w)
{
	return (struct kernel_world *)w;
}

/* ---- settling --------------------------------------------------------------------------------------------------- */

static bool is_quiet(struct dp *d, bool same)
{
	struct dp_vni_info i = { 0 };

	if (!same || !dp_vni_info(d, WORLD_VNI, &i) || i.ready)
		return same && !dp_backlog(d); /* what was refused may wait */
	return i.problem && (!strstr(i.problem, " is missing"));
}

static void kernel_settle(struct world *w, struct dp *d)
{
	settling_run(&of(w)->settling, d);
}

/* ---- another hand ------------------------------------------------------------------------------------------------ */

static const struct dp_ops *kernel_ops(struct world *w)
{
	return &dp_kernel_ops;
}

static void kernel_learn(struct world *w, const struct mac *mac, unsigned port, enum fakedp_hand hand)
{
	const char *how = hand == FAKEDP_KERNEL ? "dynamic" :
			  hand == FAKEDP_STATIC ? "static" :
			  hand == FAKEDP_EXTERN ? "extern_learn" :
						  "permanent";

	/* A move in place keeps the flags of before: traffic would not, so it is done in two steps. */
	world_run("bridge fdb del %s dev p1 master 2>/dev/null; bridge fdb del %s dev p2 master 2>/dev/null; "
		  "bridge fdb del %s dev vxlan100 master 2>/dev/null; bridge fdb add %s dev p%u master %s",
		  mac_str(mac).s, mac_str(mac).s, mac_str(mac).s, mac_str(mac).s, port, how);
}

static void kernel_forget(struct world *w, const struct mac *mac, unsigned port)
{
	world_run("bridge fdb del %s dev p%u master", mac_str(mac).s, port);
}

static void kernel_neigh(struct world *w, const struct ip *ip, const struct mac *mac, enum fakedp_hand hand)
{
	if (!mac)
		world_run("ip neigh del %s dev br100", ip_str(ip).s);
	else
		world_run("ip neigh replace %s lladdr %s dev br100 %s", ip_str(ip).s, mac_str(mac).s,
			  hand == FAKEDP_KERNEL ? "nud reachable" :
			  hand == FAKEDP_STATIC ? "nud permanent" :
						  "nud noarp extern_learn protocol zebra");
}

static void kernel_foreign(struct world *w, const struct mac *mac, const struct ip *vtep)
{
	world_run("bridge fdb append %s dev vxlan100 dst %s self", mac_str(mac).s, ip_str(vtep).s);
}

static void kernel_make_devices(struct world *w, const char *what)
{
	const char *local = !strcmp(what, "local") ? "192.0.2.9" : "192.0.2.1";

	world_run(
		"ip link add br100 type bridge && "
		"ip link add vxlan100 type vxlan id %u local %s dstport %u nolearning && "
		"ip link set vxlan100 mtu 1400 && "
		"ip link set br100 up && ip link set p1 master br100 && ip link set p2 master br100",
		!strcmp(what, "vni") ? 200 : 100, local, !strcmp(what, "port") ? 8472 : 4789);
}

static void kernel_delete_devices(struct world *w)
{
	world_run("ip link del vxlan100; ip link del br100");
}

static void kernel_kill_object(struct world *w, const struct ip *vtep)
{
	world_run("ip nexthop flush proto 179 >/dev/null 2>&1 || true");
}

/* ---- an independent look ----------------------------------------------------------------------------------------- */

static json_t *read_json(const char *cmd)
{
	FILE *f = popen(cmd, "r");
	json_error_t err;
	json_t *j = json_loadf(f, JSON_DISABLE_EOF_CHECK, &err);

	pclose(f);
	return j ? j : json_array(); /* iproute2 prints nothing for nothing */
}

static const char *text(json_t *row, const char *key)
{
	json_t *v = json_object_get(row, key);

	return v ? json_string_value(v) : "";
}

static void forget_look(struct kernel_world *k)
{
	json_decref(k->bridge);
	json_decref(k->vxlan);
	json_decref(k->floods);
	json_decref(k->neighs);
	json_decref(k->nexthops);
	k->bridge = k->vxlan = k->floods = k->neighs = k->nexthops = NULL;
}

static void look_at_fdb(struct kernel_world *k)
{
	json_t *rows = read_json("bridge -j fdb show"), *row;
	size_t i;

	json_array_foreach(rows, i, row) {
		const char *mac = text(row, "mac");
		bool bridge = json_object_get(row, "master") != NULL;

		if ((!bridge && strcmp(text(row, "ifname"), "vxlan100")) || json_object_get(row, "vlan"))
			continue; /* nobody looks at rows in VLANs of a bridge that does not filter */
		if (bridge)
			json_object_set(k->bridge, mac, row);
		else if (strcmp(mac, "00:00:00:00:00:00"))
			json_object_set(k->vxlan, mac, row);
		else
			json_object_set(k->floods, text(row, "dst"), row);
	}
	json_decref(rows);
}

static void look_at_rest(struct kernel_world *k)
{
	json_t *rows = read_json("ip -j neigh show dev br100 2>/dev/null"), *row;
	char id[16];
	size_t i;

	json_array_foreach(rows, i, row)
		json_object_set(k->neighs, text(row, "dst"), row);
	json_decref(rows);
	rows = read_json("ip -j nexthop");
	json_array_foreach(rows, i, row) {
		snprintf(id, sizeof(id), "%llu", (unsigned long long)json_integer_value(json_object_get(row, "id")));
		json_object_set(k->nexthops, id, row);
	}
	json_decref(rows);
}

static void kernel_look(struct world *w)
{
	struct kernel_world *k = of(w);

	forget_look(k);
	k->bridge = json_object();
	k->vxlan = json_object();
	k->floods = json_object();
	k->neighs = json_object();
	k->nexthops = json_object();
	look_at_fdb(k);
	look_at_rest(k);
}

static json_t *nexthop(struct kernel_world *k, json_t *id)
{
	char key[16];

	snprintf(key, sizeof(key), "%llu", (unsigned long long)json_integer_value(id));
	return json_object_get(k->nexthops, key);
}

static unsigned vteps_of(struct kernel_world *k, json_t *row, struct ip out[DP_SET_MAX])
{
	json_t *nhid = json_object_get(row, "nhid"), *member;
	unsigned n = 0;
	size_t i;

	if (!nhid)
		return ip_parse(text(row, "dst"), &out[0]);
	json_array_foreach(json_object_get(nexthop(k, nhid), "group"), i, member)
		n += ip_parse(text(nexthop(k, json_object_get(member, "id")), "gateway"), &out[n]);
	return n;
}

static unsigned kernel_fdb(struct world *w, const struct mac *mac, struct ip out[DP_SET_MAX])
{
	struct kernel_world *k = of(w);
	json_t *b = json_object_get(k->bridge, mac_str(mac).s), *x = json_object_get(k->vxlan, mac_str(mac).s);

	return b && x && !strcmp(text(b, "ifname"), "vxlan100") ? vteps_of(k, x, out) : 0;
}

static unsigned kernel_port(struct world *w, const struct mac *mac)
{
	json_t *b = json_object_get(of(w)->bridge, mac_str(mac).s);

	return !b ? 0 : !strcmp(text(b, "ifname"), "p1") ? 1 : !strcmp(text(b, "ifname"), "p2") ? 2 : 0;
}

static bool kernel_flood(struct world *w, const struct ip *vtep)
{
	return json_object_get(of(w)->floods, ip_str(vtep).s) != NULL;
}

static bool kernel_neighbour(struct world *w, const struct ip *ip, struct mac *mac)
{
	json_t *n = json_object_get(of(w)->neighs, ip_str(ip).s);

	*mac = (struct mac){ 0 };
	return n && mac_parse(text(n, "lladdr"), mac);
}

static unsigned kernel_count(struct world *w)
{
	struct kernel_world *k = of(w);
	unsigned n = 0;
	const char *mac;
	json_t *row;

	json_object_foreach(k->vxlan, mac, row) {
		json_t *b = json_object_get(k->bridge, mac);

		n += json_object_get(row, "nhid") && b && !strcmp(text(b, "ifname"), "vxlan100");
	}
	return n;
}

const char *device(const char *name, const char *path)
{
	static char out[128];
	char cmd[128], key[64];
	json_error_t err;
	json_t *doc, *v;
	FILE *f;

	snprintf(cmd, sizeof(cmd), "ip -j -d link show %s 2>/dev/null", name);
	f = popen(cmd, "r");
	doc = json_loadf(f, JSON_DISABLE_EOF_CHECK, &err);
	pclose(f);
	v = json_array_get(doc, 0);
	while (v && *path) {
		size_t n = strcspn(path, ".");

		snprintf(key, sizeof(key), "%.*s", (int)n, path);
		v = json_object_get(v, key);
		path += n + (path[n] == '.');
	}
	out[0] = '\0';
	if (json_is_string(v))
		snprintf(out, sizeof(out), "%s", json_string_value(v));
	else if (json_is_integer(v))
		snprintf(out, sizeof(out), "%lld", (long long)json_integer_value(v));
	else if (json_is_boolean(v))
		snprintf(out, sizeof(out), "%s", json_is_true(v) ? "true" : "false");
	json_decref(doc);
	return out;
}

/* ---- life -------------------------------------------------------------------------------------------------------- */

static void kernel_free(struct world *w)
{
	struct kernel_world *k = of(w);

	forget_look(k);
	settling_fini(&k->settling);
	free(k);
}

struct world *world_kernel(void)
{
	struct kernel_world *k;

	if (!netns_enter())
		return NULL;
	k = calloc(1, sizeof(*k));
	settling_init(&k->settling, is_quiet);
	k->w = (struct world){
		.name = "kernel",
		.loop = &k->settling.loop,
		.ops = kernel_ops,
		.settle = kernel_settle,
		.learn = kernel_learn,
		.forget = kernel_forget,
		.neigh = kernel_neigh,
		.foreign = kernel_foreign,
		.make_devices = kernel_make_devices,
		.delete_devices = kernel_delete_devices,
		.kill_object = kernel_kill_object,
		.look = kernel_look,
		.fdb = kernel_fdb,
		.port = kernel_port,
		.flood = kernel_flood,
		.neighbour = kernel_neighbour,
		.count = kernel_count,
		.ifindex = netns_ifindex,
		.free = kernel_free,
	};
	return &k->w;
}

/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * The userspace VTEP's world. Another hand is a frame that a host sends; the independent look is one into the tables that
 * the workers read, after what reconcile says has come to rest.
 *
 *	 h1 --- p1        u0 (192.0.2.1/24) --- u1
 *	 h2 --- p2
 */
#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <sched.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/list.h"
#include "base/loop.h"
#include "dataplane/vtep/vtep.h"
#include "tests/lib/dpworld.h"
#include "tests/lib/test.h"

#define QUIET_TICKS 4
#define TICK_MS 15
#define PATIENCE_TICKS 1000

struct spot {
	const struct dest *to; /* valid until the next settle() */
	unsigned port;
};

struct vtep_world {
	struct world w;
	struct loop loop;
	struct loop_timer tick;
	struct dp *d; /* until the next look */
	struct dp_stats last;
	unsigned quiet, ticks;
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

static void on_tick(struct loop_timer *t)
{
	struct vtep_world *k = container_of(t, struct vtep_world, tick);
	struct dp_vni_info i = { 0 };
	struct dp_stats s;
	bool same;

	dp_stats(k->d, &s);
	same = !memcmp(&s, &k->last, sizeof(s)) && !dp_backlog(k->d) && dp_vni_info(k->d, WORLD_VNI, &i) && i.ready && !i.problem;
	k->last = s;
	k->quiet = same ? k->quiet + 1 : 0;
	if (k->quiet >= QUIET_TICKS || ++k->ticks >= PATIENCE_TICKS)
		loop_break(&k->loop);
	else
		loop_timer_at(t, mtime_add_ms(loop_now(&k->loop), TICK_MS));
}

static void tell_time(void *ctx)
{
	struct vtep_world *k = ctx;

	if (k->d)
		dp_set_now(k->d, loop_now(&k->loop));
}

static void vtep_settle(struct world *w, struct dp *d)
{
	struct vtep_world *k = of(w);

	k->d = d;
	k->quiet = k->ticks = 0;
	loop_timer_at(&k->tick, loop_now(&k->loop));
	loop_run(&k->loop);
	loop_timer_at(&k->tick, MTIME_NEVER);
}

/* ---- another hand ------------------------------------------------------------------------------------------------ */

static const struct dp_ops *vtep_ops(struct world *w)
{
	return &dp_vtep_ops;
}

static unsigned vtep_ifindex(struct world *w, unsigned port)
{
	return if_nametoindex(port == 1 ? "p1" : "p2");
}

/* A broadcast frame of no known type. */
static void vtep_learn(struct world *w, const struct mac *mac, unsigned port, enum fakedp_hand hand)
{
	struct sockaddr_ll ll = { .sll_family = AF_PACKET, .sll_ifindex = (int)if_nametoindex(port == 1 ? "h1" : "h2") };
	uint8_t frame[60] = { 255, 255, 255, 255, 255, 255 };
	int fd = socket(AF_PACKET, SOCK_RAW, 0);

	assert_int_equal(hand, FAKEDP_KERNEL);
	memcpy(frame + 6, mac->b, 6);
	frame[12] = 0x88;
	frame[13] = 0xb5;
	assert_int_equal(sendto(fd, frame, sizeof(frame), 0, (struct sockaddr *)&ll, sizeof(ll)), sizeof(frame));
	close(fd);
	usleep(50000); /* through a worker */
}

static void make_ports(void)
{
	world_run("printf '%%s\\n' 'link add p1 type veth peer name h1' 'link add p2 type veth peer name h2' "
		  "'link set h1 addrgenmode none up' 'link set h2 addrgenmode none up' "
		  "'link set p1 addrgenmode none up' 'link set p2 addrgenmode none up' | ip -batch -");
}

static void vtep_delete_devices(struct world *w)
{
	world_run("ip link del p1; ip link del p2");
	make_ports();
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
	loop_fini(&of(w)->loop);
	free(w);
}

struct world *world_vtep(void)
{
	struct vtep_world *k;

	if (unshare(CLONE_NEWNET))
		return NULL;
	k = calloc(1, sizeof(*k));
	world_run("printf '%%s\\n' 'link set lo up' 'link add u0 type veth peer name u1' 'addr add 192.0.2.1/24 dev u0' "
		  "'link set u0 up' 'link set u1 up' | ip -batch -");
	make_ports();
	assert_int_equal(loop_init(&k->loop), 0);
	loop_timer_init(&k->tick, &k->loop, on_tick);
	k->loop.after_wake = tell_time;
	k->loop.after_wake_ctx = k;
	k->w = (struct world){
		.name = "vtep",
		.loop = &k->loop,
		.ops = vtep_ops,
		.settle = vtep_settle,
		.learn = vtep_learn,
		.delete_devices = vtep_delete_devices,
		.look = vtep_look,
		.fdb = vtep_fdb,
		.port = vtep_port,
		.flood = vtep_flood,
		.neighbour = vtep_neighbour,
		.count = vtep_count,
		.ifindex = vtep_ifindex,
		.free = vtep_free,
	};
	return &k->w;
}

/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * Worlds in which a dataplane backend can be tried: what another hand does to the tables, and what an independent eye
 * sees in them. The fake's is its memory; the kernel's is a network namespace of its own, changed and read by iproute2.
 * One VNI (100), two local ports, the host's VTEP 192.0.2.1 (it has 2001:db8::1, too).
 */
#ifndef TESTS_DPWORLD_H
#define TESTS_DPWORLD_H

#include "include/dataplane.h"
#include "tests/lib/fakedp.h"

#define WORLD_VNI 100u
#define WORLD_PORTS 2u

struct world {
	const char *name;
	struct loop *loop; /* the kernel's; NULL: none */
	bool counts;	   /* a host is heard only when its port has counted the frame: by a thread, in its own time */
	const struct dp_ops *(*ops)(struct world *w);
	/* Everything that the backend has to do is done. */
	void (*settle)(struct world *w, struct dp *d);
	/* another hand: port 1 or 2, hand as in fakedp.h */
	void (*learn)(struct world *w, const struct mac *mac, unsigned port, enum fakedp_hand hand);
	void (*forget)(struct world *w, const struct mac *mac, unsigned port);
	void (*neigh)(struct world *w, const struct ip *ip, const struct mac *mac, enum fakedp_hand hand);
	/* Writes a vxlan row; the zero MAC floods. */
	void (*foreign)(struct world *w, const struct mac *mac, const struct ip *vtep);
	void (*make_devices)(struct world *w, const char *what); /* "same", "vni", "local", "port" */
	void (*delete_devices)(struct world *w);
	void (*kill_object)(struct world *w, const struct ip *vtep); /* the VTEP's group of nexthops */
	/* an independent look, after look() */
	void (*look)(struct world *w);
	/* Where its frames may go, by bridge and vxlan row, in order of address; how many. */
	unsigned (*fdb)(struct world *w, const struct mac *mac, struct ip out[DP_SET_MAX]);
	unsigned (*port)(struct world *w, const struct mac *mac); /* local port of the bridge row, 0: none */
	bool (*flood)(struct world *w, const struct ip *vtep);
	bool (*neighbour)(struct world *w, const struct ip *ip, struct mac *mac);
	unsigned (*count)(struct world *w); /* FDB rows of ours with both parts */
	unsigned (*ifindex)(struct world *w, unsigned port);
	void (*free)(struct world *w);
};

struct world *world_fake(void);
/* NULL when this process may not make a network namespace. */
struct world *world_kernel(void);
/* The same of the userspace VTEP. Its only other hand is a host that speaks: no foreign rows, no devices of others. */
struct world *world_vtep(void);
/* iproute2 in a world with a namespace; the test fails when the command does. */
void world_run(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* There, too: a frame of a host behind port 1 or 2, to everybody. */
void world_speak(unsigned port, const struct mac *from);
/* One value of iproute2's description of a device, valid until the next call; "" without it. path: keys with dots. */
const char *device(const char *name, const char *path);

#endif

/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * Ports for other network namespaces (containers) are veth pairs: the far end is in
 * there, with an address, the near end where the backend wants it. What a pair is called
 * follows from what it is for, so that it is found again without anything being kept.
 */
#ifndef DATAPLANE_VETH_H
#define DATAPLANE_VETH_H

#include <net/if.h>

#include "dataplane/kernel_sock.h"
#include "include/dataplane.h"

struct veth {
	char port[IFNAMSIZ]; /* the near end; the same each time for the same namespace and name in it */
	struct mac mac;      /* of the far end: p->mac, or one that follows from the same */
};

/* 0, or -errno with a sentence in why. */
int veth_name(const struct dp_netns_port *p, struct veth *out, char *why, size_t cap);

struct veth_near {
	unsigned master, mtu; /* 0: none; the kernel's choice, else of both ends */
	const char *alias;    /* NULL: none, in a bridge; else it is no host's: no address comes by itself */
};
/* The pair, its near end up and in the namespace of s. 0 or -errno, s->words says more. */
int veth_make(struct ksock *s, const struct dp_netns_port *p, const struct veth *v, const struct veth_near *near);
/* The far end: its address, and up. That cannot be said when the pair is made, one end comes before the other. */
int veth_furnish(const struct dp_netns_port *p);

/* "cannot WHAT for eth0 in NAMESPACE: ..." into why; returns err. */
int veth_failed(const struct ksock *s, const char *what, const struct dp_netns_port *p, int err, char *why, size_t cap);

#endif

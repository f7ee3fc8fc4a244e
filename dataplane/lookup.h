/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * What the kernel answers for one address: the route, the device, the neighbour. Of whatever network namespace
 * the socket is, so that a host and the underlay are asked in the same words. Rows read as iproute2 writes them.
 */
#ifndef DATAPLANE_LOOKUP_H
#define DATAPLANE_LOOKUP_H

#include <net/if.h>

#include "base/addr.h"

struct ksock;
struct nlmsghdr;

#define LOOKUP_ROW 192u

struct lookup_link {
	unsigned ifindex, flags; /* IFF_* */
	char name[IFNAMSIZ], kind[16];
	unsigned mtu, master;
	unsigned peer; /* IFLA_LINK: of a veth the other end, in whatever namespace that is; 0: none */
	uint16_t type; /* ARPHRD_* */
	bool made; /* by an evpnd with dataplane kernel */
	struct mac mac;
	bool carrier;
	/* as a port of a bridge */
	bool is_port, isolated, locked, suppress, floods, learning;
	uint8_t state; /* BR_STATE_* */
	/* as a vxlan device */
	struct lookup_vxlan {
		uint32_t vni;
		struct ip local; /* none: the route's */
		uint16_t port;   /* UDP */
		bool learning, external;
	} vxlan;
	bool vlan_aware; /* as a bridge */
};

struct lookup_route {
	int err;      /* 0, or -errno of the kernel: there is no way */
	uint8_t type; /* RTN_* */
	struct ip gateway, source; /* none: on the link; not said */
	unsigned ifindex;
	unsigned mtu; /* of the route, 0: the device's */
	char row[LOOKUP_ROW]; /* as it stands in the table */
};

struct lookup_neigh {
	int err; /* -ENOENT: nobody has asked yet */
	uint16_t state; /* NUD_* */
	uint8_t flags, protocol;
	bool has_mac;
	struct mac mac;
	char row[LOOKUP_ROW];
};

/*
 * Every device, in pieces: begin() is 0 or -errno; more() gives those of one datagram to fn and is 1
 * when there are others, 0 at the end, -errno. Nothing else may be asked over the socket meanwhile.
 */
int lookup_links_begin(struct ksock *s);
int lookup_links_more(struct ksock *s, void (*fn)(void *ctx, const struct lookup_link *l), void *ctx);
/* False when it is not there. */
bool lookup_link(struct ksock *s, unsigned ifindex, struct lookup_link *out);
/* from: the sender's address, none: the kernel's choice. */
void lookup_route(struct ksock *s, const struct ip *to, const struct ip *from, struct lookup_route *out);
void lookup_neigh(struct ksock *s, const struct lookup_link *dev, const struct ip *ip, struct lookup_neigh *out);
/* The device that has this address, 0: none. */
unsigned lookup_holder(struct ksock *s, const struct ip *ip);
/* It is an address of this namespace. */
bool lookup_is_own(struct ksock *s, const struct ip *ip);

/* "REACHABLE", ... */
const char *lookup_neigh_state(uint16_t state);
/* Appends to a string; what does not fit is cut. */
void lookup_put(char *s, size_t cap, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

#endif

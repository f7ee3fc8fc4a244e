/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * The table of bindings. One entry is "this address is at this MAC", as said by a host
 * here, by a host heard through the tunnel, by MAC/IP routes, or by several of these. The
 * table knows who says it; what follows from it is neigh.h's.
 *
 * A binding is named by a handle, 0: none. An address has a binding for each MAC that it is said to be at.
 */
#ifndef EVPN_BINDING_H
#define EVPN_BINDING_H

#include "base/hidx.h"
#include "base/slab.h"
#include "evpn/evi.h"
#include "evpn/sources.h"

enum { /* flags of a binding */
	BINDING_LOCAL = 1,          /* seen here: by ARP and ND, or in the neighbour table */
	BINDING_ROUTER = 2,         /* the host says that it is a router, here or through the tunnel */
	BINDING_SENT = 4,           /* it is advertised */
	BINDING_WANTED = 8,         /* its row is wished for */
	BINDING_WANTED_ROUTER = 16, /* that row, as a router's */
	BINDING_STALE = 32,         /* local, but its MAC was here and has left */
	BINDING_STATIC = 64,        /* local, set by hand: the address can be nowhere else (RFC 9047 2, I) */
	BINDING_IN_USE = 128        /* rows come on demand, and this one is in use */
};

struct binding { /* 40 octets of an IPv4 address, 52 of an IPv6 one, and 9 to 18 of the index */
	uint32_t mac;        /* handle */
	uint32_t next, prev; /* of its MAC */
	struct sources routes;
	uint32_t since; /* s */
	uint16_t evi;
	uint8_t flags;
	uint8_t ip_len : 7;
	bool tunnel : 1; /* a host heard through the tunnel says it: the address is where that MAC is */
	uint8_t ip[]; /* ip_len octets */
};

/* The lowest bit of a binding's handle says in which slab it lies: 1 is IPv6's. */
struct binding_table {
	struct slab slab[2];
	struct hidx index; /* by EVI and address */
};

static inline struct ip binding_ip(const struct binding *b)
{
	return ip_from_bytes(b->ip, b->ip_len);
}

void binding_table_init(struct evpn *e);
void binding_table_fini(struct evpn *e);
uint32_t binding_count(const struct evpn *e);
/* The binding after h; 0 starts and ends. */
uint32_t binding_next(const struct evpn *e, uint32_t h);

/* ---- of one address ---------------------------------------------------------------------------------------------- */

uint32_t binding_first(const struct evpn *e, const struct evi *evi, const struct ip *ip, struct hidx_it *it);
uint32_t binding_further(const struct evpn *e, const struct evi *evi, const struct ip *ip, struct hidx_it *it);
/* No binding may come or go meanwhile. */
#define for_each_binding(h, it, e, evi, ip)                                                                            \
	for ((h) = binding_first((e), (evi), (ip), (it)); (h); (h) = binding_further((e), (evi), (ip), (it)))

/* The one at that MAC, a handle. */
uint32_t binding_find(const struct evpn *e, const struct evi *evi, const struct ip *ip, uint32_t mac);
/* The same, made when there is none; nobody says a new one yet. */
uint32_t binding_obtain(struct evpn *e, struct evi *evi, const struct ip *ip, uint32_t mac);
/* The local one; the one heard through the tunnel. There is at most one of each. */
uint32_t binding_local(const struct evpn *e, const struct evi *evi, const struct ip *ip);
uint32_t binding_tunnel(const struct evpn *e, const struct evi *evi, const struct ip *ip);
/* The n-th, from 0; 0 behind the last. */
uint32_t binding_nth(const struct evpn *e, const struct evi *evi, const struct ip *ip, unsigned n);
/* Frees those that nobody says any more, and MACs that were kept only for them. */
void binding_sweep(struct evpn *e, const struct evi *evi, const struct ip *ip);
/* A hint: its bindings are looked for soon. */
void binding_prefetch(const struct evpn *e, const struct evi *evi, const struct ip *ip);

/* ---- changes ----------------------------------------------------------------------------------------------------- */

/* Keeps the counters of the EVI: called with -1u before who says the binding changes, and with 1 after that. */
void binding_tally(struct evi *evi, const struct binding *b, uint32_t by);
/*
 * Calls change for each binding that the MAC has now. A change may call bgp, which may call back and so take away
 * others, which are then passed over, or bring new ones, which are left out.
 */
void binding_change_all(struct evpn *e, uint32_t mac, void (*change)(struct evpn *e, uint32_t h));

#endif

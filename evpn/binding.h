/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * The table of bindings. One entry is "this address is at this MAC", said by a host here, by one behind the tunnel, by
 * MAC/IP routes, or by several of them. It knows who says what; what follows from it is neigh.h's.
 *
 * A binding is named by a handle, 0 is none. An address has one for each MAC that it is said to be at.
 */
#ifndef EVPN_BINDING_H
#define EVPN_BINDING_H

#include "base/hidx.h"
#include "base/slab.h"
#include "evpn/evi.h"
#include "evpn/sources.h"

enum { /* flags of a binding */
	BINDING_LOCAL = 1,   /* the dataplane sees it */
	BINDING_ROUTER = 2,  /* so the host says, locally or out of the tunnel */
	BINDING_SENT = 4,    /* advertised */
	BINDING_WANTED = 8,  /* its row is wanted */
	BINDING_WANTED_ROUTER = 16,
	BINDING_STALE = 32, /* local, but its MAC was here and has left */
	BINDING_STATIC = 64, /* local, set by hand: the address can be nowhere else (RFC 9047 2, I) */
	BINDING_IN_USE = 128 /* rows come on demand, and its is wished for */
};

struct binding { /* 40 octets of an IPv4 address, 52 of an IPv6 one, and 9 to 18 of the index */
	uint32_t mac;        /* handle */
	uint32_t next, prev; /* of its MAC */
	struct sources routes;
	uint32_t since; /* s */
	uint16_t evi;
	uint8_t flags;
	uint8_t ip_len : 7;
	bool tunnel : 1; /* heard out of the tunnel: it is where its MAC is */
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
/* Made when need be; then nobody says it yet. */
uint32_t binding_obtain(struct evpn *e, struct evi *evi, const struct ip *ip, uint32_t mac);
/* The local one, the one that was heard out of the tunnel: there is one at most. */
uint32_t binding_local(const struct evpn *e, const struct evi *evi, const struct ip *ip);
uint32_t binding_tunnel(const struct evpn *e, const struct evi *evi, const struct ip *ip);
/* The n-th, from 0; 0 behind the last. */
uint32_t binding_nth(const struct evpn *e, const struct evi *evi, const struct ip *ip, unsigned n);
/* Frees those that nobody says any more, and MACs that were held for them only. */
void binding_sweep(struct evpn *e, const struct evi *evi, const struct ip *ip);
/* A hint: its bindings are looked for soon. */
void binding_prefetch(const struct evpn *e, const struct evi *evi, const struct ip *ip);

/* ---- changes ----------------------------------------------------------------------------------------------------- */

/* The counters of the EVI: -1u before who says the binding changes, 1 after it. */
void binding_tally(struct evi *evi, const struct binding *b, uint32_t by);
/*
 * Changes those of a MAC one by one. A change may call bgp, and that back, and so take
 * others along or bring some: those that there are now, as far as they are there still.
 */
void binding_change_all(struct evpn *e, uint32_t mac, void (*change)(struct evpn *e, uint32_t h));

#endif

/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * Bindings of addresses to MACs. One entry is "this address is at this MAC", said by a local neighbour table, by MAC/IP
 * routes, or both. Of several MACs for one address at most one makes a neighbour row. Local ones are advertised while
 * their MAC is here; until then they wait.
 */
#ifndef EVPN_NEIGH_H
#define EVPN_NEIGH_H

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
struct neigh_table {
	struct slab slab[2];
	struct hidx index; /* by EVI and address */
};

static inline struct ip binding_ip(const struct binding *b)
{
	return ip_from_bytes(b->ip, b->ip_len);
}

void neigh_table_init(struct evpn *e);
void neigh_table_fini(struct evpn *e);
uint32_t neigh_count(const struct evpn *e);
/* The binding after h; 0 starts and ends. */
uint32_t neigh_next(const struct evpn *e, uint32_t h);

/* ---- events ------------------------------------------------------------------------------------------------------ */

/* says: BINDING_ROUTER, BINDING_STATIC */
void neigh_learned(struct evpn *e, struct evi *evi, const struct ip *ip, const struct mac *mac, uint8_t says);
void neigh_left(struct evpn *e, struct evi *evi, const struct ip *ip);
/* The host at mac has said so out of the tunnel, or is silent. What was heard last counts, here or there. */
void neigh_learned_there(struct evpn *e, struct evi *evi, const struct ip *ip, const struct mac *mac, bool router);
void neigh_left_there(struct evpn *e, struct evi *evi, const struct ip *ip);
/* The host at mac was asked and did not answer: whoever else has the address gets its row, whatever the kernel knows. */
void neigh_gone(struct evpn *e, struct evi *evi, const struct ip *ip, const struct mac *mac);
void neigh_route_set(struct evpn *e, struct evi *evi, const struct mac *mac, const struct ip *ip, const uint8_t rd[8],
		     uint32_t import);
void neigh_route_del(struct evpn *e, struct evi *evi, const struct mac *mac, const struct ip *ip,
		     const uint8_t rd[8]);

/* Has the MAC n addresses, or more? */
bool neigh_has_many(const struct evpn *e, const struct evi *evi, const struct mac *mac, unsigned n);
/* The row of an address behind a VTEP: who has it. False without one. */
bool neigh_row(const struct evpn *e, const struct evi *evi, const struct ip *ip, struct mac *mac, bool *router);
/* The binding of the address that counts: the one whose row is wanted, else a local one, else any; 0: it has none. */
uint32_t neigh_find(const struct evpn *e, const struct evi *evi, const struct ip *ip);
/* The n-th binding of an address, from 0; 0 behind the last. */
uint32_t neigh_nth(const struct evpn *e, const struct evi *evi, const struct ip *ip, unsigned n);
bool neigh_is_local(const struct evpn *e, const struct evi *evi, const struct ip *ip);
/* Does the route of this RD say where the address is? */
bool neigh_has_route(const struct evpn *e, const struct evi *evi, const struct ip *ip, const uint8_t rd[8]);
/*
 * Rows on demand: those of the address and of its MAC are wished for from now on. Who has it; *there: its MAC was in use
 * before. False when it is behind no VTEP.
 */
bool neigh_use(struct evpn *e, struct evi *evi, const struct ip *ip, struct mac *mac, bool *router, bool *there);
bool neigh_is_bound(const struct evpn *e, const struct evi *evi, const struct ip *ip, const struct mac *mac);
/* The address is no duplicate any more. */
void neigh_thaw(struct evpn *e, struct evi *evi, const struct ip *ip);

/* Import handle of the best route that says it, 0 without. */
uint32_t neigh_best_route(const struct evpn *e, const struct binding *b);

/* ---- for mac.c --------------------------------------------------------------------------------------------------- */

/* The MAC came here, left, or has another sequence: advertises or withdraws its local addresses. */
void neigh_mac_advertise(struct evpn *e, uint32_t mac);
void neigh_mac_withdraw(struct evpn *e, uint32_t mac);
/* The MAC was on a port, and a route or the port's silence says that it is not any more: are its hosts? Comes before neigh_mac_moved(). */
void neigh_mac_lost(struct evpn *e, uint32_t mac);
/* The MAC has come to a port. Its addresses, as routes have them, are asked for: who moved it may have told of the MAC alone. */
void neigh_mac_came(struct evpn *e, uint32_t mac);
/* Whether the MAC is here, there or nowhere has changed: rows of its addresses follow. */
void neigh_mac_moved(struct evpn *e, uint32_t mac);
/* Rows on demand: those of its addresses are not. */
void neigh_mac_unuse(struct evpn *e, uint32_t mac);
/* Drops all of a MAC whose EVI is about to go; the MAC stays. */
void neigh_mac_clear(struct evpn *e, uint32_t mac);

#endif

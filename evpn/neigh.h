/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * What follows from bindings of addresses to MACs (binding.h). When several MACs have one address, at most one of them
 * gets a neighbour row (neigh_row.c). A local binding is advertised while its MAC is here; until then it waits.
 */
#ifndef EVPN_NEIGH_H
#define EVPN_NEIGH_H

#include "evpn/binding.h"

/* ---- events ------------------------------------------------------------------------------------------------------ */

/* The address is at the MAC, here. says: BINDING_ROUTER, BINDING_STATIC. */
void neigh_learned(struct evpn *e, struct evi *evi, const struct ip *ip, const struct mac *mac, uint8_t says);
void neigh_left(struct evpn *e, struct evi *evi, const struct ip *ip);
/* A host behind a VTEP, heard through the tunnel, has the address; it has fallen silent. Who spoke last counts. */
void neigh_learned_there(struct evpn *e, struct evi *evi, const struct ip *ip, const struct mac *mac, bool router);
void neigh_left_there(struct evpn *e, struct evi *evi, const struct ip *ip);
/* The host at mac did not answer when asked: any other claim of the address gets the row, whatever the kernel knows. */
void neigh_gone(struct evpn *e, struct evi *evi, const struct ip *ip, const struct mac *mac);
void neigh_route_set(struct evpn *e, struct evi *evi, const struct mac *mac, const struct ip *ip, const uint8_t rd[8],
		     uint32_t import);
void neigh_route_del(struct evpn *e, struct evi *evi, const struct mac *mac, const struct ip *ip,
		     const uint8_t rd[8]);

/* Whether the MAC has n addresses or more. */
bool neigh_has_many(const struct evpn *e, const struct evi *evi, const struct mac *mac, unsigned n);
/* The MAC in the neighbour row of an address behind a VTEP; false when it has no row. */
bool neigh_row(const struct evpn *e, const struct evi *evi, const struct ip *ip, struct mac *mac, bool *router);
/* The binding of the address that counts: the one whose row is wanted, else a local one, else any; 0: it has none. */
uint32_t neigh_find(const struct evpn *e, const struct evi *evi, const struct ip *ip);
bool neigh_is_local(const struct evpn *e, const struct evi *evi, const struct ip *ip);
/* Whether a route of this RD says where the address is. */
bool neigh_has_route(const struct evpn *e, const struct evi *evi, const struct ip *ip, const uint8_t rd[8]);
/* An address that the route of this RD has at the MAC, false without one: to take them away one by one. */
bool neigh_route_of(const struct evpn *e, const struct evi *evi, const struct mac *mac, const uint8_t rd[8],
		    struct ip *out);
/*
 * Rows on demand: those of the address and of its MAC are wished for from now on. Who has
 * it; *there: its MAC was in use before. False when it is behind no VTEP.
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
/*
 * The MAC was on a port, and a route or the port's silence says that it is not any more: are its hosts? Comes before
 * neigh_mac_moved().
 */
void neigh_mac_lost(struct evpn *e, uint32_t mac);
/*
 * The MAC has come to a port. The addresses that routes gave it are asked for: its mover
 * may have told only of the MAC.
 */
void neigh_mac_came(struct evpn *e, uint32_t mac);
/* Whether the MAC is here, there or nowhere has changed: rows of its addresses follow. */
void neigh_mac_moved(struct evpn *e, uint32_t mac);
/* Rows on demand: those of its addresses are not. */
void neigh_mac_unuse(struct evpn *e, uint32_t mac);
/* Drops all of a MAC whose EVI is about to go; the MAC stays. */
void neigh_mac_clear(struct evpn *e, uint32_t mac);

/* ---- between neigh.c and neigh_row.c ----------------------------------------------------------------------------- */

struct neigh_contest { /* who is there for one address; handles of bindings, 0 for nobody */
	uint32_t local;  /* heard here */
	uint32_t remote; /* the best of those behind a VTEP */
	uint32_t wanted; /* whose row is wished for now */
	uint32_t n;      /* bindings of the address */
};
struct neigh_contest neigh_contest(const struct evpn *e, const struct evi *evi, const struct ip *ip);
/* Makes the row of an address what its bindings say, and frees those that nobody says any more. */
void neigh_decide(struct evpn *e, struct evi *evi, const struct ip *ip);
/* RFC 9047 2: the address can only be bound to the MAC of this binding's route. */
bool neigh_is_immutable(const struct evpn *e, const struct binding *b);
/*
 * No longer local: the dataplane says so, another MAC has the address now, or a row of
 * ours takes its place. The binding may be gone after it.
 */
void neigh_forget_local(struct evpn *e, struct evi *evi, uint32_t h);

#endif

/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * The MAC table. An entry knows who claims the MAC (routes, one for each RD, and the routes of its bindings) and
 * whether a local port shows it. mac_step() decides between them, and mac.c carries out the decision: it wishes rows
 * and originates routes. A MAC is behind a VTEP while any route says so, with an address or without (RFC 7432 10).
 */
#ifndef EVPN_MAC_H
#define EVPN_MAC_H

#include "base/hidx.h"
#include "base/slab.h"
#include "evpn/evi.h"
#include "evpn/mobility.h"
#include "evpn/sources.h"

struct import;

enum { /* flags of an entry */
	MAC_STATIC = 1, /* it is static on the local port */
	MAC_TOOK = 2,   /* remote by winning over a local port: the row may take its place */
	MAC_BUSY = 4,   /* being worked on: it must not be freed */
	MAC_IN_USE = 8, /* rows come on demand, and its row is wished for */
	MAC_OVER = 16   /* on a port of ours, but above a MAC limit: neither local nor advertised, see limit.h */
};

struct mac_entry { /* 48 octets, and 9 to 18 of the index */
	uint16_t evi;
	struct mac mac;
	uint8_t state;  /* enum mac_state */
	uint8_t reason; /* enum mac_reason */
	uint8_t flags;
	struct sources routes; /* MAC-only ones */
	uint32_t bindings;     /* first of its addresses, see neigh.h */
	uint32_t best;         /* import handle of the best claim, of bindings too; 0 without */
	uint32_t sequence;     /* ours while it is here */
	uint32_t ifindex;      /* local port, the last one seen */
	uint32_t since;        /* s, of the last change */
};

struct mac_table {
	struct slab slab;
	struct hidx index;  /* by EVI and MAC */
	struct slab nodes;  /* of struct sources, bindings' too */
};

void mac_table_init(struct evpn *e);
void mac_table_fini(struct evpn *e);

/* ---- events ------------------------------------------------------------------------------------------------------ */

void mac_learned(struct evpn *e, struct evi *evi, const struct mac *mac, unsigned ifindex, bool is_static);
void mac_left(struct evpn *e, struct evi *evi, const struct mac *mac);
void mac_route_set(struct evpn *e, struct evi *evi, const struct mac *mac, const uint8_t rd[8], uint32_t import);
void mac_route_del(struct evpn *e, struct evi *evi, const struct mac *mac, const uint8_t rd[8]);
/* Its segment may lead to other VTEPs now. */
void mac_segment_changed(struct evpn *e, uint32_t h);
/* Rows on demand: wishes its row from now on. False when it is behind no VTEP. */
bool mac_use(struct evpn *e, uint32_t h);
/* Neither it nor any of its addresses is used any more. */
void mac_unuse(struct evpn *e, uint32_t h);
/* The dataplane has learned from the tunnel that it is behind this VTEP; has forgotten it again. */
void mac_learned_there(struct evpn *e, struct evi *evi, const struct mac *mac, const struct ip *vtep);
void mac_left_there(struct evpn *e, struct evi *evi, const struct mac *mac);
/* It is no duplicate any more, so it goes where it was kept from going. */
void mac_thaw(struct evpn *e, struct evi *evi, const struct mac *mac);
/*
 * Drops all MACs and bindings of the EVIs that are leaving and withdraws our routes; rows
 * are the dataplane's to drop.
 */
void mac_clear(struct evpn *e);

/* ---- for neigh.c ------------------------------------------------------------------------------------------------- */

/* The reason to show for a change that this import has caused, by coming; by going. */
enum mac_reason mac_why_there(const struct import *im);
enum mac_reason mac_why_gone(const struct import *im);
/* 0 when there is none. */
uint32_t mac_find(const struct evpn *e, const struct evi *evi, const struct mac *mac);
/* The entry, made when missing. One that nothing holds any more goes with mac_reap(). */
uint32_t mac_obtain(struct evpn *e, struct evi *evi, const struct mac *mac);
void mac_reap(struct evpn *e, uint32_t h);
/* A binding's route came (was 0), changed or went (is 0). Both handles are still referenced. */
void mac_claim_changed(struct evpn *e, uint32_t h, uint32_t was, uint32_t is);

#endif

/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * Rows on demand (modes dynamic-*): the tables may know of every host, the dataplane has those that are talked to.
 *
 *   miss --> known to the tables? --yes-------------------------------> in use: its rows are wished for
 *               | no                                                        ^            |
 *               v                                                           |            | idle: not any more
 *           resolver.c --> source (a registry, a program) --> answer = a claim like a route's
 *                     `--> resolver: rib: nobody knows
 *
 * A host that asked by ARP or ND is answered from here as soon as the row is there, since
 * the kernel drops its question.
 */
#ifndef EVPN_DEMAND_H
#define EVPN_DEMAND_H

#include "base/timerq.h"
#include "evpn/evi.h"
#include "evpn/resolver.h"
#include "include/evpn.h"

/* The dataplane missed an address that was known: whoever asked for it is heard next, or was heard before. */
struct demand_found {
	struct ip ip;
	struct mtime until;
};
#define DEMAND_FOUND 32u

struct demand {
	struct evpn *e;
	struct evi *evi;
	struct resolver resolver;
	struct slab held; /* struct demand_held */
	uint32_t said;    /* of those, whose answer is known and whose row is not there yet; a chain */
	struct timerq_node timer;
	bool asking; /* ask() runs */
	struct demand_found found[DEMAND_FOUND]; /* a ring */
	unsigned next_found;
};

/* Around the life of an EVI whose rows come on demand. */
void demand_start(struct evpn *e, struct evi *evi);
void demand_end(struct evpn *e, struct evi *evi);

/* ---- events ------------------------------------------------------------------------------------------------------ */

/* A frame to mac or, with mac NULL, a question for ip found no row. */
void demand_missed(struct evpn *e, struct evi *evi, const struct mac *mac, const struct ip *ip);
/* A host asks for the target, or probes whether it is free. */
void demand_heard(struct evpn *e, struct evi *evi, const struct dp_heard *h);
void demand_placed(struct evpn *e, struct evi *evi, const struct mac *mac);
void demand_idle(struct evpn *e, struct evi *evi, const struct mac *mac);

/* ---- for mac.c and neigh.c --------------------------------------------------------------------------------------- */

/* A host has just become known: was it missed a moment ago? True once for a miss. */
bool demand_wants_mac(const struct evi *evi, const struct mac *mac);
bool demand_wants_ip(const struct evi *evi, const struct ip *ip);

#endif

/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * Solicited-node groups (RFC 4291 2.7.1) of IPv6 hosts behind VTEPs, in mode dynamic-l2:
 * nothing floods unknown multicast there, so the group of each host that is known has a
 * row to its VTEP, or nobody could ask for it. Hosts share groups.
 */
#ifndef EVPN_SOLICITED_H
#define EVPN_SOLICITED_H

#include "base/htab.h"
#include "base/slab.h"
#include "evpn/evi.h"

enum solicited_by { SOLICITED_BINDING, SOLICITED_REGISTRY }; /* who says so; each for itself */

struct solicited_table {
	struct slab slab;
	struct htab index; /* by EVI and group */
};

void solicited_init(struct evpn *e);
void solicited_fini(struct evpn *e);
/* The address is behind this VTEP, a handle; 0: behind none. Nothing in EVIs that need no such rows, or for IPv4. */
void solicited_set(struct evpn *e, const struct evi *evi, const struct ip *ip, enum solicited_by by, uint32_t vtep);
void solicited_clear(struct evpn *e, const struct evi *evi);

#endif

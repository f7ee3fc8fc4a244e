/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * What the configuration says of a VNI: hosts and VTEPs to flood to; all there is in the modes without BGP,
 * and what is known besides the routes in mode evpn (VTEPs that speak no BGP yet). To the tables these are
 * claims like those of routes, so they are shown, compared with what local ports see, and programmed alike.
 * What is at our own VTEP is left out, so that all VTEPs can have the same lists.
 */
#ifndef EVPN_FIXED_H
#define EVPN_FIXED_H

#include "evpn/evi.h"

void fixed_add(struct evpn *e, struct evi *evi, const struct config_vni *c);
/* From the hosts of was to those of is, claim by claim; the rest of both is the same. */
void fixed_change_hosts(struct evpn *e, struct evi *evi, const struct config_vni *was, const struct config_vni *is);
/* One host. del: false when there was none; ip none: all of the MAC. */
void fixed_host_add(struct evpn *e, struct evi *evi, const struct config_host *h);
bool fixed_host_del(struct evpn *e, struct evi *evi, const struct mac *mac, const struct ip *ip);

#endif

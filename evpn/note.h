/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * What the tables note in the daemon's history (base/history.h). The tables decide and commit; a note is made of what
 * was and what is, so it cannot say anything else. Nothing here changes a table.
 */
#ifndef EVPN_NOTE_H
#define EVPN_NOTE_H

#include "base/history.h"
#include "evpn/mac.h"
#include "include/bgp.h"

struct binding;

/* The entry has changed from *was; was->best is still referenced. Notes nothing when no visible field differs. */
void note_mac(struct evpn *e, const struct evi *evi, const struct mac_entry *was, const struct mac_entry *is);
/* It waits for room below a MAC limit, or does so no more. */
void note_mac_limited(struct evpn *e, const struct evi *evi, const struct mac_entry *m);
/* A MAC limit of the VNI, or of a port of it, is reached, or there is room below it again. */
void note_limit(struct evpn *e, const struct evi *evi, unsigned ifindex, bool reached);
/* What a binding is from now on, and why; mac_was NULL: the address was at no other MAC. */
void note_ip(struct evpn *e, const struct evi *evi, const struct binding *b, enum history_what what,
	     const struct mac *mac_was, const char *reason);
/* An address that is not taken for that of a host at mac; at has it, or NULL. */
void note_ip_refused(struct evpn *e, const struct evi *evi, const struct ip *ip, const struct mac *mac,
		     const struct mac *at, const char *reason);
/* The VTEP is flooded to from now on, or no more. */
void note_vtep(struct evpn *e, const struct evi *evi, const struct ip *vtep, bool added);
/* A best path is another one now; only while someone watches. */
void note_route(struct evpn *e, const struct bgp_route_ref *old, const struct bgp_route_ref *new_);
/* The VNI was taken on, given up, can carry frames or cannot. */
void note_vni(struct evpn *e, const struct evi *evi, enum history_what what);

#endif

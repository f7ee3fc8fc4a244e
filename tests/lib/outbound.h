/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/* Checks of a table's outbound side: what a peer is sent, what its lists always keep to, that nothing is left. */
#ifndef TESTS_LIB_OUTBOUND_H
#define TESTS_LIB_OUTBOUND_H

#include "bgp/rib.h"
#include "tests/lib/updread.h"

/* Pulls once, at most cap octets (128 KiB at the most), and gives each UPDATE to take; how many octets. */
size_t outbound_pull(struct rib *rib, struct rib_peer *p, size_t cap, void (*take)(void *ctx, struct upd *u),
		     void *ctx);
/* Is there anything to pull? */
bool outbound_pending(const struct rib_peer *p);
/* What show has of the peer: prefixes_sent and pending of all families, group of the first. */
struct bgp_family_info outbound_info(const struct rib *rib, const struct rib_peer *p);
/* The rules of bgp/out_int.h, for every list and its kept messages; returns the highest count of repeats met. */
uint64_t outbound_check_lists(struct rib *rib);
/* No key, path, set or slot is in use. */
void outbound_check_empty(struct rib *rib);

#endif

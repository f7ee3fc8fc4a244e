/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * A dataplane that only remembers which rows are wanted (it defines the dp_*() that evpn calls, so dataplane/ is not
 * linked). Rows read as lines, sorted:
 *
 *	fdb 100 02:00:00:00:00:01 192.0.2.2 [label 200] [sticky] [take-over] [on-demand]
 *	fdb 100 02:00:00:00:00:01 {192.0.2.2 192.0.2.3} ...      to a set; {} to one that is no more
 *	flood 100 192.0.2.2 [label 200]
 *	group 100 ff:ff:ff:ff:ff:ff 192.0.2.2 [label 200]
 *	neigh 100 10.0.0.1 02:00:00:00:00:01 [router] [take-over]
 */
#ifndef TESTS_LIB_RECDP_H
#define TESTS_LIB_RECDP_H

#include "base/buf.h"
#include "include/dataplane.h"

/* VNIs are ready at once when ready is true (reported from dp_vni_add()). */
struct dp *recdp_new(const struct dp_events *ev, bool ready);
void recdp_free(struct dp *d);
/* All wanted rows as lines, "" without; appends. */
void recdp_text(const struct dp *d, struct buf *out);
/* NULL when it is not wanted. */
const struct dp_row *recdp_find(const struct dp *d, const struct dp_key *key);
size_t recdp_rows(const struct dp *d);
/* dp_want() and dp_unwant() since the start. */
uint64_t recdp_calls(const struct dp *d);
/* Hosts can be asked from now on; what is said to them is appended as lines. Before, and with NULL, they cannot. */
void recdp_listen(struct dp *d, struct buf *said);
/* Times that a set's members became others, the first ones too. */
uint64_t recdp_set_changes(const struct dp *d);
/* The members of a set, in order of address; how many. */
unsigned recdp_set(const struct dp *d, uint32_t set, struct ip vteps[DP_SET_MAX]);
/* Sets that there are. */
size_t recdp_sets(const struct dp *d);
/* Rows on demand to sets are refused, as by Linux before 6.15. */
void recdp_no_sets_on_demand(struct dp *d);
/* What dp_vni_add() answers from now on. */
void recdp_refuse(struct dp *d, int err);
size_t recdp_vnis(const struct dp *d);

#endif

/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * A RIB without sessions for tests of evpn: paths by key and source, the best of them told to the listener, attributes
 * interned by content with marks (it defines the bgp_*() that evpn calls, so bgp/ is not linked). Slow and obvious.
 */
#ifndef TESTS_LIB_STUBBGP_H
#define TESTS_LIB_STUBBGP_H

#include "base/buf.h"
#include "include/bgp.h"

struct bgp *stubbgp_new(const struct bgp_listener *l);
/* Drops all routes; the listener hears nothing any more but of sets that go. */
void stubbgp_free(struct bgp *b);
/* A path from source 1, 2, ...; replaces that source's earlier one. */
void stubbgp_announce(struct bgp *b, unsigned from, const struct bgp_nlri *nlri, const struct bgp_attrs *a);
void stubbgp_withdraw(struct bgp *b, unsigned from, const struct bgp_nlri *nlri);
/*
 * What we originate, as sorted lines:
 *
 *	100 mac 02:00:00:00:00:01 [10.0.0.1] [seq 3] [sticky] [router]
 *	100 imet 192.0.2.1
 */
void stubbgp_ours(const struct bgp *b, struct buf *out);
/* The attributes of ours with this key, NULL without. */
const struct bgp_attrs *stubbgp_our_attrs(const struct bgp *b, const struct bgp_nlri *nlri);
/* Every bgp_originate() and bgp_withdraw() as a line "+..." or "-..." as above, since the last call. */
void stubbgp_log(struct bgp *b, struct buf *out);
/* The route targets that evpn asks for, each once, as a sorted list "65000:10 65000:20". */
void stubbgp_wanted(const struct bgp *b, struct buf *out);
size_t stubbgp_sets(const struct bgp *b);
/* How often the mark of a set was asked for, and how often it was set. */
uint64_t stubbgp_mark_reads(const struct bgp *b);
uint64_t stubbgp_mark_writes(const struct bgp *b);
/* What evpn has said of its work, by bgp_did(). */
uint64_t stubbgp_did(const struct bgp *b);

#endif

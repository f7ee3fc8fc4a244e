/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * A speaker's EVPN side, all of it. Who includes this owns one of the tables in it or shows them.
 *
 *   import.c   best path --> EVIs that import it --+--> mac.c    MAC/IP routes without an address
 *                                                  +--> neigh.c  MAC/IP routes with one, claims of their MAC
 *                                                  +--> flood.c  Type 3
 *                                                  +--> segment.c  Type 1: where MACs of a segment are
 *   evpn.c     dataplane events -------------------+--> mac.c, neigh.c; addresses by way of host.c
 *   misses --> demand.c --> marks in mac.c and neigh.c: in use; answers are claims there like those of routes
 *   mac.c, neigh.c --> origin.c --> bgp,  and mac.c, neigh.c, flood.c --> dp_want(), dp_unwant()
 *
 * Calls of bgp may come back as best_changed for the very route (with an RD that two VTEPs share, the other's
 * path becomes or ceases to be the best). So a table commits its change before it calls out, and reads again
 * after it; a route that has ceased to be the best meanwhile is brought to no further EVI (import.c), and an
 * EVI that leaves takes none. tests/unit/test_evpn_random holds all of it against a model.
 */
#ifndef EVPN_TABLES_H
#define EVPN_TABLES_H

#include "base/pages.h"
#include "evpn/demand.h"
#include "evpn/evi.h"
#include "evpn/flood.h"
#include "evpn/host.h"
#include "evpn/import.h"
#include "evpn/limit.h"
#include "evpn/mac.h"
#include "evpn/moves.h"
#include "evpn/neigh.h"
#include "evpn/note.h"
#include "evpn/solicited.h"
#include "evpn/segment.h"
#include "evpn/vtep.h"
#include "include/evpn.h"

struct evpn_show; /* show.c: space for what it lends out */

struct evpn {
	uint32_t asn, router_id;
	struct ip vtep; /* none: no tunnel endpoint, nothing of ours is advertised */
	struct log *log;
	struct history *history; /* NULL: none is kept */
	bool many;               /* evpn_vnis_begin(): its end does what goes over a whole table */
	struct bgp_peer *cause;  /* of whom a route is that changes the tables; NULL: nobody */
	struct mtime now;
	uint64_t steps; /* along lists that are as long as peers make them: see import_route.c, turn_end() */
	uint64_t seed; /* of the indices: peers choose MACs and addresses */
	struct pages pages; /* of MACs and bindings */
	struct bgp *bgp;
	struct dp *dp;
	struct bgp_listener listener;
	struct dp_events events;
	struct evi_table evis;
	struct vtep_table vteps;
	struct segment_table segments;
	struct import_table imports;
	struct mac_table macs;
	struct binding_table bindings;
	struct flood_table floods;
	struct solicited_table solicited;
	struct moves_table moves;
	struct host_table hosts;
	struct limit_table limits;
	struct timerq timers;
	struct evpn_source source; /* of answers, for rows on demand */
	struct log_limit conflicts; /* a peer can cause them */
	struct evpn_show *show;
};

/* Space for show, made at its first use; NULL is fine for the second. */
void evpn_show_free(struct evpn_show *s);

static inline uint32_t evpn_seconds(const struct evpn *e)
{
	return (uint32_t)(e->now.us / 1000000);
}

static inline struct mac_entry *mac_get(const struct evpn *e, uint32_t h)
{
	return slab_ptr(&e->macs.slab, h);
}

static inline struct binding *binding_get(const struct evpn *e, uint32_t h)
{
	return slab_ptr(&e->bindings.slab[h & 1], h >> 1);
}

static inline struct flood *flood_get(const struct evpn *e, uint32_t h)
{
	return slab_ptr(&e->floods.slab, h);
}

static inline const struct ip *import_vtep(const struct evpn *e, uint32_t import)
{
	return &vtep_get(&e->vteps, import_get(&e->imports, import)->vtep)->ip;
}

#endif

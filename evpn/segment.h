/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * Ethernet Segments of others, and which of their PEs are sent to (RFC 7432 8). We have none of our own: split horizon,
 * designated forwarders and Type 4 routes are the business of those that are attached to one.
 *
 *   import.c --- Type 1 routes ---> segment: one EVI's view of one ESI
 *                                     per_es    PEs that have the segment (tag MAX-ET)
 *                                     per_evi   PEs that take frames for the EVI on it
 *                                       |
 *                                       v   judge()
 *   mac.c ---- "to whom does -----> paths: sets of VTEPs that MACs of the segment go to
 *               this claim lead?"       |       dp_set_put() when a set changes: one operation for all of its MACs
 *                                       v
 *                                   a walk over the MACs, in slices, when what they lead to is another thing
 *
 * Which PEs count, in an EVI:
 *
 *   - one whose A-D per ES route the EVI imports, and, when any PE has an A-D per EVI route there, that has one, too
 *     (8.4; rfc7432bis 9.2.2: with none at all, MAC routes alone say who takes frames for the EVI);
 *   - all-active: with A-D per EVI routes frames go to all of them, whoever advertised the MAC (aliasing, 8.4);
 *     without, to the PE that advertised it;
 *   - single-active, as soon as one A-D per ES route says so: to the PE that advertised the MAC. When that no longer
 *     counts, to the one that is left (backup path, 8.4.1). Of several only they know which it will be, so the MAC
 *     leads nowhere and its frames are flooded, until it is advertised again (14.1.1);
 *   - none that only a long-lived stale route speaks for while others are there (RFC 9494);
 *   - none that is about to go (RFC 8326: its A-D per ES route has LOCAL_PREF 0) while others are there, where all
 *     take frames for all MACs. Elsewhere the others would drop what is sent to them before the PE has handed over;
 *   - at most DP_SET_MAX, those of the lowest addresses, out of SEGMENT_ROUTES A-D routes: who has more is no PE.
 *
 * So the withdrawal of one A-D per ES route takes its PE out of every set at once (8.2), and a MAC whose ESI no PE
 * stands for is not used (9.2.2). A PE with a VNI of its own for the segment (downstream-assigned labels) cannot be
 * in a set: then each MAC goes to one PE, and is rewritten when another one takes over. The same is done where rows
 * come on demand and the dataplane cannot point such a row at a set; there the MACs are shared out among the PEs.
 */
#ifndef EVPN_SEGMENT_H
#define EVPN_SEGMENT_H

#include "base/htab.h"
#include "base/slab.h"
#include "base/timerq.h"
#include "evpn/sources.h"
#include "include/dataplane.h"

#define SEGMENT_ROUTES 1024u /* in one EVI; a PE has one, or a few when its route targets need more */

struct evi;
struct evpn;
struct import;

struct esi { /* each once, as VTEPs are */
	uint32_t chain;
	uint32_t refs;
	uint8_t b[10];
};

/* Where the MACs of a segment lead that one PE advertises with one label; the first path: all of them (aliasing). */
struct segment_path {
	uint32_t chain;
	uint32_t segment, next, prev; /* the first has no prev */
	uint32_t set; /* number of its set */
	uint32_t vtep, label; /* of the advertiser; 0 in the first */
	uint32_t macs;        /* MAC entries whose best claim is of it; in the first, of any */
	uint32_t n;
	uint32_t member[DP_SET_MAX]; /* VTEPs, by address; each a reference */
	uint32_t one_label; /* not 0: no set, but only the first member, with this VNI in the packet */
};

struct segment {
	uint32_t chain;
	uint32_t esi;
	uint16_t evi; /* slot */
	bool aliasing, single_active;
	uint16_t n_routes;
	struct sources per_es, per_evi; /* A-D routes, by RD */
	uint32_t paths;
};

struct segment_table {
	struct slab slab, esis, paths;
	struct slab numbers; /* of sets: nothing but handles */
	struct htab index, esi_index, path_index; /* by EVI and ESI; by ESI; by segment and advertiser */
	struct timerq_node walk; /* over the MACs */
	struct evpn *e;
	uint32_t walk_at;
	bool walk_again; /* something has changed that the walk has already passed */
};

void segment_table_init(struct evpn *e);
void segment_table_fini(struct evpn *e);

/* An ESI that makes a MAC route one of a segment: neither zero nor MAX-ESI (RFC 7432 5, 9.2.2). */
bool esi_is_segment(const uint8_t esi[10]);
/* The handle of it, with one more reference that is the caller's. */
uint32_t esi_take(struct segment_table *t, const uint8_t esi[10]);
void esi_drop(struct segment_table *t, uint32_t h);

static inline struct esi *esi_get(const struct segment_table *t, uint32_t h)
{
	return slab_ptr(&t->esis, h);
}

static inline struct segment *segment_get(const struct segment_table *t, uint32_t h)
{
	return slab_ptr(&t->slab, h);
}

static inline struct segment_path *segment_path_get(const struct segment_table *t, uint32_t h)
{
	return slab_ptr(&t->paths, h);
}

/* An A-D route of the EVI came, changed or went; per_es: with Ethernet Tag MAX-ET. */
void segment_route_set(struct evpn *e, const struct evi *evi, const uint8_t esi[10], bool per_es, const uint8_t rd[8],
		       uint32_t import);
void segment_route_del(struct evpn *e, const struct evi *evi, const uint8_t esi[10], bool per_es, const uint8_t rd[8]);
/* Drops all of an EVI, whose MACs are gone. */
void segment_clear(struct evpn *e, const struct evi *evi);

/* This claim, of a segment, has become the best one of a MAC (by 1), or is so no longer (by -1). */
void segment_count(struct evpn *e, const struct evi *evi, const struct import *im, uint32_t by);
/* The path that a claim of a segment leads to, one that is counted; 0: nowhere. */
uint32_t segment_resolve(const struct evpn *e, const struct evi *evi, const struct import *im);
/* The same as the destination of a row; false: nowhere. */
bool segment_dest(const struct evpn *e, const struct evi *evi, const struct import *im, struct dp_row *row);

/* ---- segment_pe.c ------------------------------------------------------------------------------------------------ */

struct segment_pe {
	uint32_t vtep;  /* handle */
	uint32_t label; /* of its A-D per EVI route, 0 without */
	bool per_es, per_evi, last_resort, draining, usable;
};
struct segment_pes {
	unsigned n;
	struct segment_pe v[DP_SET_MAX]; /* by address */
};
/* All PEs, for show; and those that count. *by_evi: they count by their A-D per EVI routes. */
struct segment_pes segment_all_pes(const struct evpn *e, const struct segment *s);
struct segment_pes segment_usable_pes(const struct evpn *e, const struct segment *s, bool *by_evi);
/* RFC 7432 8.2.1 has the flag in each A-D per ES route; where PEs differ, none may assume that all forward. */
bool segment_is_single_active(const struct evpn *e, const struct segment *s);

#endif

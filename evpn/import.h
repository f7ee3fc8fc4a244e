/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * From best paths to the tables. What a route means for them follows from its attributes but for the key, and routes
 * share attributes: so it is worked out once an interned set, kept as a struct import, and found again through the
 * set's mark. A route that no EVI imports costs the look at that mark and no more.
 */
#ifndef EVPN_IMPORT_H
#define EVPN_IMPORT_H

#include <stdbool.h>
#include <stdint.h>
#include <uthash.h>

#include "base/slab.h"
#include "evpn/evi.h"
#include "evpn/mobility.h"
#include "include/bgp.h"

/* What a set of attributes says to the tables. All but the EVIs is immutable. */
struct import {
	uint32_t refs;       /* rows of the tables, and the mark of the set */
	uint64_t octets;     /* of these rows and what follows from them */
	uint32_t generation; /* of the import rules that evis is right for */
	uint32_t vtep;       /* handle: where a MAC is; 0 when no MAC can be used */
	uint32_t label;      /* VNI to send to a MAC with (downstream-assigned when it is not ours) */
	uint32_t esi;        /* handle: the MAC is of this segment; 0: of the VTEP */
	uint32_t endpoint;   /* handle: where to flood to (PMSI); 0 when there is none */
	uint32_t flood_label;
	uint32_t sequence; /* MAC mobility */
	bool sticky, gateway, router, immutable;
	bool routes; /* it says that it is a router, by the R flag, as a default gateway, or in the configuration */
	bool single_active; /* A-D per ES: of the segment's PEs one forwards (RFC 7432 7.5) */
	bool last_resort; /* long-lived stale: RFC 9494 */
	bool draining;    /* about to go: RFC 8326 */
	bool fixed; /* the configuration says it, no route */
	bool tunnel; /* the dataplane has seen it: it needs no row */
	uint16_t n_evis;
	union {
		uint16_t few[4];
		struct import_evis *many; /* with more than 4 */
	} evi; /* slots of the EVIs that import it by their route targets: by Ethernet Tag, then ascending */
};

/* Sets with the same route targets share it: of a VLAN-aware bundle there are as many sets as broadcast domains. */
struct import_evis {
	UT_hash_handle hh;
	uint32_t refs;
	uint16_t slot[];
};

struct import_rule { /* an explicit route target */
	uint8_t rt[8];
	uint32_t tag; /* of the EVI */
	uint16_t slot;
};

struct import_turn;

struct import_table {
	struct slab slab;
	uint32_t generation; /* of the rules, 31 bits */
	struct import_rule *rules; /* sorted */
	uint32_t n_rules, cap_rules;
	struct import_evis *evis; /* by what is in them */
	struct import_turn *turn; /* the innermost of those that go on */
	uint64_t octets; /* of all rows that routes have made */
};

void import_table_init(struct import_table *t);
void import_table_fini(struct import_table *t);

static inline struct import *import_get(const struct import_table *t, uint32_t h)
{
	return slab_ptr(&t->slab, h);
}

static inline uint32_t import_ref(struct import_table *t, uint32_t h)
{
	import_get(t, h)->refs++;
	return h;
}

/*
 * A row of the tables refers to it: so many octets, its share of the indices and the dataplane's rows that it wishes
 * for among them. bgp counts those of routes (memory_limit), and knows by them whose they are.
 */
#define IMPORT_MAC 144u      /* a MAC, with its FDB row */
#define IMPORT_BINDING 288u  /* a binding, with its neighbour row, and its MAC */
#define IMPORT_BINDING6 320u
#define IMPORT_FLOOD 192u    /* a VTEP that is flooded to */
#define IMPORT_AD 448u       /* an A-D route, with its segment, whose path names 16 VTEPs */
static inline uint32_t import_hold(struct import_table *t, uint32_t h, uint32_t octets)
{
	struct import *im = import_get(t, h);

	im->octets += octets;
	if (!im->fixed && !im->tunnel)
		t->octets += octets;
	return import_ref(t, h);
}
void import_release(struct evpn *e, uint32_t h, uint32_t octets);

/*
 * For what the configuration says: hosts and flooding of a VNI at this VTEP. With one reference, the caller's. It is
 * sticky: a port that shows such a host is in conflict.
 */
uint32_t import_fixed(struct evpn *e, const struct ip *vtep, uint32_t vni, bool router);
/* The same for an answer of a resolver: the host may move. */
uint32_t import_answer(struct evpn *e, const struct ip *vtep, uint32_t vni, bool router);
/* For what the dataplane itself learned behind this VTEP, in any VNI. Takes a reference, which is the caller's. */
uint32_t import_tunnel(struct evpn *e, const struct ip *vtep);
void import_unref(struct evpn *e, uint32_t h);
/* As mac_claim_cmp(), and to the end: 0 only when the rows would be the same. */
int import_cmp(const struct evpn *e, uint32_t a, uint32_t b);
struct mac_claim import_claim(const struct evpn *e, uint32_t h);

/* An EVI was taken on, or is about to go: what sets were matched with is out of date. */
void import_rules_add(struct evpn *e, const struct evi *evi);
void import_rules_del(struct evpn *e, const struct evi *evi);
/* Brings what is in the RIB already into the EVIs that are unread. */
void import_rib(struct evpn *e);

/* ---- between import.c (sets), import_rt.c (route targets) and import_route.c (routes) ---------------------------- */

#define IMPORT_GENERATION_MASK 0x7fffffffu

/* The import of a set, 0 when no EVI takes anything of it. */
uint32_t import_of_set(struct evpn *e, uint32_t set, const struct bgp_attrs *a);
/*
 * Can frames be sent there? "A path whose next hop is ourselves is never imported."
 * Loopback addresses are those of others on this host, if our own is one.
 */
bool import_can_reach(const struct evpn *e, const struct ip *ip);

struct import_matches {
	uint64_t *v; /* tag << 16 | slot; ascending, each once */
	uint32_t n, cap;
};
/* The EVIs that import one of the route targets of a. The caller frees out->v. */
void import_match(const struct evpn *e, const struct bgp_attrs *a, struct import_matches *out);
/* Is this EVI one of them? */
bool import_is_matched(const struct evpn *e, const struct evi *evi, const struct bgp_attrs *a);
/* Those that an import has: im->n_evis slots; other ones; none. */
const uint16_t *import_evis(const struct import *im);
void import_evis_set(struct import_table *t, struct import *im, const struct import_matches *m);
void import_evis_drop(struct import_table *t, struct import *im);

/* For struct bgp_listener. */
void import_best_changed(struct evpn *e, const struct bgp_route_ref *old, const struct bgp_route_ref *new_);
void import_set_gone(struct evpn *e, uint32_t mark);
uint64_t import_octets_of(const struct evpn *e, uint32_t mark);

#endif

/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * An EVI with its one broadcast domain: what it is called (VNI, RD), what it imports and exports, and how much it
 * holds. Those of a VLAN-aware bundle (RFC 7432 6.3) have RD and route targets in common, and each an Ethernet
 * Tag of its own. Rows of the tables name it by a slot of 16 bits, which stays the same as long as the EVI lives.
 */
#ifndef EVPN_EVI_H
#define EVPN_EVI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "evpn/limit.h"
#include "include/config.h"

struct demand;
struct evpn;

struct evi {
	uint32_t vni;
	uint16_t slot;
	enum config_mode mode;
	bool bgp;         /* mode evpn, or asked of the RIB: it has an RD and route targets, its hosts are advertised */
	bool learns;      /* hosts are learned from the tunnel: they are where the dataplane has seen them */
	bool import_auto; /* it imports AS:VNI for any AS */
	bool rsc;         /* route short circuit: packets to a router's MAC go straight to their destination */
	bool suppress;    /* the bridge answers ARP and ND: remote bindings become neighbour rows */
	struct config_mobility mobility;
	struct limits limits; /* of MACs */
	enum config_flooding flooding;
	struct ip group; /* with flooding to one */
	bool ready;       /* the dataplane says so; Type 3 is advertised */
	bool unread;      /* what was in the RIB before it has not been imported yet */
	bool leaving;     /* it is deleted, its MACs are not yet */
	uint32_t tag;     /* Ethernet Tag of its routes; 0: VLAN-based service */
	uint8_t rd[8];
	uint8_t (*imports)[8]; /* explicit route targets */
	uint8_t (*exports)[8]; /* all, the automatic one filled in */
	uint16_t n_imports, n_exports;
	uint8_t *ecs; /* what all of its routes carry (exports, Encapsulation), then room for EVI_ECS_ROOM octets */
	size_t ecs_len;
	uint32_t floods; /* first of its Type 3 routes, see flood.h */
	uint32_t n_floods;
	struct demand *demand; /* rows come on demand; NULL: all rows are wished for at once */
	enum config_resolver resolver;
	uint32_t in_use; /* MACs, with demand */
	struct mac *groups; /* with demand: the flood list is for these, broadcast first; rows are for no others */
	uint16_t n_groups;
	bool host_learning;
	uint32_t n_hosts; /* see host.h */
	uint32_t local_macs, remote_macs, local_ips, remote_ips;
};

#define EVI_ECS_ROOM 16u
#define EVI_MAX 65535u
#define EVI_RTS_MAX 400u /* exports must fit into an UPDATE of 4,096 octets with all else */

struct evi_table {
	struct evi **slot;   /* by slot, NULL when free; [0] is never used */
	struct evi **by_vni; /* sorted */
	uint32_t n_slots, n;
};

void evi_table_fini(struct evi_table *t);
struct evi *evi_find(const struct evi_table *t, uint32_t vni);
/* The first with a number above vni, NULL at the end. */
struct evi *evi_after(const struct evi_table *t, uint32_t vni);

static inline struct evi *evi_get(const struct evi_table *t, uint16_t slot)
{
	return t->slot[slot];
}

/* -EEXIST: that VNI is there; -EADDRINUSE: another VNI has its RD; -ENOSPC: EVI_MAX; all with a log line. */
int evi_add(struct evpn *e, const struct config_vni *c, struct evi **out);
/* Nothing may be left in it. */
void evi_del(struct evpn *e, struct evi *evi);

#endif

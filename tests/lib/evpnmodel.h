/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * A slow and obvious model of a speaker's EVPN side: what peers, ports and the configuration say, in plain arrays, and
 * what rows, routes and counts have to follow from that. Which of a port and a route a MAC is at depends on the order
 * of events, so that is read from the tables and must agree with what both say; all else is worked out from nothing at
 * each look.
 */
#ifndef TESTS_LIB_EVPNMODEL_H
#define TESTS_LIB_EVPNMODEL_H

#include "tests/lib/evpnworld.h"

enum {
	MODEL_EVIS = 3,
	MODEL_PEERS = 3,
	MODEL_RDS = 3, /* a peer's own; one of all peers; that of our EVI 100 */
	MODEL_TAGS = 2, /* 0 and 10 */
	MODEL_MACS = 4,
	MODEL_IPS = 4, /* 0: a route without an address; the last is IPv6's */
	MODEL_ESIS = 2,
	MODEL_NONE = -1
};

/* evpn, static-flood, dynamic-l3 with the RIB as source, with another source. */
enum model_mode { MODEL_EVPN, MODEL_TUNNEL, MODEL_RIB, MODEL_ASK };

struct model_evi {
	enum model_mode mode;
	bool there, shared_rd; /* the RD of EVI 100 */
	uint32_t vni, tag;
	bool import_auto;
	uint32_t import_rt; /* explicit one, 65000:N; 0: none */
	uint32_t mac_limit;
	bool duplicates; /* are looked for */
	bool hosts;      /* are heard and asked: addresses may go by themselves */
	int port[MODEL_MACS]; /* ifindex where the MAC is shown, 0: nowhere */
	bool is_static[MODEL_MACS];
	int ip_at[MODEL_IPS]; /* MAC of a local address, or MODEL_NONE */
	bool ip_static[MODEL_IPS], ip_sent[MODEL_IPS], ip_lost[MODEL_IPS];
	int fixed[MODEL_MACS][MODEL_IPS]; /* peer that the configuration has it behind, or MODEL_NONE */
	int answer[MODEL_MACS][MODEL_IPS]; /* the same of a source's answers */
	int tunnel[MODEL_MACS];            /* and of what the dataplane has learned */
};

struct model_route { /* of a peer; which one follows from where it lies */
	bool there;
	uint32_t rt, rt2, seq, label;
	bool sticky, gateway, router, not_router, immutable, single_active;
	int esi; /* 1 or more; 0: none */
};

struct model {
	struct world *w;
	struct model_evi evi[MODEL_EVIS];
	struct model_route mac[MODEL_PEERS][MODEL_RDS][MODEL_TAGS][MODEL_MACS][MODEL_IPS];
	struct model_route imet[MODEL_PEERS][MODEL_RDS][MODEL_TAGS];
	struct model_route per_es[MODEL_PEERS][MODEL_RDS][MODEL_ESIS];
	struct model_route per_evi[MODEL_PEERS][MODEL_RDS][MODEL_TAGS][MODEL_ESIS];
};

unsigned model_peer(int peer); /* number of its VTEP */
uint32_t model_tag(int tag);
struct mac model_mac(int mac);
struct ip model_ip(int ip);
/* A route of the model as one of the world; esi as in the model, ip 0: none. */
struct route model_route(const struct model_route *r, int peer, int rd, int tag);

struct model_place { /* of a MAC in an EVI */
	bool here, frozen, limited; /* as the tables have it */
	bool claimed, pinned;       /* by a route or the configuration */
	uint32_t sequence;          /* ours when it is here, else the best claim's */
};
struct model_place model_place(const struct model *m, int evi, int mac);
/* What was missed is there: are its rows wished for? ip 0: of the MAC, else of the address, wherever it is. */
bool model_is_in_use(const struct model *m, int evi, int mac, int ip);
/* Is an address pinned to another MAC by a route? */
bool model_ip_refused(const struct model *m, int evi, int mac, int ip);

/* Fails, and says where, when rows, routes or counts are wrong; takes in what routes have taken from ports. */
void model_check(struct model *m);

#endif

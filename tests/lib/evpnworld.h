/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * One speaker's EVPN side between stubbgp and recdp, VTEP 192.0.2.9, with short ways to
 * say what routes and ports do and to look at what comes of it.
 */
#ifndef TESTS_LIB_EVPNWORLD_H
#define TESTS_LIB_EVPNWORLD_H

#include "include/evpn.h"
#include "tests/lib/recdp.h"
#include "tests/lib/stubbgp.h"

#define M1 "02:00:00:00:00:01" /* world_mac(1), as rows and routes have it */
#define M2 "02:00:00:00:00:02"
#define M3 "02:00:00:00:00:03"
#define IMET "100 imet 192.0.2.9\n" /* our own of VNI 100 */

struct world {
	struct evpn *e;
	struct dp *dp;
	struct bgp *bgp;
	struct log log;
	struct mtime now;
	const struct dp_events *port; /* to say what the dataplane sees: w->port->local_mac(w->e, ...) */
	unsigned logged;
	char last[256];
};

/* A speaker without VNIs; they will be ready at once. */
void world_start(struct world *w);
/* Frees all; what evpn holds must have come to zero when the last VNI and route are gone, which it sees to. */
void world_end(struct world *w);
/* cmocka's: state is a struct world without VNIs, or with VNI 100. */
int world_setup(void **state);
int world_setup_100(void **state);
int world_teardown(void **state);
/* Seconds pass, and what is due happens. */
void world_pass(struct world *w, unsigned seconds);
/* VNI with everything auto and ARP suppression on. */
void world_vni(struct world *w, uint32_t vni);
/* The configuration that world_vni() uses, to change before evpn_vni_add(). rts has space for import and export. */
struct config_vni world_config(uint32_t vni, struct config_rt rts[2]);

/* A route of another VTEP; zero fields mean what is usual. */
struct route {
	unsigned vtep;      /* 192.0.2.N, the source of the path too */
	uint32_t vni;       /* 0: 100; label, route target and number of the RD */
	unsigned mac;       /* 02:00:00:00:00:NN; 0: a Type 3 route */
	unsigned ip;        /* 10.0.0.NN */
	const char *ip6;    /* instead of ip */
	uint32_t seq;
	bool sticky, gateway, router, not_router, immutable;
	unsigned rd;        /* 192.0.2.RD:VNI, 0: of the VTEP */
	uint32_t label;     /* 0: the VNI */
	const char *next_hop; /* instead of 192.0.2.VTEP, of the PMSI too */
	const char *rt;     /* instead of 65000:VNI; "none" */
	const char *rt2;
	unsigned encap;     /* 0: VXLAN; 255: none */
	uint32_t tag;
	unsigned esi;       /* 00:00:00:00:00:N:00:... */
	enum { AD_NONE, AD_ES, AD_EVI } ad; /* a Type 1 route */
	bool single_active;
	bool long_lived_stale;
	bool draining; /* LOCAL_PREF 0 */
	unsigned pmsi_type; /* 0: ingress replication */
};

void world_announce(struct world *w, struct route r);
void world_withdraw(struct world *w, struct route r);

struct mac world_mac(unsigned n);
struct ip world_ip(unsigned n);
void world_learn(struct world *w, unsigned mac);
void world_leave(struct world *w, unsigned mac);
void world_learn_ip(struct world *w, unsigned ip, unsigned mac);
void world_leave_ip(struct world *w, unsigned ip);

/* Fail with the whole text when what is wanted, originated or was sent since the last look is otherwise. */
#define world_rows(w, text) world_rows_((w), (text), __FILE__, __LINE__)
#define world_ours(w, text) world_ours_((w), (text), __FILE__, __LINE__)
#define world_sent(w, text) world_sent_((w), (text), __FILE__, __LINE__)
void world_rows_(struct world *w, const char *text, const char *file, int line);
void world_ours_(struct world *w, const char *text, const char *file, int line);
void world_sent_(struct world *w, const char *text, const char *file, int line);
/* The entry of a MAC in VNI 100; false without one. */
bool world_show_mac(struct world *w, unsigned mac, struct evpn_mac_info *out);

#endif

/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * A fabric in one process: VTEPs behind route reflectors on a simulated network, each the daemon's own engine, tables
 * and dataplane over a fake kernel (fakedp), with hosts on their ports that talk, move and leave. fabric_check() says
 * whether every kernel has what a model derives from where the hosts are: it knows no route and no rule.
 *
 * Speakers are numbered, reflectors first. Everything follows from the seed.
 */
#ifndef TESTS_LIB_FABRIC_H
#define TESTS_LIB_FABRIC_H

#include "include/evpn.h"
#include "tests/lib/fakedp.h"
#include "tests/lib/rng.h"
#include "tests/lib/simnet.h"

struct fabric_params {
	uint64_t seed;
	unsigned reflectors, vteps; /* no reflectors: the VTEPs are meshed */
	unsigned tops;       /* reflectors of the reflectors; 0: these are meshed */
	unsigned homes;      /* reflectors that a VTEP has sessions with; 0: all */
	unsigned vnis;       /* 1 .. vnis */
	unsigned vnis_each;  /* of these, on each VTEP at the start */
	int64_t delay_us;    /* one way, at most; 0: 1 ms */
	int64_t slice_us;    /* how often dataplanes get their turn; 0: 5 ms */
	bool rtc;            /* sessions have RFC 4684: everybody holds what is imported there, or below */
	bool bare;           /* without kernels: no dataplane, no rows */
	uint16_t restart_s;  /* graceful restart with that time (RFC 4724, 8538); 0: none */
	uint32_t long_s;     /* long-lived, with that (RFC 9494); 0: none */
	bool add_path;       /* each end of a session has some mode of RFC 7911, from the seed */
};

struct speaker {
	struct sim_node *node;
	struct evpn *evpn;
	struct dp *dp;
	struct fakedp *kernel; /* NULL: reflector */
	struct ip address;
	struct ip_str name;
	bool up;
	struct mtime started;
	bool local; /* bgp has been told that its own routes are there */
	bool *vnis;   /* by number; what is configured */
	bool *absent; /* by number; its devices are gone */
	struct evpn_params evpn_params;
	struct bgp_listener listener; /* evpn's, with counting before it */
	uint64_t changes;             /* of best paths, since the speaker started first */
};

struct host {
	uint32_t vni;
	struct mac mac;
	struct ip ip;
	int at; /* speaker, -1: gone */
};

struct fabric {
	struct fabric_params p;
	struct simnet *net;
	struct log mute;
	struct speaker *s;
	unsigned n; /* tops, then reflectors, then VTEPs */
	struct host *hosts;
	unsigned n_hosts;
	char verdict[256]; /* of the last check */
};

struct fabric *fabric_new(const struct fabric_params *p);
void fabric_free(struct fabric *f);
/* Numbers of the VTEPs: fabric_first() .. f->n - 1. */
unsigned fabric_first(const struct fabric *f);
void fabric_run(struct fabric *f, int64_t us);
/* All sessions of speakers that are up are established within us; false: they are not. */
bool fabric_converge(struct fabric *f, int64_t us);

/* Takes a VNI on or gives it up; nothing happens at a speaker that is down. */
void fabric_vni(struct fabric *f, unsigned s, uint32_t vni, bool there);
/* The devices of a VNI, and with them all that its kernel has of it, go or come back. */
void fabric_devices(struct fabric *f, unsigned s, uint32_t vni, bool there);
/* The daemon dies; its kernel keeps what it has. */
void fabric_crash(struct fabric *f, unsigned s);
void fabric_restart(struct fabric *f, unsigned s);
/* The daemon ends as with rows: keep, and says so. */
void fabric_stop(struct fabric *f, unsigned s);

/* A new host, number of it. It says nothing yet. */
unsigned fabric_host(struct fabric *f, uint32_t vni, int at);
/* A frame and an ARP message of the host: its kernel learns what it does not know. */
void fabric_talk(struct fabric *f, unsigned host);
/* To another VTEP, -1: gone for good. down: the port it leaves goes down, else the old place is not told. */
void fabric_move(struct fabric *f, unsigned host, int to, bool down);

/* Two hosts of one VNI exchange their addresses. */
void fabric_swap(struct fabric *f, unsigned a, unsigned b);

/* Everyone talks, several times, with time between. */
void fabric_settle(struct fabric *f);
/* NULL when all is as it should be, else what is not, in words (f's until the next check). */
const char *fabric_check(struct fabric *f);
/*
 * The same for the routes: every speaker's best paths are exactly what those that are up originate, with the next hop
 * and the attributes that they went out with. Only when all sessions are up and nothing is under way.
 */
const char *fabric_check_routes(struct fabric *f);
/* Has the VTEP a session with the reflector? */
bool fabric_homed(const struct fabric *f, unsigned vtep, unsigned reflector);
/* Changes of best paths, of all speakers so far. */
uint64_t fabric_changes(const struct fabric *f);
/* VNIs and sessions are taken down; NULL when no object is left anywhere. */
const char *fabric_end(struct fabric *f);

#endif

/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/* A dataplane in a world (dpworld.h), what evpn would believe of it, and short words to look at it. */
#ifndef TESTS_DPBED_H
#define TESTS_DPBED_H

#include "tests/lib/dpworld.h"
#include "tests/lib/wishes.h"

/* By the last two octets of a MAC (02:00:00:00:xx:xx) and the last of an address. */
struct belief {
	unsigned ifindex[65536]; /* 0: not local */
	uint8_t flags[65536];
	bool ip[256];
	unsigned macs_gone;
	unsigned placed[65536], idle[65536], missed[65536]; /* rows on demand: how often each was said */
	bool ready;
};

struct bed {
	struct world *w;
	struct dp *d;
	struct log log;
	struct belief b;
	char lines[8192]; /* the log */
};

/* cmocka's: a world without and with a dataplane that runs; state is a struct bed. */
int bed_bare_fake(void **state);
int bed_bare_kernel(void **state);
int bed_running_fake(void **state);
int bed_running_kernel(void **state);
int bed_running_vtep(void **state);
int bed_teardown(void **state);

/* The test is skipped where this process may not make a network namespace. */
#define NEEDS_WORLD(t)                                                                                                 \
	do {                                                                                                           \
		if (!(t)->w)                                                                                           \
			SKIP("a network namespace takes CAP_SYS_ADMIN");                                               \
	} while (0)

struct dp_vni_params bed_params(void); /* two ports, neigh_suppress */
void bed_start_with(struct bed *t, const struct dp_vni_params *p);
void bed_start(struct bed *t);
void bed_stop(struct bed *t, bool flush);
void settle(struct bed *t); /* and look */

bool said(const struct bed *t, const char *text); /* a log line since bed_start() */

void learn(struct bed *t, unsigned mac, unsigned port, enum fakedp_hand hand);
/* Frames that port 1 or 2 has counted, and a wait of at most ten seconds for there to be so many. */
uint64_t frames_of(struct bed *t, unsigned port);
void await_frames(struct bed *t, unsigned port, uint64_t n);

/* what the last settle() saw */
const char *fdb(struct bed *t, unsigned mac); /* VTEP, "" without one; several with a space between */
unsigned port_of(struct bed *t, unsigned mac);
bool flood(struct bed *t, const char *vtep);
unsigned neighbour(struct bed *t, struct ip ip); /* number of its MAC, 0 without one */
struct dp_vni_info info(struct bed *t);
struct dp_stats stats(struct bed *t);

#endif

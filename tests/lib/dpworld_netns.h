/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * What the worlds in a network namespace of their own share: the namespace, its hosts,
 * and the wait until a dataplane has come to rest.
 *
 *	 h1 --- p1        u0 (192.0.2.1/24, 2001:db8::1/64) --- u1
 *	 h2 --- p2
 */
#ifndef TESTS_LIB_DPWORLD_NETNS_H
#define TESTS_LIB_DPWORLD_NETNS_H

#include "base/loop.h"
#include "tests/lib/dpworld.h"

struct settling {
	struct loop loop;
	struct loop_timer tick;
	struct dp *d; /* while it is waited for */
	struct dp_stats last;
	unsigned quiet, ticks;
	/* Is nothing more to come? same: the statistics are those of the last look. */
	bool (*is_quiet)(struct dp *d, bool same);
};

void settling_init(struct settling *s, bool (*is_quiet)(struct dp *d, bool same));
void settling_fini(struct settling *s);
/* Runs the loop until d was quiet a few times on end, 15 s at the most. */
void settling_run(struct settling *s, struct dp *d);

/* This process is in a namespace of its own from here on, as drawn; false when it may not. */
bool netns_enter(void);
/* The two ports, both ends, anew. */
void netns_make_ports(void);
unsigned netns_ifindex(struct world *w, unsigned port);

#endif

/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/* Two engines on a simulated network, each the other's neighbor, with the test family. */
#ifndef TESTS_LIB_PAIRWORLD_H
#define TESTS_LIB_PAIRWORLD_H

#include "bgp/session.h"
#include "tests/lib/lines.h"
#include "tests/lib/simnet.h"
#include "tests/lib/testroutes.h"

#define MS 1000LL
#define S 1000000LL

struct side {
	struct sim_node *node;
	struct bgp_peer *peer; /* the other one, as this side sees it */
	struct routes_seen seen;
	struct lines lines;
};

struct pair {
	struct simnet *net;
	struct side a, b; /* 192.0.2.1 and 192.0.2.2 */
};

struct side_setup {
	uint32_t asn, id; /* 0: 65001, and the address as a number */
	struct bgp_peer_params peer; /* asn 0: what the other side has; hold_time 0: 90 */
	bool no_hold;     /* hold time 0 */
};

struct pair_setup {
	struct simnet_params net;
	struct side_setup a, b;
	int64_t b_lag_us; /* b knows its peer so much later */
};

/* What is 0 in the setup is filled in there. */
void pair_start(struct pair *w, struct pair_setup *s);
void pair_end(struct pair *w);
/* For a side that begins anew: the parameters of its engine, and its neighbor in it. */
struct bgp_params side_params(const struct side_setup *s, struct side *side);
void side_peer(struct side *side, const struct side *other, struct side_setup *s, const struct side_setup *os);
struct bgp *side_bgp(const struct side *side);
struct bgp_peer_info side_info(const struct side *side);
/* Both are established; ctx is the struct pair, for simnet_run_until(). */
bool pair_up(void *ctx);
/* Until they are, and 100 ms more; the test fails after us. */
void pair_wait_up(struct pair *w, int64_t us);

#endif

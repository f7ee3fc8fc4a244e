/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/* One engine at 192.0.2.1 and one neighbor of it by hand (rawpeer.h) at 192.0.2.2, with the test family. */
#ifndef TESTS_LIB_RAWWORLD_H
#define TESTS_LIB_RAWWORLD_H

#include "bgp/session.h"
#include "tests/lib/lines.h"
#include "tests/lib/rawpeer.h"
#include "tests/lib/testroutes.h"

#define MS 1000LL
#define S 1000000LL
#define MARKER "ffffffffffffffffffffffffffffffff"
#define KEEPALIVE MARKER "0013 04"
/* Attributes of a route from inside, its next hop 198.51.100.1. */
#define ATTRS "40010100 400200 400504 00000064 c00804 00000001 "
#define REACH(nlri_len, nlri) "800e" nlri_len "0019 46 04 c6336401 00" nlri
#define ROUTE(key) REACH("0f", "03" key "01 73") /* three octets of key, shared part "s" */

struct raw_world {
	struct simnet *net;
	struct sim_node *dut;
	struct bgp_peer *peer;
	struct routes_seen seen;
	struct lines lines;
	struct rawpeer raw;
};

struct raw_setup {
	struct bgp_peer_params peer; /* passive unless active; asn 65001, hold_time 90 when 0 */
	bool active;
	uint32_t asn;                /* ours, 65001 when 0 */
	uint32_t next_hop;           /* of our own routes */
	uint64_t memory_limit;
	bool rtc;                    /* with route target memberships, too */
	bool reflect_unknown;
	uint16_t restart_time;
	uint32_t long_lived_time;
	struct raw_params raw;       /* asn and id as they should be when 0 */
	struct simnet_params net;
};

void raw_world_start(struct raw_world *w, struct raw_setup s);
void raw_world_end(struct raw_world *w);
struct bgp_peer_info raw_info(const struct raw_world *w);
void raw_run(struct raw_world *w, int64_t us);
/* The NOTIFICATION is there, is the last thing that came, and TCP is closed after it. data: hex, NULL for any. */
void raw_expect_end(struct raw_world *w, uint8_t code, uint8_t subcode, const char *data);

#endif

/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/* A BGP speaker by hand on a simulated network: says what the test gives it, and takes apart what it is told. */
#ifndef TESTS_LIB_RAWPEER_H
#define TESTS_LIB_RAWPEER_H

#include "tests/lib/simnet.h"

struct raw_params {
	uint32_t asn, id;
	uint16_t hold_time;
	bool no_as4;     /* a 2-octet speaker */
	const char *caps; /* further capabilities as hex, or NULL */
};

struct rawpeer {
	struct simnet *net;
	struct sim_node *node, *dut;
	struct raw_params p;
	struct sim_end *end; /* NULL: no connection */
};

struct raw_msg {
	uint8_t type;
	size_t len; /* of body */
	uint8_t body[65535];
};

/* Connects to dut and runs the network until its OPEN is there. False when it refuses. */
bool raw_connect(struct rawpeer *r);
/* Then OPEN and KEEPALIVE both ways; fails the test when that does not work. */
void raw_establish(struct rawpeer *r);
void raw_send_open(struct rawpeer *r);
void raw_send_keepalive(struct rawpeer *r);
/* Hex of one or more whole messages. */
void raw_send_hex(struct rawpeer *r, const char *hex);
/* An UPDATE of attributes in hex, nothing else. */
void raw_send_update(struct rawpeer *r, const char *attrs);
/* The same, but the engine has it at once, from its session with that neighbor: nothing else happens meanwhile. */
void raw_hand_in_update(struct rawpeer *r, struct bgp_peer *peer, const char *attrs);
/* The next message that has come; false when there is none whole. */
bool raw_next(struct rawpeer *r, struct raw_msg *m);
/* The next one of this type, past others; runs the network for us microseconds at most. */
bool raw_wait(struct rawpeer *r, uint8_t type, int64_t us, struct raw_msg *m);
/* Past everything that has come. */
void raw_flush(struct rawpeer *r);
bool raw_closed(const struct rawpeer *r);
void raw_drop(struct rawpeer *r);

#endif

/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * Reads the UPDATE messages that the outbound side writes, independently of the codec, as
 * far as tests of it look. It is strict: what a peer could take amiss fails the test.
 */
#ifndef TESTS_LIB_UPDREAD_H
#define TESTS_LIB_UPDREAD_H

#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/wire.h"

struct upd {
	size_t len;          /* octets of the message */
	bool reach, unreach; /* one of them */
	bool end_of_rib;
	uint16_t afi;
	uint8_t safi;
	struct rbuf nlri;
	struct ip next_hop;
	uint32_t community; /* the first one, 0 without */
	uint32_t originator;
	bool drained;       /* GRACEFUL_SHUTDOWN is among them */
	bool has_local_pref;
	uint32_t local_pref;
};

/* The next message off r, false at its end. */
bool upd_next(struct rbuf *r, struct upd *out);

#endif

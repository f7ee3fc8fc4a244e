/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/* Ethernet frames for tests of the userspace VTEP, and a slow checksum that owes nothing to the one under test. */
#ifndef TESTS_FRAMES_H
#define TESTS_FRAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct frame_plan {
	bool v6, udp;
	unsigned tags;    /* 802.1Q */
	unsigned options; /* octets of TCP options, a multiple of 4 */
	unsigned ecn;
	uint32_t payload;
	uint32_t seq;     /* TCP; the payload is a function of it, so that parts can be told */
	uint16_t id;      /* IPv4 */
	bool df;
	uint8_t tcp_flags; /* 0: ACK */
};

/* Writes the frame with all checksums and gives its length. */
size_t frame_build(const struct frame_plan *plan, uint8_t *p);
/* All checksums of a frame are right. */
bool frame_is_whole(const uint8_t *p, size_t len);

#endif

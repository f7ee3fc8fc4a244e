/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * What a daemon has told a session: counts, and for every route of the load what holds now. So a phase ends when the
 * state is right, however many messages it took, and who was told history instead of state can be seen.
 */
#ifndef BENCH_SINK_H
#define BENCH_SINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SINK_GONE 0u
/* State of a route that is held with this MED (0: none), below 255. */
#define SINK_HELD(med) ((uint8_t)(1 + (med)))

struct sink {
	uint8_t *held;       /* of route i of the load: SINK_GONE or SINK_HELD(); NULL: only counted */
	uint32_t n;          /* routes of the load */
	uint8_t want;        /* what every route of the load should come to */
	uint32_t right;      /* routes that have */
	uint64_t announced, withdrawn, updates, octets; /* NLRI, messages, octets of UPDATEs */
	uint64_t keepalives;
	bool open_seen, notified;
	uint8_t code, subcode; /* of the NOTIFICATION */
};

void sink_init(struct sink *s, uint32_t routes);
void sink_fini(struct sink *s);
void sink_want(struct sink *s, uint8_t want);
/* Takes whole messages off the front of data; returns the octets taken. */
size_t sink_feed(struct sink *s, const uint8_t *data, size_t len);

#endif

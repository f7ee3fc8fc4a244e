/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * Frames that found no row, kept for the moment that it takes to find out where they go:
 * the first packet of a conversation is not lost. Few, the oldest make room; what was not
 * let go within HOLD_MS is not worth sending any more.
 */
#ifndef DATAPLANE_HOLD_H
#define DATAPLANE_HOLD_H

#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/mtime.h"

#define HOLD_FRAMES 256u
#define HOLD_OCTETS 1600u
/* What an answer may take (2 s) and then the kernel, which keeps what waits for a neighbour as long. */
#define HOLD_MS 3000

struct hold_frame {
	const void *of; /* NULL: none */
	struct mtime since;
	uint16_t len;
	uint8_t frame[HOLD_OCTETS];
};

struct hold {
	struct hold_frame *at; /* NULL before the first */
	unsigned next;
};

void hold_fini(struct hold *h);
/* of: the VNI. One that is too long is not kept. */
void hold_put(struct hold *h, const void *of, const uint8_t *frame, size_t len, struct mtime now);
/* The frames to this MAC, oldest first. */
void hold_release(struct hold *h, const void *of, const struct mac *mac, struct mtime now,
		  void (*fn)(void *ctx, const uint8_t *frame, size_t len), void *ctx);
/* All of the VNI. */
void hold_forget(struct hold *h, const void *of);

#endif

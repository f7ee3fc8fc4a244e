/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * A packet socket's ring (PACKET_RX_RING, TPACKET_V2): the kernel writes small frames, as they
 * come, into memory that we share, so taking them needs no system call and their buffers are
 * freed where they were made. A slot is of one size; of a frame that is larger (a super-frame)
 * it has the beginning only, and the whole is read from the socket as without a ring.
 */
#ifndef DATAPLANE_VTEP_PORTRING_H
#define DATAPLANE_VTEP_PORTRING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct portring {
	uint8_t *map; /* NULL: there is none */
	uint32_t next;
};

/* A frame as it lies in its slot; vnet is in front of it. */
struct portring_frame {
	uint8_t *vnet;  /* struct virtio_net_hdr and frame, len octets together */
	uint32_t len;
	enum portring_state {
		PORTRING_WHOLE,
		PORTRING_QUEUED, /* it is the next that recvmsg gives */
		PORTRING_CUT     /* there was no room for it in the queue */
	} state;
	int tci;        /* of a tag that the kernel took off, -1: none */
};

/* For a socket with PACKET_VNET_HDR, before it is bound. -errno: it goes on without a ring. */
int portring_open(struct portring *r, int fd);
void portring_close(struct portring *r);
/* Frame number i from the next on; false when it has not come yet. */
bool portring_peek(const struct portring *r, uint32_t i, struct portring_frame *f);
/* Gives n slots back. */
void portring_release(struct portring *r, uint32_t n);

#endif

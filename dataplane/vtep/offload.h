/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * What network cards do and virtual ones leave to the next: checksums and segments. A frame from a port may be a
 * super-frame of 64 KiB with a checksum that is begun but not ended (struct virtio_net_hdr says so); on the wire go
 * segments with whole checksums. And back: segments that came in are put together, so that the port gets super-frames.
 * Pure. No payload is copied: segments are a header of their own and a part of the frame.
 */
#ifndef DATAPLANE_VTEP_OFFLOAD_H
#define DATAPLANE_VTEP_OFFLOAD_H

#include <linux/virtio_net.h>
#include <sys/uio.h>

#include "dataplane/vtep/frame.h"

#ifndef VIRTIO_NET_HDR_GSO_UDP_L4
#define VIRTIO_NET_HDR_GSO_UDP_L4 5
#endif
#define OFFLOAD_HEAD 160u /* no header is longer: Ethernet, two tags, IPv6 or IPv4 with options, TCP with options */

/* Ends the checksum that vh says is begun. False when vh points outside of the frame. */
bool offload_complete(uint8_t *p, size_t len, const struct virtio_net_hdr *vh);

/* ---- segmentation ------------------------------------------------------------------------------------------------ */

struct segments {
	const struct frame *f;
	const uint8_t *p;
	uint32_t size;    /* payload octets of a segment */
	uint32_t payload; /* of all */
	uint32_t n;
};

/* False: vh asks for what cannot be done with this frame, which must be dropped. max: payload of a segment, 0: any. */
bool segments_init(struct segments *s, const struct frame *f, const uint8_t *p, size_t len,
		   const struct virtio_net_hdr *vh, uint32_t max);
/* Segment i: writes its header (s->f->payload octets, at most OFFLOAD_HEAD) and gives its part of the payload. */
struct iovec segments_get(const struct segments *s, uint32_t i, uint8_t *head);

/* ---- coalescing -------------------------------------------------------------------------------------------------- */

enum csum_state {
	CSUM_GOOD,
	/*
	 * Only begun: a kernel's VTEP on this host sent the frame as it was. One in 65,536 that is complete looks the
	 * same; to end it once more gives the same checksum.
	 */
	CSUM_PARTIAL,
	CSUM_NONE,    /* none to check: not TCP or UDP, or a UDP packet without */
	CSUM_BAD
};
enum csum_state offload_check(const struct frame *f, const uint8_t *p);

/* A super-frame that grows. */
struct merge {
	struct frame f; /* of its first segment */
	uint8_t *p;
	uint32_t len;     /* octets in all, headers once */
	uint32_t size;    /* payload of the first; the last may be shorter */
	uint32_t next;    /* TCP: the sequence number that goes on */
	uint16_t n;
	bool closed;
};

/* The first. False when nothing can be added to a frame like this. */
bool merge_start(struct merge *m, const struct frame *f, uint8_t *p);
/* Joins the payload of a frame that continues where m ends to m (its octets stay in place). False: it does not fit. */
bool merge_add(struct merge *m, const struct frame *f, const uint8_t *p);
/* Brings the header up to date with what was added, and says so in vh. */
void merge_finish(struct merge *m, struct virtio_net_hdr *vh);

/*
 * What a port is told of a frame that was not merged: a checksum only begun, and, larger than mtu (of IP), a
 * super-frame that must be taken apart again.
 */
void offload_describe(const struct frame *f, const uint8_t *p, enum csum_state state, uint32_t mtu,
		      struct virtio_net_hdr *vh);

#endif

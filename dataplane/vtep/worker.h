/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/* A forwarding thread: what it reads into, what it sends from, what it counts. Its own, but for the counters. */
#ifndef DATAPLANE_VTEP_WORKER_H
#define DATAPLANE_VTEP_WORKER_H

#include <sys/socket.h>

#include "dataplane/vtep/vtep.h"

#define RX_SLOTS 64u          /* frames a system call */
#define RX_SLOTS_BIG 2u       /* super-frames: what is in flight should fit into the cache */
#define RX_BIG 8192u
#define RX_HEADROOM 64u       /* in front of a frame: VXLAN header, a tag put on, vnet header */
#define RX_SLOT (RX_HEADROOM + 65536u + 128u + 4096u) /* no power of two: heads must not share a set of the cache */
#define RX_CONTROL 128u

#define REST_NS 50000u
#define REST_FRAMES 8u        /* so many are expected meanwhile */
#define REST_SMALL 1024u      /* octets: larger segments are a stream's, which would be slowed down */

#define OUT_SEGMENTS 64u      /* UDP_MAX_SEGMENTS of kernels before 6.9 */
#define OUT_OCTETS 65000u     /* of a message to the underlay */
#define OUT_IOV 192u
#define OUT_MESSAGES 64u
#define OUT_LOOK_BACK 8u      /* messages that a frame may still join */
#define OUT_COPIED 256u       /* octets: what is smaller is copied, so that a message has fewer pieces */
#define SCRATCH (256u * 1024) /* headers of segments, small frames */

/* A frame on its way. */
struct pkt {
	uint8_t *p;
	uint32_t len;
	struct frame f;
	struct virtio_net_hdr vh; /* of a frame from a port */
	struct vport *port;       /* that one; NULL: from the underlay */
};

/* To a VTEP: segments of one size, the last may be smaller. */
struct out_udp {
	struct underlay *u;
	struct dest *dest;
	uint8_t bucket, tos;
	bool closed;
	uint16_t size;
	uint16_t n;
	uint32_t octets;
	uint32_t n_iov;
	uint8_t control[64] __attribute__((aligned(8)));
	struct iovec iov[OUT_IOV];
};

/* To a port. */
struct out_port {
	struct vport *port;
	struct netdev *dev;
	bool merging;
	uint32_t hash;
	uint32_t len;
	struct merge m;
	struct virtio_net_hdr vh;
	uint8_t tag[4];
	uint32_t n_iov;
	struct iovec iov[OUT_IOV];
};

/* What was told lately. */
struct recent {
	uint64_t what;
	uint32_t at; /* of the ring */
	uint16_t second, times;
};

struct worker {
	struct vtep *v;
	unsigned nr;
	pthread_t thread;
	bool started;
	bool stop; /* published */
	int epfd;
	struct source wake;
	uint16_t now;
	bool told;
	uint16_t from_port; /* of the packet from the underlay */
	struct remote *remote; /* that the last one was from */
	bool full;           /* more was there than a batch takes */
	uint32_t singles;    /* frames of this turn, but super-frames */
	uint64_t counted_at; /* since when, ns */
	/* in */
	uint8_t *slots;
	struct mmsghdr *rx;
	struct iovec *rx_iov;
	struct sockaddr_in6 *rx_from;
	uint8_t (*rx_control)[RX_CONTROL];
	bool big;
	/* out */
	struct out_udp *udp;
	unsigned n_udp;
	struct out_port *ports;
	unsigned n_ports;
	struct mmsghdr *tx;
	uint8_t *scratch;
	uint32_t scratch_used;
	struct recent recent[256];
	struct heard_ring *ring;
	struct said_ring *said;
	uint16_t toobig_s, toobig_n; /* hosts told in this second that a packet was too big */
	struct missed_ring *missed;
	/* counters */
	uint64_t drops[VTEP_DROPS];
	uint64_t batches, not_told;
};

/* Of the source ports by which packets leave: the same for all of a flow. */
static inline unsigned out_bucket(uint32_t hash)
{
	return (hash ^ hash >> 16) % VTEP_SOURCE_PORTS;
}

static inline void count(uint64_t *c, uint64_t n)
{
	__atomic_store_n(c, *c + n, __ATOMIC_RELAXED); /* ours alone: no locked instruction */
}

void worker_drop(struct worker *w, enum vtep_drop why, struct traffic *t);
/* n octets that stay until the queues are flushed. */
uint8_t *worker_scratch(struct worker *w, uint32_t n);
void worker_tell(struct worker *w, const struct heard *h);
/* The beginning of a frame that came from a port, for the control thread. False when its ring is full. */
bool worker_pass_on(struct worker *w, uint32_t vni, uint16_t port, const uint8_t *frame, uint32_t len);
/* A frame that found no row; whole: it can be sent as it is. The same. */
bool worker_miss(struct worker *w, const struct bridge *b, const uint8_t *frame, uint32_t len, bool whole);

/* ---- answer.c ---------------------------------------------------------------------------------------------------- */

/* ARP or ND from a port, with whole checksums. True: it is not to be forwarded. */
bool answer_from_port(struct worker *w, struct vport *port, struct pkt *k);
/*
 * Who has the address, behind a VTEP, NULL for nobody: the binding is published, and its
 * MAC is really there, not on a port of ours again or nowhere yet.
 */
const struct binding *answer_owner(const struct bridge *b, const struct ip *ip);
/* The same for one out of the tunnel of a bridge that learns from it. */
bool answer_from_tunnel(struct worker *w, struct bridge *b, const struct pkt *k);

/* ---- forward.c --------------------------------------------------------------------------------------------------- */

/* tci: of a tag that was taken off on the way in, or -1. */
void forward_from_port(struct worker *w, struct netdev *dev, struct pkt *k, int tci);
/* One VXLAN packet; ecn: of the outer header. */
void forward_from_underlay(struct worker *w, struct underlay *u, const struct ip *from, uint8_t *p, uint32_t len,
			   unsigned ecn);

/* ---- outq.c ------------------------------------------------------------------------------------------------------ */

/* head is a VXLAN header and what follows it, body what follows that (or nothing). They stay where they are. */
void out_to_vtep(struct worker *w, struct underlay *u, struct dest *d, uint32_t hash, unsigned tos, struct iovec head,
		 struct iovec body);
/* From another port (vh as it came) or, merge, from the underlay: may be put together with those before it. */
void out_to_port(struct worker *w, struct vport *port, struct pkt *k, bool merge);
void out_flush(struct worker *w);

#endif

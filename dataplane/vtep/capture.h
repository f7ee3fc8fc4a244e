/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * Frames of a VNI as they come and go, for someone who looks on. A worker copies what is
 * asked for into a ring of its own; the control thread sends it on. A ring that is full loses
 * frames and counts them: nobody waits. Without a capture it costs a look at a pointer.
 */
#ifndef DATAPLANE_VTEP_CAPTURE_H
#define DATAPLANE_VTEP_CAPTURE_H

#include "dataplane/vtep/worker.h"

struct capture;

static inline struct capture *capture_of(const struct bridge *b)
{
	return __builtin_expect(!!b->capture, 0) ? __atomic_load_n(&b->capture, __ATOMIC_ACQUIRE) : NULL;
}

/* ---- a worker's -------------------------------------------------------------------------------------------------- */

/* k: parsed. out: it goes to the port. */
void capture_at_port(struct worker *w, struct capture *c, const struct vport *port, const struct pkt *k, bool out);
/* What goes to a VTEP with frame k in it; head and body as in out_to_vtep(). */
void capture_to_vtep(struct worker *w, struct capture *c, const struct dest *d, const struct pkt *k, unsigned tos,
		     struct iovec head, struct iovec body);
/* What came, from the VXLAN header on. */
void capture_from_vtep(struct worker *w, struct capture *c, const struct ip *from, const uint8_t *p, uint32_t len,
		       const struct pkt *k, unsigned ecn);

/* ---- the control thread's ---------------------------------------------------------------------------------------- */

/* As struct dp_ops has it. */
int capture_start(void *be, void *data, const struct dp_capture *what, int fd, char *why, size_t cap);
/* No harm without one. */
void capture_end(struct bridge *b);
/* Sends what there is; true when there is more. */
bool capture_send(struct bridge *b);

#endif

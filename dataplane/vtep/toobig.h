/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * What a host is told whose packet does not fit through the tunnel: ICMP "fragmentation needed" (RFC 792, 1191 4) or
 * ICMPv6 "packet too big" (RFC 4443 3.2). A bridge has no address, so it comes from the one that the packet was for, as
 * from Linux's VXLAN devices. Pure.
 */
#ifndef DATAPLANE_VTEP_TOOBIG_H
#define DATAPLANE_VTEP_TOOBIG_H

#include "dataplane/vtep/frame.h"

#define TOOBIG_MAX (FRAME_MAC + 1280u) /* octets of the answer, RFC 4443 2.4 (c) */

/*
 * Writes the answer to frame p of len octets, for an IP MTU. Gives its length; 0: none is due: not unicast IP, may be
 * fragmented, is an ICMP error itself, or tagged.
 */
uint32_t toobig_answer(const struct frame *f, const uint8_t *p, uint32_t len, uint32_t mtu, uint8_t out[TOOBIG_MAX]);

#endif

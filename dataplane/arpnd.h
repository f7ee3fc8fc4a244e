/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * ARP (RFC 826, 5227) and neighbour discovery (RFC 4861) on Ethernet, as far as an EVPN VTEP wants to know
 * of them: which address a packet says to be where, and what it asks for. Bytes to a struct and back; pure.
 */
#ifndef DATAPLANE_ARPND_H
#define DATAPLANE_ARPND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "include/dataplane.h"

#define ARPND_SNAP 256u      /* octets of a frame that are looked at */
#define ARPND_FRAME_MAX 86u  /* octets of a frame that is built */

/* What one packet says. */
struct arpnd {
	uint8_t kind;       /* enum dp_heard_kind */
	bool unicast;       /* sent to one station */
	bool router;        /* the sender of a binding is a router: NA with R, router advertisement */
	bool tells_router;  /* the packet has a place to say so */
	struct mac src;     /* of the frame */
	struct ip ip;       /* it says that this address is ... */
	struct mac mac;     /* ... here; ip is none when it binds nothing */
	struct ip target;   /* what it asks for or answers; none without */
};

/*
 * False for what is neither: too short, tagged, a wrong checksum or hop limit, a fragment. Addresses are not judged but
 * for the binding, which is none unless it is of a unicast address to a unicast MAC.
 */
bool arpnd_parse(const uint8_t *frame, size_t len, struct arpnd *out);

/*
 * Frames; the octets written. ask: is ip still at mac? Unicast, and such that it changes no table on its way: an ARP
 * probe with no sender address (RFC 5227 2.1), a solicitation from the link-local address that belongs to from. from
 * must be a MAC whose frames the bridge takes for itself.
 */
size_t arpnd_build_ask(uint8_t frame[ARPND_FRAME_MAX], const struct ip *ip, const struct mac *mac,
		       const struct mac *from);
/*
 * The answer to a question or probe for ip, as its owner mac would give it (RFC 9161 3.3).
 * To an IPv6 host that does not have its address yet it goes to all nodes (RFC 4861 7.2.4).
 */
size_t arpnd_build_answer(uint8_t frame[ARPND_FRAME_MAX], const struct arpnd *question, const struct mac *mac,
			  bool router);

#endif

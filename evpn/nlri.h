/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * EVPN NLRI (RFC 7432 7, RFC 9136 3.1) as a key and a shared part, and as typed values.
 *
 * A key is the route type and the fields that name a route, in wire order without the lengths, so that keys compare by
 * memcmp() and an index needs no other knowledge:
 *
 *   1  Ethernet A-D     | 1 | RD 8 | ESI 10 | tag 4 |                       23
 *   2  MAC/IP           | 2 | RD 8 | tag 4 | MAC 6 | IP 0, 4 or 16 |        19, 23 or 35
 *   3  Multicast        | 3 | RD 8 | tag 4 | originator 4 or 16 |           17 or 29
 *   4  Ethernet Segment | 4 | RD 8 | ESI 10 | originator 4 or 16 |          23 or 35
 *   5  IP prefix        | 5 | RD 8 | tag 4 | length 1 | prefix 4 or 16 |    18 or 30, host bits zero
 *   6, 7, 8  memberships | type | the NLRI's octets but the last 1, 1, 6 |   carried opaque
 *   other               | type | the NLRI's octets as they came |           carried opaque, nothing shared
 *
 * Shared is what routes of one origin have in common, and what a withdrawal may leave out:
 *
 *   1  | label 3 |                            3
 *   2  | ESI 10 | label 3 | label 3 or - |    13 or 16
 *   5  | ESI 10 | gateway 4 or 16 | label 3 | 17 or 29
 *   6, 7, 8  | the last 1, 1, 6 octets |       1, 1, 6
 *
 * Labels are 24 bits, which is a VNI with VXLAN (RFC 8365 5.1.3).
 */
#ifndef EVPN_NLRI_H
#define EVPN_NLRI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "include/bgp.h"

enum evpn_type {
	EVPN_AD = 1,     /* Ethernet auto-discovery */
	EVPN_MAC_IP = 2, /* MAC/IP advertisement */
	EVPN_IMET = 3,   /* inclusive multicast Ethernet tag */
	EVPN_ES = 4,     /* Ethernet segment */
	EVPN_PREFIX = 5, /* IP prefix */
	EVPN_SMET = 6,       /* RFC 9251: selective multicast, and how PEs of a segment agree on members; not read */
	EVPN_JOIN_SYNC = 7,
	EVPN_LEAVE_SYNC = 8
};

#define EVPN_AD_KEY 23u         /* octets of its key */
#define EVPN_MAX_ET 0xffffffffu /* Ethernet tag of an A-D route per segment, RFC 7432 8.2.1 */

/* The codec of struct bgp_family; see there. */
enum bgp_nlri_verdict evpn_nlri_decode(struct rbuf *r, bool withdraw, struct bgp_nlri *out);
void evpn_nlri_encode(struct wbuf *w, const uint8_t *key, size_t key_len, const uint8_t *shared, size_t shared_len);
size_t evpn_nlri_encoded_len(const uint8_t *key, size_t key_len, size_t shared_len);

/* A route taken apart; what its type does not have is zero / none. */
struct evpn_nlri {
	uint8_t type;
	uint8_t rd[8];
	uint8_t esi[10];
	uint8_t prefix_len; /* type 5, bits */
	bool has_label2;
	uint32_t tag;
	struct mac mac;
	struct ip ip;      /* type 2: host, may be none; 3 and 4: originator; 5: prefix */
	struct ip gateway; /* type 5 */
	uint32_t label;    /* label1: the VNI of the bridge domain (types 1 and 2) or of the VRF (type 5) */
	uint32_t label2;   /* type 2: the VNI of the VRF (RFC 9135) */
};

/*
 * From key and shared part; shared_len 0 leaves what is not key zero (a withdrawal). false for types other than 1 to 5
 * and for lengths that this codec does not make; *out is then undefined.
 */
bool evpn_nlri_parse(const uint8_t *key, size_t key_len, const uint8_t *shared, size_t shared_len,
		     struct evpn_nlri *out);
/* The reverse; in->type must be 1 to 5, and its addresses of a length that the type has. */
void evpn_nlri_build(const struct evpn_nlri *in, struct bgp_nlri *out);

/*
 * Key and shared part of the commonest routes, written directly. ip may be none; label2 0
 * leaves out the second label.
 */
void evpn_nlri_mac(struct bgp_nlri *out, const uint8_t rd[8], uint32_t tag, const struct mac *mac, const struct ip *ip,
		   const uint8_t esi[10], uint32_t label, uint32_t label2);
void evpn_nlri_imet(struct bgp_nlri *out, const uint8_t rd[8], uint32_t tag, const struct ip *originator);

/* Keys only, for withdrawals and look-ups; the shared part is empty. */
struct bgp_nlri evpn_key_mac(const uint8_t rd[8], uint32_t tag, const struct mac *mac, const struct ip *ip);
struct bgp_nlri evpn_key_imet(const uint8_t rd[8], uint32_t tag, const struct ip *originator);

/* The 8 octets of the RD of a key of types 1 to 5. */
static inline const uint8_t *evpn_key_rd(const uint8_t *key)
{
	return key + 1;
}

#endif

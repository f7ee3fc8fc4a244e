/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * The VXLAN header, RFC 7348 5:
 *
 *	 0                   1                   2                   3
 *	 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 *	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 *	|R|R|R|R|I|R|R|R|            Reserved                           |
 *	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 *	|                VXLAN Network Identifier (VNI) |   Reserved    |
 *	+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 *
 * R bits and reserved fields are sent as zero and ignored on receipt, as the RFC asks;
 * without the I flag there is no VNI.
 */
#ifndef DATAPLANE_VTEP_VXLAN_H
#define DATAPLANE_VTEP_VXLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define VXLAN_HEADER 8u
#define VXLAN_FLAG_VNI 0x08u

static inline void vxlan_write(uint8_t h[VXLAN_HEADER], uint32_t vni)
{
	const uint8_t b[VXLAN_HEADER] = { VXLAN_FLAG_VNI, 0, 0, 0, (uint8_t)(vni >> 16), (uint8_t)(vni >> 8),
					  (uint8_t)vni,   0 };

	__builtin_memcpy(h, b, sizeof(b));
}

/* False when the packet is too short for the header or has no VNI. */
static inline bool vxlan_read(const uint8_t *p, size_t len, uint32_t *vni)
{
	if (len < VXLAN_HEADER || !(p[0] & VXLAN_FLAG_VNI))
		return false;
	*vni = (uint32_t)p[4] << 16 | (uint32_t)p[5] << 8 | p[6];
	return true;
}

#endif

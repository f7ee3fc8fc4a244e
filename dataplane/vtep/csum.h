/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/* The Internet checksum (RFC 1071), on sums that are folded late. */
#ifndef DATAPLANE_VTEP_CSUM_H
#define DATAPLANE_VTEP_CSUM_H

#include <arpa/inet.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Adds octets to a sum. Sums are of 16-bit words in the byte order of memory, so a folded one is stored as it is. What
 * is added after an odd number of octets counts as padded: only the last part may be odd.
 */
uint64_t csum_add(uint64_t sum, const void *p, size_t len);

/* A number in host order, as its octets on the wire would count. */
static inline uint64_t csum_add16(uint64_t sum, uint16_t host)
{
	return sum + htons(host);
}

static inline uint16_t csum_fold(uint64_t sum)
{
	sum = (sum & 0xffffffff) + (sum >> 32);
	sum = (sum & 0xffffffff) + (sum >> 32);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)sum;
}

#endif

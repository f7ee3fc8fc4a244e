/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
#include "dataplane/vtep/csum.h"

#include <string.h>

#define BLOCK 64u
#if defined(__x86_64__) && !defined(__clang__)
#define VECTORS __attribute__((optimize("O3"), target_clones("avx512f", "avx2", "default")))
#else
#define VECTORS
#endif

/*
 * 32-bit words into 64-bit lanes: no carries to care for below 2^32 words, and the compiler makes vectors of it. The
 * sum that comes in is folded first, so that nothing overflows.
 */
VECTORS static uint64_t add_blocks(const uint8_t *p, size_t blocks)
{
	uint64_t lane[BLOCK / 4] = { 0 };
	uint64_t sum = 0;

	for (; blocks; blocks--, p += BLOCK) {
		uint32_t w[BLOCK / 4];

		memcpy(w, p, BLOCK);
		for (unsigned i = 0; i < BLOCK / 4; i++)
			lane[i] += w[i];
	}
	for (unsigned i = 0; i < BLOCK / 4; i++)
		sum += lane[i];
	return sum;
}

uint64_t csum_add(uint64_t sum, const void *data, size_t len)
{
	const uint8_t *p = data;

	sum = (sum & 0xffffffff) + (sum >> 32);
	if (len >= BLOCK) {
		sum += add_blocks(p, len / BLOCK);
		p += len & ~(size_t)(BLOCK - 1);
		len &= BLOCK - 1;
	}
	for (; len >= 4; len -= 4, p += 4) {
		uint32_t w;

		memcpy(&w, p, 4);
		sum += w;
	}
	if (len) {
		uint32_t w = 0;

		memcpy(&w, p, len);
		sum += w;
	}
	return sum;
}

/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
#include "dataplane/vtep/csum.h"

#include <string.h>

#define BLOCK 64u
/* The choice between clones is made before ThreadSanitizer has begun. */
#if defined(__x86_64__) && !defined(__clang__) && !defined(__SANITIZE_THREAD__)
#define VECTORS __attribute__((target_clones("avx2", "default")))
#else
#define VECTORS
#endif

/* Four 64-bit lanes; the compiler takes what registers there are. */
typedef uint64_t lanes __attribute__((vector_size(32)));

/*
 * 32-bit words into 64-bit lanes: no carries to care for below 2^32 words. The sum that
 * comes in is folded first, so that nothing overflows.
 */
VECTORS static uint64_t add_blocks(const uint8_t *p, size_t blocks)
{
	const lanes low = { UINT32_MAX, UINT32_MAX, UINT32_MAX, UINT32_MAX };
	lanes even[2] = { { 0 } }, odd[2] = { { 0 } }, sum;

	for (; blocks; blocks--, p += BLOCK) {
		lanes a, b;

		memcpy(&a, p, sizeof(a));
		memcpy(&b, p + sizeof(a), sizeof(b));
		even[0] += a & low;
		odd[0] += a >> 32;
		even[1] += b & low;
		odd[1] += b >> 32;
	}
	sum = even[0] + odd[0] + even[1] + odd[1];
	return sum[0] + sum[1] + sum[2] + sum[3];
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

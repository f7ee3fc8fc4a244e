/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/* Growing arrays, and places in sorted ones. The array, its length and its capacity are the caller's own variables. */
#ifndef BASE_ARRAY_H
#define BASE_ARRAY_H

#include "base/log.h"

/*
 * Room for one more element in v, which holds n and has space for cap. The space doubles, beginning with `first`; v and
 * cap change with it. v may be NULL while cap is 0, and is freed with free(). Arguments are evaluated more than once.
 */
#define array_room(v, n, cap, first)                                                                                   \
	do {                                                                                                           \
		if ((n) == (cap)) {                                                                                    \
			(cap) = (cap) ? 2 * (cap) : (first);                                                           \
			(v) = xrealloc((v), (cap) * sizeof(*(v)));                                                     \
		}                                                                                                      \
	} while (0)

/*
 * The first i below n for which cond, an expression of i, is true; n without one. Once true it must
 * be true for all that follow, as "not below the key" is in a sorted array: it is found by halves.
 */
#define array_first(i, n, cond)                                                                                        \
	({                                                                                                             \
		__typeof__((n) + 0u) lo_ = 0, hi_ = (n);                                                               \
		while (lo_ < hi_) {                                                                                    \
			__typeof__(lo_) i = lo_ + (hi_ - lo_) / 2;                                                     \
			if (cond)                                                                                      \
				hi_ = i;                                                                               \
			else                                                                                           \
				lo_ = i + 1;                                                                           \
		}                                                                                                      \
		lo_;                                                                                                   \
	})

#endif

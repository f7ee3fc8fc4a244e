/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/* Random numbers that can be had again: a test prints its seed, SEED=N in the environment repeats the run. */
#ifndef TESTS_LIB_RNG_H
#define TESTS_LIB_RNG_H

#include <stdint.h>

struct rng {
	uint64_t state;
};

/* Seeded from $SEED, else from the clock; says on stdout which seed of which test it is. */
struct rng rng_start(const char *test);
uint64_t rng_u64(struct rng *r);
/* 0 to n - 1, n above 0. */
uint32_t rng_below(struct rng *r, uint32_t n);

#endif

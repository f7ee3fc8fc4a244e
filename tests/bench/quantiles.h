/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/* What benches print of many figures. */
#ifndef BENCH_QUANTILES_H
#define BENCH_QUANTILES_H

#include <stdint.h>

/* "name": {"n": .., "p50": .., "p90": .., "p99": .., "max": ..} on stdout; sorts v. */
void print_quantiles(const char *name, double *v, uint32_t n);

#endif

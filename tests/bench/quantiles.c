/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
#include "tests/bench/quantiles.h"

#include <stdio.h>
#include <stdlib.h>

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

void print_quantiles(const char *name, double *v, uint32_t n)
{
	qsort(v, n, sizeof(*v), by_value);
	printf("\"%s\": {\"n\": %u, \"p50\": %.3f, \"p90\": %.3f, \"p99\": %.3f, \"max\": %.3f}", name, n, v[n / 2],
	       v[n * 9 / 10], v[n * 99 / 100], v[n - 1]);
}

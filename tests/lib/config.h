/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/* Configurations for tests: equality written out by hand, beside the schema that it checks, and random ones. */
#ifndef TESTS_LIB_CONFIG_H
#define TESTS_LIB_CONFIG_H

#include "include/config.h"
#include "tests/lib/rng.h"

/* NULL when equal, else the field that differs. */
const char *config_difference(const struct config *a, const struct config *b);
/* A configuration without contradictions that uses every key now and then. For config_free(). */
struct config *config_random(struct rng *r);

#endif

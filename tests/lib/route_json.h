/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * What a family prints of a route, as text. A test that reads it with jansson cannot include base/json.h: both declare
 * functions of the same names.
 */
#ifndef TESTS_LIB_ROUTE_JSON_H
#define TESTS_LIB_ROUTE_JSON_H

#include "include/bgp.h"

/* One object; free() it. */
char *route_json(const struct bgp_family *f, const uint8_t *key, size_t key_len, const struct bgp_attrs *a);

#endif

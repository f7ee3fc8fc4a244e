/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/* An EVPN route as JSON. */
#ifndef EVPN_PRINT_H
#define EVPN_PRINT_H

#include "base/json.h"
#include "include/bgp.h"

/*
 * bgp_family.print and .print_attrs: members of an open object. Every member is there for
 * every route, null where it does not apply.
 */
void evpn_route_print(struct json *j, const uint8_t *key, size_t key_len, const struct bgp_attrs *a);
void evpn_attrs_print(struct json *j, const struct bgp_attrs *a);

#endif
